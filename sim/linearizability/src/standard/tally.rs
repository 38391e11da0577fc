//! What a history of a counter shows without a search: between two reads of which one returned before the other was
//! called, the counter cannot have risen or fallen by more than what may have been added between them.
//!
//! Added between them may be whatever overlaps the time from the first's call to the second's return; and for certain,
//! what was called after the first returned and returned before the second was called. The beginning counts as a read
//! of the initial value. O(n log n): everything about one pair is a difference of sums up to times, so of all first
//! reads only the least matters.
//!
//! Holds: a contradiction is one; silence says nothing.

use super::{Action, Input, Output};
use crate::history::Operation;
use crate::model::Survey;
use crate::value::{Value, Values};

/// Most first reads that are tried for blame, the latest of them.
const TRIED_MAX: usize = 32;

#[derive(Clone, Copy)]
struct Add {
    call: u64,
    ret: u64,
    by: i128,
    must: bool,
    place: usize,
}

#[derive(Clone, Copy)]
struct Read {
    call: u64,
    ret: u64,
    seen: i128,
    place: usize,
}

pub(super) fn of(
    values: &Values,
    initial: Value,
    operations: &[&Operation<Input, Output>],
    must: &[bool],
) -> Survey {
    let Some(tally) = Tally::of(values, initial, operations, must) else { return Survey::default() };
    // Too low is too high with every sign turned.
    let turned = tally.turned();
    let both = [(&tally, tally.first_excess()), (&turned, turned.first_excess())];
    let found = both.into_iter().filter_map(|(tally, excess)| Some((tally, excess?)));
    let first = found.min_by_key(|(tally, excess)| tally.reads[excess.read].ret);
    match first.and_then(|(tally, excess)| tally.blame(&excess)) {
        Some(few) => Survey::Contradiction(few),
        None => Survey::default(),
    }
}

/// A read that saw too much, and earlier ones against which it may show; `None` is the beginning.
struct Excess {
    read: usize,
    since: Vec<Option<usize>>,
}

struct Tally {
    initial: i128,
    adds: Vec<Add>,
    /// By return.
    reads: Vec<Read>,
}

impl Tally {
    fn of(
        values: &Values,
        initial: Value,
        operations: &[&Operation<Input, Output>],
        must: &[bool],
    ) -> Option<Tally> {
        let initial = i128::from(values.content(initial).number().unwrap_or(0));
        let mut tally = Tally { initial, adds: Vec::new(), reads: Vec::new() };
        let mut most = initial.abs();
        for (place, operation) in operations.iter().enumerate() {
            let Operation { call, ret, .. } = **operation;
            match (operation.input.action, operation.output) {
                (Action::Add(by), _) => {
                    let by = i128::from(values.content(by).number()?);
                    most += by.abs();
                    tally.adds.push(Add { call, ret, by, must: must[place], place });
                }
                (Action::Read, Some(Output::Read(seen))) if must[place] => {
                    let seen = i128::from(values.content(seen).number()?);
                    tally.reads.push(Read { call, ret, seen, place });
                }
                (Action::Read, _) => {}
                (_, _) => return None,
            }
        }
        tally.reads.sort_unstable_by_key(|read| (read.ret, read.place));
        // Beyond, the counter would begin again at the other end.
        (most <= i128::from(i64::MAX)).then_some(tally)
    }

    fn turned(&self) -> Tally {
        let adds = self.adds.iter().map(|add| Add { by: -add.by, ..*add }).collect();
        let reads = self.reads.iter().map(|read| Read { seen: -read.seen, ..*read }).collect();
        Tally { initial: -self.initial, adds, reads }
    }

    /// The read that returned first of those that saw too much.
    fn first_excess(&self) -> Option<Excess> {
        let up = |add: &&Add| add.by > 0;
        let down = |add: &&Add| add.by < 0 && add.must;
        let up_called = Sums::new(self.adds.iter().filter(up).map(|add| (add.call, add.by)));
        let up_returned = Sums::new(self.adds.iter().filter(up).map(|add| (add.ret, add.by)));
        let down_called = Sums::new(self.adds.iter().filter(down).map(|add| (add.call, add.by)));
        let down_returned = Sums::new(self.adds.iter().filter(down).map(|add| (add.ret, add.by)));
        // The least for each number of first reads: what was seen without what was surely added before, and the same
        // with what must be taken away behind it.
        let mut least = vec![[(self.initial, None); 2]];
        for (number, read) in self.reads.iter().enumerate() {
            let [plain, lowered] = least[number];
            let own = read.seen - up_returned.before(read.call);
            let own_lowered = own - down_called.through(read.ret);
            least.push([plain.min((own, Some(number))), lowered.min((own_lowered, Some(number)))]);
        }
        for (number, read) in self.reads.iter().enumerate() {
            let before = self.reads.partition_point(|other| other.ret < read.call);
            let [plain, lowered] = least[before];
            let seen = read.seen - up_called.through(read.ret);
            if seen > plain.0 || seen - down_returned.before(read.call) > lowered.0 {
                let near = (before.saturating_sub(TRIED_MAX)..before).map(Some);
                let since = [plain.1, lowered.1, None].into_iter().chain(near).collect();
                return Some(Excess { read: number, since });
            }
        }
        None
    }

    /// The fewest operations found that show an excess.
    fn blame(&self, excess: &Excess) -> Option<Vec<usize>> {
        let read = self.reads[excess.read];
        let against = |since: &Option<usize>| self.against(since.map(|number| self.reads[number]), read);
        excess.since.iter().filter_map(against).min_by_key(Vec::len)
    }

    /// The operations through which a read saw too much after another, or after the beginning.
    fn against(&self, since: Option<Read>, read: Read) -> Option<Vec<usize>> {
        let may_be_between =
            |add: &&Add| add.call <= read.ret && since.is_none_or(|since| add.ret >= since.call);
        let must_be_between =
            |add: &&Add| add.must && add.ret < read.call && since.is_none_or(|since| add.call > since.ret);
        let up: i128 = self.adds.iter().filter(may_be_between).map(|add| add.by.max(0)).sum();
        let mut lacking = read.seen - since.map_or(self.initial, |since| since.seen) - up;
        let mut down: Vec<&Add> = self.adds.iter().filter(must_be_between).filter(|add| add.by < 0).collect();
        down.sort_unstable_by_key(|add| (add.by, add.place));
        let mut few: Vec<usize> = since.iter().map(|since| since.place).collect();
        few.push(read.place);
        for add in down {
            if lacking > 0 {
                break;
            }
            lacking -= add.by;
            few.push(add.place);
        }
        few.sort_unstable();
        (lacking > 0).then_some(few)
    }
}

/// Sums of what happened up to a time.
struct Sums {
    times: Vec<u64>,
    /// One more than times: the sum of the first so many.
    sums: Vec<i128>,
}

impl Sums {
    fn new(parts: impl Iterator<Item = (u64, i128)>) -> Sums {
        let mut parts: Vec<(u64, i128)> = parts.collect();
        parts.sort_unstable();
        let mut sums = vec![0];
        for (number, (_, by)) in parts.iter().enumerate() {
            sums.push(sums[number] + by);
        }
        Sums { times: parts.into_iter().map(|(time, _)| time).collect(), sums }
    }

    fn before(&self, time: u64) -> i128 {
        self.sums[self.times.partition_point(|other| *other < time)]
    }

    fn through(&self, time: u64) -> i128 {
        self.sums[self.times.partition_point(|other| *other <= time)]
    }
}
