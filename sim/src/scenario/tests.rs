//! What scenarios say, what is wrong with bad ones, and that printing and loading undo each other.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;

use super::*;
use crate::protocol::{Address, Change, OptionValue, Within};

/// Every key that there is.
const EVERYTHING: &str = r#"
# One of everything.
title = "One of everything"
source = "the loader's tests"
systems = ["raft"]
seeds = "1..4"

[cluster]
members = [["a", "b"], ["c"]]
learners = ["d"]
spare = ["e"]
priority = ["b", "a"]
vacant = ["v"]
election = "150ms..300ms"
heartbeat = "50ms"
timers = "scripted"
snapshot_every = 1000
sessions = "10s"

[cluster.addresses]
a = "x"
e = "w"

[cluster.options]
pre-vote = true
inflight = 16
lease = "90ms"
policy = "eager"

[rules]
off = ["initial-log", "up-to-date"]

[logs]
a = [1, 1, 2]
b = { log = [1], term = 3 }

[groups]
e = [["a", "b", "e"]]

[network]
delay = "1ms..10ms"
loss = "1%"
duplicate = "1/1000"

[disk]
write = "100us..3ms"
crash = "lost"

[workload]
clients = 4
keys = 3
reads = "50%"
cas = "10%"
timeout = "1s"
think = "0ms..5ms"
reads_at = "any"
retries = 3

[[nemesis]]
kind = "partition"
every = "3s..10s"
lasting = "500ms..2s"
shape = "leader-alone"

[[nemesis]]
kind = "crash"
every = "2s"
lasting = "1s"
aim = "leader"

[[nemesis]]
kind = "stall"
every = "2s"
lasting = "1s"

[[nemesis]]
kind = "removal"
on = "leader-elected"
lasting = "1s"

[except]
raft-rs = "it has no joint config of three sets"

[story]
steps = [
  { elect = "a" },
  { elect = "b", fails = true },
  { timeout = "a" },
  { heartbeat = "leader" },
  { crash = "a" },
  { crash = ["a", "b"] },
  { restart = "all" },
  { wipe = "e" },
  { wipe = "e", group = [["e"]] },
  { backup = "a", as = "whole" },
  { restore = "a", from = "whole" },
  { change = { force_members = ["a"] }, via = "a" },
  { partition = [["a", "b"], ["c"]] },
  { isolate = "leader" },
  { cut = ["a", "b"] },
  { join = { from = "a", to = ["b", "c"] } },
  { hold = { from = "a", to = "b" } },
  { release = { from = "a", to = "b" } },
  { drop = { from = ["a", "c"], to = "b" } },
  { drop = "all" },
  { exchange = ["a", "c"] },
  { heal = true },
  { stall = "a" },
  { finish = "a", writes = 2 },
  { unstall = "all" },
  { write = "x=1", via = "a", outcome = "ok" },
  { write = "x=2", wait = false },
  { write = "x=3", as = "three", outcome = "pending" },
  { answer = "three", outcome = "ok" },
  { answer = "three" },
  { change = { add_voters = ["e"] }, as = "four", outcome = "pending" },
  { answer = "four", outcome = "in-progress" },
  { transfer = "b", as = "five", outcome = "pending" },
  { read = "x", value = "1" },
  { read = "y", via = "b", value = "none", outcome = "ok" },
  { cas = "x", from = 1, to = 2, outcome = "mismatch" },
  { open_session = "p", via = "a" },
  { write = "y=1", client = "p", via = "a", wait = false },
  { retry = "p", via = "b", outcome = "unknown" },
  { retry = "p", wait = false },
  { change = { add_learner = "e", address = "v" }, via = "a" },
  { change = { voters = ["a", "b"], retain = true }, outcome = "in-progress" },
  { change = { voters = ["a", "b"], turn_to_learner = true, allow_lagging = false, if = { last_entry = 5 } } },
  { change = { add_learner = "e", blocking = true } },
  { change = { add_voters = ["e"] }, outcome = "pending" },
  { change = { add_voters = { e = "v" } } },
  { change = { add_voter_ids = ["d", "e"], if = { last_membership = 3 } } },
  { change = { add_nodes = ["e"], if = { last_entry = 5 } } },
  { change = { replace_all_nodes = { a = "x", b = "v" }, if = { leader_term = 2 } } },
  { change = { batch = [{ add_nodes = ["e"] }, { voters = ["b"] }, { remove_nodes = ["d"] }], retain = true } },
  { change = { change_to = [["a", "b"], ["e"]], nodes = { e = "v" } } },
  { change = { add_server = "e", address = "w" } },
  { change = { remove_server = "b" } },
  { change = { set_configuration = ["a", "e"], listeners = ["d"] } },
  { change = { set_configuration = { e = "v" }, mode = "add" } },
  { change = { set_configuration = ["a"], mode = "compare-and-set", current = ["a", "b"], current_listeners = ["d"] } },
  { change = { remove_voters = ["b"], retain = true } },
  { change = { set_nodes = { b = "w" } } },
  { change = { remove_nodes = ["d"] } },
  { change = { append = [["a"], ["b", "e"]], retain = true } },
  { transfer = "b", via = "a", outcome = "not-leader" },
  { snapshot = "a" },
  { address = { node = "b", at = "w" } },
  { run = "5s" },
  { settle = true },
  { converge = "10s" },
  { expect = { leaders = ["a", "c"], seen = ["won"], never = ["lost"] } },
  { expect = { node = "a", running = true, role = "leader", commit = 3, applied = "<3", last = ">=4", term = 4 } },
  { expect = { node = "all", log = [1, 1, 4], voters = [["a"], ["b"]], learners = [], machine = { x = 1, y = "none" } } },
]

