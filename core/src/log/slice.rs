//! A run of entries that is contiguous by construction.
//!
//! Holds: see [`LogSlice`].
//! Not here: whether a receiver's log agrees with it (`replication`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Entry;
use crate::types::{LogId, LogIndex};

/// A run of entries known to be contiguous, with terms that never go down, and the entry it follows.
///
/// 1. `entries[0].index == prev.index + 1`, and each next index follows the one before;
/// 2. `prev.term <= entries[0].term`, and terms never decrease.
///
/// The only way in from outside is `new`, which checks both; everyone else may rely on them. A clone costs one
/// reference count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Unchecked", into = "Unchecked"))]
pub struct LogSlice {
    prev: LogId,
    /// `None` when empty, so that a slice without entries owns nothing.
    entries: Option<Arc<[Entry]>>,
}

/// Entries that do not follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The first entry that does not follow the one before it.
    pub at: LogId,
}

impl core::fmt::Display for Broken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the entry ({},{}) does not follow the one before it", self.at.term.0, self.at.index.0)
    }
}

impl core::error::Error for Broken {}

impl LogSlice {
    /// A run of entries after `prev`.
    ///
    /// # Errors
    /// When they are not contiguous or a term goes down.
    pub fn new(prev: LogId, entries: Vec<Entry>) -> Result<LogSlice, Broken> {
        let mut before = prev;
        for entry in &entries {
            let follows = before.index.0.checked_add(1) == Some(entry.id.index.0);
            if !follows || entry.id.term < before.term {
                return Err(Broken { at: entry.id });
            }
            before = entry.id;
        }
        Ok(if entries.is_empty() { LogSlice::empty(prev) } else { LogSlice::trusted(prev, entries.into()) })
    }

    /// No entries, after `prev`.
    #[must_use]
    pub fn empty(prev: LogId) -> LogSlice {
        LogSlice { prev, entries: None }
    }

    pub(super) fn trusted(prev: LogId, entries: Arc<[Entry]>) -> LogSlice {
        LogSlice { prev, entries: Some(entries) }
    }

    /// The entry that this run follows.
    #[must_use]
    pub fn prev(&self) -> LogId {
        self.prev
    }

    /// The entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        self.entries.as_deref().unwrap_or(&[])
    }

    /// The index of the last entry, or of the one it follows when there is none.
    #[must_use]
    pub fn through(&self) -> LogIndex {
        self.prev.index.plus(self.len() as u64)
    }

    /// The last entry, or the one it follows when there is none.
    #[must_use]
    pub fn last(&self) -> LogId {
        self.entries().last().map_or(self.prev, |entry| entry.id)
    }

    /// The log id at an index, if this run tells it. Constant time.
    #[must_use]
    pub fn id_at(&self, index: LogIndex) -> Option<LogId> {
        let after_prev = index.0.checked_sub(self.prev.index.0)?;
        match after_prev.checked_sub(1) {
            None => Some(self.prev),
            Some(place) => self.entries().get(usize::try_from(place).ok()?).map(|entry| entry.id),
        }
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_none()
    }

    /// The first `count` entries.
    #[must_use]
    pub fn prefix(&self, count: usize) -> LogSlice {
        match count {
            0 => LogSlice::empty(self.prev),
            _ if count >= self.len() => self.clone(),
            _ => LogSlice::trusted(self.prev, Arc::from(&self.entries()[..count])),
        }
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Unchecked {
    prev: LogId,
    entries: Vec<Entry>,
}

#[cfg(feature = "serde")]
impl From<LogSlice> for Unchecked {
    fn from(slice: LogSlice) -> Unchecked {
        Unchecked { prev: slice.prev, entries: slice.entries().to_vec() }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for LogSlice {
    type Error = Broken;
    fn try_from(slice: Unchecked) -> Result<LogSlice, Broken> {
        LogSlice::new(slice.prev, slice.entries)
    }
}
