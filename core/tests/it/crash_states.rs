//! Recovery from every crash point, by exhaustion: at every moment of a workload, every prefix of the unfinished
//! writes of every node is a disk that the node may have to start from. No draw, no sample.
//!
//! Holds: the node finds on its disk what the disk holds; nothing that was promised before the crash is taken back
//! after it, whether the others live on, or lose power with it and lose or keep all they had not finished; and the
//! cluster goes on.
//! Not here: what a crash keeps (`Write::prefix`), crashes at random (`random`).

use splitbrain_core::{
    Change, Config, Durable, JointFinish, LogId, Membership, Payload, Raft, Rule, Rules, Timer, invariants,
};

use crate::cluster::{Cluster, append, at_home, n, plain, voters};

/// One line of a workload. What follows from it happens one event at a time, with a look at the crash states after
/// each.
#[derive(Clone, Debug)]
enum Do {
    Elect(u32),
    Propose(u32),
    Ask(u32, Change),
    Transfer(u32, u32),
    Snapshot(u32),
    Heartbeat(u32),
    Part(&'static [u32], &'static [u32]),
    Heal,
}

/// Which comes first, the disks or the network.
#[derive(Clone, Copy, Debug)]
enum Disks {
    /// Every write is finished before the next message arrives.
    Quick,
    /// Writes gather until no message is under way; the first node's disk is the fastest.
    Slow,
    /// The same, and the last node's disk is the fastest.
    SlowFromTheLast,
}

const EVERY_ORDER: [Disks; 3] = [Disks::Quick, Disks::Slow, Disks::SlowFromTheLast];

fn begin(c: &mut Cluster, step: &Do) {
    match step {
        Do::Elect(id) => c.fire(*id, Timer::Election),
        Do::Propose(id) => drop(c.propose(*id)),
        Do::Ask(id, change) => drop(c.ask(*id, change.clone())),
        Do::Transfer(id, to) => drop(c.transfer(*id, *to)),
        Do::Snapshot(id) => c.snapshot(*id),
        Do::Heartbeat(id) => c.fire(*id, Timer::Heartbeat),
        Do::Part(left, right) => c.part(left, right),
        Do::Heal => c.heal(),
    }
}

/// One event of those under way. Returns whether there was one.
fn advance(c: &mut Cluster, disks: Disks) -> bool {
    let mut writers = c.nodes.iter().filter(|(_, node)| !node.unfinished.is_empty()).map(|(id, _)| id.0);
    let writer = match disks {
        Disks::Quick | Disks::Slow => writers.next(),
        Disks::SlowFromTheLast => writers.next_back(),
    };
    let letters = !c.letters.is_empty();
    match (disks, writer) {
        (Disks::Slow | Disks::SlowFromTheLast, _) if letters => c.deliver(0),
        (_, Some(id)) => c.finish_write(id),
        (_, None) if letters => c.deliver(0),
        (_, None) => return false,
    }
    true
}

/// Looks at the cluster before and after every event of a workload.
fn walk(mut c: Cluster, workload: &[Do], disks: Disks, visit: &mut dyn FnMut(&Cluster)) {
    visit(&c);
    for step in workload {
        begin(&mut c, step);
        visit(&c);
        while advance(&mut c, disks) {
            visit(&c);
        }
    }
    assert_eq!(c.broken, None, "the workload itself");
}

/// The disk of a node after a crash now, for every number of parts that it may keep.
fn crash_states(c: &Cluster, id: u32) -> impl Iterator<Item = usize> {
    let unfinished = &c.nodes[&n(id)].unfinished;
    0..=unfinished.iter().map(|(_, write)| write.parts()).sum()
}

/// The last membership on a disk, found the simple way.
fn membership_on(disk: &Durable) -> (LogId, Membership) {
    let in_log = disk.log.iter().filter_map(|entry| match &entry.payload {
        Payload::Membership(membership) => Some((entry.id, Membership::clone(membership))),
        Payload::Blank | Payload::Command(_) => None,
    });
    let in_snapshot = (disk.snapshot.membership_at, Membership::clone(&disk.snapshot.membership));
    in_log.last().unwrap_or(in_snapshot)
}

/// What a restarted node must be: what its disk says, and nothing more.
fn fault_of_recovery(raft: &Raft, disk: &Durable) -> Option<&'static str> {
    let (at, members) = raft.effective_membership();
    if let Err(broken) = invariants::check_state(raft) {
        return Some(broken);
    }
    if raft.term() != disk.hard_state.term || raft.vote() != disk.hard_state.vote {
        return Some("term and vote are those of the disk");
    }
    if raft.log() != &disk.log || raft.durable() != disk.last().index {
        return Some("the log is that of the disk, all of it durable");
    }
    if (*at, Membership::clone(members)) != membership_on(disk) {
        return Some("the members are the last ones on the disk");
    }
    if raft.applied() != disk.snapshot.last.index || raft.commit() != raft.applied() {
        return Some("the machine begins with the snapshot");
    }
    None
}

