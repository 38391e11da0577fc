//! What happens to a node.
//!
//! Holds: this is all a node ever learns; time and chance are in it.
//! Not here: the answers (`effect`).

use alloc::sync::Arc;

use crate::membership::change::Change;
use crate::message::Message;
use crate::types::{Address, LogIndex, NodeId, RequestId, WriteId};

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Input {
    /// A message arrived.
    Received {
        /// Who says to have sent it.
        from: NodeId,
        /// Where it came from; an answer goes back there, as on a connection.
        source: Address,
        /// Whom the sender meant: this node, unless an address was wrong.
        to: NodeId,
        /// What it says.
        message: Message,
    },
    /// A timer ran out. May come at any time, asked for or not, without harm to safety; leases alone rely on it that
    /// `Stickiness` and `Election` do not come early, and that a lease's own timer comes before any other input that is
    /// due later (`Config::drift_max_ppm` says how far clocks may be wrong).
    TimerFired(Timer),
    /// All writes through this one are durable.
    Persisted {
        /// The last durable write.
        through: WriteId,
    },
    /// A client asks to append a command.
    Proposed {
        /// Names the request in the answer.
        request: RequestId,
        /// The command, opaque to Raft.
        command: Arc<[u8]>,
    },
    /// A client asks to read the machine.
    ReadRequested {
        /// Names the request in the answer.
        request: RequestId,
    },
    /// An operator asks to change who takes part.
    ChangeRequested {
        /// Names the request in the answer.
        request: RequestId,
        /// The change.
        change: Change,
    },
    /// An operator asks to give leadership to a voter.
    TransferRequested {
        /// Names the request in the answer.
        request: RequestId,
        /// The next leader.
        to: NodeId,
    },
    /// The machine's state through an applied index, so that the log can be compacted.
    SnapshotTaken {
        /// The last applied index that the state contains.
        through: LogIndex,
        /// The state, opaque to Raft.
        state: Arc<[u8]>,
    },
}

/// The timers of a node. Setting one again replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Timer {
    /// Stand for election.
    Election,
    /// Speak to the followers.
    Heartbeat,
    /// The leader may be dead: vote for others again, and start waiting for `Election`.
    Stickiness,
    /// Is a quorum still there?
    CheckQuorum,
    /// Give up giving leadership away.
    Transfer,
    /// Give up waiting for new servers to catch up.
    Staging,
    /// The lease that began with an even round is over. The only timers that must not be late: see
    /// `Config::drift_max_ppm`.
    EvenLease,
    /// The lease that began with an odd round is over.
    OddLease,
}
