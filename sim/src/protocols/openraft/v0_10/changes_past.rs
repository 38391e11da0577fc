//! The changes that openraft 0.10.0-alpha.23 does not have.
//!
//! Holds: compiled only where `openraft_at_most` is set, by the workspaces of past versions.
//! Not here: the version that is tested every day (`changes.rs`).

use openraft::ChangeMembers;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::raft::ClientWriteResponse;

use super::library::Library;
use super::process::Process;
use super::types::{Membership, Place, Types};
use crate::protocol::{Precondition, Refusal};

/// What comes of a change: refused by the adapter, or whatever openraft says.
type Changed = Result<Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>, Refusal>;

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
