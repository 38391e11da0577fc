//! The command line: what may be asked, who does it, and the exit code.
//!
//! Holds: reports go to the standard output, everything else to the standard error; a closed output ends the writing,
//! not the verdict.
//! Not here: what the commands do (`runner`, the linearizability crate), and what reports look like (`report`).

mod check_change;
mod clock;
mod find;
mod merge;
mod options;
mod output;
mod print_seed;
mod progress;
mod replay;
mod rules;
mod run;
mod shrink;
mod sweep;
#[cfg(feature = "mutations")]
mod zoo;
#[cfg(feature = "mutations")]
mod zoo_shrink;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};
use splitbrain_linearizability::command::{CheckArgs, run as check};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Everything went as expected.
const AS_EXPECTED: u8 = 0;
/// An expectation failed.
const NOT_AS_EXPECTED: u8 = 1;
/// The input is bad: arguments or scenario files. Also what `clap` answers to bad arguments.
const BAD_INPUT: u8 = 2;

/// Deterministic simulation testing for Raft-style consensus.
#[derive(Debug, Parser)]
#[command(name = "splitbrain", version, max_term_width = 100)]
#[command(after_help = "Exit code: 0 all as expected, 1 an expectation failed, 2 bad input.")]
struct Arguments {
    /// Say more on the standard error: -v what is done, -vv in detail; RUST_LOG overrides
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files and judge each against its own expectations
    Run(run::RunArguments),
    /// Judge recorded histories: are they linearizable?
    Check(CheckArgs),
    /// Judge a membership change: is it safe, by which steps, who must be up?
    CheckChange(check_change::CheckChangeArguments),
    /// List every safety rule, its source, and what breaks without it
    Rules(rules::RulesArguments),
    /// Run many seeds on all cores; failures come out small
    Sweep(sweep::SweepArguments),
    /// Put the shards of a sweep together
    Merge(merge::MergeArguments),
    /// Make a failure small
    Shrink(shrink::ShrinkArguments),
    /// Run a seed, a file or a tape again, and look at any event
    Replay(replay::ReplayArguments),
    /// Print the scenario that a seed of the swarm stands for
    PrintSeed(print_seed::PrintSeedArguments),
    /// Measure how soon each deliberate mistake is found
    #[cfg(feature = "mutations")]
    Zoo(zoo::ZooArguments),
}

/// Does what the arguments ask (the program's name first), and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let Arguments { verbose, command } = match Arguments::try_parse_from(&words) {
        Ok(arguments) => arguments,
        Err(answer) => return print_answer(&answer),
    };
    start_diagnostics(verbose);
    let code = match command {
        Command::Run(arguments) => run::main(&arguments),
        Command::CheckChange(arguments) => check_change::main(&arguments),
        Command::Rules(arguments) => rules::main(&arguments),
        Command::Check(arguments) => {
            check(&arguments, &mut anstream::stdout().lock(), &mut anstream::stderr().lock())
        }
        Command::Sweep(arguments) => sweep::main(&arguments, words.get(1..).unwrap_or_default()),
        Command::Merge(arguments) => merge::main(&arguments),
        Command::Shrink(arguments) => shrink::main(&arguments),
        Command::Replay(arguments) => replay::main(&arguments),
        Command::PrintSeed(arguments) => print_seed::main(&arguments),
        #[cfg(feature = "mutations")]
        Command::Zoo(arguments) => zoo::main(&arguments),
    };
    ExitCode::from(code)
}

/// Help and version are answers; anything else is bad input.
fn print_answer(answer: &clap::Error) -> ExitCode {
    // A reader that went away does not want the text.
    let _ = answer.print();
    ExitCode::from(if answer.use_stderr() { BAD_INPUT } else { AS_EXPECTED })
}

/// Sends diagnostics to the standard error, without the wall clock: they too can be compared between runs.
fn start_diagnostics(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into());
    let filter = match verbose {
        // A library under test complains about the hardships that it is put to.
        0 if std::env::var_os(EnvFilter::DEFAULT_ENV).is_none() => filter.parse_lossy("openraft=off"),
        _ => filter.from_env_lossy(),
    };
    let diagnostics =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).without_time();
    // Fails only when a library user set diagnostics up already; theirs stay.
    let _ = diagnostics.with_ansi(output::stderr_is_coloured()).try_init();
}
