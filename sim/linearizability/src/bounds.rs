//! What a register's intervals alone contradict, however often values are written.
//!
//! Who saw a value needs a writer of it that was called before the return, and behind which no operation that shows
//! another value both began after it and ended before the reading. For each reading it is enough to compare the writer
//! that returned last with the latest call among those that show another value and ended before.
//!
//! Holds: what is reported contradicts; silence says nothing. O(n log n) time.
//! Not here: deciding (`zones`, `search`).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::compile::{Op, Step};
use crate::history::UNKNOWN;

/// The latest call among operations that show a value, and among those that do not show that value.
#[derive(Clone, Copy, Default)]
struct Latest {
    call: u64,
    value: u32,
    /// The latest call that shows another value than `value`.
    other: u64,
}

impl Latest {
    /// A compare-and-set: whatever the value, it was another one before or after.
    fn change(&mut self, call: u64) {
        self.other = self.other.max(call);
        self.call = self.call.max(call);
    }

    fn show(&mut self, value: u32, call: u64) {
        if value == self.value {
            self.call = self.call.max(call);
        } else if call > self.call {
            *self = Latest { call, value, other: self.call.max(self.other) };
        } else {
            self.other = self.other.max(call);
        }
    }

    fn other_than(&self, value: u32) -> u64 {
        if value == self.value { self.other } else { self.call }
    }
}

/// By call: the latest return among a value's writers so far.
type Writers = HashMap<u32, Vec<(u64, u64)>, FxBuildHasher>;

fn writers(ops: &[Op], initial: &[u32]) -> Writers {
    let mut writers = Writers::default();
    for value in initial {
        writers.entry(*value).or_default().push((0, 0));
    }
    for op in ops {
        let value = match op.step {
            Step::Write(value) => value,
            Step::Swap(expected, value) if expected != value => value,
            Step::Swap(..) | Step::Read(_) | Step::Differs(_) => continue,
            Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => continue,
        };
        let entry = writers.entry(value).or_default();
        let latest = entry.last().map_or(0, |(_, ret)| *ret);
        entry.push((op.call, op.ret.max(latest)));
    }
    writers
}

/// The number of an operation of a register that no order can explain, when the intervals show it.
pub(crate) fn contradiction(ops: &[Op], initial: &[u32]) -> Option<u32> {
    let writers = writers(ops, initial);
    let mut ended: Vec<(u64, u32)> = Vec::with_capacity(ops.len());
    for (number, op) in ops.iter().enumerate() {
        if op.must && op.ret != UNKNOWN {
            ended.push((op.ret, number as u32));
        }
    }
    ended.sort_unstable();
    let mut latest = Latest::default();
    let mut next = 0;
    for (number, op) in ops.iter().enumerate().filter(|(_, op)| op.must) {
        let (Step::Read(value) | Step::Swap(value, _)) = op.step else { continue };
        while let Some((_, before)) = ended.get(next).filter(|(ret, _)| *ret < op.call) {
            let other = &ops[*before as usize];
            match other.step {
                Step::Read(shown) | Step::Write(shown) => latest.show(shown, other.call),
                Step::Swap(from, to) if from == to => latest.show(to, other.call),
                Step::Swap(..) => latest.change(other.call),
                Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {}
            }
            next += 1;
        }
        let Some(of_value) = writers.get(&value) else { return Some(number as u32) };
        let called = of_value.partition_point(|(call, _)| *call <= op.ret);
        if called == 0 || of_value[called - 1].1 < latest.other_than(value) {
            return Some(number as u32);
        }
    }
    None
}
