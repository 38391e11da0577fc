//! The Raft of `splitbrain-core` as a protocol of the simulator.
//!
//! Holds: it adds nothing to the core and hides nothing of it; names of settings, rules, facts and refusals are the
//! core's own.
//! Not here: Raft itself (`splitbrain_core`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher};
use std::sync::Arc;

use splitbrain_core as core;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::raft_settings::{self, RaftSettings};
use super::raft_words::{self, node_out};
use crate::adapter::fingerprint;
use crate::protocol::{
    Address, BadSetting, Boot, Change, ChangeMembers, Disk, Effect, Effects, EntryMark, Epoch, Initial,
    InitialMembership, Input, Inspect, NodeId, Operation, Precondition, Protocol, QuorumSets, Refusal,
    RequestId, SetMode, Settings, Within, Words, WriteId,
};

/// A Raft node in the simulator.
#[derive(Clone, Debug)]
pub struct Raft {
    raft: core::Raft,
    /// Kept for its room: empty between steps.
    buffer: core::Effects,
}

impl Raft {
    /// The node itself.
    #[must_use]
    pub fn core(&self) -> &core::Raft {
        &self.raft
    }
}

/// The disk of a Raft node.
#[derive(Clone, Debug, Default)]
pub struct RaftDisk(core::Durable);

impl RaftDisk {
    /// What it holds.
    #[must_use]
    pub fn durable(&self) -> &core::Durable {
        &self.0
    }
}

impl Disk for RaftDisk {
    type Write = core::Write;

    fn fingerprint(write: &Self::Write) -> u64 {
        fingerprint(write)
    }

    fn apply(&mut self, write: &core::Write) {
        self.0.apply(write);
    }

    fn feed(&self, names: &[u32], mut hasher: &mut dyn Hasher) {
        self.0.hard_state.feed(core::Names(names), &mut hasher);
        (&self.0.snapshot, &self.0.log).hash(&mut hasher);
    }

    fn feed_write(write: &core::Write, names: &[u32], mut hasher: &mut dyn Hasher) {
        write.feed(core::Names(names), &mut hasher);
    }

    fn parts(write: &core::Write) -> usize {
        write.parts()
    }

    fn prefix(write: &core::Write, parts: usize) -> core::Write {
        write.prefix(parts)
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.0.log.get(core::LogIndex(index)).map(mark)
    }

    fn snapshot(&self) -> u64 {
        self.0.snapshot.last.index.0
    }
}

/// The names of the rules, in the core's order.
const RULES: [&str; core::Rules::ALL.len()] = {
    let mut names = [""; core::Rules::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = core::Rules::ALL[place].name;
        place += 1;
    }
    names
};

/// The names of the core's facts.
const NOTES: [&str; core::Fact::ALL.len()] = {
    let mut names = [""; core::Fact::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = core::Fact::ALL[place].name();
        place += 1;
    }
    names
};

/// The names of the core's refusals but those that every protocol has.
const REFUSALS: [&str; 18] = [
    "in-progress",
    "empty-membership",
    "learner-not-found",
    "precondition-failed",
    "learner-is-lagging",
    "uncommitted-leader-log",
    "unsupported-membership-transition",
    "node-metadata-changed",
    "majority-add",
    "catch-up-timed-out",
    "already-joint",
    "already-voter",
    "not-a-voter",
    "id-reused",
    "transferring",
    "not-a-target",
    "transfer-timed-out",
    "transfer-failed",
];

impl Protocol for Raft {
    const NAME: &'static str = "raft";
    type Message = core::Message;
    type Timer = core::Timer;
    type Disk = RaftDisk;
    type Settings = RaftSettings;

    fn settings(common: &Settings) -> Result<RaftSettings, BadSetting> {
        raft_settings::read(common)
    }

