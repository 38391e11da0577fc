//! Election safety (Raft paper, section 5.2): at most one node leads in an epoch.

use std::collections::BTreeMap;

use super::{Checker, Seen, Step, Violation};
use crate::names::Names;
use crate::protocol::{Epoch, NodeId, Shown};
use crate::scenario::Property;

/// Remembers who led each epoch, and since when.
#[derive(Clone, Debug, Default)]
pub struct ElectionSafety {
    reigns: BTreeMap<Epoch, (NodeId, Seen)>,
}

impl Checker for ElectionSafety {
    fn property(&self) -> Property {
        Property::ElectionSafety
    }

    fn needs(&self) -> &'static [Shown] {
        &[Shown::Leaders]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        let begins = step.now.leads && !(step.before.leads && step.before.epoch == step.now.epoch);
        if !begins {
            return Ok(());
        }
        let (node, epoch) = (step.node, step.now.epoch);
        let &mut (first, since) = self.reigns.entry(epoch).or_insert((node, step.seen));
        if first == node {
            return Ok(());
        }
        let epoch_name = step.state.epoch_name(epoch);
        let leads = |node| format!("{} begins to lead epoch {epoch_name}", names.of(node));
        Err(Violation {
            property: Property::ElectionSafety,
            seen: step.seen,
            summary: format!("{} and {} both lead epoch {epoch_name}", names.of(first), names.of(node)),
            evidence: vec![
                (since, leads(first)),
                (step.seen, format!("{}, with voters {}", leads(node), names.sets(&step.state.quorums()))),
            ],
        })
    }
}
