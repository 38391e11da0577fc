//! Every fault judged by what it does to the smallest protocol, and budgets and agreement by what they do to Raft.

use std::collections::BTreeSet;

use super::World;
use crate::protocol::{Inspect as _, NodeId};
use crate::protocols::echo::Echo;
use crate::protocols::raft::Raft;
use crate::runner;
use crate::scenario::{NodeFault, Ratio};
use crate::time::Moment;
use crate::trace::Link;
use crate::world::node::Clock;
use crate::world::tests::{at, world_with};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const MS: u64 = 1_000_000;

fn after(world: &World<Echo>, millis: u64) -> Moment {
    world.now().after(millis * MS)
}

fn run(world: &mut World<Echo>, millis: u64) {
    let until = after(world, millis);
    world.run_until(until);
}

fn counted(world: &World<Echo>, node: NodeId) -> Option<u64> {
    world.nodes()[node.0 as usize].process.as_ref().map(Echo::count)
}

fn durable(world: &World<Echo>, node: NodeId) -> u64 {
    world.nodes()[node.0 as usize].disk.durable().count
}

fn pongs(world: &World<Echo>, node: NodeId) -> u64 {
    world.nodes()[node.0 as usize].process.as_ref().map_or(0, Echo::pongs)
}

fn world() -> World<Echo> {
    let mut world = world_with("", 1);
    run(&mut world, 2_000);
    world
}

#[test]
fn a_paused_process_stands_still_and_what_waited_comes_when_it_goes_on() {
    let mut world = world();
    let (count, answered) = (counted(&world, A), pongs(&world, NodeId(2)));
    world.begin_fault(A, NodeFault::Pause);
    run(&mut world, 3_000);
    assert_eq!(counted(&world, A), count);
    assert!(pongs(&world, NodeId(2)) <= answered + 1, "c's pings wait at a");
    world.end_fault(A, NodeFault::Pause);
    run(&mut world, 200);
    assert!(pongs(&world, NodeId(2)) > answered + 20, "a answers what waited");
    assert!(counted(&world, A) > count, "and its timers go on");
}

#[test]
fn a_crash_drops_what_waited_for_a_paused_process() {
    let mut world = world();
    world.begin_fault(A, NodeFault::Pause);
    run(&mut world, 1_000);
    let lost = world.counts().lost;
    world.crash(A);
    assert!(world.counts().lost > lost + 5);
    world.boot(A);
    run(&mut world, 1_000);
    assert!(counted(&world, A).is_some());
}

#[test]
fn who_is_killed_or_wiped_does_not_come_back() {
    for fault in [NodeFault::Kill, NodeFault::Wipe] {
        let mut world = world();
        world.begin_fault(A, fault);
        world.end_fault(A, fault);
        world.heal();
        world.boot(A);
        run(&mut world, 1_000);
        assert_eq!(counted(&world, A), None, "{fault:?}");
    }
}

#[test]
fn a_failed_write_kills_the_process_and_leaves_nothing_of_it() {
    let mut world = world();
    let before = durable(&world, A);
    world.begin_fault(A, NodeFault::FailedWrite);
    run(&mut world, 500);
    assert_eq!(counted(&world, A), None);
    assert!(durable(&world, A) <= before + 1);
    let kept = durable(&world, A);
    world.end_fault(A, NodeFault::FailedWrite);
    assert_eq!(counted(&world, A), Some(kept), "it starts on what is durable");
    run(&mut world, 500);
    assert!(durable(&world, A) > kept);
    assert_eq!(world.facts()["write-failed"], 1);
}

#[test]
fn a_full_disk_kills_every_start_until_there_is_room() {
    let mut world = world();
    world.begin_fault(A, NodeFault::FullDisk);
    run(&mut world, 500);
    assert_eq!(counted(&world, A), None);
    let kept = durable(&world, A);
    world.boot(A);
    run(&mut world, 500);
    assert_eq!(counted(&world, A), None, "the first write kills it again");
    assert_eq!(durable(&world, A), kept);
    world.end_fault(A, NodeFault::FullDisk);
    run(&mut world, 500);
    assert!(durable(&world, A) > kept);
}

