//! Elections: who may win, who may vote, who gives way.

use splitbrain_core::{Body, Config, Fact, Input, Message, Refusal, RoleName, Rule, Rules, Term, Timer};

use crate::cluster::{Cluster, Outcome, append, n, plain, voters};

fn three() -> Cluster {
    Cluster::new(&[&[1, 2, 3]], &[], plain)
}

#[test]
fn one_of_three_is_elected_and_the_others_follow() {
    let mut c = three();
    c.elect(1);
    assert_eq!(c.raft(1).role(), RoleName::Leader);
    for id in [2, 3] {
        assert_eq!(c.raft(id).leader(), Some(n(1)));
        assert_eq!(c.terms(id), [1]);
        assert_eq!(c.raft(id).commit().0, 1);
    }
    c.assert_kept();
}

#[test]
fn a_single_voter_elects_itself_once_its_vote_is_durable() {
    let mut c = Cluster::new(&[&[1]], &[], Config::new);
    c.fire(1, Timer::Election);
    assert_eq!(c.raft(1).role(), RoleName::Candidate);
    c.finish_write(1);
    assert_eq!(c.raft(1).role(), RoleName::Leader);
    assert_eq!(c.raft(1).commit().0, 0, "its entry is not durable yet");
    c.finish_write(1);
    assert_eq!(c.raft(1).commit().0, 1);
}

#[test]
fn a_request_for_votes_waits_for_the_disk() {
    let mut c = three();
    c.fire(1, Timer::Election);
    assert!(c.letters.is_empty());
    c.finish_write(1);
    assert_eq!(c.letters.len(), 2);
}

#[test]
fn a_vote_waits_for_the_disk() {
    let mut c = three();
    c.fire(1, Timer::Election);
    c.finish_write(1);
    c.deliver(0);
    assert_eq!(c.letters.len(), 1, "only the other request");
    c.finish_write(2);
    assert!(matches!(c.letters[1].message.body, Body::VoteResponse { granted: true }));
}

#[test]
fn a_node_votes_once_a_term_also_across_a_crash() {
    let mut c = three();
    c.part(&[1], &[3]);
    c.part(&[2], &[1]);
    c.fire(1, Timer::Election);
    c.fire(3, Timer::Election);
    c.heal();
    c.finish_write(1);
    c.finish_write(3);
    let ask_two =
        |c: &Cluster, from: u32| c.letters.iter().position(|l| l.from == n(from) && l.to == n(2)).unwrap();
    c.deliver(ask_two(&c, 1));
    c.finish_write(2);
    c.crash(2, 0);
    c.restart(2);
    c.deliver(ask_two(&c, 3));
    c.settle();
    assert!(c.seen.contains(&Fact::VoteRefusedGivenAlready));
    c.assert_kept();
}

#[test]
fn a_candidate_with_a_shorter_log_is_refused() {
    let mut c = three();
    c.elect(1);
    c.part(&[3], &[1, 2]);
    c.write(1);
    c.heal();
    c.crash(1, 0);
    c.elect(3);
    assert_eq!(c.raft(3).role(), RoleName::Candidate, "refused by 2, with 1 down");
    assert!(c.seen.contains(&Fact::VoteRefusedLogBehind));
    c.elect(2);
    assert!(c.raft(2).leads());
    c.assert_kept();
}

#[test]
fn a_reply_of_an_earlier_term_is_not_counted() {
    let mut c = Cluster::new(&[&[1, 2, 3, 4, 5]], &[], plain);
    c.fire(1, Timer::Election);
    c.finish_write(1);
    let late = Message { term: Term(1), body: Body::VoteResponse { granted: true } };
    c.fire(1, Timer::Election);
    c.finish_write(1);
    for from in [2, 3, 4] {
        let source = splitbrain_core::Address(from);
        c.step(1, Input::Received { from: n(from), source, to: n(1), message: late.clone() });
    }
    assert_eq!(c.raft(1).role(), RoleName::Candidate);
}

#[test]
fn pre_vote_keeps_a_returning_node_from_ending_a_term() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], Config::new);
    c.elect(1);
    c.part(&[3], &[1, 2]);
    for _ in 0..5 {
        c.elect(3);
    }
    assert_eq!(c.raft(3).term(), Term(1));
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert!(c.raft(1).leads());
    assert_eq!(c.raft(3).leader(), Some(n(1)));
    c.assert_kept();
}

#[test]
fn a_living_leader_keeps_its_followers_until_they_miss_it() {
    let sticky = |id| Config { pre_vote: false, ..Config::new(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], sticky);
    c.elect(1);
    c.part(&[1], &[2, 3]);
    c.elect(3);
    assert!(c.seen.contains(&Fact::VoteIgnoredLeaderLives));
    assert!(!c.raft(3).leads());
    assert_eq!(c.raft(2).term(), Term(1));
    c.fire(2, Timer::Stickiness);
    c.elect(3);
    assert!(c.raft(3).leads());
    c.assert_kept();
}

