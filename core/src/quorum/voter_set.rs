//! A set of voters.
//!
//! Holds: each voter once, in order of their ids.
//! Not here: how many of them decide (`majority`).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::types::NodeId;

/// A set of voters that must agree by majority, in order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "BTreeSet<NodeId>", into = "BTreeSet<NodeId>"))]
pub struct VoterSet(Vec<NodeId>);

impl VoterSet {
    /// Whether a node votes in this set.
    #[must_use]
    pub fn contains(&self, id: NodeId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// How many voters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody votes in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The voters, in order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.0.iter().copied()
    }

    /// How many nodes vote in one of the two sets only.
    #[must_use]
    pub fn difference_count(&self, other: &VoterSet) -> usize {
        let only = |a: &VoterSet, b: &VoterSet| a.iter().filter(|id| !b.contains(*id)).count();
        only(self, other) + only(other, self)
    }
}

impl FromIterator<NodeId> for VoterSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(ids: I) -> VoterSet {
        VoterSet::from(ids.into_iter().collect::<BTreeSet<NodeId>>())
    }
}

impl From<BTreeSet<NodeId>> for VoterSet {
    fn from(ids: BTreeSet<NodeId>) -> VoterSet {
        VoterSet(ids.into_iter().collect())
    }
}

impl From<VoterSet> for BTreeSet<NodeId> {
    fn from(set: VoterSet) -> BTreeSet<NodeId> {
        set.0.into_iter().collect()
    }
}