/// What the others do when one node crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    LiveOn,
    /// Everyone loses power; the others keep only what was finished.
    KeepFinished,
    /// Everyone loses power; the others keep all that was under way.
    KeepAll,
}

/// Crashes a node, goes on, and says what broke.
fn after_crash(c: &Cluster, id: u32, parts: usize, others: Others) -> Option<String> {
    let mut c = c.clone();
    let rest: Vec<u32> = c.nodes.keys().map(|id| id.0).filter(|other| *other != id).collect();
    c.crash(id, parts);
    for other in &rest {
        match others {
            Others::LiveOn => {}
            Others::KeepFinished => c.crash(*other, 0),
            Others::KeepAll => c.crash(*other, usize::MAX),
        }
    }
    if others != Others::LiveOn {
        c.letters.clear();
    }
    c.restart(id);
    if let Some(fault) = fault_of_recovery(c.raft(id), &c.nodes[&n(id)].disk) {
        return Some(fault.to_owned());
    }
    if others != Others::LiveOn {
        rest.iter().for_each(|other| c.restart(*other));
    }
    c.heal();
    go_on(&mut c, id)
}

/// Elects the restarted node if the others will have it, otherwise one of them; then everyone must agree.
fn go_on(c: &mut Cluster, restarted: u32) -> Option<String> {
    let mut order: Vec<u32> = c.nodes.keys().map(|id| id.0).collect();
    order.sort_by_key(|id| *id != restarted);
    // Twice, because the first round may only spread a higher term.
    let leader = order.iter().chain(&order).copied().find(|id| {
        c.elect(*id);
        c.raft(*id).leads() || c.broken.is_some()
    });
    let Some(leader) = leader.filter(|_| c.broken.is_none()) else {
        return c.broken.clone().or_else(|| Some("nobody can be elected".to_owned()));
    };
    c.write(leader);
    c.fire(leader, Timer::Heartbeat);
    c.settle();
    c.check_log_matching();
    if c.broken.is_some() {
        return c.broken.clone();
    }
    let leader = c.nodes.keys().map(|id| id.0).find(|id| c.raft(*id).leads())?;
    let last = c.raft(leader).log().last().index;
    let members = c.raft(leader).membership();
    let behind = members.nodes().keys().find(|id| c.raft(id.0).applied() != last);
    behind.map(|id| format!("{} has not applied everything", id.0))
}

/// What an enumeration came to.
#[derive(Debug, Default)]
struct Tally {
    moments: usize,
    states: usize,
    broken: Vec<String>,
}

fn enumerate(start: &Cluster, workload: &[Do], disks: Disks) -> Tally {
    let mut tally = Tally::default();
    walk(start.clone(), workload, disks, &mut |c| {
        tally.moments += 1;
        for id in c.nodes.keys().map(|id| id.0) {
            for parts in crash_states(c, id) {
                tally.states += 1;
                for others in [Others::LiveOn, Others::KeepFinished, Others::KeepAll] {
                    if let Some(text) = after_crash(c, id, parts, others) {
                        let moment = tally.moments;
                        tally.broken.push(format!(
                            "{disks:?}, moment {moment}, {id} keeps {parts} parts, others {others:?}: {text}"
                        ));
                    }
                }
            }
        }
    });
    tally
}

fn check(start: Cluster, workload: &[Do]) {
    for disks in EVERY_ORDER {
        let tally = enumerate(&start, workload, disks);
        assert!(tally.broken.is_empty(), "{:#?}", &tally.broken[..tally.broken.len().min(5)]);
        // Each moment has three nodes or more; some have a write under way, or this shows nothing.
        assert!(tally.states > 3 * tally.moments, "{} states in {} moments", tally.states, tally.moments);
    }
}

fn config(id: splitbrain_core::NodeId) -> Config {
    Config { joint_finish: JointFinish::Finish, ..plain(id) }
}

fn three() -> Cluster {
    Cluster::new(&[&[1, 2, 3]], &[], config)
}

#[test]
fn every_crash_state_of_an_election_and_writes() {
    check(three(), &[Do::Elect(1), Do::Propose(1), Do::Propose(1)]);
}

#[test]
fn every_crash_state_of_a_log_repair() {
    let mut start = three();
    start.elect(1);
    start.part(&[1], &[2, 3]);
    start.write(1);
    start.write(1);
    start.elect(2);
    start.write(2);
    check(start, &[Do::Heal, Do::Heartbeat(2), Do::Propose(2)]);
}

#[test]
fn every_crash_state_of_two_candidates() {
    let parted = Do::Part(&[1], &[3]);
    check(three(), &[parted, Do::Elect(1), Do::Elect(3), Do::Heal, Do::Elect(2), Do::Propose(2)]);
}

