//! Why a history is not linearizable: the few operations that already are not, and where every order of them ends.
//!
//! Holds: the blamed operations contradict each other whatever all the others did (`reduce` says what that means);
//! they contradict each other alone as well.
//! Not here: finding them (`reduce`), the text (`text`), the page (`timeline`), and the verdict (`check`).

use std::collections::BTreeMap;

use crate::check::Evidence;
use crate::history::{History, Operation};
use crate::model::Model;
use crate::reduce::Reducer;

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key, as people call it.
    pub key: String,
    /// Places of the operations that contradict each other. None of them can be left out, unless the history was
    /// too hard to reduce that far.
    pub operations: Vec<u32>,
    /// Places of others that wrote what these saw: those that the order below needs, and of a register the latest
    /// few. They may or may not have taken effect: it makes no difference.
    pub helpers: Vec<u32>,
    /// The operation with whose return the history begins to fail: through the event before it, it is linearizable.
    /// `None` when that was too hard to find.
    pub failed: Option<u32>,
    /// The longest beginning of an order of them, helpers included.
    pub prefix: Vec<u32>,
    /// What the key holds after that.
    pub state: String,
    /// Why none of the others can be next.
    pub stuck: Vec<Stuck>,
    /// What each of these operations did, for people.
    pub what: BTreeMap<u32, String>,
}

/// Why an operation cannot be next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its place in the history.
    pub place: u32,
    /// The reason, for people.
    pub why: String,
}

/// Explains a verdict. Time is bounded: at most some thousand checks of parts of the history.
#[must_use]
pub fn explain<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    evidence: &Evidence,
) -> Explanation {
    let mut reducer = Reducer::new(history, model, evidence.key);
    let blamed = reducer.smallest(evidence);
    let place = |number: &u32| reducer.op(*number).place;
    let operations: Vec<u32> = blamed.operations.iter().map(place).collect();
    let most = if reducer.is_opaque() { HELPERS_MAX / 8 } else { HELPERS_MAX };
    let others: Vec<u32> = reducer.helpers(&blamed.operations, most).iter().map(place).collect();
    let failed = blamed.failed.as_ref().map(place);
    let (prefix, state) = longest_prefix(history, model, &operations, &others);
    let mut helpers: Vec<u32> = prefix.iter().filter(|place| !operations.contains(place)).copied().collect();
    if reducer.is_register() {
        helpers.extend(others.iter().rev().take(HELPERS_SHOWN));
    }
    helpers.sort_unstable();
    helpers.dedup();
    let stuck = stuck(history, model, &operations, &prefix, &state);
    let what = operations.iter().chain(&helpers).map(|place| {
        let operation = &history.operations()[*place as usize];
        (*place, model.describe(&operation.input, operation.output.as_ref()))
    });
    Explanation {
        key: model.describe_key(evidence.key),
        what: what.collect(),
        operations,
        helpers,
        failed,
        prefix,
        state: model.describe_state(&state),
        stuck,
    }
}

/// Most writers of what was seen that are shown though the order does not need them.
const HELPERS_SHOWN: usize = 4;

/// Most operations beside the blamed ones that are looked at for an order.
const HELPERS_MAX: usize = 256;

/// The most of some operations that some order can put one after the other, with as few of the others as that takes,
/// and the state after them.
fn longest_prefix<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    places: &[u32],
    others: &[u32],
) -> (Vec<u32>, M::State) {
    let best = Best { path: Vec::new(), done: 0, state: model.initial() };
    // A long list of places costs as much for each step.
    let left = (2_000_000 / (1 + places.len() + others.len())).min(20_000);
    let mut walk = Walk { history, model, places, others, path: Vec::new(), best, left };
    walk.visit(&model.initial(), 0);
    (walk.best.path, walk.best.state)
}

struct Best<S> {
    path: Vec<u32>,
    done: usize,
    state: S,
}

struct Walk<'a, M: Model> {
    history: &'a History<M::Input, M::Output>,
    model: &'a M,
    places: &'a [u32],
    others: &'a [u32],
    path: Vec<u32>,
    best: Best<M::State>,
    left: usize,
}

impl<'a, M: Model> Walk<'a, M> {
    fn operation(&self, place: u32) -> &'a Operation<M::Input, M::Output> {
        &self.history.operations()[place as usize]
    }

    /// `done` of the places are on the path.
    fn visit(&mut self, state: &M::State, done: usize) {
        let longer = done > self.best.done;
        if longer || done == self.best.done && self.path.len() < self.best.path.len() {
            self.best = Best { path: self.path.clone(), done, state: state.clone() };
        }
        let (places, others) = (self.places, self.others);
        for (number, place) in places.iter().chain(others).enumerate() {
            if self.left == 0 {
                return;
            }
            if self.path.contains(place) || !self.may_be_next(*place) {
                continue;
            }
            let operation = self.operation(*place);
            if let Some(next) = self.model.step(state, &operation.input, operation.output.as_ref()) {
                let wanted = number < places.len();
                // A helper that changes nothing helps nobody.
                if !wanted && next == *state {
                    continue;
                }
                self.left -= 1;
                self.path.push(*place);
                self.visit(&next, done + usize::from(wanted));
                self.path.pop();
            }
        }
    }

    /// Whether time allows an operation behind the path: it did not return before one of those was called, and none
    /// of the places that are not there yet returned before it was called.
    fn may_be_next(&self, place: u32) -> bool {
        let ret = self.operation(place).ret;
        let in_order = self.path.iter().all(|gone| self.operation(*gone).call <= ret);
        in_order && waits_for(self.history, self.places, &self.path, place).is_none()
    }
}

/// An operation that has not gone although it returned before this one was called.
fn waits_for<I, O>(history: &History<I, O>, places: &[u32], gone: &[u32], place: u32) -> Option<u32> {
    let call = history.operations()[place as usize].call;
    let before = |other: &&u32| history.operations()[**other as usize].ret < call && !gone.contains(other);
    places.iter().find(before).copied()
}

fn stuck<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    places: &[u32],
    gone: &[u32],
    state: &M::State,
) -> Vec<Stuck> {
    let mut all = Vec::new();
    let told = |place: u32| {
        let operation = &history.operations()[place as usize];
        (operation, model.describe(&operation.input, operation.output.as_ref()))
    };
    for place in places.iter().filter(|place| !gone.contains(place)) {
        let (operation, _) = told(*place);
        let later = gone.iter().find(|gone| told(**gone).0.call > operation.ret);
        let why = match (waits_for(history, places, gone, *place), later) {
            (Some(other), _) => {
                let (other, what) = told(other);
                format!("process {} had finished {what} before it began", other.process)
            }
            (None, Some(later)) => {
                let (later, what) = told(*later);
                format!("it had finished before process {} began {what}", later.process)
            }
            (None, None) => format!("the value is {}", model.describe_state(state)),
        };
        all.push(Stuck { place: *place, why });
    }
    all
}
