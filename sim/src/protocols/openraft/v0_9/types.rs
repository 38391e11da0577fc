//! The types that openraft 0.9 is run with, and what it calls otherwise than 0.10.
//!
//! Holds: openraft's own types wherever it offers them: leader ids of term and node, its entries, its memberships.
//! Not here: their numbers and hashes (`digest`), what is on a disk (`disk`), and what nodes say (`message`).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::Arc;

use openraft_0_9::MessageSummary;
use openraft_0_9::raft;
pub(super) use openraft_0_9::{Config, ServerState, SnapshotPolicy};

pub(super) use super::super::common::{Place, Proposal};
pub(super) use super::super::runtime::{OneSender, SimOneshot};
pub(super) use super::runtime::SimRuntime;

/// The name of this version as a system.
pub(super) const NAME: &str = "openraft-0.9";

/// Which version this is.
pub(super) const VERSION: &str = "0.9.25";

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

/// What a node tells of itself.
pub(super) type RaftMetrics<T> =
    openraft_0_9::RaftMetrics<<T as openraft_0_9::RaftTypeConfig>::NodeId, Place>;

/// There is one way to read only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadPolicy {
    ReadIndex,
}

// What nodes say.

pub(super) type AppendRequest = raft::AppendEntriesRequest<Types>;
pub(super) type AppendOutcome = raft::AppendEntriesResponse<u64>;
/// openraft's own cannot be cloned.
pub(super) type AppendResponse = Arc<AppendOutcome>;
pub(super) type VoteRequest = raft::VoteRequest<u64>;
pub(super) type VoteResponse = raft::VoteResponse<u64>;
/// There is no transfer of leadership.
pub(super) type TransferRequest = Infallible;
/// There is no transfer of leadership.
pub(super) type TransferResponse = Infallible;

pub(super) fn summary(request: &AppendRequest) -> String {
    request.summary()
}

/// What a vote request says beside what it says in every version.
pub(super) fn hash_more_of_vote(_: &VoteRequest, _: &mut impl Hasher) {}

pub(super) fn parts_of_transfer(request: &TransferRequest) -> (u64, &Vote, Option<&LogId>) {
    match *request {}
}

pub(super) fn is_accepted(response: &TransferResponse) -> bool {
    match *response {}
}

// What is made of parts.

/// Says that entries are durable.
pub(super) type Flushed = openraft_0_9::storage::LogFlushed<Types>;

pub(super) fn tell(flushed: Flushed) {
    flushed.log_io_completed(Ok(()));
}

/// The membership that a scenario begins with.
pub(super) fn membership(sets: Vec<BTreeSet<u64>>, nodes: BTreeMap<u64, Place>) -> Membership {
    Membership::new(sets, nodes)
}

pub(super) fn snapshot(
    last_log_id: Option<LogId>,
    membership: StoredMembership,
    state: Arc<[u8]>,
) -> Snapshot {
    let meta = SnapshotMeta { last_log_id, last_membership: membership, snapshot_id: String::new() };
    Snapshot { meta, snapshot: Box::new(state) }
}

/// What is known about the log of a process, beside what its disk holds.
#[derive(Default)]
pub(super) struct Held {
    /// The first of the entries that are on their way to the disk.
    unwritten: Cell<Option<u64>>,
    /// The membership in force, if it is known.
    membership: RefCell<Option<Rc<Membership>>>,
}

impl Held {
    /// Entries from this index on are on their way to the disk.
    pub(super) fn begin(&self, first: u64) {
        self.unwritten.set(Some(first));
    }

    /// They are durable. Returns the first of them, if it was not held before.
    pub(super) fn end(&self) -> Option<u64> {
        self.change();
        self.unwritten.take()
    }

    /// The log changes.
    pub(super) fn change(&self) {
        self.membership.take();
    }

    /// The last index that counts as held, of this last one.
    pub(super) fn last(&self, last: u64) -> u64 {
        self.unwritten.get().map_or(last, |first| last.min(first.saturating_sub(1)))
    }

    /// The membership in force: looked for again when the log has changed.
    pub(super) fn membership(&self, look: impl FnOnce() -> Membership) -> Rc<Membership> {
        let known = self.membership.take();
        let membership = known.unwrap_or_else(|| Rc::new(look()));
        self.membership.replace(Some(membership.clone()));
        membership
    }
}
