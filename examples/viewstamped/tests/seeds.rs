//! Viewstamped Replication through seeds, and the mistake that they find.

use example_viewstamped::Replica;
use splitbrain::report::Report;
use splitbrain::runner::{self, RunOptions};
use splitbrain::scenario;
use splitbrain::testing::Check;

#[test]
fn it_keeps_its_promises_through_crashes_partitions_and_torn_writes() {
    let rough = include_str!("../scenarios/rough.toml");
    let checked = Check::<Replica>::new().scenario(rough).seeds(0..50).run();
    assert!(checked.seen["restarted"] > 0 && checked.seen["leader-changed"] > 0, "it was hard");
}

fn run(name: &str, text: &str, seed: u64) -> Report {
    let file = scenario::parse(name, text).expect("a scenario");
    let options =
        RunOptions { file: file.path.clone(), system: "viewstamped".to_owned(), seed, trace: false };
    runner::run_protocol::<Replica>(&file.scenario, &options).expect("a run")
}

#[test]
fn without_the_latest_normal_view_what_was_committed_is_lost() {
    let text = include_str!("../scenarios/longest-log-wins.toml");
    let found = (0..400).map(|seed| run("longest-log-wins.toml", text, seed)).find(Report::passed);
    let report = found.expect("one seed in 400 finds it");
    assert_eq!(report.violations[0].property, "leader-completeness");
    assert_eq!(report.not_judged, ["log-matching: it does not show in which epoch an entry was created"]);
}

#[test]
fn the_failure_made_small_is_the_same_failure_and_the_rule_mends_it() {
    let text = include_str!("../scenarios/longest-log-wins-small.toml");
    assert!(run("small", text, 75).passed(), "it breaks what it says");
    let mended = text.replace("off = [\"latest-normal-view\"]", "off = []");
    assert_eq!(run("mended", &mended, 75).violations, []);
}
