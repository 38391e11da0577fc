//! States that wait to be expanded, one after the other in a few long lists, so that none has memory of its own.
//!
//! Not here: what a state is (`state`), and which are known (`table`).

use super::sleep::Sleep;
use super::state::State;
use super::what::Spent;

/// The number of a state.
pub(super) type Number = u32;

/// Where a state of the layer stands: its part, and its place there.
pub(super) type Spot = (usize, usize);

/// States of one layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    waiting: Vec<Waiting>,
    /// Players and messages of all states.
    numbers: Vec<u32>,
    /// Sums of all states: as many of each as there are names.
    sums: Vec<u128>,
}

/// What there is one of for each state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    /// Where its numbers end.
    end: usize,
    pub(super) number: Number,
    memory: u32,
    spent: Spent,
    pub(super) sleep: Sleep,
}

impl Layer {
    /// How many states.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What there is one of for a state.
    pub(super) fn waiting(&self, place: usize) -> &Waiting {
        &self.waiting[place]
    }

    /// What sleeps in a state.
    pub(super) fn sleep_mut(&mut self, place: usize) -> &mut Sleep {
        &mut self.waiting[place].sleep
    }

    /// The fingerprint of a state by its own names.
    pub(super) fn raw(&self, place: usize) -> u128 {
        self.sums_of(place)[0]
    }

    /// Makes `state` a copy of a state.
    pub(super) fn read(&self, place: usize, state: &mut State) {
        let Waiting { memory, spent, .. } = self.waiting[place];
        state.set(self.numbers_of(place), memory, spent, self.sums_of(place));
    }

    /// Adds a state.
    pub(super) fn push(&mut self, number: Number, state: &State, sleep: Sleep) {
        self.numbers.extend_from_slice(&state.numbers);
        self.sums.extend_from_slice(&state.sums);
        let State { memory, spent, .. } = *state;
        self.waiting.push(Waiting { end: self.numbers.len(), number, memory, spent, sleep });
    }

    /// Adds a state of another layer, under a number.
    pub(super) fn push_from(&mut self, number: Number, other: &Layer, place: usize) {
        self.numbers.extend_from_slice(other.numbers_of(place));
        self.sums.extend_from_slice(other.sums_of(place));
        self.waiting.push(Waiting { end: self.numbers.len(), number, ..other.waiting[place] });
    }

    /// Takes the last state away.
    pub(super) fn pop(&mut self) {
        self.sums.truncate(self.sums.len() - self.names());
        self.waiting.pop();
        self.numbers.truncate(self.waiting.last().map_or(0, |waiting| waiting.end));
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
            + self.numbers.capacity() * 4
            + self.sums.capacity() * 16
    }

    fn names(&self) -> usize {
        self.sums.len() / self.waiting.len().max(1)
    }

    fn numbers_of(&self, place: usize) -> &[u32] {
        let begin = place.checked_sub(1).map_or(0, |before| self.waiting[before].end);
        &self.numbers[begin..self.waiting[place].end]
    }

    fn sums_of(&self, place: usize) -> &[u128] {
        let names = self.names();
        &self.sums[place * names..][..names]
    }
}
