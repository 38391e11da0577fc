//! What clients saw: calls and their returns, in the order of the run's events.
//!
//! Holds: a call without a return may have happened at any time since, or never; a refused one did not happen.
//! Not here: the judgement (`splitbrain_linearizability`).

use crate::check::Seen;
use crate::machine::{Answer, Request};

/// A call's place in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way, or nobody will ever know.
    Unknown,
    /// It was answered.
    Answered(Seen, Answer),
    /// It certainly did not happen.
    Refused,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who called.
    pub client: u32,
    /// What was asked.
    pub request: Request,
    /// When.
    pub called: Seen,
    /// What came of it.
    pub outcome: Outcome,
}

/// What clients saw in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    calls: Vec<Call>,
}

impl History {
    /// Adds a call.
    pub fn call(&mut self, client: u32, request: Request, called: Seen) -> CallId {
        self.calls.push(Call { client, request, called, outcome: Outcome::Unknown });
        CallId(self.calls.len() as u32 - 1)
    }

    /// Says what came of a call.
    pub fn outcome(&mut self, id: CallId, outcome: Outcome) {
        self.calls[id.0 as usize].outcome = outcome;
    }

    /// Every call, in order.
    #[must_use]
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }
}

/// TEMPORARY
pub fn check(_: &History, _: impl Fn(u32) -> String) -> Result<(), crate::check::Violation> {
    Ok(())
}
