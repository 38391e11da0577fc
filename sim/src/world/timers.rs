//! Timers of nodes, by the clocks of nodes.
//!
//! Holds: a timer fires once for each time it is set, never on a node that stands still.
//! Not here: how a clock errs (`node`).

use super::World;
use super::act::Act;
use super::agenda::{Agenda, Event};
use crate::choices::Site;
use crate::protocol::{Input, NodeId, Protocol, Within, kebab};
use crate::scenario::Timers;
use crate::trace::{Place, What};

impl<P: Protocol> World<P> {
    pub(super) fn on_fire(&mut self, id: NodeId, place: u8) {
        let untimed = matches!(self.agenda, Agenda::Untimed { .. });
        let node = &mut self.nodes[id.0 as usize];
        let stands_still = node.trouble.paused || node.clock.frozen.is_some();
        let entry = &mut node.timers[place as usize];
        let elects = is_wait_for_leader::<P>(place, entry.timer);
        if !untimed && entry.queued != Some(self.now) {
            return; // An entry that an earlier one replaced.
        }
        entry.queued = None;
        match entry.due {
            None => {}
            Some(_) if stands_still => {} // Its time comes when the node goes on.
            Some(due) if !untimed && due > self.now => {
                entry.queued = Some(due);
                self.agenda.push(due, Event::Fire { node: id, timer: place, elects });
            }
            Some(_) => {
                let timer = entry.timer;
                entry.due = None;
                if !Self::commands().contains(&Some(timer)) || self.can_be_told(id, timer) {
                    self.fire(id, timer);
                }
                if self.nodes[id.0 as usize].process.is_some() {
                    self.await_commands(id);
                }
            }
        }
    }

    pub(super) fn set_timer(&mut self, id: NodeId, timer: P::Timer, within: Within) {
        let span = self.choices.within(Site::Timer, within);
        let node = &mut self.nodes[id.0 as usize];
        let due = node.clock.frozen.unwrap_or(self.now).after(node.clock.virtual_span(span));
        let place = node.timer_place(timer);
        let entry = &mut node.timers[place];
        entry.due = Some(due);
        entry.set_in = self.ledger.trace.cause();
        if self.scenario.cluster.timers == Timers::Scripted {
            return;
        }
        self.queue_timer(id, place);
    }

    /// Lets the agenda look at a timer that is set when it is due, unless it does so sooner anyway.
    pub(super) fn queue_timer(&mut self, id: NodeId, place: usize) {
        let entry = &mut self.nodes[id.0 as usize].timers[place];
        let Some(due) = entry.due else { return };
        let due = due.max(self.now);
        let sooner = match self.agenda {
            Agenda::Timed { .. } => entry.queued.is_none_or(|queued| due < queued),
            Agenda::Untimed { .. } => entry.queued.is_none(),
        };
        if sooner {
            entry.queued = Some(due);
            let place = place as u8;
            let elects = is_wait_for_leader::<P>(place, entry.timer);
            self.agenda.push(due, Event::Fire { node: id, timer: place, elects });
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

    /// Fires what ran out while a process stood still, before it sees anything else: a process that asks its clock
    /// finds a lease over. In an untimed schedule timers fire whenever chance has it.
    pub(super) fn fire_overdue(&mut self, id: NodeId) {
        let untimed = matches!(self.agenda, Agenda::Untimed { .. });
        if untimed || self.scenario.cluster.timers == Timers::Scripted {
            return;
        }
        let node = &self.nodes[id.0 as usize];
        if node.clock.frozen.is_some() {
            return;
        }
        let overdue = |timer: &&super::node::Timer<P::Timer>| timer.due.is_some_and(|due| due <= self.now);
        let overdue: Vec<P::Timer> = node.timers.iter().filter(overdue).map(|timer| timer.timer).collect();
        for timer in overdue {
            self.fire(id, timer);
        }
    }

    /// The timers that are commands to a library that keeps its own time.
    pub(crate) fn commands() -> [Option<P::Timer>; 2] {
        if P::keeps_own_time() { [P::election_timer(), P::heartbeat_timer()] } else { [None, None] }
    }

    /// Whether a timer is a command that a node may be given now: to stand for election when it does not lead, to send
    /// heartbeats when it does. A library that is told otherwise does what none does by itself.
    pub(crate) fn can_be_told(&self, id: NodeId, timer: P::Timer) -> bool {
        let leads = self.nodes[id.0 as usize].glance.leads;
        Self::commands()[usize::from(leads)] == Some(timer)
    }

    /// In an untimed world, lets chance give a node these commands.
    pub(super) fn await_commands(&mut self, id: NodeId) {
        if matches!(self.agenda, Agenda::Timed { .. }) {
            return;
        }
        for timer in Self::commands().into_iter().flatten() {
            let node = &mut self.nodes[id.0 as usize];
            let place = node.timer_place(timer);
            node.timers[place].due = Some(self.now);
            self.queue_timer(id, place);
        }
    }

    /// Fires a timer now, set or not: a protocol must stand that.
    pub fn fire(&mut self, id: NodeId, timer: P::Timer) {
        self.begin_event();
        self.write_down(Act::Fire { node: id, timer });
        let node = &mut self.nodes[id.0 as usize];
        let place = node.timer_place(timer);
        let entry = &mut node.timers[place];
        entry.due = None;
        let cause = entry.set_in.take().or(self.ledger.trace.cause());
        let kind = || kebab(&format!("{timer:?}"));
        let told = self.ledger.trace.content(place as u64, kind, || P::tell_timer(timer));
        let began = self.record_led_to(cause, Place::Node(id), What::Fires { timer: told });
        self.ledger.firing = true;
        self.step(id, began, Input::Fired(timer));
        self.ledger.firing = false;
    }
}

/// Whether a timer leads to an election. The first that a node sets does, in protocols that do not say.
fn is_wait_for_leader<P: Protocol>(place: u8, timer: P::Timer) -> bool {
    place == 0 || P::waits_for_leader(timer)
}
