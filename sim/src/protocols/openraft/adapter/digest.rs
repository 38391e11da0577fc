//! Numbers and hashes of openraft's types, the same for every version of openraft.
//!
//! Holds: equal on every machine; every part counts. Not here: the types (`types`).

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use super::types::{Entry, LeaderId, LogId, Membership, Payload, Proposal, SnapshotMeta, Vote};
use crate::protocol::{EntryMark, Epoch};

/// The bits of an epoch that hold the node; a world has fewer nodes than that.
pub(super) const NODE_BITS: u32 = 16;

/// The leader id as a number of the same order.
pub(super) fn epoch(leader: &LeaderId) -> Epoch {
    Epoch(leader.term << NODE_BITS | leader.node_id)
}

/// The term of an epoch.
pub(super) fn term_of(epoch: Epoch) -> u64 {
    epoch.0 >> NODE_BITS
}

/// An epoch as openraft shows its leader ids, such as `T1-N0`.
pub(super) fn epoch_name(epoch: Epoch) -> String {
    format!("T{}-N{}", term_of(epoch), epoch.0 & ((1 << NODE_BITS) - 1))
}

/// What two nodes must agree on about an entry.
pub(super) fn mark(entry: &Entry) -> EntryMark {
    EntryMark { epoch: epoch(&entry.log_id.leader_id), digest: digest(&entry.payload) }
}

fn digest(payload: &Payload) -> u64 {
    match payload {
        Payload::Blank => 0,
        Payload::Normal(Proposal(bytes)) => xxh3_64(bytes),
        Payload::Membership(membership) => xxh3_64(&membership_bytes(membership)),
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
