//! What is made of the blocks of a sweep: one bucket for each way to fail, its smallest witness, and what never occurred.
//!
//! Holds: equal blocks give equal reports, to the byte. Not here: running seeds (`sweep`), making failures small (`shrink`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde::{Deserialize, Serialize};
use splitbrain_core::Fact;

use super::{BESIDE_SCENARIOS, DETERMINISM, Failure, Kept, Plan};
use crate::escape;
use crate::files::file_name;
use crate::protocols::raft::is_noted_by_the_world;
use crate::runner::RunOptions;
use crate::scenario::turnable;
use crate::shrink::{Effort, Fingerprint, Progress, Shrunk};
use crate::swarm::SOMETIMES;
use crate::time::Span;

/// How many failures of a bucket are made small before the smallest is taken.
const WITNESSES: usize = 3;

/// What came of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SweepReport {
    /// The protocol.
    pub system: String,
    /// The first seed.
    pub first: u64,
    /// The last seed, included.
    pub last: u64,
    /// Whether every seed ran.
    pub complete: bool,
    /// How many runs there were.
    pub runs: u64,
    /// How many seeds ran twice.
    pub twice: u64,
    /// Events of all runs.
    pub events: u64,
    /// Virtual time of all runs, in nanoseconds.
    pub virtual_time: u64,
    /// The sum of the runs' digests: the identity of what ran.
    pub digest: String,
    /// The ways to fail, by promise.
    pub failures: Vec<Bucket>,
    /// How many runs noted each fact.
    pub seen: BTreeMap<String, u64>,
    /// Known facts that no run noted.
    pub never: Vec<String>,
    /// How many scenarios had each knob otherwise than by default.
    #[serde(default)]
    pub turned: BTreeMap<String, u64>,
    /// Knobs that no scenario had otherwise than by default.
    #[serde(default)]
    pub never_turned: Vec<String>,
}

/// One way to fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bucket {
    /// The promise, and how it is broken.
    pub fingerprint: Fingerprint,
    /// How many seeds fail so.
    pub count: u64,
    /// Some of those seeds, the shortest runs first.
    pub seeds: Vec<u64>,
    /// What happened in the first of them.
    pub summary: String,
    /// What the protocol printed in the first of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub printed: String,
    /// The file of the smallest witness.
    pub witness: String,
    /// What happens in the witness.
    pub headline: String,
    /// Faults in the witness.
    pub faults: usize,
    /// Operations in the witness.
    pub operations: usize,
    /// All moves in the witness.
    pub moves: usize,
    /// What led to the broken promise in the witness, with the nodes as columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// The witness itself.
    #[serde(skip)]
    pub toml: String,
}

/// A failure made small, as a file, and how large it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Small {
    /// The scenario file.
    pub toml: String,
    /// What happens, in one sentence.
    pub headline: String,
    /// Faults.
    pub faults: usize,
    /// Operations.
    pub operations: usize,
    /// All moves.
    pub moves: usize,
    /// Whether it is a story, move by move.
    pub is_story: bool,
    /// What led to the broken promise, with the nodes as columns.
    #[serde(default)]
    pub why: Vec<String>,
}

impl Small {
    fn order(&self) -> (bool, usize, usize, usize) {
        (!self.is_story, self.moves, self.faults, self.operations)
    }
}

/// Makes the failure of a seed small, with at most so many events. `stop` is asked before every try.
#[must_use]
pub(crate) fn small(plan: &Plan, seed: u64, effort: u64, stop: &mut dyn FnMut() -> bool) -> Option<Small> {
    let mut stop = |_: &Progress| stop();
    let mut effort = Effort::new(effort, &mut stop);
    let shrunk = plan.system.shrink(&plan.scenario(seed), seed, &mut effort).ok()??;
    Some(Small {
        toml: shrunk.to_toml(),
        headline: shrunk.headline(),
        faults: shrunk.faults,
        operations: shrunk.operations,
        moves: shrunk.acts,
        is_story: shrunk.is_story,
        why: why(plan, &shrunk),
    })
}

