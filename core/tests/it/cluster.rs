//! A small cluster: disks with unfinished writes, messages in a bag, and the promises checked after every step.
//!
//! Holds: node n is reached at address n, unless a membership says otherwise. A broken promise is remembered in
//! `broken`, and `Cluster::assert_kept` tells.
//! Not here: time; timers fire when a test says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use splitbrain_core::{
    Address, Body, Change, ChangeMembers, Config, Durable, Effect, Effects, Entry, Fact, HardState, Input,
    LogId, LogIndex, Membership, Message, NodeId, Payload, Raft, Refusal, RequestId, Term, Timer, VoterSet,
    Vouches, Write, WriteId, invariants,
    progress::{Mode, Peers},
};

use crate::render;

/// Every timer that a node can have.
pub(crate) const TIMERS: [Timer; 8] = [
    Timer::Election,
    Timer::Heartbeat,
    Timer::Stickiness,
    Timer::CheckQuorum,
    Timer::Transfer,
    Timer::Staging,
    Timer::EvenLease,
    Timer::OddLease,
];

/// A message under way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) from: NodeId,
    pub(crate) source: Address,
    pub(crate) to: NodeId,
    pub(crate) address: Address,
    pub(crate) message: Message,
}

/// A machine with its disk, and a process while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) raft: Option<Raft>,
    pub(crate) disk: Durable,
    pub(crate) unfinished: VecDeque<(WriteId, Write)>,
    config: Config,
    applied: LogIndex,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Served,
    Refused(Refusal),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) seen: BTreeSet<Fact>,
    pub(crate) outcomes: BTreeMap<RequestId, Outcome>,
    pub(crate) broken: Option<String>,
    /// Every step in words, once somebody wants to read them.
    pub(crate) transcript: Option<String>,
    cut: BTreeSet<(u32, u32)>,
    leaders: BTreeMap<Term, NodeId>,
    /// What was committed, and in which term that was first known.
    committed: BTreeMap<LogIndex, (LogId, Payload, Term)>,
    requests: u64,
}

pub(crate) fn n(id: u32) -> NodeId {
    NodeId(id)
}

pub(crate) fn set(ids: &[u32]) -> VoterSet {
    ids.iter().copied().map(NodeId).collect()
}

pub(crate) fn ids(ids: &[u32]) -> BTreeSet<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

pub(crate) fn at_home(ids: &[u32]) -> BTreeMap<NodeId, Address> {
    ids.iter().map(|id| (NodeId(*id), Address(*id))).collect()
}

pub(crate) fn append(sets: &[&[u32]]) -> Change {
    let all: Vec<u32> = sets.iter().flat_map(|set| set.iter().copied()).collect();
    Change::Append { sets: sets.iter().map(|ids| set(ids)).collect(), nodes: at_home(&all), retain: true }
}

pub(crate) fn voters(wanted: &[u32]) -> Change {
    Change::Members { members: ChangeMembers::ReplaceAllVoters(ids(wanted)), retain: true }
}

/// The disk of a node with these voters whose log has these terms, in the last of which it is.
pub(crate) fn disk_with(voters: &[u32], terms: &[u64]) -> Durable {
    let mut disk = Durable::initialised(Membership::new(vec![set(voters)], at_home(voters)).unwrap());
    for (index, term) in (1..).zip(terms) {
        disk.log.push(Entry { id: LogId::new(*term, index), payload: Payload::Blank });
    }
    disk.hard_state.term = disk.last().term;
    disk
}

/// Plain Raft: no pre-vote, no check-quorum, no stickiness, so that a test may elect whom it wants.
pub(crate) fn plain(id: NodeId) -> Config {
    Config { pre_vote: false, check_quorum: false, stickiness: false, ..Config::new(id) }
}

/// Whether a message says more than its sender's disk holds, while every rule is kept: an effect is a licence.
fn runs_ahead(node: &Node, to: NodeId, message: &Message) -> Option<String> {
    let Message { term, body } = message;
    let HardState { term: written, vote } = node.disk.hard_state;
    let raft = node.raft.as_ref().filter(|raft| raft.config().rules.are_all_on())?;
    let log = match body.vouches() {
        Vouches::Nothing => return None,
        Vouches::HardState => LogIndex(0),
        Vouches::Log(through) => through,
    };
    let voted_for = match body {
        Body::VoteResponse { granted: true } => Some(to),
        Body::VoteRequest { .. } => Some(raft.id()),
        _ => None,
    };
    let forgets = voted_for.is_some() && vote != voted_for && written == *term;
    // What was said of a log in an earlier term may have been replaced since.
    let lacks = node.disk.last().index < log && *term == raft.term();
    (written < *term || forgets || lacks).then(|| format!("says what its disk does not hold: {message:?}"))
}

