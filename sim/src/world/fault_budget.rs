//! What a correct cluster must survive: at each moment, a majority of every voter set in force that is up and well.
//!
//! Holds: a strike within the budget leaves the cluster able to decide, by the view of every node that could lead.
//! Not here: who strikes (`nemesis`), and whether agreement is owed at the end (`convergence`).

use super::World;
use crate::protocol::{Boot, Effects, Inspect, NodeId, Protocol};
use crate::scenario::{Budget, NodeFault};

impl<P: Protocol> World<P> {
    /// Whether a fault may hit these nodes.
    pub(crate) fn allows(&self, nodes: &[NodeId], fault: NodeFault) -> bool {
        match self.scenario.budget {
            Budget::Beyond => true,
            Budget::Within if !fault.takes_out() => true,
            Budget::Within => {
                let out = |id: NodeId| nodes.contains(&id) || self.is_out(id);
                self.every_view(fault.is_for_ever(), &mut |process| has_quorums(process, &out))
            }
        }
    }

    /// Whether these voter sets may come into force: nodes that are out must not decide in any of them.
    pub(crate) fn allows_voters(&self, sets: &[std::collections::BTreeSet<NodeId>]) -> bool {
        let well =
            |set: &std::collections::BTreeSet<NodeId>| set.iter().filter(|&&id| !self.is_out(id)).count();
        match self.scenario.budget {
            Budget::Beyond => true,
            Budget::Within => sets.iter().all(|set| set.len() < well(set) * 2),
        }
    }

    /// Whether a node cannot answer now, or soon will not.
    pub(crate) fn is_out(&self, id: NodeId) -> bool {
        let node = &self.nodes[id.0 as usize];
        let trouble = node.trouble;
        node.process.is_none()
            || node.stalled
            || trouble.is_lost()
            || trouble.paused
            || trouble.failing
            || trouble.full
            || node.clock.frozen.is_some()
            || self.is_moving(id)
            || self.is_mistaken(id)
    }

    /// Whether something holds in the view of every node that runs; and, if asked, of every node that is down, by what
    /// is on its disk.
    fn every_view(&self, disks_too: bool, holds: &mut dyn FnMut(&P) -> bool) -> bool {
        for (id, node) in self.scenario.cluster.ids().zip(&self.nodes) {
            let fine = match &node.process {
                Some(process) => holds(process),
                None if disks_too && !node.trouble.is_lost() => {
                    let disk = node.disk.durable();
                    let settings = &self.settings;
                    let boot = Boot { id, settings, disk, incarnation: u64::MAX, entropy: 0, now: 0 };
                    holds(&P::boot(boot, &mut Effects::default()))
                }
                None => true,
            };
            if !fine {
                return false;
            }
        }
        true
    }
}

/// Whether every voter set that a node goes by keeps a majority of nodes that are not out.
fn has_quorums(process: &impl Inspect, out: &dyn Fn(NodeId) -> bool) -> bool {
    let mut tally: Vec<(u32, u32)> = Vec::new();
    process.each_voter(&mut |set, voter| {
        if tally.len() <= set {
            tally.resize(set + 1, (0, 0));
        }
        tally[set].0 += 1;
        tally[set].1 += u32::from(!out(voter));
    });
    tally.iter().all(|&(voters, well)| voters < well * 2)
}
