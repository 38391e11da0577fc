//! What is true of a state, and of two successive states, while all rules are kept.
//!
//! Holds: one sentence, one line. Checked after every step in debug builds; the simulator may ask at any time.

use crate::progress::Mode;
use crate::snapshot::Incoming;
use crate::state::{Raft, Role, State};
use crate::types::{LogId, LogIndex, NodeId, Term};

/// The sentence that does not hold.
pub type Broken = &'static str;

/// What of a state the next one is compared with. Small and copied freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    term: Term,
    vote: Option<NodeId>,
    leads: bool,
    commit: LogIndex,
    commit_term: Option<Term>,
    applied: LogIndex,
    snapshot: LogIndex,
    base: LogIndex,
    last: LogId,
}

impl Standing {
    /// Where a node stands.
    #[must_use]
    pub fn of_node(raft: &Raft) -> Standing {
        Standing::of(&raft.0)
    }

    pub(crate) fn of(state: &State) -> Standing {
        Standing {
            term: state.hard_state.term,
            vote: state.hard_state.vote,
            leads: matches!(state.role, Role::Leader(_)),
            commit: state.commit,
            commit_term: state.log.term_at(state.commit),
            applied: state.applied,
            snapshot: state.snapshot.last.index,
            base: state.log.base().index,
            last: state.log.last(),
        }
    }
}

/// Checks a state.
///
/// # Errors
/// The first sentence that does not hold.
pub fn check_state(raft: &Raft) -> Result<(), Broken> {
    of_state(&raft.0)
}

/// Checks two successive states, and the later one.
///
/// # Errors
/// The first sentence that does not hold.
pub fn check(before: &Raft, after: &Raft) -> Result<(), Broken> {
    check_step(&Standing::of_node(before), after)
}

/// As `check`, for a caller that kept only where the node stood.
///
/// # Errors
/// The first sentence that does not hold.
pub fn check_step(before: &Standing, after: &Raft) -> Result<(), Broken> {
    of_step(before, &after.0)?;
    of_state(&after.0)
}

#[cfg(debug_assertions)]
pub(crate) fn assert_kept(before: &Standing, after: &State) {
    if let Err(broken) = of_step(before, after).and_then(|()| of_state(after)) {
        panic!("broken: {broken}; before: {before:?}; after: {after:?}");
    }
}

fn holds(sentence: Broken, is_true: bool) -> Result<(), Broken> {
    if is_true { Ok(()) } else { Err(sentence) }
}

fn of_state(state: &State) -> Result<(), Broken> {
    let (last, base) = (state.log.last(), state.log.base());
    let durable = state.durability.log();
    holds("the snapshot is committed", state.snapshot.last.index <= state.commit)?;
    holds("applied does not run ahead of commit", state.applied <= state.commit)?;
    holds("applied does not run ahead of the disk", state.applied <= durable)?;
    holds("what is committed is in the log", state.commit <= last.index)?;
    holds("what is durable is in the log", durable <= last.index)?;
    holds("no entry is from the future", last.term <= state.term())?;
    holds("no entry is missing between snapshot and log", base.index <= state.snapshot.last.index)?;
    holds("the log agrees with the snapshot", state.log.matches(state.snapshot.last))?;
    holds("a committed membership is at or below commit", state.members.committed().0.index <= state.commit)?;
    holds("a membership is in the log", state.members.effective().0.index <= last.index)?;
    holds("an uncommitted membership is above commit", is_above_commit(state))?;
    holds(
        "messages wait only for a write under way",
        !state.durability.is_holding() || state.durability.is_writing(),
    )?;
    holds("nothing is left in the outbox", state.outbox.is_empty())?;
    let incoming = state.incoming.as_ref().map(Incoming::last);
    holds(
        "a snapshot is received only of what is not committed here",
        incoming.is_none_or(|last| last.index > state.commit),
    )?;
    match &state.role {
        Role::Leader(leader) => {
            holds("a leader knows itself to be the leader", state.leader == Some(state.id()))?;
            holds("a leader holds its first entry", leader.first_own <= last.index)?;
            holds(
                "the first entry of a leader is of its term",
                state.log.term_at(leader.first_own).is_none_or(|term| term == state.term()),
            )?;
            holds("a leader's term is on its disk", state.durability.holds_hard_state())?;
            of_peers(leader, last)
        }
        Role::Candidate(_) => {
            holds("a candidate votes for itself", state.hard_state.vote == Some(state.id()))
        }
        Role::PreCandidate(_) => holds("a pre-candidate follows nobody", state.leader.is_none()),
        Role::Follower => holds("a follower does not follow itself", state.leader != Some(state.id())),
    }
}

