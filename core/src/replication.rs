//! Entries to the followers, acknowledgements back, and the commit index (paper, sections 5.3 and 5.4).
//!
//! Holds: a leader never cuts its own log; what is counted is on a disk.
//! Not here: snapshots for those too far behind (`snapshotting`), what a commit means for members
//! (`reconfiguration`).

use alloc::sync::Arc;

use crate::effect::Refusal;
use crate::election;
use crate::fact::Fact;
use crate::input::Timer;
use crate::log::{LogSlice, Payload};
use crate::message::Body;
use crate::mutation::Mutation;
use crate::progress::{Mode, Peer};
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogId, LogIndex, NodeId, RequestId, Within, WriteId};
use crate::{follower_reading, lease, reading, reconfiguration, snapshotting, transfer};

/// A client's command on its way to being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Proposal {
    index: LogIndex,
    pub(crate) request: RequestId,
    bytes: u64,
}

pub(crate) fn on_proposed(t: &mut Transition<'_>, request: RequestId, command: Arc<[u8]>) {
    let bytes = command.len() as u64;
    let limit = t.config.uncommitted_bytes_max;
    let Some(leader) = t.leading() else {
        let hint = t.leader;
        return t.refuse(request, Refusal::NotLeader { hint });
    };
    // One command may always go, however large it is.
    let too_much = leader.uncommitted_bytes > 0 && leader.uncommitted_bytes + bytes > limit;
    if t.transfer.is_some() {
        return t.refuse(request, Refusal::Transferring);
    }
    if too_much {
        t.note(Fact::BackPressure);
        return t.refuse(request, Refusal::TooMuchUncommitted);
    }
    let index = t.append_own(Payload::Command(command));
    if let Some(leader) = t.leading_mut() {
        leader.proposals.push_back(Proposal { index, request, bytes });
        leader.uncommitted_bytes += bytes;
    }
}

/// Sends what a leader appended in this step. A commit may append again (the next step of a change).
pub(crate) fn send_appended(t: &mut Transition<'_>) {
    while t.take_appended() {
        for place in 0..peer_count(t) {
            send_entries(t, place);
        }
        let blank = t.mutated(Mutation::BlankCountsAtAppend) || t.mutated(Mutation::SelfCountsAtAppend);
        if !t.keeps(Rule::SelfCountsOnlyWhenDurable) || blank {
            maybe_commit(t);
        }
    }
}

fn peer_count(t: &Transition<'_>) -> usize {
    t.leading().map_or(0, |leader| leader.peers.as_slice().len())
}

fn peer_at(t: &Transition<'_>, place: usize) -> Option<Peer> {
    t.leading().and_then(|leader| leader.peers.as_slice().get(place)).cloned()
}

fn update(t: &mut Transition<'_>, place: usize, change: impl FnOnce(&mut Peer)) {
    if let Some(peer) = t.leading_mut().and_then(|leader| leader.peers.as_mut_slice().get_mut(place)) {
        change(peer);
    }
}

/// Sends a peer the entries it lacks, as many as its window allows; a probe even if there is none.
pub(crate) fn send_entries(t: &mut Transition<'_>, place: usize) {
    while let Some(peer) = peer_at(t, place) {
        let last = t.log.last().index;
        let room = peer.room(t.config.inflight_entries_max);
        if peer.mode == Mode::Replicate && peer.next > last {
            return;
        }
        let Batch { entries, bytes } = next_batch(t, &peer, room);
        let full = entries == 0 && peer.mode == Mode::Replicate && t.log.get(peer.next).is_some();
        if room == 0 || full {
            if peer.mode == Mode::Replicate {
                t.note(Fact::WindowFull);
            }
            return;
        }
        let Some(slice) = t.slice(peer.next, entries) else {
            return snapshotting::begin(t, place);
        };
        let through = slice.through();
        send_slice(t, place, &peer, slice);
        match peer.mode {
            Mode::Replicate => update(t, place, |peer| {
                peer.next = through.next();
                peer.bytes += bytes;
            }),
            Mode::Probe { .. } => update(t, place, |peer| peer.mode = Mode::Probe { waiting: true }),
            Mode::Snapshot(_) => {}
        }
    }
}

