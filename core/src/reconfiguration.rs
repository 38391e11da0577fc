//! A leader changes the members (paper, section 6; extended membership change; thesis 4).
//!
//! Holds: the four constraints, as far as their rules are kept: use-at-once, propose-after-commit,
//! old-new-intersect, initial-log.
//! Not here: what a change makes of a membership (`membership::planning`).

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::appending;
use crate::config::JointFinish;
use crate::effect::Refusal;
use crate::fact::Fact;
use crate::input::Timer;
use crate::log::Payload;
use crate::membership::change::{Change, ChangeRefused, Plan, Policy, Precondition};
use crate::membership::{Membership, NextStep, planning};
use crate::mutation::Mutation;
use crate::pending::{Blocked, Drive, Staging};
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogIndex, NodeId, RequestId, Within};
use crate::{following, in_force, reading, removal, serving};

/// The first entry of a leader keeps the members as they are. Without the rule `first-entry-keeps-joint` it leaves
/// a joint config at once, as Apache Ratis 3.0 does.
pub(crate) fn first_entry(t: &Transition<'_>) -> Payload {
    let members = &t.members.effective().1;
    if t.keeps(Rule::FirstEntryKeepsJoint) || !members.is_joint() {
        return Payload::Blank;
    }
    match members.followed_by(alloc::vec![members.last_set()], members.nodes().clone()) {
        Ok(flat) => Payload::Membership(Arc::new(flat)),
        Err(_) => Payload::Blank,
    }
}

pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId, change: &Change) {
    if t.leading().is_none() {
        let hint = t.leader;
        return t.refuse(request, Refusal::NotLeader { hint });
    }
    if let Err(refused) = may_propose(t).and_then(|()| propose(t, request, change, true)) {
        t.refuse(request, Refusal::Change(refused));
    }
}

/// Whether this leader may propose any change now.
fn may_propose(t: &Transition<'_>) -> Result<(), ChangeRefused> {
    let Some(leader) = t.leading() else { return Ok(()) };
    if t.transfer.is_some() {
        return Err(ChangeRefused::Transferring);
    }
    if t.commit < leader.first_own && t.keeps(Rule::InitialLog) {
        return Err(ChangeRefused::UncommittedLeaderLog);
    }
    let changing = t.members.is_changing() || leader.changes.staging.is_some();
    if changing && t.keeps(Rule::ProposeAfterCommit) {
        return Err(ChangeRefused::InProgress);
    }
    Ok(())
}

fn policy(t: &Transition<'_>) -> Policy {
    Policy { intersect: t.config.intersect, majority_add: t.config.majority_add, rules: t.config.rules }
}

/// Appends a change's first entry, or lets new servers catch up before it.
fn propose(
    t: &mut Transition<'_>,
    request: RequestId,
    change: &Change,
    may_stage: bool,
) -> Result<(), ChangeRefused> {
    check_preconditions(t, change)?;
    let plan = planning::plan(&t.members.effective().1, change, policy(t))?;
    check_lag(t, change, &plan)?;
    if may_stage && !plan.catch_up.is_empty() {
        stage(t, Staging { request, change: change.clone(), servers: plan.catch_up, heard: BTreeSet::new() });
        return Ok(());
    }
    match plan.first {
        None => reading::on_nothing_to_change(t, request),
        Some(first) => drive(t, request, first, plan.next, blocks_for(change)),
    }
    Ok(())
}

fn check_preconditions(t: &Transition<'_>, change: &Change) -> Result<(), ChangeRefused> {
    let Change::If { precondition, change } = change else { return Ok(()) };
    let holds = match precondition {
        Precondition::LastMembership(index) => t.members.effective().0.index == *index,
        Precondition::LastEntry(index) => t.log.last().index == *index,
        Precondition::LeaderTerm(term) => t.term() == *term,
        // Whom it is about is known when the change is planned.
        Precondition::LearnersCaughtUp => true,
    };
    if holds { check_preconditions(t, change) } else { Err(ChangeRefused::PreconditionFailed) }
}

