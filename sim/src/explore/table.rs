//! Which fingerprints were seen, each with a number: 20 bytes a place, at most three in four of them taken.
//!
//! Holds: what is found does not depend on the order in which fingerprints came. Fingerprints are as good as random, so they
//! need no hashing.
//! Not here: what the numbers count (`cast`, `breadth`).

/// A map from fingerprints to numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// A free place has the fingerprint 0.
    keys: Vec<[u64; 2]>,
    numbers: Vec<u32>,
    taken: usize,
}

/// The least size of a table that holds something.
const PLACES_MIN: usize = 64;

impl Table {
    /// The number of a fingerprint.
    pub(super) fn get(&self, fingerprint: u128) -> Option<u32> {
        if self.keys.is_empty() {
            return None;
        }
        let key = key_of(fingerprint);
        let place = self.place(key);
        (self.keys[place] == key).then(|| self.numbers[place])
    }

    /// Gives a fingerprint a number, unless it has one. Returns the number that it had.
    pub(super) fn insert(&mut self, fingerprint: u128, number: u32) -> Option<u32> {
        if self.taken * 4 >= self.keys.len() * 3 {
            self.grow();
        }
        let key = key_of(fingerprint);
        let place = self.place(key);
        if self.keys[place] == key {
            return Some(self.numbers[place]);
        }
        self.keys[place] = key;
        self.numbers[place] = number;
        self.taken += 1;
        None
    }

    /// How many fingerprints have a number.
    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.keys.capacity() * 16 + self.numbers.capacity() * 4
    }

    /// Where a fingerprint stands, or would.
    fn place(&self, key: [u64; 2]) -> usize {
        let mask = self.keys.len() - 1;
        let mut place = key[0] as usize & mask;
        while self.keys[place] != FREE && self.keys[place] != key {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let places = (self.keys.len() * 2).max(PLACES_MIN);
        let keys = core::mem::replace(&mut self.keys, vec![FREE; places]);
        let numbers = core::mem::replace(&mut self.numbers, vec![0; places]);
        for (key, number) in keys.into_iter().zip(numbers).filter(|(key, _)| *key != FREE) {
            let place = self.place(key);
            self.keys[place] = key;
            self.numbers[place] = number;
        }
    }
}

const FREE: [u64; 2] = [0, 0];

fn key_of(fingerprint: u128) -> [u64; 2] {
    let key = [fingerprint as u64, (fingerprint >> 64) as u64];
    if key == FREE { [1, 0] } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn fingerprint(number: u64) -> u128 {
        let mut digest = Digest::new();
        digest.word(number);
        digest.value()
    }

    #[test]
    fn what_was_inserted_is_found_and_nothing_else() {
        let mut table = Table::default();
        assert_eq!(table.get(fingerprint(1)), None);
        for number in 0..10_000 {
            assert_eq!(table.insert(fingerprint(u64::from(number)), number), None);
        }
        for number in 0..10_000 {
            assert_eq!(table.get(fingerprint(u64::from(number))), Some(number));
            assert_eq!(table.insert(fingerprint(u64::from(number)), 0), Some(number));
        }
        assert_eq!(table.get(fingerprint(10_000)), None);
        assert_eq!(table.len(), 10_000);
    }

    #[test]
    fn a_fingerprint_takes_less_than_sixty_bytes() {
        let mut table = Table::default();
        for number in 0..50_000 {
            table.insert(fingerprint(u64::from(number)), number);
            assert!(number < 1_000 || table.bytes() < 60 * (number as usize + 1), "{number}");
        }
    }
}
