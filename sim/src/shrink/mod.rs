//! The smallest scenario that still breaks the same promise in the same way.
//!
//! Holds: what comes out breaks the promise with the same fingerprint, and was run to see that; equal failure and effort
//! give equal results, unless a clock ended the work. Not here: finding failures (`sweep`).
//!
//! Three ways, the best first. Most failures become a *story*: the world is frozen, and the acts that nodes noticed are
//! dealt one by one, first exactly as they came; what delays, losses, partitions and nemeses had to do with it is gone at
//! once. Then delta debugging (Zeller and Hildebrandt 2002) leaves out acts, nodes and settings, from the front and from
//! the back, and what is left is told in as few steps as there can be. A cluster that does not agree is told so as well:
//! the story heals, and time passes for as long as a correct cluster needs many times over. What rests on clocks (a
//! stale read by lease) stays a *hardship*: nemeses, steps, settings and time are left out or made smaller. Last, its
//! *tape*: every draw becomes as usual as it can be, if that leaves less to read.

mod ddmin;
mod draws;
mod fingerprint;
mod hardship;
mod nodes;
mod simpler;
mod story;
mod words;

pub use ddmin::{From, ddmin};
pub use fingerprint::Fingerprint;
pub use words::Words;

use crate::choices::Choices;
use crate::protocol::Protocol;
use crate::report::Report;
use crate::runner::{self, Drive, RunOptions};
use crate::scenario::{Objection, Property, Scenario, Seeds, Step};
use crate::world::Limit;
use crate::world::act::Act;

/// How much may be done.
pub struct Effort<'a> {
    /// How many events may be played again, over all tries.
    pub events: u64,
    /// How many there were so far.
    pub spent: u64,
    /// How many tries there were so far.
    pub tries: u64,
    /// Whether to end now with what there is; a clock or a key may say so. Told of the effort so far.
    pub stop: &'a mut dyn FnMut(&Progress) -> bool,
    /// How small the failure is by now.
    pub size: usize,
    /// Whether the end has come.
    over: bool,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many tries there were.
    pub tries: u64,
    /// How many events were played again.
    pub events: u64,
    /// How small the failure is by now: acts of a story, or parts of a hardship.
    pub size: usize,
}

impl<'a> Effort<'a> {
    /// So many events, and no longer than `stop` allows.
    pub fn new(events: u64, stop: &'a mut dyn FnMut(&Progress) -> bool) -> Effort<'a> {
        Effort { events, spent: 0, tries: 0, stop, size: 0, over: false }
    }

    fn spend(&mut self, events: u64) {
        self.tries += 1;
        self.spent += events;
    }

    fn is_over(&mut self) -> bool {
        let progress = Progress { tries: self.tries, events: self.spent, size: self.size };
        self.over = self.over || self.spent >= self.events || (self.stop)(&progress);
        self.over
    }
}

/// A failure made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario; its expectations are the promises it breaks, so that running it goes as expected.
    pub scenario: Scenario,
    /// What it breaks, and how.
    pub fingerprint: Fingerprint,
    /// Its report.
    pub report: Report,
    /// What happens, for the reader.
    pub words: Words,
    /// Crashes, torn writes, restarts, wiped disks, duplicates, overtaken messages; or nemeses and ratios.
    pub faults: usize,
    /// What clients, operators and timers do.
    pub operations: usize,
    /// Everything that is dealt, messages included.
    pub acts: usize,
    /// How many tries it took.
    pub tries: u64,
    /// Whether it is a story, move by move.
    pub is_story: bool,
}

