//! Membership changes in the words of raft-rs: single steps, and joint consensus that is left forwards only.
//!
//! Holds: addresses travel in the context of a change, as the library knows ids only; what the library cannot do is
//! refused as unsupported, and what it refuses by its own words.
//! Not here: when a change takes effect (`raft_rs`).

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState};
use raft::{Changer, ProgressTracker};

use super::storage::{Members, node_id, raft_id, read_addresses};
use crate::protocol::{Address, Change, NodeId, QuorumSets, Refusal};

/// A change in preparation: single steps, and the addresses that come with them.
#[derive(Default)]
struct Draft {
    steps: Vec<ConfChangeSingle>,
    addresses: BTreeMap<NodeId, Address>,
}

impl Draft {
    fn step(&mut self, kind: ConfChangeType, node: NodeId) {
        let mut step = ConfChangeSingle::default();
        step.set_change_type(kind);
        step.node_id = raft_id(node);
        self.steps.push(step);
    }

    fn at(mut self, node: NodeId, address: Address) -> Draft {
        self.addresses.insert(node, address);
        self
    }

    fn done(self, transition: ConfChangeTransition) -> ConfChangeV2 {
        let mut change = ConfChangeV2::default();
        if !self.steps.is_empty() {
            change.set_transition(transition);
        }
        change.set_changes(self.steps.into());
        let pair =
            |(node, address): (&NodeId, &Address)| [node.0.to_le_bytes(), address.0.to_le_bytes()].concat();
        change.set_context(self.addresses.iter().flat_map(pair).collect::<Vec<u8>>().into());
        change
    }
}

/// Reads a change that an operator asks for.
///
/// # Errors
/// What the library has no form for, and nodes that it would know no address of.
pub(super) fn from_operator(
    change: &Change,
    members: &Members,
    transition: ConfChangeTransition,
) -> Result<ConfChangeV2, Refusal> {
    let now = &members.conf;
    let voters: BTreeSet<NodeId> = now.get_voters().iter().map(|&id| node_id(id)).collect();
    match change {
        Change::AddLearner { node, .. } if voters.contains(node) => Err(Refusal::Rule("already-a-voter")),
        Change::AddLearner { node, address } => {
            let mut draft = Draft::default();
            draft.step(ConfChangeType::AddLearnerNode, *node);
            Ok(draft.at(*node, *address).done(transition))
        }
        Change::Voters { voters: goal, retain } => to_voters(&voters, goal, *retain, members, transition),
        Change::AddVoters { voters: more } => {
            to_voters(&voters, &voters.union(more).copied().collect(), true, members, transition)
        }
        Change::RemoveVoters { voters: gone, retain } => {
            to_voters(&voters, &voters.difference(gone).copied().collect(), *retain, members, transition)
        }
        Change::SetNode { node, .. } if !members.addresses.contains_key(node) => {
            Err(Refusal::Rule("learner-not-found"))
        }
        // The library has no change of an address: who is added again in its own role stays what it is.
        Change::SetNode { node, address } => {
            let voter = voters.contains(node);
            let kind = if voter { ConfChangeType::AddNode } else { ConfChangeType::AddLearnerNode };
            let mut draft = Draft::default();
            draft.step(kind, *node);
            Ok(draft.at(*node, *address).done(transition))
        }
        Change::RemoveNodes { nodes } if !voters.is_disjoint(nodes) => Err(Refusal::Rule("still-a-voter")),
        Change::RemoveNodes { nodes } => {
            let mut draft = Draft::default();
            nodes.iter().for_each(|node| draft.step(ConfChangeType::RemoveNode, *node));
            Ok(draft.done(transition))
        }
        Change::Append { sets, nodes, retain } => appended(&voters, sets, nodes, *retain, members),
    }
}

fn to_voters(
    now: &BTreeSet<NodeId>,
    goal: &BTreeSet<NodeId>,
    retain: bool,
    members: &Members,
    transition: ConfChangeTransition,
) -> Result<ConfChangeV2, Refusal> {
    if goal.iter().any(|node| !members.addresses.contains_key(node)) {
        return Err(Refusal::Rule("learner-not-found"));
    }
    Ok(difference(now, goal, retain).done(transition))
}

fn difference(now: &BTreeSet<NodeId>, goal: &BTreeSet<NodeId>, retain: bool) -> Draft {
    let mut draft = Draft::default();
    goal.difference(now).for_each(|node| draft.step(ConfChangeType::AddNode, *node));
    let gone = if retain { ConfChangeType::AddLearnerNode } else { ConfChangeType::RemoveNode };
    now.difference(goal).for_each(|node| draft.step(gone, *node));
    draft
}

/// Exactly these sets, where one entry of the library can make them: a simple change, a step into a joint config, or
/// the step out of it.
fn appended(
    now: &BTreeSet<NodeId>,
    sets: &QuorumSets,
    nodes: &BTreeMap<NodeId, Address>,
    retain: bool,
    members: &Members,
) -> Result<ConfChangeV2, Refusal> {
    let joint = is_joint(&members.conf);
    let (goal, transition) = match sets.as_slice() {
        [only] if joint && only == now => return Ok(ConfChangeV2::default()),
        [only] if !joint && now.symmetric_difference(only).count() <= 1 => (only, ConfChangeTransition::Auto),
        [old, new] if !joint && old == now => (new, ConfChangeTransition::Explicit),
        _ => return Err(Refusal::Unsupported),
    };
    let known = |node: &NodeId| members.addresses.contains_key(node) || nodes.contains_key(node);
    if !goal.iter().all(known) {
        return Err(Refusal::Rule("learner-not-found"));
    }
    let mut draft = difference(now, goal, retain);
    draft.addresses.clone_from(nodes);
    Ok(draft.done(transition))
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

/// Whoever takes part; some more than once.
pub(super) fn everyone(conf: &ConfState) -> impl Iterator<Item = NodeId> {
    let lists =
        [conf.get_voters(), conf.get_voters_outgoing(), conf.get_learners(), conf.get_learners_next()];
    lists.into_iter().flatten().map(|&id| node_id(id))
}