/// Whether those who get a vote have caught up, if that is a condition.
fn check_lag(t: &Transition<'_>, change: &Change, plan: &Plan) -> Result<(), ChangeRefused> {
    let (Some(first), true) = (&plan.first, forbids_lagging(change)) else { return Ok(()) };
    let now = &t.members.effective().1;
    let lagging = first.voters().iter().any(|id| !now.is_voter(id) && !has_caught_up(t, id));
    if lagging { Err(ChangeRefused::LearnerIsLagging) } else { Ok(()) }
}

fn forbids_lagging(change: &Change) -> bool {
    let Change::If { precondition, change } = change else { return false };
    *precondition == Precondition::LearnersCaughtUp || forbids_lagging(change)
}

/// The learner that a change waits for after its last entry.
fn blocks_for(change: &Change) -> Option<NodeId> {
    match change {
        Change::AddLearner { node, blocking: true, .. } => Some(*node),
        Change::If { change, .. } => blocks_for(change),
        Change::AddLearner { blocking: false, .. }
        | Change::Members { .. }
        | Change::Append { .. }
        | Change::To { .. }
        | Change::AddServer { .. }
        | Change::RemoveServer { .. }
        | Change::SetConfiguration { .. } => None,
    }
}

/// Whether a node lacks few enough entries. This leader lacks none; a node that is not served lacks all.
fn has_caught_up(t: &Transition<'_>, id: NodeId) -> bool {
    let matched =
        t.leading().and_then(|leader| leader.peers.get(id)).map_or(LogIndex(0), |peer| peer.matched);
    id == t.id() || t.log.last().index <= matched.plus(t.config.replication_lag_threshold)
}

fn drive(
    t: &mut Transition<'_>,
    request: RequestId,
    membership: Membership,
    next: Option<NextStep>,
    blocks_for: Option<NodeId>,
) {
    let waits_for = appending::append_own(t, Payload::Membership(Arc::new(membership)));
    if let Some(leader) = t.leading_mut() {
        leader.changes.drives.push(Drive { request, waits_for, next, blocks_for });
    }
}

/// The commit index moved.
pub(crate) fn on_commit(t: &mut Transition<'_>, members_committed: bool) {
    if members_committed {
        t.note(Fact::MembershipCommitted);
        in_force::on_members_changed(t);
    }
    if t.leading().is_some() {
        lead_on(t, members_committed);
    }
    if members_committed {
        removal::on_members_committed(t);
    }
}

fn lead_on(t: &mut Transition<'_>, members_committed: bool) {
    if members_committed {
        drive_on(t);
    }
    maybe_finish_joint(t);
    if members_committed {
        answer_blocked(t);
        maybe_give_up_leading(t);
    }
}

/// Takes the next step of the changes whose entry is committed.
fn drive_on(t: &mut Transition<'_>) {
    let commit = t.commit;
    let Some(leader) = t.leading_mut() else { return };
    let drives = core::mem::take(&mut leader.changes.drives);
    let (ready, waiting) = drives.into_iter().partition(|drive| drive.waits_for <= commit);
    leader.changes.drives = waiting;
    let ready: Vec<Drive> = ready;
    for Drive { request, next, blocks_for, .. } in ready {
        let step = match &next {
            None => Ok(None),
            Some(step) => planning::next_step(&t.members.effective().1, step, policy(t)),
        };
        match step {
            Ok(None) => finish(t, request, blocks_for),
            Ok(Some(membership)) => drive(t, request, membership, None, blocks_for),
            Err(refused) => t.refuse(request, Refusal::Change(refused)),
        }
    }
}

/// The last entry of a change is committed.
fn finish(t: &mut Transition<'_>, request: RequestId, blocks_for: Option<NodeId>) {
    let Some(learner) = blocks_for else { return t.done(request) };
    if let Some(leader) = t.leading_mut() {
        leader.changes.blocked.push(Blocked { request, learner });
    }
    answer_blocked(t);
}

/// Answers those whose learner has caught up, or is not to be waited for any more.
fn answer_blocked(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    if leader.changes.blocked.is_empty() {
        return;
    }
    for blocked in core::mem::take(&mut leader.changes.blocked) {
        let served = t.leading().is_some_and(|leader| leader.peers.get(blocked.learner).is_some());
        if !served || has_caught_up(t, blocked.learner) {
            t.done(blocked.request);
        } else if let Some(leader) = t.leading_mut() {
            leader.changes.blocked.push(blocked);
        }
    }
}

