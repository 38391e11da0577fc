//! What happens in a shrunk scenario, in words: beside each step what it changed, and what never arrives.
//!
//! Holds: every word comes from looking at the run. Not here: making it small.

use std::collections::BTreeMap;

use crate::protocol::Protocol;
use crate::runner::{self, RunOptions, Scene, Sight};
use crate::scenario::Scenario;
use crate::world::World;

/// How many kinds of lost messages are told one by one.
const LOST_MAX: usize = 6;

/// What each step changed, and what still waits at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// One for each step, perhaps empty.
    pub notes: Vec<String>,
    /// What never arrives, such as `append-request n1 -> n2 (2)`; the rest is only counted.
    pub lost: Vec<String>,
}

/// Tells the scenario once more and puts it into words.
pub(super) fn words<P: Protocol>(scenario: &Scenario, options: &RunOptions) -> Words {
    let Some((scenes, world)) = runner::scenes::<P>(scenario, options) else { return Words::default() };
    let notes = scenes.windows(2).map(|pair| note::<P>(scenario, &pair[0], &pair[1])).collect();
    Words { notes, lost: lost(&world) }
}

fn note<P: Protocol>(scenario: &Scenario, before: &Scene, after: &Scene) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut commits: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for ((node, before), after) in scenario.cluster.nodes.iter().zip(before).zip(after) {
        let name = node.name.as_str();
        notes.extend(change::<P>(name, before, after));
        if after.runs && after.glance.commit > before.glance.commit && (before.runs || after.glance.leads) {
            commits.entry(after.glance.commit).or_default().push(name);
        }
    }
    for (commit, names) in commits {
        let verb = if names.len() == 1 { "takes" } else { "take" };
        notes.push(format!("{} {verb} {commit} for committed", names.join(", ")));
    }
    notes.join("; ")
}

/// What changed of one node, its commit aside.
fn change<P: Protocol>(name: &str, before: &Sight, after: &Sight) -> Vec<String> {
    let mut notes = Vec::new();
    let (was, is) = (before.glance, after.glance);
    if before.runs && !after.runs && before.unfinished > 0 {
        notes.push(format!("{name} had {} unfinished writes", before.unfinished));
    }
    let reigned = was.leads && was.epoch == is.epoch;
    match (is.leads && !reigned, was.leads && !is.leads && after.runs) {
        (true, _) => notes.push(format!("{name} leads term {}", P::term_of(is.epoch))),
        (false, true) => notes.push(format!("{name} leads no longer")),
        (false, false) => {}
    }
    if before.runs && after.runs {
        match is.last.cmp(&was.last) {
            core::cmp::Ordering::Less => notes.push(format!("{name} cuts its log to {}", is.last)),
            core::cmp::Ordering::Greater if is.leads => notes.push(format!("{name} appends {}", is.last)),
            core::cmp::Ordering::Greater => notes.push(format!("{name} holds {}", is.last)),
            core::cmp::Ordering::Equal => {}
        }
    }
    notes
}

fn lost<P: Protocol>(world: &World<P>) -> Vec<String> {
    let waiting = world.waiting_messages();
    let mut lines: Vec<String> = Vec::new();
    for ((from, to, what), count) in waiting.iter().take(LOST_MAX) {
        let times = if *count > 1 { format!(" ({count})") } else { String::new() };
        lines.push(format!("{what} {} -> {}{times}", world.names().of(*from), world.names().of(*to)));
    }
    let rest: usize = waiting.values().skip(LOST_MAX).sum();
    if rest > 0 {
        lines.push(format!("and {rest} more"));
    }
    lines
}
