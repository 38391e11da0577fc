//! The same runs in another process: this test program, started again for the same test.
//!
//! Holds: the other process does what the test does, but at one place of the source it makes the runs that it is asked for
//! and writes what came of them into a file. Not here: running twice in one process.

use std::env;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::repeat::Repeat;
use super::{Check, Checked, Job, Place, SEED_VARIABLE};
use crate::protocol::Protocol;
use crate::twice::first_difference;

/// The environment variables that make a process the other one: where in the source, which runs, and where to write.
const PLACE: &str = "SPLITBRAIN_TWIN_PLACE";
const JOBS: &str = "SPLITBRAIN_TWIN_JOBS";
const FILE: &str = "SPLITBRAIN_TWIN_FILE";

/// What the other process is asked.
pub(super) struct Twin {
    jobs: Vec<Job>,
    file: PathBuf,
}

/// Whether this process is the other one, and is asked at this place.
pub(super) fn asked(place: &Place) -> Option<Twin> {
    if env::var(PLACE).ok()? != place.0 {
        return None;
    }
    let jobs = env::var(JOBS).ok()?;
    let jobs = jobs.split(' ').filter_map(|job| {
        let (source, seed) = job.split_once(':')?;
        Some(Job { source: source.parse().ok()?, seed: seed.parse().ok()? })
    });
    Some(Twin { jobs: jobs.collect(), file: PathBuf::from(env::var_os(FILE)?) })
}

/// Whether this process is the other one.
pub(super) fn is_other() -> bool {
    env::var_os(PLACE).is_some()
}

impl Twin {
    /// Makes the runs and writes what came of them: a line for each, or the trace of a single one.
    pub(super) fn serve<P: Protocol>(&self, check: &Check<P>) -> Checked {
        let text = match self.jobs.as_slice() {
            [one] => trace(check, *one).join("\n"),
            many => many.iter().map(|job| digest(check, *job) + "\n").collect(),
        };
        if let Err(error) = std::fs::write(&self.file, text) {
            panic!("{}: {error}", self.file.display());
        }
        Checked::default()
    }
}

fn digest<P: Protocol>(check: &Check<P>, job: Job) -> String {
    let scenario = check.scenario_of(job);
    match check.drive(job, &scenario, false) {
        Ok(report) => report.digest,
        Err(objection) => objection.message.replace('\n', " "),
    }
}

fn trace<P: Protocol>(check: &Check<P>, job: Job) -> Vec<String> {
    let scenario = check.scenario_of(job);
    let trace = check.drive(job, &scenario, true).map_or_else(|_| Vec::new(), |report| report.trace_lines());
    // A record of several lines would be read as several.
    trace.into_iter().map(|line| line.replace('\n', " ")).collect()
}

/// Makes runs in another process, and compares.
///
/// # Panics
/// When one differs: with the first record that does. Also when the test is not known by name.
pub(super) fn compare<P: Protocol>(check: &Check<P>, jobs: &[Job]) {
    // A single run would be answered with its trace.
    let jobs = if let [one] = jobs { vec![*one, *one] } else { jobs.to_vec() };
    let there = ask(check, &jobs);
    for (&job, there) in jobs.iter().zip(there.lines()) {
        if digest(check, job) == there {
            continue;
        }
        let theirs: Vec<String> = ask(check, &[job]).lines().map(str::to_owned).collect();
        let difference = first_difference(&trace(check, job), &theirs);
        let how = difference.map_or_else(
            || String::from("two further runs did not differ"),
            |difference| difference.to_string(),
        );
        panic!("seed {}: two processes differ, so that none can be repeated\n{how}", job.seed);
    }
    assert_eq!(there.lines().count(), jobs.len(), "the other process makes every run");
}

#[expect(clippy::expect_used, reason = "in a test a broken environment is a failure")]
fn ask<P: Protocol>(check: &Check<P>, jobs: &[Job]) -> String {
    let test = Repeat::of_this_test().test.expect("two processes need a test that the harness names");
    let folder = tempfile::tempdir().expect("a folder for what the other process says");
    let file = folder.path().join("said");
    let mut asked = String::new();
    jobs.iter().for_each(|job| {
        let _ = write!(asked, "{}:{} ", job.source, job.seed);
    });
    let output = Command::new(env::current_exe().expect("this program"))
        .args([test.as_str(), "--exact", "--include-ignored", "--nocapture"])
        .env(PLACE, &check.place.0)
        .env(JOBS, asked.trim_end())
        .env(FILE, &file)
        .env_remove(SEED_VARIABLE)
        .output()
        .expect("this program, once more");
    std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!("the other process says nothing ({error}): {}", String::from_utf8_lossy(&output.stderr))
    })
}
