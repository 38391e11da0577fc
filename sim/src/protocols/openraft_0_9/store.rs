//! openraft 0.9's log store and state machine on the world's disk and machine.
//!
//! Holds: what is read comes from the copy in memory, what is written goes to the disk in order; a vote and a snapshot
//! are durable before their call returns, entries before openraft is told so.
//! Not here: what a write does (`disk`), and what a command does (the world's machine).

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::ops::RangeBounds;
use std::rc::Rc;
use std::sync::Arc;

use openraft_0_9::storage::{LogFlushed, RaftLogStorage, RaftStateMachine};
use openraft_0_9::{
    LogState, OptionalSend, RaftLogReader, RaftSnapshotBuilder, StorageError, StorageIOError,
};
use openraft_rt::{Oneshot as _, OneshotSender as _};

use super::disk::Write;
use super::process::Process;
use super::runtime::{OneSender, SimOneshot};
use super::types::{Entry, LogId, Payload, Snapshot, SnapshotMeta, StoredMembership, Types, Vote};
use super::version::Flushed;
use crate::protocol::Effect;

/// The log of a process, and the first of the entries that are on their way to its disk.
#[derive(Clone)]
pub(super) struct LogStore(pub(super) Rc<Process>, pub(super) Rc<Cell<Option<u64>>>);

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, StorageError<u64>> {
        Ok(self.0.disk.borrow().read(range))
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        let disk = self.0.disk.borrow();
        Ok(LogState { last_purged_log_id: disk.purged, last_log_id: disk.last() })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError<u64>> {
        self.0.write_durably(Write::Vote(*vote)).await;
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError<u64>> {
        Ok(self.0.disk.borrow().vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError<u64>> {
        self.0.save_committed(committed).await;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError<u64>> {
        Ok(self.0.disk.borrow().committed)
    }

    async fn append<I>(&mut self, entries: I, flushed: LogFlushed<Types>) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        self.0.note_memberships(&entries);
        self.1.set(entries.first().map(|entry| entry.log_id.index));
        let flushed = Flushed { callback: flushed, unwritten: self.1.clone() };
        self.0.write_flushed(Write::Append(entries), flushed);
        Ok(())
    }

    /// This one and all after it go.
    async fn truncate(&mut self, first: LogId) -> Result<(), StorageError<u64>> {
        let before = first.index.checked_sub(1);
        let last = {
            let disk = self.0.disk.borrow();
            before.and_then(|before| disk.entries.get(&before).map(|entry| entry.log_id)).or(disk.purged)
        };
        self.0.write(Write::TruncateAfter(last));
        Ok(())
    }

    async fn purge(&mut self, through: LogId) -> Result<(), StorageError<u64>> {
        self.0.write(Write::Purge(through));
        Ok(())
    }
}

/// Tasks that wait until the machine holds an index.
#[derive(Default)]
pub(super) struct Readers(RefCell<Vec<(u64, OneSender<()>)>>);

impl Readers {
    /// Waits until the machine of a process holds an index.
    pub(super) async fn wait(&self, process: &Process, index: u64) {
        if applied(process) < index {
            let (held, waits) = SimOneshot::channel();
            self.0.borrow_mut().push((index, held));
            let _ = waits.await;
        }
    }

    /// The machine holds more: whoever waited for that goes on, in the order of waiting.
    fn advance(&self, process: &Process) {
        let through = applied(process);
        for (_, reader) in self.0.borrow_mut().extract_if(.., |(index, _)| *index <= through) {
            let _ = reader.send(());
        }
    }
}

fn applied(process: &Process) -> u64 {
    process.applied.borrow().0.map_or(0, |last| last.index)
}

/// The state machine of a process: the world's, by effects.
pub(super) struct StateMachine(pub(super) Rc<Process>, pub(super) Rc<Readers>);

/// Makes the state that the world took a snapshot.
pub(super) struct SnapshotBuilder {
    process: Rc<Process>,
    taken: Option<Snapshot>,
}

impl RaftSnapshotBuilder<Types> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError<u64>> {
        let none = || {
            let cause = std::io::Error::other("the world has taken no snapshot");
            StorageError::from(StorageIOError::write_snapshot(None, &cause))
        };
        let snapshot = self.taken.take().ok_or_else(none)?;
        self.process.write_durably(Write::Snapshot(snapshot.clone())).await;
        Ok(snapshot)
    }
}

impl RaftStateMachine<Types> for StateMachine {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError<u64>> {
        Ok(self.0.applied.borrow().clone())
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut answers = Vec::new();
        for Entry { log_id, payload } in entries {
            self.0.applied.borrow_mut().0 = Some(log_id);
            match payload {
                Payload::Blank => {}
                Payload::Normal(proposal) => {
                    self.0.ask(Effect::Apply { index: log_id.index, command: proposal.0 });
                }
                Payload::Membership(membership) => {
                    self.0.applied.borrow_mut().1 = StoredMembership::new(Some(log_id), membership);
                }
            }
            answers.push(());
        }
        self.1.advance(&self.0);
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder { process: self.0.clone(), taken: self.0.taken.take() }
    }

    /// Chunks are not used: a snapshot is a message.
    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Arc<[u8]>>, StorageError<u64>> {
        let cause = std::io::Error::other("a snapshot comes whole");
        Err(StorageIOError::write_snapshot(None, &cause).into())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        state: Box<Arc<[u8]>>,
    ) -> Result<(), StorageError<u64>> {
        let snapshot = Snapshot { meta: meta.clone(), snapshot: state.clone() };
        *self.0.applied.borrow_mut() = (meta.last_log_id, meta.last_membership.clone());
        let through = meta.last_log_id.map_or(0, |last| last.index);
        self.0.ask(Effect::Restore { through, state: *state });
        self.0.write_durably(Write::Snapshot(snapshot)).await;
        self.1.advance(&self.0);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError<u64>> {
        Ok(self.0.disk.borrow().snapshot.clone())
    }
}