/// How many entries go into the next append, and the bytes of their commands.
struct Batch {
    entries: u64,
    bytes: u64,
}

/// As many entries as one append and the window allow. Nothing is too large to go alone: otherwise it would never go.
fn next_batch(t: &Transition<'_>, peer: &Peer, room: u64) -> Batch {
    let entries_max = room.min(t.config.batch_entries_max);
    let window_left = t.config.inflight_bytes_max.saturating_sub(peer.bytes);
    let bytes_max = window_left.min(t.config.batch_bytes_max);
    let mut batch = Batch { entries: 0, bytes: 0 };
    while batch.entries < entries_max {
        let Some(entry) = t.log.get(peer.next.plus(batch.entries)) else { break };
        let bytes = batch.bytes + entry.payload.bytes();
        let alone = batch.entries == 0 && (peer.bytes == 0 || bytes <= window_left);
        if bytes > bytes_max && !alone {
            break;
        }
        batch = Batch { entries: batch.entries + 1, bytes };
    }
    batch
}

fn send_slice(t: &mut Transition<'_>, place: usize, peer: &Peer, slice: LogSlice) {
    let commit = t.commit;
    t.send(peer.id, peer.address, Body::AppendRequest { slice, commit });
    update(t, place, |peer| peer.told_commit = commit);
}

/// Tells a peer that has nothing under way about the commit index. Others hear of it with what is sent next.
fn tell_commit(t: &mut Transition<'_>, place: usize) {
    let Some(peer) = peer_at(t, place) else { return };
    let last = t.log.last().index;
    let idle = peer.mode == Mode::Replicate && peer.matched == last && peer.next > last;
    if idle
        && peer.told_commit < t.commit
        && let Some(slice) = t.log.slice(peer.next, 0)
    {
        send_slice(t, place, &peer, slice);
    }
}

/// Tells everyone who has nothing under way about the commit index.
fn tell_commit_to_all(t: &mut Transition<'_>) {
    for place in 0..peer_count(t) {
        tell_commit(t, place);
    }
}

/// Asks a peer that may have lost something what it holds.
pub(crate) fn nudge(t: &mut Transition<'_>, place: usize) {
    let Some(peer) = peer_at(t, place) else { return };
    match peer.mode {
        Mode::Probe { .. } => {
            update(t, place, |peer| peer.mode = Mode::Probe { waiting: false });
            send_entries(t, place);
        }
        Mode::Replicate if peer.matched < t.log.last().index => {
            send_entries(t, place);
            let Some(peer) = peer_at(t, place) else { return };
            match t.log.slice(peer.next, 0) {
                Some(slice) => send_slice(t, place, &peer, slice),
                // A full window was lost, and the log is compacted beyond it: asking further would never be answered.
                None => snapshotting::begin(t, place),
            }
        }
        Mode::Replicate => tell_commit(t, place),
        Mode::Snapshot(_) => snapshotting::nudge(t, place),
    }
}

pub(crate) fn on_append_request(t: &mut Transition<'_>, from: NodeId, slice: &LogSlice, commit: LogIndex) {
    if !election::on_leader_contact(t, from) {
        return;
    }
    let prev = slice.prev();
    // What is in the snapshot is committed, and so is in any leader's log: it agrees.
    let known = prev.index <= t.snapshot.last.index
        || t.log.matches(prev)
        || t.mutated(Mutation::PrevTermUnchecked) && prev.index <= t.log.last().index;
    if !known {
        t.note(Fact::AppendRejected);
        let at = LogId { term: prev.term, index: prev.index.before() };
        let hint = t.log.last_not_after(at);
        return t.reply(Body::AppendRejected { prev, hint });
    }
    if !take_entries(t, slice) {
        return;
    }
    let through = slice.through();
    advance_commit(t, commit.min(through));
    t.reply(Body::AppendAccepted { through });
}

