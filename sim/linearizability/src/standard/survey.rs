//! What a history of a set or a queue shows without a search.
//!
//! Grow-only set, each element added once: the sets read form a chain; every add has one place in it, before the first
//! read that shows it; then time decides. FIFO queue, each element put in once and nobody finding it empty: Henzinger,
//! Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs", CONCUR 2013, theorem 3: it is enough that no element
//! comes out twice, or before it was put in, or later than (or instead of) one that was put in later. Dequeues without
//! an answer are matched to what must have come out, by deadlines. Queue without order and nobody finding it empty:
//! counting for each value. Counter: `tally`. O(n log n), but for the sets read, which are walked through.
//!
//! Holds: a verdict is right; silence says nothing. The tests hold each against trying every order.
//! Not here: the search.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Input, Kind, Output, collection, tally};
use crate::history::{Operation, UNKNOWN};
use crate::model::Survey;
use crate::value::{Value, Values};

type Op<'a> = &'a Operation<Input, Output>;

pub(super) fn of(
    kind: Kind,
    values: &Values,
    initial: Value,
    operations: &[Op<'_>],
    must: &[bool],
) -> Survey {
    let fresh = values.listed(initial).is_empty();
    match kind {
        Kind::GrowOnlySet if fresh => set(values, operations, must),
        Kind::Set => Survey::Search(never_read(values, operations, must)),
        Kind::FifoQueue if fresh => queue(operations, must),
        Kind::UnorderedQueue if fresh => bag(operations, must),
        Kind::Counter => tally::of(values, initial, operations, must),
        _ => Survey::default(),
    }
}

/// Adds without an answer whose element nobody read: they may as well not have happened.
fn never_read(values: &Values, operations: &[Op<'_>], must: &[bool]) -> Vec<usize> {
    let mut read = BTreeSet::new();
    for operation in operations {
        if let Some(Output::Read(seen)) = operation.output {
            read.extend(values.listed(seen));
        }
    }
    let unseen = |place: &usize| match operations[*place].input.action {
        Action::Add(value) => !must[*place] && !read.contains(&value),
        _ => false,
    };
    (0..operations.len()).filter(unseen).collect()
}

/// The sets that somebody read, each with its readers.
fn reads(values: &Values, operations: &[Op<'_>]) -> Vec<(Vec<Value>, Vec<usize>)> {
    let mut reads: BTreeMap<Value, Vec<usize>> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        if let (Action::Read, Some(Output::Read(seen))) = (operation.input.action, operation.output) {
            reads.entry(seen).or_default().push(place);
        }
    }
    let mut groups: Vec<(Vec<Value>, Vec<usize>)> =
        reads.into_iter().map(|(seen, places)| (collection::elements(values, seen), places)).collect();
    groups.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
    groups.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1.append(&mut later.1);
        }
        same
    });
    groups
}

fn set(values: &Values, operations: &[Op<'_>], must: &[bool]) -> Survey {
    let groups = reads(values, operations);
    // By element: the first group that shows it.
    let mut shown: BTreeMap<Value, usize> = BTreeMap::new();
    for (number, (elements, readers)) in groups.iter().enumerate() {
        for element in elements {
            shown.entry(*element).or_insert(number);
        }
        // All of the group before must be in this one: then nothing beyond its own elements is known.
        if shown.len() != elements.len() {
            let other = number.checked_sub(1).map(|number| groups[number].1[0]);
            return Survey::Contradiction(other.into_iter().chain([readers[0]]).collect());
        }
    }
    let mut adder: BTreeMap<Value, usize> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        let Action::Add(value) = operation.input.action else { continue };
        if !must[place] && !shown.contains_key(&value) {
            continue;
        }
        if adder.insert(value, place).is_some() {
            return Survey::Search(never_read(values, operations, must));
        }
    }
    if let Some((_, number)) = shown.iter().find(|(value, _)| !adder.contains_key(value)) {
        return Survey::Contradiction(vec![groups[*number].1[0]]);
    }
    // What stands where: adds in even places, the readers behind them in odd ones.
    let mut ranks: Vec<(usize, usize)> = Vec::new();
    for (value, place) in &adder {
        ranks.push((2 * shown.get(value).copied().unwrap_or(groups.len()), *place));
    }
    for (number, (_, readers)) in groups.iter().enumerate() {
        ranks.extend(readers.iter().map(|place| (2 * number + 1, *place)));
    }
    in_time(operations, ranks, &groups)
}

