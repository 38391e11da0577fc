//! Is a membership change safe, by which steps, and who must be up at each? Names in, advice out.
//!
//! Holds: the steps are those of the core's planner; every set is counted by its own majority; equal questions give
//! equal advice.
//! Not here: carrying a change out (`runner`), and whether a node really is down (the operator knows).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use splitbrain_core::membership::change::Policy;
use splitbrain_core::membership::planning;
use splitbrain_core::quorum::{majority, quorums_apart};
use splitbrain_core::{
    Address, Change, ChangeRefused, Intersect, Membership, NodeId, Rule, SetMode, VoterSet,
};

/// Voter sets by name; more than one is a joint config.
pub type Sets = Vec<BTreeSet<String>>;

/// The largest question: whether quorums meet is searched in as many states as the product, over all sets of both
/// memberships, of what each needs and one. Four sets of nine nodes against two others are 46,656.
pub const STATES_MAX: usize = 500_000;

/// Most steps of a plan; the planner needs two.
const STEPS_MAX: usize = 8;

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The voter sets now.
    pub from: Sets,
    /// The voter sets wanted.
    pub to: Sets,
    /// Nodes that are known to be down, and stay down.
    pub down: BTreeSet<String>,
}

/// What there is to say about a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Whether the change can be carried out now.
    pub verdict: Verdict,
    /// Whether one entry could do it.
    pub directly: Directly,
    /// Who would vote and does not now; they should catch up as learners before.
    pub newcomers: BTreeSet<String>,
    /// Who votes now and would not.
    pub leaving: BTreeSet<String>,
    /// Whether the newcomers are at least as many as those who stay (Apache Ratis, RATIS-1912); `None` where one of the
    /// memberships is joint.
    pub majority_add: Option<MajorityAdd>,
    /// The present members, and the members after each step.
    pub steps: Vec<Step>,
    /// What the failure of one more node would do, if it came now and lasted: every voter that is up.
    pub failures: Vec<Failure>,
    /// The rules that make it safe.
    pub rules: Vec<&'static str>,
    /// What else an operator should know.
    pub notes: Vec<String>,
}

/// Whether the change can be carried out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "step")]
pub enum Verdict {
    /// Every step can be committed by those who are up.
    Possible,
    /// The members are these already.
    NothingToDo,
    /// This step (0: the present members, even if nothing is to be done) cannot be committed by those who are up.
    BlockedAt(usize),
}

/// Whether one entry could do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Directly {
    /// By an identical set on both sides, or one node of difference (openraft `append_membership`, thesis 4.1).
    pub by_shared_set: bool,
    /// As any quorum of the one meets any of the other.
    pub by_quorums: bool,
    /// Otherwise, a quorum of the old and one of the new members that do not meet: two leaders.
    pub split: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

/// Newcomers against those who stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MajorityAdd {
    /// Voters that are new.
    pub new: usize,
    /// Voters that stay.
    pub stay: usize,
    /// Whether Apache Ratis refuses it unless told otherwise.
    pub refused: bool,
}

/// What the failure of one node would do. Committed entries are lost in no case: what is lost is the ability to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Whose; any one of them.
    pub nodes: BTreeSet<String>,
    /// What is lost.
    pub loss: Loss,
}

/// What the failure of a node takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "step")]
pub enum Loss {
    /// The present members can decide nothing.
    Cluster,
    /// This step cannot be committed: a change that is begun gets stuck there.
    Change(usize),
    /// The change can be carried out without it.
    Nothing,
}

/// The members at one point of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The voter sets.
    pub sets: Sets,
    /// What each set needs, in their order.
    pub needs: Vec<Need>,
    /// Who else may be needed until the step is committed: a new leader that has not heard of it is elected by the
    /// members before it. Empty for the present members.
    pub until_committed: Sets,
    /// Whether those who are up can decide.
    pub decides: bool,
    /// How many more nodes may fail, whichever they are; 0 also when nothing can be decided.
    pub spare: usize,
    /// Nodes that are up and whose failure alone would stop the cluster.
    pub critical: BTreeSet<String>,
}

