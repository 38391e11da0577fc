//! What happened to nodes, one act after another: all that a protocol without a clock can notice.
//!
//! Holds: a frozen world that is dealt the acts of a run ends where the run ended, whatever delays, losses and partitions
//! led to them; an act that is impossible when its turn comes is left out.
//! Not here: dealing them (`deal`), and which acts a failure needs (`shrink`).

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Request;
use crate::protocol::{Address, NodeId, Operation};

/// One thing that happened to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act<T> {
    /// A message arrived.
    Deliver {
        /// Counts what was sent in its run; equal for a message and its duplicate.
        serial: u64,
        /// Which machine sent it.
        from: NodeId,
        /// Which machine received it.
        to: NodeId,
        /// What the protocol calls it.
        what: String,
        /// What it said.
        digest: u64,
        /// How many older ones of that name were left waiting.
        older: usize,
        /// How many younger ones of that name were left waiting.
        younger: usize,
        /// Whether one that it left waiting had not been overtaken before.
        overtakes: bool,
        /// Whether it arrives again later.
        kept: bool,
    },
    /// A timer fired.
    Fire {
        /// Whose.
        node: NodeId,
        /// Which.
        timer: T,
    },
    /// The oldest unfinished write became durable.
    Finish {
        /// Whose.
        node: NodeId,
    },
    /// The process died.
    Crash {
        /// Whose.
        node: NodeId,
        /// How many parts of its unfinished writes reached the disk.
        kept: usize,
        /// How many there were.
        all: usize,
    },
    /// The process was started again.
    Boot {
        /// Whose.
        node: NodeId,
    },
    /// The disk was emptied.
    Wipe {
        /// Whose.
        node: NodeId,
    },
    /// The machine's state was handed to the process.
    Snapshot {
        /// Whose.
        node: NodeId,
    },
    /// A client asked.
    Call {
        /// Which client.
        client: u32,
        /// Whom.
        node: NodeId,
        /// For what.
        request: Request,
        /// Whether it asked for the same before and has no answer.
        again: bool,
    },
    /// An operator asked.
    Operate {
        /// Whom.
        node: NodeId,
        /// For what.
        operation: Operation,
    },
    /// A machine moved.
    Bind {
        /// Which.
        node: NodeId,
        /// Where to.
        address: Address,
    },
    /// Everything that waited between some nodes arrived, oldest first, and so did what it led to.
    Exchange {
        /// Which nodes; at least two.
        nodes: BTreeSet<NodeId>,
    },
    /// Everything that waited was lost.
    Lose,
    /// Hardship ended.
    Heal,
}

/// Which of the messages that wait on a link is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The oldest but so many.
    Nth(usize),
    /// The one that was sent as the so-manieth of the run.
    Serial(u64),
    /// The one that says this; or else the one in the likeliest place.
    Like {
        /// What it says.
        digest: u64,
        /// How many older ones there were.
        older: usize,
        /// How many younger ones there were.
        younger: usize,
    },
}

impl<T> Act<T> {
    /// The node it happened to, if it happened to one.
    #[must_use]
    pub(crate) fn node(&self) -> Option<NodeId> {
        Some(match self {
            Act::Exchange { .. } | Act::Lose | Act::Heal => return None,
            Act::Deliver { to: node, .. }
            | Act::Fire { node, .. }
            | Act::Finish { node }
            | Act::Crash { node, .. }
            | Act::Boot { node }
            | Act::Wipe { node }
            | Act::Snapshot { node }
            | Act::Call { node, .. }
            | Act::Operate { node, .. }
            | Act::Bind { node, .. } => *node,
        })
    }

    /// Whether a node has a part in it.
    #[must_use]
    pub(crate) fn names(&self, node: NodeId) -> bool {
        self.node() == Some(node) || matches!(self, Act::Deliver { from, .. } if *from == node)
    }
}

/// Marks every message that arrives again later, so that dealing it leaves one behind. Linear but for a logarithm.
pub(crate) fn mark_duplicates<T>(acts: &mut [Act<T>]) {
    let mut later = BTreeSet::new();
    for act in acts.iter_mut().rev() {
        if let Act::Deliver { serial, kept, .. } = act {
            *kept |= !later.insert(*serial);
        }
    }
}

/// Gives every call a client of its own, which it shares with its repetitions only: a call that is left out does not
/// change what the others say.
pub(crate) fn separate_calls<T>(acts: &mut [Act<T>]) {
    let (mut now, mut next) = (BTreeMap::new(), 0);
    for act in acts {
        if let Act::Call { client, request, again, .. } = act {
            let known = now.get(client).filter(|(_, asked)| *again && asked == request);
            *again = known.is_some();
            let separate = known.map_or(next, |(separate, _)| *separate);
            next = next.max(separate + 1);
            now.insert(*client, (separate, *request));
            *client = separate;
        }
    }
}

/// Lets a call be a repetition only where the same client asked for the same before.
pub(crate) fn mark_first_calls<T>(acts: &mut [Act<T>]) {
    let mut asked = BTreeMap::new();
    for act in acts {
        if let Act::Call { client, request, again, .. } = act {
            let before = asked.insert(*client, *request);
            *again &= before == Some(*request);
        }
    }
}
