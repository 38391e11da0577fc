//! The world: nodes, disks, network, clients and the agenda that drives them, one event at a time.
//!
//! Holds: equal scenario, protocol settings and choices give equal runs; every checker looks after every step; nothing
//! happens without a record. Only this module turns an effect into an event.
//! Not here: what a story does when (`runner`), and which faults come by themselves (`nemesis`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::act::{Act, Which};
use crate::agenda::{Agenda, Event};
use crate::check::{Checkers, Disks, Glance, Names, Seen, Step, Violation};
use crate::choices::{Choices, Site};
use crate::client::Client;
use crate::history::History;
use crate::machine::{Command, Machine};
use crate::nemesis::NemesisState;
use crate::network::{Fate, Link, Network};
use crate::node::{Clock, Node};
use crate::protocol::{
    Address, Boot, Disk as _, Effect, Effects, EntryMark, Input, Inspect, NodeId, Operation, Protocol,
    Refusal, RequestId, Within, WriteId,
};
use crate::scenario::{CrashLeaves, Scenario, Spread, Timers};
use crate::time::Moment;
use crate::trace::Trace;

/// How many things of each kind happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Events of the world.
    pub events: u64,
    /// Messages that nodes sent.
    pub sent: u64,
    /// Messages that arrived, duplicates included.
    pub delivered: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Writes that became durable.
    pub writes: u64,
    /// Timers that fired.
    pub timers: u64,
    /// Crashes.
    pub crashes: u64,
    /// Reigns that began.
    pub reigns: u64,
    /// Commands that machines applied, over all nodes.
    pub applied: u64,
}

/// A message under way.
#[derive(Clone, Debug)]
struct Envelope<M> {
    /// Counts what was sent, so that a duplicate is known.
    serial: u64,
    /// What the protocol calls it and what it says, known while the world is frozen.
    tag: Option<Arc<(String, u64)>>,
    sender: NodeId,
    source: Address,
    from: NodeId,
    to: NodeId,
    address: Address,
    /// Whether it is damaged on its way.
    damaged: bool,
    /// Whether it was left waiting when a younger one was delivered by hand.
    overtaken: bool,
    message: M,
}

/// What waits for a paused process.
#[derive(Clone, Debug)]
enum Waiting<P: Protocol> {
    Message(Envelope<P::Message>),
    /// With what was written down of it.
    Input(Input<P>, Option<Act<P::Timer>>),
}

/// What came of an operator's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Nothing yet.
    Pending,
    /// It is done.
    Done,
    /// It was refused.
    Refused(Refusal),
}

/// A whole simulated cluster and its surroundings.
#[derive(Clone, Debug)]
pub struct World<P: Protocol> {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) settings: P::Settings,
    pub(crate) names: Arc<Names>,
    pub(crate) now: Moment,
    pub(crate) nodes: Vec<Node<P>>,
    pub(crate) network: Network,
    pub(crate) agenda: Agenda,
    messages: Vec<Option<Envelope<P::Message>>>,
    free: Vec<u32>,
    held: Vec<Envelope<P::Message>>,
    waiting: Vec<(NodeId, Waiting<P>)>,
    pub(crate) choices: Choices,
    trace: Trace,
    checkers: Checkers,
    violations: Vec<Violation>,
    facts: BTreeMap<&'static str, u64>,
    pub(crate) counts: Counts,
    pub(crate) clients: Vec<Client>,
    pub(crate) history: History,
    /// Keys that a story names, in the order of their first use; they come after those of the workload.
    named_keys: Vec<String>,
    /// The highest index that any node knew to be committed.
    pub(crate) committed: u64,
    /// How many vacant addresses were given away by nemeses.
    pub(crate) vacancies_used: usize,
    /// Whether workload and nemeses are at work.
    pub(crate) busy: bool,
    pub(crate) nemeses: Vec<NemesisState>,
    operations: BTreeMap<RequestId, OperationState>,
    pub(crate) last_request: u64,
    pub(crate) last_value: u64,
    /// The value last written to each key by an answered call: what a compare-and-swap of the workload expects.
    pub(crate) recent: Vec<Option<u64>>,
    out: Effects<P>,
    /// How far the run may go.
    pub(crate) limit: Limit,
    /// What happened to nodes, when it is written down.
    pub(crate) acts: Option<Vec<Act<P::Timer>>>,
    sent: u64,
    /// How often the agenda was asked.
    looks: u64,
    /// Whether every move is made by hand.
    pub(crate) frozen: bool,
    /// Whether an exchange goes on.
    exchanging: bool,
    /// Whether every write finishes as soon as it is issued.
    instant_disks: bool,
}

/// How far a run may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// No event after this one.
    pub events: u64,
    /// The most things that may be under way at once.
    pub under_way: usize,
}

impl Default for Limit {
    fn default() -> Self {
        Limit { events: u64::MAX, under_way: usize::MAX }
    }
}

/// The client part of request ids that belong to operators.
const OPERATOR: u64 = (1 << 20) - 1;

