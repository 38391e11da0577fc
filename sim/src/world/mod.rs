//! The world: nodes, disks, network, clients and the agenda that drives them, one event at a time.
//!
//! Holds: equal scenario, protocol settings and choices give equal runs; every checker looks after every step; nothing
//! happens without a record. Only this module turns an effect into an event.
//! What it is made of: machines (`node`, `disk`), the `wire` (`network`), the `agenda`, the `hands` (`client`, `strike`), the
//! `ledger`, the choices. What happens in it, in reading order: `events` (what comes next), `steps` (what a process does with
//! it), then `messages`, `writes`, `timers` and `processes`; `clients` call; `nemesis` brings `faults`, within the
//! `fault_budget`; `convergence` heals; `by_hand` is for stories, `deal` for the `act`s of a run that is told again.
//! Not here: what a story does when (`runner`).

pub(crate) mod act;
pub(crate) mod agenda;
mod by_hand;
pub(crate) mod client;
mod clients;
mod convergence;
pub(crate) mod deal;
pub(crate) mod disk;
mod events;
mod fault_budget;
#[cfg(test)]
mod fault_tests;
mod faults;
pub mod film;
mod filming;
mod fork;
mod hands;
mod ledger;
mod meanwhile;
mod messages;
mod nemesis;
pub(crate) mod network;
pub mod node;
mod processes;
mod rest;
mod sight;
mod steps;
mod strike;
#[cfg(test)]
pub(crate) mod tests;
mod timers;
pub(crate) mod under_way;
mod wire;
mod writes;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use agenda::Agenda;
use hands::Hands;
pub use hands::OperationState;
use ledger::Ledger;
use network::Network;
use node::Node;
use wire::Wire;

use crate::check::{Checkers, Disks, Seen, Violation};
use crate::choices::Choices;
use crate::history::{CallId, History};
use crate::names::Names;
use crate::protocol::{
    Address, Disk as _, Effects, EntryMark, Inspect, NodeId, Protocol, Refusal, RequestId,
};
use crate::scenario::Scenario;
use crate::time::Moment;
pub use crate::trace::Counts;
use crate::trace::{Place, RecordId, Trace, What};
use act::Act;

/// A whole simulated cluster and its surroundings.
#[derive(Clone, Debug)]
pub struct World<P: Protocol> {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) settings: P::Settings,
    pub(crate) names: Arc<Names>,
    pub(crate) now: Moment,
    /// The machines: disk, process, timers, clock.
    pub(crate) nodes: Vec<Node<P>>,
    /// Links, and messages under way.
    pub(crate) wire: Wire<P::Message>,
    /// What will happen.
    pub(crate) agenda: Agenda,
    /// Clients, nemeses and operators.
    pub(crate) hands: Hands,
    /// What happened, and what is judged of it.
    pub(crate) ledger: Ledger<P::Timer>,
    pub(crate) choices: Choices,
    by_hand: ByHand,
    pub(crate) bounds: Bounds,
    /// Kept for its room: empty between steps.
    out: Effects<P>,
}

/// What a story does itself, instead of time and chance.
#[derive(Clone, Copy, Debug, Default)]
struct ByHand {
    /// Whether every move is made by hand.
    frozen: bool,
    /// Whether an exchange goes on.
    exchanging: bool,
    /// Whether every write finishes as soon as it is issued.
    instant_disks: bool,
}

/// How far a run may go, and how far it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) limit: Limit,
    /// How often the agenda was asked.
    looks: u64,
    /// How many of the things that the scenario does meanwhile are done.
    pub(crate) meanwhile: usize,
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

impl<P: Protocol> World<P> {
    /// A world at the start of a scenario, every node booted.
    #[must_use]
    pub(crate) fn new(
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
            wire: Wire::new(Network::new(scenario.network, &homes)),
            nodes,
            agenda,
            hands: Hands::new(clients, scenario.nemeses.len()),
            ledger: Ledger::new(keep_trace, Checkers::of(P::shows())),
            choices,
            by_hand: ByHand::default(),
            bounds: Bounds::default(),
            out: Effects::default(),
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
        self.ledger.trace.counts()
    }

