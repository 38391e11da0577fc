//! The log: entries in segments that clones share, above a base that compaction moves up. A clone shares even the list of
//! segments, so that it costs the same however long the log.
//!
//! Holds: indexes are contiguous from `base` on, and terms never go down.
//! Not here: what is durable (`durability`), what is committed (`raft`).

mod slice;

pub use slice::{Broken, LogSlice};

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::membership::Membership;
use crate::types::{LogId, LogIndex, Term};

/// Entries per shared segment: small enough to copy when a clone writes, large enough that the list of segments, which is
/// copied when the segment that a clone fills is full, is short.
const SEGMENT_LEN: usize = 64;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Where it stands and when it was created.
    pub id: LogId,
    /// What it holds.
    pub payload: Payload,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Payload {
    /// Nothing: the first entry of a leader (paper, section 8).
    Blank,
    /// A command for the machine, opaque here.
    Command(Arc<[u8]>),
    /// The members from here on.
    Membership(Arc<Membership>),
}

impl Payload {
    /// How many bytes its command has; 0 for what is not a command.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Payload::Command(command) => command.len() as u64,
            Payload::Blank | Payload::Membership(_) => 0,
        }
    }
}

/// A log. A clone costs two reference counts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Log {
    /// The last entry that is in the snapshot instead of here.
    base: LogId,
    last: LogId,
    /// Index of the first entry of the first segment; entries at or below `base` are hidden, not there.
    origin: u64,
    /// Full segments.
    full: Arc<Vec<Arc<Vec<Entry>>>>,
    /// The segment after them.
    open: Arc<Vec<Entry>>,
}

impl Default for Log {
    fn default() -> Log {
        Log::starting_after(LogId::default())
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Log) -> bool {
        self.base == other.base && self.last == other.last && self.iter().eq(other.iter())
    }
}

impl Eq for Log {}

impl core::hash::Hash for Log {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.base.hash(state);
        self.iter().for_each(|entry| entry.hash(state));
    }
}

impl Log {
    /// An empty log above `base`.
    #[must_use]
    pub fn starting_after(base: LogId) -> Log {
        Log { base, last: base, origin: base.index.0 + 1, full: Arc::default(), open: Arc::default() }
    }

    /// The last entry that is not here any more because the snapshot contains it.
    #[must_use]
    pub fn base(&self) -> LogId {
        self.base
    }

    /// The last entry; `base` when there is none.
    #[must_use]
    pub fn last(&self) -> LogId {
        self.last
    }

    /// The entry at an index, if it is here. Constant time.
    #[must_use]
    pub fn get(&self, index: LogIndex) -> Option<&Entry> {
        if index <= self.base.index || index > self.last.index {
            return None;
        }
        let place = self.place(index);
        Some(&self.segment(place)[place % SEGMENT_LEN])
    }

    /// The term of the entry at an index; also known for the base. Constant time.
    #[must_use]
    pub fn term_at(&self, index: LogIndex) -> Option<Term> {
        if index == self.last.index {
            Some(self.last.term)
        } else if index == self.base.index {
            Some(self.base.term)
        } else {
            self.get(index).map(|entry| entry.id.term)
        }
    }

    /// The log id at an index; also known for the base.
    #[must_use]
    pub fn id_at(&self, index: LogIndex) -> Option<LogId> {
        self.term_at(index).map(|term| LogId { term, index })
    }

    /// Whether this log, or the snapshot below it, holds exactly this entry, as far as this log can tell.
    #[must_use]
    pub fn matches(&self, id: LogId) -> bool {
        self.term_at(id.index) == Some(id.term)
    }

