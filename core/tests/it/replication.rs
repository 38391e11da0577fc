//! Entries, acknowledgements, commits, reads, snapshots.

use splitbrain_core::{
    Body, Config, Durable, Entry, Fact, LogId, LogIndex, Membership, NodeId, Payload, Refusal, Rule, Rules,
    Term, Timer,
};

use crate::cluster::{Cluster, Outcome, at_home, n, plain, set};

fn three() -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    c
}

#[test]
fn a_write_reaches_everyone() {
    let mut c = three();
    c.write(1);
    for id in [1, 2, 3] {
        assert_eq!(c.terms(id), [1, 1]);
        assert_eq!(c.raft(id).applied(), LogIndex(2));
    }
    c.assert_kept();
}

#[test]
fn a_leader_counts_itself_only_once_its_entry_is_durable() {
    let mut c = three();
    c.crash(3, 0);
    c.propose(1);
    c.deliver(0);
    c.finish_write(2);
    let ack = c.letters.iter().position(|letter| letter.from == n(2)).unwrap();
    c.deliver(ack);
    assert_eq!(c.raft(1).commit(), LogIndex(1), "1 holds it in memory only");
    c.finish_write(1);
    assert_eq!(c.raft(1).commit(), LogIndex(2));
}

#[test]
fn an_acknowledgement_waits_for_the_disk() {
    let mut c = three();
    c.propose(1);
    c.deliver(0);
    assert!(c.letters.iter().all(|letter| letter.from == n(1)));
    c.finish_write(2);
    let ack = c.letters.iter().find(|letter| letter.from == n(2)).unwrap();
    assert_eq!(ack.message.body, Body::AppendAccepted { through: LogIndex(2) });
}

#[test]
fn a_leader_repairs_every_kind_of_follower() {
    let logs: [&[u64]; 7] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    let membership =
        Membership::new(vec![set(&[1, 2, 3, 4, 5, 6, 7])], at_home(&[1, 2, 3, 4, 5, 6, 7])).unwrap();
    let disks = logs.iter().enumerate().map(|(place, terms)| {
        let mut disk = Durable::initialised(membership.clone());
        for (index, term) in terms.iter().enumerate() {
            let id = LogId::new(*term, index as u64 + 1);
            disk.log.push(Entry { id, payload: Payload::Blank });
        }
        disk.hard_state.term = Term(7);
        (NodeId(place as u32 + 1), disk)
    });
    let mut c = Cluster::on_disks(disks, plain);
    c.elect(1);
    assert!(c.raft(1).leads());
    for id in 1..=7 {
        assert_eq!(c.terms(id), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8], "node {id}");
    }
    c.assert_kept();
}

#[test]
fn repair_skips_whole_terms() {
    let membership = Membership::new(vec![set(&[1, 2, 3])], at_home(&[1, 2, 3])).unwrap();
    let disk = |terms: Vec<u64>| {
        let mut disk = Durable::initialised(membership.clone());
        for (index, term) in terms.into_iter().enumerate() {
            disk.log.push(Entry { id: LogId::new(term, index as u64 + 1), payload: Payload::Blank });
        }
        disk.hard_state.term = Term(3);
        disk
    };
    let ours: Vec<u64> = [vec![1; 10], vec![3; 300]].concat();
    let theirs: Vec<u64> = [vec![1; 10], vec![2; 200]].concat();
    let disks = [(n(1), disk(ours.clone())), (n(2), disk(ours)), (n(3), disk(theirs))];
    let mut c = Cluster::on_disks(disks.into_iter(), plain);
    c.part(&[1], &[2]);
    c.fire(1, Timer::Election);
    let mut rejections = 0;
    while !c.letters.is_empty() || c.nodes.values().any(|node| !node.unfinished.is_empty()) {
        for id in 1..=3 {
            c.finish_write(id);
        }
        if !c.letters.is_empty() {
            rejections += u32::from(matches!(c.letters[0].message.body, Body::AppendRejected { .. }));
            c.deliver(0);
        }
    }
    assert_eq!(c.terms(3).len(), 311);
    assert!(rejections <= 3, "{rejections} rejections");
    c.assert_kept();
}

#[test]
fn a_delayed_append_cuts_nothing() {
    let mut c = three();
    c.propose(1);
    let old = c.letters.iter().find(|letter| letter.to == n(2)).unwrap().clone();
    c.settle();
    c.write(1);
    c.letters.push(old);
    c.settle();
    assert_eq!(c.terms(2), [1, 1, 1]);
    assert!(c.seen.contains(&Fact::StaleAppend));
    c.assert_kept();
}

