//! What is under way: messages that have not arrived, for whoever looks, and by hand one of them: it arrives now, or never.
//!
//! Holds: a message that was taken from its way does not come by itself any more.
//! Not here: messages in held links of a frozen world, which stories deliver (`by_hand`).

use super::World;
use super::agenda::Event;
use super::wire::Envelope;
use crate::protocol::{NodeId, Protocol};
use crate::time::Moment;
use crate::trace::{Link, Loss};

/// A message that was sent and has not arrived.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    /// Which machine sent it.
    pub(crate) from: NodeId,
    /// Which machine it would reach now, if there is one at its address.
    pub(crate) to: Option<NodeId>,
    /// What the protocol calls it.
    pub(crate) label: String,
    /// What it says.
    pub(crate) words: String,
    /// When it arrives; `None` when it waits, or when any order is possible.
    pub(crate) due: Option<Moment>,
    /// Whether it waits in a held link.
    pub(crate) held: bool,
    /// How many older ones of the same name are under way on the same link.
    pub(crate) older: usize,
}

/// Where a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whereabouts {
    Slot(u32),
    Held(usize),
}

impl<P: Protocol> World<P> {
    /// Every message that has not arrived, in the order of sending.
    pub(crate) fn under_way(&self) -> Vec<UnderWay> {
        let mut all: Vec<UnderWay> = Vec::new();
        for (place, envelope) in self.sent_and_not_arrived() {
            let to = self.wire.network.at(envelope.address);
            let label = P::label(&envelope.message);
            let same =
                |other: &&UnderWay| (other.from, other.to, &other.label) == (envelope.sender, to, &label);
            let older = all.iter().filter(same).count();
            let due = match place {
                Whereabouts::Slot(slot) => self.agenda.due(&|event| delivers(event, slot)),
                Whereabouts::Held(_) => None,
            };
            all.push(UnderWay {
                from: envelope.sender,
                to,
                words: P::tell_message(&envelope.message, &*self.names),
                due,
                held: matches!(place, Whereabouts::Held(_)),
                older,
                label,
            });
        }
        all
    }

    /// One message under way arrives now, of those of a name if one is given; so many older ones are left. Returns whether
    /// there was one, and a process to receive it.
    pub(crate) fn deliver_now(&mut self, from: NodeId, to: NodeId, what: Option<&str>, skip: usize) -> bool {
        if self.nodes[to.0 as usize].process.is_none() || self.wire.network.link(from, to) == Link::Cut {
            return false;
        }
        let Some(envelope) = self.take_from_way(from, to, what, skip) else { return false };
        self.reach(to, envelope);
        true
    }

    /// One message under way is lost, chosen as by `deliver_now`. Returns whether there was one.
    pub(crate) fn lose_one(&mut self, from: NodeId, to: NodeId, what: Option<&str>, skip: usize) -> bool {
        let Some(envelope) = self.take_from_way(from, to, what, skip) else { return false };
        self.lose(&envelope, Loss::ByHand);
        true
    }

    /// Makes the oldest unfinished write of a running node durable now. A write that would have been done by itself is not
    /// done twice.
    pub(super) fn finish_now(&mut self, id: NodeId) -> Result<(), String> {
        let node = &self.nodes[id.0 as usize];
        if node.disk.unfinished() == 0 {
            return Err(format!("{} has no unfinished write", self.names.of(id)));
        }
        if node.overdue == 0 {
            let done = |event: &Event| matches!(event, Event::WriteDone { node, .. } if *node == id);
            self.agenda.forget(&done);
        }
        self.finish_stalled(id);
        Ok(())
    }

    fn sent_and_not_arrived(&self) -> Vec<(Whereabouts, &Envelope<P::Message>)> {
        let slots = self.wire.slots().map(|(slot, envelope)| (Whereabouts::Slot(slot), envelope));
        let held = self.wire.held.iter().enumerate();
        let held = held.map(|(place, envelope)| (Whereabouts::Held(place), envelope));
        let mut all: Vec<_> = slots.chain(held).collect();
        all.sort_by_key(|(_, envelope)| envelope.serial);
        all
    }

    fn take_from_way(
        &mut self,
        from: NodeId,
        to: NodeId,
        what: Option<&str>,
        skip: usize,
    ) -> Option<Envelope<P::Message>> {
        let meant = |envelope: &Envelope<P::Message>| {
            envelope.sender == from
                && self.wire.network.at(envelope.address) == Some(to)
                && what.is_none_or(|what| P::label(&envelope.message) == what)
        };
        let all = self.sent_and_not_arrived();
        let place = all.iter().filter(|(_, envelope)| meant(envelope)).nth(skip)?.0;
        match place {
            Whereabouts::Slot(slot) => {
                self.agenda.forget(&|event| delivers(event, slot));
                self.wire.take(slot)
            }
            Whereabouts::Held(place) => Some(self.wire.held.remove(place)),
        }
    }
}

fn delivers(event: &Event, wanted: u32) -> bool {
    matches!(event, Event::Deliver { slot, .. } if *slot == wanted)
}
