//! Operations that only the model understands, on states that are numbered as they are met.
//!
//! Not here: plain reads and writes, which need no model (`compile`).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::compile::Words;
use crate::history::History;
use crate::model::Model;

/// How operations that are not plain reads and writes change a state.
pub(crate) trait Machine {
    fn append(&mut self, state: u32, row: u32) -> u32;
    fn step(&mut self, state: u32, place: u32) -> Option<u32>;
    /// How many bytes it holds, roughly.
    fn memory(&self) -> usize;
}

/// States of a user's model, numbered as they are met.
#[derive(Clone, Debug)]
pub(crate) struct States<S> {
    states: Vec<S>,
    numbers: HashMap<S, u32, FxBuildHasher>,
    /// Bytes that the states hold beside themselves.
    weight: usize,
}

impl<S> Default for States<S> {
    fn default() -> Self {
        States { states: Vec::new(), numbers: HashMap::default(), weight: 0 }
    }
}

impl<S: Clone + Eq + std::hash::Hash> States<S> {
    pub(crate) fn number(&mut self, state: S, weight: impl FnOnce(&S) -> usize) -> u32 {
        if let Some(number) = self.numbers.get(&state) {
            return *number;
        }
        self.weight += weight(&state);
        let number = self.states.len() as u32;
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    pub(crate) fn state(&self, number: u32) -> &S {
        &self.states[number as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn memory(&self) -> usize {
        // The state itself twice, and what a typical one points to.
        self.states.len() * (2 * size_of::<S>() + 64) + 2 * self.weight
    }
}

/// The operations of a history that only the model understands.
pub(crate) struct Opaque<'a, M: Model> {
    model: &'a M,
    history: &'a History<M::Input, M::Output>,
    states: States<M::State>,
    words: &'a Words,
}

impl<'a, M: Model> Opaque<'a, M> {
    pub(crate) fn new(model: &'a M, history: &'a History<M::Input, M::Output>, words: &'a Words) -> Self {
        Opaque { model, history, states: States::default(), words }
    }

    pub(crate) fn initial(&mut self) -> u32 {
        self.states.number(self.model.initial(), |state| self.model.weight(state))
    }
}

impl<M: Model> Machine for Opaque<'_, M> {
    fn append(&mut self, state: u32, row: u32) -> u32 {
        self.words.append(state, row)
    }

    fn step(&mut self, state: u32, place: u32) -> Option<u32> {
        let operation = &self.history.operations()[place as usize];
        let next = self.model.step(self.states.state(state), &operation.input, operation.output.as_ref())?;
        Some(self.states.number(next, |state| self.model.weight(state)))
    }

    fn memory(&self) -> usize {
        self.states.memory()
    }
}
