//! A history that was written down somewhere, with what only the text knows: names, lines, and what its values stand for.
//!
//! Not here: reading it (`read`), and judging it (`check`, `txn`, `bank`).

use crate::history::{History, Operation};
use crate::standard::{Action, Change, Input, Kind, Objects, Output, Standard, changes};
use crate::value::{Value, Values};

/// A history read from text.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its operations; times are event numbers from 1.
    pub history: History<Input, Output>,
    /// The model that its operations suggest.
    pub kind: Kind,
    /// What its values stand for.
    pub values: Values,
    /// What its keys are called.
    pub keys: Vec<String>,
    /// The line of each event, from 1: event `n` stands at `n - 1`.
    pub lines: Vec<u32>,
    /// Transactions that failed for certain: what they wrote must not be seen.
    pub aborted: Vec<Operation<Input, Output>>,
}

impl Recorded {
    /// The line of an event by its time.
    #[must_use]
    pub fn line(&self, time: u64) -> Option<u32> {
        self.lines.get(usize::try_from(time).ok()?.checked_sub(1)?).copied()
    }

    /// The suggested model, or another, with the names of this history.
    #[must_use]
    pub fn model(&self, kind: Option<Kind>) -> Standard {
        let model = Standard::new(kind.unwrap_or(self.kind));
        model.with_values(self.values.clone()).with_keys(self.keys.clone())
    }

    /// The value that a word means: `nil`, a whole number, or else a text (quotes around it are not part of it).
    pub fn value(&mut self, word: &str) -> Value {
        value_of(word, &mut self.values)
    }

    /// What the transactions of this history are on; `None` when it has others, or none.
    #[must_use]
    pub fn objects(&self) -> Option<Objects> {
        let all = self.history.operations().iter().chain(&self.aborted);
        let mut found = None;
        for operation in all {
            let Action::Transact(transaction) = operation.input.action else { return None };
            let changes = changes(&self.values, transaction).unwrap_or_default();
            if changes.iter().any(|change| matches!(change, Change::Append(..))) {
                return Some(Objects::Lists);
            }
            found = Some(Objects::Registers);
        }
        found
    }

    /// A part of a transaction for people.
    #[must_use]
    pub fn show_change(&self, change: Change) -> String {
        change.show(&self.values)
    }

    /// Whether money is moved here.
    #[must_use]
    pub fn is_bank(&self) -> bool {
        let moves =
            |operation: &Operation<Input, Output>| matches!(operation.input.action, Action::Transfer(_));
        self.history.operations().iter().any(moves)
    }

    /// The first operation that a model does not have.
    #[must_use]
    pub fn foreign_to(&self, kind: Kind) -> Option<Action> {
        let mut actions = self.history.operations().iter().map(|operation| operation.input.action);
        actions.find(|action| !kind.has(*action))
    }
}

pub(crate) fn value_of(word: &str, values: &mut Values) -> Value {
    if word == "nil" {
        return Value::NIL;
    }
    match word.parse::<i64>() {
        Ok(number) => values.number(number),
        Err(_) => {
            let inside = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
            values.text(inside.unwrap_or(word))
        }
    }
}
