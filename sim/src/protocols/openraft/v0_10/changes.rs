//! The changes of openraft 0.10 that its older versions do not have: on conditions, and of one entry.
//!
//! Not here: older versions (`changes_past.rs`, chosen by `openraft_at_most` where their own workspaces set it).

use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::raft::ClientWriteResponse;
use openraft::{ChangeMembers, EntryPayload};

use super::digest;
use super::library::Library;
use super::process::Process;
use super::types::{LeaderId, Membership, Place, Types};
use crate::protocol::{Epoch, Precondition, Refusal};

/// What comes of a change: refused by the adapter, or whatever openraft says.
type Changed = Result<Result<ClientWriteResponse<Types>, RaftError<Types, ClientWriteError<Types>>>, Refusal>;

/// The leader id of an epoch.
fn leader_of(epoch: Epoch) -> LeaderId {
    LeaderId { term: digest::term_of(epoch), node_id: epoch.0 & ((1 << digest::NODE_BITS) - 1) }
}

/// A change that is refused unless the node's state is as expected.
pub(super) async fn change_if(
    raft: &Library,
    process: &Process,
    expected: Precondition,
    members: ChangeMembers<u64, Place>,
    retain: bool,
) -> Changed {
    let precondition = precondition_of(process, expected)?;
    Ok(raft.change_membership_if(members, retain, [precondition]).await)
}

/// One membership in one entry.
pub(super) async fn append(raft: &Library, membership: Membership) -> Changed {
    Ok(raft.append_membership(membership, EntryPayload::Blank, []).await)
}

/// openraft compares whole log ids: that of an index is the one in the log of the node that is asked.
fn precondition_of(
    process: &Process,
    expected: Precondition,
) -> Result<openraft::Precondition<Types>, Refusal> {
    let log_id = |index: u64| match process.disk.borrow().entries.get(&index) {
        Some(entry) => Ok(Some(entry.log_id)),
        None => Err(Refusal::rule("precondition-failed")),
    };
    Ok(match expected {
        Precondition::LastMembership(index) => {
            openraft::Precondition::LastMembershipLogId { last_membership_log_id: log_id(index)? }
        }
        Precondition::LastEntry(index) => openraft::Precondition::LastLogId { last_log_id: log_id(index)? },
        Precondition::LeaderEpoch(epoch) => {
            openraft::Precondition::CommittedLeaderId { committed_leader_id: leader_of(epoch) }
        }
        Precondition::LearnersCaughtUp => return Err(Refusal::Unsupported),
    })
}

/// The reasons that older versions do not have.
pub(super) fn change_refusal(error: &ChangeMembershipError<LeaderId, u64>) -> &'static str {
    match error {
        ChangeMembershipError::UnsupportedMembershipTransition(_) => "unsupported-membership-transition",
        ChangeMembershipError::UncommittedLeaderLog(_) => "uncommitted-leader-log",
        ChangeMembershipError::NodeMetadataChanged(_) => "node-metadata-changed",
        ChangeMembershipError::InProgress(_)
        | ChangeMembershipError::EmptyMembership(_)
        | ChangeMembershipError::LearnerNotFound(_) => "change-refused",
    }
}

/// The errors that older versions do not have.
pub(super) fn write_refusal(error: &ClientWriteError<Types>) -> Refusal {
    match error {
        ClientWriteError::PreconditionFailed(_) => Refusal::rule("precondition-failed"),
        ClientWriteError::LogEntryDiscarded(_)
        | ClientWriteError::ForwardToLeader(_)
        | ClientWriteError::ChangeMembershipError(_) => Refusal::LeadershipLost,
    }
}
