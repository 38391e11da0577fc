//! raft-rs (crate `raft` 0.7.0), as TiKV publishes it, as a protocol of the simulator.
//!
//! Holds: the library is unmodified and unpatched. A message that waits for the disk leaves when the disk has
//! answered, the others at once (`advance_append_async`, `on_persist_ready`). A membership is on the disk before it is
//! in force. Requests are taken by a leader only. Chance comes from the world's entropy: the library draws election
//! timeouts from the thread's own generator, and every draw is overwritten before anything can depend on it.
//!
//! The library wants members to begin with a snapshot at an index above 0, so that newcomers learn of them (see its
//! example `five_mem_node`). That snapshot stands at the library's index 1 and term 1, which the world sees as 0 and 0:
//! `index_out` and `term_out` take one away.
//!
//! Not here: Raft itself (`raft`).

mod change;
mod message;
mod settings;
mod storage;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::{self, ConfChangeV2, ConfState, Entry, EntryType, MessageType};
use raft::{INVALID_ID, ProgressState, RawNode, Ready, SnapshotStatus, StateRole, Storage as _};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub use message::Message;
pub use settings::RaftRsSettings;
pub use storage::{Store, Write};

use crate::protocol::{
    Address, BadSetting, Boot, Effect, Effects, EntryMark, Epoch, Initial, InitialMembership, Input, Inspect,
    NodeId, Operation, Protocol, QuorumSets, Refusal, RequestId, Settings, Within, WriteId,
};
use storage::{Image, Members, Part, node_id, raft_id};

/// The world's index of a library's index.
fn index_out(index: u64) -> u64 {
    index.saturating_sub(1)
}

fn index_in(index: u64) -> u64 {
    index + 1
}

/// The world's term of a library's term.
fn term_out(term: u64) -> u64 {
    term.saturating_sub(1)
}

fn term_in(term: u64) -> u64 {
    term + 1
}

/// The timers of a raft-rs node. The library counts ticks; the other two are for stories that fire timers themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A tick of the library's clock.
    Tick,
    /// The election timeout is over now.
    Election,
    /// A leader's heartbeat is due now.
    Heartbeat,
}

/// What waits for a write.
struct Waiting {
    write: u64,
    then: Then,
}

/// What may be done when a write is durable.
enum Then {
    /// A ready of the library is persisted: its messages may leave, its snapshot may be restored.
    Ready { number: u64, messages: Vec<eraftpb::Message>, restore: Option<Image> },
    /// A membership may come into force.
    Change { change: ConfChangeV2, members: Members },
}

/// A request that waits for its entry.
#[derive(Clone, Copy)]
struct Pending {
    term: u64,
    request: RequestId,
}

/// A change that waits for its entry, and perhaps for the end of the joint config.
#[derive(Clone, Copy)]
struct PendingChange {
    index: u64,
    request: RequestId,
    joint_is_done: bool,
}

/// A raft-rs node in the simulator.
pub struct RaftRs {
    id: NodeId,
    raw: RawNode<Store>,
    settings: RaftRsSettings,
    entropy: u64,
    /// How often the election timeout ran out: draws of one term and role differ by it.
    timeouts: u64,
    /// The last write issued, and the last one that is durable.
    written: u64,
    durable: u64,
    waiting: VecDeque<Waiting>,
    /// Committed entries that are not applied yet.
    queue: VecDeque<Entry>,
    /// Whether the first of `queue` is a change whose membership is being written.
    changing: bool,
    /// Whether a snapshot of the leader is being written.
    restoring: bool,
    applied: u64,
    /// The configuration in force: the library's, in a form that can be read.
    conf: ConfState,
    proposals: BTreeMap<u64, Pending>,
    change: Option<PendingChange>,
    reads: BTreeSet<RequestId>,
    /// Reads that may be served when their index is applied.
    confirmed: Vec<(u64, RequestId)>,
    transfer: Option<(RequestId, u64)>,
    /// The term in which this node was seen to lead.
    reign: Option<u64>,
    /// Where a message of each node last came from.
    sources: BTreeMap<NodeId, Address>,
    /// Snapshots under way, with their age in ticks.
    snapshots: BTreeMap<u64, usize>,
}

