//! A slice in words: ten sentences for readers, and ten lines with the nodes as columns for a terminal.
//!
//! Holds: what is told are records of the slice, the weightiest of them, in their order.
//! Not here: which records belong to the slice (`slice`).

use std::collections::BTreeSet;

use crate::names::Names;
use crate::protocol::NodeId;
use crate::time::exact;
use crate::trace::{Place, Record, RecordId, What};

/// How many sentences or lines a story has at the most.
const SENTENCES: usize = 10;

/// The weightiest records of a slice, in their order. Evidence comes before everything.
pub(super) fn tellable<'a>(slice: &[&'a Record], evidence: &BTreeSet<RecordId>) -> Vec<&'a Record> {
    let received: BTreeSet<RecordId> = slice
        .iter()
        .filter(|record| matches!(record.what, What::Receives { .. }))
        .filter_map(|record| record.cause)
        .collect();
    let mut ranked: Vec<(u8, RecordId, &Record)> = slice
        .iter()
        .filter(|record| !received.contains(&record.id))
        .filter_map(|record| {
            let rank = if evidence.contains(&record.id) { 0 } else { rank(&record.what)? };
            Some((rank, record.id, *record))
        })
        .collect();
    // Of equals the later ones tell more: they are nearer to the end.
    ranked.sort_by_key(|&(rank, id, _)| (rank, std::cmp::Reverse(id)));
    ranked.truncate(SENTENCES);
    ranked.sort_by_key(|&(_, id, _)| id);
    ranked.into_iter().map(|(_, _, record)| record).collect()
}

/// How little it matters to a reader; `None` for what only fills the time.
fn rank(what: &What) -> Option<u8> {
    match what {
        What::Leads { .. } | What::IsAsked { .. } => Some(1),
        What::Partitioned { .. } | What::LosesDisk | What::Moves { .. } => Some(2),
        What::Crashes { .. } | What::ShutsDown | What::Boots { incarnation: 2.. } | What::IsHit { .. } => {
            Some(3)
        }
        What::Calls { .. } | What::Returns { .. } | What::Restores { .. } => Some(4),
        What::Receives { .. } | What::Loses { .. } => Some(5),
        What::Fires { .. } | What::Heals => Some(6),
        What::Applies { .. } | What::Sends { .. } => Some(7),
        _ => None,
    }
}

/// Whom a record is about, for people.
fn who(record: &Record, names: &Names) -> String {
    match record.place {
        Place::World => String::new(),
        Place::Node(node) => format!("{} ", names.of(node)),
        Place::Link { from, to } => format!("{} to {} ", names.of(from), names.of(to)),
        Place::Client(client) => format!("client {client} "),
    }
}

/// What happened, and where, as it stands inside a sentence.
pub(super) fn clause(record: &Record, names: &Names) -> String {
    who(record, names) + &record.sentence(names)
}

/// One sentence for each record.
pub(super) fn sentences(told: &[&Record], names: &Names) -> Vec<String> {
    let sentence = |record: &&Record| {
        let at = exact(record.at.0);
        format!("At {at} (event {}) {}.", record.event, clause(record, names))
    };
    told.iter().map(sentence).collect()
}

/// One line for each record: nodes as columns, messages as arrows between them, and what happened.
pub(super) fn lines(told: &[&Record], names: &Names, nodes: usize) -> Vec<String> {
    let width =
        (0..nodes).map(|node| names.of(NodeId(node as u32)).chars().count()).max().unwrap_or(1).max(3);
    let head: String = (0..nodes).map(|node| format!(" {:^width$}", names.of(NodeId(node as u32)))).collect();
    let clients = told.iter().any(|record| client_sign(record).is_some());
    let head = if clients { head + " clients" } else { head };
    let mut lines = vec![format!("{:>8} {head}", "event").trim_end().to_owned()];
    for record in told {
        let mut columns: String = (0..nodes).map(|node| format!(" {:^width$}", sign(record, node))).collect();
        if clients {
            columns += &format!(" {:^7}", client_sign(record).unwrap_or("│"));
        }
        lines.push(format!("{:>8} {columns}  {}", record.event, clause(record, names)));
    }
    lines
}

/// What stands in the column of the clients: who asks, and who is answered.
fn client_sign(record: &Record) -> Option<&'static str> {
    match (&record.what, record.place) {
        (What::Returns { .. }, Place::Client(_)) => Some("◁"),
        (_, Place::Client(_)) => Some("▷"),
        _ => None,
    }
}

/// What stands in a node's column.
fn sign(record: &Record, node: usize) -> &'static str {
    let is = |other: NodeId| other.0 as usize == node;
    match (&record.what, record.place) {
        (What::Receives { from, .. }, Place::Node(to)) if is(to) && !is(*from) => {
            if (from.0 as usize) < node { "─▶●" } else { "●◀─" }
        }
        (What::Receives { from, .. }, Place::Node(_)) if is(*from) => "○",
        (What::Leads { .. }, Place::Node(at)) if is(at) => "★",
        (What::Crashes { .. } | What::ShutsDown | What::LosesDisk, Place::Node(at)) if is(at) => "✕",
        (_, Place::Node(at)) if is(at) => "●",
        (What::Partitioned { .. } | What::Heals, _) => "┄",
        _ => "│",
    }
}
