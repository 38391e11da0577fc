//! What may be wrong with a node, and how it ends.
//!
//! Holds: a fault that ended leaves no trace but what it cost; what is for ever does not end.
//! Not here: who strikes when (`nemesis`), and what a cluster must survive (`fault_budget`).

use super::World;
use super::network::Roughness;
use crate::choices::Site;
use crate::protocol::{NodeId, Protocol};
use crate::scenario::{NodeFault, Ratio};
use crate::trace::{Place, What};

impl<P: Protocol> World<P> {
    /// Makes something go wrong with a node.
    pub fn begin_fault(&mut self, id: NodeId, fault: NodeFault) {
        // Crashes and stalls have records of their own.
        if !matches!(fault, NodeFault::Crash | NodeFault::Reboot | NodeFault::Stall) {
            self.note(fault.name());
            self.record(Place::Node(id), What::IsHit { fault });
        }
        let node = &mut self.nodes[id.0 as usize];
        match fault {
            NodeFault::Crash => self.crash(id),
            NodeFault::Reboot => {
                self.crash(id);
                self.boot(id);
            }
            // Nobody will read a wiped disk again; what it acknowledged stays known to the checkers, which judge the
            // protocol and not the disk.
            NodeFault::Kill | NodeFault::Wipe => {
                node.trouble.gone = true;
                self.crash(id);
            }
            NodeFault::Pause => self.pause(id, true),
            NodeFault::Slow { factor } => node.trouble.pace = factor,
            NodeFault::FailedWrite => node.trouble.failing = true,
            NodeFault::FullDisk => node.trouble.full = true,
            NodeFault::SlowDisk { factor } => node.trouble.disk_pace = factor,
            NodeFault::Stall => self.stall(id, true),
            NodeFault::BitRot => node.trouble.rotten = true,
            NodeFault::MisdirectedWrite => node.trouble.misdirects = true,
            NodeFault::LossBurst { share } => {
                let rough = Roughness { loss: share, ..self.wire.network.roughness(id) };
                self.wire.network.set_roughness(id, rough);
            }
            NodeFault::SlowLinks { factor } => {
                let rough = Roughness { factor, ..self.wire.network.roughness(id) };
                self.wire.network.set_roughness(id, rough);
            }
            NodeFault::ClockDrift { ppm } => {
                let drawn = self.choices.below(Site::Nemesis, 2 * u64::from(ppm) + 1);
                let off = i64::try_from(drawn).unwrap_or(0) - i64::from(ppm);
                let clock = &mut self.nodes[id.0 as usize].clock;
                clock.ppm = (clock.own_ppm + off).max(-999_999);
            }
            NodeFault::ClockJump { by } => {
                let by = self.choices.within(Site::Nemesis, by);
                let ahead = self.choices.below(Site::Nemesis, 2) == 1;
                self.jump(id, by, ahead);
            }
            NodeFault::ClockFreeze => {
                let now = self.now;
                self.nodes[id.0 as usize].clock.frozen.get_or_insert(now);
            }
        }
    }

    /// Ends a fault of a node, if it has it. A fault that is for ever does not end; a rotten disk is found out, because
    /// the node starts anew.
    pub fn end_fault(&mut self, id: NodeId, fault: NodeFault) {
        if !matches!(fault, NodeFault::Crash | NodeFault::Reboot | NodeFault::Stall | NodeFault::Pause) {
            self.record(Place::Node(id), What::Recovers { fault });
        }
        let node = &mut self.nodes[id.0 as usize];
        match fault {
            NodeFault::Crash => self.boot(id),
            NodeFault::Reboot | NodeFault::Kill | NodeFault::Wipe | NodeFault::ClockJump { .. } => {}
            NodeFault::Pause => self.pause(id, false),
            NodeFault::Slow { .. } => {
                node.trouble.pace = 1;
                self.quicken(id);
            }
            NodeFault::FailedWrite => {
                node.trouble.failing = false;
                self.raise(id);
            }
            NodeFault::FullDisk => {
                node.trouble.full = false;
                self.raise(id);
            }
            NodeFault::SlowDisk { .. } => {
                node.trouble.disk_pace = 1;
                self.quicken(id);
            }
            NodeFault::Stall => self.stall(id, false),
            NodeFault::BitRot | NodeFault::MisdirectedWrite => {
                node.trouble.misdirects = false;
                if node.trouble.rotten && !node.trouble.gone {
                    self.crash(id);
                    self.boot(id);
                }
            }
            NodeFault::LossBurst { .. } => {
                let rough = Roughness { loss: Ratio::ZERO, ..self.wire.network.roughness(id) };
                self.wire.network.set_roughness(id, rough);
            }
            NodeFault::SlowLinks { .. } => {
                let rough = Roughness { factor: 1, ..self.wire.network.roughness(id) };
                self.wire.network.set_roughness(id, rough);
            }
            NodeFault::ClockDrift { .. } => node.clock.ppm = node.clock.own_ppm,
            NodeFault::ClockFreeze => self.thaw(id),
        }
    }

