//! Forks: two worlds that stand where one stood, and go their own ways from there.
//!
//! Holds: a fork that goes on by the same chance ends like its original; a protocol that cannot be copied has no forks.
//! Not here: who goes on from a fork (`travel`, `explain`).

use std::sync::Arc;

use super::World;
use super::node::{Node, Waiting};
use crate::protocol::{Effects, Protocol};

impl<P: Protocol> World<P> {
    /// The same world once more; `None` where a process cannot be copied ([`Protocol::fork`]).
    #[must_use]
    pub fn fork(&self) -> Option<World<P>> {
        let nodes = self.nodes.iter().map(Node::fork).collect::<Option<Vec<Node<P>>>>()?;
        Some(World {
            scenario: Arc::clone(&self.scenario),
            settings: self.settings.clone(),
            names: Arc::clone(&self.names),
            now: self.now,
            nodes,
            wire: self.wire.clone(),
            agenda: self.agenda.clone(),
            hands: self.hands.clone(),
            ledger: self.ledger.clone(),
            choices: self.choices.clone(),
            by_hand: self.by_hand,
            bounds: self.bounds,
            out: Effects::default(),
        })
    }
}

impl<P: Protocol> Node<P> {
    fn fork(&self) -> Option<Node<P>> {
        let process = match &self.process {
            Some(process) => Some(process.fork()?),
            None => None,
        };
        Some(Node {
            process,
            left: self.left,
            disk: self.disk.clone(),
            machine: self.machine.clone(),
            address: self.address,
            incarnation: self.incarnation,
            glance: self.glance,
            timers: self.timers.clone(),
            stalled: self.stalled,
            overdue: self.overdue,
            disk_busy_until: self.disk_busy_until,
            snapshot_at: self.snapshot_at,
            trouble: self.trouble,
            clock: self.clock,
            waiting: self.waiting.iter().map(Waiting::fork).collect(),
        })
    }
}

impl<P: Protocol> Waiting<P> {
    fn fork(&self) -> Waiting<P> {
        match self {
            Waiting::Message(envelope) => Waiting::Message(envelope.clone()),
            Waiting::Input(input, began, act) => Waiting::Input(input.clone(), *began, act.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::protocols::raft::Raft;
    use crate::runner;
    use crate::swarm;

    #[test]
    fn a_fork_ends_like_its_original() {
        for seed in 0..20 {
            let scenario = swarm::scenario(seed);
            let mut world = runner::world::<Raft>(&scenario, seed, false).expect("it begins");
            world.set_busy(true);
            world.run_events(2_000);
            let mut fork = world.fork().expect("our Raft can be copied");
            world.run_events(2_000);
            fork.run_events(2_000);
            assert_eq!(world.trace().digest(), fork.trace().digest(), "seed {seed}");
            assert!(world.counts().events > 0);
        }
    }
}
