//! Leases: reads without asking anyone, on the word of a quorum that it will not vote yet (thesis 6.4.1).
//!
//! Holds: while a lease is in force, a quorum is still within `election.min` of a sign of life from this leader, on its
//! own clocks; so no other leader was elected, and what this one knows to be committed is all there is. This relies on
//! clocks within `Config::drift_max_ppm`, on the rule `stickiness`, and on what is listed at `give_up` and in
//! `election::on_boot`.
//! Not here: rounds and reads (`reading`), the promise itself (`election::is_sticky`).
//!
//! A lease counts from when its round *began*: whoever answered got the heartbeat later. The next round may begin while
//! the lease of the one before runs, so there are two timers, one for even rounds and one for odd ones.

use crate::config::ReadsBy;
use crate::fact::Fact;
use crate::input::Timer;
use crate::mutation::Mutation;
use crate::pending::{Lease, Leases};
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::Within;

impl Leases {
    /// Whether a read may be served without asking.
    pub(crate) fn in_force(self) -> bool {
        self.even == Lease::Held || self.odd == Lease::Held
    }

    fn of(&mut self, timer: Timer) -> Option<&mut Lease> {
        match timer {
            Timer::EvenLease => Some(&mut self.even),
            Timer::OddLease => Some(&mut self.odd),
            Timer::Election
            | Timer::Heartbeat
            | Timer::Stickiness
            | Timer::CheckQuorum
            | Timer::Transfer
            | Timer::Staging => None,
        }
    }
}

fn timer_of(round: u64) -> Timer {
    if round.is_multiple_of(2) { Timer::EvenLease } else { Timer::OddLease }
}

/// Whether this node grants and takes leases. Without stickiness nobody promises anything, so there are none.
pub(crate) fn is_on(t: &Transition<'_>) -> bool {
    match t.config.reads {
        ReadsBy::Lease => t.config.stickiness,
        ReadsBy::ReadIndex => false,
    }
}

fn change(t: &mut Transition<'_>, change: impl FnOnce(&mut Leases)) {
    let Some(leader) = t.leading_mut() else { return };
    let was_in_force = leader.reads.leases.in_force();
    change(&mut leader.reads.leases);
    if was_in_force && !leader.reads.leases.in_force() {
        t.note(Fact::LeaseLost);
    }
}

/// A round begins: if a quorum answers it in time, that is a lease.
pub(crate) fn on_round_started(t: &mut Transition<'_>, round: u64) {
    let ended = t.leading().is_none_or(|leader| leader.reads.leases.ended);
    if !is_on(t) || ended {
        return;
    }
    let timer = timer_of(round);
    let lasting =
        if t.mutated(Mutation::LeaseIgnoresDrift) { t.config.election.min } else { t.config.lease() };
    let within = Within::exactly(lasting);
    t.set_timer(timer, within);
    change(t, |leases| leases.of(timer).into_iter().for_each(|lease| *lease = Lease::Asked));
}

/// A quorum answered a round.
pub(crate) fn on_round_confirmed(t: &mut Transition<'_>, round: u64) {
    if t.mutated(Mutation::LeaseFromAnswer) && is_on(t) {
        let within = Within::exactly(t.config.lease());
        t.set_timer(timer_of(round), within);
    }
    change(t, |leases| {
        if let Some(lease) = leases.of(timer_of(round))
            && *lease == Lease::Asked
        {
            *lease = Lease::Held;
        }
    });
}

pub(crate) fn on_timeout(t: &mut Transition<'_>, timer: Timer) {
    if t.mutated(Mutation::LeaseNeverEnds) {
        return;
    }
    change(t, |leases| leases.of(timer).into_iter().for_each(|lease| *lease = Lease::Over));
}

/// The members changed: those who promised need not be a quorum any more after a second change.
pub(crate) fn on_members_changed(t: &mut Transition<'_>) {
    change(t, |leases| (leases.even, leases.odd) = (Lease::Over, Lease::Over));
}

/// Leadership is offered to another: voters need not wait then. The offer cannot be taken back, so there are no more
/// leases in this term (openraft, pull request 1747).
pub(crate) fn give_up(t: &mut Transition<'_>) {
    if t.keeps(Rule::LeaseOverBeforeTransfer) {
        change(t, |leases| *leases = Leases { ended: true, ..Leases::default() });
    }
}

