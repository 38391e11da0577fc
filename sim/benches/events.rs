//! Events per second of a five-node Raft with clients and every checker on, and what a copy of such a world costs.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use splitbrain::protocols::raft::Raft;
use splitbrain::runner;
use splitbrain::scenario::{self, Scenario};
use splitbrain::time::Moment;
use splitbrain::world::World;

const CALM: &str = "
title = 'bench'
source = 'here'
[cluster]
members = ['a', 'b', 'c', 'd', 'e']
[network]
delay = '1ms..10ms'
[workload]
clients = 8
keys = 4
reads = '50%'
think = '0ms..5ms'
[story]
steps = [{ run = '1s' }]
[expect]
violations = 'none'
";

const HARD: &str = "
title = 'bench'
source = 'here'
[cluster]
members = ['a', 'b', 'c', 'd', 'e']
[network]
delay = '1ms..10ms'
loss = '1%'
duplicate = '1%'
[disk]
write = '100us..3ms'
crash = 'torn'
[workload]
clients = 8
keys = 4
reads = '50%'
think = '0ms..5ms'
[[nemesis]]
kind = 'crash'
aim = 'any'
every = '1s..3s'
lasting = '100ms..1s'
[[nemesis]]
kind = 'partition'
shape = 'random'
every = '1s..3s'
lasting = '200ms..2s'
[story]
steps = [{ run = '1s' }]
[expect]
violations = 'none'
";

/// Virtual time of one measured run.
const RUN: u64 = 20_000_000_000;

fn world(scenario: &Scenario) -> World<Raft> {
    runner::world(scenario, 1, false).expect("a good scenario")
}

fn run(mut world: World<Raft>) -> u64 {
    world.set_busy(true);
    world.run_until(Moment(RUN));
    assert!(world.violations().is_empty());
    world.counts().events
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("events");
    for (name, text) in [("calm", CALM), ("hardship", HARD)] {
        let scenario = scenario::parse(name, text).expect("a good scenario").scenario;
        group.throughput(Throughput::Elements(run(world(&scenario))));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| world(&scenario), run, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// What it costs to copy a world after so many committed entries, the end of the copy included.
fn forks(criterion: &mut Criterion) {
    let scenario = scenario::parse("calm", CALM).expect("a good scenario").scenario;
    let mut group = criterion.benchmark_group("fork");
    for commits in [100, 1_000, 10_000, 100_000] {
        let mut world = world(&scenario);
        world.set_busy(true);
        while world.nodes().iter().map(|node| node.glance.commit).max() < Some(commits) {
            let until = world.now().after(100_000_000);
            world.run_until(until);
        }
        group.bench_function(commits.to_string(), |bencher| bencher.iter(|| world.clone()));
    }
    group.finish();
}

criterion_group!(benches, events, forks);
criterion_main!(benches);
