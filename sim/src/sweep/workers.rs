//! The worker processes of a sweep, each with a thread that gives it blocks and listens.
//!
//! Holds: every block of the shard that is not done yet is done once; a seed that kills its process, does not end or
//! takes too much of the machine is a finding, and a new process does the rest of its block. A process that somebody else
//! killed has shown nothing: its seed is run once more, alone, before it is believed.
//! Not here: what is done with blocks, what a worker does (`worker`), and one process with its channel (`process`).

use std::collections::BTreeSet;
use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::process::{Death, Outcome, Process};
use super::summary::Small;
use super::worker::{Excess, Part, Patience, Task};
use super::{Block, Failure, HANGS, MEMORY, OUTPUT, PROCESS, Plan, TERMINATION};
use crate::clock::Clock;
use crate::shrink::Fingerprint;

/// How often the sweep looks around.
const TICK: Duration = Duration::from_millis(100);

/// How long a sweep that stops waits for the blocks that are under way, in nanoseconds.
const GRACE: u64 = 10_000_000_000;

/// How many workers may end before they run anything of a block.
const STARTS_MAX: u64 = 5;

/// How a sweep ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Every block is done.
    Complete,
    /// It was told to stop.
    Stopped,
    /// The scenario of a seed cannot be run, and why.
    Objection(u64, String),
    /// A worker could not be started or talked to, or a block could not be kept.
    Io(io::Error),
}

/// What a sweep tells while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick {
    /// Seeds judged since it began.
    pub runs: u64,
    /// Failures found since it began.
    pub failures: u64,
}

/// What all threads share.
struct Crew<'a> {
    command: &'a (dyn Fn() -> Command + Sync),
    patience: Patience,
    plan: &'a Plan,
    /// Blocks that need not be done.
    done: &'a BTreeSet<u64>,
    /// The next block of the shard that nobody has begun; none after the last.
    next: Mutex<Option<u64>>,
    /// No further block is begun.
    stop: &'a AtomicBool,
    /// No block is waited for any more.
    kill: AtomicBool,
    /// Held by whoever runs a seed alone.
    alone: Mutex<()>,
}

enum Message {
    Block(Block),
    /// A thread ended, perhaps for a reason that ends the sweep.
    Ended(Option<Ended>),
}

/// How a sweep is carried out.
pub(crate) struct Means<'a> {
    /// How many processes.
    pub workers: usize,
    /// Starts a process that calls [`serve`](super::serve) with the same plan.
    pub command: &'a (dyn Fn() -> Command + Sync),
    /// How much a run may take of the machine.
    pub patience: Patience,
    /// Set from outside: begin no further block, and end when those under way are done.
    pub stop: &'a AtomicBool,
}

