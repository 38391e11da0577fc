//! Messages: sent, under way, held, arriving, lost.
//!
//! Holds: a message that was sent arrives, is lost with a record that says why, or waits in a held link.
//! Not here: whether and when a link delivers (`network`), and what is delivered by hand (`by_hand`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::World;
use super::act::Act;
use super::agenda::Event;
use super::network::Fate;
use super::node::Waiting;
use super::wire::Envelope;
use crate::check::quiescence::{Exchange, Sent};
use crate::protocol::{Address, Input, NodeId, Protocol};
use crate::scenario::Spread;
use crate::trace::Link;
use crate::trace::{Content, Loss, Place, What};

impl<P: Protocol> World<P> {
    pub(super) fn on_deliver(&mut self, slot: u32) {
        let Some(envelope) = self.wire.take(slot) else { return };
        self.begin_event();
        let Some(receiver) = self.wire.network.at(envelope.address) else {
            return self.lose(&envelope, Loss::NobodyThere);
        };
        match self.wire.network.link(envelope.sender, receiver) {
            Link::Cut => return self.lose(&envelope, Loss::Cut),
            Link::Held => return self.wire.held.push(envelope),
            Link::Open | Link::Fading => {}
        }
        self.come_in(receiver, envelope);
    }

    /// A message stands before a machine.
    fn come_in(&mut self, receiver: NodeId, envelope: Envelope<P::Message>) {
        let node = &self.nodes[receiver.0 as usize];
        if node.process.is_none() {
            return self.lose(&envelope, Loss::Down);
        }
        if node.trouble.paused {
            let waiting = &mut self.nodes[receiver.0 as usize].waiting;
            return waiting.push(Waiting::Message(envelope));
        }
        if envelope.damaged {
            self.note("message-corrupt");
            return self.lose(&envelope, Loss::Damaged);
        }
        if self.ledger.acts.is_some() {
            self.write_down(Act::Deliver {
                serial: envelope.serial,
                from: envelope.sender,
                to: receiver,
                what: P::label(&envelope.message),
                digest: envelope.digest,
                older: 0,
                younger: 0,
                overtakes: false,
                kept: false,
            });
        }
        self.arrive(receiver, envelope);
    }

    /// A message that was taken from its way by hand reaches a machine.
    pub(super) fn reach(&mut self, receiver: NodeId, envelope: Envelope<P::Message>) {
        self.begin_event();
        self.come_in(receiver, envelope);
    }

    pub(super) fn arrive(&mut self, receiver: NodeId, envelope: Envelope<P::Message>) {
        let told = self.tell_message(envelope.digest, &envelope.message);
        let Envelope { source, from, to, message, sent, exchange, .. } = envelope;
        let what = What::Receives { from, message: told };
        let began = self.record_led_to(Some(sent), Place::Node(receiver), what);
        self.ledger.exchange = Some(exchange);
        self.step(receiver, began, Input::Received { from, source, to, message });
        self.ledger.exchange = None;
    }

    pub(super) fn lose(&mut self, envelope: &Envelope<P::Message>, why: Loss) {
        let place = Place::Link { from: envelope.sender, to: envelope.to };
        let message = self.tell_message(envelope.digest, &envelope.message);
        self.record_led_to(Some(envelope.sent), place, What::Loses { why, message });
    }

    fn tell_message(&self, digest: u64, message: &P::Message) -> Content {
        self.ledger.trace.content(digest, || P::label(message), || P::tell_message(message, &*self.names))
    }

