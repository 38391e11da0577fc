//! The runs of a test in a process of their own, which is watched: whatever a protocol does to it is a failure with the name
//! of its seed. That process is this test program, started again for the same test.
//!
//! Holds: a process that ended without having said so is not believed until the same run has ended another one, alone.
//! Not here: making the runs (`testing`), the command line's own watch (`cli::guard`).

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::repeat::Repeat;
use super::{Check, Checked, Job, Place};
use crate::clock::Clock;
use crate::escape;
use crate::protocol::Protocol;

/// The environment variables of the inner process: where in the source, which runs alone, and the folder where it says what it
/// does.
const PLACE: &str = "SPLITBRAIN_GUARDED_PLACE";
const JOB: &str = "SPLITBRAIN_GUARDED_JOB";
const FOLDER: &str = "SPLITBRAIN_GUARDED_FOLDER";

/// What the inner process writes: the runs under way, and at the end what came of all.
const UNDER_WAY: &str = "under-way";
const RESULT: &str = "result";

/// How often the outer process looks, in milliseconds.
const TICK: u64 = 20;

/// The most that an inner process may print, in bytes; and how much of it is told.
const PRINTED_MAX: u64 = 64 << 20;
const PRINTED_SHOWN: usize = 2_000;

/// How much a run may take of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) seconds: u64,
    pub(super) mebibytes: u64,
}

/// What the inner process says at its end.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Well { runs: u64, twice: u64, seen: BTreeMap<String, u64> },
    Failed(String),
}

/// Where an inner process says which runs are under way.
#[derive(Debug)]
pub(super) struct Diary {
    folder: PathBuf,
    under_way: Mutex<(u64, BTreeSet<(usize, u64)>)>,
}

impl Diary {
    pub(super) fn begin(&self, job: Job) {
        self.note(|under_way| under_way.insert((job.source, job.seed)));
    }

    /// A run that closed what is not its own is at fault, though it may have ended well; it is still under way then.
    pub(super) fn end(&self, job: Job) {
        if is_output_closed() {
            std::process::exit(1);
        }
        self.note(|under_way| under_way.remove(&(job.source, job.seed)));
    }

    fn note(&self, change: impl FnOnce(&mut BTreeSet<(usize, u64)>) -> bool) {
        let mut shared = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 += 1;
        change(&mut shared.1);
        let jobs: Vec<String> = shared.1.iter().map(|(source, seed)| format!("{source}:{seed}")).collect();
        // By its path, whole: a protocol may have closed every descriptor.
        let beside = self.folder.join("beside");
        let written = fs::write(&beside, format!("{} {}", shared.0, jobs.join(" ")));
        let _ = written.and_then(|()| fs::rename(&beside, self.folder.join(UNDER_WAY)));
    }
}

#[cfg(unix)]
fn is_output_closed() -> bool {
    use std::os::fd::AsFd as _;
    io::stdout().as_fd().try_clone_to_owned().is_err()
}

#[cfg(not(unix))]
fn is_output_closed() -> bool {
    false
}

/// The diary of this process, if it is an inner one that is asked at this place.
pub(super) fn asked(place: &Place) -> Option<Diary> {
    (env::var(PLACE).ok()? == place.0).then_some(())?;
    Some(Diary { folder: PathBuf::from(env::var_os(FOLDER)?), under_way: Mutex::default() })
}

/// The one run that an inner process is to make, if it is not all.
pub(super) fn only() -> Option<Job> {
    let text = env::var(JOB).ok()?;
    let (source, seed) = text.split_once(':')?;
    Some(Job { source: source.parse().ok()?, seed: seed.parse().ok()? })
}

/// In the inner process: makes the runs, says what came of them, and ends: what the test does after them is the outer
/// process's.
pub(super) fn serve(diary: &Diary, run: impl FnOnce() -> Checked) -> ! {
    let said = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Checked { runs, twice, seen }) => Said::Well { runs, twice, seen },
        Err(panic) => match panic.downcast::<String>() {
            Ok(text) => Said::Failed(*text),
            Err(other) => match other.downcast::<&'static str>() {
                Ok(text) => Said::Failed((*text).to_owned()),
                Err(other) => resume_unwind(other),
            },
        },
    };
    let text = serde_json::to_string(&said).unwrap_or_default();
    let written = fs::write(diary.folder.join(RESULT), text);
    std::process::exit(i32::from(written.is_err()))
}

/// How an inner process ended that said nothing at its end.
struct Death {
    property: &'static str,
    how: String,
    printed: String,
    under_way: Vec<Job>,
}

