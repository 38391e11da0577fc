//! The smallest protocol: every node counts, writes the count down, tells the next node, and is answered.
//!
//! It tests the simulator itself, and shows how little a protocol needs. It elects nobody and commits nothing.

use crate::adapter::fingerprint;
use crate::protocol::{
    Address, BadSetting, Boot, Disk, Effect, Effects, Initial, Input, Inspect, NodeId, Protocol, Refusal,
    Settings, Shown, Within, WriteId,
};

/// What nodes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// "I have counted to this."
    Ping(u64),
    /// "You have told me so."
    Pong(u64),
}

/// The only timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick;

/// A count on a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What was counted to.
    pub count: u64,
    peers: Vec<(NodeId, Address)>,
}

impl Disk for Count {
    type Write = u64;
    fn fingerprint(write: &u64) -> u64 {
        fingerprint(write)
    }
    fn apply(&mut self, write: &u64) {
        self.count = *write;
    }
}

/// A node that counts.
#[derive(Clone, Debug)]
pub struct Echo {
    id: NodeId,
    count: u64,
    pongs: u64,
    writes: u64,
    every: Within,
    peers: Vec<(NodeId, Address)>,
}

impl Echo {
    /// What it has counted to.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many answers it has had since it was started.
    #[must_use]
    pub fn pongs(&self) -> u64 {
        self.pongs
    }

    fn tick(&mut self, out: &mut Effects<Echo>) {
        self.count += 1;
        self.writes += 1;
        out.push(Effect::Persist { id: WriteId(self.writes), write: self.count });
        out.push(Effect::SetTimer { timer: Tick, within: self.every });
        let next = self.peers.iter().find(|(peer, _)| *peer > self.id).or(self.peers.first());
        if let Some(&(to, address)) = next {
            out.push(Effect::Send { from: self.id, to, address, message: Message::Ping(self.count) });
        }
    }
}

impl Protocol for Echo {
    const NAME: &'static str = "echo";
    type Message = Message;
    type Timer = Tick;
    type Disk = Count;
    type Settings = Within;

    fn shows() -> &'static [Shown] {
        &[]
    }

    fn settings(common: &Settings) -> Result<Within, BadSetting> {
        Ok(common.election)
    }

    fn format(_: NodeId, initial: &Initial) -> Count {
        let peers = initial.membership.iter().flat_map(|members| &members.nodes);
        Count { count: 0, peers: peers.map(|(&node, &address)| (node, address)).collect() }
    }

    fn boot(boot: Boot<'_, Echo>, out: &mut Effects<Echo>) -> Echo {
        let Boot { id, settings, disk, .. } = boot;
        out.push(Effect::SetTimer { timer: Tick, within: *settings });
        Echo { id, count: disk.count, pongs: 0, writes: 0, every: *settings, peers: disk.peers.clone() }
    }

    fn fork(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn step(&mut self, input: Input<Echo>, out: &mut Effects<Echo>) {
        match input {
            Input::Fired(Tick) => self.tick(out),
            Input::Received { from, source, message: Message::Ping(count), .. } => {
                let message = Message::Pong(count);
                out.push(Effect::Send { from: self.id, to: from, address: source, message });
            }
            Input::Received { message: Message::Pong(_), .. } => self.pongs += 1,
            other => out.refuse(other, Refusal::Unsupported),
        }
    }

    fn fingerprint(message: &Message) -> u64 {
        fingerprint(message)
    }

    fn heartbeat_timer() -> Option<Tick> {
        Some(Tick)
    }
}

impl Inspect for Echo {
    fn role(&self) -> &'static str {
        "counter"
    }

    fn describe(&self) -> String {
        format!("count {} pongs {}", self.count, self.pongs)
    }
}
