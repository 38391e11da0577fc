//! What a node's disk holds, what is written to it, and a node made from it.
//!
//! Holds: any prefix of the parts of the writes, in order, is a disk that a node may boot from.
//! Not here: which messages wait for a write (`durability`).

use alloc::sync::Arc;

use crate::log::{Log, LogSlice};
use crate::membership::Membership;
use crate::snapshot::Snapshot;
use crate::types::{LogId, LogIndex, NodeId, Term};

/// Term and vote (paper, Figure 2, persistent state).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HardState {
    /// The current term.
    pub term: Term,
    /// Who has this node's vote in it.
    pub vote: Option<NodeId>,
}

/// What a disk holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Durable {
    /// Term and vote.
    pub hard_state: HardState,
    /// The snapshot below the log; at index 0, just the first membership.
    pub snapshot: Arc<Snapshot>,
    /// The log.
    pub log: Log,
}

/// One write: its parts reach the disk in this order, each whole or not at all, the log entry by entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Write {
    /// Term and vote.
    pub hard_state: Option<HardState>,
    /// A snapshot. The log stays as it is if it holds the snapshot's last entry; otherwise it begins anew after it.
    pub snapshot: Option<Arc<Snapshot>>,
    /// The log's entries through here go: they are in the snapshot.
    pub compacted_through: Option<LogIndex>,
    /// Entries, which replace everything from their place on.
    pub entries: Option<LogSlice>,
}

impl Durable {
    /// The disk of a new node of a cluster with these first members.
    #[must_use]
    pub fn initialised(membership: Membership) -> Durable {
        let snapshot = Snapshot { membership: Arc::new(membership), ..Snapshot::default() };
        Durable { snapshot: Arc::new(snapshot), ..Durable::default() }
    }

    /// Makes a write durable.
    pub fn apply(&mut self, write: &Write) {
        if let Some(hard_state) = write.hard_state {
            self.hard_state = hard_state;
        }
        if let Some(snapshot) = &write.snapshot {
            self.log.restore(snapshot.last);
            self.snapshot = Arc::clone(snapshot);
        }
        if let Some(through) = write.compacted_through {
            self.log.compact(through);
        }
        if let Some(entries) = &write.entries {
            self.log.overwrite(entries);
        }
    }

    /// The last durable entry.
    #[must_use]
    pub fn last(&self) -> LogId {
        self.log.last()
    }
}

impl Write {
    /// How many parts may reach the disk before a crash. A slice without entries, which only cuts, is one part.
    #[must_use]
    pub fn parts(&self) -> usize {
        let entries = self.entries.as_ref().map_or(0, |entries| entries.len().max(1));
        self.parts_before_entries() + entries
    }

    fn parts_before_entries(&self) -> usize {
        let there = [self.hard_state.is_some(), self.snapshot.is_some(), self.compacted_through.is_some()];
        there.into_iter().filter(|there| *there).count()
    }

