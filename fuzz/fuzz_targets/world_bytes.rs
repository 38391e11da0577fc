//! Bytes as the choices of a whole world: the correct Raft keeps its promises whatever the network, the disks, the clients
//! and the faults do.
//!
//! The first two bytes choose the scenario that the swarm draws; the rest are the run's choices, zero when used up.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbrain::choices::Choices;
use splitbrain::built_in::drive;
use splitbrain::runner::{Drive, RunOptions};
use splitbrain::swarm;
use splitbrain::world::Limit;

/// Short runs: a fuzzer wants many.
const LIMIT: Limit = Limit { events: 3_000, under_way: 100_000 };

fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_at_checked(2) else { return };
    let seed = u64::from(u16::from_le_bytes([head[0], head[1]]));
    let mut scenario = swarm::scenario(seed);
    // What is owed after healing is owed to fair draws only.
    scenario.steps.truncate(1);
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
    let choices = Choices::bytes(rest);
    let drawn = Drive { choices, limit: LIMIT, limit_is_a_promise: false, acts: false, keep_from: 0 };
    if let Ok(report) = drive(&scenario, &options, drawn) {
        assert!(report.violations.is_empty(), "{:#?}\n{}", report.violations, scenario.to_toml());
    }
});
