//! What nodes say to each other, and what each message vouches for.
//!
//! Holds: a message that vouches for something on the sender's disk is not sent before it is there (`durability`).
//! Not here: what a receiver does with it (`election`, `replication`, `reading`, `snapshotting`, `transfer`).

use crate::log::LogSlice;
use crate::snapshot::Chunk;
use crate::types::{FAR, LogId, LogIndex, Term};

/// A message. Everyone who sees a higher term than its own follows it (paper, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// The sender's term.
    pub term: Term,
    /// What it says.
    pub body: Body,
}

impl Message {
    /// Whether anyone who follows the rules could say this: nobody knows of entries from terms after his own, a part is
    /// inside the whole, and numbers are such as a cluster can reach. Constant time.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let near = |number: u64| number <= FAR;
        let known = |id: LogId| id.term <= self.term && near(id.index.0);
        let says = match &self.body {
            Body::PreVoteRequest { last, .. } | Body::VoteRequest { last, .. } => known(*last),
            Body::PreVoteResponse { asked, .. } => near(asked.0),
            Body::AppendRequest { slice, commit } => known(slice.last()) && near(commit.0),
            Body::AppendAccepted { through } | Body::SnapshotAccepted { through } => near(through.0),
            Body::AppendRejected { prev, hint } => known(*prev) && known(*hint),
            Body::Heartbeat { commit, .. } => near(commit.0),
            Body::SnapshotRequest { chunk } => known(chunk.head.last) && chunk.is_possible(),
            Body::SnapshotReceived { last, held, .. } => known(*last) && near(*held),
            Body::ReadIndexResponse { index, .. } => near(index.0),
            Body::VoteResponse { .. }
            | Body::HeartbeatResponse { .. }
            | Body::TermOver
            | Body::NotAMember
            | Body::TimeoutNow
            | Body::ReadIndexRequest { .. } => true,
        };
        near(self.term.0) && says
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Body {
    /// Would you vote for me in the term after mine? (thesis 9.6)
    PreVoteRequest {
        /// The last entry of the asker.
        last: LogId,
        /// Its priority.
        priority: u32,
    },
    /// Answers `PreVoteRequest`.
    PreVoteResponse {
        /// The term of the request, so that an answer to an earlier one is told apart.
        asked: Term,
        /// Whether the answerer would.
        granted: bool,
    },
    /// Vote for me (paper, Figure 2, RequestVote).
    VoteRequest {
        /// The candidate's last entry.
        last: LogId,
        /// Whether a living leader is no reason to refuse: it asked for this election itself (thesis 3.10).
        forced: bool,
    },
    /// Answers `VoteRequest`.
    VoteResponse {
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// Append these entries (paper, Figure 2, AppendEntries).
    AppendRequest {
        /// The entries and the one they follow.
        slice: LogSlice,
        /// The leader's commit index.
        commit: LogIndex,
    },
    /// The receiver's log agrees with the leader's through here: what this append covered, not what the receiver
    /// has (CCF pull request 6016).
    AppendAccepted {
        /// The last index that the append covered.
        through: LogIndex,
    },
    /// The receiver's log does not hold the entry that the append follows.
    AppendRejected {
        /// The entry it lacks.
        prev: LogId,
        /// The last entry of the receiver where the logs may agree. Never counted as agreement.
        hint: LogId,
    },
    /// The leader lives.
    Heartbeat {
        /// What is committed of what the receiver is known to hold.
        commit: LogIndex,
        /// The newest round of asking whether the leader still leads (`reading`).
        round: u64,
    },
    /// Answers `Heartbeat`.
    HeartbeatResponse {
        /// The round of the heartbeat.
        round: u64,
        /// The priority of the answerer.
        priority: u32,
    },
    /// Replace your log's beginning by a snapshot, of which this is a part (paper, section 7, InstallSnapshot).
    SnapshotRequest {
        /// The part.
        chunk: Chunk,
    },
    /// Answers a chunk that does not complete the snapshot.
    SnapshotReceived {
        /// The last entry of the snapshot.
        last: LogId,
        /// The offset of the chunk, so that an answer to an earlier one is told apart.
        asked: u64,
        /// How many bytes of the state, from its beginning, the receiver holds.
        held: u64,
    },
    /// Everything through here is in the receiver's snapshot or log.
    SnapshotAccepted {
        /// The last index that the snapshot covered.
        through: LogIndex,
    },
    /// Your term is over: answers a leader of an earlier term.
    TermOver,
    /// The committed members leave you out: answers a node that asks for a vote (Apache Ratis, `shouldShutdown`).
    NotAMember,
    /// Stand for election now: the leader gives way to the receiver (thesis 3.10).
    TimeoutNow,
    /// From which index on are reads of the sender's clients up to date? (thesis 6.4)
    ReadIndexRequest {
        /// Names the request.
        context: ReadContext,
    },
    /// Answers `ReadIndexRequest`: everything acknowledged before the request was sent is committed through here.
    ReadIndexResponse {
        /// The request.
        context: ReadContext,
        /// What must be applied before a read that the request spoke for is served.
        index: LogIndex,
    },
}

/// Names a request for a read index. No two requests of a node have the same, not even of two of its processes: an
/// answer that a dead process waited for tells nothing about what its successor wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReadContext {
    /// `Config::incarnation` of the asker.
    pub incarnation: u64,
    /// Counts the requests of a process from 1.
    pub number: u64,
}

/// What a message promises about the sender's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouches {
    /// Nothing: it may leave at once.
    Nothing,
    /// The sender's term and vote are on its disk.
    HardState,
    /// As `HardState`, and so is its log through this index.
    Log(LogIndex),
}

