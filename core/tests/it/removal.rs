//! Removed nodes that shut down, and those that must not.

use splitbrain_core::{
    Address, Change, ChangeMembers, ChangeRefused, Config, Durable, Fact, LogIndex, Membership, NodeId,
    Precondition, Refusal, Timer,
};

use crate::cluster::{Cluster, Outcome, at_home, ids, n, plain, set, voters};

fn leaving(id: NodeId) -> Config {
    Config { shutdown_on_remove: true, ..plain(id) }
}

fn without(gone: u32) -> Change {
    Change::Members { members: ChangeMembers::RemoveVoters(ids(&[gone])), retain: false }
}

#[test]
fn a_removed_follower_shuts_down_once_a_leader_has_told_it() {
    for pre_vote in [false, true] {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { pre_vote, ..leaving(id) });
        c.elect(1);
        assert_eq!(c.change(1, without(3)), Some(Outcome::Done));
        assert!(c.runs(3), "nobody has told it");
        c.fire(3, Timer::Election);
        c.settle();
        assert!(!c.runs(3));
        assert!(c.raft(1).leads(), "its request went no further");
        c.assert_kept();
    }
}

#[test]
fn a_removed_node_runs_on_where_that_is_the_setting() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    assert_eq!(c.change(1, without(3)), Some(Outcome::Done));
    c.fire(3, Timer::Election);
    c.settle();
    assert!(c.runs(3));
    assert!(!c.seen.contains(&Fact::RemovedNodeTold));
}

#[test]
fn a_removed_leader_shuts_down_at_commit_and_not_before() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], leaving);
    c.elect(1);
    c.part(&[1], &[2, 3]);
    let removed = c.ask(1, without(1));
    c.settle();
    assert!(c.runs(1), "nothing is committed");
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert!(!c.runs(1));
    assert_eq!(c.outcomes.get(&removed), Some(&Outcome::Done));
    c.elect(2);
    c.write(2);
    c.assert_kept();
}

#[test]
fn members_that_are_not_committed_send_nobody_away() {
    let mut c = Cluster::new(&[&[1, 2, 3, 4]], &[], leaving);
    c.elect(1);
    c.part(&[1, 4], &[2, 3]);
    c.ask(1, Change::RemoveServer { node: n(4) });
    c.fire(4, Timer::Election);
    c.settle();
    assert!(c.runs(4));
    assert!(!c.seen.contains(&Fact::RemovedNodeTold));
}

#[test]
fn a_learner_or_a_kept_one_is_not_sent_away() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], leaving);
    c.elect(1);
    assert_eq!(c.change(1, voters(&[1, 2])), Some(Outcome::Done));
    c.fire(3, Timer::Election);
    c.settle();
    assert!(c.runs(3));
}

/// 4 is started with itself among the members, before anyone else knows it.
fn full_group() -> Cluster {
    let members = |ids: &[u32]| Membership::new([set(ids)].into(), at_home(ids)).unwrap();
    let disks = (1..=3).map(|id| (n(id), Durable::initialised(members(&[1, 2, 3]))));
    let newcomer = (n(4), Durable::initialised(members(&[1, 2, 3, 4])));
    Cluster::on_disks(disks.chain([newcomer]), leaving)
}

#[test]
fn a_new_peer_with_the_full_group_is_sent_away_unless_it_catches_up() {
    let mut c = full_group();
    c.elect(1);
    c.fire(4, Timer::Election);
    c.settle();
    assert!(!c.runs(4), "nobody knows it");
    let mut c = full_group();
    c.elect(1);
    let mode = splitbrain_core::SetMode::Set;
    c.ask(1, Change::SetConfiguration { mode, servers: at_home(&[1, 2, 3, 4]), listeners: at_home(&[]) });
    c.fire(4, Timer::Election);
    c.settle();
    assert!(c.runs(4), "it catches up");
}

#[test]
fn a_node_that_catches_up_through_memberships_without_it_stays() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], leaving);
    c.elect(1);
    c.change(1, without(3));
    c.change(1, Change::AddServer { node: n(4), address: Address(4) });
    c.settle();
    assert!(c.runs(4));
    assert_eq!(c.sets(4), [set(&[1, 2, 4])]);
}

fn patient(id: NodeId) -> Config {
    Config { replication_lag_threshold: 1, ..plain(id) }
}

fn learner(id: u32, blocking: bool) -> Change {
    Change::AddLearner { node: n(id), address: Address(id), blocking }
}

#[test]
fn a_blocking_add_waits_until_the_learner_has_caught_up() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5], patient);
    c.elect(1);
    c.write(1);
    c.part(&[1, 2, 3], &[4, 5]);
    assert_eq!(c.change(1, learner(5, false)), Some(Outcome::Done), "committed is enough");
    let blocked = c.ask(1, learner(4, true));
    c.settle();
    assert_eq!(c.raft(1).commit(), c.raft(1).log().last().index, "it is committed");
    assert_eq!(c.outcomes.get(&blocked), None);
    c.heal();
    (0..3).for_each(|_| {
        c.fire(1, Timer::Heartbeat);
        c.settle();
    });
    assert_eq!(c.outcomes.get(&blocked), Some(&Outcome::Done));
    assert_eq!(c.raft(4).log().last(), c.raft(1).log().last());
}

#[test]
fn a_blocking_add_does_not_outlast_its_learner_or_its_leader() {
    for ends in ["removed", "leader itself", "leadership"] {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[4], patient);
        c.elect(1);
        c.write(1);
        c.part(&[1, 2, 3], &[4]);
        let blocked = c.ask(1, learner(if ends == "leader itself" { 1 } else { 4 }, true));
        c.settle();
        match ends {
            "removed" => {
                let gone = ChangeMembers::RemoveNodes(ids(&[4]));
                c.change(1, Change::Members { members: gone, retain: true });
            }
            "leadership" => c.elect(2),
            _ => {}
        }
        assert_eq!(c.outcomes.get(&blocked), Some(&Outcome::Done), "{ends}");
    }
}

#[test]
fn a_lagging_learner_gets_no_vote_where_that_is_asked() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], patient);
    c.elect(1);
    c.part(&[1, 2, 3], &[4]);
    c.change(1, learner(4, false));
    for _ in 0..3 {
        c.write(1);
    }
    let promote = |lagging: bool| match lagging {
        true => voters(&[1, 2, 3, 4]),
        false => {
            Change::If { precondition: Precondition::LearnersCaughtUp, change: voters(&[1, 2, 3, 4]).into() }
        }
    };
    let refused = Outcome::Refused(Refusal::Change(ChangeRefused::LearnerIsLagging));
    let before = c.raft(1).log().last();
    assert_eq!(c.change(1, promote(false)), Some(refused));
    assert_eq!(c.raft(1).log().last(), before, "nothing is appended");
    let mut lax = c.clone();
    assert_eq!(lax.change(1, promote(true)), Some(Outcome::Done));
    c.heal();
    (0..3).for_each(|_| {
        c.fire(1, Timer::Heartbeat);
        c.write(1);
    });
    assert_eq!(c.change(1, promote(false)), Some(Outcome::Done));
    assert!(c.raft(4).commit() > LogIndex(0));
}