/// What one voter set needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// How many of the set decide.
    pub needed: usize,
    /// How many there are.
    pub of: usize,
    /// How many are up.
    pub up: usize,
}

/// Reads voter sets: `[[a,b,c],[d]]`, `[a,b,c]` or `a,b,c`; names may stand in quotes.
///
/// # Errors
/// What was expected instead.
pub fn parse_sets(text: &str) -> Result<Sets, String> {
    let unquoted: String = text.chars().filter(|c| !"\"'".contains(*c)).collect();
    let without_space =
        |text: String, sign: &&str| text.split(*sign).map(str::trim).collect::<Vec<_>>().join(sign);
    let bare = ["[", "]", ","].iter().fold(unquoted, without_space);
    let nested = bare.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
    let flat = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&bare);
    let sets: Vec<&str> = nested.map_or_else(|| vec![flat], |inner| inner.split("],[").collect());
    sets.into_iter().map(parse_names).collect()
}

/// Reads names separated by commas; at least one, each once.
///
/// # Errors
/// What was expected instead.
pub fn parse_names(text: &str) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    for name in text.split(',').map(str::trim) {
        let good = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        if name.is_empty() || !name.chars().all(good) {
            return Err(format!("expected names such as a,b,c or [[a,b,c],[d]], found {text:?}"));
        }
        if !names.insert(name.to_owned()) {
            return Err(format!("node {name:?} is twice in one voter set"));
        }
    }
    Ok(names)
}

/// Judges a change.
///
/// # Errors
/// When the question cannot be: an empty set, a node down that is nowhere, or sets so many and large that it would take
/// more than [`STATES_MAX`] states.
pub fn advise(question: &Question) -> Result<Advice, String> {
    let names = Roster::of(question)?;
    let question = &names.distinct(question)?;
    let way = names.way(question)?;
    let steps = steps(&way, &question.down);
    let blocked = steps.iter().position(|step| !step.decides);
    let verdict = match blocked {
        Some(step) => Verdict::BlockedAt(step),
        None if steps.len() == 1 => Verdict::NothingToDo,
        None => Verdict::Possible,
    };
    let (old, new) = (voters(&question.from), voters(&question.to));
    let majority_add = names.majority_add(question);
    let newcomers: BTreeSet<String> = new.difference(&old).cloned().collect();
    let leaving: BTreeSet<String> = old.difference(&new).cloned().collect();
    let rules = rules(&steps, &newcomers);
    let mut advice = Advice {
        verdict,
        directly: names.directly(question),
        newcomers,
        leaving,
        majority_add,
        failures: failures(&way, &question.down),
        steps,
        rules,
        notes: Vec::new(),
    };
    advice.notes = notes(&advice, question);
    Ok(advice)
}

fn voters(sets: &Sets) -> BTreeSet<String> {
    sets.iter().flatten().cloned().collect()
}

/// Numbers names for the core.
struct Roster {
    names: Vec<String>,
}

impl Roster {
    fn of(question: &Question) -> Result<Roster, String> {
        let names: BTreeSet<String> = question.from.iter().chain(&question.to).flatten().cloned().collect();
        if let Some(stranger) = question.down.difference(&names).next() {
            return Err(format!("node {stranger:?} is said to be down, and is in neither membership"));
        }
        let sets = question.from.iter().chain(&question.to);
        let states = sets.fold(1usize, |states, set| states.saturating_mul(majority::needed(set.len()) + 1));
        if states > STATES_MAX {
            return Err(format!(
                "expected fewer or smaller sets: to judge these exactly takes {states} states, at most {STATES_MAX} are \
                 allowed"
            ));
        }
        Ok(Roster { names: names.into_iter().collect() })
    }

    fn id(&self, name: &String) -> NodeId {
        let place = self.names.binary_search(name).unwrap_or(self.names.len());
        NodeId(place as u32)
    }

    fn set_in(&self, set: &BTreeSet<String>) -> VoterSet {
        set.iter().map(|name| self.id(name)).collect()
    }

    fn sets_in(&self, sets: &Sets) -> Vec<VoterSet> {
        sets.iter().map(|set| self.set_in(set)).collect()
    }

