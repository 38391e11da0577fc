//! A failure that needs time: nemeses, steps, settings and time are left out or made smaller.
//!
//! Holds: what comes out has no more parts than what went in. Not here: failures of safety (`story`).

use super::{Effort, Fingerprint, LIMIT, Shrunk, names_no_node, nodes, verified};
use crate::choices::Choices;
use crate::protocol::NodeId;
use crate::runner::{self, Drive, RunOptions};
use crate::scenario::{Disk, Network, Ratio, ReadsAt, Scenario, Sessions, Step};

/// Tries simpler scenarios until none of them fails alike. `None` when not even the scenario itself does.
pub(super) fn shrink(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    let mut best = scenario.clone();
    best.expect = crate::scenario::Expectations::default();
    effort.size = size(&best);
    let mut place = 0;
    while !effort.is_over() {
        let Some(simpler) = candidates(&best).into_iter().nth(place) else { break };
        if fails_alike(&simpler, options, goal, effort) {
            best = simpler;
            effort.size = size(&best);
            place = 0;
        } else {
            place += 1;
        }
    }
    best.title = format!("Shrunk: {}", goal.property);
    best.source = format!("a failure of seed {}, made small", options.seed);
    best.systems = vec![options.system.clone()];
    let (scenario, report) = verified(best, options, goal, effort)?;
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

fn fails_alike(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> bool {
    let drive =
        Drive { choices: Choices::seeded(options.seed), limit: LIMIT, limit_is_a_promise: true, acts: false };
    let Ok(report) = runner::drive(scenario, options, drive) else { return false };
    effort.spend(report.counts.events);
    Fingerprint::of(&report, scenario).as_ref() == Some(goal)
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
        add(&|simpler| {
            simpler.steps.remove(place);
        });
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