/// This node leads no more.
pub(crate) fn on_leadership_lost(t: &mut Transition<'_>, leases: Leases) {
    if leases.in_force() {
        t.note(Fact::LeaseLost);
    }
    if is_on(t) {
        t.cancel_timer(Timer::EvenLease);
        t.cancel_timer(Timer::OddLease);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::message::Body;
    use crate::testing::{Node, config};
    use crate::types::{LogIndex, RequestId};
    use crate::{Change, Input, NodeId};

    fn leased() -> Config {
        Config { reads: ReadsBy::Lease, ..config() }
    }

    fn answer(node: &mut Node, from: u32, round: u64) {
        node.hear(from, 2, Body::HeartbeatResponse { round, priority: 0 });
    }

    fn serves(node: &Node) -> bool {
        let mut node = node.clone();
        node.read(9);
        node.noted(Fact::LeaseRead) && node.asked.contains(&Effect::Serve { request: RequestId(9) })
    }

    fn held() -> Node {
        let mut node = Node::leading(leased(), &[1]);
        node.fire(Timer::Heartbeat);
        answer(&mut node, 2, 1);
        assert!(serves(&node));
        node
    }

    #[test]
    fn a_lease_begins_with_its_round_and_is_held_once_a_quorum_answered_it() {
        let mut node = Node::leading(leased(), &[1]);
        assert!(!serves(&node));
        node.fire(Timer::Heartbeat);
        assert_eq!(node.timer(Timer::OddLease), Some((leased().lease(), leased().lease())));
        assert!(!serves(&node), "asked is not answered");
        answer(&mut node, 4, 1);
        assert!(!serves(&node), "a learner promises nothing");
        answer(&mut node, 3, 0);
        assert!(!serves(&node), "an answer to an earlier round");
        answer(&mut node, 3, 1);
        assert!(serves(&node));
    }

    #[test]
    fn even_and_odd_rounds_take_turns_and_either_lease_is_enough() {
        let mut node = held();
        node.fire(Timer::Heartbeat);
        assert!(node.timer(Timer::EvenLease).is_some() && node.timer(Timer::OddLease).is_none());
        answer(&mut node, 2, 2);
        node.fire(Timer::OddLease);
        assert!(serves(&node) && !node.noted(Fact::LeaseLost), "the second one runs");
        node.fire(Timer::EvenLease);
        assert!(!serves(&node) && node.noted(Fact::LeaseLost));
    }

    #[test]
    fn an_answer_after_the_time_is_over_makes_no_lease() {
        let mut node = Node::leading(leased(), &[1]);
        node.fire(Timer::Heartbeat);
        node.fire(Timer::OddLease);
        answer(&mut node, 2, 1);
        assert!(!serves(&node));
    }

    /// What ends a lease before its time.
    #[test]
    fn a_lease_ends_with_the_members_the_transfer_or_the_leadership() {
        type Ends = fn(&mut Node);
        let table: [(&str, Ends); 3] = [
            ("a change", |node| {
                let change = Change::AddServer { node: NodeId(4), address: crate::Address(4) };
                node.change(1, change);
            }),
            ("a transfer", |node| {
                node.step(Input::TransferRequested { request: RequestId(1), to: NodeId(2) });
            }),
            ("a higher term", |node| node.hear(3, 5, Body::TermOver)),
        ];
        for (name, ends) in table {
            let mut node = held();
            ends(&mut node);
            assert!(node.noted(Fact::LeaseLost), "{name}");
            assert!(!serves(&node), "{name}");
        }
    }

    #[test]
    fn after_an_offer_to_another_there_are_no_leases_in_the_term() {
        let mut node = held();
        node.step(Input::TransferRequested { request: RequestId(1), to: NodeId(2) });
        node.fire(Timer::Transfer);
        for round in 2..5 {
            node.fire(Timer::Heartbeat);
            answer(&mut node, 2, round);
            assert!(!serves(&node), "the target may stand at any time yet");
        }
    }

    #[test]
    fn there_are_no_leases_without_stickiness_and_none_where_reads_ask() {
        for config in [Config { stickiness: false, ..leased() }, config()] {
            let mut node = Node::leading(config, &[1]);
            node.fire(Timer::Heartbeat);
            assert!(node.timer(Timer::OddLease).is_none() && node.timer(Timer::EvenLease).is_none());
            answer(&mut node, 2, 1);
            assert!(!serves(&node));
            node.fire(Timer::OddLease);
            assert_eq!(node.asked, []);
        }
    }

    #[test]
    fn a_read_under_a_lease_sees_what_is_committed_and_waits_until_it_is_applied() {
        let mut node = held();
        node.propose(1, b"x");
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert_eq!(
            (node.raft.commit(), node.raft.applied()),
            (LogIndex(3), LogIndex(2)),
            "its own disk is slow"
        );
        node.read(2);
        assert!(
            node.noted(Fact::LeaseRead) && !node.asked.contains(&Effect::Serve { request: RequestId(2) })
        );
        node.finish_writes();
        assert!(node.asked.contains(&Effect::Serve { request: RequestId(2) }));
    }
}
