//! `splitbrain sweep`: many seeds, on all cores; failures come out small.
//!
//! Holds: the report depends on the seeds that ran and on nothing else; with `--out` a sweep that was killed goes on.
//! Not here: running and judging (`sweep` of the library), merging shards (`merge`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};

use super::options;
use super::output::{Output, complain, inform};
use super::program::Program;
use super::progress::Bar;
use super::signals::Signals;
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::clock::Clock;
use crate::files;
use crate::protocol::OptionValue;
use crate::scenario::{self, Seeds};
use crate::sweep::{self, Block, Ended, Journal, Kept, Means, Patience, Plan, Small, SweepReport};

/// What `sweep` may be told.
#[derive(Debug, Args)]
pub(super) struct SweepArguments {
    /// Run this scenario with every seed, instead of what the swarm draws
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = super::run_arguments::parse_seeds)]
    seeds: Option<Seeds>,
    /// So many seeds, from the first of --seeds or from 0
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time, with what there is
    #[arg(long, value_name = "TIME", value_parser = options::parse_time)]
    time: Option<u64>,
    /// Run on this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// How many seeds run at once, each in a process of its own [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Give a run up after so many seconds of real time, as a finding
    #[arg(long, value_name = "SECONDS", default_value_t = Patience::default().seconds)]
    patience: u64,
    /// Give a run up when its process has so many mebibytes of memory, as a finding
    #[arg(long, value_name = "MEBIBYTES", default_value_t = Patience::default().mebibytes)]
    memory: u64,
    /// Be one of the processes of a sweep with these arguments
    #[arg(long, hide = true)]
    worker: bool,
    /// Keep journal, report and failures in this folder, and go on with what is there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run only this part of the seeds; `merge` puts the parts together
    #[arg(long, value_name = "K/N", default_value = "1/1", value_parser = parse_shard)]
    shard: (u64, u64),
    /// Run one seed in so many twice and compare: 1 for all, 0 for none
    #[arg(long, value_name = "N", default_value_t = 20)]
    twice: u64,
    /// Give every scenario this setting
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = options::parse_option)]
    options: Vec<(String, OptionValue)>,
    /// Switch this rule off in every scenario
    #[arg(long = "off", value_name = "RULE")]
    rules_off: Vec<String>,
    #[command(flatten)]
    ending: EndingArguments,
}

/// What is done with failures at the end.
#[derive(Clone, Debug, Args)]
pub(super) struct EndingArguments {
    /// How many million events may be played again to make one failure small
    #[arg(long, value_name = "MILLIONS", default_value_t = 20)]
    shrink: u64,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Reads `2/8`.
fn parse_shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts
        .filter(|(k, n)| 1 <= *k && k <= n)
        .ok_or_else(|| String::from("expected a part such as 1/8, counted from 1"))
}

/// `words` are those that `arguments` were read from, without the program's name.
pub(super) fn main(arguments: &SweepArguments, program: &Program) -> u8 {
    let Some(plan) = plan(arguments, program) else { return BAD_INPUT };
    let patience = Patience { seconds: arguments.patience, mebibytes: arguments.memory };
    if arguments.worker {
        return work(&plan, patience);
    }
    // A protocol may change the folder that this process is in.
    let out = arguments.out.as_deref().map(|out| std::path::absolute(out).unwrap_or_else(|_| out.to_owned()));
    let mut journal =
        match out.as_deref().map(|out| Journal::open(out, &plan.header(), program.bounds)).transpose() {
            Ok(journal) => journal,
            Err(error) => {
                complain(&error);
                return BAD_INPUT;
            }
        };
    let mut kept = journal.as_mut().map(|journal| std::mem::take(&mut journal.kept)).unwrap_or_default();
    for damage in journal.iter().flat_map(|journal| &journal.damaged) {
        inform(&format!("warning: {damage}; set aside, its seeds run again"));
    }
    if kept.len() > 0 {
        inform(&format!("{} seeds are in the journal already", kept.sum().runs));
    }
    let threads = arguments.threads.map_or_else(cores, usize::from);
    if arguments.seeds.is_none() && arguments.count.is_none() && arguments.time.is_none() {
        let (system, first, last) = (plan.system.name(), plan.first, plan.last);
        inform(&format!(
            "sweeping {system}, seeds {first}..{last}; --seeds, --count or --time choose others"
        ));
    }
    let signals = Signals::listen();
    let crew = Crew { workers: threads, words: &program.words, patience, signals: &signals };
    let mut ended = run(&plan, arguments.time, &crew, &mut kept, journal.as_mut());
    if let Some(Err(error)) = journal.as_mut().map(Journal::sync) {
        ended = Ended::Io(error);
    }
    match ended {
        Ended::Objection(seed, objection) => {
            complain(&format!("seed {seed}: {objection}"));
            return BAD_INPUT;
        }
        Ended::Io(error) => {
            complain(&format!("the sweep cannot go on: {error}"));
            return BAD_INPUT;
        }
        Ended::Complete | Ended::Stopped => {}
    }
    let code = match std::env::current_exe() {
        Ok(program) => {
            let effort = arguments.ending.effort();
            let stop = || signals.code().is_some();
            let smaller =
                |seed| sweep::small_elsewhere(crew.command(&program), patience, seed, effort, &stop);
            finish(&plan, &kept, &arguments.ending, threads, out.as_deref(), &smaller)
        }
        Err(error) => {
            complain(&error);
            BAD_INPUT
        }
    };
    signals.code().filter(|_| code != BAD_INPUT).unwrap_or(code)
}

