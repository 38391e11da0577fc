//! The types that openraft 0.10 is run with, and what it calls otherwise than 0.9.
//!
//! Holds: openraft's own types wherever it offers them: leader ids of term and node, its entries, its memberships.
//! Not here: their numbers and hashes (`digest`), what is on a disk (`disk`), and what nodes say (`message`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use openraft::impls::leader_id_adv;
use openraft::raft;
pub(super) use openraft::{Config, RaftMetrics, ReadPolicy, ServerState, SnapshotPolicy};

pub(super) use super::super::common::{Place, Proposal};
pub(super) use super::super::runtime::{OneSender, SimOneshot, SimRuntime};

/// The name of this version as a system.
pub(super) const NAME: &str = "openraft";

/// Which version this is.
#[cfg(not(openraft_at_most = "23"))]
pub(super) const VERSION: &str = "0.10.0-alpha.37";
/// Which version this is.
#[cfg(openraft_at_most = "23")]
pub(super) const VERSION: &str = "0.10.0-alpha.23";

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
#[cfg(not(openraft_at_most = "23"))]
pub type Entry = openraft::Entry<LeaderId, Payload>;
/// What stands at one index of a log.
#[cfg(openraft_at_most = "23")]
pub type Entry = openraft::Entry<LeaderId, Proposal, u64, Place>;
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

// What nodes say.

pub(super) type AppendRequest = raft::AppendEntriesRequest<Types>;
pub(super) type AppendOutcome = raft::AppendEntriesResponse<Types>;
pub(super) type AppendResponse = AppendOutcome;
pub(super) type VoteRequest = raft::VoteRequest<Types>;
pub(super) type VoteResponse = raft::VoteResponse<Types>;
pub(super) type TransferRequest = raft::TransferLeaderRequest<Types>;
#[cfg(not(openraft_at_most = "23"))]
pub(super) type TransferResponse = raft::TransferLeaderResponse<Types>;
/// A node that shall lead answers nothing.
#[cfg(openraft_at_most = "23")]
pub(super) type TransferResponse = ();

pub(super) fn summary(request: &AppendRequest) -> String {
    request.to_string()
}

/// What a vote request says beside what it says in every version.
pub(super) fn hash_more_of_vote(request: &VoteRequest, state: &mut impl Hasher) {
    request.leadership_transfer.hash(state);
}

/// The leader's vote, whom it means, and where its log ends.
pub(super) fn parts_of_transfer(request: &TransferRequest) -> (u64, &Vote, Option<&LogId>) {
    (*request.to_node_id(), request.from_leader(), request.last_log_id())
}

#[cfg(not(openraft_at_most = "23"))]
pub(super) fn is_accepted(response: &TransferResponse) -> bool {
    response.is_ok()
}

#[cfg(openraft_at_most = "23")]
pub(super) fn is_accepted((): &TransferResponse) -> bool {
    true
}

// What is made of parts.

/// Says that entries are durable.
pub(super) type Flushed = openraft::storage::IOFlushed<Types>;

pub(super) fn tell(flushed: Flushed) {
    flushed.io_completed(Ok(()));
}

/// The membership that a scenario begins with.
pub(super) fn membership(sets: Vec<BTreeSet<u64>>, nodes: BTreeMap<u64, Place>) -> Membership {
    Membership::new(sets, nodes).expect("a scenario names the address of every voter")
}

pub(super) fn snapshot(
    last_log_id: Option<LogId>,
    membership: StoredMembership,
    state: Arc<[u8]>,
) -> Snapshot {
    let meta = SnapshotMeta {
        last_log_id,
        last_membership: membership,
        #[cfg(openraft_at_most = "23")]
        snapshot_id: String::new(),
    };
    Snapshot { meta, snapshot: state }
}

/// What is known about the log of a process, beside what its disk holds: in this version, nothing.
#[derive(Default)]
pub(super) struct Held(());

impl Held {
    /// Entries from this index on are on their way to the disk.
    pub(super) fn begin(&self, _: u64) {}

    /// They are durable. Returns the first of them, if it was not held before.
    pub(super) fn end(&self) -> Option<u64> {
        None
    }

    /// The log changes.
    pub(super) fn change(&self) {}

    /// The last index that counts as held, of this last one.
    pub(super) fn last(&self, last: u64) -> u64 {
        last
    }
}
