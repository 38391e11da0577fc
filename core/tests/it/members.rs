//! Membership changes, from the request to the last commit.

use std::collections::BTreeMap;

use splitbrain_core::{
    Address, Body, Change, ChangeMembers, ChangeRefused, Config, Fact, JointFinish, LogIndex, Membership,
    Precondition, Refusal, Rule, Rules, SetMode, Timer,
};

use crate::cluster::{Cluster, Outcome, append, at_home, ids, n, plain, set, voters};

fn refused(reason: ChangeRefused) -> Option<Outcome> {
    Some(Outcome::Refused(Refusal::Change(reason)))
}

fn to(sets: &[&[u32]]) -> Change {
    let all: Vec<u32> = sets.iter().flat_map(|set| set.iter().copied()).collect();
    Change::To { sets: sets.iter().map(|ids| set(ids)).collect(), nodes: at_home(&all), retain: false }
}

#[test]
fn c1_to_c2_by_way_of_both() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6], plain);
    c.elect(1);
    assert_eq!(c.change(1, to(&[&[4, 5, 6]])), Some(Outcome::Done));
    assert!(c.seen.contains(&Fact::JointEntered) && c.seen.contains(&Fact::JointLeft));
    assert!(!c.raft(1).leads(), "removed");
    c.elect(4);
    assert_eq!(c.sets(4), [set(&[4, 5, 6])]);
    c.assert_kept();
}

#[test]
fn three_sets_and_two_new_ones() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6, 7, 8, 9, 10, 11, 12], plain);
    c.elect(1);
    assert_eq!(c.change(1, to(&[&[1, 2, 3], &[4, 5, 6], &[7, 8, 9]])), Some(Outcome::Done));
    c.elect(7);
    assert_eq!(c.change(7, to(&[&[7, 8, 9], &[10, 11, 12]])), Some(Outcome::Done));
    c.elect(10);
    assert_eq!(c.change(10, to(&[&[10, 11, 12]])), Some(Outcome::Done));
    c.write(10);
    assert_eq!(c.sets(11), [set(&[10, 11, 12])]);
    assert_eq!(c.raft(12).commit(), c.raft(10).commit());
    c.assert_kept();
}

#[test]
fn a_joint_config_can_be_reverted() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6, 7, 8, 9], plain);
    c.elect(1);
    c.change(1, append(&[&[1, 2, 3], &[4, 5, 6], &[7, 8, 9]]));
    assert_eq!(c.change(1, append(&[&[1, 2, 3]])), Some(Outcome::Done));
    assert!(c.seen.contains(&Fact::JointReverted));
    assert_eq!(c.sets(2), [set(&[1, 2, 3])]);
    c.assert_kept();
}

#[test]
fn a_membership_is_used_at_once_and_rolled_back_with_its_entry() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(1);
    c.part(&[1], &[2, 3, 4]);
    c.ask(1, append(&[&[1, 2, 3, 4]]));
    assert_eq!(c.sets(1), [set(&[1, 2, 3, 4])]);
    c.settle();
    c.elect(2);
    c.heal();
    c.fire(2, Timer::Heartbeat);
    c.settle();
    assert!(c.seen.contains(&Fact::MembershipRolledBack));
    assert_eq!(c.sets(1), [set(&[1, 2, 3])]);
    c.assert_kept();
}

#[test]
fn a_second_change_waits_for_the_first() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5], plain);
    c.elect(1);
    c.ask(1, append(&[&[1, 2, 3, 4]]));
    let second = c.ask(1, append(&[&[1, 2, 3, 4, 5]]));
    assert_eq!(c.outcomes.get(&second).copied(), refused(ChangeRefused::InProgress));
    c.settle();
    assert_eq!(c.change(1, append(&[&[1, 2, 3, 4, 5]])), Some(Outcome::Done));
}

#[test]
fn a_new_leader_changes_nothing_before_its_first_commit() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    c.part(&[2], &[1]);
    c.fire(2, Timer::Election);
    while !c.raft(2).leads() {
        [2, 3].into_iter().for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    let early = c.ask(2, append(&[&[2, 3]]));
    assert_eq!(c.outcomes.get(&early).copied(), refused(ChangeRefused::UncommittedLeaderLog));
    c.settle();
    assert_eq!(c.change(2, append(&[&[2, 3]])), Some(Outcome::Done));
}

