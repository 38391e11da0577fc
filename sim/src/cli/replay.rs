//! `splitbrain replay`: the same run again, from its seed or from a tape, with a look at any event.
//!
//! Holds: a strict tape that does not fit is named with the first draw that differs, and is no verdict.
//! Not here: carrying the run out (`runner`).

use std::path::PathBuf;

use clap::Args;

use super::options::{self, Target};
use super::output::{Output, complain, inform};
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::choices::Choices;
use crate::protocol::Protocol;
use crate::runner::{self, Drive, Played, RunOptions, Visit};
use crate::scenario::Objection;
use crate::tape;
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
}

/// What is to be shown, and the exit code.
type Shown = (String, u8);

pub(super) fn main(arguments: &ReplayArguments) -> u8 {
    match replay(arguments) {
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

fn replay(arguments: &ReplayArguments) -> Option<Shown> {
    let target = options::target(&arguments.target, arguments.seed)?;
    let mut choices = choices(arguments, target.seed)?;
    if arguments.record.is_some() {
        choices.record();
    }
    let limit = arguments.at.map_or(Limit::default(), |events| Limit { events, ..Limit::default() });
    let drive = Drive { choices, limit, limit_is_a_promise: false, acts: false };
    let system = options::system(arguments.system.as_deref(), Some(&target.scenario));
    match runner::with_system(&system, Replay { arguments, target: &target, system: &system, drive }) {
        Ok(Ok(shown)) => shown,
        Ok(Err(objection)) | Err(objection) => {
            let hint = objection.hint.map_or(String::new(), |hint| format!("\nhelp: {hint}"));
            complain(&format!("{}: {}{hint}", arguments.target, objection.message));
            None
        }
    }
}

fn choices(arguments: &ReplayArguments, seed: u64) -> Option<Choices> {
    let Some(path) = &arguments.tape else { return Some(Choices::seeded(seed)) };
    let text = match std::fs::read_to_string(path) {
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

struct Replay<'a> {
    arguments: &'a ReplayArguments,
    target: &'a Target,
    system: &'a str,
    drive: Drive,
}

impl Visit for Replay<'_> {
    type Output = Result<Option<Shown>, Objection>;

    fn visit<P: Protocol>(self) -> Self::Output {
        let Replay { arguments, target, system, drive } = self;
        let options = RunOptions {
            file: target.file.clone(),
            system: system.to_owned(),
            seed: target.seed,
            trace: arguments.trace || arguments.at.is_some(),
        };
        let Played { mut report, world } = runner::play::<P>(&target.scenario, &options, drive)?;
        if let Some(parting) = world.choices().parted() {
            if !arguments.tolerant {
                complain(&format!("the tape does not fit: {parting}"));
                inform("help: --tolerant goes on, and takes what fits");
                return Ok(None);
            }
            inform(&format!("the run parts from the tape: {parting}"));
        }
        if let Some(path) = &arguments.record {
            let about = format!("{} · {system} · seed {}", target.scenario.title, target.seed);
            let text = tape::print(&about, world.choices().recorded());
            if let Err(error) = options::write_file(path, &text) {
                complain(&format!("{}: {error}", path.display()));
                return Ok(None);
            }
        }
        let passed = report.passed();
        if arguments.at.is_none() {
            let palette = Output::new().palette();
            return Ok(Some((report.text(&palette), if passed { AS_EXPECTED } else { NOT_AS_EXPECTED })));
        }
        let mut text = format!("after event {} at {}\n", world.counts().events, world.now());
        for (number, node) in world.nodes().iter().enumerate() {
            let name = &target.scenario.cluster.nodes[number].name;
            let state = node
                .process
                .as_ref()
                .map_or_else(|| String::from("down"), super::super::protocol::Inspect::describe);
            let unfinished = node.disk.unfinished();
            text.push_str(&format!("  {name}: {state}; {unfinished} unfinished writes\n"));
        }
        let all = core::mem::take(&mut report.trace);
        let from = if arguments.trace { 0 } else { all.len().saturating_sub(12) };
        all[from..].iter().for_each(|record| text.push_str(&format!("  | {record}\n")));
        Ok(Some((text, AS_EXPECTED)))
    }
}
