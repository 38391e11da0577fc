//! Every rule that is switched off breaks a promise somewhere: the checkers see it in whole worlds.

use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, Property};

/// A world of crashes, partitions and torn writes, with one rule off. Check-quorum is off: it would take a lonely leader
/// down before another is elected.
fn world(rule: &str) -> String {
    format!(
        "title = 'hardship'\nsource = 'here'\n\
         [cluster]\nmembers = ['a', 'b', 'c', 'd', 'e']\n\
         [cluster.options]\ncheck-quorum = false\n\
         [rules]\noff = ['{rule}']\n\
         [network]\ndelay = '1ms..40ms'\nloss = '5%'\nduplicate = '5%'\n\
         [disk]\nwrite = '1ms..30ms'\ncrash = 'torn'\n\
         [workload]\nclients = 6\nkeys = 2\nreads = '50%'\n\
         [[nemesis]]\nkind = 'crash'\naim = 'any'\nevery = '100ms..800ms'\nlasting = '50ms..400ms'\n\
         [[nemesis]]\nkind = 'crash'\naim = 'leader'\nevery = '500ms..2s'\nlasting = '50ms..400ms'\n\
         [[nemesis]]\nkind = 'stall'\naim = 'leader'\nevery = '300ms..1s'\nlasting = '50ms..150ms'\n\
         [[nemesis]]\nkind = 'partition'\nshape = 'random'\nevery = '200ms..1s'\nlasting = '200ms..2s'\n\
         [story]\nsteps = [{{ run = '20s' }}]\n\
         [expect]\nviolations = 'none'\n"
    )
}

/// The first promise that is broken with one rule off, in how many seeds at most.
fn first_broken(world: &str, seeds: u64) -> Option<Property> {
    let scenario = scenario::parse("hardship.toml", world).expect("a good scenario").scenario;
    (0..seeds).find_map(|seed| {
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
        let report = splitbrain::built_in::run(&scenario, &options).expect("the rule exists");
        report.violations.first().and_then(|violation| Property::named(&violation.property))
    })
}

#[track_caller]
fn check(rule: &str, seeds: u64, promises: &[Property]) {
    let broken = first_broken(&world(rule), seeds);
    assert!(broken.is_some_and(|broken| promises.contains(&broken)), "{rule}: {broken:?}");
}

#[test]
fn two_votes_a_term_break_election_safety() {
    check("one-vote-per-term", 20, &[Property::ElectionSafety]);
}

#[test]
fn acknowledging_before_the_disk_breaks_commit_durability() {
    check("append-durable-before-reply", 20, &[Property::CommitDurability]);
}

#[test]
fn a_leader_that_counts_itself_early_breaks_commit_durability() {
    check("self-counts-only-when-durable", 20, &[Property::CommitDurability]);
}

#[test]
fn voting_for_a_shorter_log_breaks_leader_completeness() {
    check("up-to-date-check", 50, &[Property::LeaderCompleteness, Property::StateMachineSafety]);
}

/// A stale read takes a lonely leader that is asked for a while: many reads, and clients that soon go elsewhere.
#[test]
fn reading_without_asking_breaks_linearizability() {
    let world = world("read-confirms-leadership")
        .replace("reads = '50%'", "reads = '90%'\ntimeout = '300ms'")
        .replace(
            "shape = 'random'\nevery = '200ms..1s'\nlasting = '200ms..2s'",
            "shape = 'leader-alone'\nevery = '1s..2s'\nlasting = '2s..4s'",
        )
        .replace("kind = 'crash'", "kind = 'stall'");
    assert_eq!(first_broken(&world, 50), Some(Property::Linearizability));
}

/// The follower that comes back on an empty disk, of `scenarios/regressions/`, and the core as it was.
#[cfg(feature = "mutations")]
#[test]
fn asking_again_at_once_whoever_denies_breaks_quiescence() {
    let path = crate::root().join("scenarios/regressions/wiped-follower-storm.toml");
    let text = std::fs::read_to_string(path).expect("the story");
    let mutated = text.replace("[story]", "[cluster.options]\nmutation = 'denied-match-is-news'\n[story]");
    assert_eq!(first_broken(&mutated, 1), Some(Property::Quiescence));
}
