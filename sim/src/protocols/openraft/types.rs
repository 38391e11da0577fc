//! The types that openraft is run with.
//!
//! Holds: openraft's own types wherever it offers them: leader ids of term and node, its entries, its memberships.
//! Not here: their numbers and hashes (`digest`), what is on a disk (`disk`), and what nodes say (`network`).

use std::fmt;
use std::sync::Arc;

use openraft::impls::leader_id_adv;

use super::runtime::SimRuntime;
use crate::protocol::Address;

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

impl Default for Place {
    fn default() -> Place {
        Place(Address(0))
    }
}

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
/// What an entry holds.
pub type Payload = openraft::EntryPayload<Proposal, u64, Place>;
/// Voter sets and the nodes that take part.
pub type Membership = openraft::Membership<u64, Place>;
/// A membership and the log id at which it stands.
pub type StoredMembership = openraft::StoredMembership<LeaderId, u64, Place>;
/// What a snapshot says about itself.
pub type SnapshotMeta = openraft::SnapshotMeta<LeaderId, u64, Place>;
/// A snapshot of the machine: its state is opaque.
pub type Snapshot = openraft::Snapshot<LeaderId, u64, Place, Arc<[u8]>>;
