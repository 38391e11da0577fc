//! openraft 0.10's handle, and what it tells of itself.
//!
//! Not here: what is asked of it (`requests`).

use std::cell::Ref;

use openraft::Raft;
use openraft::async_runtime::WatchReceiver;

use super::super::runtime::ValueReceiver;
use super::process::Process;
use super::stores::StateMachine;
use super::types::{Membership, RaftMetrics, Types};

/// The handle of openraft.
pub(super) type Library = Raft<Types, StateMachine>;

/// What a node tells of itself, as it changes.
pub(super) type Metrics = ValueReceiver<RaftMetrics<Types>>;

pub(super) fn now(metrics: &Metrics) -> Ref<'_, RaftMetrics<Types>> {
    metrics.borrow_watched()
}

pub(super) async fn elect(raft: &Library) {
    let pre_vote = raft.config().enable_pre_vote == Some(true);
    let _ = raft.trigger().elect(pre_vote).await;
}

/// The last index that openraft calls committed.
pub(super) fn commit(metrics: &Metrics) -> u64 {
    now(metrics).local_committed.map_or(0, |id| id.index)
}

/// Looks at the membership in force.
pub(super) fn membership<T>(_: &Process, metrics: &Metrics, look: impl FnOnce(&Membership) -> T) -> T {
    look(now(metrics).membership_config.membership())
}
