//! Giving leadership to a chosen voter (thesis 3.10).
//!
//! Holds: the target is told to stand only once it holds the whole log; meanwhile nothing is appended.
//! Not here: the election itself (`election`).

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::input::Timer;
use crate::lease;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::pending::Transfer;
use crate::transition::Transition;
use crate::types::{NodeId, RequestId, Within};

pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId, to: NodeId) {
    if t.leading().is_none() {
        let hint = t.leader;
        return t.refuse(request, Refusal::NotLeader { hint });
    }
    if t.transfer.is_some() {
        return t.refuse(request, Refusal::Transferring);
    }
    if to == t.id() || !t.in_force().is_voter(to) {
        return t.refuse(request, Refusal::NotATarget);
    }
    start(t, Some(request), to);
}

/// Gives way to a voter of higher priority that holds what is committed. Once a term: a target that does not take over
/// would otherwise keep clients waiting again and again.
pub(crate) fn maybe_give_way(t: &mut Transition<'_>, to: NodeId, priority: u32) {
    let may = priority > t.config.priority && t.transfer.is_none() && t.in_force().is_voter(to);
    let commit = t.commit;
    let Some(leader) = t.leading_mut().filter(|leader| may && !leader.gave_way) else { return };
    let holds_commit = leader.peers.get(to).is_some_and(|peer| peer.matched >= commit);
    if holds_commit && commit >= leader.first_own {
        leader.gave_way = true;
        t.note(Fact::GaveWay);
        start(t, None, to);
    }
}

fn start(t: &mut Transition<'_>, request: Option<RequestId>, to: NodeId) {
    t.note(Fact::TransferStarted);
    t.transfer = Some(Transfer { request, to, told: false });
    let within = Within::exactly(t.config.election.max);
    t.set_timer(Timer::Transfer, within);
    maybe_hand_over(t);
}

/// Tells the target to stand, if it holds everything.
pub(crate) fn maybe_hand_over(t: &mut Transition<'_>) {
    let Some(Transfer { to, told: false, .. }) = t.transfer else { return };
    let Some(peer) = t.leading().and_then(|leader| leader.peers.get(to)) else { return };
    let (address, caught_up) = (peer.address, peer.matched == t.log.last().index);
    if caught_up {
        lease::give_up(t);
        t.send(to, address, Body::TimeoutNow);
        if let Some(transfer) = &mut t.transfer {
            transfer.told = true;
        }
    }
}

pub(crate) fn on_timeout(t: &mut Transition<'_>) {
    if t.mutated(Mutation::TransferNeverEnds) {
        return;
    }
    if let Some(transfer) = t.transfer.take() {
        t.note(Fact::TransferTimedOut);
        refuse(t, transfer, Refusal::TransferTimedOut);
    }
}

/// This node leads no more. A target that was told to stand may have begun the new term itself, and whoever comes to lead
/// in it will be heard of, perhaps in this very step; in every other case there is nothing to wait for.
pub(crate) fn on_leadership_lost(t: &mut Transition<'_>, in_new_term: bool, new_leader: Option<NodeId>) {
    let Some(transfer) = t.transfer else { return };
    if new_leader.is_some() || in_new_term && transfer.told {
        return;
    }
    t.transfer = None;
    t.cancel_timer(Timer::Transfer);
    refuse(t, transfer, if transfer.told { Refusal::LeadershipLost } else { Refusal::TransferFailed });
}

/// This process ends.
pub(crate) fn on_shut_down(t: &mut Transition<'_>) {
    if let Some(transfer) = t.transfer.take() {
        refuse(t, transfer, Refusal::LeadershipLost);
    }
}

/// Someone leads in this term: was it meant to?
pub(crate) fn on_leader_known(t: &mut Transition<'_>) {
    let Some(transfer) = t.transfer.take() else { return };
    t.cancel_timer(Timer::Transfer);
    if t.leader == Some(transfer.to) {
        t.note(Fact::TransferCompleted);
        if let Some(request) = transfer.request {
            t.done(request);
        }
    } else {
        refuse(t, transfer, Refusal::TransferFailed);
    }
}