/// Adds what is new. Returns false when it contradicts what is committed.
fn take_entries(t: &mut Transition<'_>, slice: &LogSlice) -> bool {
    let compacted = t.snapshot.last;
    if slice.id_at(compacted.index).is_some_and(|id| id != compacted) {
        t.note(Fact::CommittedEntryConflict);
        return false;
    }
    if !t.keeps(Rule::ConflictCheckBeforeTruncating) {
        let from = slice.prev().index.max(t.snapshot.last.index).next();
        t.cut(from);
    }
    if t.mutated(Mutation::PrevZeroUnchecked) && slice.prev().index.0 == 0 && !slice.is_empty() {
        t.cut(LogIndex(1));
    }
    if t.mutated(Mutation::AppendTruncatesSuffix) {
        t.cut(slice.through().next());
    }
    let snapshot = t.snapshot.last.index;
    if t.mutated(Mutation::ConflictKept) {
        let next = t.log.last().index.next();
        if slice.entries().iter().any(|entry| entry.id.index == next && entry.id.term >= t.log.last().term) {
            t.append_slice(slice, next);
        }
        return true;
    }
    let first_new =
        slice.entries().iter().map(|entry| entry.id).find(|id| id.index > snapshot && !t.log.matches(*id));
    let Some(first_new) = first_new else {
        if !slice.is_empty() && slice.through() < t.log.last().index {
            t.note(Fact::StaleAppend);
        }
        return true;
    };
    if first_new.index <= t.commit {
        t.note(Fact::CommittedEntryConflict);
        return false;
    }
    t.cut(first_new.index);
    t.append_slice(slice, first_new.index);
    true
}

pub(crate) fn on_append_accepted(t: &mut Transition<'_>, from: NodeId, through: LogIndex) {
    let last = t.log.last().index;
    let Some(place) = t.leading().and_then(|leader| leader.peers.place(from)) else { return };
    let Some(before) = peer_at(t, place) else { return };
    update(t, place, |peer| {
        peer.heard = true;
        peer.accepted(through.min(last));
    });
    count_bytes(t, place, &before);
    if through > t.commit {
        maybe_commit(t);
    }
    // A commit may have ended the leadership, or changed the members and with them the list of peers.
    let Some(place) = t.leading().and_then(|leader| leader.peers.place(from)) else { return };
    send_entries(t, place);
    tell_commit(t, place);
    transfer::maybe_hand_over(t);
    reconfiguration::on_progress(t, from);
}

/// What was acknowledged is under way no longer.
fn count_bytes(t: &mut Transition<'_>, place: usize, before: &Peer) {
    let Some(peer) = peer_at(t, place).filter(|_| before.bytes > 0) else { return };
    let bytes = if before.matched < t.log.base().index {
        // Some of what was under way has been compacted, and its length is not known any more.
        t.log.bytes(peer.matched, peer.next.before())
    } else {
        before.bytes - t.log.bytes(before.matched, peer.matched.min(before.next.before()))
    };
    update(t, place, |peer| peer.bytes = bytes);
}

pub(crate) fn on_append_rejected(t: &mut Transition<'_>, from: NodeId, prev: LogId, hint: LogId) {
    let agree = t.log.last_not_after(hint).index;
    let counts = t.mutated(Mutation::RejectionCounts);
    let Some(leader) = t.leading_mut() else { return };
    let Some(place) = leader.peers.place(from) else { return };
    let peer = &mut leader.peers.as_mut_slice()[place];
    peer.heard = true;
    if counts {
        peer.accepted(agree);
    }
    if peer.rejected(prev.index, agree) {
        send_entries(t, place);
    }
    reconfiguration::on_progress(t, from);
}

pub(crate) fn on_heartbeat_due(t: &mut Transition<'_>) {
    if t.leading().is_none() {
        return;
    }
    lease::on_heartbeat_due(t);
    send_heartbeats(t);
    reading::maybe_confirm(t);
    let within = Within::exactly(t.config.heartbeat);
    t.set_timer(Timer::Heartbeat, within);
}

