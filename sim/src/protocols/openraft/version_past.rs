//! What the versions of openraft that this adapter can be built with differ in: here, 0.10.0-alpha.23.
//!
//! Holds: compiled only where `openraft_at_most` is set, by the workspaces of older versions under `past/`.
//! Not here: the version that is tested every day (`version.rs`).

use openraft::ChangeMembers;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::ClientWriteResponse;

use super::Library;
use super::process::Process;
use super::types::{LeaderId, LogId, Membership, Place, Proposal, SnapshotMeta, StoredMembership, Types};
use crate::protocol::{Precondition, Refusal};

/// Which version this is.
pub(super) const VERSION: &str = "0.10.0-alpha.23";

/// What stands at one index of a log.
pub(super) type Entry = openraft::Entry<LeaderId, Proposal, u64, Place>;

/// A node that shall lead answers nothing.
pub(super) type TransferLeaderResponse = ();

/// What comes of a change: refused by the adapter, or whatever openraft says.
type Changed = Result<Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>, Refusal>;

pub(super) fn is_accepted((): &TransferLeaderResponse) -> bool {
    true
}

pub(super) fn snapshot_meta(last_log_id: Option<LogId>, last_membership: StoredMembership) -> SnapshotMeta {
    SnapshotMeta { last_log_id, last_membership, snapshot_id: String::new() }
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
