//! Random worlds: any order of messages, losses, duplicates, crashes with torn writes, changes, snapshots.

use proptest::prelude::*;
use splitbrain_core::{Change, ChangeMembers, Config, Input, Intersect, JointFinish, NodeId, Rules, Timer};

use crate::cluster::{Cluster, append, at_home, ids, n, set};

const NODES: u32 = 6;

#[derive(Clone, Debug)]
pub(crate) enum Do {
    Deliver(usize),
    Drop(usize),
    Duplicate(usize),
    FinishWrite(u32),
    Fire(u32, Timer),
    Propose(u32),
    Read(u32),
    Change(u32, u8),
    Transfer(u32, u32),
    Snapshot(u32),
    Crash(u32, usize),
    Settle,
}

pub(crate) fn doing() -> impl Strategy<Value = Do> {
    let node = || 1..=NODES;
    let timer = prop_oneof![
        6 => Just(Timer::Election),
        4 => Just(Timer::Heartbeat),
        3 => Just(Timer::Stickiness),
        1 => Just(Timer::CheckQuorum),
        1 => Just(Timer::Transfer),
        1 => Just(Timer::Staging),
        1 => Just(Timer::EvenLease),
        1 => Just(Timer::OddLease),
    ];
    prop_oneof![
        40 => (0usize..64).prop_map(Do::Deliver),
        3 => (0usize..64).prop_map(Do::Drop),
        3 => (0usize..64).prop_map(Do::Duplicate),
        25 => node().prop_map(Do::FinishWrite),
        5 => (node(), timer).prop_map(|(node, timer)| Do::Fire(node, timer)),
        5 => node().prop_map(Do::Propose),
        2 => node().prop_map(Do::Read),
        4 => (node(), any::<u8>()).prop_map(|(node, which)| Do::Change(node, which)),
        1 => (node(), node()).prop_map(|(node, to)| Do::Transfer(node, to)),
        2 => node().prop_map(Do::Snapshot),
        3 => (node(), 0usize..6).prop_map(|(node, parts)| Do::Crash(node, parts)),
        1 => Just(Do::Settle),
    ]
}

pub(crate) fn config() -> impl Strategy<Value = Config> {
    let entries = (1u64..4, 1u64..6);
    let bytes = (1u64..30, 1u64..60, 1u64..10);
    (any::<[bool; 8]>(), entries, bytes, 0u64..4).prop_map(|(on, (batch, window), bytes, trailing)| Config {
        pre_vote: on[0],
        check_quorum: on[1],
        stickiness: on[2],
        joint_finish: if on[3] { JointFinish::Finish } else { JointFinish::Leave },
        intersect: if on[4] { Intersect::Exact } else { Intersect::Shared },
        learner_may_lead: on[5],
        priority: u32::from(on[6]),
        shutdown_on_remove: on[7],
        batch_entries_max: batch,
        inflight_entries_max: window,
        batch_bytes_max: bytes.0,
        inflight_bytes_max: bytes.1,
        snapshot_chunk_bytes_max: bytes.2,
        trailing_entries: trailing,
        ..Config::new(NodeId(0))
    })
}

/// A change for every number, many of which are refused.
pub(crate) fn change(which: u8) -> Change {
    let one = u32::from(which) % NODES + 1;
    let two = u32::from(which) / 7 % NODES + 1;
    let retain = which.is_multiple_of(2);
    match which % 9 {
        0 => Change::AddLearner { node: n(one), address: at_home(&[one])[&n(one)], blocking: false },
        1 => Change::Members { members: ChangeMembers::AddVoters(at_home(&[one])), retain },
        2 => Change::Members { members: ChangeMembers::RemoveVoters(ids(&[one])), retain: true },
        3 => append(&[&[1, 2, 3], &[one, two, 6]]),
        4 => append(&[&[one, two, 6]]),
        5 => Change::To { sets: vec![set(&[one, two, 3])], nodes: at_home(&[one, two, 3]), retain: true },
        6 => Change::AddServer { node: n(one), address: at_home(&[one])[&n(one)] },
        7 => Change::To {
            sets: vec![set(&[1, 2, one]), set(&[4, 5, two])],
            nodes: at_home(&[1, 2, 4, 5, one, two]),
            retain: true,
        },
        _ => append(&[&[1, 2, 3]]),
    }
}

