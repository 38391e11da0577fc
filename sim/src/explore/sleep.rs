//! Moves that need not be made, for the other order of two moves leads to the same state (sleep sets, Godefroid 1996).
//!
//! Not here: what a move is (`what`), and what it leads to (`state`).

use super::Explorable;
use super::cast::Cast;
use super::what::{Move, What};

/// Moves that need not be made: they were possible before the last move, at a node of a lower number, so that the other
/// order leads to the same state.
///
/// Every state is reached all the same, in its layer. Let `a` be possible and asleep in a state `s` of layer `n`, reached from
/// `p` by `c`, where `a` was possible too, at a lower node. Moves at two nodes commute, for a move changes its own node, takes
/// a message from it and adds messages: so `c` after `a` from `p` leads where `a` leads from `s`. By induction over layers,
/// and in one layer from higher nodes to lower ones, the state after `a` from `p` is reached in layer `n` or before, and `c`
/// is followed there or need not be: `c` is of a higher node than `a`. A state that is reached twice sleeps only as both ways
/// let it. What nodes are called may differ where nodes change places, and with it which is the higher: there a move sleeps
/// only if it was followed from `p` itself; then the state after it has `c` awake, or was there before.
///
/// The promises see the same: they look at moves one by one, and where they look at two of different nodes together (a reign
/// that begins, a commit that is learned) both orders are followed. Clients' requests are numbered as they come, so they do
/// not commute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sleep {
    /// One bit for each node whose moves sleep.
    nodes: u32,
    /// Messages that the last move sent: their arrival does not sleep.
    but: [u32; BUT_MAX],
    but_len: u8,
    /// Whether clients' requests do not sleep.
    but_requests: bool,
}

/// Where more messages do not sleep, nothing does.
const BUT_MAX: usize = 4;

impl Sleep {
    /// Whether a move sleeps.
    pub(super) fn covers(&self, what: Move) -> bool {
        if self.nodes >> what.node & 1 == 0 {
            return false;
        }
        match what.what {
            What::Deliver(post) | What::DeliverAndKeep(post) => !self.but().contains(&post),
            What::Ask(_) => !self.but_requests,
            What::Finish | What::Stand | What::Fire(_) | What::Crash(_) | What::Operate(_) => true,
        }
    }

    /// What sleeps after a move, when `watched` nodes have moves that are made in every order.
    pub(super) fn after<P: Explorable>(
        self,
        cast: &Cast<P>,
        what: Move,
        outcome: Option<u32>,
        watched: u32,
    ) -> Sleep {
        let lower = (1u32 << what.node) - 1;
        let asleep = lower & !watched;
        // Where nodes may change places, only what was really tried from here may sleep.
        let nodes = if cast.names.len() > 1 { asleep & !self.nodes } else { asleep };
        let mut after = Sleep { nodes, but_requests: matches!(what.what, What::Ask(_)), ..Sleep::default() };
        if nodes == 0 {
            return Sleep::default();
        }
        for &post in outcome.map_or(&[][..], |outcome| &cast.outcomes[outcome as usize].sent) {
            if cast.receiver(post).is_some_and(|receiver| nodes >> receiver & 1 == 1) {
                after.let_wake(post);
            }
        }
        after
    }

    /// Lets sleep only what sleeps both ways.
    pub(super) fn meet(&mut self, other: &Sleep, is_same: bool) {
        self.nodes = if is_same { self.nodes & other.nodes } else { 0 };
        self.but_requests |= other.but_requests;
        other.but().iter().for_each(|post| self.let_wake(*post));
    }

    fn but(&self) -> &[u32] {
        &self.but[..usize::from(self.but_len)]
    }

    fn let_wake(&mut self, post: u32) {
        if self.but().contains(&post) {
            return;
        }
        match self.but.get_mut(usize::from(self.but_len)) {
            Some(free) => {
                *free = post;
                self.but_len += 1;
            }
            None => self.nodes = 0,
        }
    }
}

/// The nodes with a move that the promises look at together with other nodes: such moves are made in every order.
pub(super) fn watched<P: Explorable>(cast: &Cast<P>, moves: &[(Move, Option<u32>)]) -> u32 {
    let is_watched =
        |outcome: Option<u32>| outcome.is_none_or(|outcome| cast.outcomes[outcome as usize].is_watched);
    moves.iter().fold(0, |nodes, (what, outcome)| nodes | u32::from(is_watched(*outcome)) << what.node)
}
