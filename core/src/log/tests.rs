//! The log against a plain `Vec` that does the same things slowly.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Do {
    Push { newer: bool },
    Cut { back: u64 },
    Compact { back: u64 },
    Restore { ahead: u64 },
}

fn doing() -> impl Strategy<Value = Do> {
    prop_oneof![
        20 => any::<bool>().prop_map(|newer| Do::Push { newer }),
        2 => (0u64..100).prop_map(|back| Do::Cut { back }),
        2 => (0u64..100).prop_map(|back| Do::Compact { back }),
        1 => (0u64..3).prop_map(|ahead| Do::Restore { ahead }),
    ]
}

/// The same log as a plain list.
#[derive(Clone, Debug)]
struct Plain {
    base: LogId,
    ids: Vec<LogId>,
}

impl Plain {
    fn last(&self) -> LogId {
        self.ids.last().copied().unwrap_or(self.base)
    }
}

fn run(log: &mut Log, plain: &mut Plain, step: &Do) {
    let last = plain.last();
    match step {
        Do::Push { newer } => {
            let id = LogId::new(last.term.0 + u64::from(*newer), last.index.0 + 1);
            log.push(Entry { id, payload: Payload::Blank });
            plain.ids.push(id);
        }
        Do::Cut { back } => {
            let from = LogIndex(last.index.0.saturating_sub(*back));
            log.cut(from);
            plain.ids.retain(|id| id.index < from);
        }
        Do::Compact { back } => {
            let through = LogIndex(last.index.0.saturating_sub(*back));
            log.compact(through);
            if let Some(id) = plain.ids.iter().find(|id| id.index == through) {
                plain.base = *id;
                plain.ids.retain(|id| id.index > through);
            }
        }
        Do::Restore { ahead } => {
            let to = LogId::new(last.term.0 + 1, last.index.0 + 1 + ahead);
            let held = log.last();
            log.restore(held);
            agree(log, plain);
            log.restore(to);
            *plain = Plain { base: to, ids: Vec::new() };
        }
    }
}

fn agree(log: &Log, plain: &Plain) {
    assert_eq!(log.base(), plain.base);
    assert_eq!(log.last(), plain.last());
    assert_eq!(log.iter().map(|entry| entry.id).collect::<Vec<_>>(), plain.ids);
    for index in 0..=plain.last().index.0 + 2 {
        let expected = plain.ids.iter().find(|id| id.index.0 == index).copied();
        assert_eq!(log.get(LogIndex(index)).map(|entry| entry.id), expected);
    }
}

proptest! {
    #[test]
    fn a_log_agrees_with_a_list(steps in proptest::collection::vec(doing(), 0..400)) {
        let mut log = Log::default();
        let mut plain = Plain { base: LogId::default(), ids: Vec::new() };
        let mut forks = Vec::new();
        for (count, step) in steps.iter().enumerate() {
            if count % 50 == 0 {
                forks.push((log.clone(), plain.clone()));
            }
            run(&mut log, &mut plain, step);
            prop_assert_eq!(log.last(), plain.last());
        }
        agree(&log, &plain);
        for (log, plain) in &forks {
            agree(log, plain);
        }
    }

    #[test]
    fn a_slice_holds_what_the_list_holds(pushes in 1usize..300, from in 1u64..300, count in 0u64..200, base in 0u64..150) {
        let mut log = Log::starting_after(LogId::new(1, 0));
        for index in 1..=pushes as u64 {
            log.push(Entry { id: LogId::new(1 + index / 50, index), payload: Payload::Blank });
        }
        log.compact(LogIndex(base));
        match log.slice(LogIndex(from), count) {
            None => prop_assert!(from - 1 < log.base().index.0 || from - 1 > log.last().index.0),
            Some(slice) => {
                let expected: Vec<Entry> =
                    log.iter().filter(|entry| entry.id.index.0 >= from).take(count as usize).cloned().collect();
                prop_assert_eq!(slice.entries(), &expected[..]);
                prop_assert_eq!(LogSlice::new(slice.prev(), expected), Ok(slice.clone()));
            }
        }
    }

    #[test]
    fn the_hint_is_the_last_entry_that_may_agree(
        steps in proptest::collection::vec(any::<bool>(), 1..100), term in 0u64..50, index in 0u64..120,
    ) {
        let mut log = Log::starting_after(LogId::default());
        for newer in steps {
            let last = log.last();
            let id = LogId::new(last.term.0 + u64::from(newer), last.index.0 + 1);
            log.push(Entry { id, payload: Payload::Blank });
        }
        let expected = log.iter().map(|entry| entry.id).filter(|id| id.term.0 <= term && id.index.0 <= index).last();
        prop_assert_eq!(log.last_not_after(LogId::new(term, index)), expected.unwrap_or(log.base()));
    }
}

