//! Membership changes in the words of raft-rs: single steps, and joint consensus that is left forwards only.
//!
//! Holds: addresses travel in the context of a change, as the library knows ids only; what the library cannot do is
//! refused as unsupported, and what it refuses by its own words.
//! Not here: when a change takes effect (`raft_rs`).

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState};
use raft::{Changer, ProgressTracker};

use super::numbers::{node_id, raft_id};
use super::storage::{Members, everyone, read_addresses};
use crate::protocol::{Address, Change, ChangeMembers, NodeId, QuorumSets, Refusal};

/// Who shall take part: the sets and the table that a change leads to.
#[derive(Clone)]
struct Goal {
    voters: BTreeSet<NodeId>,
    learners: BTreeSet<NodeId>,
    addresses: BTreeMap<NodeId, Address>,
}

impl Goal {
    fn now(members: &Members) -> Goal {
        let set = |ids: &[u64]| ids.iter().map(|&id| node_id(id)).collect();
        let (voters, learners) = (set(members.conf.get_voters()), set(members.conf.get_learners()));
        Goal { voters, learners, addresses: members.addresses.clone() }
    }

    /// Makes one change of members, as openraft's documentation tells what each does.
    fn change(&mut self, change: &ChangeMembers) -> Result<(), Refusal> {
        match change {
            ChangeMembers::AddVoterIds(ids) => self.voters.extend(ids),
            ChangeMembers::AddVoters(nodes) => {
                self.add(nodes);
                self.voters.extend(nodes.keys());
            }
            ChangeMembers::RemoveVoters(ids) => self.voters.retain(|id| !ids.contains(id)),
            ChangeMembers::ReplaceAllVoters(ids) => self.voters.clone_from(ids),
            ChangeMembers::AddNodes(nodes) => self.add(nodes),
            ChangeMembers::SetNodes(nodes) => {
                self.add(nodes);
                self.addresses.extend(nodes);
            }
            ChangeMembers::RemoveNodes(ids) => self.addresses.retain(|id, _| !ids.contains(id)),
            ChangeMembers::ReplaceAllNodes(nodes) => {
                self.addresses.clone_from(nodes);
                self.learners = nodes.keys().copied().collect();
            }
            ChangeMembers::Batch(changes) => changes.iter().try_for_each(|change| self.change(change))?,
        }
        if self.voters.iter().any(|id| !self.addresses.contains_key(id)) {
            return Err(Refusal::rule("learner-not-found"));
        }
        let addresses = &self.addresses;
        self.learners.retain(|id| addresses.contains_key(id));
        Ok(())
    }

    fn add(&mut self, nodes: &BTreeMap<NodeId, Address>) {
        for (&node, &address) in nodes {
            self.addresses.entry(node).or_insert(address);
            self.learners.insert(node);
        }
    }

    /// The single steps from `now`. Whoever only moves is added again in its own role, and stays what it is: the
    /// library has no change of an address.
    fn steps_from(&self, now: &Goal, retain: bool) -> Vec<ConfChangeSingle> {
        let mut steps = Vec::new();
        for &node in now.addresses.keys().chain(self.addresses.keys()).collect::<BTreeSet<_>>() {
            let learns = self.learners.contains(&node) || retain && now.voters.contains(&node);
            let (voted, learned) = (now.voters.contains(&node), now.learners.contains(&node));
            let moved = self.addresses.get(&node) != now.addresses.get(&node);
            if self.voters.contains(&node) {
                if !voted || moved {
                    steps.push(step(ConfChangeType::AddNode, node));
                }
            } else if learns {
                if !learned || moved {
                    steps.push(step(ConfChangeType::AddLearnerNode, node));
                }
            } else if voted || learned {
                steps.push(step(ConfChangeType::RemoveNode, node));
            }
        }
        steps
    }

    fn change_from(&self, now: &Goal, retain: bool, transition: ConfChangeTransition) -> ConfChangeV2 {
        let steps = self.steps_from(now, retain);
        let mut change = ConfChangeV2::default();
        if !steps.is_empty() {
            change.set_transition(transition);
        }
        change.set_changes(steps.into());
        let pair =
            |(node, address): (&NodeId, &Address)| [node.0.to_le_bytes(), address.0.to_le_bytes()].concat();
        change.set_context(self.addresses.iter().flat_map(pair).collect::<Vec<u8>>().into());
        change
    }
}

fn step(kind: ConfChangeType, node: NodeId) -> ConfChangeSingle {
    let mut step = ConfChangeSingle::default();
    step.set_change_type(kind);
    step.node_id = raft_id(node);
    step
}