impl Protocol for RaftRs {
    const NAME: &'static str = "raft-rs";
    const VERSION: Option<&'static str> = Some("0.7.0");
    type Message = Message;
    type Timer = Timer;
    type Disk = Store;
    type Settings = RaftRsSettings;

    fn settings(common: &Settings) -> Result<RaftRsSettings, BadSetting> {
        settings::read(common)
    }

    fn relies_on_clocks(settings: &RaftRsSettings) -> bool {
        settings.reads_by_lease()
    }

    fn accepts(initial: &Initial) -> Result<(), String> {
        match initial.membership.as_ref().map_or(0, |first| first.sets.len()) {
            0..=2 => Ok(()),
            sets => Err(format!("raft-rs has joint configs of two voter sets, not of {sets}")),
        }
    }

    fn format(_: NodeId, initial: &Initial) -> Store {
        Store::initial(initial)
    }

    fn force_members(disk: &mut Store, members: &InitialMembership) -> bool {
        disk.force_members(members)
    }

    fn boot(boot: Boot<'_, RaftRs>, out: &mut Effects<RaftRs>) -> RaftRs {
        let Boot { id, settings, disk, entropy, .. } = boot;
        let config = raft::Config { id: raft_id(id), applied: disk.image.index, ..settings.config.clone() };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, disk.clone(), &logger).expect("settings are validated");
        let node = RaftRs {
            id,
            raw,
            settings: settings.clone(),
            entropy,
            timeouts: 0,
            written: 0,
            durable: 0,
            waiting: VecDeque::new(),
            queue: VecDeque::new(),
            changing: false,
            restoring: false,
            applied: disk.image.index,
            conf: disk.members.conf.clone(),
            proposals: BTreeMap::new(),
            change: None,
            reads: BTreeSet::new(),
            confirmed: Vec::new(),
            transfer: None,
            reign: None,
            sources: BTreeMap::new(),
            snapshots: BTreeMap::new(),
        };
        node.begin(out)
    }

    fn step(&mut self, input: Input<RaftRs>, out: &mut Effects<RaftRs>) {
        match input {
            Input::Received { from, source, to, message } => self.on_received(from, source, to, message, out),
            Input::Fired(Timer::Tick) => self.on_tick(out),
            Input::Fired(Timer::Election) => self.on_election(),
            Input::Fired(Timer::Heartbeat) => self.on_heartbeat(),
            Input::Persisted { through } => self.on_persisted(through.0, out),
            Input::Proposed { request, command } => self.on_proposed(request, &command, out),
            Input::ReadRequested { request } => self.on_read(request, out),
            Input::Operated { request, operation } => self.on_operated(request, &operation, out),
            Input::SnapshotTaken { through, state } => self.on_snapshot_taken(through, state, out),
        }
        self.settle(out);
    }

    fn election_timer() -> Option<Timer> {
        Some(Timer::Election)
    }

    fn heartbeat_timer() -> Option<Timer> {
        Some(Timer::Heartbeat)
    }

    fn keeps_own_time() -> bool {
        true
    }

    fn notes() -> Option<&'static [&'static str]> {
        Some(&[
            "address-unknown",
            "conf-change-rejected",
            "membership-appended",
            "membership-changed",
            "misrouted",
            "snapshot-sent",
        ])
    }
}

// What happens to the node.

impl RaftRs {
    fn begin(mut self, out: &mut Effects<RaftRs>) -> RaftRs {
        let store = self.raw.store();
        if store.last() > store.image.index {
            out.log_changed_from = Some(index_out(store.first()));
        }
        let image = &store.image;
        if index_out(image.index) > 0 {
            out.push(Effect::Restore { through: index_out(image.index), state: Arc::clone(&image.state) });
        }
        let within = Within { min: 1, max: self.settings.tick };
        out.push(Effect::SetTimer { timer: Timer::Tick, within });
        self.settle(out);
        self
    }

    fn on_received(
        &mut self,
        from: NodeId,
        source: Address,
        to: NodeId,
        message: Message,
        out: &mut Effects<RaftRs>,
    ) {
        if to != self.id {
            return out.push(Effect::Note("misrouted"));
        }
        self.sources.insert(from, source);
        // An error says that the message is of no use here, such as an answer from somebody who is no member.
        let _ = self.raw.step(message.0);
    }

