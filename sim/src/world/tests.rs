//! The simulator judged with the smallest protocol: what reaches a node, what a crash keeps, what equal seeds give.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::choices::Choices;
use crate::protocol::{Address, NodeId, Protocol};
use crate::protocols::echo::{Echo, Tick};
use crate::scenario::{Scenario, Weights};
use crate::time::Moment;
use crate::trace::Link;
use crate::world::World;
use crate::world::act::Which;
use crate::world::agenda::Agenda;

const SECOND: u64 = 1_000_000_000;

fn scenario(extra: &str) -> Arc<Scenario> {
    let text = format!(
        "title = 'echo'\nsource = 'here'\n{extra}\n[cluster]\nmembers = [['a', 'b', 'c']]\n\
         election = '50ms..150ms'\n[story]\nsteps = [{{ settle = true }}]\n[expect]\nviolations = 'none'\n"
    );
    Arc::new(crate::scenario::parse("echo.toml", &text).unwrap().scenario)
}

pub(crate) fn world_with(extra: &str, seed: u64) -> World<Echo> {
    let scenario = scenario(extra);
    let settings = Echo::settings(&scenario.settings()).unwrap();
    World::new(scenario, settings, Choices::seeded(seed), Agenda::timed(), false)
}

pub(crate) fn at(seconds: u64) -> Moment {
    Moment(seconds * SECOND)
}

fn digest(mut world: World<Echo>) -> u128 {
    world.run_until(at(20));
    world.trace().digest()
}

#[test]
fn equal_seeds_give_equal_runs_and_other_seeds_others() {
    let lossy = "[network]\nloss = '10%'\nduplicate = '5%'\ndelay = '1ms..80ms'";
    let digests: BTreeSet<u128> = (0..50).map(|seed| digest(world_with(lossy, seed))).collect();
    assert_eq!(digests.len(), 50);
    for seed in 0..50 {
        assert!(digests.contains(&digest(world_with(lossy, seed))));
    }
}

#[test]
fn a_fork_ends_like_its_original() {
    let mut world = world_with("[network]\nloss = '10%'", 3);
    world.run_until(at(5));
    let fork = world.clone();
    assert_eq!(digest(world), digest(fork));
}

#[test]
fn every_message_is_delivered_or_lost_and_duplicates_come_on_top() {
    let mut world = world_with("[network]\nloss = '20%'\nduplicate = '10%'", 1);
    world.run_until(at(200));
    let counts = world.counts();
    let twice = world.facts()["message-duplicated"];
    let under_way = counts.sent + twice - counts.delivered - counts.lost;
    assert!(under_way <= 6, "{counts:?}");
    let percent = counts.lost * 100 / counts.sent;
    assert!((18..=22).contains(&percent), "{percent}% lost");
}

#[test]
fn a_partition_stops_messages_between_groups_and_healing_lets_them_pass() {
    let mut world = world_with("", 1);
    let everyone = [0, 1, 2].map(|node| BTreeSet::from([NodeId(node)]));
    world.partition(&everyone);
    world.run_until(at(5));
    assert_eq!(world.counts().delivered, 0);
    world.heal();
    world.run_until(at(10));
    assert!(world.counts().delivered > 100);
}

#[test]
fn a_one_way_cut_stops_one_way() {
    let mut world = world_with("", 1);
    world.set_link(NodeId(1), NodeId(0), Link::Cut);
    world.run_until(at(5));
    let pongs = |world: &World<Echo>, node: usize| world.nodes()[node].process.as_ref().unwrap().pongs();
    assert_eq!(pongs(&world, 0), 0, "b's answers to a are lost");
    assert!(pongs(&world, 1) > 20, "b still reaches c");
}

#[test]
fn held_messages_wait_for_their_release_or_are_dropped() {
    let mut world = world_with("", 1);
    world.set_link(NodeId(0), NodeId(1), Link::Held);
    world.run_until(at(5));
    let before = world.counts().delivered;
    world.set_link(NodeId(0), NodeId(1), Link::Open);
    world.settle(at(6));
    let released = world.counts().delivered - before;
    assert!(released >= 40, "{released} of 5 s of pings arrive, and are answered");
    world.set_link(NodeId(0), NodeId(1), Link::Held);
    world.run_until(at(10));
    let lost = world.counts().lost;
    world.drop_held(NodeId(0), NodeId(1));
    assert!(world.counts().lost > lost + 20);
}

#[test]
fn a_message_reaches_whoever_is_at_the_address() {
    let mut world = world_with("", 1);
    world.bind(NodeId(2), Address(9));
    world.run_until(at(5));
    assert!(world.counts().lost > 20, "nobody is at c's address");
}