#[test]
fn every_crash_state_of_a_snapshot_and_its_installation() {
    let mut start = three();
    start.elect(1);
    start.part(&[3], &[1, 2]);
    start.write(1);
    start.write(1);
    check(start, &[Do::Snapshot(1), Do::Propose(1), Do::Heal, Do::Heartbeat(1), Do::Propose(1)]);
}

#[test]
fn every_crash_state_of_a_snapshot_over_a_log_that_is_cut() {
    let mut start = three();
    start.elect(3);
    start.part(&[3], &[1, 2]);
    start.write(3);
    start.write(3);
    start.elect(1);
    start.write(1);
    start.snapshot(1);
    start.settle();
    check(start, &[Do::Heal, Do::Heartbeat(1), Do::Propose(1)]);
}

/// Snapshots of three chunks, with an entry or two left behind them.
fn chunks_and_a_tail(id: splitbrain_core::NodeId) -> Config {
    Config { snapshot_chunk_bytes_max: 3, trailing_entries: 2, ..config(id) }
}

#[test]
fn every_crash_state_of_a_snapshot_that_comes_in_chunks() {
    let mut start = Cluster::new(&[&[1, 2, 3]], &[], chunks_and_a_tail);
    start.elect(1);
    start.part(&[3], &[1, 2]);
    (0..4).for_each(|_| _ = start.write(1));
    check(start, &[Do::Snapshot(1), Do::Heal, Do::Heartbeat(1), Do::Propose(1), Do::Heartbeat(1)]);
}

#[test]
fn every_crash_state_of_snapshots_with_memberships_in_the_tail() {
    let mut start = Cluster::new(&[&[1, 2, 3]], &[], chunks_and_a_tail);
    start.elect(1);
    let workload = [
        Do::Ask(1, append(&[&[1, 2]])),
        Do::Snapshot(1),
        Do::Propose(1),
        Do::Snapshot(2),
        Do::Ask(1, append(&[&[1, 2, 3]])),
        Do::Snapshot(1),
        Do::Propose(1),
    ];
    check(start, &workload);
}

#[test]
fn every_crash_state_of_a_joint_change() {
    let mut start = Cluster::new(&[&[1, 2, 3]], &[4], config);
    start.elect(1);
    let joint =
        Change::To { sets: vec![crate::cluster::set(&[1, 2, 4])], nodes: at_home(&[1, 2, 4]), retain: true };
    check(start, &[Do::Ask(1, joint), Do::Propose(1)]);
}

#[test]
fn every_crash_state_of_a_change_with_a_snapshot_at_its_boundary() {
    let mut start = three();
    start.elect(1);
    let workload =
        [Do::Ask(1, append(&[&[1, 2]])), Do::Snapshot(1), Do::Snapshot(2), Do::Propose(1), Do::Snapshot(3)];
    check(start, &workload);
}

#[test]
fn every_crash_state_of_a_leader_that_removes_itself() {
    let mut start = three();
    start.elect(1);
    check(start, &[Do::Ask(1, voters(&[2, 3])), Do::Propose(1)]);
}

#[test]
fn every_crash_state_of_a_transfer() {
    let mut start = three();
    start.elect(1);
    check(start, &[Do::Propose(1), Do::Transfer(1, 3), Do::Propose(3)]);
}

/// The same enumeration finds what each rule about the disk is for.
fn finds(rule: Rule, start: impl FnOnce(Cluster) -> Cluster, workload: &[Do], sentence: &str) {
    let careless = |id| Config { rules: Rules::all_on().without(rule), ..config(id) };
    let start = start(Cluster::new(&[&[1, 2, 3]], &[], careless));
    let mut broken = Vec::new();
    for disks in EVERY_ORDER {
        broken.extend(enumerate(&start, workload, disks).broken);
    }
    assert!(broken.iter().any(|text| text.contains(sentence)), "{broken:#?}");
}

#[test]
fn without_durable_votes_a_crash_state_elects_two() {
    let workload = [Do::Part(&[1], &[3]), Do::Elect(1)];
    finds(Rule::VoteDurableBeforeReply, |c| c, &workload, "lead term 1");
}

#[test]
fn without_durable_appends_a_crash_state_loses_what_was_committed() {
    let elected = |mut c: Cluster| {
        c.elect(1);
        c.part(&[3], &[1, 2]);
        c
    };
    finds(Rule::AppendDurableBeforeReply, elected, &[Do::Propose(1)], "without (1,2)");
}

#[test]
fn without_counting_only_what_is_durable_a_crash_state_loses_what_was_committed() {
    let elected = |mut c: Cluster| {
        c.elect(1);
        c.part(&[3], &[1, 2]);
        c
    };
    finds(Rule::SelfCountsOnlyWhenDurable, elected, &[Do::Propose(1)], "without (1,2)");
}
