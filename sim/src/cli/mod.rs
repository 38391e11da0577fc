//! The command line: what may be asked, who does it, and the exit code.
//!
//! Holds: reports go to the standard output, everything else to the standard error; a closed output ends the writing,
//! not the verdict.
//! Not here: what the commands do (`runner`, the linearizability crate), and what reports look like (`report`).

mod begin;
mod check_change;
mod explain;
mod explore;
mod guard;
mod merge;
mod options;
mod output;
mod print_seed;
mod program;
mod progress;
mod prompt;
mod replay;
mod rules;
mod run;
mod run_arguments;
mod schema;
mod shell;
mod shrink;
mod signals;
mod sweep;
mod systems;
mod tidy;
mod writers;
#[cfg(feature = "mutations")]
mod zoo;
#[cfg(feature = "mutations")]
mod zoo_shrink;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use splitbrain_linearizability::command::{CheckArgs, run as check};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use program::Program;

use crate::built_in::systems;
use crate::scenario::Bounds;
use crate::system::Systems;

/// Everything went as expected.
const AS_EXPECTED: u8 = 0;
/// An expectation failed.
const NOT_AS_EXPECTED: u8 = 1;
/// The input is bad: arguments or scenario files. Also what `clap` answers to bad arguments.
const BAD_INPUT: u8 = 2;
/// Nothing was judged: every scenario asks for what the system does not have.
const NO_VERDICT: u8 = 3;

/// What the exit codes mean, the same for every command.
const EXIT_CODES: &str = "Exit code: 0 all as expected, 1 an expectation failed or something was found, 2 bad input, \
    3 no verdict (nothing could be judged), 130 interrupted.";

/// Deterministic simulation testing for Raft-style consensus.
#[derive(Debug, Parser)]
#[command(name = "splitbrain", version, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
struct Arguments {
    /// Say more: -v shows every report and what is done, -vv in detail; RUST_LOG overrides
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Allow scenario files and tapes to ask for N times as much as usual
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    raise_bounds: u64,
    /// Whether reports are coloured; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// For everything that this process writes.
    fn write_global(self) {
        match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files and judge each against its own expectations
    Run(run_arguments::RunArguments),
    /// Judge recorded histories: are they linearizable?
    Check(CheckArgs),
    /// Judge a membership change: is it safe, by which steps, who must be up?
    CheckChange(check_change::CheckChangeArguments),
    /// List every safety rule, its source, and what breaks without it
    Rules(rules::RulesArguments),
    /// List the protocols that can be run, and what each can do
    Systems(systems::SystemsArguments),
    /// Run many seeds on all cores; failures come out small
    Sweep(sweep::SweepArguments),
    /// Put the shards of a sweep together
    Merge(merge::MergeArguments),
    /// Make a failure small
    Shrink(shrink::ShrinkArguments),
    /// Run a seed, a file or a tape again; on a terminal: travel in it, and change it
    Replay(replay::ReplayArguments),
    /// Print the JSON Schema of scenario files, for editors
    Schema(schema::SchemaArguments),
    /// Explain why a run ended as it did: a page, and the story in words
    Explain(explain::ExplainArguments),
    /// Explore every order of a small world
    Explore(explore::ExploreArguments),
    /// Print the scenario that a seed of the swarm stands for
    PrintSeed(print_seed::PrintSeedArguments),
    /// Write a first scenario, a test and a workflow into a project
    Init(begin::InitArguments),
    /// Write a new file to begin with
    New(begin::NewArguments),
    /// Put scenario files into one form; no comment is lost
    Fmt(tidy::FmtArguments),
    /// Say what is wrong with scenario files, and run nothing
    Lint(tidy::LintArguments),
    /// Print what a shell needs to complete this command line
    Completions(shell::CompletionsArguments),
    /// Print or write the manual
    Man(shell::ManArguments),
    /// Measure how soon each deliberate mistake is found
    #[cfg(feature = "mutations")]
    Zoo(zoo::ZooArguments),
}

/// Does what the arguments ask (the program's name first) with the protocols of this project, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_with(&systems(), arguments)
}

