//! A list that grows at its end, in blocks that its copies share: a copy costs a reference count for each block.
//!
//! Holds: a write to a copy changes that copy only; it copies one block, the first time.
//! Not here: what is kept in such lists (`history`, `check`).

use std::ops::Index;
use std::sync::Arc;

/// How many values a block has. A copy of a list of ten thousand touches forty counters; the first write to a copy moves one
/// block, some ten kilobytes.
const BLOCK: usize = 256;

/// A list that grows at its end.
#[derive(Clone, Debug)]
pub struct Blocks<T> {
    /// All full but the last.
    blocks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Blocks { blocks: Vec::new() }
    }
}

impl<T: Clone> Blocks<T> {
    /// Adds a value.
    pub fn push(&mut self, value: T) {
        match self.blocks.last_mut() {
            Some(last) if last.len() < BLOCK => Arc::make_mut(last).push(value),
            Some(_) | None => self.blocks.push(Arc::new(vec![value])),
        }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)
    }

    /// The value at a place, to be changed in this list only.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        Arc::make_mut(self.blocks.get_mut(place / BLOCK)?).get_mut(place % BLOCK)
    }

    /// Every value, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.blocks.iter().flat_map(|block| block.iter())
    }
}

impl<T: Clone> Blocks<Option<T>> {
    /// The value that was first given for a place: this one, if there was none. Places before it may stay empty.
    pub fn first(&mut self, place: usize, value: T) -> &T {
        while self.len() <= place {
            self.push(None);
        }
        if self[place].is_none()
            && let Some(slot) = self.get_mut(place)
        {
            *slot = Some(value);
        }
        self[place].as_ref().expect("it was just filled")
    }
}

impl<T: Clone> Index<usize> for Blocks<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        &self.blocks[place / BLOCK][place % BLOCK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn copies_are_as_independent_as_those_of_a_vector(moves in proptest::collection::vec((0..3u8, 0..700usize), 1..60)) {
            let (mut lists, mut twins) = (vec![Blocks::default()], vec![Vec::new()]);
            for (kind, number) in moves {
                let who = number % lists.len();
                match kind {
                    0 => (0..number).for_each(|value| {
                        lists[who].push(value);
                        twins[who].push(value);
                    }),
                    1 => {
                        lists.push(lists[who].clone());
                        twins.push(twins[who].clone());
                    }
                    _ => {
                        let place = number * 3;
                        if let Some(value) = lists[who].get_mut(place) {
                            *value += 1;
                            twins[who][place] += 1;
                        }
                        prop_assert_eq!(lists[who].get(place), twins[who].get(place));
                    }
                }
            }
            for (list, twin) in lists.iter().zip(&twins) {
                prop_assert_eq!(list.len(), twin.len());
                prop_assert!(list.iter().eq(twin.iter()));
            }
        }
    }

    #[test]
    fn the_first_value_of_a_place_stays() {
        let mut list = Blocks::default();
        assert_eq!(*list.first(300, 7), 7);
        let mut copy = list.clone();
        assert_eq!((*copy.first(300, 8), *copy.first(2, 9)), (7, 9));
        assert_eq!((list[2], list.len()), (None, 301));
    }
}
