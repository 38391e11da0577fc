//! The transition table: members before, change, retain, and what comes of it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::membership::change::SetMode;

/// Reads `ab|cd +e`: sets {a,b} and {c,d}, and the learner e. Nodes are letters, reached at their own number.
fn members(text: &str) -> Membership {
    let (sets, learners) = text.split_once(" +").unwrap_or((text, ""));
    let nodes: BTreeMap<NodeId, Address> = sets
        .chars()
        .chain(learners.chars())
        .filter(|c| *c != '|')
        .map(|c| (id(c), Address(id(c).0)))
        .collect();
    Membership::new(sets.split('|').map(|set| ids(set).into()).collect(), nodes).unwrap()
}

fn id(letter: char) -> NodeId {
    NodeId(letter as u32 - 'a' as u32)
}

fn ids(letters: &str) -> BTreeSet<NodeId> {
    letters.chars().map(id).collect()
}

fn at_home(letters: &str) -> BTreeMap<NodeId, Address> {
    ids(letters).into_iter().map(|id| (id, Address(id.0))).collect()
}

fn sets(text: &str) -> Vec<VoterSet> {
    text.split('|').map(|set| ids(set).into()).collect()
}

fn show(membership: &Membership) -> String {
    let letter = |id: NodeId| char::from(b'a' + id.0 as u8);
    let set = |set: &VoterSet| set.iter().map(letter).collect::<String>();
    let mut text = membership.sets().iter().map(set).collect::<Vec<_>>().join("|");
    let learners: String =
        membership.nodes().keys().filter(|id| membership.is_learner(**id)).map(|id| letter(*id)).collect();
    if !learners.is_empty() {
        let _ = write!(text, " +{learners}");
    }
    text
}

/// Every membership on the way, joined by arrows; or the refusal.
fn way(from: &str, change: &Change, policy: Policy) -> String {
    let mut current = members(from);
    let steps = match plan(&current, change, policy) {
        Err(refused) => return refused.name().to_string(),
        Ok(plan) => plan,
    };
    let mut text = String::new();
    let mut next = steps.first;
    while let Some(step) = next {
        let arrow = if text.is_empty() { "" } else { " -> " };
        let _ = write!(text, "{arrow}{}", show(&step));
        next = match &steps.next {
            Some(later) if text.matches("->").count() == 0 => next_step(&step, later, policy).unwrap(),
            Some(_) | None => None,
        };
        current = step;
    }
    assert!(current.is_initialised());
    if text.is_empty() { "nothing".to_string() } else { text }
}

fn check_members(from: &str, members: ChangeMembers, retain: bool, expected: &str) {
    let change = Change::Members { members, retain };
    assert_eq!(way(from, &change, Policy::default()), expected, "{from} {change:?}");
}

#[test]
fn next_membership_of_openraft() {
    let to = |voters: &str| ChangeMembers::ReplaceAllVoters(ids(voters));
    check_members("abc", to("abc"), false, "abc");
    check_members("abc +def", to("def"), false, "abc|def -> def");
    check_members("abc +def", to("def"), true, "abc|def -> def +abc");
    check_members("abc|def", to("def"), false, "def");
    check_members("abc|def", to("def"), true, "def +abc");
    check_members("abc|def", to("abc"), false, "abc");
    check_members("abc|def", to("abc"), true, "abc +def");
    check_members("abc|def +ghi", to("ghi"), false, "def|ghi -> ghi");
    check_members("abc|def +ghi", to("ghi"), true, "def|ghi +abc -> ghi +abcdef");
    check_members("abc +x", to("abc"), false, "abc +x");
}

