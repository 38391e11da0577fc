//! What a guest keeps: cells by number, a snapshot, and a log; and how a write changes them.
//!
//! Holds: a write's parts are made in their order, and a torn write keeps the first of them. The host has the same value
//! twice: on the world's disk, and as the guest has it in memory, with every write at once.
//! Not here: what a guest writes, and when.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::adapter::fingerprint;
use crate::protocol::{Disk, EntryMark, Epoch};

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) mark: EntryMark,
    pub(super) data: Arc<[u8]>,
}

impl Entry {
    pub(super) fn new(epoch: u64, data: &[u8]) -> Entry {
        Entry { mark: EntryMark { epoch: Epoch(epoch), digest: xxh3_64(data) }, data: data.into() }
    }
}

/// One step of a write.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// The log ends with this entry.
    Entry { index: u64, entry: Entry },
    /// Entries from this index on are gone.
    Cut { from: u64 },
    /// Entries through this index are gone, and the log goes on after it.
    Compact { through: u64, epoch: u64 },
    /// A snapshot stands for everything through its index.
    Snapshot { through: u64, epoch: u64, data: Arc<[u8]> },
    /// A small value.
    Cell { number: u32, value: Arc<[u8]> },
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Entry { index, entry } => write!(f, "entry ({}, {index})", entry.mark.epoch.0),
            Part::Cut { from } => write!(f, "cut from {from}"),
            Part::Compact { through, .. } => write!(f, "compact through {through}"),
            Part::Snapshot { through, epoch, .. } => write!(f, "snapshot ({epoch}, {through})"),
            Part::Cell { number, value } => {
                write!(f, "cell {number} =")?;
                value.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

/// What is written at once; its parts reach the disk in order.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Write(pub(super) Vec<Part>);

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|part| format!("{part:?}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl Write {
    /// The lowest index whose entry is added, replaced or cut.
    pub(super) fn changes_from(&self) -> Option<u64> {
        let index = |part: &Part| match part {
            Part::Entry { index, .. } => Some(*index),
            Part::Cut { from } => Some(*from),
            Part::Compact { .. } | Part::Snapshot { .. } | Part::Cell { .. } => None,
        };
        self.0.iter().filter_map(index).min()
    }
}

/// A snapshot on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) through: u64,
    pub(super) epoch: u64,
    pub(super) data: Arc<[u8]>,
}

/// The disk of a guest's node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestDisk {
    pub(super) cells: BTreeMap<u32, Arc<[u8]>>,
    pub(super) snapshot: Snapshot,
    /// The index before the first entry, and the epoch of the entry there.
    pub(super) base: (u64, u64),
    pub(super) entries: Vec<Entry>,
}

impl GuestDisk {
    pub(super) fn last(&self) -> u64 {
        self.base.0 + self.entries.len() as u64
    }

    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.base.0 + 1)?).ok()?)
    }

    fn apply_part(&mut self, part: &Part) {
        match part {
            Part::Entry { index, entry } => {
                self.cut(*index);
                self.entries.push(entry.clone());
            }
            Part::Cut { from } => self.cut(*from),
            Part::Compact { through, epoch } => {
                let gone = through.saturating_sub(self.base.0) as usize;
                self.entries.drain(..gone.min(self.entries.len()));
                if *through > self.base.0 {
                    self.base = (*through, *epoch);
                }
            }
            Part::Snapshot { through, epoch, data } => {
                self.snapshot = Snapshot { through: *through, epoch: *epoch, data: Arc::clone(data) };
            }
            Part::Cell { number, value } => {
                self.cells.insert(*number, Arc::clone(value));
            }
        }
    }

    fn cut(&mut self, from: u64) {
        self.entries.truncate(from.saturating_sub(self.base.0 + 1) as usize);
    }
}

impl Disk for GuestDisk {
    type Write = Write;

    fn fingerprint(write: &Write) -> u64 {
        fingerprint(write)
    }

    fn apply(&mut self, write: &Write) {
        write.0.iter().for_each(|part| self.apply_part(part));
    }

    fn parts(write: &Write) -> usize {
        write.0.len()
    }

    fn prefix(write: &Write, parts: usize) -> Write {
        Write(write.0[..parts].to_vec())
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.entry(index).map(|entry| entry.mark)
    }

    fn snapshot(&self) -> u64 {
        self.snapshot.through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u64, epoch: u64) -> Part {
        Part::Entry { index, entry: Entry::new(epoch, b"x") }
    }

    #[test]
    fn an_entry_replaces_what_came_after_it() {
        let mut disk = GuestDisk::default();
        disk.apply(&Write(vec![entry(1, 1), entry(2, 1), entry(3, 1)]));
        disk.apply(&Write(vec![entry(2, 2)]));
        assert_eq!(disk.last(), 2);
        assert_eq!(disk.mark(2).map(|mark| mark.epoch), Some(Epoch(2)));
    }

    #[test]
    fn a_log_goes_on_after_a_snapshot_beyond_its_end() {
        let mut disk = GuestDisk::default();
        disk.apply(&Write(vec![entry(1, 1)]));
        let snapshot = Part::Snapshot { through: 9, epoch: 3, data: Arc::default() };
        let write = Write(vec![snapshot, Part::Cut { from: 10 }, Part::Compact { through: 9, epoch: 3 }]);
        disk.apply(&write);
        assert_eq!((disk.last(), disk.base, Disk::snapshot(&disk)), (9, (9, 3), 9));
        // What a crash leaves of it.
        let mut torn = GuestDisk::default();
        torn.apply(&Write(vec![entry(1, 1)]));
        torn.apply(&GuestDisk::prefix(&write, 1));
        assert_eq!((torn.last(), Disk::snapshot(&torn)), (1, 9));
    }
}
