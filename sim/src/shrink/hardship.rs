//! A failure that needs time: nemeses, steps, settings and time are left out or made smaller.
//!
//! Holds: what comes out has no more parts than what went in, and heals where that did: a cluster that does not agree in
//! the middle of hardship has broken nothing. Not here: failures that acts alone lead to (`story`).

use super::{Effort, Fingerprint, LIMIT, Shrunk, Words, draws, names_no_node, nodes, verified};
use crate::choices::Choices;
use crate::protocol::{NodeId, Protocol};
use crate::runner::{self, Drive, Played, RunOptions};
use crate::scenario::{Disk, Network, Ratio, Scenario, Sessions, Step, knob, knobs};

/// Tries simpler scenarios until none of them fails alike. `None` when not even the scenario itself does.
pub(super) fn shrink<P: Protocol>(
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
        if fails_alike::<P>(&simpler, options, goal, effort) {
            best = simpler;
            effort.size = size(&best);
            place = 0;
        } else {
            place += 1;
        }
    }
    if let Some(with_tape) = draws::shrink::<P>(&best, options, goal, effort) {
        let with_tape = finish::<P>(with_tape, options, goal, effort);
        if with_tape.is_some() {
            return with_tape;
        }
    }
    finish::<P>(best, options, goal, effort)
}

fn finish<P: Protocol>(
    mut best: Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    best.title = format!("Shrunk: {}", goal.property);
    best.source = format!("a failure of seed {}, made small", options.seed);
    best.systems = vec![options.system.clone()];
    let (scenario, report) = verified::<P>(best, options, goal, effort)?;
    let network = [scenario.network.loss, scenario.network.duplicate];
    Some(Shrunk {
        faults: scenario.nemeses.len() + network.iter().filter(|ratio| **ratio != Ratio::ZERO).count(),
        operations: scenario.steps.len(),
        acts: size(&scenario),
        fingerprint: goal.clone(),
        report,
        words: Words::default(),
        tries: effort.tries,
        is_story: false,
        scenario,
    })
}

fn fails_alike<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> bool {
    let drive = Drive::within(Choices::seeded(options.seed), LIMIT);
    let Ok(Played { report, .. }) = runner::play::<P>(scenario, options, drive) else { return false };
    effort.spend(report.counts.events);
    Fingerprint::of(&report, scenario).as_ref() == Some(goal)
}

/// How many parts a reader has to look at.
pub(super) fn size(scenario: &Scenario) -> usize {
    let workload = scenario.workload.map_or(0, |workload| workload.clients as usize + workload.keys as usize);
    let settings = scenario.cluster.options.len() + usize::from(scenario.cluster.snapshot_every.is_some());
    scenario.cluster.nodes.len() + scenario.nemeses.len() + scenario.steps.len() + workload + settings
}

/// Whether steps begin by healing and owe agreement later.
fn heals_before_agreement(steps: &[Step]) -> bool {
    let owes = |step: &Step| matches!(step, Step::Converge { .. });
    matches!(steps.first(), Some(Step::Heal)) && steps.iter().any(owes)
}

/// Simpler scenarios, the boldest first. Each differs from the given one.
pub(super) fn candidates(scenario: &Scenario) -> Vec<Scenario> {
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
        if !heals_before_agreement(&scenario.steps[place..]) {
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
    for network in knob::plainer(knobs::NETWORK, &scenario.network) {
        add(&|simpler| simpler.network = network);
    }
    for disk in knob::plainer(knobs::DISK, &scenario.disk) {
        add(&|simpler| simpler.disk = disk);
    }
    for workload in scenario.workload.iter().flat_map(|it| knob::plainer(knobs::WORKLOAD, it)) {
        add(&|simpler| simpler.workload = Some(workload));
    }
    add(&|simpler| simpler.cluster.snapshot_every = None);
    add(&|simpler| simpler.cluster.sessions = Sessions::Kept);
    // A promise may hold only within a bound that a setting states, as that of leases does; the clocks go first.
    let clocks_agree = scenario.clock == crate::scenario::Clock::default();
    for name in scenario.cluster.options.keys().filter(|_| clocks_agree) {
        add(&|simpler| {
            simpler.cluster.options.remove(name);
        });
    }
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
    fn no_simpler_scenario_owes_agreement_without_healing() {
        let steps = |text: &str| {
            let text = format!(
                "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [{text}]\n[expect]\nviolations = 'none'"
            );
            crate::scenario::parse("t.toml", &text).expect("a scenario").scenario
        };
        let heals = |scenario: &Scenario| scenario.steps.contains(&Step::Heal);
        let owed = steps("{ crash = 'a' }, { run = '2s' }, { heal = true }, { converge = '10s' }");
        let simpler = candidates(&owed);
        assert!(simpler.iter().any(|simpler| simpler.steps.len() < owed.steps.len()));
        let owes =
            |scenario: &Scenario| scenario.steps.iter().any(|step| matches!(step, Step::Converge { .. }));
        assert!(simpler.iter().all(|simpler| heals(simpler) || !owes(simpler)));
        let free = steps("{ heal = true }, { run = '2s' }");
        assert!(candidates(&free).iter().any(|simpler| !heals(simpler)), "where nothing is owed it may go");
    }
}
