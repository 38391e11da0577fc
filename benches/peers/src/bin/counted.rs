//! Allocations per event in the steady state of a calm run. A program of its own, for counting takes time.
//! `counted own SYSTEM EVENTS SEED` prints how many an event makes.

use splitbrain::protocol::Protocol;
use splitbrain::runner;
use splitbrain::scenario;
use splitbrain::world::World;

fn main() {
    let (_, system, events, seed) = splitbrain_peers::arguments();
    match system.as_str() {
        "raft" => print::<splitbrain::protocols::raft::Raft>(events, seed),
        "raft-rs" => print::<splitbrain::protocols::raft_rs::RaftRs>(events, seed),
        "openraft" => print::<splitbrain::protocols::openraft::v0_10::OpenRaft>(events, seed),
        other => panic!("no system {other}"),
    }
}

/// What a world allocates from one event to another, when everything has its room.
fn print<P: Protocol>(events: u64, seed: u64) {
    let text = include_str!("../../../../.ci/counted/calm.toml");
    let scenario = scenario::parse("calm", text).expect("a good scenario").scenario;
    let mut world: World<P> = runner::world(&scenario, seed, false).expect("a good scenario");
    world.set_busy(true);
    world.run_events(events);
    let before = world.counts().events;
    let counted = allocation_counter::measure(|| world.run_events(events));
    println!("{}", counted.count_total as f64 / (world.counts().events - before) as f64);
}
