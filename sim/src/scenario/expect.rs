//! What must have come of a scenario at its end.
//!
//! Holds: an empty set of violations means that none may be found.
//! Not here: expectations in the middle of a story (`step`), and judging them (`runner`).

use std::collections::BTreeSet;

use crate::protocol::NodeId;

/// What must have come of a scenario at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The promises that must be broken, all of them, and no others; empty when none may be.
    pub violations: BTreeSet<Property>,
    /// Whether the story goes on to its end when all of them are broken, instead of ending there.
    pub goes_on: bool,
    /// Facts that must have been noted at least once.
    pub seen: BTreeSet<String>,
    /// Facts that must not have been noted.
    pub never: BTreeSet<String>,
    /// Who must be the only one that leads at the end.
    pub leader: Option<NodeId>,
}

/// A promise that a checker judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// At most one leader in an epoch.
    ElectionSafety,
    /// A leader never changes its own log but at the end.
    LeaderAppendOnly,
    /// Logs that agree at an index agree before it.
    LogMatching,
    /// A leader holds everything that was committed before its reign.
    LeaderCompleteness,
    /// No two machines apply different commands at one index.
    StateMachineSafety,
    /// What is committed is on the disks of a quorum.
    CommitDurability,
    /// Clients see one copy.
    Linearizability,
    /// Without faults, the cluster agrees within a stated time.
    Convergence,
    /// Terms and commit indexes of a process never fall.
    Monotonicity,
    /// Talk serves something, and a cluster that agrees is all but silent.
    Quiescence,
    /// The protocol's own assertions hold.
    Invariant,
}

impl Property {
    /// Every property, in order.
    pub const ALL: [Property; 11] = [
        Property::ElectionSafety,
        Property::LeaderAppendOnly,
        Property::LogMatching,
        Property::LeaderCompleteness,
        Property::StateMachineSafety,
        Property::CommitDurability,
        Property::Linearizability,
        Property::Convergence,
        Property::Monotonicity,
        Property::Quiescence,
        Property::Invariant,
    ];

    /// The name that scenarios and reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Property::ElectionSafety => "election-safety",
            Property::LeaderAppendOnly => "leader-append-only",
            Property::LogMatching => "log-matching",
            Property::LeaderCompleteness => "leader-completeness",
            Property::StateMachineSafety => "state-machine-safety",
            Property::CommitDurability => "commit-durability",
            Property::Linearizability => "linearizability",
            Property::Convergence => "convergence",
            Property::Monotonicity => "monotonicity",
            Property::Quiescence => "quiescence",
            Property::Invariant => "invariant",
        }
    }

    /// The property of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Property> {
        Property::ALL.into_iter().find(|property| property.name() == name)
    }

    /// Where the promise is made.
    #[must_use]
    pub fn cites(self) -> &'static str {
        match self {
            Property::ElectionSafety => "Raft paper, figure 3 and section 5.2",
            Property::LeaderAppendOnly => "Raft paper, figure 3 and section 5.3",
            Property::LogMatching => "Raft paper, figure 3 and section 5.3",
            Property::LeaderCompleteness => "Raft paper, figure 3 and section 5.4",
            Property::StateMachineSafety => "Raft paper, figure 3 and section 5.4.3",
            Property::CommitDurability => "Raft paper, sections 5.3 and 5.4.2",
            Property::Linearizability => "Raft paper, section 8; Herlihy and Wing 1990",
            Property::Convergence => "Raft paper, section 5.6",
            Property::Monotonicity => "Raft paper, figure 2 and section 5.1",
            Property::Quiescence => "Raft paper, section 5.2: heartbeats, and no talk besides",
            Property::Invariant => "the protocol's own assertions",
        }
    }
}
