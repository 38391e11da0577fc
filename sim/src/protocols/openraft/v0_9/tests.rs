//! The log store and state machine judged by openraft 0.9's own suite for them.
//!
//! The suite runs its cases on threads, which these stores are not made for: here they are called one by one, on the
//! runtime that the stores have in the simulator; those of the log on tokio's, for some of them wait for its time.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use openraft_0_9::storage::RaftStateMachine;
use openraft_0_9::testing::StoreBuilder;
use openraft_0_9::{OptionalSend, StorageError};
use openraft_rt::AsyncRuntime as _;
use tokio::task::LocalSet;

use super::super::runtime::SimRuntime as Shared;
use super::disk::Disk;
use super::process::Process;
use super::settings::{self, Settings};
use super::stores::{LogStore, SnapshotBuilder, StateMachine};
use super::types::{Entry, LogId, Snapshot, SnapshotMeta, StoredMembership, Types};
use crate::protocol::{self, NodeId, WriteId};
use crate::runtime::spawn;

/// The state machine, beside a world that takes a snapshot whenever one is asked for.
struct Machine(StateMachine);

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError<u64>> {
        self.0.applied_state().await
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<()>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.0.apply(entries).await
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        let through = self.0.0.applied.borrow().0.map_or(0, |last| last.index);
        self.0.0.snapshot_taken(through, Arc::from([1, 2, 3]));
        self.0.get_snapshot_builder().await
    }

    /// The suite wants a place to put a whole snapshot.
    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Arc<[u8]>>, StorageError<u64>> {
        Ok(Box::new(Arc::from([])))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        state: Box<Arc<[u8]>>,
    ) -> Result<(), StorageError<u64>> {
        self.0.install_snapshot(meta, state).await
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, StorageError<u64>> {
        self.0.get_current_snapshot().await
    }
}

fn settings() -> Settings {
    settings::read(&protocol::Settings::usual(&[])).expect("openraft's own settings")
}

/// Stores on an empty disk that makes everything durable within a millisecond.
struct Builder;

impl Builder {
    fn stores() -> (Rc<Process>, LogStore, Machine) {
        let process = Process::new(NodeId(0), Disk::default(), 1, &settings());
        let machine = StateMachine(process.clone());
        (process.clone(), LogStore(process), Machine(machine))
    }

    fn stores_with_a_disk() -> (LogStore, Machine) {
        let (process, log, machine) = Builder::stores();
        let disk = Rc::downgrade(&process);
        spawn(async move {
            while let Some(process) = disk.upgrade() {
                process.persisted(WriteId(u64::MAX));
                drop(process);
                Shared::sleep(Duration::from_millis(1)).await;
            }
        });
        (log, machine)
    }
}

impl StoreBuilder<Types, LogStore, Machine> for Builder {
    async fn build(&self) -> Result<((), LogStore, Machine), StorageError<u64>> {
        let (log, machine) = Builder::stores_with_a_disk();
        Ok(((), log, machine))
    }
}

type Suite = openraft_0_9::testing::Suite<Types, LogStore, Machine, Builder, ()>;

/// Runs a case of the suite on stores of its own.
fn passes<F: Future<Output = Result<(), StorageError<u64>>>>(case: impl FnOnce(LogStore, Machine) -> F) {
    let run = async {
        let (log, machine) = Builder::stores_with_a_disk();
        case(log, machine).await
    };
    Shared::new(1).block_on(run).expect("a case of the suite");
}

/// The same on tokio's runtime.
fn passes_on_tokio<F: Future<Output = Result<(), StorageError<u64>>>>(
    case: impl FnOnce(LogStore, Machine) -> F,
) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (process, log, machine) = Builder::stores();
    let disk = async move {
        loop {
            process.persisted(WriteId(u64::MAX));
            tokio::task::yield_now().await;
        }
    };
    let tasks = LocalSet::new();
    tasks.spawn_local(disk);
    tasks.block_on(&tokio, case(log, machine)).expect("a case of the suite");
}

#[test]
fn the_stores_tell_the_membership_as_the_suite_wants_it() {
    passes(Suite::last_membership_in_log_initial);
    passes(Suite::last_membership_in_log);
    passes(Suite::last_membership_in_log_multi_step);
    passes(Suite::get_membership_initial);
    passes(Suite::get_membership_from_log_and_empty_sm);
    passes(Suite::get_membership_from_empty_log_and_sm);
    passes(Suite::get_membership_from_log_le_sm_last_applied);
    passes(Suite::get_membership_from_log_gt_sm_last_applied_1);
    passes(Suite::get_membership_from_log_gt_sm_last_applied_2);
}

#[test]
fn the_stores_come_back_as_the_suite_wants_it() {
    passes(Suite::get_initial_state_without_init);
    passes(Suite::get_initial_state_membership_from_log_and_sm);
    passes(Suite::get_initial_state_with_state);
    passes(Suite::get_initial_state_last_log_gt_sm);
    passes(Suite::get_initial_state_last_log_lt_sm);
    passes(Suite::get_initial_state_log_ids);
    passes(Suite::get_initial_state_re_apply_committed);
    passes(Suite::save_vote);
}

#[test]
fn the_log_store_reads_and_writes_as_the_suite_wants_it() {
    passes_on_tokio(Suite::get_log_entries);
    passes_on_tokio(Suite::limited_get_log_entries);
    passes_on_tokio(Suite::try_get_log_entry);
    passes_on_tokio(Suite::initial_logs);
    passes_on_tokio(Suite::get_log_state);
    passes_on_tokio(Suite::get_log_id);
    passes_on_tokio(Suite::last_id_in_log);
    passes_on_tokio(Suite::purge_logs_upto_0);
    passes_on_tokio(Suite::purge_logs_upto_5);
    passes_on_tokio(Suite::purge_logs_upto_20);
    passes_on_tokio(Suite::delete_logs_since_11);
    passes_on_tokio(Suite::delete_logs_since_0);
    passes_on_tokio(Suite::append_to_log);
}

#[test]
fn the_state_machine_does_as_the_suite_wants_it() {
    passes(Suite::last_applied_state);
    passes(Suite::snapshot_meta);
    passes(Suite::apply_single);
    passes(Suite::apply_multiple);
    passes(|_, _| Suite::transfer_snapshot(&Builder));
}