    fn names_of(&self, ids: impl Iterator<Item = NodeId>) -> BTreeSet<String> {
        ids.filter_map(|id| self.names.get(id.0 as usize).cloned()).collect()
    }

    /// Everyone at an address of its own: where they are reached has no part in this.
    fn homes(&self) -> BTreeMap<NodeId, Address> {
        (0..self.names.len() as u32).map(|place| (NodeId(place), Address(place))).collect()
    }

    fn membership(&self, sets: &Sets) -> Result<Membership, String> {
        Membership::new(self.sets_in(sets), self.homes())
            .map_err(|_| String::from("expected at least one voter in every set"))
    }

    fn sets_of(&self, membership: &Membership) -> Sets {
        membership.sets().iter().map(|set| self.names_of(set.iter())).collect()
    }

    /// The same question with each voter set as often as memberships have it: once.
    fn distinct(&self, question: &Question) -> Result<Question, String> {
        let once = |sets: &Sets| self.membership(sets).map(|membership| self.sets_of(&membership));
        Ok(Question { from: once(&question.from)?, to: once(&question.to)?, down: question.down.clone() })
    }

    /// The present sets, and those after each step of the planner.
    fn way(&self, question: &Question) -> Result<Vec<Sets>, String> {
        let mut current = self.membership(&question.from)?;
        let goal = Change::To { sets: self.sets_in(&question.to), nodes: self.homes(), retain: true };
        let mut way = vec![question.from.clone()];
        for _ in 0..STEPS_MAX {
            let plan = planning::plan(&current, &goal, Policy::default());
            let plan = plan.map_err(|refused| format!("the change is refused: {}", refused.name()))?;
            let Some(next) = plan.first else { break };
            way.push(self.sets_of(&next));
            current = next;
        }
        Ok(way)
    }

    fn directly(&self, question: &Question) -> Directly {
        let (old, new) = (self.sets_in(&question.from), self.sets_in(&question.to));
        let split = self.split(&old, &new);
        let by_quorums = split.is_none();
        let by_shared_set = old == new || planning::may_follow(&old, &new, Intersect::Shared);
        Directly { by_shared_set, by_quorums, split }
    }

    /// A smallest quorum of the old that leaves a quorum of the new, and so many of the new that they decide; more would
    /// only hide the point.
    fn split(&self, old: &[VoterSet], new: &[VoterSet]) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        let (first, rest) = quorums_apart(old, new)?;
        let mut rest: BTreeSet<NodeId> = rest.into();
        for node in rest.clone() {
            rest.remove(&node);
            if !new.iter().all(|set| majority::won(set, |id| rest.contains(&id))) {
                rest.insert(node);
            }
        }
        Some((self.names_of(first.iter()), self.names_of(rest.into_iter())))
    }

    fn majority_add(&self, question: &Question) -> Option<MajorityAdd> {
        let ([old], [new]) = (question.from.as_slice(), question.to.as_slice()) else { return None };
        let present = self.membership(&question.from).ok()?;
        let homes = self.homes();
        let servers = new.iter().map(|name| (self.id(name), homes[&self.id(name)])).collect();
        let change = Change::SetConfiguration { mode: SetMode::Set, servers, listeners: BTreeMap::new() };
        let refused = planning::plan(&present, &change, Policy::default()) == Err(ChangeRefused::MajorityAdd);
        Some(MajorityAdd { new: new.difference(old).count(), stay: new.intersection(old).count(), refused })
    }
}

fn steps(way: &[Sets], down: &BTreeSet<String>) -> Vec<Step> {
    let before = [Sets::new()].into_iter().chain(way.iter().cloned());
    way.iter().zip(before).map(|(sets, before)| step(sets, before, down)).collect()
}

/// What each node's failure would do, the worst first.
fn failures(way: &[Sets], down: &BTreeSet<String>) -> Vec<Failure> {
    let mut by_loss: BTreeMap<Loss, BTreeSet<String>> = BTreeMap::new();
    let up: BTreeSet<String> = way.iter().flat_map(voters).filter(|name| !down.contains(name)).collect();
    for name in up {
        let mut down = down.clone();
        down.insert(name.clone());
        let loss = match steps(way, &down).iter().position(|step| !step.decides) {
            Some(0) => Loss::Cluster,
            Some(step) => Loss::Change(step),
            None => Loss::Nothing,
        };
        by_loss.entry(loss).or_default().insert(name);
    }
    by_loss.into_iter().map(|(loss, nodes)| Failure { nodes, loss }).collect()
}

