//! What openraft 0.9 calls otherwise than 0.10, for what both share (`disk`, `process`, `digest`).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::types::{LogId, Membership, Place, Snapshot, SnapshotMeta, StoredMembership, Types};

/// Which version this is.
pub(super) const VERSION: &str = "0.9.25";

/// Says that entries are durable.
pub(super) struct Flushed {
    pub(super) callback: openraft_0_9::storage::LogFlushed<Types>,
    /// The first of the entries that are on their way to the disk: none any more.
    pub(super) unwritten: Rc<Cell<Option<u64>>>,
}

pub(super) fn flushed(flushed: Flushed) {
    flushed.unwritten.set(None);
    flushed.callback.log_io_completed(Ok(()));
}

/// The membership that a scenario begins with.
pub(super) fn membership(sets: Vec<BTreeSet<u64>>, nodes: BTreeMap<u64, Place>) -> Membership {
    Membership::new(sets, nodes)
}

pub(super) fn snapshot(
    last_log_id: Option<LogId>,
    last_membership: StoredMembership,
    state: Arc<[u8]>,
) -> Snapshot {
    let meta = SnapshotMeta { last_log_id, last_membership, snapshot_id: String::new() };
    Snapshot { meta, snapshot: Box::new(state) }
}
