//! Registers of which one operation reads and writes several at one moment, as Knossos' multi-register, and the form of
//! transactions that the readers hand on: a list of triples (what, key, value), with `"r"`, `"w"` or `"append"` for
//! what.
//!
//! Not here: judging transactions by their dependencies (`txn`).

use super::{Action, Output, State};
use crate::value::{Content, Value, Values};

/// What transactions read and write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Objects {
    /// Lists with append and read of the whole; every appended value is another one.
    Lists,
    /// Registers with read and write; every written value is another one.
    Registers,
}

/// One part of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Key, and the value read; nil when it is not known.
    Read(Value, Value),
    /// Key, and the value written.
    Write(Value, Value),
    /// Key, and the value appended to its list.
    Append(Value, Value),
}

impl Change {
    /// As people write it: `[append x 1]`.
    #[must_use]
    pub fn show(self, values: &Values) -> String {
        let word = |value| match values.content(value) {
            Content::Text(text) => text.to_string(),
            _ => values.show(value),
        };
        match self {
            Change::Read(key, value) => format!("[r {} {}]", word(key), values.show(value)),
            Change::Write(key, value) => format!("[w {} {}]", word(key), values.show(value)),
            Change::Append(key, value) => format!("[append {} {}]", word(key), values.show(value)),
        }
    }
}

/// The parts of a transaction; `None` when the value is none.
#[must_use]
pub fn changes(values: &Values, transaction: Value) -> Option<Vec<Change>> {
    values.content(transaction).items()?.iter().map(|item| change(values, *item)).collect()
}

fn change(values: &Values, item: Value) -> Option<Change> {
    let Content::List(parts) = values.content(item) else { return None };
    let [what, key, value] = *parts else { return None };
    let Content::Text(what) = values.content(what) else { return None };
    match &*what {
        "r" => Some(Change::Read(key, value)),
        "w" => Some(Change::Write(key, value)),
        "append" => Some(Change::Append(key, value)),
        _ => None,
    }
}

pub(super) fn only_reads(values: &Values, transaction: Value) -> bool {
    let is_read = |change: &Change| matches!(change, Change::Read(..));
    changes(values, transaction).is_some_and(|changes| changes.iter().all(is_read))
}

pub(super) fn step(
    values: &Values,
    initial: Value,
    state: &State,
    action: Action,
    output: Option<&Output>,
) -> Option<State> {
    let (State::Registers(registers), Action::Transact(asked)) = (state, action) else { return None };
    let (done, known) = match output {
        Some(Output::Read(done)) => (*done, true),
        Some(_) | None => (asked, false),
    };
    let mut next = registers.clone();
    for change in changes(values, done)? {
        match change {
            Change::Read(key, seen) => {
                let place = next.binary_search_by_key(&key, |(key, _)| *key);
                let held = place.map_or(initial, |place| next[place].1);
                if known && seen != Value::NIL && seen != held {
                    return None;
                }
            }
            Change::Write(key, value) => match next.binary_search_by_key(&key, |(key, _)| *key) {
                Ok(place) => next[place].1 = value,
                Err(place) => next.insert(place, (key, value)),
            },
            Change::Append(..) => return None,
        }
    }
    Some(State::Registers(next))
}

pub(super) fn show(values: &Values, transaction: Value) -> String {
    let Some(changes) = changes(values, transaction) else { return values.show(transaction) };
    let one = |change: &Change| change.show(values);
    format!("[{}]", changes.iter().map(one).collect::<Vec<String>>().join(" "))
}

pub(super) fn show_state(values: &Values, registers: &[(Value, Value)]) -> String {
    let one = |(key, value): &(Value, Value)| format!("{} {}", values.show(*key), values.show(*value));
    format!("{{{}}}", registers.iter().map(one).collect::<Vec<String>>().join(", "))
}
