//! From a table such as `{ voters = ["a", "b"] }` to one membership change.
//!
//! Holds: a change is of one kind; nodes and addresses exist. Where a node's address is not given, it is the one the
//! node has at the start.
//! Not here: whether the change is allowed; that is the protocol's to say, and worth a story.

use std::collections::{BTreeMap, BTreeSet};

use super::Cluster;
use super::load_nodes::{nodes_of, read_address, read_node, read_nodes, read_sets, unknown_node};
use super::read::{Fault, Fields, Item, Read};
use crate::protocol::{Address, Change, ChangeMembers, Epoch, NodeId, Precondition, SetMode};

const CHANGE: &str = "a change such as { voters = [\"a\", \"b\"] }";
const NODES: &str = "nodes such as [\"a\", \"b\"], or { a = \"x\" } with their addresses";

/// Changes that are not openraft's `ChangeMembers`.
const KINDS: [(&str, Reader); 7] = [
    ("add_learner", read_add_learner),
    ("append", read_append),
    ("change_to", read_to),
    ("add_server", read_add_server),
    ("remove_server", |item, _, cluster| Ok(Change::RemoveServer { node: read_node(item, cluster)? })),
    ("set_configuration", read_set_configuration),
    ("batch", |item, fields, cluster| read_members_change(read_batch(item, cluster)?, fields)),
];

/// openraft's `ChangeMembers`, which may be members of a batch.
const MEMBERS: [(&str, MembersReader); 8] = [
    ("voters", |item, cluster| Ok(ChangeMembers::ReplaceAllVoters(nodes_of(item, cluster)?))),
    ("add_voter_ids", |item, cluster| Ok(ChangeMembers::AddVoterIds(read_nodes(item, cluster)?))),
    ("add_voters", |item, cluster| Ok(ChangeMembers::AddVoters(read_homes(item, cluster)?))),
    ("remove_voters", |item, cluster| Ok(ChangeMembers::RemoveVoters(read_nodes(item, cluster)?))),
    ("add_nodes", |item, cluster| Ok(ChangeMembers::AddNodes(read_homes(item, cluster)?))),
    ("set_nodes", |item, cluster| Ok(ChangeMembers::SetNodes(read_homes(item, cluster)?))),
    ("remove_nodes", |item, cluster| Ok(ChangeMembers::RemoveNodes(read_nodes(item, cluster)?))),
    ("replace_all_nodes", |item, cluster| Ok(ChangeMembers::ReplaceAllNodes(read_homes(item, cluster)?))),
];

/// Reads a change from its kind's value, and from what else its table holds.
type Reader = fn(&Item<'_>, &mut Fields<'_>, &Cluster) -> Read<Change>;

/// Reads a member of a batch from its value.
type MembersReader = fn(&Item<'_>, &Cluster) -> Read<ChangeMembers>;

/// Every kind of change.
pub(super) fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|(kind, _)| *kind).chain(MEMBERS.iter().map(|(kind, _)| *kind)).collect()
}

/// Reads one change.
pub(super) fn read_change(item: &Item<'_>, cluster: &Cluster) -> Read<Change> {
    let mut fields = item.fields(CHANGE)?;
    let kind = find_kind(&fields, &kinds())?;
    let object = fields.need(kind, "…")?;
    let precondition = fields.maybe("if", read_precondition)?;
    let change = match KINDS.iter().find(|(known, _)| *known == kind) {
        Some((_, read)) => read(&object, &mut fields, cluster)?,
        None => read_members_change(read_members(kind, &object, cluster)?, &mut fields)?,
    };
    fields.finish()?;
    Ok(match precondition {
        Some(precondition) => Change::If { precondition, change: Box::new(change) },
        None => change,
    })
}

fn find_kind(fields: &Fields<'_>, kinds: &[&'static str]) -> Read<&'static str> {
    let entries = fields.entries();
    let mut found =
        entries.iter().filter_map(|(key, at, _)| Some((*at, kinds.iter().find(|kind| *kind == key)?)));
    match (found.next(), found.next(), entries.first()) {
        (Some((_, kind)), None, _) => Ok(kind),
        (Some((_, first)), Some((at, second)), _) => {
            Err(Fault::new(at, format!("expected one change, found {first} and {second}"))
                .hint("several at once are a `batch`, one after the other are steps"))
        }
        (None, _, Some((key, at, _))) => Err(Fault::unknown(*at, "change", key, kinds)),
        (None, _, None) => Err(Fault::new(fields.at, "expected a change, found an empty table")),
    }
}

fn read_members(kind: &str, object: &Item<'_>, cluster: &Cluster) -> Read<ChangeMembers> {
    let reader = MEMBERS.iter().find(|(known, _)| *known == kind);
    reader.map_or_else(|| Err(object.expected(CHANGE)), |(_, read)| read(object, cluster))
}

fn read_members_change(members: ChangeMembers, fields: &mut Fields<'_>) -> Read<Change> {
    let change = Change::Members { members, retain: read_retain(fields)? };
    let allow_lagging = fields.or("allow_lagging", true, Item::switch)?;
    let precondition = Precondition::LearnersCaughtUp;
    Ok(if allow_lagging { change } else { Change::If { precondition, change: Box::new(change) } })
}

