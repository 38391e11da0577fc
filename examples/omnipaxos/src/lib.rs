//! OmniPaxos 0.2.4, the crate as published, as a protocol of the simulator, with its reconfiguration.
//!
//! | of the world | of OmniPaxos |
//! |---|---|
//! | epoch | configuration, ballot number and node |
//! | index | index from 1 on, through all configurations; a stop sign has one |
//! | commit | decided, and on the disk of whoever says so |
//!
//! Holds: the library takes a write for durable when its call returns. Here that takes time: every message, and every word of
//! what is decided, waits until all that was written before is on the disk. Links are kept in order, and a gap in them is told
//! to the library (`reconnected`), as its documentation asks.
//! Not here: reads (the library has none but of what is decided), and logs that are cut.

mod storage;

use std::collections::BTreeMap;

use omnipaxos::messages::Message as Paxos;
use omnipaxos::messages::sequence_paxos::PaxosMsg;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};
use splitbrain::adapter::{Arrival, Gate, Sessions, Stamp, Storage, Ticks};
use splitbrain::protocol::*;

use storage::Store;
pub use storage::{Command, Kept};

/// What replicas say.
#[derive(Clone, Debug)]
pub struct Message {
    stamp: Stamp,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// The library, in a configuration.
    Paxos(u32, Paxos<Command>),
    /// I am in this configuration only: what have I missed?
    Behind(u32),
    /// What came before a configuration, and where everybody is.
    Start(Box<Kept>),
}

/// What waits for the disk.
#[expect(clippy::large_enum_variant, reason = "few wait at a time")]
enum Then {
    Send(NodeId, Body),
    /// So much of the whole log is decided.
    Decided(u64),
}

/// A replica.
pub struct Replica {
    id: NodeId,
    ticks: Ticks,
    storage: Storage<Kept>,
    library: Option<OmniPaxos<Command, Store>>,
    gate: Gate<Then>,
    sessions: Sessions,
    /// Where a message of each node last came from: who joins knows nobody yet.
    sources: BTreeMap<NodeId, Address>,
    decided: u64,
    asked: Option<RequestId>,
}

fn pid(node: NodeId) -> u64 {
    u64::from(node.0) + 1
}

fn node(pid: u64) -> NodeId {
    NodeId(pid.saturating_sub(1) as u32)
}

/// Where nodes are reached, as the metadata of a stop sign.
fn to_bytes(nodes: &BTreeMap<NodeId, Address>) -> Vec<u8> {
    nodes
        .iter()
        .flat_map(|(node, address)| [node.0.to_le_bytes(), address.0.to_le_bytes()].concat())
        .collect()
}

fn from_bytes(bytes: &[u8]) -> BTreeMap<NodeId, Address> {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
    bytes.chunks_exact(8).map(|pair| (NodeId(word(&pair[..4])), Address(word(&pair[4..])))).collect()
}

impl Replica {
    fn config(&self) -> u32 {
        self.storage.read().config.as_ref().map_or(0, |config| config.configuration_id)
    }

    /// The library in the configuration that is on the disk, if there is one.
    fn start(&mut self) {
        let config = self.storage.read().config.clone();
        self.library = config.map(|config| {
            let server = ServerConfig {
                pid: pid(self.id),
                election_tick_timeout: self.ticks.election_min,
                resend_message_tick_timeout: self.ticks.election_min,
                ..ServerConfig::default()
            };
            let store = Store(self.storage.handle());
            config.build_for_server(server, store).expect("a configuration of two nodes or more")
        });
    }

    /// Enters a configuration with what came before it.
    fn enter(&mut self, kept: Kept) {
        self.storage.write(kept);
        self.start();
    }

    /// Whether it is a later configuration, with this replica in it.
    fn is_meant(&self, kept: &Kept) -> bool {
        let later = |config: &ClusterConfig| config.configuration_id > self.config();
        kept.config.as_ref().is_some_and(|config| later(config) && config.nodes.contains(&pid(self.id)))
    }

    fn on_body(&mut self, from: NodeId, body: Body) {
        match body {
            Body::Paxos(config, message) if config == self.config() => {
                if let Some(library) = &mut self.library {
                    library.handle_incoming(message);
                }
            }
            Body::Paxos(config, _) if config > self.config() => {
                self.gate.hold(Then::Send(from, Body::Behind(self.config())));
            }
            Body::Behind(config) if config < self.config() => {
                let kept = self.storage.read().clone();
                let start = kept.config.map(|config| Kept::of(config, kept.nodes, kept.past));
                let start = start.map(|start| Then::Send(from, Body::Start(Box::new(start))));
                start.into_iter().for_each(|start| self.gate.hold(start));
            }
            Body::Start(kept) if self.is_meant(&kept) => self.enter(*kept),
            Body::Paxos(..) | Body::Behind(_) | Body::Start(_) => {}
        }
    }

