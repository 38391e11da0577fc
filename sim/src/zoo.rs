//! The zoo: deliberate mistakes of the core, and how soon the default search finds each.
//!
//! Holds: a mutation counts as found when a run breaks one of the promises that it is expected to break; equal starts give
//! equal numbers of seeds and events. Not here: the mistakes (`splitbrain_core::mutation`).

use splitbrain_core::{Mutation, MutationInfo};

use crate::choices::Choices;
use crate::protocol::OptionValue;
use crate::runner::{Drive, RunOptions};
use crate::scenario::Scenario;
use crate::shrink::LIMIT;
use crate::swarm;

/// Seeds of one start are this far from those of the next.
const STRIDE: u64 = 1_000_000;

/// Which scenarios are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whatever the swarm draws: the default search.
    Swarm,
}

/// How far a search may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Seeds.
    pub seeds: u64,
    /// Events over all of them.
    pub events: u64,
}

/// What came of one search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The seed that broke a promise, and which; `None` when none did within the budget.
    pub found: Option<(u64, String)>,
    /// How many seeds ran.
    pub seeds: u64,
    /// How many events ran.
    pub events: u64,
    /// The first promise that was broken although the mutation is not expected to break it.
    pub unexpected: Option<(u64, String)>,
}

/// Every mutation.
#[must_use]
pub fn all() -> &'static [MutationInfo] {
    Mutation::ALL
}

/// The scenario of a seed with a mutation switched on.
#[must_use]
pub fn scenario(info: &MutationInfo, seed: u64) -> Scenario {
    let mut scenario = swarm::scenario(seed);
    let mutation = OptionValue::Word(info.name.to_owned());
    scenario.cluster.options.insert(String::from("mutation"), mutation);
    scenario
}

/// Searches for a mutation from the `start`-th place on.
#[must_use]
pub fn search(info: &MutationInfo, start: u64, budget: Budget) -> Search {
    let mut search = Search { found: None, seeds: 0, events: 0, unexpected: None };
    for seed in (start * STRIDE..).take(budget.seeds as usize) {
        if search.events >= budget.events {
            break;
        }
        let scenario = scenario(info, seed);
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
        let choices = Choices::seeded(seed);
        let drive = Drive { choices, limit: LIMIT, limit_is_a_promise: true, acts: false, keep_from: 0 };
        let Ok(report) = crate::built_in::drive(&scenario, &options, drive) else { continue };
        search.seeds += 1;
        search.events += report.counts.events;
        let broken = report.violations.iter().map(|violation| violation.property.as_str());
        match broken.clone().find(|property| info.promises.contains(property)) {
            Some(property) => {
                search.found = Some((seed, property.to_owned()));
                break;
            }
            None => {
                let first = broken.clone().next();
                search.unexpected = search.unexpected.or(first.map(|property| (seed, property.to_owned())));
            }
        }
    }
    search
}

/// Whether the core without any mistake keeps every promise in a scenario that a mistake was found with. A scenario that
/// cannot be told on it, because a message is never sent, breaks nothing.
#[must_use]
pub fn is_fair(scenario: &Scenario) -> bool {
    let mut correct = scenario.clone();
    correct.cluster.options.remove("mutation");
    let seed = scenario.seeds.first;
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
    let drive = Drive {
        choices: Choices::seeded(seed),
        limit: LIMIT,
        limit_is_a_promise: true,
        acts: false,
        keep_from: 0,
    };
    crate::built_in::drive(&correct, &options, drive).map_or(true, |report| report.violations.is_empty())
}