    fn rules() -> &'static [&'static str] {
        &RULES
    }

    fn notes() -> Option<&'static [&'static str]> {
        Some(&NOTES)
    }

    fn refusals() -> Option<&'static [&'static str]> {
        Some(&REFUSALS)
    }

    fn relies_on_clocks(settings: &RaftSettings) -> bool {
        settings.of(core::NodeId(0)).reads == core::ReadsBy::Lease
    }

    fn format(_: NodeId, initial: &Initial) -> RaftDisk {
        let mut disk = initial.membership.as_ref().map_or_else(core::Durable::default, |first| {
            let membership = core::Membership::new(sets_in(&first.sets), nodes_in(&first.nodes));
            // A cluster without a voter is refused by the loader; a node would simply never vote.
            membership.map_or_else(|_| core::Durable::default(), core::Durable::initialised)
        });
        for (place, &term) in initial.log.iter().enumerate() {
            let id = core::LogId::new(term, place as u64 + 1);
            disk.log.push(core::Entry { id, payload: core::Payload::Blank });
        }
        disk.hard_state.term = core::Term(initial.term).max(disk.log.last().term);
        RaftDisk(disk)
    }

    /// As etcd's `--force-new-cluster`: one more entry says who takes part, and it counts as soon as it is there.
    fn force_members(disk: &mut RaftDisk, members: &InitialMembership) -> bool {
        let Ok(membership) = core::Membership::new(sets_in(&members.sets), nodes_in(&members.nodes)) else {
            return false;
        };
        let durable = &mut disk.0;
        let index = durable.log.last().index.0 + 1;
        let id = core::LogId { term: durable.hard_state.term, index: core::LogIndex(index) };
        durable.log.push(core::Entry { id, payload: core::Payload::Membership(Arc::new(membership)) });
        true
    }

    fn boot(boot: Boot<'_, Raft>, out: &mut Effects<Raft>) -> Raft {
        let config = core::Config { incarnation: boot.incarnation, ..boot.settings.of(node_in(boot.id)) };
        let (raft, mut buffer) = core::Raft::boot(config, &boot.disk.0);
        hand_over(&mut buffer, out);
        Raft { raft, buffer }
    }

    fn fork(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn step(&mut self, input: Input<Raft>, out: &mut Effects<Raft>) {
        self.raft.step_into(input_in(input), &mut self.buffer);
        hand_over(&mut self.buffer, out);
    }

    fn label(message: &core::Message) -> String {
        message.body.name().to_owned()
    }

    fn tell_message(message: &core::Message, words: &dyn Words) -> String {
        raft_words::message(message, words)
    }

    fn tell_write(write: &core::Write, words: &dyn Words) -> String {
        raft_words::write(write, words)
    }

    fn tell_timer(timer: core::Timer) -> String {
        raft_words::timer(timer)
    }

    fn fingerprint(message: &Self::Message) -> u64 {
        fingerprint(message)
    }

    fn feed(&self, names: &[u32], mut hasher: &mut dyn Hasher) {
        self.raft.feed(core::Names(names), &mut hasher);
    }

    fn feeds_names() -> bool {
        true
    }

    fn is_over(&self, disk: &RaftDisk, message: &core::Message) -> bool {
        self.raft.is_over(disk.0.hard_state, message)
    }

    fn election_timer() -> Option<core::Timer> {
        Some(core::Timer::Election)
    }

    fn waits_for_leader(timer: core::Timer) -> bool {
        matches!(timer, core::Timer::Election | core::Timer::Stickiness)
    }

    fn heartbeat_timer() -> Option<core::Timer> {
        Some(core::Timer::Heartbeat)
    }

    fn answers_operators() -> bool {
        true
    }
}

impl Inspect for Raft {
    fn epoch(&self) -> Epoch {
        Epoch(self.raft.term().0)
    }

    fn vote(&self) -> Option<NodeId> {
        self.raft.vote().map(node_out)
    }

    fn leads(&self) -> bool {
        self.raft.leads()
    }

