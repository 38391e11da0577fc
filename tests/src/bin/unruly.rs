//! A program of its own with a protocol that does what none may: it differs from run to run, hangs, takes all memory,
//! aborts, or talks for the sake of talking.
//!
//! It tests that simulator and sweep notice, and that a program with protocols of its own has the whole command line.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use splitbrain::protocol::{
    Address, BadSetting, Boot, Effect, Effects, EntryMark, Epoch, Initial, Input, Inspect, NodeId,
    OptionValue, Protocol, QuorumSets, Settings, Within,
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
    Differs,
    Hangs,
    Grows,
    Aborts,
    /// Every message is answered at once.
    Answers,
    /// Whoever leads sends forty messages where one would do.
    Chatters,
}

/// How often nodes speak, and what they do besides.
#[derive(Clone, Copy, Debug)]
struct Manners {
    every: Within,
    deed: Deed,
}

/// A node that cannot be relied upon. One in four does its deed.
#[derive(Clone, Debug)]
struct Unruly {
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
            deed = match (name.as_str(), value) {
                ("deed", OptionValue::Word(word)) if word == "hangs" => Deed::Hangs,
                ("deed", OptionValue::Word(word)) if word == "grows" => Deed::Grows,
                ("deed", OptionValue::Word(word)) if word == "aborts" => Deed::Aborts,
                ("deed", OptionValue::Word(word)) if word == "answers" => Deed::Answers,
                ("deed", OptionValue::Word(word)) if word == "chatters" => Deed::Chatters,
                _ => return Err(BadSetting::new(name, "deed: hangs, grows, aborts, answers or chatters")),
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
        let mut jitter = 0;
        match deed {
            // It takes a while until it shows.
            Deed::Differs if self.ticks > 3 => jitter = SPOKEN.fetch_add(1, Ordering::Relaxed),
            Deed::Hangs if self.does_it => while black_box(true) {},
            Deed::Grows if self.does_it => {
                let mut all = Vec::new();
                while black_box(true) {
                    all.push(vec![1u8; 1 << 20]);
                }
            }
            Deed::Aborts if self.does_it => std::process::abort(),
            Deed::Answers if self.leads() => self.speak(out),
            Deed::Chatters if self.leads() => (0..40).for_each(|_| self.speak(out)),
            _ => {}
        }
        let within = Within { min: every.min + jitter, max: every.max + jitter };
        out.push(Effect::SetTimer { timer: Tick, within });
    }

    fn election_timer() -> Option<Tick> {
        None
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

impl Inspect for Unruly {
    fn epoch(&self) -> Epoch {
        Epoch(0)
    }
    fn leads(&self) -> bool {
        self.id == NodeId(0) && matches!(self.manners.deed, Deed::Answers | Deed::Chatters)
    }
    fn role(&self) -> &'static str {
        "unruly"
    }
    fn commit(&self) -> u64 {
        0
    }
    fn applied(&self) -> u64 {
        0
    }
    fn last(&self) -> u64 {
        0
    }
    fn mark(&self, _: u64) -> Option<EntryMark> {
        None
    }
    fn quorums(&self) -> QuorumSets {
        Vec::new()
    }
    fn describe(&self) -> String {
        format!("{} ticks", self.ticks)
    }
}