    pub(super) fn send(
        &mut self,
        sender: NodeId,
        from: NodeId,
        to: NodeId,
        address: Address,
        message: P::Message,
    ) {
        let digest = self.ledger.trace.number(|| P::fingerprint(&message));
        let told = self.tell_message(digest, &message);
        let sent = self.record(Place::Node(sender), What::Sends { from, to, address, message: told });
        let exchange = self.look_at_exchange(sender, to, &message);
        let source = self.nodes[sender.0 as usize].address;
        self.wire.sent += 1;
        let (serial, damaged, overtaken) = (self.wire.sent, false, false);
        let label = self.by_hand.frozen.then(|| Arc::from(P::label(&message)));
        let mut envelope = Envelope {
            serial,
            label,
            digest,
            sent,
            sender,
            source,
            from,
            to,
            address,
            damaged,
            overtaken,
            exchange,
            message,
        };
        let receiver = self.wire.network.at(address).unwrap_or(sender);
        match self.wire.network.fate(self.now, sender, receiver, &mut self.choices) {
            Fate::Delivered { after, again, late, damaged } => {
                if late {
                    self.note("message-reordered");
                }
                let network = self.scenario.network;
                if network.spread == Spread::HeavyTailed && after > network.delay.max {
                    self.note("message-late");
                }
                let pace = |node: NodeId| self.nodes[node.0 as usize].trouble.pace;
                let slower = u64::from(pace(sender).max(pace(receiver)));
                let late = late || slower > 1 || self.wire.network.is_slow(sender, receiver);
                if let Some(again) = again {
                    self.note("message-duplicated");
                    self.post(again.saturating_mul(slower), late, envelope.clone());
                }
                envelope.damaged = damaged;
                self.post(after.saturating_mul(slower), late, envelope);
            }
            Fate::Held => self.wire.held.push(envelope),
            Fate::Lost => {
                if self.wire.network.link(sender, receiver) == Link::Open {
                    self.note("message-lost");
                }
                self.lose(&envelope, Loss::Chance);
            }
        }
    }

    /// What led to a message that is being sent; the checkers look at it.
    fn look_at_exchange(&mut self, from: NodeId, to: NodeId, message: &P::Message) -> Exchange {
        let seen = self.seen();
        let first = Exchange { before: 0, since: seen };
        let exchange = self.ledger.exchange.map_or(first, |led| Exchange { before: led.before + 1, ..led });
        if let Some(tally) =
            self.ledger.tally.as_mut().filter(|tally| tally.since.event <= exchange.since.event)
            && let Some(count) = tally.sent[from.0 as usize].get_mut(to.0 as usize)
        {
            *count += 1;
        }
        if let Some(tally) = self.ledger.tally.as_mut().filter(|_| self.ledger.firing) {
            tally.unasked[from.0 as usize] += 1;
        }
        let last = |node: NodeId| self.nodes.get(node.0 as usize).map_or(0, |node| node.glance.last);
        let sent = Sent { from, to, seen, exchange, log: last(from).max(last(to)), message };
        self.ledger.checkers.on_send(&sent, &self.names, &mut self.ledger.violations);
        exchange
    }

    pub(super) fn post(&mut self, after: u64, late: bool, envelope: Envelope<P::Message>) {
        let crowded_out = self.agenda.crowd_out(late, &mut self.choices);
        if let Some(other) = crowded_out.and_then(|slot| self.wire.take(slot)) {
            self.lose(&other, Loss::Crowded);
        }
        let slot = self.wire.put(envelope);
        self.agenda.push(self.now.after(after), Event::Deliver { slot, late });
    }

    /// Sets the state of a link. Releasing a held link lets what waits there travel on, in order.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: Link) {
        self.record(Place::Link { from, to }, What::Link { state: link });
        self.wire.network.set_link(from, to, link);
        if link == Link::Open {
            self.release(from, to);
        }
    }

    fn release(&mut self, from: NodeId, to: NodeId) {
        for envelope in self.wire.take_held(from, to) {
            let after = self.wire.network.delay(&mut self.choices);
            self.post(after, false, envelope);
        }
    }

    /// Loses what waits in a held link.
    pub fn drop_held(&mut self, from: NodeId, to: NodeId) {
        for envelope in self.wire.take_held(from, to) {
            self.lose(&envelope, Loss::DroppedWhileHeld);
        }
    }

    /// Cuts the network into groups.
    pub fn partition(&mut self, groups: &[BTreeSet<NodeId>]) {
        self.record(Place::World, What::Partitioned { groups: groups.to_vec() });
        self.wire.network.partition(groups);
        self.note("partitioned");
    }

    /// Moves a machine to an address.
    pub fn bind(&mut self, id: NodeId, address: Address) {
        self.record(Place::Node(id), What::Moves { address });
        self.write_down(Act::Bind { node: id, address });
        self.wire.network.bind(id, address);
        self.nodes[id.0 as usize].address = address;
    }
}
