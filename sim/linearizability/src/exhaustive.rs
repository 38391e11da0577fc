//! The dumb twin: tries every order. For tests, fuzzing and histories of a handful of operations.
//!
//! Holds: it uses nothing but `Model::step` and the times, so it shares no mistake with the other algorithms.
//! Not here: anything fast; time grows with the factorial of the number of operations.

use crate::history::{History, Operation, UNKNOWN};
use crate::model::Model;
use crate::sample::action as sample_action;
use crate::standard::{Input, Kind, Output, Standard};
use crate::value::Values;

/// Whether some order of the operations of each key respects time and the model.
#[must_use]
pub fn is_linearizable<M: Model>(history: &History<M::Input, M::Output>, model: &M) -> bool {
    let mut keys: Vec<u32> =
        history.operations().iter().map(|operation| model.key(&operation.input)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().all(|key| {
        let of_key = |operation: &&Operation<M::Input, M::Output>| model.key(&operation.input) == key;
        let operations: Vec<_> = history.operations().iter().filter(of_key).collect();
        let mut left = vec![true; operations.len()];
        can_finish(&operations, &mut left, &model.initial(), model)
    })
}

fn can_finish<M: Model>(
    operations: &[&Operation<M::Input, M::Output>],
    left: &mut [bool],
    state: &M::State,
    model: &M,
) -> bool {
    if operations.iter().zip(&*left).all(|(operation, left)| !left || operation.output.is_none()) {
        return true;
    }
    for place in 0..operations.len() {
        if !left[place] || must_wait(operations, left, place) {
            continue;
        }
        let operation = operations[place];
        if let Some(next) = model.step(state, &operation.input, operation.output.as_ref()) {
            left[place] = false;
            let fits = can_finish(operations, left, &next, model);
            left[place] = true;
            if fits {
                return true;
            }
        }
    }
    false
}

/// Whether an operation that is left returned before this one was called.
fn must_wait<I, O>(operations: &[&Operation<I, O>], left: &[bool], place: usize) -> bool {
    let call = operations[place].call;
    operations.iter().zip(left).any(|(other, left)| *left && other.output.is_some() && other.ret < call)
}

/// A small history for comparing checkers, from any source of chance: `draw(n)` gives a number below `n`.
///
/// Up to `operations` operations with few values and many overlaps, equal times, unknown outcomes and repeated
/// values: where mistakes live.
///
/// # Panics
/// When `draw` does not keep its word.
pub fn sample(
    kind: Kind,
    operations: u32,
    draw: &mut dyn FnMut(u32) -> u32,
) -> (History<Input, Output>, Standard) {
    let mut values = Values::new();
    let count = 1 + draw(operations);
    let unique = draw(2) == 0;
    let unknown_in = 2 + draw(6);
    let span = 1 + draw(12);
    let mut list = Vec::new();
    for fresh in 1..=count {
        let call = u64::from(draw(span));
        let ret = call + u64::from(draw(span));
        let written = if unique { fresh } else { draw(3) };
        let process = draw(3);
        let (action, output) = sample_action(kind, written, count, process, &mut values, draw);
        let known = draw(unknown_in) != 0;
        let input = Input { key: draw(8) / 7, action };
        let (ret, output) = if known { (ret, Some(output)) } else { (UNKNOWN, None) };
        list.push(Operation { process, call, ret, input, output });
    }
    let history = History::from_operations(list).expect("returns come after calls");
    (history, Standard::new(kind).with_values(values))
}
