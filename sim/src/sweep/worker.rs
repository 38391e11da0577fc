//! What a worker process of a sweep does: it is told blocks, a line each, and answers with what comes of them.
//!
//! Holds: it names every seed before it runs it, so that whoever reads knows at which seed it died; a run that takes too
//! long or too much memory is given up by the worker itself; nothing that a protocol prints, closes or reads reaches the
//! channel, which is a descriptor of its own.
//! Not here: who starts workers and what is made of one that died (`workers`).

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::summary::{Small, small};
use super::{Block, Plan};

/// How often a worker looks at itself.
const TICK: Duration = Duration::from_millis(100);

/// The turn of a worker that runs no seed.
const IDLE: u64 = 0;

/// How much of what a run prints is kept with its finding, in bytes.
pub(super) const PRINTED_MAX: usize = 2_048;

/// What is printed is thrown away from time to time, when there is more than this.
const PRINTED_KEPT: u64 = 1 << 20;

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

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    /// To run seeds.
    Run(Part),
    /// To make the failure of a seed small, with at most so many events.
    Shrink(u64, u64),
}

/// Seeds of a block to run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) number: u64,
    /// Only these, or all when there are none.
    pub(super) only: Vec<u64>,
    /// Without these.
    pub(super) without: Vec<u64>,
}

impl Part {
    pub(super) fn wants(&self, seed: u64) -> bool {
        (self.only.is_empty() || self.only.contains(&seed)) && !self.without.contains(&seed)
    }
}

/// Why a run was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Excess {
    Time,
    Memory,
    /// No sign of life from the process: found out by whoever started it.
    Silence,
    /// It printed more than a disk should hold: found out by whoever started it.
    Printed,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Word {
    /// It runs this seed now, and had printed so much before.
    Seed(u64, u64),
    /// The block is done.
    Block(Block),
    /// It is making a failure small, and not at its end.
    Alive,
    /// What the failure was made into, if it could be.
    Small(Option<Small>),
    /// The scenario of this seed cannot be run, and why.
    Objection(u64, String),
    /// It gives up the seed that it runs, and ends.
    GivesUp(Excess),
}

/// The way to whoever started this process. The watching thread uses it as well.
type Channel = Mutex<UnixStream>;

/// Does what the channel asks until it ends, and answers there. The channel comes as the standard input and is taken away
/// from it first.
///
/// # Errors
/// When there is no channel, or a line is not a task.
pub(crate) fn serve(plan: &Plan, patience: Patience) -> io::Result<()> {
    let asked = take_channel()?;
    let channel: Arc<Channel> = Arc::new(Mutex::new(asked.try_clone()?));
    let turn = Arc::new(AtomicU64::new(IDLE));
    let (watched, way) = (Arc::clone(&turn), Arc::clone(&channel));
    thread::spawn(move || watch(&watched, patience, &way));
    let printed = Printed::new()?;
    let mut turns = IDLE;
    for line in BufReader::new(asked).lines() {
        let task: Task = serde_json::from_str(&line?)?;
        let mut begins = |word: Word| {
            turns += 1;
            turn.store(turns, Ordering::Relaxed);
            say(&channel, &word);
        };
        let word = match task {
            Task::Run(part) => {
                let mut on_seed = |seed| begins(Word::Seed(seed, printed.begin()));
                match plan.part(&part, &mut on_seed, &|| printed.text()) {
                    Ok(block) => Word::Block(block),
                    Err((seed, objection)) => Word::Objection(seed, objection.message),
                }
            }
            Task::Shrink(seed, effort) => {
                begins(Word::Seed(seed, printed.begin()));
                let mut on_try = || {
                    begins(Word::Alive);
                    false
                };
                Word::Small(small(plan, seed, effort, &mut on_try))
            }
        };
        turn.store(IDLE, Ordering::Relaxed);
        say(&channel, &word);
    }
    Ok(())
}

/// Moves the standard input to a descriptor that nobody knows, and leaves nothing in its place.
fn take_channel() -> io::Result<UnixStream> {
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(UnixStream::from(channel))
}

/// What the protocol prints: a file in place of the standard output and error.
struct Printed {
    file: File,
    /// How much there was when the seed began.
    from: AtomicU64,
}

impl Printed {
    fn new() -> io::Result<Printed> {
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Printed { file, from: AtomicU64::new(0) })
    }

    /// A seed begins: how much was printed before.
    fn begin(&self) -> u64 {
        let mut len = self.file.metadata().map_or(0, |data| data.len());
        if len > PRINTED_KEPT && self.file.set_len(0).is_ok() {
            len = 0;
        }
        self.from.store(len, Ordering::Relaxed);
        len
    }

    /// What was printed since the seed began.
    fn text(&self) -> String {
        printed_since(&self.file, self.from.load(Ordering::Relaxed))
    }
}

/// The beginning of what a file holds from a place on.
pub(super) fn printed_since(file: &File, from: u64) -> String {
    let mut bytes = vec![0; PRINTED_MAX];
    let len = file.read_at(&mut bytes, from).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

/// Says something, or ends the process when nobody listens any more: what it would find is lost either way.
fn say(channel: &Channel, word: &Word) {
    let mut way = channel.lock().unwrap_or_else(PoisonError::into_inner);
    let written = serde_json::to_string(word)
        .map_err(io::Error::from)
        .and_then(|line| way.write_all(format!("{line}\n").as_bytes()));
    if written.is_err() {
        std::process::exit(0);
    }
}

/// Ends the process when its memory is too much, or when it has run one seed for too long.
#[expect(clippy::disallowed_methods, reason = "it watches from outside, in real time")]
fn watch(turn: &AtomicU64, patience: Patience, channel: &Channel) {
    let (mut last, mut ticks) = (IDLE, 0);
    loop {
        thread::sleep(TICK);
        let now = turn.load(Ordering::Relaxed);
        ticks = if now == last && now != IDLE { ticks + 1 } else { 0 };
        last = now;
        let memory = memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64);
        if memory > patience.mebibytes << 20 {
            give_up(channel, Excess::Memory);
        }
        if ticks >= patience.seconds.saturating_mul(10) {
            give_up(channel, Excess::Time);
        }
    }
}

fn give_up(channel: &Channel, excess: Excess) -> ! {
    say(channel, &Word::GivesUp(excess));
    std::process::exit(0)
}
