//! What of a node decides about its future, for a search that must know states again.
//!
//! Holds: two nodes that feed a hasher the same answer every future input with the same effects, but for the numbers of
//! writes, of which only the distance to the last finished one is fed.
//! Not here: what is done with the numbers (whoever searches).

use core::hash::{Hash, Hasher};

use crate::durability::Envelope;
use crate::message::{Body, Message};
use crate::pending::{Asker, Votes};
use crate::recovery::{HardState, Write};
use crate::state::{Raft, Role, RoleName, State};
use crate::types::{Address, NodeId};

/// Other numbers for nodes, by their own number; a node beyond the end keeps its own. Each node is taken to be reached at the
/// address of its number, so addresses are renamed alike. **Memberships and changes are not renamed**: rename only nodes
/// that every membership treats alike.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a>(pub &'a [u32]);

impl Names<'_> {
    fn node(self, id: NodeId) -> NodeId {
        NodeId(self.number(id.0))
    }

    fn address(self, address: Address) -> Address {
        Address(self.number(address.0))
    }

    fn number(self, number: u32) -> u32 {
        self.0.get(number as usize).copied().unwrap_or(number)
    }
}

impl Raft {
    /// Feeds a hasher with what decides about the future.
    pub fn feed(&self, names: Names<'_>, hasher: &mut impl Hasher) {
        canonical(&self.0, names).hash(hasher);
    }

    /// Whether a message can do nothing any more, here or in any later process on this node's disk: an answer to what was
    /// asked in a term that is over, or in which this node will never ask again, for the disk knows of the term.
    #[must_use]
    pub fn is_over(&self, durable: HardState, message: &Message) -> bool {
        if self.is_mutated() || durable.term < message.term {
            return false;
        }
        let asks_no_more = self.term() > message.term || self.role() == RoleName::Follower;
        match message.body {
            Body::VoteResponse { .. } => asks_no_more || self.leads(),
            Body::AppendAccepted { .. }
            | Body::AppendRejected { .. }
            | Body::HeartbeatResponse { .. }
            | Body::SnapshotReceived { .. }
            | Body::SnapshotAccepted { .. } => asks_no_more,
            Body::TermOver => true,
            Body::TimeoutNow => self.term() > message.term && durable.term > message.term,
            Body::PreVoteRequest { .. }
            | Body::PreVoteResponse { .. }
            | Body::VoteRequest { .. }
            | Body::AppendRequest { .. }
            | Body::Heartbeat { .. }
            | Body::SnapshotRequest { .. }
            | Body::NotAMember
            | Body::ReadIndexRequest { .. }
            | Body::ReadIndexResponse { .. } => false,
        }
    }

    #[cfg(feature = "mutations")]
    fn is_mutated(&self) -> bool {
        self.0.config.mutation.is_some()
    }

    #[cfg(not(feature = "mutations"))]
    fn is_mutated(&self) -> bool {
        false
    }
}

impl HardState {
    /// Feeds a hasher, with other names.
    pub fn feed(self, names: Names<'_>, hasher: &mut impl Hasher) {
        let vote = self.vote.map(|vote| names.node(vote));
        HardState { vote, ..self }.hash(hasher);
    }
}

impl Write {
    /// Feeds a hasher, with other names.
    pub fn feed(&self, names: Names<'_>, hasher: &mut impl Hasher) {
        match self.hard_state {
            Some(hard_state) => hard_state.feed(names, hasher),
            None => u8::MAX.hash(hasher),
        }
        Write { hard_state: None, ..self.clone() }.hash(hasher);
    }
}

