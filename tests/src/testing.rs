//! `testing::check` seen from outside: what it says when a seed fails, and how that seed is run again.

use std::panic::catch_unwind;
use std::process::Command;

use splitbrain::protocols::raft::Raft;
use splitbrain::testing::{SEED_VARIABLE, check};

/// A rule is off, so that some seed fails.
const BROKEN: &str = include_str!("../../sim/tests/broken.toml");

fn panic_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = catch_unwind(run).expect_err("some seed fails");
    payload.downcast_ref::<String>().cloned().expect("a panic with a text")
}

#[test]
fn a_failure_ends_with_the_line_that_repeats_it() {
    let text = panic_of(|| {
        check::<Raft>(0..50, BROKEN);
    });
    assert!(text.contains("election-safety is broken"), "{text}");
    let line = text.lines().find(|line| line.starts_with(SEED_VARIABLE)).expect("a line to copy");
    assert!(line.contains(" cargo test"), "{line}");
    assert!(line.ends_with("testing::a_failure_ends_with_the_line_that_repeats_it"), "{line}");
}

#[test]
fn a_bad_scenario_is_told_with_its_place() {
    let text = panic_of(|| {
        check::<Raft>(0..1, "title = 'x'\nsource = 3\n");
    });
    assert!(text.starts_with("scenario:2:"), "{text}");
}

/// Runs one test of this program alone, as `cargo test -- --exact` and `cargo nextest run` do.
fn alone(test: &str, seed: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(SEED_VARIABLE, seed)
        .output()
        .expect("another process");
    assert!(!output.status.success(), "the seed fails again");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn the_variable_runs_one_seed_alone_with_its_trace() {
    let test = "testing::fails_with_some_seed";
    let first = panic_of(|| {
        check::<Raft>(0..50, BROKEN);
    });
    let line = first.lines().find(|line| line.starts_with(SEED_VARIABLE)).expect("a line to copy");
    let seed =
        line.trim_start_matches(SEED_VARIABLE).trim_start_matches('=').split(' ').next().expect("a seed");
    let text = alone(test, seed);
    assert!(text.contains(&format!("seed {seed}")), "the same seed");
    assert!(text.contains("boots, incarnation 1"), "with its trace");
    assert!(text.contains(&format!("{SEED_VARIABLE}={seed} cargo test")), "{text}");
    assert!(text.contains(test), "the test is named though it runs on the main thread");
    assert!(alone(test, "seventeen").contains("expected a seed such as 17, found \"seventeen\""));
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "fails by intent"]
fn fails_with_some_seed() {
    check::<Raft>(0..50, BROKEN);
}
