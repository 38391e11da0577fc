//! What registers show: who read what was written last, and of the order of versions only a part.
//!
//! The version that every register has at first comes before all others; who read a version and wrote the next put the
//! one behind the other; and where time counts, whoever was called after another had returned saw or wrote no earlier
//! version.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Edge, Graph, RW, WR, WW};
use super::open::{self, Open};
use super::{Ambiguous, Anomaly, Change, Ending, Findings, Inferred, Level, Name};
use crate::value::Value;

/// A transaction and one register: what it read before it wrote, and what it left.
#[derive(Clone, Copy, Debug, Default)]
struct Visit {
    read: Option<Value>,
    wrote: Option<Value>,
}

/// What is known of one register.
#[derive(Default)]
struct Register {
    /// Who wrote each value.
    writers: BTreeMap<Value, usize>,
    /// Committed ones that read it and, with those seen by others, that wrote it.
    visits: BTreeMap<usize, Visit>,
    /// Which versions come after which.
    after: BTreeMap<Value, BTreeSet<Value>>,
}

/// Finds what reads alone contradict, adds the dependencies, and tells who took effect and which orders are open.
pub(super) fn infer(found: &mut Findings<'_>, graph: &mut Graph) -> Result<Inferred, Ambiguous> {
    let written = |change: &Change| match change {
        Change::Write(key, value) => Some((*key, *value)),
        _ => None,
    };
    let register = |(key, writers)| (key, Register { writers, ..Register::default() });
    let mut registers: BTreeMap<Value, Register> =
        found.writers("written", written)?.into_iter().map(register).collect();
    let took_effect = took_effect(found, &registers);
    for (who, transaction) in found.transactions.iter().enumerate() {
        if took_effect[who] {
            visit(who, &transaction.changes, transaction.ending, &mut registers);
        }
    }
    internal(found);
    let mut open = Vec::new();
    let mut updates: BTreeMap<(Value, Value), BTreeSet<usize>> = BTreeMap::new();
    for (key, register) in &mut registers {
        order(*key, register, found);
        reads(*key, register, found);
        for (who, visit) in &register.visits {
            if let (Some(read), Some(_)) = (visit.read, visit.wrote) {
                updates.entry((*key, read)).or_default().insert(*who);
            }
        }
        dependencies(*key, register, graph);
        open_orders(*key, register, found, &mut open);
    }
    found.lost_updates(&updates);
    Ok((took_effect, open))
}

/// Who committed, or was seen.
fn took_effect(found: &Findings<'_>, registers: &BTreeMap<Value, Register>) -> Vec<bool> {
    let mut took_effect = found.are_committed();
    for (_, transaction) in found.committed() {
        for change in &transaction.changes {
            if let Change::Read(key, value) = change
                && let Some(writer) = registers.get(key).and_then(|register| register.writers.get(value))
                && found.transactions[*writer].ending == Ending::Unknown
            {
                took_effect[*writer] = true;
            }
        }
    }
    took_effect
}

fn visit(who: usize, changes: &[Change], ending: Ending, registers: &mut BTreeMap<Value, Register>) {
    for change in changes {
        match change {
            Change::Read(key, value) => {
                let visit = registers.entry(*key).or_default().visits.entry(who).or_default();
                if visit.wrote.is_none() && ending == Ending::Committed {
                    visit.read = visit.read.or(Some(*value));
                }
            }
            Change::Write(key, value) => {
                registers.entry(*key).or_default().visits.entry(who).or_default().wrote = Some(*value);
            }
            Change::Append(..) => {}
        }
    }
}

fn internal(found: &mut Findings<'_>) {
    let mut wrong = Vec::new();
    for (who, transaction) in found.committed() {
        let mut known: BTreeMap<Value, Value> = BTreeMap::new();
        for change in &transaction.changes {
            match change {
                Change::Read(key, value) => {
                    let before = known.insert(*key, *value);
                    if before.is_some_and(|before| before != *value) {
                        wrong.push((who, *key, *value));
                    }
                }
                Change::Write(key, value) => drop(known.insert(*key, *value)),
                Change::Append(..) => {}
            }
        }
    }
    found.internal(wrong);
}

/// What is known of the order of versions; nothing where it contradicts itself.
fn order(key: Value, register: &mut Register, found: &mut Findings<'_>) {
    for visit in register.visits.values() {
        if let (Some(read), Some(wrote)) = (visit.read, visit.wrote)
            && read != wrote
        {
            register.after.entry(read).or_default().insert(wrote);
        }
    }
    let name = found.show(key);
    let anomaly = |name: Name, register: &Register, why: String| Anomaly {
        name,
        transactions: register.visits.keys().copied().collect(),
        why: vec![why],
    };
    if is_cyclic(&register.after) {
        let why = format!("the versions of {name} would have to precede each other");
        found.anomalies.push(anomaly(Name::CyclicVersions, register, why));
        register.after.clear();
    } else if found.level == Level::StrictSerializable {
        let without_time = register.after.clone();
        order_in_time(register, found);
        if is_cyclic(&register.after) {
            let why = format!("as time went, the versions of {name} would have to precede each other");
            found.late = Some(anomaly(Name::CyclicVersionsRealtime, register, why));
            register.after = without_time;
        }
    }
    let later: BTreeSet<Value> = register.after.values().flatten().copied().collect();
    let all = register.visits.values().filter_map(|visit| visit.wrote);
    let first: Vec<Value> = all.filter(|value| !later.contains(value)).collect();
    register.after.entry(Value::NIL).or_default().extend(first);
}

