//! What clients and operators ask, put to openraft 0.9's public interface, and its refusals in the trait's words.
//!
//! Holds: `NotLeader` is said only where openraft promises that nothing was written; no task waits for what tokio wakes
//! in an order of its own (`runtime`).
//! Not here: answers to writes, which the world gives when it applies them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft_0_9::error::{
    ChangeMembershipError, CheckIsLeaderError, ClientWriteError, ForwardToLeader, RaftError,
};
use openraft_0_9::{AsyncRuntime, ChangeMembers};

use super::super::openraft::{id, node_id};
use super::Library;
use super::process::Process;
use super::runtime::SimRuntime;
use super::store::Readers;
use super::types::{Place, Proposal};
use crate::protocol::{self, Address, Change, Effect, NodeId, Operation, Refusal, RequestId};

/// Appends a command; says something only when that fails.
pub(super) async fn write(raft: &Library, process: &Process, request: RequestId, proposal: Proposal) {
    if let Err(error) = raft.client_write(proposal).await {
        process.ask(Effect::Refuse { request, refusal: write_refusal(error) });
    }
}

/// Waits until a read is linearizable: `Raft::ensure_linearizable`, but for who wakes it.
pub(super) async fn read(raft: &Library, process: &Process, readers: &Readers, request: RequestId) {
    let refusal = match raft.get_read_log_id().await {
        Ok((read, _)) => {
            readers.wait(process, read.map_or(0, |id| id.index)).await;
            return process.ask(Effect::Serve { request });
        }
        Err(RaftError::APIError(CheckIsLeaderError::ForwardToLeader(forward))) => not_leader(&forward),
        Err(RaftError::APIError(CheckIsLeaderError::QuorumNotEnough(_))) => Refusal::Busy,
        Err(RaftError::Fatal(_)) => Refusal::LeadershipLost,
    };
    process.ask(Effect::Refuse { request, refusal });
}

/// Carries out what an operator asks.
pub(super) async fn operate(raft: &Library, process: &Process, request: RequestId, operation: Operation) {
    let before = process.memberships_proposed.get();
    let result = match operation {
        Operation::Change(change) => self::change(raft, change).await,
        // There is no transfer of leadership in 0.9.
        Operation::Transfer { .. } => Err(Refusal::Unsupported),
    };
    let effect = match result {
        Ok(()) => Effect::Done { request },
        // A change of two entries may lose its leader between them.
        Err(Refusal::NotLeader { .. }) if process.memberships_proposed.get() > before => {
            Effect::Refuse { request, refusal: Refusal::LeadershipLost }
        }
        Err(refusal) => Effect::Refuse { request, refusal },
    };
    process.ask(effect);
}

async fn change(raft: &Library, change: Change) -> Result<(), Refusal> {
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
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Refusal::Rule(match error {
            ChangeMembershipError::InProgress(_) => "in-progress",
            ChangeMembershipError::EmptyMembership(_) => "empty-membership",
            ChangeMembershipError::LearnerNotFound(_) => "learner-not-found",
        }),
    }
}

fn not_leader(forward: &ForwardToLeader<u64, Place>) -> Refusal {
    Refusal::NotLeader { hint: forward.leader_id.map(node_id) }
}

fn ids(nodes: &BTreeSet<NodeId>) -> BTreeSet<u64> {
    nodes.iter().map(|&node| id(node)).collect()
}

fn places(nodes: &BTreeMap<NodeId, Address>) -> BTreeMap<u64, Place> {
    nodes.iter().map(|(&node, &address)| (id(node), Place(address))).collect()
}