#[test]
fn every_variant_of_change_members() {
    use ChangeMembers::{
        AddNodes, AddVoterIds, AddVoters, Batch, RemoveNodes, RemoveVoters, ReplaceAllNodes,
        ReplaceAllVoters, SetNodes,
    };
    check_members("abc +d", AddVoterIds(ids("d")), false, "abc|abcd -> abcd");
    check_members("abc", AddVoterIds(ids("d")), false, "learner-not-found");
    check_members("abc|cde", AddVoterIds(ids("")), false, "cde");
    check_members("abc", AddVoters(at_home("d")), false, "abc|abcd -> abcd");
    check_members("abc", RemoveVoters(ids("cx")), false, "abc|ab -> ab");
    check_members("abc", RemoveVoters(ids("c")), true, "abc|ab -> ab +c");
    check_members("abc", RemoveVoters(ids("abc")), false, "empty-membership");
    check_members("abc", ReplaceAllVoters(ids("abd")), false, "learner-not-found");
    check_members("abc", ReplaceAllVoters(ids("")), false, "empty-membership");
    check_members("abc", AddNodes(at_home("d")), false, "abc +d");
    check_members("abc|cde", AddNodes(at_home("f")), true, "cde +abf");
    check_members("abc|cde", AddNodes(at_home("f")), false, "cde +f");
    check_members("abc|cde", SetNodes(at_home("a")), true, "cde +ab");
    check_members("abc +de", RemoveNodes(ids("d")), false, "abc +e");
    check_members("abc", RemoveNodes(ids("a")), false, "learner-not-found");
    check_members("abc|cde +f", RemoveNodes(ids("f")), true, "cde +ab");
    check_members("abc", ReplaceAllNodes(at_home("abcx")), false, "abc +x");
    check_members("abc", ReplaceAllNodes(at_home("abx")), false, "learner-not-found");
    check_members(
        "abc",
        Batch([AddNodes(at_home("d")), AddVoterIds(ids("d")), RemoveVoters(ids("a"))].into()),
        false,
        "abc|bcd -> bcd",
    );
    let both = |first, second| Batch([first, second].into());
    check_members("abc", both(RemoveVoters(ids("bc")), RemoveNodes(ids("c"))), true, "abc|a -> a +b");
    check_members("abc", both(RemoveNodes(ids("c")), RemoveVoters(ids("bc"))), true, "abc|a -> a +b");
    check_members(
        "abc",
        both(ReplaceAllVoters(ids("ab")), ReplaceAllNodes(at_home("ab"))),
        true,
        "abc|ab -> ab",
    );
    check_members("abc", both(RemoveVoters(ids("bc")), RemoveNodes(ids("c"))), false, "abc|a -> a");
    check_members("abc", both(RemoveVoters(ids("b")), RemoveNodes(ids("c"))), true, "learner-not-found");
    check_members(
        "abc|def",
        both(ReplaceAllVoters(ids("d")), RemoveNodes(ids("ef"))),
        true,
        "def|d +abc -> d +abc",
    );
    check_members("abc +x", both(RemoveVoters(ids("bc")), RemoveNodes(ids("cx"))), true, "abc|a -> a +b");
}

#[test]
fn known_nodes_keep_their_address_unless_set() {
    let elsewhere = BTreeMap::from([(id('b'), Address(99))]);
    let address_of_b = |members: ChangeMembers| {
        let plan =
            plan(&self::members("abc"), &Change::Members { members, retain: false }, Policy::default())
                .unwrap();
        plan.first.unwrap().nodes()[&id('b')]
    };
    assert_eq!(address_of_b(ChangeMembers::AddNodes(elsewhere.clone())), Address(1));
    assert_eq!(address_of_b(ChangeMembers::AddVoters(elsewhere.clone())), Address(1));
    assert_eq!(address_of_b(ChangeMembers::SetNodes(elsewhere.clone())), Address(99));
    let again = Change::AddLearner { node: id('b'), address: Address(99), blocking: false };
    assert_eq!(
        plan(&members("abc"), &again, Policy::default()).unwrap().first.unwrap().nodes()[&id('b')],
        Address(1)
    );
    let append = Change::Append { sets: sets("abc"), nodes: elsewhere, retain: false };
    assert_eq!(way("abc", &append, Policy::default()), "node-metadata-changed");
}

