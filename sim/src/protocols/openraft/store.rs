//! openraft's log store and state machine on the world's disk and machine.
//!
//! Holds: what is read comes from the copy in memory, what is written goes to the disk in order; a vote and a snapshot
//! are durable before their call returns, entries before openraft is told so.
//! Not here: what a write does (`disk`), and what a command does (the world's machine).

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use openraft::storage::{EntryResponder, IOFlushed, RaftLogStorage, RaftStateMachine};
use openraft::{EntryPayload, LogState, OptionalSend, RaftLogReader, RaftSnapshotBuilder};

use super::disk::Write;
use super::process::Process;
use super::types::{Entry, LogId, Snapshot, SnapshotMeta, StoredMembership, Types, Vote};
use crate::protocol::Effect;

/// The log of a process.
#[derive(Clone)]
pub(super) struct LogStore(pub(super) Rc<Process>);

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

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<Types>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        self.0.note_memberships(&entries);
        self.0.write_flushed(Write::Append(entries), flushed);
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

/// The state machine of a process: the world's, by effects.
pub(super) struct StateMachine(pub(super) Rc<Process>);

/// Makes the state that the world took a snapshot.
pub(super) struct SnapshotBuilder {
    process: Rc<Process>,
    taken: Option<Snapshot>,
}

impl RaftSnapshotBuilder<Types> for SnapshotBuilder {
    #[cfg(not(openraft_at_most = "23"))]
    type SnapshotData = Arc<[u8]>;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        let snapshot =
            self.taken.take().ok_or_else(|| io::Error::other("the world has taken no snapshot"))?;
        self.process.write_durably(Write::Snapshot(snapshot.clone())).await;
        Ok(snapshot)
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
            let (Entry { log_id, payload }, responder) = next?;
            self.0.applied.borrow_mut().0 = Some(log_id);
            match payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(proposal) => {
                    self.0.ask(Effect::Apply { index: log_id.index, command: proposal.0 });
                }
                EntryPayload::Membership(membership) => {
                    self.0.applied.borrow_mut().1 = StoredMembership::new(Some(log_id), membership);
                }
            }
            if let Some(responder) = responder {
                responder.send(());
            }
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<SnapshotBuilder> {
        let taken = self.0.taken.take();
        taken.is_some().then(|| SnapshotBuilder { process: self.0.clone(), taken })
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder { process: self.0.clone(), taken: self.0.taken.take() }
    }

    /// Chunks are not used: a snapshot is a message.
    #[cfg(openraft_at_most = "23")]
    async fn begin_receiving_snapshot(&mut self) -> Result<Arc<[u8]>, io::Error> {
        Err(io::Error::other("a snapshot comes whole"))
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, state: Arc<[u8]>) -> Result<(), io::Error> {
        let snapshot = Snapshot { meta: meta.clone(), snapshot: state.clone() };
        *self.0.applied.borrow_mut() = (meta.last_log_id, meta.last_membership.clone());
        self.0.ask(Effect::Restore { through: meta.last_log_id.map_or(0, |last| last.index), state });
        self.0.write_durably(Write::Snapshot(snapshot)).await;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        Ok(self.0.disk.borrow().snapshot.clone())
    }
}
