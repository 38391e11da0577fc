//! openraft under the simulator: equal seeds give equal runs.

use crate::determinism::{another_process_prints, digests, everything_at_once};

fn all_digests() -> String {
    let cluster = "snapshot_every = 40\n[cluster.options]\nenable-leader-restore = false";
    digests(&everything_at_once(cluster, "1s"), "openraft", 0..250)
}

#[test]
fn equal_seeds_give_equal_digests_in_one_process_and_in_another() {
    let here = all_digests();
    assert_eq!(here, all_digests(), "twice in one process");
    another_process_prints(&here, "openraft::print_digests");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", all_digests());
}
