//! A log of commands as a disk holds it, and how much of it a majority has.
//!
//! Holds: a write is one command at the end; nothing is taken back. Not here: logs that a later reign cuts, which are the
//! protocol's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gate::Gate;
use crate::protocol::{Address, Disk, Effect, Effects, EntryMark, Initial, NodeId, Protocol, QuorumSets};

/// A command of a client.
pub type Command = Arc<[u8]>;

/// A log that only grows, with where everybody is.
///
/// ```
/// use splitbrain::adapter::{Command, Log};
/// use splitbrain::protocol::Disk;
///
/// let mut log = Log::default();
/// log.apply(&Command::from(*b"set x"));
/// assert_eq!((log.last(), log.after(0).len(), log.after(1).len()), (1, 1, 0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Where everybody is.
    pub nodes: BTreeMap<NodeId, Address>,
    /// The command at index 1, and those after it.
    pub commands: Vec<Command>,
}

impl Log {
    /// An empty one, with the nodes of a scenario.
    #[must_use]
    pub fn of(initial: &Initial) -> Log {
        let membership = initial.membership.clone().unwrap_or_default();
        Log { nodes: membership.nodes, commands: Vec::new() }
    }

    /// The index of the last command; 0 of an empty log.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.commands.len() as u64
    }

    /// The commands after an index.
    #[must_use]
    pub fn after(&self, index: u64) -> &[Command] {
        self.commands.get(index as usize..).unwrap_or_default()
    }

    /// One set: everybody.
    #[must_use]
    pub fn everybody(&self) -> QuorumSets {
        vec![self.nodes.keys().copied().collect()]
    }

    /// Adds a command and asks for the write; the gate gives the command's index when it is durable.
    pub fn append<P: Protocol<Disk = Log>>(
        &mut self,
        command: Command,
        gate: &mut Gate<u64>,
        out: &mut Effects<P>,
    ) {
        self.apply(&command);
        out.push(Effect::Persist { id: gate.issue(), write: command });
        gate.hold(self.last());
    }

    /// Applies what is committed and was not yet, and moves `commit` there; through the last command at most.
    pub fn apply_through<P: Protocol>(&self, commit: &mut u64, through: u64, out: &mut Effects<P>) {
        for command in self.after(*commit).iter().take(through.saturating_sub(*commit) as usize) {
            *commit += 1;
            out.push(Effect::Apply { index: *commit, command: command.clone() });
        }
    }
}

impl Disk for Log {
    type Write = Command;

    fn apply(&mut self, command: &Command) {
        self.commands.push(command.clone());
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.commands.get(index.checked_sub(1)? as usize).map(|command| EntryMark::of(command))
    }
}

/// How much of a log each node has on its disk, as far as a leader knows.
///
/// ```
/// use splitbrain::adapter::Tally;
/// use splitbrain::protocol::NodeId;
///
/// let mut tally = Tally::of((0..3).map(NodeId));
/// tally.set(NodeId(0), 7);
/// assert_eq!(tally.by_majority(), 0);
/// tally.set(NodeId(2), 4);
/// assert_eq!((tally.get(NodeId(0)), tally.by_majority()), (7, 4));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<NodeId, u64>);

impl Tally {
    /// Of nodes that have nothing yet.
    #[must_use]
    pub fn of(nodes: impl IntoIterator<Item = NodeId>) -> Tally {
        Tally(nodes.into_iter().map(|node| (node, 0)).collect())
    }

    /// A node says what it has: that may be less than it had, after its disk was lost.
    pub fn set(&mut self, node: NodeId, through: u64) {
        if let Some(held) = self.0.get_mut(&node) {
            *held = through;
        }
    }

    /// What a node has.
    #[must_use]
    pub fn get(&self, node: NodeId) -> u64 {
        self.0.get(&node).copied().unwrap_or(0)
    }

    /// What a majority has at least.
    #[must_use]
    pub fn by_majority(&self) -> u64 {
        let mut held: Vec<u64> = self.0.values().copied().collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        held.get(held.len() / 2).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_of_even_and_odd_numbers_of_nodes() {
        for (held, expected) in [(&[5][..], 5), (&[5, 3], 3), (&[5, 3, 1], 3), (&[5, 3, 1, 0], 1), (&[], 0)] {
            let mut tally = Tally::of((0..held.len() as u32).map(NodeId));
            (0..).zip(held).for_each(|(node, through)| tally.set(NodeId(node), *through));
            tally.set(NodeId(99), 1_000);
            assert_eq!(tally.by_majority(), expected, "{held:?}");
        }
    }

    #[test]
    fn no_command_is_applied_twice_or_before_it_is_there() {
        let mut log = Log::default();
        (0..3u8).for_each(|number| log.apply(&Command::from([number])));
        let mut commit = 1;
        let mut out = Effects::<crate::protocols::echo::Echo>::default();
        log.apply_through(&mut commit, 9, &mut out);
        log.apply_through(&mut commit, 2, &mut out);
        let applied: Vec<u64> = out
            .list
            .iter()
            .filter_map(|effect| if let Effect::Apply { index, .. } = effect { Some(*index) } else { None })
            .collect();
        assert_eq!((applied, commit), (vec![2, 3], 3));
    }
}
