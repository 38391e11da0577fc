//! Which registers of transactions belong together.
//!
//! Registers that no chain of transactions joins do not touch each other, so each such group is judged by itself.

use std::collections::BTreeMap;

use crate::history::History;
use crate::standard::{Action, Change, Input, Output, changes};
use crate::value::{Value, Values};

/// Most keys that a group is named by.
const NAMED_MAX: usize = 4;

/// The groups, as a forest: each key with one that it is joined to.
#[derive(Default)]
struct Groups {
    above: BTreeMap<Value, Value>,
}

impl Groups {
    fn top(&mut self, key: Value) -> Value {
        let mut top = key;
        while let Some(above) = self.above.get(&top).copied().filter(|above| *above != top) {
            top = above;
        }
        // Later walks are short.
        let mut at = key;
        while let Some(above) = self.above.insert(at, top).filter(|above| *above != at && *above != top) {
            at = above;
        }
        top
    }

    fn join(&mut self, one: Value, other: Value) {
        let (one, other) = (self.top(one), self.top(other));
        self.above.insert(one.max(other), one.min(other));
    }
}

fn keys(values: &Values, input: &Input) -> Vec<Value> {
    let Action::Transact(transaction) = input.action else { return Vec::new() };
    let key = |change: Change| match change {
        Change::Read(key, _) | Change::Write(key, _) | Change::Append(key, _) => key,
    };
    changes(values, transaction).unwrap_or_default().into_iter().map(key).collect()
}

/// The history with a number for each group as its key, and the names of the groups.
pub(super) fn joined(
    history: History<Input, Output>,
    values: &Values,
) -> (History<Input, Output>, Vec<String>) {
    let mut groups = Groups::default();
    for operation in history.operations() {
        let keys = keys(values, &operation.input);
        for key in &keys {
            groups.join(keys[0], *key);
        }
    }
    let mut numbers: BTreeMap<Value, u32> = BTreeMap::new();
    let mut names: Vec<Vec<String>> = Vec::new();
    let all: Vec<Value> = groups.above.keys().copied().collect();
    for key in all {
        let number = *numbers.entry(groups.top(key)).or_insert(names.len() as u32);
        if number as usize == names.len() {
            names.push(Vec::new());
        }
        names[number as usize].push(values.show(key));
    }
    let history = history.with_inputs(|input| {
        let first = keys(values, input).first().copied();
        let number = first.and_then(|key| numbers.get(&groups.top(key)).copied());
        Input { key: number.unwrap_or(0), ..*input }
    });
    let name = |keys: Vec<String>| {
        let more = if keys.len() > NAMED_MAX { " …" } else { "" };
        keys.into_iter().take(NAMED_MAX).collect::<Vec<String>>().join(" ") + more
    };
    (history, names.into_iter().map(name).collect())
}
