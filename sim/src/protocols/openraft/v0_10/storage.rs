//! openraft 0.10's traits for storage, put to the process's stores.
//!
//! Not here: what each call does (`stores`, `process`).

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftLogStorage, RaftStateMachine};
use openraft::{LogState, OptionalSend, RaftLogReader, RaftSnapshotBuilder};

use super::disk::Write;
use super::stores::{LogStore, SnapshotBuilder, StateMachine};
use super::types::{Entry, Flushed, LogId, Snapshot, SnapshotMeta, StoredMembership, Types, Vote};

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry>, io::Error> {
        Ok(self.0.disk.borrow().read(range))
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        Ok(self.0.disk.borrow().vote)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, io::Error> {
        let disk = self.0.disk.borrow();
        Ok(LogState { last_purged_log_id: disk.purged, last_log_id: disk.last() })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        self.0.write_durably(Write::Vote(*vote)).await;
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        self.0.save_committed(committed).await;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.0.disk.borrow().committed)
    }

    async fn append<I>(&mut self, entries: I, flushed: Flushed) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.0.append(entries.into_iter().collect(), flushed);
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        self.0.write(Write::TruncateAfter(last));
        Ok(())
    }

    async fn purge(&mut self, through: LogId) -> Result<(), io::Error> {
        self.0.write(Write::Purge(through));
        Ok(())
    }
}

impl RaftSnapshotBuilder<Types> for SnapshotBuilder {
    #[cfg(not(openraft_at_most = "23"))]
    type SnapshotData = Arc<[u8]>;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        self.build().await.ok_or_else(|| io::Error::other("the world has taken no snapshot"))
    }
}

impl RaftStateMachine<Types> for StateMachine {
    #[cfg(not(openraft_at_most = "23"))]
    type SnapshotData = Arc<[u8]>;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        Ok(self.0.applied.borrow().clone())
    }

    async fn apply<S>(&mut self, mut entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + OptionalSend,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            self.apply_entry(entry);
            if let Some(responder) = responder {
                responder.send(());
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<SnapshotBuilder> {
        let is_taken = self.0.taken.borrow().is_some();
        is_taken.then(|| self.builder())
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        self.builder()
    }

    /// Chunks are not used: a snapshot is a message.
    #[cfg(openraft_at_most = "23")]
    async fn begin_receiving_snapshot(&mut self) -> Result<Arc<[u8]>, io::Error> {
        Err(io::Error::other("a snapshot comes whole"))
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, state: Arc<[u8]>) -> Result<(), io::Error> {
        self.install(Snapshot { meta: meta.clone(), snapshot: state }).await;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.0.disk.borrow().snapshot.clone())
    }
}
