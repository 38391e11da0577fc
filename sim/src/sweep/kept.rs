//! What came of many blocks, without the blocks: memory does not grow with what each of them saw.
//!
//! Holds: a block counts once; one that differs from what is there under its number is noticed, and does not count.
//! Not here: what is in a block (`sweep`), and blocks on the disk (`journal`).

use std::collections::BTreeMap;

use super::Block;

/// The sum of blocks, and a fingerprint of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    prints: BTreeMap<u64, u64>,
    sum: Block,
}

/// What became of a block that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    /// It is there already.
    Known,
    /// Another one of its number is there.
    Differs,
}

impl Kept {
    /// Adds a block.
    pub(crate) fn add(&mut self, block: Block) -> Added {
        let print = fingerprint(&block);
        match self.prints.get(&block.number) {
            Some(known) if *known == print => return Added::Known,
            Some(_) => return Added::Differs,
            None => {}
        }
        self.prints.insert(block.number, print);
        self.sum.merge(block);
        Added::New
    }

    /// How many blocks there are.
    #[must_use]
    pub(crate) fn len(&self) -> u64 {
        self.prints.len() as u64
    }

    /// Their numbers, in order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.prints.keys().copied()
    }

    /// All of them as one block, whose number means nothing; its failures are in no order.
    #[must_use]
    pub(crate) fn sum(&self) -> &Block {
        &self.sum
    }

    /// Whether this block is there.
    #[cfg(test)]
    pub(crate) fn holds(&self, block: &Block) -> bool {
        self.prints.get(&block.number) == Some(&fingerprint(block))
    }
}

fn fingerprint(block: &Block) -> u64 {
    // Plain data with text as keys can always be written down.
    let text = serde_json::to_vec(block).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_counts_once_and_one_that_differs_does_not() {
        let block = |number, events| Block { number, runs: 16, events, ..Block::default() };
        let mut kept = Kept::default();
        assert_eq!(kept.add(block(3, 5)), Added::New);
        assert_eq!(kept.add(block(3, 5)), Added::Known);
        assert_eq!(kept.add(block(3, 6)), Added::Differs);
        assert_eq!(kept.add(block(1, 7)), Added::New);
        assert_eq!((kept.len(), kept.sum().runs, kept.sum().events), (2, 32, 12));
        assert_eq!(kept.numbers().collect::<Vec<_>>(), [1, 3]);
        assert!(kept.holds(&block(3, 5)) && !kept.holds(&block(3, 6)));
    }
}
