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
