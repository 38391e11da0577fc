//! openraft 0.9's traits for storage, put to the process's stores.
//!
//! Not here: what each call does (`stores`, `process`).

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::Arc;

use openraft_0_9::storage::{RaftLogStorage, RaftStateMachine};
use openraft_0_9::{
    LogState, OptionalSend, RaftLogReader, RaftSnapshotBuilder, StorageError, StorageIOError,
};

use super::disk::Write;
use super::stores::{LogStore, SnapshotBuilder, StateMachine};
use super::types::{Entry, Flushed, LogId, Snapshot, SnapshotMeta, StoredMembership, Types, Vote};

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

    async fn append<I>(&mut self, entries: I, flushed: Flushed) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.0.append(entries.into_iter().collect(), flushed);
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

fn no_snapshot(why: &str) -> StorageError<u64> {
    StorageIOError::write_snapshot(None, &io::Error::other(why)).into()
}

impl RaftSnapshotBuilder<Types> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot, StorageError<u64>> {
        self.build().await.ok_or_else(|| no_snapshot("the world has taken no snapshot"))
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
        let answers = entries.into_iter().map(|entry| self.apply_entry(entry)).collect();
        self.0.wake_readers();
        Ok(answers)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        self.builder()
    }

    /// Chunks are not used: a snapshot is a message.
    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Arc<[u8]>>, StorageError<u64>> {
        Err(no_snapshot("a snapshot comes whole"))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        state: Box<Arc<[u8]>>,
    ) -> Result<(), StorageError<u64>> {
        self.install(Snapshot { meta: meta.clone(), snapshot: state }).await;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError<u64>> {
        Ok(self.0.disk.borrow().snapshot.clone())
    }
}
