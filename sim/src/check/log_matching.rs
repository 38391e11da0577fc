//! Log matching (Raft paper, section 5.3): entries of equal index and epoch are equal, and so is all before them.
//!
//! Holds: it is enough that equal (index, epoch) means equal payload and equal epoch of the entry before; the rest
//! follows by induction. Costs one look-up for each entry that a node adds.

use super::{Checker, Seen, Step, Violation};
use crate::blocks::Blocks;
use crate::names::Names;
use crate::protocol::{EntryMark, Epoch, NodeId, Shown};
use crate::scenario::Property;

/// What was first seen of the entry with an index and epoch.
#[derive(Clone, Copy, Debug)]
struct Known {
    mark: EntryMark,
    before: Option<Epoch>,
    holder: NodeId,
    seen: Seen,
}

/// Remembers each (index, epoch) ever seen: by index, a few epochs each.
#[derive(Clone, Debug, Default)]
pub struct LogMatching {
    known: Blocks<Option<Known>>,
    /// Entries of an index that already has one of another epoch: rare.
    others: std::collections::BTreeMap<(u64, Epoch), Known>,
}

impl Checker for LogMatching {
    fn property(&self) -> Property {
        Property::LogMatching
    }

    fn needs(&self) -> &'static [Shown] {
        &[Shown::Log, Shown::EntryEpochs]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        let Some(from) = step.log_changed_from else { return Ok(()) };
        let mut before = step.state.mark(from.saturating_sub(1)).map(|mark| mark.epoch);
        for index in from..=step.now.last {
            let Some(mark) = step.state.mark(index) else { continue };
            let now = Known { mark, before, holder: step.node, seen: step.seen };
            let known = *self.first(index, now);
            let unlike_before = known.before.zip(before).is_some_and(|(one, other)| one != other);
            if known.mark != mark || unlike_before {
                return Err(broken(step, index, &known, &now, names));
            }
            before = Some(mark.epoch);
        }
        Ok(())
    }
}

impl LogMatching {
    /// What was first seen of this index and epoch: what is given, if it is the first.
    fn first(&mut self, index: u64, now: Known) -> &Known {
        let place = index as usize;
        if self.known.first(place, now).mark.epoch == now.mark.epoch {
            return self.known.first(place, now);
        }
        self.others.entry((index, now.mark.epoch)).or_insert(now)
    }
}

fn broken(step: &Step<'_>, index: u64, known: &Known, now: &Known, names: &Names) -> Violation {
    let epoch_name = |epoch: Epoch| step.state.epoch_name(epoch);
    let line = |one: &Known| {
        let before = one.before.map_or(String::from("?"), epoch_name);
        let (holder, epoch) = (names.of(one.holder), epoch_name(one.mark.epoch));
        let digest = one.mark.digest;
        let text =
            format!("{holder} holds ({epoch}, {index}) with payload {digest:016x} after epoch {before}");
        (one.seen, text)
    };
    Violation {
        property: Property::LogMatching,
        seen: now.seen,
        summary: format!("two different entries have epoch {} and index {index}", epoch_name(now.mark.epoch)),
        evidence: vec![line(known), line(now)],
    }
}