/// Changes of openraft's kind, each in a table of its own.
fn read_batch(item: &Item<'_>, cluster: &Cluster) -> Read<ChangeMembers> {
    let what = "a list of changes such as [{ add_nodes = [\"d\"] }, { remove_voters = [\"a\"] }]";
    let kinds = MEMBERS.map(|(kind, _)| kind);
    let mut list = Vec::new();
    for member in item.list(what)? {
        let mut fields = member.fields(CHANGE)?;
        let kind = find_kind(&fields, &kinds)?;
        list.push(read_members(kind, &fields.need(kind, "…")?, cluster)?);
        fields.finish()?;
    }
    if list.is_empty() { Err(item.expected(what)) } else { Ok(ChangeMembers::Batch(list)) }
}

fn read_add_learner(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Change> {
    let (node, address) = read_node_at(item, fields, cluster)?;
    Ok(Change::AddLearner { node, address, blocking: fields.or("blocking", false, Item::switch)? })
}

fn read_add_server(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Change> {
    let (node, address) = read_node_at(item, fields, cluster)?;
    Ok(Change::AddServer { node, address })
}

fn read_node_at(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<(NodeId, Address)> {
    let node = read_node(item, cluster)?;
    Ok((node, fields.or("address", home(node, cluster), |item| read_address(item, cluster))?))
}

fn read_append(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Change> {
    let sets = read_sets(item, cluster)?;
    let nodes = read_further_nodes(sets.iter().flatten(), fields, cluster)?;
    Ok(Change::Append { sets, nodes, retain: read_retain(fields)? })
}

fn read_to(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Change> {
    let sets = read_sets(item, cluster)?;
    let nodes = read_further_nodes(sets.iter().flatten(), fields, cluster)?;
    Ok(Change::To { sets, nodes, retain: read_retain(fields)? })
}

/// The addresses that a change gives for its voters: their homes, unless `nodes` says otherwise.
fn read_further_nodes<'a>(
    voters: impl Iterator<Item = &'a NodeId>,
    fields: &mut Fields<'_>,
    cluster: &Cluster,
) -> Read<BTreeMap<NodeId, Address>> {
    let homes = voters.map(|node| (*node, home(*node, cluster))).collect();
    fields.or("nodes", homes, |item| read_some_homes(item, cluster))
}

fn read_set_configuration(item: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Change> {
    let servers = read_homes(item, cluster)?;
    let listeners = fields.or("listeners", BTreeMap::new(), |item| read_some_homes(item, cluster))?;
    let words = [("set", 0), ("add", 1), ("compare-and-set", 2)];
    let mode = match fields.or("mode", 0, |item| item.word("mode", &words))? {
        0 => SetMode::Set,
        1 => SetMode::Add,
        _ => SetMode::CompareAndSet {
            servers: read_nodes(&fields.need("current", "[\"a\", \"b\"]")?, cluster)?,
            listeners: fields.or("current_listeners", BTreeSet::new(), |item| nodes_of(item, cluster))?,
        },
    };
    Ok(Change::SetConfiguration { mode, servers, listeners })
}

fn read_precondition(item: &Item<'_>) -> Read<Precondition> {
    let what = "a condition such as { last_membership = 3 }, { last_entry = 5 } or { leader_term = 2 }";
    let mut fields = item.fields(what)?;
    let mut number = |key| fields.maybe(key, |item| item.number("an index or a term such as 3"));
    let conditions = [
        number("last_membership")?.map(Precondition::LastMembership),
        number("last_entry")?.map(Precondition::LastEntry),
        number("leader_term")?.map(|term| Precondition::LeaderEpoch(Epoch(term))),
    ];
    fields.finish()?;
    let mut given = conditions.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(condition), None) => Ok(condition),
        (None, _) | (Some(_), Some(_)) => Err(item.expected(&format!("one condition: {what}"))),
    }
}

/// At least one node: a list at their homes, or a table with addresses.
fn read_homes(item: &Item<'_>, cluster: &Cluster) -> Read<BTreeMap<NodeId, Address>> {
    let nodes = read_some_homes(item, cluster)?;
    if nodes.is_empty() { Err(item.expected("at least one node")) } else { Ok(nodes) }
}

fn read_some_homes(item: &Item<'_>, cluster: &Cluster) -> Read<BTreeMap<NodeId, Address>> {
    if !item.is_table() {
        item.list(NODES)?;
        return Ok(nodes_of(item, cluster)?.into_iter().map(|node| (node, home(node, cluster))).collect());
    }
    let mut nodes = BTreeMap::new();
    for (name, at, address) in item.fields(NODES)?.entries() {
        let node = cluster.node(name).ok_or_else(|| unknown_node(at, name, cluster))?;
        nodes.insert(node, read_address(&address, cluster)?);
    }
    Ok(nodes)
}

fn read_retain(fields: &mut Fields<'_>) -> Read<bool> {
    let older = fields.maybe("turn_to_learner", |item| Ok((item.at, item.switch()?)))?;
    match (fields.maybe("retain", Item::switch)?, older) {
        (Some(_), Some((at, _))) => Err(Fault::new(
            at,
            String::from("expected `retain` or its older name `turn_to_learner`, found both"),
        )),
        (retain, older) => Ok(retain.or(older.map(|(_, retain)| retain)).unwrap_or(false)),
    }
}

fn home(node: NodeId, cluster: &Cluster) -> Address {
    cluster.home(node).expect("a node that was found has a home")
}