/// Finishes a joint config that another leader left behind, if that is the policy, as soon as the constraints allow, and as
/// its change asked.
fn maybe_finish_joint(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let own = t.commit >= leader.first_own;
    let inherited = t.members.effective().0.index < leader.first_own;
    let idle = leader.changes.drives.is_empty() && leader.changes.staging.is_none();
    let members = Arc::clone(&t.members.effective().1);
    if !(own && inherited && idle && members.is_joint()) || t.members.is_changing() {
        return;
    }
    match t.config.joint_finish {
        JointFinish::Leave => {}
        JointFinish::Finish => {
            let flatten = || NextStep::Flatten { retain: false, nodes: None };
            let step = members.finish().cloned().unwrap_or_else(flatten);
            if let Ok(Some(next)) = planning::next_step(&members, &step, policy(t)) {
                t.note(Fact::JointFinishedByAnother);
                appending::append_own(t, Payload::Membership(Arc::new(next)));
            }
        }
    }
}

/// A leader that the committed members leave out has done its work (paper, section 6): it tells the others what is
/// committed, and steps down. One that stays as a learner may go on.
fn maybe_give_up_leading(t: &mut Transition<'_>) {
    let members = Arc::clone(&t.members.effective().1);
    let myself = t.id();
    if t.members.is_changing() || members.is_voter(myself) || t.leading().is_none() {
        return;
    }
    if t.mutated(Mutation::RemovedLeaderStays) {
        return;
    }
    if members.is_learner(myself) && t.config.learner_may_lead {
        return t.note(Fact::LearnerLeads);
    }
    t.note(Fact::LeaderRemoved);
    serving::send_heartbeats(t);
    let term = t.term();
    following::become_follower(t, term, None);
}

/// Begins to let new servers catch up.
fn stage(t: &mut Transition<'_>, staging: Staging) {
    if let Some(leader) = t.leading_mut() {
        leader.changes.staging = Some(staging);
    }
    let first_place = 0;
    in_force::serve_members(t);
    let within = Within::exactly(t.config.staging_timeout);
    t.set_timer(Timer::Staging, within);
    let count = t.leading().map_or(0, |leader| leader.peers.as_slice().len());
    for place in first_place..count {
        serving::send_entries(t, place);
    }
}

/// A peer answered: do all new servers have what it takes?
pub(crate) fn on_progress(t: &mut Transition<'_>, from: NodeId) {
    answer_blocked(t);
    let (commit, members_at, gap) = (t.commit, t.members.effective().0.index, t.config.staging_gap);
    let Some(leader) = t.leading_mut() else { return };
    let Some(staging) = &mut leader.changes.staging else { return };
    staging.heard.insert(from);
    let peers = &leader.peers;
    // Caught up means to hold the current members as well (RATIS-2274).
    let caught_up = |id: &NodeId| {
        peers.get(*id).is_some_and(|peer| {
            peer.matched.plus(gap) > commit && peer.matched >= members_at && staging.heard.contains(id)
        })
    };
    if !staging.servers.keys().all(caught_up) {
        return;
    }
    let Some(staging) = leader.changes.staging.take() else { return };
    t.note(Fact::CaughtUp);
    t.cancel_timer(Timer::Staging);
    if let Err(refused) = may_propose(t).and_then(|()| propose(t, staging.request, &staging.change, false)) {
        t.refuse(staging.request, Refusal::Change(refused));
        in_force::serve_members(t);
    }
}

