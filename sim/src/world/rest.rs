//! What a cluster that agrees still owes: an answer to every operator, and silence.
//!
//! Holds: nobody is accused while hardship lasts, or while somebody is still asked for something.
//! Not here: agreement (`convergence`), and how much talk is too much (`check::quiescence`).

use std::collections::BTreeSet;

use super::World;
use super::ledger::Tally;
use crate::check::Violation;
use crate::check::quiescence::Rest;
use crate::protocol::{NodeId, Protocol, RequestId};
use crate::scenario::Property;
use crate::time::Span;

/// How many of the longest election timeouts an operator waits for an answer in a cluster that agrees. A transfer is given
/// up after one; what a change waits for comes within two heartbeats.
const PATIENCE: u64 = 20;

impl<P: Protocol> World<P> {
    /// Whoever asked a node that still runs for a change or a transfer is owed an outcome, good or bad, soon after the cluster
    /// agrees (thesis 3.10 and 4; the paper leaves a client's own time to the client).
    fn await_answers(&mut self) {
        if !P::answers_operators() || self.hardship().is_some() || self.unanswered().is_none() {
            return;
        }
        let patience = self.scenario.cluster.election.max.saturating_mul(PATIENCE);
        let since = self.seen();
        let until = self.now.after(patience);
        while self.unanswered().is_some() && !self.is_over() && self.advance(until) {}
        let Some((request, node)) = self.unanswered().filter(|_| !self.is_over() && !self.is_exhausted())
        else {
            return;
        };
        let (seen, name) = (self.seen(), self.names.of(node).to_owned());
        let asked = format!("{name} has not answered operator request {}", request.0);
        self.accuse(Violation {
            property: Property::Convergence,
            seen,
            summary: format!("{name} owes an operator an answer"),
            evidence: vec![
                (since, String::from("the cluster agrees")),
                (seen, format!("{asked} after {}", Span(patience))),
            ],
        });
    }

    /// The first request of an operator that waits at a process which still runs, and is a member of what the leader leads:
    /// nobody owes it to whoever was removed while away to tell it.
    fn unanswered(&self) -> Option<(RequestId, NodeId)> {
        if self.hands.waiting.is_empty() {
            return None;
        }
        let members = self.members_of_leader();
        let runs = |node: NodeId, incarnation: u32| {
            let node = &self.nodes[node.0 as usize];
            node.process.is_some() && node.incarnation == incarnation
        };
        let waits = self
            .hands
            .waiting
            .iter()
            .find(|&(_, &(node, incarnation))| runs(node, incarnation) && members.contains(&node));
        waits.map(|(&request, &(node, _))| (request, node))
    }

    fn members_of_leader(&self) -> BTreeSet<NodeId> {
        let mut members = BTreeSet::new();
        let leader = self.leader().and_then(|leader| self.nodes[leader.0 as usize].process.as_ref());
        if let Some(process) = leader {
            process.each_voter(&mut |_, voter| {
                members.insert(voter);
            });
            members.extend(process.learners());
        }
        members
    }

    /// Running nodes that take part no longer, and know it.
    fn outsiders(&self) -> Vec<NodeId> {
        let is_out = |id: &NodeId| {
            self.nodes[id.0 as usize].process.as_ref().is_some_and(|process| !process.takes_part())
        };
        self.scenario.cluster.ids().filter(is_out).collect()
    }

    /// Lets a few heartbeat intervals pass in a cluster that agrees, and shows the checkers what was sent meanwhile, if
    /// nothing else went on: no call, no operation, no hardship, no election.
    pub(crate) fn watch_rest(&mut self) {
        self.await_answers();
        /// What is under way arrives in the first; the others count.
        const INTERVALS: u64 = 3;
        let interval = self.scenario.cluster.heartbeat;
        if self.hardship().is_some() || !self.is_idle() {
            return;
        }
        let delay = self.wire.network.settings().delay.max;
        let epoch = self.highest_epoch();
        self.run_until(self.now.after(interval.saturating_add(delay.saturating_mul(2))));
        if self.nodes.iter().any(|node| node.disk.unfinished() > 0) {
            // What waits for a slow disk was said before the cluster came to rest.
            return;
        }
        let (since, requests) = (self.seen(), self.hands.last_request);
        let nodes = self.nodes.len();
        let outsiders = self.outsiders();
        self.ledger.tally = Some(Tally { since, sent: vec![vec![0; nodes]; nodes], unasked: vec![0; nodes] });
        let intervals = INTERVALS - 1;
        self.run_until(self.now.after(interval.saturating_mul(intervals)));
        let Some(Tally { sent, unasked, .. }) = self.ledger.tally.take() else { return };
        let undisturbed = epoch == self.highest_epoch() && requests == self.hands.last_request;
        if !undisturbed || !self.is_idle() || self.is_over() || self.is_exhausted() {
            return;
        }
        let (seen, allowed) = (self.seen(), P::idle_messages_max());
        let is_out = self.outsiders();
        let talks = |id: &NodeId| is_out.contains(id) && unasked[id.0 as usize] > 0;
        let talkative = outsiders.into_iter().find(talks).map(|id| (id, unasked[id.0 as usize]));
        let rest = Rest { since, seen, intervals, interval, allowed, sent: &sent, talkative };
        self.ledger.checkers.on_rest(&rest, &self.names, &mut self.ledger.violations);
    }

    /// Whether the cluster agrees, and nobody waits for an answer.
    fn is_idle(&self) -> bool {
        let calls =
            self.hands.clients.iter().any(|client| {
                client.call.is_some_and(|call| call.attempt.is_some()) || client.opening.is_some()
            });
        !calls && !self.has_pending_operation() && self.agrees()
    }
}
