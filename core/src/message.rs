//! What nodes say to each other, and what each message vouches for.
//!
//! Holds: a message that vouches for something on the sender's disk is not sent before it is there (`durability`).
//! Not here: what a receiver does with it (`election`, `replication`, `reading`, `snapshotting`, `transfer`).

use crate::log::LogSlice;
use crate::snapshotting::Chunk;
use crate::types::{LogId, LogIndex, Term};

/// A message. Everyone who sees a higher term than its own follows it (paper, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// The sender's term.
    pub term: Term,
    /// What it says.
    pub body: Body,
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
