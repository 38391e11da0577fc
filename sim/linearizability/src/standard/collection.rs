//! Sets, queues and the counter.
//!
//! Holds: sets and queues without order keep their elements sorted, so equal contents are equal states.

use super::{Action, Kind, Output, State};
use crate::value::{Content, Value, Values};

pub(super) fn step(
    kind: Kind,
    values: &Values,
    state: &State,
    action: Action,
    output: Option<&Output>,
) -> Option<State> {
    match (kind, state) {
        (Kind::GrowOnlySet | Kind::Set, State::Items(items)) => set(values, items, action, output),
        (Kind::FifoQueue, State::Items(items)) => queue(items, action, output),
        (Kind::UnorderedQueue, State::Bag(items, taken)) => bag(items, *taken, action, output),
        (Kind::Counter, State::Number(number)) => counter(values, *number, action, output),
        // A state of another model.
        (_, _) => None,
    }
}

fn set(values: &Values, items: &[Value], action: Action, output: Option<&Output>) -> Option<State> {
    let mut next = items.to_vec();
    match action {
        Action::Read => {
            if let Some(Output::Read(seen)) = output
                && !holds_exactly(values, items, *seen)
            {
                return None;
            }
        }
        Action::Add(value) => {
            if let Err(place) = items.binary_search(&value) {
                next.insert(place, value);
            }
        }
        Action::Remove(value) => {
            if let Ok(place) = items.binary_search(&value) {
                next.remove(place);
            }
        }
        _ => return None,
    }
    Some(State::Items(next))
}

fn holds_exactly(values: &Values, items: &[Value], seen: Value) -> bool {
    match values.content(seen) {
        Content::Set(seen) => *seen == *items,
        _ => elements(values, seen) == items,
    }
}

/// The elements of a set or list, sorted; nothing and the empty text have none.
pub(super) fn elements(values: &Values, value: Value) -> Vec<Value> {
    let mut items = values.listed(value);
    items.sort_unstable();
    items.dedup();
    items
}

fn queue(items: &[Value], action: Action, output: Option<&Output>) -> Option<State> {
    match (action, output) {
        (Action::Enqueue(value), _) => Some(State::Items([items, &[value]].concat())),
        (Action::Dequeue, Some(Output::Read(Value::NIL))) => {
            items.is_empty().then(|| State::Items(Vec::new()))
        }
        (Action::Dequeue, Some(Output::Read(value))) => {
            let (first, rest) = items.split_first()?;
            (first == value).then(|| State::Items(rest.to_vec()))
        }
        (Action::Dequeue, Some(_) | None) => Some(State::Items(items.get(1..).unwrap_or_default().to_vec())),
        (_, _) => None,
    }
}

/// A dequeue without an answer took something that nobody needs to name before somebody finds the queue empty: it may
/// as well have happened just before that. So it is only counted.
fn bag(items: &[Value], taken: u32, action: Action, output: Option<&Output>) -> Option<State> {
    match (action, output) {
        (Action::Enqueue(value), _) => {
            let mut next = items.to_vec();
            next.insert(items.partition_point(|item| *item < value), value);
            Some(State::Bag(next, taken))
        }
        (Action::Dequeue, Some(Output::Read(Value::NIL))) => {
            let left = u32::try_from(items.len()).ok()?;
            taken.checked_sub(left).map(|taken| State::Bag(Vec::new(), taken))
        }
        (Action::Dequeue, Some(Output::Read(value))) => {
            let place = items.binary_search(value).ok()?;
            let mut next = items.to_vec();
            next.remove(place);
            Some(State::Bag(next, taken))
        }
        (Action::Dequeue, Some(_) | None) => Some(State::Bag(items.to_vec(), taken + 1)),
        (_, _) => None,
    }
}

fn counter(values: &Values, held: i64, action: Action, output: Option<&Output>) -> Option<State> {
    match (action, output) {
        (Action::Read, Some(Output::Read(seen))) => {
            (values.content(*seen).number() == Some(held)).then_some(State::Number(held))
        }
        (Action::Read, Some(_) | None) => Some(State::Number(held)),
        (Action::Add(more), _) => Some(State::Number(held.wrapping_add(values.content(more).number()?))),
        (_, _) => None,
    }
}
