//! Which fingerprints were seen, each with a number: 16 bytes a place, at most three in four of them taken.
//!
//! Holds: what is found does not depend on the order in which fingerprints came. Fingerprints are as good as random, so they
//! need no hashing. Of each 96 bits are kept: among a thousand million, two are taken for one once in 10^11 tables.
//! Not here: what the numbers count (`cast`, `breadth`).

/// A map from fingerprints to numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// 96 bits of a fingerprint above its number. A free place is 0.
    places: Vec<u128>,
    taken: usize,
}

/// The least size of a table that holds something.
const PLACES_MIN: usize = 64;
const NUMBER_BITS: u32 = u32::BITS;

impl Table {
    /// The number of a fingerprint.
    pub(super) fn get(&self, fingerprint: u128) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        let place = self.places[self.place(key_of(fingerprint))];
        (place != FREE).then_some(place as u32)
    }

    /// Gives a fingerprint a number, unless it has one. Returns the number that it had.
    pub(super) fn insert(&mut self, fingerprint: u128, number: u32) -> Option<u32> {
        if self.taken * 4 >= self.places.len() * 3 {
            self.grow();
        }
        let key = key_of(fingerprint);
        let place = self.place(key);
        if self.places[place] != FREE {
            return Some(self.places[place] as u32);
        }
        self.places[place] = key << NUMBER_BITS | u128::from(number);
        self.taken += 1;
        None
    }

    /// How many fingerprints have a number.
    pub(super) fn len(&self) -> usize {
        self.taken
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<u128>()
    }

    /// Where a key stands, or would.
    fn place(&self, key: u128) -> usize {
        let mask = self.places.len() - 1;
        let mut place = key as usize & mask;
        while self.places[place] != FREE && self.places[place] >> NUMBER_BITS != key {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(PLACES_MIN);
        let places = core::mem::replace(&mut self.places, vec![FREE; size]);
        for taken in places.into_iter().filter(|place| *place != FREE) {
            let place = self.place(taken >> NUMBER_BITS);
            self.places[place] = taken;
        }
    }
}

const FREE: u128 = 0;

/// What is kept of a fingerprint; never 0.
fn key_of(fingerprint: u128) -> u128 {
    (fingerprint << NUMBER_BITS >> NUMBER_BITS).max(1)
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
    fn a_fingerprint_takes_less_than_fifty_bytes() {
        let mut table = Table::default();
        for number in 0..50_000 {
            table.insert(fingerprint(u64::from(number)), number);
            assert!(number < 1_000 || table.bytes() < 50 * (number as usize + 1), "{number}");
        }
    }
}
