//! How many things of each kind happened: counted from records.

use super::record::What;

/// How many things of each kind happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Events of the world.
    pub events: u64,
    /// Messages that nodes sent.
    pub sent: u64,
    /// Messages that arrived, duplicates included.
    pub delivered: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Writes that became durable.
    pub writes: u64,
    /// Timers that fired.
    pub timers: u64,
    /// Crashes.
    pub crashes: u64,
    /// Reigns that began.
    pub reigns: u64,
    /// Commands that machines applied, over all nodes.
    pub applied: u64,
}

impl Counts {
    /// Counts a record.
    pub(super) fn add(&mut self, what: &What) {
        match what {
            What::Sends { .. } => self.sent += 1,
            What::Receives { .. } => self.delivered += 1,
            What::Loses { .. } => self.lost += 1,
            What::HasWritten { .. } => self.writes += 1,
            What::Fires { .. } => self.timers += 1,
            What::Crashes { .. } => self.crashes += 1,
            What::Leads { .. } => self.reigns += 1,
            What::Applies { .. } => self.applied += 1,
            _ => {}
        }
    }
}
