//! What the library has ready, done in the order that its documentation gives.
//!
//! Holds: a message that waits for the disk leaves when the disk has answered, the others at once
//! (`advance_append_async`, `on_persist_ready`).
//! Not here: changes of the membership (`membership`), and what clients are told (`requests`).

use std::sync::Arc;

use raft::eraftpb::{self, Entry, EntryType, MessageType};
use raft::{Ready, Storage as _};

use super::message::Message;
use super::node::{RaftRs, Then};
use super::numbers::{index_in, index_out, node_id};
use super::storage::{Image, Part, Write};
use crate::adapter::request_of;
use crate::protocol::{Address, Effect, Effects, Epoch, NodeId, Refusal, WriteId};

impl RaftRs {
    pub(super) fn begin(mut self, out: &mut Effects<RaftRs>) -> RaftRs {
        let store = self.raw.store();
        if store.last() > store.image.index {
            out.log_changed_from = Some(index_out(store.first()));
        }
        let image = &store.image;
        if index_out(image.index) > 0 {
            out.push(Effect::Restore { through: index_out(image.index), state: Arc::clone(&image.state) });
        }
        self.begin_ticks(out);
        self.settle(out);
        self
    }

    pub(super) fn on_received(
        &mut self,
        from: NodeId,
        source: Address,
        to: NodeId,
        message: Message,
        out: &mut Effects<RaftRs>,
    ) {
        if to != self.id {
            return out.push(Effect::note("misrouted"));
        }
        self.sources.insert(from, source);
        // An error says that the message is of no use here, such as an answer from somebody who is no member.
        let _ = self.raw.step(message.0);
    }

    /// Does everything that the library has ready, until it has nothing more.
    pub(super) fn settle(&mut self, out: &mut Effects<RaftRs>) {
        loop {
            self.redraw();
            while self.raw.has_ready() {
                let ready = self.raw.ready();
                self.on_ready(ready, out);
            }
            self.apply(out);
            if !self.raw.has_ready() {
                break;
            }
        }
        self.serve(out);
        self.watch_reign(out);
        self.watch_transfer(out);
    }

    fn on_ready(&mut self, mut ready: Ready, out: &mut Effects<RaftRs>) {
        for message in ready.take_messages() {
            self.send(message, out);
        }
        for read in ready.take_read_states() {
            if let Some(request) = request_of(&read.request_ctx) {
                self.reads.confirmed(request, read.index);
            }
        }
        let restore = (!ready.snapshot().is_empty()).then(|| Image::received(ready.snapshot()));
        if let Some(image) = &restore {
            self.drop_unapplied(image);
        }
        let (number, messages) = (ready.number(), ready.take_persisted_messages());
        let must_wait = ready.must_sync();
        let before = self.gate.issued();
        let mut parts: Vec<Part> = restore.iter().cloned().map(Part::Restore).collect();
        let entries = ready.take_entries();
        for _ in entries.iter().filter(|entry| entry.get_entry_type() != EntryType::EntryNormal) {
            out.push(Effect::note("membership-appended"));
        }
        parts.extend(entries.into_iter().map(Part::Entry));
        parts.extend(ready.hs().cloned().map(Part::HardState));
        self.write(parts, out);
        self.queue.extend(ready.take_committed_entries());
        self.raw.advance_append_async(ready);
        // A new commit index alone need not be durable for anything; what was written before must.
        let write = if must_wait { self.gate.issued() } else { before };
        self.gate.hold_until(write, Then::Ready { number, messages, restore });
        self.release(out);
    }

    /// A snapshot replaces log and membership at once; what was committed and not applied is part of it.
    fn drop_unapplied(&mut self, image: &Image) {
        self.queue.clear();
        self.changing = false;
        self.gate.retain(|then| matches!(then, Then::Ready { .. }));
        self.restoring = true;
        self.conf = image.members.conf.clone();
    }