/// The state with other names, and without what makes no difference: the order in which votes came, the numbers of
/// finished writes, which boot it is when nobody asks, and who was heard when nobody counts.
fn canonical(state: &State, names: Names<'_>) -> State {
    let mut state = state.clone();
    let config = &mut state.config;
    config.id = names.node(config.id);
    if !config.follower_reads {
        config.incarnation = 0;
    }
    let counts_peers = config.check_quorum;
    state.hard_state.vote = state.hard_state.vote.map(|vote| names.node(vote));
    state.leader = state.leader.map(|leader| names.node(leader));
    if let Some(transfer) = &mut state.transfer {
        transfer.to = names.node(transfer.to);
    }
    state.durability = state.durability.without_numbers();
    state.durability.waiting_mut().for_each(|envelope| rename_envelope(envelope, names));
    match &mut state.role {
        Role::Follower => {}
        Role::PreCandidate(votes) | Role::Candidate(votes) => rename_votes(votes, names),
        Role::Leader(leader) => {
            leader.peers.rename(|id| names.node(id), |address| names.address(address));
            for peer in leader.peers.as_mut_slice() {
                peer.heard &= counts_peers;
            }
            for read in &mut leader.reads.queue {
                if let Asker::Node { id, address, .. } = &mut read.asker {
                    (*id, *address) = (names.node(*id), names.address(*address));
                }
            }
        }
    }
    state
}

fn rename_envelope(envelope: &mut Envelope, names: Names<'_>) {
    envelope.from = names.node(envelope.from);
    envelope.to = names.node(envelope.to);
    envelope.address = names.address(envelope.address);
}