/// What led to the broken promise of a failure that was made small.
fn why(plan: &Plan, shrunk: &Shrunk) -> Vec<String> {
    let options = RunOptions {
        file: String::new(),
        system: plan.system.name().to_owned(),
        seed: shrunk.scenario.seeds.first,
        trace: true,
    };
    plan.system.why(&shrunk.scenario, &options)
}

/// Makes a report of blocks, on so many threads. `smaller` makes the failure of a seed small.
#[must_use]
pub(crate) fn summarise(
    plan: &Plan,
    kept: &Kept,
    threads: usize,
    smaller: &(dyn Fn(u64) -> Option<Small> + Sync),
) -> SweepReport {
    let sum = kept.sum();
    let digest = u128::from_str_radix(&sum.digest, 16).unwrap_or(0);
    let mut report = SweepReport {
        system: plan.system.name().to_owned(),
        first: plan.first,
        last: plan.last,
        complete: kept.len() == plan.blocks_of_shard(),
        runs: sum.runs,
        twice: sum.twice,
        events: sum.events,
        virtual_time: sum.virtual_time,
        digest: format!("{digest:032x}"),
        failures: Vec::new(),
        seen: sum.seen.clone(),
        never: Vec::new(),
        turned: sum.turned.clone(),
        never_turned: Vec::new(),
    };
    let mut buckets: BTreeMap<&Fingerprint, Vec<&Failure>> = BTreeMap::new();
    for failure in &sum.failures {
        buckets.entry(&failure.fingerprint).or_default().push(failure);
    }
    report.never = SOMETIMES
        .iter()
        .filter(|(fact, _)| !report.seen.contains_key(*fact) && may_note(plan, fact))
        .map(|(fact, _)| (*fact).to_owned())
        .collect();
    // Of a file, the knobs are what the file says.
    if plan.scenario.is_some() {
        report.turned.clear();
    } else {
        report.never_turned =
            turnable().into_iter().filter(|knob| !report.turned.contains_key(knob)).collect();
    }
    let mut buckets: Vec<Vec<&Failure>> = buckets.into_values().collect();
    buckets.iter_mut().for_each(|failures| failures.sort_by_key(|failure| (failure.events, failure.seed)));
    report.failures = in_parallel(&buckets, threads, &|failures| bucket(plan, failures, smaller));
    report
}

/// Whether runs of a plan may note a fact. What only the Raft of this project notes is not missed in others.
fn may_note(plan: &Plan, fact: &str) -> bool {
    let is_of_raft = |it: &Fact| it.name() == fact && !is_noted_by_the_world(*it);
    !Fact::ALL.iter().any(is_of_raft) || plan.system.notes().is_some_and(|notes| notes.contains(&fact))
}

/// Does something with each item on some threads; the results keep the items' order.
fn in_parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: &(dyn Fn(&T) -> R + Sync)) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some((place, item)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    items.get(place).map(|item| (place, item))
                } {
                    let result = work(item);
                    results.lock().expect("a thread that panics ends the program").insert(place, result);
                }
            });
        }
    });
    results.into_inner().expect("a thread that panics ends the program").into_values().collect()
}

