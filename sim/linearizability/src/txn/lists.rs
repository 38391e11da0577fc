//! What lists show: every read tells the whole order of appends up to it.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Edge, Graph, RW, WR, WW};
use super::open::{self, Open};
use super::{Ambiguous, Change, Findings, Inferred, Level, Name};
use crate::value::Value;

/// What is known of one list.
#[derive(Default)]
struct List {
    /// Who appended each element.
    writers: BTreeMap<Value, usize>,
    /// The longest that anybody read, and who.
    order: Vec<Value>,
    reader: usize,
    /// Who read it, and how many of its elements.
    reads: Vec<(usize, usize)>,
}

/// Finds what reads alone contradict, adds the dependencies, and tells who took effect and which orders are open.
pub(super) fn infer(found: &mut Findings<'_>, graph: &mut Graph) -> Result<Inferred, Ambiguous> {
    let appended = |change: &Change| match change {
        Change::Append(key, value) => Some((*key, *value)),
        _ => None,
    };
    let list = |(key, writers)| (key, List { writers, ..List::default() });
    let mut lists: BTreeMap<Value, List> =
        found.writers("appended", appended)?.into_iter().map(list).collect();
    let mut took_effect = found.are_committed();
    let reads = reads(found);
    for read in &reads {
        one_read(read, &mut lists, &mut took_effect, found);
    }
    internal(found);
    let mut updates: BTreeMap<(Value, Value), BTreeSet<usize>> = BTreeMap::new();
    for (key, list) in &lists {
        own_order(*key, list, found);
        dependencies(*key, list, &took_effect, graph);
        for (reader, length) in &list.reads {
            let appends = |change: &Change| matches!(change, Change::Append(other, _) if other == key);
            if found.transactions[*reader].changes.iter().any(appends) {
                let version = length.checked_sub(1).map_or(Value::EMPTY, |last| list.order[last]);
                updates.entry((*key, version)).or_default().insert(*reader);
            }
        }
    }
    let mut open = Vec::new();
    for (key, list) in lists.iter().filter(|_| found.level == Level::SnapshotIsolation) {
        open_orders(*key, &unseen(list, &took_effect), &mut open);
    }
    found.lost_updates(&updates);
    Ok((took_effect, open))
}

/// Appends that took effect and that nobody saw come behind all that somebody saw.
fn unseen(list: &List, took_effect: &[bool]) -> Vec<(Value, usize)> {
    let seen: BTreeSet<Value> = list.order.iter().copied().collect();
    let is_unseen = |(value, who): &(&Value, &usize)| !seen.contains(value) && took_effect[**who];
    list.writers.iter().filter(is_unseen).map(|(value, who)| (*value, *who)).collect()
}

/// Of two that append to the same list nobody saw which came first. It matters under snapshot isolation only:
/// otherwise whoever comes first in an order of all transactions does.
fn open_orders(key: Value, unseen: &[(Value, usize)], open: &mut Vec<Open>) {
    let appended: BTreeMap<usize, Value> = unseen.iter().map(|(value, who)| (*who, *value)).collect();
    let all: Vec<(usize, Value)> = appended.into_iter().collect();
    for (number, (one, value)) in all.iter().enumerate() {
        for (other, next) in all[number + 1..].iter().take(open::NEAR) {
            open.push([
                vec![(*one as u32, Edge::new(WW, *other, key, *value, *next))],
                vec![(*other as u32, Edge::new(WW, *one, key, *next, *value))],
            ]);
        }
    }
}

/// A read: who, of what, which elements, and how many without those at the end that the reader appended itself.
struct Read {
    who: usize,
    key: Value,
    elements: Vec<Value>,
    others: usize,
}

fn reads(found: &Findings<'_>) -> Vec<Read> {
    let mut reads = Vec::new();
    for (who, transaction) in found.committed() {
        let mut own: BTreeSet<(Value, Value)> = BTreeSet::new();
        for change in &transaction.changes {
            match change {
                Change::Append(key, value) => {
                    own.insert((*key, *value));
                }
                Change::Read(key, value) => {
                    let elements = found.values.listed(*value);
                    let is_own = |element: &&Value| own.contains(&(*key, **element));
                    let others = elements.len() - elements.iter().rev().take_while(is_own).count();
                    reads.push(Read { who, key: *key, elements, others });
                }
                Change::Write(..) => {}
            }
        }
    }
    reads
}

