//! How `run` tells what came of its runs: for people, for programs, for continuous integration.
//!
//! Holds: what is written depends on the runs alone; how long they took goes to the standard error only.
//! Not here: running and judging (`run`), and how one report looks (`report`).

mod github;
mod json;
mod junit;
mod text;

use std::io;
use std::time::Duration;

use super::program::Program;
use super::run_arguments::{Format, RunArguments, Shown};
use crate::report::Report;

/// A run that was judged.
pub(super) struct Ran {
    pub(super) report: Report,
    /// Real time, which no report holds.
    pub(super) took: Duration,
}

/// A scenario that a system cannot carry out, which says nothing about the system.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Unsuited {
    pub(super) file: String,
    pub(super) title: String,
    pub(super) system: String,
    pub(super) why: String,
}

/// How many there were of each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) unsuited: usize,
}

impl Sums {
    pub(super) fn add(&mut self, passed: bool) {
        match passed {
            true => self.passed += 1,
            false => self.failed += 1,
        }
    }
}

/// Writes what is told, at once or at the end.
pub(super) trait Writer {
    /// A run has ended.
    fn ran(&mut self, ran: &Ran) -> io::Result<()>;
    /// A scenario does not suit a system.
    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()>;
    /// Nothing follows.
    fn finish(&mut self, sums: &Sums) -> io::Result<()>;
}

/// The writer that the arguments ask for, of so many runs of so many files.
pub(super) fn writer(
    arguments: &RunArguments,
    program: &Program,
    files: usize,
    runs: u64,
) -> Box<dyn Writer> {
    let all = arguments.report == Shown::All || program.verbose || arguments.trace;
    let first = arguments.report == Shown::Auto && files == 1;
    match arguments.format {
        Format::Text => Box::new(text::Text::new(all, first, runs)),
        Format::Github => Box::new(github::Github::new(text::Text::new(all, first, runs))),
        Format::Json => Box::new(json::Json::default()),
        Format::Jsonl => Box::new(json::JsonLines::default()),
        Format::Junit => Box::new(junit::JUnit::default()),
    }
}

/// The folder of a file, as it was given.
fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// Why a run did not go as expected.
fn reasons(report: &Report) -> &[String] {
    match &report.verdict {
        crate::report::Verdict::AsExpected => &[],
        crate::report::Verdict::NotAsExpected(reasons) => reasons,
    }
}
