//! Everything that happened, as records; and their running digest, which is the identity of a run.
//!
//! Holds: two runs with the same digest had the same records; the digest does not depend on the machine's word size or
//! byte order. Not here: what causes a record (`world`).

use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::Xxh3;

use crate::protocol::NodeId;
use crate::time::Moment;

/// One line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The event in which it happened, counted from 1; 0 before the first.
    pub event: u64,
    /// When.
    pub at: Moment,
    /// Where, if it happened to a node.
    pub node: Option<NodeId>,
    /// What, for people.
    pub text: String,
}

/// The running hash of a run and, when asked for, its records.
#[derive(Clone)]
pub struct Trace {
    hasher: StableHasher,
    records: Option<Vec<Record>>,
}

impl core::fmt::Debug for Trace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Trace({:032x})", self.digest())
    }
}

impl Trace {
    /// An empty trace that keeps its records or only their digest.
    #[must_use]
    pub fn new(keep: bool) -> Trace {
        Trace { hasher: StableHasher(Xxh3::new()), records: keep.then(Vec::new) }
    }

    /// Adds something that happened: its values to the digest, and its line, made only when records are kept.
    pub fn push(
        &mut self,
        event: u64,
        at: Moment,
        node: Option<NodeId>,
        values: &impl Hash,
        text: impl FnOnce() -> String,
    ) {
        values.hash(&mut self.hasher);
        if let Some(records) = &mut self.records {
            records.push(Record { event, at, node, text: text() });
        }
    }

    /// The digest of everything so far: 128 bits.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.hasher.0.digest128()
    }

    /// The records, if they are kept.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.records.as_deref().unwrap_or_default()
    }
}

/// xxh3 fed in one byte order and word size, so that a digest is the same on every machine.
#[derive(Clone)]
struct StableHasher(Xxh3);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn write_u16(&mut self, number: u16) {
        self.0.update(&number.to_le_bytes());
    }
    fn write_u32(&mut self, number: u32) {
        self.0.update(&number.to_le_bytes());
    }
    fn write_u64(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }
    fn write_u128(&mut self, number: u128) {
        self.0.update(&number.to_le_bytes());
    }
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
    fn finish(&self) -> u64 {
        self.0.digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_runs_apart_and_is_fixed_for_ever() {
        let digest = |values: &[u32]| {
            let mut trace = Trace::new(false);
            for value in values {
                trace.push(1, Moment(5), None, value, String::new);
            }
            trace.digest()
        };
        assert_eq!(digest(&[1, 2]), digest(&[1, 2]));
        assert_ne!(digest(&[1, 2]), digest(&[2, 1]));
        assert_eq!(digest(&[]), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
    }
}