    /// Does what the library asks for.
    fn settle(&mut self, out: &mut Effects<Replica>) {
        let mut messages = Vec::new();
        if let Some(library) = &mut self.library {
            library.take_outgoing_messages(&mut messages);
        }
        for write in self.storage.take_writes() {
            out.push(Effect::Persist { id: self.gate.issue(), write });
        }
        let config = self.config();
        for message in messages {
            self.gate.hold(Then::Send(node(message.get_receiver()), Body::Paxos(config, message)));
        }
        let base = self.storage.read().past.len();
        let decided = self.library.as_ref().map_or(0, OmniPaxos::get_decided_idx);
        self.gate.hold(Then::Decided((base + decided) as u64));
        while let Some(then) = self.gate.pop() {
            match then {
                Then::Send(to, body) => self.send(to, body, out),
                Then::Decided(through) => self.on_decided(through, out),
            }
        }
    }

    fn send(&mut self, to: NodeId, body: Body, out: &mut Effects<Replica>) {
        let known = self.storage.read().nodes.get(&to).copied();
        let Some(address) = known.or(self.sources.get(&to).copied()) else { return };
        let message = Message { stamp: self.sessions.stamp(to), body };
        out.push(Effect::Send { from: self.id, to, address, message });
    }

    fn on_decided(&mut self, through: u64, out: &mut Effects<Replica>) {
        for index in self.decided + 1..=through {
            if let Some(Some(command)) = self.storage.read().entry(index) {
                out.push(Effect::Apply { index, command: command.0.clone() });
            }
        }
        self.decided = self.decided.max(through);
        let Some(stop) = self.library.as_ref().and_then(OmniPaxos::is_reconfigured) else { return };
        let kept = self.storage.read().clone();
        if self.decided <= (kept.past.len() + kept.log.len()) as u64 {
            return;
        }
        out.list.extend(self.asked.take().map(|request| Effect::Done { request }));
        if stop.next_config.nodes.contains(&pid(self.id)) {
            let nodes = from_bytes(&stop.metadata.unwrap_or_default());
            let next = kept.after(stop.next_config, nodes);
            self.enter(next);
            self.settle(out);
        }
    }

    /// One set of voters in place of another, through a stop sign.
    fn on_change(&mut self, request: RequestId, change: Change, out: &mut Effects<Replica>) {
        let mut nodes = self.storage.read().nodes.clone();
        let mut voters = self.quorums().pop().unwrap_or_default();
        let refuse = |refusal| Effect::Refuse { request, refusal };
        match change {
            Change::AddServer { node, address } => {
                nodes.insert(node, address);
                voters.insert(node);
            }
            Change::RemoveServer { node } => {
                voters.remove(&node);
            }
            Change::To { sets, nodes: new, .. } | Change::Append { sets, nodes: new, .. }
                if sets.len() == 1 =>
            {
                nodes.extend(new);
                voters.clone_from(&sets[0]);
            }
            _ => return out.push(refuse(Refusal::Unsupported)),
        }
        let configuration_id = self.config() + 1;
        let next = ClusterConfig {
            configuration_id,
            nodes: voters.iter().copied().map(pid).collect(),
            flexible_quorum: None,
        };
        let Some(library) = &mut self.library else { return out.push(refuse(Refusal::Busy)) };
        match library.reconfigure(next, Some(to_bytes(&nodes))) {
            Ok(()) => self.asked = Some(request),
            Err(error) => out.push(refuse(Refusal::rule(match error {
                omnipaxos::ProposeErr::ConfigError(..) => "configuration-refused",
                _ => "reconfiguration-pending",
            }))),
        }
    }
}

/// Commands as people wrote them.
fn told(commands: &[Command], words: &dyn Words) -> String {
    commands.iter().map(|command| format!(" {}", words.command(&command.0))).collect()
}

/// What the library says, where it holds commands; the rest as it is.
fn said(message: &PaxosMsg<Command>, words: &dyn Words) -> String {
    match message {
        PaxosMsg::AcceptDecide(sent) => {
            format!("accept-decide{}, decided {}", told(&sent.entries, words), sent.decided_idx)
        }
        PaxosMsg::AcceptSync(sent) => format!("accept-sync in {:?}, decided {}", sent.n, sent.decided_idx),
        PaxosMsg::ProposalForward(commands) => format!("proposal-forward{}", told(commands, words)),
        other => format!("{other:?}"),
    }
}

impl Protocol for Replica {
    const NAME: &'static str = "omnipaxos";
    const VERSION: Option<&'static str> = Some("0.2.4");
    type Message = Message;
    type Timer = ();
    type Disk = Kept;
    type Settings = Ticks;

