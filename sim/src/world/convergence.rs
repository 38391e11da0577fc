//! The second phase of a run: hardship ends, and the cluster must agree within a bound, or it is said what stood in the way.
//!
//! Holds: agreement is owed as long as every voter set in force has a majority that is not lost for ever.
//! Not here: the hardship (`faults`, `nemesis`), and what a cluster that agrees still owes (`rest`).

use std::collections::BTreeSet;

use super::World;
use super::act::Act;
use super::network::Roughness;
use crate::check::Glance;
use crate::protocol::{Inspect, NodeId, Protocol, QuorumSets, Shown};
use crate::scenario::{Network, Ratio};
use crate::time::Moment;
use crate::trace::Link;
use crate::trace::{Place, What};

/// How many events may come before agreement: a cluster that needs more talks in circles. The more came before, the more
/// there may be to catch up with.
fn events_max(before: u64) -> u64 {
    200_000 + 50 * before
}

/// Why a cluster does not agree.
#[derive(Clone, Copy, Debug)]
enum Disagreement {
    /// Nobody leads.
    NobodyLeads,
    /// Something was committed that the leader's log, which ends here, does not reach.
    Lacks { leader: NodeId, last: u64 },
    /// The leader has not committed all that it holds.
    Uncommitted { leader: NodeId, commit: u64, last: u64 },
    /// A member has not applied all that the leader holds.
    Unapplied { node: NodeId, applied: u64, last: u64 },
    /// A member believes to lead as well.
    Leads { node: NodeId, leader: NodeId },
}

/// Whether there is a leader to agree with.
fn has_leaders<P: Protocol>() -> bool {
    P::shows().contains(&Shown::Leaders)
}

impl<P: Protocol> World<P> {
    /// Ends every hardship that can end: of links, disks, clocks and processes, held messages included; nemeses undo
    /// what they did; an untimed world becomes timed, and a frozen one goes on by itself.
    pub fn heal(&mut self) {
        self.become_timed();
        self.end_strikes();
        self.record(Place::World, What::Heals);
        let calm = Network {
            loss: Ratio::ZERO,
            duplicate: Ratio::ZERO,
            reorder: Ratio::ZERO,
            corrupt: Ratio::ZERO,
            ..self.wire.network.settings()
        };
        self.wire.network.set(calm);
        self.wire.network.partition(&[]);
        for from in self.scenario.cluster.ids() {
            self.wire.network.set_roughness(from, Roughness::NONE);
            for to in self.scenario.cluster.ids() {
                if self.wire.network.link(from, to) != Link::Open {
                    self.set_link(from, to, Link::Open);
                }
            }
            if self.nodes[from.0 as usize].stalled {
                self.stall(from, false);
            }
            self.end_trouble(from);
        }
        self.by_hand.frozen = false;
        self.write_down(Act::Heal);
    }

