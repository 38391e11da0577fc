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
use super::types::{Membership, Place, Proposal, Types};
use crate::protocol::{
    Address, Change, ChangeMembers as Members, Effect, NodeId, Operation, QuorumSets, Refusal, RequestId,
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
        Operation::Change(change) => self::change(raft, change).await,
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

async fn change(raft: &Library, change: Change) -> Result<(), Refusal> {
    let result = match change {
        Change::AddLearner { node, address } => raft.add_learner(id(node), Place(address), false).await,
        Change::Members { members, retain } => raft.change_membership(change_members(members)?, retain).await,
        Change::Append { sets, nodes, retain } => {
            let membership = appended(raft, &sets, &nodes, retain)?;
            raft.append_membership(membership, EntryPayload::Blank, []).await
        }
        Change::To { .. }
        | Change::AddServer { .. }
        | Change::RemoveServer { .. }
        | Change::SetConfiguration { .. }
        | Change::If { .. } => return Err(Refusal::Unsupported),
    };
    result.map(|_| ()).map_err(write_refusal)
}

/// A change in openraft's own words.
fn change_members(members: Members) -> Result<ChangeMembers<u64, Place>, Refusal> {
    let places = |nodes: BTreeMap<NodeId, Address>| {
        nodes.into_iter().map(|(node, address)| (id(node), Place(address))).collect::<BTreeMap<u64, Place>>()
    };
    Ok(match members {
        Members::AddVoterIds(voters) => ChangeMembers::AddVoterIds(ids(&voters)),
        Members::AddVoters(nodes) => ChangeMembers::AddVoters(places(nodes)),
        Members::RemoveVoters(voters) => ChangeMembers::RemoveVoters(ids(&voters)),
        Members::ReplaceAllVoters(voters) => ChangeMembers::ReplaceAllVoters(ids(&voters)),
        Members::AddNodes(nodes) => ChangeMembers::AddNodes(places(nodes)),
        Members::SetNodes(nodes) => ChangeMembers::SetNodes(places(nodes)),
        Members::RemoveNodes(nodes) => ChangeMembers::RemoveNodes(ids(&nodes)),
        Members::ReplaceAllNodes(nodes) => ChangeMembers::ReplaceAllNodes(places(nodes)),
        Members::Batch(batch) => {
            ChangeMembers::Batch(batch.into_iter().map(change_members).collect::<Result<_, _>>()?)
        }
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
    let mut all: BTreeMap<u64, Place> =
        nodes.iter().map(|(&node, &address)| (id(node), Place(address))).collect();
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