[expect]
violations = ["election-safety", "linearizability"]
then = "go-on"
seen = ["leader-changed"]
never = ["log-cut"]
leader = "a"
"#;

/// A short one to spoil: line 3 is the table, line 7 the first step.
const SHORT: &str = r#"title = "t"
source = "s"
[cluster]
members = ["ann", "bob", "cid"]
[story]
steps = [
  { elect = "ann" },
]
[expect]
violations = "none"
"#;

fn everything() -> Scenario {
    parse("all.toml", EVERYTHING).unwrap_or_else(|error| panic!("{error}")).scenario
}

fn refusal(text: &str) -> String {
    match parse("s.toml", text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// Replaces a part of the short scenario, and tells how the loader refuses the result.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    assert!(SHORT.contains(old), "nothing to replace: {old}");
    assert_eq!(refusal(&SHORT.replacen(old, new, 1)), expected);
}

/// Puts a step in place of the first.
#[track_caller]
fn check_step(step: &str, expected: &str) {
    check("{ elect = \"ann\" }", step, expected);
}

fn ids(numbers: &[u32]) -> BTreeSet<NodeId> {
    numbers.iter().copied().map(NodeId).collect()
}

#[test]
fn nodes_and_addresses_are_numbered_in_order() {
    let cluster = everything().cluster;
    let names: Vec<&str> = cluster.ids().map(|id| cluster.name(id)).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!(cluster.addresses, ["x", "b", "c", "d", "w", "v"]);
    assert_eq!(cluster.members, [ids(&[0, 1]), ids(&[2])]);
    assert_eq!((cluster.learners, cluster.spare), (ids(&[3]), ids(&[4])));
}

#[test]
fn a_flat_list_of_members_is_one_voter_set() {
    let scenario = parse("s.toml", SHORT).expect("valid").scenario;
    assert_eq!(scenario.cluster.members, [ids(&[0, 1, 2])]);
    assert_eq!(scenario.seeds, Seeds { first: 1, last: 1 });
    assert_eq!(scenario.expect, Expectations::default());
}

#[test]
fn options_have_the_type_of_their_value() {
    let options = everything().cluster.options;
    assert_eq!(options["pre-vote"], OptionValue::Switch(true));
    assert_eq!(options["inflight"], OptionValue::Number(16));
    assert_eq!(options["lease"], OptionValue::Time(90_000_000));
    assert_eq!(options["policy"], OptionValue::Word("eager".to_owned()));
}

#[test]
fn what_disks_hold_first() {
    let scenario = everything();
    let [a, b, e] = [0, 1, 4].map(|id| scenario.initial(NodeId(id)));
    assert_eq!((a.log, a.term), (vec![1, 1, 2], 2));
    assert_eq!((b.log, b.term), (vec![1], 3));
    let own = e.membership.expect("a group of its own");
    assert_eq!((own.sets, own.nodes.len()), (vec![ids(&[0, 1, 4])], 3));
    let mut without = everything();
    without.groups.clear();
    assert_eq!(without.initial(NodeId(4)).membership, None, "a spare node was never initialised");
    let known = b.membership.expect("a voter knows the membership").nodes;
    assert_eq!(
        known.keys().copied().collect::<BTreeSet<_>>(),
        ids(&[0, 1, 2, 3]),
        "learners are known, spares not"
    );
}

#[test]
fn steps_are_resolved() {
    let scenario = everything();
    let has = |step: &Step| assert!(scenario.steps.contains(step), "{step:?}");
    has(&Step::Partition { groups: vec![ids(&[0, 1]), ids(&[2]), ids(&[3, 4])] });
    has(&Step::Cut { links: Links { from: ids(&[0]), to: ids(&[1]) } });
    has(&Step::Join { links: Links { from: ids(&[0]), to: ids(&[1, 2]) } });
    has(&Step::Address { node: NodeId(1), at: Address(4) });
    has(&Step::Run { time: 5_000_000_000 });
    let change = Change::AddLearner { node: NodeId(4), address: Address(5), blocking: false };
    let via = Target::Node(NodeId(0));
    has(&Step::Change { change, name: None, via, outcome: OperationOutcome::Done });
    let call = ClientCall::Write { key: "x".to_owned(), value: 1 };
    has(&Step::Call {
        call,
        client: None,
        name: None,
        via: Target::Node(NodeId(0)),
        outcome: Some(ClientOutcome::Ok),
        wait: true,
    });
}

#[test]
fn a_change_is_sent_with_the_home_of_every_node_it_names() {
    let steps = everything().steps;
    let appended = steps.iter().find_map(|step| match step {
        Step::Change { change: Change::Append { nodes, .. }, .. } => Some(nodes.clone()),
        _ => None,
    });
    let homes = [(NodeId(0), Address(0)), (NodeId(1), Address(1)), (NodeId(4), Address(4))];
    assert_eq!(appended, Some(homes.into_iter().collect()));
}

#[test]
fn what_is_printed_loads_as_the_same_scenario() {
    let scenario = everything();
    let text = scenario.to_toml();
    let again = parse("again.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.scenario, scenario, "{text}");
    assert_eq!(again.scenario.to_toml(), text);
}

#[test]
fn an_objection_gets_the_place_of_its_subject() {
    let file = parse("s.toml", SHORT).expect("valid");
    let objection = Objection { subject: Subject::Step(0), message: "ann is down".to_owned(), hint: None };
    assert_eq!(file.error(objection).to_string(), "s.toml:7:3: ann is down");
}

#[test]
fn not_toml() {
    check(
        "title = \"t\"",
        "title = ",
        "s.toml:1:9: not TOML: string values must be quoted, expected literal string",
    );
}

#[test]
fn unknown_keys() {
    check("title", "titel", "s.toml:1:1: unknown key \"titel\"\nhelp: did you mean \"title\"?");
    check(
        "[story]",
        "heartbaet = \"1s\"\n[story]",
        "s.toml:5:1: unknown key in [cluster]: \"heartbaet\"\nhelp: did you mean \"heartbeat\"?",
    );
    check(
        "[story]",
        "[netwrok]\n[story]",
        "s.toml:5:2: unknown key in the scenario: \"netwrok\"\nhelp: did you mean \"network\"?",
    );
    check(
        "[cluster]",
        "heartbeat = \"1s\"\n[cluster]",
        "s.toml:3:1: unknown key in the scenario: \"heartbeat\"\nhelp: it belongs below [cluster]",
    );
    check_step(
        "{ elect = \"ann\", fail = true }",
        "s.toml:7:20: unknown key in this step: \"fail\"\nhelp: did you mean \"fails\"?",
    );
}

#[test]
fn a_first_try_needs_no_source_and_expects_nothing_broken() {
    let text = SHORT.replace("source = \"s\"\n", "").replace("[expect]\nviolations = \"none\"\n", "");
    let scenario = parse("s.toml", &text).expect("a first try").scenario;
    assert_eq!((scenario.source.as_str(), &scenario.expect), ("", &Expectations::default()));
    assert_eq!(parse("printed.toml", &scenario.to_toml()).expect("what is printed").scenario, scenario);
}

#[test]
fn steps_know_their_places_as_long_as_none_is_gone() {
    let mut scenario = everything();
    let place = |scenario: &Scenario, step| scenario.places.of(step, scenario.steps.len());
    assert_eq!(place(&scenario, 1).map(|place| (place.line, place.column)), Some((87, 3)));
    assert_eq!(scenario.step_text(1), "{ elect = \"b\", fails = true }");
    scenario.steps.pop();
    assert_eq!(place(&scenario, 1), None);
}

#[test]
fn only_what_was_asked_for_can_be_asked_after() {
    let asked = "{ write = \"x=1\", as = \"one\", outcome = \"pending\" }, ";
    check_step(
        &format!("{asked}{{ answer = \"on\" }}"),
        "s.toml:7:55: unknown request before this step, by its name: \"on\"\nhelp: known here: one",
    );
    check_step(
        "{ restore = \"ann\", from = \"monday\" }",
        "s.toml:7:3: unknown image of a disk before this step, by its name: \"monday\"",
    );
    check_step(
        "{ write = \"x=1\", outcome = \"later\" }",
        "s.toml:7:30: unknown outcome \"later\"\nhelp: known here: ok, mismatch, refused, unknown, pending",
    );
    check_step(
        "{ read = \"x\", value = 1, outcome = \"pending\" }",
        "s.toml:7:38: expected an outcome of the read, since its value is expected, found \"pending\"",
    );
    check_step(
        "{ write = \"x=1\", outcome = \"pending\", wait = true }",
        "s.toml:7:48: a step that waits for nothing is pending\nhelp: leave out `wait`",
    );
    check_step(
        "{ change = { force_members = [] } }",
        "s.toml:7:32: expected at least one node, found an empty list",
    );
}

#[test]
fn missing_keys() {
    check(
        "violations = \"none\"\n",
        "",
        "s.toml:9:1: expected [expect] to have `violations`\nhelp: for example: violations = \"none\"",
    );
    check(
        "[story]",
        "[[nemesis]]\nkind = \"crash\"\nevery = \"1s\"\n[story]",
        "s.toml:5:1: expected [[nemesis]] to have `lasting`\nhelp: for example: lasting = \"500ms..2s\"",
    );
    check(
        "[story]",
        "[[nemesis]]\nkind = \"crash\"\non = \"leader-electet\"\nlasting = \"1s\"\n[story]",
        "s.toml:7:6: unknown cue \"leader-electet\"\nhelp: did you mean \"leader-elected\"?",
    );
    check(
        "[story]",
        "[[nemesis]]\nkind = \"crash\"\nevery = \"1s\"\non = \"restarted\"\nlasting = \"1s\"\n[story]",
        "s.toml:7:9: a nemesis strikes every so often or on a cue, not both\nhelp: leave out `every` or `on`",
    );
}

#[test]
fn wrong_types_and_forms() {
    check("\"t\"", "7", "s.toml:1:9: expected a title such as \"Two leaders, one log\", found 7");
    let election = |value: &str| SHORT.replacen("[story]", &format!("election = {value}\n[story]"), 1);
    let expected = "s.toml:5:12: expected a duration such as 5ms, or a range such as 1ms..10ms, found";
    assert_eq!(refusal(&election("\"150\"")), format!("{expected} \"150\""));
    assert_eq!(refusal(&election("150")), format!("{expected} 150"));
    assert_eq!(refusal(&election("\"9ms..1ms\"")), format!("{expected} \"9ms..1ms\""));
    assert_eq!(
        refusal(&election("\"0s\"")),
        "s.toml:5:12: expected a duration such as 5ms, or a range such as 1ms..10ms, at least 1ms, found \"0s\""
    );
    check_step("{ run = \"150\" }", "s.toml:7:11: expected a duration such as 150ms, found \"150\"");
    check_step("{ elect = 3 }", "s.toml:7:13: expected the name of a node such as \"ann\", found 3");
    check_step("\"elect\"", "s.toml:7:3: expected a step such as { elect = \"a\" }, found \"elect\"");
    check(
        "[story]",
        "[network]\nloss = \"101%\"\n[story]",
        "s.toml:6:8: expected a ratio such as 1% or 1/1000, found \"101%\"",
    );
    check(
        "[cluster]",
        "seeds = 0\n[cluster]",
        "s.toml:3:9: expected a number of seeds such as 4, or a range such as \"1..4\", found 0",
    );
}

#[test]
fn unknown_names() {
    check_step("{ elect = \"bub\" }", "s.toml:7:13: unknown node \"bub\"\nhelp: did you mean \"bob\"?");
    check_step("{ restart = \"x\" }", "s.toml:7:15: unknown node \"x\"\nhelp: known here: ann, bob, cid");
    check_step(
        "{ write = \"x=1\", via = \"an\" }",
        "s.toml:7:26: unknown node \"an\"\nhelp: known here: ann, bob, cid",
    );
    check_step("{ crsh = \"ann\" }", "s.toml:7:5: unknown step \"crsh\"\nhelp: did you mean \"crash\"?");
    check_step(
        "{ open_session = \"p\" }",
        "s.toml:7:20: sessions do not expire here, and need not be opened\nhelp: for example: sessions = \"10s\" in [cluster]",
    );
    check_step(
        "{ change = { set_nodes = { ann = \"w\" } } }",
        "s.toml:7:36: unknown address \"w\"\nhelp: known here: ann, bob, cid; declare an unused one in `cluster.vacant`",
    );
    check(
        "violations = \"none\"",
        "violations = [\"election-saftey\"]",
        "s.toml:10:15: unknown property \"election-saftey\"\nhelp: did you mean \"election-safety\"?",
    );
    check(
        "[story]",
        "[logs]\ndan = [1]\n[story]",
        "s.toml:6:1: unknown node \"dan\"\nhelp: known here: ann, bob, cid",
    );
    check(
        "[story]",
        "[groups]\ndan = [[\"ann\"]]\n[story]",
        "s.toml:6:1: unknown node \"dan\"\nhelp: known here: ann, bob, cid",
    );
}

#[test]
fn impossible_clusters() {
    let empty =
        "expected at least one voter, found an empty set\nhelp: a cluster without voters can decide nothing";
    check("[\"ann\", \"bob\", \"cid\"]", "[]", &format!("s.toml:4:11: {empty}"));
    check("[\"ann\", \"bob\", \"cid\"]", "[[\"ann\"], []]", &format!("s.toml:4:21: {empty}"));
    check("\"bob\"", "\"ann\"", "s.toml:4:19: node \"ann\" is twice in one voter set");
    check(
        "[story]",
        "spare = [\"ann\"]\n[story]",
        "s.toml:5:10: node \"ann\" is named twice\nhelp: a node is a voter, a learner or spare",
    );
    check(
        "\"bob\"",
        "\"leader\"",
        "s.toml:4:19: \"leader\" cannot name a node\nhelp: in steps it stands for whichever node leads, or for every node",
    );
    check(
        "[story]",
        "[cluster.addresses]\nann = \"bob\"\n[story]",
        "s.toml:5:1: two nodes have the address \"bob\"\nhelp: a node without an address of its own is reached at its name",
    );
    check(
        "[story]",
        "[logs]\nann = [2, 1]\n[story]",
        "s.toml:6:11: expected a term of at least 2, since terms never fall, found 1",
    );
}

#[test]
fn impossible_steps() {
    check_step(
        "{ partition = [[\"ann\"], [\"bob\", \"ann\"]] }",
        "s.toml:7:27: node \"ann\" is in two groups\nhelp: a node is on one side of a partition",
    );
    check_step("{ partition = [[\"ann\", \"ann\"]] }", "s.toml:7:26: node \"ann\" is named twice");
    check_step("{ cut = [\"ann\", \"ann\"] }", "s.toml:7:11: no link leads from node \"ann\" to itself");
    check_step("{ crash = [] }", "s.toml:7:13: expected at least one node, found an empty list");
    check_step(
        "{ crash = \"ann\", restart = \"ann\" }",
        "s.toml:7:20: expected one thing in a step, found crash and restart\nhelp: steps follow each other: write two",
    );
    check_step("{ heal = false }", "s.toml:7:12: expected true, found false");
    check_step("{}", "s.toml:7:3: expected a step such as { elect = \"a\" }, found an empty one");
    check_step(
        "{ write = \"x=1\", outcome = \"ok\", wait = false }",
        "s.toml:7:43: a step that does not wait cannot expect an outcome\nhelp: leave out `wait`, or what is expected",
    );
    check_step(
        "{ expect = { commit = 3 } }",
        "s.toml:7:14: expected to be told of which node\nhelp: for example: { node = \"a\", commit = 3 }",
    );
    check(
        "{ elect = \"ann\" },",
        "",
        "s.toml:6:9: expected at least one step such as { elect = \"a\" }, found an empty list",
    );
}

#[test]
fn a_file_that_cannot_be_read_or_is_not_utf8() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = load(&folder.path().join("none.toml")).expect_err("there is no such file");
    assert!(missing.message.starts_with("cannot be read: "), "{missing}");
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, b"title = \"t\"\nsource = \"\xff\"").expect("a file");
    let error = load(&binary).expect_err("not UTF-8");
    assert_eq!(error.place, Some(Place { line: 2, column: 11 }));
    assert_eq!(error.message, "expected UTF-8 text");
}

