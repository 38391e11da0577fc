//! Our own simulator, with every checker on: the work of the peers, and what only it has to show.

use cpu_time::ProcessTime;
use splitbrain::protocol::Protocol;
use splitbrain::protocols::raft::Raft;
use splitbrain::runner::{self, RunOptions};
use splitbrain::scenario::{self, Expectations, Scenario};
use splitbrain::world::World;
use splitbrain_peers::{CAMPAIGN, Work, print_rate};

use super::own_ping::PingPong;

/// What is left out, to see what it costs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    Nothing,
    Checkers,
    Digest,
}

/// A cluster of five that asks no more of its disks than a write each, which is durable at once.
fn cluster(election: &str, workload: &str) -> Scenario {
    let text = format!(
        "title = 'bench'\nsource = 'here'\n[cluster]\nmembers = ['a', 'b', 'c', 'd', 'e']\n{election}\n[network]\n\
         delay = '1ms..10ms'\n[disk]\nwrite = '0s..0s'\n{workload}\n[story]\nsteps = [{{ run = '1s' }}]\n[expect]\n\
         violations = 'none'\n"
    );
    scenario::parse("bench", &text).expect("a good scenario").scenario
}

/// Says that nodes talk in circles, and lets them.
fn circles() -> Expectations {
    let text = "title = 'bench'\nsource = 'here'\n[cluster]\nmembers = ['a']\n[story]\nsteps = [{ run = '1s' }]\n[expect]\n\
                violations = ['quiescence']\nthen = 'go-on'\n";
    scenario::parse("circles", text).expect("a good scenario").scenario.expect
}

fn committing(in_flight: u64) -> Scenario {
    let workload = format!("[workload]\nclients = {in_flight}\nkeys = 4\nreads = '0%'\nthink = '0s..0s'");
    cluster("election = '150ms..300ms'", &workload)
}

/// Eight clients that read and write and think a little, and a disk that takes its time.
fn calm() -> Scenario {
    let mut scenario = cluster(
        "election = '150ms..300ms'",
        "[workload]\nclients = 8\nkeys = 4\nreads = '50%'\nthink = '0s..5ms'",
    );
    scenario.disk.write = scenario::parse("disk", include_str!("../../../../../.ci/counted/calm.toml"))
        .expect("a good scenario")
        .scenario
        .disk
        .write;
    scenario
}

fn world<P: Protocol>(scenario: &Scenario, seed: u64) -> World<P> {
    let mut world = runner::world(scenario, seed, false).expect("a good scenario");
    world.set_busy(true);
    world
}

fn committed<P: Protocol>(world: &World<P>) -> u64 {
    world.nodes().iter().map(|node| node.glance.commit).max().unwrap_or(0)
}

/// The first entry of a reign is no command.
fn commit(world: &mut World<Raft>, commands: u64) {
    while committed(world) <= commands {
        world.run_events(16);
    }
    assert!(world.violations().is_empty());
}

pub fn run(work: Work, units: u64, seed: u64) {
    match work {
        Work::PingPong(in_flight) => {
            let election = format!("election = '{in_flight}ms..{in_flight}ms'\nheartbeat = '100us'");
            // Whoever plays for ever talks in circles, and a checker says so: the game goes on.
            let scenario = Scenario { expect: circles(), ..cluster(&election, "") };
            let mut world: World<PingPong> = world(&scenario, seed);
            print_rate(units, || world.run_events(units));
            assert_eq!(world.counts().events, units);
        }
        Work::Commit(in_flight) => {
            let mut world = world(&committing(in_flight), seed);
            print_rate(units, || commit(&mut world, units));
        }
        Work::Campaign => {
            let scenario = committing(CAMPAIGN.1);
            print_rate(units, || {
                (0..units).for_each(|one| commit(&mut world(&scenario, seed * units + one), CAMPAIGN.0));
            });
        }
    }
}

/// What only our own simulator has to show, by the name of a row.
pub fn print(name: &str, units: u64, seed: u64) {
    match name {
        "calm" => print_calm(units, seed, Spared::Nothing),
        "unchecked" => print_calm(units, seed, Spared::Checkers),
        "undigested" => print_calm(units, seed, Spared::Digest),
        "grown" => print_grown(units, seed),
        "fork" => print_fork(units, seed),
        "sweep" => print_sweep("raft", units, seed),
        "sweep-raft-rs" => print_sweep("raft-rs", units, seed),
        "sweep-openraft" => print_sweep("openraft", units, seed),
        other => panic!("no work {other}"),
    }
}

fn print_calm(events: u64, seed: u64, spared: Spared) {
    let mut world: World<Raft> = world(&calm(), seed);
    world.spare(spared == Spared::Checkers, spared == Spared::Digest);
    print_rate(events, || world.run_events(events));
}

/// Events per CPU second of worlds of so many events each, a million in all or one world.
fn print_grown(events: u64, seed: u64) {
    let worlds = (1_000_000 / events).max(1);
    let scenario = calm();
    print_rate(worlds * events, || {
        (0..worlds).for_each(|one| world::<Raft>(&scenario, seed * worlds + one).run_events(events));
    });
}

/// Copies per CPU second of a world with so many committed entries; the end of each copy is part of it.
fn print_fork(entries: u64, seed: u64) {
    let mut world = world(&committing(8), seed);
    commit(&mut world, entries);
    print_rate(2_000, || (0..2_000).for_each(|_| drop(std::hint::black_box(world.clone()))));
}

/// Seeds per CPU second of the search as `splitbrain sweep` does it, drawing each world and its report included.
fn print_sweep(system: &str, seeds: u64, first: u64) {
    let known = splitbrain::built_in::systems().named(system).expect("a system of this build");
    let start = ProcessTime::now();
    for seed in first * seeds..(first + 1) * seeds {
        let scenario = known.swarm(seed);
        let options = RunOptions { file: String::new(), system: system.to_owned(), seed, trace: false };
        let report = splitbrain::built_in::run(&scenario, &options).expect("a good scenario");
        std::hint::black_box(report);
    }
    println!("{}", seeds as f64 / start.elapsed().as_secs_f64());
}