    fn on_tick(&mut self, out: &mut Effects<RaftRs>) {
        let within = Within { min: self.settings.tick, max: self.settings.tick };
        out.push(Effect::SetTimer { timer: Timer::Tick, within });
        self.tick();
        self.age_snapshots(1);
    }

    fn tick(&mut self) {
        // The library cannot stand for election before it is told that its snapshot was applied: TiKV does not tick then.
        if self.restoring && !self.settings.ticks_while_restoring {
            return;
        }
        let led = self.raw.raft.state == StateRole::Leader;
        if self.raw.tick() && !led {
            self.timeouts += 1;
        }
    }

    fn on_election(&mut self) {
        if self.raw.raft.state != StateRole::Leader {
            self.raw.raft.election_elapsed = self.raw.raft.randomized_election_timeout();
            self.tick();
        }
    }

    fn on_heartbeat(&mut self) {
        if self.raw.raft.state == StateRole::Leader {
            self.raw.ping();
            self.age_snapshots(self.settings.config.heartbeat_tick);
        }
    }

    /// The library sends nothing else to a node until it hears what became of a snapshot. Nobody tells this adapter
    /// that a message was lost, so that one without an answer within an election timeout counts as failed.
    fn age_snapshots(&mut self, ticks: usize) {
        let patience = self.settings.config.max_election_tick();
        for (to, age) in std::mem::take(&mut self.snapshots) {
            let progress = self.raw.raft.prs().get(to);
            if progress.is_none_or(|progress| progress.state != ProgressState::Snapshot) {
                continue;
            }
            if age + ticks < patience {
                self.snapshots.insert(to, age + ticks);
            } else {
                self.raw.report_snapshot(to, SnapshotStatus::Failure);
            }
        }
    }

    fn on_persisted(&mut self, through: u64, out: &mut Effects<RaftRs>) {
        self.durable = through;
        while self.waiting.front().is_some_and(|waiting| waiting.write <= through) {
            if let Some(Waiting { then, .. }) = self.waiting.pop_front() {
                self.go_on(then, out);
            }
        }
    }

    fn on_proposed(&mut self, request: RequestId, command: &[u8], out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        match self.raw.propose(request.0.to_le_bytes().to_vec(), command.to_vec()) {
            Ok(()) => {
                let pending = Pending { term: self.raw.raft.term, request };
                self.proposals.insert(self.raw.raft.raft_log.last_index(), pending);
            }
            Err(_) => self.refuse(request, Refusal::Busy, out),
        }
    }

    fn on_read(&mut self, request: RequestId, out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        if !self.raw.raft.commit_to_current_term() {
            // The library would drop it without a word.
            return self.refuse(request, Refusal::Busy, out);
        }
        self.reads.insert(request);
        self.raw.read_index(request.0.to_le_bytes().to_vec());
    }

    fn on_operated(&mut self, request: RequestId, operation: &Operation, out: &mut Effects<RaftRs>) {
        if !self.leads() {
            return self.refuse(request, self.not_leader(), out);
        }
        match operation {
            Operation::Transfer { to } => self.on_transfer(request, *to, out),
            Operation::Change(change) => {
                let transition = self.settings.transition;
                match change::from_operator(change, &self.raw.store().members, transition) {
                    Ok(change) => self.propose_change(request, &change, out),
                    Err(refusal) => self.refuse(request, refusal, out),
                }
            }
        }
    }

    fn on_transfer(&mut self, request: RequestId, to: NodeId, out: &mut Effects<RaftRs>) {
        if to == self.id {
            return out.push(Effect::Done { request });
        }
        if !self.conf.get_voters().contains(&raft_id(to)) {
            return self.refuse(request, Refusal::Rule("not-a-target"), out);
        }
        if self.transfer.is_some() {
            return self.refuse(request, Refusal::Busy, out);
        }
        self.transfer = Some((request, raft_id(to)));
        self.raw.transfer_leader(raft_id(to));
    }

