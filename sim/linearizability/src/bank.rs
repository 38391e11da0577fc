//! Jepsen's bank: money moves between accounts, and a read of all of them must always show the same sum, and no
//! account below zero.
//!
//! Holds: each read is judged by itself, so a history of any length takes no memory to speak of.
//! Not here: whether the reads and transfers fit one order.

use std::collections::BTreeMap;

use crate::recorded::Recorded;
use crate::standard::{Action, Output};
use crate::value::{Content, Value, Values};

/// What a bank promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bank {
    /// The sum of all accounts; that of the first read when not given.
    pub total: Option<i64>,
    /// Whether accounts may fall below zero.
    pub negative_allowed: bool,
}

/// A read that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRead {
    /// Place of the read in the history; of a history that was only followed, the line.
    pub place: usize,
    /// What is wrong with it, by Jepsen's name: wrong-total, negative-value or unreadable.
    pub name: &'static str,
    /// The same in a sentence.
    pub why: String,
}

/// What was found in a history of a bank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many reads were judged.
    pub reads: usize,
    /// The sum that they should show.
    pub total: Option<i64>,
    /// Those that do not, in order.
    pub bad: Vec<BadRead>,
}

impl Bank {
    /// Judges every read of a history. O(n) in what they show.
    #[must_use]
    pub fn audit(&self, recorded: &Recorded) -> Audit {
        let mut audit = Audit { total: self.total, ..Audit::default() };
        for (place, operation) in recorded.history.operations().iter().enumerate() {
            if let (Action::Read, Some(Output::Read(seen))) = (operation.input.action, operation.output) {
                self.judge(place, seen, &recorded.values, &mut audit);
            }
        }
        audit
    }

    pub(crate) fn judge(&self, place: usize, seen: Value, values: &Values, audit: &mut Audit) {
        audit.reads += 1;
        let Some(balances) = balances(values, seen) else {
            let why = format!("expected the balance of each account, found {}", values.show(seen));
            return audit.bad.push(BadRead { place, name: "unreadable", why });
        };
        // A sum that does not fit is no sum that a bank had.
        let sum = balances.values().try_fold(0i64, |sum, balance| sum.checked_add(*balance));
        let total = audit.total.or(sum);
        audit.total = total;
        if sum != total {
            let shown = sum.map_or("too much to count".to_owned(), |sum| sum.to_string());
            let why = format!("the accounts hold {shown}, not {}", total.unwrap_or(0));
            return audit.bad.push(BadRead { place, name: "wrong-total", why });
        }
        if self.negative_allowed {
            return;
        }
        if let Some((account, balance)) = balances.iter().find(|(_, balance)| **balance < 0) {
            let why = format!("account {account} holds {balance}");
            audit.bad.push(BadRead { place, name: "negative-value", why });
        }
    }
}

fn balances(values: &Values, seen: Value) -> Option<BTreeMap<String, i64>> {
    let Content::Map(entries) = values.content(seen) else { return None };
    let balance = |(account, balance): &(Value, Value)| {
        Some((values.show(*account), values.content(*balance).number()?))
    };
    entries.iter().map(balance).collect()
}
