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
use openraft::{ChangeMembers, ReadPolicy};

use super::Library;
use super::process::Process;
use super::types::{Membership, Place, Proposal, Types};
use super::version;
use crate::protocol::{self, Address, Change, Effect, NodeId, Operation, QuorumSets, Refusal, RequestId};

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
            version::change_if(raft, process, precondition, members_of(&members), retain).await?
        }
        Change::Append { sets, nodes, retain } => {
            version::append(raft, appended(raft, &sets, &nodes, retain)?).await?
        }
        // openraft plans a way to one voter set. Several are one entry, which it refuses where it is not safe.
        Change::To { sets, nodes, retain } => match sets.as_slice() {
            [set] => {
                let steps =
                    vec![ChangeMembers::AddNodes(places(&nodes)), ChangeMembers::ReplaceAllVoters(ids(set))];
                raft.change_membership(ChangeMembers::Batch(steps), retain).await
            }
            _ => version::append(raft, appended(raft, &sets, &nodes, retain)?).await?,
        },
        // One entry, as the thesis has it; `change_membership` would go by way of a joint config.
        Change::AddServer { node, address } => {
            let mut set = only_set(raft)?;
            set.insert(node);
            let nodes = BTreeMap::from([(node, address)]);
            version::append(raft, appended(raft, &vec![set], &nodes, true)?).await?
        }
        Change::RemoveServer { node } => {
            let mut set = only_set(raft)?;
            set.remove(&node);
            version::append(raft, appended(raft, &vec![set], &BTreeMap::new(), false)?).await?
        }
        Change::SetConfiguration { .. } => return Err(Refusal::Unsupported),
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

/// The voter set that single-server changes begin from.
fn only_set(raft: &Library) -> Result<BTreeSet<NodeId>, Refusal> {
    let metrics = raft.metrics();
    let metrics = metrics.borrow_watched();
    match metrics.membership_config.membership().get_joint_config().as_slice() {
        [set] => Ok(set.iter().copied().map(node_id).collect()),
        _ => Err(Refusal::Rule("unsupported-membership-transition")),
    }
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
        RaftError::Fatal(_) => Refusal::LeadershipLost,
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Refusal::Rule(match error {
            ChangeMembershipError::InProgress(_) => "in-progress",
            ChangeMembershipError::EmptyMembership(_) => "empty-membership",
            ChangeMembershipError::LearnerNotFound(_) => "learner-not-found",
            #[cfg(not(openraft_at_most = "23"))]
            other => version::change_refusal(&other),
        }),
        #[cfg(not(openraft_at_most = "23"))]
        RaftError::APIError(other) => version::write_refusal(&other),
    }
}

fn not_leader(forward: &ForwardToLeader<Types>) -> Refusal {
    Refusal::NotLeader { hint: forward.leader_id.map(node_id) }
}

/// The number openraft knows a node by.
pub(in super::super) fn id(node: NodeId) -> u64 {
    u64::from(node.0)
}

/// The node of a number that came from `id`.
pub(in super::super) fn node_id(id: u64) -> NodeId {
    NodeId(id as u32)
}

fn ids(nodes: &BTreeSet<NodeId>) -> BTreeSet<u64> {
    nodes.iter().map(|&node| id(node)).collect()
}

fn places(nodes: &BTreeMap<NodeId, Address>) -> BTreeMap<u64, Place> {
    nodes.iter().map(|(&node, &address)| (id(node), Place(address))).collect()
}
