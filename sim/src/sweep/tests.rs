//! Sweeps from inside: what is noticed, and what leaves no mark on the report.

use super::*;
use crate::scenario;
use std::collections::{BTreeMap, BTreeSet};

/// A rule is off, so that some seeds fail.
const BROKEN: &str = include_str!("../../tests/broken.toml");

fn plan(text: &str, last: u64, twice: u64) -> Plan {
    let scenario = scenario::parse("here.toml", text).expect("a scenario").scenario;
    Plan {
        system: crate::built_in::systems().first(),
        first: 0,
        last,
        shard: (1, 1),
        twice,
        scenario: Some((String::from("here.toml"), scenario)),
        options: BTreeMap::new(),
        rules_off: BTreeSet::new(),
    }
}

#[test]
fn threads_leave_no_mark_and_failures_come_out_small() {
    let plan = plan(BROKEN, 99, 10);
    let mut kept = Kept::default();
    for number in 0..plan.blocks() {
        kept.add(plan.block(number).expect("it runs"));
    }
    let smaller = |seed| small(&plan, seed, 2_000_000, &mut || false);
    let summary = |threads| summarise(&plan, &kept, threads, &smaller);
    let report = summary(1);
    assert_eq!((report.json(), report.text()), (summary(2).json(), summary(2).text()));
    assert!(report.complete && report.runs == 100 && report.twice > 0);
    let bucket = report
        .failures
        .iter()
        .find(|bucket| bucket.fingerprint.property == "election-safety")
        .expect("two leaders in some seed");
    assert!(bucket.faults <= 3 && bucket.operations <= 10, "{}", bucket.toml);
    let small = scenario::parse("small.toml", &bucket.toml).expect("a scenario").scenario;
    let options = RunOptions {
        file: String::new(),
        system: String::from("raft"),
        seed: small.seeds.first,
        trace: false,
    };
    let judged = crate::built_in::run(&small, &options).expect("it runs");
    assert!(judged.passed() && !judged.violations.is_empty(), "{}", bucket.toml);
    assert!(bucket.why.iter().any(|line| line.contains("★")), "two leaders, as a picture: {:?}", bucket.why);
    assert!(report.text().contains("\n  why       "));
}