/// In the outer process: has the runs made in another one, and tells what came of them.
///
/// # Panics
/// As [`Check::run`], and when a run does to its process what it may not.
pub(super) fn watch<P: Protocol>(check: &Check<P>, patience: Patience, repeat: &Repeat) -> Checked {
    let Some(test) = repeat.test.as_deref() else {
        panic!("a guarded check needs a test that the harness names")
    };
    let ask = |job| ask(test, &check.place, patience, job).unwrap_or_else(|error| panic!("{error}"));
    let death = match ask(None) {
        Ok(said) => return take(said),
        Err(death) => death,
    };
    for job in &death.under_way {
        if let Err(again) = ask(Some(*job)) {
            panic!("{}", tell(P::NAME, job.seed, &again, repeat));
        }
    }
    // Somebody else ended it, perhaps a system short of memory.
    match ask(None) {
        Ok(said) => take(said),
        Err(again) => panic!(
            "the process of the runs ended twice ({}; {}), though no run that was under way ends one alone\n{}",
            death.how, again.how, again.printed
        ),
    }
}

fn take(said: Said) -> Checked {
    match said {
        Said::Well { runs, twice, seen } => Checked { runs, twice, seen },
        Said::Failed(text) => panic!("{text}"),
    }
}

fn tell(system: &str, seed: u64, death: &Death, repeat: &Repeat) -> String {
    let Death { property, how, printed, .. } = death;
    let printed = match printed.is_empty() {
        true => String::new(),
        false => format!("\nIts process printed:\n{}\n", escape::terminal_lines(printed)),
    };
    format!(
        "seed {seed} of {system}: {property} is broken: {how}\n{printed}\nTo repeat this run alone:\n{}\n",
        repeat.line(seed)
    )
}

fn ask(test: &str, place: &Place, patience: Patience, job: Option<Job>) -> io::Result<Result<Said, Death>> {
    let folder = tempfile::tempdir()?;
    let printed = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(env::current_exe()?);
    command
        .args([test, "--exact", "--include-ignored", "--nocapture"])
        .env(PLACE, &place.0)
        .env(FOLDER, folder.path())
        .env_remove(JOB)
        .stdin(Stdio::null())
        .stdout(printed.reopen()?)
        .stderr(printed.reopen()?);
    if let Some(Job { source, seed }) = job {
        command.env(JOB, format!("{source}:{seed}"));
    }
    let mut child = command.spawn()?;
    let ended = wait(&mut child, folder.path(), printed.path(), patience);
    // It may be gone already.
    let _ = child.kill();
    let _ = child.wait();
    let (property, how) = match ended? {
        Ended::ByItself(status) => match fs::read_to_string(folder.path().join(RESULT)) {
            Ok(text) => return Ok(Ok(serde_json::from_str(&text)?)),
            Err(_) => ("process", format!("the process of the run ended ({status})")),
        },
        Ended::Killed(property, how) => (property, how),
    };
    let printed = tail(printed.path())?;
    Ok(Err(Death { property, how, printed, under_way: under_way(folder.path()) }))
}

enum Ended {
    ByItself(std::process::ExitStatus),
    Killed(&'static str, String),
}

#[expect(clippy::disallowed_methods, reason = "it watches another process, in real time")]
fn wait(child: &mut Child, folder: &Path, printed: &Path, patience: Patience) -> io::Result<Ended> {
    let begin = || Clock::start(Some(patience.seconds.saturating_mul(1_000_000_000)));
    let (mut clock, mut last) = (begin(), Vec::new());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::ByItself(status));
        }
        let now = fs::read(folder.join(UNDER_WAY)).unwrap_or_default();
        if now != last {
            (last, clock) = (now, begin());
        }
        let killed = |property, how: String| Ok(Ended::Killed(property, how));
        if clock.is_over() {
            let seconds = patience.seconds;
            return match is_stopped(child.id()) {
                true => killed("hangs", format!("the process of the run was stopped for {seconds} s")),
                false => killed("termination", format!("the run took longer than {seconds} s")),
            };
        }
        if memory(child.id()).is_some_and(|bytes| bytes >> 20 > patience.mebibytes) {
            return killed(
                "memory",
                format!("the process of the run took more than {} MiB", patience.mebibytes),
            );
        }
        if fs::metadata(printed)?.len() > PRINTED_MAX {
            return killed("output", String::from("the process of the run printed without end"));
        }
        std::thread::sleep(Duration::from_millis(TICK));
    }
}

/// How much memory a process has, where the system says so in a file.
fn memory(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// Whether a process was stopped, where the system says so in a file.
fn is_stopped(process: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    text.lines().any(|line| line.starts_with("State:") && line.contains('T'))
}

fn under_way(folder: &Path) -> Vec<Job> {
    let text = fs::read_to_string(folder.join(UNDER_WAY)).unwrap_or_default();
    let jobs = text.split(' ').skip(1).filter_map(|job| {
        let (source, seed) = job.split_once(':')?;
        Some(Job { source: source.parse().ok()?, seed: seed.parse().ok()? })
    });
    jobs.collect()
}

/// The end of what was printed.
fn tail(printed: &Path) -> io::Result<String> {
    use std::io::{Read as _, Seek as _};
    let mut file = fs::File::open(printed)?;
    let from = file.metadata()?.len().saturating_sub(PRINTED_SHOWN as u64);
    file.seek(io::SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PRINTED_SHOWN as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
