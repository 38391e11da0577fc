//! The library's numbers and the world's.
//!
//! Holds: the library wants members to begin with a snapshot at an index above 0, so that newcomers learn of them (see
//! its example `five_mem_node`). That snapshot stands at the library's index 1 and term 1, which the world sees as 0 and
//! 0. The library takes 0 for nobody: its ids are the world's and one.

use crate::protocol::NodeId;

/// The world's index of a library's index.
pub(super) fn index_out(index: u64) -> u64 {
    index.saturating_sub(1)
}

pub(super) fn index_in(index: u64) -> u64 {
    index + 1
}

/// The world's term of a library's term.
pub(super) fn term_out(term: u64) -> u64 {
    term.saturating_sub(1)
}

pub(super) fn term_in(term: u64) -> u64 {
    term + 1
}

/// The library takes 0 for nobody.
pub(super) fn raft_id(id: NodeId) -> u64 {
    u64::from(id.0) + 1
}

/// The world's number of a library's id.
pub(super) fn node_id(id: u64) -> NodeId {
    NodeId(id.saturating_sub(1) as u32)
}
