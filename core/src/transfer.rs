//! Giving leadership to a chosen voter (thesis 3.10).
//!
//! Holds: the target is told to stand only once it holds the whole log; meanwhile nothing is appended.
//! Not here: the election itself (`election`).

use crate::effect::Refusal;
use crate::election;
use crate::fact::Fact;
use crate::input::Timer;
use crate::lease;
use crate::message::Body;
use crate::transition::Transition;
use crate::types::{NodeId, RequestId, Within};

/// A transfer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Transfer {
    /// Who asked for it; nobody when the leader gives way on its own account.
    request: Option<RequestId>,
    to: NodeId,
    told: bool,
}

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

/// The leader wants this node to lead: no pre-vote, and voters need not stick to it.
pub(crate) fn on_timeout_now(t: &mut Transition<'_>) {
    if t.leading().is_none() {
        election::become_candidate(t, true);
    }
}

pub(crate) fn on_timeout(t: &mut Transition<'_>) {
    if let Some(transfer) = t.transfer.take() {
        t.note(Fact::TransferTimedOut);
        refuse(t, transfer, Refusal::TransferTimedOut);
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