fn check_append(from: &str, to: &str, form: Intersect, expected: &str) {
    let letters: String = to.chars().filter(|c| *c != '|').collect();
    let change = Change::Append { sets: sets(to), nodes: at_home(&letters), retain: false };
    assert_eq!(
        way(from, &change, Policy { intersect: form, ..Policy::default() }),
        expected,
        "{from} to {to}"
    );
}

#[test]
fn append_takes_one_entry_and_checks_that_old_and_new_meet() {
    let unsupported = "unsupported-membership-transition";
    for form in [Intersect::Shared, Intersect::Exact] {
        check_append("abc", "abc|def|ghi", form, "abc|def|ghi");
        check_append("abc|def|ghi", "ghi|jkl", form, "ghi|jkl");
        check_append("ghi|jkl", "jkl", form, "jkl");
        check_append("abc|def|ghi", "abc", form, "abc");
        check_append("abc", "abcd", form, "abcd");
        check_append("abc", "ab", form, "ab");
        check_append("abc", "def", form, unsupported);
        check_append("abc", "cde", form, unsupported);
        check_append("abc|def", "ghi|jkl", form, unsupported);
    }
    check_append("abcde", "abcdefg", Intersect::Shared, unsupported);
    check_append("abc", "abd", Intersect::Shared, unsupported);
    check_append("abc", "abd", Intersect::Exact, unsupported);
    check_append("abcd|abce", "abcd", Intersect::Exact, "abcd");
    check_append("abc|abd", "abcd", Intersect::Shared, unsupported);
    check_append("abc|abd", "abcd", Intersect::Exact, "abcd");
    let anything = Policy { rules: Rules::all_on().without(Rule::OldNewIntersect), ..Policy::default() };
    let change = Change::Append { sets: sets("def"), nodes: at_home("def"), retain: false };
    assert_eq!(way("abc", &change, anything), "def");
}

#[test]
fn planned_changes_go_by_as_few_steps_as_it_takes() {
    let check = |from: &str, to: &str, expected: &str| {
        let letters: String = to.chars().filter(|c| *c != '|').collect();
        let change = Change::To { sets: sets(to), nodes: at_home(&letters), retain: false };
        assert_eq!(way(from, &change, Policy::default()), expected, "{from} to {to}");
    };
    check("abc", "abc", "nothing");
    check("abc", "abc|def", "abc|def");
    check("abc", "def", "abc|def -> def");
    check("abc", "abc|def|ghi", "abc|def|ghi");
    check("abc|def|ghi", "ghi|jkl", "ghi|jkl");
    check("abc|def|ghi", "abc", "abc");
    check("abc|def", "ghi", "def|ghi -> ghi");
    check("abc|def", "ghi|jkl", "def|ghi|jkl -> ghi|jkl");
    check("abc", "abcd", "abcd");
    check("abc|cba", "abcd", "abcd");
    check("abc|def", "def|abc", "nothing");
    check("abc|def|cab", "abc|def", "nothing");
    check("def", "abc|bca|abc", "def|abc -> abc");
}

#[test]
fn a_set_that_is_named_twice_is_there_once_and_the_last_stays_last() {
    for (from, expected) in [("abc|cba", "abc"), ("abc|def|abc", "def|abc"), ("a|b|a|b|c|b", "a|c|b")] {
        assert_eq!(show(&members(from)), expected);
    }
    check_append("abc", "abcd|abcd", Intersect::Shared, "abcd");
    check_append("abc|abc", "abcd", Intersect::Shared, "abcd");
}

#[test]
fn single_server_changes_take_one_entry() {
    let add = |letter| Change::AddServer { node: id(letter), address: Address(id(letter).0) };
    let remove = |letter| Change::RemoveServer { node: id(letter) };
    let check = |from: &str, change: &Change, expected: &str| {
        assert_eq!(way(from, change, Policy::default()), expected);
    };
    check("abc", &add('d'), "abcd");
    check("abc +d", &add('d'), "abcd");
    check("abc", &add('c'), "already-voter");
    check("abc", &remove('c'), "ab");
    check("abc", &remove('d'), "not-a-voter");
    check("a", &remove('a'), "empty-membership");
    check("abc|abd", &add('e'), "already-joint");
}

