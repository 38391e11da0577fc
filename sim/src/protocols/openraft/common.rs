//! What an application of openraft chooses for itself, and this adapter chooses alike for every version.
//!
//! Not here: openraft's own types (`types` of each version).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::protocol::{Address, NodeId};

/// What a client asks to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal(pub Arc<[u8]>);

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What openraft's membership says about a node: where it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub Address);

impl Default for Place {
    fn default() -> Place {
        Place(Address(0))
    }
}

/// The timers of a node. Only `Wake` is ever set; the others are what a story fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Stand for election now: `Trigger::elect`.
    Election,
    /// Speak to the followers now: `Trigger::heartbeat`.
    Heartbeat,
    /// The earliest timer of openraft's tasks is due. Fired before its time, it moves the node's clock there.
    Wake,
}

/// The number openraft knows a node by.
pub(super) fn id(node: NodeId) -> u64 {
    u64::from(node.0)
}

/// The node of a number that came from `id`.
pub(super) fn node_id(id: u64) -> NodeId {
    NodeId(id as u32)
}

pub(super) fn ids(nodes: &BTreeSet<NodeId>) -> BTreeSet<u64> {
    nodes.iter().map(|&node| id(node)).collect()
}

pub(super) fn places(nodes: &BTreeMap<NodeId, Address>) -> BTreeMap<u64, Place> {
    nodes.iter().map(|(&node, &address)| (id(node), Place(address))).collect()
}
