//! What a node has under way for itself and for others: votes, proposals, reads, leases, changes, a transfer.
//!
//! Holds: plain data, each part read and written by the topic that is named with it.
//! Not here: what becomes of them (`election`, `replication`, `reading`, `lease`, `follower_reading`, `reconfiguration`,
//! `transfer`).

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::membership::NextStep;
use crate::membership::change::Change;
use crate::message::ReadContext;
use crate::types::{Address, LogIndex, NodeId, RequestId, Term};

/// Who answered, and how. Voters, not votes: a message that comes twice counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Votes {
    pub(crate) granted: Vec<NodeId>,
    pub(crate) refused: Vec<NodeId>,
    /// Granted answers, voters or not; read by a mutation only.
    pub(crate) counted: usize,
}

impl Votes {
    pub(crate) fn record(&mut self, from: NodeId, granted: bool) {
        if !self.granted.contains(&from) && !self.refused.contains(&from) {
            if granted { self.granted.push(from) } else { self.refused.push(from) }
        }
    }
}

/// A client's command on its way to being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Proposal {
    pub(crate) index: LogIndex,
    pub(crate) request: RequestId,
    pub(crate) bytes: u64,
}

/// Who wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A client of this node.
    Client(RequestId),
    /// An operator whose change would change nothing. The members are as this leader sees them only if it still leads.
    Operator(RequestId),
    /// Another node, for clients of its own.
    Node { id: NodeId, address: Address, context: ReadContext },
}

/// A read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Read {
    pub(crate) asker: Asker,
    /// What the machine must have applied; `None` until the leader's first commit.
    pub(crate) index: Option<LogIndex>,
    /// The round that confirms it.
    pub(crate) round: u64,
}

/// The reads of a leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reads {
    pub(crate) started: u64,
    pub(crate) confirmed: u64,
    pub(crate) leases: Leases,
    pub(crate) queue: VecDeque<Read>,
}

/// What became of the lease of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Lease {
    /// None, or it ran out.
    #[default]
    Over,
    /// The round has begun, and time runs.
    Asked,
    /// A quorum answered in time.
    Held,
}

/// The leases of a leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Leases {
    pub(crate) even: Lease,
    pub(crate) odd: Lease,
    /// No more in this term: a target that was told to stand may do so at any time, and is voted for at once.
    pub(crate) ended: bool,
}

/// A read whose index is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answered {
    pub(crate) request: RequestId,
    /// What the machine must have applied.
    pub(crate) index: LogIndex,
    /// The term in which the leader was first asked.
    pub(crate) asked_in: Term,
}

/// The reads of a node that does not lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct FollowerReads {
    /// Counts requests to leaders since the boot.
    pub(crate) number: u64,
    /// For the next request.
    pub(crate) gathered: Vec<RequestId>,
    /// The request under way speaks for these; empty when there is none.
    pub(crate) asked: Vec<RequestId>,
    pub(crate) asked_in: Term,
    /// Whether a heartbeat came since the request was sent, and the answer did not; or it could not be sent.
    pub(crate) silent: bool,
    pub(crate) answered: VecDeque<Answered>,
    /// What was told last, and in which term; read by a mutation only.
    pub(crate) remembered: Option<(Term, LogIndex)>,
}

/// A change that was appended and is driven on by the leader that accepted it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Drive {
    pub(crate) request: RequestId,
    /// The entry that must be committed first.
    pub(crate) waits_for: LogIndex,
    pub(crate) next: Option<NextStep>,
    /// The learner that must catch up before the answer.
    pub(crate) blocks_for: Option<NodeId>,
}

/// A request that is answered once a learner has caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Blocked {
    pub(crate) request: RequestId,
    pub(crate) learner: NodeId,
}

/// A change whose new servers catch up first (Apache Ratis).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Staging {
    pub(crate) request: RequestId,
    pub(crate) change: Change,
    pub(crate) servers: BTreeMap<NodeId, Address>,
    pub(crate) heard: BTreeSet<NodeId>,
}

/// The changes of a leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Changes {
    pub(crate) drives: Vec<Drive>,
    pub(crate) staging: Option<Staging>,
    pub(crate) blocked: Vec<Blocked>,
}

/// A transfer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Transfer {
    /// Who asked for it; nobody when the leader gives way on its own account.
    pub(crate) request: Option<RequestId>,
    pub(crate) to: NodeId,
    pub(crate) told: bool,
}