impl Cluster {
    /// A cluster with these voter sets, and further nodes that were never initialised.
    pub(crate) fn new(sets: &[&[u32]], spare: &[u32], config: impl Fn(NodeId) -> Config) -> Cluster {
        let all: Vec<u32> = sets.iter().flat_map(|set| set.iter().copied()).collect();
        let membership = Membership::new(sets.iter().map(|ids| set(ids)).collect(), at_home(&all)).unwrap();
        let disks = at_home(&all).into_keys().map(|id| (id, Durable::initialised(membership.clone())));
        let spare = spare.iter().map(|id| (NodeId(*id), Durable::default()));
        Cluster::on_disks(disks.chain(spare), config)
    }

    pub(crate) fn on_disks(
        disks: impl Iterator<Item = (NodeId, Durable)>,
        config: impl Fn(NodeId) -> Config,
    ) -> Cluster {
        let mut cluster = Cluster::default();
        for (id, disk) in disks {
            let node = Node {
                raft: None,
                disk,
                unfinished: VecDeque::new(),
                config: config(id),
                applied: LogIndex(0),
            };
            cluster.nodes.insert(id, node);
            cluster.restart(id.0);
        }
        cluster
    }

    pub(crate) fn raft(&self, id: u32) -> &Raft {
        self.nodes[&n(id)].raft.as_ref().expect("the node runs")
    }

    pub(crate) fn runs(&self, id: u32) -> bool {
        self.nodes[&n(id)].raft.is_some()
    }

    /// The terms of a node's log, from the first entry that it still holds.
    pub(crate) fn terms(&self, id: u32) -> Vec<u64> {
        self.raft(id).log().iter().map(|entry| entry.id.term.0).collect()
    }

    pub(crate) fn sets(&self, id: u32) -> Vec<VoterSet> {
        self.raft(id).membership().sets().to_vec()
    }

    // What happens.

    pub(crate) fn step(&mut self, id: u32, input: Input) {
        let Some(before) = self.nodes.get_mut(&n(id)).and_then(|node| node.raft.take()) else { return };
        let told = self.transcript.is_some().then(|| render::input(n(id), &input));
        let (after, effects) = before.clone().step(input);
        self.write_down(id, told, &before, &after, &effects);
        if before.config().rules.are_all_on()
            && let Err(sentence) = invariants::check(&before, &after)
        {
            self.broken.get_or_insert_with(|| format!("node {id}: {sentence}"));
        }
        self.after_step(id, after, effects);
    }

    /// Something that no node notices, for the reader of a transcript.
    fn remark(&mut self, text: impl FnOnce() -> String) {
        if let Some(transcript) = &mut self.transcript {
            transcript.push_str(&(text() + "\n"));
        }
    }

    fn write_down(&mut self, id: u32, told: Option<String>, before: &Raft, after: &Raft, effects: &Effects) {
        let (Some(text), Some(told)) = (&mut self.transcript, told) else { return };
        let mut lines = vec![format!("{id} {told}")];
        lines.extend(effects.list.iter().map(|effect| format!("    {}", render::effect(n(id), effect))));
        lines.extend(render::moved(before, after).map(|moved| format!("    = {moved}")));
        text.push_str(&(lines.join("\n") + "\n"));
    }

    fn after_step(&mut self, id: u32, after: Raft, effects: Effects) {
        self.check(&after);
        if let Some(node) = self.nodes.get_mut(&n(id)) {
            node.raft = Some(after);
        }
        for effect in effects.list {
            self.perform(id, effect);
        }
    }

    fn perform(&mut self, id: u32, effect: Effect) {
        let node = self.nodes.get_mut(&n(id)).expect("a node of this cluster");
        match effect {
            Effect::Persist { id, write } => node.unfinished.push_back((id, write)),
            Effect::Send { from, to, address, message } => {
                if let Some(text) = runs_ahead(node, to, &message) {
                    self.break_promise(format!("{id} {text}"));
                }
                self.letters.push(Letter { from, source: Address(id), to, address, message });
            }
            Effect::Apply { index, .. } => {
                assert!(index > node.applied, "applied twice");
                node.applied = index;
            }
            Effect::Restore(snapshot) => {
                node.applied = snapshot.last.index;
                if *snapshot.state != snapshot.last.index.0.to_le_bytes() {
                    self.break_promise(format!("{id} restores a state that nobody took"));
                }
            }
            Effect::Serve { request } => drop(self.outcomes.insert(request, Outcome::Served)),
            Effect::Done { request } => drop(self.outcomes.insert(request, Outcome::Done)),
            Effect::Refuse { request, refusal } => {
                self.outcomes.insert(request, Outcome::Refused(refusal));
            }
            Effect::ShutDown => {
                node.unfinished.drain(..).for_each(|(_, write)| node.disk.apply(&write));
                node.raft = None;
            }
            Effect::Note(fact) => drop(self.seen.insert(fact)),
            Effect::SetTimer { .. } | Effect::CancelTimer(_) => {}
        }
    }

