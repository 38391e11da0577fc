//! Snapshots: the log's beginning replaced by the machine's state (paper, section 7; thesis 5).
//!
//! Holds: a snapshot contains only what is committed; it never replaces a log that holds its last entry; what is
//! installed is one snapshot of one leader, whole.
//! Not here: the state itself, opaque bytes of the caller's machine.
//!
//! A snapshot travels in chunks, one at a time. The receiver says how much it holds, and the leader goes on from there:
//! after a lost chunk or a partition the transfer resumes. Half a snapshot is kept in memory only. A restart loses it,
//! and a new leader replaces it, even by one with the same last entry: two machines may write the same state in
//! different bytes.

use alloc::sync::Arc;

use crate::fact::Fact;
use crate::log::Log;
use crate::membership::History;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::progress::{Mode, Sending};
use crate::rules::Rule;
use crate::snapshot::{Chunk, Incoming, Snapshot};
use crate::transition::Transition;
use crate::types::{LogId, LogIndex, NodeId};
use crate::{committing, following, reconfiguration, serving, waiting};

/// The machine's state is taken: the log below it is not needed any more, but for a tail for followers that are a
/// little behind.
pub(crate) fn on_taken(t: &mut Transition<'_>, through: LogIndex, state: Arc<[u8]>) {
    if through > t.applied || through <= t.snapshot.last.index {
        return;
    }
    let Some(last) = t.log.id_at(through) else { return };
    let is_committed =
        t.keeps(Rule::SnapshotCarriesCommittedMembership) && !t.mutated(Mutation::SnapshotLatestMembers);
    let (membership_at, membership) =
        if is_committed { t.members.at(through).clone() } else { t.members.effective().clone() };
    t.note(Fact::LogCompacted);
    t.snapshot = Arc::new(Snapshot { last, membership_at, membership, state });
    let trailing = t.config.trailing_entries;
    t.compact(LogIndex(through.0.saturating_sub(trailing)));
    t.members.compact(through);
    t.snapshot_changed();
}

/// A peer holds the first bytes of a snapshot's state. Only the answer to the chunk under way counts; it may also say
/// that the peer has lost what it held.
pub(crate) fn on_received(t: &mut Transition<'_>, from: NodeId, last: LogId, asked: u64, held: u64) {
    let Some(leader) = t.leading_mut() else { return };
    let Some(place) = leader.peers.place(from) else { return };
    let peer = &mut leader.peers.as_mut_slice()[place];
    peer.heard = true;
    if let Mode::Snapshot(sending) = &mut peer.mode
        && sending.snapshot.last == last
        && sending.offset == asked
        && held != asked
    {
        *sending = Sending { offset: held, silent: false, ..sending.clone() };
        if held < asked {
            t.note(Fact::SnapshotStartedOver);
        }
        serving::send_chunk(t, place);
    }
    reconfiguration::on_progress(t, from);
}

// The receiver.

pub(crate) fn on_request(t: &mut Transition<'_>, from: NodeId, chunk: &Chunk) {
    if !following::on_leader_contact(t, from) {
        return;
    }
    let last = chunk.head.last;
    let by_index = t.mutated(Mutation::SnapshotHeldByIndex) && last.index <= t.log.last().index;
    let held = by_index || t.log.matches(last) && !t.mutated(Mutation::SnapshotOverLongerLog);
    if last.index <= t.commit || held {
        t.note(Fact::SnapshotOutdated);
        let through = if t.mutated(Mutation::SnapshotCommitsTail) { t.log.last().index } else { last.index };
        committing::advance_commit(t, through);
    } else {
        match take_chunk(t, chunk) {
            Taken::Whole(snapshot) => install(t, snapshot),
            Taken::Part { held } => {
                return t.reply(Body::SnapshotReceived { last, asked: chunk.offset, held });
            }
            Taken::Late => return,
        }
    }
    t.reply(Body::SnapshotAccepted { through: last.index });
}

