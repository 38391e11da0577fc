//! Which scenarios are simpler than one, and how large a scenario is to a reader.
//!
//! Holds: each of them heals where the given one did before agreement is owed.
//! Not here: trying them (`hardship`, `draws`).

use super::{names_no_node, nodes};
use crate::protocol::NodeId;
use crate::scenario::{Clock, Disk, Network, Scenario, Sessions, Step, knob, knobs};

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
    let mut candidates = Candidates { of: scenario, found: Vec::new() };
    fewer_moves(&mut candidates);
    plainer_hardships(&mut candidates);
    plainer_cluster(&mut candidates);
    candidates.found
}

/// A scenario, and what would be simpler.
struct Candidates<'a> {
    of: &'a Scenario,
    found: Vec<Scenario>,
}

impl Candidates<'_> {
    fn add(&mut self, change: impl Fn(&mut Scenario)) {
        let mut simpler = self.of.clone();
        change(&mut simpler);
        if simpler != *self.of {
            self.found.push(simpler);
        }
    }
}

/// Without one of the nemeses, the workload or a step, and with shorter ones.
fn fewer_moves(candidates: &mut Candidates<'_>) {
    let scenario = candidates.of;
    candidates.add(|simpler| simpler.nemeses.clear());
    candidates.add(|simpler| simpler.workload = None);
    for place in 0..scenario.nemeses.len() {
        candidates.add(|simpler| {
            simpler.nemeses.remove(place);
        });
    }
    for place in 0..scenario.steps.len() {
        if !heals_before_agreement(&scenario.steps[place..]) {
            candidates.add(|simpler| {
                simpler.steps.remove(place);
            });
        }
        candidates.add(|simpler| match &mut simpler.steps[place] {
            Step::Run { time } => *time /= 2,
            Step::Events { count } => *count = count.div_ceil(2),
            _ => {}
        });
    }
}

/// The network, the disks, the clocks and the clients, one by one as they usually are.
fn plainer_hardships(candidates: &mut Candidates<'_>) {
    let scenario = candidates.of;
    candidates
        .add(|simpler| simpler.network = Network { delay: simpler.network.delay, ..Network::default() });
    candidates.add(|simpler| simpler.network = Network::default());
    candidates.add(|simpler| simpler.disk = Disk::default());
    candidates.add(|simpler| simpler.clock = Clock::default());
    for network in knob::plainer(knobs::NETWORK, &scenario.network) {
        candidates.add(|simpler| simpler.network = network);
    }
    for disk in knob::plainer(knobs::DISK, &scenario.disk) {
        candidates.add(|simpler| simpler.disk = disk);
    }
    for workload in scenario.workload.iter().flat_map(|it| knob::plainer(knobs::WORKLOAD, it)) {
        candidates.add(|simpler| simpler.workload = Some(workload));
    }
    candidates.add(|simpler| {
        if let Some(workload) = &mut simpler.workload {
            workload.clients = workload.clients.div_ceil(2);
            workload.keys = workload.keys.div_ceil(2);
        }
    });
}

/// Fewer settings, and fewer nodes where no step names one.
fn plainer_cluster(candidates: &mut Candidates<'_>) {
    let scenario = candidates.of;
    candidates.add(|simpler| simpler.cluster.snapshot_every = None);
    candidates.add(|simpler| simpler.cluster.sessions = Sessions::Kept);
    // A promise may hold only within a bound that a setting states, as that of leases does; the clocks go first.
    let clocks_agree = scenario.clock == Clock::default();
    for name in scenario.cluster.options.keys().filter(|_| clocks_agree) {
        candidates.add(|simpler| {
            simpler.cluster.options.remove(name);
        });
    }
    if names_no_node(&scenario.steps) {
        for number in (0..scenario.cluster.nodes.len() as u32).rev() {
            candidates.found.extend(nodes::without(scenario, NodeId(number)));
        }
    }
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