/// Whether operations may take effect in the order of their ranks, those of one rank in any order.
fn in_time(
    operations: &[Op<'_>],
    mut ranks: Vec<(usize, usize)>,
    groups: &[(Vec<Value>, Vec<usize>)],
) -> Survey {
    ranks.sort_unstable();
    // The latest call among lower ranks, and among this one.
    let mut before: Option<(u64, usize)> = None;
    let mut here: Option<(u64, usize)> = None;
    let mut rank = 0;
    for (of, place) in ranks {
        if of != rank {
            before = before.max(here);
            rank = of;
        }
        let operation = operations[place];
        if let Some((_, other)) = before.filter(|(call, _)| operation.ret < *call) {
            let shows = groups.get((rank / 2).saturating_sub(1)).map(|group| group.1[0]);
            return Survey::Contradiction([Some(other), Some(place), shows].into_iter().flatten().collect());
        }
        here = here.max(Some((operation.call, place)));
    }
    Survey::Linearizable
}

/// Who put an element in and who took it out.
#[derive(Clone, Copy, Default)]
struct Passage {
    enqueue: Option<usize>,
    dequeue: Option<usize>,
    /// Who put it in, or took it out, as well.
    enqueued_again: bool,
    dequeued_again: Option<usize>,
    /// When the first dequeue was called that says it took it out, and need not have.
    may_leave: Option<u64>,
}

fn queue(operations: &[Op<'_>], must: &[bool]) -> Survey {
    let mut passages: BTreeMap<Value, Passage> = BTreeMap::new();
    let mut unanswered = Vec::new();
    let mut plain = true;
    for (place, operation) in operations.iter().enumerate() {
        match (operation.input.action, operation.output) {
            (Action::Enqueue(value), _) => {
                let passage = passages.entry(value).or_default();
                passage.enqueued_again |= passage.enqueue.replace(place).is_some();
            }
            (Action::Dequeue, Some(Output::Read(Value::NIL) | Output::Unseen)) => plain = false,
            (Action::Dequeue, Some(Output::Read(value))) => {
                let passage = passages.entry(value).or_default();
                if !must[place] {
                    passage.may_leave = passage.may_leave.or(Some(operation.call));
                } else {
                    passage.dequeued_again = passage.dequeued_again.or(passage.dequeue.replace(place));
                }
            }
            (Action::Dequeue, None) => unanswered.push(operation.call),
            (_, _) => plain = false,
        }
    }
    plain &= passages.values().all(|passage| !passage.enqueued_again);
    let taken: BTreeSet<Value> =
        passages.iter().filter(|(_, passage)| passage.dequeue.is_some()).map(|(value, _)| *value).collect();
    let useless = |place: &usize| match operations[*place].input.action {
        Action::Enqueue(value) => !must[*place] && !taken.contains(&value),
        _ => false,
    };
    if !plain {
        return Survey::Search((0..operations.len()).filter(useless).collect());
    }
    let mut kept = Vec::new();
    for passage in passages.values() {
        if let (Some(other), Some(dequeue)) = (passage.dequeued_again, passage.dequeue) {
            return Survey::Contradiction(vec![other, dequeue]);
        }
        match (passage.enqueue, passage.dequeue) {
            (None, Some(dequeue)) => return Survey::Contradiction(vec![dequeue]),
            (Some(enqueue), Some(dequeue)) if operations[dequeue].ret < operations[enqueue].call => {
                return Survey::Contradiction(vec![dequeue]);
            }
            (Some(enqueue), None) if !must[enqueue] => {}
            (Some(_), _) => kept.push(*passage),
            (None, None) => {}
        }
    }
    in_order(operations, &kept, unanswered)
}

/// Whether what was put in earlier came out earlier.
fn in_order(operations: &[Op<'_>], passages: &[Passage], mut unanswered: Vec<u64>) -> Survey {
    let call = |place: Option<usize>| place.map_or(UNKNOWN, |place| operations[place].call);
    let ret = |place: Option<usize>| place.map_or(UNKNOWN, |place| operations[place].ret);
    let mut by_call = passages.to_vec();
    by_call.sort_by_key(|passage| call(passage.enqueue));
    // From each place on, the passage whose dequeue returned first.
    let mut first: Vec<Passage> = by_call.clone();
    for place in (1..first.len()).rev() {
        if ret(first[place].dequeue) < ret(first[place - 1].dequeue) {
            first[place - 1] = first[place];
        }
    }
    let mut deadlines = Vec::new();
    for passage in &by_call {
        let entered = ret(passage.enqueue);
        let later = by_call.partition_point(|other| call(other.enqueue) <= entered);
        let Some(other) = first.get(later).filter(|other| other.dequeue.is_some()) else { continue };
        let left = ret(other.dequeue);
        if passage.dequeue.is_none() {
            // Who may have taken it, if it was in time, took nothing else.
            if passage.may_leave.is_none_or(|call| call > left) {
                deadlines.push(left);
            }
        } else if call(passage.dequeue) > left {
            let all = [passage.enqueue, passage.dequeue, other.enqueue, other.dequeue];
            return Survey::Contradiction(all.into_iter().flatten().collect());
        }
    }
    // Each needs a dequeue of its own that was called in time.
    deadlines.sort_unstable();
    unanswered.sort_unstable();
    let in_time =
        |(number, deadline): (usize, &u64)| unanswered.get(number).is_some_and(|call| call <= deadline);
    if deadlines.iter().enumerate().all(in_time) {
        Survey::Linearizable
    } else {
        Survey::Contradiction(Vec::new())
    }
}

fn bag(operations: &[Op<'_>], must: &[bool]) -> Survey {
    let mut entered: BTreeMap<Value, Vec<u64>> = BTreeMap::new();
    let mut left: BTreeMap<Value, Vec<(u64, usize)>> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        match (operation.input.action, operation.output) {
            (Action::Enqueue(value), _) => entered.entry(value).or_default().push(operation.call),
            (Action::Dequeue, Some(Output::Read(Value::NIL) | Output::Unseen)) => return Survey::default(),
            (Action::Dequeue, Some(Output::Read(_))) if !must[place] => {}
            (Action::Dequeue, Some(Output::Read(value))) => {
                left.entry(value).or_default().push((operation.ret, place));
            }
            (Action::Dequeue, None) => {}
            (_, _) => return Survey::default(),
        }
    }
    for (value, mut dequeues) in left {
        let mut calls = entered.remove(&value).unwrap_or_default();
        calls.sort_unstable();
        dequeues.sort_unstable();
        for (number, (ret, _)) in dequeues.iter().enumerate() {
            if calls.get(number).is_none_or(|call| call > ret) {
                return Survey::Contradiction(dequeues[..=number].iter().map(|(_, place)| *place).collect());
            }
        }
    }
    Survey::Linearizable
}
