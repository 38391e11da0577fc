//! Is this order a linearization? One pass decides.
//!
//! A witness is an order in which the system under test says that its operations took effect. It is a linearization
//! when (1) every operation with a known outcome stands in it once, and one with an unknown outcome at most once;
//! (2) each fits the state that those before it left; (3) none stands after one that was called after it returned.
//! For (3) it is enough to remember the latest call so far. O(n) time, one word of memory for each operation.
//!
//! Holds: `true` is a proof of linearizability, whoever offers the order; `false` says nothing about the history.
//! Not here: finding an order (`zones`, `search`).

use crate::compile::{Compiled, Op, Step, Words};
use crate::machine::{Machine, Opaque};
use crate::model::Model;

/// Whether `order`, places in `compiled.ops`, is a linearization of them.
pub(crate) fn holds<M: Model>(
    compiled: &Compiled,
    order: impl Iterator<Item = u32>,
    opaque: &mut Opaque<'_, M>,
) -> bool {
    let mut used = vec![false; compiled.ops.len()];
    let mut state = if compiled.opaque { opaque.initial() } else { compiled.initial };
    let mut latest_call = 0;
    for number in order {
        let number = number as usize;
        let Some(op) = compiled.ops.get(number) else { return false };
        if std::mem::replace(&mut used[number], true) {
            return false;
        }
        latest_call = latest_call.max(op.call);
        if op.ret < latest_call {
            return false;
        }
        match after(state, op, &compiled.words, opaque) {
            Some(next) => state = next,
            None => return false,
        }
    }
    compiled.ops.iter().zip(used).all(|(op, used)| used || !op.known())
}

fn after<M: Model>(state: u32, op: &Op, words: &Words, opaque: &mut Opaque<'_, M>) -> Option<u32> {
    match op.step {
        Step::Read(seen) => (state == seen).then_some(state),
        Step::Differs(seen) => (state != seen).then_some(state),
        Step::Write(value) => Some(value),
        Step::Swap(expected, new) if op.known() => (state == expected).then_some(new),
        // An unknown one that finds another value is one that did not happen.
        Step::Swap(expected, new) => Some(if state == expected { new } else { state }),
        Step::Append(row) => Some(words.append(state, row)),
        Step::Opaque(place) | Step::OpaqueRead(place) => opaque.step(state, place),
    }
}