/// A server that was silent all the time ends the change; the old members stand.
pub(crate) fn on_staging_timeout(t: &mut Transition<'_>) {
    let within = Within::exactly(t.config.staging_timeout);
    let Some(leader) = t.leading_mut() else { return };
    let Some(staging) = &mut leader.changes.staging else { return };
    if staging.servers.keys().all(|id| staging.heard.contains(id)) {
        staging.heard.clear();
        return t.set_timer(Timer::Staging, within);
    }
    let request = staging.request;
    leader.changes.staging = None;
    t.refuse(request, Refusal::Change(ChangeRefused::CatchUpTimedOut));
    in_force::serve_members(t);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::membership::VoterSet;
    use crate::message::Body;
    use crate::testing::{Node, config, members};
    use crate::types::Address;
    use crate::types::LogId;
    use crate::{ChangeMembers, Entry, LogSlice, SetMode};

    fn accept(node: &mut Node, from: u32, through: u64) {
        node.finish_writes();
        node.hear(from, 2, Body::AppendAccepted { through: LogIndex(through) });
    }

    fn refused(node: &Node) -> Option<ChangeRefused> {
        node.asked.iter().find_map(|effect| match effect {
            Effect::Refuse { refusal: Refusal::Change(refused), .. } => Some(*refused),
            _ => None,
        })
    }

    fn done(node: &Node, request: u64) -> bool {
        node.asked.contains(&Effect::Done { request: RequestId(request) })
    }

    fn voters(ids: &[u32]) -> Change {
        let ids = ids.iter().map(|id| NodeId(*id)).collect();
        Change::Members { members: ChangeMembers::ReplaceAllVoters(ids), retain: true }
    }

    fn sets(node: &Node) -> Vec<usize> {
        node.raft.effective_membership().1.sets().iter().map(VoterSet::len).collect()
    }

    #[test]
    fn a_change_takes_its_second_step_when_the_first_is_committed_and_is_done_with_the_second() {
        let mut node = Node::leading(config(), &[1]);
        node.change(1, voters(&[1, 2]));
        assert_eq!(sets(&node), [3, 2]);
        accept(&mut node, 2, 3);
        assert!(!done(&node, 1) && node.noted(Fact::JointLeft));
        assert_eq!(sets(&node), [2]);
        accept(&mut node, 2, 4);
        assert!(done(&node, 1));
    }

    #[test]
    fn a_second_change_is_refused_until_the_first_one_is_committed() {
        let mut node = Node::leading(config(), &[1]);
        node.change(1, Change::AddServer { node: NodeId(4), address: Address(4) });
        node.change(2, voters(&[1]));
        assert_eq!(refused(&node), Some(ChangeRefused::InProgress));
        accept(&mut node, 2, 3);
        accept(&mut node, 3, 3);
        assert!(done(&node, 1));
        node.change(3, Change::RemoveServer { node: NodeId(4) });
        assert_eq!(refused(&node), None);
    }

    #[test]
    fn each_condition_is_compared_with_what_the_leader_has() {
        let table = [
            (Precondition::LastMembership(LogIndex(0)), true),
            (Precondition::LastMembership(LogIndex(1)), false),
            (Precondition::LastEntry(LogIndex(2)), true),
            (Precondition::LastEntry(LogIndex(1)), false),
            (Precondition::LeaderTerm(crate::Term(2)), true),
            (Precondition::LeaderTerm(crate::Term(1)), false),
        ];
        for (outer, first) in table {
            for (inner, second) in table {
                let change = Change::If { precondition: inner, change: voters(&[1, 2]).into() };
                let mut node = Node::leading(config(), &[1]);
                node.change(1, Change::If { precondition: outer, change: change.into() });
                let expected = (!(first && second)).then_some(ChangeRefused::PreconditionFailed);
                assert_eq!(refused(&node), expected, "{outer:?} {inner:?}");
            }
        }
    }

    #[test]
    fn a_change_that_changes_nothing_is_done_once_a_quorum_says_that_its_leader_leads() {
        let mut node = Node::leading(config(), &[1]);
        let sets = node.raft.membership().sets().to_vec();
        node.change(1, Change::To { sets, nodes: [].into(), retain: true });
        assert!(!done(&node, 1));
        node.hear(2, 2, Body::HeartbeatResponse { round: 1, priority: 0 });
        assert!(done(&node, 1) && node.raft.log().last().index == LogIndex(2));
    }

    fn stage(node: &mut Node) {
        let servers = [(NodeId(5), Address(5)), (NodeId(6), Address(6))].into();
        node.change(1, Change::SetConfiguration { mode: SetMode::Add, servers, listeners: [].into() });
        assert_eq!(refused(node), None);
    }

    #[test]
    fn new_servers_catch_up_all_of_them_before_the_first_entry() {
        let mut node = Node::leading(Config { staging_gap: 1, majority_add: true, ..config() }, &[1]);
        stage(&mut node);
        assert_eq!(sets(&node), [3]);
        node.change(2, voters(&[1]));
        assert_eq!(refused(&node), Some(ChangeRefused::InProgress));
        accept(&mut node, 5, 2);
        assert!(!node.noted(Fact::CaughtUp));
        accept(&mut node, 6, 1);
        assert!(!node.noted(Fact::CaughtUp), "it lacks an entry");
        accept(&mut node, 6, 2);
        assert!(node.noted(Fact::CaughtUp) && node.asked.contains(&Effect::CancelTimer(Timer::Staging)));
        assert_eq!(sets(&node), [3, 5]);
    }

    #[test]
    fn who_is_silent_ends_the_change_and_who_is_slow_does_not() {
        let mut node = Node::leading(Config { staging_gap: 1, majority_add: true, ..config() }, &[1]);
        stage(&mut node);
        for from in [5, 6] {
            node.hear(from, 2, Body::HeartbeatResponse { round: 0, priority: 0 });
            node.hear(from, 2, Body::AppendRejected { prev: LogId::new(2, 2), hint: LogId::default() });
        }
        node.fire(Timer::Staging);
        assert!(refused(&node).is_none() && node.timer(Timer::Staging).is_some(), "both were heard");
        node.hear(5, 2, Body::AppendAccepted { through: LogIndex(1) });
        node.fire(Timer::Staging);
        assert_eq!(refused(&node), Some(ChangeRefused::CatchUpTimedOut));
        assert_eq!(
            node.raft.peers().map(|peers| peers.as_slice().len()),
            Some(3),
            "nobody serves them any more"
        );
    }

    #[test]
    fn members_that_are_cut_are_in_force_no_longer() {
        let entry = |term, index, voters: &[u32]| Entry {
            id: LogId::new(term, index),
            payload: Payload::Membership(Arc::new(members(voters, &[]))),
        };
        let append = |entries: Vec<Entry>| {
            let slice = LogSlice::new(LogId::new(1, 1), entries).unwrap();
            Body::AppendRequest { slice, commit: LogIndex(1) }
        };
        let mut node = Node::with_log(config(), &[1]);
        node.hear(2, 1, append([entry(1, 2, &[1, 2, 3, 4]), entry(1, 3, &[1, 2, 3, 4, 5])].into()));
        assert_eq!(sets(&node), [5]);
        node.hear(3, 2, append([entry(2, 2, &[1, 2])].into()));
        assert!(node.noted(Fact::MembershipRolledBack));
        assert_eq!(sets(&node), [2]);
        assert_eq!(node.raft.committed_membership().0, LogId::default());
    }

    #[test]
    fn a_leader_serves_the_members_and_nobody_else_and_at_their_last_address() {
        let served = |node: &Node| {
            let peers = node.raft.peers().map(|peers| peers.as_slice().to_vec()).unwrap_or_default();
            peers.into_iter().map(|peer| (peer.id.0, peer.address.0)).collect::<Vec<_>>()
        };
        let mut node = Node::leading(config(), &[1]);
        assert_eq!(served(&node), [(2, 2), (3, 3), (4, 4)]);
        let moved = [(NodeId(2), Address(22))].into();
        node.change(1, Change::Members { members: ChangeMembers::SetNodes(moved), retain: true });
        assert_eq!(served(&node), [(2, 22), (3, 3), (4, 4)]);
        accept(&mut node, 2, 3);
        let gone = [NodeId(4)].into();
        node.change(2, Change::Members { members: ChangeMembers::RemoveNodes(gone), retain: true });
        assert_eq!(served(&node), [(2, 22), (3, 3)]);
    }

    #[test]
    fn a_blocking_answer_waits_for_the_learner_after_the_entry() {
        let mut node = Node::leading(Config { replication_lag_threshold: 1, ..config() }, &[1, 1]);
        node.change(1, Change::AddLearner { node: NodeId(5), address: Address(5), blocking: true });
        accept(&mut node, 2, 4);
        assert!(node.noted(Fact::MembershipCommitted) && !done(&node, 1));
        accept(&mut node, 5, 2);
        assert!(!done(&node, 1), "two behind");
        accept(&mut node, 5, 3);
        assert!(done(&node, 1), "one behind is near enough");
    }
}
