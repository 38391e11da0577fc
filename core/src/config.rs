//! What the caller decides before a node boots.
//!
//! Holds: nothing here can break safety, except `rules`.
//! Not here: who takes part; that is in the log and in snapshots (`membership`).

use crate::rules::Rules;
use crate::types::{NodeId, Within};

/// The settings of one node. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// Who this node is.
    pub id: NodeId,
    /// How long a follower waits for a sign of life from a leader before it stands for election.
    pub election: Within,
    /// How often a leader speaks when it has nothing to say.
    pub heartbeat: u64,
    /// Ask whether an election could be won before starting it (thesis 9.6). On by default: without it, a node
    /// that comes back from a partition ends a living leader's term.
    pub pre_vote: bool,
    /// A leader that has not heard from a quorum for `election.min` steps down (thesis 6.2). On by default: without
    /// it, a leader cut off from its followers keeps clients waiting, and pre-vote can leave a cluster without a
    /// leader under partial connectivity.
    pub check_quorum: bool,
    /// Refuse to vote for `election.min` after a sign of life from the leader (thesis 4.2.3). On by default; the
    /// rule of the same name switches it off as well.
    pub stickiness: bool,
    /// Who should rather lead: the higher number. A voter refuses its pre-vote to a candidate of lower priority that has
    /// no more entries than itself, and a leader gives way, once a term, to a caught-up voter of higher priority (as
    /// Ratis and raft-rs). Votes do not look at it, so safety does not depend on it. All equal by default.
    pub priority: u32,
    /// How a leader makes sure that a read is not stale.
    pub reads: ReadsBy,
    /// How far any node's clock may be wrong, in parts per million. Only leases rely on it: **a clock that is worse
    /// may serve stale reads**.
    pub drift_max_ppm: u64,
    /// Whether nodes that do not lead serve reads, by asking the leader for a read index (thesis 6.4), instead of
    /// refusing them.
    pub follower_reads: bool,
    /// A number that no earlier process of this node had: a count of its boots, or drawn from a large range. Only reads
    /// at followers rely on it: **a process with the number of an earlier one may serve stale reads**.
    pub incarnation: u64,
    /// Most entries in one append.
    pub batch_entries_max: u64,
    /// Most bytes of commands in one append; a single command may be larger.
    pub batch_bytes_max: u64,
    /// Most entries sent to one peer and not acknowledged yet.
    pub inflight_entries_max: u64,
    /// Most bytes of commands sent to one peer and not acknowledged yet; a single command may be larger.
    pub inflight_bytes_max: u64,
    /// Most bytes of commands that a leader holds uncommitted before it refuses further ones.
    pub uncommitted_bytes_max: u64,
    /// Most bytes of a machine's state in one message of a snapshot's transfer.
    pub snapshot_chunk_bytes_max: u64,
    /// How many entries stay in the log behind a snapshot when it is taken, so that a follower a little behind is
    /// served from the log and not by a snapshot.
    pub trailing_entries: u64,
    /// Who ends a joint config whose proposer is gone.
    pub joint_finish: JointFinish,
    /// How the rule `old-new-intersect` decides.
    pub intersect: Intersect,
    /// Whether a leader that becomes a learner goes on leading (as openraft 0.10) instead of stepping down once
    /// the membership is committed.
    pub learner_may_lead: bool,
    /// Whether a change in Ratis' style may add a majority of servers at once (RATIS-1912).
    pub majority_add: bool,
    /// Whether a node that learns that it takes part no longer shuts down (Apache Ratis; hashicorp/raft), and leaders
    /// tell such nodes. Off by default, as in openraft: it is left running, and to be shut down from outside.
    pub shutdown_on_remove: bool,
    /// How many entries a learner may lack and still count as caught up, for a blocking `Change::AddLearner` and for
    /// `Precondition::LearnersCaughtUp` (openraft, `replication_lag_threshold`).
    pub replication_lag_threshold: u64,
    /// How long a server may be silent while it catches up before a change in Ratis' style is given up.
    pub staging_timeout: u64,
    /// How many entries a server may lack and still count as caught up.
    pub staging_gap: u64,
    /// Which safety rules are kept.
    pub rules: Rules,
    /// A deliberate mistake, for testing the checkers.
    #[cfg(feature = "mutations")]
    pub mutation: Option<crate::mutation::Mutation>,
}

/// How a leader makes sure that a read is not stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReadsBy {
    /// It asks a quorum whether it still leads (thesis 6.4). Needs no clock.
    ReadIndex,
    /// It knows that a quorum will not vote for another yet (thesis 6.4.1). Needs stickiness, and clocks within
    /// `drift_max_ppm`; without a lease in force it asks.
    Lease,
}

/// Who ends a joint config whose proposer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum JointFinish {
    /// Nobody; the next change leaves it (openraft).
    Leave,
    /// The next leader, by flattening it to its last set (Ratis, etcd).
    Finish,
}

/// The two forms of the rule `old-new-intersect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Intersect {
    /// Old and new share an identical voter set, or are uniform and differ in one node (openraft).
    Shared,
    /// Any quorum of the old meets any quorum of the new. Implied by `Shared`, and allows more.
    Exact,
}

impl Config {
    /// How long a lease lasts on the leader's own clock: while it runs, a follower that promised not to vote for
    /// `election.min` still keeps the promise, even if the leader's clock is as slow and the follower's as fast as
    /// `drift_max_ppm` allows.
    #[must_use]
    pub const fn lease(&self) -> u64 {
        const WHOLE: u64 = 1_000_000;
        let drift = if self.drift_max_ppm < WHOLE { self.drift_max_ppm } else { WHOLE };
        let exact = self.election.min as u128 * (WHOLE - drift) as u128 / (WHOLE + drift) as u128;
        exact as u64
    }

    /// Production defaults for a node: the paper's timing (150 to 300 ms), pre-vote, check-quorum and stickiness on.
    #[must_use]
    pub const fn new(id: NodeId) -> Config {
        Config {
            id,
            election: Within { min: 150_000_000, max: 300_000_000 },
            heartbeat: 50_000_000,
            pre_vote: true,
            check_quorum: true,
            stickiness: true,
            priority: 0,
            reads: ReadsBy::ReadIndex,
            drift_max_ppm: 10_000,
            follower_reads: false,
            incarnation: 0,
            batch_entries_max: 64,
            batch_bytes_max: 1 << 20,
            inflight_entries_max: 256,
            inflight_bytes_max: 16 << 20,
            uncommitted_bytes_max: 64 << 20,
            snapshot_chunk_bytes_max: 1 << 20,
            trailing_entries: 0,
            joint_finish: JointFinish::Leave,
            intersect: Intersect::Shared,
            learner_may_lead: true,
            majority_add: false,
            shutdown_on_remove: false,
            replication_lag_threshold: 5000,
            staging_timeout: 1_000_000_000,
            staging_gap: 1000,
            rules: Rules::all_on(),
            #[cfg(feature = "mutations")]
            mutation: None,
        }
    }
}
