//! The ledger: what happened, and what those who look on make of it.
//!
//! Holds: nothing here changes what happens next, but that a broken promise may end the run.
//! Not here: who judges (`check`, `history`), and what records are (`trace`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::act::Act;
use super::film::Film;
use crate::check::quiescence::Exchange;
use crate::check::{Checkers, Seen, Violation};
use crate::history::History;
use crate::trace::Trace;

/// What happened, and what is judged of it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger<T> {
    /// Every record.
    pub(crate) trace: Trace,
    /// Who judges steps, with their memories.
    pub(super) checkers: Checkers,
    /// What clients saw.
    pub(crate) history: History,
    /// Broken promises, in the order in which they were seen.
    pub(super) violations: Vec<Violation>,
    /// How often each situation was noted.
    pub(super) facts: BTreeMap<Cow<'static, str>, u64>,
    /// The highest index that any node knew to be committed.
    pub(super) committed: u64,
    /// What led to the input that a process is at, and served nothing so far.
    pub(super) exchange: Option<Exchange>,
    /// Whether a timer fires just now.
    pub(super) firing: bool,
    /// What the scenario does meanwhile and could not be done.
    pub(crate) impossible: Vec<String>,
    /// How many messages each node sent to each other, while that is counted.
    pub(super) tally: Option<Tally>,
    /// What nodes show after each step, when it is filmed.
    pub(crate) film: Option<Film>,
    /// What happened to nodes, when it is written down.
    pub(crate) acts: Option<Vec<Act<T>>>,
}

/// How many messages each node sent to each other since a cluster came to rest, by sender and then receiver. What was led to by
/// a message from before does not count: links may be slow.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) since: Seen,
    pub(super) sent: Vec<Vec<u64>>,
    /// How many each node sent because a timer fired, so unasked.
    pub(super) unasked: Vec<u64>,
}

impl<T> Ledger<T> {
    /// Nothing happened yet, and these judge.
    pub(super) fn new(keep_trace: bool, checkers: Checkers) -> Ledger<T> {
        Ledger {
            trace: Trace::new(keep_trace),
            checkers,
            history: History::default(),
            violations: Vec::new(),
            facts: BTreeMap::new(),
            committed: 0,
            exchange: None,
            firing: false,
            impossible: Vec::new(),
            tally: None,
            film: None,
            acts: None,
        }
    }

    /// Notes that something interesting happened.
    pub(super) fn note(&mut self, fact: impl Into<Cow<'static, str>>) {
        *self.facts.entry(fact.into()).or_insert(0) += 1;
    }
}
