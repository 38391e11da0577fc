//! Leader append-only (Raft paper, figure 3): a leader never overwrites or deletes entries of its own log.

use super::{Checker, Step, Violation};
use crate::names::Names;
use crate::protocol::Shown;
use crate::scenario::Property;

/// Needs no memory: one step shows the log before and after.
#[derive(Clone, Debug, Default)]
pub struct LeaderAppendOnly;

impl Checker for LeaderAppendOnly {
    fn property(&self) -> Property {
        Property::LeaderAppendOnly
    }

    fn needs(&self) -> &'static [Shown] {
        &[Shown::Leaders, Shown::Log]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        let reigned = step.before.leads && step.now.leads && step.before.epoch == step.now.epoch;
        let Some(from) = step.log_changed_from else { return Ok(()) };
        if !reigned || from > step.before.last {
            return Ok(());
        }
        let (name, epoch) = (names.of(step.node), step.state.epoch_name(step.now.epoch));
        Err(Violation {
            property: Property::LeaderAppendOnly,
            seen: step.seen,
            summary: format!("{name} changed its own log while it led epoch {epoch}"),
            evidence: vec![
                (step.seen, format!("{name} held entries through {} as leader", step.before.last)),
                (step.seen, format!("{name} changed its log from index {from} on")),
            ],
        })
    }
}