    /// Changes the copy in memory, and asks for the same on the disk.
    pub(super) fn write(&mut self, parts: Vec<Part>, out: &mut Effects<RaftRs>) {
        if parts.is_empty() {
            return;
        }
        for part in &parts {
            let changed = match part {
                Part::Restore(image) => Some(image.index + 1),
                Part::Entry(entry) => Some(entry.index),
                Part::HardState(_) | Part::Members(_) | Part::Compact(_) => None,
            };
            if let Some(index) = changed.map(index_out) {
                out.log_changed_from = Some(out.log_changed_from.map_or(index, |known| known.min(index)));
            }
            // A membership comes into force when it is durable.
            if !matches!(part, Part::Members(_)) {
                self.raw.mut_store().apply_part(part);
            }
        }
        out.push(Effect::Persist { id: self.gate.issue(), write: Write(parts) });
    }

    fn go_on(&mut self, then: Then, out: &mut Effects<RaftRs>) {
        match then {
            Then::Ready { number, messages, restore } => {
                for message in messages {
                    self.send(message, out);
                }
                self.raw.on_persist_ready(number);
                if let Some(image) = restore {
                    self.restore(&image, out);
                }
            }
            Then::Change { change, members } => self.enact(&change, members, out),
        }
    }

    fn restore(&mut self, image: &Image, out: &mut Effects<RaftRs>) {
        self.restoring = false;
        self.applied = image.index;
        out.push(Effect::Restore { through: index_out(image.index), state: Arc::clone(&image.state) });
        self.raw.advance_apply_to(image.index);
    }

    pub(super) fn on_persisted(&mut self, through: WriteId, out: &mut Effects<RaftRs>) {
        self.gate.persisted(through);
        self.release(out);
    }

    /// Goes on with whatever waits for nothing any more.
    fn release(&mut self, out: &mut Effects<RaftRs>) {
        while let Some(then) = self.gate.pop() {
            self.go_on(then, out);
        }
    }

    /// Hands committed entries to the machine, up to a change of the membership, which is written down first.
    fn apply(&mut self, out: &mut Effects<RaftRs>) {
        let before = self.applied;
        while !self.changing
            && let Some(entry) = self.queue.front()
        {
            if entry.get_entry_type() == EntryType::EntryNormal {
                let entry = self.queue.pop_front().unwrap_or_default();
                self.applied = entry.index;
                self.apply_command(&entry, out);
            } else {
                self.begin_change(out);
            }
        }
        if self.applied > before {
            self.raw.advance_apply_to(self.applied);
        }
    }

    fn apply_command(&mut self, entry: &Entry, out: &mut Effects<RaftRs>) {
        let command = entry.get_data();
        if !command.is_empty() {
            out.push(Effect::Apply { index: index_out(entry.index), command: command.into() });
        }
        if let Some(request) = self.proposals.applied(entry.index, Epoch(entry.term)) {
            self.refuse(request, Refusal::LeadershipLost, out);
        }
    }

    pub(super) fn on_snapshot_taken(&mut self, through: u64, state: Arc<[u8]>, out: &mut Effects<RaftRs>) {
        let index = index_in(through);
        let store = self.raw.store();
        if self.restoring || index != self.applied || index <= store.image.index {
            return;
        }
        let Ok(term) = store.term(index) else { return };
        let image = Image { index, term, members: store.members.clone(), state };
        self.write(vec![Part::Compact(image)], out);
    }

    pub(super) fn send(&mut self, message: eraftpb::Message, out: &mut Effects<RaftRs>) {
        let to = node_id(message.to);
        let known = self.raw.store().members.addresses.get(&to);
        let source = self.sources.get(&to);
        let answers = matches!(
            message.get_msg_type(),
            MessageType::MsgAppendResponse
                | MessageType::MsgHeartbeatResponse
                | MessageType::MsgRequestVoteResponse
                | MessageType::MsgRequestPreVoteResponse
        );
        let address = if answers { source.or(known) } else { known.or(source) };
        let Some(&address) = address else { return out.push(Effect::note("address-unknown")) };
        if message.get_msg_type() == MessageType::MsgSnapshot {
            self.snapshots.insert(message.to, 0);
            out.push(Effect::note("snapshot-sent"));
        }
        out.push(Effect::Send { from: self.id, to, address, message: Message(message) });
    }
}