#[test]
fn the_leader_that_accepted_a_change_finishes_it() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(1);
    let add = ChangeMembers::AddVoters(at_home(&[4]));
    assert_eq!(c.change(1, Change::Members { members: add, retain: false }), Some(Outcome::Done));
    assert_eq!(c.sets(4), [set(&[1, 2, 3, 4])]);
}

/// Leaves a joint config behind: its proposer crashes once it is everywhere, before it is known to be committed.
fn abandoned_joint(finish: JointFinish) -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5], move |id| Config { joint_finish: finish, ..plain(id) });
    c.elect(1);
    let members = ChangeMembers::AddVoters(at_home(&[4, 5]));
    c.ask(1, Change::Members { members, retain: false });
    while c.nodes.values().any(|node| node.disk.last().index < LogIndex(2)) {
        (2..=5).for_each(|id| c.finish_write(id));
        match c.letters.iter().position(|letter| letter.to != n(1) || node_is_new(letter.from.0)) {
            Some(place) => c.deliver(place),
            None => break,
        }
        c.finish_write(1);
    }
    c.crash(1, 9);
    c.letters.clear();
    c.elect(2);
    c
}

fn node_is_new(id: u32) -> bool {
    id > 3
}

#[test]
fn a_joint_config_is_left_alone_or_finished_as_it_was_set() {
    let mut c = abandoned_joint(JointFinish::Leave);
    assert_eq!(c.sets(2), [set(&[1, 2, 3]), set(&[1, 2, 3, 4, 5])]);
    assert_eq!(
        c.change(2, Change::AddLearner { node: n(4), address: Address(4), blocking: false }),
        Some(Outcome::Done)
    );
    assert_eq!(c.sets(2), [set(&[1, 2, 3, 4, 5])], "any change flattens");
    c.assert_kept();
    let mut c = abandoned_joint(JointFinish::Finish);
    assert_eq!(c.sets(2), [set(&[1, 2, 3, 4, 5])]);
    assert!(c.seen.contains(&Fact::JointFinishedByAnother));
    c.assert_kept();
}

#[test]
fn a_change_may_depend_on_what_is_there() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(1);
    let only_if = |precondition| Change::If { precondition, change: append(&[&[1, 2, 3, 4]]).into() };
    let wrong = only_if(Precondition::LastMembership(LogIndex(9)));
    assert_eq!(c.change(1, wrong), refused(ChangeRefused::PreconditionFailed));
    assert_eq!(c.change(1, only_if(Precondition::LastMembership(LogIndex(0)))), Some(Outcome::Done));
}

#[test]
fn new_servers_catch_up_before_a_change_in_ratis_style() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(1);
    (0..5).for_each(|_| _ = c.write(1));
    c.part(&[4], &[1, 2, 3]);
    let add = || Change::SetConfiguration {
        mode: SetMode::Add,
        servers: at_home(&[4]),
        listeners: BTreeMap::new(),
    };
    let request = c.ask(1, add());
    c.settle();
    assert_eq!(c.raft(1).effective_membership().0.index, LogIndex(0), "nothing is appended yet");
    let busy = c.ask(1, append(&[&[1, 2]]));
    assert_eq!(c.outcomes.get(&busy).copied(), refused(ChangeRefused::InProgress));
    c.fire(1, Timer::Staging);
    assert_eq!(c.outcomes.get(&request).copied(), refused(ChangeRefused::CatchUpTimedOut));
    assert_eq!(c.sets(1), [set(&[1, 2, 3])]);
    c.heal();
    assert_eq!(c.change(1, add()), Some(Outcome::Done));
    assert_eq!(c.sets(4), [set(&[1, 2, 3, 4])]);
    assert!(c.seen.contains(&Fact::CaughtUp));
    c.assert_kept();
}

#[test]
fn an_address_change_reaches_a_running_leader() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    let moved = ChangeMembers::SetNodes([(n(3), Address(33))].into());
    c.change(1, Change::Members { members: moved, retain: true });
    c.fire(1, Timer::Heartbeat);
    assert!(c.letters.iter().any(|letter| letter.to == n(3) && letter.address == Address(33)));
    assert!(c.letters.iter().all(|letter| letter.address != Address(3)));
}

