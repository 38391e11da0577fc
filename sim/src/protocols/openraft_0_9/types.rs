//! The types that openraft 0.9 is run with.
//!
//! Holds: openraft's own types wherever it offers them: leader ids of term and node, its entries, its memberships.
//! Not here: their numbers and hashes (`digest`), what is on a disk (`disk`), and what nodes say (`network`).

use std::sync::Arc;

pub use super::super::openraft::{Place, Proposal};
use super::runtime::SimRuntime;

openraft_0_9::declare_raft_types!(
    /// openraft's type configuration.
    pub Types:
        D = Proposal,
        R = (),
        NodeId = u64,
        Node = Place,
        Entry = openraft_0_9::Entry<Types>,
        SnapshotData = Arc<[u8]>,
        Responder = openraft_0_9::impls::OneshotResponder<Types>,
        AsyncRuntime = SimRuntime,
);

/// Who leads: a term and a node; ordered.
pub type LeaderId = openraft_0_9::LeaderId<u64>;
/// A leader and an index.
pub type LogId = openraft_0_9::LogId<u64>;
/// A vote, given or taken.
pub type Vote = openraft_0_9::Vote<u64>;
/// What stands at one index of a log.
pub type Entry = openraft_0_9::Entry<Types>;
/// What an entry holds.
pub type Payload = openraft_0_9::EntryPayload<Types>;
/// Voter sets and the nodes that take part.
pub type Membership = openraft_0_9::Membership<u64, Place>;
/// A membership and the log id at which it stands.
pub type StoredMembership = openraft_0_9::StoredMembership<u64, Place>;
/// What a snapshot says about itself.
pub type SnapshotMeta = openraft_0_9::SnapshotMeta<u64, Place>;
/// A snapshot of the machine: its state is opaque.
pub type Snapshot = openraft_0_9::Snapshot<Types>;