    /// All entries, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let hidden = self.place(self.base.index.next());
        self.full.iter().flat_map(|segment| segment.iter()).chain(self.open.iter()).skip(hidden)
    }

    /// Adds an entry.
    ///
    /// # Panics
    /// When it does not follow the last one: a mistake of the caller.
    pub fn push(&mut self, entry: Entry) {
        assert!(entry.id.index == self.last.index.next(), "entries are contiguous");
        assert!(entry.id.term >= self.last.term, "terms never go down");
        self.last = entry.id;
        if self.open.len() == SEGMENT_LEN {
            let segment = core::mem::replace(&mut self.open, Arc::new(Vec::with_capacity(SEGMENT_LEN)));
            Arc::make_mut(&mut self.full).push(segment);
        }
        Arc::make_mut(&mut self.open).push(entry);
    }

    /// Removes the entries from an index on. What is at or below the base stays.
    pub fn cut(&mut self, from: LogIndex) {
        let from = from.max(self.base.index.next());
        if from > self.last.index {
            return;
        }
        let keep = self.place(from);
        self.last = self.id_at(from.before()).expect("the entry before one that is here, or the base");
        let whole = keep / SEGMENT_LEN;
        if let Some(segment) = self.full.get(whole) {
            self.open = Arc::clone(segment);
            Arc::make_mut(&mut self.full).truncate(whole);
        }
        Arc::make_mut(&mut self.open).truncate(keep % SEGMENT_LEN);
    }

    /// Moves the base up to an entry that is here; whole segments below it are dropped.
    pub fn compact(&mut self, through: LogIndex) {
        let Some(id) = self.id_at(through) else { return };
        if through <= self.base.index {
            return;
        }
        self.base = id;
        let dead = (self.place(through.next()) / SEGMENT_LEN).min(self.full.len());
        if dead > 0 {
            Arc::make_mut(&mut self.full).drain(..dead);
            self.origin += (dead * SEGMENT_LEN) as u64;
        }
        if self.last == self.base {
            *self = Log::starting_after(self.base);
        }
    }

    /// Makes the log agree with a snapshot: all stays if this log holds the snapshot's last entry, otherwise the log
    /// begins anew after it.
    pub fn restore(&mut self, last: LogId) {
        if !self.matches(last) && last.index > self.base.index {
            *self = Log::starting_after(last);
        }
    }

    /// Appends a slice: entries from its place on are replaced. Does nothing when its place is not in this log.
    pub fn overwrite(&mut self, slice: &LogSlice) {
        if !self.matches(slice.prev()) {
            return;
        }
        self.cut(slice.prev().index.next());
        for entry in slice.entries() {
            self.push(entry.clone());
        }
    }

    /// The entries from an index on, at most `count` of them; `None` when the entry before them is not known here.
    #[must_use]
    pub fn slice(&self, from: LogIndex, count: u64) -> Option<LogSlice> {
        let prev = self.id_at(from.before())?;
        let count = count.min(self.last.index.0.saturating_sub(prev.index.0)) as usize;
        if count == 0 {
            return Some(LogSlice::empty(prev));
        }
        let place = self.place(from);
        let segment = &self.segment(place)[place % SEGMENT_LEN..];
        if count <= segment.len() {
            return Some(LogSlice::trusted(prev, Arc::from(&segment[..count])));
        }
        let mut entries = Vec::with_capacity(count);
        let mut rest = place;
        while entries.len() < count {
            let segment = &self.segment(rest)[rest % SEGMENT_LEN..];
            let wanted = (count - entries.len()).min(segment.len());
            entries.extend_from_slice(&segment[..wanted]);
            rest += wanted;
        }
        Some(LogSlice::trusted(prev, entries.into()))
    }

    /// The last entry at or before `at.index` whose term is at most `at.term`: where two logs that disagree at
    /// `at` may still agree. Skips whole terms. Logarithmic.
    #[must_use]
    pub fn last_not_after(&self, at: LogId) -> LogId {
        let mut low = self.base.index.0;
        let mut high = at.index.min(self.last.index).0.max(low);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match self.term_at(LogIndex(middle)) {
                Some(term) if term <= at.term => low = middle,
                Some(_) | None => high = middle - 1,
            }
        }
        self.id_at(LogIndex(low)).unwrap_or(self.base)
    }

    /// The bytes of the commands after an index through another, of those that are here. Linear.
    #[must_use]
    pub fn bytes(&self, after: LogIndex, through: LogIndex) -> u64 {
        let first = after.max(self.base.index).0 + 1;
        let entries = (first..=through.0).filter_map(|index| self.get(LogIndex(index)));
        entries.map(|entry| entry.payload.bytes()).sum()
    }

    /// The segment that a place is in.
    fn segment(&self, place: usize) -> &[Entry] {
        self.full.get(place / SEGMENT_LEN).unwrap_or(&self.open)
    }

    fn place(&self, index: LogIndex) -> usize {
        index.0.saturating_sub(self.origin) as usize
    }
}

#[cfg(test)]
mod tests;
