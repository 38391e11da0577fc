//! Messages that a story delivers by hand, one by one or all between some nodes.
//!
//! Holds: only what waits in a held link is delivered; what is never delivered is lost, with no record.
//! Not here: messages that arrive by themselves (`messages`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::World;
use super::act::{Act, Which};
use super::wire::Envelope;
use crate::protocol::{NodeId, Protocol};
use crate::trace::Loss;

impl<P: Protocol> World<P> {
    /// Delivers one waiting message of those from one machine to another, called so if a name is given. Keeping it leaves
    /// a duplicate behind. Returns whether there was one.
    pub(crate) fn deliver(
        &mut self,
        from: NodeId,
        to: NodeId,
        what: Option<&str>,
        which: Which,
        keep: bool,
    ) -> bool {
        if self.nodes[to.0 as usize].process.is_none() {
            return false;
        }
        let places = self.held_places(from, to, what);
        let Some(nth) = self.pick(&places, which) else { return false };
        let mut overtakes = false;
        for &place in &places[..nth] {
            overtakes |= !core::mem::replace(&mut self.wire.held[place].overtaken, true);
        }
        let place = places[nth];
        let envelope = if keep { self.wire.held[place].clone() } else { self.wire.held.remove(place) };
        self.begin_event();
        if let (true, Some(label)) = (self.ledger.acts.is_some(), &envelope.label) {
            self.write_down(Act::Deliver {
                serial: envelope.serial,
                from,
                to,
                what: label.to_string(),
                digest: envelope.digest,
                older: nth,
                younger: places.len() - nth - 1,
                overtakes,
                kept: keep,
            });
        }
        self.arrive(to, envelope);
        true
    }

    /// Where the messages stand that wait on a link, oldest first.
    fn held_places(&self, from: NodeId, to: NodeId, what: Option<&str>) -> Vec<usize> {
        let called = |label: &Arc<str>| what.is_none_or(|what| **label == *what);
        let here = |envelope: &Envelope<P::Message>| {
            envelope.sender == from
                && self.wire.network.at(envelope.address) == Some(to)
                && envelope.label.as_ref().is_some_and(called)
        };
        (0..).zip(&self.wire.held).filter(|(_, envelope)| here(envelope)).map(|(place, _)| place).collect()
    }

    /// Which of these waiting messages is meant.
    fn pick(&self, places: &[usize], which: Which) -> Option<usize> {
        let last = places.len().checked_sub(1)?;
        match which {
            Which::Nth(nth) => (nth <= last).then_some(nth),
            Which::Serial(serial) => places.iter().position(|&place| self.wire.held[place].serial == serial),
            Which::Like { digest, older, younger } => {
                let says = |place: &usize| self.wire.held[*place].digest == digest;
                // A message that says something else now is most likely the one that was the newest, or the oldest.
                let likely = match (older, younger) {
                    (_, 0) => last,
                    (0, _) => 0,
                    (_, younger) => last.saturating_sub(younger),
                };
                places.iter().position(says).or(Some(likely))
            }
        }
    }

    /// Delivers everything that waits between some nodes, oldest first, and what it leads to. Returns whether there was
    /// anything.
    pub fn exchange(&mut self, nodes: &BTreeSet<NodeId>) -> bool {
        // What goes on for longer than this does not end: each message leads to one or two more at most.
        const MESSAGES_MAX: usize = 1_000;
        let mut delivered = 0;
        while delivered < MESSAGES_MAX && !self.is_over() && !self.is_exhausted() {
            let runs = |id: NodeId| self.nodes[id.0 as usize].process.is_some();
            let link = self.wire.held.iter().find_map(|envelope| {
                let to = self.wire.network.at(envelope.address)?;
                let among = nodes.contains(&envelope.sender) && nodes.contains(&to);
                (among && runs(to) && envelope.label.is_some()).then_some((envelope.sender, to))
            });
            let Some((from, to)) = link else { break };
            if delivered == 0 {
                self.write_down(Act::Exchange { nodes: nodes.clone() });
                self.by_hand.exchanging = true;
            }
            self.deliver(from, to, None, Which::Nth(0), false);
            delivered += 1;
        }
        self.by_hand.exchanging = false;
        delivered > 0
    }

    /// Loses everything that waits. Returns whether there was anything.
    pub fn lose_waiting(&mut self) -> bool {
        let waiting = core::mem::take(&mut self.wire.held);
        if !waiting.is_empty() {
            self.write_down(Act::Lose);
        }
        waiting.iter().for_each(|envelope| self.lose(envelope, Loss::DroppedWhileHeld));
        !waiting.is_empty()
    }

    /// How many messages of each name wait on each link.
    pub(crate) fn waiting_messages(&self) -> BTreeMap<(NodeId, NodeId, String), usize> {
        let mut counts = BTreeMap::new();
        for envelope in &self.wire.held {
            let (Some(to), Some(label)) = (self.wire.network.at(envelope.address), &envelope.label) else {
                continue;
            };
            *counts.entry((envelope.sender, to, label.to_string())).or_insert(0) += 1;
        }
        counts
    }
}
