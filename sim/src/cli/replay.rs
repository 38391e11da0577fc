//! `splitbrain replay`: the same run again, from its seed or from a tape, with a look at any event, or to travel in it.
//!
//! Holds: a strict tape that does not fit is named with the first draw that differs, and is no verdict.
//! Not here: carrying the run out (`runner`), and travelling (`prompt`, `travel`).

use std::path::{Path, PathBuf};

use clap::Args;

use super::guard::PatienceArguments;
use super::options::{self, Target};
use super::output::{Output, complain, inform};
use super::program::{Program, told};
use super::prompt;
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::choices::Choices;
use crate::choices::tape;
use crate::files;
use crate::runner::{Drive, RunOptions};
use crate::system::Sight;
use crate::time::Moment;
use crate::world::Limit;

/// What `replay` may be told.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// A seed of the swarm, or a scenario file
    #[arg(value_name = "SEED|FILE")]
    target: String,
    /// Run the file with this seed instead of its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run on this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Take every draw from this tape instead of the seed
    #[arg(long, value_name = "FILE")]
    tape: Option<PathBuf>,
    /// Let the run ask for other draws than the tape holds, and say where it first did
    #[arg(long, requires = "tape")]
    tolerant: bool,
    /// Write every draw of the run to this tape
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Stop after this event and show every node
    #[arg(long, value_name = "EVENT")]
    at: Option<u64>,
    /// Show every record
    #[arg(long)]
    trace: bool,
    /// Travel in the run by the commands in this file, or in the standard input for `-`; `help` lists them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["at", "trace", "record"])]
    commands: Option<PathBuf>,
    #[command(flatten)]
    pub(super) patience: PatienceArguments,
}

/// What is to be shown, and the exit code.
type Shown = (String, u8);

impl ReplayArguments {
    /// Whether somebody travels in the run: by a script, or at a terminal when nothing else is asked.
    pub(super) fn travels(&self) -> bool {
        let nothing_else = self.at.is_none() && !self.trace && self.record.is_none();
        self.commands.is_some() || (nothing_else && prompt::is_at_terminal())
    }
}

pub(super) fn main(arguments: &ReplayArguments, program: &Program) -> u8 {
    if arguments.travels() {
        return travel(arguments, program).unwrap_or(BAD_INPUT);
    }
    match replay(arguments, program) {
        Some((text, code)) => match Output::new().write(&text) {
            Ok(()) => code,
            Err(error) => {
                complain(&format!("the report cannot be written: {error}"));
                BAD_INPUT
            }
        },
        None => BAD_INPUT,
    }
}

/// Travels in the run, as a script or whoever sits at the terminal says.
fn travel(arguments: &ReplayArguments, program: &Program) -> Option<u8> {
    let target = options::target(&arguments.target, arguments.seed, arguments.system.as_deref(), program)?;
    let choices = choices(arguments, target.seed, program.bounds.times)?;
    let options = RunOptions {
        file: target.file.clone(),
        system: target.system.name().to_owned(),
        seed: target.seed,
        trace: false,
    };
    let journey = target.system.travel(&target.scenario, &options, choices);
    let mut journey = journey.map_err(|objection| complain(&told(&arguments.target, objection))).ok()?;
    Some(match &arguments.commands {
        Some(script) => prompt::recite(journey.as_mut(), script),
        None => prompt::converse(journey.as_mut()),
    })
}