    pub(crate) fn fire(&mut self, id: u32, timer: Timer) {
        self.step(id, Input::TimerFired(timer));
    }

    /// Delivers a message out of the bag.
    pub(crate) fn deliver(&mut self, place: usize) {
        let Letter { from, source, to, address, message } = self.letters.remove(place);
        let arrives = !self.cut.contains(&(source.0, address.0))
            && self.nodes.get(&n(address.0)).is_some_and(|node| node.raft.is_some());
        if !arrives {
            let text = || format!("lost from {} at {}: {}", from.0, address.0, render::message(&message));
            self.remark(text);
        }
        if !self.cut.contains(&(source.0, address.0)) && self.nodes.contains_key(&n(address.0)) {
            self.step(address.0, Input::Received { from, source, to, message });
        }
    }

    /// The oldest unfinished write of a node reaches its disk.
    pub(crate) fn finish_write(&mut self, id: u32) {
        let Some(node) = self.nodes.get_mut(&n(id)) else { return };
        if let Some((through, write)) = node.unfinished.pop_front() {
            node.disk.apply(&write);
            self.step(id, Input::Persisted { through });
        }
    }

    /// A node with an unfinished write.
    pub(crate) fn writer(&self) -> Option<u32> {
        self.nodes.iter().find(|(_, node)| !node.unfinished.is_empty()).map(|(id, _)| id.0)
    }

    /// One write or, when there is none, one delivery. Returns whether there was anything to do.
    pub(crate) fn advance(&mut self) -> bool {
        match self.writer() {
            Some(id) => self.finish_write(id),
            None if self.letters.is_empty() => return false,
            None => self.deliver(0),
        }
        true
    }