#[test]
fn stickiness_never_keeps_the_leader_itself_from_coming_back() {
    let sticky = |id| Config { pre_vote: false, ..Config::new(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], sticky);
    c.elect(1);
    c.crash(3, 0);
    c.crash(1, 0);
    c.restart(1);
    c.elect(1);
    assert!(c.raft(1).leads());
}

#[test]
fn a_leader_that_hears_no_quorum_steps_down() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], Config::new);
    c.elect(1);
    c.fire(1, Timer::CheckQuorum);
    assert!(c.raft(1).leads(), "it has just heard them");
    c.part(&[1], &[2, 3]);
    let lost = c.write(1);
    c.fire(1, Timer::CheckQuorum);
    assert!(!c.raft(1).leads());
    assert!(c.seen.contains(&Fact::QuorumLost));
    assert_eq!(c.outcomes[&lost], Outcome::Refused(Refusal::LeadershipLost));
}

#[test]
fn a_leader_gives_way_to_the_target_of_a_transfer() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], Config::new);
    c.elect(1);
    let transfer = c.transfer(1, 3);
    let refused = c.propose(1);
    c.settle();
    assert!(c.raft(3).leads());
    assert_eq!(c.outcomes[&transfer], Outcome::Done);
    assert_eq!(c.outcomes[&refused], Outcome::Refused(Refusal::Transferring));
    c.assert_kept();
}

#[test]
fn the_target_of_a_transfer_catches_up_first() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], Config::new);
    c.elect(1);
    c.part(&[3], &[1, 2]);
    (0..3).for_each(|_| _ = c.write(1));
    c.heal();
    let transfer = c.transfer(1, 3);
    let told = |c: &Cluster| c.letters.iter().any(|letter| letter.message.body == Body::TimeoutNow);
    assert!(!told(&c), "3 lacks three entries");
    c.fire(1, Timer::Heartbeat);
    while !told(&c) {
        (1..=3).for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    assert_eq!(c.raft(3).log().last(), c.raft(1).log().last());
    c.settle();
    assert!(c.raft(3).leads());
    assert_eq!(c.outcomes[&transfer], Outcome::Done);
    c.assert_kept();
}

/// Node 3 should rather lead than 2, and 2 rather than 1.
fn ranked(id: splitbrain_core::NodeId) -> Config {
    Config { priority: id.0, ..Config::new(id) }
}

#[test]
fn a_leader_gives_way_to_a_voter_of_higher_priority() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], ranked);
    c.crash(3, 0);
    c.elect(1);
    assert!(!c.raft(1).leads() && c.seen.contains(&Fact::PreVoteRefusedForPriority));
    c.elect(2);
    assert!(c.raft(2).leads());
    c.write(2);
    c.restart(3);
    (0..3).for_each(|_| {
        c.fire(2, Timer::Heartbeat);
        c.settle();
    });
    assert!(c.raft(3).leads() && c.seen.contains(&Fact::GaveWay));
    c.assert_kept();
}

#[test]
fn priority_never_keeps_a_longer_log_from_leading() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { stickiness: false, ..ranked(id) });
    c.elect(3);
    c.part(&[3], &[1, 2]);
    c.crash(3, 0);
    c.elect(2);
    c.part(&[2], &[1]);
    c.restart(3);
    c.heal();
    c.part(&[2], &[1, 3]);
    // 3 lacks the first entry of 2's term, 1 holds it.
    c.fire(1, Timer::Stickiness);
    c.elect(1);
    assert!(c.raft(1).leads());
    c.assert_kept();
}

#[test]
fn a_leader_tries_to_give_way_once_a_term() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], ranked);
    c.crash(3, 0);
    c.elect(2);
    c.restart(3);
    let lose_requests = |c: &mut Cluster| {
        while !c.letters.is_empty() {
            c.letters.retain(|letter| letter.message.body != Body::TimeoutNow);
            (1..=3).for_each(|id| c.finish_write(id));
            if !c.letters.is_empty() {
                c.deliver(0);
            }
        }
    };
    (0..3).for_each(|_| {
        c.fire(2, Timer::Heartbeat);
        lose_requests(&mut c);
    });
    assert!(c.seen.contains(&Fact::GaveWay));
    c.fire(2, Timer::Transfer);
    (0..3).for_each(|_| {
        c.fire(2, Timer::Heartbeat);
        lose_requests(&mut c);
    });
    let write = c.write(2);
    assert_eq!(c.outcomes.get(&write), None, "clients wait once only");
    assert!(c.raft(2).leads());
}