#[test]
fn set_configuration_of_ratis() {
    let check = |from: &str, mode: SetMode, servers: &str, listeners: &str, expected: &str| {
        let change =
            Change::SetConfiguration { mode, servers: at_home(servers), listeners: at_home(listeners) };
        assert_eq!(way(from, &change, Policy::default()), expected, "{from} {change:?}");
    };
    let if_now = |servers: &str, listeners: &str| SetMode::CompareAndSet {
        servers: ids(servers),
        listeners: ids(listeners),
    };
    check("abc", SetMode::Set, "abcde", "", "abc|abcde -> abcde");
    check("abc", SetMode::Set, "cde", "", "majority-add");
    check("a", SetMode::Set, "ab", "", "a|ab -> ab");
    check("a", SetMode::Set, "abc", "", "majority-add");
    check("a", SetMode::Set, "bc", "", "majority-add");
    check("a", SetMode::Set, "b", "", "majority-add");
    check("a", SetMode::Add, "b", "", "a|ab -> ab");
    check("a", SetMode::Add, "bc", "", "majority-add");
    check("abc", SetMode::Set, "abc", "", "nothing");
    check("abc", SetMode::Set, "abc", "x", "abc +x");
    check("abc", SetMode::Set, "ab", "c", "abc|ab -> ab +c");
    check("abc", SetMode::Set, "", "", "empty-membership");
    check("abc", SetMode::Add, "d", "", "abc|abcd -> abcd");
    check("abc +d", SetMode::Add, "d", "", "abc|abcd -> abcd");
    check("abc +d", SetMode::Add, "", "e", "abc +de");
    check("abc", if_now("abc", ""), "bcd", "", "abc|bcd -> bcd");
    check("abc", if_now("ab", ""), "bcd", "", "precondition-failed");
    check("abc +d", if_now("abc", ""), "bcd", "", "precondition-failed");
    check("abc|abd", SetMode::Set, "abd", "", "in-progress");
}

#[test]
fn majority_add_may_be_allowed() {
    let change =
        Change::SetConfiguration { mode: SetMode::Set, servers: at_home("cde"), listeners: BTreeMap::new() };
    let policy = Policy { majority_add: true, ..Policy::default() };
    assert_eq!(way("abc", &change, policy), "abc|cde -> cde");
    let plan = plan(&members("abc"), &change, policy).unwrap();
    assert_eq!(plan.catch_up, at_home("de"));
}

#[test]
fn an_id_that_left_does_not_come_back() {
    let remove = Change::RemoveServer { node: id('c') };
    let without_c = plan(&members("abc"), &remove, Policy::default()).unwrap().first.unwrap();
    assert_eq!(without_c.retired(), &ids("c"));
    let again = Change::AddLearner { node: id('c'), address: Address(9), blocking: false };
    assert_eq!(plan(&without_c, &again, Policy::default()), Err(ChangeRefused::IdReused));
    let careless = Policy { rules: Rules::all_on().without(Rule::IdsNeverReused), ..Policy::default() };
    let back = plan(&without_c, &again, careless).unwrap().first.unwrap();
    assert_eq!(back.retired(), &ids(""));
}

fn some_sets() -> impl Strategy<Value = Vec<VoterSet>> {
    let set = proptest::collection::btree_set(0u32..6, 1..=4);
    let set = set.prop_map(|ids| ids.into_iter().map(NodeId).collect::<VoterSet>());
    proptest::collection::vec(set, 1..=3)
}

fn homes_of(ids: impl IntoIterator<Item = NodeId>) -> BTreeMap<NodeId, Address> {
    ids.into_iter().map(|id| (id, Address(id.0))).collect()
}

