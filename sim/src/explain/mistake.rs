//! The mistake: where a run with rules turned off parts from the same run with all of them.
//!
//! Holds: the records before it are equal in both runs, so what the rule would have stood in the way of is here.
//! Not here: from when on nothing helps any more (`deciding`), which may come long after.

use serde::Serialize;

use super::story;
use crate::names::Names;
use crate::protocol::Protocol;
use crate::runner::{self, Drive, RunOptions};
use crate::scenario::Scenario;
use crate::trace::{Record, RecordId};

/// The first record that a rule which is off would have stood in the way of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The record of the run without the rule.
    pub record: RecordId,
    /// In one sentence: the rules, what happened, and what would have happened instead.
    pub words: String,
}

/// Carries the scenario out with every rule on and compares. `None` when no rule is off, or when both runs are equal.
pub(super) fn find<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    records: &[&Record],
    names: &Names,
) -> Option<Mistake> {
    if scenario.rules_off.is_empty() {
        return None;
    }
    let with_rules = Scenario { rules_off: Vec::new(), ..scenario.clone() };
    let other = runner::play_on::<P>(&with_rules, options, Drive::seeded(options.seed), |_| ()).ok()?;
    let others: Vec<&Record> = other.report.trace.iter().map(|told| &told.record).collect();
    let equal = records.iter().zip(&others).take_while(|(one, other)| one == other).count();
    let rules = scenario.rules_off.join(" and ");
    let Some(here) = records.get(equal) else {
        // What a node took for true is in no record; the promise is broken by it at once.
        let last = records.last()?;
        let happened = story::clause(last, names);
        let words = format!(
            "The mistake is at event {}, where {rules} was first needed: {happened}, and a promise is broken at once.",
            last.event
        );
        return Some(Mistake { record: last.id, words });
    };
    let happened = story::clause(here, names);
    let instead = match others.get(equal) {
        Some(other) if story::clause(other, names) == happened => String::from("the same, of other content"),
        Some(other) => story::clause(other, names),
        None => String::from("nothing"),
    };
    let words = format!(
        "The mistake is at event {}, where {rules} was first needed: {happened}; with it: {instead}.",
        here.event
    );
    Some(Mistake { record: here.id, words })
}
