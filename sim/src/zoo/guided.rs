//! Guided search: scenarios that led to new situations are kept, and changed a little.
//!
//! Holds: half of the worlds are what the swarm draws; equal starts make equal searches. A failure of a changed scenario
//! counts only if the right core survives it: no theme has seen to it that agreement may be asked for.
//! Not here: what the swarm draws (`swarm`), and whether this is better (the chapter on search: it is measured there).
//!
//! A world is new when it noted a fact more often than any before it, by powers of two, or two facts that no world noted
//! together (after AFL's counted edges; ModelFuzz keeps abstract states in the same way).

use std::collections::{BTreeMap, BTreeSet};

use crate::choices::{Choices, Site};
use crate::report::Report;
use crate::scenario::{Scenario, Seeds, Step};
use crate::swarm;

/// Tells its draws apart from those of the swarm and of the run with the same seed.
const STREAM: u64 = 0x4755_4944_0000_0000;

/// The longest hardship, in events, that a change makes.
const EVENTS_MAX: u64 = 2_000;

/// A fact and how often it was noted, in powers of two; or two facts.
type Feature = (String, Result<u32, String>);

/// What was kept so far.
pub(super) struct Corpus {
    known: BTreeSet<Feature>,
    kept: Vec<Scenario>,
    draws: Choices,
}

impl Corpus {
    /// Nothing is known yet.
    pub(super) fn new(start: u64) -> Corpus {
        let draws = Choices::seeded(start ^ STREAM);
        Corpus { known: BTreeSet::new(), kept: Vec::new(), draws }
    }

    /// The next scenario: half of the time what the swarm draws, else one that was kept, changed in one or two ways.
    pub(super) fn next(&mut self, seed: u64) -> Scenario {
        let drawn = swarm::scenario(seed);
        if self.kept.is_empty() || self.below(2) == 0 {
            return drawn;
        }
        let place = self.below(self.kept.len() as u64) as usize;
        let mut scenario = self.kept[place].clone();
        for _ in 0..=self.below(2) {
            self.change(&mut scenario, &drawn);
        }
        scenario.seeds = Seeds { first: seed, last: seed };
        scenario
    }

    /// Keeps a scenario if it led to something new.
    pub(super) fn learn(&mut self, scenario: &Scenario, report: &Report) {
        let before = self.known.len();
        self.known.extend(features(&report.seen));
        if self.known.len() > before {
            self.kept.push(scenario.clone());
        }
    }

    /// Changes one thing; other values come from another scenario.
    fn change(&mut self, scenario: &mut Scenario, other: &Scenario) {
        match self.below(7) {
            0 => scenario.network = other.network,
            1 => scenario.disk = other.disk,
            2 => scenario.cluster.snapshot_every = other.cluster.snapshot_every,
            3 => {
                let count = scenario.nemeses.len() as u64;
                if count > 0 {
                    let place = self.below(count) as usize;
                    scenario.nemeses.remove(place);
                }
            }
            4 => {
                let count = other.nemeses.len() as u64;
                if count > 0 {
                    let place = self.below(count) as usize;
                    scenario.nemeses.push(other.nemeses[place]);
                }
            }
            5 => {
                if scenario.schedule.untimed().is_some() && other.schedule.untimed().is_some() {
                    scenario.schedule = other.schedule;
                }
            }
            _ => {
                for step in &mut scenario.steps {
                    if let Step::Events { count } = step {
                        *count = (*count * 2).min(EVENTS_MAX.max(*count));
                    }
                }
            }
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draws.below(Site::Nemesis, bound)
    }
}

/// What a world showed.
fn features(seen: &BTreeMap<String, u64>) -> Vec<Feature> {
    let mut features: Vec<Feature> =
        seen.iter().map(|(fact, count)| (fact.clone(), Ok(count.ilog2()))).collect();
    for (place, one) in seen.keys().enumerate() {
        features.extend(seen.keys().skip(place + 1).map(|other| (one.clone(), Err(other.clone()))));
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_facts_of_one_world_are_new_once() {
        let seen = |facts: &[(&str, u64)]| -> BTreeMap<String, u64> {
            facts.iter().map(|(fact, count)| ((*fact).to_owned(), *count)).collect()
        };
        let mut known: BTreeSet<Feature> = features(&seen(&[("a", 1), ("b", 1)])).into_iter().collect();
        let mut is_new = |facts: &[(&str, u64)]| {
            let before = known.len();
            known.extend(features(&seen(facts)));
            known.len() > before
        };
        assert!(!is_new(&[("a", 1), ("b", 1)]));
        assert!(is_new(&[("a", 2)]) && !is_new(&[("a", 3)]));
        assert!(is_new(&[("a", 1), ("c", 1)]));
    }

    #[test]
    fn equal_starts_make_equal_searches() {
        let walk = || {
            let mut corpus = Corpus::new(3);
            corpus.kept = (10..14).map(swarm::scenario).collect();
            (20..60).map(|seed| corpus.next(seed)).collect::<Vec<_>>()
        };
        let scenarios = walk();
        assert_eq!(scenarios, walk());
        let drawn = (20..60).zip(&scenarios).filter(|(seed, it)| swarm::scenario(*seed) == **it).count();
        assert!((8..32).contains(&drawn), "{drawn}");
    }
}
