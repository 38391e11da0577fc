//! What comes of a change: pure, refusals included.
//!
//! Holds: every planned step obeys the rule `old-new-intersect` by itself.
//! Not here: the words of changes (`change`), and whether a leader may propose at all now (`reconfiguration`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::change::{Change, ChangeMembers, ChangeRefused, Plan, Policy};
use super::{Membership, NextStep, VoterSet, set_configuration};
use crate::config::Intersect;
use crate::quorum::any_quorums_meet;
use crate::rules::{Rule, Rules};
use crate::types::{Address, NodeId};

/// What a change makes of a membership. Conditions (`Change::If`) are the leader's to check and are skipped here.
///
/// # Errors
/// The reason why it may not be done.
pub fn plan(current: &Membership, change: &Change, policy: Policy) -> Result<Plan, ChangeRefused> {
    let plan = match change {
        Change::AddLearner { node, address, blocking: _ } => {
            let members = ChangeMembers::AddNodes(BTreeMap::from([(*node, *address)]));
            members_plan(current, &members, true)
        }
        Change::Members { members, retain } => members_plan(current, members, *retain),
        Change::Append { sets, nodes, retain } => append_plan(current, sets, nodes, *retain, policy),
        Change::To { sets, nodes, retain } => to_plan(current, sets, nodes, *retain, policy),
        Change::AddServer { node, address } => single_server(current, *node, Some(*address)),
        Change::RemoveServer { node } => single_server(current, *node, None),
        Change::SetConfiguration { mode, servers, listeners } => {
            set_configuration::plan(current, mode, servers, listeners, policy.majority_add)
        }
        Change::If { precondition: _, change } => return plan(current, change, policy),
    }?;
    refuse_reused_ids(current, &plan, policy.rules)?;
    Ok(plan)
}

/// Takes a later step of a plan from the membership that is in force by then.
///
/// # Errors
/// When another change made it impossible meanwhile.
pub fn next_step(
    current: &Membership,
    step: &NextStep,
    policy: Policy,
) -> Result<Option<Membership>, ChangeRefused> {
    match step {
        NextStep::Flatten { .. } if !current.is_joint() => Ok(None),
        NextStep::Flatten { nodes: Some(nodes), .. } => {
            Ok(Some(current.followed_by(alloc::vec![current.last_set()], nodes.clone())?))
        }
        NextStep::Flatten { retain, nodes: None } => {
            Ok(Some(with_sets(current, alloc::vec![current.last_set()], current.nodes().clone(), *retain)?))
        }
        NextStep::To { sets, retain } => {
            append_plan(current, sets, &BTreeMap::new(), *retain, policy).map(|plan| plan.first)
        }
    }
}

/// Whether the rule `old-new-intersect` allows a step in this form. The sets are those of memberships: each is there once.
#[must_use]
pub fn may_follow(old: &[VoterSet], new: &[VoterSet], form: Intersect) -> bool {
    match form {
        Intersect::Shared => shares_a_set(old, new) || differ_in_one(old, new),
        Intersect::Exact => any_quorums_meet(old, new),
    }
}

fn shares_a_set(old: &[VoterSet], new: &[VoterSet]) -> bool {
    old.iter().any(|set| new.contains(set))
}

fn differ_in_one(old: &[VoterSet], new: &[VoterSet]) -> bool {
    matches!((old, new), ([old], [new]) if old.difference_count(new) <= 1)
}

/// openraft: the target of a change, as voters and nodes.
fn fold(members: &ChangeMembers, voters: &mut BTreeSet<NodeId>, nodes: &mut BTreeMap<NodeId, Address>) {
    let add_unknown = |nodes: &mut BTreeMap<NodeId, Address>, more: &BTreeMap<NodeId, Address>| {
        for (id, address) in more {
            nodes.entry(*id).or_insert(*address);
        }
    };
    match members {
        ChangeMembers::AddVoterIds(ids) => voters.extend(ids),
        ChangeMembers::AddVoters(more) => {
            add_unknown(nodes, more);
            voters.extend(more.keys());
        }
        ChangeMembers::RemoveVoters(ids) => voters.retain(|id| !ids.contains(id)),
        ChangeMembers::ReplaceAllVoters(ids) => voters.clone_from(ids),
        ChangeMembers::AddNodes(more) => add_unknown(nodes, more),
        ChangeMembers::SetNodes(more) => nodes.extend(more),
        ChangeMembers::RemoveNodes(ids) => nodes.retain(|id, _| !ids.contains(id)),
        ChangeMembers::ReplaceAllNodes(all) => nodes.clone_from(all),
        ChangeMembers::Batch(list) => list.iter().for_each(|members| fold(members, voters, nodes)),
    }
}