#[test]
fn a_removed_voter_is_served_no_longer() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    let remove = Change::Members { members: ChangeMembers::RemoveVoters(ids(&[3])), retain: false };
    assert_eq!(c.change(1, remove), Some(Outcome::Done));
    c.fire(1, Timer::Heartbeat);
    assert!(c.letters.iter().all(|letter| letter.to != n(3)));
}

/// From a committed joint c1c2, one leader flattens to c1 and a later one to c2.
fn halves_of_a_joint(rules: Rules) -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3], &[3, 4, 5]], &[], move |id| Config { rules, ..plain(id) });
    c.elect(1);
    // 1 appends c1, and only 2 hears of it, later.
    c.part(&[1], &[2, 3, 4, 5]);
    c.ask(1, append(&[&[1, 2, 3]]));
    c.settle();
    // 5 is elected by 2, 3, 4 and 5 while 1 and 2 hear nothing more, and appends c2 at once.
    c.fire(5, Timer::Election);
    while !c.raft(5).leads() {
        (2..=5).for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    c.letters.clear();
    c.ask(5, append(&[&[3, 4, 5]]));
    c.letters.clear();
    c.part(&[5], &[1, 2, 3]);
    // 1 is elected again, by c1 alone, as nobody there has heard of 5's entry.
    c.heal();
    c.part(&[5, 4], &[1, 2, 3]);
    c.fire(1, Timer::Heartbeat);
    c.settle();
    c.elect(1);
    c.write(1);
    // 3 is cut off from nobody of c2.
    c.heal();
    c.part(&[1, 2, 3], &[4, 5]);
    c.elect(5);
    c.fire(5, Timer::Heartbeat);
    c.settle();
    c.write(5);
    c
}

#[test]
fn without_initial_log_the_halves_of_a_joint_split_the_brain() {
    let careless = halves_of_a_joint(Rules::all_on().without(Rule::InitialLog));
    assert!(careless.broken.is_some());
    let mut careful = halves_of_a_joint(Rules::all_on());
    careful.assert_kept();
}

#[test]
fn a_quorum_over_the_union_is_not_enough() {
    let split = |rules: Rules| {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6, 7], move |id| Config { rules, ..plain(id) });
        c.elect(1);
        c.part(&[1, 4, 5, 6, 7], &[2, 3]);
        c.ask(1, append(&[&[1, 2, 3], &[1, 4, 5, 6, 7]]));
        c.settle();
        c.elect(2);
        c.write(2);
        c.write(1);
        c
    };
    assert!(split(Rules::all_on().without(Rule::QuorumInEverySet)).broken.is_some());
    split(Rules::all_on()).assert_kept();
}

#[test]
fn old_and_new_must_intersect() {
    let split = |rules: Rules| {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6], move |id| Config { rules, ..plain(id) });
        c.elect(1);
        c.part(&[1, 4, 5, 6], &[2, 3]);
        c.change(1, append(&[&[4, 5, 6]]));
        c.elect(2);
        c.write(2);
        c
    };
    assert!(split(Rules::all_on().without(Rule::OldNewIntersect)).broken.is_some());
    split(Rules::all_on()).assert_kept();
}

#[test]
fn a_voter_set_may_change_by_openrafts_call() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6], plain);
    c.elect(1);
    assert_eq!(c.change(1, voters(&[4, 5, 6])), refused(ChangeRefused::LearnerNotFound));
    for id in [4, 5, 6] {
        assert_eq!(
            c.change(1, Change::AddLearner { node: n(id), address: Address(id), blocking: false }),
            Some(Outcome::Done)
        );
    }
    assert_eq!(c.change(1, voters(&[4, 5, 6])), Some(Outcome::Done));
    assert!(c.raft(1).leads(), "kept as a learner");
    assert_eq!(c.sets(1), [set(&[4, 5, 6])]);
}