impl Body {
    /// What this message vouches for: the whole table, each line with its argument.
    #[must_use]
    pub fn vouches(&self) -> Vouches {
        match self {
            // A pre-vote changes nothing anywhere, so a crash of either side takes nothing back.
            Body::PreVoteRequest { .. } | Body::PreVoteResponse { .. } => Vouches::Nothing,
            // The candidate counts itself and claims a log: after a crash it must not have voted otherwise in this
            // term, nor stand there with less than what it was voted for.
            Body::VoteRequest { last, .. } => Vouches::Log(last.index),
            // The vote, or at least the term, is given once.
            Body::VoteResponse { .. } => Vouches::HardState,
            // The leader's term was durable before it was elected. Its entries need not be: it counts itself only
            // once they are (thesis 10.2.1).
            Body::AppendRequest { .. } | Body::Heartbeat { .. } | Body::TimeoutNow => Vouches::Nothing,
            // The leader counts these entries as held.
            Body::AppendAccepted { through } | Body::SnapshotAccepted { through } => Vouches::Log(*through),
            // Members that are committed stay so, whatever happens to the sender.
            Body::NotAMember => Vouches::Nothing,
            // Nobody counts on an asker, and an index that a quorum committed stays committed.
            Body::ReadIndexRequest { .. } | Body::ReadIndexResponse { .. } => Vouches::Nothing,
            // What a snapshot contains is committed: a quorum holds it whatever happens to the sender.
            Body::SnapshotRequest { .. } => Vouches::Nothing,
            // All these say is that the sender is in this term. The part of a snapshot that it holds may be lost.
            Body::AppendRejected { .. }
            | Body::HeartbeatResponse { .. }
            | Body::SnapshotReceived { .. }
            | Body::TermOver => Vouches::HardState,
        }
    }

