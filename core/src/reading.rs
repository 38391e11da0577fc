//! Reads that see everything acknowledged before them, without a log entry (paper, section 8; thesis 6.4).
//!
//! Holds: a read is served from a state at least as new as the commit index when it arrived, by a node that still
//! led after that, or held a lease then (`lease`).
//! Not here: the state (the machine is the caller's).
//!
//! Reads are confirmed in rounds. A round is numbered, goes out with heartbeats, and is confirmed by a quorum of
//! answers to it or to a later one. A read waits for a round that *begins* after it arrived; while one is under way
//! further reads gather for the next.

use alloc::collections::VecDeque;

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::lease::{self, Leases};
use crate::mutation::Mutation;
use crate::replication;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogIndex, NodeId, RequestId};

/// A read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Read {
    request: RequestId,
    /// What the machine must have applied; `None` until the leader's first commit.
    index: Option<LogIndex>,
    /// The round that confirms it.
    round: u64,
}

/// The reads of a leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reads {
    started: u64,
    confirmed: u64,
    pub(crate) leases: Leases,
    queue: VecDeque<Read>,
}

impl Reads {
    /// The newest round.
    pub(crate) fn round(&self) -> u64 {
        self.started
    }

    pub(crate) fn on_leadership_lost(self, t: &mut Transition<'_>, hint: Option<NodeId>) {
        lease::on_leadership_lost(t, self.leases);
        for read in self.queue {
            t.note(Fact::ReadLostLeader);
            t.refuse(read.request, Refusal::NotLeader { hint });
        }
    }
}

pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId) {
    let commit = t.commit;
    let Some(leader) = t.leading() else {
        if t.mutated(Mutation::ReadAtFollower) {
            return t.serve(request);
        }
        let hint = t.leader;
        return t.refuse(request, Refusal::NotLeader { hint });
    };
    let knows_commit = commit >= leader.first_own
        || !t.keeps(Rule::ReadNeedsOwnTermCommit)
        || t.mutated(Mutation::ReadWithoutOwnCommit);
    let confirms = t.keeps(Rule::ReadConfirmsLeadership) && !t.mutated(Mutation::ReadWithoutConfirm);
    let joins = t.mutated(Mutation::ReadJoinsRound);
    let leased = knows_commit && leader.reads.leases.in_force();
    if !knows_commit {
        t.note(Fact::ReadWaitedForCommit);
    }
    if leased {
        t.note(Fact::LeaseRead);
    }
    let confirms = confirms && !leased;
    let Some(leader) = t.leading_mut() else { return };
    let reads = &mut leader.reads;
    let round = match confirms {
        true if joins && reads.started > 0 => reads.started,
        true => reads.started + 1,
        false => reads.confirmed,
    };
    reads.queue.push_back(Read { request, index: knows_commit.then_some(commit), round });
    if confirms {
        maybe_start_round(t);
    }
}

/// Starts a round if reads wait for one and none is under way.
fn maybe_start_round(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    let reads = &mut leader.reads;
    let wanted = reads.queue.back().is_some_and(|read| read.round > reads.started);
    if wanted && reads.started == reads.confirmed {
        start_round(t);
        replication::send_heartbeats(t);
        maybe_confirm(t);
    }
}

fn start_round(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    leader.reads.started += 1;
    let round = leader.reads.started;
    lease::on_round_started(t, round);
}

/// Begins a round with the heartbeats that are about to leave, unless one is under way.
pub(crate) fn renew(t: &mut Transition<'_>) {
    if t.leading().is_some_and(|leader| leader.reads.started == leader.reads.confirmed) {
        start_round(t);
    }
}

pub(crate) fn on_heartbeat_response(t: &mut Transition<'_>, from: NodeId, round: u64) {
    let Some(leader) = t.leading_mut() else { return };
    let Some(place) = leader.peers.place(from) else { return };
    let peer = &mut leader.peers.as_mut_slice()[place];
    peer.heard = true;
    peer.round = peer.round.max(round);
    replication::nudge(t, place);
    maybe_confirm(t);
}

/// Confirms the round under way if a quorum has answered.
pub(crate) fn maybe_confirm(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let round = leader.reads.started;
    if round == leader.reads.confirmed {
        return;
    }
    let myself = t.id();
    let answered = |id: NodeId| id == myself || leader.peers.get(id).is_some_and(|peer| peer.round >= round);
    let mut missing = usize::from(t.mutated(Mutation::ReadQuorumShort));
    let counted = |id: NodeId| answered(id) || core::mem::take(&mut missing) > 0;
    if t.is_quorum(counted) {
        t.note(Fact::ReadConfirmed);
        if let Some(leader) = t.leading_mut() {
            leader.reads.confirmed = round;
        }
        lease::on_round_confirmed(t, round);
        maybe_start_round(t);
    }
}

/// The leader knows now what is committed.
pub(crate) fn on_first_commit(t: &mut Transition<'_>) {
    let commit = t.commit;
    let Some(leader) = t.leading_mut() else { return };
    if commit >= leader.first_own {
        for read in &mut leader.reads.queue {
            read.index.get_or_insert(commit);
        }
    }
}

/// Serves what is confirmed and applied. Reads are served in the order they came.
pub(crate) fn serve_ready(t: &mut Transition<'_>) {
    let applied = t.applied;
    while let Some(leader) = t.leading_mut() {
        let confirmed = leader.reads.confirmed;
        let ready = |read: &Read| read.round <= confirmed && read.index.is_some_and(|index| index <= applied);
        if !leader.reads.queue.front().is_some_and(ready) {
            return;
        }
        if let Some(read) = leader.reads.queue.pop_front() {
            t.serve(read.request);
        }
    }
}
