//! Writes to disks: issued, unfinished, durable, failed; and the freeze, under which nothing finishes by itself.
//!
//! Holds: writes of a node finish in the order in which they were issued; a process hears only of its own.
//! Not here: what a disk holds (`disk`).

use super::World;
use super::act::Act;
use super::agenda::Event;
use super::node::Node;
use crate::choices::Site;
use crate::protocol::{Disk, Input, NodeId, Protocol, WriteId};
use crate::scenario::{CrashLeaves, Cue};
use crate::trace::Link;
use crate::trace::{Place, What};

impl<P: Protocol> World<P> {
    /// From now on every message waits until it is delivered by hand, and every write until it is finished by hand, or,
    /// with `instant_disks`, finishes as soon as it is issued.
    pub fn freeze(&mut self, instant_disks: bool) {
        self.record(Place::World, What::Freezes { instant_disks });
        for from in self.scenario.cluster.ids() {
            for to in self.scenario.cluster.ids() {
                self.wire.network.set_link(from, to, Link::Held);
            }
            if !instant_disks {
                self.nodes[from.0 as usize].stalled = true;
            }
        }
        self.by_hand.frozen = true;
        self.by_hand.instant_disks = instant_disks;
        self.scenario.cluster.ids().for_each(|id| self.finish_instantly(id));
    }

    pub(super) fn finish_instantly(&mut self, id: NodeId) {
        let writing = |node: &Node<P>| node.process.is_some() && !node.stalled && node.disk.unfinished() > 0;
        while self.by_hand.instant_disks && writing(&self.nodes[id.0 as usize]) {
            self.finish_write(id);
        }
    }

    pub(super) fn on_write_done(&mut self, id: NodeId, incarnation: u32) {
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

    pub(super) fn finish_write(&mut self, id: NodeId) {
        let Some((through, issued)) = self.nodes[id.0 as usize].disk.finish_one() else { return };
        self.write_down(Act::Finish { node: id });
        let trouble = &mut self.nodes[id.0 as usize].trouble;
        trouble.rotten |= std::mem::take(&mut trouble.misdirects);
        let began = self.record_led_to(Some(issued), Place::Node(id), What::HasWritten { write: through });
        if self.nodes[id.0 as usize].disk.unfinished() > 0 {
            self.cue(id, Cue::HalfWritten.name());
        }
        self.step(id, began, Input::Persisted { through });
    }

    pub(super) fn persist(&mut self, id: NodeId, write: WriteId, content: <P::Disk as Disk>::Write) {
        let words = || P::tell_write(&content, &*self.names);
        let trace = &self.ledger.trace;
        let told = trace.content(trace.number(|| P::Disk::fingerprint(&content)), String::new, words);
        let issued = self.record(Place::Node(id), What::Writes { write, content: told });
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
        node.disk.submit(write, content, issued);
        let incarnation = node.incarnation;
        self.agenda.push(done, Event::WriteDone { node: id, incarnation });
    }

    /// A write fails: nothing unfinished can be trusted any more, so the process dies and leaves none of it.
    pub(super) fn fail_write(&mut self, id: NodeId) {
        let trouble = &mut self.nodes[id.0 as usize].trouble;
        trouble.felled = true;
        trouble.failing = false;
        self.note("write-failed");
        self.record(Place::Node(id), What::CannotWrite);
        self.crash_leaving(id, CrashLeaves::Lost);
    }

    /// Lets writes that were done while the disk or the process stood still be known to the process.
    pub(super) fn queue_overdue(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        if node.stalled || node.trouble.paused {
            return;
        }
        let incarnation = node.incarnation;
        for _ in 0..std::mem::take(&mut node.overdue) {
            self.agenda.push(self.now, Event::WriteDone { node: id, incarnation });
        }
    }

    /// Stops a disk from finishing writes, or lets it go on.
    pub fn stall(&mut self, id: NodeId, stalled: bool) {
        self.nodes[id.0 as usize].stalled = stalled;
        if stalled {
            self.note("stall");
        }
        self.queue_overdue(id);
        self.record(Place::Node(id), What::Stalls { stalled });
    }

    /// Makes the oldest unfinished write of a stalled disk durable.
    pub fn finish_stalled(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        node.overdue = node.overdue.saturating_sub(1);
        self.begin_event();
        self.finish_write(id);
    }
}
