//! Changes in the style of Apache Ratis' `setConfiguration`.
//!
//! Holds: always joint, then uniform, after new servers have caught up.
//! Not here: catching up (`reconfiguration`).

use alloc::collections::{BTreeMap, BTreeSet};

use super::change::{ChangeRefused, NextStep, Plan, SetMode};
use super::{Membership, VoterSet};
use crate::types::{Address, NodeId};

type Nodes = BTreeMap<NodeId, Address>;

pub(super) fn plan(
    current: &Membership,
    mode: &SetMode,
    servers: &Nodes,
    listeners: &Nodes,
    majority_add: bool,
) -> Result<Plan, ChangeRefused> {
    if current.is_joint() {
        return Err(ChangeRefused::InProgress);
    }
    let (servers, listeners) = target(current, mode, servers, listeners)?;
    let goal: VoterSet = servers.keys().copied().collect();
    let mut nodes = listeners;
    nodes.extend(&servers);
    if goal == current.last_set() && nodes == *current.nodes() {
        return Ok(Plan::nothing_to_do());
    }
    if !majority_add && adds_majority(&current.last_set(), &goal) {
        return Err(ChangeRefused::MajorityAdd);
    }
    let catch_up =
        nodes.iter().filter(|(id, _)| !current.nodes().contains_key(id)).map(|(id, at)| (*id, *at));
    let catch_up = catch_up.collect();
    if goal == current.last_set() {
        let first = current.followed_by(alloc::vec![goal], nodes)?;
        return Ok(Plan { catch_up, first: Some(first), next: None });
    }
    let mut both = current.nodes().clone();
    both.extend(&nodes);
    let flatten = NextStep::Flatten { retain: false, nodes: Some(nodes) };
    let first =
        current.followed_by(alloc::vec![current.last_set(), goal], both)?.finished_by(flatten.clone());
    Ok(Plan { catch_up, first: Some(first), next: Some(flatten) })
}

/// The servers and listeners asked for.
fn target(
    current: &Membership,
    mode: &SetMode,
    servers: &Nodes,
    listeners: &Nodes,
) -> Result<(Nodes, Nodes), ChangeRefused> {
    let (mut voters, mut learners) = (current.nodes().clone(), current.nodes().clone());
    voters.retain(|id, _| current.is_voter(*id));
    learners.retain(|id, _| current.is_learner(*id));
    match mode {
        SetMode::Set => Ok((servers.clone(), listeners.clone())),
        SetMode::Add => {
            voters.extend(servers);
            learners.extend(listeners);
            learners.retain(|id, _| !voters.contains_key(id));
            Ok((voters, learners))
        }
        SetMode::CompareAndSet { servers: expected_servers, listeners: expected_listeners } => {
            let same = |nodes: &Nodes, expected: &BTreeSet<NodeId>| nodes.keys().eq(expected.iter());
            if same(&voters, expected_servers) && same(&learners, expected_listeners) {
                Ok((servers.clone(), listeners.clone()))
            } else {
                Err(ChangeRefused::PreconditionFailed)
            }
        }
    }
}

/// RATIS-1912: whether new servers are at least as many as those of the request that vote already. A group of one may
/// get a second server, since one and one are two in any case; another two for the one would leave it out.
pub(super) fn adds_majority(old: &VoterSet, goal: &VoterSet) -> bool {
    let added = goal.iter().filter(|id| !old.contains(*id)).count();
    let kept = goal.len() - added;
    let is_second_server = old.len() == 1 && goal.len() == 2 && added == 1;
    added > 0 && added >= kept && !is_second_server
}
