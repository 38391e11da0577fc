//! Every order of small worlds: what is proved, what is found, and that neither depends on threads, processes or reductions.

use std::fmt::Write as _;

use splitbrain::explore::{Ended, Explored, Limits, explore};
use splitbrain::protocols::raft::Raft;
use splitbrain::report::Verdict;
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, Scenario};

/// A small world.
struct World {
    members: &'static str,
    options: &'static str,
    off: &'static str,
    bounds: &'static str,
    steps: &'static str,
    /// The promise that breaks; nothing when every run keeps all.
    breaks: &'static str,
}

const PLAIN: World = World {
    members: "members = ['a', 'b', 'c']",
    options: "pre-vote = false\ncheck-quorum = false\nstickiness = false",
    off: "",
    bounds: "terms = 2\ntimeouts = 2\nproposals = 0",
    steps: "{ settle = true }",
    breaks: "",
};

/// The world whose proof is stated in the book.
const STATED: World = World { bounds: "terms = 2\ntimeouts = 2\nproposals = 1", ..PLAIN };

impl World {
    fn text(&self) -> String {
        let mut text = format!(
            "title = 'a small world'\n[cluster]\n{}\n[cluster.options]\n{}\n",
            self.members, self.options
        );
        if !self.off.is_empty() {
            let _ = write!(text, "[rules]\noff = ['{}']\n", self.off);
        }
        let _ = write!(text, "[explore]\n{}\n[story]\nsteps = [{}]\n", self.bounds, self.steps);
        text + "[expect]\nviolations = 'none'\n"
    }

    fn scenario(&self) -> Scenario {
        let text = self.text();
        scenario::parse("small.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}")).scenario
    }
}

fn options() -> RunOptions {
    RunOptions { file: String::new(), system: String::from("raft"), seed: 1, trace: false }
}

