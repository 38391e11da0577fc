//! From a [`Scenario`] to text, so that whatever ran can be kept, shared and edited.
//!
//! Holds: `parse` of what is printed gives the same scenario; every setting that has a value is written out.
//! Not here: comments; a scenario does not remember those of the file it came from.

use std::collections::{BTreeMap, BTreeSet};

use super::knobs::{CLOCK, DISK, EXPLORE, NEMESIS, NETWORK, UNTIMED, WORKLOAD, parameter};
use super::units::format_within;
use super::{
    Answered, Claim, ClientCall, ClientOutcome, Clock, Cluster, Comparison, Disk, Expectations, Explore,
    InitialLog, Links, Meanwhile, Nemesis, NemesisKind, Network, NodeClaim, NodeFault, OperationOutcome,
    Relation, Scenario, Schedule, Sessions, Step, Target, Value, When, Whom, format_duration, knob,
};
use crate::choices::tape;
use crate::protocol::{
    Address, Change, ChangeMembers, NodeId, OptionValue, Precondition, QuorumSets, SetMode, Within,
};

/// Keys with values that are TOML already, in order.
type Pairs = Vec<(String, String)>;

impl Scenario {
    /// Writes the scenario as a file; loading it gives the same scenario.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.print(&|_| true, &[])
    }

    /// As [`Scenario::to_toml`], for people: without what is so by default, and with a note beside each step that has one.
    #[must_use]
    pub fn to_short_toml(&self, notes: &[String]) -> String {
        let defaults = [
            ("[network]", self.network == Network::default()),
            ("[disk]", self.disk == Disk::default()),
            ("[clock]", self.clock == Clock::default()),
            ("[schedule]", self.schedule == Schedule::default()),
            ("[]", true),
        ];
        self.print(&|header| !defaults.contains(&(header, true)), notes)
    }

    fn print(&self, wanted: &dyn Fn(&str) -> bool, notes: &[String]) -> String {
        let names = Names { cluster: &self.cluster };
        let mut text = String::new();
        section(&mut text, "", &self.head());
        let mut cluster = self.cluster.settings();
        cluster.retain(|(_, value)| value != "[]" || wanted("[]"));
        section(&mut text, "[cluster]", &cluster);
        section(&mut text, "[cluster.addresses]", &self.cluster.renamed());
        section(&mut text, "[cluster.options]", &self.cluster.options());
        section(&mut text, "[rules]", &self.rules());
        section(&mut text, "[logs]", &self.logs());
        section(&mut text, "[groups]", &self.groups());
        for (header, settings) in self.hardship().iter().filter(|(header, _)| wanted(header)) {
            section(&mut text, header, settings);
        }
        section(&mut text, "[tape]", &self.tape());
        let except: Pairs = self.except.iter().map(|(system, why)| word(&quoted(system), why)).collect();
        section(&mut text, "[except]", &except);
        let mut story = names.story(&self.steps, notes);
        story.extend(names.meanwhile(&self.meanwhile));
        section(&mut text, "[story]", &story);
        section(&mut text, "[expect]", &names.expectations(&self.expect));
        text
    }

    /// A step as it is written in files.
    #[must_use]
    pub fn step_text(&self, step: usize) -> String {
        let names = Names { cluster: &self.cluster };
        self.steps.get(step).map_or_else(String::new, |step| names.step(step))
    }

    /// Something that is done meanwhile, as it is written in files.
    #[must_use]
    pub fn meanwhile_text(&self, place: usize) -> String {
        let names = Names { cluster: &self.cluster };
        self.meanwhile.get(place).map_or_else(String::new, |meanwhile| names.step(&meanwhile.step))
    }

    /// A step of such a cluster as it is written in files.
    #[must_use]
    pub fn text_of(&self, step: &Step) -> String {
        Names { cluster: &self.cluster }.step(step)
    }

    fn rules(&self) -> Pairs {
        let off = list(self.rules_off.iter().map(|rule| quoted(rule)));
        if self.rules_off.is_empty() { Pairs::new() } else { vec![pair("off", off)] }
    }

    /// What surrounds the cluster, section by section.
    fn hardship(&self) -> Vec<(&'static str, Pairs)> {
        let mut sections = vec![
            ("[network]", knob::pairs(NETWORK, &self.network)),
            ("[disk]", knob::pairs(DISK, &self.disk)),
            ("[clock]", knob::pairs(CLOCK, &self.clock)),
            ("[schedule]", self.schedule.settings()),
        ];
        if self.explore != Explore::default() {
            sections.push(("[explore]", knob::pairs(EXPLORE, &self.explore)));
        }
        sections.extend(self.workload.map(|workload| ("[workload]", knob::pairs(WORKLOAD, &workload))));
        sections.extend(self.nemeses.iter().map(|nemesis| ("[[nemesis]]", nemesis.settings())));
        sections
    }

    fn tape(&self) -> Pairs {
        let Some(unusual) = &self.unusual else { return Pairs::new() };
        let draw = |draw| format!("  {},\n", quoted(&tape::print_unusual(draw)));
        let draws: String = unusual.iter().map(draw).collect();
        vec![pair("unusual", format!("[\n{draws}]"))]
    }

    fn head(&self) -> Pairs {
        let seeds = format!("{}..{}", self.seeds.first, self.seeds.last);
        let mut pairs = vec![word("title", &self.title)];
        pairs.extend((!self.source.is_empty()).then(|| word("source", &self.source)));
        pairs.push(word("seeds", &seeds));
        pairs.push(word("budget", self.budget.name()));
        if !self.systems.is_empty() {
            pairs.push(pair("systems", list(self.systems.iter().map(|system| quoted(system)))));
        }
        pairs
    }

    fn logs(&self) -> Pairs {
        let log = |log: &InitialLog| {
            inline(&[pair("log", list(log.terms.iter().map(u64::to_string))), pair("term", log.term)])
        };
        self.logs.iter().map(|(node, initial)| (quoted(self.cluster.name(*node)), log(initial))).collect()
    }

    fn groups(&self) -> Pairs {
        let names = Names { cluster: &self.cluster };
        self.groups.iter().map(|(node, sets)| (quoted(self.cluster.name(*node)), names.sets(sets))).collect()
    }
}

