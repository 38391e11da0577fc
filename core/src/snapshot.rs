//! A snapshot, the parts in which it travels, and what has arrived of one.
//!
//! Holds: a part lies inside of its snapshot (`Chunk::is_possible`).
//! Not here: taking, sending and installing one (`snapshotting`, `serving`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::membership::Membership;
use crate::types::{FAR, LogId, Term};

/// The machine's state at an index, with the members at that index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    /// The last entry it contains.
    pub last: LogId,
    /// Where the members stood in the log.
    pub membership_at: LogId,
    /// The members at `last`.
    pub membership: Arc<Membership>,
    /// The machine's state.
    pub state: Arc<[u8]>,
}

/// A part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Chunk {
    /// The snapshot without its state. Its last entry names it.
    pub head: Arc<Snapshot>,
    /// How many bytes the whole state has.
    pub size: u64,
    /// Where these bytes begin in the state.
    pub offset: u64,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

/// A snapshot that is being received: the first bytes of its state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Incoming {
    /// The term of the leader that sends it.
    pub(crate) term: Term,
    pub(crate) head: Arc<Snapshot>,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Incoming {
    #[cfg(test)]
    pub(crate) fn of(term: Term, head: Arc<Snapshot>) -> Incoming {
        Incoming { term, head, bytes: Arc::default() }
    }

    /// The last entry of the snapshot.
    pub(crate) fn last(&self) -> LogId {
        self.head.last
    }
}

impl Chunk {
    /// The part of a snapshot from an offset on, of at most `bytes_max` bytes.
    #[must_use]
    pub fn of(snapshot: &Snapshot, offset: u64, bytes_max: u64) -> Chunk {
        let size = snapshot.state.len() as u64;
        let from = offset.min(size);
        let to = from.saturating_add(bytes_max.max(1)).min(size);
        let bytes = Arc::from(&snapshot.state[from as usize..to as usize]);
        let head = Snapshot { state: Arc::default(), ..snapshot.clone() };
        Chunk { head: Arc::new(head), size, offset: from, bytes }
    }
}

impl Chunk {
    /// Whether this is inside of its snapshot, and its members too.
    pub(crate) fn is_possible(&self) -> bool {
        let end = self.offset.checked_add(self.bytes.len() as u64);
        let is_inside = end.is_some_and(|end| end <= self.size) && self.size <= FAR;
        is_inside
            && self.head.membership_at <= self.head.last
            && self.head.membership_at.index <= self.head.last.index
    }
}