#[test]
fn a_slice_refuses_a_gap_and_a_term_that_goes_down() {
    let entry = |term, index| Entry { id: LogId::new(term, index), payload: Payload::Blank };
    assert!(LogSlice::new(LogId::new(1, 1), alloc::vec![entry(1, 2), entry(2, 3)]).is_ok());
    assert_eq!(
        LogSlice::new(LogId::new(1, 1), alloc::vec![entry(1, 3)]),
        Err(Broken { at: LogId::new(1, 3) })
    );
    assert_eq!(
        LogSlice::new(LogId::new(2, 1), alloc::vec![entry(1, 2)]),
        Err(Broken { at: LogId::new(1, 2) })
    );
}

fn entry(term: u64, index: u64) -> Entry {
    Entry { id: LogId::new(term, index), payload: Payload::Blank }
}

fn filled(last: u64) -> Log {
    let mut log = Log::default();
    (1..=last).for_each(|index| log.push(entry(1 + index / 10, index)));
    log
}

fn hash(log: &Log) -> u64 {
    use core::hash::{Hash, Hasher};
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    log.hash(&mut hasher);
    hasher.finish()
}

/// A hasher that is the same everywhere.
struct Fnv(u64);

impl core::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Where segments of 64 begin and end.
const EDGES: [u64; 10] = [1, 2, 62, 63, 64, 65, 127, 128, 129, 200];

#[test]
fn a_cut_and_a_new_end_are_right_at_every_edge_of_a_segment() {
    for from in EDGES {
        let mut log = filled(200);
        let fork = log.clone();
        log.cut(LogIndex(from));
        assert_eq!(log.last().index.0, from - 1);
        assert_eq!(log.iter().count() as u64, from - 1);
        log.push(entry(90, from));
        assert_eq!((log.get(LogIndex(from)), log.get(LogIndex(from + 1))), (Some(&entry(90, from)), None));
        assert_eq!(fork, filled(200), "a clone is not touched");
    }
}

#[test]
fn compaction_is_right_at_every_edge_of_a_segment() {
    for through in EDGES {
        let mut log = filled(200);
        log.compact(LogIndex(through));
        assert_eq!(log.base(), LogId::new(1 + through / 10, through));
        assert_eq!(log.get(LogIndex(through)), None);
        assert_eq!(
            log.term_at(LogIndex(through)),
            Some(Term(1 + through / 10)),
            "the base's term is still known"
        );
        assert_eq!(log.iter().count() as u64, 200 - through);
        assert_eq!(log.last().index.0, 200);
        log.push(entry(90, 201));
        assert_eq!(log.last(), LogId::new(90, 201));
        log.cut(LogIndex(0));
        assert_eq!(log.last().index.0, through, "what is compacted cannot be cut");
    }
}

#[test]
fn equal_logs_are_equal_and_hash_alike_however_they_came_to_be() {
    for base in EDGES {
        let mut cut = filled(300);
        cut.cut(LogIndex(201));
        let mut late = filled(200);
        let mut early = filled(base);
        for log in [&mut cut, &mut late, &mut early] {
            log.compact(LogIndex(base));
        }
        (base + 1..=200).for_each(|index| early.push(entry(1 + index / 10, index)));
        assert_eq!(cut, late);
        assert_eq!(late, early);
        assert_eq!((hash(&cut), hash(&late)), (hash(&late), hash(&early)));
        early.push(entry(90, 201));
        assert_ne!(late, early);
    }
    assert_ne!(Log::starting_after(LogId::new(1, 5)), Log::starting_after(LogId::new(2, 5)));
}