#[test]
fn a_transfer_to_a_dead_node_times_out_and_the_leader_goes_on() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], Config::new);
    c.elect(1);
    c.crash(3, 0);
    let transfer = c.transfer(1, 3);
    c.settle();
    c.fire(1, Timer::Transfer);
    assert_eq!(c.outcomes[&transfer], Outcome::Refused(Refusal::TransferTimedOut));
    let write = c.write(1);
    assert_eq!(c.outcomes.get(&write), None);
    assert_eq!(c.raft(2).commit(), c.raft(1).commit());
}

#[test]
fn a_learner_is_no_target_and_never_stands() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(1);
    let learner = splitbrain_core::Change::AddLearner {
        node: n(4),
        address: splitbrain_core::Address(4),
        blocking: false,
    };
    assert_eq!(c.change(1, learner), Some(Outcome::Done));
    let transfer = c.transfer(1, 4);
    assert_eq!(c.outcomes[&transfer], Outcome::Refused(Refusal::NotATarget));
    c.elect(4);
    assert_eq!(c.raft(4).role(), RoleName::Follower);
    assert_eq!(c.raft(4).term(), Term(1));
}

#[test]
fn an_uninitialised_node_votes_but_never_stands() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], plain);
    c.elect(4);
    assert_eq!(c.raft(4).term(), Term(0));
    c.elect(1);
    c.part(&[1], &[4]);
    assert_eq!(c.change(1, append(&[&[1, 2, 3, 4]])), Some(Outcome::Done));
    c.heal();
    c.crash(1, 0);
    c.crash(2, 0);
    c.elect(3);
    assert_eq!(c.raft(4).vote(), Some(n(3)), "a voter that does not know it votes");
    assert!(!c.raft(3).leads(), "two of four are no majority");
    c.assert_kept();
}

#[test]
fn a_removed_node_may_stand_while_the_removal_is_not_committed() {
    let mut c = Cluster::new(&[&[1, 2]], &[], plain);
    c.elect(1);
    c.part(&[1], &[2]);
    c.ask(1, append(&[&[2]]));
    c.settle();
    c.crash(1, 9);
    c.restart(1);
    c.heal();
    c.elect(2);
    assert!(!c.raft(2).leads(), "2 lacks the entry");
    c.elect(1);
    assert!(c.seen.contains(&Fact::RemovedNodeCampaigned));
    assert_eq!(c.raft(2).membership().sets().len(), 1);
    c.settle();
    c.elect(2);
    assert!(c.raft(2).leads());
    c.assert_kept();
}

#[test]
fn a_removed_leader_leads_until_the_change_is_committed() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { learner_may_lead: false, ..plain(id) });
    c.elect(1);
    c.part(&[1], &[2, 3]);
    c.ask(1, voters(&[2, 3]));
    c.settle();
    assert!(c.raft(1).leads());
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert!(!c.raft(1).leads());
    assert!(c.seen.contains(&Fact::LeaderRemoved));
    c.elect(2);
    assert!(c.raft(2).leads());
    c.assert_kept();
}

#[test]
fn a_leader_kept_as_a_learner_may_lead_on_without_a_vote() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    assert_eq!(c.change(1, voters(&[2, 3])), Some(Outcome::Done));
    assert!(c.raft(1).leads() && c.seen.contains(&Fact::LearnerLeads));
    c.crash(3, 0);
    let before = c.raft(1).commit();
    c.write(1);
    assert_eq!(c.raft(1).commit(), before, "2 alone is no majority of 2 and 3");
    c.assert_kept();
}

#[test]
fn without_one_vote_per_term_two_lead() {
    let careless = |id| Config { rules: Rules::all_on().without(Rule::OneVotePerTerm), ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], careless);
    c.part(&[1], &[3]);
    c.fire(1, Timer::Election);
    c.fire(3, Timer::Election);
    c.settle();
    assert!(c.broken.as_ref().is_some_and(|text| text.contains("lead term 1")), "{:?}", c.broken);
}

#[test]
fn without_peer_identity_a_stranger_votes_in_anothers_name() {
    let split = |rules: Rules| {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[4], move |id| Config { rules, ..plain(id) });
        c.elect(3);
        c.part(&[1, 2], &[3, 4]);
        let moved = splitbrain_core::ChangeMembers::SetNodes([(n(2), splitbrain_core::Address(4))].into());
        c.ask(3, splitbrain_core::Change::Members { members: moved, retain: true });
        c.settle();
        c.crash(3, 0);
        c.restart(3);
        c.elect(3);
        c.elect(1);
        c
    };
    let careless = split(Rules::all_on().without(Rule::PeerIdentity));
    assert!(careless.broken.is_some());
    let careful = split(Rules::all_on());
    assert_eq!(careful.broken, None);
    assert!(careful.seen.contains(&Fact::Misrouted));
}
