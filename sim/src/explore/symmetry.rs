//! Nodes that a scenario treats alike: states that differ only in their names are one.
//!
//! Holds: the identity comes first; with changes of members in the story every node is itself, for memberships name nodes.
//! Not here: how a protocol's values are called by other names (`Protocol::feed`).

use std::collections::BTreeSet;

use super::Explorable;
use super::stage::Stage;
use crate::protocol::{NodeId, QuorumSets};
use crate::scenario::Scenario;

/// Other names for all nodes, by their number.
pub(super) type Names = Vec<u32>;

/// More orders of so many nodes than are worth a look at every state.
const NODES_MAX: usize = 5;

/// All ways to call nodes by each other's names that a scenario does not notice.
pub(super) fn names<P: Explorable>(stage: &Stage<P>, wanted: bool) -> Vec<Names> {
    let own: Names = (0..stage.nodes() as u32).collect();
    let scenario = &*stage.scenario;
    let possible = wanted
        && P::feeds_names()
        && stage.operations.is_empty()
        && stage.is_at_home()
        && scenario.groups.is_empty()
        && stage.nodes() <= NODES_MAX;
    if !possible {
        return vec![own];
    }
    let mut all = Vec::new();
    permute(&mut own.clone(), 0, &mut |names| {
        if is_unnoticed(scenario, names) {
            all.push(names.to_vec());
        }
    });
    all.sort();
    all
}

fn permute(names: &mut Names, from: usize, visit: &mut impl FnMut(&[u32])) {
    if from == names.len() {
        return visit(names);
    }
    for place in from..names.len() {
        names.swap(from, place);
        permute(names, from + 1, visit);
        names.swap(from, place);
    }
}

fn is_unnoticed(scenario: &Scenario, names: &[u32]) -> bool {
    let cluster = &scenario.cluster;
    let called = |id: &NodeId| NodeId(names[id.0 as usize]);
    let set = |ids: &BTreeSet<NodeId>| -> BTreeSet<NodeId> { ids.iter().map(called).collect() };
    // Sets stand in an order, which a joint config keeps.
    let sets: QuorumSets = cluster.members.iter().map(set).collect();
    sets == cluster.members
        && set(&cluster.learners) == cluster.learners
        && set(&cluster.spare) == cluster.spare
        && cluster.priority.iter().all(|id| called(id) == *id)
        && cluster.ids().all(|id| scenario.logs.get(&id) == scenario.logs.get(&called(&id)))
}
