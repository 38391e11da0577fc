//! Histories of a correct store under concurrent clients, for tests and measurements.
//!
//! Each operation takes effect at a drawn moment between its call and its return, so the history is linearizable by
//! construction and the order of those moments is its witness. One read can be made stale afterwards.
//!
//! Holds: equal workloads give equal histories, on every machine.
//! Not here: tiny histories full of mistakes (`exhaustive::sample`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::history::{History, Operation, UNKNOWN};
use crate::standard::{Action, Input, Output};
use crate::value::Value;

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Where chance starts.
    pub seed: u64,
    /// How many operations.
    pub operations: u32,
    /// How many clients at a time, at least 1.
    pub clients: u32,
    /// How many keys, at least 1.
    pub keys: u32,
    /// Every written value is new; otherwise one of this many.
    pub values: Option<u32>,
    /// Whether a third of the updates are compare-and-sets.
    pub swaps: bool,
    /// Of a thousand operations, how many get no answer; half of those took effect.
    pub unknown: u32,
    /// Whether one read near the end returns a value long overwritten.
    pub stale: bool,
}

impl Default for Workload {
    fn default() -> Self {
        let (operations, clients, keys) = (1_000, 5, 1);
        Workload { seed: 1, operations, clients, keys, values: None, swaps: false, unknown: 0, stale: false }
    }
}

/// A history and the order in which its operations took effect.
#[derive(Clone, Debug)]
pub struct Generated {
    /// What clients saw.
    pub history: History<Input, Output>,
    /// Places in the order in which they took effect; those that did not are left out.
    pub witness: Vec<u32>,
}

/// Plays a workload.
///
/// # Panics
/// When it has more than 2^31 distinct values.
#[must_use]
pub fn generate(workload: &Workload) -> Generated {
    let mut play = Play {
        workload: *workload,
        chance: Chance(workload.seed),
        store: vec![Value::NIL; workload.keys.max(1) as usize],
        operations: Vec::new(),
        witness: Vec::new(),
        agenda: BinaryHeap::new(),
        written: 0,
        processes: workload.clients.max(1),
    };
    play.run();
    let Play { mut operations, witness, chance, .. } = play;
    if workload.stale {
        make_stale(&mut operations, chance);
    }
    let history = History::from_operations(operations).expect("operations return after their call");
    Generated { history, witness }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        (((mixed >> 32) * u64::from(n)) >> 32) as u32
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Call,
    Effect(u32),
    Return(u32),
}

struct Play {
    workload: Workload,
    chance: Chance,
    store: Vec<Value>,
    operations: Vec<Operation<Input, Output>>,
    witness: Vec<u32>,
    agenda: BinaryHeap<Reverse<(u64, u32, Phase)>>,
    written: u32,
    processes: u32,
}

impl Play {
    fn run(&mut self) {
        for process in 0..self.processes {
            let start = u64::from(self.chance.below(1000));
            self.agenda.push(Reverse((start, process, Phase::Call)));
        }
        while let Some(Reverse((now, process, phase))) = self.agenda.pop() {
            match phase {
                Phase::Call => self.call(now, process),
                Phase::Effect(place) => self.effect(now, process, place),
                Phase::Return(place) => self.ret(now, process, place),
            }
        }
    }

    fn later(&mut self, now: u64, process: u32, phase: Phase) {
        let at = now + 1 + u64::from(self.chance.below(1000));
        self.agenda.push(Reverse((at, process, phase)));
    }

    fn call(&mut self, now: u64, process: u32) {
        let place = self.operations.len() as u32;
        if place == self.workload.operations {
            return;
        }
        let key = self.chance.below(self.workload.keys.max(1));
        let action = self.action(key);
        let input = Input { key, action };
        self.operations.push(Operation { process, call: now, ret: UNKNOWN, input, output: None });
        self.later(now, process, Phase::Effect(place));
    }

    fn action(&mut self, key: u32) -> Action {
        if self.chance.below(2) == 0 {
            return Action::Read;
        }
        let new = match self.workload.values {
            Some(values) => self.chance.below(values),
            None => self.written,
        };
        self.written += 1;
        let new = Value::number(new).expect("fewer than 2^31 values");
        if self.workload.swaps && self.chance.below(3) == 0 {
            let expected = match self.workload.values {
                Some(values) => Value::number(self.chance.below(values)).expect("few values"),
                None => self.store[key as usize],
            };
            return Action::CompareAndSet { expected, new };
        }
        Action::Write(new)
    }

    fn effect(&mut self, now: u64, process: u32, place: u32) {
        let lost = self.chance.below(1000) < self.workload.unknown;
        if !lost || self.chance.below(2) == 0 {
            self.apply(place);
        }
        if lost {
            self.operations[place as usize].output = None;
            // Who got no answer goes on under a new name.
            let next = self.processes;
            self.processes += 1;
            self.later(now, next, Phase::Call);
        } else {
            self.later(now, process, Phase::Return(place));
        }
    }

    fn apply(&mut self, place: u32) {
        let operation = &mut self.operations[place as usize];
        let held = &mut self.store[operation.input.key as usize];
        operation.output = Some(match operation.input.action {
            Action::Read => Output::Read(*held),
            Action::Write(value) => {
                *held = value;
                Output::Done
            }
            Action::CompareAndSet { expected, new } if *held == expected => {
                *held = new;
                Output::Done
            }
            Action::CompareAndSet { .. } => Output::Found(*held),
            // No workload asks for anything else.
            _ => Output::Done,
        });
        self.witness.push(place);
    }

    fn ret(&mut self, now: u64, process: u32, place: u32) {
        self.operations[place as usize].ret = now;
        self.later(now, process, Phase::Call);
    }
}

/// Gives the last read of the last hundredth (or tenth, of few) a value that was read on its key long before.
fn make_stale(operations: &mut [Operation<Input, Output>], mut chance: Chance) {
    let reads: Vec<usize> = (0..operations.len()).filter(|place| is_read(&operations[*place])).collect();
    let near_end = reads.len().saturating_sub(1 + chance.below(1 + reads.len() as u32 / 100) as usize);
    let Some(&late) = reads.get(near_end) else { return };
    let key = operations[late].input.key;
    let early = reads[..near_end].iter().filter(|place| operations[**place].input.key == key);
    let early: Vec<usize> = early.copied().collect();
    if let Some(place) = early.get(early.len() / 2) {
        operations[late].output = operations[*place].output;
    }
}

fn is_read(operation: &Operation<Input, Output>) -> bool {
    operation.input.action == Action::Read && operation.output.is_some()
}