    fn propose_change(&mut self, request: RequestId, change: &ConfChangeV2, out: &mut Effects<RaftRs>) {
        let raft = &self.raw.raft;
        let refusal = change::leader_refusal(raft.has_pending_conf(), change::is_joint(&self.conf), change);
        if refusal.is_none() {
            // An application must not let a change into the log that cannot be applied.
            if let Err(reason) = change::outcome(raft.prs(), change) {
                return self.refuse(request, Refusal::Rule(reason), out);
            }
        }
        let context = request.0.to_le_bytes().to_vec();
        if self.raw.propose_conf_change(context, change.clone()).is_err() {
            return self.refuse(request, Refusal::Busy, out);
        }
        match refusal {
            Some(reason) => self.refuse(request, Refusal::Rule(reason), out),
            None => {
                let index = self.raw.raft.raft_log.last_index();
                let joint_is_done = change.enter_joint() == Some(false);
                self.change = Some(PendingChange { index, request, joint_is_done });
            }
        }
    }

    fn on_snapshot_taken(&mut self, through: u64, state: Arc<[u8]>, out: &mut Effects<RaftRs>) {
        let index = index_in(through);
        let store = self.raw.store();
        if self.restoring || index != self.applied || index <= store.image.index {
            return;
        }
        let Ok(term) = store.term(index) else { return };
        let image = Image { index, term, members: store.members.clone(), state };
        self.write(vec![Part::Compact(image)], out);
    }

    fn not_leader(&self) -> Refusal {
        let leader = self.raw.raft.leader_id;
        Refusal::NotLeader {
            hint: (leader != INVALID_ID && leader != self.raw.raft.id).then(|| node_id(leader)),
        }
    }

    fn refuse(&self, request: RequestId, refusal: Refusal, out: &mut Effects<RaftRs>) {
        out.push(Effect::Refuse { request, refusal });
    }
}

// What the library asks for.

