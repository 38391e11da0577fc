//! Steps of processes: an input goes in, its effects are performed, and every checker looks at what changed.
//!
//! Holds: effects are performed in their order; a step is observed after its effects.
//! Not here: what processes are (`protocol`), what checkers look for (`check`).

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::act::Act;
use super::hands::{OPERATOR, client_of};
use super::node::Waiting;
use super::{NodeDisks, OperationState, World};
use crate::check::{Glance, Step, Violation};
#[cfg(feature = "mutations")]
use crate::machine::mutation::MachineMutation;
use crate::machine::{Applied, Command, Machine};
use crate::protocol::{Effect, Effects, Input, NodeId, Operation, Protocol, Refusal, RequestId};
use crate::scenario::Cue;
use crate::trace::{Place, RecordId, What};

impl<P: Protocol> World<P> {
    /// Gives an input to a process and performs what it asks for: all of it is part of what a record began. A process that
    /// is down gets nothing.
    pub(crate) fn step(&mut self, id: NodeId, began: RecordId, input: Input<P>) {
        let node = &mut self.nodes[id.0 as usize];
        let Some(process) = &mut node.process else { return };
        if node.trouble.paused {
            // It happens when the process goes on: what is written down of it has to wait as well.
            let act = self.ledger.acts.as_mut().and_then(|acts| acts.pop_if(|act| act.node() == Some(id)));
            return self.nodes[id.0 as usize].waiting.push(Waiting::Input(input, began, act));
        }
        let mut out = std::mem::take(&mut self.out);
        out.now = node.clock.shows(self.now);
        let span = tracing::debug_span!("step", node = self.names.of(id), at = %self.now);
        span.in_scope(|| process.step(input, &mut out));
        self.caused_by(Some(began), |world| world.finish_step(id, out));
    }

    pub(super) fn finish_step(&mut self, id: NodeId, mut out: Effects<P>) {
        let log_changed_from = out.log_changed_from.take();
        if self.ledger.exchange.is_some() && (log_changed_from.is_some() || self.gained(id, &out)) {
            self.ledger.exchange = None;
        }
        for effect in out.list.drain(..) {
            self.perform(id, effect);
        }
        self.out = out;
        self.observe(id, log_changed_from);
        self.film(id, log_changed_from);
        if self.nodes[id.0 as usize].trouble.doomed {
            return self.fail_write(id);
        }
        if self.nodes[id.0 as usize].trouble.leaving {
            return self.shut_down(id);
        }
        self.maybe_snapshot(id);
        self.finish_instantly(id);
    }

