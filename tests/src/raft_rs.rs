//! raft-rs under the simulator: as deterministic as our own core, and caught when it is not.

use splitbrain::protocols::raft_rs::RaftRs;
use splitbrain::report::Verdict;
use splitbrain::runner::RunOptions;
use splitbrain::testing;

use crate::determinism::{another_process_prints, digests, everything_at_once};

/// A short world in which everything happens.
fn world(options: &str) -> String {
    let cluster = format!("learners = ['f']\nsnapshot_every = 10\n[cluster.options]\n{options}");
    everything_at_once(&cluster, "1s")
}

const SEEDS: u64 = 1_000;

#[test]
fn equal_seeds_give_equal_digests_in_two_processes() {
    another_process_prints(&digests(&world(""), "raft-rs", 0..SEEDS), "raft_rs::print_digests");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", digests(&world(""), "raft-rs", 0..SEEDS));
}

#[test]
#[should_panic(expected = "two runs differ")]
fn the_librarys_own_random_numbers_are_caught() {
    testing::check::<RaftRs>(0..10, &world("leak-rng = true"));
}

#[test]
fn a_rough_world_has_everything_that_was_to_be_tested() {
    let checked = testing::check::<RaftRs>(0..100, &world("batch-append = true"));
    for fact in [
        "leader-changed",
        "log-cut",
        "machine-restored",
        "restarted",
        "snapshot-sent",
        "unfinished-write-lost",
    ] {
        assert!(checked.seen.contains_key(fact), "{fact} never happened: {:?}", checked.seen);
    }
}

#[test]
fn the_swarms_brief_worlds_see_leaders_come_and_go() {
    let changed = |seed: u64| {
        let system = splitbrain::built_in::systems().named("raft-rs").expect("a system of this build");
        let scenario = system.swarm(seed);
        let options = RunOptions { file: String::new(), system: String::from("raft-rs"), seed, trace: false };
        let report = splitbrain::built_in::run(&scenario, &options).expect("it can be run");
        report.seen.get("leader-changed").copied().unwrap_or_default()
    };
    // As long as ticks alone led to elections there were 9.
    let changes: u64 = (0..100).map(changed).sum();
    assert!(changes >= 40, "{changes}");
}

#[test]
fn what_only_our_own_raft_names_is_not_for_others_to_show() {
    let verdict = |seen: &str| {
        let text = format!(
            "title = 'calm'\nsource = 'here'\n[cluster]\nmembers = ['a']\n[story]\nsteps = [{{ run = '1s' }}]\n\
             [expect]\nviolations = 'none'\nseen = ['leader-elected', '{seen}']"
        );
        let scenario = splitbrain::scenario::parse("calm.toml", &text).unwrap().scenario;
        let system = String::from("raft-rs");
        let options = RunOptions { file: String::new(), system, seed: 1, trace: false };
        splitbrain::built_in::run(&scenario, &options).unwrap().verdict
    };
    assert_eq!(verdict("pre-vote-refused"), Verdict::AsExpected);
    // What the world sees, and what raft-rs notes, is wanted of it as of everyone.
    for seen in ["restarted", "log-cut", "misrouted"] {
        assert!(matches!(verdict(seen), Verdict::NotAsExpected(_)), "{seen}");
    }
}