#[test]
fn without_the_conflict_check_a_delayed_append_cuts_what_was_acknowledged() {
    let careless =
        |id| Config { rules: Rules::all_on().without(Rule::ConflictCheckBeforeTruncating), ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], careless);
    c.elect(1);
    c.crash(3, 9);
    c.propose(1);
    let old = c.letters.iter().find(|letter| letter.to == n(2)).unwrap().clone();
    c.settle();
    c.write(1);
    c.crash(1, 9);
    c.letters.push(old);
    c.settle();
    assert_eq!(c.terms(2), [1, 1]);
    c.restart(3);
    c.elect(2);
    c.write(2);
    assert!(c.broken.is_some());
}

#[test]
fn a_lost_append_is_found_by_a_heartbeat() {
    let mut c = three();
    c.propose(1);
    c.letters.retain(|letter| letter.to != n(2));
    c.settle();
    assert_eq!(c.terms(2), [1]);
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert_eq!(c.terms(2), [1, 1]);
    assert_eq!(c.raft(2).commit(), LogIndex(2));
}

#[test]
fn no_more_is_under_way_than_the_window_allows() {
    let narrow = |id| Config { inflight_entries_max: 4, batch_entries_max: 2, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], narrow);
    c.elect(1);
    for _ in 0..10 {
        c.propose(1);
    }
    let entries = |letter: &crate::cluster::Letter| match &letter.message.body {
        Body::AppendRequest { slice, .. } if letter.to == n(2) => slice.len(),
        _ => 0,
    };
    assert_eq!(c.letters.iter().map(entries).sum::<usize>(), 4);
    assert!(c.seen.contains(&Fact::WindowFull));
    c.settle();
    assert_eq!(c.raft(3).commit(), LogIndex(11));
}

#[test]
fn too_much_uncommitted_is_refused() {
    let small = |id| Config { uncommitted_bytes_max: 16, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], small);
    c.elect(1);
    c.part(&[1], &[2, 3]);
    let requests: Vec<_> = (0..3).map(|_| c.propose(1)).collect();
    assert_eq!(c.outcomes.get(&requests[1]), None);
    assert_eq!(c.outcomes[&requests[2]], Outcome::Refused(Refusal::TooMuchUncommitted));
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    let later = c.write(1);
    assert_eq!(c.outcomes.get(&later), None);
    assert_eq!(c.raft(2).commit(), LogIndex(4));
}