/// The diagram of the extended algorithm for three sets (openraft documentation, "Flexibility"): every line of it is one
/// step, both ways; whatever it does not join takes two, and is refused in one.
#[test]
fn every_line_of_the_diagram_is_one_step_and_every_missing_one_two() {
    const C1: &[u32] = &[1, 2, 3];
    const C2: &[u32] = &[4, 5, 6];
    const C3: &[u32] = &[7, 8, 9];
    let corners: [(&str, &[&[u32]]); 6] = [
        ("c1", &[C1]),
        ("c2", &[C2]),
        ("c3", &[C3]),
        ("c1c2", &[C1, C2]),
        ("c1c3", &[C1, C3]),
        ("c2c3", &[C2, C3]),
    ];
    let lines = [
        ("c1", "c1c2"),
        ("c1", "c1c3"),
        ("c2", "c1c2"),
        ("c2", "c2c3"),
        ("c3", "c1c3"),
        ("c3", "c2c3"),
        ("c1c2", "c1c3"),
        ("c1c2", "c2c3"),
        ("c1c3", "c2c3"),
    ];
    let (mut joined, mut apart) = (0, 0);
    for (from, old) in corners {
        for (goal, new) in corners.into_iter().filter(|(goal, _)| *goal != from) {
            let is_line = lines.contains(&(from, goal)) || lines.contains(&(goal, from));
            let count = if is_line { &mut joined } else { &mut apart };
            *count += 1;
            let spare: Vec<u32> = (1..=9).filter(|id| !old.concat().contains(id)).collect();
            let mut c = Cluster::new(old, &spare, plain);
            c.elect(old[0][0]);
            let in_one = c.change(old[0][0], append(new));
            let expected = if is_line {
                Some(Outcome::Done)
            } else {
                refused(ChangeRefused::UnsupportedMembershipTransition)
            };
            assert_eq!(in_one, expected, "{from} to {goal} in one entry");

            let mut c = Cluster::new(old, &spare, plain);
            c.elect(old[0][0]);
            let before = c.raft(old[0][0]).log().last().index.0;
            assert_eq!(c.change(old[0][0], to(new)), Some(Outcome::Done), "{from} to {goal}");
            let end = c.raft(old[0][0]).log().last().index.0;
            assert_eq!(end - before, if is_line { 1 } else { 2 }, "{from} to {goal}: entries");
            c.elect(new[0][0]);
            let wanted: Vec<_> = new.iter().map(|ids| set(ids)).collect();
            assert_eq!(c.sets(new[0][0]), wanted, "{from} to {goal}");
            c.assert_kept();
        }
    }
    assert_eq!((joined, apart), (2 * 9, 2 * 6));
}

/// The situation in the proof of the extended algorithm (openraft documentation, "Proof by contradiction"): after m0, L1
/// proposed m1 in the first term and nobody but itself heard of it; L2 committed an entry of the second term to a quorum
/// of m0. Whatever m1 is, and whoever of its new voters would help: its only holder never leads.
#[test]
fn a_candidate_that_holds_m1_alone_never_leads() {
    let every_m1: [&[&[u32]]; 6] = [
        &[&[1, 2, 3], &[1, 4, 5]],
        &[&[1, 2, 3], &[4, 5, 6]],
        &[&[1, 2, 3], &[1]],
        &[&[1, 2, 3], &[1, 4, 5], &[1, 4, 6]],
        &[&[1, 2, 3, 4]],
        &[&[1, 2]],
    ];
    for m1 in every_m1 {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5, 6], plain);
        c.elect(1);
        c.part(&[1], &[2, 3, 4, 5, 6]);
        c.ask(1, append(m1));
        c.settle();
        c.elect(2);
        assert!(c.raft(2).leads() && c.raft(2).commit() > LogIndex(1), "its own entry is committed");
        c.heal();
        c.letters.clear();
        c.crash(1, 99);
        c.restart(1);
        let wanted: Vec<_> = m1.iter().map(|ids| set(ids)).collect();
        assert_eq!(c.sets(1), wanted, "it holds m1");
        for _ in 0..4 {
            c.fire(1, Timer::Election);
            assert!(!c.raft(1).leads());
            // Nobody but the candidate and those who vote says anything: what L2 would send might cure it.
            while let Some(place) = c.letters.iter().position(|letter| {
                matches!(letter.message.body, Body::VoteRequest { .. } | Body::VoteResponse { .. })
            }) {
                c.deliver(place);
                (1..=6).for_each(|id| c.finish_write(id));
                assert!(!c.raft(1).leads(), "{m1:?}");
            }
            c.finish_write(1);
        }
        assert_eq!(c.sets(1), wanted, "and still does");
        c.assert_kept();
    }
}