/// What a chunk came to.
enum Taken {
    /// The snapshot is whole.
    Whole(Snapshot),
    /// So many bytes are here.
    Part { held: u64 },
    /// It is of an older snapshot than the one that is being received.
    Late,
}

fn take_chunk(t: &mut Transition<'_>, chunk: &Chunk) -> Taken {
    let term = t.term();
    let mut incoming = match t.incoming.take() {
        Some(before) if before.term == term && before.head.last == chunk.head.last => before,
        Some(before) if before.term == term && before.head.last > chunk.head.last => {
            t.incoming = Some(before);
            return Taken::Late;
        }
        Some(before) if t.mutated(Mutation::ChunkOfAnotherSnapshot) => {
            Incoming { term, head: Arc::clone(&chunk.head), ..before }
        }
        before => {
            if before.is_some_and(|before| !before.bytes.is_empty()) {
                t.note(Fact::SnapshotAbandoned);
            }
            Incoming { term, head: Arc::clone(&chunk.head), bytes: Arc::default() }
        }
    };
    let follows = incoming.bytes.len() as u64 == chunk.offset || t.mutated(Mutation::ChunkOffsetIgnored);
    if follows {
        Arc::make_mut(&mut incoming.bytes).extend_from_slice(&chunk.bytes);
    }
    let held = incoming.bytes.len() as u64;
    if held < chunk.size {
        t.incoming = Some(incoming);
        return Taken::Part { held };
    }
    Taken::Whole(Snapshot { state: Arc::from(incoming.bytes.as_slice()), ..Snapshot::clone(&incoming.head) })
}

