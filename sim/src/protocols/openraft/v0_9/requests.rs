//! What clients, operators and other nodes ask, put to openraft 0.9's public interface, and its refusals in the trait's
//! words.
//!
//! Holds: `NotLeader` is said only where openraft promises that nothing was written; no task waits for what tokio wakes
//! in an order of its own (`runtime`).
//! Not here: what whoever asked is told (`operations`).

use std::sync::Arc;
use std::time::Duration;

use openraft_0_9::error::{
    ChangeMembershipError, CheckIsLeaderError, ClientWriteError, ForwardToLeader, RaftError,
};
use openraft_0_9::{AsyncRuntime, ChangeMembers};

use super::super::common::{id, ids, node_id, places};
use super::library::Library;
use super::message::{Answer, Call};
use super::process::Process;
use super::types::{Place, Proposal, ReadPolicy, SimRuntime};
use crate::protocol::{self, Change, NodeId, Refusal};

/// Asks the process's own openraft what another node asks.
pub(super) async fn answer(raft: &Library, process: &Process, call: Call) -> Answer {
    match call {
        Call::Append(request) => {
            let response = raft.append_entries(request).await;
            response.map_or(Answer::Failed, |response| Answer::Append(Arc::new(response)))
        }
        Call::Vote(request) | Call::PreVote(request) => {
            raft.vote(request).await.map_or(Answer::Failed, Answer::Vote)
        }
        Call::Snapshot(vote, snapshot) => {
            process.installing.set(snapshot.meta.last_log_id.map_or(0, |last| last.index));
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            process.installing.set(0);
            installed.map_or(Answer::Failed, |response| Answer::Snapshot(response.vote))
        }
        Call::Transfer(never) => match never {},
    }
}

/// Appends a command, and waits until it is applied.
pub(super) async fn append(raft: &Library, proposal: Proposal) -> Result<(), Refusal> {
    raft.client_write(proposal).await.map(|_| ()).map_err(write_refusal)
}

/// Waits until a read is linearizable: `Raft::ensure_linearizable`, but for who wakes it.
pub(super) async fn wait_to_read(raft: &Library, process: &Process, _: ReadPolicy) -> Result<(), Refusal> {
    match raft.get_read_log_id().await {
        Ok((read, _)) => {
            process.wait_applied(read.map_or(0, |id| id.index)).await;
            Ok(())
        }
        Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(forward))) => Err(not_leader(&forward)),
        Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => Err(Refusal::Busy),
        Err(RaftError::Fatal(_)) => Err(Refusal::LeadershipLost),
    }
}

/// There is no transfer of leadership.
pub(super) async fn transfer(_: &Library, _: NodeId) -> Result<(), Refusal> {
    Err(Refusal::Unsupported)
}

pub(super) async fn change(raft: &Library, _: &Process, change: Change) -> Result<(), Refusal> {
    let result = match change {
        Change::AddLearner { node, address, blocking } => {
            let added = raft.add_learner(id(node), Place(address), false).await;
            if let (Ok(entry), true) = (&added, blocking) {
                caught_up(raft, id(node), entry.log_id.index).await;
            }
            added
        }
        Change::Members { members, retain } => raft.change_membership(members_of(&members)?, retain).await,
        // A change of many kinds at once, conditions, and memberships of one entry came with 0.10.
        Change::To { sets, nodes, retain } => match sets.as_slice() {
            [set] if nodes.is_empty() => {
                raft.change_membership(ChangeMembers::ReplaceAllVoters(ids(set)), retain).await
            }
            _ => return Err(Refusal::Unsupported),
        },
        Change::If { .. }
        | Change::Append { .. }
        | Change::AddServer { .. }
        | Change::RemoveServer { .. }
        | Change::SetConfiguration { .. } => return Err(Refusal::Unsupported),
    };
    result.map(|_| ()).map_err(write_refusal)
}

/// Waits as a blocking `Raft::add_learner` does, by looking now and then: until the learner lags no more than openraft
/// allows, is removed, or this node leads no longer.
async fn caught_up(raft: &Library, learner: u64, membership: u64) {
    let lag_max = raft.config().replication_lag_threshold;
    loop {
        let waits = {
            let metrics = raft.metrics();
            let metrics = metrics.borrow();
            let target = metrics.replication.as_ref().and_then(|targets| targets.get(&learner));
            let known = metrics.membership_config.log_id().map_or(0, |id| id.index) < membership
                || metrics.membership_config.membership().get_node(&learner).is_some();
            let matched = target.copied().flatten().map_or(0, |id| id.index);
            let last = metrics.last_log_index.unwrap_or(0);
            let behind = matched < membership || last.saturating_sub(matched) > lag_max;
            metrics.state.is_leader() && known && behind
        };
        if !waits {
            return;
        }
        SimRuntime::sleep(Duration::from_millis(raft.config().heartbeat_interval)).await;
    }
}

fn members_of(members: &protocol::ChangeMembers) -> Result<ChangeMembers<u64, Place>, Refusal> {
    use protocol::ChangeMembers as From;
    Ok(match members {
        From::AddVoterIds(nodes) => ChangeMembers::AddVoterIds(ids(nodes)),
        From::AddVoters(nodes) => ChangeMembers::AddVoters(places(nodes)),
        From::RemoveVoters(nodes) => ChangeMembers::RemoveVoters(ids(nodes)),
        From::ReplaceAllVoters(nodes) => ChangeMembers::ReplaceAllVoters(ids(nodes)),
        From::AddNodes(nodes) => ChangeMembers::AddNodes(places(nodes)),
        From::SetNodes(nodes) => ChangeMembers::SetNodes(places(nodes)),
        From::RemoveNodes(nodes) => ChangeMembers::RemoveNodes(ids(nodes)),
        From::ReplaceAllNodes(nodes) => ChangeMembers::ReplaceAllNodes(places(nodes)),
        From::Batch(_) => return Err(Refusal::Unsupported),
    })
}

fn write_refusal(error: RaftError<u64, ClientWriteError<u64, Place>>) -> Refusal {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => not_leader(&forward),
        RaftError::Fatal(_) => Refusal::LeadershipLost,
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Refusal::rule(match error {
            ChangeMembershipError::InProgress(_) => "in-progress",
            ChangeMembershipError::EmptyMembership(_) => "empty-membership",
            ChangeMembershipError::LearnerNotFound(_) => "learner-not-found",
        }),
    }
}

fn not_leader(forward: &ForwardToLeader<u64, Place>) -> Refusal {
    Refusal::NotLeader { hint: forward.leader_id.map(node_id) }
}
