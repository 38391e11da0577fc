//! A protocol that is not deterministic, on purpose: what it says depends on how often any of its kind has spoken.
//!
//! It tests that the simulator notices. Only tests have it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::{
    BadSetting, Boot, Effect, Effects, EntryMark, Epoch, Initial, Input, Inspect, NodeId, Protocol,
    QuorumSets, Settings, Within,
};
use crate::protocols::echo::{Count, Tick};

/// What outlives a run, and may not.
static SPOKEN: AtomicU64 = AtomicU64::new(0);

/// A node that cannot be relied upon.
#[derive(Clone, Debug)]
pub struct Fickle {
    every: Within,
    ticks: u64,
}

impl Protocol for Fickle {
    const NAME: &'static str = "fickle";
    type Message = u64;
    type Timer = Tick;
    type Disk = Count;
    type Settings = Within;

    fn settings(common: &Settings) -> Result<Within, BadSetting> {
        Ok(common.election)
    }

    fn format(_: NodeId, _: &Initial) -> Count {
        Count::default()
    }

    fn boot(boot: Boot<'_, Fickle>, out: &mut Effects<Fickle>) -> Fickle {
        out.push(Effect::SetTimer { timer: Tick, within: *boot.settings });
        Fickle { every: *boot.settings, ticks: 0 }
    }

    fn step(&mut self, input: Input<Fickle>, out: &mut Effects<Fickle>) {
        if matches!(input, Input::Fired(Tick)) {
            self.ticks += 1;
            // It takes a while until it shows.
            let jitter = if self.ticks > 3 { SPOKEN.fetch_add(1, Ordering::Relaxed) } else { 0 };
            let within = Within { min: self.every.min + jitter, max: self.every.max + jitter };
            out.push(Effect::SetTimer { timer: Tick, within });
        }
    }

    fn election_timer() -> Option<Tick> {
        None
    }

    fn heartbeat_timer() -> Option<Tick> {
        Some(Tick)
    }
}

impl Inspect for Fickle {
    fn epoch(&self) -> Epoch {
        Epoch(0)
    }
    fn leads(&self) -> bool {
        false
    }
    fn role(&self) -> &'static str {
        "fickle"
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