/// Reads a change that an operator asks for.
///
/// # Errors
/// What the library has no form for, and nodes whose address nobody knows.
pub(super) fn from_operator(
    change: &Change,
    members: &Members,
    transition: ConfChangeTransition,
) -> Result<ConfChangeV2, Refusal> {
    let now = Goal::now(members);
    let one = |node: NodeId, address: Address| BTreeMap::from([(node, address)]);
    let (wanted, retain, transition) = match change {
        Change::AddLearner { blocking: true, .. } => return Err(Refusal::Unsupported),
        Change::AddLearner { node, address, blocking: false } => {
            (ChangeMembers::AddNodes(one(*node, *address)), true, transition)
        }
        Change::Members { members, retain } => (members.clone(), *retain, transition),
        Change::AddServer { node, address } => {
            (ChangeMembers::AddVoters(one(*node, *address)), true, ConfChangeTransition::Auto)
        }
        Change::RemoveServer { node } => {
            (ChangeMembers::RemoveVoters(BTreeSet::from([*node])), false, ConfChangeTransition::Auto)
        }
        Change::Append { sets, nodes, retain } => return appended(&now, sets, nodes, *retain, members),
        Change::To { sets, nodes, retain } => match sets.as_slice() {
            [only] => {
                let add = ChangeMembers::AddNodes(nodes.clone());
                (
                    ChangeMembers::Batch(vec![add, ChangeMembers::ReplaceAllVoters(only.clone())]),
                    *retain,
                    transition,
                )
            }
            _ => return Err(Refusal::Unsupported),
        },
        Change::SetConfiguration { .. } | Change::If { .. } => return Err(Refusal::Unsupported),
    };
    let mut goal = now.clone();
    goal.change(&wanted)?;
    Ok(goal.change_from(&now, retain, transition))
}

/// Exactly these sets, where one entry of the library can make them: a simple change, a step into a joint config, or
/// the step out of it.
fn appended(
    now: &Goal,
    sets: &QuorumSets,
    nodes: &BTreeMap<NodeId, Address>,
    retain: bool,
    members: &Members,
) -> Result<ConfChangeV2, Refusal> {
    let joint = is_joint(&members.conf);
    let (voters, transition) = match sets.as_slice() {
        [only] if joint && *only == now.voters => return Ok(ConfChangeV2::default()),
        [only] if !joint && now.voters.symmetric_difference(only).count() <= 1 => {
            (only, ConfChangeTransition::Auto)
        }
        [old, new] if !joint && *old == now.voters => (new, ConfChangeTransition::Explicit),
        _ => return Err(Refusal::Unsupported),
    };
    let mut goal = now.clone();
    goal.addresses.extend(nodes);
    goal.change(&ChangeMembers::ReplaceAllVoters(voters.clone()))?;
    Ok(goal.change_from(now, retain, transition))
}

pub(super) fn is_joint(conf: &ConfState) -> bool {
    !conf.get_voters_outgoing().is_empty()
}

/// Why the leader would put an empty entry in a change's place, in the library's words; `None` when it would not.
pub(super) fn leader_refusal(pending: bool, joint: bool, change: &ConfChangeV2) -> Option<&'static str> {
    let leave = change.changes.is_empty();
    match (pending, joint, leave) {
        (true, _, _) => Some("possible-unapplied-conf-change"),
        (false, true, false) => Some("must-transition-out-of-joint-config-first"),
        (false, false, true) => Some("not-in-joint-state"),
        (false, true, true) | (false, false, false) => None,
    }
}

/// What a change would make of the configuration in force.
///
/// # Errors
/// The library's reason in kebab case.
pub(super) fn outcome(tracker: &ProgressTracker, change: &ConfChangeV2) -> Result<ConfState, &'static str> {
    let mut changer = Changer::new(tracker);
    let result = if change.leave_joint() {
        changer.leave_joint()
    } else if let Some(auto_leave) = change.enter_joint() {
        changer.enter_joint(auto_leave, &change.changes)
    } else {
        changer.simple(&change.changes)
    };
    match result {
        Ok((conf, _)) => Ok(conf.to_conf_state()),
        Err(error) => Err(reason(&error.to_string())),
    }
}

fn reason(text: &str) -> &'static str {
    match text {
        "more than one voter changed without entering joint config" => "more-than-one-voter-changed",
        "removed all voters" => "removed-all-voters",
        "config is already joint" => "config-is-already-joint",
        "can't apply simple config change in joint config" => "simple-change-in-joint-config",
        "can't make a zero-voter config joint" => "zero-voter-config",
        "can't leave a non-joint config" => "config-is-not-joint",
        _ => "conf-change-error",
    }
}

/// The membership that a change makes at an index: addresses of its own before those known, of members only.
pub(super) fn members_after(index: u64, conf: ConfState, before: &Members, change: &ConfChangeV2) -> Members {
    let mut addresses = before.addresses.clone();
    addresses.extend(read_addresses(change.get_context()));
    let members: BTreeSet<NodeId> = everyone(&conf).collect();
    addresses.retain(|node, _| members.contains(node));
    Members { index, conf, addresses }
}