impl Cluster {
    fn settings(&self) -> Pairs {
        let names = Names { cluster: self };
        let mut pairs = vec![
            pair("members", names.sets(&self.members)),
            pair("learners", names.nodes(&self.learners)),
            pair("spare", names.nodes(&self.spare)),
            pair("vacant", list(self.addresses.iter().skip(self.nodes.len()).map(|address| quoted(address)))),
            range("election", self.election),
            word("heartbeat", &format_duration(self.heartbeat)),
            word("timers", self.timers.name()),
        ];
        if !self.priority.is_empty() {
            pairs.push(pair("priority", list(self.priority.iter().map(|node| names.node(*node)))));
        }
        pairs.extend(self.snapshot_every.map(|entries| pair("snapshot_every", entries)));
        let sessions = match self.sessions {
            Sessions::Kept => "kept".to_owned(),
            Sessions::Nothing => "none".to_owned(),
            Sessions::Expiring(unused) => format_duration(unused),
        };
        pairs.push(word("sessions", &sessions));
        pairs
    }

    fn renamed(&self) -> Pairs {
        let homes = self.nodes.iter().map(|node| (&node.name, self.address_name(node.home)));
        homes.filter(|(name, home)| name != home).map(|(name, home)| (quoted(name), quoted(home))).collect()
    }

    fn options(&self) -> Pairs {
        self.options.iter().map(|(name, value)| (quoted(name), option(value))).collect()
    }
}

impl Schedule {
    fn settings(&self) -> Pairs {
        let Some(untimed) = self.untimed() else { return vec![word("kind", "timed")] };
        let mut pairs = vec![word("kind", "untimed")];
        pairs.extend(knob::pairs(UNTIMED, &untimed));
        pairs
    }
}

impl Nemesis {
    fn settings(&self) -> Pairs {
        let mut pairs = match self.kind {
            NemesisKind::Partition { shape } => vec![word("kind", "partition"), word("shape", shape.name())],
            NemesisKind::SwizzleClog => vec![word("kind", "swizzle-clog")],
            NemesisKind::Hit { fault, aim } => {
                let mut pairs = vec![word("kind", fault.name()), word("aim", aim.name())];
                pairs.extend(fault_value(fault));
                pairs
            }
            NemesisKind::Operate { operator } => vec![word("kind", operator.name())],
        };
        pairs.push(match self.when {
            When::Every(time) => range("every", time),
            When::On(cue) => word("on", cue.name()),
        });
        pairs.extend(knob::pairs(NEMESIS, self));
        pairs
    }
}

