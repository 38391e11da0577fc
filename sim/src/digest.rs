//! The running hash of a run: 128 bits of state, one multiplication a word.
//!
//! Holds: every word changes the state in a way that can be undone, so that nothing is ever forgotten; the same words give
//! the same state on every machine, whatever its word size and byte order.
//! Not here: which words a record is made of (`trace::encode`).

use std::hash::{Hash, Hasher};

/// Odd, and without a pattern: the first 128 bits of the fraction of the golden ratio, made odd.
const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// What was hashed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest(u128);

impl Digest {
    /// The digest of nothing.
    pub(crate) fn new() -> Digest {
        Digest(FACTOR)
    }

    /// Adds a word. Both halves of the step can be undone: an odd factor has an inverse, and the upper half is still there.
    #[inline]
    pub(crate) fn word(&mut self, word: u64) {
        let product = (self.0 ^ u128::from(word)).wrapping_mul(FACTOR);
        self.0 = product ^ (product >> 64);
    }

    /// The 128 bits that stand for everything so far. The last word has not met the upper bits yet: two more steps let it.
    pub(crate) fn value(mut self) -> u128 {
        self.word(0);
        self.word(0);
        self.0
    }
}

/// A hasher of a digest, for values whose parts only their own type knows.
pub(crate) struct Words(pub(crate) Digest);

/// A number that stands for a value, from what it hashes: the same on every machine and in every run.
#[must_use]
pub fn of(value: &impl Hash) -> u64 {
    let mut words = Words(Digest::new());
    value.hash(&mut words);
    words.finish()
}

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        whole.iter().for_each(|chunk| self.0.word(u64::from_le_bytes(*chunk)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.0.word(u64::from_le_bytes(last));
        }
        // Without its length `[1]` would be `[1, 0]`; whole words tell theirs by themselves where one value follows another.
        self.0.word(bytes.len() as u64);
    }
    fn write_u8(&mut self, number: u8) {
        self.0.word(u64::from(number));
    }
    fn write_u16(&mut self, number: u16) {
        self.0.word(u64::from(number));
    }
    fn write_u32(&mut self, number: u32) {
        self.0.word(u64::from(number));
    }
    fn write_u64(&mut self, number: u64) {
        self.0.word(number);
    }
    fn write_u128(&mut self, number: u128) {
        self.0.word(number as u64);
        self.0.word((number >> 64) as u64);
    }
    fn write_usize(&mut self, number: usize) {
        self.0.word(number as u64);
    }
    fn write_isize(&mut self, number: isize) {
        self.0.word(number as u64);
    }
    fn finish(&self) -> u64 {
        self.0.value() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn digest(words: &[u64]) -> u128 {
        let mut digest = Digest::new();
        words.iter().for_each(|&word| digest.word(word));
        digest.value()
    }

    #[test]
    fn a_digest_is_fixed_for_ever() {
        assert_eq!(digest(&[]), 0x4ba4_e9fe_fabb_ec3d_1615_0309_14e5_faa9);
        assert_eq!(digest(&[1, 2, 3]), 0xa0f5_3a42_df53_9cc1_addc_afc8_d9d9_f902);
    }

    #[test]
    fn order_length_and_every_bit_count() {
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_ne!(digest(&[0]), digest(&[0, 0]));
        let flipped = (0..64).map(|bit| digest(&[7, 1 << bit, 7]));
        assert_eq!(flipped.collect::<BTreeSet<_>>().len(), 64);
        assert_ne!(of(&[1u8].as_slice()), of(&[1u8, 0].as_slice()));
        assert_ne!(of(&("ab", "c")), of(&("a", "bc")));
    }

    #[test]
    fn one_bit_changes_half_of_all_bits() {
        for bit in 0..64 {
            let changed = (digest(&[5, 6]) ^ digest(&[5, 6 ^ (1 << bit)])).count_ones();
            assert!((36..92).contains(&changed), "bit {bit} changes {changed}");
        }
    }
}