fn some_membership() -> impl Strategy<Value = Membership> {
    (some_sets(), proptest::collection::btree_set(0u32..6, 0..3)).prop_map(|(sets, learners)| {
        let voters = sets.iter().flat_map(VoterSet::iter);
        let nodes = homes_of(voters.chain(learners.into_iter().map(NodeId)));
        Membership::new(sets, nodes).unwrap()
    })
}

fn some_nodes() -> impl Strategy<Value = BTreeSet<NodeId>> {
    proptest::collection::btree_set((0u32..6).prop_map(NodeId), 0..4)
}

fn some_members() -> impl Strategy<Value = ChangeMembers> {
    prop_oneof![
        some_nodes().prop_map(ChangeMembers::AddVoterIds),
        some_nodes().prop_map(|ids| ChangeMembers::AddVoters(homes_of(ids))),
        some_nodes().prop_map(ChangeMembers::RemoveVoters),
        some_nodes().prop_map(ChangeMembers::ReplaceAllVoters),
        some_nodes().prop_map(|ids| ChangeMembers::AddNodes(homes_of(ids))),
        some_nodes().prop_map(ChangeMembers::RemoveNodes),
        some_nodes().prop_map(|ids| ChangeMembers::ReplaceAllNodes(homes_of(ids))),
    ]
}

fn some_change() -> impl Strategy<Value = Change> {
    let all = || homes_of((0..6).map(NodeId));
    let node = || (0u32..6).prop_map(NodeId);
    prop_oneof![
        node().prop_map(|node| Change::AddLearner { node, address: Address(node.0), blocking: false }),
        (some_members(), any::<bool>()).prop_map(|(members, retain)| Change::Members { members, retain }),
        (some_sets(), any::<bool>()).prop_map(move |(sets, retain)| Change::Append {
            sets,
            nodes: all(),
            retain
        }),
        (some_sets(), any::<bool>()).prop_map(move |(sets, retain)| Change::To {
            sets,
            nodes: all(),
            retain
        }),
        node().prop_map(|node| Change::AddServer { node, address: Address(node.0) }),
        node().prop_map(|node| Change::RemoveServer { node }),
        (some_nodes(), some_nodes()).prop_map(|(servers, listeners)| Change::SetConfiguration {
            mode: SetMode::Set,
            servers: homes_of(servers),
            listeners: homes_of(listeners),
        }),
    ]
}

fn some_policy() -> impl Strategy<Value = Policy> {
    any::<[bool; 2]>().prop_map(|[exact, majority_add]| {
        let intersect = if exact { Intersect::Exact } else { Intersect::Shared };
        Policy { intersect, majority_add, rules: Rules::all_on() }
    })
}

/// Whether some quorum of the one lies wholly beside some quorum of the other, by trying every subset.
fn may_disagree(old: &[VoterSet], new: &[VoterSet]) -> bool {
    let is_quorum = |sets: &[VoterSet], side: u32| {
        sets.iter().all(|set| 2 * set.iter().filter(|id| side & (1 << id.0) != 0).count() > set.len())
    };
    (0u32..1 << 6).any(|side| is_quorum(old, side) && is_quorum(new, !side))
}

