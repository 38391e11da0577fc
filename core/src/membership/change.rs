//! What may be asked of a membership, why it may be refused, and what it amounts to.
//!
//! Not here: making the plan of a change (`planning`).
//!
//! The changes are those of openraft (`Members`, `AddLearner`, `Append`), Apache Ratis (`SetConfiguration`), the
//! thesis' single-server change (`AddServer`, `RemoveServer`), and the extended algorithm of which all are special
//! cases (`To`).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

pub use super::NextStep;
use super::{Membership, NotAMembership, VoterSet};
use crate::config::Intersect;
use crate::rules::Rules;
use crate::types::{Address, LogIndex, NodeId, Term};

/// A membership change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Change {
    /// openraft `add_learner`: takes part without a vote. A node that takes part already keeps its address.
    AddLearner {
        /// Who.
        node: NodeId,
        /// Where it is reached.
        address: Address,
        /// Whether the answer waits until it lacks no more than `Config::replication_lag_threshold` entries. It does
        /// not wait for a learner that is this leader or was removed again, nor longer than the leader leads.
        blocking: bool,
    },
    /// openraft `change_membership`: at most two entries, joint and then uniform.
    Members {
        /// What changes.
        members: ChangeMembers,
        /// Whether voters that are no longer wanted stay as learners (`turn_to_learner` before openraft 0.8).
        retain: bool,
    },
    /// openraft `append_membership`: exactly these voter sets, in one entry.
    Append {
        /// The voter sets.
        sets: Vec<VoterSet>,
        /// Addresses of those that are not known yet.
        nodes: BTreeMap<NodeId, Address>,
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
    },
    /// The extended algorithm: these voter sets, by as few safe steps as it takes.
    To {
        /// The voter sets.
        sets: Vec<VoterSet>,
        /// Addresses of those that are not known yet.
        nodes: BTreeMap<NodeId, Address>,
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
    },
    /// Thesis 4.1: one more voter, in one entry.
    AddServer {
        /// Who.
        node: NodeId,
        /// Where it is reached.
        address: Address,
    },
    /// Thesis 4.1: one voter less, in one entry.
    RemoveServer {
        /// Who.
        node: NodeId,
    },
    /// Apache Ratis `setConfiguration`: new servers catch up first, then joint, then uniform.
    SetConfiguration {
        /// How the request relates to the members there are.
        mode: SetMode,
        /// The voters.
        servers: BTreeMap<NodeId, Address>,
        /// The learners.
        listeners: BTreeMap<NodeId, Address>,
    },
    /// Only if the leader's state is the expected one (openraft `change_membership_if`).
    If {
        /// What is expected.
        precondition: Precondition,
        /// The change.
        change: Box<Change>,
    },
}

/// openraft `ChangeMembers`. All start from the last voter set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChangeMembers {
    /// Learners get a vote.
    AddVoterIds(BTreeSet<NodeId>),
    /// Nodes get a vote; those that take part already keep their address.
    AddVoters(BTreeMap<NodeId, Address>),
    /// Voters lose the vote; who has none is ignored.
    RemoveVoters(BTreeSet<NodeId>),
    /// Exactly these vote.
    ReplaceAllVoters(BTreeSet<NodeId>),
    /// Learners are added; those that take part already keep their address.
    AddNodes(BTreeMap<NodeId, Address>),
    /// Nodes are added or get another address. **May split the brain** when the address is another node's.
    SetNodes(BTreeMap<NodeId, Address>),
    /// Learners take part no longer.
    RemoveNodes(BTreeSet<NodeId>),
    /// Exactly these take part, at these addresses.
    ReplaceAllNodes(BTreeMap<NodeId, Address>),
    /// One after the other, as one change.
    Batch(Vec<ChangeMembers>),
}

/// Apache Ratis `SetConfigurationRequest.Mode`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SetMode {
    /// The given servers and listeners are the new members.
    Set,
    /// They are added; a node that takes part already takes the given address.
    Add,
    /// As `Set`, if the members are these now. Only ids are compared.
    CompareAndSet {
        /// The expected voters.
        servers: BTreeSet<NodeId>,
        /// The expected learners.
        listeners: BTreeSet<NodeId>,
    },
}

/// What must be true for a conditional change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Precondition {
    /// The last membership stands at this index.
    LastMembership(LogIndex),
    /// The last entry stands at this index.
    LastEntry(LogIndex),
    /// The leader leads in this term.
    LeaderTerm(Term),
    /// Nobody who gets a vote lags behind by more than `Config::replication_lag_threshold` entries (openraft before
    /// 0.8, `allow_lagging = false`). Refused with `LearnerIsLagging`.
    LearnersCaughtUp,
}