impl Shrunk {
    /// The scenario file, opening with what happens.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!("# {}\n", self.headline());
        for violation in &self.report.violations {
            for evidence in &violation.evidence {
                text.push_str(&format!("#   event {}: {}\n", evidence.event, one_line(&evidence.record)));
            }
        }
        let Shrunk { faults, operations, acts, tries, .. } = self;
        text.push_str(&format!(
            "# {faults} faults, {operations} operations, {acts} moves in all; shrunk in {tries} tries.\n"
        ));
        if !self.words.lost.is_empty() {
            text.push_str(&format!("# Never arrives: {}.\n", self.words.lost.join(", ")));
        }
        text + &self.scenario.to_short_toml(&self.words.notes)
    }

    /// What happens, in one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let first = self.report.violations.first();
        first.map_or_else(String::new, |violation| {
            format!("{}: {}.", violation.property, one_line(&violation.summary))
        })
    }

    fn order(&self) -> (bool, usize, usize, usize) {
        (!self.is_story, self.acts, self.faults, self.operations)
    }

    /// Whether this one is easier to read than another.
    #[must_use]
    pub fn is_smaller_than(&self, other: &Shrunk) -> bool {
        self.order() < other.order()
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The most that a run may do while it is shrunk or swept.
pub const LIMIT: Limit = Limit { events: 5_000_000, under_way: 1_000_000 };

/// Makes the failure of a scenario with a seed small. `None` when it breaks no promise.
///
/// # Errors
/// An objection when the scenario cannot be run.
pub fn shrink_protocol<P: Protocol>(
    scenario: &Scenario,
    seed: u64,
    effort: &mut Effort<'_>,
) -> Result<Option<Shrunk>, Objection> {
    let options = &RunOptions { file: String::new(), system: P::NAME.to_owned(), seed, trace: false };
    let drive = Drive {
        choices: Choices::seeded(options.seed),
        limit: LIMIT,
        limit_is_a_promise: true,
        acts: true,
        keep_from: 0,
    };
    let played = runner::play::<P>(scenario, options, drive)?;
    effort.spend(played.report.counts.events);
    let Some(goal) = Fingerprint::of(&played.report, scenario) else { return Ok(None) };
    let acts = played.world.ledger.acts.clone().unwrap_or_default();
    drop(played);
    let shrunk = match story::shrink::<P>(scenario, options, &goal, acts, effort) {
        Some(story) => Some(story),
        None => hardship::shrink::<P>(scenario, options, &goal, effort),
    };
    Ok(shrunk.map(|shrunk| Shrunk { words: words::words::<P>(&shrunk.scenario, options), ..shrunk }))
}

/// The story of some acts in a world in which nothing happens by itself, with what it breaks as its expectation. `None` when
/// it breaks nothing. With `owes_agreement` what is under way at the end is lost, and the cluster has to agree when it is
/// healed.
pub(crate) fn tell<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    acts: &[Act<P::Timer>],
    instant_disks: bool,
    owes_agreement: bool,
) -> Option<Scenario> {
    story::tell::<P>(scenario, options, acts, instant_disks, owes_agreement)
}

/// A scenario with its final expectations, run to see that it does what it says.
fn verified<P: Protocol>(
    scenario: Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<(Scenario, Report)> {
    let text = scenario.to_toml();
    let mut scenario = crate::scenario::parse("shrunk.toml", &text).ok()?.scenario;
    let drive = Drive::within(Choices::seeded(options.seed), LIMIT);
    let report = match runner::play::<P>(&scenario, options, drive) {
        Ok(played) => played.report,
        Err(objection) => {
            tracing::debug!("what was made small cannot be told: {}", objection.message);
            return None;
        }
    };
    effort.spend(report.counts.events);
    if Fingerprint::of(&report, &scenario).as_ref() != Some(goal) {
        return None;
    }
    let found = report.violations.iter().filter_map(|violation| Property::named(&violation.property));
    scenario.expect = crate::scenario::Expectations { violations: found.collect(), ..Default::default() };
    scenario.seeds = Seeds { first: options.seed, last: options.seed };
    Some((scenario, report))
}

/// Whether a story's steps name no node, so that nodes can be taken away.
fn names_no_node(steps: &[Step]) -> bool {
    steps.iter().all(|step| {
        matches!(
            step,
            Step::Run { .. }
                | Step::Events { .. }
                | Step::Heal
                | Step::Settle
                | Step::Converge { .. }
                | Step::Freeze { .. }
        )
    })
}
