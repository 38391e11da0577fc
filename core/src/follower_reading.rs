//! Reads at followers and learners: they ask the leader from where on the log must be applied (thesis 6.4).
//!
//! Holds: a read is served from a state at least as new as an index that the leader told after the read arrived; an
//! answer counts for the request that waits for it and for no other (rule `read-context-never-reused`).
//! Not here: how the leader makes sure of the index (`reading`, `lease`).
//!
//! One request is under way at a time and speaks for every read that came before it; later ones gather for the next.
//! It is repeated when a second heartbeat comes without an answer, and to the next leader if there is one: reads outlive
//! leaders. The first heartbeat may be that of the round by which the leader confirms this very read; whoever asks again
//! at that gets another round for it, and so on.

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::message::{Body, ReadContext};
use crate::mutation::Mutation;
use crate::pending::Answered;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogIndex, RequestId};

/// A client asks a node that does not lead.
pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId) {
    let hint = t.leader;
    if !t.config.follower_reads || hint.is_none() {
        return t.refuse(request, Refusal::NotLeader { hint });
    }
    let term = t.term();
    if t.mutated(Mutation::ReadIndexRemembered)
        && let Some((_, index)) = t.follower_reads.remembered.filter(|(told_in, _)| *told_in == term)
    {
        t.follower_reads.answered.push_back(Answered { request, index, asked_in: term });
        return;
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

/// A heartbeat of the leader that was asked.
pub(crate) fn on_heartbeat(t: &mut Transition<'_>, commit: LogIndex) {
    if t.mutated(Mutation::ReadIndexFromHeartbeat) && !t.follower_reads.asked.is_empty() {
        let answers = context(t);
        return on_response(t, answers, commit);
    }
    if t.follower_reads.silent { ask_again(t) } else { t.follower_reads.silent = true }
}

/// Sends the request under way, if there is one: it, or its answer, may have been lost.
pub(crate) fn ask_again(t: &mut Transition<'_>) {
    if t.follower_reads.asked.is_empty() {
        return;
    }
    let leader = t.leader.and_then(|leader| Some((leader, *t.in_force().nodes().get(&leader)?)));
    t.follower_reads.silent = leader.is_none();
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
    let remembers = t.mutated(Mutation::ReadIndexRemembered);
    let term = t.term();
    let reads = &mut t.follower_reads;
    reads.remembered = remembers.then_some((term, index));
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

/// This process ends: what it would still have served, nobody will.
pub(crate) fn on_shut_down(t: &mut Transition<'_>) {
    give_up(t);
    for Answered { request, .. } in core::mem::take(&mut t.follower_reads.answered) {
        t.refuse(request, Refusal::NotLeader { hint: None });
    }
}

/// Serves what is answered and applied, in the order in which it came.
pub(crate) fn serve_ready(t: &mut Transition<'_>) {
    while let Some(&Answered { request, index, asked_in }) = t.follower_reads.answered.front() {
        if t.applied < index && t.keeps(Rule::ReadWaitsForApplied) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::input::Timer;
    use crate::testing::{Node, config};
    use crate::types::LogId;
    use std::vec;
    use std::vec::Vec;

    fn asking() -> Config {
        Config { follower_reads: true, incarnation: 5, ..config() }
    }

    fn ping(node: &mut Node, from: u32, term: u64, commit: u64) {
        node.hear(from, term, Body::Heartbeat { commit: LogIndex(commit), round: 0 });
    }

    fn following() -> Node {
        let mut node = Node::with_log(asking(), &[1, 1]);
        ping(&mut node, 3, 1, 1);
        node
    }

    fn asked(node: &Node) -> Vec<(u32, u64)> {
        let asked = |(to, body)| match body {
            &Body::ReadIndexRequest { context } => Some((to, context.number)),
            _ => None,
        };
        node.sent().into_iter().filter_map(asked).collect()
    }

    fn told(node: &mut Node, number: u64, index: u64) {
        let context = ReadContext { incarnation: 5, number };
        node.hear(3, 1, Body::ReadIndexResponse { context, index: LogIndex(index) });
    }

    fn serves(node: &Node, request: u64) -> bool {
        node.asked.contains(&Effect::Serve { request: RequestId(request) })
    }

    #[test]
    fn one_request_is_under_way_and_speaks_for_all_reads_before_it() {
        let mut node = following();
        node.read(1);
        assert_eq!(asked(&node), [(3, 1)]);
        node.read(2);
        node.read(3);
        assert_eq!(asked(&node), []);
        told(&mut node, 1, 1);
        assert!(serves(&node, 1) && !serves(&node, 2));
        assert_eq!(asked(&node), [(3, 2)], "for the two that gathered");
        told(&mut node, 2, 1);
        assert!(serves(&node, 2) && serves(&node, 3));
    }

    #[test]
    fn only_the_answer_to_the_request_under_way_counts() {
        let mut node = following();
        node.read(1);
        for (incarnation, number) in [(5, 0), (5, 2), (4, 1)] {
            let context = ReadContext { incarnation, number };
            node.hear(3, 1, Body::ReadIndexResponse { context, index: LogIndex(0) });
            assert_eq!(node.asked, [Effect::Note(Fact::ReadAnswerNotAwaited)]);
        }
        told(&mut node, 1, 1);
        assert!(serves(&node, 1));
        told(&mut node, 1, 1);
        assert_eq!(node.asked, [Effect::Note(Fact::ReadAnswerNotAwaited)], "it came twice");
    }

    #[test]
    fn a_read_waits_until_the_index_is_applied_and_later_ones_behind_it() {
        let mut node = following();
        node.read(1);
        told(&mut node, 1, 2);
        assert!(!serves(&node, 1));
        node.read(2);
        told(&mut node, 2, 1);
        assert!(!serves(&node, 2), "in the order in which they came");
        ping(&mut node, 3, 1, 2);
        assert!(serves(&node, 1) && serves(&node, 2));
    }

    #[test]
    fn every_second_heartbeat_repeats_the_request_and_a_new_leader_is_asked_once() {
        let mut node = following();
        ping(&mut node, 3, 1, 1);
        assert_eq!(asked(&node), []);
        node.read(1);
        for expected in [&[][..], &[(3, 1)], &[], &[(3, 1)]] {
            ping(&mut node, 3, 1, 1);
            assert_eq!(asked(&node), expected);
        }
        ping(&mut node, 2, 2, 1);
        assert_eq!(asked(&node), [(2, 1)], "the same request, so that either may answer");
        let context = ReadContext { incarnation: 5, number: 1 };
        node.hear(2, 2, Body::ReadIndexResponse { context, index: LogIndex(1) });
        assert!(serves(&node, 1) && node.noted(Fact::ReadAcrossLeaders));
    }

    #[test]
    fn who_stands_or_waits_for_nobody_gives_its_reads_up_but_not_those_that_are_answered() {
        let mut node = following();
        node.read(1);
        told(&mut node, 1, 2);
        node.read(2);
        node.read(3);
        node.fire(Timer::Election);
        let refused = |request| Effect::Refuse {
            request: RequestId(request),
            refusal: Refusal::NotLeader { hint: None },
        };
        assert!(node.asked.contains(&refused(2)) && node.asked.contains(&refused(3)));
        assert!(!node.asked.contains(&refused(1)), "its index is known");
        ping(&mut node, 3, 1, 2);
        assert!(serves(&node, 1));
    }

    #[test]
    fn without_a_leader_or_the_setting_a_read_is_refused_with_whom_to_ask() {
        let refused = |hint| Effect::Refuse { request: RequestId(1), refusal: Refusal::NotLeader { hint } };
        let mut alone = Node::with_log(asking(), &[1]);
        alone.read(1);
        assert_eq!(alone.asked, [refused(None)]);
        let mut node = Node::with_log(config(), &[1]);
        ping(&mut node, 3, 1, 0);
        node.read(1);
        assert_eq!(node.asked, [refused(Some(crate::NodeId(3)))]);
    }

    #[test]
    fn a_leader_without_an_address_is_asked_when_it_has_one() {
        let mut node = Node::with_log(asking(), &[1]);
        ping(&mut node, 9, 1, 0);
        node.read(1);
        assert_eq!(asked(&node), [], "9 is in no membership known here");
        let members = crate::testing::members(&[1, 2, 3, 9], &[]);
        let payload = crate::Payload::Membership(std::sync::Arc::new(members));
        let entry = crate::Entry { id: LogId::new(1, 2), payload };
        let slice = crate::LogSlice::new(LogId::new(1, 1), vec![entry]).unwrap();
        node.hear(9, 1, Body::AppendRequest { slice, commit: LogIndex(0) });
        ping(&mut node, 9, 1, 0);
        assert_eq!(asked(&node), [(9, 1)]);
    }
}