fn explored(scenario: &Scenario, limits: Limits) -> Explored {
    explore::<Raft>(scenario, &options(), limits, &mut |_| false).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The broken promise and the length of the run that breaks it.
fn found(explored: &Explored) -> Option<(&'static str, usize)> {
    match &explored.ended {
        Ended::Kept => None,
        Ended::Broken(found) => Some((found.property.name(), found.moves)),
        Ended::GaveUp(limit) => panic!("gave up at {limit}"),
    }
}

/// Small worlds, some of them broken.
fn worlds() -> Vec<World> {
    let mut worlds = vec![
        World { bounds: "terms = 1\ntimeouts = 1\nproposals = 1", ..PLAIN },
        PLAIN,
        World { bounds: "terms = 1\ntimeouts = 2\nproposals = 1", ..PLAIN },
        World { bounds: "terms = 1\ntimeouts = 1\nproposals = 1\ncrashes = 1", ..PLAIN },
        World { bounds: "terms = 1\ntimeouts = 1\nproposals = 1\nduplications = 1", ..PLAIN },
        World { bounds: "terms = 1\ntimeouts = 1\nproposals = 0\ncrashes = 1\nwrites = 'later'", ..PLAIN },
        World { bounds: "terms = 1\ntimeouts = 1\nproposals = 1\nwrites = 'later'", ..PLAIN },
        World { bounds: "terms = 1\ntimeouts = 1\nheartbeats = 1\nproposals = 0\ndepth = 14", ..PLAIN },
        World { bounds: "terms = 2\ntimeouts = 2\nproposals = 1\ndepth = 11", ..PLAIN },
        World { members: "members = ['a', 'b']", bounds: STATED.bounds, ..PLAIN },
        World {
            members: "members = ['a']",
            bounds: "terms = 3\ntimeouts = 3\nproposals = 2\ncrashes = 2",
            ..PLAIN
        },
        World { members: "members = ['a', 'b']\nlearners = ['c']", bounds: STATED.bounds, ..PLAIN },
        World { bounds: "terms = 2\ntimeouts = 2\nproposals = 1\nanswers = 'at-once'", ..PLAIN },
        World { members: "members = [['a', 'b'], ['a', 'c']]", bounds: "terms = 1\ntimeouts = 1", ..PLAIN },
        World { options: "", bounds: "terms = 1\ntimeouts = 1\nproposals = 0", ..PLAIN },
        World {
            members: "members = ['a']\nspare = ['b']",
            steps: "{ change = { append = [['a'], ['a', 'b']] } }",
            bounds: "terms = 2\ntimeouts = 2\nproposals = 0\nchanges = 1",
            ..PLAIN
        },
    ];
    worlds.extend([
        World { off: "one-vote-per-term", breaks: "election-safety", ..PLAIN },
        World { off: "up-to-date-check", breaks: "leader-completeness", ..PLAIN },
        World {
            off: "vote-durable-before-reply",
            bounds: "terms = 1\ntimeouts = 2\nproposals = 0\ncrashes = 1\nwrites = 'later'",
            breaks: "election-safety",
            ..PLAIN
        },
        World {
            off: "append-durable-before-reply",
            bounds: "terms = 1\ntimeouts = 1\nproposals = 0\nwrites = 'later'",
            breaks: "commit-durability",
            ..PLAIN
        },
        World {
            off: "self-counts-only-when-durable",
            bounds: "terms = 1\ntimeouts = 1\nproposals = 0\nwrites = 'later'",
            breaks: "commit-durability",
            ..PLAIN
        },
        World {
            off: "old-new-intersect",
            steps: "{ change = { append = [['a']] } }",
            bounds: "terms = 2\ntimeouts = 2\nproposals = 0\nchanges = 1",
            breaks: "leader-completeness",
            ..PLAIN
        },
    ]);
    worlds
}

#[test]
fn answers_are_equal_with_and_without_reductions() {
    for world in worlds() {
        let scenario = world.scenario();
        let expected = (!world.breaks.is_empty()).then_some(world.breaks);
        let both = explored(&scenario, Limits::default());
        let answer = found(&both);
        assert_eq!(answer.map(|(property, _)| property), expected, "{}", world.text());
        for (symmetry, reduction) in [(false, true), (true, false), (false, false)] {
            let limits = Limits { symmetry, reduction, ..Limits::default() };
            let other = explored(&scenario, limits);
            assert_eq!(found(&other), answer, "symmetry {symmetry}, reduction {reduction}: {}", world.text());
            assert!(both.states <= other.states, "{}", world.text());
        }
    }
}

#[test]
fn what_is_found_is_repeated_by_a_run() {
    for world in worlds().iter().filter(|world| !world.breaks.is_empty()) {
        let explored = explored(&world.scenario(), Limits::default());
        let Ended::Broken(found) = explored.ended else { panic!("{}", world.text()) };
        let told = found.scenario.expect("a run judges as the search does");
        let again = scenario::parse("told.toml", &told.to_toml()).unwrap_or_else(|error| panic!("{error}"));
        let report = splitbrain::built_in::run(&again.scenario, &options()).expect("it runs");
        assert_eq!(report.verdict, Verdict::AsExpected, "{}", told.to_toml());
        assert_eq!(report.violations.first().map(|first| first.property.as_str()), Some(world.breaks));
    }
}

#[test]
fn counts_do_not_depend_on_threads() {
    let broken = worlds().into_iter().find(|world| world.off == "old-new-intersect").expect("it is there");
    for world in [STATED, broken] {
        let scenario = world.scenario();
        let counts = |threads| {
            let explored = explored(&scenario, Limits { threads, ..Limits::default() });
            let Explored { states, moves, beyond, depth, players, .. } = explored;
            (states, moves, beyond, depth, players, found(&explored))
        };
        let one = counts(1);
        assert!(one.0 > 5_000, "there is something to divide: {one:?}");
        assert_eq!(one, counts(2));
        assert_eq!(one, counts(3));
    }
}

#[test]
fn three_nodes_of_a_stated_size_keep_every_promise() {
    let explored = explored(&STATED.scenario(), Limits::default());
    assert!(matches!(explored.ended, Ended::Kept));
    assert_eq!((explored.states, explored.symmetries, explored.waiting), (134_425, 6, 0));
    assert!(explored.kept_bytes < 100 * explored.states as usize, "{} bytes", explored.kept_bytes);
}

#[test]
fn every_state_of_a_healed_cluster_leads_to_agreement() {
    let healing = World { bounds: "terms = 2\ntimeouts = 2\nproposals = 1\nhealing = 300", ..PLAIN };
    let whole = explored(&healing.scenario(), Limits::default());
    assert_eq!(found(&whole), None);
    assert_eq!(whole.states, 134_425, "to look for traps adds no state");
    for world in worlds().iter().filter(|world| world.breaks.is_empty()) {
        let mut scenario = world.scenario();
        scenario.explore.healing = 300;
        assert_eq!(found(&explored(&scenario, Limits::default())), None, "{}", world.text());
    }
}

#[test]
fn a_state_from_which_a_healed_cluster_does_not_agree_is_a_trap() {
    // Once b is taken to be where d is, nobody reaches b: an election of a timeout and an exchange, a request, an arrival.
    let world = World {
        members: "members = ['a', 'b', 'c']\nspare = ['d']\n\
                  [cluster.addresses]\na = 'A'\nb = 'B'\nc = 'C'\nd = 'D'",
        steps: "{ change = { set_nodes = { b = 'D' } } }",
        bounds: "terms = 1\ntimeouts = 1\nproposals = 0\nchanges = 1\nanswers = 'at-once'\nhealing = 300",
        ..PLAIN
    };
    check_trap(&world);
    let patient = World { bounds: "terms = 1\ntimeouts = 0\nproposals = 0\nhealing = 3", ..PLAIN };
    let explored = explored(&patient.scenario(), Limits::default());
    assert_eq!(found(&explored), Some(("convergence", 0)), "nobody agrees within three moves");
}

/// A trap is found, equally with and without reductions and by any number of threads, and a run of its story does not agree.
fn check_trap(world: &World) {
    let scenario = world.scenario();
    let whole = explored(&scenario, Limits::default());
    let Some((property, moves)) = found(&whole) else { panic!("no trap: {}", world.text()) };
    assert_eq!(property, "convergence", "{}", world.text());
    for (symmetry, reduction, threads) in [(false, true, 2), (true, false, 3), (false, false, 1)] {
        let limits = Limits { symmetry, reduction, threads, ..Limits::default() };
        assert_eq!(found(&explored(&scenario, limits)), Some((property, moves)), "{}", world.text());
    }
    let Ended::Broken(trap) = whole.ended else { unreachable!("it was found") };
    let told = trap.scenario.unwrap_or_else(|| panic!("a run does not agree either: {}", world.text()));
    let report = splitbrain::built_in::run(&told, &options()).expect("it runs");
    assert_eq!(report.verdict, Verdict::AsExpected, "{}", told.to_toml());
    assert_eq!(report.violations.first().map(|first| first.property.as_str()), Some("convergence"));
}

#[test]
fn a_limit_ends_the_search_and_says_so() {
    let limits = Limits { states: 2_000, ..Limits::default() };
    let explored = explored(&PLAIN.scenario(), limits);
    assert!(matches!(&explored.ended, Ended::GaveUp(limit) if limit == "2000 states"), "{explored:?}");
    assert!(explored.waiting > 0 && explored.states >= 2_000);
}

/// How far a story of `scenarios/why/` is explored, and what is found: the promise, the moves of the shortest run, and the
/// moves that the story itself takes.
struct Why {
    rule: &'static str,
    bounds: &'static str,
    breaks: &'static str,
    moves: usize,
}

/// Answers arrive with what they answer: an election of three nodes is a timeout and one exchange.
const WHY: [Why; 4] = [
    Why { rule: "old-new-intersect", bounds: "changes = 1", breaks: "leader-completeness", moves: 6 },
    Why { rule: "propose-after-commit", bounds: "changes = 2", breaks: "leader-completeness", moves: 7 },
    Why { rule: "quorum-in-every-set", bounds: "changes = 1", breaks: "commit-durability", moves: 7 },
    Why {
        rule: "first-entry-keeps-joint",
        bounds: "terms = 3\nchanges = 1",
        breaks: "leader-completeness",
        moves: 11,
    },
];

/// The longest of them: some three million states.
const INITIAL_LOG: Why =
    Why { rule: "initial-log", bounds: "terms = 3\nchanges = 2", breaks: "leader-completeness", moves: 12 };

fn why(rule: &str, bounds: &str) -> Scenario {
    let path = crate::root().join(format!("scenarios/why/{rule}.toml"));
    let text = std::fs::read_to_string(&path).expect("a story of every rule");
    let section = format!("[explore]\nproposals = 0\nanswers = 'at-once'\n{bounds}\n\n[story]");
    let text = text.replacen("[story]", &section, 1);
    scenario::parse(rule, &text).unwrap_or_else(|error| panic!("{error}")).scenario
}

/// What happens in a story as it is told: every message that arrives, every timer that fires, everything that is asked.
fn told_moves(scenario: &Scenario) -> u64 {
    let report = splitbrain::built_in::run(scenario, &options()).expect("it runs");
    assert_eq!(report.verdict, Verdict::AsExpected, "{}", scenario.title);
    report.counts.events
}

fn check_why(why_not: &Why) {
    let Why { rule, bounds, breaks, moves } = *why_not;
    let scenario = why(rule, bounds);
    let explored = explored(&scenario, Limits { threads: 2, ..Limits::default() });
    assert_eq!(found(&explored), Some((breaks, moves)), "{rule}");
    let Ended::Broken(found) = explored.ended else { panic!("{rule}") };
    let shortest = found.scenario.expect("a run judges as the search does");
    assert!(told_moves(&shortest) <= told_moves(&scenario), "{rule}: no longer than the story in its file");
}

#[test]
fn the_shortest_run_without_a_rule_of_membership_is_found() {
    WHY.iter().for_each(check_why);
}

#[test]
fn the_shortest_run_without_initial_log_is_found() {
    check_why(&INITIAL_LOG);
}

#[test]
fn with_its_rule_the_same_world_breaks_nothing() {
    // Those of three nodes: the others have millions of states.
    for Why { rule, bounds, .. } in &WHY[..2] {
        let mut scenario = why(rule, &format!("{bounds}\ntimeouts = 2"));
        scenario.rules_off.clear();
        assert_eq!(found(&explored(&scenario, Limits::default())), None, "{rule}");
    }
}
