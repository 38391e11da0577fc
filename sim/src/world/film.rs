//! What every node showed after each step, for whoever looks at a run afterwards.
//!
//! Holds: a still is kept only where it differs from the one before; a film changes nothing of what it films.
//! Not here: when stills are taken (`filming`), and what is made of them (`explain`).

use crate::protocol::{NodeId, QuorumSets};
use crate::trace::RecordId;

/// What a node shows from a record on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// The record that began the step after which it shows this; none before the first record.
    pub record: Option<RecordId>,
    /// Which node.
    pub node: NodeId,
    /// Whether its process runs.
    pub up: bool,
    /// Its role, in the protocol's own word.
    pub role: &'static str,
    /// The term of its reign.
    pub term: u64,
    /// Its reign, as the people of its system write it.
    pub epoch: String,
    /// Whom it voted for in this term, where the protocol shows it.
    pub vote: Option<NodeId>,
    /// The voter sets in force.
    pub sets: QuorumSets,
    /// Index through which it knows the log to be committed.
    pub commit: u64,
    /// Index through which its machine has the commands.
    pub applied: u64,
    /// The last index on its disk.
    pub durable: u64,
    /// Index through which a durable snapshot stands for the log.
    pub base: u64,
    /// The lowest index whose entry is not what it was in the still before.
    pub from: u64,
    /// The terms of the entries from there to the last.
    pub terms: Vec<u64>,
}

/// The stills of a run, in their order.
#[derive(Clone, Debug, Default)]
pub struct Film {
    stills: Vec<Still>,
    /// Each node's last still.
    last: Vec<Option<usize>>,
}

impl Film {
    /// All stills.
    #[must_use]
    pub fn stills(&self) -> &[Still] {
        &self.stills
    }

    pub(super) fn add(&mut self, still: Still) {
        let place = still.node.0 as usize;
        self.last.resize(self.last.len().max(place + 1), None);
        let before = self.last[place].map(|last| &self.stills[last]);
        let same = |before: &Still| {
            still.terms.is_empty()
                && Still {
                    record: before.record,
                    from: before.from,
                    terms: before.terms.clone(),
                    ..still.clone()
                } == *before
        };
        if before.is_some_and(same) {
            return;
        }
        self.last[place] = Some(self.stills.len());
        self.stills.push(still);
    }

    pub(super) fn was_up(&self, node: NodeId) -> bool {
        let last = self.last.get(node.0 as usize).copied().flatten();
        last.is_some_and(|last| self.stills[last].up)
    }
}
