//! Reads at nodes that do not lead: when they are served, and whose answers count.

use splitbrain_core::{
    Body, Change, Config, Fact, NodeId, ReadContext, Refusal, RequestId, Rule, Rules, Timer,
};

use crate::cluster::{Cluster, Outcome, n, plain};

fn asking(id: NodeId) -> Config {
    Config { follower_reads: true, ..plain(id) }
}

/// Three voters and a learner, 4, all up to date; 1 leads.
fn led(rules: Rules) -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[4], move |id| Config { rules, ..asking(id) });
    c.elect(1);
    c.change(1, Change::AddLearner { node: n(4), address: splitbrain_core::Address(4), blocking: false });
    c.fire(1, Timer::Heartbeat);
    c.settle();
    c
}

fn is_served(c: &Cluster, read: RequestId) -> bool {
    c.outcomes.get(&read) == Some(&Outcome::Served)
}

/// Delivers everything, but leaves the disk of a node where it stands.
fn settle_but_for_disk_of(c: &mut Cluster, stalled: u32) {
    for _ in 0..1_000 {
        let writers = c.nodes.iter().filter(|(id, node)| id.0 != stalled && !node.unfinished.is_empty());
        match writers.map(|(id, _)| id.0).next() {
            Some(id) => c.finish_write(id),
            None if c.letters.is_empty() => return,
            None => c.deliver(0),
        }
    }
}

/// Delivers until a letter of this kind is written, and takes it out of the bag.
fn withhold(c: &mut Cluster, what: &str) -> crate::cluster::Letter {
    for _ in 0..1_000 {
        if let Some(place) = c.letters.iter().position(|letter| letter.message.body.name() == what) {
            return c.letters.remove(place);
        }
        c.deliver(0);
    }
    panic!("no {what} is written");
}

#[test]
fn a_follower_and_a_learner_serve_reads_by_asking_the_leader() {
    for node in [2, 4] {
        let mut c = led(Rules::all_on());
        let read = c.read(node);
        assert!(!is_served(&c, read), "it has to ask first");
        c.settle();
        assert!(is_served(&c, read), "{node}");
        assert!(c.seen.contains(&Fact::FollowerRead));
    }
}

#[test]
fn without_the_setting_a_follower_names_the_leader() {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    let read = c.read(2);
    assert_eq!(c.outcomes[&read], Outcome::Refused(Refusal::NotLeader { hint: Some(n(1)) }));
}

#[test]
fn a_read_waits_until_the_index_is_applied() {
    let early = |rules| {
        let mut c = led(rules);
        c.propose(1);
        settle_but_for_disk_of(&mut c, 2);
        assert!(c.raft(2).applied() < c.raft(1).commit(), "its own disk is behind");
        let read = c.read(2);
        settle_but_for_disk_of(&mut c, 2);
        let early = is_served(&c, read);
        c.settle();
        assert!(is_served(&c, read));
        early
    };
    assert!(!early(Rules::all_on()));
    assert!(early(Rules::all_on().without(Rule::ReadWaitsForApplied)));
}

#[test]
fn an_answer_to_a_dead_process_is_not_for_its_successor() {
    let stale = |rules| {
        let mut c = led(rules);
        c.read(2);
        let late = withhold(&mut c, "read-index-response");
        c.settle();
        c.crash(2, 0);
        // What the dead process did not want to know: 2 is written to meanwhile, and hears nothing of it.
        c.part(&[2], &[1, 3, 4]);
        c.restart(2);
        c.write(1);
        c.heal();
        c.fire(1, Timer::Heartbeat);
        while !c.letters.is_empty() && c.raft(2).leader().is_none() {
            c.deliver(0);
        }
        c.letters.clear();
        let read = c.read(2);
        assert!(matches!(c.letters[0].message.body, Body::ReadIndexRequest { .. }));
        c.letters.insert(0, late);
        c.deliver(0);
        is_served(&c, read)
    };
    assert!(!stale(Rules::all_on()));
    // The new process has applied what the old one asked for: it serves a state that lacks the write.
    assert!(stale(Rules::all_on().without(Rule::ReadContextNeverReused)));
}

#[test]
fn a_repeated_request_is_one_read_to_the_leader() {
    let mut c = led(Rules::all_on());
    let read = c.read(2);
    c.part(&[1], &[3]);
    let request = c.letters[0].clone();
    c.letters.push(request.clone());
    c.letters.push(request);
    c.settle();
    assert!(is_served(&c, read));
    let answers = |c: &Cluster| c.seen.contains(&Fact::ReadAnswerNotAwaited);
    // Two came while the first was under way; an answer that nobody waits for changes nothing.
    assert!(!answers(&c));
    let context = ReadContext { incarnation: 1, number: 1 };
    let late = c.raft(1).term();
    let message = splitbrain_core::Message {
        term: late,
        body: Body::ReadIndexResponse { context, index: splitbrain_core::LogIndex(1) },
    };
    let source = splitbrain_core::Address(1);
    c.step(2, splitbrain_core::Input::Received { from: n(1), source, to: n(2), message });
    assert!(answers(&c));
}

#[test]
fn reads_that_come_later_are_asked_for_anew() {
    let mut c = led(Rules::all_on());
    let first = c.read(2);
    let second = c.read(2);
    assert_eq!(c.letters.len(), 1, "one request is under way at a time");
    let answer = withhold(&mut c, "read-index-response");
    c.letters.insert(0, answer);
    c.deliver(0);
    assert!(is_served(&c, first));
    assert!(!is_served(&c, second), "the answer is to a request from before it came");
    c.settle();
    assert!(is_served(&c, second));
}

#[test]
fn a_lost_request_is_repeated_with_the_second_heartbeat() {
    let mut c = led(Rules::all_on());
    let read = c.read(2);
    c.letters.clear();
    for expected in [false, true] {
        c.fire(1, Timer::Heartbeat);
        c.settle();
        assert_eq!(is_served(&c, read), expected);
    }
}

#[test]
fn a_read_outlives_the_leader_that_it_was_asked_of() {
    let mut c = led(Rules::all_on());
    let read = c.read(2);
    c.letters.clear();
    c.crash(1, 0);
    c.elect(3);
    assert!(is_served(&c, read));
    assert!(c.seen.contains(&Fact::ReadAcrossLeaders));
}

#[test]
fn who_hears_of_no_leader_refuses_its_reads() {
    for (node, timer) in [(2, Timer::Election), (4, Timer::Stickiness)] {
        let mut c = led(Rules::all_on());
        c.part(&[node], &[1, 2, 3, 4]);
        let read = c.read(node);
        c.settle();
        assert_eq!(c.outcomes.get(&read), None);
        c.fire(node, timer);
        assert_eq!(c.outcomes[&read], Outcome::Refused(Refusal::NotLeader { hint: None }));
        assert!(c.seen.contains(&Fact::ReadLostLeader));
    }
}

#[test]
fn a_new_leader_answers_no_other_node_before_its_first_commit() {
    let mut c = led(Rules::all_on());
    c.elect_only(3);
    let leads = c.raft(3).term();
    while c.raft(2).term() < leads || c.raft(2).leader().is_none() {
        c.deliver(0);
    }
    c.letters.clear();
    let read = c.read(2);
    while !c.letters.is_empty() {
        c.deliver(0);
    }
    assert!(!is_served(&c, read));
    assert!(c.seen.contains(&Fact::ReadWaitedForCommit));
    c.fire(3, Timer::Heartbeat);
    c.settle();
    assert!(is_served(&c, read));
}