/// Every membership that a change goes through, with no other one between.
fn steps(from: &Membership, change: &Change, policy: Policy) -> Result<Vec<Membership>, ChangeRefused> {
    let plan = plan(from, change, policy)?;
    let mut way: Vec<Membership> = plan.first.into_iter().collect();
    if let (Some(next), Some(last)) = (plan.next, way.last().cloned()) {
        way.extend(next_step(&last, &next, policy)?);
    }
    Ok(way)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_step_of_any_change_lets_two_quorums_decide_apart(
        from in some_membership(), change in some_change(), policy in some_policy(),
    ) {
        let mut before = from.clone();
        for after in steps(&from, &change, policy).unwrap_or_default() {
            prop_assert!(!may_disagree(before.sets(), after.sets()), "{:?} then {:?}", before.sets(), after.sets());
            before = after;
        }
    }

    #[test]
    fn every_step_gives_each_voter_an_address_and_nobody_comes_back(
        from in some_membership(), change in some_change(), policy in some_policy(),
    ) {
        let mut before = from.clone();
        for after in steps(&from, &change, policy).unwrap_or_default() {
            prop_assert!(after.voters().iter().all(|id| after.nodes().contains_key(&id)));
            prop_assert!(after.sets().iter().all(|set| !set.is_empty()) && after.is_initialised());
            let gone: BTreeSet<NodeId> =
                before.nodes().keys().chain(before.retired()).copied().filter(|id| !after.nodes().contains_key(id)).collect();
            prop_assert_eq!(after.retired(), &gone, "who leaves is remembered for good");
            prop_assert!(before.retired().iter().all(|id| !after.nodes().contains_key(id)));
            before = after;
        }
    }

    #[test]
    fn a_change_ends_where_it_was_asked_to(
        from in some_membership(), goal in some_sets(), voters in some_nodes(), retain: bool, policy in some_policy(),
    ) {
        let all = homes_of((0..6).map(NodeId));
        let to = Change::To { sets: goal.clone(), nodes: all.clone(), retain };
        if let Ok(way) = steps(&from, &to, policy) {
            let goal = Membership::new(goal, all.clone()).unwrap();
            let end = way.last().unwrap_or(&from);
            prop_assert!(end.decides_as(&goal) && (way.is_empty() || end.last_set() == goal.last_set()));
            prop_assert!(way.len() <= 2, "at most by way of one more");
        } else {
            prop_assert!(false, "any goal can be reached");
        }
        let members = ChangeMembers::Batch(alloc::vec![
            ChangeMembers::AddNodes(all),
            ChangeMembers::ReplaceAllVoters(voters.clone()),
        ]);
        match steps(&from, &Change::Members { members, retain }, policy) {
            Ok(way) => {
                prop_assert_eq!(way.last().map(Membership::sets), Some(&[voters.into()][..]));
                let old: Vec<NodeId> = from.voters().iter().filter(|id| !way.last().unwrap().is_voter(*id)).collect();
                prop_assert!(old.iter().all(|id| way.last().unwrap().nodes().contains_key(id) == retain));
            }
            Err(refused) => prop_assert_eq!((refused, voters.is_empty()), (ChangeRefused::EmptyMembership, true)),
        }
    }

    #[test]
    fn what_shares_a_set_or_differs_in_one_is_exact_as_well(old in some_sets(), new in some_sets()) {
        prop_assert_eq!(may_follow(&old, &new, Intersect::Exact), !may_disagree(&old, &new));
        if may_follow(&old, &new, Intersect::Shared) {
            prop_assert!(may_follow(&old, &new, Intersect::Exact));
        }
    }

    #[test]
    fn the_last_step_of_a_joint_config_stays_right_whatever_came_between(
        from in some_membership(), retain: bool,
    ) {
        let flatten = NextStep::Flatten { retain, nodes: None };
        let flat = next_step(&from, &flatten, Policy::default());
        if from.is_joint() {
            let flat = flat.unwrap().unwrap();
            prop_assert_eq!(flat.sets(), &[from.last_set()]);
            prop_assert_eq!(next_step(&flat, &flatten, Policy::default()), Ok(None), "nothing is left to do");
        } else {
            prop_assert_eq!(flat, Ok(None));
        }
    }
}

#[test]
fn every_refusal_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = ChangeRefused::ALL.iter().map(|refused| refused.name()).collect();
    assert_eq!(names.len(), ChangeRefused::ALL.len());
    for (place, refused) in ChangeRefused::ALL.iter().enumerate() {
        assert_eq!(*refused as usize, place, "{}", refused.name());
    }
    assert_eq!(ChangeRefused::ALL.last(), Some(&ChangeRefused::Transferring), "the last one of the type");
}