/// As [`main`], with protocols of one's own: the whole command line, under the name of the program that calls this.
///
/// ```no_run
/// use splitbrain::protocols::echo::Echo; // your own
/// use splitbrain::system::{System, Systems};
///
/// fn main() -> std::process::ExitCode {
///     let systems = Systems::new(&[System::of::<Echo>("counts and is answered", &[])]);
///     splitbrain::cli::main_with(&systems, std::env::args_os())
/// }
/// ```
pub fn main_with(systems: &Systems, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let name = Program::name(&words);
    let parsed = command_line(&name)
        .try_get_matches_from(&words)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let Arguments { verbose, raise_bounds, color, command } = match parsed {
        Ok(arguments) => arguments,
        Err(answer) => return print_answer(&answer),
    };
    color.write_global();
    start_diagnostics(verbose);
    let mut program = Program::new(systems.clone(), &words);
    program.verbose = verbose > 0;
    program.bounds = Bounds { times: raise_bounds };
    if let Some(code) = command.patience().and_then(|patience| guard::supervise(&words, patience)) {
        return ExitCode::from(code);
    }
    let code = obey(command, &program);
    program.diary.end();
    ExitCode::from(code)
}

/// What may be asked, of a program of this name.
fn command_line(name: &str) -> clap::Command {
    Arguments::command().name(name.to_owned()).bin_name(name.to_owned())
}

impl Command {
    /// How much a run may take of the machine, where protocols run in a process that is watched.
    fn patience(&self) -> Option<&guard::PatienceArguments> {
        match self {
            Command::Run(arguments) => Some(&arguments.patience),
            // Whoever travels takes their time.
            Command::Replay(arguments) if arguments.travels() => None,
            Command::Replay(arguments) => Some(&arguments.patience),
            Command::Shrink(arguments) => Some(&arguments.patience),
            _ => None,
        }
    }
}

fn obey(command: Command, program: &Program) -> u8 {
    if let Some(patience) = command.patience() {
        program.diary.watch_memory(patience);
    }
    match command {
        Command::Run(arguments) => run::main(&arguments, program),
        Command::CheckChange(arguments) => check_change::main(&arguments),
        Command::Rules(arguments) => rules::main(&arguments, program),
        Command::Systems(arguments) => systems::main(&arguments, program),
        Command::Check(arguments) => {
            check(&arguments, &mut anstream::stdout().lock(), &mut anstream::stderr().lock())
        }
        Command::Sweep(arguments) => sweep::main(&arguments, program),
        Command::Merge(arguments) => merge::main(&arguments, program),
        Command::Shrink(arguments) => shrink::main(&arguments, program),
        Command::Replay(arguments) => replay::main(&arguments, program),
        Command::Schema(arguments) => schema::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments, program),
        Command::Explore(arguments) => explore::main(&arguments, program),
        Command::PrintSeed(arguments) => print_seed::main(&arguments, program),
        Command::Init(arguments) => begin::init(&arguments),
        Command::New(arguments) => begin::new(&arguments),
        Command::Fmt(arguments) => tidy::fmt(&arguments, program),
        Command::Lint(arguments) => tidy::lint(&arguments, program),
        Command::Completions(arguments) => shell::completions(&arguments, command_line(&program.name)),
        Command::Man(arguments) => shell::man(&arguments, command_line(&program.name)),
        #[cfg(feature = "mutations")]
        Command::Zoo(arguments) => zoo::main(&arguments),
    }
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
    let chosen = Targets::new().with_default(level);
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => text.parse().unwrap_or_else(|error| {
            output::complain(&format!(
                "RUST_LOG: {error}; expected LEVEL or TARGET=LEVEL, with commas between"
            ));
            chosen
        }),
        // A library under test complains about the hardships that it is put to.
        Err(_) if verbose == 0 => chosen.with_target("openraft", LevelFilter::OFF),
        Err(_) => chosen,
    };
    let shown = fmt::layer().with_writer(io::stderr).without_time().with_ansi(output::stderr_is_coloured());
    // Fails only when a library user set diagnostics up already; theirs stay.
    let _ = tracing_subscriber::registry().with(shown).with(filter).try_init();
}