/// The value that a fault has beside its name.
fn fault_value(fault: NodeFault) -> Pairs {
    parameter(fault).map_or_else(Pairs::new, |knob| knob::pairs(&[knob], &fault))
}

fn answered(outcome: &Answered) -> &str {
    match outcome {
        Answered::Client(outcome) => outcome.name(),
        Answered::Operation(OperationOutcome::Done) => "done",
        Answered::Operation(OperationOutcome::Pending) => "pending",
        Answered::Operation(OperationOutcome::Refused(reason)) => reason,
    }
}

/// Turns numbers back into names.
struct Names<'a> {
    cluster: &'a Cluster,
}

impl Names<'_> {
    fn story(&self, steps: &[Step], notes: &[String]) -> Pairs {
        let lines = steps.iter().enumerate().map(|(place, step)| {
            let note = notes.get(place).filter(|note| !note.is_empty());
            let note = note.map_or_else(String::new, |note| format!("  # {note}"));
            format!("  {},{note}\n", self.step(step))
        });
        let steps: String = lines.collect();
        vec![pair("steps", format!("[\n{steps}]"))]
    }

    fn meanwhile(&self, meanwhile: &[Meanwhile]) -> Option<(String, String)> {
        let line = |Meanwhile { after, step }: &Meanwhile| {
            let step = self.step(step);
            format!("  {{ after = {after}, {},\n", step.trim_start_matches("{ "))
        };
        let lines: String = meanwhile.iter().map(line).collect();
        (!meanwhile.is_empty()).then(|| pair("meanwhile", format!("[\n{lines}]")))
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn step(&self, step: &Step) -> String {
        match step {
            Step::Elect { node, fails: false } => one("elect", self.node(*node)),
            Step::Elect { node, fails: true } => {
                inline(&[pair("elect", self.node(*node)), pair("fails", true)])
            }
            Step::Timeout { node } => one("timeout", self.node(*node)),
            Step::Heartbeat { node } => one("heartbeat", self.target(*node)),
            Step::Fire { node, timer } => inline(&[pair("fire", self.target(*node)), word("timer", timer)]),
            Step::Crash { nodes } => one("crash", self.whom(nodes)),
            Step::Restart { nodes } => one("restart", self.whom(nodes)),
            Step::Wipe { nodes, group } => {
                let mut pairs = vec![pair("wipe", self.whom(nodes))];
                pairs.extend(group.as_ref().map(|sets| pair("group", self.sets(sets))));
                inline(&pairs)
            }
            Step::ForceMembers { node, members } => {
                let change = one("force_members", self.nodes(members));
                inline(&[pair("change", change), pair("via", self.target(*node))])
            }
            Step::Backup { node, name } => inline(&[pair("backup", self.node(*node)), word("as", name)]),
            Step::Restore { node, name } => inline(&[pair("restore", self.node(*node)), word("from", name)]),
            Step::Answer { name, expected } => {
                let mut pairs = vec![word("answer", name)];
                pairs.extend(expected.as_ref().map(|expected| word("outcome", answered(expected))));
                inline(&pairs)
            }
            Step::Partition { groups } => one("partition", self.sets(groups)),
            Step::Isolate { nodes } => one("isolate", self.whom(nodes)),
            Step::Cut { links } => one("cut", self.links(links)),
            Step::Join { links } => one("join", self.links(links)),
            Step::Heal => one("heal", true),
            Step::Hold { links } => one("hold", self.links(links)),
            Step::Release { links } => one("release", self.links(links)),
            Step::Drop { links } => one("drop", self.links(links)),
            Step::DropAll => one("drop", quoted("all")),
            Step::Stall { nodes } => one("stall", self.whom(nodes)),
            Step::Unstall { nodes } => one("unstall", self.whom(nodes)),
            Step::Finish { node, writes } => {
                inline(&[pair("finish", self.target(*node)), pair("writes", writes)])
            }
            Step::Freeze { instant_disks } => {
                one("freeze", quoted(if *instant_disks { "network" } else { "all" }))
            }
            Step::Deliver { from, to, what, skip, keep } => {
                let link = format!("{} -> {}", self.cluster.name(*from), self.cluster.name(*to));
                let mut pairs = vec![word("deliver", &link)];
                pairs.extend(what.as_ref().map(|what| word("what", what)));
                pairs.extend((*skip > 0).then(|| pair("skip", skip)));
                pairs.extend(keep.then(|| pair("keep", true)));
                inline(&pairs)
            }
            Step::Lose { from, to, what, skip } => {
                let link = format!("{} -> {}", self.cluster.name(*from), self.cluster.name(*to));
                let mut pairs = vec![word("lose", &link)];
                pairs.extend(what.as_ref().map(|what| word("what", what)));
                pairs.extend((*skip > 0).then(|| pair("skip", skip)));
                inline(&pairs)
            }
            Step::Exchange { nodes } => one("exchange", self.whom(nodes)),
            Step::Tear { node, kept } => inline(&[pair("tear", self.target(*node)), pair("kept", kept)]),
            Step::Call { call, client, name, via, outcome, wait } => {
                let mut pairs = call_pairs(call);
                pairs.extend(client.as_ref().map(|client| word("client", client)));
                pairs.extend(name.as_ref().map(|name| word("as", name)));
                self.asked(pairs, *via, *outcome, *wait)
            }
            Step::Retry { client, via, outcome, wait } => {
                self.asked(vec![word("retry", client)], *via, *outcome, *wait)
            }
            Step::OpenSession { client, via } => {
                inline(&[word("open_session", client), pair("via", self.target(*via))])
            }
            Step::Change { change, name, via, outcome } => {
                self.operation(pair("change", inline(&self.change(change))), name.as_ref(), *via, outcome)
            }
            Step::Transfer { to, name, via, outcome } => {
                self.operation(pair("transfer", self.node(*to)), name.as_ref(), *via, outcome)
            }
            Step::Snapshot { node } => one("snapshot", self.target(*node)),
            Step::Address { node, at } => {
                one("address", inline(&[pair("node", self.node(*node)), pair("at", self.address(*at))]))
            }
            Step::Fault { fault, nodes } => {
                let mut pairs = vec![word("fault", fault.name()), pair("nodes", self.whom(nodes))];
                pairs.extend(fault_value(*fault));
                inline(&pairs)
            }
            Step::End { fault, nodes } => {
                inline(&[word("end", fault.name()), pair("nodes", self.whom(nodes))])
            }
            Step::Events { count } => one("events", count),
            Step::Run { time } => one("run", quoted(&format_duration(*time))),
            Step::Settle => one("settle", true),
            Step::Converge { within } => one("converge", quoted(&format_duration(*within))),
            Step::Expect { claims } => {
                one("expect", inline(&claims.iter().flat_map(|claim| self.claim(claim)).collect::<Pairs>()))
            }
        }
    }

    fn asked(&self, mut pairs: Pairs, via: Target, outcome: Option<ClientOutcome>, wait: bool) -> String {
        pairs.push(pair("via", self.target(via)));
        pairs.extend(outcome.map(|outcome| word("outcome", outcome.name())));
        pairs.extend((!wait).then(|| word("outcome", "pending")));
        inline(&pairs)
    }

    fn operation(
        &self,
        what: (String, String),
        name: Option<&String>,
        via: Target,
        outcome: &OperationOutcome,
    ) -> String {
        let mut pairs = vec![what];
        pairs.extend(name.map(|name| word("as", name)));
        pairs.push(pair("via", self.target(via)));
        match outcome {
            OperationOutcome::Done => {}
            OperationOutcome::Pending => pairs.push(word("outcome", "pending")),
            OperationOutcome::Refused(reason) => pairs.push(word("outcome", reason)),
        }
        inline(&pairs)
    }

    fn change(&self, change: &Change) -> Pairs {
        match change {
            Change::AddLearner { node, address, blocking } => vec![
                pair("add_learner", self.node(*node)),
                pair("address", self.address(*address)),
                pair("blocking", blocking),
            ],
            Change::Members { members, retain } => vec![self.members(members), pair("retain", retain)],
            Change::Append { sets, nodes, retain } => self.sets_change("append", sets, nodes, *retain),
            Change::To { sets, nodes, retain } => self.sets_change("change_to", sets, nodes, *retain),
            Change::AddServer { node, address } => {
                vec![pair("add_server", self.node(*node)), pair("address", self.address(*address))]
            }
            Change::RemoveServer { node } => vec![pair("remove_server", self.node(*node))],
            Change::SetConfiguration { mode, servers, listeners } => {
                let mut pairs = vec![pair("set_configuration", self.homes(servers))];
                pairs.push(pair("listeners", self.homes(listeners)));
                pairs.extend(self.mode(mode));
                pairs
            }
            Change::If { precondition, change } => {
                let mut pairs = self.change(change);
                let condition = condition(*precondition);
                pairs.push(match precondition {
                    Precondition::LearnersCaughtUp => condition,
                    Precondition::LastMembership(_)
                    | Precondition::LastEntry(_)
                    | Precondition::LeaderEpoch(_) => pair("if", inline(&[condition])),
                });
                pairs
            }
        }
    }

    fn sets_change(
        &self,
        kind: &str,
        sets: &QuorumSets,
        nodes: &BTreeMap<NodeId, Address>,
        retain: bool,
    ) -> Pairs {
        vec![pair(kind, self.sets(sets)), pair("nodes", self.homes(nodes)), pair("retain", retain)]
    }

    fn members(&self, members: &ChangeMembers) -> (String, String) {
        match members {
            ChangeMembers::AddVoterIds(ids) => pair("add_voter_ids", self.nodes(ids)),
            ChangeMembers::AddVoters(nodes) => pair("add_voters", self.homes(nodes)),
            ChangeMembers::RemoveVoters(ids) => pair("remove_voters", self.nodes(ids)),
            ChangeMembers::ReplaceAllVoters(ids) => pair("voters", self.nodes(ids)),
            ChangeMembers::AddNodes(nodes) => pair("add_nodes", self.homes(nodes)),
            ChangeMembers::SetNodes(nodes) => pair("set_nodes", self.homes(nodes)),
            ChangeMembers::RemoveNodes(ids) => pair("remove_nodes", self.nodes(ids)),
            ChangeMembers::ReplaceAllNodes(nodes) => pair("replace_all_nodes", self.homes(nodes)),
            ChangeMembers::Batch(batch) => {
                pair("batch", list(batch.iter().map(|members| inline(&[self.members(members)]))))
            }
        }
    }

    fn mode(&self, mode: &SetMode) -> Pairs {
        match mode {
            SetMode::Set => vec![word("mode", "set")],
            SetMode::Add => vec![word("mode", "add")],
            SetMode::CompareAndSet { servers, listeners } => vec![
                word("mode", "compare-and-set"),
                pair("current", self.nodes(servers)),
                pair("current_listeners", self.nodes(listeners)),
            ],
        }
    }

    /// Nodes at their homes are a list, others a table with addresses.
    fn homes(&self, nodes: &BTreeMap<NodeId, Address>) -> String {
        if nodes.iter().all(|(node, address)| self.cluster.home(*node) == Some(*address)) {
            return list(nodes.keys().map(|node| self.node(*node)));
        }
        let pairs: Pairs =
            nodes.iter().map(|(node, address)| (self.node(*node), self.address(*address))).collect();
        inline(&pairs)
    }

    fn claim(&self, claim: &Claim) -> Pairs {
        match claim {
            Claim::Leaders(nodes) => vec![pair("leaders", self.nodes(nodes))],
            Claim::Seen(facts) => vec![pair("seen", words(facts))],
            Claim::Never(facts) => vec![pair("never", words(facts))],
            Claim::Nodes { nodes, claim } => {
                let mut pairs = vec![pair("node", self.whom(nodes))];
                pairs.extend(self.node_claim(claim));
                pairs
            }
        }
    }

    fn node_claim(&self, claim: &NodeClaim) -> Pairs {
        let NodeClaim { running, role, term, commit, applied, last, log, voters, learners, machine } = claim;
        let number =
            |key, claimed: &Option<Comparison>| claimed.map(|claimed| pair(key, comparison(claimed)));
        let pairs = [
            running.map(|running| pair("running", running)),
            role.as_ref().map(|role| word("role", role)),
            number("term", term),
            number("commit", commit),
            number("applied", applied),
            number("last", last),
            log.as_ref().map(|log| pair("log", list(log.iter().map(u64::to_string)))),
            voters.as_ref().map(|voters| pair("voters", self.sets(voters))),
            learners.as_ref().map(|learners| pair("learners", self.nodes(learners))),
            (!machine.is_empty()).then(|| pair("machine", inline(&machine_pairs(machine)))),
        ];
        pairs.into_iter().flatten().collect()
    }

    fn expectations(&self, expect: &Expectations) -> Pairs {
        let violations = match expect.violations.is_empty() {
            true => quoted("none"),
            false => list(expect.violations.iter().map(|property| quoted(property.name()))),
        };
        let mut pairs = vec![pair("violations", violations)];
        pairs.extend(expect.goes_on.then(|| word("then", "go-on")));
        pairs.extend((!expect.seen.is_empty()).then(|| pair("seen", words(&expect.seen))));
        pairs.extend((!expect.never.is_empty()).then(|| pair("never", words(&expect.never))));
        pairs.extend(expect.leader.map(|leader| pair("leader", self.node(leader))));
        pairs
    }

    fn node(&self, node: NodeId) -> String {
        quoted(self.cluster.name(node))
    }

    fn nodes(&self, nodes: &BTreeSet<NodeId>) -> String {
        list(nodes.iter().map(|node| self.node(*node)))
    }

    fn sets(&self, sets: &QuorumSets) -> String {
        list(sets.iter().map(|set| self.nodes(set)))
    }

    fn address(&self, address: Address) -> String {
        quoted(self.cluster.address_name(address))
    }

    fn target(&self, target: Target) -> String {
        match target {
            Target::Node(node) => self.node(node),
            Target::Leader => quoted("leader"),
        }
    }

    fn whom(&self, whom: &Whom) -> String {
        match whom {
            Whom::Nodes(nodes) => match nodes.first() {
                Some(node) if nodes.len() == 1 => self.node(*node),
                _ => self.nodes(nodes),
            },
            Whom::Leader => quoted("leader"),
            Whom::All => quoted("all"),
        }
    }

    fn links(&self, links: &Links) -> String {
        inline(&[pair("from", self.nodes(&links.from)), pair("to", self.nodes(&links.to))])
    }
}