impl<P: Protocol> World<P> {
    /// A world at the start of a scenario, every node booted.
    #[must_use]
    pub fn new(
        scenario: Arc<Scenario>,
        settings: P::Settings,
        choices: Choices,
        agenda: Agenda,
        keep_trace: bool,
    ) -> Self {
        let homes: Vec<Address> = scenario.cluster.nodes.iter().map(|node| node.home).collect();
        let nodes = scenario.cluster.ids().zip(&homes);
        let nodes: Vec<Node<P>> =
            nodes.map(|(id, &home)| Node::new(P::format(id, &scenario.initial(id)), home)).collect();
        let names = Names(scenario.cluster.nodes.iter().map(|node| node.name.clone()).collect());
        let clients = scenario.workload.map_or(0, |workload| workload.clients);
        let mut world = World {
            settings,
            names: Arc::new(names),
            now: Moment::default(),
            network: Network::new(scenario.network, &homes),
            nodes,
            agenda,
            messages: Vec::new(),
            free: Vec::new(),
            held: Vec::new(),
            waiting: Vec::new(),
            choices,
            trace: Trace::new(keep_trace),
            checkers: Checkers::default(),
            violations: Vec::new(),
            facts: BTreeMap::new(),
            counts: Counts::default(),
            clients: (0..clients).map(|target| Client { target, ..Client::default() }).collect(),
            history: History::default(),
            named_keys: Vec::new(),
            committed: 0,
            vacancies_used: 0,
            busy: false,
            nemeses: vec![NemesisState::default(); scenario.nemeses.len()],
            operations: BTreeMap::new(),
            last_request: 0,
            last_value: 0,
            recent: Vec::new(),
            out: Effects::default(),
            limit: Limit::default(),
            acts: None,
            sent: 0,
            looks: 0,
            frozen: false,
            exchanging: false,
            instant_disks: false,
            scenario,
        };
        for id in world.scenario.cluster.ids() {
            world.set_clock(id);
            world.boot(id);
        }
        world
    }

    /// Draws the error that a node's clock has by itself.
    fn set_clock(&mut self, id: NodeId) {
        let crate::scenario::Clock { skew, drift_ppm } = self.scenario.clock;
        let ahead = self.choices.below(Site::Timer, skew.saturating_add(1));
        let ppm = self.choices.below(Site::Timer, 2 * u64::from(drift_ppm) + 1);
        let ppm = i64::try_from(ppm).unwrap_or(0) - i64::from(drift_ppm);
        let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
        if ahead != 0 {
            self.note("clock-skew");
        }
        if ppm != 0 {
            self.note("clock-rate");
        }
        self.nodes[id.0 as usize].clock = Clock { ahead, ppm, own_ppm: ppm, frozen: None };
    }

