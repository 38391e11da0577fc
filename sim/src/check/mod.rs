//! Who judges: one promise a file, told what any protocol could show.
//!
//! Holds: a checker has its own memory, looks only at what is new, never changes what it looks at, and gives the
//! evidence with its verdict. No checker knows which protocol it judges.
//! Not here: linearizability, which judges what clients saw (`history`).

pub mod commit_durability;
pub mod election_safety;
pub mod leader_append_only;
pub mod leader_completeness;
pub mod log_matching;
pub mod monotonicity;
pub mod quiescence;
pub mod state_machine_safety;
#[cfg(test)]
mod tests;

use crate::names::Names;
use crate::protocol::{EntryMark, Epoch, Inspect, NodeId, Shown};
use crate::scenario::Property;
use crate::time::Moment;
use crate::trace::RecordId;

/// When something was seen: the event's number and its moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen {
    /// Counted from 1.
    pub event: u64,
    /// Virtual time.
    pub at: Moment,
    /// The record that began the step in which it was seen, or the last one so far.
    pub record: Option<RecordId>,
}

impl core::fmt::Display for Seen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "event {} at {}", self.event, self.at)
    }
}

/// The cheap part of a node's state, read once a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The reign the node takes part in.
    pub epoch: Epoch,
    /// Whether it leads in it.
    pub leads: bool,
    /// The index through which it knows the log to be committed.
    pub commit: u64,
    /// The index through which commands went to its machine.
    pub applied: u64,
    /// Its last index.
    pub last: u64,
    /// How much of a snapshot has arrived that is not installed yet.
    pub received: u64,
}

impl Glance {
    /// Looks at a node.
    pub fn of(state: &impl Inspect) -> Glance {
        Glance {
            epoch: state.epoch(),
            leads: state.leads(),
            commit: state.commit(),
            applied: state.applied(),
            last: state.last(),
            received: state.received(),
        }
    }
}

/// A node after a step that changed something.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// Which node.
    pub node: NodeId,
    /// When.
    pub seen: Seen,
    /// What it showed after its last step; default after a boot.
    pub before: Glance,
    /// What it shows now.
    pub now: Glance,
    /// The lowest index whose entry was added, replaced or cut.
    pub log_changed_from: Option<u64>,
    /// The whole state.
    pub state: &'a dyn Inspect,
    /// What is durable, on any node.
    pub disks: &'a dyn Disks,
}

/// Looks at the durable entries of every node.
pub trait Disks {
    /// The mark of a durable entry.
    fn mark(&self, node: NodeId, index: u64) -> Option<EntryMark>;
    /// Whether a node's disk vouches for an index although the entry itself is compacted away.
    fn covers(&self, node: NodeId, index: u64) -> bool;
}

/// A broken promise, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub property: Property,
    /// When it was seen to be broken.
    pub seen: Seen,
    /// One sentence.
    pub summary: String,
    /// The records that contradict each other, each with its event.
    pub evidence: Vec<(Seen, String)>,
}

impl Violation {
    /// Adds it to those that were found, unless its promise is known to be broken: the first time is what tells.
    pub fn add_to(self, found: &mut Vec<Violation>) {
        if found.iter().all(|known| known.property != self.property) {
            found.push(self);
        }
    }
}

/// One promise and its memory.
pub trait Checker {
    /// The promise.
    fn property(&self) -> Property;

    /// What a protocol must show for it to be judged.
    fn needs(&self) -> &'static [Shown];

    /// Looks at a step.
    ///
    /// # Errors
    /// The promise is broken.
    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation>;

    /// A process died; what only it knew is gone.
    fn on_crash(&mut self, node: NodeId) {
        let _ = node;
    }
}

/// A promise that nobody judges, because a protocol does not show what it would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJudged {
    /// The promise.
    pub property: Property,
    /// What is not shown.
    pub lacks: Shown,
}

/// All checkers of a run.
#[derive(Clone, Debug, Default)]
pub struct Checkers {
    /// One bit for each of `all`: whether it has nothing to go by.
    off: u32,
    election_safety: election_safety::ElectionSafety,
    leader_append_only: leader_append_only::LeaderAppendOnly,
    log_matching: log_matching::LogMatching,
    leader_completeness: leader_completeness::LeaderCompleteness,
    state_machine_safety: state_machine_safety::StateMachineSafety,
    commit_durability: commit_durability::CommitDurability,
    monotonicity: monotonicity::Monotonicity,
    quiescence: quiescence::Quiescence,
}

impl Checkers {
    /// The checkers that can judge a protocol which shows this.
    #[must_use]
    pub fn of(shown: &[Shown]) -> Checkers {
        let (mut checkers, mut off) = (Checkers::default(), 0);
        checkers.monotonicity.epochs_rise = shown.contains(&Shown::Reigns);
        for (place, checker) in checkers.all().into_iter().enumerate() {
            let is_lacking = checker.needs().iter().any(|need| !shown.contains(need));
            off |= u32::from(is_lacking) << place;
        }
        checkers.off = off;
        checkers
    }

    /// Lets nobody judge, to see what that costs.
    pub(crate) fn switch_off(&mut self) {
        self.off = u32::MAX;
    }

    /// The promises that nobody judges of a protocol which shows this, each with the first thing that it would take.
    #[must_use]
    pub fn not_judged(shown: &[Shown]) -> Vec<NotJudged> {
        let first = |checker: &mut dyn Checker| {
            let lacks = checker.needs().iter().copied().find(|need| !shown.contains(need))?;
            Some(NotJudged { property: checker.property(), lacks })
        };
        Checkers::default().all().into_iter().filter_map(first).collect()
    }

    /// Shows a step to every checker and collects what they object to.
    pub fn on_step(&mut self, step: &Step<'_>, names: &Names, found: &mut Vec<Violation>) {
        let off = self.off;
        for (place, checker) in self.all().into_iter().enumerate() {
            if off >> place & 1 == 1 {
                continue;
            }
            if let Err(violation) = checker.on_step(step, names) {
                violation.add_to(found);
            }
        }
    }

    /// Shows the state of a machine through an index, by its digest.
    pub fn on_state(
        &mut self,
        who: (NodeId, Seen),
        through: u64,
        digest: u64,
        names: &Names,
        found: &mut Vec<Violation>,
    ) {
        if let Err(violation) = self.state_machine_safety.on_state(who, through, digest, names) {
            violation.add_to(found);
        }
    }

    /// Shows a message that is being sent.
    pub fn on_send(
        &mut self,
        sent: &quiescence::Sent<impl core::fmt::Debug>,
        names: &Names,
        found: &mut Vec<Violation>,
    ) {
        if self.off == u32::MAX {
            return;
        }
        if let Err(violation) = self.quiescence.on_send(sent, names) {
            violation.add_to(found);
        }
    }

    /// Shows what was sent while the cluster agreed and was asked for nothing.
    pub fn on_rest(&mut self, rest: &quiescence::Rest<'_>, names: &Names, found: &mut Vec<Violation>) {
        if let Err(violation) = self.quiescence.on_rest(rest, names) {
            violation.add_to(found);
        }
    }

    /// Tells every checker of a crash.
    pub fn on_crash(&mut self, node: NodeId) {
        for checker in self.all() {
            checker.on_crash(node);
        }
    }

    fn all(&mut self) -> [&mut dyn Checker; 7] {
        [
            &mut self.election_safety,
            &mut self.leader_append_only,
            &mut self.log_matching,
            &mut self.leader_completeness,
            &mut self.commit_durability,
            &mut self.state_machine_safety,
            &mut self.monotonicity,
        ]
    }
}
