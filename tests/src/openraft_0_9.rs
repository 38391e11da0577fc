//! openraft 0.9 under the simulator: equal seeds give equal runs, although it has tokio's own queues inside.

use crate::determinism::{another_process_prints, digests, everything_at_once};

fn all_digests() -> String {
    let cluster = "learners = ['f']\nsnapshot_every = 40";
    digests(&everything_at_once(cluster, "1s"), "openraft-0.9", 0..150)
}

#[test]
fn equal_seeds_give_equal_digests_in_one_process_and_in_another() {
    let here = all_digests();
    assert_eq!(here, all_digests(), "twice in one process");
    another_process_prints(&here, "openraft_0_9::print_digests");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", all_digests());
}
