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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::members;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Do {
        Push { gap: u64 },
        Commit { through: u64 },
        Cut { back: u64 },
        Compact { back: u64 },
    }

    fn doing() -> impl Strategy<Value = Do> {
        prop_oneof![
            4 => (1u64..4).prop_map(|gap| Do::Push { gap }),
            3 => (0u64..40).prop_map(|through| Do::Commit { through }),
            2 => (0u64..6).prop_map(|back| Do::Cut { back }),
            1 => (0u64..6).prop_map(|back| Do::Compact { back }),
        ]
    }

    /// Where memberships stand and through where the log is committed: the rest is looked up.
    struct Plain {
        at: Vec<u64>,
        commit: u64,
    }

    impl Plain {
        fn committed(&self) -> u64 {
            self.at.iter().copied().filter(|at| *at <= self.commit).max().unwrap_or(self.at[0])
        }
    }

    proptest! {
        #[test]
        fn a_history_agrees_with_a_list(steps in proptest::collection::vec(doing(), 0..60)) {
            let some = Arc::new(members(&[1], &[]));
            let mut history = History::starting_with(LogId::default(), Arc::clone(&some));
            let mut plain = Plain { at: alloc::vec![0], commit: 0 };
            for step in steps {
                let last = plain.at[plain.at.len() - 1];
                match step {
                    Do::Push { gap } => {
                        // Nothing is appended at or below what is committed.
                        let at = last.max(plain.commit) + gap;
                        history.push(LogId::new(1, at), Arc::clone(&some));
                        plain.at.push(at);
                    }
                    Do::Commit { through } => {
                        let before = plain.committed();
                        plain.commit = plain.commit.max(through);
                        prop_assert_eq!(history.commit(LogIndex(through)), plain.committed() != before);
                    }
                    Do::Cut { back } => {
                        // What is committed is never cut.
                        let from = (last + 1).saturating_sub(back).max(plain.commit + 1);
                        let before = plain.at.len();
                        plain.at.retain(|at| *at < from);
                        prop_assert_eq!(history.cut(LogIndex(from)), plain.at.len() != before);
                    }
                    Do::Compact { back } => {
                        // Only what is committed is compacted, and the last one that held stays.
                        let through = plain.commit.saturating_sub(back);
                        history.compact(LogIndex(through));
                        let held = plain.at.iter().copied().filter(|at| *at <= through).max().unwrap_or(plain.at[0]);
                        plain.at.retain(|at| *at >= held);
                    }
                }
                let last = plain.at[plain.at.len() - 1];
                prop_assert_eq!(history.effective().0.index.0, last);
                prop_assert_eq!(history.committed().0.index.0, plain.committed());
                prop_assert_eq!(history.is_changing(), last != plain.committed());
                let before_last = plain.at.iter().rev().nth(1).copied();
                let replaced = before_last.filter(|_| last != plain.committed());
                prop_assert_eq!(history.replaced().map(|(at, _)| at.index.0), replaced);
                for index in plain.at[0]..last + 2 {
                    let held = plain.at.iter().copied().filter(|at| *at <= index).max();
                    prop_assert_eq!(Some(history.at(LogIndex(index)).0.index.0), held);
                }
            }
        }
    }
}
