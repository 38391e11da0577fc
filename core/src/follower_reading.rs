//! Reads at followers and learners: they ask the leader from where on the log must be applied (thesis 6.4).
//!
//! Holds: a read is served from a state at least as new as an index that the leader told after the read arrived; an
//! answer counts for the request that waits for it and for no other (rule `read-context-never-reused`).
//! Not here: how the leader makes sure of the index (`reading`, `lease`).
//!
//! One request is under way at a time and speaks for every read that came before it; later ones gather for the next.
//! It is repeated with every heartbeat, and to the next leader if there is one: reads outlive leaders.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::message::{Body, ReadContext};
use crate::mutation::Mutation;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogIndex, RequestId, Term};

/// A read whose index is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Answered {
    request: RequestId,
    /// What the machine must have applied.
    index: LogIndex,
    /// The term in which the leader was first asked.
    asked_in: Term,
}

/// The reads of a node that does not lead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct FollowerReads {
    /// Counts requests to leaders since the boot.
    number: u64,
    /// For the next request.
    gathered: Vec<RequestId>,
    /// The request under way speaks for these; empty when there is none.
    asked: Vec<RequestId>,
    asked_in: Term,
    answered: VecDeque<Answered>,
}

/// A client asks a node that does not lead.
pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId) {
    let hint = t.leader;
    if !t.config.follower_reads || hint.is_none() {
        return t.refuse(request, Refusal::NotLeader { hint });
    }
    t.follower_reads.gathered.push(request);
    maybe_ask(t);
}

/// Asks the leader, if reads wait for it and no request is under way.
fn maybe_ask(t: &mut Transition<'_>) {
    let term = t.term();
    let reads = &mut t.follower_reads;
    if !reads.asked.is_empty() || reads.gathered.is_empty() {
        return;
    }
    reads.asked = core::mem::take(&mut reads.gathered);
    reads.asked_in = term;
    reads.number += 1;
    ask_again(t);
}

/// Sends the request under way, if there is one: it, or its answer, may have been lost.
pub(crate) fn ask_again(t: &mut Transition<'_>) {
    if t.follower_reads.asked.is_empty() {
        return;
    }
    let leader = t.leader.and_then(|leader| Some((leader, *t.in_force().nodes().get(&leader)?)));
    if let Some((leader, address)) = leader {
        let context = context(t);
        t.send(leader, address, Body::ReadIndexRequest { context });
    }
}

fn context(t: &Transition<'_>) -> ReadContext {
    let incarnation = if t.keeps(Rule::ReadContextNeverReused) { t.config.incarnation } else { 0 };
    ReadContext { incarnation, number: t.follower_reads.number }
}

/// A leader of this term answers.
pub(crate) fn on_response(t: &mut Transition<'_>, answers: ReadContext, index: LogIndex) {
    let awaited = answers == context(t) || t.mutated(Mutation::ReadAnswerForAnother);
    if !awaited || t.follower_reads.asked.is_empty() {
        return t.note(Fact::ReadAnswerNotAwaited);
    }
    let reads = &mut t.follower_reads;
    let asked_in = reads.asked_in;
    let answered = reads.asked.drain(..).map(|request| Answered { request, index, asked_in });
    reads.answered.extend(answered);
    maybe_ask(t);
}

/// Nobody leads: whoever waits to be told of an index had better ask elsewhere.
pub(crate) fn give_up(t: &mut Transition<'_>) {
    let reads = &mut t.follower_reads;
    let mut waiting = core::mem::take(&mut reads.asked);
    waiting.append(&mut reads.gathered);
    for request in waiting {
        t.note(Fact::ReadLostLeader);
        t.refuse(request, Refusal::NotLeader { hint: None });
    }
}

/// Serves what is answered and applied, in the order in which it came.
pub(crate) fn serve_ready(t: &mut Transition<'_>) {
    while let Some(&Answered { request, index, asked_in }) = t.follower_reads.answered.front() {
        let at_once = !t.keeps(Rule::ReadWaitsForApplied) || t.mutated(Mutation::ReadBeforeApplied);
        if t.applied < index && !at_once {
            return;
        }
        t.follower_reads.answered.pop_front();
        t.note(Fact::FollowerRead);
        if asked_in < t.term() {
            t.note(Fact::ReadAcrossLeaders);
        }
        t.serve(request);
    }
}
