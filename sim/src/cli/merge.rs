//! `splitbrain merge`: the shards of a sweep as one report.
//!
//! Holds: the report is the one that a single sweep of all seeds would give, to the byte.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::BAD_INPUT;
use super::output::complain;
use super::program::Program;
use super::sweep::{EndingArguments, finish};
use crate::protocol::OptionValue;
use crate::scenario;
use crate::sweep::{Header, Plan, read_journal};

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
    let mut blocks = BTreeMap::new();
    let mut header: Option<Header> = None;
    for folder in &arguments.folders {
        let (found, more) = match read_journal(folder) {
            Ok(read) => read,
            Err(error) => {
                complain(&error);
                return BAD_INPUT;
            }
        };
        let found = Header { shard: (1, 1), ..found };
        if header.get_or_insert_with(|| found.clone()) != &found {
            complain(&format!(
                "{}: of another sweep than {}",
                folder.display(),
                arguments.folders[0].display()
            ));
            return BAD_INPUT;
        }
        blocks.extend(more);
    }
    let Some(header) = header else { return BAD_INPUT };
    let file = match arguments.file.as_deref().map(scenario::load).transpose() {
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
    finish(&plan, &blocks, &arguments.ending, threads, arguments.out.as_deref())
}
