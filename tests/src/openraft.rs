//! openraft under the simulator: every scenario that names it, and equal runs for equal seeds.

use std::process::Command;

use insta::{Settings, assert_snapshot};
use splitbrain::report::Palette;
use splitbrain::runner::{self, RunOptions};
use splitbrain::scenario::{self, Scenario};

const SYSTEM: &str = "openraft";

fn options(file: &str, seed: u64) -> RunOptions {
    RunOptions { file: file.to_owned(), system: SYSTEM.to_owned(), seed, trace: false }
}

#[test]
fn every_scenario_that_names_it_goes_as_it_expects() {
    let mut failed = Vec::new();
    let mut run = 0;
    for path in crate::tidy::files_below(&crate::root().join("scenarios"), "toml") {
        let name = path.strip_prefix(crate::root()).expect("below the root").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a scenario can be read");
        if !text.contains("\"openraft\"") {
            continue;
        }
        let file = scenario::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        if !runner::systems_of(&file.scenario).any(|system| system == SYSTEM) {
            continue;
        }
        run += 1;
        for seed in file.scenario.seeds.iter() {
            let report = runner::run(&file.scenario, &options(&name, seed))
                .unwrap_or_else(|objection| panic!("{}", file.error(objection)));
            if !report.passed() {
                failed.push(report.text(&Palette::default()));
            }
            if seed == file.scenario.seeds.first {
                snapshot(&name, &report.text(&Palette::default()));
            }
        }
    }
    assert!(run > 5, "the scenarios are there");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn snapshot(name: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let name = name.trim_start_matches("scenarios/").trim_end_matches(".toml").replace('/', "__");
        assert_snapshot!(format!("{name}@{SYSTEM}"), text);
    });
}

const WORLD: &str = "
title = 'everything at once'
source = 'here'
systems = ['openraft']
[cluster]
members = ['a', 'b', 'c', 'd', 'e']
snapshot_every = 40
[cluster.options]
enable-leader-restore = false
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

fn digest(scenario: &Scenario, seed: u64) -> String {
    let report = runner::run(scenario, &options("everything.toml", seed)).expect("it can be run");
    assert!(report.passed(), "seed {seed}: {:?}", report.verdict);
    report.digest
}

fn digests(seeds: std::ops::Range<u64>) -> String {
    let scenario = scenario::parse("everything.toml", WORLD).expect("a good scenario").scenario;
    seeds.map(|seed| format!("digest {seed} {}\n", digest(&scenario, seed))).collect()
}

const SEEDS: u64 = 250;

#[test]
fn equal_seeds_give_equal_digests_in_one_process_and_in_another() {
    let here = digests(0..SEEDS);
    assert_eq!(here, digests(0..SEEDS), "twice in one process");
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--ignored", "--exact", "--nocapture", "openraft::print_digests"];
    let output = Command::new(program).args(arguments).output().expect("another process");
    let there = String::from_utf8(output.stdout).expect("text");
    let there: String =
        there.lines().filter(|line| line.starts_with("digest ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(here, there, "in two processes");
    let distinct: std::collections::BTreeSet<&str> =
        here.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(distinct.len() as u64, SEEDS, "other seeds give other runs");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", digests(0..SEEDS));
}
