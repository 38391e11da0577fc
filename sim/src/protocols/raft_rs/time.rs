//! Ticks, the two timers that a story fires, and snapshots that nobody answers.
//!
//! Holds: chance comes from the world's entropy: the library draws election timeouts from the thread's own generator, and
//! every draw is overwritten before anything can depend on it.

use raft::{ProgressState, SnapshotStatus, StateRole};

use super::node::{RaftRs, Timer};
use crate::protocol::{Effect, Effects};

impl RaftRs {
    pub(super) fn begin_ticks(&self, out: &mut Effects<RaftRs>) {
        out.push(Effect::SetTimer { timer: Timer::Tick, within: self.settings.ticks.first() });
    }

    pub(super) fn on_tick(&mut self, out: &mut Effects<RaftRs>) {
        out.push(Effect::SetTimer { timer: Timer::Tick, within: self.settings.ticks.next() });
        self.tick();
        self.age_snapshots(1);
    }

    fn tick(&mut self) {
        // The library cannot stand for election before it is told that its snapshot was applied: TiKV does not tick then.
        if self.restoring && !self.settings.ticks_while_restoring {
            return;
        }
        let led = self.raw.raft.state == StateRole::Leader;
        if self.raw.tick() && !led {
            self.timeouts += 1;
        }
    }

    pub(super) fn on_election(&mut self) {
        if self.raw.raft.state != StateRole::Leader {
            self.raw.raft.election_elapsed = self.raw.raft.randomized_election_timeout();
            self.tick();
        }
    }

    pub(super) fn on_heartbeat(&mut self) {
        if self.raw.raft.state == StateRole::Leader {
            self.raw.ping();
            self.age_snapshots(self.settings.config.heartbeat_tick);
        }
    }

    /// The library sends nothing else to a node until it hears what became of a snapshot. Nobody tells this adapter
    /// that a message was lost, so that one without an answer within an election timeout counts as failed.
    fn age_snapshots(&mut self, ticks: usize) {
        let patience = self.settings.config.max_election_tick();
        for (to, age) in std::mem::take(&mut self.snapshots) {
            let progress = self.raw.raft.prs().get(to);
            if progress.is_none_or(|progress| progress.state != ProgressState::Snapshot) {
                continue;
            }
            if age + ticks < patience {
                self.snapshots.insert(to, age + ticks);
            } else {
                self.raw.report_snapshot(to, SnapshotStatus::Failure);
            }
        }
    }

    /// Overwrites the library's own draw of the election timeout by a pure function of seed, node, term and role.
    pub(super) fn redraw(&mut self) {
        if self.settings.leak_rng {
            return;
        }
        let raft = &self.raw.raft;
        let what = [raft.id, raft.term, raft.state as u64, self.timeouts];
        let timeout = self.settings.ticks.election(self.entropy, &what);
        self.raw.raft.set_randomized_election_timeout(timeout as usize);
    }
}