#[test]
fn a_slow_disk_finishes_later() {
    let mut world = world_with("[disk]\nwrite = '40ms'", 1);
    run(&mut world, 2_000);
    assert!(world.nodes()[0].disk.unfinished() <= 1);
    world.begin_fault(A, NodeFault::SlowDisk { factor: 20 });
    run(&mut world, 2_000);
    assert!(world.nodes()[0].disk.unfinished() > 4, "a write takes 800 ms, and there are some ten a second");
    assert!(world.nodes()[1].disk.unfinished() <= 1);
    world.end_fault(A, NodeFault::SlowDisk { factor: 20 });
    run(&mut world, 60_000);
    assert!(world.nodes()[0].disk.unfinished() <= 1);
}

#[test]
fn a_slow_node_is_slow_in_all_it_does() {
    let mut world = world_with("[disk]\nwrite = '10ms'", 1);
    world.begin_fault(A, NodeFault::Slow { factor: 100 });
    run(&mut world, 900);
    assert!(durable(&world, A) == 0 && durable(&world, B) > 4);
    run(&mut world, 4_000);
    assert!(pongs(&world, A) < pongs(&world, B), "a's own messages take longer");
}

#[test]
fn rot_is_found_at_the_next_start() {
    let mut world = world();
    world.begin_fault(A, NodeFault::BitRot);
    run(&mut world, 1_000);
    assert!(counted(&world, A).is_some(), "a running process does not notice");
    world.crash(A);
    world.boot(A);
    assert_eq!(counted(&world, A), None);
    assert_eq!(world.facts()["refused-to-start"], 1);
    world.boot(A);
    assert_eq!(counted(&world, A), None, "nor does it start later");
}

#[test]
fn a_misdirected_write_is_found_at_the_next_start_if_there_was_a_write() {
    let mut world = world();
    world.begin_fault(B, NodeFault::MisdirectedWrite);
    world.end_fault(B, NodeFault::MisdirectedWrite);
    assert!(counted(&world, B).is_some(), "nothing was written meanwhile");
    world.begin_fault(A, NodeFault::MisdirectedWrite);
    run(&mut world, 1_000);
    assert!(world.nodes()[0].trouble.rotten);
    world.end_fault(A, NodeFault::MisdirectedWrite);
    assert_eq!(counted(&world, A), None);
}

#[test]
fn a_burst_loses_and_slow_links_delay_until_they_end() {
    let mut world = world();
    let burst = NodeFault::LossBurst { share: Ratio { num: 1, den: 1 } };
    world.begin_fault(A, burst);
    run(&mut world, 100);
    let answered = pongs(&world, A);
    run(&mut world, 3_000);
    assert_eq!(pongs(&world, A), answered);
    world.end_fault(A, burst);
    run(&mut world, 1_000);
    assert!(pongs(&world, A) > answered + 5);
    let slow = NodeFault::SlowLinks { factor: 1_000 };
    world.begin_fault(A, slow);
    run(&mut world, 100);
    let answered = pongs(&world, A);
    run(&mut world, 1_500);
    assert_eq!(pongs(&world, A), answered, "two seconds at least, there and back");
    world.end_fault(A, slow);
    run(&mut world, 30_000);
    assert!(pongs(&world, A) > answered + 20);
}

#[test]
fn a_frozen_clock_fires_no_timer_and_goes_on_where_it_stood() {
    let mut world = world();
    world.begin_fault(A, NodeFault::ClockFreeze);
    let (count, shown) = (counted(&world, A), world.nodes()[0].clock.shows(world.now()));
    run(&mut world, 5_000);
    assert_eq!(counted(&world, A), count);
    assert_eq!(world.nodes()[0].clock.shows(world.now()), shown);
    world.end_fault(A, NodeFault::ClockFreeze);
    assert_eq!(world.nodes()[0].clock.shows(world.now()), shown);
    run(&mut world, 1_000);
    assert!(counted(&world, A) > count);
}

#[test]
fn a_clock_that_jumps_fires_at_once_or_much_later() {
    let by = crate::protocol::Within { min: 3_000 * MS, max: 3_000 * MS };
    let mut directions = BTreeSet::new();
    for seed in 0..20 {
        let mut world = world_with("", seed);
        run(&mut world, 2_000);
        let count = counted(&world, A).unwrap();
        world.begin_fault(A, NodeFault::ClockJump { by });
        let ahead = world.nodes()[0].clock.ahead > 0;
        directions.insert(ahead);
        run(&mut world, 1);
        let at_once = counted(&world, A).unwrap() - count;
        run(&mut world, 2_800);
        let later = counted(&world, A).unwrap() - count;
        assert!(if ahead { at_once == 1 } else { later == 0 }, "{ahead} {at_once} {later}");
    }
    assert_eq!(directions.len(), 2);
}