    fn role(&self) -> &'static str {
        match self.raft.role() {
            core::RoleName::Follower if !self.raft.membership().is_initialised() => "uninitialised",
            core::RoleName::Follower if !self.raft.membership().is_voter(self.raft.id()) => "learner",
            core::RoleName::Follower => "follower",
            core::RoleName::PreCandidate => "pre-candidate",
            core::RoleName::Candidate => "candidate",
            core::RoleName::Leader => "leader",
        }
    }

    fn commit(&self) -> u64 {
        self.raft.commit().0
    }

    fn applied(&self) -> u64 {
        self.raft.applied().0
    }

    fn last(&self) -> u64 {
        self.raft.log().last().index.0
    }

    fn received(&self) -> u64 {
        self.raft.snapshot_bytes_received()
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.raft.log().get(core::LogIndex(index)).map(mark)
    }

    fn quorums(&self) -> QuorumSets {
        self.raft.membership().sets().iter().map(|set| set.iter().map(node_out).collect()).collect()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        for (number, set) in self.raft.membership().sets().iter().enumerate() {
            set.iter().for_each(|voter| visit(number, node_out(voter)));
        }
    }

    fn takes_part(&self) -> bool {
        let committed = &self.raft.committed_membership().1;
        let effective = &self.raft.effective_membership().1;
        let is_in = |members: &core::Membership| members.nodes().contains_key(&self.raft.id());
        // A node that no member has told anything waits for the first one who does.
        !committed.is_initialised() || is_in(committed) || is_in(effective)
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        let members = self.raft.membership();
        members.nodes().keys().filter(|id| members.is_learner(**id)).map(|id| node_out(*id)).collect()
    }

    fn entry(&self, index: u64, words: &dyn Words) -> Option<String> {
        let entry = self.raft.log().get(core::LogIndex(index))?;
        Some(raft_words::entry(entry, words))
    }

    fn describe(&self) -> String {
        let raft = &self.raft;
        let last = raft.log().last();
        let vote = raft.vote().map_or_else(|| "nobody".to_owned(), |vote| vote.0.to_string());
        let leader = raft.leader().map_or_else(|| "nobody".to_owned(), |leader| leader.0.to_string());
        format!(
            "{} in term {}, votes for {vote}, follows {leader}; log ({},{}), durable {}, commit {}, applied {}, \
             snapshot {}; voters {}",
            self.role(),
            raft.term().0,
            last.term.0,
            last.index.0,
            raft.durable().0,
            raft.commit().0,
            raft.applied().0,
            raft.snapshot().last.index.0,
            sets_for_people(raft.membership()),
        )
    }
}

fn sets_for_people(membership: &core::Membership) -> String {
    let set = |set: &core::VoterSet| {
        let ids: Vec<String> = set.iter().map(|id| id.0.to_string()).collect();
        format!("{{{}}}", ids.join(","))
    };
    membership.sets().iter().map(set).collect::<Vec<_>>().join("")
}

/// What two nodes must agree on about an entry.
fn mark(entry: &core::Entry) -> EntryMark {
    let digest = match &entry.payload {
        core::Payload::Blank => 0,
        core::Payload::Command(command) => xxh3_64_with_seed(command, 1),
        core::Payload::Membership(membership) => digest_of(membership),
    };
    EntryMark { epoch: Epoch(entry.id.term.0), digest }
}

/// The same on every machine: ids and addresses as little-endian bytes, with their count before each list.
fn digest_of(membership: &core::Membership) -> u64 {
    let mut hasher = Xxh3::with_seed(2);
    for set in membership.sets() {
        hasher.update(&(set.len() as u64).to_le_bytes());
        set.iter().for_each(|id| hasher.update(&id.0.to_le_bytes()));
    }
    hasher.update(&(membership.nodes().len() as u64).to_le_bytes());
    for (id, address) in membership.nodes() {
        hasher.update(&id.0.to_le_bytes());
        hasher.update(&address.0.to_le_bytes());
    }
    membership.retired().iter().for_each(|id| hasher.update(&id.0.to_le_bytes()));
    if let Some(step) = membership.finish() {
        add_step(&mut hasher, step);
    }
    hasher.digest()
}

fn add_step(hasher: &mut Xxh3, step: &core::membership::NextStep) {
    match step {
        core::membership::NextStep::Flatten { retain, nodes } => {
            hasher.update(&[0, u8::from(*retain), u8::from(nodes.is_some())]);
            for (id, address) in nodes.iter().flatten() {
                hasher.update(&id.0.to_le_bytes());
                hasher.update(&address.0.to_le_bytes());
            }
        }
        core::membership::NextStep::To { sets, retain } => {
            hasher.update(&[1, u8::from(*retain)]);
            for set in sets {
                hasher.update(&(set.len() as u64).to_le_bytes());
                set.iter().for_each(|id| hasher.update(&id.0.to_le_bytes()));
            }
        }
    }
}

// The same things in the words of both sides.

