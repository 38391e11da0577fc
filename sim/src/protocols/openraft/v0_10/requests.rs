//! What clients, operators and other nodes ask, put to openraft 0.10's public interface, and its refusals in the trait's
//! words.
//!
//! Holds: `NotLeader` is said only where openraft promises that nothing was written.
//! Not here: what whoever asked is told (`operations`).

use std::collections::{BTreeMap, BTreeSet};

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{
    ChangeMembershipError, ClientWriteError, ForwardToLeader, LinearizableReadError, MembershipError,
    RaftError,
};
use openraft::{ChangeMembers, ReadPolicy};

use super::super::common::{id, ids, node_id, places};
use super::changes;
use super::library::Library;
use super::message::{Answer, Call};
use super::process::Process;
use super::types::{Membership, Place, Proposal, Types};
use crate::protocol::{self, Address, Change, NodeId, QuorumSets, Refusal};

/// Asks the process's own openraft what another node asks.
pub(super) async fn answer(raft: &Library, process: &Process, call: Call) -> Answer {
    match call {
        Call::Append(request) => raft.append_entries(request).await.map_or(Answer::Failed, Answer::Append),
        Call::Vote(request) => raft.vote(request).await.map_or(Answer::Failed, Answer::Vote),
        Call::PreVote(request) => raft.pre_vote(request).await.map_or(Answer::Failed, Answer::PreVote),
        Call::Snapshot(vote, snapshot) => {
            process.installing.set(snapshot.meta.last_log_id.map_or(0, |last| last.index));
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            process.installing.set(0);
            installed.map_or(Answer::Failed, |response| Answer::Snapshot(response.vote))
        }
        Call::Transfer(request) => {
            raft.handle_transfer_leader(request).await.map_or(Answer::Failed, Answer::Transfer)
        }
    }
}

/// Appends a command, and waits until it is applied.
pub(super) async fn append(raft: &Library, proposal: Proposal) -> Result<(), Refusal> {
    raft.client_write(proposal).await.map(|_| ()).map_err(write_refusal)
}

/// Waits until a read is linearizable.
pub(super) async fn wait_to_read(raft: &Library, _: &Process, policy: ReadPolicy) -> Result<(), Refusal> {
    match raft.get_read_linearizer(policy).await {
        Ok(linearizer) => linearizer.await_ready(raft).await.map(|_| ()).map_err(|_| Refusal::LeadershipLost),
        Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
            Err(not_leader(&forward))
        }
        Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => Err(Refusal::Busy),
        Err(RaftError::Fatal(_)) => Err(Refusal::LeadershipLost),
    }
}

pub(super) async fn change(raft: &Library, process: &Process, change: Change) -> Result<(), Refusal> {
    let result = match change {
        Change::AddLearner { node, address, blocking } => {
            raft.add_learner(id(node), Place(address), blocking).await
        }
        Change::Members { members, retain } => raft.change_membership(members_of(&members), retain).await,
        Change::If { precondition, change } => {
            let Change::Members { members, retain } = *change else { return Err(Refusal::Unsupported) };
            changes::change_if(raft, process, precondition, members_of(&members), retain).await?
        }
        Change::Append { sets, nodes, retain } => {
            changes::append(raft, appended(raft, &sets, &nodes, retain)?).await?
        }
        // openraft plans a way to one voter set. Several are one entry, which it refuses where it is not safe.
        Change::To { sets, nodes, retain } => match sets.as_slice() {
            [set] => {
                let steps =
                    vec![ChangeMembers::AddNodes(places(&nodes)), ChangeMembers::ReplaceAllVoters(ids(set))];
                raft.change_membership(ChangeMembers::Batch(steps), retain).await
            }
            _ => changes::append(raft, appended(raft, &sets, &nodes, retain)?).await?,
        },
        // One entry, as the thesis has it; `change_membership` would go by way of a joint config.
        Change::AddServer { node, address } => {
            let mut set = only_set(raft)?;
            set.insert(node);
            let nodes = BTreeMap::from([(node, address)]);
            changes::append(raft, appended(raft, &vec![set], &nodes, true)?).await?
        }
        Change::RemoveServer { node } => {
            let mut set = only_set(raft)?;
            set.remove(&node);
            changes::append(raft, appended(raft, &vec![set], &BTreeMap::new(), false)?).await?
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
        _ => Err(Refusal::rule("unsupported-membership-transition")),
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
        MembershipError::EmptyMembership(_) => Refusal::rule("empty-membership"),
        MembershipError::NodeNotFound(_) => Refusal::rule("learner-not-found"),
    })
}

/// Gives leadership away, and waits until another leads.
pub(super) async fn transfer(raft: &Library, to: NodeId) -> Result<(), Refusal> {
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
        RaftError::APIError(ClientWriteError::ChangeMembershipError(error)) => Refusal::rule(match error {
            ChangeMembershipError::InProgress(_) => "in-progress",
            ChangeMembershipError::EmptyMembership(_) => "empty-membership",
            ChangeMembershipError::LearnerNotFound(_) => "learner-not-found",
            #[cfg(not(openraft_at_most = "23"))]
            other => changes::change_refusal(&other),
        }),
        #[cfg(not(openraft_at_most = "23"))]
        RaftError::APIError(other) => changes::write_refusal(&other),
    }
}

fn not_leader(forward: &ForwardToLeader<Types>) -> Refusal {
    Refusal::NotLeader { hint: forward.leader_id.map(node_id) }
}
