//! The fewest operations of a key that contradict each other, whatever the others did.
//!
//! Blame must be true: an operation that nobody blames may have written what a blamed one saw. So the others are not
//! taken away when a part is checked, they become *optional*: each may have taken effect as it says, within its own
//! time, or not at all; in a long history a compare-and-set among them may even write without having found what it
//! expected. What contradicts then contradicts alone as well, and in company of any of the others.
//!
//! That relation only grows, so delta debugging applies as it stands (Zeller and Hildebrandt, "Simplifying and
//! isolating failure-inducing input", IEEE TSE 28(2), 2002, section 3).
//!
//! Holds: whatever is handed out was checked in this form.
//! Not here: what is said about it (`explain`).

use std::collections::BTreeMap;

use crate::budget::{Budget, Limits};
use crate::check::{Evidence, Options, Verdict, check};
use crate::compile::{Compiled, Op, SINK, Step};
use crate::history::{History, Operation, UNKNOWN};
use crate::machine::Opaque;
use crate::model::{Model, Survey};
use crate::search::{self, Found};

/// How many parts of a history are checked at most, and how many operations all of them have together.
const CHECKS_MAX: usize = 4_000;
const WORK_MAX: usize = 20_000_000;

/// Up to here nothing is made easier for the others than it must be.
const EXACT_MAX: usize = 100;

/// What one part may cost.
const PART: Limits<'static> = Limits { steps: 100_000, memory: 64 << 20, stop: None };

/// The operations of one key, cut at the return with which they begin to contradict each other.
pub(crate) struct Reducer<'a, M: Model> {
    history: &'a History<M::Input, M::Output>,
    model: &'a M,
    /// By call; what had not returned at the cut is unknown.
    compiled: Compiled,
    /// For registers: who writes a value, by call.
    writers: BTreeMap<u32, Vec<u32>>,
    /// For a model that surveys: what had not returned at the cut, as if it never did.
    loosened: Vec<Option<Operation<M::Input, M::Output>>>,
    checks: usize,
    work: usize,
}

/// What is blamed: numbers in the compiled operations.
pub(crate) struct Blamed {
    /// These contradict each other, whatever the others did.
    pub(crate) operations: Vec<u32>,
    /// The one that returned last: before that there was an order.
    pub(crate) failed: Option<u32>,
}

impl<'a, M: Model> Reducer<'a, M> {
    pub(crate) fn new(history: &'a History<M::Input, M::Output>, model: &'a M, key: u32) -> Self {
        let operations = history.operations().iter().enumerate();
        let of_key = operations.filter(|(_, operation)| model.key(&operation.input) == key);
        let places: Vec<u32> = of_key.map(|(place, _)| place as u32).collect();
        let mut compiled = Compiled::default();
        compiled.load(history, model, &places);
        let loosened = Vec::new();
        Reducer { history, model, compiled, writers: BTreeMap::new(), loosened, checks: 0, work: 0 }
    }

    pub(crate) fn is_register(&self) -> bool {
        !self.compiled.appends && !self.compiled.opaque
    }

    pub(crate) fn op(&self, number: u32) -> &Op {
        &self.compiled.ops[number as usize]
    }

    /// The fewest operations found that contradict each other.
    pub(crate) fn smallest(&mut self, evidence: &Evidence) -> Blamed {
        let failed = self.first_failure(evidence);
        if let Some(failed) = failed {
            self.cut(self.history.operations()[failed as usize].ret);
        }
        let number = |place: &u32| self.compiled.ops.iter().position(|op| op.place == *place);
        let failed = failed.as_ref().and_then(number).map(|number| number as u32);
        let told: &[u32] = if evidence.operations.len() <= 64 { &evidence.operations } else { &[] };
        let told = told.iter().filter_map(number).map(|number| number as u32);
        let told: Vec<u32> = told.chain(failed).collect();
        let mut best = self.contradicts(&told).map(|part| self.reduce(part));
        // Another operation shortly before the end may contradict more plainly.
        let mut window = 8;
        while best.as_ref().is_none_or(|best| best.len() > 3 && window <= 64) {
            let start = self.compiled.ops.len().saturating_sub(window);
            let near = (start as u32..self.compiled.ops.len() as u32).chain(told.iter().copied());
            if let Some(part) = self.contradicts(&near.collect::<Vec<u32>>()) {
                let part = self.reduce(part);
                if best.as_ref().is_none_or(|best| part.len() < best.len()) {
                    best = Some(part);
                }
            }
            if start == 0 {
                break;
            }
            window *= 2;
        }
        let all = || (0..self.compiled.ops.len() as u32).filter(|number| self.op(*number).known()).collect();
        Blamed { operations: best.unwrap_or_else(all), failed }
    }