/// Is one of the processes of a sweep.
fn work(plan: &Plan, patience: Patience) -> u8 {
    match sweep::serve(plan, patience) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("a worker of the sweep: {error}"));
            BAD_INPUT
        }
    }
}

/// Who runs the seeds.
struct Crew<'a> {
    workers: usize,
    /// What the workers are started with.
    words: &'a [OsString],
    patience: Patience,
    signals: &'a Signals,
}

impl Crew<'_> {
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.words).arg("--worker");
        command
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn plan(arguments: &SweepArguments, program: &Program) -> Option<Plan> {
    let file =
        match arguments.file.as_deref().map(|file| scenario::load_within(file, program.bounds)).transpose() {
            Ok(file) => file.map(|file| (file.path, file.scenario)),
            Err(error) => {
                complain(&error);
                return None;
            }
        };
    let scenario = file.as_ref().map(|(_, scenario)| scenario);
    let system = program.system(arguments.system.as_deref(), scenario)?;
    let first = arguments.seeds.map_or(0, |seeds| seeds.first);
    let last = match (arguments.count, arguments.seeds, arguments.time) {
        (Some(count), _, _) => first.saturating_add(count - 1),
        (None, Some(seeds), _) => seeds.last,
        (None, None, Some(_)) => first.saturating_add(u64::from(u32::MAX)),
        (None, None, None) => first.saturating_add(99_999),
    };
    Some(Plan {
        system,
        first,
        last,
        shard: arguments.shard,
        twice: arguments.twice,
        scenario: file,
        options: arguments.options.iter().cloned().collect(),
        rules_off: arguments.rules_off.iter().cloned().collect(),
    })
}

fn run(
    plan: &Plan,
    time: Option<u64>,
    crew: &Crew<'_>,
    kept: &mut Kept,
    mut journal: Option<&mut Journal>,
) -> Ended {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Ended::Io(error),
    };
    let clock = Clock::start(time);
    let done: BTreeSet<u64> = kept.numbers().collect();
    let all = plan.blocks_of_shard().saturating_mul(sweep::BLOCK);
    let mut bar = Bar::new(time.is_none().then(|| all.saturating_sub(kept.sum().runs).max(1)), "runs");
    let mut keep = |block: Block| -> io::Result<()> {
        if let Some(journal) = &mut journal {
            journal.add(&block)?;
        }
        kept.add(block);
        Ok(())
    };
    let mut on_tick = |tick: sweep::Tick| {
        bar.show(tick.runs, format!("{} failures", tick.failures));
        !clock.is_over() && crew.signals.code().is_none()
    };
    let command = || crew.command(&program);
    let stop = AtomicBool::new(false);
    let means = Means { workers: crew.workers, command: &command, patience: crew.patience, stop: &stop };
    let ended = sweep::run(plan, &done, &means, &mut keep, &mut on_tick);
    bar.end();
    ended
}

impl EndingArguments {
    /// How many events one failure may take.
    pub(super) fn effort(&self) -> u64 {
        self.shrink.saturating_mul(1_000_000)
    }
}

/// Makes failures small, writes and shows the report, and says how it went.
pub(super) fn finish(
    plan: &Plan,
    kept: &Kept,
    ending: &EndingArguments,
    threads: usize,
    out: Option<&Path>,
    smaller: &(dyn Fn(u64) -> Option<Small> + Sync),
) -> u8 {
    let report = sweep::summarise(plan, kept, threads, smaller);
    if let Some(out) = out
        && let Err(error) = write_all(&report, out)
    {
        complain(&error);
        return BAD_INPUT;
    }
    let text = match ending.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    };
    if let Err(error) = Output::new().write(&text) {
        complain(&format!("the report cannot be written: {error}"));
        return BAD_INPUT;
    }
    if report.failures.is_empty() { AS_EXPECTED } else { NOT_AS_EXPECTED }
}

fn write_all(report: &SweepReport, out: &Path) -> io::Result<()> {
    for bucket in &report.failures {
        files::write(&out.join(&bucket.witness), &bucket.toml)?;
    }
    files::write(&out.join("report.json"), &report.json())?;
    files::write(&out.join("report.txt"), &report.text())
}
