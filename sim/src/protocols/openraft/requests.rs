//! What clients and operators ask, put to openraft's public interface, and its refusals in the trait's words.
//!
//! Holds: `NotLeader` is said only where openraft promises that nothing was written.
//! Not here: answers to writes, which the world gives when it applies them.

use std::collections::{BTreeMap, BTreeSet};

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{
    ChangeMembershipError, ClientWriteError, ForwardToLeader, LinearizableReadError, MembershipError,
    RaftError,
};
use openraft::{ChangeMembers, EntryPayload, ReadPolicy};

use super::Library;
use super::process::Process;
use super::types::{self, Membership, Place, Proposal, Types};
use crate::protocol::{
    self, Address, Change, Effect, NodeId, Operation, Precondition, QuorumSets, Refusal, RequestId,
};

/// Appends a command; says something only when that fails.
pub(super) async fn write(raft: &Library, process: &Process, request: RequestId, proposal: Proposal) {
    if let Err(error) = raft.client_write(proposal).await {
        process.ask(Effect::Refuse { request, refusal: write_refusal(error) });
    }
}

/// Waits until a read is linearizable.
pub(super) async fn read(raft: &Library, process: &Process, request: RequestId, policy: ReadPolicy) {
    let refusal = match raft.get_read_linearizer(policy).await {
        Ok(linearizer) => match linearizer.await_ready(raft).await {
            Ok(_) => return process.ask(Effect::Serve { request }),
            Err(_) => Refusal::LeadershipLost,
        },
        Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => not_leader(&forward),
        Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => Refusal::Busy,
        Err(RaftError::Fatal(_)) => Refusal::LeadershipLost,
    };
    process.ask(Effect::Refuse { request, refusal });
}

