//! Each deliberate mistake of the state machine breaks a promise that it is expected to break, where the right machine
//! breaks none.
//!
//! Not here: mistakes of the core (`zoo`).

use splitbrain::machine::mutation::{MachineMutation, MachineMutationInfo};
use splitbrain::protocol::OptionValue;
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, Scenario};

const SEEDS: u64 = 40;

/// Short sessions, impatient clients and dying leaders, whose clocks differ by as much as a session lasts.
fn world() -> Scenario {
    let path = crate::root().join("scenarios/sessions/sessions-under-faults.toml");
    let text = std::fs::read_to_string(path).expect("a scenario of the repository");
    let mut scenario =
        scenario::parse("sessions-under-faults.toml", &text).expect("a good scenario").scenario;
    scenario.expect.seen.clear();
    scenario
}

/// The promises that a run breaks.
fn broken(scenario: &Scenario, seed: u64) -> Vec<String> {
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
    let report = splitbrain::built_in::run(scenario, &options).expect("the mutation exists");
    report.violations.into_iter().map(|violation| violation.property).collect()
}

fn with(info: &MachineMutationInfo) -> Scenario {
    let mut scenario = world();
    let mutation = OptionValue::Word(info.name.to_owned());
    scenario.cluster.options.insert(String::from("mutation"), mutation);
    scenario
}

#[track_caller]
fn check(mutation: MachineMutation) {
    let info = MachineMutation::ALL.iter().find(|info| info.mutation == mutation).expect("it is listed");
    let scenario = with(info);
    let seed = (1..=SEEDS).find(|seed| {
        broken(&scenario, *seed).iter().any(|promise| info.promises.contains(&promise.as_str()))
    });
    let seed = seed.unwrap_or_else(|| panic!("{}: not found in {SEEDS} seeds", info.name));
    assert_eq!(broken(&world(), seed), [""; 0], "{}: the right machine, seed {seed}", info.name);
}

#[test]
fn a_retry_that_is_applied_again_is_seen() {
    check(MachineMutation::RetryAppliedAgain);
}

#[test]
fn a_snapshot_without_sessions_is_seen() {
    check(MachineMutation::SessionsNotInSnapshot);
}

#[test]
fn sessions_that_expire_by_the_clock_of_each_replica_are_seen() {
    check(MachineMutation::ExpiryByOwnClock);
}
