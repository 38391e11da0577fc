//! A copy of a world costs next to nothing, however long its history, and goes on as its original does.

use splitbrain::protocols::echo::Echo;
use splitbrain::protocols::raft::Raft;
use splitbrain::runner;
use splitbrain::scenario;
use splitbrain::time::Moment;
use splitbrain::world::World;

const CALM: &str = "
title = 'forks'
source = 'here'
[cluster]
members = ['a', 'b', 'c']

[network]
delay = '100us..1ms'
[workload]
clients = 8
keys = 4
reads = '0%'
think = '0ms..1ms'
[story]
steps = [{ settle = true }]
[expect]
violations = 'none'
";

/// A world of clients that write, some entries into its run.
fn world(commits: u64) -> World<Raft> {
    let scenario = scenario::parse("calm.toml", CALM).expect("it loads").scenario;
    let mut world = runner::world::<Raft>(&scenario, 1, false).expect("it begins");
    world.set_busy(true);
    while world.nodes().iter().map(|node| node.glance.commit).max() < Some(commits) {
        let until = world.now().after(100_000_000);
        world.run_until(until);
    }
    world
}

/// How many allocations a copy makes, its end included, and of how many bytes.
fn cost(world: &World<Raft>) -> (u64, u64) {
    let counted = allocation_counter::measure(|| drop(world.clone()));
    (counted.count_total, counted.bytes_total)
}

#[test]
fn a_copy_of_a_long_run_costs_no_more_than_one_of_a_short_run() {
    // Both are longer than a client's patience: the agenda holds an entry for each call of that time. One pointer for each
    // segment of the logs would be twenty thousand bytes more.
    let (short, long) = (cost(&world(5_000)), cost(&world(30_000)));
    assert!(long.0 < short.0 + 8, "{} allocations after 5,000 entries, {} after 30,000", short.0, long.0);
    assert!(long.1 < short.1 + 10_000, "{} bytes after 5,000 entries, {} after 30,000", short.1, long.1);
}

#[test]
fn a_copy_goes_on_as_its_original_and_does_not_change_it() {
    let mut original = world(600);
    let until = Moment(original.now().0 + 300_000_000);
    let before = original.trace().digest();
    let mut copy = original.clone();
    copy.run_until(until);
    assert_eq!(original.trace().digest(), before);
    original.run_until(until);
    assert_eq!(original.trace().digest(), copy.trace().digest());
    assert_eq!(original.history().calls().len(), copy.history().calls().len());
}

#[test]
fn agenda_network_and_disks_allocate_nothing_once_they_have_their_room() {
    let text = CALM.replace("[workload]\nclients = 8\nkeys = 4\nreads = '0%'\nthink = '0ms..1ms'\n", "");
    let scenario = scenario::parse("echo.toml", &text).expect("it loads").scenario;
    let mut world = runner::world::<Echo>(&scenario, 1, false).expect("it begins");
    world.run_events(5_000);
    let counted = allocation_counter::measure(|| world.run_events(10_000));
    assert_eq!((world.counts().events, counted.count_total), (15_000, 0));
}