fn step(sets: &Sets, until_committed: Sets, down: &BTreeSet<String>) -> Step {
    let need = |set: &BTreeSet<String>| Need {
        needed: majority::needed(set.len()),
        of: set.len(),
        up: set.difference(down).count(),
    };
    let needs: Vec<Need> = sets.iter().map(need).collect();
    let decides = needs.iter().all(|need| need.needed <= need.up);
    let spare = needs.iter().map(|need| need.up.saturating_sub(need.needed)).min().unwrap_or(0);
    let tight = sets.iter().zip(&needs).filter(|(_, need)| decides && need.up == need.needed);
    let critical = tight.flat_map(|(set, _)| set.difference(down)).cloned().collect();
    Step { sets: sets.clone(), needs, until_committed, decides, spare, critical }
}

fn rules(steps: &[Step], newcomers: &BTreeSet<String>) -> Vec<&'static str> {
    let mut rules = vec![Rule::UseAtOnce, Rule::ProposeAfterCommit, Rule::OldNewIntersect, Rule::InitialLog];
    if steps.iter().any(|step| step.sets.len() > 1) {
        rules.extend([Rule::QuorumInEverySet, Rule::FirstEntryKeepsJoint]);
    }
    if !newcomers.is_empty() {
        rules.extend([Rule::IdsNeverReused, Rule::PeerIdentity]);
    }
    rules.into_iter().map(Rule::name).collect()
}

fn notes(advice: &Advice, question: &Question) -> Vec<String> {
    let mut notes = Vec::new();
    if !advice.newcomers.is_empty() {
        let names = braces(&advice.newcomers);
        notes.push(format!("add {names} as learners before, and wait until they have caught up"));
    }
    if advice.majority_add.is_some_and(|add| add.refused) {
        notes.push(String::from(
            "a majority-add: until they hear of it, the newcomers do not know that they are a majority; if the leader \
             fails then, nobody may lead until it is back. Apache Ratis refuses it unless majority-add is on",
        ));
    }
    let joint = advice.steps.iter().skip(1).position(|step| step.sets.len() > 1);
    if let Some(place) = joint.filter(|_| question.to.len() == 1) {
        let step = place + 1;
        notes.push(format!(
            "if the leader fails in step {step}, the cluster stays joint until the next leader or the next change \
             finishes it; meanwhile it needs every set"
        ));
    }
    if !advice.leaving.is_empty() {
        let names = braces(&advice.leaving);
        notes.push(format!(
            "stop {names} only when the last step is committed; a leader among them steps down then"
        ));
    }
    for set in question.to.iter().filter(|set| set.len() > 1 && set.len() % 2 == 0) {
        let (len, less) = (set.len(), set.len() - 1);
        notes.push(format!("{} stands no more failures with {len} voters than with {less}", braces(set)));
    }
    notes
}

fn braces(set: &BTreeSet<String>) -> String {
    let names: Vec<&str> = set.iter().map(String::as_str).collect();
    format!("{{{}}}", names.join(" "))
}

/// Voter sets as people write them, such as `{a b c}{c d e}`.
#[must_use]
pub fn show(sets: &Sets) -> String {
    sets.iter().map(braces).collect()
}

impl Step {
    fn line(&self, number: usize) -> String {
        let need = |(need, set): (&Need, &BTreeSet<String>)| format!("{} of {}", need.needed, braces(set));
        let needs: Vec<String> = self.needs.iter().zip(&self.sets).map(need).collect();
        let state = if !self.decides {
            let lacking = self.needs.iter().zip(&self.sets).find(|(need, _)| need.up < need.needed);
            lacking.map_or_else(String::new, |(need, set)| {
                format!("BLOCKED: {} of {} are up", need.up, braces(set))
            })
        } else if self.critical.is_empty() {
            let more = if self.spare == 1 { "one more failure" } else { "more failures" };
            match self.spare {
                1 => format!("stands {more}"),
                count => format!("stands {count} {more}"),
            }
        } else {
            format!("stops if one of {} fails", braces(&self.critical))
        };
        let name = if number == 0 { "now".to_owned() } else { format!("step {number}") };
        let (sets, needs) = (show(&self.sets), needs.join(" and "));
        format!("{name:<8} {sets}\n         needs {needs}; {state}\n{}", self.line_until_committed())
    }

