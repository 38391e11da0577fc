//! Commit durability (Raft paper, section 5.3 and figure 2): what a leader calls committed is on the disks of a majority
//! of every voter set in force.
//!
//! Holds: with log matching, the newest committed entry stands for all before it; what a node knew to be committed before
//! it restarted is not committed once more, by whatever voters are in force then.

use super::{Checker, Step, Violation};
use crate::names::Names;
use crate::protocol::{NodeId, Shown};
use crate::scenario::Property;

/// Remembers how far each node ever knew the log to be committed.
#[derive(Clone, Debug, Default)]
pub struct CommitDurability {
    known: Vec<u64>,
    /// For each voter set, its voters and those whose disk holds the entry; of no meaning between steps.
    tally: Vec<(u32, u32)>,
}

impl Checker for CommitDurability {
    fn property(&self) -> Property {
        Property::CommitDurability
    }

    fn needs(&self) -> &'static [Shown] {
        &[Shown::Leaders, Shown::Disk, Shown::Quorums]
    }

    fn on_step(&mut self, step: &Step<'_>, names: &Names) -> Result<(), Violation> {
        let index = step.now.commit;
        if index <= step.before.commit || !self.learns(step.node, index) || !step.now.leads {
            return Ok(());
        }
        let Some(mark) = step.state.mark(index) else { return Ok(()) };
        let durable =
            |node: NodeId| step.disks.mark(node, index) == Some(mark) || step.disks.covers(node, index);
        self.tally.clear();
        step.state.each_voter(&mut |set, voter| {
            if self.tally.len() <= set {
                self.tally.resize(set + 1, (0, 0));
            }
            self.tally[set].0 += 1;
            self.tally[set].1 += u32::from(durable(voter));
        });
        let Some(lacking) = self.tally.iter().position(|&(voters, holders)| holders * 2 <= voters) else {
            return Ok(());
        };
        let set = step.state.quorums()[lacking].clone();
        let holders: Vec<&str> =
            set.iter().filter(|&&node| durable(node)).map(|&node| names.of(node)).collect();
        let (name, epoch) = (names.of(step.node), step.state.epoch_name(step.now.epoch));
        let of_entry = step.state.epoch_name(mark.epoch);
        Err(Violation {
            property: Property::CommitDurability,
            seen: step.seen,
            summary: format!("{name} committed index {index} before a majority had it on disk"),
            evidence: vec![
                (step.seen, format!("{name} leads epoch {epoch} and calls ({of_entry}, {index}) committed")),
                (
                    step.seen,
                    format!("of {} only [{}] hold it on disk", names.sets(&vec![set]), holders.join(" ")),
                ),
            ],
        })
    }
}

impl CommitDurability {
    /// Whether a node did not know that the log is committed so far.
    fn learns(&mut self, node: NodeId, index: u64) -> bool {
        let place = node.0 as usize;
        if self.known.len() <= place {
            self.known.resize(place + 1, 0);
        }
        let news = index > self.known[place];
        self.known[place] = self.known[place].max(index);
        news
    }
}
