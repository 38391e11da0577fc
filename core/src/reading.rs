//! Reads that see everything acknowledged before them, without a log entry (paper, section 8; thesis 6.4).
//!
//! Holds: a read is served from a state at least as new as the commit index when it arrived, by a node that still
//! led after that, or held a lease then (`lease`).
//! Not here: the state (the machine is the caller's), and reads at nodes that do not lead (`follower_reading`).
//!
//! Reads are confirmed in rounds. A round is numbered, goes out with heartbeats, and is confirmed by a quorum of
//! answers to it or to a later one. A read waits for a round that *begins* after it arrived; while one is under way
//! further reads gather for the next.

use crate::effect::Refusal;
use crate::fact::Fact;
use crate::message::{Body, ReadContext};
use crate::mutation::Mutation;
use crate::pending::{Asker, Read, Reads};
use crate::quorum::majority;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{Address, NodeId, RequestId};
use crate::{follower_reading, lease, serving};

impl Reads {
    /// The newest round.
    pub(crate) fn round(&self) -> u64 {
        self.started
    }

    pub(crate) fn on_leadership_lost(self, t: &mut Transition<'_>, hint: Option<NodeId>) {
        lease::on_leadership_lost(t, self.leases);
        for read in self.queue {
            match read.asker {
                Asker::Client(request) => {
                    t.note(Fact::ReadLostLeader);
                    t.refuse(request, Refusal::NotLeader { hint });
                }
                Asker::Operator(request) => t.refuse(request, Refusal::NotLeader { hint }),
                // It asks the next leader.
                Asker::Node { .. } => {}
            }
        }
    }
}

pub(crate) fn on_requested(t: &mut Transition<'_>, request: RequestId) {
    if t.leading().is_some() {
        return begin(t, Asker::Client(request));
    }
    if t.mutated(Mutation::ReadAtFollower) {
        return t.serve(request);
    }
    follower_reading::on_requested(t, request);
}

/// Another node asks. A request that is under way already is not asked twice; one that was answered may be asked again,
/// since the answer may be lost, and is then confirmed by a round of its own (etcd, issue 20418).
pub(crate) fn on_index_request(t: &mut Transition<'_>, id: NodeId, address: Address, context: ReadContext) {
    let Some(leader) = t.leading() else { return };
    let asker = Asker::Node { id, address, context };
    if !leader.reads.queue.iter().any(|read| read.asker == asker) {
        begin(t, asker);
    }
}

/// A change asks for the members that are there: done, if this node still leads.
pub(crate) fn on_nothing_to_change(t: &mut Transition<'_>, request: RequestId) {
    begin(t, Asker::Operator(request));
}

fn begin(t: &mut Transition<'_>, asker: Asker) {
    let commit = t.commit;
    let Some(leader) = t.leading() else { return };
    let knows_commit = commit >= leader.first_own || !t.keeps(Rule::ReadNeedsOwnTermCommit);
    let confirms = t.keeps(Rule::ReadConfirmsLeadership);
    let joins = t.mutated(Mutation::ReadJoinsRound);
    let leased = knows_commit && leader.reads.leases.in_force();
    if !knows_commit {
        t.note(Fact::ReadWaitedForCommit);
    }
    if leased {
        t.note(Fact::LeaseRead);
    }
    let confirms = confirms && !leased;
    let index = match asker {
        Asker::Node { .. } if t.mutated(Mutation::ReadIndexApplied) => t.applied,
        Asker::Node { .. } | Asker::Client(_) | Asker::Operator(_) => commit,
    };
    let Some(leader) = t.leading_mut() else { return };
    let reads = &mut leader.reads;
    let round = match confirms {
        true if joins && reads.started > 0 => reads.started,
        true => reads.started + 1,
        false => reads.confirmed,
    };
    reads.queue.push_back(Read { asker, index: knows_commit.then_some(index), round });
    if confirms {
        maybe_start_round(t);
    }
}

/// Starts a round if reads wait for one and none is under way.
fn maybe_start_round(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    let reads = &mut leader.reads;
    let wanted = reads.queue.back().is_some_and(|read| read.round > reads.started);
    if wanted && reads.started == reads.confirmed {
        start_round(t);
        serving::send_heartbeats(t);
        maybe_confirm(t);
    }
}

fn start_round(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    leader.reads.started += 1;
    let round = leader.reads.started;
    lease::on_round_started(t, round);
}