fn node_in(id: NodeId) -> core::NodeId {
    core::NodeId(id.0)
}

fn address_in(address: Address) -> core::Address {
    core::Address(address.0)
}

fn set_in(ids: &BTreeSet<NodeId>) -> BTreeSet<core::NodeId> {
    ids.iter().copied().map(node_in).collect()
}

fn sets_in(sets: &QuorumSets) -> Vec<core::VoterSet> {
    sets.iter().map(|set| set_in(set).into()).collect()
}

fn nodes_in(nodes: &BTreeMap<NodeId, Address>) -> BTreeMap<core::NodeId, core::Address> {
    nodes.iter().map(|(id, address)| (node_in(*id), address_in(*address))).collect()
}

fn request_in(request: RequestId) -> core::RequestId {
    core::RequestId(request.0)
}

fn request_out(request: core::RequestId) -> RequestId {
    RequestId(request.0)
}

fn input_in(input: Input<Raft>) -> core::Input {
    match input {
        Input::Received { from, source, to, message } => core::Input::Received {
            from: node_in(from),
            source: core::Address(source.0),
            to: node_in(to),
            message,
        },
        Input::Fired(timer) => core::Input::TimerFired(timer),
        Input::Persisted { through } => core::Input::Persisted { through: core::WriteId(through.0) },
        Input::Proposed { request, command } => {
            core::Input::Proposed { request: request_in(request), command }
        }
        Input::ReadRequested { request } => core::Input::ReadRequested { request: request_in(request) },
        Input::Operated { request, operation } => operation_in(request_in(request), &operation),
        Input::SnapshotTaken { through, state } => {
            core::Input::SnapshotTaken { through: core::LogIndex(through), state }
        }
    }
}

fn operation_in(request: core::RequestId, operation: &Operation) -> core::Input {
    match operation {
        Operation::Change(change) => core::Input::ChangeRequested { request, change: change_in(change) },
        Operation::Transfer { to } => core::Input::TransferRequested { request, to: node_in(*to) },
    }
}

fn change_in(change: &Change) -> core::Change {
    match change {
        Change::AddLearner { node, address, blocking } => core::Change::AddLearner {
            node: node_in(*node),
            address: address_in(*address),
            blocking: *blocking,
        },
        Change::Members { members, retain } => {
            core::Change::Members { members: members_in(members), retain: *retain }
        }
        Change::Append { sets, nodes, retain } => {
            core::Change::Append { sets: sets_in(sets), nodes: nodes_in(nodes), retain: *retain }
        }
        Change::To { sets, nodes, retain } => {
            core::Change::To { sets: sets_in(sets), nodes: nodes_in(nodes), retain: *retain }
        }
        Change::AddServer { node, address } => {
            core::Change::AddServer { node: node_in(*node), address: address_in(*address) }
        }
        Change::RemoveServer { node } => core::Change::RemoveServer { node: node_in(*node) },
        Change::SetConfiguration { mode, servers, listeners } => core::Change::SetConfiguration {
            mode: mode_in(mode),
            servers: nodes_in(servers),
            listeners: nodes_in(listeners),
        },
        Change::If { precondition, change } => core::Change::If {
            precondition: precondition_in(*precondition),
            change: Box::new(change_in(change)),
        },
    }
}

fn members_in(members: &ChangeMembers) -> core::ChangeMembers {
    match members {
        ChangeMembers::AddVoterIds(ids) => core::ChangeMembers::AddVoterIds(set_in(ids)),
        ChangeMembers::AddVoters(nodes) => core::ChangeMembers::AddVoters(nodes_in(nodes)),
        ChangeMembers::RemoveVoters(ids) => core::ChangeMembers::RemoveVoters(set_in(ids)),
        ChangeMembers::ReplaceAllVoters(ids) => core::ChangeMembers::ReplaceAllVoters(set_in(ids)),
        ChangeMembers::AddNodes(nodes) => core::ChangeMembers::AddNodes(nodes_in(nodes)),
        ChangeMembers::SetNodes(nodes) => core::ChangeMembers::SetNodes(nodes_in(nodes)),
        ChangeMembers::RemoveNodes(ids) => core::ChangeMembers::RemoveNodes(set_in(ids)),
        ChangeMembers::ReplaceAllNodes(nodes) => core::ChangeMembers::ReplaceAllNodes(nodes_in(nodes)),
        ChangeMembers::Batch(list) => core::ChangeMembers::Batch(list.iter().map(members_in).collect()),
    }
}

