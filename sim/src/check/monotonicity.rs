//! Monotonic epochs and commits (Raft paper, figure 2): neither goes down while a process lives, and nothing is applied
//! before it is committed. A crash may lower both: what was not durable yet was vouched for to nobody.

use super::{Checker, Step, Violation};
use crate::names::Names;
use crate::protocol::Shown;
use crate::scenario::Property;

/// Needs no memory: one step shows before and after.
#[derive(Clone, Debug)]
pub struct Monotonicity {
    /// Whether epochs are in order. Where they are not, they may do as they like.
    pub(super) epochs_rise: bool,
}

impl Default for Monotonicity {
    fn default() -> Monotonicity {
        Monotonicity { epochs_rise: true }
    }
}

impl Checker for Monotonicity {
    fn property(&self) -> Property {
        Property::Monotonicity
    }

    fn needs(&self) -> &'static [Shown] {
        &[]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        let (before, now) = (step.before, step.now);
        let fell = if self.epochs_rise && now.epoch < before.epoch {
            format!(
                "epoch {} after {}",
                step.state.epoch_name(now.epoch),
                step.state.epoch_name(before.epoch)
            )
        } else if now.commit < before.commit {
            format!("commit {} after {}", now.commit, before.commit)
        } else if now.applied < before.applied {
            format!("applied {} after {}", now.applied, before.applied)
        } else if now.applied > now.commit {
            format!("applied {} beyond commit {}", now.applied, now.commit)
        } else {
            return Ok(());
        };
        let name = names.of(step.node);
        Err(Violation {
            property: Property::Monotonicity,
            seen: step.seen,
            summary: format!("{name} went back: {fell}"),
            evidence: vec![
                (step.seen, format!("before: {before:?}")),
                (step.seen, format!("after: {now:?}")),
            ],
        })
    }
}