/// Begins a round with the heartbeats that are about to leave, unless one is under way.
fn renew(t: &mut Transition<'_>) {
    if t.leading().is_some_and(|leader| leader.reads.started == leader.reads.confirmed) {
        start_round(t);
    }
}

pub(crate) fn on_heartbeat_response(t: &mut Transition<'_>, from: NodeId, round: u64) {
    let round = if t.mutated(Mutation::LateAnswerConfirms) { u64::MAX } else { round };
    let Some(leader) = t.leading_mut() else { return };
    let Some(place) = leader.peers.place(from) else { return };
    let started = leader.reads.started;
    let peer = &mut leader.peers.as_mut_slice()[place];
    peer.heard = true;
    // Nobody can have answered a round that has not begun.
    peer.round = peer.round.max(round.min(started));
    serving::nudge(t, place);
    maybe_confirm(t);
}

/// Confirms the round under way if a quorum has answered.
pub(crate) fn maybe_confirm(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let round = leader.reads.started;
    if round == leader.reads.confirmed {
        return;
    }
    let myself = t.id();
    let answered = |id: NodeId| id == myself || leader.peers.get(id).is_some_and(|peer| peer.round >= round);
    let mut missing = usize::from(t.mutated(Mutation::ReadQuorumShort));
    let counted = |id: NodeId| answered(id) || core::mem::take(&mut missing) > 0;
    let is_quorum = match t.in_force().sets().last() {
        Some(last) if t.mutated(Mutation::ReadQuorumLastSet) => majority::won(last, counted),
        Some(_) if t.mutated(Mutation::ReadQuorumCountsLearners) => {
            majority::won(&t.in_force().nodes().keys().copied().collect(), counted)
        }
        Some(_) | None => t.is_quorum(counted),
    };
    if is_quorum {
        t.note(Fact::ReadConfirmed);
        if let Some(leader) = t.leading_mut() {
            leader.reads.confirmed = round;
        }
        lease::on_round_confirmed(t, round);
        maybe_start_round(t);
    }
}

/// The leader knows now what is committed.
pub(crate) fn on_first_commit(t: &mut Transition<'_>) {
    let commit = t.commit;
    let Some(leader) = t.leading_mut() else { return };
    if commit >= leader.first_own {
        for read in &mut leader.reads.queue {
            read.index.get_or_insert(commit);
        }
    }
}

/// Serves what is confirmed and applied, and answers other nodes once it is confirmed: what they have applied is their
/// own affair. In the order in which reads came.
pub(crate) fn serve_ready(t: &mut Transition<'_>) {
    let applied = t.applied;
    while let Some(leader) = t.leading_mut() {
        let confirmed = leader.reads.confirmed;
        let Some(&Read { asker, index: Some(index), round }) = leader.reads.queue.front() else { return };
        let waits = match asker {
            Asker::Client(_) => applied < index,
            Asker::Operator(_) | Asker::Node { .. } => false,
        };
        if round > confirmed || waits {
            return;
        }
        leader.reads.queue.pop_front();
        match asker {
            Asker::Client(request) => t.serve(request),
            Asker::Operator(request) => t.done(request),
            Asker::Node { id, address, context } => {
                t.send(id, address, Body::ReadIndexResponse { context, index });
            }
        }
    }
}

