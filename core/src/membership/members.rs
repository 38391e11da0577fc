//! A membership: voter sets, everyone's address, and ids that are gone for good.
//!
//! Holds: every voter has an address; no voter set is empty.
//! Not here: quorum arithmetic (`quorum`), the memberships of a log (`history`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::types::{Address, NodeId};

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

/// Who takes part. More than one voter set is a joint config, one a uniform one; a node in no set is a learner.
/// Without any set (the default) it is the membership of a node that was never initialised: nobody can decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Membership {
    sets: Vec<VoterSet>,
    nodes: BTreeMap<NodeId, Address>,
    retired: BTreeSet<NodeId>,
}

/// Why voter sets and addresses do not make a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotAMembership {
    /// There is no voter set, or an empty one.
    Empty,
    /// A voter has no address.
    VoterWithoutAddress(NodeId),
}

impl Membership {
    /// A membership of these voter sets and nodes.
    ///
    /// # Errors
    /// When a set is empty or a voter has no address.
    pub fn new(sets: Vec<VoterSet>, nodes: BTreeMap<NodeId, Address>) -> Result<Membership, NotAMembership> {
        if sets.is_empty() || sets.iter().any(VoterSet::is_empty) {
            return Err(NotAMembership::Empty);
        }
        if let Some(id) = sets.iter().flat_map(VoterSet::iter).find(|id| !nodes.contains_key(id)) {
            return Err(NotAMembership::VoterWithoutAddress(id));
        }
        Ok(Membership { sets, nodes, retired: BTreeSet::new() })
    }

    /// The membership that follows this one: whoever is in it no longer is retired for good.
    ///
    /// # Errors
    /// As `new`.
    pub(crate) fn followed_by(
        &self,
        sets: Vec<VoterSet>,
        nodes: BTreeMap<NodeId, Address>,
    ) -> Result<Membership, NotAMembership> {
        let mut next = Membership::new(sets, nodes)?;
        let gone = self.nodes.keys().chain(&self.retired).filter(|id| !next.nodes.contains_key(id));
        next.retired = gone.copied().collect();
        Ok(next)
    }

    /// The voter sets, oldest first.
    #[must_use]
    pub fn sets(&self) -> &[VoterSet] {
        &self.sets
    }

    /// Everyone who takes part, with their address.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<NodeId, Address> {
        &self.nodes
    }

    /// Ids that took part once and do not any more.
    #[must_use]
    pub fn retired(&self) -> &BTreeSet<NodeId> {
        &self.retired
    }

    /// The last voter set: where a joint config is going. Empty when there is none.
    #[must_use]
    pub fn last_set(&self) -> VoterSet {
        self.sets.last().cloned().unwrap_or_default()
    }

    /// Whether more than one set must agree.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        self.sets.len() > 1
    }

    /// Whether there is anyone who can decide.
    #[must_use]
    pub fn is_initialised(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Whether a node votes in any of the sets.
    #[must_use]
    pub fn is_voter(&self, id: NodeId) -> bool {
        self.sets.iter().any(|set| set.contains(id))
    }

    /// Whether a node takes part without a vote.
    #[must_use]
    pub fn is_learner(&self, id: NodeId) -> bool {
        self.nodes.contains_key(&id) && !self.is_voter(id)
    }

    /// Everyone who votes in any of the sets.
    #[must_use]
    pub fn voters(&self) -> VoterSet {
        self.sets.iter().flat_map(VoterSet::iter).collect()
    }
}
