//! Messages of a link in the order in which they were sent, for a library that counts on connections.
//!
//! Holds: what comes late or twice is not let through; a gap is told, as a connection that broke and was made anew is.
//! Not here: sending again what was lost, which is the library's to do when it is told.

use std::collections::BTreeMap;

use crate::protocol::NodeId;

/// Stands on a message: which process sent it, and which of its messages to this node it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    incarnation: u64,
    number: u64,
}

/// How a message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Right after the one before.
    InOrder,
    /// Something before it was lost, or its sender was started anew: the library is to be told that it is connected again.
    Reconnected,
    /// After a later one, or once more: it is to be dropped.
    Late,
}

/// The links of a process.
#[derive(Clone, Debug)]
pub struct Sessions {
    incarnation: u64,
    sent: BTreeMap<NodeId, u64>,
    seen: BTreeMap<NodeId, Stamp>,
}

impl Sessions {
    /// The links of a process that was just started ([`Boot::incarnation`](crate::protocol::Boot)).
    #[must_use]
    pub fn new(incarnation: u64) -> Sessions {
        Sessions { incarnation, sent: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// The stamp of the next message to a node.
    pub fn stamp(&mut self, to: NodeId) -> Stamp {
        let number = self.sent.entry(to).or_default();
        *number += 1;
        Stamp { incarnation: self.incarnation, number: *number }
    }

    /// A message of a node arrives.
    pub fn arrive(&mut self, from: NodeId, stamp: Stamp) -> Arrival {
        let before =
            self.seen.get(&from).copied().unwrap_or(Stamp { incarnation: stamp.incarnation, number: 0 });
        if self.seen.contains_key(&from) && stamp <= before {
            return Arrival::Late;
        }
        self.seen.insert(from, stamp);
        let next = Stamp { incarnation: before.incarnation, number: before.number + 1 };
        if stamp == next { Arrival::InOrder } else { Arrival::Reconnected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_and_what_is_late_is_dropped() {
        let (mut mine, mut theirs) = (Sessions::new(1), Sessions::new(1));
        let stamps: Vec<Stamp> = (0..4).map(|_| mine.stamp(NodeId(7))).collect();
        let mut arrive = |stamp| theirs.arrive(NodeId(3), stamp);
        assert_eq!(arrive(stamps[0]), Arrival::InOrder);
        assert_eq!(arrive(stamps[0]), Arrival::Late, "a duplicate");
        assert_eq!(arrive(stamps[2]), Arrival::Reconnected);
        assert_eq!(arrive(stamps[1]), Arrival::Late, "it was overtaken");
        assert_eq!(arrive(stamps[3]), Arrival::InOrder);
        let mut anew = Sessions::new(2);
        assert_eq!(arrive(anew.stamp(NodeId(7))), Arrival::Reconnected, "the sender was started anew");
        assert_eq!(arrive(stamps[3]), Arrival::Late, "of the process before");
    }
}
