//! openraft 0.9's handle, and what it tells of itself.
//!
//! Not here: what is asked of it (`requests`).

use openraft_0_9::Raft;
use tokio::sync::watch;

use super::disk::Disk;
use super::process::Process;
use super::types::{Entry, Membership, Payload, RaftMetrics, Types};

/// The handle of openraft.
pub(super) type Library = Raft<Types>;

/// What a node tells of itself, as it changes.
pub(super) type Metrics = watch::Receiver<RaftMetrics<Types>>;

pub(super) fn now(metrics: &Metrics) -> watch::Ref<'_, RaftMetrics<Types>> {
    metrics.borrow()
}

pub(super) async fn elect(raft: &Library) {
    let _ = raft.trigger().elect().await;
}

/// openraft's metrics do not say what is committed; it gives the machine whatever is, at once.
pub(super) fn commit(_: &Metrics) -> u64 {
    0
}

/// Looks at the membership in force: the last one of the log, as far as that is durable, for nothing is counted while
/// the next one is written.
pub(super) fn membership<T>(process: &Process, _: &Metrics, look: impl FnOnce(&Membership) -> T) -> T {
    let last_in_log = || last_membership(&process.disk.borrow(), process.last());
    look(&process.held.membership(last_in_log))
}

/// The last membership of the log through an index, or that of the snapshot, or of the beginning.
fn last_membership(disk: &Disk, through: u64) -> Membership {
    let of = |entry: &Entry| match &entry.payload {
        Payload::Membership(membership) => Some(membership.clone()),
        Payload::Blank | Payload::Normal(_) => None,
    };
    let logged = disk.entries.range(..=through).rev().find_map(|(_, entry)| of(entry));
    logged.unwrap_or_else(|| disk.applied().1.membership().clone())
}
