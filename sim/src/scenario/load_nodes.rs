//! Reading of names of nodes and addresses, alone and in the groups that steps speak of.
//!
//! Holds: what is returned exists in the cluster; no set names a node twice.
//! Not here: giving names their numbers (`load`).

use std::collections::BTreeSet;

use super::read::{Fault, Fields, Item, Read};
use super::{Cluster, Links, Target, Whom};
use crate::protocol::{Address, NodeId, QuorumSets};

/// A node by name.
pub(super) fn read_node(item: &Item<'_>, cluster: &Cluster) -> Read<NodeId> {
    let example = cluster.nodes.first().map_or("a", |node| &node.name);
    let name = item.text(&format!("the name of a node such as {example:?}"))?;
    cluster.node(name).ok_or_else(|| unknown_node(item.at, name, cluster))
}

/// Some nodes by name, each once; at least one.
pub(super) fn read_nodes(item: &Item<'_>, cluster: &Cluster) -> Read<BTreeSet<NodeId>> {
    let nodes = nodes_of(item, cluster)?;
    if nodes.is_empty() { Err(item.expected("at least one node")) } else { Ok(nodes) }
}

pub(super) fn unknown_node(at: usize, name: &str, cluster: &Cluster) -> Fault {
    let known: Vec<&str> = cluster.nodes.iter().map(|node| node.name.as_str()).collect();
    Fault::unknown(at, "node", name, &known)
}

pub(super) fn read_target(item: &Item<'_>, cluster: &Cluster) -> Read<Target> {
    if item.as_str() == Some("leader") {
        Ok(Target::Leader)
    } else {
        read_node(item, cluster).map(Target::Node)
    }
}

pub(super) fn read_whom(item: &Item<'_>, cluster: &Cluster) -> Read<Whom> {
    match item.as_str() {
        Some("leader") => Ok(Whom::Leader),
        Some("all") => Ok(Whom::All),
        Some(_) => Ok(Whom::Nodes(BTreeSet::from([read_node(item, cluster)?]))),
        None if item.as_list().is_some() => Ok(Whom::Nodes(read_nodes(item, cluster)?)),
        None => Err(item.expected("a node, a list of nodes, \"leader\" or \"all\"")),
    }
}

/// Nodes by name, each once; perhaps none.
pub(super) fn nodes_of(item: &Item<'_>, cluster: &Cluster) -> Read<BTreeSet<NodeId>> {
    let mut nodes = BTreeSet::new();
    for member in item.list("a list of nodes such as [\"a\", \"b\"]")? {
        let node = read_node(&member, cluster)?;
        if !nodes.insert(node) {
            return Err(Fault::new(member.at, format!("node {:?} is named twice", cluster.name(node))));
        }
    }
    Ok(nodes)
}

pub(super) fn read_address(item: &Item<'_>, cluster: &Cluster) -> Read<Address> {
    let name = item.text("the name of an address such as \"w\"")?;
    let known: Vec<&str> = cluster.addresses.iter().map(String::as_str).collect();
    cluster.address(name).ok_or_else(|| {
        let fault = Fault::unknown(item.at, "address", name, &known);
        fault.hint(format!("known here: {}; declare an unused one in `cluster.vacant`", known.join(", ")))
    })
}

/// Voter sets: at least one, none of them empty.
pub(super) fn read_sets(item: &Item<'_>, cluster: &Cluster) -> Read<QuorumSets> {
    let what = "voter sets such as [[\"a\", \"b\"], [\"c\"]]";
    let sets = item.list(what)?;
    if sets.is_empty() {
        return Err(item.expected(what));
    }
    sets.iter().map(|set| read_nodes(set, cluster)).collect()
}

/// Disjoint groups that name every node: those that are left over form the last group.
pub(super) fn read_groups(item: &Item<'_>, cluster: &Cluster) -> Read<Vec<BTreeSet<NodeId>>> {
    let what = "groups of nodes such as [[\"a\", \"b\"], [\"c\"]]";
    let list = item.list(what)?;
    if list.is_empty() {
        return Err(item.expected(what));
    }
    let mut rest: BTreeSet<NodeId> = cluster.ids().collect();
    let mut groups = Vec::new();
    for group in &list {
        let nodes = read_nodes(group, cluster)?;
        if let Some(twice) = nodes.iter().find(|node| !rest.remove(node)) {
            return Err(Fault::new(group.at, format!("node {:?} is in two groups", cluster.name(*twice)))
                .hint("a node is on one side of a partition"));
        }
        groups.push(nodes);
    }
    if !rest.is_empty() {
        groups.push(rest);
    }
    Ok(groups)
}

/// `["a", "b"]` for the link from a to b, or `{ from = …, to = … }` with a node or a list of nodes on either side.
pub(super) fn read_links(item: &Item<'_>, cluster: &Cluster) -> Read<Links> {
    let what = "a link such as [\"a\", \"b\"] or { from = \"a\", to = [\"b\", \"c\"] }";
    let (from, to) = match item.as_list() {
        Some(ends) => {
            let [from, to] = <[Item<'_>; 2]>::try_from(ends).map_err(|_| item.expected(what))?;
            (BTreeSet::from([read_node(&from, cluster)?]), BTreeSet::from([read_node(&to, cluster)?]))
        }
        None if item.is_table() => read_ends(item.fields("this link")?, cluster)?,
        None => return Err(item.expected(what)),
    };
    match from.intersection(&to).next() {
        Some(node) => {
            Err(Fault::new(item.at, format!("no link leads from node {:?} to itself", cluster.name(*node))))
        }
        None => Ok(Links { from, to }),
    }
}

fn read_ends(mut fields: Fields<'_>, cluster: &Cluster) -> Read<(BTreeSet<NodeId>, BTreeSet<NodeId>)> {
    let read_end = |item: Item<'_>| match item.as_str() {
        Some(_) => Ok(BTreeSet::from([read_node(&item, cluster)?])),
        None => read_nodes(&item, cluster),
    };
    let from = read_end(fields.need("from", "\"a\"")?)?;
    let to = read_end(fields.need("to", "\"b\"")?)?;
    fields.finish()?;
    Ok((from, to))
}
