//! From leader or candidate to follower, and who is followed.
//!
//! Holds: whoever stops leading answers every call that waits for it in the same step, but a transfer whose target may
//! just be taking over.
//! Not here: elections (`election`).

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::input::Timer;
use crate::mutation::Mutation;
use crate::pending::Changes;
use crate::recovery::HardState;
use crate::state::{Leader, Role};
use crate::transition::Transition;
use crate::types::{NodeId, Term, Within};
use crate::{follower_reading, lease, transfer, waiting};

/// A message of the leader of this term. Returns whether this node follows it.
pub(crate) fn on_leader_contact(t: &mut Transition<'_>, from: NodeId) -> bool {
    match t.role {
        Role::Leader(_) => {
            t.note(Fact::TwoLeadersMet);
            return false;
        }
        Role::PreCandidate(_) | Role::Candidate(_) => t.role = Role::Follower,
        Role::Follower => {}
    }
    if t.mutated(Mutation::VoteClearedInTerm) {
        t.hard_state.vote = None;
    }
    if t.leader != Some(from) {
        t.leader = Some(from);
        t.note(Fact::LeaderFound);
        transfer::on_leader_known(t);
        follower_reading::ask_again(t);
    }
    waiting::wait_for_leader(t);
    true
}

/// Follows whoever comes to lead in a term. Whoever led until now refuses what it cannot promise any more, and names
/// the new leader if it is known.
pub(crate) fn become_follower(t: &mut Transition<'_>, term: Term, new_leader: Option<NodeId>) {
    let in_new_term = term > t.term();
    if in_new_term {
        let vote = t.hard_state.vote.filter(|_| t.mutated(Mutation::VoteOutlivesTerm));
        t.hard_state = HardState { term, vote };
        if !t.mutated(Mutation::TermNotPersisted) {
            t.hard_state_changed();
        }
    }
    let before = core::mem::replace(&mut t.role, Role::Follower);
    t.leader = None;
    // A higher term ends no promise that a lease of the old term counts on; its timer does.
    t.leader_lives &= lease::is_on(t);
    if let Role::Leader(before) = before {
        if t.mutated(Mutation::ProgressSurvivesReign) {
            t.former_peers = Some(before.peers.clone());
        }
        t.note(Fact::LeaderSteppedDown);
        t.cancel_timer(Timer::Heartbeat);
        if t.config.check_quorum {
            t.cancel_timer(Timer::CheckQuorum);
        }
        lose_leadership(t, before, new_leader);
        transfer::on_leadership_lost(t, in_new_term, new_leader);
        if !t.mutated(Mutation::SteppedDownNeverStands) {
            waiting::maybe_wait_for_election(t);
        }
    }
}

/// This process ends: every call that waits for it is answered.
pub(crate) fn on_shut_down(t: &mut Transition<'_>) {
    if t.leading().is_some() {
        let term = t.term();
        become_follower(t, term, None);
    }
    follower_reading::on_shut_down(t);
    transfer::on_shut_down(t);
}

fn lose_leadership(t: &mut Transition<'_>, before: Leader, hint: Option<NodeId>) {
    let mut lost_midway = false;
    for proposal in before.proposals {
        t.refuse(proposal.request, Refusal::LeadershipLost);
        lost_midway = true;
    }
    lost_midway |= lose_changes(t, before.changes, hint);
    if lost_midway {
        t.note(Fact::LeadershipLostMidRequest);
    }
    before.reads.on_leadership_lost(t, hint);
}

/// Did a quorum answer since the last look? (thesis 6.2)
pub(crate) fn on_check_quorum(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let myself = t.id();
    let heard = t.is_quorum(|id| id == myself || leader.peers.get(id).is_some_and(|peer| peer.heard));
    if !heard {
        t.note(Fact::QuorumLost);
        let term = t.term();
        become_follower(t, term, None);
        return;
    }
    if let Some(leader) = t.leading_mut() {
        leader.peers.as_mut_slice().iter_mut().for_each(|peer| peer.heard = false);
    }
    let look = Within::exactly(t.config.election.min);
    t.set_timer(Timer::CheckQuorum, look);
}

/// What a leader had under way when it lost its leadership. Returns whether an outcome is unknown.
fn lose_changes(t: &mut Transition<'_>, changes: Changes, hint: Option<NodeId>) -> bool {
    if let Some(staging) = changes.staging {
        t.cancel_timer(Timer::Staging);
        t.refuse(staging.request, Refusal::NotLeader { hint });
    }
    // The learner takes part; that it catches up is the next leader's to see to (openraft answers so too).
    changes.blocked.iter().for_each(|blocked| t.done(blocked.request));
    let unknown = !changes.drives.is_empty();
    for drive in changes.drives {
        if t.mutated(Mutation::ChangeNeverAnswered) {
            continue;
        }
        t.refuse(drive.request, Refusal::LeadershipLost);
    }
    unknown
}