/// Carries out what an operator asks.
pub(super) async fn operate(raft: &Library, process: &Process, request: RequestId, operation: Operation) {
    let before = process.memberships_proposed.get();
    let result = match operation {
        Operation::Change(change) => self::change(raft, process, change).await,
        Operation::Transfer { to } => transfer(raft, to).await,
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

async fn change(raft: &Library, process: &Process, change: Change) -> Result<(), Refusal> {
    let result = match change {
        Change::AddLearner { node, address, blocking } => {
            raft.add_learner(id(node), Place(address), blocking).await
        }
        Change::Members { members, retain } => raft.change_membership(members_of(&members), retain).await,
        Change::If { precondition, change } => {
            let Change::Members { members, retain } = *change else { return Err(Refusal::Unsupported) };
            let precondition = precondition_of(process, precondition)?;
            raft.change_membership_if(members_of(&members), retain, [precondition]).await
        }
        Change::Append { sets, nodes, retain } => {
            let membership = appended(raft, &sets, &nodes, retain)?;
            raft.append_membership(membership, EntryPayload::Blank, []).await
        }
        Change::To { .. }
        | Change::AddServer { .. }
        | Change::RemoveServer { .. }
        | Change::SetConfiguration { .. } => return Err(Refusal::Unsupported),
    };
    result.map(|_| ()).map_err(write_refusal)
}

fn members_of(members: &protocol::ChangeMembers) -> ChangeMembers<u64, Place> {
    use protocol::ChangeMembers as From;
    match members {
        From::AddVoterIds(nodes) => ChangeMembers::AddVoterIds(ids(nodes)),
        From::AddVoters(nodes) => ChangeMembers::AddVoters(places(nodes)),
        From::RemoveVoters(nodes) => ChangeMembers::RemoveVoters(ids(nodes)),
        From::ReplaceAllVoters(nodes) => ChangeMembers::ReplaceAllVoters(ids(nodes)),
        From::AddNodes(nodes) => ChangeMembers::AddNodes(places(nodes)),
        From::SetNodes(nodes) => ChangeMembers::SetNodes(places(nodes)),
        From::RemoveNodes(nodes) => ChangeMembers::RemoveNodes(ids(nodes)),
        From::ReplaceAllNodes(nodes) => ChangeMembers::ReplaceAllNodes(places(nodes)),
        From::Batch(changes) => ChangeMembers::Batch(changes.iter().map(members_of).collect()),
    }
}

/// openraft compares whole log ids: that of an index is the one in the log of the node that is asked.
fn precondition_of(
    process: &Process,
    expected: Precondition,
) -> Result<openraft::Precondition<Types>, Refusal> {
    let log_id = |index: u64| match process.disk.borrow().entries.get(&index) {
        Some(entry) => Ok(Some(entry.log_id)),
        None => Err(Refusal::Rule("precondition-failed")),
    };
    Ok(match expected {
        Precondition::LastMembership(index) => {
            openraft::Precondition::LastMembershipLogId { last_membership_log_id: log_id(index)? }
        }
        Precondition::LastEntry(index) => openraft::Precondition::LastLogId { last_log_id: log_id(index)? },
        Precondition::LeaderEpoch(epoch) => {
            openraft::Precondition::CommittedLeaderId { committed_leader_id: types::leader_of(epoch) }
        }
        Precondition::LearnersCaughtUp => return Err(Refusal::Unsupported),
    })
}

/// The membership of an `append`: what is known about nodes stays, the rest comes from the request.
fn appended(
    raft: &Library,
    sets: &QuorumSets,
    nodes: &BTreeMap<NodeId, Address>,
    retain: bool,
) -> Result<Membership, Refusal> {
    let metrics = raft.metrics();
    let metrics = metrics.borrow_watched();
    let known = metrics.membership_config.membership();
    let sets: Vec<BTreeSet<u64>> = sets.iter().map(ids).collect();
    let wanted = |node: &u64| sets.iter().any(|set| set.contains(node));
    let voted = |node: &u64| known.get_joint_config().iter().any(|set| set.contains(node));
    let mut all = places(nodes);
    all.extend(known.nodes().map(|(&node, &place)| (node, place)));
    all.retain(|node, _| retain || wanted(node) || !voted(node));
    Membership::new(sets.clone(), all).map_err(|error| match error {
        MembershipError::EmptyMembership(_) => Refusal::Rule("empty-membership"),
        MembershipError::NodeNotFound(_) => Refusal::Rule("learner-not-found"),
    })
}

/// Gives leadership away, and waits until another leads.
async fn transfer(raft: &Library, to: NodeId) -> Result<(), Refusal> {
    let mut metrics = raft.metrics();
    let (leads, me) = {
        let metrics = metrics.borrow_watched();
        (metrics.state.is_leader(), metrics.id)
    };
    if !leads {
        let hint = metrics.borrow_watched().current_leader.map(node_id);
        return Err(Refusal::NotLeader { hint });
    }
    raft.trigger().transfer_leader(id(to)).await.map_err(|_| Refusal::LeadershipLost)?;
    let changed =
        metrics.wait_until(|metrics| metrics.current_leader.is_some_and(|leader| leader != me)).await;
    match changed {
        Ok(metrics) if metrics.current_leader == Some(id(to)) => Ok(()),
        Ok(_) | Err(_) => Err(Refusal::LeadershipLost),
    }
}

fn write_refusal(error: RaftError<Types, ClientWriteError<Types>>) -> Refusal {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => not_leader(&forward),
        RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) | RaftError::Fatal(_) => {
            Refusal::LeadershipLost
        }
        RaftError::APIError(ClientWriteError::PreconditionFailed(_)) => Refusal::Rule("precondition-failed"),
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Refusal::Rule(match error {
            ChangeMembershipError::InProgress(_) => "in-progress",
            ChangeMembershipError::EmptyMembership(_) => "empty-membership",
            ChangeMembershipError::LearnerNotFound(_) => "learner-not-found",
            ChangeMembershipError::UnsupportedMembershipTransition(_) => "unsupported-membership-transition",
            ChangeMembershipError::UncommittedLeaderLog(_) => "uncommitted-leader-log",
            ChangeMembershipError::NodeMetadataChanged(_) => "node-metadata-changed",
        }),
    }
}

fn not_leader(forward: &ForwardToLeader<Types>) -> Refusal {
    Refusal::NotLeader { hint: forward.leader_id.map(node_id) }
}

/// The number openraft knows a node by.
pub(super) fn id(node: NodeId) -> u64 {
    u64::from(node.0)
}

/// The node of a number that came from `id`.
pub(super) fn node_id(id: u64) -> NodeId {
    NodeId(id as u32)
}

fn ids(nodes: &BTreeSet<NodeId>) -> BTreeSet<u64> {
    nodes.iter().map(|&node| id(node)).collect()
}

fn places(nodes: &BTreeMap<NodeId, Address>) -> BTreeMap<u64, Place> {
    nodes.iter().map(|(&node, &address)| (id(node), Place(address))).collect()
}