    /// What was noted, and how often.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<Cow<'static, str>, u64> {
        &self.ledger.facts
    }

    /// Broken promises, in the order in which they were seen.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.ledger.violations
    }

    /// What clients saw.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.ledger.history
    }

    /// Whether what clients saw may not be linearizable.
    pub fn history_is_suspect(&mut self) -> bool {
        self.ledger.history.is_suspect()
    }

    /// The number of a key that a story names.
    pub fn key(&mut self, name: &str) -> u32 {
        let known = self.names.known_key(name);
        known.unwrap_or_else(|| Arc::make_mut(&mut self.names).add_key(name))
    }

    /// The trace: its digest, and its records if they are kept.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.ledger.trace
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
        self.hands.operations.get(&request).cloned().unwrap_or(OperationState::Pending)
    }

    /// Whether an operator waits for an answer.
    pub(crate) fn has_pending_operation(&self) -> bool {
        self.hands.operations.values().any(|state| *state == OperationState::Pending)
    }

    /// Leaves checkers or the digest out from now on. For the benchmark that says what they cost: nothing that such a world
    /// shows means anything.
    #[doc(hidden)]
    pub fn spare(&mut self, checkers: bool, digest: bool) {
        if checkers {
            self.ledger.checkers.switch_off();
            self.ledger.history.leave_unjudged();
        }
        if digest {
            self.ledger.trace.leave_undigested();
        }
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
        let record = self.ledger.trace.cause().or(self.ledger.trace.last());
        Seen { event: self.counts().events, at: self.now, record }
    }

    /// Adds to what is written down of what happened to nodes. What an exchange delivers is part of the exchange.
    pub(crate) fn write_down(&mut self, act: Act<P::Timer>) {
        match &mut self.ledger.acts {
            Some(acts) if !self.by_hand.exchanging => acts.push(act),
            Some(_) | None => {}
        }
    }

    /// Counts an event; what is recorded until the next one belongs to it.
    pub(crate) fn begin_event(&mut self) {
        self.ledger.trace.begin_event();
    }

    /// Adds a record of what happens now, as a part of what began it.
    pub(crate) fn record(&mut self, place: Place, what: What) -> RecordId {
        self.record_led_to(self.ledger.trace.cause(), place, what)
    }

    /// Adds a record of what an earlier one led to.
    pub(crate) fn record_led_to(&mut self, cause: Option<RecordId>, place: Place, what: What) -> RecordId {
        self.ledger.trace.tell(self.now, place, &what, &self.names);
        self.ledger.trace.push(self.now, cause, place, what)
    }

    /// Does something as a part of what a record began.
    pub(crate) fn caused_by<T>(&mut self, cause: Option<RecordId>, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.ledger.trace.begin(cause);
        let result = act(self);
        self.ledger.trace.resume(before);
        result
    }

    /// Notes that something interesting happened.
    pub(crate) fn note(&mut self, fact: impl Into<Cow<'static, str>>) {
        self.ledger.note(fact);
    }

    /// Adds a broken promise that only a whole run shows.
    pub fn accuse(&mut self, violation: Violation) {
        tracing::info!(at = %violation.seen.at, "{} is broken: {}", violation.property.name(), violation.summary);
        violation.add_to(&mut self.ledger.violations);
    }

    /// Whether what the scenario looks for is found: a promise is broken that it does not list, or all that it lists are.
    /// One that goes on ends by a promise that it does not list only.
    #[must_use]
    pub fn is_over(&self) -> bool {
        if self.ledger.violations.is_empty() {
            return false;
        }
        let expect = &self.scenario.expect;
        let listed = |violation: &Violation| expect.violations.contains(&violation.property);
        // Each promise is found broken at most once.
        !self.ledger.violations.iter().all(listed)
            || (!expect.goes_on && self.ledger.violations.len() == expect.violations.len())
    }

    /// Why the last try of a story's call was refused.
    #[must_use]
    pub fn refusal(&self, call: CallId) -> Option<&Refusal> {
        self.hands.refusals.get(&call)
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
