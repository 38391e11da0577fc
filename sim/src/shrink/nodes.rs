//! Taking a node out of a scenario.
//!
//! Holds: the nodes that are left keep their order and names; their numbers close up.
//! Not here: whether the failure survives it.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{Address, Change, ChangeMembers, NodeId, Operation, QuorumSets, SetMode};
use crate::scenario::Scenario;
use crate::world::act::Act;

/// The scenario without a node, its steps left as they are; `None` when a voter set would be empty, or when nodes do not
/// live at the addresses of their own numbers.
pub(super) fn without(scenario: &Scenario, node: NodeId) -> Option<Scenario> {
    let mut less = scenario.clone();
    let cluster = &mut less.cluster;
    let at_home = cluster.nodes.iter().zip(0..).all(|(node, number)| node.home == Address(number));
    // What is done meanwhile is told by the numbers of events, which would be others.
    if !scenario.meanwhile.is_empty()
        || !at_home
        || cluster.nodes.len() != cluster.addresses.len()
        || cluster.nodes.len() < 2
    {
        return None;
    }
    cluster.nodes.remove(node.0 as usize);
    cluster.addresses.remove(node.0 as usize);
    cluster.nodes.iter_mut().zip(0..).for_each(|(node, number)| node.home = Address(number));
    cluster.members = cluster.members.iter().map(|set| set_without(set, node)).collect();
    if cluster.members.iter().any(BTreeSet::is_empty) {
        return None;
    }
    cluster.learners = set_without(&cluster.learners, node);
    cluster.spare = set_without(&cluster.spare, node);
    cluster.priority = cluster.priority.iter().filter_map(|id| renumbered(*id, node)).collect();
    let logs = std::mem::take(&mut less.logs);
    less.logs = logs.into_iter().filter_map(|(id, log)| Some((renumbered(id, node)?, log))).collect();
    let groups = std::mem::take(&mut less.groups);
    let groups = groups.into_iter().filter_map(|(id, sets)| {
        Some((renumbered(id, node)?, sets.iter().map(|set| set_without(set, node)).collect::<QuorumSets>()))
    });
    less.groups = groups.filter(|(_, sets)| sets.iter().all(|set| !set.is_empty())).collect();
    less.expect.leader = None;
    Some(less)
}

/// The acts without those in which a node has a part.
pub(super) fn acts_without<T: Copy>(acts: &[Act<T>], gone: NodeId) -> Vec<Act<T>> {
    acts.iter().filter_map(|act| act_without(act, gone)).collect()
}

fn renumbered(id: NodeId, gone: NodeId) -> Option<NodeId> {
    match id.0.cmp(&gone.0) {
        core::cmp::Ordering::Less => Some(id),
        core::cmp::Ordering::Equal => None,
        core::cmp::Ordering::Greater => Some(NodeId(id.0 - 1)),
    }
}

fn set_without(set: &BTreeSet<NodeId>, gone: NodeId) -> BTreeSet<NodeId> {
    set.iter().filter_map(|&id| renumbered(id, gone)).collect()
}

fn moved(address: Address, gone: NodeId) -> Option<Address> {
    renumbered(NodeId(address.0), gone).map(|id| Address(id.0))
}

fn act_without<T: Copy>(act: &Act<T>, gone: NodeId) -> Option<Act<T>> {
    let id = |id: NodeId| renumbered(id, gone);
    Some(match act.clone() {
        Act::Deliver { serial, from, to, what, digest, older, younger, overtakes, kept } => {
            let (from, to) = (id(from)?, id(to)?);
            Act::Deliver { serial, from, to, what, digest, older, younger, overtakes, kept }
        }
        Act::Fire { node, timer } => Act::Fire { node: id(node)?, timer },
        Act::Finish { node } => Act::Finish { node: id(node)? },
        Act::Crash { node, kept, all } => Act::Crash { node: id(node)?, kept, all },
        Act::Boot { node } => Act::Boot { node: id(node)? },
        Act::Wipe { node } => Act::Wipe { node: id(node)? },
        Act::Snapshot { node } => Act::Snapshot { node: id(node)? },
        Act::Call { client, node, request, again } => Act::Call { client, node: id(node)?, request, again },
        Act::Operate { node, operation } => {
            Act::Operate { node: id(node)?, operation: operation_without(operation, gone)? }
        }
        Act::Bind { node, address } => Act::Bind { node: id(node)?, address: moved(address, gone)? },
        Act::Exchange { nodes } => Act::Exchange { nodes: set_without(&nodes, gone) },
        Act::Lose => Act::Lose,
        Act::Heal => Act::Heal,
    })
}

