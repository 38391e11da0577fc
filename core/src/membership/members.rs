//! A membership: voter sets, everyone's address, and ids that are gone for good.
//!
//! Holds: every voter has an address; no voter set is empty, and none is there twice.
//! Not here: quorum arithmetic (`quorum`), the memberships of a log (`history`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::quorum::VoterSet;
use crate::types::{Address, NodeId};

/// Who takes part. More than one voter set is a joint config, one a uniform one; a node in no set is a learner.
/// Without any set (the default) it is the membership of a node that was never initialised: nobody can decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Membership {
    sets: Vec<VoterSet>,
    nodes: BTreeMap<NodeId, Address>,
    retired: BTreeSet<NodeId>,
    #[cfg_attr(feature = "serde", serde(default))]
    finish: Option<Box<NextStep>>,
}

/// A later step of a change, taken once the one before it is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NextStep {
    /// Leave the joint config for its last set. Says nothing of the sets, so that it stays right whatever else
    /// was asked meanwhile (openraft before 0.10 repeated the change here, and could stay joint).
    Flatten {
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
        /// Exactly those who take part afterwards, when the change says it; `retain` has no say then.
        nodes: Option<BTreeMap<NodeId, Address>>,
    },
    /// Go on to these sets.
    To {
        /// The voter sets.
        sets: Vec<VoterSet>,
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
    },
}

/// Why voter sets and addresses do not make a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotAMembership {
    /// There is no voter set, or an empty one.
    Empty,
    /// A voter has no address.
    VoterWithoutAddress(NodeId),
}

/// Each voter set once, in the place where it stands last: a set that is named twice asks nothing twice, and the last
/// one stays the last, which says where a joint config is going.
fn distinct(sets: Vec<VoterSet>) -> Vec<VoterSet> {
    let mut distinct: Vec<VoterSet> = Vec::with_capacity(sets.len());
    for set in sets {
        distinct.retain(|other| *other != set);
        distinct.push(set);
    }
    distinct
}

impl Membership {
    /// A membership of these voter sets and nodes. Sets with the same voters are one.
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
        Ok(Membership { sets: distinct(sets), nodes, retired: BTreeSet::new(), finish: None })
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

    /// Whether the same voter sets decide in both, in whatever order they stand.
    #[must_use]
    pub fn decides_as(&self, other: &Membership) -> bool {
        let within = |a: &Membership, b: &Membership| a.sets.iter().all(|set| b.sets.contains(set));
        within(self, other) && within(other, self)
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

    /// The same membership, to be finished so if it is joint.
    pub(crate) fn finished_by(self, step: NextStep) -> Membership {
        let finish = self.is_joint().then(|| Box::new(step));
        Membership { finish, ..self }
    }

    /// How a joint config is finished, as its change asked: the wish is in the log with it, so that a leader that did not
    /// hear the request knows as well who stays as a learner (as etcd, whose joint config holds `learners_next`). `None`
    /// where nobody asked, as in the first membership of a cluster.
    #[must_use]
    pub fn finish(&self) -> Option<&NextStep> {
        self.finish.as_deref()
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
