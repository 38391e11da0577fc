//! Leader completeness (Raft paper, section 5.4): what was committed in an epoch is in the log of every later leader.
//!
//! Holds: with log matching, the last entry committed in earlier epochs stands for all before it.

use std::collections::BTreeMap;

use super::{Checker, Seen, Step, Violation};
use crate::names::Names;
use crate::protocol::{EntryMark, Epoch, NodeId, Shown};
use crate::scenario::Property;

/// The furthest entry known to be committed by somebody in an epoch.
#[derive(Clone, Copy, Debug)]
struct Committed {
    index: u64,
    mark: EntryMark,
    by: NodeId,
    seen: Seen,
}

/// Remembers, for each epoch, the furthest entry that somebody knew to be committed in it or before.
#[derive(Clone, Debug, Default)]
pub struct LeaderCompleteness {
    committed: BTreeMap<Epoch, Committed>,
}

impl Checker for LeaderCompleteness {
    fn property(&self) -> Property {
        Property::LeaderCompleteness
    }

    fn needs(&self) -> &'static [Shown] {
        &[Shown::Leaders, Shown::Reigns, Shown::Log]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        if step.now.commit > step.before.commit {
            self.note_commit(step);
        }
        let begins = step.now.leads && !(step.before.leads && step.before.epoch == step.now.epoch);
        if !begins {
            return Ok(());
        }
        let earlier = self.committed.range(..step.now.epoch).map(|(_, committed)| committed);
        let Some(committed) = earlier.max_by_key(|committed| committed.index) else { return Ok(()) };
        let held = step.state.mark(committed.index);
        let compacted = held.is_none() && step.now.commit >= committed.index;
        if compacted || held == Some(committed.mark) {
            return Ok(());
        }
        Err(broken(step, committed, held, names))
    }
}

impl LeaderCompleteness {
    fn note_commit(&mut self, step: &Step<'_>) {
        let index = step.now.commit;
        let Some(mark) = step.state.mark(index) else { return };
        let now = Committed { index, mark, by: step.node, seen: step.seen };
        // Whoever knows it may not know of the entry's epoch yet.
        let known = self.committed.entry(step.now.epoch.max(mark.epoch)).or_insert(now);
        if known.index < index {
            *known = now;
        }
    }
}

fn broken(step: &Step<'_>, committed: &Committed, held: Option<EntryMark>, names: &Names) -> Violation {
    let entry = |mark: EntryMark| format!("({}, {})", step.state.epoch_name(mark.epoch), committed.index);
    let (name, epoch, lost) =
        (names.of(step.node), step.state.epoch_name(step.now.epoch), entry(committed.mark));
    let held = match held {
        Some(mark) => format!("holds {}", entry(mark)),
        None => format!("ends at index {}", step.now.last),
    };
    let knows = format!("{} knows {lost} to be committed", names.of(committed.by));
    Violation {
        property: Property::LeaderCompleteness,
        seen: step.seen,
        summary: format!("{name} leads epoch {epoch} without entry {lost}, which is committed"),
        evidence: vec![
            (committed.seen, knows),
            (step.seen, format!("{name} begins to lead epoch {epoch} and {held}")),
        ],
    }
}
