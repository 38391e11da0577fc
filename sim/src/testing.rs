//! Seeds in a protocol's own tests: many runs of one scenario, and one line that repeats the one that failed.
//!
//! Holds: works in every test runner that runs `#[test]` functions; the seed in `SPLITBRAIN_SEED` is run instead of
//! all others, with its trace; a run that cannot be repeated is a failure.
//! Not here: what a run is (`runner`), and bringing a protocol at all (`guide`).

use std::collections::BTreeMap;
use std::env;

use crate::protocol::Protocol;
use crate::report::{Palette, Report};
use crate::runner::{self, RunOptions};
use crate::scenario::{self, ScenarioFile};

/// The environment variable that names the one seed to run.
pub const SEED_VARIABLE: &str = "SPLITBRAIN_SEED";

/// What many runs have seen together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many seeds were run.
    pub runs: u64,
    /// How often each fact was noted, over all runs: a hardship that never came tested nothing.
    pub seen: BTreeMap<String, u64>,
}

/// Runs a scenario once with each seed and judges every run against the scenario's expectations.
///
/// The first run is made twice: if the digests differ, something outside the seed reaches the protocol.
///
/// ```
/// # use splitbrain::protocols::raft::Raft;
/// let checked = splitbrain::testing::check::<Raft>(1..=5, "
///     title = 'A leader alone'
///     source = 'Raft paper, section 8'
///     [cluster]
///     members = ['a', 'b', 'c']
///     [[nemesis]]
///     kind = 'partition'
///     shape = 'leader-alone'
///     every = '1s..2s'
///     lasting = '500ms..1s'
///     [story]
///     steps = [{ run = '5s' }, { heal = true }, { converge = '10s' }]
///     [expect]
///     violations = 'none'
/// ");
/// assert!(checked.seen["leader-changed"] > 0);
/// ```
///
/// # Panics
/// When a run does not go as expected: with its report, and with the line that repeats it alone. Also when the
/// scenario is not valid or not for this protocol, when a run cannot be repeated, and when `SPLITBRAIN_SEED` is
/// no number.
pub fn check<P: Protocol>(seeds: impl IntoIterator<Item = u64>, scenario: &str) -> Checked {
    let file = scenario::parse("scenario", scenario).unwrap_or_else(|error| panic!("{error}"));
    let asked = env::var(SEED_VARIABLE).ok().map(|text| {
        let number = text.trim().parse::<u64>();
        number.unwrap_or_else(|_| panic!("{SEED_VARIABLE}: expected a seed such as 17, found {text:?}"))
    });
    let trace = asked.is_some();
    let mut checked = Checked::default();
    let seeds = seeds.into_iter().filter(|_| asked.is_none()).chain(asked);
    for seed in seeds {
        let report = run::<P>(&file, seed, trace);
        if checked.runs == 0 && run::<P>(&file, seed, false).digest != report.digest {
            panic!(
                "seed {seed}: two runs differ, so that none can be repeated; {} reads a clock, a random number or an \
                 unordered map that is not the world's",
                P::NAME
            );
        }
        if !report.passed() {
            panic!(
                "{}\n\nTo repeat this run alone, with its trace:\n{}\n",
                report.text(&Palette::default()),
                repeat(seed)
            );
        }
        checked.runs += 1;
        for (fact, count) in report.seen {
            *checked.seen.entry(fact).or_insert(0) += count;
        }
    }
    checked
}

fn run<P: Protocol>(file: &ScenarioFile, seed: u64, trace: bool) -> Report {
    let options = RunOptions { file: file.path.clone(), system: P::NAME.to_owned(), seed, trace };
    let report = runner::run_protocol::<P>(&file.scenario, &options);
    report.unwrap_or_else(|objection| panic!("{}", file.error(objection)))
}

/// The line that runs one seed of the running test. Cargo and its test runners say in the environment and in the
/// arguments which package and test that is; what they do not say is left out.
fn repeat(seed: u64) -> String {
    let package = env::var("CARGO_PKG_NAME").map_or(String::new(), |name| format!(" --package {name}"));
    let arguments: Vec<String> = env::args().skip(1).collect();
    let test = test_name(std::thread::current().name(), &arguments);
    let test = test.map_or(String::new(), |name| format!(" {name}"));
    format!("{SEED_VARIABLE}={seed} cargo test{package}{test}")
}

/// The harness names a test's thread after the test, unless it runs one alone: then the test is an argument.
fn test_name(thread: Option<&str>, arguments: &[String]) -> Option<String> {
    match thread {
        Some(name) if name != "main" => Some(name.to_owned()),
        Some(_) | None if arguments.iter().any(|argument| argument == "--exact") => {
            arguments.iter().find(|argument| !argument.starts_with('-')).cloned()
        }
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_its_thread_or_by_its_argument() {
        let arguments = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(test_name(Some("raft::elects"), &[]), Some("raft::elects".to_owned()));
        let alone = arguments(&["--exact", "raft::elects", "--nocapture"]);
        assert_eq!(test_name(Some("main"), &alone), Some("raft::elects".to_owned()));
        assert_eq!(test_name(Some("main"), &arguments(&["raft"])), None);
    }
}
