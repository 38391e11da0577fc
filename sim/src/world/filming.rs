//! Takes stills of nodes: after each step, and when a process dies.
//!
//! Not here: what a still is (`film`).

use super::World;
use super::film::{Film, Still};
use super::node::Node;
use crate::protocol::{Disk as _, Inspect, NodeId, Protocol};
use crate::trace::RecordId;

impl<P: Protocol> World<P> {
    /// Films every node from now on.
    pub(crate) fn begin_film(&mut self) {
        let mut film = Film::default();
        for (id, node) in self.scenario.cluster.ids().zip(&self.nodes) {
            film.add(still(id, node, None, Some(0)));
        }
        self.ledger.film = Some(film);
    }

    /// Films a node after a step that changed its log from an index on, or after its process died.
    pub(super) fn film(&mut self, id: NodeId, changed_from: Option<u64>) {
        let Some(mut film) = self.ledger.film.take() else { return };
        let node = &self.nodes[id.0 as usize];
        let whole = film.was_up(id) != node.process.is_some();
        film.add(still(
            id,
            node,
            self.ledger.trace.cause().or(self.ledger.trace.last()),
            if whole { Some(0) } else { changed_from },
        ));
        self.ledger.film = Some(film);
    }
}

fn still<P: Protocol>(id: NodeId, node: &Node<P>, record: Option<RecordId>, changed: Option<u64>) -> Still {
    let disk = node.disk.durable();
    let base = disk.snapshot();
    let known = node.process.as_ref().map_or(0, Inspect::last);
    // Whoever is down has what its disk holds; a disk does not say how long its log is.
    let on_disk = (base + 1..).take_while(|&index| disk.mark(index).is_some()).last().unwrap_or(base);
    let last = if node.process.is_some() { known } else { on_disk };
    let from = changed.map_or(last + 1, |from| from.max(base + 1));
    let term = |index| {
        let mark = node.process.as_ref().map_or_else(|| disk.mark(index), |process| process.mark(index));
        mark.map_or(0, |mark| P::term_of(mark.epoch))
    };
    let process = node.process.as_ref();
    Still {
        record,
        node: id,
        up: process.is_some(),
        role: process.map_or("down", Inspect::role),
        term: process.map_or(0, |process| P::term_of(process.epoch())),
        epoch: process.map_or_else(String::new, |process| process.epoch_name(process.epoch())),
        vote: process.and_then(Inspect::vote),
        sets: process.map_or_else(Vec::new, Inspect::quorums),
        commit: process.map_or(0, Inspect::commit),
        applied: process.map_or(0, Inspect::applied),
        durable: on_disk,
        base,
        from,
        terms: (from..=last).map(term).collect(),
    }
}