fn one_read(
    read: &Read,
    lists: &mut BTreeMap<Value, List>,
    took_effect: &mut [bool],
    found: &mut Findings<'_>,
) {
    let Read { who, key, elements, others } = read;
    let list = lists.entry(*key).or_default();
    let name = found.show(*key);
    let distinct: BTreeSet<&Value> = elements.iter().collect();
    if distinct.len() < elements.len() {
        found.add(Name::DuplicateElements, vec![*who], format!("T{who} read an element of {name} twice"));
        return;
    }
    let mut written = true;
    for element in elements {
        let writer = list.writers.get(element).copied();
        written &= writer.is_some();
        if let Some(writer) = found.source("appended", *who, *key, *element, writer) {
            took_effect[writer] = true;
        }
    }
    if !written {
        return;
    }
    intermediate(read, list, found);
    let common = list.order.iter().zip(elements).take_while(|(one, other)| one == other).count();
    if common < list.order.len().min(elements.len()) {
        let why = format!(
            "T{who} and T{} read {name} in orders of which neither begins with the other",
            list.reader
        );
        found.add(Name::IncompatibleOrder, vec![list.reader, *who], why);
        return;
    }
    if elements.len() > list.order.len() {
        list.order.clone_from(elements);
        list.reader = *who;
    }
    list.reads.push((*who, *others));
}

/// The last element read must be its writer's last.
fn intermediate(read: &Read, list: &List, found: &mut Findings<'_>) {
    let Some(last) = read.elements[..read.others].last() else { return };
    let writer = list.writers[last];
    if writer == read.who {
        return;
    }
    let appended = found.transactions[writer].changes.iter().rev().find_map(|change| match change {
        Change::Append(key, value) if *key == read.key => Some(*value),
        Change::Append(..) | Change::Read(..) | Change::Write(..) => None,
    });
    if appended != Some(*last) {
        let (shown, name) = (found.show(*last), found.show(read.key));
        let why = format!("T{} read {name} through {shown}, behind which T{writer} appended more", read.who);
        found.add(Name::G1b, vec![writer, read.who], why);
    }
}

/// What a transaction appended stands in its own order.
fn own_order(key: Value, list: &List, found: &mut Findings<'_>) {
    let place: BTreeMap<Value, usize> =
        list.order.iter().enumerate().map(|(at, value)| (*value, at)).collect();
    let mut wrong = Vec::new();
    for who in list.order.iter().filter_map(|value| list.writers.get(value)).collect::<BTreeSet<&usize>>() {
        let appended = found.transactions[*who].changes.iter().filter_map(|change| match change {
            Change::Append(other, value) if *other == key => Some(*value),
            Change::Append(..) | Change::Read(..) | Change::Write(..) => None,
        });
        let places: Vec<Option<usize>> = appended.map(|value| place.get(&value).copied()).collect();
        // What nobody saw comes behind.
        let at = |place: &Option<usize>| place.unwrap_or(usize::MAX);
        if places.windows(2).any(|pair| at(&pair[0]) > at(&pair[1])) {
            wrong.push(*who);
        }
    }
    for who in wrong {
        let (name, reader) = (found.show(key), list.reader);
        let why = format!("T{reader} read what T{who} appended to {name} in another order");
        found.add(Name::IncompatibleOrder, vec![who, reader], why);
    }
}

/// Each transaction must see what it appended itself, behind what it saw before.
fn internal(found: &mut Findings<'_>) {
    let mut wrong = Vec::new();
    for (who, transaction) in found.committed() {
        let mut known: BTreeMap<Value, (Option<Vec<Value>>, Vec<Value>)> = BTreeMap::new();
        for change in &transaction.changes {
            match change {
                Change::Append(key, value) => known.entry(*key).or_default().1.push(*value),
                Change::Read(key, value) => {
                    let seen = found.values.listed(*value);
                    let (before, own) = known.entry(*key).or_default();
                    let fits = match before {
                        Some(before) => seen == [before.as_slice(), own].concat(),
                        None => seen.ends_with(own),
                    };
                    if !fits {
                        wrong.push((who, *key, *value));
                    }
                    (*before, *own) = (Some(seen), Vec::new());
                }
                Change::Write(..) => {}
            }
        }
    }
    found.internal(wrong);
}

fn dependencies(key: Value, list: &List, took_effect: &[bool], graph: &mut Graph) {
    let writer = |place: usize| list.writers.get(&list.order[place]).copied();
    let behind = unseen(list, took_effect);
    let next = |length: usize| match length < list.order.len() {
        true => vec![(list.order[length], list.writers.get(&list.order[length]).copied())],
        false => behind.iter().map(|(value, who)| (*value, Some(*who))).collect(),
    };
    for place in 0..list.order.len() {
        let Some(before) = writer(place) else { continue };
        for (value, after) in next(place + 1) {
            let Some(after) = after else { continue };
            graph.add(before, Edge::new(WW, after, key, list.order[place], value));
        }
    }
    for (reader, length) in &list.reads {
        if let Some(last) = length.checked_sub(1)
            && let Some(before) = writer(last)
        {
            let value = list.order[last];
            graph.add(before, Edge::new(WR, *reader, key, value, value));
        }
        for (value, after) in next(*length) {
            let Some(after) = after else { continue };
            graph.add(*reader, Edge::new(RW, after, key, value, value));
        }
    }
}
