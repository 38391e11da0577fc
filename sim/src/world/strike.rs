//! What a nemesis has done and will undo.
//!
//! Not here: what it does when (`nemesis`).

use crate::protocol::{Address, NodeId, RequestId};
use crate::scenario::NodeFault;

/// What a nemesis is about to do, and what it has done.
#[derive(Clone, Debug, Default)]
pub(crate) struct NemesisState {
    pub(super) queued: bool,
    pub(super) strike: Option<Strike>,
}

impl NemesisState {
    /// What it was about to do will not come.
    pub(super) fn forget(&mut self) {
        self.queued = false;
    }
}

impl NemesisState {
    /// The node that it has moved and that the cluster does not know of yet.
    pub(super) fn moves(&self) -> Option<NodeId> {
        match &self.strike {
            Some(Strike::Move(Notice { node, .. }, _)) => Some(*node),
            Some(Strike::Cut(_) | Strike::Hit(..) | Strike::Clog(_) | Strike::Mistake(_)) | None => None,
        }
    }

    /// The node that the cluster may take to live where another one does.
    pub(super) fn mistakes(&self) -> Option<NodeId> {
        match &self.strike {
            Some(Strike::Mistake(Notice { node, .. })) => Some(*node),
            Some(Strike::Cut(_) | Strike::Hit(..) | Strike::Clog(_) | Strike::Move(..)) | None => None,
        }
    }
}

/// What a nemesis did and will undo.
#[derive(Clone, Debug)]
pub(super) enum Strike {
    Cut(Vec<Direction>),
    Hit(NodeFault, Vec<NodeId>),
    Clog(Clog),
    /// A node moved away from this address.
    Move(Notice, Address),
    /// A node is taken to live where another one does.
    Mistake(Notice),
}

/// A link in one direction.
pub(super) type Direction = (NodeId, NodeId);

/// Nodes whose links are clogged one after the other, and freed in another order.
#[derive(Clone, Debug)]
pub(super) struct Clog {
    /// Whose links will be clogged, the last one next.
    pub(super) ahead: Vec<NodeId>,
    /// Whose links are clogged, and which.
    pub(super) clogged: Vec<(NodeId, Vec<Direction>)>,
}

/// The cluster is to be told where a node lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice {
    pub(super) node: NodeId,
    pub(super) request: Option<RequestId>,
}