    // What a reader may see.

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// How many things of each kind happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was noted, and how often.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<&'static str, u64> {
        &self.facts
    }

    /// Broken promises, in the order in which they were seen.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// What clients saw.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Whether what clients saw may not be linearizable.
    pub fn history_is_suspect(&mut self) -> bool {
        self.history.is_suspect()
    }

    /// The number of a key that a story names.
    pub fn key(&mut self, name: &str) -> u32 {
        let first = self.scenario.workload.map_or(0, |workload| workload.keys);
        let place = self.named_keys.iter().position(|known| known == name);
        let place = place.unwrap_or_else(|| {
            self.named_keys.push(name.to_owned());
            self.named_keys.len() - 1
        });
        first + place as u32
    }

    /// What a key is called: the story's name, or `k0`, `k1` and so on for those of the workload.
    #[must_use]
    pub fn key_name(&self, key: u32) -> String {
        let first = self.scenario.workload.map_or(0, |workload| workload.keys);
        let named = key.checked_sub(first).and_then(|place| self.named_keys.get(place as usize));
        named.cloned().unwrap_or_else(|| format!("k{key}"))
    }

    /// The trace: its digest, and its records if they are kept.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Every draw that was recorded.
    #[must_use]
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The machines, in order.
    #[must_use]
    pub fn nodes(&self) -> &[Node<P>] {
        &self.nodes
    }

    /// What nodes are called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What came of an operator's request; `Pending` for one that was never made.
    #[must_use]
    pub fn operation(&self, request: RequestId) -> OperationState {
        self.operations.get(&request).cloned().unwrap_or(OperationState::Pending)
    }

    /// The running nodes that believe to lead, in order.
    pub(crate) fn leaders(&self) -> impl Iterator<Item = NodeId> {
        let leads = |node: &Node<P>| node.process.as_ref().is_some_and(Inspect::leads);
        self.scenario.cluster.ids().zip(&self.nodes).filter(move |(_, node)| leads(node)).map(|(id, _)| id)
    }

    /// The running node that leads in the highest epoch.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        let leads = |(id, node): &(NodeId, &Node<P>)| {
            node.process.as_ref().filter(|process| process.leads()).map(|process| (process.epoch(), *id))
        };
        self.scenario.cluster.ids().zip(&self.nodes).filter_map(|pair| leads(&pair)).max().map(|(_, id)| id)
    }

    /// This moment, with the number of the event.
    #[must_use]
    pub fn seen(&self) -> Seen {
        Seen { event: self.counts.events, at: self.now }
    }

    // Time.

    /// Takes one event that is due by `until`. Returns whether there was one.
    pub fn advance(&mut self, until: Moment) -> bool {
        if self.is_exhausted() {
            return false;
        }
        self.looks += 1;
        let Some((at, event)) = self.agenda.pop(self.now, until, &mut self.choices) else { return false };
        self.now = self.now.max(at);
        self.handle(event);
        true
    }

    /// Lets time pass through `until`, or to the first violation.
    pub fn run_until(&mut self, until: Moment) {
        while self.violations.is_empty() && self.advance(until) {}
        if !self.is_exhausted() {
            self.now = self.now.max(until);
        }
    }

    /// Whether the run went as far as it may.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        // Most looks at the agenda are events; those that are not (a timer that was set anew) must end as well.
        let looks_max = self.limit.events.saturating_mul(8).saturating_add(1_000);
        self.counts.events >= self.limit.events
            || self.looks >= looks_max
            || self.agenda.len() > self.limit.under_way
    }

    /// Takes so many events, however long they take, or fewer up to the first violation.
    pub fn run_events(&mut self, count: u64) {
        for _ in 0..count {
            if !self.violations.is_empty() || !self.advance(Moment(u64::MAX)) {
                return;
            }
        }
    }

    /// Takes events until nothing is under way; timers, clients and nemeses wait. Ends at `until` at the latest.
    pub fn settle(&mut self, until: Moment) {
        let mut waiting = Vec::new();
        while self.violations.is_empty() && self.in_flight() && !self.is_exhausted() {
            let Some((at, event)) = self.agenda.pop(self.now, until, &mut self.choices) else { break };
            match event {
                Event::Deliver { .. } | Event::WriteDone { .. } => {
                    self.now = self.now.max(at);
                    self.handle(event);
                }
                Event::Fire { .. } | Event::Client { .. } | Event::Nemesis { .. } => {
                    waiting.push((at, event));
                }
            }
        }
        for (at, event) in waiting {
            self.agenda.push(at, event);
        }
    }

    /// Whether a message or an unfinished write is under way. Held messages and stalled disks do not count.
    #[must_use]
    pub fn in_flight(&self) -> bool {
        let writing = |node: &Node<P>| {
            !node.stalled && !node.trouble.paused && node.process.is_some() && node.disk.unfinished() > 0
        };
        self.messages.len() > self.free.len() || self.nodes.iter().any(writing)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver { slot, .. } => self.on_deliver(slot),
            Event::Fire { node, timer } => self.on_fire(node, timer),
            Event::WriteDone { node, incarnation } => self.on_write_done(node, incarnation),
            Event::Client { client } => self.on_client(client),
            Event::Nemesis { nemesis, relief: _ } => self.on_nemesis(nemesis as usize),
        }
    }

    fn on_deliver(&mut self, slot: u32) {
        let Some(envelope) = self.messages[slot as usize].take() else { return };
        self.free.push(slot);
        self.begin_event();
        let Some(receiver) = self.network.at(envelope.address) else {
            return self.lose(&envelope, "nobody is at the address");
        };
        match self.network.link(envelope.sender, receiver) {
            Link::Cut => return self.lose(&envelope, "the link is cut"),
            Link::Held => return self.held.push(envelope),
            Link::Open => {}
        }
        let node = &self.nodes[receiver.0 as usize];
        if node.process.is_none() {
            return self.lose(&envelope, "the process is down");
        }
        if node.trouble.paused {
            return self.waiting.push((receiver, Waiting::Message(envelope)));
        }
        if envelope.damaged {
            self.note("message-corrupt");
            return self.lose(&envelope, "its checksum does not fit");
        }
        if self.acts.is_some() {
            self.write_down(Act::Deliver {
                serial: envelope.serial,
                from: envelope.sender,
                to: receiver,
                what: P::label(&envelope.message),
                digest: digest_of(&envelope.message),
                older: 0,
                younger: 0,
                overtakes: false,
                kept: false,
            });
        }
        self.arrive(receiver, slot, envelope);
    }

    fn arrive(&mut self, receiver: NodeId, slot: u32, envelope: Envelope<P::Message>) {
        self.counts.delivered += 1;
        let Envelope { source, from, to, message, .. } = envelope;
        self.record(Some(receiver), &(2u8, slot, from.0), |names| {
            format!("receives from {}: {message:?}", names.of(from))
        });
        self.step(receiver, Input::Received { from, source, to, message });
    }

    /// Adds to what is written down of what happened to nodes. What an exchange delivers is part of the exchange.
    pub(crate) fn write_down(&mut self, act: Act<P::Timer>) {
        match &mut self.acts {
            Some(acts) if !self.exchanging => acts.push(act),
            Some(_) | None => {}
        }
    }

    // Every move by hand.

    /// From now on every message waits until it is delivered by hand, and every write until it is finished by hand, or,
    /// with `instant_disks`, finishes as soon as it is issued.
    pub fn freeze(&mut self, instant_disks: bool) {
        self.record(None, &(22u8, instant_disks), |_| format!("freezes; instant disks: {instant_disks}"));
        for from in self.scenario.cluster.ids() {
            for to in self.scenario.cluster.ids() {
                self.network.set_link(from, to, Link::Held);
            }
            if !instant_disks {
                self.nodes[from.0 as usize].stalled = true;
            }
        }
        self.frozen = true;
        self.instant_disks = instant_disks;
        self.scenario.cluster.ids().for_each(|id| self.finish_instantly(id));
    }

    fn finish_instantly(&mut self, id: NodeId) {
        let writing = |node: &Node<P>| node.process.is_some() && !node.stalled && node.disk.unfinished() > 0;
        while self.instant_disks && writing(&self.nodes[id.0 as usize]) {
            self.finish_write(id);
        }
    }

    /// Delivers one waiting message of those from one machine to another, called so if a name is given. Keeping it leaves
    /// a duplicate behind. Returns whether there was one.
    pub fn deliver(
        &mut self,
        from: NodeId,
        to: NodeId,
        what: Option<&str>,
        which: Which,
        keep: bool,
    ) -> bool {
        if self.nodes[to.0 as usize].process.is_none() {
            return false;
        }
        let places = self.held_places(from, to, what);
        let Some(nth) = self.pick(&places, which) else { return false };
        let mut overtakes = false;
        for &place in &places[..nth] {
            overtakes |= !core::mem::replace(&mut self.held[place].overtaken, true);
        }
        let place = places[nth];
        let envelope = if keep { self.held[place].clone() } else { self.held.remove(place) };
        self.begin_event();
        if let (true, Some(tag)) = (self.acts.is_some(), &envelope.tag) {
            self.write_down(Act::Deliver {
                serial: envelope.serial,
                from,
                to,
                what: tag.0.clone(),
                digest: tag.1,
                older: nth,
                younger: places.len() - nth - 1,
                overtakes,
                kept: keep,
            });
        }
        self.arrive(to, u32::MAX, envelope);
        true
    }

    /// Where the messages stand that wait on a link, oldest first.
    fn held_places(&self, from: NodeId, to: NodeId, what: Option<&str>) -> Vec<usize> {
        let called = |tag: &Arc<(String, u64)>| what.is_none_or(|what| tag.0 == what);
        let here = |envelope: &Envelope<P::Message>| {
            envelope.sender == from
                && self.network.at(envelope.address) == Some(to)
                && envelope.tag.as_ref().is_some_and(called)
        };
        (0..).zip(&self.held).filter(|(_, envelope)| here(envelope)).map(|(place, _)| place).collect()
    }

    /// Which of these waiting messages is meant.
    fn pick(&self, places: &[usize], which: Which) -> Option<usize> {
        let last = places.len().checked_sub(1)?;
        match which {
            Which::Nth(nth) => (nth <= last).then_some(nth),
            Which::Serial(serial) => places.iter().position(|&place| self.held[place].serial == serial),
            Which::Like { digest, older, younger } => {
                let says = |place: &usize| {
                    self.held[*place].tag.as_ref().is_some_and(|tag| tag.1 == digest)
                };
                // A message that says something else now is most likely the one that was the newest, or the oldest.
                let likely = match (older, younger) {
                    (_, 0) => last,
                    (0, _) => 0,
                    (_, younger) => last.saturating_sub(younger),
                };
                places.iter().position(says).or(Some(likely))
            }
        }
    }

    /// Delivers everything that waits between some nodes, oldest first, and what it leads to. Returns whether there was
    /// anything.
    pub fn exchange(&mut self, nodes: &BTreeSet<NodeId>) -> bool {
        // What goes on for longer than this does not end: each message leads to one or two more at most.
        const MESSAGES_MAX: usize = 1_000;
        let mut delivered = 0;
        while delivered < MESSAGES_MAX && self.violations.is_empty() && !self.is_exhausted() {
            let runs = |id: NodeId| self.nodes[id.0 as usize].process.is_some();
            let link = self.held.iter().find_map(|envelope| {
                let to = self.network.at(envelope.address)?;
                let among = nodes.contains(&envelope.sender) && nodes.contains(&to);
                (among && runs(to) && envelope.tag.is_some()).then_some((envelope.sender, to))
            });
            let Some((from, to)) = link else { break };
            if delivered == 0 {
                self.write_down(Act::Exchange { nodes: nodes.clone() });
                self.exchanging = true;
            }
            self.deliver(from, to, None, Which::Nth(0), false);
            delivered += 1;
        }
        self.exchanging = false;
        delivered > 0
    }

    fn lose(&mut self, envelope: &Envelope<P::Message>, why: &'static str) {
        self.counts.lost += 1;
        self.record(Some(envelope.sender), &(3u8, envelope.to.0), |names| {
            format!("loses to {}: {:?} ({why})", names.of(envelope.to), envelope.message)
        });
    }

    fn on_fire(&mut self, id: NodeId, place: u8) {
        let untimed = matches!(self.agenda, Agenda::Untimed { .. });
        let node = &mut self.nodes[id.0 as usize];
        let stands_still = node.trouble.paused || node.clock.frozen.is_some();
        let entry = &mut node.timers[place as usize];
        if !untimed && entry.queued != Some(self.now) {
            return; // An entry that an earlier one replaced.
        }
        entry.queued = None;
        match entry.due {
            None => {}
            Some(_) if stands_still => {} // Its time comes when the node goes on.
            Some(due) if !untimed && due > self.now => {
                entry.queued = Some(due);
                self.agenda.push(due, Event::Fire { node: id, timer: place });
            }
            Some(_) => {
                let timer = entry.timer;
                entry.due = None;
                self.fire(id, timer);
            }
        }
    }

    fn on_write_done(&mut self, id: NodeId, incarnation: u32) {
        let node = &mut self.nodes[id.0 as usize];
        if node.incarnation != incarnation || node.process.is_none() {
            return;
        }
        if node.stalled || node.trouble.paused {
            node.overdue += 1;
            return;
        }
        self.begin_event();
        if self.nodes[id.0 as usize].trouble.failing {
            return self.fail_write(id);
        }
        self.finish_write(id);
    }

    fn finish_write(&mut self, id: NodeId) {
        let Some(through) = self.nodes[id.0 as usize].disk.finish_one() else { return };
        self.counts.writes += 1;
        self.write_down(Act::Finish { node: id });
        let trouble = &mut self.nodes[id.0 as usize].trouble;
        trouble.rotten |= std::mem::take(&mut trouble.misdirects);
        self.record(Some(id), &(4u8, through), |_| format!("has write {} on disk", through.0));
        self.step(id, Input::Persisted { through });
    }

    /// Counts an event; what is recorded until the next one belongs to it.
    pub(crate) fn begin_event(&mut self) {
        self.counts.events += 1;
    }

    /// Adds a record: its values to the digest, and its line if lines are kept.
    pub(crate) fn record(
        &mut self,
        node: Option<NodeId>,
        values: &impl Hash,
        text: impl FnOnce(&Names) -> String,
    ) {
        let (event, at, names) = (self.counts.events, self.now, &self.names);
        let place = node.map_or(u32::MAX, |node| node.0);
        self.trace.push(event, at, node, &(at.0, place, values), || text(names));
    }

    /// Notes that something interesting happened.
    pub(crate) fn note(&mut self, fact: &'static str) {
        *self.facts.entry(fact).or_insert(0) += 1;
    }

    // Steps of a process.

    /// Gives an input to a process and performs what it asks for. A process that is down gets nothing.
    pub(crate) fn step(&mut self, id: NodeId, input: Input<P>) {
        let node = &mut self.nodes[id.0 as usize];
        let Some(process) = &mut node.process else { return };
        if node.trouble.paused {
            // It happens when the process goes on: what is written down of it has to wait as well.
            let act = self.acts.as_mut().and_then(|acts| acts.pop_if(|act| act.node() == Some(id)));
            return self.waiting.push((id, Waiting::Input(input, act)));
        }
        let mut out = std::mem::take(&mut self.out);
        out.now = node.clock.shows(self.now);
        process.step(input, &mut out);
        self.finish_step(id, out);
    }

    fn finish_step(&mut self, id: NodeId, mut out: Effects<P>) {
        let log_changed_from = out.log_changed_from.take();
        for effect in out.list.drain(..) {
            self.perform(id, effect);
        }
        self.out = out;
        self.observe(id, log_changed_from);
        if self.nodes[id.0 as usize].trouble.doomed {
            return self.fail_write(id);
        }
        if self.nodes[id.0 as usize].trouble.leaving {
            return self.shut_down(id);
        }
        self.maybe_snapshot(id);
        self.finish_instantly(id);
    }

    fn observe(&mut self, id: NodeId, log_changed_from: Option<u64>) {
        let node = &self.nodes[id.0 as usize];
        let Some(process) = &node.process else { return };
        let (before, now) = (node.glance, Glance::of(process));
        if before == now && log_changed_from.is_none() {
            return;
        }
        let seen = self.seen();
        let disks = NodeDisks(&self.nodes);
        let step = Step { node: id, seen, before, now, log_changed_from, state: process, disks: &disks };
        self.checkers.on_step(&step, &self.names, &mut self.violations);
        self.nodes[id.0 as usize].glance = now;
        self.committed = self.committed.max(now.commit);
        if log_changed_from.is_some_and(|from| from <= before.last) {
            self.note("log-cut");
        }
        if now.leads && !(before.leads && before.epoch == now.epoch) {
            self.counts.reigns += 1;
            self.note("leader-elected");
            if self.counts.reigns > 1 {
                self.note("leader-changed");
            }
            self.record(Some(id), &(5u8, now.epoch), |_| format!("leads epoch {}", now.epoch.0));
        }
    }

    fn maybe_snapshot(&mut self, id: NodeId) {
        let Some(every) = self.scenario.cluster.snapshot_every else { return };
        let node = &self.nodes[id.0 as usize];
        if node.glance.applied >= node.snapshot_at + every {
            self.snapshot(id);
        }
    }

    fn perform(&mut self, id: NodeId, effect: Effect<P>) {
        match effect {
            Effect::Persist { id: write, write: content } => self.persist(id, write, content),
            Effect::Send { from, to, address, message } => self.send(id, from, to, address, message),
            Effect::SetTimer { timer, within } => self.set_timer(id, timer, within),
            Effect::CancelTimer(timer) => {
                let node = &mut self.nodes[id.0 as usize];
                let place = node.timer_place(timer);
                node.timers[place].due = None;
            }
            Effect::Apply { index, command } => self.apply(id, index, &command),
            Effect::Restore { through, state } => self.restore(id, through, &state),
            Effect::Serve { request } => self.serve(id, request),
            Effect::Refuse { request, refusal } => self.refuse(id, request, refusal),
            Effect::Done { request } => {
                self.record(Some(id), &(6u8, request), |_| String::from("completes an operation"));
                self.operations.insert(request, OperationState::Done);
            }
            Effect::ShutDown => self.nodes[id.0 as usize].trouble.leaving = true,
            Effect::Note(fact) => {
                self.record(Some(id), &fact, |_| fact.to_owned());
                self.note(fact);
            }
        }
    }

    fn persist(&mut self, id: NodeId, write: WriteId, content: <P::Disk as crate::protocol::Disk>::Write) {
        self.record(Some(id), &(7u8, write, &content), |_| format!("writes {}: {content:?}", write.0));
        let after = self.choices.within(Site::Disk, self.scenario.disk.write);
        let node = &mut self.nodes[id.0 as usize];
        if node.trouble.full {
            node.trouble.doomed = true;
            return;
        }
        let slower = node.trouble.pace.max(node.trouble.disk_pace);
        let after = after.saturating_mul(u64::from(slower));
        let done = self.now.after(after).max(node.disk_busy_until);
        node.disk_busy_until = done;
        node.disk.submit(write, content);
        let incarnation = node.incarnation;
        self.agenda.push(done, Event::WriteDone { node: id, incarnation });
    }

    fn send(&mut self, sender: NodeId, from: NodeId, to: NodeId, address: Address, message: P::Message) {
        self.counts.sent += 1;
        self.record(Some(sender), &(1u8, from.0, to.0, address, &message), |names| {
            format!("sends to {}: {message:?}", names.of(to))
        });
        let source = self.nodes[sender.0 as usize].address;
        self.sent += 1;
        let (serial, damaged, overtaken) = (self.sent, false, false);
        let tag = self.frozen.then(|| Arc::new((P::label(&message), digest_of(&message))));
        let mut envelope =
            Envelope { serial, tag, sender, source, from, to, address, damaged, overtaken, message };
        let receiver = self.network.at(address).unwrap_or(sender);
        match self.network.fate(self.now, sender, receiver, &mut self.choices) {
            Fate::Delivered { after, again, late, damaged } => {
                if late {
                    self.note("message-reordered");
                }
                let network = self.scenario.network;
                if network.spread == Spread::HeavyTailed && after > network.delay.max {
                    self.note("message-late");
                }
                let pace = |node: NodeId| self.nodes[node.0 as usize].trouble.pace;
                let slower = u64::from(pace(sender).max(pace(receiver)));
                let late = late || slower > 1 || self.network.is_slow(sender, receiver);
                if let Some(again) = again {
                    self.note("message-duplicated");
                    self.post(again.saturating_mul(slower), late, envelope.clone());
                }
                envelope.damaged = damaged;
                self.post(after.saturating_mul(slower), late, envelope);
            }
            Fate::Held => self.held.push(envelope),
            Fate::Lost => {
                if self.network.link(sender, receiver) == Link::Open {
                    self.note("message-lost");
                }
                self.lose(&envelope, "lost");
            }
        }
    }

    fn post(&mut self, after: u64, late: bool, envelope: Envelope<P::Message>) {
        if let Some(other) = self.agenda.crowd_out(late, &mut self.choices) {
            self.free.push(other);
            if let Some(other) = self.messages[other as usize].take() {
                self.lose(&other, "too many are under way");
            }
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.messages.push(None);
            self.messages.len() as u32 - 1
        });
        self.messages[slot as usize] = Some(envelope);
        self.agenda.push(self.now.after(after), Event::Deliver { slot, late });
    }

    fn set_timer(&mut self, id: NodeId, timer: P::Timer, within: Within) {
        let span = self.choices.within(Site::Timer, within);
        let node = &mut self.nodes[id.0 as usize];
        let due = node.clock.frozen.unwrap_or(self.now).after(node.clock.virtual_span(span));
        let place = node.timer_place(timer);
        let entry = &mut node.timers[place];
        entry.due = Some(due);
        if self.scenario.cluster.timers == Timers::Scripted {
            return;
        }
        self.queue_timer(id, place);
    }

    /// Lets the agenda look at a timer that is set when it is due, unless it does so sooner anyway.
    fn queue_timer(&mut self, id: NodeId, place: usize) {
        let entry = &mut self.nodes[id.0 as usize].timers[place];
        let Some(due) = entry.due else { return };
        let due = due.max(self.now);
        let sooner = match self.agenda {
            Agenda::Timed { .. } => entry.queued.is_none_or(|queued| due < queued),
            Agenda::Untimed { .. } => entry.queued.is_none(),
        };
        if sooner {
            entry.queued = Some(due);
            self.agenda.push(due, Event::Fire { node: id, timer: place as u8 });
        }
    }

    /// Lets the agenda look at every timer of a node that is set, after their times changed.
    pub(crate) fn queue_timers(&mut self, id: NodeId) {
        if self.scenario.cluster.timers == Timers::Scripted {
            return;
        }
        for place in 0..self.nodes[id.0 as usize].timers.len() {
            self.queue_timer(id, place);
        }
    }

    fn apply(&mut self, id: NodeId, index: u64, command: &[u8]) {
        self.counts.applied += 1;
        self.record(Some(id), &(8u8, index), |_| format!("applies {index}: {:?}", Command::decode(command)));
        let Some(command) = Command::decode(command) else { return };
        let applied = self.nodes[id.0 as usize].machine.apply(&command);
        self.on_applied(id, command.client, command.serial, applied);
    }

    fn restore(&mut self, id: NodeId, through: u64, state: &[u8]) {
        self.record(Some(id), &(9u8, through), |_| format!("restores its machine through {through}"));
        self.note("machine-restored");
        let node = &mut self.nodes[id.0 as usize];
        node.machine = Machine::decode(state).unwrap_or_default();
        node.snapshot_at = node.snapshot_at.max(through);
        self.show_state(id, through, state);
    }

    /// Shows the checkers what a machine holds where a snapshot was taken or restored.
    fn show_state(&mut self, id: NodeId, through: u64, state: &[u8]) {
        let who = (id, self.seen());
        self.checkers.on_state(who, through, xxh3_64(state), &self.names, &mut self.violations);
    }

    fn refuse(&mut self, id: NodeId, request: RequestId, refusal: Refusal) {
        self.record(Some(id), &(10u8, request, &refusal), |_| format!("refuses: {refusal:?}"));
        if request.0 & OPERATOR == OPERATOR {
            self.operations.insert(request, OperationState::Refused(refusal));
        } else {
            self.on_refused((request.0 & OPERATOR) as u32, request, refusal);
        }
    }

    /// A request id that names its client.
    pub(crate) fn next_request(&mut self, client: u32) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request << 20 | u64::from(client))
    }

    // What a story or a nemesis does to nodes.

    /// Starts the process of a node that is down on what its disk holds.
    pub fn boot(&mut self, id: NodeId) {
        let entropy = self.choices.below(Site::Boot, u64::MAX);
        let node = &mut self.nodes[id.0 as usize];
        if node.process.is_some() || node.trouble.gone {
            return;
        }
        if node.trouble.rotten {
            node.trouble.gone = true;
            self.note("refused-to-start");
            return self.record(Some(id), &24u8, |_| {
                String::from("refuses to start: a checksum on its disk does not fit")
            });
        }
        node.incarnation += 1;
        node.snapshot_at = node.disk.durable().snapshot();
        let mut out = std::mem::take(&mut self.out);
        out.now = node.clock.shows(self.now);
        let boot = Boot {
            id,
            settings: &self.settings,
            disk: node.disk.durable(),
            incarnation: u64::from(node.incarnation),
            entropy,
            now: node.clock.shows(self.now),
        };
        node.process = Some(P::boot(boot, &mut out));
        let incarnation = node.incarnation;
        self.record(Some(id), &(11u8, incarnation), |_| format!("boots, incarnation {incarnation}"));
        if incarnation > 1 {
            self.write_down(Act::Boot { node: id });
            self.note("restarted");
        }
        self.finish_step(id, out);
    }

    /// Kills the process of a node; its disk keeps what a crash leaves.
    pub fn crash(&mut self, id: NodeId) {
        self.crash_leaving(id, self.scenario.disk.crash);
    }

    fn crash_leaving(&mut self, id: NodeId, leaves: CrashLeaves) {
        if self.nodes[id.0 as usize].process.is_none() {
            return;
        }
        let (kept, all) = self.nodes[id.0 as usize].disk.crash(leaves, &mut self.choices);
        self.end_process(id, kept, all);
    }

    /// Kills the process of a node; exactly so many parts of its unfinished writes reach the disk.
    pub fn tear(&mut self, id: NodeId, kept: usize) {
        let node = &mut self.nodes[id.0 as usize];
        if node.process.is_none() {
            return;
        }
        let all = node.disk.unfinished_parts();
        node.disk.keep(kept.min(all));
        self.end_process(id, kept.min(all), all);
    }

    /// A process ends as it wished. It waits for its disk, which takes no time here.
    fn shut_down(&mut self, id: NodeId) {
        let disk = &mut self.nodes[id.0 as usize].disk;
        disk.keep(disk.unfinished_parts());
        self.note("shut-down");
        self.record(Some(id), &29u8, |_| String::from("shuts down"));
        self.clear_process(id);
    }

    fn end_process(&mut self, id: NodeId, kept: usize, all: usize) {
        self.write_down(Act::Crash { node: id, kept, all });
        self.counts.crashes += 1;
        if kept < all {
            self.note("unfinished-write-lost");
        }
        self.record(Some(id), &(12u8, kept, all), |_| {
            format!("crashes; {kept} of {all} unfinished parts are kept")
        });
        self.clear_process(id);
    }

    /// A process is no more, for whatever reason; what the disk keeps is decided.
    fn clear_process(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        node.process = None;
        node.machine = Machine::default();
        node.glance = Glance::default();
        node.stalled = false;
        node.trouble.paused = false;
        node.trouble.doomed = false;
        node.trouble.leaving = false;
        node.overdue = 0;
        node.disk_busy_until = self.now;
        for timer in &mut node.timers {
            timer.due = None;
        }
        self.checkers.on_crash(id);
        for waiting in self.take_waiting(id) {
            match waiting {
                Waiting::Message(envelope) => self.lose(&envelope, "the process died while it waited"),
                Waiting::Input(..) => {}
            }
        }
    }

    /// A write fails: nothing unfinished can be trusted any more, so the process dies and leaves none of it.
    fn fail_write(&mut self, id: NodeId) {
        let trouble = &mut self.nodes[id.0 as usize].trouble;
        trouble.felled = true;
        trouble.failing = false;
        self.note("write-failed");
        self.record(Some(id), &25u8, |_| String::from("cannot write"));
        self.crash_leaving(id, CrashLeaves::Lost);
    }

    /// Lets a process stand still, or go on: what waited happens now, in its order.
    pub fn pause(&mut self, id: NodeId, paused: bool) {
        let node = &mut self.nodes[id.0 as usize];
        if node.process.is_none() || node.trouble.paused == paused {
            return;
        }
        node.trouble.paused = paused;
        self.record(Some(id), &(26u8, paused), |_| format!("paused: {paused}"));
        if paused {
            return self.note("paused");
        }
        self.queue_overdue(id);
        self.fire_overdue(id);
        self.queue_timers(id);
        for waiting in self.take_waiting(id) {
            match waiting {
                Waiting::Message(envelope) => self.post(0, false, envelope),
                Waiting::Input(input, act) => {
                    act.into_iter().for_each(|act| self.write_down(act));
                    self.step(id, input);
                }
            }
        }
    }

    /// Fires what ran out while a process stood still, before it sees anything else: a process that asks its clock
    /// finds a lease over. In an untimed schedule timers fire whenever chance has it.
    fn fire_overdue(&mut self, id: NodeId) {
        let untimed = matches!(self.agenda, Agenda::Untimed { .. });
        if untimed || self.scenario.cluster.timers == Timers::Scripted {
            return;
        }
        let node = &self.nodes[id.0 as usize];
        if node.clock.frozen.is_some() {
            return;
        }
        let overdue = |timer: &&crate::node::Timer<P::Timer>| timer.due.is_some_and(|due| due <= self.now);
        let overdue: Vec<P::Timer> = node.timers.iter().filter(overdue).map(|timer| timer.timer).collect();
        for timer in overdue {
            self.fire(id, timer);
        }
    }

    fn take_waiting(&mut self, id: NodeId) -> Vec<Waiting<P>> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        self.waiting.extract_if(.., |(node, _)| *node == id).map(|(_, waiting)| waiting).collect()
    }

    /// Lets writes that were done while the disk or the process stood still be known to the process.
    fn queue_overdue(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        if node.stalled || node.trouble.paused {
            return;
        }
        let incarnation = node.incarnation;
        for _ in 0..std::mem::take(&mut node.overdue) {
            self.agenda.push(self.now, Event::WriteDone { node: id, incarnation });
        }
    }

    /// Empties the disk of a node, as if it had never been initialised; kills its process first.
    pub fn wipe(&mut self, id: NodeId) {
        self.crash(id);
        self.write_down(Act::Wipe { node: id });
        let empty = P::format(id, &crate::protocol::Initial::default());
        self.nodes[id.0 as usize].disk = crate::disk::NodeDisk::new(empty);
        self.record(Some(id), &13u8, |_| String::from("loses its disk"));
    }

    /// Fires a timer now, set or not: a protocol must stand that.
    pub fn fire(&mut self, id: NodeId, timer: P::Timer) {
        self.begin_event();
        self.counts.timers += 1;
        self.write_down(Act::Fire { node: id, timer });
        let node = &mut self.nodes[id.0 as usize];
        let place = node.timer_place(timer);
        node.timers[place].due = None;
        self.record(Some(id), &(14u8, place), |_| format!("timer {timer:?} fires"));
        self.step(id, Input::Fired(timer));
    }

    /// Takes a snapshot of a node's machine and hands it to its process.
    pub fn snapshot(&mut self, id: NodeId) {
        self.write_down(Act::Snapshot { node: id });
        let node = &mut self.nodes[id.0 as usize];
        let through = node.glance.applied;
        node.snapshot_at = through;
        let state = node.machine.encode();
        self.record(Some(id), &(15u8, through), |_| format!("takes a snapshot through {through}"));
        self.note("snapshot-taken");
        self.show_state(id, through, &state);
        self.step(id, Input::SnapshotTaken { through, state });
    }

    /// Asks a node for something, as an operator. See `operation` for what comes of it.
    pub fn operate(&mut self, id: NodeId, operation: Operation) -> RequestId {
        self.begin_event();
        let request = self.next_request(OPERATOR as u32);
        self.operations.insert(request, OperationState::Pending);
        self.write_down(Act::Operate { node: id, operation: operation.clone() });
        self.record(Some(id), &(16u8, &operation), |_| format!("is asked by the operator: {operation:?}"));
        self.step(id, Input::Operated { request, operation });
        request
    }

    /// Stops a disk from finishing writes, or lets it go on.
    pub fn stall(&mut self, id: NodeId, stalled: bool) {
        self.nodes[id.0 as usize].stalled = stalled;
        if stalled {
            self.note("stall");
        }
        self.queue_overdue(id);
        self.record(Some(id), &(17u8, stalled), |_| format!("disk stalled: {stalled}"));
    }

    /// Makes the oldest unfinished write of a stalled disk durable.
    pub fn finish_stalled(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        node.overdue = node.overdue.saturating_sub(1);
        self.begin_event();
        self.finish_write(id);
    }

    /// Sets the state of a link. Releasing a held link lets what waits there travel on, in order.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: Link) {
        self.record(Some(from), &(18u8, to, link as u8), |names| {
            format!("link to {}: {link:?}", names.of(to))
        });
        self.network.set_link(from, to, link);
        if link == Link::Open {
            self.release(from, to);
        }
    }

    fn release(&mut self, from: NodeId, to: NodeId) {
        for envelope in self.take_held(from, to) {
            let after = self.network.delay(&mut self.choices);
            self.post(after, false, envelope);
        }
    }

    /// Loses what waits in a held link.
    pub fn drop_held(&mut self, from: NodeId, to: NodeId) {
        for envelope in self.take_held(from, to) {
            self.lose(&envelope, "dropped while held");
        }
    }

    fn take_held(&mut self, from: NodeId, to: NodeId) -> Vec<Envelope<P::Message>> {
        let network = &self.network;
        let waits = |envelope: &mut Envelope<P::Message>| {
            envelope.sender == from && network.at(envelope.address) == Some(to)
        };
        self.held.extract_if(.., waits).collect()
    }

    /// Cuts the network into groups.
    pub fn partition(&mut self, groups: &[BTreeSet<NodeId>]) {
        self.record(None, &(19u8, groups), |names| format!("partition: {}", names.sets(&groups.to_vec())));
        self.network.partition(groups);
        self.note("partitioned");
    }

    /// Moves a machine to an address.
    pub fn bind(&mut self, id: NodeId, address: Address) {
        self.record(Some(id), &(20u8, address), |_| format!("moves to address {}", address.0));
        self.write_down(Act::Bind { node: id, address });
        self.network.bind(id, address);
        self.nodes[id.0 as usize].address = address;
    }

    /// Lets time order what is ahead from now on; nemeses rest. Does nothing to a world that is timed already.
    pub(crate) fn become_timed(&mut self) {
        if matches!(self.agenda, Agenda::Timed { .. }) {
            return;
        }
        let ahead = self.agenda.drain();
        self.agenda = Agenda::timed();
        let now = self.now;
        self.nodes.iter_mut().for_each(|node| node.disk_busy_until = now);
        self.nemeses.iter_mut().for_each(NemesisState::forget);
        for event in ahead {
            match event {
                Event::Deliver { .. } => {
                    let after = self.network.delay(&mut self.choices);
                    self.agenda.push(self.now.after(after), event);
                }
                Event::WriteDone { .. } => {
                    let after = self.choices.within(Site::Disk, self.scenario.disk.write);
                    self.agenda.push(self.now.after(after), event);
                }
                Event::Fire { node, timer } => {
                    self.nodes[node.0 as usize].timers[timer as usize].queued = None;
                    self.queue_timer(node, timer as usize);
                }
                Event::Client { client } => {
                    let client = &mut self.clients[client as usize];
                    let wake = client.wake.map(|wake| wake.max(self.now));
                    client.queued = wake;
                    client.wake = wake;
                    if let Some(wake) = wake {
                        self.agenda.push(wake, event);
                    }
                }
                Event::Nemesis { .. } => {}
            }
        }
    }

    /// Adds the broken promise to come to an end.
    pub(crate) fn accuse_of_endlessness(&mut self) {
        let seen = self.seen();
        let under_way = self.agenda.len();
        let summary = if under_way > self.limit.under_way {
            format!("the run grows without end: more than {} things are under way", self.limit.under_way)
        } else {
            format!("the run does not end within {} events", self.limit.events)
        };
        let evidence = vec![(seen, format!("{under_way} things are under way"))];
        self.accuse(Violation { property: crate::scenario::Property::Invariant, seen, summary, evidence });
    }

    /// Adds a broken promise that only a whole run shows.
    pub fn accuse(&mut self, violation: Violation) {
        self.violations.push(violation);
    }
}

/// The same on every machine and in every run.
fn digest_of(value: &impl Hash) -> u64 {
    let mut trace = Trace::new(false);
    trace.push(0, Moment::default(), None, value, String::new);
    trace.digest() as u64
}

/// The disks of all nodes, for checkers.
struct NodeDisks<'a, P: Protocol>(&'a [Node<P>]);

impl<P: Protocol> Disks for NodeDisks<'_, P> {
    fn mark(&self, node: NodeId, index: u64) -> Option<EntryMark> {
        self.0.get(node.0 as usize)?.disk.durable().mark(index)
    }
    fn covers(&self, node: NodeId, index: u64) -> bool {
        self.0.get(node.0 as usize).is_some_and(|node| index <= node.disk.durable().snapshot())
    }
}
