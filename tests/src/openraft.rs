//! openraft under the simulator: equal seeds give equal runs.

use splitbrain::shrink::{self, Effort};

use crate::determinism::{another_process_prints, digests, everything_at_once};

/// Operators mistake addresses, and whoever appends that may be cut off, or restart.
const MISTAKES: &str = r#"
title  = "Foreign addresses"
source = "openraft documentation, ChangeMembers::SetNodes"
[cluster]
members = ["a", "b", "c"]
spare   = ["d"]
[cluster.options]
enable-leader-restore = false
[workload]
clients = 1
keys = 1
reads = "0%"
[[nemesis]]
kind = "foreign-address"
every = "100ms..500ms"
lasting = "2s..5s"
[[nemesis]]
kind = "partition"
shape = "random"
on = "membership-appended"
lasting = "2s..5s"
[[nemesis]]
kind = "reboot"
aim = "any"
on = "membership-appended"
lasting = "1ms..10ms"
[story]
steps = [{ run = "2s" }]
[expect]
violations = "none"
"#;

#[test]
fn a_mistaken_address_ends_in_two_leaders_and_is_told_as_a_story() {
    let scenario = splitbrain::scenario::parse("mistakes.toml", MISTAKES).unwrap().scenario;
    let mut never = |_: &shrink::Progress| false;
    let mut effort = Effort::new(20_000_000, &mut never);
    let shrunk =
        splitbrain::built_in::shrink(&scenario, "openraft", 1392, &mut effort).unwrap().expect("it fails");
    assert_eq!(shrunk.fingerprint.property, "leader-completeness");
    assert!(shrunk.is_story && shrunk.acts <= 16, "{}", shrunk.to_toml());
    let text = shrunk.to_toml();
    // A library that keeps its own time is told to stand for election, not woken until it does.
    assert!(text.contains("{ timeout = ") && text.matches("wake").count() <= 6, "{text}");
}

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
