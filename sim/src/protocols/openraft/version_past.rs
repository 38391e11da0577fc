//! What the versions of openraft that this adapter can be built with differ in: here, 0.10.0-alpha.23.
//!
//! Holds: compiled only where `openraft_at_most` is set, by the workspaces of older versions under `past/`.
//! Not here: the version that is tested every day (`version.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openraft::ChangeMembers;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::ClientWriteResponse;

use super::Library;
use super::process::Process;
use super::types::{
    LeaderId, LogId, Membership, Place, Proposal, Snapshot, SnapshotMeta, StoredMembership, Types,
};
use crate::protocol::{Precondition, Refusal};

/// Which version this is.
pub(super) const VERSION: &str = "0.10.0-alpha.23";

/// What stands at one index of a log.
pub(super) type Entry = openraft::Entry<LeaderId, Proposal, u64, Place>;

/// Says that a write is durable.
pub(super) type Flushed = openraft::storage::IOFlushed<Types>;

/// A node that shall lead answers nothing.
pub(super) type TransferLeaderResponse = ();

/// What comes of a change: refused by the adapter, or whatever openraft says.
type Changed = Result<Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>, Refusal>;

pub(super) fn is_accepted((): &TransferLeaderResponse) -> bool {
    true
}

pub(super) fn snapshot(
    last_log_id: Option<LogId>,
    last_membership: StoredMembership,
    snapshot: Arc<[u8]>,
) -> Snapshot {
    Snapshot { meta: SnapshotMeta { last_log_id, last_membership, snapshot_id: String::new() }, snapshot }
}

pub(super) fn flushed(flushed: Flushed) {
    flushed.io_completed(Ok(()));
}

/// The membership that a scenario begins with.
pub(super) fn membership(sets: Vec<BTreeSet<u64>>, nodes: BTreeMap<u64, Place>) -> Membership {
    Membership::new(sets, nodes).expect("a scenario names the address of every voter")
}

/// This version has no conditional changes.
pub(super) async fn change_if(
    _: &Library,
    _: &Process,
    _: Precondition,
    _: ChangeMembers<u64, Place>,
    _: bool,
) -> Changed {
    Err(Refusal::Unsupported)
}

/// This version has no changes of one entry.
pub(super) async fn append(_: &Library, _: Membership) -> Changed {
    Err(Refusal::Unsupported)
}
