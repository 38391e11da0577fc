//! The two timers of a node that does not lead.
//!
//! Holds: `Stickiness` runs after a sign of life from the leader, `Election` after that, never both.
//! Not here: what their end means (`election`).

use crate::input::Timer;
use crate::state::Waiting;
use crate::transition::Transition;
use crate::types::Within;

/// Begins to wait for an election if this node may stand for one and does not wait already.
pub(crate) fn maybe_wait_for_election(t: &mut Transition<'_>) {
    let leads = t.leading().is_some();
    if !leads && t.waiting == Waiting::Nothing && t.may_campaign() {
        set_election_timer(t);
    }
}

pub(crate) fn set_election_timer(t: &mut Transition<'_>) {
    let within = t.config.election;
    wait_for_election(t, within);
}

pub(crate) fn wait_for_election(t: &mut Transition<'_>, within: Within) {
    if t.waiting == Waiting::Stickiness {
        t.cancel_timer(Timer::Stickiness);
    }
    t.waiting = Waiting::Election;
    t.set_timer(Timer::Election, within);
}

pub(crate) fn stop_waiting(t: &mut Transition<'_>) {
    match t.waiting {
        Waiting::Nothing => {}
        Waiting::Stickiness => t.cancel_timer(Timer::Stickiness),
        Waiting::Election => t.cancel_timer(Timer::Election),
    }
    t.waiting = Waiting::Nothing;
}

/// Counts on a living leader, and votes for nobody else, for the shortest election timeout.
pub(crate) fn wait_for_leader(t: &mut Transition<'_>) {
    t.leader_lives = true;
    if t.waiting == Waiting::Election {
        t.cancel_timer(Timer::Election);
    }
    t.waiting = Waiting::Stickiness;
    let within = Within::exactly(t.config.election.min);
    t.set_timer(Timer::Stickiness, within);
}