fn bucket(plan: &Plan, failures: &[&Failure], smaller: &(dyn Fn(u64) -> Option<Small> + Sync)) -> Bucket {
    let first = failures[0];
    let fingerprint = first.fingerprint.clone();
    let can_shrink = !BESIDE_SCENARIOS.contains(&fingerprint.property.as_str());
    let tried = failures.iter().take(WITNESSES).filter(|_| can_shrink);
    let best = tried.filter_map(|failure| smaller(failure.seed)).min_by_key(Small::order);
    let toml = best.as_ref().map_or_else(|| as_it_is(plan, first), |best| best.toml.clone());
    Bucket {
        count: failures.len() as u64,
        seeds: failures.iter().take(5).map(|failure| failure.seed).collect(),
        summary: first.summary.clone(),
        printed: first.printed.clone(),
        witness: format!("failures/{}", file_name(&fingerprint.slug(), "toml")),
        headline: best.as_ref().map_or_else(|| first.summary.clone(), |best| best.headline.clone()),
        faults: best.as_ref().map_or(0, |best| best.faults),
        operations: best.as_ref().map_or(0, |best| best.operations),
        moves: best.as_ref().map_or(0, |best| best.moves),
        why: best.map_or_else(Vec::new, |best| best.why),
        toml,
        fingerprint,
    }
}

/// The scenario of a failure that could not be made small.
fn as_it_is(plan: &Plan, failure: &Failure) -> String {
    let mut scenario = plan.scenario(failure.seed);
    scenario.seeds = crate::scenario::Seeds { first: failure.seed, last: failure.seed };
    let what: String = failure.summary.lines().map(|line| format!("# {line}\n")).collect();
    format!("# {}, not made small.\n{what}{}", failure.fingerprint.property, scenario.to_toml())
}

impl SweepReport {
    /// The document, ending with a line break.
    #[must_use]
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and numbers are always JSON") + "\n"
    }

    /// The report as text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let SweepReport { system, first, last, runs, twice, events, virtual_time, digest, .. } = self;
        let state = if self.complete { "" } else { " (not all of them yet)" };
        let mut text = format!("Sweep of {system}, seeds {first}..{last}{state}\n\n");
        let mut line = |name: &str, value: &str| writeln!(text, "  {name:<9} {value}").expect("a string");
        line("runs", &format!("{runs}, of them {twice} twice"));
        line("events", &format!("{events} in {} of virtual time", Span(*virtual_time)));
        line("digest", digest);
        let failing: u64 = self.failures.iter().map(|bucket| bucket.count).sum();
        line("failures", &format!("{failing} of {} kinds", self.failures.len()));
        line("never", if self.never.is_empty() { "nothing: every known fact was seen" } else { "" });
        write_names(&mut text, &self.never);
        if !self.turned.is_empty() {
            let every = self.never_turned.is_empty();
            let unturned = if every { "nothing: every knob was turned" } else { "" };
            writeln!(text, "  {:<9} {unturned}", "unturned").expect("a string");
            write_names(&mut text, &self.never_turned);
        }
        for bucket in &self.failures {
            bucket.write(&mut text);
        }
        text
    }
}

/// Some names, five on a line.
fn write_names(text: &mut String, names: &[String]) {
    for names in names.chunks(5) {
        writeln!(text, "            {}", escape::terminal(&names.join(", "))).expect("a string");
    }
}

impl Bucket {
    fn write(&self, text: &mut String) {
        let Bucket { fingerprint, count, seeds, witness, faults, operations, moves, .. } = self;
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let more = if *count > seeds.len() as u64 { " …" } else { "" };
        text.push_str(&format!(
            "\n{}\n  shape     {}\n  seeds     {count}: {}{more}\n  witness   {witness}: {faults} faults, \
             {operations} operations, {moves} moves\n",
            escape::terminal(self.headline.lines().next().unwrap_or_default()),
            escape::terminal(&fingerprint.to_string()),
            seeds.join(" "),
        ));
        if !self.printed.is_empty() {
            text.push_str("  printed\n");
            self.printed.lines().for_each(|line| text.push_str(&format!("  > {}\n", escape::terminal(line))));
        }
        for (number, line) in self.why.iter().enumerate() {
            let label = if number == 0 { "why" } else { "" };
            text.push_str(&format!("  {label:<9} {}\n", escape::terminal(line)));
        }
        if fingerprint.property == DETERMINISM {
            self.summary.lines().for_each(|line| text.push_str(&format!("  | {}\n", escape::terminal(line))));
        }
    }
}
