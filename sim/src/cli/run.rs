//! `splitbrain run`: scenario files in, a report for each run out.
//!
//! Holds: every file is read before the first run, so that bad input runs nothing; reports come in the order of files,
//! systems and seeds.
//! Not here: carrying scenarios out and judging them (`runner`).

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::{Output, complain};
use super::program::Program;
use super::{AS_EXPECTED, BAD_INPUT, NO_VERDICT, NOT_AS_EXPECTED};
use crate::files;
use crate::report::{self, Palette, Report, Summary};
use crate::runner::{Drive, RunOptions};
use crate::scenario::{self, Objection, ScenarioError, ScenarioFile, Seeds, Subject, nearest};
use crate::system::{Capability, System, Systems};

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
    #[arg(long, value_name = "NAME")]
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
    if let Some(seeds) = Seeds::parse(text) {
        return Ok(seeds);
    }
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let ends = text.split_once("..").and_then(|(first, last)| number(first).zip(number(last)));
    Err(match ends {
        Some((first, last)) if first > last => {
            format!("the range runs backwards: did you mean {last}..{first}?")
        }
        _ => String::from("expected a range of seeds such as 1..100"),
    })
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
pub(super) fn main(arguments: &RunArguments, program: &Program) -> u8 {
    match run_all(arguments, program) {
        Ok(code) => code,
        Err(Stop::BadInput) => BAD_INPUT,
        Err(Stop::Output(error)) => {
            complain(&format!("the reports cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn run_all(arguments: &RunArguments, program: &Program) -> Result<u8, Stop> {
    if let Some(name) = &arguments.system {
        program.system(Some(name), None).ok_or(Stop::BadInput)?;
    }
    let files = load_all(arguments, program)?;
    let mut writer = Writer::new(arguments);
    for file in &files {
        for system in systems_for(file, arguments, program) {
            run_file(file, system, arguments, program, &mut writer)?;
        }
    }
    writer.finish(program)
}

/// Runs a file on one system with all its seeds.
fn run_file(
    file: &ScenarioFile,
    system: System,
    arguments: &RunArguments,
    program: &Program,
    writer: &mut Writer,
) -> Result<(), Stop> {
    if let Some(reason) = file.scenario.except.get(system.name()) {
        return writer.unsuited(file, system.name(), reason);
    }
    let is_named = !file.scenario.systems.is_empty();
    let lacks: Vec<&str> = system.lacks(&file.scenario).into_iter().map(Capability::name).collect();
    if !lacks.is_empty() && !is_named {
        return writer.unsuited(file, system.name(), &format!("it does not have {}", lacks.join(", ")));
    }
    for seed in seeds_for(file, arguments).iter() {
        let name = system.name().to_owned();
        let options = RunOptions { file: file.path.clone(), system: name, seed, trace: arguments.trace };
        tracing::info!(file = file.path, system = system.name(), seed, "run");
        match system.drive(&file.scenario, &options, Drive::seeded(seed)) {
            Ok(mut report) => {
                program.sign(&mut report);
                writer.report(report)?;
            }
            // Asked for a system that the file does not name: the file need not suit it.
            Err(objection) if !is_named && system.name() != program.systems.first().name() => {
                return writer.unsuited(file, system.name(), &objection.message);
            }
            Err(objection) => return Err(refuse(file, objection)),
        }
    }
    Ok(())
}

fn refuse(file: &ScenarioFile, objection: Objection) -> Stop {
    complain(&file.error(objection));
    Stop::BadInput
}

/// Reads every file that the filter lets through; tells the user of each that is bad.
fn load_all(arguments: &RunArguments, program: &Program) -> Result<Vec<ScenarioFile>, Stop> {
    let paths = files::scenario_files(&arguments.paths).map_err(|error| {
        complain(&error);
        Stop::BadInput
    })?;
    let mut files = Vec::new();
    let mut bad = false;
    for path in &paths {
        match scenario::load(path).and_then(|file| check_systems(&file, &program.systems).map(|()| file)) {
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
fn check_systems(file: &ScenarioFile, systems: &Systems) -> Result<(), ScenarioError> {
    let except = file.scenario.except.keys();
    let mut named = file.scenario.systems.iter().chain(except).enumerate();
    let Some((nth, name)) = named.find(|(_, name)| !systems.knows(name)) else { return Ok(()) };
    let hint = match nearest(name, systems.names()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known here: {}", systems.names().collect::<Vec<_>>().join(", ")),
    };
    let message = format!("unknown system {name:?}");
    Err(file.error(Objection { subject: Subject::System(nth), message, hint: Some(hint) }))
}

fn systems_for<'a>(
    file: &'a ScenarioFile,
    arguments: &'a RunArguments,
    program: &'a Program,
) -> impl Iterator<Item = System> + 'a {
    let asked = arguments.system.as_deref();
    let wanted = move |system: &System| {
        asked.is_none_or(|asked| asked == system.name())
            && (program.systems.is_meant(&file.scenario, *system, asked.is_some())
                || asked.is_some() && file.scenario.except.contains_key(system.name()))
    };
    program.systems.iter().filter(wanted)
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
    fn unsuited(&mut self, file: &ScenarioFile, system: &str, why: &str) -> Result<(), Stop> {
        self.unsuited += 1;
        match self.format {
            Format::Text => {
                let gap = if self.last.is_some() { "\n" } else { "" };
                self.last = Some((file.path.clone(), system.to_owned()));
                Ok(self.output.write(&format!("{gap}n/a  {} · {system} · {why}\n", file.path))?)
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

    /// Writes what stands at the end, and returns the exit code.
    fn finish(mut self, program: &Program) -> Result<u8, Stop> {
        if self.passed + self.failed + self.unsuited == 0 {
            let names: Vec<&str> = program.systems.names().collect();
            complain(&format!(
                "no scenario is meant for the systems of this build, which are {}; others are cargo features",
                names.join(", ")
            ));
            return Err(Stop::BadInput);
        }
        let (passed, failed) = (self.passed, self.failed);
        let text = match self.format {
            Format::Text => format!("\n{}", report::summary_line(passed, failed, &self.palette)),
            Format::Json => Summary { reports: self.reports, passed, failed }.json(),
        };
        self.output.write(&text)?;
        Ok(match (passed, failed) {
            (0, 0) => NO_VERDICT,
            (_, 0) => AS_EXPECTED,
            (_, _) => NOT_AS_EXPECTED,
        })
    }
}
