//! The world: nodes, disks, network, clients and the agenda that drives them, one event at a time.
//!
//! Holds: equal scenario, protocol settings and choices give equal runs; every checker looks after every step; nothing
//! happens without a record. Only this module turns an effect into an event.
//! Reading order: `events` (what comes next), `steps` (what a process does with it), then `messages`, `writes`, `timers`
//! and `processes`; `by_hand` is for stories.
//! Not here: what a story does when (`runner`), and which faults come by themselves (`nemesis`).

mod by_hand;
mod events;
mod messages;
mod processes;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod timers;
mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::act::Act;
use crate::agenda::Agenda;
use crate::check::quiescence::Exchange;
use crate::check::{Checkers, Disks, Seen, Violation};
use crate::choices::Choices;
use crate::client::Client;
use crate::history::{CallId, History};
use crate::names::Names;
use crate::nemesis::NemesisState;
use crate::network::Network;
use crate::node::Node;
use crate::protocol::{
    Address, Disk as _, Effects, EntryMark, Input, Inspect, NodeId, Protocol, Refusal, RequestId,
};
use crate::scenario::Scenario;
use crate::time::Moment;
pub use crate::trace::Counts;
use crate::trace::{Place, RecordId, Trace, What};

/// A message under way.
#[derive(Clone, Debug)]
struct Envelope<M> {
    /// Counts what was sent, so that a duplicate is known.
    serial: u64,
    /// What the protocol calls it, known while the world is frozen.
    label: Option<Arc<str>>,
    /// The hash of what it says.
    digest: u64,
    /// The record of its sending.
    sent: RecordId,
    sender: NodeId,
    source: Address,
    from: NodeId,
    to: NodeId,
    address: Address,
    /// Whether it is damaged on its way.
    damaged: bool,
    /// Whether it was left waiting when a younger one was delivered by hand.
    overtaken: bool,
    /// What led to it.
    exchange: Exchange,
    message: M,
}

/// What waits for a paused process.
#[derive(Clone, Debug)]
enum Waiting<P: Protocol> {
    Message(Envelope<P::Message>),
    /// With the record that begins its step, and with what was written down of it.
    Input(Input<P>, RecordId, Option<Act<P::Timer>>),
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
    pub(crate) trace: Trace,
    pub(crate) checkers: Checkers,
    pub(crate) violations: Vec<Violation>,
    facts: BTreeMap<&'static str, u64>,
    pub(crate) clients: Vec<Client>,
    pub(crate) history: History,
    /// The highest index that any node knew to be committed.
    pub(crate) committed: u64,
    /// How many vacant addresses were given away by nemeses.
    pub(crate) vacancies_used: usize,
    /// Nemeses whose cue came in this event, where, and in which step.
    pub(crate) cued: Vec<(usize, NodeId, Option<RecordId>)>,
    /// Where the cue of the strike that is being made came.
    pub(crate) focus: Option<NodeId>,
    /// Whether workload and nemeses are at work.
    pub(crate) busy: bool,
    pub(crate) nemeses: Vec<NemesisState>,
    operations: BTreeMap<RequestId, OperationState>,
    /// Why calls of a story were refused.
    pub(crate) refusals: BTreeMap<CallId, Refusal>,
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
    /// What led to the input that a process is at, and served nothing so far.
    exchange: Option<Exchange>,
    /// How many messages each node sent to each other, while that is counted.
    pub(crate) tally: Option<Vec<Vec<u64>>>,
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
        let names = scenario.cluster.nodes.iter().map(|node| node.name.clone()).collect();
        let names = Names::new(names, scenario.workload.map_or(0, |workload| workload.keys));
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
            clients: (0..clients).map(|target| Client { target, ..Client::default() }).collect(),
            history: History::default(),
            committed: 0,
            vacancies_used: 0,
            cued: Vec::new(),
            focus: None,
            busy: false,
            nemeses: vec![NemesisState::default(); scenario.nemeses.len()],
            operations: BTreeMap::new(),
            refusals: BTreeMap::new(),
            last_request: 0,
            last_value: 0,
            recent: Vec::new(),
            out: Effects::default(),
            limit: Limit::default(),
            acts: None,
            sent: 0,
            exchange: None,
            tally: None,
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

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// How many things of each kind happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.trace.counts()
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
        let known = self.names.known_key(name);
        known.unwrap_or_else(|| Arc::make_mut(&mut self.names).add_key(name))
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

    /// Whether an operator waits for an answer.
    pub(crate) fn has_pending_operation(&self) -> bool {
        self.operations.values().any(|state| *state == OperationState::Pending)
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

    /// This moment, with the number of the event and the record that began what goes on.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let record = self.trace.cause().or(self.trace.last());
        Seen { event: self.counts().events, at: self.now, record }
    }

    /// Adds to what is written down of what happened to nodes. What an exchange delivers is part of the exchange.
    pub(crate) fn write_down(&mut self, act: Act<P::Timer>) {
        match &mut self.acts {
            Some(acts) if !self.exchanging => acts.push(act),
            Some(_) | None => {}
        }
    }

    /// Counts an event; what is recorded until the next one belongs to it.
    pub(crate) fn begin_event(&mut self) {
        self.trace.begin_event();
    }

    /// Adds a record of what happens now, as a part of what began it.
    pub(crate) fn record(&mut self, place: Place, what: What) -> RecordId {
        self.trace.push_here(self.now, place, what)
    }

    /// Adds a record of what an earlier one led to.
    pub(crate) fn record_led_to(&mut self, cause: Option<RecordId>, place: Place, what: What) -> RecordId {
        self.trace.push(self.now, cause, place, what)
    }

    /// Does something as a part of what a record began.
    pub(crate) fn caused_by<T>(&mut self, cause: Option<RecordId>, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.trace.begin(cause);
        let result = act(self);
        self.trace.resume(before);
        result
    }

    /// Notes that something interesting happened.
    pub(crate) fn note(&mut self, fact: &'static str) {
        *self.facts.entry(fact).or_insert(0) += 1;
    }

    /// A request id that names its client.
    pub(crate) fn next_request(&mut self, client: u32) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request << 20 | u64::from(client))
    }

    /// Adds a broken promise that only a whole run shows.
    pub fn accuse(&mut self, violation: Violation) {
        violation.add_to(&mut self.violations);
    }

    /// Whether what the scenario looks for is found: a promise is broken that it does not list, or all that it lists are.
    /// One that goes on ends by a promise that it does not list only.
    #[must_use]
    pub fn is_over(&self) -> bool {
        if self.violations.is_empty() {
            return false;
        }
        let expect = &self.scenario.expect;
        let listed = |violation: &Violation| expect.violations.contains(&violation.property);
        // Each promise is found broken at most once.
        !self.violations.iter().all(listed)
            || (!expect.goes_on && self.violations.len() == expect.violations.len())
    }

    /// Why the last try of a story's call was refused.
    #[must_use]
    pub fn refusal(&self, call: CallId) -> Option<&Refusal> {
        self.refusals.get(&call)
    }
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
