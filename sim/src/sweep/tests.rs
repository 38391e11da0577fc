//! Sweeps from inside: what is noticed, and what leaves no mark on the report.

use super::*;
use crate::scenario;
use std::collections::{BTreeMap, BTreeSet};

/// A rule is off, so that some seeds fail.
const BROKEN: &str = include_str!("../../tests/broken.toml");

fn plan(system: &str, text: &str, last: u64, twice: u64) -> Plan {
    let scenario = scenario::parse("here.toml", text).expect("a scenario").scenario;
    Plan {
        system: system.to_owned(),
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
fn a_protocol_that_is_not_deterministic_is_found_out_with_the_first_difference() {
    let calm = "
title = 't'
source = 's'
[cluster]
members = ['a', 'b']
[story]
steps = [{ run = '5s' }]
[expect]
violations = 'none'
";
    let mut block = Block::default();
    plan("unruly", calm, 0, 1).judge(0, &mut block).expect("it runs");
    let [failure] = &block.failures[..] else { panic!("one failure, found {:?}", block.failures) };
    assert_eq!(failure.fingerprint.property, DETERMINISM);
    for words in ["differ from record", "  both    ", "  first   ", "  second  "] {
        assert!(failure.summary.contains(words), "no {words:?} in {}", failure.summary);
    }
    let mut block = Block::default();
    plan("raft", calm, 0, 1).judge(0, &mut block).expect("it runs");
    assert_eq!((block.failures.len(), block.twice), (0, 1));
}

#[test]
fn threads_leave_no_mark_and_failures_come_out_small() {
    let plan = plan("raft", BROKEN, 99, 10);
    let block = |number| (number, plan.block(number, &[], &mut |_| {}).expect("it runs"));
    let blocks: BTreeMap<u64, Block> = (0..plan.blocks()).map(block).collect();
    let summary = |threads| summarise(&plan, &blocks, 2_000_000, threads, &|_| false);
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
    let judged = runner::run(&small, &options).expect("it runs");
    assert!(judged.passed() && !judged.violations.is_empty(), "{}", bucket.toml);
}
