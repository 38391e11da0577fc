//! A program of its own with a protocol that does what none may: it differs from run to run, hangs, takes all memory,
//! aborts, or talks for the sake of talking.
//!
//! It tests that simulator and sweep notice, and that a program with protocols of its own has the whole command line.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use splitbrain::protocol::{
    Address, BadSetting, Boot, Effect, Effects, Initial, Input, Inspect, NodeId, Protocol, Settings, Within,
};
use splitbrain::protocols::echo::{Count, Tick};
use splitbrain::system::{System, Systems};

fn main() -> ExitCode {
    let systems = Systems::new(&[System::of::<Unruly>("does what no protocol may", &[])]);
    splitbrain::cli::main_with(&systems, std::env::args_os())
}

/// What outlives a run, and may not.
static SPOKEN: AtomicU64 = AtomicU64::new(0);

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Speaks at another time in every run.
    Differs,
    /// Speaks at another time in every process.
    Process,
    Hangs,
    Sleeps,
    Stops,
    Grows,
    Aborts,
    /// Every message is answered at once.
    Answers,
    /// Whoever leads sends forty messages where one would do.
    Chatters,
    Exits,
    Overflows,
    Panics,
    /// Panics when it is dropped.
    Drops,
    /// Prints, and panics.
    Prints,
    /// Prints without end.
    Floods,
    /// Closes every descriptor.
    Closes,
    /// Goes to another folder.
    Moves,
    /// Leaves a thread behind.
    Threads,
}

const DEEDS: [(&str, Deed); 17] = [
    ("answers", Deed::Answers),
    ("chatters", Deed::Chatters),
    ("process", Deed::Process),
    ("hangs", Deed::Hangs),
    ("sleeps", Deed::Sleeps),
    ("stops", Deed::Stops),
    ("grows", Deed::Grows),
    ("aborts", Deed::Aborts),
    ("exits", Deed::Exits),
    ("overflows", Deed::Overflows),
    ("panics", Deed::Panics),
    ("drops", Deed::Drops),
    ("prints", Deed::Prints),
    ("floods", Deed::Floods),
    ("closes", Deed::Closes),
    ("moves", Deed::Moves),
    ("threads", Deed::Threads),
];

/// How often nodes speak, and what they do besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    every: Within,
    deed: Deed,
}

/// A node that cannot be relied upon. One in four does its deed.
#[derive(Clone, Debug)]
pub(crate) struct Unruly {
    manners: Manners,
    id: NodeId,
    does_it: bool,
    ticks: u64,
}

impl Protocol for Unruly {
    const NAME: &'static str = "unruly";
    type Message = u64;
    type Timer = Tick;
    type Disk = Count;
    type Settings = Manners;

    fn settings(common: &Settings) -> Result<Manners, BadSetting> {
        let mut deed = Deed::Differs;
        for (name, value) in &common.options {
            deed = match name.as_str() {
                "deed" => value.word(name, &DEEDS, "a deed")?,
                _ => return Err(BadSetting::new(name, "deed")),
            };
        }
        Ok(Manners { every: common.election, deed })
    }

    fn format(_: NodeId, _: &Initial) -> Count {
        Count::default()
    }

    fn boot(boot: Boot<'_, Unruly>, out: &mut Effects<Unruly>) -> Unruly {
        let manners = *boot.settings;
        out.push(Effect::SetTimer { timer: Tick, within: manners.every });
        Unruly { manners, id: boot.id, does_it: boot.entropy.is_multiple_of(4), ticks: 0 }
    }

    fn step(&mut self, input: Input<Unruly>, out: &mut Effects<Unruly>) {
        match input {
            Input::Fired(Tick) => {}
            Input::Received { from, source, to, message } => {
                if self.manners.deed == Deed::Answers {
                    let answer = Effect::Send { from: to, to: from, address: source, message: message + 1 };
                    out.push(answer);
                }
                return;
            }
            _ => return,
        }
        self.ticks += 1;
        let Manners { every, deed } = self.manners;
        let jitter = match deed {
            // It takes a while until it shows.
            Deed::Differs if self.ticks > 3 => SPOKEN.fetch_add(1, Ordering::Relaxed),
            Deed::Process => u64::from(std::process::id()),
            _ => 0,
        };
        match deed {
            Deed::Answers if self.leads() => self.speak(out),
            Deed::Chatters if self.leads() => (0..40).for_each(|_| self.speak(out)),
            _ if self.does_it => misbehave(deed),
            _ => {}
        }
        let within = Within { min: every.min + jitter, max: every.max + jitter };
        out.push(Effect::SetTimer { timer: Tick, within });
    }

    fn heartbeat_timer() -> Option<Tick> {
        Some(Tick)
    }
}

impl Unruly {
    fn speak(&self, out: &mut Effects<Unruly>) {
        out.push(Effect::Send { from: self.id, to: NodeId(1), address: Address(1), message: self.ticks });
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]
fn misbehave(deed: Deed) {
    match deed {
        Deed::Differs | Deed::Process | Deed::Drops | Deed::Answers | Deed::Chatters => {}
        Deed::Hangs => while black_box(true) {},
        Deed::Sleeps => std::thread::sleep(std::time::Duration::from_secs(3_600)),
        Deed::Stops => {
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        }
        Deed::Grows => {
            let mut all = Vec::new();
            while black_box(true) {
                all.push(vec![1u8; 1 << 20]);
            }
        }
        Deed::Aborts => std::process::abort(),
        Deed::Exits => std::process::exit(0),
        Deed::Overflows => {
            black_box(deeper(0));
        }
        Deed::Panics => panic!("it may not go on"),
        Deed::Prints => {
            println!("it is about to end \u{1b}[31m");
            eprintln!("and says so");
            panic!("it may not go on");
        }
        Deed::Floods => {
            while black_box(true) {
                println!("{}", "again and again ".repeat(4_096));
            }
        }
        Deed::Closes => (0..1_024).for_each(|descriptor| {
            let _ = nix::unistd::close(descriptor);
        }),
        Deed::Moves => std::env::set_current_dir("/").expect("a root"),
        Deed::Threads => {
            std::thread::spawn(|| {
                loop {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
            });
        }
    }
}

fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    if black_box(true) { deeper(depth + 1) + room[1] } else { depth }
}

impl Drop for Unruly {
    fn drop(&mut self) {
        let is_alone = !std::thread::panicking();
        assert!(self.manners.deed != Deed::Drops || !self.does_it || !is_alone, "it may not be dropped");
    }
}

impl Inspect for Unruly {
    fn leads(&self) -> bool {
        self.id == NodeId(0) && matches!(self.manners.deed, Deed::Answers | Deed::Chatters)
    }

    fn role(&self) -> &'static str {
        "unruly"
    }

    fn describe(&self) -> String {
        format!("{} ticks", self.ticks)
    }
}