fn mode_in(mode: &SetMode) -> core::SetMode {
    match mode {
        SetMode::Set => core::SetMode::Set,
        SetMode::Add => core::SetMode::Add,
        SetMode::CompareAndSet { servers, listeners } => {
            core::SetMode::CompareAndSet { servers: set_in(servers), listeners: set_in(listeners) }
        }
    }
}

fn precondition_in(precondition: Precondition) -> core::Precondition {
    match precondition {
        Precondition::LastMembership(index) => core::Precondition::LastMembership(core::LogIndex(index)),
        Precondition::LastEntry(index) => core::Precondition::LastEntry(core::LogIndex(index)),
        Precondition::LeaderEpoch(epoch) => core::Precondition::LeaderTerm(core::Term(epoch.0)),
        Precondition::LearnersCaughtUp => core::Precondition::LearnersCaughtUp,
    }
}

/// Hands the core's effects to the world and leaves the buffer empty.
fn hand_over(buffer: &mut core::Effects, out: &mut Effects<Raft>) {
    out.log_changed_from = buffer.log_changed_from.take().map(|index| index.0);
    for effect in buffer.list.drain(..) {
        match effect {
            core::Effect::Note(fact) if is_noted_by_the_world(fact) => {}
            effect => out.list.push(effect_out(effect)),
        }
    }
}

/// Facts that the world notes itself, under the same names, for every protocol.
pub(crate) fn is_noted_by_the_world(fact: core::Fact) -> bool {
    matches!(fact, core::Fact::LeaderElected | core::Fact::LogCut)
}

#[inline]
fn effect_out(effect: core::Effect) -> Effect<Raft> {
    match effect {
        core::Effect::Persist { id, write } => Effect::Persist { id: WriteId(id.0), write },
        core::Effect::Send { from, to, address, message } => {
            Effect::Send { from: node_out(from), to: node_out(to), address: Address(address.0), message }
        }
        core::Effect::SetTimer { timer, within: core::Within { min, max } } => {
            Effect::SetTimer { timer, within: Within { min, max } }
        }
        core::Effect::CancelTimer(timer) => Effect::CancelTimer(timer),
        core::Effect::Apply { index, command } => Effect::Apply { index: index.0, command },
        core::Effect::Restore(snapshot) => {
            Effect::Restore { through: snapshot.last.index.0, state: Arc::clone(&snapshot.state) }
        }
        core::Effect::Serve { request } => Effect::Serve { request: request_out(request) },
        core::Effect::Done { request } => Effect::Done { request: request_out(request) },
        core::Effect::Refuse { request, refusal } => {
            Effect::Refuse { request: request_out(request), refusal: refusal_out(refusal) }
        }
        core::Effect::ShutDown => Effect::ShutDown,
        core::Effect::Note(fact) => Effect::note(fact.name()),
    }
}

fn refusal_out(refusal: core::Refusal) -> Refusal {
    match refusal {
        core::Refusal::NotLeader { hint } => Refusal::NotLeader { hint: hint.map(node_out) },
        core::Refusal::LeadershipLost => Refusal::LeadershipLost,
        core::Refusal::TooMuchUncommitted | core::Refusal::Transferring => Refusal::Busy,
        core::Refusal::NotATarget
        | core::Refusal::TransferTimedOut
        | core::Refusal::TransferFailed
        | core::Refusal::Change(_) => Refusal::rule(refusal.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_payloads_apart() {
        let marked = |payload| mark(&core::Entry { id: core::LogId::new(1, 1), payload });
        let command = |bytes: &[u8]| marked(core::Payload::Command(bytes.into()));
        assert_ne!(command(b"a"), command(b"b"));
        assert_ne!(command(b""), marked(core::Payload::Blank));
        assert_eq!(command(b"a"), command(b"a"));
    }

    #[test]
    fn the_rules_are_the_cores() {
        assert!(Raft::rules().contains(&"initial-log"));
        assert!(Raft::rules().iter().all(|name| core::Rules::all_on().without_named(name).is_ok()));
    }
}
