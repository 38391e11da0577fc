//! Membership changes in the words of raft-rs: single steps, and joint consensus that is left forwards only.
//!
//! Holds: addresses travel in the context of a change, as the library knows ids only; what the library cannot do is
//! refused as unsupported, and what it refuses by its own words.
//! Not here: when a change takes effect (`raft_rs`).

use std::collections::BTreeSet;

use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState};
use raft::{Changer, ProgressTracker};

use super::numbers::{node_id, raft_id};
use super::storage::{Members, everyone, read_addresses};
use crate::adapter::change::{self, How, Part};
use crate::protocol::{Address, Change, NodeId, Refusal};

/// Reads a change that an operator asks for.
///
/// # Errors
/// What the library has no form for, and nodes whose address nobody knows.
pub(super) fn from_operator(
    change: &Change,
    members: &Members,
    transition: ConfChangeTransition,
) -> Result<ConfChangeV2, Refusal> {
    let plan = change::plan(change, &in_force(members))?;
    let mut change = ConfChangeV2::default();
    if plan.how == How::LeaveJoint {
        return Ok(change);
    }
    if !plan.steps.is_empty() {
        change.set_transition(match plan.how {
            How::Simple => ConfChangeTransition::Auto,
            How::EnterJoint => ConfChangeTransition::Explicit,
            How::AsSet | How::LeaveJoint => transition,
        });
    }
    change.set_changes(plan.steps.iter().map(|&(part, node, _)| step(part, node)).collect::<Vec<_>>().into());
    let pair =
        |(node, address): (&NodeId, &Address)| [node.0.to_le_bytes(), address.0.to_le_bytes()].concat();
    change.set_context(plan.addresses.iter().flat_map(pair).collect::<Vec<u8>>().into());
    Ok(change)
}

fn in_force(members: &Members) -> change::Members {
    let set = |ids: &[u64]| ids.iter().map(|&id| node_id(id)).collect();
    let sets = [members.conf.get_voters_outgoing(), members.conf.get_voters()];
    change::Members {
        sets: sets.into_iter().filter(|ids| !ids.is_empty()).map(set).collect(),
        learners: set(members.conf.get_learners()),
        addresses: members.addresses.clone(),
    }
}

/// Whoever only moves stays what it is: the library has no change of an address.
fn step(part: Part, node: NodeId) -> ConfChangeSingle {
    let mut step = ConfChangeSingle::default();
    step.set_change_type(match part {
        Part::Voter => ConfChangeType::AddNode,
        Part::Learner => ConfChangeType::AddLearnerNode,
        Part::Gone => ConfChangeType::RemoveNode,
    });
    step.node_id = raft_id(node);
    step
}

pub(super) fn is_joint(conf: &ConfState) -> bool {
    !conf.get_voters_outgoing().is_empty()
}

/// Every word by which the adapter refuses beside those that all protocols have: the library's reasons, and transfers'.
pub(super) const REFUSALS: [&str; 14] = [
    "config-is-already-joint",
    "config-is-not-joint",
    "conf-change-error",
    "learner-not-found",
    "more-than-one-voter-changed",
    "must-transition-out-of-joint-config-first",
    "not-a-target",
    "not-in-joint-state",
    "possible-unapplied-conf-change",
    "removed-all-voters",
    "simple-change-in-joint-config",
    "transfer-failed",
    "transfer-timed-out",
    "zero-voter-config",
];

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