    /// Delivers and writes everything until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.advance() {
                return;
            }
        }
        panic!("does not settle");
    }

    /// A crash keeps the first parts of the unfinished writes.
    pub(crate) fn crash(&mut self, id: u32, parts: usize) {
        self.remark(|| format!("{id} crashes; {parts} parts of its writes are kept"));
        let node = self.nodes.get_mut(&n(id)).expect("a node of this cluster");
        let mut left = parts;
        for (_, write) in std::mem::take(&mut node.unfinished) {
            let kept = write.parts().min(left);
            node.disk.apply(&write.prefix(kept));
            if kept < write.parts() {
                break;
            }
            left -= kept;
        }
        node.raft = None;
    }

    pub(crate) fn restart(&mut self, id: u32) {
        let node = self.nodes.get_mut(&n(id)).expect("a node of this cluster");
        node.applied = LogIndex(0);
        node.config.incarnation += 1;
        let (raft, effects) = Raft::boot(node.config, &node.disk);
        let standing = render::standing(&raft);
        self.remark(|| format!("{id} boots: {standing}"));
        for effect in &effects.list {
            self.remark(|| format!("    {}", render::effect(n(id), effect)));
        }
        self.after_step(id, raft, effects);
    }

    /// A machine is exchanged: its process ends, and one of the same name boots on another disk.
    pub(crate) fn wipe(&mut self, id: u32, disk: Durable) {
        self.crash(id, 0);
        self.nodes.get_mut(&n(id)).expect("a node of this cluster").disk = disk;
        self.restart(id);
    }

    /// Messages between these two groups are lost from now on, in both directions.
    pub(crate) fn part(&mut self, left: &[u32], right: &[u32]) {
        for a in left {
            for b in right {
                self.cut.extend([(*a, *b), (*b, *a)]);
            }
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(crate) fn elect(&mut self, id: u32) {
        self.fire(id, Timer::Election);
        self.settle();
    }

    /// Elects a node and stops as soon as it leads, with everything else still under way.
    pub(crate) fn elect_only(&mut self, id: u32) {
        for _ in 0..3 {
            self.fire(id, Timer::Election);
            while !self.raft(id).leads() && !self.is_quiet() {
                let writers: Vec<u32> = self.nodes.keys().map(|id| id.0).collect();
                writers.into_iter().for_each(|id| self.finish_write(id));
                if !self.letters.is_empty() && !self.raft(id).leads() {
                    self.deliver(0);
                }
            }
            if self.raft(id).leads() {
                return;
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.letters.is_empty() && self.writer().is_none()
    }

    fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    pub(crate) fn propose(&mut self, id: u32) -> RequestId {
        let request = self.next_request();
        let command: Arc<[u8]> = Arc::from(request.0.to_le_bytes());
        self.step(id, Input::Proposed { request, command });
        request
    }

    pub(crate) fn write(&mut self, id: u32) -> RequestId {
        let request = self.propose(id);
        self.settle();
        request
    }

    pub(crate) fn read(&mut self, id: u32) -> RequestId {
        let request = self.next_request();
        self.step(id, Input::ReadRequested { request });
        request
    }

    pub(crate) fn ask(&mut self, id: u32, change: Change) -> RequestId {
        let request = self.next_request();
        self.step(id, Input::ChangeRequested { request, change });
        request
    }

    pub(crate) fn change(&mut self, id: u32, change: Change) -> Option<Outcome> {
        let request = self.ask(id, change);
        self.settle();
        self.outcomes.get(&request).copied()
    }

    pub(crate) fn transfer(&mut self, id: u32, to: u32) -> RequestId {
        let request = self.next_request();
        self.step(id, Input::TransferRequested { request, to: n(to) });
        request
    }

    pub(crate) fn snapshot(&mut self, id: u32) {
        if self.runs(id) {
            let through = self.raft(id).applied();
            self.step(id, Input::SnapshotTaken { through, state: Arc::from(through.0.to_le_bytes()) });
        }
    }

    // What must hold.

    /// Election safety (section 5.2), state-machine safety and leader completeness (section 5.4).
    fn check(&mut self, after: &Raft) {
        if after.leads() && *self.leaders.entry(after.term()).or_insert(after.id()) != after.id() {
            let other = self.leaders[&after.term()];
            self.break_promise(format!("{} and {} lead term {}", other.0, after.id().0, after.term().0));
        }
        let mut index = after.log().base().index;
        while index < after.commit() {
            index = LogIndex(index.0 + 1);
            let Some(entry) = after.log().get(index) else { break };
            let same = self.committed.entry(index).or_insert((entry.id, entry.payload.clone(), after.term()));
            same.2 = same.2.min(after.term());
            if same.0 != entry.id || same.1 != entry.payload {
                let first = same.0.term.0;
                let second = entry.id.term.0;
                self.break_promise(format!("index {} is committed in terms {first} and {second}", index.0));
            }
        }
        let peers = after.peers().map_or(&[][..], Peers::as_slice);
        for peer in peers.iter().filter(|peer| peer.mode == Mode::Replicate) {
            // What was compacted while it was under way has no length any more.
            let bytes = after.log().bytes(peer.matched, LogIndex(peer.next.0 - 1));
            if after.log().base().index <= peer.matched && bytes != peer.bytes {
                self.break_promise(format!("{bytes} bytes are under way, not {}", peer.bytes));
            }
        }
        if after.leads() {
            let missing = self.committed.values().find(|(id, _, known)| {
                *known < after.term() && id.index > after.log().base().index && !after.log().matches(*id)
            });
            if let Some((id, _, _)) = missing {
                let text = format!(
                    "{} leads term {} without ({},{})",
                    after.id().0,
                    after.term().0,
                    id.term.0,
                    id.index.0
                );
                self.break_promise(text);
            }
        }
    }

    fn break_promise(&mut self, text: String) {
        self.broken.get_or_insert(text);
    }

    /// Log matching (section 5.3): two logs that hold the same entry are equal up to it.
    pub(crate) fn check_log_matching(&mut self) {
        let running: Vec<&Raft> = self.nodes.values().filter_map(|node| node.raft.as_ref()).collect();
        let mut different = None;
        for (place, left) in running.iter().enumerate() {
            for right in &running[place + 1..] {
                let last = left.log().last().index.min(right.log().last().index);
                let mut equal = true;
                for index in 1..=last.0 {
                    let (a, b) = (left.log().get(LogIndex(index)), right.log().get(LogIndex(index)));
                    let (Some(a), Some(b)) = (a, b) else { continue };
                    if a.id == b.id && (!equal || a.payload != b.payload) {
                        different =
                            Some(format!("{} and {} differ before index {index}", left.id().0, right.id().0));
                    }
                    equal = a.id == b.id;
                }
            }
        }
        if let Some(text) = different {
            self.break_promise(text);
        }
    }

    pub(crate) fn assert_kept(&mut self) {
        self.check_log_matching();
        assert_eq!(self.broken, None);
    }
}
