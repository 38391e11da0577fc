//! `splitbrain shrink`: the smallest scenario file that still breaks the same promise.

use std::path::PathBuf;

use clap::Args;

use super::guard::PatienceArguments;
use super::options;
use super::output::{Output, complain, inform};
use super::program::{Program, told};
use super::progress::Bar;
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::clock::Clock;
use crate::files;
use crate::protocol::OptionValue;
use crate::shrink::{Effort, Progress};

/// What `shrink` may be told.
#[derive(Debug, Args)]
pub(super) struct ShrinkArguments {
    /// A seed of the swarm, or a scenario file
    #[arg(value_name = "SEED|FILE")]
    target: String,
    /// Run the file with this seed instead of its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run on this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// The longest it may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = options::parse_time)]
    budget: u64,
    /// Give the scenario this setting, as in a sweep
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = options::parse_option)]
    options: Vec<(String, OptionValue)>,
    /// Switch this rule off, as in a sweep
    #[arg(long = "off", value_name = "RULE")]
    rules_off: Vec<String>,
    /// Write the scenario here instead of to the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) patience: PatienceArguments,
}

pub(super) fn main(arguments: &ShrinkArguments, program: &Program) -> u8 {
    let target = options::target(&arguments.target, arguments.seed, arguments.system.as_deref(), program);
    let Some(mut target) = target else { return BAD_INPUT };
    target.scenario.cluster.options.extend(arguments.options.iter().cloned());
    target.scenario.rules_off.extend(arguments.rules_off.iter().cloned());
    // A protocol may change the folder that this process is in.
    let out = arguments.out.as_ref().map(|out| std::path::absolute(out).unwrap_or_else(|_| out.clone()));
    let what = format!("{} · {} · seed {}", arguments.target, target.system.name(), target.seed);
    program.diary.note(&what);
    let clock = Clock::start(Some(arguments.budget));
    let mut bar = Bar::new(None, "tries");
    let mut stop = |progress: &Progress| {
        program.diary.note(&what);
        bar.show(progress.tries, format!("{} parts left, {} events", progress.size, progress.events));
        clock.is_over()
    };
    let mut effort = Effort::new(u64::MAX, &mut stop);
    let shrunk = target.system.shrink(&target.scenario, target.seed, &mut effort);
    bar.end();
    match shrunk {
        Ok(Some(shrunk)) => {
            inform(&format!(
                "{} {} faults, {} operations, {} moves; {} tries in {:.1?}",
                shrunk.headline(),
                shrunk.faults,
                shrunk.operations,
                shrunk.acts,
                shrunk.tries,
                clock.elapsed()
            ));
            let text = shrunk.to_toml();
            let written = match &out {
                Some(path) => files::write(path, &text),
                None => Output::new().write(&text),
            };
            if let Err(error) = written {
                complain(&format!("the scenario cannot be written: {error}"));
                return BAD_INPUT;
            }
            AS_EXPECTED
        }
        Ok(None) => {
            complain(&format!("{} with seed {} breaks no promise", arguments.target, target.seed));
            NOT_AS_EXPECTED
        }
        Err(objection) => {
            complain(&told(&arguments.target, objection));
            BAD_INPUT
        }
    }
}
