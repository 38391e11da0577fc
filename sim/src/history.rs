//! What clients saw: calls and their returns, in the order of the run's events.
//!
//! Holds: a call without a return may have happened at any time since, or never; a refused one did not happen.
//! Not here: the judgement (`splitbrain_linearizability`).

use std::sync::Arc;

use splitbrain_linearizability as linearizability;
use splitbrain_linearizability::{
    Action, Budget, Input, Kind, Online, Options, Output, Standard, Status, Value, Verdict,
};

use crate::blocks::Blocks;
use crate::check::{Seen, Violation};
use crate::machine::{Answer, Request};
use crate::scenario::Property;

/// What one history may cost: half a second. A campaign meets histories of hundreds of calls that nobody answered, whose
/// orders are more than anyone can try; the time is better spent on other seeds.
const BUDGET: Budget = Budget { steps: 500_000, memory: 64 << 20 };

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

/// How a history that is not accused stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Some order of the calls explains their answers.
    Linearizable,
    /// The search for one ended at its budget.
    Unknown,
}

/// What clients saw in a run, judged while it happens.
#[derive(Clone, Debug)]
pub struct History {
    calls: Blocks<Call>,
    /// Shared by copies of a world until one of them goes on.
    online: Arc<Online<Standard>>,
    /// Whether nobody looks at the calls while they happen.
    unjudged: bool,
}

impl Default for History {
    fn default() -> Self {
        History {
            calls: Blocks::default(),
            online: Arc::new(Online::with_budget(Standard::new(Kind::CasRegister), BUDGET)),
            unjudged: false,
        }
    }
}

impl History {
    /// Adds a call.
    pub fn call(&mut self, client: u32, request: Request, called: Seen) -> CallId {
        self.calls.push(Call { client, request, called, outcome: Outcome::Unknown });
        if let (false, Some(input)) = (self.unjudged, input(request)) {
            // A client has one call open at a time, and events are numbered upwards: nothing here is malformed.
            let _ = Arc::make_mut(&mut self.online).call(client, called.event, input);
        }
        CallId(self.calls.len() as u32 - 1)
    }

    /// Says what came of a call. Returns whether the history still looks linearizable.
    pub fn outcome(&mut self, id: CallId, outcome: Outcome) -> bool {
        let call = self.calls.get_mut(id.0 as usize).expect("a call that was made");
        call.outcome = outcome;
        if self.unjudged {
            return true;
        }
        let online = Arc::make_mut(&mut self.online);
        let _ = match (outcome, output(outcome)) {
            (Outcome::Answered(seen, _), Some(output)) => online.ret(call.client, seen.event, output),
            (Outcome::Refused, _) => online.failed(call.client),
            (Outcome::Answered(..) | Outcome::Unknown, _) => online.unknown(call.client),
        };
        online.status() != Status::Violated
    }

    /// Lets nobody look at the calls while they happen, to see what that costs.
    pub(crate) fn leave_unjudged(&mut self) {
        self.unjudged = true;
    }

    /// Whether the history may not be linearizable, or could not be followed while it happened: `check` decides.
    pub fn is_suspect(&mut self) -> bool {
        Arc::make_mut(&mut self.online).finish() != Status::Fine
    }

    /// Every call, in order.
    #[must_use]
    pub fn calls(&self) -> &Blocks<Call> {
        &self.calls
    }
}

/// Judges a history: each key is a register with compare-and-set that begins with nothing.
///
/// The budget is counted in steps, so that the verdict is the same on every machine. A history too entangled for it is
/// no accusation, unless a contradiction showed while it happened.
///
/// # Errors
/// The history is not linearizable: the calls that contradict each other.
pub fn check(history: &History, name: impl Fn(u32) -> String) -> Result<Judged, Violation> {
    let constraining = history.calls.iter().filter(|call| constrains(call));
    let (calls, operations): (Vec<&Call>, Vec<_>) =
        constraining.filter_map(|call| operation(call).map(|operation| (call, operation))).unzip();
    let model = Standard::new(Kind::CasRegister);
    let Ok(operations) = linearizability::History::from_operations(operations) else {
        return Ok(Judged::Unknown);
    };
    match linearizability::check(&operations, &model, &Options { budget: BUDGET, ..Options::default() }) {
        Verdict::Linearizable => Ok(Judged::Linearizable),
        Verdict::Unknown(..) => match history.online.violation() {
            Some(violation) => Err(seen_online(violation, &calls, name)),
            None => Ok(Judged::Unknown),
        },
        Verdict::NotLinearizable(found) => {
            let explained = linearizability::explain(&operations, &model, &found);
            let call =
                |&place: &u32| calls.get(place as usize).map(|call| (call.called, describe(call, &name)));
            Err(Violation {
                property: Property::Linearizability,
                seen: calls.iter().map(|call| end(call)).max().unwrap_or_default(),
                summary: format!("no order of the calls on {} explains their answers", name(found.key)),
                evidence: explained.shown().iter().filter_map(call).collect(),
            })
        }
    }
}