#[test]
fn columns_count_characters() {
    check_step(
        "{ write = \"ü=1\", via = \"bub\" }",
        "s.toml:7:26: unknown node \"bub\"\nhelp: did you mean \"bob\"?",
    );
}

#[test]
fn durations_and_ratios_are_exact() {
    let cases =
        [("0s", 0), ("1ns", 1), ("1500us", 1_500_000), ("90s", 90_000_000_000), ("1h", 3_600_000_000_000)];
    for (text, time) in cases {
        assert_eq!(parse_duration(text), Some(time), "{text}");
        assert_eq!(format_duration(time), text, "the greatest unit that is exact");
    }
    for text in ["", "5", "ms", "-1s", "+1s", "1.5s", "1 s", "99999999999h", "1µs", "0x1s"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
    assert_eq!(Ratio::parse("1/1000"), Some(Ratio { num: 1, den: 1000 }));
    for text in ["1/0", "2/1", "101%", "-1%", "1.5%", "50", "", "/", "%"] {
        assert_eq!(Ratio::parse(text), None, "{text}");
    }
}

#[test]
fn the_nearest_word() {
    assert_eq!(nearest("hartbeat", ["heartbeat", "election"]), Some("heartbeat"));
    assert_eq!(nearest("x", ["a", "b"]), None, "one letter is like no other");
    assert_eq!(nearest("x", []), None);
}

/// A mutation of a text: cut a piece, copy a piece elsewhere, or put something odd in.
fn mutations() -> impl Strategy<Value = Vec<(usize, usize, usize, String)>> {
    let odd = prop_oneof![
        Just(String::new()),
        "[\\[\\]{}=\",.#\\n a-z0-9%/]{0,4}",
        "\\PC{0,3}",
        Just("18446744073709551615".to_owned()),
        Just("\"99999999999999999999ms\"".to_owned()),
        Just("[[[[".to_owned()),
    ];
    prop::collection::vec((any::<usize>(), 0..40usize, any::<usize>(), odd), 1..5)
}

fn mutate(text: &str, mutations: &[(usize, usize, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (from, len, to, odd) in mutations {
        let from = from % (chars.len() + 1);
        let piece: Vec<char> = chars.drain(from..(from + len).min(chars.len())).collect();
        let to = to % (chars.len() + 1);
        let inserted = if odd.is_empty() { piece } else { odd.chars().collect() };
        chars.splice(to..to, inserted);
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_text_makes_the_loader_panic_and_what_loads_survives_printing(mutations in mutations()) {
        if let Ok(file) = parse("m.toml", &mutate(EVERYTHING, &mutations)) {
            let text = file.scenario.to_toml();
            let again = parse("again.toml", &text);
            prop_assert_eq!(again.map(|file| file.scenario), Ok(file.scenario), "{}", text);
        }
    }

    #[test]
    fn durations_and_ranges_print_as_they_read(min in any::<u64>(), max in any::<u64>()) {
        let within = Within { min: min.min(max), max: min.max(max) };
        prop_assert_eq!(parse_duration(&format_duration(min)), Some(min));
        prop_assert_eq!(units::parse_within(&units::format_within(within)), Some(within));
    }

    #[test]
    fn ratios_print_as_they_read(num in any::<u32>(), den in 1..=u32::MAX) {
        let ratio = Ratio { num: num % den, den };
        prop_assert_eq!(Ratio::parse(&ratio.text()), Some(ratio));
    }
}

/// The refusal of a scenario with some lines in place of the workload and with these steps.
fn refusal_of(lines: &str, steps: &str) -> String {
    let text = format!(
        "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b', 'c']\n{lines}\n[story]\nsteps = [{steps}]\n\
         [expect]\nviolations = 'none'"
    );
    parse("t.toml", &text).expect_err("it is beyond a bound").to_string()
}

#[test]
fn every_bound_is_named_where_it_is_passed() {
    let run = "{ run = '1s' }";
    let cases = [
        (
            "[workload]\nclients = 1_000_000_000",
            "expected a number of clients such as 4, at most 1000, found 1000000000",
        ),
        (
            "[workload]\nkeys = 1_000_000_000",
            "expected a number of keys such as 3, at most 100000, found 1000000000",
        ),
        ("[[nemesis]]\nkind = 'crash'\nevery = '0ns'\nlasting = '1s'", "at least 10us, found \"0ns\""),
        ("[[nemesis]]\nkind = 'crash'\nevery = '1s'\nlasting = '9999h'", "at most 24h, found \"9999h\""),
        ("[network]\ndelay = '1ms..9999h'", "at most 1h, found \"1ms..9999h\""),
        ("[logs]\na = [".to_owned().leak(), ""),
    ];
    for (lines, expected) in cases {
        let refusal = refusal_of(lines, run);
        assert!(refusal.contains(expected), "{refusal}");
    }
    let age = refusal_of("", "{ run = '40h' }, { run = '40h' }");
    assert!(age.contains("expected steps that take at most 48h of virtual time, found"), "{age}");
    let steps = refusal_of("", &format!("{run},").repeat(10_001));
    assert!(steps.contains("expected at most 10000 steps, found 10001"), "{steps}");
    assert!(steps.contains("--raise-bounds"), "{steps}");
    let nemeses = "[[nemesis]]\nkind = 'crash'\nevery = '1s'\nlasting = '1s'\n".repeat(101);
    assert!(refusal_of(&nemeses, run).contains("expected at most 100 nemeses, found 101"));
    let logs = format!("[logs]\na = [{}]", "1,".repeat(100_001));
    assert!(refusal_of(&logs, run).contains("expected at most 100000 entries, found 100001"));
    let nested = format!("[logs]\na = {}", "[".repeat(100_000));
    assert!(refusal_of(&nested, run).contains("not TOML"));
    let spare: Vec<String> = (0..98).map(|number| format!("'n{number}'")).collect();
    let nodes = refusal_of(&format!("spare = [{}]", spare.join(",")), run);
    assert!(nodes.contains("expected at most 100 nodes, found 101"), "{nodes}");
}

#[test]
fn a_bound_that_is_raised_allows_more() {
    let text = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a']\n[workload]\nclients = 5000\n[story]\n\
                steps = [{ run = '1s' }]\n[expect]\nviolations = 'none'";
    assert!(parse("t.toml", text).is_err());
    let raised = parse_within("t.toml", text, Bounds { times: 5 }).expect("within five times the bound");
    assert_eq!(raised.scenario.workload.map(|workload| workload.clients), Some(5_000));
}

#[test]
fn a_long_story_is_read_in_no_time() {
    let steps = "{ run = '1s' },".repeat(10_000);
    let text = format!(
        "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a']\n[story]\nsteps = [{steps}]\n[expect]\n\
         violations = 'none'"
    );
    let file = parse("t.toml", &text).expect("as many as allowed");
    let last = file.places[&Subject::Step(9_999)];
    assert_eq!((last.line, last.column), (6, 10 + 15 * 9_999));
}
