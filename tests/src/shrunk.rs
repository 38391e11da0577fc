//! Failures of the zoo made small: what comes out is a file that loads, fails alike, twice the same, and blames the right one.
//!
//! Holds: the searches are of fixed seeds. Not here: how small all of them get (`splitbrain zoo --shrink`).

use splitbrain::built_in::shrink;
use splitbrain::report::Report;
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, Scenario, Step};
use splitbrain::shrink::{Effort, Fingerprint, Shrunk};
use splitbrain::zoo::{self, Budget};

/// The first witness of a mutation, made small.
fn smallest(mutation: &str) -> Shrunk {
    let info = &zoo::named(mutation).expect("a mutation");
    let budget = Budget { seeds: 100_000, events: 6_000_000 };
    let (seed, _) = zoo::search(info, 0, budget).found.expect("the search finds it");
    let mut go_on = |_: &_| false;
    let mut effort = Effort::new(100_000_000, &mut go_on);
    let shrunk = shrink(&zoo::scenario(info, seed), "raft", seed, &mut effort);
    shrunk.expect("it can be run").expect("it fails again")
}

fn run(scenario: &Scenario) -> Report {
    let seed = scenario.seeds.first;
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
    splitbrain::built_in::run(scenario, &options).expect("it can be told")
}

/// Loads the file that was written and looks at everything that it promises.
fn check(mutation: &str, shrunk: &Shrunk) -> Scenario {
    let text = shrunk.to_toml();
    let scenario =
        scenario::parse("shrunk.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}")).scenario;
    let (first, second) = (run(&scenario), run(&scenario));
    assert!(first.passed(), "{mutation} fails as the file expects:\n{text}");
    assert_eq!(first.digest, second.digest, "{mutation} is told the same way twice");
    assert_eq!(Fingerprint::of(&first, &scenario).as_ref(), Some(&shrunk.fingerprint), "{mutation}");
    assert!(zoo::is_fair(&scenario), "the correct core survives what {mutation} does not:\n{text}");
    scenario
}

#[test]
fn failures_of_safety_become_stories_of_a_few_steps() {
    let mutations = [
        "vote-twice",
        "vote-before-durable",
        "up-to-date-by-term",
        "conflict-kept",
        "cut-keeps-promise",
        "self-counts-at-append",
        "union-quorum",
        "read-at-follower",
    ];
    for mutation in mutations {
        let shrunk = smallest(mutation);
        let scenario = check(mutation, &shrunk);
        assert!(shrunk.is_story, "{mutation} is told without time");
        assert!(matches!(scenario.steps[0], Step::Freeze { .. }));
        let Shrunk { faults, operations, .. } = shrunk;
        assert!(faults <= 3 && operations <= 10, "{mutation}: {faults} faults, {operations} operations");
    }
}

#[test]
fn figure_8_is_found_and_told_step_by_step() {
    let shrunk = smallest("commit-older-term");
    let scenario = check("commit-older-term", &shrunk);
    assert!(shrunk.is_story && shrunk.faults <= 3 && shrunk.operations <= 10, "{}", shrunk.to_toml());
    let notes = &shrunk.words.notes;
    assert_eq!(notes.len(), scenario.steps.len());
    let reigns = notes.iter().filter(|note| note.contains(" leads term ")).count();
    assert!(reigns >= 3, "leaders come and go in figure 8: {notes:?}");
}

#[test]
fn a_failure_to_agree_is_told_with_its_healing() {
    for mutation in ["election-timer-lost", "no-blank-entry"] {
        let shrunk = smallest(mutation);
        let scenario = check(mutation, &shrunk);
        let healed = scenario.steps.iter().position(|step| *step == Step::Heal);
        let owed = scenario.steps.iter().position(|step| matches!(step, Step::Converge { .. }));
        assert!(healed.is_some() && healed < owed, "{mutation} heals first:\n{}", shrunk.to_toml());
    }
}
