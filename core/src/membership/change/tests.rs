//! The transition table: members before, change, retain, and what comes of it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use super::*;

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
