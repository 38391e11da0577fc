//! One worker process and the channel to it.
//!
//! Holds: the channel is a pair of sockets, given as the standard input; what the process prints goes into a file without a
//! name. The process leads a group of its own, so that keys of the terminal do not reach it, and all of the group is killed
//! when this value goes. A process that says nothing for too long is killed.
//! Not here: what is asked (`workers`), and what the process does with it (`worker`).

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::Block;
use super::summary::Small;
use super::worker::{Excess, Patience, Task, Word, printed_since};
use crate::clock::Clock;

/// How often a process is looked at that says nothing.
const TICK: Duration = Duration::from_millis(100);

/// How much longer than the patience of a process with its run the patience with the process is, in seconds: it gives up
/// by itself if it can.
const LONGER: u64 = 5;

/// How long a process that closed its channel may take to end, in nanoseconds.
const MOMENT: u64 = 1_000_000_000;

/// The most that a process may print, in bytes.
const PRINTED_MAX: u64 = 64 << 20;

/// A process that does tasks.
pub(super) struct Process {
    child: Child,
    way: BufReader<UnixStream>,
    printed: File,
    patience: Patience,
}

/// What became of a task.
pub(super) enum Outcome {
    Done(Block),
    Small(Option<Small>),
    Objection(u64, String),
    /// It was killed, because the sweep does not wait.
    Stopped,
    Died(Death),
}

/// How a process ended.
pub(super) struct Death {
    /// The seed that it ran.
    pub(super) seed: Option<u64>,
    pub(super) excess: Option<Excess>,
    /// What the system says of its end.
    pub(super) status: String,
    /// What it had printed since the seed began.
    pub(super) printed: String,
    killed: bool,
}

impl Death {
    /// Whether the seed has to answer for it. A process that somebody killed or stopped, such as a system short of memory, has
    /// shown nothing.
    pub(super) fn is_believed(&self) -> bool {
        match self.excess {
            Some(Excess::Time | Excess::Memory | Excess::Printed) => true,
            Some(Excess::Silence) => false,
            None => !self.killed,
        }
    }
}

impl Process {
    /// Starts one.
    pub(super) fn start(mut command: Command, patience: Patience) -> io::Result<Process> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(TICK))?;
        let (printed, name) = tempfile::Builder::new().append(true).tempfile()?.into_parts();
        name.close()?;
        let child = command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(printed.try_clone()?))
            .stderr(Stdio::from(printed.try_clone()?))
            .process_group(0)
            .spawn()?;
        Ok(Process { child, way: BufReader::new(ours), printed, patience })
    }

    /// Gives it a task and listens until it is done, or until `kill` says so.
    pub(super) fn ask(&mut self, task: &Task, kill: &dyn Fn() -> bool) -> io::Result<Outcome> {
        let line = serde_json::to_string(task)? + "\n";
        // A process that is gone is noticed below.
        let _ = self.way.get_mut().write_all(line.as_bytes());
        let (mut running, mut excess) = (None, None);
        while let Some(word) = self.word(kill, &mut excess)? {
            match word {
                Word::Seed(seed, printed) => running = Some((seed, printed)),
                Word::Block(block) => return Ok(Outcome::Done(block)),
                Word::Alive => {}
                Word::Small(small) => return Ok(Outcome::Small(small)),
                Word::Objection(seed, why) => return Ok(Outcome::Objection(seed, why)),
                Word::GivesUp(why) => excess = Some(why),
            }
        }
        let waits = excess.is_none() && !kill();
        let status = self.end(waits);
        if kill() {
            return Ok(Outcome::Stopped);
        }
        let from = running.map_or(0, |(_, from)| from);
        let printed = printed_since(&self.printed, from);
        let killed = status.as_ref().is_some_and(|status| status.signal() == Some(Signal::KILL.as_raw()));
        let status = status.map_or_else(|| String::from("unknown"), |status| status.to_string());
        let seed = running.map(|(seed, _)| seed);
        Ok(Outcome::Died(Death { seed, excess, status, printed, killed }))
    }

    /// Its next word; none when it is gone, or was to be killed: with the reason, if that was its own fault.
    fn word(&mut self, kill: &dyn Fn() -> bool, excess: &mut Option<Excess>) -> io::Result<Option<Word>> {
        let seconds = self.patience.seconds.saturating_add(LONGER);
        let clock = Clock::start(Some(seconds.saturating_mul(1_000_000_000)));
        let mut line = Vec::new();
        loop {
            match self.way.read_until(b'\n', &mut line) {
                Ok(_) if line.ends_with(b"\n") => {
                    let word = serde_json::from_slice(&line);
                    return Ok(Some(word.map_err(|error| {
                        io::Error::other(format!("a worker says what is no word: {error}"))
                    })?));
                }
                Ok(_) => return Ok(None),
                Err(error) if is_wait(&error) => {}
                // It is gone in the middle of a word.
                Err(_) => return Ok(None),
            }
            if kill() {
                return Ok(None);
            }
            if self.printed.metadata()?.len() > PRINTED_MAX {
                *excess = Some(Excess::Printed);
                return Ok(None);
            }
            if clock.is_over() {
                *excess = Some(Excess::Silence);
                return Ok(None);
            }
        }
    }

    /// Kills all of its group and says how it ended. One that is ending by itself is given a moment for it.
    #[expect(clippy::disallowed_methods, reason = "it waits for another process, in real time")]
    fn end(&mut self, waits: bool) -> Option<ExitStatus> {
        let mut status = self.child.try_wait().ok().flatten();
        let clock = Clock::start(Some(MOMENT));
        while waits && status.is_none() && !clock.is_over() {
            std::thread::sleep(TICK / 10);
            status = self.child.try_wait().ok().flatten();
        }
        self.kill();
        status.or_else(|| self.child.wait().ok())
    }

    fn kill(&self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // All of it may be gone already.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end(false);
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
