//! Processes: booted on what their disk holds, crashed, paused, shut down, wiped.
//!
//! Holds: nothing of a dead process reaches the world; a paused one sees what waited in its order.
//! Not here: which of this happens when (`runner`, `nemesis`).

use super::World;
use super::act::Act;
use super::disk::NodeDisk;
use super::node::Clock;
use super::node::Waiting;
use crate::check::Glance;
use crate::choices::Site;
use crate::machine::Machine;
use crate::protocol::{Boot, Disk as _, Initial, InitialMembership, NodeId, Protocol};
use crate::scenario::{CrashLeaves, Cue};
use crate::trace::{Loss, Place, What};

impl<P: Protocol> World<P> {
    /// Draws the error that a node's clock has by itself.
    pub(super) fn set_clock(&mut self, id: NodeId) {
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
            self.record(Place::Node(id), What::RefusesToStart);
            return;
        }
        node.incarnation += 1;
        node.left = false;
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
        let span = tracing::debug_span!("boot", node = self.names.of(id), at = %self.now);
        node.process = Some(span.in_scope(|| P::boot(boot, &mut out)));
        let incarnation = node.incarnation;
        let began = self.record(Place::Node(id), What::Boots { incarnation });
        self.caused_by(Some(began), |world| {
            if incarnation > 1 {
                world.write_down(Act::Boot { node: id });
                world.note("restarted");
                world.cue(id, Cue::Restarted.name());
            }
            world.finish_step(id, out);
            world.await_commands(id);
        });
    }

    /// Kills the process of a node; its disk keeps what a crash leaves.
    pub fn crash(&mut self, id: NodeId) {
        self.crash_leaving(id, self.scenario.disk.crash);
    }

    pub(super) fn crash_leaving(&mut self, id: NodeId, leaves: CrashLeaves) {
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
    pub(super) fn shut_down(&mut self, id: NodeId) {
        let disk = &mut self.nodes[id.0 as usize].disk;
        disk.keep(disk.unfinished_parts());
        self.note("shut-down");
        self.record(Place::Node(id), What::ShutsDown);
        self.clear_process(id);
        self.nodes[id.0 as usize].left = true;
    }

    fn end_process(&mut self, id: NodeId, kept: usize, all: usize) {
        self.write_down(Act::Crash { node: id, kept, all });
        if kept < all {
            self.note("unfinished-write-lost");
        }
        self.record(Place::Node(id), What::Crashes { kept, of: all });
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
        self.ledger.checkers.on_crash(id);
        self.film(id, None);
        for waiting in self.take_waiting(id) {
            match waiting {
                Waiting::Message(envelope) => self.lose(&envelope, Loss::DiedWaiting),
                Waiting::Input(..) => {}
            }
        }
    }

    /// Lets a process stand still, or go on: what waited happens now, in its order.
    pub fn pause(&mut self, id: NodeId, paused: bool) {
        let node = &mut self.nodes[id.0 as usize];
        if node.process.is_none() || node.trouble.paused == paused {
            return;
        }
        node.trouble.paused = paused;
        self.record(Place::Node(id), What::Pauses { paused });
        if paused {
            return self.note("paused");
        }
        self.queue_overdue(id);
        self.fire_overdue(id);
        self.queue_timers(id);
        for waiting in self.take_waiting(id) {
            match waiting {
                Waiting::Message(envelope) => self.post(0, false, envelope),
                Waiting::Input(input, began, act) => {
                    act.into_iter().for_each(|act| self.write_down(act));
                    self.step(id, began, input);
                }
            }
        }
    }

    fn take_waiting(&mut self, id: NodeId) -> Vec<Waiting<P>> {
        std::mem::take(&mut self.nodes[id.0 as usize].waiting)
    }

    /// Empties the disk of a node, as if it had never been initialised; kills its process first.
    pub fn wipe(&mut self, id: NodeId) {
        self.wipe_to(id, &Initial::default());
    }

    /// Empties the disk of a node, and formats it anew; kills its process first.
    pub fn wipe_to(&mut self, id: NodeId, initial: &Initial) {
        self.crash(id);
        self.write_down(Act::Wipe { node: id });
        let empty = P::format(id, initial);
        self.nodes[id.0 as usize].disk = NodeDisk::new(empty);
        self.record(Place::Node(id), What::LosesDisk);
    }

    /// Puts another disk in place of a node's, as from an image that was kept; kills its process first.
    pub fn restore_disk(&mut self, id: NodeId, disk: P::Disk) {
        self.crash(id);
        self.nodes[id.0 as usize].disk = NodeDisk::new(disk);
        self.record(Place::Node(id), What::HasOlderDisk);
        self.note("disk-restored");
    }

    /// Stops a node, rewrites on its disk who takes part, and starts it. Returns whether the protocol has such a thing; if not,
    /// nothing happens.
    pub fn force_members(&mut self, id: NodeId, members: &InitialMembership) -> bool {
        let mut disk = self.nodes[id.0 as usize].disk.durable().clone();
        if !P::force_members(&mut disk, members) {
            return false;
        }
        self.crash(id);
        let mut disk = self.nodes[id.0 as usize].disk.durable().clone();
        P::force_members(&mut disk, members);
        self.nodes[id.0 as usize].disk = NodeDisk::new(disk);
        self.record(Place::Node(id), What::IsForced { sets: members.sets.clone() });
        self.note("members-forced");
        self.boot(id);
        true
    }
}