#[test]
fn clocks_count_by_their_own_rate() {
    let fast = Clock { ppm: 250_000, ..Clock::default() };
    assert_eq!(fast.virtual_span(1_000), 800);
    assert_eq!(fast.shows(Moment(1_000)), 1_250);
    let slow = Clock { ppm: -500_000, ..Clock::default() };
    assert_eq!(slow.virtual_span(1_000), 2_000);
    assert_eq!(Clock::default().virtual_span(u64::MAX), u64::MAX);
    let mut world = world();
    let rate = |world: &World<Echo>| world.nodes()[0].clock.ppm;
    world.begin_fault(A, NodeFault::ClockDrift { ppm: 900_000 });
    assert_ne!(rate(&world), 0);
    world.end_fault(A, NodeFault::ClockDrift { ppm: 1 });
    assert_eq!(rate(&world), 0);
}

#[test]
fn clocks_of_a_world_differ_as_asked() {
    let world = world_with("[clock]\nskew = '1s'\ndrift_ppm = 1000", 4);
    let clocks: Vec<Clock> = world.nodes().iter().map(|node| node.clock).collect();
    assert!(
        clocks.iter().all(|clock| (0..=1_000_000_000).contains(&clock.ahead) && clock.ppm.abs() <= 1_000)
    );
    assert!(clocks[0] != clocks[1] && clocks[1] != clocks[2]);
}

#[test]
fn damaged_messages_are_dropped_when_they_arrive() {
    let mut world = world_with("[network]\ncorrupt = '100%'", 1);
    world.run_until(at(5));
    let counts = world.counts();
    assert_eq!(counts.delivered, 0);
    assert!(counts.lost > 50 && world.facts()["message-corrupt"] == counts.lost);
}

// With Raft.

fn raft(text: &str, seed: u64) -> World<Raft> {
    let text = format!(
        "title = 'raft'\nsource = 'here'\n{text}\n[story]\nsteps = [{{ run = '1s' }}]\n[expect]\nviolations = 'none'\n"
    );
    let scenario =
        crate::scenario::parse("raft.toml", &text).unwrap_or_else(|error| panic!("{error}")).scenario;
    let mut world = runner::world(&scenario, seed, false).unwrap();
    world.set_busy(true);
    world
}

const FIVE: &str = "[cluster]\nmembers = ['a', 'b', 'c', 'd', 'e']\n";

fn lost(world: &World<Raft>) -> usize {
    world.nodes().iter().filter(|node| node.trouble.is_lost()).count()
}

#[test]
fn within_the_budget_a_majority_stays_and_beyond_it_nobody_may() {
    let kill = "[[nemesis]]\nkind = 'kill'\nevery = '100ms..300ms'\nlasting = '1ms'\n";
    let rot = "[[nemesis]]\nkind = 'bit-rot'\nevery = '100ms..300ms'\nlasting = '1ms'\n";
    for seed in 0..10 {
        let mut world = raft(&format!("budget = 'within'\n{FIVE}{kill}{rot}"), seed);
        world.run_until(at(10));
        assert_eq!(lost(&world), 2);
        assert!(world.facts()["strike-held-back"] > 10);
        assert_eq!(world.beyond_hope(), None);
        let mut world = raft(&format!("budget = 'beyond'\n{FIVE}{kill}{rot}"), seed);
        world.run_until(at(10));
        assert_eq!(lost(&world), 5);
        assert!(world.beyond_hope().is_some(), "agreement is not owed any more");
    }
}