/// Whose votes came is what counts, not in which order.
fn rename_votes(votes: &mut Votes, names: Names<'_>) {
    for list in [&mut votes.granted, &mut votes.refused] {
        list.iter_mut().for_each(|id| *id = names.node(*id));
        list.sort_unstable();
    }
    #[cfg(not(feature = "mutations"))]
    {
        votes.counted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;
    use crate::input::{Input, Timer};
    use crate::testing::{Node, config, slice};
    use crate::types::{LogIndex, RequestId, Term, WriteId};
    use crate::{Config, LogId, Rule, Rules};
    use std::collections::BTreeMap;
    use std::collections::hash_map::DefaultHasher;
    use std::sync::Arc;
    use std::vec::Vec;

    fn number(raft: &Raft, names: &[u32]) -> u64 {
        let mut hasher = DefaultHasher::new();
        raft.feed(Names(names), &mut hasher);
        hasher.finish()
    }

    /// A small generator: equal seeds, equal walks (splitmix64).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % bound
        }
    }

    /// Anything that may happen to a node of a small cluster.
    #[derive(Clone, Debug)]
    enum Happens {
        Hears { from: u32, term: u64, body: Body },
        Finishes { writes: u64 },
        Other(Input),
    }

    fn happens(dice: &mut Dice) -> Happens {
        let term = 1 + dice.below(3);
        let from = 2 + dice.below(2) as u32;
        let index = LogIndex(dice.below(4));
        let hears = |body| Happens::Hears { from, term, body };
        match dice.below(12) {
            0 => Happens::Other(Input::TimerFired(Timer::Election)),
            1 => Happens::Other(Input::TimerFired(Timer::Heartbeat)),
            2 => Happens::Other(Input::Proposed { request: RequestId(1), command: Arc::from(*b"x") }),
            3 | 4 => hears(Body::VoteResponse { granted: dice.below(3) > 0 }),
            5 => hears(Body::VoteRequest { last: LogId::new(term.min(2), index.0), forced: false }),
            6 => hears(Body::AppendRequest {
                slice: slice((0, 0), &[1, term][..dice.below(3) as usize]),
                commit: index,
            }),
            7 => hears(Body::AppendAccepted { through: index }),
            8 => hears(Body::AppendRejected { prev: LogId::new(term, index.0), hint: LogId::default() }),
            9 => hears(Body::Heartbeat { commit: index, round: 0 }),
            _ => Happens::Finishes { writes: 1 + dice.below(2) },
        }
    }

    /// A node, and the last write that it was told of.
    #[derive(Clone)]
    struct Walker {
        node: Node,
        issued: u64,
        finished: u64,
    }

    impl Walker {
        fn new() -> Walker {
            // Nobody reads. What is said here may be a lie, for which nobody is to be asserted against.
            let rules = Rules::all_on().without(Rule::ReadWaitsForApplied);
            let config =
                Config { pre_vote: false, check_quorum: false, stickiness: false, rules, ..config() };
            Walker { node: Node::with_log(config, &[1]), issued: 0, finished: 0 }
        }

        /// What the node asks for, with writes numbered from the last finished one.
        fn meet(&mut self, what: &Happens) -> Vec<Effect> {
            match what.clone() {
                Happens::Hears { from, term, body } => self.node.hear(from, term, body),
                Happens::Other(input) => self.node.step(input),
                Happens::Finishes { writes } => {
                    self.finished = self.issued.min(self.finished + writes);
                    self.node.step(Input::Persisted { through: WriteId(self.finished) });
                }
            }
            let mut asked = self.node.asked.clone();
            for effect in &mut asked {
                if let Effect::Persist { id, .. } = effect {
                    self.issued = id.0;
                    *id = WriteId(id.0 - self.finished);
                }
            }
            asked
        }
    }

    #[test]
    fn equal_fingerprints_have_equal_futures() {
        let mut dice = Dice(1);
        let mut known: BTreeMap<u64, Walker> = BTreeMap::new();
        let mut met = 0;
        for _ in 0..3_000 {
            let mut walker = Walker::new();
            for _ in 0..8 {
                walker.meet(&happens(&mut dice));
                let twin = known.entry(number(&walker.node.raft, &[])).or_insert_with(|| walker.clone());
                if twin.node.raft == walker.node.raft {
                    continue;
                }
                met += 1;
                let (mut one, mut other) = (twin.clone(), walker.clone());
                for _ in 0..12 {
                    let next = happens(&mut dice);
                    assert_eq!(one.meet(&next), other.meet(&next), "{next:?}");
                    assert_eq!(number(&one.node.raft, &[]), number(&other.node.raft, &[]), "{next:?}");
                }
            }
        }
        assert!(met > 100, "only {met} pairs of different states had one fingerprint");
    }

    #[test]
    fn what_makes_a_difference_is_told_apart() {
        let mut one = Walker::new();
        let before = number(&one.node.raft, &[]);
        one.meet(&Happens::Other(Input::TimerFired(Timer::Election)));
        let after = number(&one.node.raft, &[]);
        assert_ne!(before, after);
        one.meet(&Happens::Finishes { writes: 1 });
        assert_ne!(after, number(&one.node.raft, &[]));
    }

    #[test]
    fn with_names_exchanged_two_voters_are_one() {
        let candidate = |voter: u32| {
            let mut walker = Walker::new();
            walker.meet(&Happens::Other(Input::TimerFired(Timer::Election)));
            walker.meet(&Happens::Finishes { writes: 1 });
            walker.node.hear(voter, 2, Body::VoteResponse { granted: false });
            walker.node.raft
        };
        let exchanged = [0, 1, 3, 2];
        assert_ne!(number(&candidate(2), &[]), number(&candidate(3), &[]));
        assert_eq!(number(&candidate(2), &[]), number(&candidate(3), &exchanged));
    }

    #[test]
    fn only_answers_of_a_term_that_is_over_on_disk_are_over() {
        let node = Walker::new().node;
        let durable = |term| HardState { term: Term(term), vote: None };
        let vote = |term| Message { term: Term(term), body: Body::VoteResponse { granted: true } };
        assert!(node.raft.is_over(durable(3), &vote(2)));
        assert!(!node.raft.is_over(durable(1), &vote(2)), "a crash brings the term back");
        let request = Message { term: Term(1), body: Body::Heartbeat { commit: LogIndex(0), round: 0 } };
        assert!(!node.raft.is_over(durable(3), &request), "it is answered");
    }
}