    fn line_until_committed(&self) -> String {
        if self.until_committed.is_empty() {
            return String::new();
        }
        let need = |set: &BTreeSet<String>| format!("{} of {}", majority::needed(set.len()), braces(set));
        let needs: Vec<String> = self.until_committed.iter().map(need).collect();
        let needs = needs.join(" and ");
        format!("         until it is committed, a new leader that has not heard of it needs {needs}\n")
    }
}

impl Advice {
    /// Whether the change can be carried out now.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        match self.verdict {
            Verdict::Possible | Verdict::NothingToDo => true,
            Verdict::BlockedAt(_) => false,
        }
    }

    /// The advice for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = match self.verdict {
            Verdict::NothingToDo => String::from("nothing to do: the members are these already\n"),
            Verdict::Possible => match self.steps.len() - 1 {
                1 => String::from("safe in one step\n"),
                steps => format!("safe in {steps} steps\n"),
            },
            Verdict::BlockedAt(0) if self.steps.len() == 1 => {
                String::from("blocked: the members are these already, but they cannot decide anything\n")
            }
            Verdict::BlockedAt(0) => String::from("blocked: the present members cannot decide anything\n"),
            Verdict::BlockedAt(step) => {
                format!("blocked at step {step}: do not begin, it could not be finished\n")
            }
        };
        // Writing to a string cannot fail.
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<8} {value}");
        };
        line("at once", self.directly.text());
        for (number, step) in self.steps.iter().enumerate() {
            let _ = write!(text, "{}", step.line(number));
        }
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<8} {value}");
        };
        if let Some(add) = self.majority_add {
            let verdict = if add.refused { "a majority-add" } else { "no majority-add" };
            line("added", &format!("{} new, {} stay: {verdict}", add.new, add.stay));
        }
        for failure in &self.failures {
            line("fails", &failure.text());
        }
        line("rules", &self.rules.join(", "));
        for note in &self.notes {
            line("note", note);
        }
        text
    }
}

impl Failure {
    fn text(&self) -> String {
        let loss = match self.loss {
            Loss::Cluster => String::from("the cluster stops until it is back"),
            Loss::Change(step) => {
                format!("step {step} could not be committed; begun, the change is stuck there")
            }
            Loss::Nothing => String::from("the change goes on without it"),
        };
        format!("{} now: {loss}", self.nodes.iter().cloned().collect::<Vec<_>>().join(" or "))
    }
}

