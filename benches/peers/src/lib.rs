//! What every harness of the comparison shares: raft-rs in one wrapper, the sizes of the work, and how a run is timed.
//!
//! Holds: every harness runs the same five nodes of raft-rs with the same ticks, elects the same node and keeps as many commands
//! in flight; only what carries messages and time differs. Not here: the harnesses (`bin/`), and the table (`benches/peers.rs`).

pub mod raft_node;

use cpu_time::ProcessTime;

/// How many nodes a cluster has.
pub const NODES: u64 = 5;
/// A tick of raft-rs: heartbeats every tick, elections after three to six, as 50 ms and 150 to 300 ms of our own Raft.
pub const TICK_MS: u64 = 50;
/// How long a message is under way.
pub const DELAY_MS: (u64, u64) = (1, 10);
/// How many commands a cluster of a campaign commits, and how many of them are in flight.
pub const CAMPAIGN: (u64, u64) = (100, 4);

/// A piece of work: so many units of it, in so many CPU seconds of this process, are one measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Messages delivered, each of which is answered, with so many in flight.
    PingPong(u64),
    /// Commands committed by one cluster, with so many in flight.
    Commit(u64),
    /// Clusters that elect a leader, commit a hundred commands and are dropped.
    Campaign,
}

impl Work {
    /// Reads a name of the table, such as `commit-32`.
    pub fn named(name: &str) -> Option<Work> {
        let (kind, in_flight) = name.split_once('-').unwrap_or((name, "0"));
        let in_flight = in_flight.parse().ok()?;
        Some(match kind {
            "pingpong" => Work::PingPong(in_flight),
            "commit" => Work::Commit(in_flight),
            "campaign" => Work::Campaign,
            _ => return None,
        })
    }
}

/// Does some work and prints how many units of it a CPU second is worth.
pub fn print_rate(units: u64, work: impl FnOnce()) {
    let start = ProcessTime::now();
    work();
    println!("{}", units as f64 / start.elapsed().as_secs_f64());
}

/// The three arguments of a harness: its name, the work, how many units of it, and a seed.
pub fn arguments() -> (String, String, u64, u64) {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().expect("expected HARNESS WORK UNITS SEED");
    let (harness, work) = (next(), next());
    let mut number = || next().parse().expect("a number");
    (harness, work, number(), number())
}