    fn tell_message(message: &Message, words: &dyn Words) -> String {
        match &message.body {
            Body::Paxos(config, Paxos::SequencePaxos(sent)) => {
                format!("{}, configuration {config}", said(&sent.msg, words))
            }
            Body::Paxos(config, Paxos::BLE(sent)) => format!("{:?}, configuration {config}", sent.msg),
            Body::Behind(config) => format!("behind, in configuration {config}"),
            Body::Start(kept) => format!("start after {} entries", kept.past.len()),
        }
    }

    fn tell_write(kept: &Kept, words: &dyn Words) -> String {
        format!("the log{}, decided {}", told(&kept.log, words), kept.decided)
    }

    fn refusals() -> Option<&'static [&'static str]> {
        Some(&["configuration-refused", "reconfiguration-pending"])
    }

    fn shows() -> &'static [Shown] {
        &[Shown::Leaders, Shown::Reigns, Shown::Disk, Shown::Quorums]
    }

    fn term_of(epoch: Epoch) -> u64 {
        epoch.0 >> 16 & 0xffff_ffff
    }

    fn settings(common: &Settings) -> Result<Ticks, BadSetting> {
        Ticks::of(common)
    }

    fn format(_: NodeId, initial: &Initial) -> Kept {
        let Some(first) = &initial.membership else { return Kept::default() };
        let nodes = first.sets.iter().flatten().copied().map(pid).collect();
        let config = ClusterConfig { configuration_id: 1, nodes, flexible_quorum: None };
        Kept::of(config, first.nodes.clone(), Vec::new())
    }

    fn boot(boot: Boot<'_, Replica>, out: &mut Effects<Replica>) -> Replica {
        out.push(Effect::SetTimer { timer: (), within: boot.settings.first() });
        let mut replica = Replica {
            id: boot.id,
            ticks: *boot.settings,
            storage: Storage::new(boot.disk),
            library: None,
            gate: Gate::default(),
            sessions: Sessions::new(boot.incarnation),
            sources: BTreeMap::new(),
            decided: 0,
            asked: None,
        };
        replica.start();
        replica.settle(out);
        replica
    }

    fn step(&mut self, input: Input<Replica>, out: &mut Effects<Replica>) {
        match input {
            Input::Received { from, source, message: Message { stamp, body }, .. } => {
                let arrival = self.sessions.arrive(from, stamp);
                if arrival == Arrival::Reconnected
                    && let Some(library) = &mut self.library
                {
                    library.reconnected(pid(from));
                }
                if arrival != Arrival::Late {
                    self.sources.insert(from, source);
                    self.on_body(from, body);
                }
            }
            Input::Fired(()) => {
                out.push(Effect::SetTimer { timer: (), within: self.ticks.next() });
                self.library.iter_mut().for_each(OmniPaxos::tick);
            }
            Input::Persisted { through } => self.gate.persisted(through),
            Input::Proposed { request, command } if self.leads() => {
                let appended = self.library.as_mut().map(|library| library.append(Command(command)));
                if !matches!(appended, Some(Ok(()))) {
                    out.push(Effect::Refuse { request, refusal: Refusal::Busy });
                }
            }
            Input::Proposed { request, .. } => {
                let leader = self.library.as_ref().and_then(OmniPaxos::get_current_leader);
                let hint = leader.map(|(pid, _)| node(pid)).filter(|leader| *leader != self.id);
                out.push(Effect::Refuse { request, refusal: Refusal::NotLeader { hint } });
            }
            Input::Operated { request, operation: Operation::Change(change) } => {
                self.on_change(request, change, out);
            }
            other => out.refuse(other, Refusal::Unsupported),
        }
        self.settle(out);
    }
}

impl Inspect for Replica {
    fn epoch(&self) -> Epoch {
        let ballot = self.library.as_ref().map(OmniPaxos::get_promise).unwrap_or_default();
        Epoch(u64::from(self.config()) << 48 | u64::from(ballot.n) << 16 | ballot.pid)
    }

    fn leads(&self) -> bool {
        let leader = self.library.as_ref().and_then(OmniPaxos::get_current_leader);
        leader == Some((pid(self.id), true))
    }

    fn commit(&self) -> u64 {
        self.decided
    }

    fn last(&self) -> u64 {
        let kept = self.storage.read();
        (kept.past.len() + self.library.as_ref().map_or(0, OmniPaxos::get_accepted_idx)) as u64
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.storage.read().mark(index)
    }

    fn quorums(&self) -> QuorumSets {
        let kept = self.storage.read();
        kept.config.iter().map(|config| config.nodes.iter().copied().map(node).collect()).collect()
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}