/// What a later leader makes of a joint config that it finds, when it is to finish it.
fn finished_by_another(change: Change) -> Membership {
    let finish = |id| Config { joint_finish: JointFinish::Finish, majority_add: true, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4, 5], finish);
    c.elect(1);
    c.change(1, Change::AddLearner { node: n(4), address: Address(4), blocking: false });
    c.change(1, Change::AddLearner { node: n(5), address: Address(5), blocking: false });
    c.ask(1, change);
    for _ in 0..1_000 {
        // Everybody has the joint config, and its leader does not hear so.
        if (2..=3).all(|id| c.raft(id).effective_membership().1.is_joint()) {
            break;
        }
        c.advance();
    }
    c.crash(1, 99);
    c.letters.clear();
    for id in [2, 3, 2, 3] {
        c.elect(id);
        c.fire(id, Timer::Heartbeat);
        c.settle();
        if c.raft(id).leads() && !c.raft(id).membership().is_joint() {
            assert!(c.seen.contains(&Fact::JointFinishedByAnother));
            c.assert_kept();
            return c.raft(id).membership().as_ref().clone();
        }
    }
    panic!("nobody finished it: {:?}", c.raft(2).membership());
}

/// The wish is in the joint config's own entry, so that who did not hear the request knows it.
#[test]
fn a_later_leader_finishes_a_change_as_it_was_asked() {
    let members = |members, retain| Change::Members { members, retain };
    let replace = |ids_: &[u32]| ChangeMembers::ReplaceAllVoters(ids(ids_));
    let demote_1_and_drop_3 =
        ChangeMembers::Batch(vec![replace(&[2, 4, 5]), ChangeMembers::RemoveNodes(ids(&[3]))]);
    let set_configuration = |servers: &[u32], listeners: &[u32]| Change::SetConfiguration {
        mode: SetMode::Set,
        servers: at_home(servers),
        listeners: at_home(listeners),
    };
    let planned = |retain| Change::To { sets: vec![set(&[3, 4, 5])], nodes: at_home(&[3, 4, 5]), retain };
    let table: [(Change, &[u32], &[u32]); 7] = [
        (members(replace(&[3, 4, 5]), true), &[3, 4, 5], &[1, 2]),
        (members(replace(&[3, 4, 5]), false), &[3, 4, 5], &[]),
        (members(demote_1_and_drop_3, true), &[2, 4, 5], &[1]),
        (set_configuration(&[2, 3, 4], &[1]), &[2, 3, 4], &[1]),
        (set_configuration(&[2, 3, 4], &[5]), &[2, 3, 4], &[5]),
        (planned(true), &[3, 4, 5], &[1, 2]),
        (planned(false), &[3, 4, 5], &[]),
    ];
    for (change, voters, learners) in table {
        let end = finished_by_another(change.clone());
        assert_eq!(end.sets(), [set(voters)], "{change:?}");
        let rest = end.nodes().keys().copied().filter(|id| end.is_learner(*id));
        assert_eq!(rest.collect::<std::collections::BTreeSet<_>>(), ids(learners), "{change:?}");
    }
}

/// Members that are asked for and are there already: only a leader that still leads knows.
#[test]
fn nothing_to_change_is_said_by_a_leader_that_still_leads() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    assert_eq!(c.change(1, to(&[&[3, 2, 1], &[1, 2, 3]])), Some(Outcome::Done));
    assert_eq!(c.raft(1).log().last().index, LogIndex(1), "nothing was appended");
    c.part(&[1], &[2, 3]);
    let request = c.ask(1, to(&[&[1, 2, 3]]));
    c.settle();
    assert_eq!(c.outcomes.get(&request), None, "a quorum has to answer");
    c.heal();
    c.elect(2);
    assert_eq!(c.outcomes[&request], Outcome::Refused(Refusal::NotLeader { hint: None }));
}