fn refuse(t: &mut Transition<'_>, transfer: Transfer, refusal: Refusal) {
    if let Some(request) = transfer.request {
        t.refuse(request, refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;
    use crate::message::Body;
    use crate::testing::{Node, config};
    use crate::types::{LogIndex, Term};
    use crate::{Change, Input};
    use std::vec;

    fn transfer(node: &mut Node, request: u64, to: u32) {
        node.step(Input::TransferRequested { request: RequestId(request), to: NodeId(to) });
    }

    fn refused(request: u64, refusal: Refusal) -> Effect {
        Effect::Refuse { request: RequestId(request), refusal }
    }

    #[test]
    fn only_another_voter_is_a_target_and_only_of_a_leader() {
        for (to, refusal) in [(1, true), (2, false), (3, false), (4, true), (9, true)] {
            let mut node = Node::leading(config(), &[1]);
            transfer(&mut node, 1, to);
            assert_eq!(node.asked.contains(&refused(1, Refusal::NotATarget)), refusal, "{to}");
            assert_eq!(node.noted(Fact::TransferStarted), !refusal, "{to}");
        }
        let mut node = Node::with_log(config(), &[1]);
        transfer(&mut node, 1, 2);
        assert_eq!(node.asked, [refused(1, Refusal::NotLeader { hint: None })]);
    }

    #[test]
    fn a_target_that_holds_everything_is_told_at_once_and_another_one_when_it_does() {
        let mut node = Node::leading(config(), &[1]);
        transfer(&mut node, 1, 2);
        assert_eq!(node.sent(), [(2, &Body::TimeoutNow)]);
        let mut node = Node::leading(config(), &[1]);
        transfer(&mut node, 1, 3);
        assert_eq!(node.sent(), []);
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(1) });
        assert!(!node.sent().contains(&(3, &Body::TimeoutNow)), "it lacks an entry still");
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert!(node.sent().contains(&(3, &Body::TimeoutNow)));
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert!(!node.sent().contains(&(3, &Body::TimeoutNow)), "it is told once");
    }

    #[test]
    fn meanwhile_nothing_is_appended_and_afterwards_it_is_again() {
        let mut node = Node::leading(config(), &[1]);
        transfer(&mut node, 1, 3);
        transfer(&mut node, 2, 2);
        assert_eq!(node.asked, [refused(2, Refusal::Transferring)]);
        node.propose(3, b"x");
        assert_eq!(node.asked, [refused(3, Refusal::Transferring)]);
        node.change(4, Change::RemoveServer { node: NodeId(3) });
        assert_eq!(node.asked.len(), 1);
        assert_eq!(node.raft.log().last().index, LogIndex(2));
        node.fire(Timer::Transfer);
        assert_eq!(node.asked, [Effect::Note(Fact::TransferTimedOut), refused(1, Refusal::TransferTimedOut)]);
        node.propose(5, b"x");
        assert_eq!(node.raft.log().last().index, LogIndex(3));
    }

    #[test]
    fn whoever_comes_to_lead_answers_the_request() {
        // The new leader => done, or failed.
        for (leader, is_done) in [(3, true), (2, false)] {
            let mut node = Node::leading(config(), &[1]);
            transfer(&mut node, 1, 3);
            node.hear(leader, 3, Body::Heartbeat { commit: LogIndex(0), round: 0 });
            assert_eq!(node.asked.contains(&Effect::Done { request: RequestId(1) }), is_done);
            assert_eq!(node.asked.contains(&refused(1, Refusal::TransferFailed)), !is_done);
            assert!(node.asked.contains(&Effect::CancelTimer(Timer::Transfer)));
            node.fire(Timer::Transfer);
            assert_eq!(node.asked, [], "it is over");
        }
    }

    #[test]
    fn a_leader_that_is_elected_again_has_not_given_way() {
        let mut node = Node::leading(config(), &[1]);
        transfer(&mut node, 1, 3);
        node.hear(2, 3, Body::TermOver);
        assert!(node.asked.contains(&refused(1, Refusal::TransferFailed)), "3 was not told to stand");
        node.fire(Timer::Election);
        node.hear(2, 3, Body::PreVoteResponse { asked: Term(3), granted: true });
        node.finish_writes();
        node.hear(2, 4, Body::VoteResponse { granted: true });
        assert!(node.raft.leads());
    }

    #[test]
    fn a_leader_gives_way_once_a_term_to_a_voter_of_higher_priority_that_holds_what_is_committed() {
        let ask = |node: &mut Node, from, priority| {
            node.hear(from, 2, Body::HeartbeatResponse { round: 0, priority });
            node.noted(Fact::GaveWay)
        };
        // from, priority => gives way
        for (from, priority, expected) in [(2, 1, true), (2, 0, false), (3, 1, false), (4, 1, false)] {
            let mut node = Node::leading(config(), &[1]);
            assert_eq!(ask(&mut node, from, priority), expected, "{from} {priority}");
        }
        let mut node = Node::leading(config(), &[1]);
        assert!(ask(&mut node, 2, 1));
        node.fire(Timer::Transfer);
        assert_eq!(node.asked, [Effect::Note(Fact::TransferTimedOut)], "nobody asked for it");
        assert!(!ask(&mut node, 2, 1));
    }

    #[test]
    fn who_is_told_to_stand_asks_no_pre_votes_and_says_why() {
        let mut node = Node::with_log(config(), &[1]);
        node.hear(3, 1, Body::Heartbeat { commit: LogIndex(0), round: 0 });
        node.hear(3, 1, Body::TimeoutNow);
        node.finish_writes();
        let forced = Body::VoteRequest { last: crate::types::LogId::new(1, 1), forced: true };
        assert_eq!(node.sent(), vec![(2, &forced), (3, &forced)]);
    }
}