    /// The first `count` parts, as a write.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Write {
        let before_snapshot = usize::from(self.hard_state.is_some());
        let before_compaction = before_snapshot + usize::from(self.snapshot.is_some());
        let before_entries = self.parts_before_entries();
        let entries = self.entries.as_ref().filter(|_| count > before_entries);
        Write {
            hard_state: self.hard_state.filter(|_| count > 0),
            snapshot: self.snapshot.clone().filter(|_| count > before_snapshot),
            compacted_through: self.compacted_through.filter(|_| count > before_compaction),
            entries: entries.map(|entries| entries.prefix(count - before_entries)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Entry, Payload};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn slice(prev: LogId, ids: &[(u64, u64)]) -> LogSlice {
        let entry =
            |&(term, index): &(u64, u64)| Entry { id: LogId::new(term, index), payload: Payload::Blank };
        LogSlice::new(prev, ids.iter().map(entry).collect()).unwrap()
    }

    #[test]
    fn a_prefix_of_a_write_is_its_first_parts() {
        let write = Write {
            hard_state: Some(HardState { term: Term(3), vote: None }),
            entries: Some(slice(LogId::new(1, 1), &[(3, 2), (3, 3)])),
            ..Write::default()
        };
        let mut disk = Durable::default();
        disk.apply(&Write {
            entries: Some(slice(LogId::default(), &[(1, 1), (1, 2), (1, 3)])),
            ..Write::default()
        });
        let after = |count: usize| {
            let mut disk = disk.clone();
            disk.apply(&write.prefix(count));
            let terms: Vec<u64> = disk.log.iter().map(|entry| entry.id.term.0).collect();
            (disk.hard_state.term.0, terms)
        };
        assert_eq!(write.parts(), 3);
        assert_eq!(after(0), (0, [1, 1, 1].into()));
        assert_eq!(after(1), (3, [1, 1, 1].into()));
        assert_eq!(after(2), (3, [1, 3].into()));
        assert_eq!(after(3), (3, [1, 3, 3].into()));
    }

    #[test]
    fn a_snapshot_reaches_the_disk_before_the_log_below_it_goes() {
        let mut disk = Durable::default();
        let entries = slice(LogId::default(), &[(1, 1), (1, 2), (1, 3), (1, 4)]);
        disk.apply(&Write { entries: Some(entries), ..Write::default() });
        let snapshot = Snapshot { last: LogId::new(1, 3), ..Snapshot::default() };
        let write = Write {
            snapshot: Some(Arc::new(snapshot)),
            compacted_through: Some(LogIndex(2)),
            ..Write::default()
        };
        let after = |count: usize| {
            let mut disk = disk.clone();
            disk.apply(&write.prefix(count));
            (disk.snapshot.last.index.0, disk.log.base().index.0, disk.log.last().index.0)
        };
        assert_eq!(write.parts(), 2);
        assert_eq!([after(0), after(1), after(2)], [(0, 0, 4), (3, 0, 4), (3, 2, 4)]);
    }

    #[test]
    fn a_snapshot_that_the_log_does_not_hold_replaces_it() {
        let mut disk = Durable::default();
        disk.apply(&Write {
            entries: Some(slice(LogId::default(), &[(1, 1), (1, 2), (1, 3), (1, 4)])),
            ..Write::default()
        });
        let snapshot = Snapshot { last: LogId::new(2, 3), ..Snapshot::default() };
        disk.apply(&Write { snapshot: Some(Arc::new(snapshot)), ..Write::default() });
        assert_eq!((disk.log.base(), disk.last()), (LogId::new(2, 3), LogId::new(2, 3)));
    }

    fn write() -> impl Strategy<Value = Write> {
        let hard_state =
            proptest::option::of((0u64..9).prop_map(|term| HardState { term: Term(term), vote: None }));
        let snapshot = proptest::option::of((1u64..3, 1u64..9).prop_map(|(term, index)| {
            Arc::new(Snapshot { last: LogId::new(term, index), ..Snapshot::default() })
        }));
        let compacted = proptest::option::of((0u64..9).prop_map(LogIndex));
        let entries = proptest::option::of((0u64..9, 0usize..4, 1u64..3).prop_map(|(prev, len, term)| {
            let ids: Vec<(u64, u64)> = (prev + 1..).take(len).map(|index| (term, index)).collect();
            slice(LogId::new(term.min(prev), prev), &ids)
        }));
        (hard_state, snapshot, compacted, entries).prop_map(
            |(hard_state, snapshot, compacted_through, entries)| Write {
                hard_state,
                snapshot,
                compacted_through,
                entries,
            },
        )
    }

    proptest! {
        #[test]
        fn prefixes_of_a_write_grow_part_by_part_up_to_the_whole(write in write()) {
            prop_assert_eq!(write.prefix(write.parts()), write.clone());
            prop_assert_eq!(write.prefix(usize::MAX), write.clone());
            for count in 0..=write.parts() {
                prop_assert_eq!(write.prefix(count).parts(), count);
                for fewer in 0..=count {
                    prop_assert_eq!(write.prefix(count).prefix(fewer), write.prefix(fewer));
                }
            }
        }

        #[test]
        fn what_a_crash_leaves_of_writes_is_a_disk_to_boot_from(
            writes in proptest::collection::vec((write(), 0usize..9), 0..12),
        ) {
            let mut disk = Durable::default();
            for (write, parts) in writes {
                let base = disk.log.base().index;
                disk.apply(&write.prefix(parts));
                let indexes: Vec<u64> = disk.log.iter().map(|entry| entry.id.index.0).collect();
                let from = disk.log.base().index.0 + 1;
                let expected: Vec<u64> = (from..from + indexes.len() as u64).collect();
                prop_assert_eq!(indexes, expected, "no entry is missing");
                prop_assert!(disk.log.base().index >= base, "what was compacted does not come back");
            }
        }
    }
}
