//! The threads of a sweep.
//!
//! Holds: every block of the shard that is not done yet is done once; a seed whose step does not end is given up, and the
//! rest of its block goes on in a new thread.
//! Not here: what is done with blocks.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Block, Failure, Plan, TERMINATION};
use crate::scenario::Objection;
use crate::shrink::Fingerprint;

/// How often the sweep looks around.
const TICK: Duration = Duration::from_millis(100);

/// How many ticks a seed may take before its step counts as endless: two minutes.
const PATIENCE: u32 = 1_200;

/// How a sweep ended.
#[derive(Debug)]
pub enum Ended {
    /// Every block is done.
    Complete,
    /// It was told to stop.
    Stopped,
    /// A scenario cannot be run, with its seed.
    Objection(u64, Objection),
    /// A block could not be kept.
    Io(io::Error),
}

/// What a sweep tells while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Seeds judged since it began.
    pub runs: u64,
    /// Failures found since it began.
    pub failures: u64,
}

/// What a thread is doing, for the one that watches.
#[derive(Debug, Default)]
struct Slot {
    seed: AtomicU64,
    judged: AtomicU64,
    /// Nobody waits for this thread any more.
    abandoned: AtomicBool,
    block: Mutex<Block>,
}

/// What all threads share.
struct Shared {
    plan: Plan,
    todo: Vec<u64>,
    next: AtomicU64,
    stop: Arc<AtomicBool>,
}

enum Message {
    Block(Block),
    Objection(u64, Objection),
    Ended,
}

struct Watched {
    slot: Arc<Slot>,
    judged: u64,
    ticks: u32,
}

/// Does the blocks that are not done, on so many threads, until `stop` is set or `on_tick` says so (`false`).
pub fn run(
    plan: &Plan,
    done: &BTreeSet<u64>,
    threads: usize,
    stop: &Arc<AtomicBool>,
    on_block: &mut dyn FnMut(Block) -> io::Result<()>,
    on_tick: &mut dyn FnMut(Tick) -> bool,
) -> Ended {
    let todo: Vec<u64> =
        (0..plan.blocks()).filter(|block| plan.holds(*block) && !done.contains(block)).collect();
    let expected = todo.len();
    let shared = Shared { plan: plan.clone(), todo, next: AtomicU64::new(0), stop: Arc::clone(stop) };
    let shared = Arc::new(shared);
    let (sender, receiver) = mpsc::channel();
    let mut watched: Vec<Watched> = (0..threads.max(1)).map(|_| start(&shared, &sender, None)).collect();
    let (mut kept, mut running, mut tick) = (0, watched.len(), Tick::default());
    while running > 0 {
        match receiver.recv_timeout(TICK) {
            Ok(Message::Block(block)) => {
                kept += 1;
                tick.runs += block.runs;
                tick.failures += block.failures.len() as u64;
                if let Err(error) = on_block(block) {
                    stop.store(true, Ordering::Relaxed);
                    return Ended::Io(error);
                }
            }
            Ok(Message::Objection(seed, objection)) => {
                stop.store(true, Ordering::Relaxed);
                return Ended::Objection(seed, objection);
            }
            Ok(Message::Ended) => running -= 1,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                for watched in &mut watched {
                    if let Some(block) = watched.endless() {
                        *watched = start(&shared, &sender, Some(block));
                    }
                }
            }
        }
        if !on_tick(tick) {
            stop.store(true, Ordering::Relaxed);
        }
    }
    if kept == expected { Ended::Complete } else { Ended::Stopped }
}

impl Watched {
    /// The block of a thread that is stuck in one seed, which is given up with a failure.
    fn endless(&mut self) -> Option<(Block, u64)> {
        let judged = self.slot.judged.load(Ordering::Acquire);
        self.ticks = if judged == self.judged { self.ticks + 1 } else { 0 };
        self.judged = judged;
        if self.ticks < PATIENCE || self.slot.abandoned.swap(true, Ordering::AcqRel) {
            return None;
        }
        let seed = self.slot.seed.load(Ordering::Acquire);
        let mut block = self.slot.block.lock().unwrap_or_else(PoisonError::into_inner).clone();
        block.runs += 1;
        block.failures.push(Failure {
            fingerprint: Fingerprint {
                property: String::from(TERMINATION),
                shape: String::from("a run does not end"),
            },
            events: u64::MAX,
            seed,
            summary: String::from("a run took more than two minutes of real time; a step may not end"),
        });
        Some((block, seed + 1))
    }
}

/// Starts a thread, perhaps in the middle of a block.
fn start(shared: &Arc<Shared>, sender: &Sender<Message>, begun: Option<(Block, u64)>) -> Watched {
    let slot = Arc::new(Slot::default());
    let (shared, sender, its) = (Arc::clone(shared), sender.clone(), Arc::clone(&slot));
    thread::spawn(move || {
        let ended = work(&shared, &sender, &its, begun);
        if !its.abandoned.swap(true, Ordering::AcqRel) {
            if let Err((seed, objection)) = ended {
                // Whoever listened has what it needs.
                let _ = sender.send(Message::Objection(seed, objection));
            }
            let _ = sender.send(Message::Ended);
        }
    });
    Watched { slot, judged: 0, ticks: 0 }
}

fn work(
    shared: &Shared,
    sender: &Sender<Message>,
    slot: &Slot,
    begun: Option<(Block, u64)>,
) -> Result<(), (u64, Objection)> {
    if let Some((block, from)) = begun {
        do_block(shared, sender, slot, block, from)?;
    }
    loop {
        let place = shared.next.fetch_add(1, Ordering::Relaxed) as usize;
        let Some(&number) = shared.todo.get(place) else { return Ok(()) };
        let first = *shared.plan.seeds(number).start();
        do_block(shared, sender, slot, Block { number, ..Block::default() }, first)?;
        if shared.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Judges the seeds of a block from one on. A block that is cut short by `stop` is not sent, and so done again later.
fn do_block(
    shared: &Shared,
    sender: &Sender<Message>,
    slot: &Slot,
    mut block: Block,
    from: u64,
) -> Result<(), (u64, Objection)> {
    for seed in from..=*shared.plan.seeds(block.number).end() {
        if shared.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        slot.seed.store(seed, Ordering::Release);
        slot.block.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&block);
        shared.plan.judge(seed, &mut block).map_err(|objection| (seed, objection))?;
        slot.judged.fetch_add(1, Ordering::AcqRel);
        if slot.abandoned.load(Ordering::Acquire) {
            return Ok(());
        }
    }
    // Whoever listened may be gone.
    let _ = sender.send(Message::Block(block));
    Ok(())
}