/// A leader renews its lease with its heartbeats.
pub(crate) fn renew_lease(t: &mut Transition<'_>) {
    if lease::is_on(t) {
        renew(t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::input::Timer;
    use crate::testing::{Node, config};
    use crate::types::LogIndex;
    use std::vec::Vec;

    fn answer(node: &mut Node, from: u32, round: u64) {
        node.hear(from, 2, Body::HeartbeatResponse { round, priority: 0 });
    }

    fn served(node: &Node) -> Vec<u64> {
        let served = |effect: &Effect| match effect {
            Effect::Serve { request } => Some(request.0),
            _ => None,
        };
        node.asked.iter().filter_map(served).collect()
    }

    fn rounds(node: &Node) -> Vec<u64> {
        let round = |(_, body)| match body {
            &Body::Heartbeat { round, .. } => Some(round),
            _ => None,
        };
        let mut rounds: Vec<u64> = node.sent().into_iter().filter_map(round).collect();
        rounds.dedup();
        rounds
    }

    #[test]
    fn a_read_waits_for_a_round_that_begins_after_it() {
        let mut node = Node::leading(config(), &[1]);
        node.read(1);
        assert_eq!((rounds(&node), served(&node)), ([1].into(), [].into()));
        node.read(2);
        node.read(3);
        assert_eq!(rounds(&node), [], "one round at a time; these gather for the next");
        answer(&mut node, 2, 1);
        assert_eq!((served(&node), rounds(&node)), ([1].into(), [2].into()));
        answer(&mut node, 3, 2);
        assert_eq!((served(&node), rounds(&node)), ([2, 3].into(), [].into()));
    }

    #[test]
    fn an_answer_to_a_later_round_confirms_and_one_to_an_earlier_does_not() {
        let mut node = Node::leading(config(), &[1]);
        node.read(1);
        answer(&mut node, 2, 1);
        node.read(2);
        answer(&mut node, 3, 1);
        assert_eq!(served(&node), [], "late");
        answer(&mut node, 4, 2);
        assert_eq!(served(&node), [], "a learner is no quorum");
        node.fire(Timer::Heartbeat);
        assert_eq!(rounds(&node), [2], "the round under way is repeated");
        answer(&mut node, 2, 2);
        assert_eq!(served(&node), [2]);
    }

    #[test]
    fn a_lone_voter_is_its_own_quorum() {
        let mut node = Node::of(config(), crate::testing::members(&[1], &[4]));
        node.fire(Timer::Election);
        (0..2).for_each(|_| node.finish_writes());
        node.read(1);
        assert_eq!(served(&node), [1]);
    }

    #[test]
    fn a_new_leader_serves_what_it_knows_only_after_its_first_commit() {
        let mut node = Node::with_log(Config { pre_vote: false, ..config() }, &[1]);
        node.fire(Timer::Election);
        node.finish_writes();
        node.hear(2, 2, Body::VoteResponse { granted: true });
        node.finish_writes();
        node.read(1);
        assert!(node.noted(Fact::ReadWaitedForCommit));
        answer(&mut node, 2, 1);
        assert_eq!(served(&node), [], "confirmed, but nobody knows what is committed");
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert_eq!(served(&node), [1]);
    }

    fn ask(node: &mut Node, from: u32, number: u64) {
        let context = ReadContext { incarnation: 3, number };
        node.hear(from, 2, Body::ReadIndexRequest { context });
    }

    fn told(node: &Node) -> Vec<(u32, u64, u64)> {
        let told = |(to, body)| match body {
            &Body::ReadIndexResponse { context, index } => Some((to, context.number, index.0)),
            _ => None,
        };
        node.sent().into_iter().filter_map(told).collect()
    }

    #[test]
    fn another_node_is_told_the_index_once_it_is_confirmed_and_each_request_once() {
        let mut node = Node::leading(config(), &[1]);
        ask(&mut node, 3, 1);
        ask(&mut node, 3, 1);
        ask(&mut node, 4, 1);
        assert_eq!(told(&node), []);
        answer(&mut node, 2, 1);
        assert_eq!(told(&node), [(3, 1, 2)], "4 asked while the round was under way");
        answer(&mut node, 2, 2);
        assert_eq!(told(&node), [(4, 1, 2)]);
        ask(&mut node, 3, 1);
        answer(&mut node, 2, 3);
        assert_eq!(told(&node), [(3, 1, 2)], "the answer was lost: confirmed anew");
    }

    #[test]
    fn reads_keep_their_order_and_a_slow_machine_holds_back_clients_only() {
        let mut node = Node::leading(config(), &[1]);
        node.propose(9, b"x");
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert!(node.raft.applied() < node.raft.commit(), "its own disk is slow");
        ask(&mut node, 3, 1);
        node.read(1);
        answer(&mut node, 2, 1);
        assert_eq!(told(&node), [(3, 1, 3)]);
        answer(&mut node, 2, 2);
        assert_eq!(served(&node), []);
        node.finish_writes();
        assert_eq!(served(&node), [1]);
    }

    #[test]
    fn who_does_not_lead_has_no_index_to_tell() {
        let mut node = Node::with_log(config(), &[1]);
        node.hear(3, 1, Body::ReadIndexRequest { context: ReadContext { incarnation: 0, number: 1 } });
        assert_eq!(node.asked, []);
    }
}