    /// Its name, in kebab case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Body::PreVoteRequest { .. } => "pre-vote-request",
            Body::PreVoteResponse { .. } => "pre-vote-response",
            Body::VoteRequest { .. } => "vote-request",
            Body::VoteResponse { .. } => "vote-response",
            Body::AppendRequest { .. } => "append-request",
            Body::AppendAccepted { .. } => "append-accepted",
            Body::AppendRejected { .. } => "append-rejected",
            Body::Heartbeat { .. } => "heartbeat",
            Body::HeartbeatResponse { .. } => "heartbeat-response",
            Body::SnapshotRequest { .. } => "snapshot-request",
            Body::SnapshotReceived { .. } => "snapshot-received",
            Body::SnapshotAccepted { .. } => "snapshot-accepted",
            Body::TermOver => "term-over",
            Body::NotAMember => "not-a-member",
            Body::TimeoutNow => "timeout-now",
            Body::ReadIndexRequest { .. } => "read-index-request",
            Body::ReadIndexResponse { .. } => "read-index-response",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Entry, Payload};
    use crate::snapshot::Snapshot;
    use std::sync::Arc;
    use std::vec::Vec;

    fn entries(prev: (u64, u64), terms: &[u64]) -> LogSlice {
        let entries = (prev.1 + 1..).zip(terms);
        let entry =
            |(index, term): (u64, &u64)| Entry { id: LogId::new(*term, index), payload: Payload::Blank };
        LogSlice::new(LogId::new(prev.0, prev.1), entries.map(entry).collect()).unwrap()
    }

    fn append(prev: (u64, u64), terms: &[u64], commit: u64) -> Body {
        Body::AppendRequest { slice: entries(prev, terms), commit: LogIndex(commit) }
    }

    fn chunk(last: (u64, u64), membership_at: (u64, u64), size: u64, offset: u64, len: usize) -> Body {
        let id = |(term, index)| LogId::new(term, index);
        let head = Snapshot { last: id(last), membership_at: id(membership_at), ..Snapshot::default() };
        let bytes: Vec<u8> = (0..len).map(|_| 0).collect();
        Body::SnapshotRequest { chunk: Chunk { head: Arc::new(head), size, offset, bytes: bytes.into() } }
    }

    /// Every kind of message, in the term 5 of its sender, as someone may say it.
    fn sayable() -> Vec<Body> {
        let last = LogId::new(5, 7);
        let context = ReadContext { incarnation: u64::MAX, number: u64::MAX };
        std::vec![
            Body::PreVoteRequest { last, priority: u32::MAX },
            Body::PreVoteResponse { asked: Term(9), granted: true },
            Body::VoteRequest { last, forced: true },
            Body::VoteResponse { granted: false },
            append((0, 0), &[1, 5], 9),
            append((5, 7), &[], 0),
            Body::AppendAccepted { through: LogIndex(7) },
            Body::AppendRejected { prev: last, hint: LogId::new(4, 6) },
            Body::Heartbeat { commit: LogIndex(7), round: u64::MAX },
            Body::HeartbeatResponse { round: u64::MAX, priority: 0 },
            chunk((5, 7), (5, 7), 4, 0, 4),
            chunk((5, 7), (0, 0), 4, 4, 0),
            Body::SnapshotReceived { last, asked: 0, held: 3 },
            Body::SnapshotAccepted { through: LogIndex(7) },
            Body::TermOver,
            Body::NotAMember,
            Body::TimeoutNow,
            Body::ReadIndexRequest { context },
            Body::ReadIndexResponse { context, index: LogIndex(7) },
        ]
    }

    #[test]
    fn what_a_node_may_say_is_possible_and_in_an_impossible_term_it_is_not() {
        for body in sayable() {
            assert!(Message { term: Term(5), body: body.clone() }.is_possible(), "{body:?}");
            assert!(!Message { term: Term(FAR + 1), body: body.clone() }.is_possible(), "{body:?}");
        }
    }

    #[test]
    fn nobody_speaks_of_entries_after_his_term_of_parts_beyond_the_whole_or_of_numbers_out_of_reach() {
        let later = LogId::new(6, 7);
        let far = LogId::new(5, FAR + 1);
        let table = [
            Body::PreVoteRequest { last: later, priority: 0 },
            Body::PreVoteRequest { last: far, priority: 0 },
            Body::PreVoteResponse { asked: Term(FAR + 1), granted: true },
            Body::VoteRequest { last: later, forced: false },
            Body::VoteRequest { last: far, forced: false },
            append((6, 7), &[], 0),
            append((5, 7), &[5, 6], 0),
            append((5, FAR + 1), &[], 0),
            append((5, 7), &[5], FAR + 1),
            Body::AppendAccepted { through: LogIndex(u64::MAX) },
            Body::AppendRejected { prev: later, hint: LogId::default() },
            Body::AppendRejected { prev: LogId::new(5, 7), hint: later },
            Body::AppendRejected { prev: far, hint: LogId::default() },
            Body::Heartbeat { commit: LogIndex(u64::MAX), round: 0 },
            chunk((6, 7), (5, 5), 4, 0, 4),
            chunk((5, FAR + 1), (5, 5), 4, 0, 4),
            chunk((5, 7), (5, 8), 4, 0, 4),
            chunk((5, 7), (6, 1), 4, 0, 4),
            chunk((5, 7), (5, 5), 4, 1, 4),
            chunk((5, 7), (5, 5), u64::MAX, u64::MAX, 4),
            chunk((5, 7), (5, 5), FAR + 1, 0, 4),
            Body::SnapshotReceived { last: later, asked: 0, held: 0 },
            Body::SnapshotReceived { last: LogId::new(5, 7), asked: 0, held: FAR + 1 },
            Body::SnapshotAccepted { through: LogIndex(u64::MAX) },
            Body::ReadIndexResponse {
                context: ReadContext { incarnation: 0, number: 0 },
                index: LogIndex(u64::MAX),
            },
        ];
        for body in table {
            assert!(!Message { term: Term(5), body: body.clone() }.is_possible(), "{body:?}");
        }
    }

    #[test]
    fn only_what_a_crash_cannot_take_back_vouches_for_nothing() {
        let free = [
            "pre-vote-request",
            "pre-vote-response",
            "append-request",
            "heartbeat",
            "snapshot-request",
            "not-a-member",
            "timeout-now",
            "read-index-request",
            "read-index-response",
        ];
        for body in sayable() {
            let expected = free.contains(&body.name());
            assert_eq!(body.vouches() == Vouches::Nothing, expected, "{}", body.name());
        }
        let log = |body: Body| body.vouches();
        assert_eq!(log(Body::AppendAccepted { through: LogIndex(7) }), Vouches::Log(LogIndex(7)));
        assert_eq!(log(Body::SnapshotAccepted { through: LogIndex(7) }), Vouches::Log(LogIndex(7)));
        assert_eq!(
            log(Body::VoteRequest { last: LogId::new(5, 7), forced: false }),
            Vouches::Log(LogIndex(7))
        );
        assert_eq!(log(Body::VoteResponse { granted: false }), Vouches::HardState);
    }
}