/// A contradiction that showed while the history happened, in a history too entangled to be explained.
fn seen_online(
    found: &linearizability::Violation,
    calls: &[&Call],
    name: impl Fn(u32) -> String,
) -> Violation {
    let call = calls.iter().find(|call| (call.client, call.called.event) == (found.process, found.call));
    Violation {
        property: Property::Linearizability,
        seen: calls.iter().map(|call| end(call)).max().unwrap_or_default(),
        summary: format!(
            "no order of the calls on {} explains their answers: {}",
            name(found.key),
            found.why
        ),
        evidence: call.map(|call| (call.called, describe(call, name))).into_iter().collect(),
    }
}

/// Whether a call says anything: one that was refused did not happen, and an unanswered read changed nothing.
fn constrains(call: &Call) -> bool {
    match (call.outcome, call.request) {
        (Outcome::Refused, _) | (Outcome::Unknown, Request::Get { .. }) => false,
        (Outcome::Unknown | Outcome::Answered(..), _) => true,
    }
}

/// A call in the checker's terms; times are event numbers, which order calls as the world did.
fn operation(call: &Call) -> Option<linearizability::Operation<Input, Output>> {
    let ret = match call.outcome {
        Outcome::Unknown | Outcome::Refused => linearizability::UNKNOWN,
        Outcome::Answered(seen, _) => seen.event,
    };
    let (input, output) = (input(call.request)?, output(call.outcome));
    Some(linearizability::Operation { process: call.client, call: call.called.event, ret, input, output })
}

/// Values are numbered from 1 up in a run, far below the 32 bits that the checker has for them.
fn content(value: Option<u64>) -> Option<Value> {
    value.map_or(Some(Value::NIL), |value| u32::try_from(value).ok().and_then(Value::number))
}

fn input(request: Request) -> Option<Input> {
    let (key, action) = match request {
        Request::Get { key } => (key, Action::Read),
        Request::Put { key, value } => (key, Action::Write(content(Some(value))?)),
        Request::Cas { key, expected, value } => {
            (key, Action::CompareAndSet { expected: content(expected)?, new: content(Some(value))? })
        }
    };
    Some(Input { key, action })
}

fn output(outcome: Outcome) -> Option<Output> {
    match outcome {
        Outcome::Unknown | Outcome::Refused => None,
        Outcome::Answered(_, Answer::Written | Answer::Swapped) => Some(Output::Done),
        Outcome::Answered(_, Answer::Mismatch(value)) => content(value).map(Output::Found),
        Outcome::Answered(_, Answer::Value(value)) => content(value).map(Output::Read),
    }
}

fn end(call: &Call) -> Seen {
    match call.outcome {
        Outcome::Answered(seen, _) => seen,
        Outcome::Unknown | Outcome::Refused => call.called,
    }
}

fn describe(call: &Call, name: impl Fn(u32) -> String) -> String {
    let show = |value: Option<u64>| value.map_or(String::from("nothing"), |value| value.to_string());
    let asked = match call.request {
        Request::Get { key } => format!("read {}", name(key)),
        Request::Put { key, value } => format!("write {}={value}", name(key)),
        Request::Cas { key, expected, value } => {
            format!("set {} from {} to {value}", name(key), show(expected))
        }
    };
    let answer = match call.outcome {
        Outcome::Unknown => String::from("no answer"),
        Outcome::Refused => String::from("refused"),
        Outcome::Answered(seen, Answer::Value(value)) => format!("{} ({seen})", show(value)),
        Outcome::Answered(seen, Answer::Written | Answer::Swapped) => format!("done ({seen})"),
        Outcome::Answered(seen, Answer::Mismatch(value)) => format!("{} was there ({seen})", show(value)),
    };
    format!("client {} asks to {asked}: {answer}", call.client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    fn seen(event: u64) -> Seen {
        Seen { event, at: Moment(event), record: None }
    }

    /// A write of 1, a write of 2, and a read that begins after both have returned.
    fn history(read: Option<u64>) -> History {
        let mut history = History::default();
        for (event, request, answer) in [
            (1, Request::Put { key: 0, value: 1 }, Answer::Written),
            (3, Request::Put { key: 0, value: 2 }, Answer::Written),
            (5, Request::Get { key: 0 }, Answer::Value(read)),
        ] {
            let id = history.call(event as u32, request, seen(event));
            history.outcome(id, Outcome::Answered(seen(event + 1), answer));
        }
        history
    }

    #[test]
    fn a_stale_read_is_told_with_its_calls() {
        let name = |key| format!("k{key}");
        assert_eq!(check(&history(Some(2)), name), Ok(Judged::Linearizable));
        for stale in [Some(1), None] {
            let violation = check(&history(stale), name).unwrap_err();
            assert_eq!(violation.property, Property::Linearizability);
            assert!(violation.evidence.iter().any(|(_, line)| line.contains("read k0")), "{violation:?}");
        }
    }

    #[test]
    fn a_write_without_an_answer_may_have_happened_or_not() {
        for read in [Some(2), Some(3)] {
            let mut history = history(read);
            history.call(9, Request::Put { key: 0, value: 3 }, seen(2));
            assert_eq!(check(&history, |key| key.to_string()), Ok(Judged::Linearizable));
        }
    }
}