pub(crate) fn run(c: &mut Cluster, step: &Do) {
    match *step {
        Do::Deliver(at) if !c.letters.is_empty() => c.deliver(at % c.letters.len()),
        Do::Drop(at) if !c.letters.is_empty() => drop(c.letters.remove(at % c.letters.len())),
        Do::Duplicate(at) if !c.letters.is_empty() => c.letters.push(c.letters[at % c.letters.len()].clone()),
        Do::Deliver(_) | Do::Drop(_) | Do::Duplicate(_) => {}
        Do::FinishWrite(id) => c.finish_write(id),
        Do::Fire(id, timer) => c.fire(id, timer),
        Do::Propose(id) => drop(c.propose(id)),
        Do::Read(id) => drop(c.read(id)),
        Do::Change(id, which) => drop(c.ask(id, change(which))),
        Do::Transfer(id, to) => drop(c.transfer(id, to)),
        Do::Snapshot(id) => c.snapshot(id),
        Do::Crash(id, parts) => {
            c.crash(id, parts);
            c.restart(id);
        }
        Do::Settle => c.settle(),
    }
}

pub(crate) fn world(config: Config) -> Cluster {
    let priority = |id: NodeId| config.priority * (id.0 % 3);
    Cluster::new(&[&[1, 2, 3]], &[4, 5, 6], move |id| Config { id, priority: priority(id), ..config })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_hold_in_any_world(config in config(), steps in proptest::collection::vec(doing(), 0..600)) {
        let mut c = world(config);
        for step in &steps {
            run(&mut c, step);
            prop_assert_eq!(&c.broken, &None, "after {:?}", step);
        }
        c.assert_kept();
    }

    #[test]
    fn everyone_agrees_once_the_faults_end(config in config(), steps in proptest::collection::vec(doing(), 0..400)) {
        let config = Config { joint_finish: JointFinish::Finish, ..config };
        let mut c = world(config);
        steps.iter().for_each(|step| run(&mut c, step));
        let leader = heal(&mut c);
        prop_assert!(leader.is_some(), "nobody leads: {:#?}", c.nodes.values().map(|node| &node.raft).collect::<Vec<_>>());
        let leader = leader.unwrap();
        let members = c.raft(leader).membership().clone();
        for id in members.nodes().keys() {
            prop_assert!(c.runs(id.0), "node {} takes part and was sent away", id.0);
            prop_assert_eq!(c.raft(id.0).applied(), c.raft(leader).log().last().index, "node {}", id.0);
        }
        c.assert_kept();
    }

    #[test]
    fn the_same_input_gives_the_same_result(config in config(), steps in proptest::collection::vec(doing(), 0..200)) {
        let mut c = world(config);
        for step in &steps {
            if let Do::Fire(id, timer) = step
                && c.runs(*id)
            {
                let raft = c.raft(*id).clone();
                let first = raft.clone().step(Input::TimerFired(*timer));
                let second = raft.step(Input::TimerFired(*timer));
                prop_assert_eq!(first, second);
            }
            if let (Do::Deliver(at), false) = (step, c.letters.is_empty()) {
                let letter = c.letters[at % c.letters.len()].clone();
                if !c.runs(letter.address.0) {
                    continue;
                }
                let input = Input::Received { from: letter.from, source: letter.source, to: letter.to, message: letter.message };
                let raft = c.raft(letter.address.0).clone();
                prop_assert_eq!(raft.clone().step(input.clone()), raft.step(input));
            }
            run(&mut c, step);
        }
    }
}

/// Lets everything settle, and time pass until someone leads and everyone has heard of it.
pub(crate) fn heal(c: &mut Cluster) -> Option<u32> {
    c.settle();
    for round in 0..60 {
        let leader =
            (1..=NODES).filter(|id| c.runs(*id) && c.raft(*id).leads()).max_by_key(|id| c.raft(*id).term());
        if let Some(id) = leader {
            (0..4).for_each(|_| {
                c.fire(id, Timer::Heartbeat);
                c.settle();
            });
            c.fire(id, Timer::Staging);
            c.settle();
            c.fire(id, Timer::Transfer);
            c.settle();
            c.fire(id, Timer::CheckQuorum);
            c.fire(id, Timer::Heartbeat);
            c.settle();
            c.fire(id, Timer::CheckQuorum);
            c.settle();
            // A leader that was removed has ended by now.
            let last = c.nodes[&n(id)].disk.last().index;
            if c.runs(id) && c.raft(id).leads() && c.raft(id).commit() == last {
                return Some(id);
            }
        }
        (1..=NODES).for_each(|id| c.fire(id, Timer::Stickiness));
        c.elect(round % NODES + 1);
    }
    None
}

#[test]
fn rules_are_on_unless_switched_off() {
    assert!(Config::new(n(1)).rules == Rules::all_on());
}
