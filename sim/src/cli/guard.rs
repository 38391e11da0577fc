//! A process around the process: what a protocol does to the program that runs it is told, not suffered.
//!
//! `run`, `replay` and `shrink` do their work in a second process of the same program. The first one watches: if the second
//! ends without having said so, gives no sign of life, or takes too much memory, that is a finding with the name of the run.
//!
//! Holds: what the inner process writes goes where it always goes, and its exit code is the outer one's; the two share a file
//! without a known name, in which the inner one says what it is doing.
//! Not here: sweeps, which have a process for each worker (`sweep`).

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;

use super::output::{Output, complain};
use super::signals::Signals;
use super::{BAD_INPUT, NOT_AS_EXPECTED};
use crate::clock::Clock;
use crate::escape;

/// The environment variable that tells the inner process where to say what it is doing.
const INSIDE: &str = "SPLITBRAIN_INSIDE";

/// How often the outer process looks.
const TICK: Duration = Duration::from_millis(10);

/// How often the inner process looks at its memory.
const MEMORY_TICK: Duration = Duration::from_millis(100);

/// The longest that is said, in bytes.
const SAID_MAX: usize = 4_096;

/// What the inner process says at its end.
const END: &str = "end";

/// What the inner process says when it has too much memory.
const MEMORY: &str = "memory";

/// How much a run may take of the machine.
#[derive(Clone, Debug, Args)]
pub(super) struct PatienceArguments {
    /// Give a run up after so many seconds of real time, as a finding
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
    /// Give a run up when its process has so many mebibytes of memory, as a finding
    #[arg(long, value_name = "MEBIBYTES", default_value_t = 4_096)]
    memory: u64,
}

/// Says what the inner process is doing. Outside of one, nobody listens.
#[derive(Clone, Debug, Default)]
pub(super) struct Diary(Option<Arc<Mutex<(File, u64, String)>>>);

impl Diary {
    /// Of this process, if it is an inner one.
    pub(super) fn of_this_process() -> Diary {
        let file = std::env::var_os(INSIDE).and_then(|path| OpenOptions::new().write(true).open(path).ok());
        Diary(file.map(|file| Arc::new(Mutex::new((file, 0, String::new())))))
    }

    /// Whether this is an inner process.
    fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Something begins; a further word about the same is a sign of life.
    pub(super) fn note(&self, what: &str) {
        let Some(shared) = &self.0 else { return };
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, words, last) = &mut *shared;
        *words += 1;
        if what != MEMORY {
            what.clone_into(last);
        }
        let what: String = what.chars().take(SAID_MAX / 8).collect();
        let text = match what.as_str() {
            MEMORY => format!("{words} {MEMORY} {last}"),
            _ => format!("{words} run {what}"),
        };
        // Whoever does not hear it will say so.
        let _ = file.write_all_at(format!("{text:<SAID_MAX$}").as_bytes(), 0);
    }

    /// The work is done.
    pub(super) fn end(&self) {
        let Some(shared) = &self.0 else { return };
        let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = shared.0.write_all_at(format!("{} {END:<SAID_MAX$}", shared.1 + 1).as_bytes(), 0);
    }

    /// Ends this process when it has too much memory.
    #[expect(clippy::disallowed_methods, reason = "it watches from outside, in real time")]
    pub(super) fn watch_memory(&self, patience: &PatienceArguments) {
        let (diary, most) = (self.clone(), patience.memory << 20);
        if !self.is_kept() {
            return;
        }
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(MEMORY_TICK);
                if memory_stats::memory_stats().is_some_and(|memory| memory.physical_mem as u64 > most) {
                    diary.note(MEMORY);
                    std::process::exit(1);
                }
            }
        });
    }
}

/// Does the work in another process and watches it. `None` in that other process, which has to do it.
pub(super) fn supervise(words: &[OsString], patience: &PatienceArguments) -> Option<u8> {
    if std::env::var_os(INSIDE).is_some() {
        return None;
    }
    match watch(words, patience) {
        Ok(code) => Some(code),
        Err(error) => {
            complain(&format!("the work cannot be done in a process of its own: {error}"));
            Some(BAD_INPUT)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "it watches from outside, in real time")]
fn watch(words: &[OsString], patience: &PatienceArguments) -> io::Result<u8> {
    let said = tempfile::NamedTempFile::new()?;
    let signals = Signals::listen();
    let mut child = start(words, said.path())?;
    let mut last = String::new();
    let mut clock = patience.clock();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if let Some(code) = signals.code() {
            stop(&mut child);
            return Ok(code);
        }
        let now = read(said.as_file());
        if now != last {
            last = now;
            clock = patience.clock();
        }
        if clock.is_over() {
            stop(&mut child);
            return tell("termination", &last, "it took longer than --patience in real time");
        }
        std::thread::sleep(TICK);
    };
    // A signal to the whole group, as Ctrl-C is, ends both; that is no fault of the run.
    if let (Some(code), None) = (signals.code(), status.code()) {
        return Ok(code);
    }
    let last = read(said.as_file());
    let what = last.split_once(' ').map_or("", |(_, what)| what);
    match (what.trim(), status.code()) {
        (END, Some(code)) => Ok(u8::try_from(code).unwrap_or(BAD_INPUT)),
        // It had not begun: bad arguments, which it has told.
        ("", Some(code)) if code == i32::from(BAD_INPUT) => Ok(BAD_INPUT),
        (what, _) if what.starts_with(MEMORY) => tell("memory", &last, "its process took more than --memory"),
        _ => tell("process", &last, &format!("its process ended ({status})")),
    }
}

impl PatienceArguments {
    fn clock(&self) -> Clock {
        Clock::start(Some(self.patience.saturating_mul(1_000_000_000)))
    }
}

fn start(words: &[OsString], said: &Path) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(name) = words.first() {
        command.arg0(name);
    }
    command.args(words.iter().skip(1)).env(INSIDE, said).spawn()
}

fn stop(child: &mut Child) {
    // It may be gone already.
    let _ = child.kill();
    let _ = child.wait();
}

fn read(said: &File) -> String {
    let mut bytes = vec![0; SAID_MAX + 32];
    let len = said.read_at(&mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..len]).trim_end().to_owned()
}

/// Tells the finding.
fn tell(property: &str, said: &str, how: &str) -> io::Result<u8> {
    let run = said.splitn(3, ' ').nth(2).unwrap_or("nothing yet");
    let text = format!("FAIL {}\n     {property} is broken: {how}\n", escape::terminal(run));
    Output::new().write(&text)?;
    Ok(NOT_AS_EXPECTED)
}
