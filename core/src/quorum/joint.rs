//! Any number of sets: each must decide by its own majority (paper, section 6).

use super::majority;
use crate::quorum::VoterSet;
use crate::types::{LogIndex, NodeId};

/// Whether the voters that say yes decide in every set. Nobody can decide when there is no set.
#[must_use]
pub fn won(sets: &[VoterSet], mut yes: impl FnMut(NodeId) -> bool) -> bool {
    !sets.is_empty() && sets.iter().all(|set| majority::won(set, &mut yes))
}

/// The highest index that a majority of every set holds; 0 when there is no set.
#[must_use]
pub fn committed(sets: &[VoterSet], mut held: impl FnMut(NodeId) -> LogIndex) -> LogIndex {
    sets.iter().map(|set| majority::committed(set, &mut held)).min().unwrap_or(LogIndex(0))
}
