//! All states that were seen, in parts: each by its fingerprint, with the move that led to it.
//!
//! Holds: a part changes only when what was reached of it is taken in, in an order that does not depend on threads.
//! Not here: who reaches states (`expand`), and in which order (`breadth`).

use super::layer::{Layer, Number};
use super::sleep::Sleep;
use super::state::State;
use super::table::Table;

/// How many parts the states are kept in; each is merged by one thread. States are numbered part by part.
pub(super) const SHARDS: usize = 16;
/// A part of all states.
#[derive(Default)]
pub(super) struct Shard {
    seen: Table,
    parents: Vec<Number>,
    places: Vec<u16>,
    /// The states of the next layer, in order of their numbers.
    next: Layer,
    /// How many states of the part are of earlier layers.
    earlier: usize,
}

/// What was reached of one part.
#[derive(Default)]
pub(super) struct Part {
    /// States that were not known, each with the way to it.
    pub(super) states: Layer,
    pub(super) ways: Vec<Way>,
    /// Known states of the next layer that were reached once more.
    pub(super) again: Vec<Again>,
}

/// How a state was reached.
pub(super) struct Way {
    pub(super) fingerprint: u128,
    pub(super) parent: Number,
    pub(super) place: u16,
}

/// A state of the next layer that was reached once more.
pub(super) struct Again {
    /// Its place among those of its part.
    pub(super) local: u32,
    /// Its fingerprint by its own names.
    pub(super) raw: u128,
    pub(super) sleep: Sleep,
}

impl Part {
    /// How much was reached.
    pub(super) fn len(&self) -> usize {
        self.ways.len() + self.again.len()
    }
}

/// The part of a fingerprint.
pub(super) fn shard_of(fingerprint: u128) -> usize {
    (fingerprint >> 60) as usize % SHARDS
}

impl Shard {
    /// Takes in the first state.
    pub(super) fn begin(&mut self, number: Number, first: &State) {
        self.seen.insert(first.fingerprint(), 0);
        self.parents.push(number);
        self.places.push(0);
        self.next.push(number, first, Sleep::default());
    }

    /// Gives the states of the next layer away, which is looked at now.
    pub(super) fn take_next(&mut self) -> Layer {
        self.earlier = self.seen.len();
        core::mem::take(&mut self.next)
    }

    /// How many states there are.
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// The states of the next layer.
    pub(super) fn next(&self) -> &Layer {
        &self.next
    }

    /// From which state the state of this place was reached, and by which of its moves.
    pub(super) fn way(&self, local: usize) -> (Number, u16) {
        (self.parents[local], self.places[local])
    }

    /// How much memory what is kept of its states takes.
    pub(super) fn kept_bytes(&self) -> usize {
        self.seen.bytes() + self.parents.capacity() * size_of::<Number>() + self.places.capacity() * 2
    }

    /// The place of a state among those of the part, if it was reached before.
    pub(super) fn place_of(&self, fingerprint: u128) -> Option<u32> {
        self.seen.get(fingerprint)
    }

    /// Whether a state of the part is of the next layer.
    pub(super) fn is_next(&self, local: u32) -> bool {
        self.earlier <= local as usize
    }

    /// Takes in what was reached of it, in order; `place` is its own number.
    pub(super) fn merge(&mut self, place: usize, parts: Vec<Part>) {
        for part in parts {
            for again in part.again {
                self.wake(again.local, again.raw, &again.sleep);
            }
            for (from, way) in part.ways.iter().enumerate() {
                let local = self.parents.len();
                if let Some(known) = self.seen.insert(way.fingerprint, local as u32) {
                    let sleep = part.states.waiting(from).sleep;
                    self.wake(known, part.states.raw(from), &sleep);
                    continue;
                }
                self.parents.push(way.parent);
                self.places.push(way.place);
                self.next.push_from((local * SHARDS + place) as Number, &part.states, from);
            }
        }
    }

    /// A state of the next layer was reached once more.
    fn wake(&mut self, local: u32, raw: u128, sleep: &Sleep) {
        let Some(place) = (local as usize).checked_sub(self.earlier) else { return };
        let is_same = self.next.raw(place) == raw;
        self.next.sleep_mut(place).meet(sleep, is_same);
    }
}