#[test]
fn a_slice_takes_its_place_and_what_stood_there_goes() {
    let slice = |prev: (u64, u64), terms: &[u64]| {
        let entries = (prev.1 + 1..).zip(terms).map(|(index, term)| entry(*term, index)).collect();
        LogSlice::new(LogId::new(prev.0, prev.1), entries).unwrap()
    };
    let terms = |log: &Log| log.iter().map(|entry| entry.id.term.0).collect::<Vec<_>>();
    // On 1 1 2 2, of which the first is compacted.
    type Row = ((u64, u64), &'static [u64], &'static [u64]);
    let table: [Row; 7] = [
        ((2, 4), &[3], &[1, 2, 2, 3]),
        ((1, 2), &[3], &[1, 3]),
        ((1, 2), &[], &[1]),
        ((1, 1), &[2, 2], &[2, 2]),
        ((1, 3), &[3], &[1, 2, 2]),
        ((2, 9), &[3], &[1, 2, 2]),
        ((0, 0), &[1, 1], &[1, 2, 2]),
    ];
    for (prev, new, expected) in table {
        let mut log = Log::default();
        (1..).zip([1, 1, 2, 2]).for_each(|(index, term)| log.push(entry(term, index)));
        log.compact(LogIndex(1));
        log.overwrite(&slice(prev, new));
        assert_eq!(terms(&log), expected, "{prev:?} {new:?}");
    }
}

#[test]
fn a_snapshot_replaces_the_log_only_if_the_log_does_not_hold_its_last_entry() {
    // last entry of the snapshot => base and last afterwards, of a log 4..12 with terms by tens
    let table = [
        ((1, 7), (1, 4), (2, 12)),
        ((2, 12), (1, 4), (2, 12)),
        ((9, 7), (9, 7), (9, 7)),
        ((2, 13), (2, 13), (2, 13)),
        ((1, 4), (1, 4), (2, 12)),
        ((9, 3), (1, 4), (2, 12)),
    ];
    let id = |(term, index)| LogId::new(term, index);
    for (last, base, end) in table {
        let mut log = filled(12);
        log.compact(LogIndex(4));
        log.restore(id(last));
        assert_eq!((log.base(), log.last()), (id(base), id(end)), "{last:?}");
    }
}

#[test]
fn a_slice_knows_its_ends_and_its_prefixes() {
    let whole = filled(200).slice(LogIndex(60), 10).unwrap();
    assert_eq!(
        (whole.prev(), whole.last(), whole.through()),
        (LogId::new(6, 59), LogId::new(7, 69), LogIndex(69))
    );
    let ids = |slice: &LogSlice| slice.entries().iter().map(|entry| entry.id.index.0).collect::<Vec<_>>();
    for count in 0..12 {
        let prefix = whole.prefix(count);
        assert_eq!(ids(&prefix), ids(&whole)[..count.min(10)]);
        assert_eq!((prefix.len(), prefix.is_empty()), (count.min(10), count == 0));
        assert_eq!(prefix.prev(), whole.prev());
    }
    // Index => what the slice tells of it.
    for (index, expected) in
        [(58, None), (59, Some((6, 59))), (60, Some((7, 60))), (69, Some((7, 69))), (70, None)]
    {
        assert_eq!(whole.id_at(LogIndex(index)), expected.map(|(term, index)| LogId::new(term, index)));
    }
}

#[test]
fn a_slice_that_would_run_out_of_indexes_is_refused() {
    let last = LogId::new(1, u64::MAX);
    assert!(LogSlice::new(last, alloc::vec![entry(1, u64::MAX)]).is_err());
    assert!(LogSlice::new(last, alloc::vec![entry(1, 0)]).is_err());
    assert_eq!(LogSlice::new(last, alloc::vec![]), Ok(LogSlice::empty(last)));
}

proptest! {
    #[test]
    fn the_bytes_of_a_run_are_the_sum_of_its_commands(
        lens in proptest::collection::vec(proptest::option::of(0usize..5), 1..150),
        base in 0u64..150, after in 0u64..160, through in 0u64..160,
    ) {
        let mut log = Log::default();
        for (index, len) in (1..).zip(&lens) {
            let payload = len.map_or(Payload::Blank, |len| Payload::Command(alloc::vec![0; len].into()));
            log.push(Entry { id: LogId::new(1, index), payload });
        }
        log.compact(LogIndex(base));
        let counted = (1..).zip(&lens).filter(|(index, _)| *index > after && *index <= through && *index > log.base().index.0);
        let expected: u64 = counted.map(|(_, len)| len.unwrap_or(0) as u64).sum();
        prop_assert_eq!(log.bytes(LogIndex(after), LogIndex(through)), expected);
    }
}