    /// The place of the operation with whose return the history begins to fail, when nothing is known of what comes
    /// after. Linearizability is closed under prefixes, so bisection finds it.
    fn first_failure(&self, evidence: &Evidence) -> Option<u32> {
        let operations = self.history.operations();
        let known = self.compiled.ops.iter().filter(|op| op.known());
        let mut returns: Vec<(u64, u32)> =
            known.map(|op| (operations[op.place as usize].ret, op.place)).collect();
        returns.sort_unstable();
        let told = evidence.operations.iter().map(|place| operations[*place as usize].ret);
        let failed = evidence.failed.map(|place| operations[place as usize].ret);
        let through = failed.or(told.filter(|ret| *ret != UNKNOWN).max())?;
        let end = returns.partition_point(|(ret, _)| *ret < through);
        // The history through the last of these fails; nothing before the first does.
        let (mut low, mut high) = (0, returns.len().checked_sub(1)?);
        if self.fails_through(through) {
            high = end.min(high);
            // The search stops at the first return that fails.
            low = if failed.is_some() { high } else { 0 };
        } else if failed.is_some() {
            low = end.min(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.fails_through(returns[middle].0) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(returns[high].1)
    }

    fn fails_through(&self, end: u64) -> bool {
        let mut prefix = History::new();
        for op in &self.compiled.ops {
            let operation = &self.history.operations()[op.place as usize];
            if operation.call > end {
                break;
            }
            let process = operation.process;
            let added = match &operation.output {
                Some(output) if operation.ret <= end => {
                    let (input, output) = (operation.input.clone(), output.clone());
                    prefix.returned(process, operation.call, operation.ret, input, output)
                }
                Some(_) | None => prefix.unknown(process, operation.call, operation.input.clone()),
            };
            added.expect("a part of a history is well formed");
        }
        let budget = Budget { steps: PART.steps, memory: PART.memory };
        let found = check(&prefix, self.model, &Options { budget, ..Options::default() });
        matches!(found, Verdict::NotLinearizable(_))
    }

    /// Forgets what happened after a return. Times of the history.
    fn cut(&mut self, end: u64) {
        let history = self.history;
        self.compiled.ops.retain_mut(|op| {
            let operation = &history.operations()[op.place as usize];
            if operation.ret > end {
                op.ret = UNKNOWN;
            }
            operation.call <= end && (op.known() || !op.step.only_looks())
        });
        self.writers.clear();
        for (number, op) in self.compiled.ops.iter().enumerate() {
            if let Some(value) = op.step.written() {
                self.writers.entry(value).or_default().push(number as u32);
            }
        }
    }

    fn reduce(&mut self, start: Vec<u32>) -> Vec<u32> {
        let mut kept = start;
        let mut chunk = kept.len().div_ceil(2);
        while chunk > 0 && !kept.is_empty() {
            let mut removed = false;
            let mut at = 0;
            while at < kept.len() {
                let mut rest = kept.clone();
                rest.drain(at..(at + chunk).min(kept.len()));
                match self.contradicts(&rest) {
                    Some(part) => {
                        kept = part;
                        removed = true;
                    }
                    None => at += chunk,
                }
            }
            // A smaller part may let go what a larger one needed.
            if !removed || chunk > 1 {
                chunk /= 2;
            }
        }
        kept
    }

    /// Those of some operations whose outcome is known, when they contradict each other whatever the others did.
    fn contradicts(&mut self, numbers: &[u32]) -> Option<Vec<u32>> {
        if self.checks >= CHECKS_MAX || self.work >= WORK_MAX {
            return None;
        }
        let mut blamed = numbers.to_vec();
        blamed.retain(|number| self.op(*number).known());
        blamed.sort_unstable();
        blamed.dedup();
        if blamed.is_empty() {
            return None;
        }
        self.checks += 1;
        self.work += self.compiled.ops.len();
        match self.survey(&blamed) {
            Survey::Contradiction(_) => return Some(blamed),
            // To try the orders of so many takes long.
            Survey::Linearizable if self.compiled.ops.len() > EXACT_MAX => return None,
            Survey::Linearizable | Survey::Search(_) => {}
        }
        let (part, states) = self.part(&blamed);
        let mut machine = Opaque::new(self.model, self.history, &self.compiled.words);
        let states = if part.opaque { vec![machine.initial()] } else { states };
        let (found, progress) = search::check(&part, &states, &PART, &mut machine);
        self.work += progress.steps as usize;
        matches!(found, Found::Contradiction(_) | Found::Impossible(_)).then_some(blamed)
    }

    /// What the model itself makes of the blamed ones when each of the others may have taken effect as it says, in its
    /// own time, or not at all.
    fn survey(&mut self, blamed: &[u32]) -> Survey {
        if !self.compiled.opaque {
            return Survey::default();
        }
        let operation = |op: &Op| &self.history.operations()[op.place as usize];
        if self.loosened.len() != self.compiled.ops.len() {
            let loosened =
                |op: &Op| (!op.known()).then(|| Operation { ret: UNKNOWN, ..operation(op).clone() });
            self.loosened = self.compiled.ops.iter().map(loosened).collect();
        }
        let mut operations = Vec::with_capacity(self.loosened.len());
        let mut must = Vec::with_capacity(self.loosened.len());
        for (number, (op, loosened)) in self.compiled.ops.iter().zip(&self.loosened).enumerate() {
            let is_blamed = blamed.binary_search(&(number as u32)).is_ok();
            if is_blamed || !op.step.only_looks() {
                operations.push(loosened.as_ref().unwrap_or_else(|| operation(op)));
                must.push(is_blamed);
            }
        }
        self.model.survey(&operations, &must)
    }

    pub(crate) fn is_opaque(&self) -> bool {
        self.compiled.opaque
    }

    /// The blamed operations with those that may have helped them, and the states in which they may have begun.
    fn part(&self, blamed: &[u32]) -> (Compiled, Vec<u32>) {
        let Compiled { initial, appends, opaque, .. } = self.compiled;
        let whole = !self.is_register() || self.compiled.ops.len() <= EXACT_MAX;
        let start = blamed.iter().map(|number| self.op(*number).call).min().unwrap_or(0);
        let mut states = vec![initial];
        let mut numbers = blamed.to_vec();
        if whole {
            numbers = (0..self.compiled.ops.len() as u32).collect();
        } else {
            for (value, writers) in &self.writers {
                // Of what was over before, only that the value may have been this one.
                let before = |number: &&u32| self.op(**number).ret < start;
                let seen = self.is_seen(*value, blamed, 0);
                if seen && writers.iter().any(|number| before(&number)) {
                    states.push(*value);
                }
                if seen {
                    numbers.extend(writers.iter().filter(|number| !before(number)));
                }
            }
            numbers.sort_unstable();
            numbers.dedup();
            states.sort_unstable();
            states.dedup();
        }
        let mut part = Compiled { initial, appends, opaque, ..Compiled::default() };
        for number in numbers {
            let mut op = *self.op(number);
            if blamed.binary_search(&number).is_err() {
                op.must = false;
                if let Step::Swap(_, value) = op.step
                    && !whole
                {
                    op.step = Step::Write(value);
                }
                if op.step.only_looks() {
                    continue;
                }
            }
            part.differs |= matches!(op.step, Step::Differs(_));
            part.ops.push(op);
        }
        (part, states)
    }

    /// Whether somebody among the blamed can have seen a value that was written after a time.
    fn is_seen(&self, value: u32, blamed: &[u32], since: u64) -> bool {
        let saw = |step: Step| match step {
            Step::Read(seen) | Step::Swap(seen, _) => seen == value,
            Step::Differs(seen) => seen != value,
            Step::Write(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => false,
        };
        blamed.iter().map(|number| self.op(*number)).any(|op| op.ret >= since && saw(op.step))
    }

    /// Others that may have written what the blamed saw, the latest `most` of them by call.
    pub(crate) fn helpers(&self, blamed: &[u32], most: usize) -> Vec<u32> {
        let seen = blamed.iter().filter_map(|number| match self.op(*number).step {
            Step::Read(seen) | Step::Swap(seen, _) => Some(seen),
            Step::Write(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                None
            }
        });
        let words = &self.compiled.words;
        let texts =
            if self.compiled.appends { words.parts_of(&seen.collect::<Vec<u32>>()) } else { Vec::new() };
        let is_part = |row: &[u32]| {
            let within = |text: &Vec<u32>| row.is_empty() || text.windows(row.len()).any(|run| run == row);
            texts.iter().any(within)
        };
        let helps = |number: &u32| match self.op(*number).step {
            Step::Write(value) | Step::Swap(_, value) if self.compiled.appends => value != SINK,
            Step::Write(value) | Step::Swap(_, value) => self.is_seen(value, blamed, self.op(*number).call),
            Step::Append(row) => is_part(&words.rows[row as usize]),
            Step::Opaque(_) => true,
            Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_) => false,
        };
        let others = (0..self.compiled.ops.len() as u32).rev();
        let others = others.filter(|number| blamed.binary_search(number).is_err());
        let mut helpers: Vec<u32> = others.filter(helps).take(most).collect();
        helpers.reverse();
        helpers
    }
}
