//! Why a run ended as it did: what led to the broken promise, which moment decided it, and what every node showed.
//!
//! Holds: equal runs are explained alike, byte for byte; nothing is explained that the records do not say.
//! Reading order: `slice` (which records led there), `mistake` (where a rule that is off
//! was needed), `deciding` (from when on nothing helped), `story` (ten sentences, ten
//! lines), `data` (all of it as data), `page` (the page that draws the data).
//! Not here: what a record is (`trace`), and how a run is carried out (`runner`).

mod data;
mod deciding;
mod export;
pub mod gallery;
mod history;
mod mistake;
mod page;
mod slice;
mod story;
#[cfg(test)]
mod tests;

pub use data::Explained;
pub use deciding::Deciding;
pub use history::HistoryForm;
pub use mistake::Mistake;

use std::collections::BTreeSet;

use crate::protocol::Protocol;
use crate::runner::{self, Drive, Played, RunOptions};
use crate::scenario::{Objection, Scenario};
use crate::trace::{Record, RecordId};
use crate::world::World;

/// Carries a scenario out once more and explains what came of it.
///
/// # Errors
/// As [`runner::run_protocol`].
pub fn explain<P: Protocol>(scenario: &Scenario, options: &RunOptions) -> Result<Explained, Objection> {
    let mut explained = without_deciding::<P>(scenario, options)?;
    if let Some(broken) = explained.broken() {
        explained.deciding = deciding::find::<P>(scenario, options, broken, &explained);
    }
    Ok(explained)
}

/// As [`explain`], without the search for the deciding event: the price of one run, and of another where rules are off and
/// a promise is broken.
///
/// # Errors
/// As [`runner::run_protocol`].
pub fn without_deciding<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
) -> Result<Explained, Objection> {
    let options = RunOptions { trace: true, ..options.clone() };
    let film = |world: &mut World<P>| world.begin_film();
    let Played { report, world } = runner::play_on(scenario, &options, Drive::seeded(options.seed), film)?;
    let records: Vec<&Record> = report.trace.iter().map(|told| &told.record).collect();
    let evidence = report.violations.iter().flat_map(|violation| &violation.evidence);
    let evidence: Vec<RecordId> = evidence.filter_map(|evidence| evidence.id).collect();
    let slice = slice::causal_slice(&records, &evidence);
    let mistake = match evidence.is_empty() {
        true => None,
        false => mistake::find::<P>(scenario, &options, &records, world.names()),
    };
    Ok(Explained { mistake, ..data::explained(&report, &world, &slice) })
}

/// The records of a slice, in their order.
fn chosen<'a>(records: &[&'a Record], slice: &BTreeSet<RecordId>) -> Vec<&'a Record> {
    records.iter().copied().filter(|record| slice.contains(&record.id)).collect()
}
