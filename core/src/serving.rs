//! What a leader sends its peers: entries as far as the window allows, probes, the commit index, heartbeats, snapshots.
//!
//! Holds: a peer that may have lost something is asked again once for each heartbeat that is due.
//! Not here: what is known of a peer (`progress`), and what its answers mean (`replication`, `snapshotting`, `reading`).

use alloc::sync::Arc;

use crate::fact::Fact;
use crate::log::LogSlice;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::progress::{Mode, Peer, Sending};
use crate::snapshot::Chunk;
use crate::transition::Transition;

pub(crate) fn peer_count(t: &Transition<'_>) -> usize {
    t.leading().map_or(0, |leader| leader.peers.as_slice().len())
}

pub(crate) fn peer_at(t: &Transition<'_>, place: usize) -> Option<Peer> {
    t.leading().and_then(|leader| leader.peers.as_slice().get(place)).cloned()
}

pub(crate) fn update(t: &mut Transition<'_>, place: usize, change: impl FnOnce(&mut Peer)) {
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
            return begin_snapshot(t, place);
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
pub(crate) struct Batch {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
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
pub(crate) fn tell_commit(t: &mut Transition<'_>, place: usize) {
    let Some(peer) = peer_at(t, place) else { return };
    let last = t.log.last().index;
    let idle = peer.mode == Mode::Replicate && peer.matched == last && peer.next > last;
    if idle
        && (peer.told_commit < t.commit || t.mutated(Mutation::CommitToldForEver))
        && let Some(slice) = t.log.slice(peer.next, 0)
    {
        send_slice(t, place, &peer, slice);
    }
}

/// Tells everyone who has nothing under way about the commit index.
pub(crate) fn tell_commit_to_all(t: &mut Transition<'_>) {
    for place in 0..peer_count(t) {
        tell_commit(t, place);
    }
}

/// Asks a peer that may have lost something what it holds. Once for each heartbeat that is due: reads have heartbeats of
/// their own, and a peer that answers many of them has not lost more for that.
pub(crate) fn nudge(t: &mut Transition<'_>, place: usize) {
    let Some(peer) = peer_at(t, place).filter(|peer| !peer.nudged) else { return };
    update(t, place, |peer| peer.nudged = true);
    match peer.mode {
        Mode::Probe { waiting: true } if t.mutated(Mutation::ProbeStaysPaused) => {}
        Mode::Probe { .. } => send_probe(t, place),
        Mode::Replicate if peer.matched < t.log.last().index => {
            send_entries(t, place);
            let Some(peer) = peer_at(t, place) else { return };
            match t.log.slice(peer.next, 0) {
                Some(slice) => send_slice(t, place, &peer, slice),
                None if t.mutated(Mutation::LostWindowPurged) => {}
                // A full window was lost, and the log is compacted beyond it: asking further would never be answered.
                None => begin_snapshot(t, place),
            }
        }
        Mode::Replicate => tell_commit(t, place),
        Mode::Snapshot(_) => nudge_snapshot(t, place),
    }
}

/// Asks again where the logs agree: the last append or its answer is lost, or answered and worth another try.
pub(crate) fn send_probe(t: &mut Transition<'_>, place: usize) {
    update(t, place, |peer| peer.mode = Mode::Probe { waiting: false });
    send_entries(t, place);
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

// The sender.

/// Begins to send the snapshot to a peer that lacks entries which are not here any more.
fn begin_snapshot(t: &mut Transition<'_>, place: usize) {
    let snapshot = Arc::clone(&t.snapshot);
    let Some(leader) = t.leading_mut() else { return };
    let Some(peer) = leader.peers.as_mut_slice().get_mut(place) else { return };
    peer.mode = Mode::Snapshot(Sending { snapshot, offset: 0, silent: false });
    peer.bytes = 0;
    t.note(Fact::SnapshotSent);
    send_chunk(t, place);
}

pub(crate) fn send_chunk(t: &mut Transition<'_>, place: usize) {
    let Some(peer) = t.leading().and_then(|leader| leader.peers.as_slice().get(place)) else { return };
    let Mode::Snapshot(Sending { snapshot, offset, .. }) = &peer.mode else { return };
    let chunk = Chunk::of(snapshot, *offset, t.config.snapshot_chunk_bytes_max);
    let (id, address, last) = (peer.id, peer.address, snapshot.last.index);
    let is_last = chunk.offset + chunk.bytes.len() as u64 >= chunk.size;
    t.send(id, address, Body::SnapshotRequest { chunk });
    if is_last && t.mutated(Mutation::SnapshotSentIsHeld) {
        update(t, place, |peer| peer.accepted(last));
    }
}

/// A peer answered a heartbeat. When it answers a second one and still not the chunk, the chunk or its answer is lost.
fn nudge_snapshot(t: &mut Transition<'_>, place: usize) {
    let Some(leader) = t.leading_mut() else { return };
    let Some(peer) = leader.peers.as_mut_slice().get_mut(place) else { return };
    let Mode::Snapshot(sending) = &mut peer.mode else { return };
    let lost = sending.silent;
    let midway = sending.offset > 0;
    sending.silent = !lost;
    if lost && !t.mutated(Mutation::ChunkNeverRepeated) {
        if midway {
            t.note(Fact::SnapshotResumed);
        }
        send_chunk(t, place);
    }
}