fn is_above_commit(state: &State) -> bool {
    !state.members.is_changing() || state.members.effective().0.index > state.commit
}

fn of_peers(leader: &crate::state::Leader, last: LogId) -> Result<(), Broken> {
    for peer in leader.peers.as_slice() {
        holds("a peer is sent what it does not hold", peer.matched < peer.next)?;
        holds("a peer holds no more than its leader", peer.matched <= last.index)?;
        holds("a peer is sent no more than there is", peer.next <= last.index.next())?;
        holds("a peer answers only rounds that have begun", peer.round <= leader.reads.round())?;
        let under_way = peer.mode == Mode::Replicate && peer.matched.next() < peer.next;
        holds("bytes are under way only with entries", under_way || peer.bytes == 0)?;
    }
    Ok(())
}

fn of_step(before: &Standing, after: &State) -> Result<(), Broken> {
    let now = Standing::of(after);
    holds("the term never goes down", before.term <= now.term)?;
    holds("commit never goes down", before.commit <= now.commit)?;
    holds("applied never goes down", before.applied <= now.applied)?;
    holds("the snapshot never goes back", before.snapshot <= now.snapshot)?;
    holds("what was compacted stays away", before.base <= now.base)?;
    let still_there = after.log.term_at(before.commit).is_none_or(|term| Some(term) == before.commit_term);
    holds("a committed entry stays as it is", still_there)?;
    if before.term != now.term {
        return Ok(());
    }
    holds("the vote is given once a term", before.vote.is_none() || before.vote == now.vote)?;
    if before.leads {
        holds("a leader never cuts its log", before.last.index <= now.last.index)?;
    } else {
        holds("whoever begins to lead voted for itself", !now.leads || now.vote == Some(after.id()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durability::{Durability, Envelope};
    use crate::log::Log;
    use crate::membership::History;
    use crate::message::{Body, Message};
    use crate::progress::Peer;
    use crate::recovery::HardState;
    use crate::snapshot::Snapshot;
    use crate::testing::{Node, config, members, slice};
    use crate::types::Address;
    use std::collections::BTreeSet;
    use std::string::String;
    use std::sync::Arc;
    use std::vec::Vec;

    type Break = fn(&mut State);

    fn envelope() -> Envelope {
        let (from, to, address) = (NodeId(1), NodeId(2), Address(2));
        Envelope { from, to, address, message: Message { term: Term(1), body: Body::TermOver } }
    }

    fn second(state: &mut State) -> &mut Peer {
        &mut leader(state).peers.as_mut_slice()[0]
    }

    fn leader(state: &mut State) -> &mut crate::state::Leader {
        state.leading_mut().expect("it leads")
    }

    fn at(term: u64, index: u64) -> Arc<Snapshot> {
        Arc::new(Snapshot { last: LogId::new(term, index), ..Snapshot::default() })
    }

    /// Every sentence about a state, and what of a leader of term 2 with (1,1) and (2,2), all committed, breaks it.
    const OF_STATE: &[(Broken, Break)] = &[
        ("the snapshot is committed", |state| state.snapshot = at(2, 3)),
        ("applied does not run ahead of commit", |state| state.applied = LogIndex(3)),
        ("applied does not run ahead of the disk", |state| {
            state.durability = Durability::starting_with(LogIndex(1));
        }),
        ("what is committed is in the log", |state| state.commit = LogIndex(3)),
        ("what is durable is in the log", |state| state.durability = Durability::starting_with(LogIndex(3))),
        ("no entry is from the future", |state| state.hard_state.term = Term(1)),
        ("no entry is missing between snapshot and log", |state| {
            state.log = Log::starting_after(LogId::new(2, 2));
        }),
        ("the log agrees with the snapshot", |state| state.snapshot = at(1, 2)),
        ("a committed membership is at or below commit", |state| {
            state.members = History::starting_with(LogId::new(2, 3), Arc::new(members(&[1], &[])));
        }),
        ("a membership is in the log", |state| {
            state.members.push(LogId::new(2, 3), Arc::new(members(&[1], &[])));
        }),
        ("an uncommitted membership is above commit", |state| {
            state.members.push(LogId::new(2, 2), Arc::new(members(&[1], &[])));
        }),
        ("messages wait only for a write under way", |state| {
            let until = state.durability.hard_state_write();
            state.durability.hold(until, envelope());
        }),
        ("nothing is left in the outbox", |state| state.outbox.push(envelope())),
        ("a snapshot is received only of what is not committed here", |state| {
            state.incoming = Some(Incoming::of(Term(2), at(1, 1)));
        }),
        ("a leader knows itself to be the leader", |state| state.leader = Some(NodeId(2))),
        ("a leader holds its first entry", |state| leader(state).first_own = LogIndex(3)),
        ("the first entry of a leader is of its term", |state| leader(state).first_own = LogIndex(1)),
        ("a leader's term is on its disk", |state| {
            state.durability.issue(true, LogIndex(2));
        }),
        ("a peer is sent what it does not hold", |state| second(state).next = LogIndex(2)),
        ("a peer holds no more than its leader", |state| {
            (second(state).matched, second(state).next) = (LogIndex(3), LogIndex(4));
        }),
        ("a peer is sent no more than there is", |state| second(state).next = LogIndex(4)),
        ("a peer answers only rounds that have begun", |state| second(state).round = 1),
        ("bytes are under way only with entries", |state| second(state).bytes = 1),
        ("a candidate votes for itself", |state| {
            state.role = Role::Candidate(crate::pending::Votes::default());
            state.hard_state.vote = None;
        }),
        ("a pre-candidate follows nobody", |state| {
            state.role = Role::PreCandidate(crate::pending::Votes::default());
        }),
        ("a follower does not follow itself", |state| state.role = Role::Follower),
    ];

    /// Every sentence about a step, and what of the same leader breaks it afterwards.
    const OF_STEP: &[(Broken, Break)] = &[
        ("the term never goes down", |state| state.hard_state.term = Term(1)),
        ("commit never goes down", |state| state.commit = LogIndex(1)),
        ("applied never goes down", |state| state.applied = LogIndex(1)),
        ("the snapshot never goes back", |state| state.snapshot = at(0, 0)),
        ("what was compacted stays away", |state| state.log = Log::default()),
        ("a committed entry stays as it is", |state| {
            state.log = Log::starting_after(LogId::new(1, 1));
            slice((1, 1), &[3]).entries().iter().for_each(|entry| state.log.push(entry.clone()));
        }),
        ("the vote is given once a term", |state| state.hard_state.vote = Some(NodeId(2))),
        ("a leader never cuts its log", |state| state.log.cut(LogIndex(3))),
    ];

    fn leading() -> Node {
        let mut node = Node::leading(config(), &[1]);
        assert_eq!(of_state(node.state()), Ok(()));
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(2) });
        node
    }

    #[test]
    fn every_sentence_about_a_state_can_be_broken() {
        for (sentence, break_it) in OF_STATE {
            let mut node = leading();
            break_it(node.state_mut());
            assert_eq!(of_state(node.state()), Err(*sentence));
        }
    }

    #[test]
    fn every_sentence_about_a_step_can_be_broken() {
        let mut node = leading();
        node.step(crate::Input::SnapshotTaken { through: LogIndex(1), state: Arc::default() });
        node.propose(1, b"x");
        let before = Standing::of(node.state());
        assert_eq!(of_step(&before, node.state()), Ok(()));
        for (sentence, break_it) in OF_STEP {
            let mut node = node.clone();
            break_it(node.state_mut());
            assert_eq!(of_step(&before, node.state()), Err(*sentence));
        }
        let mut follower = Node::with_log(config(), &[1]);
        let before = Standing::of(follower.state());
        follower.state_mut().role = node.state().role.clone();
        follower.state_mut().hard_state = HardState { term: Term(1), vote: Some(NodeId(3)) };
        let sentence = "whoever begins to lead voted for itself";
        assert_eq!(of_step(&before, follower.state()), Err(sentence));
    }

    #[test]
    fn no_sentence_is_missing_in_these_tables() {
        let source = include_str!("invariants.rs");
        let code = source.split("mod tests").next().unwrap_or_default();
        let quoted: Vec<&str> = code.split('"').skip(1).step_by(2).collect();
        let written: BTreeSet<&str> =
            quoted.into_iter().filter(|text| text.contains(' ') && !text.contains("broken")).collect();
        let mut known: BTreeSet<&str> =
            OF_STATE.iter().chain(OF_STEP).map(|(sentence, _)| *sentence).collect();
        known.insert("whoever begins to lead voted for itself");
        let missing: Vec<String> = written.difference(&known).map(|text| String::from(*text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(written, known);
    }
}
