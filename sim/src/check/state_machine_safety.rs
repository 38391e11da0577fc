//! State-machine safety (Raft paper, section 5.4.3): no two nodes take different entries of one index for committed.

use super::{Checker, Names, Seen, Step, Violation};
use crate::protocol::{EntryMark, NodeId};
use crate::scenario::Property;

/// Who first took which entry for committed.
#[derive(Clone, Copy, Debug)]
struct First {
    mark: EntryMark,
    by: NodeId,
    seen: Seen,
}

/// Remembers the one committed log, by index.
#[derive(Clone, Debug, Default)]
pub struct StateMachineSafety {
    committed: Vec<Option<First>>,
}

impl Checker for StateMachineSafety {
    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        for index in step.before.commit + 1..=step.now.commit {
            let Some(mark) = step.state.mark(index) else { continue };
            let place = index as usize;
            if self.committed.len() <= place {
                self.committed.resize(place + 1, None);
            }
            let now = First { mark, by: step.node, seen: step.seen };
            let first = *self.committed[place].get_or_insert(now);
            if first.mark != mark {
                return Err(broken(index, &first, &now, names));
            }
        }
        Ok(())
    }
}

fn broken(index: u64, first: &First, now: &First, names: &Names) -> Violation {
    let line = |one: &First| {
        let (by, EntryMark { epoch, digest }) = (names.of(one.by), one.mark);
        (one.seen, format!("{by} takes ({}, {index}) with payload {digest:016x} for committed", epoch.0))
    };
    Violation {
        property: Property::StateMachineSafety,
        seen: now.seen,
        summary: format!(
            "{} and {} committed different entries at index {index}",
            names.of(first.by),
            names.of(now.by)
        ),
        evidence: vec![line(first), line(now)],
    }
}