fn replay(arguments: &ReplayArguments, program: &Program) -> Option<Shown> {
    let target = options::target(&arguments.target, arguments.seed, arguments.system.as_deref(), program)?;
    program.diary.note(&format!("{} · {} · seed {}", arguments.target, target.system.name(), target.seed));
    if let (Some(event), None, None, false) =
        (arguments.at, &arguments.tape, &arguments.record, arguments.trace)
    {
        return look_once(arguments, &target, event);
    }
    let mut whole = look(arguments, &target, None, program)?;
    if let Some(parting) = &whole.parted {
        if !arguments.tolerant {
            let tape = arguments.tape.as_deref().unwrap_or(Path::new("the tape"));
            complain(&format!("{}: the tape does not fit: {parting}", tape.display()));
            inform("help: --tolerant goes on, and takes what fits");
            return None;
        }
        inform(&format!("the run parts from the tape: {parting}"));
    }
    if let Some(path) = &arguments.record {
        let about = format!("{} · {} · seed {}", target.scenario.title, target.system.name(), target.seed);
        if let Err(error) = files::write(path, &tape::print(&about, &whole.recorded)) {
            complain(&error);
            return None;
        }
    }
    program.sign(&mut whole.report);
    program.tell_limit(&mut whole.report);
    let code = if whole.report.passed() { AS_EXPECTED } else { NOT_AS_EXPECTED };
    let Some(event) = arguments.at else {
        return Some((whole.report.text(&Output::new().palette()), code));
    };
    let events = whole.report.counts.events;
    if event > events {
        complain(&format!("expected an event of the run, which has {events}, found --at {event}"));
        return None;
    }
    let stopped = look(arguments, &target, Some(event), program)?;
    Some((scene(arguments, &stopped), code))
}

/// The scene after an event, and how the run ends: it is carried out once.
fn look_once(arguments: &ReplayArguments, target: &Target, event: u64) -> Option<Shown> {
    let options = RunOptions {
        file: target.file.clone(),
        system: target.system.name().to_owned(),
        seed: target.seed,
        trace: false,
    };
    let since = event.saturating_sub(EVENTS_SHOWN);
    let seen = target.system.look_after(&target.scenario, &options, event, since);
    let (whole, there) = seen.map_err(|objection| complain(&told(&arguments.target, objection))).ok()?;
    let Some(there) = there else {
        let events = whole.counts.events;
        complain(&format!("expected an event of the run, which has {events}, found --at {event}"));
        return None;
    };
    let code = if whole.passed() { AS_EXPECTED } else { NOT_AS_EXPECTED };
    Some((scene(arguments, &there), code))
}

/// Every node after the last event of a run, and the records before it.
fn scene(arguments: &ReplayArguments, seen: &Sight) -> String {
    let counts = seen.report.counts;
    let mut text = format!("after event {} at {}\n", counts.events, Moment(counts.virtual_time));
    seen.nodes.iter().for_each(|node| text.push_str(&format!("  {node}\n")));
    let all = &seen.report.trace;
    let from = if arguments.trace { 0 } else { all.len().saturating_sub(12) };
    all[from..].iter().for_each(|record| text.push_str(&format!("  | {}\n", record.line)));
    text
}

/// How many events before the one that is looked at have their records shown or kept.
const EVENTS_SHOWN: u64 = 64;

/// Carries the run out, to its end or to an event. Only records that will be shown are kept: those of a long run do not fit
/// into memory.
fn look(arguments: &ReplayArguments, target: &Target, at: Option<u64>, program: &Program) -> Option<Sight> {
    let whole = program.limit();
    let limit = Limit { events: at.unwrap_or(whole.events), ..whole };
    let keep_from = match at {
        Some(event) if !arguments.trace => event.saturating_sub(EVENTS_SHOWN),
        Some(_) | None => 0,
    };
    let mut choices = choices(arguments, target.seed, program.bounds.times)?;
    if arguments.record.is_some() {
        choices.record();
    }
    let options = RunOptions {
        file: target.file.clone(),
        system: target.system.name().to_owned(),
        seed: target.seed,
        trace: at.is_some() || (arguments.trace && arguments.at.is_none()),
    };
    let drive = Drive { choices, limit, limit_is_a_promise: at.is_none(), acts: false, keep_from };
    let seen = target.system.look(&target.scenario, &options, drive);
    seen.map_err(|objection| complain(&told(&arguments.target, objection))).ok()
}

fn choices(arguments: &ReplayArguments, seed: u64, times: u64) -> Option<Choices> {
    let Some(path) = &arguments.tape else { return Some(Choices::seeded(seed)) };
    let text = match tape::read_file(path, times) {
        Ok(text) => text,
        Err(error) => {
            complain(&format!("{}: cannot be read: {error}", path.display()));
            return None;
        }
    };
    match tape::parse(&text) {
        Ok(draws) if arguments.tolerant => Some(Choices::tolerant(&draws)),
        Ok(draws) => Some(Choices::tape(&draws)),
        Err(error) => {
            complain(&format!("{}:{error}", path.display()));
            None
        }
    }
}
