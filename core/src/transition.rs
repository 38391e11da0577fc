//! A state being rewritten, and the effects so far.
//!
//! Holds: a step issues one write at most; what it says waits for what it vouches for; what it applies is committed and on
//! the disk; the invariants hold at its end.
//! Not here: what an input means (the topics), and the order of a step's end (`raft`).

use crate::durability::Envelope;
use crate::effect::{Effect, Effects, Refusal};
use crate::fact::Fact;
use crate::input::Timer;
#[cfg(debug_assertions)]
use crate::invariants;
use crate::log::{LogSlice, Payload};
use crate::message::{Body, Message, Vouches};
use crate::mutation::Mutation;
use crate::recovery::{HardState, Write};
use crate::rules::Rule;
use crate::state::State;
use crate::types::{Address, LogIndex, NodeId, RequestId, Within, WriteId};
use alloc::sync::Arc;
use core::ops::{Deref, DerefMut};

/// Whom this node talks with in this step, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct Conversation {
    pub(crate) myself: NodeId,
    pub(crate) peer: NodeId,
    pub(crate) address: Address,
}

/// A state being rewritten.
pub(crate) struct Transition<'a> {
    raft: &'a mut State,
    effects: &'a mut Effects,
    conversation: Option<Conversation>,
    hard_state_changed: bool,
    snapshot_changed: bool,
    /// The log's entries through here are not needed any more.
    compacted_through: Option<LogIndex>,
    /// The lowest entry that is new or must go from the disk.
    written_from: Option<LogIndex>,
    /// The last slice that was made of the log, to be used again for the next peer and for the disk.
    pub(crate) slice: Option<LogSlice>,
    /// Whether a leader appended entries that its peers have not been sent.
    pub(crate) appended: bool,
    #[cfg(debug_assertions)]
    before: invariants::Standing,
}

impl Deref for Transition<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        self.raft
    }
}

impl DerefMut for Transition<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.raft
    }
}