/// Replaces the log. The machine takes the state once the snapshot is on the disk.
fn install(t: &mut Transition<'_>, snapshot: Snapshot) {
    t.note(Fact::SnapshotInstalled);
    if t.durability.is_writing() {
        t.note(Fact::SnapshotMidWrite);
    }
    let first_gone = t.commit.next();
    t.durability.cut(first_gone);
    t.log = Log::starting_after(snapshot.last);
    t.log_changed(first_gone);
    if !t.mutated(Mutation::InstallKeepsMembers) {
        t.members = History::starting_with(snapshot.membership_at, Arc::clone(&snapshot.membership));
    }
    t.commit = snapshot.last.index;
    t.snapshot = Arc::new(snapshot);
    t.snapshot_changed();
    waiting::maybe_wait_for_election(t);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Node, config, members};
    use std::vec;

    #[test]
    fn chunks_one_after_the_other_are_the_state() {
        let state: Arc<[u8]> = (0..10).collect();
        let snapshot = Snapshot { last: LogId::new(2, 7), state, ..Snapshot::default() };
        for bytes_max in [0, 1, 3, 5, 10, 11, u64::MAX] {
            let mut bytes = vec![];
            while bytes.len() < 10 {
                let chunk = Chunk::of(&snapshot, bytes.len() as u64, bytes_max);
                assert_eq!(
                    (chunk.head.last, chunk.size, chunk.offset),
                    (snapshot.last, 10, bytes.len() as u64)
                );
                assert!(chunk.head.state.is_empty() && !chunk.bytes.is_empty());
                assert!(chunk.bytes.len() as u64 <= bytes_max.max(1));
                bytes.extend_from_slice(&chunk.bytes);
            }
            assert_eq!(*bytes, *snapshot.state);
        }
    }

    #[test]
    fn beyond_its_end_a_state_has_an_empty_chunk() {
        let chunk = Chunk::of(&Snapshot::default(), 5, 3);
        assert_eq!((chunk.size, chunk.offset, chunk.bytes.len()), (0, 0, 0));
    }

    fn taken(node: &mut Node, through: u64) {
        node.step(crate::Input::SnapshotTaken { through: LogIndex(through), state: Arc::from(*b"12345678") });
    }

    fn snapshot(last: (u64, u64), state: &[u8]) -> Snapshot {
        let membership = Arc::new(members(&[1, 2, 3], &[]));
        Snapshot {
            last: LogId::new(last.0, last.1),
            membership,
            state: Arc::from(state),
            ..Snapshot::default()
        }
    }

    fn part(whole: &Snapshot, offset: u64, len: u64) -> Body {
        Body::SnapshotRequest { chunk: Chunk::of(whole, offset, len) }
    }

    /// A follower of 3 in term 2, with (1,1) in its log.
    fn following() -> Node {
        let mut node = Node::with_log(config(), &[1]);
        node.hear(3, 2, Body::Heartbeat { commit: LogIndex(0), round: 0 });
        node.finish_writes();
        node
    }

    /// What the receiver says once its disk is done.
    fn answer(node: &Node) -> Option<Body> {
        let mut node = node.clone();
        if node.sent().is_empty() {
            node.finish_writes();
        }
        node.sent().first().map(|(_, body)| (*body).clone())
    }

    #[test]
    fn a_snapshot_is_taken_of_what_is_applied_and_newer_than_the_last_one() {
        // What is taken, in turn => through where the snapshot goes then
        let mut node = Node::leading(config(), &[1, 1, 1]);
        for (through, expected) in [(5, 0), (2, 2), (1, 2), (2, 2), (4, 4), (9, 4)] {
            taken(&mut node, through);
            assert_eq!(node.raft.snapshot().last.index, LogIndex(expected), "{through}");
            assert_eq!(node.raft.log().base().index, LogIndex(expected), "{through}");
        }
    }

    /// A log of 1 1 2 with the first committed, and a snapshot: the log is replaced unless it holds its last entry.
    #[test]
    fn a_snapshot_replaces_no_log_that_holds_its_last_entry() {
        // last entry => log from and to, commit
        let table = [
            ((1, 1), ((0, 0), (2, 3)), 1),
            ((1, 2), ((0, 0), (2, 3)), 2),
            ((2, 3), ((0, 0), (2, 3)), 3),
            ((2, 2), ((2, 2), (2, 2)), 2),
            ((2, 4), ((2, 4), (2, 4)), 4),
        ];
        let id = |(term, index)| LogId::new(term, index);
        for (last, (base, end), commit) in table {
            let mut node = Node::with_log(config(), &[1, 1, 2]);
            node.hear(3, 2, Body::Heartbeat { commit: LogIndex(1), round: 0 });
            node.hear(3, 2, part(&snapshot(last, b"state"), 0, 9));
            assert_eq!((node.raft.log().base(), node.raft.log().last()), (id(base), id(end)), "{last:?}");
            assert_eq!(node.raft.commit(), LogIndex(commit), "{last:?}");
            assert_eq!(answer(&node), Some(Body::SnapshotAccepted { through: LogIndex(last.1) }));
        }
    }

    #[test]
    fn chunks_add_up_in_order_and_what_comes_twice_or_early_adds_nothing() {
        let whole = snapshot((2, 9), b"0123456789");
        // Offset and length of each chunk => what the receiver holds then.
        let table = [(0, 4, 4), (0, 4, 4), (8, 2, 4), (2, 4, 4), (4, 3, 7), (4, 4, 7)];
        let mut node = following();
        for (offset, len, held) in table {
            node.hear(3, 2, part(&whole, offset, len));
            let expected = Body::SnapshotReceived { last: whole.last, asked: offset, held };
            assert_eq!(answer(&node), Some(expected), "{offset} {len}");
        }
        node.hear(3, 2, part(&whole, 7, 9));
        assert_eq!(*node.raft.snapshot().state, *b"0123456789");
    }

    #[test]
    fn half_a_snapshot_is_given_up_for_a_later_one_or_another_leaders() {
        let (old, new) = (snapshot((2, 5), b"old!"), snapshot((2, 9), b"newer"));
        let mut node = following();
        node.hear(3, 2, part(&old, 0, 2));
        node.hear(3, 2, part(&new, 0, 2));
        assert!(node.noted(Fact::SnapshotAbandoned));
        node.hear(3, 2, part(&old, 2, 2));
        assert_eq!(node.sent(), [], "late: the newer one is on its way");
        // The same last entry, but of another leader, whose machine may write its state otherwise.
        node.hear(2, 3, part(&new, 2, 3));
        assert!(node.noted(Fact::SnapshotAbandoned));
        assert_eq!(answer(&node), Some(Body::SnapshotReceived { last: new.last, asked: 2, held: 0 }));
    }

    #[test]
    fn a_sender_goes_on_from_what_the_receiver_holds() {
        let chunks_of_3 = crate::Config { snapshot_chunk_bytes_max: 3, ..config() };
        let mut node = Node::leading(chunks_of_3, &[1]);
        taken(&mut node, 2);
        node.hear(3, 2, Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::default() });
        let last = LogId::new(2, 2);
        let offset = |node: &Node| match node.sent().first() {
            Some((3, Body::SnapshotRequest { chunk })) => Some(chunk.offset),
            _ => None,
        };
        assert_eq!(offset(&node), Some(0));
        // What 3 says: asked, held => what it is sent then
        for (asked, held, expected) in
            [(0, 3, Some(3)), (0, 3, None), (3, 3, None), (3, 6, Some(6)), (6, 0, Some(0)), (0, 8, Some(8))]
        {
            node.hear(3, 2, Body::SnapshotReceived { last, asked, held });
            assert_eq!(offset(&node), expected, "{asked} {held}");
        }
        node.hear(3, 2, Body::SnapshotReceived { last: LogId::new(1, 1), asked: 8, held: 1 });
        assert_eq!(offset(&node), None, "of another snapshot");
        node.hear(3, 2, Body::SnapshotAccepted { through: LogIndex(2) });
        node.propose(1, b"x");
        assert!(node.sent().iter().any(|(to, body)| *to == 3 && body.name() == "append-request"));
    }

    #[test]
    fn a_silent_receiver_is_sent_the_chunk_again_at_its_second_heartbeat() {
        let mut node = Node::leading(config(), &[1]);
        taken(&mut node, 2);
        node.hear(3, 2, Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::default() });
        let chunks =
            |node: &Node| node.sent().iter().filter(|(_, body)| body.name() == "snapshot-request").count();
        for expected in [0, 1, 0, 1] {
            node.fire(crate::Timer::Heartbeat);
            node.hear(3, 2, Body::HeartbeatResponse { round: 0, priority: 0 });
            assert_eq!(chunks(&node), expected);
        }
    }

    #[test]
    fn the_machine_is_restored_when_the_snapshot_is_on_the_disk() {
        let restores =
            |node: &Node| node.asked.iter().any(|effect| matches!(effect, crate::Effect::Restore(_)));
        let mut node = Node::with_log(config(), &[1]);
        node.hear(3, 2, part(&snapshot((2, 9), b"state"), 0, 9));
        assert!(!restores(&node) && node.sent().is_empty());
        node.finish_writes();
        assert!(restores(&node));
        assert_eq!((node.raft.applied(), node.raft.durable()), (LogIndex(9), LogIndex(9)));
    }

    #[test]
    fn what_is_committed_meanwhile_needs_no_snapshot() {
        let mut node = Node::with_log(config(), &[2, 2, 2]);
        node.hear(3, 2, part(&snapshot((2, 5), b"state"), 0, 2));
        assert!(node.state().incoming.is_some());
        let entries = crate::testing::slice((2, 3), &[2, 2]);
        node.hear(3, 2, Body::AppendRequest { slice: entries, commit: LogIndex(5) });
        assert!(node.state().incoming.is_none());
    }
}
