//! What clients and operators ask, and what they are owed.
//!
//! Holds: requests are taken by a leader only; whoever waits at a leader that leads no longer gets to know.
//! Not here: changes of the membership (`membership`).

use raft::{INVALID_ID, StateRole};

use super::node::RaftRs;
use super::numbers::{node_id, raft_id};
use crate::adapter::token;
use crate::protocol::{Effect, Effects, Epoch, Inspect, NodeId, Refusal, RequestId};

impl RaftRs {
    pub(super) fn on_proposed(&mut self, request: RequestId, command: &[u8], out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        match self.raw.propose(token(request), command.to_vec()) {
            Ok(()) => {
                let index = self.raw.raft.raft_log.last_index();
                self.proposals.appended(index, Epoch(self.raw.raft.term), request);
            }
            Err(_) => self.refuse(request, Refusal::Busy, out),
        }
    }

    pub(super) fn on_read(&mut self, request: RequestId, out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        if !self.raw.raft.commit_to_current_term() {
            // The library would drop it without a word.
            return self.refuse(request, Refusal::Busy, out);
        }
        self.reads.asked(request);
        self.raw.read_index(token(request));
    }

    pub(super) fn on_transfer(&mut self, request: RequestId, to: NodeId, out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        if to == self.id {
            return out.push(Effect::Done { request });
        }
        if !self.conf.get_voters().contains(&raft_id(to)) {
            return self.refuse(request, Refusal::rule("not-a-target"), out);
        }
        if self.transfer.is_some() {
            return self.refuse(request, Refusal::Busy, out);
        }
        self.transfer = Some((request, raft_id(to)));
        self.raw.transfer_leader(raft_id(to));
    }

    pub(super) fn serve(&mut self, out: &mut Effects<RaftRs>) {
        out.list.extend(self.reads.ready(self.applied).map(|request| Effect::Serve { request }));
    }

    /// Whoever waits at a leader that leads no longer gets to know.
    pub(super) fn watch_reign(&mut self, out: &mut Effects<RaftRs>) {
        let now = self.leads().then_some(self.raw.raft.term);
        if self.reign == now {
            return;
        }
        self.reign = now;
        let mut lost = self.proposals.lost();
        lost.extend(self.change.take().map(|change| change.request));
        for request in lost {
            self.refuse(request, Refusal::LeadershipLost, out);
        }
        let refusal = self.not_leader();
        for request in self.reads.lost() {
            self.refuse(request, refusal.clone(), out);
        }
    }

    pub(super) fn watch_transfer(&mut self, out: &mut Effects<RaftRs>) {
        let Some((request, to)) = self.transfer else { return };
        let raft = &self.raw.raft;
        let refusal = match (raft.state, raft.leader_id) {
            (StateRole::Leader, _) if raft.lead_transferee.is_some() => return,
            (StateRole::Leader, _) => Refusal::rule("transfer-timed-out"),
            (_, INVALID_ID) => return,
            (_, leader) if leader == to => {
                self.transfer = None;
                return out.push(Effect::Done { request });
            }
            (_, _) => Refusal::rule("transfer-failed"),
        };
        self.transfer = None;
        self.refuse(request, refusal, out);
    }

    pub(super) fn not_leader(&self) -> Refusal {
        let leader = self.raw.raft.leader_id;
        Refusal::NotLeader {
            hint: (leader != INVALID_ID && leader != self.raw.raft.id).then(|| node_id(leader)),
        }
    }

    pub(super) fn refuse(&self, request: RequestId, refusal: Refusal, out: &mut Effects<RaftRs>) {
        out.push(Effect::Refuse { request, refusal });
    }
}