#[test]
fn a_crash_keeps_what_is_durable_and_a_stalled_disk_makes_nothing_durable() {
    let mut world = world_with("[disk]\ncrash = 'lost'", 1);
    world.run_until(at(2));
    world.stall(NodeId(0), true);
    let durable = world.nodes()[0].disk.durable().count;
    world.run_until(at(4));
    assert_eq!(world.nodes()[0].disk.durable().count, durable);
    assert!(world.nodes()[0].disk.unfinished() > 10);
    world.crash(NodeId(0));
    world.boot(NodeId(0));
    assert_eq!(world.nodes()[0].process.as_ref().unwrap().count(), durable);
    world.run_until(at(6));
    assert!(world.nodes()[0].disk.durable().count > durable, "a restarted disk works");
}

#[test]
fn unfinished_writes_survive_a_crash_that_keeps_them() {
    let mut world = world_with("[disk]\ncrash = 'kept'", 1);
    world.run_until(at(2));
    world.stall(NodeId(0), true);
    world.run_until(at(4));
    let counted = world.nodes()[0].process.as_ref().unwrap().count();
    world.crash(NodeId(0));
    world.boot(NodeId(0));
    assert_eq!(world.nodes()[0].process.as_ref().unwrap().count(), counted);
}

#[test]
fn a_timer_fires_within_its_range_and_none_fires_in_a_crashed_process() {
    let mut world = world_with("", 1);
    world.run_until(at(100));
    let fired = world.counts().timers;
    assert!((2_000..=6_000).contains(&fired), "3 nodes, 50 to 150 ms, 100 s: {fired}");
    for node in 0..3 {
        world.crash(NodeId(node));
    }
    world.run_until(at(200));
    assert_eq!(world.counts().timers, fired);
}

#[test]
fn an_untimed_world_is_as_deterministic() {
    let run = |seed| {
        let scenario = scenario("");
        let settings = Echo::settings(&scenario.settings()).unwrap();
        let weights =
            Weights { deliver: 4, late: 1, elect: 1, fire: 1, write: 2, client: 1, strike: 1, relief: 1 };
        let mut world = World::<Echo>::new(
            scenario,
            settings,
            Choices::seeded(seed),
            Agenda::untimed(weights, 64),
            false,
        );
        for _ in 0..2_000 {
            world.advance(at(1));
        }
        assert!(world.counts().delivered > 500, "{:?}", world.counts());
        world.trace().digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn scripted_timers_fire_only_when_told() {
    let text = "title = 'echo'\nsource = 'here'\n[cluster]\nmembers = ['a', 'b']\ntimers = 'scripted'\n[story]\nsteps = [{ settle = true }]\n[expect]\nviolations = 'none'";
    let scenario = Arc::new(crate::scenario::parse("echo.toml", text).unwrap().scenario);
    let settings = Echo::settings(&scenario.settings()).unwrap();
    let mut world = World::<Echo>::new(scenario, settings, Choices::seeded(1), Agenda::timed(), false);
    world.run_until(at(10));
    assert_eq!(world.counts().timers, 0);
    world.fire(NodeId(0), Tick);
    world.settle(at(20));
    assert_eq!(world.counts().delivered, 2, "a ping and its pong");
}

#[test]
fn a_frozen_world_delivers_only_what_it_is_told_to() {
    let mut world = world_with("", 1);
    world.freeze(true);
    let (a, b, c) = (NodeId(0), NodeId(1), NodeId(2));
    for id in [a, a, b] {
        world.fire(id, Tick);
    }
    let links = |world: &World<Echo>| -> Vec<(NodeId, NodeId, usize)> {
        world.waiting_messages().iter().map(|((from, to, _), count)| (*from, *to, *count)).collect()
    };
    assert_eq!(links(&world), [(a, b, 2), (b, c, 1)]);
    assert_eq!(world.counts().delivered, 0);
    assert!(world.deliver(a, b, None, Which::Nth(1), false));
    assert!(!world.deliver(a, b, None, Which::Nth(1), false), "only the older one is left");
    assert_eq!(links(&world), [(a, b, 1), (b, a, 1), (b, c, 1)]);
    assert!(world.exchange(&BTreeSet::from([a, b])));
    assert_eq!(links(&world), [(b, c, 1)]);
    assert!(!world.exchange(&BTreeSet::from([a, b])), "there is no more");
    assert!(world.lose_waiting() && links(&world).is_empty());
    assert!(!world.lose_waiting());
}
