//! `splitbrain sweep`: many seeds, on all cores; failures come out small.
//!
//! Holds: the report depends on the seeds that ran and on nothing else; with `--out` a sweep that was killed goes on.
//! Not here: running and judging (`sweep` of the library), merging shards (`merge`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};

use super::options;
use super::output::{Output, complain, inform};
use super::program::Program;
use super::progress::Bar;
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::clock::Clock;
use crate::files;
use crate::protocol::OptionValue;
use crate::scenario::{self, Seeds};
use crate::sweep::{self, Block, Ended, Journal, Patience, Plan, SweepReport};

/// The exit code of a sweep that was told to end and found nothing: as of a program that a signal ended.
const INTERRUPTED: u8 = 130;

/// What `sweep` may be told.
#[derive(Debug, Args)]
pub(super) struct SweepArguments {
    /// Run this scenario with every seed, instead of what the swarm draws
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = super::run::parse_seeds)]
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
    if arguments.worker {
        return work(&plan, arguments);
    }
    let mut journal = match arguments.out.as_deref().map(|out| Journal::open(out, &plan.header())).transpose()
    {
        Ok(journal) => journal,
        Err(error) => {
            complain(&error);
            return BAD_INPUT;
        }
    };
    let mut blocks = journal.as_ref().map_or_else(BTreeMap::new, |journal| journal.blocks.clone());
    if !blocks.is_empty() {
        inform(&format!("{} seeds are in the journal already", runs(&blocks)));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::clone(&stop);
    // Fails only when a library user handles the key already; theirs stays.
    let _ = ctrlc::set_handler(move || interrupted.store(true, Ordering::Relaxed));
    let threads = arguments.threads.map_or_else(cores, usize::from);
    if arguments.seeds.is_none() && arguments.count.is_none() && arguments.time.is_none() {
        let (system, first, last) = (plan.system.name(), plan.first, plan.last);
        inform(&format!(
            "sweeping {system}, seeds {first}..{last}; --seeds, --count or --time choose others"
        ));
    }
    let crew = Crew { workers: threads, words: &program.words, stop: &stop };
    let ended = run(&plan, arguments.time, &crew, &mut blocks, journal.as_mut());
    if let Some(journal) = &mut journal
        && let Err(error) = journal.sync()
    {
        complain(&format!("the journal: {error}"));
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
    let was_interrupted = matches!(ended, Ended::Stopped) && arguments.time.is_none();
    match finish(&plan, &blocks, &arguments.ending, threads, arguments.out.as_deref()) {
        AS_EXPECTED if was_interrupted => INTERRUPTED,
        code => code,
    }
}

/// Is one of the processes of a sweep.
fn work(plan: &Plan, arguments: &SweepArguments) -> u8 {
    // The interrupt key reaches every process of the terminal; the sweep's first one decides what it means.
    let _ = ctrlc::set_handler(|| {});
    let patience = Patience { seconds: arguments.patience, mebibytes: arguments.memory };
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
    stop: &'a AtomicBool,
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

fn runs(blocks: &BTreeMap<u64, Block>) -> u64 {
    blocks.values().map(|block| block.runs).sum()
}

fn plan(arguments: &SweepArguments, program: &Program) -> Option<Plan> {
    let file = match arguments.file.as_deref().map(scenario::load).transpose() {
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
        (None, None, Some(_)) => first + u64::from(u32::MAX),
        (None, None, None) => first + 99_999,
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
    blocks: &mut BTreeMap<u64, Block>,
    mut journal: Option<&mut Journal>,
) -> Ended {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Ended::Io(error),
    };
    let clock = Clock::start(time);
    let done: BTreeSet<u64> = blocks.keys().copied().collect();
    let all = (plan.last - plan.first).saturating_add(1) / plan.shard.1;
    let mut bar = Bar::new(time.is_none().then(|| all.saturating_sub(runs(blocks)).max(1)), "runs");
    let mut keep = |block: Block| -> io::Result<()> {
        if let Some(journal) = &mut journal {
            journal.add(block.clone())?;
        }
        blocks.insert(block.number, block);
        Ok(())
    };
    let mut on_tick = |tick: sweep::Tick| {
        bar.show(tick.runs, format!("{} failures", tick.failures));
        !clock.is_over()
    };
    let command = || crew.command(&program);
    let ended = sweep::run(plan, &done, crew.workers, &command, crew.stop, &mut keep, &mut on_tick);
    bar.end();
    ended
}

/// Makes failures small, writes and shows the report, and says how it went.
pub(super) fn finish(
    plan: &Plan,
    blocks: &BTreeMap<u64, Block>,
    ending: &EndingArguments,
    threads: usize,
    out: Option<&Path>,
) -> u8 {
    let effort = ending.shrink.saturating_mul(1_000_000);
    let report = sweep::summarise(plan, blocks, effort, threads, &|_| false);
    if let Some(out) = out
        && let Err(error) = write_all(&report, out)
    {
        complain(&format!("{}: {error}", out.display()));
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
