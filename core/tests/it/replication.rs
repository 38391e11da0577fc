//! Entries, acknowledgements, commits, reads, snapshots.

use splitbrain_core::{
    Body, Config, Durable, Entry, Fact, LogId, LogIndex, Membership, NodeId, Payload, Refusal, Rule, Rules,
    Term, Timer,
};

use crate::cluster::{Cluster, Letter, Outcome, at_home, n, plain, set};

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
    let entries = |letter: &Letter| match &letter.message.body {
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

/// How many appends it takes to bring followers up to date when every message may overtake every other.
fn appends_when_overtaken(window: u64, entries: u64) -> u64 {
    let config = move |id| Config { inflight_entries_max: window, batch_entries_max: 1, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], config);
    c.elect(1);
    (0..entries).for_each(|_| _ = c.propose(1));
    let (mut state, mut appends) = (1_u64, 0);
    for _ in 0..1_000_000 {
        (1..=3).for_each(|id| c.finish_write(id));
        if c.letters.is_empty() {
            break;
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let place = (state >> 33) as usize % c.letters.len();
        appends += u64::from(matches!(c.letters[place].message.body, Body::AppendRequest { .. }));
        c.deliver(place);
    }
    // An append that overtook may have been the one that told the commit index.
    c.fire(1, Timer::Heartbeat);
    c.settle();
    assert_eq!((c.raft(2).commit(), c.raft(3).commit()), (LogIndex(entries + 1), LogIndex(entries + 1)));
    c.assert_kept();
    appends
}

#[test]
fn messages_that_overtake_each_other_start_no_storm() {
    // 512 appends would be enough. Without the growing window it takes 100,193 and 321,954.
    for (window, most) in [(1, 520), (8, 2_500), (64, 3_000), (256, 4_000)] {
        let appends = appends_when_overtaken(window, 256);
        assert!(appends <= most, "{appends} appends with a window of {window}");
    }
}

/// The bytes of the commands under way to a node, append by append.
fn bytes_under_way(c: &Cluster, to: u32) -> Vec<u64> {
    let appends = c.letters.iter().filter(|letter| letter.to == n(to)).filter_map(|letter| {
        let Body::AppendRequest { slice, .. } = &letter.message.body else { return None };
        Some(slice.entries().iter().map(|entry| entry.payload.bytes()).sum())
    });
    appends.collect()
}

#[test]
fn no_more_bytes_are_under_way_than_the_window_allows() {
    let narrow = |id| Config { inflight_bytes_max: 30, batch_bytes_max: 17, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], narrow);
    c.elect(1);
    (0..10).for_each(|_| _ = c.propose(1));
    assert_eq!(bytes_under_way(&c, 2), [8, 8, 8], "a fourth command of 8 bytes is too much");
    assert!(c.seen.contains(&Fact::WindowFull));
    // What waits goes in batches of two.
    c.finish_write(2);
    while let Some(place) = c.letters.iter().position(|letter| letter.to == n(2)) {
        c.deliver(place);
        c.finish_write(2);
    }
    while let Some(place) = c.letters.iter().position(|letter| letter.from == n(2)) {
        c.deliver(place);
    }
    assert_eq!(bytes_under_way(&c, 2).iter().sum::<u64>(), 24);
    c.settle();
    assert_eq!(c.raft(3).commit(), LogIndex(11));
    assert!(c.raft(1).peers().is_some_and(|peers| peers.as_slice().iter().all(|peer| peer.bytes == 0)));
}

#[test]
fn a_command_larger_than_every_limit_goes_alone() {
    let tiny = |id| Config { inflight_bytes_max: 3, batch_bytes_max: 2, ..plain(id) };
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], tiny);
    c.elect(1);
    (0..3).for_each(|_| _ = c.propose(1));
    assert_eq!(bytes_under_way(&c, 2), [8]);
    c.settle();
    assert_eq!(c.raft(3).commit(), LogIndex(4));
}

/// 3 lacks what only the snapshot of 1 contains, and 1 is about to find out. The state of 8 bytes takes three chunks.
fn far_behind(config: impl Fn(NodeId) -> Config) -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { snapshot_chunk_bytes_max: 3, ..config(id) });
    c.elect(1);
    c.part(&[3], &[1, 2]);
    (0..5).for_each(|_| _ = c.write(1));
    c.snapshot(1);
    c.settle();
    c.heal();
    c.fire(1, Timer::Heartbeat);
    c
}

/// Where the chunks under way begin.
fn chunks(c: &Cluster) -> Vec<u64> {
    let offsets = c.letters.iter().filter_map(|letter| match &letter.message.body {
        Body::SnapshotRequest { chunk } => Some(chunk.offset),
        _ => None,
    });
    offsets.collect()
}

/// Lets things happen until a chunk with this offset is under way.
fn until_chunk(c: &mut Cluster, offset: u64) {
    while !chunks(c).contains(&offset) {
        (1..=3).for_each(|id| c.finish_write(id));
        assert!(!c.letters.is_empty(), "no chunk at {offset}");
        c.deliver(0);
        assert!(chunks(c).len() <= 1, "one chunk at a time");
    }
}

/// Lets everything happen but the delivery of chunks, which are lost.
fn lose_chunks(c: &mut Cluster) {
    while !c.letters.is_empty() {
        c.letters.retain(|letter| !matches!(letter.message.body, Body::SnapshotRequest { .. }));
        (1..=3).for_each(|id| c.finish_write(id));
        if !c.letters.is_empty() {
            c.deliver(0);
        }
    }
}

