//! The program that runs: its protocols, and what it is called, so that what it prints can be typed again.
//!
//! Not here: what the commands do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::guard::Diary;
use super::output::complain;
use crate::report::{Report, Verdict, shell_word};
use crate::scenario::{Bounds, Objection, Scenario};
use crate::shrink::LIMIT;
use crate::system::{System, Systems};
use crate::world::Limit;

/// What every command knows beside its arguments.
#[derive(Debug)]
pub(super) struct Program {
    /// The protocols it has.
    pub(super) systems: Systems,
    /// Its name alone.
    pub(super) name: String,
    /// What it was called as, for a shell.
    call: String,
    /// Where this process says what it is doing.
    pub(super) diary: Diary,
    /// Whether everything is to be shown.
    pub(super) verbose: bool,
    /// How much files may ask for.
    pub(super) bounds: Bounds,
    /// The arguments, without the program's name.
    pub(super) words: Vec<OsString>,
}

impl Program {
    /// Of the words it was started with, its own name first.
    pub(super) fn new(systems: Systems, words: &[OsString]) -> Program {
        let first = words.first().map_or_else(|| Path::new("splitbrain"), Path::new);
        let here = std::env::current_dir().unwrap_or_default();
        let call = match first.strip_prefix(&here) {
            Ok(below) if first.is_absolute() => Path::new(".").join(below),
            _ => PathBuf::from(first),
        };
        let call = shell_word(&call.to_string_lossy());
        Program {
            systems,
            name: Program::name(words),
            call,
            diary: Diary::of_this_process(),
            verbose: false,
            bounds: Bounds::default(),
            words: words.get(1..).unwrap_or_default().to_vec(),
        }
    }

    /// The name alone, for help and version.
    pub(super) fn name(words: &[OsString]) -> String {
        let stem = words.first().and_then(|word| Path::new(word).file_stem());
        stem.map_or_else(|| String::from("splitbrain"), |stem| stem.to_string_lossy().into_owned())
    }

    /// The system that was asked for, that of the scenario, or the first. The user is told when there is none.
    pub(super) fn system(&self, asked: Option<&str>, scenario: Option<&Scenario>) -> Option<System> {
        self.systems.choose(asked, scenario).map_err(|objection| complain(&told("", objection))).ok()
    }

    /// How far a run may go: as far as one of a sweep, unless bounds are raised.
    pub(super) fn limit(&self) -> Limit {
        Limit { events: self.bounds.raised(LIMIT.events), under_way: LIMIT.under_way }
    }

    /// Says in the report of a run that went too far how it may go further.
    pub(super) fn tell_limit(&self, report: &mut Report) {
        if let Verdict::NotAsExpected(reasons) = &mut report.verdict
            && report.counts.events >= self.limit().events
        {
            reasons.push(String::from("`--raise-bounds 10` allows ten times as many events"));
        }
    }

    /// Lets a report name this program in the line that repeats it.
    pub(super) fn sign(&self, report: &mut Report) {
        let Report { file, system, seed, .. } = &*report;
        report.repeat = match file.is_empty() {
            true => format!("{} replay {seed} --system {}", self.call, shell_word(system)),
            false => {
                format!(
                    "{} run {} --system {} --seed {seed}",
                    self.call,
                    shell_word(file),
                    shell_word(system)
                )
            }
        };
    }
}

/// An objection as an error of a file, or of the arguments when there is none.
pub(super) fn told(file: &str, objection: Objection) -> String {
    let Objection { message, hint, .. } = objection;
    let place = if file.is_empty() { String::new() } else { format!("{file}: ") };
    let hint = hint.map_or(String::new(), |hint| format!("\nhelp: {hint}"));
    format!("{place}{message}{hint}")
}