/// Shows everyone that the leader lives. The commit index goes no further than what the peer is known to hold.
pub(crate) fn send_heartbeats(t: &mut Transition<'_>) {
    for place in 0..peer_count(t) {
        let Some(peer) = peer_at(t, place) else { return };
        let unbounded = t.mutated(Mutation::HeartbeatCommitUnbounded);
        let commit = if unbounded { t.commit } else { t.commit.min(peer.matched) };
        let round = t.leading().map_or(0, |leader| leader.reads.round());
        t.send(peer.id, peer.address, Body::Heartbeat { commit, round });
    }
}

pub(crate) fn on_heartbeat(t: &mut Transition<'_>, from: NodeId, commit: LogIndex, round: u64) {
    let asked_before = t.leader == Some(from);
    if election::on_leader_contact(t, from) {
        let held = commit.min(t.log.last().index);
        advance_commit(t, held);
        if t.mutated(Mutation::AckReportsLast) {
            let through = t.log.last().index;
            t.reply(Body::AppendAccepted { through });
        }
        let priority = t.config.priority;
        t.reply(Body::HeartbeatResponse { round, priority });
        if asked_before {
            follower_reading::ask_again(t);
        }
    }
}

pub(crate) fn on_persisted(t: &mut Transition<'_>, through: WriteId) {
    t.durability.finish(through);
    if t.durability.holds_hard_state() {
        election::on_own_vote_durable(t);
    }
    maybe_commit(t);
}

/// Commits what a quorum holds, if it is of this leader's term (paper, section 5.4.2). The leader counts itself by
/// what is on its disk.
pub(crate) fn maybe_commit(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let myself = t.id();
    let last = t.log.last().index;
    let blank = t.mutated(Mutation::BlankCountsAtAppend) && last == leader.first_own;
    let at_append =
        !t.keeps(Rule::SelfCountsOnlyWhenDurable) || t.mutated(Mutation::SelfCountsAtAppend) || blank;
    let own = if at_append { last } else { t.durability.log() };
    let held = |id: NodeId| {
        if id == myself { own } else { leader.peers.get(id).map_or(LogIndex(0), |peer| peer.matched) }
    };
    let mut through = t.held_by_quorum(held).min(last);
    if t.mutated(Mutation::FirstSetAloneCommits) {
        let first = t.in_force().sets().first();
        if first.is_some_and(|set| set.len() == 1 && set.contains(myself)) {
            through = own;
        }
    }
    let any_term = !t.keeps(Rule::CommitOnlyOwnTerm) || t.mutated(Mutation::CommitOlderTerm);
    let stops = t.mutated(Mutation::CommitStopsAtOlderTerm) && t.commit.next() < leader.first_own;
    let countable = (through >= leader.first_own || any_term) && !stops;
    if through > t.commit && countable {
        advance_commit(t, through);
        tell_commit_to_all(t);
    }
}

/// Moves the commit index up, never down, and tells everyone whom it concerns.
pub(crate) fn advance_commit(t: &mut Transition<'_>, through: LogIndex) {
    if through <= t.commit && !(t.mutated(Mutation::CommitMovesBack) && through < t.commit) {
        return;
    }
    let before = t.commit;
    t.commit = through;
    let members_committed = t.members.commit(through);
    snapshotting::on_commit(t);
    if let Some(leader) = t.leading_mut() {
        let is_first = before < leader.first_own;
        let earlier_terms = before.next() < leader.first_own;
        while leader.proposals.front().is_some_and(|proposal| proposal.index <= through) {
            let bytes = leader.proposals.pop_front().map_or(0, |proposal| proposal.bytes);
            leader.uncommitted_bytes -= bytes;
        }
        if earlier_terms {
            t.note(Fact::EarlierTermCommitted);
        }
        if is_first {
            reading::on_first_commit(t);
        }
    }
    reconfiguration::on_commit(t, members_committed);
}
