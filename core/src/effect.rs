//! What a node asks for. An effect is a licence: whoever gets it may perform it at once, and later ones in order.
//!
//! Holds: at most one `Persist` in a step; a `Send` never runs ahead of what it vouches for.
//! Not here: why (`durability`), facts for readers (`fact`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::fact::Fact;
use crate::input::Timer;
use crate::membership::change::ChangeRefused;
use crate::message::Message;
use crate::recovery::Write;
use crate::snapshot::Snapshot;
use crate::types::{Address, LogIndex, NodeId, RequestId, Within, WriteId};

/// What a node asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Effect {
    /// Write to the disk; answered by `Input::Persisted`. Writes must become durable in order.
    Persist {
        /// Rises by one from 1 after each boot.
        id: WriteId,
        /// What is written.
        write: Write,
    },
    /// Send a message to an address.
    Send {
        /// Who the sender says to be: itself, or whom it was taken for when it answers.
        from: NodeId,
        /// Whom it means.
        to: NodeId,
        /// Where that node is believed to be, or where its message came from.
        address: Address,
        /// What it says.
        message: Message,
    },
    /// Set a timer; setting it again replaces it.
    SetTimer {
        /// Which.
        timer: Timer,
        /// When; the caller draws the moment.
        within: Within,
    },
    /// Stop a timer.
    CancelTimer(Timer),
    /// Hand a committed command to the machine. Indexes rise; entries without a command are skipped.
    Apply {
        /// Where the command stands in the log.
        index: LogIndex,
        /// The command.
        command: Arc<[u8]>,
    },
    /// Replace the machine's state by a snapshot's.
    Restore(Arc<Snapshot>),
    /// Answer a read from the machine as it is after the effects so far.
    Serve {
        /// Which read.
        request: RequestId,
    },
    /// A change or transfer is done: its last entry is committed, or the target leads.
    Done {
        /// Which request.
        request: RequestId,
    },
    /// A request is refused.
    Refuse {
        /// Which request.
        request: RequestId,
        /// Why.
        refusal: Refusal,
    },
    /// The process is to end once its writes are done: it takes part no longer. Always a step's last effect; later
    /// inputs are ignored.
    ShutDown,
    /// Something a reader may want to know happened. Asks for nothing.
    Note(Fact),
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Refusal {
    /// Another node leads, or nobody does. Nothing was appended.
    NotLeader {
        /// Who may be asked instead.
        hint: Option<NodeId>,
    },
    /// The entry was appended, or the target of a transfer told to stand, but leadership was lost before more was known:
    /// **its outcome is unknown**.
    LeadershipLost,
    /// Too many bytes are waiting to be committed. Nothing was appended.
    TooMuchUncommitted,
    /// Leadership is being given away. Nothing was appended.
    Transferring,
    /// The transfer's target does not vote, or is this node.
    NotATarget,
    /// The transfer's target did not take over in time.
    TransferTimedOut,
    /// Another node than the target took over, or leadership was lost before the target was told to stand.
    TransferFailed,
    /// The change may not be done.
    Change(ChangeRefused),
}

impl Refusal {
    /// Its name, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Refusal::NotLeader { .. } => "not-leader",
            Refusal::LeadershipLost => "leadership-lost",
            Refusal::TooMuchUncommitted => "too-much-uncommitted",
            Refusal::Transferring => "transferring",
            Refusal::NotATarget => "not-a-target",
            Refusal::TransferTimedOut => "transfer-timed-out",
            Refusal::TransferFailed => "transfer-failed",
            Refusal::Change(refused) => refused.name(),
        }
    }
}

/// What a step asks for, in the order in which it must be performed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Effects {
    /// The effects.
    pub list: Vec<Effect>,
    /// The lowest log index whose entry was added, replaced or cut in this step.
    pub log_changed_from: Option<LogIndex>,
}

impl Effects {
    /// Forgets everything but the room it took.
    pub fn clear(&mut self) {
        self.list.clear();
        self.log_changed_from = None;
    }

    pub(crate) fn log_changed(&mut self, from: LogIndex) {
        self.log_changed_from = Some(self.log_changed_from.map_or(from, |before| before.min(from)));
    }
}
