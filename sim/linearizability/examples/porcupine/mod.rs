//! Porcupine's algorithm, written anew as a yardstick: depth first over the linked list of calls and returns, with a
//! memo of (set of linearized operations, state).
//!
//! After `checkSingle` of github.com/anishathalye/porcupine (Wing and Gong 1993 with the memo of Lowe 2017). An
//! operation whose outcome is unknown returns at the end, and fits everywhere.

use std::collections::BTreeMap;

use splitbrain_linearizability::{Action, History, Input, Operation, Output, Value};

const NONE: usize = usize::MAX;

/// The list of events, by number: `2 * operation` is its call, one more its return.
struct List {
    next: Vec<usize>,
    before: Vec<usize>,
    head: usize,
}

impl List {
    fn new(order: &[usize]) -> List {
        let head = order.len();
        let mut list = List { next: vec![NONE; head + 1], before: vec![NONE; head + 1], head };
        let mut last = head;
        for event in order {
            list.next[last] = *event;
            list.before[*event] = last;
            last = *event;
        }
        list
    }

    fn unlink(&mut self, event: usize) {
        let (before, next) = (self.before[event], self.next[event]);
        self.next[before] = next;
        if next != NONE {
            self.before[next] = before;
        }
    }

    fn link(&mut self, event: usize) {
        let (before, next) = (self.before[event], self.next[event]);
        self.next[before] = event;
        if next != NONE {
            self.before[next] = event;
        }
    }
}

fn step(state: Value, operation: &Operation<Input, Output>) -> Option<Value> {
    match (operation.input.action, operation.output) {
        (Action::Read, Some(Output::Read(seen))) => (seen == state).then_some(state),
        (Action::Write(value), _) => Some(value),
        (Action::CompareAndSet { expected, new }, None) => Some(if state == expected { new } else { state }),
        (Action::CompareAndSet { expected, new }, Some(Output::Done)) => (state == expected).then_some(new),
        (Action::CompareAndSet { expected, .. }, Some(Output::Found(seen))) => {
            (seen == state && state != expected).then_some(state)
        }
        (Action::CompareAndSet { expected, .. }, Some(_)) => (state != expected).then_some(state),
        (_, _) => Some(state),
    }
}

fn order(operations: &[Operation<Input, Output>]) -> Vec<usize> {
    let mut events: Vec<(u64, usize)> = Vec::new();
    for (number, operation) in operations.iter().enumerate() {
        events.push((operation.call, 2 * number));
        events.push((operation.ret, 2 * number + 1));
    }
    // Calls before returns of the same time.
    events.sort_by_key(|(time, event)| (*time, event % 2));
    events.into_iter().map(|(_, event)| event).collect()
}

fn hash(set: &[u64]) -> u64 {
    set.iter().fold(set.len() as u64, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01B3))
}

/// The verdict on a register that begins with nil; `None` when told to stop.
pub(crate) fn is_linearizable(history: &History<Input, Output>, stop: &dyn Fn() -> bool) -> Option<bool> {
    let operations = history.operations();
    let mut list = List::new(&order(operations));
    let mut done = vec![0u64; operations.len().div_ceil(64)];
    let mut memo: BTreeMap<u64, Vec<(Vec<u64>, Value)>> = BTreeMap::new();
    let mut calls: Vec<(usize, Value)> = Vec::new();
    let mut state = Value::NIL;
    let mut event = list.next[list.head];
    let mut looks = 0u64;
    while list.next[list.head] != NONE {
        looks += 1;
        if looks.is_multiple_of(1024) && stop() {
            return None;
        }
        let number = event / 2;
        if event.is_multiple_of(2) {
            let fits = step(state, &operations[number]).filter(|next| {
                done[number / 64] |= 1 << (number % 64);
                let known = memo.entry(hash(&done)).or_default();
                let fresh = !known.iter().any(|(set, state)| state == next && *set == done);
                if fresh {
                    known.push((done.clone(), *next));
                } else {
                    done[number / 64] &= !(1 << (number % 64));
                }
                fresh
            });
            match fits {
                Some(next) => {
                    calls.push((number, state));
                    state = next;
                    list.unlink(2 * number);
                    list.unlink(2 * number + 1);
                    event = list.next[list.head];
                }
                None => event = list.next[event],
            }
        } else {
            let Some((last, before)) = calls.pop() else { return Some(false) };
            state = before;
            done[last / 64] &= !(1 << (last % 64));
            list.link(2 * last + 1);
            list.link(2 * last);
            event = list.next[2 * last];
        }
    }
    Some(true)
}