fn call_pairs(call: &ClientCall) -> Pairs {
    match call {
        ClientCall::Write { key, value } => vec![word("write", &format!("{key}={value}"))],
        ClientCall::Read { key, value } => {
            let value = value.map(|value| pair("value", machine_value(value)));
            [Some(word("read", key)), value].into_iter().flatten().collect()
        }
        ClientCall::Cas { key, from, to } => {
            vec![word("cas", key), pair("from", machine_value(*from)), pair("to", to)]
        }
    }
}

fn machine_pairs(machine: &BTreeMap<String, Value>) -> Pairs {
    machine.iter().map(|(key, value)| (quoted(key), machine_value(*value))).collect()
}

fn machine_value(value: Value) -> String {
    match value {
        Value::Absent => quoted("none"),
        Value::Of(number) => number.to_string(),
    }
}

fn comparison(claimed: Comparison) -> String {
    let Comparison { relation, bound } = claimed;
    match relation {
        Relation::Equal => bound.to_string(),
        Relation::Below => quoted(&format!("<{bound}")),
        Relation::AtLeast => quoted(&format!(">={bound}")),
    }
}

fn condition(precondition: Precondition) -> (String, String) {
    match precondition {
        Precondition::LastMembership(index) => pair("last_membership", index),
        Precondition::LastEntry(index) => pair("last_entry", index),
        Precondition::LeaderEpoch(epoch) => pair("leader_term", epoch.0),
        Precondition::LearnersCaughtUp => pair("allow_lagging", false),
    }
}

fn option(value: &OptionValue) -> String {
    match value {
        OptionValue::Switch(switch) => switch.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Time(time) => quoted(&format_duration(*time)),
        OptionValue::Word(word) => quoted(word),
    }
}

/// A table with its header; nothing at all when it has no keys.
fn section(text: &mut String, header: &str, pairs: &Pairs) {
    if pairs.is_empty() {
        return;
    }
    if !header.is_empty() {
        text.push_str(&format!("\n{header}\n"));
    }
    for (key, value) in pairs {
        text.push_str(&format!("{key} = {value}\n"));
    }
}

fn one(verb: &str, object: impl ToString) -> String {
    inline(&[pair(verb, object)])
}

fn inline(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn list(members: impl Iterator<Item = String>) -> String {
    format!("[{}]", members.collect::<Vec<_>>().join(", "))
}

fn words(words: &BTreeSet<String>) -> String {
    list(words.iter().map(|word| quoted(word)))
}

fn pair(key: &str, value: impl ToString) -> (String, String) {
    (key.to_owned(), value.to_string())
}

fn word(key: &str, value: &str) -> (String, String) {
    pair(key, quoted(value))
}

fn range(key: &str, within: Within) -> (String, String) {
    word(key, &format_within(within))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
