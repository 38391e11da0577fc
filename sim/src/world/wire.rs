//! The wire: links between machines, and every message that is under way or waits.
//!
//! Holds: a message is in one place: under way (its slot is in the agenda), held in a link, or gone.
//! Not here: what links do to messages (`network`), and what becomes of them (`messages`).

use std::sync::Arc;

use super::network::Network;
use crate::check::quiescence::Exchange;
use crate::protocol::{Address, NodeId};
use crate::trace::RecordId;

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Envelope<M> {
    /// Counts what was sent, so that a duplicate is known.
    pub serial: u64,
    /// What the protocol calls it, known while the world is frozen.
    pub label: Option<Arc<str>>,
    /// The hash of what it says.
    pub digest: u64,
    /// The record of its sending.
    pub sent: RecordId,
    /// Which machine sent it.
    pub sender: NodeId,
    /// Where that machine was then.
    pub source: Address,
    /// Who the sender says to be.
    pub from: NodeId,
    /// Whom it means.
    pub to: NodeId,
    /// Where it goes.
    pub address: Address,
    /// Whether it is damaged on its way.
    pub damaged: bool,
    /// Whether it was left waiting when a younger one was delivered by hand.
    pub overtaken: bool,
    /// What led to it.
    pub exchange: Exchange,
    /// What it says.
    pub message: M,
}

/// The links, and the messages on them.
#[derive(Clone, Debug)]
pub(crate) struct Wire<M> {
    /// The links and the addresses.
    pub(crate) network: Network,
    /// Messages under way, in slots that are used again.
    slots: Vec<Option<Envelope<M>>>,
    free: Vec<u32>,
    /// Messages that wait in held links, oldest first.
    pub(super) held: Vec<Envelope<M>>,
    /// How many messages were sent.
    pub(super) sent: u64,
}

impl<M> Wire<M> {
    /// Links with nothing on them.
    pub(super) fn new(network: Network) -> Wire<M> {
        Wire { network, slots: Vec::new(), free: Vec::new(), held: Vec::new(), sent: 0 }
    }

    /// Puts a message under way, and names its slot.
    pub(super) fn put(&mut self, envelope: Envelope<M>) -> u32 {
        let Some(slot) = self.free.pop() else {
            self.slots.push(Some(envelope));
            return self.slots.len() as u32 - 1;
        };
        self.slots[slot as usize] = Some(envelope);
        slot
    }

    /// Takes a message from its way.
    pub(super) fn take(&mut self, slot: u32) -> Option<Envelope<M>> {
        let envelope = self.slots[slot as usize].take()?;
        self.free.push(slot);
        Some(envelope)
    }

    /// Every message under way, with its slot.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Envelope<M>)> {
        (0..).zip(&self.slots).filter_map(|(slot, envelope)| Some((slot, envelope.as_ref()?)))
    }

    /// Takes what waits in a held link, oldest first.
    pub(super) fn take_held(&mut self, from: NodeId, to: NodeId) -> Vec<Envelope<M>> {
        let network = &self.network;
        let waits =
            |envelope: &mut Envelope<M>| envelope.sender == from && network.at(envelope.address) == Some(to);
        self.held.extract_if(.., waits).collect()
    }

    /// Whether a message is under way; those in held links do not count.
    pub(super) fn is_busy(&self) -> bool {
        self.slots.len() > self.free.len()
    }
}
