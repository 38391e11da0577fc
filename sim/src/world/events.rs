//! What comes next: the agenda asked for one event after another, until a moment, a count or a limit.
//!
//! Holds: time never goes back; a run ends at its limit whatever the protocol does.
//! Not here: what an event does once it is taken; that stands with what it is about.

use std::sync::Arc;

use super::World;
use super::agenda::{Agenda, Event};
use super::node::Node;
use super::strike::NemesisState;
use crate::check::Violation;
use crate::choices::{Choices, Site};
use crate::protocol::Protocol;
use crate::scenario::{Timers, Weights};
use crate::time::Moment;

/// How often each kind of event comes in a world that is left to itself: what is under way arrives, and timers fire rarely, so
/// that what was begun is brought to its end.
const CALM: Weights =
    Weights { deliver: 200, late: 1, elect: 1, fire: 5, write: 200, client: 20, strike: 1, relief: 1 };

impl<P: Protocol> World<P> {
    /// Takes one event that is due by `until`. Returns whether there was one.
    pub fn advance(&mut self, until: Moment) -> bool {
        if self.is_exhausted() {
            return false;
        }
        self.bounds.looks += 1;
        let Some((at, event)) = self.agenda.pop(self.now, until, &mut self.choices) else { return false };
        self.now = self.now.max(at);
        self.handle(event);
        if !self.hands.cued.is_empty() {
            self.strike_on_cue();
        }
        self.meanwhile();
        true
    }

    /// Lets time pass through `until`, or until the run is over.
    pub fn run_until(&mut self, until: Moment) {
        self.run_until_or(until, u64::MAX);
    }

    /// As `run_until`, but stops after an event, and says whether it did so.
    pub(crate) fn run_until_or(&mut self, until: Moment, event: u64) -> bool {
        while !self.is_over() && self.advance(until) {
            if self.counts().events >= event {
                return true;
            }
        }
        if !self.is_exhausted() {
            self.now = self.now.max(until);
        }
        false
    }

    /// Whether the run went as far as it may.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        // Most looks at the agenda are events; those that are not (a timer that was set anew) must end as well.
        let looks_max = self.bounds.limit.events.saturating_mul(8).saturating_add(1_000);
        self.counts().events >= self.bounds.limit.events
            || self.bounds.looks >= looks_max
            || self.agenda.len() > self.bounds.limit.under_way
    }

    /// Takes so many events, however long they take, or fewer when the run is over.
    pub fn run_events(&mut self, count: u64) {
        self.run_events_or(count, u64::MAX);
    }

    /// As `run_events`, but stops after an event; then it says how many are left.
    pub(crate) fn run_events_or(&mut self, count: u64, event: u64) -> Option<u64> {
        for taken in 1..=count {
            if self.is_over() || !self.advance(Moment(u64::MAX)) {
                return None;
            }
            if self.counts().events >= event {
                return Some(count - taken);
            }
        }
        None
    }

    /// Takes events until nothing is under way; timers, clients and nemeses wait. Ends at `until` at the latest.
    pub fn settle(&mut self, until: Moment) {
        let mut waiting = Vec::new();
        while !self.is_over() && self.in_flight() && !self.is_exhausted() {
            let Some((at, event)) = self.agenda.pop(self.now, until, &mut self.choices) else { break };
            match event {
                Event::Deliver { .. } | Event::WriteDone { .. } => {
                    self.now = self.now.max(at);
                    self.handle(event);
                    self.meanwhile();
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
        self.wire.is_busy() || self.nodes.iter().any(writing)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver { slot, .. } => self.on_deliver(slot),
            Event::Fire { node, timer, .. } => self.on_fire(node, timer),
            Event::WriteDone { node, incarnation } => self.on_write_done(node, incarnation),
            Event::Client { client } => self.on_client(client),
            Event::Nemesis { nemesis, relief: _ } => self.on_nemesis(nemesis as usize),
        }
    }

    /// Lets time order what is ahead from now on; nemeses rest. Does nothing to a world that is timed already.
    pub(crate) fn become_timed(&mut self) {
        if matches!(self.agenda, Agenda::Timed { .. }) {
            return;
        }
        let ahead = self.agenda.drain();
        self.agenda = Agenda::timed();
        let now = self.now;
        for node in &mut self.nodes {
            node.disk_busy_until = now;
            let commands =
                node.timers.iter_mut().filter(|entry| Self::commands().contains(&Some(entry.timer)));
            commands.for_each(|entry| entry.due = None);
        }
        self.hands.nemeses.iter_mut().for_each(NemesisState::forget);
        for event in ahead {
            match event {
                Event::Deliver { .. } => {
                    let after = self.wire.network.delay(&mut self.choices);
                    self.agenda.push(self.now.after(after), event);
                }
                Event::WriteDone { .. } => {
                    let after = self.choices.within(Site::Disk, self.scenario.disk.write);
                    self.agenda.push(self.now.after(after), event);
                }
                Event::Fire { node, timer, .. } => {
                    self.nodes[node.0 as usize].timers[timer as usize].queued = None;
                    self.queue_timer(node, timer as usize);
                }
                Event::Client { client } => {
                    let client = &mut self.hands.clients[client as usize];
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

    /// From now on other chance decides. A world that a story moves by hand is left to itself: nothing is held or cut any
    /// more, and any enabled event may come next, timers seldom.
    pub(crate) fn leave_to_itself(&mut self, chance: u64) {
        self.choices = Choices::seeded(chance);
        if !self.by_hand.frozen && self.scenario.cluster.timers != Timers::Scripted {
            return;
        }
        self.heal();
        Arc::make_mut(&mut self.scenario).cluster.timers = Timers::Running;
        let ahead = self.agenda.drain();
        self.agenda = Agenda::untimed(CALM, 64);
        ahead.into_iter().for_each(|event| self.agenda.push(self.now, event));
        for id in Arc::clone(&self.scenario).cluster.ids() {
            for timer in &mut self.nodes[id.0 as usize].timers {
                timer.queued = None;
            }
            self.queue_timers(id);
            self.await_commands(id);
        }
    }

    /// Adds the broken promise to come to an end.
    pub(crate) fn accuse_of_endlessness(&mut self) {
        let seen = self.seen();
        let under_way = self.agenda.len();
        let summary = if under_way > self.bounds.limit.under_way {
            format!(
                "the run grows without end: more than {} things are under way",
                self.bounds.limit.under_way
            )
        } else {
            format!("the run does not end within {} events", self.bounds.limit.events)
        };
        let evidence = vec![(seen, format!("{under_way} things are under way"))];
        self.accuse(Violation { property: crate::scenario::Property::Invariant, seen, summary, evidence });
    }
}
