//! `splitbrain explore`: every order of a small world, or the shortest run that breaks a promise.
//!
//! Not here: the search (`explore`).

use std::path::PathBuf;

use clap::Args;

use super::options;
use super::output::{Output, complain, inform};
use super::program::{Program, told};
use super::progress::Bar;
use super::{AS_EXPECTED, BAD_INPUT, NO_VERDICT, NOT_AS_EXPECTED};
use crate::clock::Clock;
use crate::explore::{Counterexample, Ended, Explored, Limits, bounds_in_words};
use crate::files;
use crate::runner::RunOptions;
use crate::scenario::{Scenario, Step};

/// What `explore` may be told.
#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    /// The scenario file; its section [explore] says how far
    #[arg(value_name = "FILE")]
    target: String,
    /// Explore this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Give up at so many states
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    states: u64,
    /// Give up at so many MiB of memory
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    memory: u64,
    /// Give up after this time
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    time: Option<u64>,
    /// How many threads work; counts and findings do not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Take no node for another one
    #[arg(long)]
    no_symmetry: bool,
    /// Follow every move in every order
    #[arg(long)]
    no_reduction: bool,
    /// Write the shortest run that breaks a promise here instead of to the standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn main(arguments: &ExploreArguments, program: &Program) -> u8 {
    let target = options::target(&arguments.target, None, arguments.system.as_deref(), program);
    let Some(target) = target else { return BAD_INPUT };
    program.diary.note(&format!("{} · {}", arguments.target, target.system.name()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits {
        states: arguments.states,
        bytes: arguments.memory.saturating_mul(1 << 20),
        threads: arguments.threads.unwrap_or(cores).max(1),
        symmetry: !arguments.no_symmetry,
        reduction: !arguments.no_reduction,
    };
    let clock = Clock::start(arguments.time);
    let mut bar = Bar::new(None, "states");
    let system = target.system.name().to_owned();
    let options = RunOptions { file: target.file.clone(), system, seed: target.seed, trace: false };
    let explored = target.system.explore(&target.scenario, &options, limits, &mut |progress| {
        bar.show(progress.states, format!("{} wait, {} moves deep", progress.waiting, progress.layer));
        clock.is_over()
    });
    bar.end();
    match explored {
        None => {
            complain(&format!("{} cannot be explored: its values cannot be copied", target.system.name()));
            BAD_INPUT
        }
        Some(Err(objection)) => {
            complain(&told(&arguments.target, objection));
            BAD_INPUT
        }
        Some(Ok(explored)) => report(arguments, &target.scenario, &explored, &clock),
    }
}

fn report(arguments: &ExploreArguments, scenario: &Scenario, explored: &Explored, clock: &Clock) -> u8 {
    let expected = &scenario.expect.violations;
    let (text, code) = match &explored.ended {
        Ended::Kept => {
            let asks = |step: &Step| matches!(step, Step::Change { .. } | Step::Transfer { .. });
            let bounds = bounds_in_words(&scenario.explore, scenario.steps.iter().any(asks));
            let text = format!("every run with {}: no promise broken\n", bounds.join(", "));
            (text, if expected.is_empty() { AS_EXPECTED } else { NOT_AS_EXPECTED })
        }
        Ended::GaveUp(limit) => {
            (format!("gave up at {limit}, with {} states waiting\n", explored.waiting), NO_VERDICT)
        }
        Ended::Broken(found) => {
            let code = if expected.contains(&found.property) { AS_EXPECTED } else { NOT_AS_EXPECTED };
            (in_words(found, arguments), code)
        }
    };
    let seconds = clock.elapsed().as_secs_f64();
    let counts = format!(
        "{} states, {} moves, {} moves deep, {:.1} s; {} node states, {} ways to name nodes, {} bytes kept a state\n",
        explored.states,
        explored.moves,
        explored.depth,
        seconds,
        explored.players,
        explored.symmetries,
        explored.kept_bytes as u64 / explored.states.max(1),
    );
    match Output::new().write(&(text + &counts)) {
        Ok(()) => code,
        Err(error) => {
            complain(&format!("the report cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

/// The broken promise, and its story here or in a file.
fn in_words(found: &Counterexample, arguments: &ExploreArguments) -> String {
    let Counterexample { property, summary, moves, scenario } = found;
    let mut text = format!("{} is broken in {moves} moves, and in no fewer: {summary}\n", property.name());
    let Some(scenario) = scenario else {
        inform("a run of these moves judges otherwise: this is a mistake of this program");
        return text;
    };
    let story = format!("# {summary}, in {moves} moves.\n{}", scenario.to_short_toml(&[]));
    match &arguments.out {
        None => text.push_str(&story),
        Some(path) => match files::write(path, &story) {
            Ok(()) => text.push_str(&format!("{} repeats it\n", path.display())),
            Err(error) => complain(&error),
        },
    }
    text
}
