//! What is true of a state, and of two successive states, while all rules are kept.
//!
//! Holds: one sentence, one line. Checked after every step in debug builds; the simulator may ask at any time.

use crate::progress::Mode;
use crate::raft::{Raft, Role, State};
use crate::snapshotting::Incoming;
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

fn of_peers(leader: &crate::raft::Leader, last: LogId) -> Result<(), Broken> {
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