#[test]
fn a_snapshot_comes_in_chunks_while_clients_write() {
    let mut c = far_behind(plain);
    for offset in [0, 3, 6] {
        until_chunk(&mut c, offset);
        c.propose(1);
    }
    c.settle();
    assert_eq!(c.raft(3).snapshot().last, LogId::new(1, 6));
    assert_eq!(c.raft(3).applied(), LogIndex(9));
    c.assert_kept();
}

#[test]
fn a_lost_chunk_is_sent_again_and_nothing_before_it() {
    let mut c = far_behind(plain);
    until_chunk(&mut c, 3);
    lose_chunks(&mut c);
    c.fire(1, Timer::Heartbeat);
    lose_chunks(&mut c);
    assert!(!c.seen.contains(&Fact::SnapshotResumed), "one heartbeat may overtake a slow chunk");
    c.fire(1, Timer::Heartbeat);
    until_chunk(&mut c, 3);
    assert!(c.seen.contains(&Fact::SnapshotResumed));
    until_chunk(&mut c, 6);
    c.settle();
    assert_eq!(c.raft(3).applied(), LogIndex(6));
    c.assert_kept();
}

#[test]
fn an_interrupted_transfer_goes_on_with_its_snapshot_though_there_is_a_newer_one() {
    let mut c = far_behind(plain);
    until_chunk(&mut c, 3);
    c.part(&[3], &[1, 2]);
    c.write(1);
    c.snapshot(1);
    c.settle();
    c.heal();
    for _ in 0..2 {
        c.fire(1, Timer::Heartbeat);
        while !c.letters.is_empty() && chunks(&c).is_empty() {
            c.deliver(0);
        }
    }
    assert_eq!(chunks(&c), [3]);
    c.settle();
    assert_eq!(c.raft(3).applied(), LogIndex(7));
    c.assert_kept();
}

#[test]
fn a_restart_loses_half_a_snapshot_and_begins_anew() {
    let mut c = far_behind(plain);
    until_chunk(&mut c, 6);
    c.crash(3, 0);
    c.settle();
    c.restart(3);
    (0..2).for_each(|_| {
        c.fire(1, Timer::Heartbeat);
        c.settle();
    });
    assert!(c.seen.contains(&Fact::SnapshotStartedOver));
    assert_eq!(c.raft(3).applied(), LogIndex(6));
    c.assert_kept();
}

/// When 3 holds most of a snapshot of 1, 2 takes a newer one and comes to lead.
fn replace_sender(c: &mut Cluster) {
    until_chunk(c, 6);
    c.part(&[3], &[1, 2]);
    c.write(1);
    c.snapshot(2);
    c.settle();
    c.crash(1, 0);
    c.heal();
    c.elect(2);
}

#[test]
fn the_snapshot_of_a_new_leader_replaces_half_of_an_earlier_one() {
    let mut c = far_behind(plain);
    replace_sender(&mut c);
    assert!(c.raft(2).leads());
    assert!(c.seen.contains(&Fact::SnapshotAbandoned));
    c.write(2);
    assert_eq!(c.raft(3).applied(), c.raft(2).log().last().index);
    c.assert_kept();
}

#[test]
fn chunks_that_come_twice_or_late_add_nothing() {
    let mut c = far_behind(plain);
    let mut copies = Vec::new();
    for offset in [0, 3, 6] {
        until_chunk(&mut c, offset);
        let is_chunk = |letter: &&Letter| matches!(letter.message.body, Body::SnapshotRequest { .. });
        copies.extend(c.letters.iter().find(is_chunk).cloned());
        c.letters.extend(copies.iter().cloned());
        while chunks(&c).len() > 1 {
            let place = c.letters.iter().position(|letter| is_chunk(&letter)).unwrap();
            c.deliver(place);
        }
    }
    c.settle();
    assert_eq!(c.raft(3).applied(), LogIndex(6));
    c.assert_kept();
}

#[test]
fn entries_behind_a_snapshot_serve_a_follower_that_is_a_little_behind() {
    let trailing = |count| {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { trailing_entries: count, ..plain(id) });
        c.elect(1);
        c.write(1);
        c.part(&[3], &[1, 2]);
        (0..3).for_each(|_| _ = c.write(1));
        c.snapshot(1);
        c.settle();
        c.heal();
        c.fire(1, Timer::Heartbeat);
        c.settle();
        assert_eq!(c.raft(3).applied(), LogIndex(5));
        c.assert_kept();
        c
    };
    assert!(trailing(2).seen.contains(&Fact::SnapshotSent));
    let mut c = trailing(3);
    assert!(!c.seen.contains(&Fact::SnapshotSent));
    c.crash(1, 0);
    c.restart(1);
    let raft = c.raft(1);
    assert_eq!((raft.log().base(), raft.snapshot().last), (LogId::new(1, 2), LogId::new(1, 5)));
    assert_eq!((raft.commit(), raft.applied()), (LogIndex(5), LogIndex(5)));
}

#[cfg(feature = "mutations")]
mod mistakes {
    use super::*;
    use splitbrain_core::Mutation;

    fn with(mutation: Mutation) -> Cluster {
        far_behind(|id| Config { mutation: Some(mutation), ..plain(id) })
    }

    #[test]
    fn a_chunk_that_is_added_wherever_it_belongs_makes_a_state_that_nobody_took() {
        let mut c = with(Mutation::ChunkOffsetIgnored);
        until_chunk(&mut c, 0);
        c.letters.extend(c.letters.clone());
        c.settle();
        assert!(c.broken.is_some_and(|text| text.contains("a state that nobody took")));
    }

    #[test]
    fn a_chunk_of_another_snapshot_makes_a_state_that_nobody_took() {
        let mut c = with(Mutation::ChunkOfAnotherSnapshot);
        replace_sender(&mut c);
        assert!(c.broken.is_some_and(|text| text.contains("a state that nobody took")));
    }
}
