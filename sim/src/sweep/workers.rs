//! The worker processes of a sweep, each with a thread that gives it blocks and listens.
//!
//! Holds: every block of the shard that is not done yet is done once; a seed that kills its process, does not end or
//! takes too much memory is a finding, and a new process does the rest of its block.
//! Not here: what is done with blocks, and what a worker does (`worker`).

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::worker::{Excess, Task, Word};
use super::{Block, Failure, MEMORY, PROCESS, Plan, TERMINATION};
use crate::shrink::Fingerprint;

/// How often the sweep looks around.
const TICK: Duration = Duration::from_millis(100);

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
    todo: Vec<u64>,
    next: AtomicUsize,
    stop: &'a AtomicBool,
    /// The process of each thread, so that it can be killed.
    children: Vec<Mutex<Option<Child>>>,
}

/// How to talk to a process.
struct Ends {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

enum Message {
    Block(Block),
    /// A thread ended, perhaps for a reason that ends the sweep.
    Ended(Option<Ended>),
}

/// What became of a task.
enum Outcome {
    Done(Block),
    Objection(u64, String),
    /// The process ended while it ran this seed, or without having run any.
    Died(Option<u64>, Option<Excess>),
}

/// Does the blocks that are not done, in so many processes, until `stop` is set or `on_tick` says so (`false`).
/// `command` starts a process that calls [`serve`](super::serve) with the same plan.
pub(crate) fn run(
    plan: &Plan,
    done: &BTreeSet<u64>,
    workers: usize,
    command: &(dyn Fn() -> Command + Sync),
    stop: &AtomicBool,
    on_block: &mut dyn FnMut(Block) -> io::Result<()>,
    on_tick: &mut dyn FnMut(Tick) -> bool,
) -> Ended {
    let todo: Vec<u64> =
        (0..plan.blocks()).filter(|block| plan.holds(*block) && !done.contains(block)).collect();
    let expected = todo.len();
    let workers = workers.clamp(1, expected.max(1));
    let children = (0..workers).map(|_| Mutex::new(None)).collect();
    let crew = Crew { command, todo, next: AtomicUsize::new(0), stop, children };
    let (sender, receiver) = mpsc::channel();
    let (mut kept, mut running, mut tick, mut why) = (0, workers, Tick::default(), None);
    thread::scope(|scope| {
        for place in 0..workers {
            let (crew, sender) = (&crew, sender.clone());
            scope.spawn(move || {
                let ended = crew.work(place, &sender);
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
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Ok(Message::Ended(ended)) => {
                    running -= 1;
                    if let Some(ended) = ended {
                        why.get_or_insert(ended);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if !on_tick(tick) {
                stop.store(true, Ordering::Relaxed);
            }
            if stop.load(Ordering::Relaxed) {
                crew.kill_all();
            }
        }
    });
    why.unwrap_or(if kept == expected { Ended::Complete } else { Ended::Stopped })
}

impl Crew<'_> {
    /// Does blocks until there are none left, or until the sweep stops.
    fn work(&self, place: usize, sender: &Sender<Message>) -> Option<Ended> {
        let mut ends = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(&number) = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            match self.do_block(place, &mut ends, number) {
                Ok(Outcome::Done(block)) => {
                    // The receiver outlives every thread.
                    let _ = sender.send(Message::Block(block));
                }
                Ok(Outcome::Objection(seed, why)) => return Some(Ended::Objection(seed, why)),
                Ok(Outcome::Died(..)) => break,
                Err(error) => return Some(Ended::Io(error)),
            }
        }
        drop(ends); // With its input the process ends.
        if let Some(mut child) = self.child(place).take() {
            // What it exits with tells nothing that its words did not.
            let _ = child.wait();
        }
        None
    }

    /// Does a block, in as many processes as it takes. A seed that ended one is not run again.
    fn do_block(&self, place: usize, ends: &mut Option<Ends>, number: u64) -> io::Result<Outcome> {
        let mut lost: Vec<Failure> = Vec::new();
        loop {
            let ready = match ends {
                Some(ready) => ready,
                None => ends.insert(self.start(place)?),
            };
            let without = lost.iter().map(|failure| failure.seed).collect();
            match ready.ask(&Task { number, without })? {
                Outcome::Done(mut block) => {
                    block.runs += lost.len() as u64;
                    block.failures.extend(lost);
                    block.failures.sort_by_key(|failure| failure.seed);
                    return Ok(Outcome::Done(block));
                }
                // It was killed because the sweep stops.
                died @ Outcome::Died(..) if self.stop.load(Ordering::Relaxed) => return Ok(died),
                Outcome::Died(Some(seed), excess) => {
                    *ends = None;
                    lost.push(lost_run(seed, excess));
                }
                Outcome::Died(None, _) => {
                    return Err(io::Error::other("a worker of the sweep ended before it ran anything"));
                }
                objection @ Outcome::Objection(..) => return Ok(objection),
            }
        }
    }

    fn start(&self, place: usize) -> io::Result<Ends> {
        let mut child = (self.command)().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ends = child.stdin.take().zip(child.stdout.take());
        if let Some(mut before) = self.child(place).replace(child) {
            // It is dead already; this only lets the system forget it.
            let _ = before.wait();
        }
        if self.stop.load(Ordering::Relaxed) {
            self.kill(place);
        }
        let (input, output) = ends.ok_or_else(|| io::Error::other("a worker has no pipes"))?;
        Ok(Ends { input, output: BufReader::new(output) })
    }

    fn child(&self, place: usize) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.children[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill(&self, place: usize) {
        if let Some(child) = self.child(place).as_mut() {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }

    fn kill_all(&self) {
        (0..self.children.len()).for_each(|place| self.kill(place));
    }
}

impl Ends {
    /// Gives a process a task and listens until it is done.
    fn ask(&mut self, task: &Task) -> io::Result<Outcome> {
        let line = serde_json::to_string(task)?;
        // A process that is gone is noticed below.
        let _ = writeln!(self.input, "{line}");
        let (mut running, mut excess) = (None, None);
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 || !line.ends_with('\n') {
                return Ok(Outcome::Died(running, excess));
            }
            match serde_json::from_str(&line)? {
                Word::Seed(seed) => running = Some(seed),
                Word::Block(block) => return Ok(Outcome::Done(block)),
                Word::Objection(seed, why) => return Ok(Outcome::Objection(seed, why)),
                Word::GivesUp(why) => excess = Some(why),
            }
        }
    }
}

/// The finding that a seed ended its process.
fn lost_run(seed: u64, excess: Option<Excess>) -> Failure {
    let (property, shape, summary) = match excess {
        Some(Excess::Time) => (
            TERMINATION,
            "a run does not end",
            "a run took longer than --patience in real time; a step may not end",
        ),
        Some(Excess::Memory) => (
            MEMORY,
            "a run takes too much memory",
            "the process of a run took more than --memory; the protocol may keep what it should let go",
        ),
        None => (
            PROCESS,
            "a run kills its process",
            "the process of a run died, by an abort, a stack that overflowed or an exit of its own",
        ),
    };
    let fingerprint = Fingerprint { property: property.to_owned(), shape: shape.to_owned() };
    Failure { fingerprint, events: u64::MAX, seed, summary: summary.to_owned() }
}
