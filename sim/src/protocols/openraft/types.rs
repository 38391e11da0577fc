//! The types that openraft is run with, and their numbers and digests.
//!
//! Holds: openraft's own types wherever it offers them: leader ids of term and node, its entries, its memberships.
//! Not here: what is on a disk (`disk`), and what nodes say (`network`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use openraft::EntryPayload;
use openraft::impls::leader_id_adv;
use xxhash_rust::xxh3::xxh3_64;

use super::runtime::SimRuntime;
use crate::protocol::{Address, EntryMark, Epoch};

/// What a client asks to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal(pub Arc<[u8]>);

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What openraft's membership says about a node: where it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub Address);

#[cfg(not(openraft_at_most = "23"))]
openraft::declare_raft_types!(
    /// openraft's type configuration.
    pub Types:
        D = Proposal,
        R = (),
        Node = Place,
        AsyncRuntime = SimRuntime,
);

#[cfg(openraft_at_most = "23")]
openraft::declare_raft_types!(
    /// openraft's type configuration.
    pub Types:
        D = Proposal,
        R = (),
        Node = Place,
        SnapshotData = Arc<[u8]>,
        AsyncRuntime = SimRuntime,
);

/// Who leads: a term and a node; ordered.
pub type LeaderId = leader_id_adv::LeaderId<u64, u64>;
/// A leader and an index.
pub type LogId = openraft::LogId<LeaderId>;
/// A vote, given or taken.
pub type Vote = openraft::Vote<LeaderId>;
/// What stands at one index of a log.
pub type Entry = super::version::Entry;
/// Voter sets and the nodes that take part.
pub type Membership = openraft::Membership<u64, Place>;
/// A membership and the log id at which it stands.
pub type StoredMembership = openraft::StoredMembership<LeaderId, u64, Place>;
/// What a snapshot says about itself.
pub type SnapshotMeta = openraft::SnapshotMeta<LeaderId, u64, Place>;
/// A snapshot of the machine: its state is opaque.
pub type Snapshot = openraft::Snapshot<LeaderId, u64, Place, Arc<[u8]>>;

/// The bits of an epoch that hold the node; a world has fewer nodes than that.
const NODE_BITS: u32 = 16;

/// The leader id as a number of the same order.
pub(super) fn epoch(leader: &LeaderId) -> Epoch {
    Epoch(leader.term << NODE_BITS | leader.node_id)
}

/// The leader id of an epoch.
pub(super) fn leader_of(epoch: Epoch) -> LeaderId {
    LeaderId { term: term_of(epoch), node_id: epoch.0 & ((1 << NODE_BITS) - 1) }
}

/// The term of an epoch.
pub(super) fn term_of(epoch: Epoch) -> u64 {
    epoch.0 >> NODE_BITS
}

/// What two nodes must agree on about an entry.
pub(super) fn mark(entry: &Entry) -> EntryMark {
    EntryMark { epoch: epoch(&entry.log_id.leader_id), digest: digest(&entry.payload) }
}

fn digest(payload: &EntryPayload<Proposal, u64, Place>) -> u64 {
    match payload {
        EntryPayload::Blank => 0,
        EntryPayload::Normal(Proposal(bytes)) => xxh3_64(bytes),
        EntryPayload::Membership(membership) => xxh3_64(&membership_bytes(membership)),
    }
}

/// A membership in one way only, in one byte order.
fn membership_bytes(membership: &Membership) -> Vec<u8> {
    let mut bytes = Vec::new();
    for set in membership.get_joint_config() {
        bytes.extend((set.len() as u64).to_le_bytes());
        bytes.extend(set.iter().flat_map(|node| node.to_le_bytes()));
    }
    for (node, place) in membership.nodes() {
        bytes.extend(node.to_le_bytes());
        bytes.extend(place.0.0.to_le_bytes());
    }
    bytes
}

// openraft's types have no hash of their own; these feed every part of one.

pub(super) fn hash_log_id(id: Option<&LogId>, state: &mut impl Hasher) {
    id.map(|id| (id.leader_id.term, id.leader_id.node_id, id.index)).hash(state);
}

pub(super) fn hash_vote(vote: &Vote, state: &mut impl Hasher) {
    (vote.leader_id.term, vote.leader_id.node_id, vote.committed).hash(state);
}

pub(super) fn hash_entries(entries: &[Entry], state: &mut impl Hasher) {
    for entry in entries {
        hash_log_id(Some(&entry.log_id), state);
        digest(&entry.payload).hash(state);
    }
}

pub(super) fn hash_meta(meta: &SnapshotMeta, state: &mut impl Hasher) {
    hash_log_id(meta.last_log_id.as_ref(), state);
    hash_log_id(meta.last_membership.log_id().as_ref(), state);
    membership_bytes(meta.last_membership.membership()).hash(state);
}