    /// Whether a process has more than before its step, or does something besides talking.
    fn gained(&self, id: NodeId, out: &Effects<P>) -> bool {
        let serves = |effect: &Effect<P>| match effect {
            Effect::Persist { .. }
            | Effect::Apply { .. }
            | Effect::Restore { .. }
            | Effect::Serve { .. }
            | Effect::Refuse { .. }
            | Effect::Done { .. }
            | Effect::ShutDown => true,
            Effect::Send { .. } | Effect::SetTimer { .. } | Effect::CancelTimer(_) | Effect::Note(_) => false,
        };
        let node = &self.nodes[id.0 as usize];
        out.list.iter().any(serves)
            || node.process.as_ref().is_some_and(|process| Glance::of(process) != node.glance)
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
        let found = self.ledger.violations.len();
        self.ledger.checkers.on_step(&step, &self.names, &mut self.ledger.violations);
        for Violation { property, summary, .. } in &self.ledger.violations[found..] {
            tracing::info!(node = self.names.of(id), at = %self.now, "{} is broken: {summary}", property.name());
        }
        self.nodes[id.0 as usize].glance = now;
        self.ledger.committed = self.ledger.committed.max(now.commit);
        if log_changed_from.is_some_and(|from| from <= before.last) {
            self.note("log-cut");
            self.cue(id, Cue::LogCut.name());
        }
        if now.leads && !(before.leads && before.epoch == now.epoch) {
            self.record(Place::Node(id), What::Leads { epoch: now.epoch, term: P::term_of(now.epoch) });
            self.note("leader-elected");
            self.cue(id, Cue::LeaderElected.name());
            if self.counts().reigns > 1 {
                self.note("leader-changed");
            }
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
                self.record(Place::Node(id), What::Completes { request });
                self.hands.operations.insert(request, OperationState::Done);
                self.hands.waiting.remove(&request);
            }
            Effect::ShutDown => self.nodes[id.0 as usize].trouble.leaving = true,
            Effect::Note(fact) => {
                self.record(Place::Node(id), What::Notes { fact: fact.clone() });
                self.note(fact.clone());
                self.cue(id, &fact);
            }
        }
    }

    fn apply(&mut self, id: NodeId, index: u64, command: &[u8]) {
        let command = Command::decode(command);
        self.record(Place::Node(id), What::Applies { index, command });
        let Some(command) = command else { return };
        let command = self.as_taken(id, command);
        let applied = self.do_apply(id, &command);
        self.on_applied(id, command.client, command.serial, applied);
    }

    /// A node's machine does what a command says.
    fn do_apply(&mut self, id: NodeId, command: &Command) -> Applied {
        let machine = &mut self.nodes[id.0 as usize].machine;
        #[cfg(feature = "mutations")]
        if let Some(mutation) = MachineMutation::of(&self.scenario.cluster.options) {
            return mutation.apply(machine, command);
        }
        machine.apply(command)
    }

    fn restore(&mut self, id: NodeId, through: u64, state: &[u8]) {
        self.record(Place::Node(id), What::Restores { through });
        self.note("machine-restored");
        let node = &mut self.nodes[id.0 as usize];
        node.machine = Machine::decode(state).unwrap_or_default();
        node.snapshot_at = node.snapshot_at.max(through);
        self.show_state(id, through, state);
    }

    /// Shows the checkers what a machine holds where a snapshot was taken or restored.
    fn show_state(&mut self, id: NodeId, through: u64, state: &[u8]) {
        let who = (id, self.seen());
        self.ledger.checkers.on_state(who, through, xxh3_64(state), &self.names, &mut self.ledger.violations);
    }

    fn refuse(&mut self, id: NodeId, request: RequestId, refusal: Refusal) {
        self.record(Place::Node(id), What::Refuses { request, refusal: refusal.clone() });
        match client_of(request) {
            OPERATOR => {
                self.hands.operations.insert(request, OperationState::Refused(refusal));
                self.hands.waiting.remove(&request);
            }
            client => self.on_refused(client, request, refusal),
        }
    }

    /// Takes a snapshot of a node's machine and hands it to its process.
    pub fn snapshot(&mut self, id: NodeId) {
        self.write_down(Act::Snapshot { node: id });
        let node = &mut self.nodes[id.0 as usize];
        let through = node.glance.applied;
        node.snapshot_at = through;
        let state = self.as_written(id);
        let began = self.record(Place::Node(id), What::TakesSnapshot { through });
        self.note("snapshot-taken");
        self.show_state(id, through, &state);
        self.step(id, began, Input::SnapshotTaken { through, state });
    }

    /// A command as a replica takes it: as it stands in the log, unless a mutation is switched on.
    #[cfg(not(feature = "mutations"))]
    fn as_taken(&self, _: NodeId, command: Command) -> Command {
        command
    }

    /// A command as a replica takes it: as it stands in the log, unless a mutation is switched on.
    #[cfg(feature = "mutations")]
    fn as_taken(&self, id: NodeId, command: Command) -> Command {
        let now = self.nodes[id.0 as usize].clock.shows(self.now);
        MachineMutation::of(&self.scenario.cluster.options)
            .map_or(command, |mutation| mutation.taken(command, now))
    }

    /// A node's machine as a snapshot has it.
    fn as_written(&self, id: NodeId) -> Arc<[u8]> {
        let machine = &self.nodes[id.0 as usize].machine;
        #[cfg(feature = "mutations")]
        if let Some(mutation) = MachineMutation::of(&self.scenario.cluster.options) {
            return mutation.written(machine).encode();
        }
        machine.encode()
    }

    /// Asks a node for something, as an operator. See `operation` for what comes of it.
    pub fn operate(&mut self, id: NodeId, operation: Operation) -> RequestId {
        self.begin_event();
        let request = self.hands.next_request(OPERATOR);
        self.hands.operations.insert(request, OperationState::Pending);
        let node = &self.nodes[id.0 as usize];
        if node.process.is_some() {
            self.hands.waiting.insert(request, (id, node.incarnation));
        }
        self.write_down(Act::Operate { node: id, operation: operation.clone() });
        let what = What::IsAsked { request, operation: operation.clone() };
        let began = self.record(Place::Node(id), what);
        self.step(id, began, Input::Operated { request, operation });
        request
    }
}
