//! The memberships of a log, from the one the snapshot holds on.
//!
//! Holds: log ids rise; the first is never removed; `committed` points at the last one known to be committed.
//! Not here: which of them decides (`raft::State::in_force`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Membership;
use crate::types::{LogId, LogIndex};

/// The memberships of a log, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct History {
    list: Vec<(LogId, Arc<Membership>)>,
    committed: usize,
}

impl History {
    /// Begins with what the snapshot holds.
    pub(crate) fn starting_with(at: LogId, membership: Arc<Membership>) -> History {
        History { list: alloc::vec![(at, membership)], committed: 0 }
    }

    /// The last one known to be committed.
    pub(crate) fn committed(&self) -> &(LogId, Arc<Membership>) {
        &self.list[self.committed]
    }

    /// The last one in the log.
    pub(crate) fn effective(&self) -> &(LogId, Arc<Membership>) {
        self.list.last().expect("the first is never removed")
    }

    /// The one before the last, if the last is not known to be committed. A change is proposed after the one before it
    /// is committed, so this one is, even where a restart forgot it.
    pub(crate) fn replaced(&self) -> Option<&(LogId, Arc<Membership>)> {
        self.is_changing().then(|| &self.list[self.list.len() - 2])
    }

    /// Whether a membership is in the log and not known to be committed.
    pub(crate) fn is_changing(&self) -> bool {
        self.committed + 1 < self.list.len()
    }

    /// The one that holds at an index.
    pub(crate) fn at(&self, index: LogIndex) -> &(LogId, Arc<Membership>) {
        self.list.iter().rfind(|(id, _)| id.index <= index).unwrap_or(&self.list[0])
    }

    /// Adds one that was appended to the log.
    pub(crate) fn push(&mut self, at: LogId, membership: Arc<Membership>) {
        self.list.push((at, membership));
    }

    /// Everything through an index is committed. Returns whether that moves `committed`.
    pub(crate) fn commit(&mut self, through: LogIndex) -> bool {
        let before = self.committed;
        while self.list.get(self.committed + 1).is_some_and(|(id, _)| id.index <= through) {
            self.committed += 1;
        }
        self.committed != before
    }

    /// The log was cut. Returns whether a membership went with it.
    pub(crate) fn cut(&mut self, from: LogIndex) -> bool {
        let before = self.list.len();
        while self.list.len() > 1 && self.effective().0.index >= from {
            self.list.pop();
        }
        self.committed = self.committed.min(self.list.len() - 1);
        self.list.len() != before
    }

    /// The log was compacted: nobody will ask for what held before an index.
    pub(crate) fn compact(&mut self, through: LogIndex) {
        let dead = self.list.iter().rposition(|(id, _)| id.index <= through).unwrap_or(0);
        self.list.drain(..dead);
        self.committed = self.committed.saturating_sub(dead);
    }
}
