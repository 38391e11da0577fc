//! A list that grows at its end, in blocks that its copies share: a copy costs two reference counts, however long the list.
//!
//! Holds: a write to a copy changes that copy only; it copies one block, the first time, and the list of blocks when the write
//! is not near the end.
//! Not here: what is kept in such lists (`history`, `check`).

use std::ops::Index;
use std::sync::Arc;

/// How many values a block has. The first write to a copy moves one block, some ten kilobytes; of a list of ten thousand it
/// copies forty pointers at most.
const BLOCK: usize = 256;

/// A list that grows at its end.
#[derive(Clone, Debug)]
pub struct Blocks<T> {
    /// Full blocks.
    full: Arc<Vec<Arc<Vec<T>>>>,
    /// The block after them.
    open: Arc<Vec<T>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Blocks { full: Arc::default(), open: Arc::default() }
    }
}

impl<T: Clone> Blocks<T> {
    /// Adds a value.
    pub fn push(&mut self, value: T) {
        if self.open.len() == BLOCK {
            let block = std::mem::take(&mut self.open);
            Arc::make_mut(&mut self.full).push(block);
        }
        Arc::make_mut(&mut self.open).push(value);
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full.len() * BLOCK + self.open.len()
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.full.get(place / BLOCK).unwrap_or(&self.open).get(self.in_block(place))
    }

    /// The value at a place, to be changed in this list only.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        let number = place / BLOCK;
        let in_block = self.in_block(place);
        let block = match number < self.full.len() {
            true => &mut Arc::make_mut(&mut self.full)[number],
            false => &mut self.open,
        };
        Arc::make_mut(block).get_mut(in_block)
    }

    /// Where in its block a place is; beyond the last block, beyond its end.
    fn in_block(&self, place: usize) -> usize {
        place - (place / BLOCK).min(self.full.len()) * BLOCK
    }

    /// Every value, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.full.iter().flat_map(|block| block.iter()).chain(self.open.iter())
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
        self.get(place).expect("a place of the list")
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
