//! A raft-rs node: the library's own node, and what this adapter keeps beside it.
//!
//! Not here: what happens to it (`time`, `requests`, `ready`, `membership`).

use std::collections::{BTreeMap, VecDeque};

use raft::RawNode;
use raft::eraftpb::{self, ConfChangeV2, ConfState, Entry};

use super::numbers::raft_id;
use super::settings::RaftRsSettings;
use super::storage::{Image, Members, Store};
use crate::adapter::{Gate, Proposals, Reads};
use crate::protocol::{Address, Boot, NodeId, RequestId};

/// The timers of a raft-rs node. The library counts ticks; the other two are for stories that fire timers themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A tick of the library's clock.
    Tick,
    /// The election timeout is over now.
    Election,
    /// A leader's heartbeat is due now.
    Heartbeat,
}

/// What may be done when a write is durable.
pub(super) enum Then {
    /// A ready of the library is persisted: its messages may leave, its snapshot may be restored.
    Ready { number: u64, messages: Vec<eraftpb::Message>, restore: Option<Image> },
    /// A membership may come into force.
    Change { change: ConfChangeV2, members: Members },
}

/// A change that waits for its entry, and perhaps for the end of the joint config.
#[derive(Clone, Copy)]
pub(super) struct PendingChange {
    pub(super) index: u64,
    pub(super) request: RequestId,
    pub(super) joint_is_done: bool,
}

/// A raft-rs node in the simulator.
pub struct RaftRs {
    pub(super) id: NodeId,
    pub(super) raw: RawNode<Store>,
    pub(super) settings: RaftRsSettings,
    pub(super) entropy: u64,
    /// How often the election timeout ran out: draws of one term and role differ by it.
    pub(super) timeouts: u64,
    /// Writes, and what may be done when they are durable.
    pub(super) gate: Gate<Then>,
    /// Committed entries that are not applied yet.
    pub(super) queue: VecDeque<Entry>,
    /// Whether the first of `queue` is a change whose membership is being written.
    pub(super) changing: bool,
    /// Whether a snapshot of the leader is being written.
    pub(super) restoring: bool,
    pub(super) applied: u64,
    /// The configuration in force: the library's, in a form that can be read.
    pub(super) conf: ConfState,
    pub(super) proposals: Proposals,
    pub(super) change: Option<PendingChange>,
    pub(super) reads: Reads,
    pub(super) transfer: Option<(RequestId, u64)>,
    /// The term in which this node was seen to lead.
    pub(super) reign: Option<u64>,
    /// Where a message of each node last came from.
    pub(super) sources: BTreeMap<NodeId, Address>,
    /// Snapshots under way, with their age in ticks.
    pub(super) snapshots: BTreeMap<u64, usize>,
}

impl RaftRs {
    /// A process on what its disk holds.
    pub(super) fn start(boot: Boot<'_, RaftRs>) -> RaftRs {
        let Boot { id, settings, disk, entropy, .. } = boot;
        let config = raft::Config { id: raft_id(id), applied: disk.image.index, ..settings.config.clone() };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, disk.clone(), &logger).expect("settings are validated");
        RaftRs {
            id,
            raw,
            settings: settings.clone(),
            entropy,
            timeouts: 0,
            gate: Gate::default(),
            queue: VecDeque::new(),
            changing: false,
            restoring: false,
            applied: disk.image.index,
            conf: disk.members.conf.clone(),
            proposals: Proposals::default(),
            change: None,
            reads: Reads::default(),
            transfer: None,
            reign: None,
            sources: BTreeMap::new(),
            snapshots: BTreeMap::new(),
        }
    }
}
