//! State-machine safety (Raft paper, section 5.4.3): no two nodes take different entries of one index for committed, and
//! no two machines differ at one index. Machines are compared where a snapshot shows them: taken, or restored from.

use std::collections::BTreeMap;

use super::{Checker, Seen, Step, Violation};
use crate::blocks::Blocks;
use crate::names::Names;
use crate::protocol::{self, EntryMark, NodeId};
use crate::scenario::Property;

/// Who first took which entry for committed.
#[derive(Clone, Copy, Debug)]
struct First {
    mark: EntryMark,
    by: NodeId,
    seen: Seen,
}

/// Who first showed which state.
#[derive(Clone, Copy, Debug)]
struct Shown {
    digest: u64,
    by: NodeId,
    seen: Seen,
}

/// Remembers the one committed log, by index, and the states that snapshots showed.
#[derive(Clone, Debug, Default)]
pub struct StateMachineSafety {
    committed: Blocks<Option<First>>,
    states: BTreeMap<u64, Shown>,
}

impl StateMachineSafety {
    /// Looks at the state of a node's machine through an index, by its digest. Logarithmic in the number of snapshots.
    pub(super) fn on_state(
        &mut self,
        (node, seen): (NodeId, Seen),
        through: u64,
        digest: u64,
        names: &Names,
    ) -> Result<(), Violation> {
        let now = Shown { digest, by: node, seen };
        let first = *self.states.entry(through).or_insert(now);
        if first.digest == digest {
            return Ok(());
        }
        let line = |one: &Shown| {
            (
                one.seen,
                format!("{} has the state {:016x} through index {through}", names.of(one.by), one.digest),
            )
        };
        Err(Violation {
            property: Property::StateMachineSafety,
            seen,
            summary: format!(
                "the machines of {} and {} differ at index {through}",
                names.of(first.by),
                names.of(node)
            ),
            evidence: vec![line(&first), line(&now)],
        })
    }
}

impl Checker for StateMachineSafety {
    fn property(&self) -> Property {
        Property::StateMachineSafety
    }

    fn needs(&self) -> &'static [protocol::Shown] {
        &[]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        for index in step.before.commit + 1..=step.now.commit {
            let Some(mark) = step.state.mark(index) else { continue };
            let now = First { mark, by: step.node, seen: step.seen };
            let first = *self.committed.first(index as usize, now);
            if first.mark != mark {
                return Err(broken(step, index, &first, &now, names));
            }
        }
        Ok(())
    }
}

fn broken(step: &Step<'_>, index: u64, first: &First, now: &First, names: &Names) -> Violation {
    let line = |one: &First| {
        let (by, EntryMark { epoch, digest }) = (names.of(one.by), one.mark);
        let epoch = step.state.epoch_name(epoch);
        (one.seen, format!("{by} takes ({epoch}, {index}) with payload {digest:016x} for committed"))
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