/// Of those that had returned before another was called, only the latest count: the others came before them.
fn order_in_time(register: &mut Register, found: &Findings<'_>) {
    let time = |who: usize| (found.transactions[who].call, found.transactions[who].ret);
    let mut by_call: Vec<usize> = register.visits.keys().copied().collect();
    by_call.sort_unstable_by_key(|who| time(*who));
    let mut by_return = by_call.clone();
    by_return.sort_unstable_by_key(|who| (time(*who).1, time(*who).0));
    for who in by_call {
        let before = by_return.partition_point(|other| time(*other).1 < time(who).0);
        // Whoever returned before the latest of these was called came before it.
        let latest = by_return[..before].iter().map(|other| time(*other).0).max().unwrap_or(0);
        let near = by_return[..before].iter().rev().take_while(|other| time(**other).1 >= latest);
        let entered = register.visits[&who].read.or(register.visits[&who].wrote);
        for other in near {
            let left = register.visits[other].wrote.or(register.visits[other].read);
            if let (Some(left), Some(entered)) = (left, entered)
                && left != entered
            {
                register.after.entry(left).or_default().insert(entered);
            }
        }
    }
}

/// Reads of what was never there.
fn reads(key: Value, register: &Register, found: &mut Findings<'_>) {
    for (who, visit) in &register.visits {
        let Some(value) = visit.read.filter(|value| *value != Value::NIL) else { continue };
        let writer = register.writers.get(&value).copied();
        let Some(writer) = found.source("wrote", *who, key, value, writer) else { continue };
        if writer != *who && register.visits[&writer].wrote != Some(value) {
            let (shown, name) = (found.show(value), found.show(key));
            let why = format!("T{who} read {shown} in {name}, which T{writer} overwrote itself");
            found.add(Name::G1b, vec![writer, *who], why);
        }
    }
}

/// Whether versions would have to precede themselves: takes away those that nothing precedes until none is left.
fn is_cyclic(after: &BTreeMap<Value, BTreeSet<Value>>) -> bool {
    let mut before: BTreeMap<Value, usize> = BTreeMap::new();
    for (value, next) in after {
        before.entry(*value).or_insert(0);
        for value in next {
            *before.entry(*value).or_insert(0) += 1;
        }
    }
    let mut free: Vec<Value> =
        before.iter().filter(|(_, count)| **count == 0).map(|(value, _)| *value).collect();
    let mut gone = 0;
    while let Some(value) = free.pop() {
        gone += 1;
        for next in after.get(&value).into_iter().flatten() {
            let count = before.get_mut(next).expect("every version is counted");
            *count -= 1;
            if *count == 0 {
                free.push(*next);
            }
        }
    }
    gone < before.len()
}

impl Register {
    /// Who read each value.
    fn readers(&self) -> BTreeMap<Value, Vec<usize>> {
        let mut readers: BTreeMap<Value, Vec<usize>> = BTreeMap::new();
        for (who, visit) in &self.visits {
            if let Some(value) = visit.read {
                readers.entry(value).or_default().push(*who);
            }
        }
        readers
    }
}

fn dependencies(key: Value, register: &Register, graph: &mut Graph) {
    // Only those that took effect have a visit.
    let writer = |value: &Value| register.writers.get(value).filter(|who| register.visits.contains_key(who));
    let readers = register.readers();
    for (value, who) in &readers {
        for (who, before) in who.iter().filter_map(|who| Some((who, writer(value)?))) {
            graph.add(*before, Edge::new(WR, *who, key, *value, *value));
        }
    }
    for (value, next) in &register.after {
        for after in next {
            let Some(to) = writer(after) else { continue };
            if let Some(before) = writer(value) {
                graph.add(*before, Edge::new(WW, *to, key, *value, *after));
            }
            for reader in readers.get(value).into_iter().flatten() {
                graph.add(*reader, Edge::new(RW, *to, key, *value, *after));
            }
        }
    }
}

/// Of two writes whose order is not known, one came first: with who read it, before the other.
fn open_orders(key: Value, register: &Register, found: &Findings<'_>, open: &mut Vec<Open>) {
    let wrote = |(who, visit): (&usize, &Visit)| Some((found.transactions[*who].call, *who, visit.wrote?));
    let mut all: Vec<(u64, usize, Value)> = register.visits.iter().filter_map(wrote).collect();
    all.sort_unstable();
    let readers = register.readers();
    let side = |(_, before, value): (u64, usize, Value), (_, behind, next): (u64, usize, Value)| {
        let mut edges = vec![(before as u32, Edge::new(WW, behind, key, value, next))];
        let others = readers.get(&value).into_iter().flatten().filter(|reader| **reader != behind);
        edges.extend(others.map(|reader| (*reader as u32, Edge::new(RW, behind, key, value, next))));
        edges
    };
    let known = |value: Value, next: Value| register.after.get(&value).is_some_and(|all| all.contains(&next));
    for (number, one) in all.iter().enumerate() {
        for other in all[number + 1..].iter().take(open::NEAR) {
            if !known(one.2, other.2) && !known(other.2, one.2) {
                open.push([side(*one, *other), side(*other, *one)]);
            }
        }
    }
}