fn operation_without(operation: Operation, gone: NodeId) -> Option<Operation> {
    Some(match operation {
        Operation::Transfer { to } => Operation::Transfer { to: renumbered(to, gone)? },
        Operation::Change(change) => Operation::Change(change_without(change, gone)?),
    })
}

fn change_without(change: Change, gone: NodeId) -> Option<Change> {
    let sets = |sets: QuorumSets| {
        sets.into_iter().map(|set| some_without(set, gone)).collect::<Option<QuorumSets>>()
    };
    Some(match change {
        Change::AddLearner { node, address, blocking } => {
            Change::AddLearner { node: renumbered(node, gone)?, address: moved(address, gone)?, blocking }
        }
        Change::Members { members, retain } => {
            Change::Members { members: members_without(members, gone)?, retain }
        }
        Change::Append { sets: wanted, nodes, retain } => {
            Change::Append { sets: sets(wanted)?, nodes: map_without(nodes, gone), retain }
        }
        Change::To { sets: wanted, nodes, retain } => {
            Change::To { sets: sets(wanted)?, nodes: map_without(nodes, gone), retain }
        }
        Change::AddServer { node, address } => {
            Change::AddServer { node: renumbered(node, gone)?, address: moved(address, gone)? }
        }
        Change::RemoveServer { node } => Change::RemoveServer { node: renumbered(node, gone)? },
        Change::SetConfiguration { mode, servers, listeners } => Change::SetConfiguration {
            mode: match mode {
                SetMode::Set | SetMode::Add => mode,
                SetMode::CompareAndSet { servers, listeners } => SetMode::CompareAndSet {
                    servers: set_without(&servers, gone),
                    listeners: set_without(&listeners, gone),
                },
            },
            servers: map_without(servers, gone),
            listeners: map_without(listeners, gone),
        },
        Change::If { precondition, change } => {
            Change::If { precondition, change: Box::new(change_without(*change, gone)?) }
        }
    })
}

fn members_without(members: ChangeMembers, gone: NodeId) -> Option<ChangeMembers> {
    Some(match members {
        ChangeMembers::AddVoterIds(ids) => ChangeMembers::AddVoterIds(some_without(ids, gone)?),
        ChangeMembers::AddVoters(nodes) => ChangeMembers::AddVoters(map_without(nodes, gone)),
        ChangeMembers::RemoveVoters(ids) => ChangeMembers::RemoveVoters(some_without(ids, gone)?),
        ChangeMembers::ReplaceAllVoters(ids) => ChangeMembers::ReplaceAllVoters(some_without(ids, gone)?),
        ChangeMembers::AddNodes(nodes) => ChangeMembers::AddNodes(map_without(nodes, gone)),
        ChangeMembers::SetNodes(nodes) => ChangeMembers::SetNodes(map_without(nodes, gone)),
        ChangeMembers::RemoveNodes(ids) => ChangeMembers::RemoveNodes(some_without(ids, gone)?),
        ChangeMembers::ReplaceAllNodes(nodes) => ChangeMembers::ReplaceAllNodes(map_without(nodes, gone)),
        ChangeMembers::Batch(batch) => ChangeMembers::Batch(
            batch.into_iter().map(|members| members_without(members, gone)).collect::<Option<Vec<_>>>()?,
        ),
    })
}

fn some_without(set: BTreeSet<NodeId>, gone: NodeId) -> Option<BTreeSet<NodeId>> {
    let less = set_without(&set, gone);
    (!less.is_empty()).then_some(less)
}

fn map_without(nodes: BTreeMap<NodeId, Address>, gone: NodeId) -> BTreeMap<NodeId, Address> {
    let kept = |(node, address)| Some((renumbered(node, gone)?, moved(address, gone)?));
    nodes.into_iter().filter_map(kept).collect()
}