/// Does the blocks that are not done, until `stop` is set or `on_tick` says so (`false`). Blocks that are under way then
/// are finished, unless they take too long.
pub(crate) fn run(
    plan: &Plan,
    done: &BTreeSet<u64>,
    means: &Means<'_>,
    on_block: &mut dyn FnMut(Block) -> io::Result<()>,
    on_tick: &mut dyn FnMut(Tick) -> bool,
) -> Ended {
    let expected = plan.blocks_of_shard() - done.len() as u64;
    let workers = means.workers.clamp(1, usize::try_from(expected.max(1)).unwrap_or(usize::MAX));
    let crew = Crew {
        command: means.command,
        patience: means.patience,
        plan,
        done,
        next: Mutex::new(Some(plan.shard.0 - 1)),
        stop: means.stop,
        kill: AtomicBool::new(false),
        alone: Mutex::new(()),
    };
    let (sender, receiver) = mpsc::channel();
    let (mut kept, mut running, mut tick, mut why) = (0, workers, Tick::default(), None);
    let mut grace: Option<Clock> = None;
    thread::scope(|scope| {
        for _ in 0..workers {
            let (crew, sender) = (&crew, sender.clone());
            scope.spawn(move || {
                let ended = crew.work(&sender);
                // The receiver outlives every thread.
                let _ = sender.send(Message::Ended(ended));
            });
        }
        while running > 0 {
            match receiver.recv_timeout(TICK) {
                Ok(Message::Block(block)) => {
                    kept += 1;
                    tick.runs += block.runs;
                    tick.failures += block.failures.len() as u64;
                    if let Err(error) = on_block(block) {
                        why.get_or_insert(Ended::Io(error));
                        crew.stop_now();
                    }
                }
                Ok(Message::Ended(ended)) => {
                    running -= 1;
                    if let Some(ended) = ended {
                        why.get_or_insert(ended);
                        crew.stop_now();
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if !on_tick(tick) {
                crew.stop.store(true, Ordering::Relaxed);
            }
            if crew.stop.load(Ordering::Relaxed)
                && grace.get_or_insert_with(|| Clock::start(Some(GRACE))).is_over()
            {
                crew.stop_now();
            }
        }
    });
    why.unwrap_or(if kept == expected { Ended::Complete } else { Ended::Stopped })
}

impl Crew<'_> {
    fn stop_now(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.kill.store(true, Ordering::Relaxed);
    }

    /// The next block that nobody has done or begun.
    fn begin(&self) -> Option<u64> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let number = next.filter(|number| *number < self.plan.blocks())?;
            *next = number.checked_add(self.plan.shard.1);
            if !self.done.contains(&number) {
                return Some(number);
            }
        }
    }

    /// Does blocks until there are none left, or until the sweep stops.
    fn work(&self, sender: &Sender<Message>) -> Option<Ended> {
        let mut process = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(number) = self.begin() else { break };
            match self.do_block(&mut process, number) {
                Ok(Some(Ok(block))) => {
                    // The receiver outlives every thread.
                    let _ = sender.send(Message::Block(block));
                }
                Ok(Some(Err((seed, why)))) => return Some(Ended::Objection(seed, why)),
                Ok(None) => break,
                Err(error) => return Some(Ended::Io(error)),
            }
        }
        None
    }

    /// Does a block, in as many processes as it takes; nothing when the sweep stops meanwhile, an objection when a seed
    /// cannot be run.
    fn do_block(
        &self,
        process: &mut Option<Process>,
        number: u64,
    ) -> io::Result<Option<Result<Block, (u64, String)>>> {
        let mut without: Vec<u64> = Vec::new();
        let mut lost: Vec<Failure> = Vec::new();
        let mut doubtful: Vec<u64> = Vec::new();
        let mut starts = 0;
        let mut block = loop {
            let task = Task::Run(Part { number, only: Vec::new(), without: without.clone() });
            match self.ask(process, &task)? {
                Outcome::Done(block) => break block,
                Outcome::Objection(seed, why) => return Ok(Some(Err((seed, why)))),
                Outcome::Stopped | Outcome::Small(_) => return Ok(None),
                Outcome::Died(death) => {
                    let Some(seed) = death.seed else {
                        // Somebody may have killed it between two blocks.
                        starts += 1;
                        if starts < STARTS_MAX {
                            continue;
                        }
                        let why = format!("{} {}", death.status, death.printed);
                        let why = why.trim();
                        return Err(io::Error::other(format!("workers end before they run anything: {why}")));
                    };
                    without.push(seed);
                    match death.is_believed() {
                        true => lost.push(lost_run(seed, &death)),
                        false => doubtful.push(seed),
                    }
                }
            }
        };
        for seed in doubtful {
            let alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
            let task = Task::Run(Part { number, only: vec![seed], without: Vec::new() });
            match self.ask(&mut None, &task)? {
                Outcome::Done(again) => block.merge(again),
                Outcome::Objection(seed, why) => return Ok(Some(Err((seed, why)))),
                Outcome::Stopped | Outcome::Small(_) => return Ok(None),
                Outcome::Died(death) => lost.push(lost_run(seed, &death)),
            }
            drop(alone);
        }
        block.runs += lost.len() as u64;
        block.failures.extend(lost);
        block.failures.sort_by_key(|failure| failure.seed);
        Ok(Some(Ok(block)))
    }

    fn ask(&self, process: &mut Option<Process>, task: &Task) -> io::Result<Outcome> {
        let ready = match process {
            Some(ready) => ready,
            None => process.insert(Process::start((self.command)(), self.patience)?),
        };
        let outcome = ready.ask(task, &|| self.kill.load(Ordering::Relaxed));
        if !matches!(outcome, Ok(Outcome::Done(_))) {
            *process = None;
        }
        outcome
    }
}

/// Makes the failure of a seed small in a process of its own; nothing when it cannot be, whatever it does to that process.
pub(crate) fn small_elsewhere(
    command: Command,
    patience: Patience,
    seed: u64,
    effort: u64,
    stop: &dyn Fn() -> bool,
) -> Option<Small> {
    let mut process = Process::start(command, patience).ok()?;
    match process.ask(&Task::Shrink(seed, effort), stop) {
        Ok(Outcome::Small(small)) => small,
        Ok(_) | Err(_) => None,
    }
}

/// The finding that a seed ended its process.
fn lost_run(seed: u64, death: &Death) -> Failure {
    let (property, shape, summary) = match death.excess {
        Some(Excess::Time) => (
            TERMINATION,
            "a run does not end",
            String::from("a run took longer than --patience in real time; a step may not end"),
        ),
        Some(Excess::Memory) => (
            MEMORY,
            "a run takes too much memory",
            String::from(
                "the process of a run took more than --memory; the protocol may keep what it should let go",
            ),
        ),
        Some(Excess::Silence) => (
            HANGS,
            "a run stops its process",
            String::from("the process of a run gave no sign of life for longer than --patience"),
        ),
        Some(Excess::Printed) => (
            OUTPUT,
            "a run prints without end",
            String::from("the process of a run printed more than a disk should hold"),
        ),
        None => (
            PROCESS,
            "a run kills its process",
            format!(
                "the process of a run ended ({}): an abort, a stack that overflowed or an exit of its own",
                death.status
            ),
        ),
    };
    let fingerprint = Fingerprint { property: property.to_owned(), shape: shape.to_owned() };
    Failure { fingerprint, events: u64::MAX, seed, summary, printed: death.printed.clone() }
}
