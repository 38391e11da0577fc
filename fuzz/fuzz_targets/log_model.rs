//! The log against a plain list: every operation, in any order, leaves both with the same entries.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbrain_core::{Entry, Log, LogId, LogIndex, LogSlice, Payload};

/// The same as a log, simply: what is below the base, and the entries above it.
struct Model {
    base: LogId,
    ids: Vec<LogId>,
}

impl Model {
    fn last(&self) -> LogId {
        self.ids.last().copied().unwrap_or(self.base)
    }

    fn cut(&mut self, from: u64) {
        self.ids.retain(|id| id.index.0 < from.max(self.base.index.0 + 1));
    }

    fn holds(&self, id: LogId) -> bool {
        id == self.base || self.ids.contains(&id)
    }

    fn compact(&mut self, through: LogId) {
        if self.ids.contains(&through) {
            self.ids.retain(|id| id.index > through.index);
            self.base = through;
        }
    }
}

fn entry(id: LogId) -> Entry {
    Entry { id, payload: Payload::Blank }
}

fuzz_target!(|bytes: &[u8]| {
    let mut log = Log::default();
    let mut model = Model { base: LogId::default(), ids: Vec::new() };
    for operation in bytes.chunks_exact(2) {
        let (what, how) = (operation[0], u64::from(operation[1]));
        let last = model.last();
        let index = (model.base.index.0 + how % (model.ids.len() as u64 + 2)).max(1);
        match what % 5 {
            0 => {
                for step in 0..=how / 4 {
                    let id = LogId::new(last.term.0 + how % 4 / 3, last.index.0 + 1 + step);
                    log.push(entry(id));
                    model.ids.push(id);
                }
            }
            1 => {
                log.cut(LogIndex(index));
                model.cut(index);
            }
            2 => {
                let known = model.ids.iter().find(|id| id.index.0 == index).copied();
                log.compact(LogIndex(index));
                known.into_iter().for_each(|id| model.compact(id));
            }
            3 => {
                let id = LogId::new(last.term.0 + how % 2, index);
                log.restore(id);
                if !model.holds(id) && id.index > model.base.index {
                    model = Model { base: id, ids: Vec::new() };
                }
            }
            _ => {
                let prev = LogId::new(last.term.0, index);
                let entries = (1..=how % 5).map(|step| entry(LogId::new(prev.term.0, index + step)));
                let Ok(slice) = LogSlice::new(prev, entries.collect()) else { continue };
                log.overwrite(&slice);
                if model.holds(prev) {
                    model.cut(index + 1);
                    model.ids.extend(slice.entries().iter().map(|entry| entry.id));
                }
            }
        }
        let ids: Vec<LogId> = log.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, model.ids);
        assert_eq!((log.base(), log.last()), (model.base, model.last()));
        let middle = LogIndex(model.base.index.0 + 1 + model.ids.len() as u64 / 2);
        let slice = log.slice(middle, 70).expect("the entry before the middle is known");
        let expected: Vec<LogId> =
            model.ids.iter().filter(|id| id.index >= middle).take(70).copied().collect();
        let found: Vec<LogId> = slice.entries().iter().map(|entry| entry.id).collect();
        assert_eq!(found, expected);
    }
});
