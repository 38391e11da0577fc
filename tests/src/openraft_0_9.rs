//! openraft 0.9 under the simulator: equal seeds give equal runs, although it has tokio's own queues inside.

use crate::determinism::{another_process_prints, digests};

const SYSTEM: &str = "openraft-0.9";

const WORLD: &str = "
title = 'everything at once'
source = 'here'
systems = ['openraft-0.9']
[cluster]
members = ['a', 'b', 'c', 'd', 'e']
learners = ['f']
snapshot_every = 40
[network]
delay = '1ms..20ms'
loss = '3%'
duplicate = '3%'
[disk]
write = '100us..5ms'
crash = 'torn'
[workload]
clients = 4
keys = 3
reads = '40%'
cas = '20%'
[[nemesis]]
kind = 'crash'
aim = 'any'
every = '200ms..1s'
lasting = '100ms..500ms'
[[nemesis]]
kind = 'partition'
shape = 'random'
every = '300ms..1s'
lasting = '200ms..1s'
[story]
steps = [{ run = '1s' }, { heal = true }, { converge = '20s' }]
[expect]
violations = 'none'
";

const SEEDS: u64 = 150;

#[test]
fn equal_seeds_give_equal_digests_in_one_process_and_in_another() {
    let here = digests(WORLD, SYSTEM, 0..SEEDS);
    assert_eq!(here, digests(WORLD, SYSTEM, 0..SEEDS), "twice in one process");
    another_process_prints(&here, "openraft_0_9::print_digests");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", digests(WORLD, SYSTEM, 0..SEEDS));
}