impl RaftRs {
    /// Does everything that the library has ready, until it has nothing more.
    fn settle(&mut self, out: &mut Effects<RaftRs>) {
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

    /// Overwrites the library's own draw of the election timeout by a pure function of seed, node, term and role.
    fn redraw(&mut self) {
        if self.settings.leak_rng {
            return;
        }
        let raft = &self.raw.raft;
        let what = [self.entropy, raft.id, raft.term, raft.state as u64, self.timeouts];
        let bytes: Vec<u8> = what.iter().flat_map(|number| number.to_le_bytes()).collect();
        let (min, max) = (self.settings.config.min_election_tick(), self.settings.config.max_election_tick());
        let draw = xxh3_64_with_seed(&bytes, 1) % (max - min) as u64;
        self.raw.raft.set_randomized_election_timeout(min + draw as usize);
    }

    fn on_ready(&mut self, mut ready: Ready, out: &mut Effects<RaftRs>) {
        for message in ready.take_messages() {
            self.send(message, out);
        }
        for read in ready.take_read_states() {
            let request = read.request_ctx.try_into().map(|bytes| RequestId(u64::from_le_bytes(bytes)));
            if let Some(request) = request.ok().filter(|request| self.reads.remove(request)) {
                self.confirmed.push((read.index, request));
            }
        }
        let restore = (!ready.snapshot().is_empty()).then(|| Image::received(ready.snapshot()));
        if let Some(image) = &restore {
            self.drop_unapplied(image);
        }
        let (number, messages) = (ready.number(), ready.take_persisted_messages());
        let must_wait = ready.must_sync();
        let before = self.written;
        let mut parts: Vec<Part> = restore.iter().cloned().map(Part::Restore).collect();
        let entries = ready.take_entries();
        for _ in entries.iter().filter(|entry| entry.get_entry_type() != EntryType::EntryNormal) {
            out.push(Effect::Note("membership-appended"));
        }
        parts.extend(entries.into_iter().map(Part::Entry));
        parts.extend(ready.hs().cloned().map(Part::HardState));
        self.write(parts, out);
        self.queue.extend(ready.take_committed_entries());
        self.raw.advance_append_async(ready);
        // A new commit index alone need not be durable for anything; what was written before must.
        let write = if must_wait { self.written } else { before };
        self.when_durable(write, Then::Ready { number, messages, restore }, out);
    }

    /// A snapshot replaces log and membership at once; what was committed and not applied is part of it.
    fn drop_unapplied(&mut self, image: &Image) {
        self.queue.clear();
        self.changing = false;
        self.waiting.retain(|waiting| matches!(waiting.then, Then::Ready { .. }));
        self.restoring = true;
        self.conf = image.members.conf.clone();
    }

    /// Changes the copy in memory, and asks for the same on the disk.
    fn write(&mut self, parts: Vec<Part>, out: &mut Effects<RaftRs>) {
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
        self.written += 1;
        out.push(Effect::Persist { id: WriteId(self.written), write: Write(parts) });
    }

    fn when_durable(&mut self, write: u64, then: Then, out: &mut Effects<RaftRs>) {
        if write <= self.durable && self.waiting.is_empty() {
            return self.go_on(then, out);
        }
        self.waiting.push_back(Waiting { write, then });
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
        let Some(pending) = self.proposals.remove(&entry.index) else { return };
        if pending.term != entry.term {
            self.refuse(pending.request, Refusal::LeadershipLost, out);
        }
    }

    /// Writes down what the change at the head of the queue makes of the membership, or skips it: when it is known
    /// already (after a restart), or when the library rejects it.
    fn begin_change(&mut self, out: &mut Effects<RaftRs>) {
        let Some(entry) = self.queue.front() else { return };
        let (index, change) = (entry.index, decode(entry));
        let known = index <= self.raw.store().members.index;
        match change::outcome(self.raw.raft.prs(), &change) {
            Ok(conf) if !known => {
                let members = change::members_after(index, conf, &self.raw.store().members, &change);
                self.changing = true;
                self.write(vec![Part::Members(members.clone())], out);
                self.when_durable(self.written, Then::Change { change, members }, out);
            }
            Ok(_) | Err(_) => {
                if !known {
                    out.push(Effect::Note("conf-change-rejected"));
                }
                self.queue.pop_front();
                self.applied = index;
            }
        }
    }

    fn enact(&mut self, change: &ConfChangeV2, members: Members, out: &mut Effects<RaftRs>) {
        self.changing = false;
        self.queue.pop_front();
        self.applied = members.index;
        self.conf = self.raw.apply_conf_change(change).expect("the change was tried before it was written");
        self.raw.mut_store().apply_part(&Part::Members(members));
        self.raw.advance_apply_to(self.applied);
        out.push(Effect::Note("membership-changed"));
        self.finish_change(out);
        self.retire();
    }

    fn finish_change(&mut self, out: &mut Effects<RaftRs>) {
        let Some(pending) = self.change.filter(|pending| pending.index <= self.applied) else { return };
        if pending.joint_is_done || !change::is_joint(&self.conf) {
            self.change = None;
            out.push(Effect::Done { request: pending.request });
        }
    }

    /// A leader that is no voter any more goes on leading, says the library; whoever uses it must stop it. It stops
    /// at once, and votes for whoever takes over.
    fn retire(&mut self) {
        let raft = &self.raw.raft;
        let remains =
            self.conf.get_voters_outgoing().contains(&raft.id) || self.conf.get_voters().contains(&raft.id);
        if remains || raft.state != StateRole::Leader || self.settings.removed_leader_stays {
            return;
        }
        let term = raft.term;
        self.raw.raft.become_follower(term, INVALID_ID);
        self.redraw();
    }

    fn send(&mut self, message: eraftpb::Message, out: &mut Effects<RaftRs>) {
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
        let Some(&address) = address else { return out.push(Effect::Note("address-unknown")) };
        if message.get_msg_type() == MessageType::MsgSnapshot {
            self.snapshots.insert(message.to, 0);
            out.push(Effect::Note("snapshot-sent"));
        }
        out.push(Effect::Send { from: self.id, to, address, message: Message(message) });
    }
}

// What is owed to clients and operators.

impl RaftRs {
    fn serve(&mut self, out: &mut Effects<RaftRs>) {
        let applied = self.applied;
        for (_, request) in self.confirmed.extract_if(.., |(index, _)| *index <= applied) {
            out.push(Effect::Serve { request });
        }
    }

