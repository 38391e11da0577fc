//! One set: more than half of it decides.

use alloc::vec::Vec;

use crate::quorum::VoterSet;
use crate::types::{LogIndex, NodeId};

/// How many voters of a set of `len` decide.
#[must_use]
pub const fn needed(len: usize) -> usize {
    len / 2 + 1
}

/// Whether the voters that say yes decide. An empty set agrees with anything.
#[must_use]
pub fn won(set: &VoterSet, mut yes: impl FnMut(NodeId) -> bool) -> bool {
    set.is_empty() || set.iter().filter(|id| yes(*id)).count() >= needed(set.len())
}

/// The highest index that a majority holds, where each voter holds the log through `held`.
/// An empty set holds everything. Allocates only for sets of more than 9.
#[must_use]
pub fn committed(set: &VoterSet, mut held: impl FnMut(NodeId) -> LogIndex) -> LogIndex {
    const SMALL: usize = 9;
    let len = set.len();
    if len == 0 {
        return LogIndex(u64::MAX);
    }
    if len <= SMALL {
        let mut indexes = [LogIndex(0); SMALL];
        set.iter().enumerate().for_each(|(place, id)| indexes[place] = held(id));
        return highest_of_majority(&mut indexes[..len]);
    }
    let mut indexes: Vec<LogIndex> = set.iter().map(held).collect();
    highest_of_majority(&mut indexes)
}

/// Of indexes in falling order, the one that `needed` voters reach.
fn highest_of_majority(indexes: &mut [LogIndex]) -> LogIndex {
    indexes.sort_unstable_by(|a, b| b.cmp(a));
    indexes[needed(indexes.len()) - 1]
}
