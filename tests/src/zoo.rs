//! The zoo: the default search finds each deliberate mistake of the core, by a promise that it is expected to break.
//!
//! Holds: the searches are of fixed seeds, so a mutation that was found stays found until the code changes.
//! Not here: how soon on the average of many starts (`splitbrain zoo` measures that for the README).

use splitbrain::zoo::{self, Budget};

/// What no seed reaches: it takes a voter that comes back on an empty disk, which no correct cluster must survive.
const ONLY_IN_STORIES: [&str; 1] = ["denied-match-is-news"];

#[test]
fn every_mutation_is_found() {
    let budget = Budget { seeds: 100_000, events: 6_000_000 };
    let sought = zoo::all().iter().filter(|info| !ONLY_IN_STORIES.contains(&info.name));
    let missed = sought.filter(|info| zoo::search(info, 0, budget).found.is_none());
    let missed: Vec<&str> = missed.map(|info| info.name).collect();
    assert!(missed.is_empty(), "not found within {budget:?}: {missed:?}");
}

#[test]
fn there_are_thirty_and_more() {
    assert!(zoo::all().len() >= 30);
}