fn members_plan(current: &Membership, members: &ChangeMembers, retain: bool) -> Result<Plan, ChangeRefused> {
    let mut voters = BTreeSet::from(current.last_set());
    let mut nodes = current.nodes().clone();
    fold(members, &mut voters, &mut nodes);
    let goal = VoterSet::from(voters);
    let sets = coherent_sets(current, &goal);
    // Whoever leaves altogether and votes in the set before takes part until that set has no say. openraft
    // 0.10.0-alpha.37 refuses to demote one voter and drop another in one batch, since the joint config lacks the latter.
    let leaves = |id: &NodeId| !nodes.contains_key(id) && !goal.contains(*id);
    let leaving: Vec<NodeId> = sets.iter().flat_map(VoterSet::iter).filter(leaves).collect();
    let after = (!leaving.is_empty()).then(|| {
        let mut after = nodes.clone();
        after.retain(|id, _| retain || goal.contains(*id) || !current.is_voter(*id));
        after
    });
    nodes.extend(leaving.into_iter().filter_map(|id| Some((id, *current.nodes().get(&id)?))));
    let flatten = NextStep::Flatten { retain, nodes: after };
    let first = with_sets(current, sets, nodes, retain)?.finished_by(flatten);
    let next = first.finish().cloned();
    Ok(Plan { catch_up: BTreeMap::new(), first: Some(first), next })
}

/// openraft: the voter sets on the way to a goal. A goal that is one of the sets is taken at once (flatten or revert);
/// otherwise the last set is joined with it. Never more than two sets.
fn coherent_sets(current: &Membership, goal: &VoterSet) -> Vec<VoterSet> {
    if current.sets().contains(goal) || current.sets().is_empty() {
        alloc::vec![goal.clone()]
    } else {
        alloc::vec![current.last_set(), goal.clone()]
    }
}

/// A membership of these sets, from which voters of the old sets go unless they are retained.
fn with_sets(
    current: &Membership,
    sets: Vec<VoterSet>,
    mut nodes: BTreeMap<NodeId, Address>,
    retain: bool,
) -> Result<Membership, ChangeRefused> {
    if !retain {
        let stays = |id: NodeId| sets.iter().any(|set| set.contains(id));
        nodes.retain(|id, _| !current.is_voter(*id) || stays(*id));
    }
    Ok(current.followed_by(sets, nodes)?.finished_by(NextStep::Flatten { retain, nodes: None }))
}

/// Known nodes and further ones, whose addresses must not contradict each other.
fn joined(
    current: &Membership,
    more: &BTreeMap<NodeId, Address>,
) -> Result<BTreeMap<NodeId, Address>, ChangeRefused> {
    let mut nodes = current.nodes().clone();
    for (id, address) in more {
        if *nodes.entry(*id).or_insert(*address) != *address {
            return Err(ChangeRefused::NodeMetadataChanged);
        }
    }
    Ok(nodes)
}

fn append_plan(
    current: &Membership,
    sets: &[VoterSet],
    more: &BTreeMap<NodeId, Address>,
    retain: bool,
    policy: Policy,
) -> Result<Plan, ChangeRefused> {
    let next = with_sets(current, sets.to_vec(), joined(current, more)?, retain)?;
    if policy.rules.keep(Rule::OldNewIntersect) && !may_follow(current.sets(), next.sets(), policy.intersect)
    {
        return Err(ChangeRefused::UnsupportedMembershipTransition);
    }
    Ok(Plan::one_step(next))
}

/// Directly if that is safe, otherwise by way of the last set joined with the target: it shares a set with both.
fn to_plan(
    current: &Membership,
    sets: &[VoterSet],
    more: &BTreeMap<NodeId, Address>,
    retain: bool,
    policy: Policy,
) -> Result<Plan, ChangeRefused> {
    let nodes = joined(current, more)?;
    let target = with_sets(current, sets.to_vec(), nodes.clone(), retain)?;
    if current.decides_as(&target) && *current.nodes() == nodes {
        return Ok(Plan::nothing_to_do());
    }
    if may_follow(current.sets(), target.sets(), policy.intersect) {
        return Ok(Plan::one_step(target));
    }
    let mut bridge = alloc::vec![current.last_set()];
    bridge.extend_from_slice(sets);
    let goal = NextStep::To { sets: sets.to_vec(), retain };
    let first = with_sets(current, bridge, nodes, retain)?.finished_by(goal.clone());
    Ok(Plan { catch_up: BTreeMap::new(), first: Some(first), next: Some(goal) })
}

/// Thesis 4.1: adds a voter, or removes one when no address is given.
fn single_server(
    current: &Membership,
    node: NodeId,
    added_at: Option<Address>,
) -> Result<Plan, ChangeRefused> {
    if current.is_joint() {
        return Err(ChangeRefused::AlreadyJoint);
    }
    let mut voters = BTreeSet::from(current.last_set());
    let mut nodes = current.nodes().clone();
    match added_at {
        Some(_) if !voters.insert(node) => return Err(ChangeRefused::AlreadyVoter),
        Some(address) => {
            nodes.entry(node).or_insert(address);
        }
        None if !voters.remove(&node) => return Err(ChangeRefused::NotAVoter),
        None => {
            nodes.remove(&node);
        }
    }
    Ok(Plan::one_step(current.followed_by(alloc::vec![voters.into()], nodes)?))
}

fn refuse_reused_ids(current: &Membership, plan: &Plan, rules: Rules) -> Result<(), ChangeRefused> {
    let added = plan.first.iter().flat_map(|next| next.nodes().keys()).chain(plan.catch_up.keys());
    let reused = added.into_iter().any(|id| current.retired().contains(id));
    if reused && rules.keep(Rule::IdsNeverReused) { Err(ChangeRefused::IdReused) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
