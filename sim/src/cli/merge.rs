//! `splitbrain merge`: the shards of a sweep as one report.
//!
//! Holds: the report is the one that a single sweep of all seeds would give, to the byte. Shards that contradict each other
//! are refused; blocks that are missing are named, and without them there is no verdict.

use std::path::PathBuf;

use clap::Args;

use super::output::{complain, inform};
use super::program::Program;
use super::signals::Signals;
use super::sweep::{EndingArguments, finish};
use super::{AS_EXPECTED, BAD_INPUT, NO_VERDICT};
use crate::protocol::OptionValue;
use crate::scenario::{self, Bounds};
use crate::sweep::{Header, Kept, Plan, header_of, read_journal, small};

/// What `merge` may be told.
#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// Folders of sweeps that were given --shard
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The scenario that was swept, if it was not the swarm's
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The settings that the sweep was given
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = super::options::parse_option)]
    options: Vec<(String, OptionValue)>,
    /// The rules that the sweep switched off
    #[arg(long = "off", value_name = "RULE")]
    rules_off: Vec<String>,
    /// Keep report and failures in this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ending: EndingArguments,
}

pub(super) fn main(arguments: &MergeArguments, program: &Program) -> u8 {
    let Some((header, kept)) = read_all(&arguments.folders, program.bounds) else { return BAD_INPUT };
    let file =
        match arguments.file.as_deref().map(|file| scenario::load_within(file, program.bounds)).transpose() {
            Ok(file) => file.map(|file| (file.path, file.scenario)),
            Err(error) => {
                complain(&error);
                return BAD_INPUT;
            }
        };
    let Some(system) = program.system(Some(&header.system), None) else { return BAD_INPUT };
    let plan = Plan {
        system,
        first: header.first,
        last: header.last,
        shard: (1, 1),
        twice: header.twice,
        scenario: file,
        options: arguments.options.iter().cloned().collect(),
        rules_off: arguments.rules_off.iter().cloned().collect(),
    };
    if plan.header() != header {
        complain(&"the shards are of another program, scenario, options or rules than those given");
        return BAD_INPUT;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let signals = Signals::listen();
    let effort = arguments.ending.effort();
    let smaller = |seed| small(&plan, seed, effort, &mut || signals.code().is_some());
    let code = finish(&plan, &kept, &arguments.ending, threads, arguments.out.as_deref(), &smaller);
    let missing = plan.blocks() - kept.len();
    // So many that are there have no gap before them.
    let whole = (0..).zip(kept.numbers()).take_while(|(number, there)| number == there).count() as u64;
    if missing > 0 {
        let seeds = plan.seeds(whole);
        complain(&format!(
            "{missing} of {} blocks are missing, the first with the seeds {}..{}; is a shard not there, or not done?",
            plan.blocks(),
            seeds.start(),
            seeds.end()
        ));
    }
    signals.code().unwrap_or(if code == AS_EXPECTED && missing > 0 { NO_VERDICT } else { code })
}

/// The header that all shards share, and what came of all their blocks. The user is told what does not fit.
fn read_all(folders: &[PathBuf], bounds: Bounds) -> Option<(Header, Kept)> {
    let mut kept = Kept::default();
    let mut header: Option<Header> = None;
    for folder in folders {
        let found = header_of(folder).map_err(|error| complain(&error)).ok()?;
        let found = Header { shard: (1, 1), ..found };
        if header.get_or_insert_with(|| found.clone()) != &found {
            complain(&format!("{}: of another sweep than {}", folder.display(), folders[0].display()));
            return None;
        }
        let damaged = read_journal(folder, bounds, &mut kept).map_err(|error| complain(&error)).ok()?;
        for damage in &damaged {
            inform(&format!("warning: {damage}; not counted"));
        }
    }
    Some((header?, kept))
}