    /// Whether a node has a fault that would make the same one worse or hide it.
    pub(crate) fn suffers(&self, id: NodeId, fault: NodeFault) -> bool {
        let node = &self.nodes[id.0 as usize];
        let rough = self.wire.network.roughness(id);
        match fault {
            NodeFault::Crash | NodeFault::Reboot | NodeFault::Kill | NodeFault::Wipe => {
                node.process.is_none()
            }
            NodeFault::Pause => node.process.is_none() || node.trouble.paused,
            NodeFault::Slow { .. } => node.trouble.pace != 1,
            NodeFault::FailedWrite => node.process.is_none() || node.trouble.failing,
            NodeFault::FullDisk => node.process.is_none() || node.trouble.full,
            NodeFault::SlowDisk { .. } => node.trouble.disk_pace != 1,
            NodeFault::Stall => node.process.is_none() || node.stalled,
            NodeFault::BitRot | NodeFault::MisdirectedWrite => node.trouble.is_lost(),
            NodeFault::LossBurst { .. } => rough.loss != Ratio::ZERO,
            NodeFault::SlowLinks { .. } => rough.factor != 1,
            NodeFault::ClockDrift { .. } => node.clock.ppm != node.clock.own_ppm,
            NodeFault::ClockJump { .. } => false,
            NodeFault::ClockFreeze => node.clock.frozen.is_some(),
        }
    }

    /// Ends what is wrong with a node, as far as it can end.
    pub(crate) fn end_trouble(&mut self, id: NodeId) {
        self.pause(id, false);
        self.thaw(id);
        let node = &mut self.nodes[id.0 as usize];
        let felled = node.trouble.felled;
        node.clock.ppm = node.clock.own_ppm;
        node.trouble = node.trouble.scars();
        node.trouble.misdirects = false;
        node.trouble.felled = felled;
        self.quicken(id);
        self.raise(id);
    }

    /// Writes no longer queue up behind what a slow disk would have taken: the next one to be done is the oldest anyway.
    fn quicken(&mut self, id: NodeId) {
        self.nodes[id.0 as usize].disk_busy_until = self.now;
    }

    /// Starts a process that died of a failed write.
    fn raise(&mut self, id: NodeId) {
        if std::mem::take(&mut self.nodes[id.0 as usize].trouble.felled) {
            self.boot(id);
        }
    }

    fn jump(&mut self, id: NodeId, by: u64, ahead: bool) {
        let now = self.now;
        let node = &mut self.nodes[id.0 as usize];
        for timer in &mut node.timers {
            let Some(due) = &mut timer.due else { continue };
            *due = if ahead { crate::time::Moment(due.0.saturating_sub(by)).max(now) } else { due.after(by) };
        }
        let by = i64::try_from(by).unwrap_or(i64::MAX);
        let sign = if ahead { 1 } else { -1 };
        node.clock.ahead = node.clock.ahead.saturating_add(sign * by);
        self.queue_timers(id);
    }

    fn thaw(&mut self, id: NodeId) {
        let now = self.now;
        let node = &mut self.nodes[id.0 as usize];
        let Some(since) = node.clock.frozen.take() else { return };
        let missed = now.0 - since.0;
        for timer in &mut node.timers {
            timer.due = timer.due.map(|due| due.after(missed));
        }
        let missed = i64::try_from(missed).unwrap_or(i64::MAX);
        node.clock.ahead = node.clock.ahead.saturating_sub(missed);
        self.queue_timers(id);
    }
}
