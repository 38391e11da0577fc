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

/// Judges a history: each key is a register with compare-and-set that begins with nothing.
///
/// The budget is counted in steps, so that the verdict is the same on every machine.
///
/// # Errors
/// The history is not linearizable: the calls that contradict each other. A history too entangled for the budget
/// passes.
pub fn check(history: &History, names: impl Fn(u32) -> String) -> Result<(), Violation> {
    let calls: Vec<&Call> = history.calls.iter().filter(|call| constrains(call)).collect();
    let operations = calls.iter().map(|call| operation(call)).collect();
    let operations = linearizability::History::from_operations(operations).map_err(|malformed| {
        let evidence = vec![(Seen::default(), malformed.to_string())];
        violation(String::from("the recorded history is malformed"), evidence)
    })?;
    let model = Standard::new(Kind::CasRegister);
    match linearizability::check(&operations, &model, &Options::default()) {
        Verdict::Linearizable | Verdict::Unknown(_) => Ok(()),
        Verdict::NotLinearizable(found) => {
            let smallest = linearizability::explain::smallest(&operations, &model, &found);
            let line = |&place: &u32| {
                let call = calls[place as usize];
                (call.called, describe(call))
            };
            let summary = format!("no order of the calls on {} explains their answers", names(found.key));
            Err(violation(summary, smallest.iter().map(line).collect()))
        }
    }
}
