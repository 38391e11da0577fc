//! raft-rs (crate `raft` 0.7.0), as TiKV publishes it, as a protocol of the simulator.
//!
//! Holds: the library is unmodified and unpatched. A message that waits for the disk leaves when the disk has
//! answered, the others at once (`advance_append_async`, `on_persist_ready`). A membership is on the disk before it is
//! in force. Requests are taken by a leader only. Chance comes from the world's entropy: the library draws election
//! timeouts from the thread's own generator, and every draw is overwritten before anything can depend on it.
//!
//! Each file knows those above it only:
//!
//! ```text
//! numbers <- storage <- change, message, settings <- node <- inspect <- requests, time <- membership <- ready <- this
//! ```
//!
//! Not here: Raft itself (`raft`).

mod change;
mod inspect;
mod membership;
mod message;
mod node;
mod numbers;
mod ready;
mod requests;
mod settings;
mod storage;
mod time;
mod words;

pub use message::Message;
pub use node::{RaftRs, Timer};
pub use settings::RaftRsSettings;
pub use storage::{Store, Write};

use crate::adapter::fingerprint;
use crate::protocol::{
    BadSetting, Boot, Effects, Initial, InitialMembership, Input, NodeId, Operation, Protocol, Settings,
    Words,
};

impl Protocol for RaftRs {
    const NAME: &'static str = "raft-rs";
    const VERSION: Option<&'static str> = Some("0.7.0");
    type Message = Message;
    type Timer = Timer;
    type Disk = Store;
    type Settings = RaftRsSettings;

    fn settings(common: &Settings) -> Result<RaftRsSettings, BadSetting> {
        settings::read(common)
    }

    fn relies_on_clocks(settings: &RaftRsSettings) -> bool {
        settings.reads_by_lease()
    }

    fn accepts(initial: &Initial) -> Result<(), String> {
        match initial.membership.as_ref().map_or(0, |first| first.sets.len()) {
            0..=2 => Ok(()),
            sets => Err(format!("raft-rs has joint configs of two voter sets, not of {sets}")),
        }
    }

    fn format(_: NodeId, initial: &Initial) -> Store {
        Store::initial(initial)
    }

    fn force_members(disk: &mut Store, members: &InitialMembership) -> bool {
        disk.force_members(members)
    }

    fn boot(boot: Boot<'_, RaftRs>, out: &mut Effects<RaftRs>) -> RaftRs {
        RaftRs::start(boot).begin(out)
    }

    fn step(&mut self, input: Input<RaftRs>, out: &mut Effects<RaftRs>) {
        match input {
            Input::Received { from, source, to, message } => self.on_received(from, source, to, message, out),
            Input::Fired(Timer::Tick) => self.on_tick(out),
            Input::Fired(Timer::Election) => self.on_election(),
            Input::Fired(Timer::Heartbeat) => self.on_heartbeat(),
            Input::Persisted { through } => self.on_persisted(through, out),
            Input::Proposed { request, command } => self.on_proposed(request, &command, out),
            Input::ReadRequested { request } => self.on_read(request, out),
            Input::Operated { request, operation } => match operation {
                Operation::Transfer { to } => self.on_transfer(request, to, out),
                Operation::Change(change) => self.on_change(request, &change, out),
            },
            Input::SnapshotTaken { through, state } => self.on_snapshot_taken(through, state, out),
        }
        self.settle(out);
    }

    fn fingerprint(message: &Message) -> u64 {
        fingerprint(message)
    }

    fn tell_message(message: &Message, words: &dyn Words) -> String {
        words::message(message, words)
    }

    fn tell_write(write: &Write, words: &dyn Words) -> String {
        words::write(write, words)
    }

    fn election_timer() -> Option<Timer> {
        Some(Timer::Election)
    }

    fn heartbeat_timer() -> Option<Timer> {
        Some(Timer::Heartbeat)
    }

    fn keeps_own_time() -> bool {
        true
    }

    fn notes() -> Option<&'static [&'static str]> {
        Some(&[
            "address-unknown",
            "conf-change-rejected",
            "membership-appended",
            "membership-changed",
            "misrouted",
            "snapshot-sent",
        ])
    }

    fn refusals() -> Option<&'static [&'static str]> {
        Some(&change::REFUSALS)
    }
}
