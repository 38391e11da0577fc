//! OmniPaxos through seeds, and what they find.

use example_omnipaxos::Replica;
use splitbrain::report::Report;
use splitbrain::runner::{self, RunOptions};
use splitbrain::scenario;
use splitbrain::testing::Check;

fn run(name: &str, text: &str, seed: u64) -> Report {
    let file = scenario::parse(name, text).expect("a scenario");
    let options = RunOptions { file: file.path.clone(), system: "omnipaxos".to_owned(), seed, trace: false };
    runner::run_protocol::<Replica>(&file.scenario, &options).expect("a run")
}

/// A run ends as expected, or by the one finding that there is: an assertion of the library.
#[test]
fn it_keeps_its_promises_through_crashes_and_partitions_but_for_its_own_assertion() {
    let text = include_str!("../scenarios/rough.toml");
    let reports: Vec<Report> = (0..20).map(|seed| run("rough.toml", text, seed)).collect();
    let known = |report: &&Report| {
        let told = format!("{:?}", report.violations);
        report.violations.len() == 1 && told.contains("would overwrite decided entries")
    };
    let (found, well): (Vec<&Report>, Vec<&Report>) = reports.iter().partition(known);
    assert!(well.iter().all(|report| report.passed()), "something new");
    assert!(!found.is_empty(), "the finding is gone");
    assert!(well.iter().any(|report| report.seen.contains_key("restarted")), "it was hard");
}

#[test]
fn an_accept_sync_that_comes_twice_fails_an_assertion() {
    let report = run("finding", include_str!("../findings/log-sync-asserts.toml"), 7);
    assert!(report.passed(), "{:?}", report.verdict);
}

#[test]
fn a_stop_sign_ends_a_configuration_and_the_next_one_begins() {
    let change = include_str!("../scenarios/reconfiguration.toml");
    Check::<Replica>::new().scenario(change).seeds(0..5).run();
}
