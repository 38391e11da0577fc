//! `splitbrain run`: scenario files in, a judgement of each out.
//!
//! Holds: every file is read before the first run, so that bad input runs nothing; runs come in the order of files,
//! systems and seeds.
//! Not here: carrying scenarios out and judging them (`runner`), and how that is written (`writers`).

use std::io;
use std::path::Path;

use super::output::complain;
use super::program::Program;
use super::run_arguments::RunArguments;
use super::writers::{self, Ran, Sums, Unsuited, Writer};
use super::{AS_EXPECTED, BAD_INPUT, NO_VERDICT, NOT_AS_EXPECTED};
use crate::choices::Choices;
use crate::clock::Clock;
use crate::explain::gallery;
use crate::files;
use crate::report::Report;
use crate::runner::{Drive, RunOptions};
use crate::scenario::{self, Objection, ScenarioError, ScenarioFile, Seeds, Subject, nearest};
use crate::system::{Capability, System, Systems};

/// How many failing runs are told with what led there: each is run once more for that.
const WHY_MAX: usize = 10;

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
    let pairs: Vec<(&ScenarioFile, System)> = files
        .iter()
        .flat_map(|file| systems_for(file, arguments, program).map(move |system| (file, system)))
        .collect();
    if pairs.is_empty() {
        let names: Vec<&str> = program.systems.names().collect();
        complain(&format!(
            "no scenario is meant for the systems of this build, which are {}; others are cargo features",
            names.join(", ")
        ));
        return Err(Stop::BadInput);
    }
    let runs = pairs.iter().map(|(file, _)| seeds_for(file, arguments));
    let runs =
        runs.fold(0, |sum: u64, Seeds { first, last }| sum.saturating_add(last - first).saturating_add(1));
    let mut writer = writers::writer(arguments, program, files.len(), runs);
    let mut sums = Sums::default();
    for (file, system) in pairs {
        run_file(file, system, arguments, program, &mut sums, writer.as_mut())?;
    }
    writer.finish(&sums)?;
    Ok(match (sums.passed, sums.failed) {
        (0, 0) => NO_VERDICT,
        (_, 0) => AS_EXPECTED,
        (_, _) => NOT_AS_EXPECTED,
    })
}

/// Runs a file on one system with all its seeds.
fn run_file(
    file: &ScenarioFile,
    system: System,
    arguments: &RunArguments,
    program: &Program,
    sums: &mut Sums,
    writer: &mut dyn Writer,
) -> Result<(), Stop> {
    let is_named = !file.scenario.systems.is_empty();
    let unsuited = |why: String| Unsuited {
        file: file.path.clone(),
        title: file.scenario.title.clone(),
        system: system.name().to_owned(),
        why,
    };
    if let Some(reason) = file.scenario.except.get(system.name()) {
        sums.unsuited += 1;
        return Ok(writer.unsuited(&unsuited(reason.clone()))?);
    }
    let lacks: Vec<&str> = system.lacks(&file.scenario).into_iter().map(Capability::name).collect();
    if !lacks.is_empty() && !is_named {
        sums.unsuited += 1;
        let why = format!("{} does not have {}", system.name(), lacks.join(", "));
        return Ok(writer.unsuited(&unsuited(why))?);
    }
    for seed in seeds_for(file, arguments).iter() {
        let name = system.name().to_owned();
        let options = RunOptions { file: file.path.clone(), system: name, seed, trace: arguments.trace };
        tracing::info!(file = file.path, system = system.name(), seed, "run");
        program.diary.note(&format!("{} · {} · seed {seed}", file.path, system.name()));
        let clock = Clock::start(None);
        match system.drive(&file.scenario, &options, Drive::within(Choices::seeded(seed), program.limit())) {
            Ok(mut report) => {
                program.sign(&mut report);
                program.tell_limit(&mut report);
                let ended = report.counts.events < program.limit().events;
                if ended && !report.passed() && !report.violations.is_empty() && sums.failed < WHY_MAX {
                    tell_why(&mut report, file, system, &options, arguments)?;
                }
                sums.add(report.passed());
                writer.ran(&Ran { report, took: clock.elapsed() })?;
            }
            // Asked for a system that the file does not name: the file need not suit it.
            Err(objection) if !is_named && system.name() != program.systems.first().name() => {
                sums.unsuited += 1;
                return Ok(writer.unsuited(&unsuited(objection.message))?);
            }
            Err(objection) => return Err(refuse(file, objection)),
        }
    }
    Ok(())
}

/// Lets a report say what led to its broken promise, and where the page is that draws it, if pages are wanted.
fn tell_why(
    report: &mut Report,
    file: &ScenarioFile,
    system: System,
    options: &RunOptions,
    arguments: &RunArguments,
) -> Result<(), Stop> {
    let Some(folder) = &arguments.explain else {
        report.why = system.why(&file.scenario, options);
        return Ok(());
    };
    let Some(explained) = system.explain_failure(&file.scenario, options) else { return Ok(()) };
    report.why = explained.lines().to_vec();
    let stem = Path::new(&file.path).with_extension("").display().to_string();
    let name = format!("{stem}-{}-{}", system.name(), options.seed);
    let path = folder.join(gallery::page_name(Path::new(name.replace('.', "-").trim_start_matches("-/"))));
    files::write(&path, &explained.page())?;
    report.page = Some(path.display().to_string());
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
        match scenario::load_within(path, program.bounds)
            .and_then(|file| check_systems(&file, &program.systems).map(|()| file))
        {
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
pub(super) fn check_systems(file: &ScenarioFile, systems: &Systems) -> Result<(), ScenarioError> {
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