impl Directly {
    fn text(&self) -> String {
        match (&self.split, self.by_shared_set) {
            (Some((old, new)), _) => format!(
                "unsafe in one entry: {} and {} decide without each other, and there are two leaders",
                braces(old),
                braces(new)
            ),
            (None, true) => String::from("safe in one entry: a shared set, or one node of difference"),
            (None, false) => {
                String::from("safe in one entry, as any two quorums meet; openraft and etcd go by two")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(from: &str, to: &str, down: &str) -> Advice {
        let down = if down.is_empty() { BTreeSet::new() } else { parse_names(down).expect("names") };
        let question =
            Question { from: parse_sets(from).expect("sets"), to: parse_sets(to).expect("sets"), down };
        advise(&question).expect("a good question")
    }

    fn way(advice: &Advice) -> Vec<String> {
        advice.steps.iter().map(|step| show(&step.sets)).collect()
    }

    #[test]
    fn a_change_of_two_of_three_goes_by_a_joint_config() {
        let advice = ask("[[a,b,c]]", "[[c,d,e]]", "");
        assert_eq!(way(&advice), ["{a b c}", "{a b c}{c d e}", "{c d e}"]);
        assert_eq!(advice.verdict, Verdict::Possible);
        let (old, new) = advice.directly.split.clone().expect("quorums that do not meet");
        assert_eq!((braces(&old), braces(&new)), ("{a b}".to_owned(), "{d e}".to_owned()));
        assert_eq!(advice.majority_add, Some(MajorityAdd { new: 2, stay: 1, refused: true }));
    }

    #[test]
    fn two_down_of_three_block_the_change_before_it_begins() {
        let advice = ask("a,b,c", "c,d,e", "a,b");
        assert_eq!(advice.verdict, Verdict::BlockedAt(0));
        assert!(advice.text().contains("BLOCKED: 1 of {a b c} are up"), "{}", advice.text());
    }

    #[test]
    fn a_failure_is_told_by_what_it_takes_away() {
        let advice = ask("a,b,c", "c,d,e", "b");
        let told: Vec<String> = advice.failures.iter().map(Failure::text).collect();
        let step = "step 1 could not be committed; begun, the change is stuck there";
        assert_eq!(told[0], "a or c now: the cluster stops until it is back");
        assert_eq!(told[1], "d or e now: the change goes on without it");
        assert_eq!(told.len(), 2);
        let told = ask("a,b,c", "c,d,e", "d").failures;
        assert_eq!(told[0].text(), format!("c or e now: {step}"));
    }

    #[test]
    fn a_new_leader_may_need_the_members_before() {
        let advice = ask("a,b,c", "c,d,e", "");
        assert_eq!(advice.steps[0].until_committed, Sets::new());
        assert_eq!(show(&advice.steps[2].until_committed), "{a b c}{c d e}");
        let said = "a new leader that has not heard of it needs 2 of {a b c} and 2 of {c d e}";
        assert!(advice.text().contains(said), "{}", advice.text());
    }

    #[test]
    fn many_large_sets_are_judged_exactly_and_too_many_are_refused() {
        let sets = |from: usize, sets: usize| -> Sets {
            (0..sets)
                .map(|set| (from + set..from + set + 9).map(|node| format!("n{node}")).collect())
                .collect()
        };
        let question = |from, to| Question { from, to, down: BTreeSet::new() };
        let advice = advise(&question(sets(0, 3), sets(5, 3))).expect("a good question");
        assert!(!advice.directly.by_quorums && advice.directly.split.is_some());
        let advice = advise(&question(sets(0, 3), sets(2, 3))).expect("a good question");
        assert!(advice.directly.by_quorums && advice.directly.by_shared_set);
        let error = advise(&question(sets(0, 4), sets(30, 4))).expect_err("too many");
        assert!(error.contains("fewer or smaller sets"), "{error}");
    }

    #[test]
    fn a_set_that_is_named_twice_or_in_another_order_is_one() {
        let twice = ask("[[a,b,c],[c,b,a]]", "[[d,c,b,a]]", "");
        assert_eq!(twice, ask("a,b,c", "a,b,c,d", ""));
        assert_eq!(ask("[[a,b],[c,b,a],[b,a]]", "[[c,a,b],[a,b]]", "").verdict, Verdict::NothingToDo);
        assert_eq!(ask("[[a,b],[c]]", "[[c],[a,b]]", "").verdict, Verdict::NothingToDo);
    }

    #[test]
    fn nothing_to_do_is_no_good_news_without_a_quorum() {
        let advice = ask("a,b,c", "c,b,a", "a,b");
        assert_eq!(advice.verdict, Verdict::BlockedAt(0));
        assert!(!advice.is_possible());
        assert!(
            advice.text().starts_with("blocked: the members are these already, but"),
            "{}",
            advice.text()
        );
        assert_eq!(ask("a,b,c", "c,b,a", "a").verdict, Verdict::NothingToDo);
    }

    #[test]
    fn only_a_second_server_may_be_as_many_as_the_first() {
        for (from, to, refused) in [
            ("a", "a,b", false),
            ("a", "b,c", true),
            ("a", "b", true),
            ("a", "a,b,c", true),
            ("a,b", "a,c", true),
        ] {
            assert_eq!(
                ask(from, to, "").majority_add.map(|add| add.refused),
                Some(refused),
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn a_target_that_could_not_decide_is_seen_before_it_is_begun() {
        let advice = ask("a,b,c", "a,d,e", "d,e");
        assert_eq!(advice.verdict, Verdict::BlockedAt(1));
        assert!(!advice.is_possible());
    }

    #[test]
    fn three_to_nine_needs_two_of_three_and_five_of_nine() {
        let advice = ask("a,b,c", "a,b,c,d,e,f,g,h,i", "c,g,h,i");
        assert_eq!(advice.verdict, Verdict::Possible);
        let joint: Vec<(usize, usize, usize)> =
            advice.steps[1].needs.iter().map(|need| (need.needed, need.of, need.up)).collect();
        assert_eq!(joint, [(2, 3, 2), (5, 9, 5)]);
        assert_eq!(braces(&advice.steps[1].critical), "{a b d e f}");
    }

    #[test]
    fn one_node_of_difference_needs_one_entry() {
        let advice = ask("a,b,c", "a,b,c,d", "");
        assert_eq!(way(&advice), ["{a b c}", "{a b c d}"]);
        assert!(advice.directly.by_shared_set && advice.directly.split.is_none());
        assert!(advice.notes.iter().any(|note| note.contains("no more failures with 4 voters than with 3")));
    }

    #[test]
    fn a_joint_config_left_either_way_needs_one_entry() {
        assert_eq!(way(&ask("[[a,b,c],[d,e,f]]", "[[a,b,c]]", "")).len(), 2);
        assert_eq!(way(&ask("[[a,b,c],[d,e,f]]", "[[d,e,f]]", "")).len(), 2);
        assert_eq!(ask("a,b", "a,b", "").verdict, Verdict::NothingToDo);
    }

    #[test]
    fn bad_questions_are_told_what_was_expected() {
        assert!(parse_sets("[[a,b],[]]").is_err_and(|error| error.contains("expected names")));
        assert_eq!(parse_sets(" [ [a, 'b'] ,[c] ]"), parse_sets("[[a,b],[c]]"));
        assert!(parse_sets("a b c").is_err_and(|error| error.contains("found \"a b c\"")));
        assert!(parse_sets("a,a").is_err_and(|error| error.contains("twice")));
        let stranger = Question {
            from: parse_sets("a").expect("sets"),
            to: parse_sets("b").expect("sets"),
            down: parse_names("x").expect("names"),
        };
        assert!(advise(&stranger).is_err_and(|error| error.contains("neither membership")));
    }

    /// The definition, by trying every subset of the nodes. A quorum holds a majority of each voter set; a step is safe when
    /// no quorum of the old leaves one of the new beside it.
    mod brute_force {
        use super::*;

        fn subsets(names: &[String]) -> impl Iterator<Item = BTreeSet<String>> + '_ {
            (0u32..1 << names.len()).map(|side| {
                let inside = |place: &usize| side & (1 << place) != 0;
                (0..names.len()).filter(inside).map(|place| names[place].clone()).collect()
            })
        }

        fn is_quorum(sets: &Sets, nodes: &BTreeSet<String>) -> bool {
            sets.iter().all(|set| 2 * set.intersection(nodes).count() > set.len())
        }

        fn names(question: &Question) -> Vec<String> {
            voters(&question.from).union(&voters(&question.to)).cloned().collect()
        }

        /// A config by what it asks for, not by how it is written.
        fn config(sets: &Sets) -> BTreeSet<BTreeSet<String>> {
            sets.iter().cloned().collect()
        }

        fn quorums_meet(question: &Question, old: &Sets, new: &Sets) -> bool {
            let names = names(question);
            let quorums =
                |sets: &Sets| subsets(&names).filter(|side| is_quorum(sets, side)).collect::<Vec<_>>();
            let (old, new) = (quorums(old), quorums(new));
            old.iter().all(|one| new.iter().all(|other| !one.is_disjoint(other)))
        }

        /// openraft's rule and the thesis': an identical set on both sides, or one set each that differ in one node.
        fn shares_or_differs_in_one(old: &Sets, new: &Sets) -> bool {
            let (old, new) = (config(old), config(new));
            let differ = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.symmetric_difference(b).count() <= 1;
            let single = old.len() == 1 && new.len() == 1;
            !old.is_disjoint(&new) || single && old.iter().zip(&new).all(|(a, b)| differ(a, b))
        }

        fn can_decide(question: &Question, sets: &Sets) -> bool {
            let up: BTreeSet<String> =
                names(question).into_iter().filter(|name| !question.down.contains(name)).collect();
            is_quorum(sets, &up)
        }

        /// Where the advice differs from the definition.
        pub(super) fn objection(question: &Question, advice: &Advice) -> Option<String> {
            let Question { from, to, .. } = question;
            let say = |what: &str| Some(format!("{what}: {} to {}", show(from), show(to)));
            let nothing = config(from) == config(to);
            let at_once = shares_or_differs_in_one(from, to);
            let way: Vec<&Sets> = advice.steps.iter().map(|step| &step.sets).collect();
            let fewest = if nothing {
                0
            } else if at_once {
                1
            } else {
                2
            };
            let blocked = way.iter().position(|sets| !can_decide(question, sets));
            let verdict = match blocked {
                Some(step) => Verdict::BlockedAt(step),
                None if nothing => Verdict::NothingToDo,
                None => Verdict::Possible,
            };
            if advice.directly.by_quorums != quorums_meet(question, from, to) {
                return say("by quorums");
            }
            if advice.directly.by_shared_set != at_once {
                return say("by shared set");
            }
            if let Some((one, other)) = &advice.directly.split
                && !(is_quorum(from, one) && is_quorum(to, other) && one.is_disjoint(other))
            {
                return say("the split");
            }
            if way.len() != fewest + 1 || config(way[0]) != config(from) || config(way[fewest]) != config(to)
            {
                return say("the way");
            }
            if way.windows(2).any(|pair| !quorums_meet(question, pair[0], pair[1])) {
                return say("a step on the way");
            }
            if advice.verdict != verdict || advice.is_possible() != blocked.is_none() {
                return say("the verdict");
            }
            None
        }
    }

    /// Voter sets of up to five nodes, at most three of them, repeated ones among them.
    fn some_sets() -> impl proptest::strategy::Strategy<Value = Sets> {
        proptest::collection::vec(proptest::collection::btree_set("[a-e]", 1..=5), 1..=3)
    }

    proptest::proptest! {
        /// The advice is what trying every quorum says. `PROPTEST_CASES=100000` tries so many questions.
        #[test]
        fn the_advice_is_what_trying_every_quorum_says(
            from in some_sets(), to in some_sets(), down in proptest::collection::btree_set("[a-e]", 0..3),
        ) {
            let known: BTreeSet<String> = voters(&from).union(&voters(&to)).cloned().collect();
            let question = Question { from, to, down: down.intersection(&known).cloned().collect() };
            let advice = advise(&question).expect("a good question");
            proptest::prop_assert_eq!(brute_force::objection(&question, &advice), None);
        }

        /// Every step may follow the one before it, and the last is what was asked for.
        #[test]
        fn every_path_obeys_the_rule(
            from in proptest::collection::vec(proptest::collection::btree_set("[a-f]", 1..5), 1..3),
            to in proptest::collection::vec(proptest::collection::btree_set("[a-h]", 1..5), 1..3),
        ) {
            let question = Question { from, to, down: BTreeSet::new() };
            let advice = advise(&question).expect("a good question");
            let roster = Roster::of(&question).expect("few nodes");
            for pair in advice.steps.windows(2) {
                let [old, new] = [roster.sets_in(&pair[0].sets), roster.sets_in(&pair[1].sets)];
                proptest::prop_assert!(planning::may_follow(&old, &new, Intersect::Shared));
                proptest::prop_assert!(quorums_apart(&old, &new).is_none(), "the exact rule is implied");
            }
            let last = advice.steps.last().map(|step| &step.sets);
            let wanted = roster.distinct(&question).expect("a good question").to;
            proptest::prop_assert!(last == Some(&wanted) || advice.verdict == Verdict::NothingToDo);
            proptest::prop_assert_eq!(advice.directly.by_quorums, advice.directly.split.is_none());
        }
    }
}
