//! A failure that needs time: nemeses, steps, settings and time are left out or made smaller.
//!
//! Holds: what comes out has no more parts than what went in, and where agreement was owed after healing, it still is.
//! Not here: failures of safety (`story`).

use super::{Effort, Fingerprint, LIMIT, Shrunk, names_no_node, nodes, verified};
use crate::choices::Choices;
use crate::protocol::NodeId;
use crate::runner::{self, Drive, RunOptions};
use crate::scenario::{Disk, Network, Ratio, ReadsAt, Scenario, Sessions, Step};

/// How many seeds a simpler scenario is given. Whatever is left out moves every draw that comes after it, so that a failure
/// by chance would seldom survive with its own seed.
const CHANCES: u64 = 16;

/// Tries simpler scenarios until none of them fails alike. `None` when not even the scenario itself does.
pub(super) fn shrink(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    let found_with = options.seed;
    let mut options = options.clone();
    let mut best = scenario.clone();
    best.expect = crate::scenario::Expectations::default();
    effort.size = size(&best);
    let mut place = 0;
    while !effort.is_over() {
        let Some(simpler) = candidates(&best).into_iter().nth(place) else { break };
        match failing_seed(&simpler, &options, goal, effort) {
            Some(seed) => {
                options.seed = seed;
                best = simpler;
                effort.size = size(&best);
                place = 0;
            }
            None => place += 1,
        }
    }
    best.title = format!("Shrunk: {}", goal.property);
    best.source = format!("a failure of seed {found_with}, made small");
    best.systems = vec![options.system.clone()];
    let (scenario, report) = verified(best, &options, goal, effort)?;
    let network = [scenario.network.loss, scenario.network.duplicate];
    Some(Shrunk {
        faults: scenario.nemeses.len() + network.iter().filter(|ratio| **ratio != Ratio::ZERO).count(),
        operations: scenario.steps.len(),
        acts: size(&scenario),
        fingerprint: goal.clone(),
        report,
        tries: effort.tries,
        is_story: false,
        scenario,
    })
}

/// The first of some seeds with which a scenario fails alike: the last one that did, and those after it.
fn failing_seed(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<u64> {
    (0..CHANCES).map(|more| options.seed.wrapping_add(more)).find(|&seed| {
        let choices = Choices::seeded(seed);
        let drive = Drive { choices, limit: LIMIT, limit_is_a_promise: true, acts: false };
        let options = RunOptions { seed, ..options.clone() };
        if effort.is_over() {
            return false;
        }
        let Ok(report) = runner::drive(scenario, &options, drive) else { return false };
        effort.spend(report.counts.events);
        Fingerprint::of(&report, scenario).as_ref() == Some(goal)
    })
}

/// How many parts a reader has to look at.
fn size(scenario: &Scenario) -> usize {
    let workload = scenario.workload.map_or(0, |workload| workload.clients as usize + workload.keys as usize);
    let settings = scenario.cluster.options.len() + usize::from(scenario.cluster.snapshot_every.is_some());
    scenario.cluster.nodes.len() + scenario.nemeses.len() + scenario.steps.len() + workload + settings
}

/// Simpler scenarios, the boldest first. Each differs from the given one.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    let mut add = |change: &dyn Fn(&mut Scenario)| {
        let mut simpler = scenario.clone();
        change(&mut simpler);
        if simpler != *scenario {
            candidates.push(simpler);
        }
    };
    add(&|simpler| simpler.nemeses.clear());
    add(&|simpler| simpler.workload = None);
    for place in 0..scenario.nemeses.len() {
        add(&|simpler| {
            simpler.nemeses.remove(place);
        });
    }
    for place in 0..scenario.steps.len() {
        // Under a partition nobody owes agreement: without its healing, every scenario would fail alike.
        if scenario.steps[place] != Step::Heal {
            add(&|simpler| {
                simpler.steps.remove(place);
            });
        }
        add(&|simpler| match &mut simpler.steps[place] {
            Step::Run { time } => *time /= 2,
            Step::Events { count } => *count = count.div_ceil(2),
            _ => {}
        });
    }
    add(&|simpler| simpler.network = Network { delay: simpler.network.delay, ..Network::default() });
    add(&|simpler| simpler.network = Network::default());
    add(&|simpler| simpler.disk = Disk::default());
    add(&|simpler| simpler.clock = crate::scenario::Clock::default());
    add(&|simpler| simpler.cluster.snapshot_every = None);
    add(&|simpler| simpler.cluster.sessions = Sessions::Kept);
    for name in scenario.cluster.options.keys() {
        add(&|simpler| {
            simpler.cluster.options.remove(name);
        });
    }
    add(&|simpler| {
        if let Some(workload) = &mut simpler.workload {
            workload.reads_at = ReadsAt::Leader;
        }
    });
    add(&|simpler| {
        if let Some(workload) = &mut simpler.workload {
            workload.clients = workload.clients.div_ceil(2);
            workload.keys = workload.keys.div_ceil(2);
        }
    });
    if names_no_node(&scenario.steps) {
        for number in (0..scenario.cluster.nodes.len() as u32).rev() {
            candidates.extend(nodes::without(scenario, NodeId(number)));
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_owes_agreement_after_healing_goes_on_owing_it() {
        let scenario = crate::scenario::parse(
            "here.toml",
            "title = 'cut'\nsource = 'here'\n[cluster]\nmembers = ['a', 'b', 'c']\n\
             [[nemesis]]\nkind = 'partition'\nshape = 'halves'\nevery = '1s'\nlasting = '9s'\n\
             [story]\nsteps = [{ run = '2s' }, { heal = true }, { converge = '5s' }]\n\
             [expect]\nviolations = 'none'\n",
        )
        .expect("it can be read")
        .scenario;
        let candidates = candidates(&scenario);
        assert!(candidates.iter().all(|simpler| simpler.steps.contains(&Step::Heal)));
        assert!(candidates.iter().any(|simpler| simpler.steps.len() == 2));
    }
}
