//! The zoo: the default search finds each deliberate mistake of the core, by a promise that it is expected to break.
//!
//! Holds: the searches are of fixed seeds, so a mutation that was found stays found until the code changes.
//! Not here: how soon on the average of many starts (`splitbrain zoo` measures that for the README).

use splitbrain::zoo::{self, Budget};

/// What needs more than a test has time for; the README tells how much.
const RARE: &[&str] = &[
    "forced-skips-up-to-date",
    "removed-may-not-campaign",
    "first-entry-leaves-joint",
    "change-before-own-commit",
    "removed-told-at-append",
    "joint-dropped-on-boot",
    "snapshot-over-longer-log",
    "snapshot-ack-before-durable",
    "read-without-confirm",
    "read-joins-round",
    "read-quorum-short",
    "lease-never-ends",
];

#[test]
fn every_mutation_but_the_rare_is_found() {
    let budget = Budget { seeds: 100_000, events: 6_000_000 };
    let common = zoo::all().iter().filter(|info| !RARE.contains(&info.name));
    let missed: Vec<&str> =
        common.filter(|info| zoo::search(info, 0, budget).found.is_none()).map(|info| info.name).collect();
    assert!(missed.is_empty(), "not found within {budget:?}: {missed:?}");
}

#[test]
fn there_are_thirty_and_more_and_what_is_rare_is_one_of_them() {
    let known = |name: &&str| zoo::all().iter().any(|info| info.name == *name);
    assert!(RARE.iter().all(known));
    assert!(zoo::all().len() >= RARE.len() + 30);
}
