//! `splitbrain run`: scenario files in, a report for each run out.
//!
//! Holds: every file is read before the first run, so that bad input runs nothing; reports come in the order of files,
//! systems and seeds.
//! Not here: carrying scenarios out and judging them (`runner`).

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::{Output, complain};
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED, find};
use crate::report::{self, Palette, Report, Summary};
use crate::runner::{self, RunOptions};
use crate::scenario::{self, Objection, ScenarioError, ScenarioFile, Seeds, Subject, nearest};

/// What `run` may be told.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run with this seed instead of the scenario's own
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run with each of these seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    seeds: Option<Seeds>,
    /// How reports are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Show every record of each run
    #[arg(long)]
    trace: bool,
    /// Run only scenarios whose path or title contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run only on this system
    #[arg(long, value_name = "NAME", value_parser = parse_system)]
    system: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document: {"reports": […], "passed": n, "failed": n}
    Json,
}

pub(super) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    Seeds::parse(text).ok_or_else(|| "expected a range of seeds such as 1..100".to_owned())
}

pub(super) fn parse_system(name: &str) -> Result<String, String> {
    let known = runner::systems();
    if known.contains(&name) {
        return Ok(name.to_owned());
    }
    let hint = nearest(name, known.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
    Err(format!("known here: {}{}", known.join(", "), hint.unwrap_or_default()))
}

/// Why a command stopped.
#[derive(Debug)]
enum Stop {
    /// The user was told already.
    BadInput,
    /// The reports cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

/// Runs what the arguments ask, and returns the exit code.
pub(super) fn main(arguments: &RunArguments) -> u8 {
    match run_all(arguments) {
        Ok(0) => AS_EXPECTED,
        Ok(_) => NOT_AS_EXPECTED,
        Err(Stop::BadInput) => BAD_INPUT,
        Err(Stop::Output(error)) => {
            complain(&format!("the reports cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn run_all(arguments: &RunArguments) -> Result<usize, Stop> {
    let files = load_all(arguments)?;
    let mut writer = Writer::new(arguments);
    for file in &files {
        for system in systems_for(file, arguments) {
            for seed in seeds_for(file, arguments).iter() {
                let options = RunOptions {
                    file: file.path.clone(),
                    system: system.to_owned(),
                    seed,
                    trace: arguments.trace,
                };
                tracing::info!(file = file.path, system, seed, "run");
                match runner::run(&file.scenario, &options) {
                    Ok(report) => writer.report(report)?,
                    // Asked for a system that the file does not name: the file need not suit it.
                    Err(objection)
                        if file.scenario.systems.is_empty() && system != runner::KNOWN_SYSTEMS[0] =>
                    {
                        writer.unsuited(file, system, objection)?;
                        break;
                    }
                    Err(objection) => return Err(refuse(file, objection)),
                }
            }
        }
    }
    writer.finish()
}

fn refuse(file: &ScenarioFile, objection: Objection) -> Stop {
    complain(&file.error(objection));
    Stop::BadInput
}

/// Reads every file that the filter lets through; tells the user of each that is bad.
fn load_all(arguments: &RunArguments) -> Result<Vec<ScenarioFile>, Stop> {
    let paths = find::scenario_files(&arguments.paths).map_err(|error| {
        complain(&error);
        Stop::BadInput
    })?;
    let mut files = Vec::new();
    let mut bad = false;
    for path in &paths {
        match scenario::load(path).and_then(|file| check_systems(&file).map(|()| file)) {
            Ok(file) => files.push(file),
            Err(error) => {
                complain(&error);
                bad = true;
            }
        }
    }
    if bad {
        return Err(Stop::BadInput);
    }
    if let Some(filter) = &arguments.filter {
        files.retain(|file| file.path.contains(filter) || file.scenario.title.contains(filter));
        if files.is_empty() {
            complain(&format!("no scenario has {filter:?} in its path or title"));
            return Err(Stop::BadInput);
        }
    }
    Ok(files)
}

/// Whether every system that a scenario names is one.
fn check_systems(file: &ScenarioFile) -> Result<(), ScenarioError> {
    let known = runner::KNOWN_SYSTEMS;
    let mut named = file.scenario.systems.iter().enumerate();
    let Some((nth, name)) = named.find(|(_, name)| !known.contains(&name.as_str())) else { return Ok(()) };
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known here: {}", known.join(", ")),
    };
    let message = format!("unknown system {name:?}");
    Err(file.error(Objection { subject: Subject::System(nth), message, hint: Some(hint) }))
}

fn systems_for<'a>(
    file: &'a ScenarioFile,
    arguments: &'a RunArguments,
) -> impl Iterator<Item = &'static str> + 'a {
    let asked = arguments.system.as_deref();
    runner::systems().iter().copied().filter(move |&name| {
        asked.is_none_or(|asked| asked == name) && runner::is_meant(&file.scenario, name, asked.is_some())
    })
}

fn seeds_for(file: &ScenarioFile, arguments: &RunArguments) -> Seeds {
    let one = arguments.seed.map(|seed| Seeds { first: seed, last: seed });
    arguments.seeds.or(one).unwrap_or(file.scenario.seeds)
}

/// Writes reports as they come, or all of them at the end.
struct Writer {
    output: Output,
    palette: Palette,
    format: Format,
    trace: bool,
    passed: usize,
    failed: usize,
    unsuited: usize,
    /// File and system of the report before this one.
    last: Option<(String, String)>,
    /// Every report, when they become one document.
    reports: Vec<Report>,
}

impl Writer {
    fn new(arguments: &RunArguments) -> Writer {
        let output = Output::new();
        let palette = output.palette();
        let RunArguments { format, trace, .. } = *arguments;
        Writer {
            output,
            palette,
            format,
            trace,
            passed: 0,
            failed: 0,
            unsuited: 0,
            last: None,
            reports: Vec::new(),
        }
    }

    fn report(&mut self, report: Report) -> Result<(), Stop> {
        if report.passed() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        match self.format {
            Format::Text => self.text(&report),
            Format::Json => {
                self.reports.push(report);
                Ok(())
            }
        }
    }

    /// A scenario that the system cannot carry out says nothing about the system.
    fn unsuited(&mut self, file: &ScenarioFile, system: &str, objection: Objection) -> Result<(), Stop> {
        self.unsuited += 1;
        match self.format {
            Format::Text => {
                let gap = if self.last.is_some() { "\n" } else { "" };
                self.last = Some((file.path.clone(), system.to_owned()));
                Ok(self
                    .output
                    .write(&format!("{gap}n/a  {} · {system} · {}\n", file.path, objection.message))?)
            }
            Format::Json => Ok(()),
        }
    }

    /// The first run of a scenario is shown in full, and each that failed; others in one line.
    fn text(&mut self, report: &Report) -> Result<(), Stop> {
        let this = Some((report.file.clone(), report.system.clone()));
        let text = if this == self.last && report.passed() && !self.trace {
            report.line(&self.palette)
        } else {
            let gap = if self.last.is_some() { "\n" } else { "" };
            format!("{gap}{}", report.text(&self.palette))
        };
        self.last = this;
        Ok(self.output.write(&text)?)
    }

    /// Writes what stands at the end, and returns how many runs did not go as expected.
    fn finish(mut self) -> Result<usize, Stop> {
        if self.passed + self.failed + self.unsuited == 0 {
            complain(&format!(
                "no scenario is meant for the systems of this build, which are {}; others are cargo features",
                runner::systems().join(", ")
            ));
            return Err(Stop::BadInput);
        }
        let (passed, failed) = (self.passed, self.failed);
        let text = match self.format {
            Format::Text => format!("\n{}", report::summary_line(passed, failed, &self.palette)),
            Format::Json => Summary { reports: self.reports, passed, failed }.json(),
        };
        self.output.write(&text)?;
        Ok(failed)
    }
}