#[test]
fn crashes_within_the_budget_leave_a_quorum_of_every_set_up() {
    let members = "[cluster]\nmembers = [['a', 'b', 'c'], ['c', 'd', 'e']]\n";
    let crash = "[[nemesis]]\nkind = 'crash'\nevery = '50ms..100ms'\nlasting = '500ms..2s'\n";
    let mut world = raft(&format!("budget = 'within'\n{members}{crash}{crash}{crash}{crash}"), 3);
    let mut crashed = false;
    for tenth in 1..300 {
        world.run_until(Moment(tenth * 100 * MS));
        let down = |nodes: [u32; 3]| {
            nodes.iter().filter(|&&node| world.nodes()[node as usize].process.is_none()).count()
        };
        assert!(down([0, 1, 2]) <= 1 && down([2, 3, 4]) <= 1);
        crashed |= down([0, 1, 2]) == 1 && down([2, 3, 4]) == 1;
    }
    assert!(crashed && world.counts().crashes > 20);
}

#[test]
fn a_cue_lets_every_other_strike_come_where_and_when_it_is_waited_for() {
    let plain =
        format!("{FIVE}[cluster.options]\npre-vote = false\ncheck-quorum = false\nstickiness = false\n");
    let on =
        |cue: &str| format!("[[nemesis]]\nkind = 'reboot'\naim = 'any'\non = '{cue}'\nlasting = '1ms'\n");
    let (mut elected, mut hit, mut met) = (0, 0, 0);
    for seed in 0..200 {
        let mut world = raft(&format!("{plain}{}", on("leader-elected")), seed);
        while world.counts().reigns == 0 {
            world.run_events(1);
        }
        elected += 1;
        hit += world.counts().crashes;
        // It was the new leader, in the same moment: nobody leads any more.
        met += u64::from(world.counts().crashes == 1 && world.leader().is_none());
    }
    assert!((elected / 3..2 * elected / 3).contains(&hit), "{hit} of {elected}");
    assert_eq!(met, hit);
    let mut world = raft(&format!("{plain}{}", on("snapshot-installed")), 1);
    world.run_until(at(10));
    assert_eq!(world.counts().crashes, 0, "there are no snapshots");
}

#[test]
fn nobody_removed_by_removals_comes_back() {
    let removal = "[[nemesis]]\nkind = 'removal'\nevery = '500ms..1s'\nlasting = '1ms'\n";
    let mut world = raft(&format!("{FIVE}[workload]\nclients = 1\n{removal}"), 1);
    let voters = |world: &World<Raft>| {
        let leader = world.leader().and_then(|id| world.nodes()[id.0 as usize].process.as_ref());
        leader.map(|process| process.quorums().into_iter().flatten().count())
    };
    let mut fewest = 5;
    for second in 1..60 {
        world.run_until(at(second));
        let now = voters(&world).unwrap_or(fewest);
        assert!(now <= fewest, "{now} after {fewest}");
        fewest = now;
    }
    assert_eq!(fewest, 1, "the last one stays");
}

#[test]
fn why_a_cluster_does_not_agree_is_said() {
    let mut world = raft(FIVE, 1);
    for node in 0..3 {
        world.begin_fault(NodeId(node), NodeFault::Crash);
    }
    let why = world.converge(at(5)).unwrap_err();
    assert!(why.contains("no quorum can be reached") && why.contains("{d e}"), "{why}");
    let mut world = raft(FIVE, 1);
    world.run_until(at(2));
    for from in 0..5 {
        for to in 0..5 {
            world.set_link(NodeId(from), NodeId(to), Link::Cut);
        }
    }
    world.run_until(at(4));
    let why = world.converge(at(9)).unwrap_err();
    assert!(why.contains("nobody leads, though quorums can be reached"), "{why}");
    world.heal();
    assert_eq!(world.converge(at(20)), Ok(()));
}

#[test]
fn an_untimed_world_becomes_timed_when_it_heals_and_agrees() {
    let untimed = "[schedule]\nkind = 'untimed'\nin_flight = 8\n[workload]\nclients = 3\n\
                   [[nemesis]]\nkind = 'crash'\nevery = '1s'\nlasting = '1s'\n";
    for seed in 0..10 {
        let mut world = raft(&format!("{FIVE}{untimed}"), seed);
        world.run_events(20_000);
        assert_eq!(world.violations(), []);
        assert!(world.now() < at(1), "an event takes a microsecond");
        assert!(world.counts().crashes > 20 && world.counts().reigns > 1, "{:?}", world.counts());
        world.set_busy(false);
        world.heal();
        let until = world.now().after(60_000 * MS);
        assert_eq!(world.converge(until), Ok(()), "seed {seed}");
    }
}
