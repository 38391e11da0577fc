//! The protocol of the message game: whoever receives a ball sends it back.

use splitbrain::adapter::fingerprint;
use splitbrain::protocol::{
    Address, BadSetting, Boot, Disk, Effect, Effects, Initial, Input, Inspect, NodeId, Protocol, Refusal,
    Settings, Shown,
};

/// A ball, and how often it was thrown.
#[derive(Clone, Debug, Hash)]
pub struct Ball(u64);

/// Nothing is ever written.
#[derive(Clone, Debug)]
pub struct NoDisk {
    peers: Vec<(NodeId, Address)>,
}

impl Disk for NoDisk {
    type Write = ();
    fn apply(&mut self, (): &()) {}
    fn fingerprint((): &()) -> u64 {
        0
    }
}

/// A player, and what it has seen.
#[derive(Debug)]
pub struct PingPong {
    id: NodeId,
    seen: u64,
}

impl Protocol for PingPong {
    const NAME: &'static str = "ping-pong";
    type Message = Ball;
    type Timer = ();
    type Disk = NoDisk;
    /// How many balls there are; as many as the milliseconds of the election timeout.
    type Settings = u64;

    fn shows() -> &'static [Shown] {
        &[]
    }

    fn settings(common: &Settings) -> Result<u64, BadSetting> {
        Ok(common.election.min / 1_000_000)
    }

    fn format(_: NodeId, initial: &Initial) -> NoDisk {
        let peers = initial.membership.iter().flat_map(|members| &members.nodes);
        NoDisk { peers: peers.map(|(&node, &address)| (node, address)).collect() }
    }

    fn boot(boot: Boot<'_, PingPong>, out: &mut Effects<PingPong>) -> PingPong {
        let nodes = boot.disk.peers.len() as u64;
        for number in (0..*boot.settings).filter(|number| number % nodes == u64::from(boot.id.0)) {
            let receiver = (number % nodes + 1 + number / nodes % (nodes - 1)) % nodes;
            let (to, address) = boot.disk.peers[receiver as usize];
            out.push(Effect::Send { from: boot.id, to, address, message: Ball(0) });
        }
        PingPong { id: boot.id, seen: 0 }
    }

    fn step(&mut self, input: Input<PingPong>, out: &mut Effects<PingPong>) {
        match input {
            Input::Received { from, source, message: Ball(count), .. } => {
                self.seen += count;
                out.push(Effect::Send { from: self.id, to: from, address: source, message: Ball(count + 1) });
            }
            other => out.refuse(other, Refusal::Unsupported),
        }
    }

    fn fingerprint(message: &Ball) -> u64 {
        fingerprint(message)
    }
}

impl Inspect for PingPong {
    fn describe(&self) -> String {
        format!("seen {}", self.seen)
    }
}
