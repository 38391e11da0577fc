//! Leases: when a leader may serve a read without asking, and what ends that.

use splitbrain_core::{Config, Fact, NodeId, ReadsBy, Rule, Rules, Timer};

use crate::cluster::{Cluster, Outcome, append, n};

fn leased(id: NodeId) -> Config {
    Config { reads: ReadsBy::Lease, pre_vote: false, ..Config::new(id) }
}

/// Three nodes; 1 leads and has just renewed its lease.
fn holding(rules: Rules) -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], move |id| Config { rules, ..leased(id) });
    c.elect(1);
    c.fire(1, Timer::Heartbeat);
    c.settle();
    c
}

/// Whether 1 serves a read although nobody answers it.
fn serves_alone(c: &mut Cluster) -> bool {
    c.part(&[1], &[2, 3, 4]);
    let read = c.read(1);
    c.settle();
    c.outcomes.get(&read) == Some(&Outcome::Served)
}

#[test]
fn a_lease_serves_a_read_without_a_message() {
    let mut c = holding(Rules::all_on());
    let read = c.read(1);
    assert!(c.letters.is_empty());
    assert_eq!(c.outcomes[&read], Outcome::Served);
    assert!(c.seen.contains(&Fact::LeaseRead));
}

#[test]
fn a_lease_ends_with_its_timer_and_the_leader_asks_again() {
    let mut c = holding(Rules::all_on());
    c.fire(1, Timer::OddLease);
    assert!(c.seen.contains(&Fact::LeaseLost));
    let read = c.read(1);
    assert_eq!(c.outcomes.get(&read), None);
    c.settle();
    assert_eq!(c.outcomes[&read], Outcome::Served, "a quorum confirmed it");
}

#[test]
fn the_next_lease_begins_before_the_last_one_ends() {
    let mut c = holding(Rules::all_on());
    c.fire(1, Timer::Heartbeat);
    c.settle();
    c.fire(1, Timer::OddLease);
    assert!(!c.seen.contains(&Fact::LeaseLost), "the even one is in force");
    assert!(serves_alone(&mut c));
}

#[test]
fn answers_that_come_after_the_time_is_over_make_no_lease() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], leased);
    c.elect(1);
    c.fire(1, Timer::Heartbeat);
    c.fire(1, Timer::OddLease);
    c.settle();
    assert!(!serves_alone(&mut c));
}

#[test]
fn a_lease_serves_nothing_before_the_first_commit_of_its_term() {
    let mut c = holding(Rules::all_on());
    c.elect_only(2);
    c.fire(2, Timer::Stickiness);
    c.fire(3, Timer::Stickiness);
    c.crash(1, 0);
    c.settle();
    c.elect_only(2);
    assert!(c.raft(2).leads());
    let committed = c.raft(2).commit();
    let read = c.read(2);
    assert_eq!((c.outcomes.get(&read), c.raft(2).commit()), (None, committed));
}

#[test]
fn a_transfer_ends_the_leases_of_the_term() {
    let offered = |rules| {
        let mut c = holding(rules);
        c.transfer(1, 3);
        c
    };
    assert!(!serves_alone(&mut offered(Rules::all_on())));
    assert!(serves_alone(&mut offered(Rules::all_on().without(Rule::LeaseOverBeforeTransfer))));
    // The offer may arrive long after it was given up.
    let mut c = offered(Rules::all_on());
    c.letters.clear();
    c.fire(1, Timer::Transfer);
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert!(!serves_alone(&mut c));
}

#[test]
fn a_change_of_members_ends_the_lease() {
    let mut c = holding(Rules::all_on());
    c.ask(1, append(&[&[1, 2, 3, 4]]));
    assert!(!serves_alone(&mut c));
}

#[test]
fn a_restarted_voter_keeps_the_promise_of_its_earlier_process() {
    let elected = |rules| {
        let mut c = holding(rules);
        c.part(&[1], &[2, 3]);
        c.crash(2, 0);
        c.restart(2);
        c.fire(3, Timer::Stickiness);
        c.elect(3);
        c.raft(3).leads()
    };
    assert!(!elected(Rules::all_on()), "1 still counts on 2");
    assert!(elected(Rules::all_on().without(Rule::PromiseOutlivesRestart)));
}

#[test]
fn a_higher_term_ends_no_promise() {
    let mut c = holding(Rules::all_on());
    c.part(&[1], &[2, 3]);
    let message = splitbrain_core::Message {
        term: splitbrain_core::Term(5),
        body: splitbrain_core::Body::VoteResponse { granted: false },
    };
    let source = splitbrain_core::Address(3);
    c.step(2, splitbrain_core::Input::Received { from: n(3), source, to: n(2), message });
    assert_eq!(c.raft(2).term(), splitbrain_core::Term(5));
    c.fire(3, Timer::Stickiness);
    (0..6).for_each(|_| c.elect(3));
    assert!(!c.raft(3).leads(), "2 promised 1");
    c.fire(2, Timer::Stickiness);
    c.elect(3);
    assert!(c.raft(3).leads(), "and the promise is over");
}

#[test]
fn a_lease_is_shorter_than_the_promise_by_the_drift_of_both_clocks() {
    let lease = |drift_max_ppm| Config { drift_max_ppm, ..Config::new(n(1)) }.lease();
    assert_eq!(lease(0), 150_000_000);
    assert_eq!(lease(1_000_000), 0, "a clock that may stand still allows none");
    for drift in [1, 100, 10_000, 200_000] {
        // The leader's clock counts the lease as slowly, the follower's the promise as fast as can be.
        let longest = u128::from(lease(drift)) * 1_000_000 * (1_000_000 + u128::from(drift));
        let shortest = 150_000_000 * 1_000_000 * (1_000_000 - u128::from(drift));
        assert!(longest <= shortest, "{drift}");
    }
}
