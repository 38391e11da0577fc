//! Nodes for unit tests that look inside.
//!
//! Holds: node 1 of the voters 1, 2 and 3, each reached at its number; its writes are durable when a test says so.
//! Not here: clusters, and whatever can be seen from outside (`tests/it`).

use alloc::sync::Arc;
use std::collections::BTreeMap;
use std::vec::Vec;

use crate::effect::Effect;
use crate::fact::Fact;
use crate::log::{Entry, LogSlice, Payload};
use crate::membership::{Membership, VoterSet};
use crate::message::{Body, Message};
use crate::recovery::Durable;
use crate::state::{Raft, State};
use crate::types::{Address, LogId, NodeId, RequestId, Term, WriteId};
use crate::{Change, Config, Input, Timer};

/// A node, and what it asked for in its last step.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) raft: Raft,
    pub(crate) asked: Vec<Effect>,
}

pub(crate) fn members(voters: &[u32], learners: &[u32]) -> Membership {
    let nodes: BTreeMap<NodeId, Address> =
        voters.iter().chain(learners).map(|id| (NodeId(*id), Address(*id))).collect();
    let voters: VoterSet = voters.iter().map(|id| NodeId(*id)).collect();
    Membership::new(std::vec![voters], nodes).unwrap()
}

/// Blank entries of these terms, after another entry.
pub(crate) fn slice(prev: (u64, u64), terms: &[u64]) -> LogSlice {
    let entry = |(index, term): (u64, &u64)| Entry { id: LogId::new(*term, index), payload: Payload::Blank };
    LogSlice::new(LogId::new(prev.0, prev.1), (prev.1 + 1..).zip(terms).map(entry).collect()).unwrap()
}

pub(crate) fn config() -> Config {
    Config::new(NodeId(1))
}

impl Node {
    /// A node whose log has these terms, in the term of the last of them.
    pub(crate) fn with_log(config: Config, terms: &[u64]) -> Node {
        let mut disk = Durable::initialised(members(&[1, 2, 3], &[4]));
        slice((0, 0), terms).entries().iter().for_each(|entry| disk.log.push(entry.clone()));
        disk.hard_state.term = disk.last().term;
        let (raft, effects) = Raft::boot(config, &disk);
        Node { raft, asked: effects.list }
    }

    /// A node of these members, with an empty log.
    pub(crate) fn of(config: Config, members: Membership) -> Node {
        let (raft, effects) = Raft::boot(config, &Durable::initialised(members));
        Node { raft, asked: effects.list }
    }

    /// A change of members is asked for.
    pub(crate) fn change(&mut self, request: u64, change: Change) {
        self.step(Input::ChangeRequested { request: RequestId(request), change });
    }

    /// The leader of the term after its log's last, which 2 holds all of. Its own entry is committed.
    pub(crate) fn leading(config: Config, terms: &[u64]) -> Node {
        let mut node = Node::with_log(config, terms);
        node.fire(Timer::Election);
        let term = node.raft.term().0;
        node.hear(2, term, Body::PreVoteResponse { asked: Term(term), granted: true });
        node.finish_writes();
        let term = node.raft.term().0;
        node.hear(2, term, Body::VoteResponse { granted: true });
        assert!(node.raft.leads());
        node.finish_writes();
        node.hear(2, term, Body::AppendAccepted { through: node.raft.log().last().index });
        assert_eq!(node.raft.commit(), node.raft.log().last().index);
        node
    }

    pub(crate) fn step(&mut self, input: Input) {
        let (raft, effects) = self.raft.clone().step(input);
        *self = Node { raft, asked: effects.list };
    }

    pub(crate) fn hear(&mut self, from: u32, term: u64, body: Body) {
        let message = Message { term: Term(term), body };
        let (from, source) = (NodeId(from), Address(from));
        self.step(Input::Received { from, source, to: self.raft.id(), message });
    }

    pub(crate) fn fire(&mut self, timer: Timer) {
        self.step(Input::TimerFired(timer));
    }

    pub(crate) fn propose(&mut self, request: u64, command: &[u8]) {
        self.step(Input::Proposed { request: RequestId(request), command: Arc::from(command) });
    }

    pub(crate) fn read(&mut self, request: u64) {
        self.step(Input::ReadRequested { request: RequestId(request) });
    }

    pub(crate) fn finish_writes(&mut self) {
        self.step(Input::Persisted { through: WriteId(u64::MAX) });
    }

    pub(crate) fn state(&self) -> &State {
        &self.raft.0
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.raft.0
    }

    pub(crate) fn noted(&self, fact: Fact) -> bool {
        self.asked.contains(&Effect::Note(fact))
    }

    /// What was sent in the last step, and to whom.
    pub(crate) fn sent(&self) -> Vec<(u32, &Body)> {
        let sent = |effect| match effect {
            &Effect::Send { to, ref message, .. } => Some((to.0, &message.body)),
            _ => None,
        };
        self.asked.iter().filter_map(sent).collect()
    }

    /// Whether a timer was set in the last step, and to when.
    pub(crate) fn timer(&self, wanted: Timer) -> Option<(u64, u64)> {
        let set = |effect: &Effect| match effect {
            Effect::SetTimer { timer, within } if *timer == wanted => Some((within.min, within.max)),
            _ => None,
        };
        self.asked.iter().rev().find_map(set)
    }
}