impl<'a> Transition<'a> {
    pub(crate) fn begin(raft: &'a mut State, effects: &'a mut Effects) -> Transition<'a> {
        Transition {
            #[cfg(debug_assertions)]
            before: invariants::Standing::of(raft),
            raft,
            effects,
            conversation: None,
            hard_state_changed: false,
            snapshot_changed: false,
            compacted_through: None,
            written_from: None,
            slice: None,
            appended: false,
        }
    }

    // What is asked of the world.

    pub(crate) fn note(&mut self, fact: Fact) {
        self.effects.list.push(Effect::Note(fact));
    }

    pub(crate) fn set_timer(&mut self, timer: Timer, within: Within) {
        self.effects.list.push(Effect::SetTimer { timer, within });
    }

    pub(crate) fn cancel_timer(&mut self, timer: Timer) {
        self.effects.list.push(Effect::CancelTimer(timer));
    }

    pub(crate) fn refuse(&mut self, request: RequestId, refusal: Refusal) {
        self.effects.list.push(Effect::Refuse { request, refusal });
    }

    pub(crate) fn done(&mut self, request: RequestId) {
        self.effects.list.push(Effect::Done { request });
    }

    /// Ends the process with this step. What is said and written in it still goes out.
    pub(crate) fn shut_down(&mut self) {
        self.raft.is_shut_down = true;
    }

    pub(crate) fn serve(&mut self, request: RequestId) {
        self.effects.list.push(Effect::Serve { request });
    }

    /// Sends a request to a peer at an address.
    pub(crate) fn send(&mut self, to: NodeId, address: Address, body: Body) {
        let from = self.id();
        self.post(Envelope { from, to, address, message: Message { term: self.term(), body } });
    }

    /// From now on, `reply` answers this peer.
    pub(crate) fn talk(&mut self, conversation: Conversation) {
        self.conversation = Some(conversation);
    }

    /// Answers the message of this step: to where it came from, as whom it meant.
    pub(crate) fn reply(&mut self, body: Body) {
        let Some(Conversation { myself, peer, address }) = self.conversation else { return };
        let message = Message { term: self.term(), body };
        self.post(Envelope { from: myself, to: peer, address, message });
    }

    fn post(&mut self, envelope: Envelope) {
        match envelope.message.body.vouches() {
            Vouches::Nothing => self.effects.list.push(sent(envelope)),
            Vouches::HardState | Vouches::Log(_) => self.raft.outbox.push(envelope),
        }
    }

    // What changes on the disk.

    pub(crate) fn hard_state_changed(&mut self) {
        self.hard_state_changed = true;
    }

    pub(crate) fn snapshot_changed(&mut self) {
        self.snapshot_changed = true;
    }

    /// Drops the log's entries through an index; they are in the snapshot.
    pub(crate) fn compact(&mut self, through: LogIndex) {
        if through > self.log.base().index {
            self.log.compact(through);
            self.compacted_through = Some(through);
        }
    }

    pub(crate) fn log_written(&mut self, from: LogIndex) {
        self.written_from = Some(self.written_from.map_or(from, |before| before.min(from)));
        self.log_changed(from);
    }

    /// Notes that entries from an index on are not what they were.
    pub(crate) fn log_changed(&mut self, from: LogIndex) {
        self.effects.log_changed(from);
    }

    /// At most `count` entries from an index on; the last slice again when it is the same.
    pub(crate) fn slice(&mut self, from: LogIndex, count: u64) -> Option<LogSlice> {
        let through = LogIndex(from.0.saturating_add(count) - 1).min(self.log.last().index);
        if let Some(slice) = &self.slice
            && slice.prev().index.next() == from
            && slice.through() == through
        {
            return Some(slice.clone());
        }
        let slice = self.log.slice(from, count)?;
        if !slice.is_empty() {
            self.slice = Some(slice.clone());
        }
        Some(slice)
    }

    // The exit.

    /// The step's one write, and what may be said and done after it.
    pub(crate) fn write_and_say(&mut self) {
        self.issue_write();
        self.gate_messages();
        self.apply_committed();
    }

    /// Ends the step.
    pub(crate) fn close(self) {
        if self.is_shut_down {
            self.effects.list.push(Effect::ShutDown);
        }
        #[cfg(debug_assertions)]
        if self.raft.is_correct() {
            invariants::assert_kept(&self.before, self.raft);
        }
    }

    /// Whether entries were appended since the last time this was asked.
    pub(crate) fn take_appended(&mut self) -> bool {
        core::mem::take(&mut self.appended)
    }

    fn issue_write(&mut self) {
        if !self.hard_state_changed && !self.snapshot_changed && self.written_from.is_none() {
            return;
        }
        let last = self.log.last().index;
        let write = Write {
            hard_state: self.hard_state_changed.then(|| self.hard_state_to_write()),
            snapshot: self.snapshot_changed.then(|| Arc::clone(&self.raft.snapshot)),
            compacted_through: self.compacted_through,
            entries: self.written_from.and_then(|from| self.slice(from, u64::MAX - from.0)),
        };
        let id = self.raft.durability.issue(self.hard_state_changed, last);
        self.effects.list.push(Effect::Persist { id, write });
    }

    fn hard_state_to_write(&self) -> HardState {
        let forgotten = |vote: &NodeId| match *vote == self.id() {
            true => self.mutated(Mutation::OwnVoteNotPersisted),
            false => self.mutated(Mutation::VoteNotPersisted),
        };
        HardState { vote: self.hard_state.vote.filter(|vote| !forgotten(vote)), ..self.hard_state }
    }

    /// Lets go what waited long enough, then what this step said, unless it has to wait.
    fn gate_messages(&mut self) {
        while let Some(envelope) = self.raft.durability.release() {
            self.effects.list.push(sent(envelope));
        }
        if self.raft.outbox.is_empty() {
            return;
        }
        let mut outbox = core::mem::take(&mut self.raft.outbox);
        for envelope in outbox.drain(..) {
            let until = self.waits_for(&envelope.message.body);
            if self.durability.is_free(until) {
                self.effects.list.push(sent(envelope));
            } else {
                self.note(Fact::MessageHeld);
                self.raft.durability.hold(until, envelope);
            }
        }
        self.raft.outbox = outbox;
    }

    /// The write that a message vouches for.
    fn waits_for(&self, body: &Body) -> WriteId {
        let log = match body.vouches() {
            Vouches::Nothing => return WriteId(0),
            Vouches::HardState => WriteId(0),
            Vouches::Log(_) if self.mutated(Mutation::AckWaitsForFirstWrite) => {
                self.durability.first_unfinished()
            }
            Vouches::Log(through) => self.durability.log_write(through),
        };
        let hard_state = self.durability.hard_state_write();
        match body {
            Body::VoteRequest { .. } | Body::VoteResponse { .. }
                if !self.keeps(Rule::VoteDurableBeforeReply) || self.mutated(Mutation::VoteBeforeDurable) =>
            {
                WriteId(0)
            }
            Body::AppendAccepted { .. }
                if !self.keeps(Rule::AppendDurableBeforeReply)
                    || self.mutated(Mutation::AckBeforeDurable) =>
            {
                WriteId(0)
            }
            Body::SnapshotAccepted { .. } if self.mutated(Mutation::SnapshotAckBeforeDurable) => WriteId(0),
            Body::VoteRequest { .. }
            | Body::VoteResponse { .. }
            | Body::AppendAccepted { .. }
            | Body::AppendRejected { .. }
            | Body::HeartbeatResponse { .. }
            | Body::SnapshotReceived { .. }
            | Body::SnapshotAccepted { .. }
            | Body::TermOver
            | Body::PreVoteRequest { .. }
            | Body::PreVoteResponse { .. }
            | Body::AppendRequest { .. }
            | Body::Heartbeat { .. }
            | Body::SnapshotRequest { .. }
            | Body::NotAMember
            | Body::TimeoutNow
            | Body::ReadIndexRequest { .. }
            | Body::ReadIndexResponse { .. } => hard_state.max(log),
        }
    }

    /// Hands to the machine what is committed and on this node's own disk, so that a restart never finds a machine
    /// ahead of its log.
    fn apply_committed(&mut self) {
        let uncommitted = self.mutated(Mutation::ApplyUncommitted);
        let durable = self.durability.log();
        let through = if uncommitted { durable } else { self.commit.min(durable) };
        let snapshot = self.snapshot.last.index;
        if self.applied < snapshot && snapshot <= through {
            self.raft.applied = snapshot;
            self.effects.list.push(Effect::Restore(Arc::clone(&self.raft.snapshot)));
        }
        while self.applied < through {
            let index = self.applied.next();
            let Some(entry) = self.raft.log.get(index) else { return };
            if let Payload::Command(command) = &entry.payload {
                self.effects.list.push(Effect::Apply { index, command: Arc::clone(command) });
            }
            self.raft.applied = index;
        }
    }
}

fn sent(Envelope { from, to, address, message }: Envelope) -> Effect {
    Effect::Send { from, to, address, message }
}