    /// Whoever waits at a leader that leads no longer gets to know.
    fn watch_reign(&mut self, out: &mut Effects<RaftRs>) {
        let now = self.leads().then_some(self.raw.raft.term);
        if self.reign == now {
            return;
        }
        self.reign = now;
        let mut lost: Vec<RequestId> = self.proposals.values().map(|pending| pending.request).collect();
        self.proposals.clear();
        lost.extend(self.change.take().map(|change| change.request));
        for request in lost {
            self.refuse(request, Refusal::LeadershipLost, out);
        }
        let refusal = self.not_leader();
        for request in std::mem::take(&mut self.reads) {
            self.refuse(request, refusal.clone(), out);
        }
    }

    fn watch_transfer(&mut self, out: &mut Effects<RaftRs>) {
        let Some((request, to)) = self.transfer else { return };
        let raft = &self.raw.raft;
        let refusal = match (raft.state, raft.leader_id) {
            (StateRole::Leader, _) if raft.lead_transferee.is_some() => return,
            (StateRole::Leader, _) => Refusal::Rule("transfer-timed-out"),
            (_, INVALID_ID) => return,
            (_, leader) if leader == to => {
                self.transfer = None;
                return out.push(Effect::Done { request });
            }
            (_, _) => Refusal::Rule("transfer-failed"),
        };
        self.transfer = None;
        self.refuse(request, refusal, out);
    }
}

/// The change that an entry carries: this adapter proposes the second form only. The empty entry by which the library leaves a joint config is the empty change.
fn decode(entry: &Entry) -> ConfChangeV2 {
    let mut change = ConfChangeV2::default();
    let _ = change.merge_from_bytes(entry.get_data());
    change
}

impl Inspect for RaftRs {
    fn epoch(&self) -> Epoch {
        Epoch(term_out(self.raw.raft.term))
    }

    fn leads(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    fn role(&self) -> &'static str {
        match self.raw.raft.state {
            StateRole::Follower if self.conf.get_voters().is_empty() => "uninitialised",
            StateRole::Follower if !self.raw.raft.promotable() => "learner",
            StateRole::Follower => "follower",
            StateRole::PreCandidate => "pre-candidate",
            StateRole::Candidate => "candidate",
            StateRole::Leader => "leader",
        }
    }

    fn commit(&self) -> u64 {
        index_out(self.raw.raft.raft_log.committed)
    }

    fn applied(&self) -> u64 {
        index_out(self.applied)
    }

    fn last(&self) -> u64 {
        index_out(self.raw.raft.raft_log.last_index())
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        crate::protocol::Disk::mark(self.raw.store(), index)
    }

    fn quorums(&self) -> QuorumSets {
        let sets = [self.conf.get_voters_outgoing(), self.conf.get_voters()];
        let sets = sets.into_iter().filter(|set| !set.is_empty());
        sets.map(|set| set.iter().map(|&id| node_id(id)).collect()).collect()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        let sets = [self.conf.get_voters_outgoing(), self.conf.get_voters()];
        for (number, set) in sets.into_iter().filter(|set| !set.is_empty()).enumerate() {
            set.iter().for_each(|&id| visit(number, node_id(id)));
        }
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        self.conf.get_learners().iter().map(|&id| node_id(id)).collect()
    }

    fn describe(&self) -> String {
        let raft = &self.raw.raft;
        let name = |id: u64| if id == INVALID_ID { "nobody".to_owned() } else { node_id(id).0.to_string() };
        let sets: Vec<String> = self
            .quorums()
            .iter()
            .map(|set| {
                let ids: Vec<String> = set.iter().map(|id| id.0.to_string()).collect();
                format!("{{{}}}", ids.join(","))
            })
            .collect();
        format!(
            "{} in term {}, votes for {}, follows {}; log ({},{}), durable {}, commit {}, applied {}, snapshot {}; voters {}",
            self.role(),
            term_out(raft.term),
            name(raft.vote),
            name(raft.leader_id),
            term_out(raft.raft_log.last_term()),
            self.last(),
            index_out(raft.raft_log.persisted),
            self.commit(),
            self.applied(),
            index_out(self.raw.store().image.index),
            sets.join(""),
        )
    }
}

impl fmt::Debug for RaftRs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