/// Figure 8 of the paper, with batches of one entry, so that the old entry arrives before the leader's own.
fn figure_8(rules: Rules) -> Cluster {
    let config = move |id| Config { rules, batch_entries_max: 1, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3, 4, 5]], &[], config);
    // (a) 1 leads term 1 and replicates index 2 to 2 only; (b) 5 leads term 2 and keeps index 2 to itself.
    c.elect(1);
    c.part(&[1, 2], &[3, 4, 5]);
    c.write(1);
    c.crash(1, 0);
    c.fire(5, Timer::Election);
    while !c.raft(5).leads() {
        (3..=5).for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    c.finish_write(5);
    c.letters.clear();
    c.crash(5, 0);
    // (c) 1 leads term 3 with 2 and 3, and goes on with the entry of term 1 until a majority holds it.
    c.restart(1);
    c.heal();
    c.part(&[1, 2, 3], &[4, 5]);
    c.elect_only(1);
    let matched = |c: &Cluster| c.raft(1).peers().and_then(|peers| peers.get(n(3))).map(|peer| peer.matched);
    while matched(&c) < Some(LogIndex(2)) {
        (1..=3).for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    // (d) 1 crashes, and 5 is elected by 3 and 4, as its last entry is of a later term.
    c.letters.clear();
    c.crash(1, 0);
    c.crash(2, 0);
    c.restart(5);
    c.heal();
    c.elect(5);
    c.elect(5);
    assert!(c.raft(5).leads());
    c.write(5);
    c
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting() {
    figure_8(Rules::all_on()).assert_kept();
    let careless = figure_8(Rules::all_on().without(Rule::CommitOnlyOwnTerm));
    assert!(careless.broken.is_some_and(|text| text.contains("5 leads term 4 without (1,2)")));
}

#[test]
fn a_write_that_a_crash_takes_away_was_never_acknowledged() {
    let lose = |rules: Rules| {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[], move |id| Config { rules, ..plain(id) });
        c.elect(1);
        c.part(&[3], &[1, 2]);
        c.propose(1);
        c.finish_write(1);
        while let Some(place) = c.letters.iter().position(|letter| [n(1), n(2)].contains(&letter.to)) {
            c.deliver(place);
        }
        c.crash(2, 0);
        c.crash(1, 0);
        c.restart(2);
        c.heal();
        c.letters.clear();
        c.elect(3);
        c
    };
    assert_eq!(lose(Rules::all_on()).broken, None);
    assert!(lose(Rules::all_on().without(Rule::AppendDurableBeforeReply)).broken.is_some());
}

#[test]
fn reads_are_confirmed_by_a_quorum() {
    let mut c = three();
    let alone = c.read(1);
    assert_eq!(c.outcomes.get(&alone), None);
    c.settle();
    assert_eq!(c.outcomes[&alone], Outcome::Served);
    c.part(&[1], &[2, 3]);
    let lost = c.read(1);
    c.settle();
    assert_eq!(c.outcomes.get(&lost), None);
    c.elect(2);
    c.heal();
    c.fire(2, Timer::Heartbeat);
    c.settle();
    assert_eq!(c.outcomes[&lost], Outcome::Refused(Refusal::NotLeader { hint: Some(n(2)) }));
}

#[test]
fn reads_that_gather_share_the_next_round() {
    let mut c = three();
    let reads: Vec<_> = (0..5).map(|_| c.read(1)).collect();
    assert_eq!(c.letters.len(), 2, "one round is under way");
    c.settle();
    assert!(reads.iter().all(|read| c.outcomes[read] == Outcome::Served));
}

#[test]
fn a_new_leader_serves_no_read_before_its_first_commit() {
    let mut c = three();
    c.write(1);
    c.crash(1, 0);
    c.fire(2, Timer::Election);
    while !c.raft(2).leads() {
        [2, 3].into_iter().for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    let read = c.read(2);
    assert!(c.seen.contains(&Fact::ReadWaitedForCommit));
    assert_eq!(c.outcomes.get(&read), None);
    c.settle();
    assert_eq!(c.outcomes[&read], Outcome::Served);
}

#[test]
fn without_confirmation_a_leader_that_was_replaced_serves_at_once() {
    let careless = |id| Config { rules: Rules::all_on().without(Rule::ReadConfirmsLeadership), ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], careless);
    c.elect(1);
    c.part(&[1], &[2, 3]);
    c.elect(2);
    c.write(2);
    let stale = c.read(1);
    assert_eq!(c.outcomes[&stale], Outcome::Served);
}

#[test]
fn a_follower_too_far_behind_gets_a_snapshot_and_then_entries() {
    let mut c = three();
    c.part(&[3], &[1, 2]);
    (0..5).for_each(|_| _ = c.write(1));
    c.snapshot(1);
    c.write(1);
    assert_eq!(c.raft(1).log().base().index, LogIndex(6));
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert_eq!(c.raft(3).log().base(), LogId::new(1, 6));
    assert_eq!(c.raft(3).applied(), LogIndex(7));
    assert!(c.seen.contains(&Fact::SnapshotInstalled));
    c.crash(3, 0);
    c.restart(3);
    assert_eq!(c.raft(3).applied(), LogIndex(6), "the machine starts from the snapshot");
    c.assert_kept();
}

#[test]
fn a_snapshot_never_replaces_a_log_that_holds_its_last_entry() {
    let mut c = three();
    c.part(&[3], &[1, 2]);
    (0..5).for_each(|_| _ = c.write(1));
    c.snapshot(1);
    c.heal();
    c.fire(1, Timer::Heartbeat);
    while !c.letters.iter().any(|letter| matches!(letter.message.body, Body::SnapshotRequest { .. })) {
        [1, 3].into_iter().for_each(|id| c.finish_write(id));
        c.deliver(0);
    }
    let place =
        c.letters.iter().position(|letter| matches!(letter.message.body, Body::SnapshotRequest { .. }));
    let again = c.letters[place.unwrap()].clone();
    c.settle();
    c.write(1);
    c.letters.push(again);
    c.settle();
    assert_eq!(c.raft(3).log().last(), LogId::new(1, 7));
    assert!(c.seen.contains(&Fact::SnapshotOutdated));
    c.assert_kept();
}

#[test]
fn a_lost_snapshot_is_sent_again() {
    let mut c = three();
    c.part(&[3], &[1, 2]);
    (0..5).for_each(|_| _ = c.write(1));
    c.snapshot(1);
    c.heal();
    for _ in 0..2 {
        c.fire(1, Timer::Heartbeat);
        while !c.letters.is_empty() {
            c.letters.retain(|letter| !matches!(letter.message.body, Body::SnapshotRequest { .. }));
            (1..=3).for_each(|id| c.finish_write(id));
            if !c.letters.is_empty() {
                c.deliver(0);
            }
        }
    }
    assert_eq!(c.raft(3).commit(), LogIndex(1));
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert_eq!(c.raft(3).commit(), LogIndex(6));
}