/// Why a change was refused. Nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ChangeRefused {
    /// The last membership is not committed yet.
    InProgress,
    /// A voter set would be empty.
    EmptyMembership,
    /// A voter would have no address.
    LearnerNotFound,
    /// A conditional change met another state than it expects.
    PreconditionFailed,
    /// A learner that gets a vote lags behind, and that is not allowed.
    LearnerIsLagging,
    /// The leader has not committed an entry of its own term.
    UncommittedLeaderLog,
    /// A quorum of the new members need not meet one of the old ones.
    UnsupportedMembershipTransition,
    /// An address is given that differs from the known one.
    NodeMetadataChanged,
    /// The change adds a majority of servers at once.
    MajorityAdd,
    /// A server to be added did not catch up in time.
    CatchUpTimedOut,
    /// A single-server change needs a uniform config.
    AlreadyJoint,
    /// The node votes already.
    AlreadyVoter,
    /// The node does not vote.
    NotAVoter,
    /// The id belonged to a node that is gone.
    IdReused,
    /// Leadership is being given away.
    Transferring,
}

impl ChangeRefused {
    /// Every refusal, for tables.
    pub const ALL: &'static [ChangeRefused] = &[
        ChangeRefused::InProgress,
        ChangeRefused::EmptyMembership,
        ChangeRefused::LearnerNotFound,
        ChangeRefused::PreconditionFailed,
        ChangeRefused::LearnerIsLagging,
        ChangeRefused::UncommittedLeaderLog,
        ChangeRefused::UnsupportedMembershipTransition,
        ChangeRefused::NodeMetadataChanged,
        ChangeRefused::MajorityAdd,
        ChangeRefused::CatchUpTimedOut,
        ChangeRefused::AlreadyJoint,
        ChangeRefused::AlreadyVoter,
        ChangeRefused::NotAVoter,
        ChangeRefused::IdReused,
        ChangeRefused::Transferring,
    ];

    /// Its name, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ChangeRefused::InProgress => "in-progress",
            ChangeRefused::EmptyMembership => "empty-membership",
            ChangeRefused::LearnerNotFound => "learner-not-found",
            ChangeRefused::PreconditionFailed => "precondition-failed",
            ChangeRefused::LearnerIsLagging => "learner-is-lagging",
            ChangeRefused::UncommittedLeaderLog => "uncommitted-leader-log",
            ChangeRefused::UnsupportedMembershipTransition => "unsupported-membership-transition",
            ChangeRefused::NodeMetadataChanged => "node-metadata-changed",
            ChangeRefused::MajorityAdd => "majority-add",
            ChangeRefused::CatchUpTimedOut => "catch-up-timed-out",
            ChangeRefused::AlreadyJoint => "already-joint",
            ChangeRefused::AlreadyVoter => "already-voter",
            ChangeRefused::NotAVoter => "not-a-voter",
            ChangeRefused::IdReused => "id-reused",
            ChangeRefused::Transferring => "transferring",
        }
    }
}

impl From<NotAMembership> for ChangeRefused {
    fn from(error: NotAMembership) -> ChangeRefused {
        match error {
            NotAMembership::Empty => ChangeRefused::EmptyMembership,
            NotAMembership::VoterWithoutAddress(_) => ChangeRefused::LearnerNotFound,
        }
    }
}

/// What a change amounts to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Who must catch up before the first step, with their addresses. Empty but for `SetConfiguration`.
    pub catch_up: BTreeMap<NodeId, Address>,
    /// The first entry; `None` when there is nothing to do.
    pub first: Option<Membership>,
    /// What follows once it is committed.
    pub next: Option<NextStep>,
}

impl Plan {
    pub(super) fn one_step(first: Membership) -> Plan {
        Plan { catch_up: BTreeMap::new(), first: Some(first), next: None }
    }

    pub(super) fn nothing_to_do() -> Plan {
        Plan { catch_up: BTreeMap::new(), first: None, next: None }
    }
}

/// What decides about a change besides the membership itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The form of `old-new-intersect`.
    pub intersect: Intersect,
    /// Whether a change in Ratis' style may add a majority of servers at once.
    pub majority_add: bool,
    /// Which rules are kept.
    pub rules: Rules,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { intersect: Intersect::Shared, majority_add: false, rules: Rules::all_on() }
    }
}
