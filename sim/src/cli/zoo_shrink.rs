//! `splitbrain zoo --shrink`: how small the first witness of each deliberate mistake becomes, as a Markdown table.
//!
//! Holds: sizes and tries of a row do not depend on the machine, unless the time ran out; seconds are of the wall.

use super::output::inform;
use crate::built_in::shrink;
use crate::clock::Clock;
use crate::shrink::{Effort, Progress, Shrunk};
use crate::zoo::{self, Budget, Mistake};

/// The longest that one witness may take, in virtual nanoseconds: what the README promises.
const TIME_MAX: u64 = 60_000_000_000;

/// How many of the largest are listed.
const WORST: usize = 5;

/// A mutation whose witness was made small.
struct Row {
    name: &'static str,
    seed: u64,
    shrunk: Shrunk,
    /// Whether the core without the mistake keeps its promises in the same scenario.
    is_fair: bool,
    seconds: f64,
}

/// The table, and whether every mutation was found and shrunk to what the correct core survives. `on_witness` takes each witness with its mutation.
#[allow(clippy::float_arithmetic)]
pub(super) fn table(
    wanted: &[Mistake],
    budget: Budget,
    on_witness: &mut dyn FnMut(&str, &Shrunk),
) -> (String, bool) {
    let mut text = String::from(
        "| mutation | seed | breaks | faults | operations | moves | told as | correct core | tries | s |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<Row> = Vec::new();
    for info in wanted {
        let Some((seed, _)) = zoo::search(info, 0, budget).found else {
            inform(&format!("{}: not found", info.name));
            continue;
        };
        let Some(row) = row(info, seed) else {
            inform(&format!("{}: seed {seed} cannot be made small", info.name));
            continue;
        };
        inform(row.line().trim_end());
        text.push_str(&row.line());
        on_witness(row.name, &row.shrunk);
        rows.push(row);
    }
    text.push_str(&summary(&mut rows, wanted.len()));
    (text, rows.len() == wanted.len() && rows.iter().all(|row| row.is_fair))
}

#[allow(clippy::float_arithmetic)]
fn row(info: &Mistake, seed: u64) -> Option<Row> {
    let clock = Clock::start(Some(TIME_MAX));
    let mut stop = |_: &Progress| clock.is_over();
    let mut effort = Effort::new(u64::MAX, &mut stop);
    let shrunk = shrink(&zoo::scenario(info, seed), "raft", seed, &mut effort).ok()??;
    let seconds = clock.elapsed().as_secs_f64();
    Some(Row { name: info.name, seed, is_fair: zoo::is_fair(&shrunk.scenario), shrunk, seconds })
}

fn summary(rows: &mut [Row], wanted: usize) -> String {
    if rows.is_empty() {
        return format!("\n0 of {wanted} found.\n");
    }
    let median = |of: fn(&Row) -> usize| {
        let mut all: Vec<usize> = rows.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    let (faults, operations) = (median(|row| row.shrunk.faults), median(|row| row.shrunk.operations));
    let moves = median(|row| row.shrunk.acts);
    let slowest = rows.iter().map(|row| row.seconds).fold(0.0, f64::max);
    rows.sort_by_key(|row| core::cmp::Reverse(row.shrunk.faults + row.shrunk.operations));
    let worst: Vec<String> = rows.iter().take(WORST).map(Row::size).collect();
    format!(
        "\n{} of {wanted} found and made small: in the median {faults} faults, {operations} operations, {moves} moves; \
         the slowest in {slowest:.1} s.\nThe largest: {}.\n",
        rows.len(),
        worst.join(", ")
    )
}

impl Row {
    fn size(&self) -> String {
        format!("{} ({} faults, {} operations)", self.name, self.shrunk.faults, self.shrunk.operations)
    }

    fn line(&self) -> String {
        let Row { name, seed, shrunk, is_fair, seconds } = self;
        let fair = if *is_fair { "passes" } else { "FAILS" };
        let Shrunk { fingerprint, faults, operations, acts, tries, is_story, .. } = shrunk;
        let told = if *is_story { "story" } else { "hardship" };
        format!(
            "| {name} | {seed} | {} | {faults} | {operations} | {acts} | {told} | {fair} | {tries} | {seconds:.1} |\n",
            fingerprint.property
        )
    }
}
