//! openraft's log store and state machine on the world's disk and machine: what each of their calls does.
//!
//! Holds: what is read comes from the copy in memory, what is written goes to the disk in order; a vote and a snapshot
//! are durable before their call returns, entries before openraft is told so.
//! Not here: openraft's traits for them (`storage`), what a write does (`disk`), and what a command does (the world's
//! machine).

use std::rc::Rc;
use std::sync::Arc;

use super::disk::Write;
use super::process::{Ask, Process};
use super::types::{Entry, Payload, Snapshot, SnapshotMeta, StoredMembership};

/// The log of a process.
#[derive(Clone)]
pub(super) struct LogStore(pub(super) Rc<Process>);

/// The state machine of a process: the world's, by effects.
pub(super) struct StateMachine(pub(super) Rc<Process>);

/// Makes the state that the world took a snapshot.
pub(super) struct SnapshotBuilder {
    process: Rc<Process>,
    taken: Option<Snapshot>,
}

impl SnapshotBuilder {
    /// A snapshot of what was taken, on the disk; `None` when nothing was taken.
    pub(super) async fn build(&mut self) -> Option<Snapshot> {
        let snapshot = self.taken.take()?;
        self.process.write_durably(Write::Snapshot(snapshot.clone())).await;
        Some(snapshot)
    }
}

impl StateMachine {
    pub(super) fn builder(&self) -> SnapshotBuilder {
        SnapshotBuilder { process: self.0.clone(), taken: self.0.taken.take() }
    }

    /// Hands a committed entry to the machine.
    pub(super) fn apply_entry(&self, entry: Entry) {
        let Entry { log_id, payload } = entry;
        self.0.applied.borrow_mut().0 = Some(log_id);
        match payload {
            Payload::Blank => {}
            Payload::Normal(proposal) => {
                self.0.ask(Ask::Apply { index: log_id.index, command: proposal.0 });
            }
            Payload::Membership(membership) => {
                self.0.applied.borrow_mut().1 = StoredMembership::new(Some(log_id), membership);
            }
        }
    }

    /// Replaces the machine's state by that of a snapshot.
    pub(super) async fn install(&self, snapshot: Snapshot) {
        let SnapshotMeta { last_log_id, last_membership, .. } = snapshot.meta.clone();
        *self.0.applied.borrow_mut() = (last_log_id, last_membership);
        let through = last_log_id.map_or(0, |last| last.index);
        self.0.ask(Ask::Restore { through, state: Arc::clone(&snapshot.snapshot) });
        self.0.write_durably(Write::Snapshot(snapshot)).await;
        self.0.wake_readers();
    }
}
