//! What a worker process of a sweep does: it is told blocks, a line each, and answers with what comes of them.
//!
//! Holds: it names every seed before it runs it, so that whoever reads knows at which seed it died; a run that takes too
//! long or too much memory is given up by the worker itself.
//! Not here: who starts workers and what is made of one that died (`workers`).

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Block, Plan};

/// How often a worker looks at itself.
const TICK: Duration = Duration::from_millis(100);

/// The turn of a worker that runs no seed.
const IDLE: u64 = 0;

/// How much one run may take of the machine. A correct protocol comes nowhere near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Real time, in seconds.
    pub seconds: u64,
    /// Memory of the process that runs it, in mebibytes.
    pub mebibytes: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { seconds: 60, mebibytes: 2_048 }
    }
}

/// A block to do, without the seeds that were given up.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) number: u64,
    pub(super) without: Vec<u64>,
}

/// Why a worker gave a run up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Excess {
    Time,
    Memory,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// It runs this seed now.
    Seed(u64),
    /// The block is done.
    Block(Block),
    /// The scenario of this seed cannot be run, and why.
    Objection(u64, String),
    /// It gives up the seed that it runs, and ends.
    GivesUp(Excess),
}

/// Does what the standard input asks until it ends, and answers on the standard output.
///
/// # Errors
/// When the input cannot be read, or a line is not a task.
pub(crate) fn serve(plan: &Plan, patience: Patience) -> io::Result<()> {
    let turn = Arc::new(AtomicU64::new(IDLE));
    let watched = Arc::clone(&turn);
    thread::spawn(move || watch(&watched, patience));
    let mut turns = IDLE;
    for line in io::stdin().lock().lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let mut on_seed = |seed| {
            turns += 1;
            turn.store(turns, Ordering::Relaxed);
            say(&Word::Seed(seed));
        };
        let word = match plan.block(task.number, &task.without, &mut on_seed) {
            Ok(block) => Word::Block(block),
            Err((seed, objection)) => Word::Objection(seed, objection.message),
        };
        turn.store(IDLE, Ordering::Relaxed);
        say(&word);
    }
    Ok(())
}

/// Says something, or ends the process when nobody listens any more: what it would find is lost either way.
fn say(word: &Word) {
    let written = serde_json::to_string(word)
        .map_err(io::Error::from)
        .and_then(|line| io::stdout().lock().write_all(format!("{line}\n").as_bytes()));
    if written.is_err() {
        std::process::exit(0);
    }
}

/// Ends the process when its memory is too much, or when it has run one seed for too long.
#[expect(clippy::disallowed_methods, reason = "it watches from outside, in real time")]
fn watch(turn: &AtomicU64, patience: Patience) {
    let (mut last, mut ticks) = (IDLE, 0);
    loop {
        thread::sleep(TICK);
        let now = turn.load(Ordering::Relaxed);
        ticks = if now == last && now != IDLE { ticks + 1 } else { 0 };
        last = now;
        let memory = memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64);
        if memory > patience.mebibytes << 20 {
            give_up(Excess::Memory);
        }
        if ticks >= patience.seconds.saturating_mul(10) {
            give_up(Excess::Time);
        }
    }
}

fn give_up(excess: Excess) -> ! {
    say(&Word::GivesUp(excess));
    std::process::exit(0)
}