    /// Why the cluster does not agree yet; `None` when it does: one leader that holds everything committed, and every
    /// running member of its membership has applied all that it holds.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        if !has_leaders::<P>() {
            return self.disagreement_of_equals();
        }
        Some(match self.first_disagreement()? {
            Disagreement::NobodyLeads => self.why_nobody_leads(),
            Disagreement::Lacks { leader, last } => {
                let (lost, name) = (self.ledger.committed, self.names.of(leader));
                format!("entry {lost} was committed, and the log of {name}, who leads, ends at {last}")
            }
            Disagreement::Uncommitted { leader, commit, last } => {
                format!("{} leads and has committed {commit} of {last}", self.names.of(leader))
            }
            Disagreement::Unapplied { node, applied, last } => {
                format!("{} has applied {applied} of {last}", self.names.of(node))
            }
            Disagreement::Leads { node, leader } => {
                format!("{} believes to lead beside {}", self.names.of(node), self.names.of(leader))
            }
        })
    }

    /// The same as numbers.
    fn first_disagreement(&self) -> Option<Disagreement> {
        let Some(leader) = self.leader() else { return Some(Disagreement::NobodyLeads) };
        let process = self.nodes[leader.0 as usize].process.as_ref()?;
        let (last, commit) = (process.last(), process.commit());
        if last < self.ledger.committed {
            return Some(Disagreement::Lacks { leader, last });
        }
        if commit < last {
            return Some(Disagreement::Uncommitted { leader, commit, last });
        }
        let mut first: Option<(NodeId, Disagreement)> = None;
        let mut look = |node: NodeId| {
            let Some(process) = &self.nodes[node.0 as usize].process else { return };
            let applied = process.applied();
            let why = match () {
                () if applied < last => Disagreement::Unapplied { node, applied, last },
                () if node != leader && process.leads() => Disagreement::Leads { node, leader },
                () => return,
            };
            if first.is_none_or(|(before, _)| node < before) {
                first = Some((node, why));
            }
        };
        process.each_voter(&mut |_, voter| look(voter));
        process.learners().into_iter().for_each(look);
        first.map(|(_, why)| why)
    }

    /// Whether nothing stands in the way of agreement. Asked after every event, so it looks at what nodes last showed before it
    /// asks any of them.
    pub(super) fn agrees(&self) -> bool {
        let running = self.nodes.iter().filter(|node| node.process.is_some());
        if !has_leaders::<P>() {
            let known = running.map(|node| node.glance.commit).max().unwrap_or(0);
            return known >= self.ledger.committed && self.disagreement_of_equals().is_none();
        }
        let leads = running.filter(|node| node.glance.leads).max_by_key(|node| node.glance.epoch);
        let Some(leader) = leads else { return false };
        let Glance { last, commit, .. } = leader.glance;
        last >= self.ledger.committed && commit == last && self.first_disagreement().is_none()
    }

    /// As `disagreement`, where nobody leads: every running member has applied all that is committed.
    fn disagreement_of_equals(&self) -> Option<String> {
        let running = || self.nodes.iter().filter_map(|node| node.process.as_ref());
        let goal = running().map(Inspect::commit).max().unwrap_or(0);
        if goal < self.ledger.committed {
            return Some(format!("entry {} was committed, and nobody knows it", self.ledger.committed));
        }
        for member in running().flat_map(Inspect::quorums).flatten().collect::<BTreeSet<NodeId>>() {
            let Some(process) = &self.nodes[member.0 as usize].process else { continue };
            if process.applied() < goal {
                let name = self.names.of(member);
                return Some(format!("{name} has applied {} of {goal}", process.applied()));
            }
        }
        self.no_quorum()
    }

    fn why_nobody_leads(&self) -> String {
        match self.no_quorum() {
            Some(why) => format!("nobody leads: {why}"),
            None => String::from("nobody leads, though quorums can be reached"),
        }
    }

    /// Which voter set in force has no majority that runs.
    fn no_quorum(&self) -> Option<String> {
        let runs = |id: &NodeId| self.nodes[id.0 as usize].process.is_some();
        let lacking = |set: &BTreeSet<NodeId>| set.iter().filter(|id| runs(id)).count() * 2 <= set.len();
        let views = self.running_views();
        let set = views.iter().flatten().find(|set| lacking(set))?;
        let running: BTreeSet<NodeId> = set.iter().copied().filter(runs).collect();
        let sets = |set: &BTreeSet<NodeId>| self.names.set(set);
        // A process that ended itself is the protocol's doing; one that crashed is not.
        let left: BTreeSet<NodeId> =
            set.iter().copied().filter(|id| self.nodes[id.0 as usize].left).collect();
        let by_itself =
            if left.is_empty() { String::new() } else { format!(", and {} shut down", sets(&left)) };
        Some(format!("no quorum can be reached, for of {} only {} run{by_itself}", sets(set), sets(&running)))
    }

    /// Which hardship is not over, so that nobody can blame the protocol for not agreeing.
    pub(super) fn hardship(&self) -> Option<String> {
        let Network { loss, corrupt, .. } = self.wire.network.settings();
        if loss != Ratio::ZERO || corrupt != Ratio::ZERO {
            return Some(String::from("the network loses messages"));
        }
        for from in self.scenario.cluster.ids() {
            let name = self.names.of(from);
            let node = &self.nodes[from.0 as usize];
            if node.stalled || node.trouble.scars() != node.trouble || node.clock.frozen.is_some() {
                return Some(format!("{name} is in trouble"));
            }
            let closed = |to: &NodeId| self.wire.network.link(from, *to) != Link::Open;
            if let Some(to) = self.scenario.cluster.ids().filter(|to| *to != from).find(closed) {
                return Some(format!("what {name} sends does not reach {}", self.names.of(to)));
            }
        }
        None
    }

    /// What stands in the way of agreement: hardship that is not over, a quorum that does not run, or else the protocol.
    fn obstacle(&self) -> String {
        let disagreement = self.disagreement().unwrap_or_default();
        if let Some(hardship) = self.hardship() {
            return format!("hardship is not over: {hardship}; {disagreement}");
        }
        match (self.leader(), self.no_quorum()) {
            (Some(_), Some(why)) => format!("{why}; {disagreement}"),
            (Some(_) | None, _) => disagreement,
        }
    }

    /// Which voter set in force has lost half of its nodes or more for ever, so that agreement is not owed any more. Whom
    /// the others look for in the wrong place is lost as well: to put that right takes a quorum.
    #[must_use]
    pub fn beyond_hope(&self) -> Option<String> {
        let lost = |id: &NodeId| self.nodes[id.0 as usize].trouble.is_lost() || self.is_mistaken(*id);
        let views = self.running_views();
        let hopeless =
            views.iter().flatten().find(|set| set.iter().filter(|id| !lost(id)).count() * 2 <= set.len());
        match hopeless {
            Some(set) => {
                let gone: BTreeSet<NodeId> = set.iter().copied().filter(lost).collect();
                let sets = |set: &BTreeSet<NodeId>| self.names.set(set);
                let misplaced = gone.iter().any(|&id| self.is_mistaken(id));
                let or = if misplaced { ", or looked for in the wrong place" } else { "" };
                Some(format!("of {} the nodes {} are lost for ever{or}", sets(set), sets(&gone)))
            }
            None if views.iter().all(Vec::is_empty) => Some(String::from("every member is lost for ever")),
            None => None,
        }
    }

    /// The membership in force on each running node that is not lost.
    fn running_views(&self) -> Vec<QuorumSets> {
        let running = self.nodes.iter().filter(|node| !node.trouble.is_lost());
        running.filter_map(|node| node.process.as_ref().map(Inspect::quorums)).collect()
    }

    /// Lets time pass until the cluster agrees.
    ///
    /// # Errors
    /// What stood in the way at `until`.
    pub fn converge(&mut self, until: Moment) -> Result<(), String> {
        self.become_timed();
        let (before, epoch) = (self.counts(), self.highest_epoch());
        let events_max = events_max(before.events);
        loop {
            if self.agrees() {
                return Ok(());
            }
            let circles = self.counts().events - before.events >= events_max;
            if self.is_over() || circles || !self.advance(until) {
                let (reigns, terms) = (self.counts().reigns - before.reigns, self.highest_epoch() - epoch);
                let elections = match terms {
                    0 | 1 => String::new(),
                    _ => format!("; meanwhile terms rose by {terms}, and {reigns} reigns began"),
                };
                let talk =
                    if circles { format!("; {events_max} events did not help") } else { String::new() };
                return Err(self.obstacle() + &elections + &talk);
            }
        }
    }

    pub(super) fn highest_epoch(&self) -> u64 {
        self.nodes.iter().map(|node| P::term_of(node.glance.epoch)).max().unwrap_or(0)
    }
}
