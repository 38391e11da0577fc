//! Sequential consistency: some order of all operations explains the answers and keeps the order of each process.
//!
//! Lamport, "How to make a multiprocessor computer that correctly executes multiprocess programs", IEEE TC 28(9), 1979.
//! Time between processes does not count, so keys cannot be judged one by one: the orders of two keys may contradict
//! each other. The search goes depth first over how far each process came, with a memo of (how far, states of the
//! keys). What only looks and fits is taken at once: nothing that another process may do asks for it to wait.
//!
//! Holds: equal arguments take equal steps. The same budget as linearizability.
//! Not here: linearizability, which also implies this (`check`).

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::budget::Budget;
use crate::check::{Options, Reason, Verdict, check};
use crate::history::{History, Operation};
use crate::machine::States;
use crate::model::Model;

/// Whether a history is sequentially consistent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequential {
    /// Some order explains it.
    Consistent,
    /// None does. How far the longest order came that was found.
    Inconsistent(Stuck),
    /// Not decided within the budget, after so many steps.
    Unknown(Reason, u64),
}

/// Where the longest order ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// How many operations stand in it.
    pub explained: usize,
    /// How many answers there are.
    pub answers: usize,
    /// Of each process that has not finished, the place of its next operation, and the state of its key then.
    pub next: Vec<(u32, String)>,
}

/// Decides sequential consistency. Exponential in the number of processes at worst, within the budget. An operation
/// whose outcome is unknown may take effect in its turn, or never; the process goes on in both cases.
#[must_use]
pub fn check_sequential<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    budget: &Budget,
) -> Sequential {
    // What is linearizable is sequentially consistent as well, and that is mostly quick to see.
    let quick = Budget { steps: budget.steps / 4, ..*budget };
    if takes_turns(history)
        && let Verdict::Linearizable = check(history, model, &Options { budget: quick, ..Options::default() })
    {
        return Sequential::Consistent;
    }
    let mut search = Search::new(history, model);
    let start = search.start();
    let mut stack = vec![start];
    let mut steps = 0u64;
    while let Some(mut at) = stack.pop() {
        search.look(&mut at);
        if search.is_done(&at) {
            return Sequential::Consistent;
        }
        if !search.visited.insert(at.clone()) {
            continue;
        }
        steps += 1;
        if steps > budget.steps {
            return Sequential::Unknown(Reason::Steps, steps);
        }
        if search.memory() > budget.memory {
            return Sequential::Unknown(Reason::Memory, steps);
        }
        search.keep_longest(&at);
        search.advance(&at, &mut stack);
    }
    Sequential::Inconsistent(search.stuck())
}

/// Whether each process asked for one thing at a time, so that time keeps its order.
fn takes_turns<I, O>(history: &History<I, O>) -> bool {
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    let in_turn = |operation: &Operation<I, O>| {
        let before = last.insert(operation.process, operation.ret);
        before.is_none_or(|before| before < operation.call)
    };
    history.operations().iter().all(in_turn)
}

/// How far each process came, and the state of each key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct At {
    gone: Vec<u32>,
    states: Vec<u32>,
}

struct Search<'a, M: Model> {
    history: &'a History<M::Input, M::Output>,
    model: &'a M,
    /// Places of each process, in its order.
    processes: Vec<Vec<u32>>,
    /// The number of each key.
    keys: HashMap<u32, usize, FxBuildHasher>,
    states: States<M::State>,
    visited: HashSet<At, FxBuildHasher>,
    longest: Option<At>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(history: &'a History<M::Input, M::Output>, model: &'a M) -> Self {
        let mut processes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut keys = HashMap::default();
        for (place, operation) in history.operations().iter().enumerate() {
            let count = keys.len();
            keys.entry(model.key(&operation.input)).or_insert(count);
            // A look without an answer says nothing.
            if operation.output.is_some() || !model.is_read(&operation.input) {
                processes.entry(operation.process).or_default().push(place as u32);
            }
        }
        Search {
            history,
            model,
            processes: processes.into_values().collect(),
            keys,
            states: States::default(),
            visited: HashSet::default(),
            longest: None,
        }
    }

    fn start(&mut self) -> At {
        let initial = self.states.number(self.model.initial(), |state| self.model.weight(state));
        At { gone: vec![0; self.processes.len()], states: vec![initial; self.keys.len()] }
    }

    fn next(&self, at: &At, process: usize) -> Option<&'a Operation<M::Input, M::Output>> {
        let place = self.processes[process].get(at.gone[process] as usize)?;
        Some(&self.history.operations()[*place as usize])
    }

    fn is_done(&self, at: &At) -> bool {
        // What has no answer need not take effect.
        let finished = |process: usize| {
            let left = self.processes[process].iter().skip(at.gone[process] as usize);
            left.into_iter().all(|place| self.history.operations()[*place as usize].output.is_none())
        };
        (0..self.processes.len()).all(finished)
    }

    fn after(&mut self, at: &At, operation: &Operation<M::Input, M::Output>) -> Option<(usize, u32)> {
        let key = self.keys[&self.model.key(&operation.input)];
        let state = self.states.state(at.states[key]);
        let next = self.model.step(state, &operation.input, operation.output.as_ref())?;
        Some((key, self.states.number(next, |state| self.model.weight(state))))
    }

    /// Takes every look that fits.
    fn look(&mut self, at: &mut At) {
        for process in 0..self.processes.len() {
            while let Some(operation) = self.next(at, process) {
                if !self.model.is_read(&operation.input) || self.after(at, operation).is_none() {
                    break;
                }
                at.gone[process] += 1;
            }
        }
    }

    fn advance(&mut self, at: &At, stack: &mut Vec<At>) {
        // The last is tried first: whoever was answered first, for most systems keep near to time.
        let mut order: Vec<usize> = (0..self.processes.len()).collect();
        order.sort_by_key(|process| self.next(at, *process).map(|operation| (operation.ret, operation.call)));
        for process in order.into_iter().rev() {
            let Some(operation) = self.next(at, process) else { continue };
            let mut gone = at.gone.clone();
            gone[process] += 1;
            if operation.output.is_none() {
                stack.push(At { gone: gone.clone(), states: at.states.clone() });
            }
            if let Some((key, state)) = self.after(at, operation) {
                let mut states = at.states.clone();
                states[key] = state;
                stack.push(At { gone, states });
            }
        }
    }

    fn memory(&self) -> usize {
        let each = size_of::<At>() + 4 * (self.processes.len() + self.keys.len()) + 32;
        self.visited.len() * each + self.states.memory()
    }

    fn keep_longest(&mut self, at: &At) {
        let length = |at: &At| at.gone.iter().sum::<u32>();
        if self.longest.as_ref().is_none_or(|longest| length(longest) < length(at)) {
            self.longest = Some(at.clone());
        }
    }

    fn stuck(&self) -> Stuck {
        let answers = self.history.operations().iter().filter(|operation| operation.output.is_some()).count();
        let Some(at) = &self.longest else { return Stuck { answers, ..Stuck::default() } };
        let mut next = Vec::new();
        for process in 0..self.processes.len() {
            let Some(place) = self.processes[process].get(at.gone[process] as usize) else { continue };
            let operation = &self.history.operations()[*place as usize];
            let state = self.states.state(at.states[self.keys[&self.model.key(&operation.input)]]);
            next.push((*place, self.model.describe_state(state)));
        }
        Stuck { explained: at.gone.iter().map(|gone| *gone as usize).sum(), answers, next }
    }
}
