//! The log store and state machine judged by openraft's own suite for them: the adapter keeps what openraft asks of it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{AsyncRuntime, OptionalSend, StorageError};

use super::super::runtime::SimRuntime;
use super::disk::Disk;
use super::process::Process;
use super::settings::{self, Settings};
use super::stores::{LogStore, SnapshotBuilder, StateMachine};
use super::types::{LogId, Snapshot, SnapshotMeta, StoredMembership, Types};
use crate::protocol::{self, NodeId, WriteId};
use crate::runtime::spawn;

/// The state machine, beside a world that takes a snapshot whenever one is asked for.
struct Machine(StateMachine);

impl RaftStateMachine<Types> for Machine {
    type SnapshotData = Arc<[u8]>;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        self.0.applied_state().await
    }

    async fn apply<S>(&mut self, entries: S) -> Result<(), io::Error>
    where
        S: Stream<Item = Result<EntryResponder<Types>, io::Error>> + Unpin + OptionalSend,
    {
        self.0.apply(entries).await
    }

    async fn try_create_snapshot_builder(&mut self, force: bool) -> Option<SnapshotBuilder> {
        let through = self.0.0.applied.borrow().0.map_or(0, |last| last.index);
        self.0.0.snapshot_taken(through, Arc::from([1, 2, 3]));
        self.0.try_create_snapshot_builder(force).await
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        self.0.get_snapshot_builder().await
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, state: Arc<[u8]>) -> Result<(), io::Error> {
        self.0.install_snapshot(meta, state).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        self.0.get_current_snapshot().await
    }
}

fn settings() -> Settings {
    settings::read(&protocol::Settings::usual(&[])).expect("openraft's own settings")
}

/// Stores on an empty disk that makes everything durable within a millisecond.
struct Builder;

impl StoreBuilder<Types, LogStore, Machine> for Builder {
    async fn build(&self) -> Result<((), LogStore, Machine), StorageError<Types>> {
        let process = Process::new(NodeId(0), Disk::default(), 1, &settings());
        let disk = Rc::downgrade(&process);
        spawn(async move {
            while let Some(process) = disk.upgrade() {
                process.persisted(WriteId(u64::MAX));
                drop(process);
                SimRuntime::sleep(Duration::from_millis(1)).await;
            }
        });
        Ok(((), LogStore(process.clone()), Machine(StateMachine(process))))
    }
}

#[test]
fn the_stores_pass_the_suite_for_stores() {
    let mut runtime = SimRuntime::new(1);
    runtime.block_on(async { Suite::test_all(Builder).await }).expect("the suite's storage errors");
}
