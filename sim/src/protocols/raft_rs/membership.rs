//! A change of the membership on its way: proposed, written down, in force.
//!
//! Holds: a membership is on the disk before it is in force.
//! Not here: what a change makes of a membership (`change`).

use protobuf::Message as _;
use raft::eraftpb::{ConfChangeV2, Entry};
use raft::{INVALID_ID, StateRole};

use super::change;
use super::node::{PendingChange, RaftRs, Then};
use super::storage::{Members, Part};
use crate::adapter::token;
use crate::protocol::{Change, Effect, Effects, Inspect, Refusal, RequestId};

impl RaftRs {
    pub(super) fn on_change(&mut self, request: RequestId, change: &Change, out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        match change::from_operator(change, &self.raw.store().members, self.settings.transition) {
            Ok(change) => self.propose_change(request, &change, out),
            Err(refusal) => self.refuse(request, refusal, out),
        }
    }

    fn propose_change(&mut self, request: RequestId, change: &ConfChangeV2, out: &mut Effects<RaftRs>) {
        let raft = &self.raw.raft;
        let refusal = change::leader_refusal(raft.has_pending_conf(), change::is_joint(&self.conf), change);
        if refusal.is_none() {
            // An application must not let a change into the log that cannot be applied.
            if let Err(reason) = change::outcome(raft.prs(), change) {
                return self.refuse(request, Refusal::rule(reason), out);
            }
        }
        if self.raw.propose_conf_change(token(request), change.clone()).is_err() {
            return self.refuse(request, Refusal::Busy, out);
        }
        match refusal {
            Some(reason) => self.refuse(request, Refusal::rule(reason), out),
            None => {
                let index = self.raw.raft.raft_log.last_index();
                let joint_is_done = change.enter_joint() == Some(false);
                self.change = Some(PendingChange { index, request, joint_is_done });
            }
        }
    }

    /// Writes down what the change at the head of the queue makes of the membership, or skips it: when it is known
    /// already (after a restart), or when the library rejects it.
    pub(super) fn begin_change(&mut self, out: &mut Effects<RaftRs>) {
        let Some(entry) = self.queue.front() else { return };
        let (index, change) = (entry.index, decode(entry));
        let known = index <= self.raw.store().members.index;
        match change::outcome(self.raw.raft.prs(), &change) {
            Ok(conf) if !known => {
                let members = change::members_after(index, conf, &self.raw.store().members, &change);
                self.changing = true;
                self.write(vec![Part::Members(members.clone())], out);
                self.gate.hold(Then::Change { change, members });
            }
            Ok(_) | Err(_) => {
                if !known {
                    out.push(Effect::note("conf-change-rejected"));
                }
                self.queue.pop_front();
                self.applied = index;
            }
        }
    }

    pub(super) fn enact(&mut self, change: &ConfChangeV2, members: Members, out: &mut Effects<RaftRs>) {
        self.changing = false;
        self.queue.pop_front();
        self.applied = members.index;
        self.conf = self.raw.apply_conf_change(change).expect("the change was tried before it was written");
        self.raw.mut_store().apply_part(&Part::Members(members));
        self.raw.advance_apply_to(self.applied);
        out.push(Effect::note("membership-changed"));
        self.finish_change(out);
        self.retire();
    }

    pub(super) fn finish_change(&mut self, out: &mut Effects<RaftRs>) {
        let Some(pending) = self.change.filter(|pending| pending.index <= self.applied) else { return };
        if pending.joint_is_done || !change::is_joint(&self.conf) {
            self.change = None;
            out.push(Effect::Done { request: pending.request });
        }
    }

    /// A leader that is no voter any more goes on leading, says the library; whoever uses it must stop it. It stops
    /// at once, and votes for whoever takes over.
    pub(super) fn retire(&mut self) {
        let raft = &self.raw.raft;
        let remains =
            self.conf.get_voters_outgoing().contains(&raft.id) || self.conf.get_voters().contains(&raft.id);
        if remains || raft.state != StateRole::Leader || self.settings.removed_leader_stays {
            return;
        }
        let term = raft.term;
        self.raw.raft.become_follower(term, INVALID_ID);
        self.redraw();
    }
}

/// The change that an entry carries: this adapter proposes the second form only. The empty entry by which the library leaves a joint config is the empty change.
fn decode(entry: &Entry) -> ConfChangeV2 {
    let mut change = ConfChangeV2::default();
    let _ = change.merge_from_bytes(entry.get_data());
    change
}
