//! What is said of failing runs: one kind after the other, the smallest of each in full and made small.
//!
//! Holds: equal failures give equal words, in whatever order they came. Not here: making the runs.

use std::collections::BTreeMap;
use std::path::Path;

use super::repeat::Repeat;
use crate::explain;
use crate::files::{self, file_name};
use crate::panics;
use crate::protocol::Protocol;
use crate::report::{Palette, Report, Verdict};
use crate::runner::RunOptions;
use crate::scenario::Scenario;
use crate::shrink::{self, Effort, Fingerprint, Shrunk};

/// How many failures of a kind are made small before the smallest is taken.
const WITNESSES: usize = 2;

/// How many seeds of a kind are named.
const SEEDS_SHOWN: usize = 5;

/// A run that did not go as expected.
pub(super) struct Failure {
    scenario: Scenario,
    report: Report,
    /// What makes two failures the same.
    kind: String,
    /// Whether a promise was broken that shrinking can aim at.
    is_broken_promise: bool,
}

impl Failure {
    pub(super) fn new(scenario: Scenario, report: Report) -> Failure {
        let fingerprint = Fingerprint::of(&report, &scenario);
        let is_broken_promise = fingerprint.is_some();
        let kind = fingerprint.map_or_else(|| reasons(&report), |fingerprint| fingerprint.to_string());
        Failure { scenario, report, kind, is_broken_promise }
    }

    /// Two runs of the seed differ; `how` names the first record.
    pub(super) fn of_nondeterminism(
        system: &str,
        scenario: Scenario,
        mut report: Report,
        how: &str,
    ) -> Failure {
        report.verdict = Verdict::NotAsExpected(vec![format!(
            "two runs differ, so that none can be repeated; {system} reads a clock, a random number or an unordered map \
             that is not the world's\n{how}"
        )]);
        let kind = String::from("determinism: two runs of one seed differ");
        Failure { scenario, report, kind, is_broken_promise: false }
    }

    fn order(&self) -> (u64, u64) {
        (self.report.counts.events, self.report.seed)
    }
}

/// Failures without a broken promise are the same when the same was missed.
fn reasons(report: &Report) -> String {
    match &report.verdict {
        Verdict::NotAsExpected(reasons) => reasons.join("; "),
        Verdict::AsExpected => String::new(),
    }
}

/// All failures by kind, in words.
pub(super) fn tell<P: Protocol>(
    failures: Vec<Failure>,
    runs: u64,
    effort: u64,
    regressions: Option<&Path>,
    repeat: &Repeat,
) -> String {
    let failed = failures.len();
    let mut kinds: BTreeMap<String, Vec<Failure>> = BTreeMap::new();
    failures.into_iter().for_each(|failure| {
        kinds.entry(failure.kind.clone()).or_default().push(failure);
    });
    let kinds_text = if kinds.len() == 1 { "one kind" } else { &format!("{} kinds", kinds.len()) };
    let mut text = format!("{failed} of {runs} runs of {} fail, in {kinds_text}\n", P::NAME);
    for (kind, mut failures) in kinds {
        failures.sort_by_key(Failure::order);
        text.push_str(&tell_kind::<P>(&kind, &mut failures, effort, regressions, repeat));
    }
    text
}

fn tell_kind<P: Protocol>(
    kind: &str,
    failures: &mut [Failure],
    effort: u64,
    regressions: Option<&Path>,
    repeat: &Repeat,
) -> String {
    let seeds: Vec<String> =
        failures.iter().take(SEEDS_SHOWN).map(|failure| failure.report.seed.to_string()).collect();
    let more = if failures.len() > SEEDS_SHOWN { " …" } else { "" };
    let first_line = kind.lines().next().unwrap_or_default();
    let mut text = format!(
        "\n== {first_line}\n   {} seeds, the shortest run first: {}{more}\n\n",
        failures.len(),
        seeds.join(" ")
    );
    let smallest = smallest::<P>(failures, effort);
    let first = &mut failures[0];
    first.report.repeat = repeat.line(first.report.seed);
    tell_why::<P>(first);
    text.push_str(&first.report.text(&Palette::default()));
    if let Some(shrunk) = smallest {
        let toml = shrunk.to_toml();
        text.push_str("\nMade small:\n\n");
        toml.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
        if let Some(folder) = regressions {
            text.push_str(&keep(folder, &shrunk.fingerprint, &toml));
        }
    }
    let seed = first.report.seed;
    text.push_str(&format!("\nTo repeat this run alone, with its trace:\n{}\n", repeat.line(seed)));
    text
}

/// Names the folder into which a page is written for each kind of failure, if it is set.
const PAGES: &str = "SPLITBRAIN_EXPLAIN";

/// Lets a report say what led to its broken promise, and where the page is that draws it, if pages are wanted.
fn tell_why<P: Protocol>(failure: &mut Failure) {
    let Failure { scenario, report, is_broken_promise: true, .. } = failure else { return };
    let options = RunOptions {
        file: report.file.clone(),
        system: report.system.clone(),
        seed: report.seed,
        trace: true,
    };
    let folder = std::env::var_os(PAGES);
    // A protocol may panic where its world ends; then its failure is told without this.
    let explained = panics::catch(|| match &folder {
        Some(_) => explain::explain::<P>(scenario, &options),
        None => explain::without_deciding::<P>(scenario, &options),
    });
    let Ok(Ok(explained)) = explained else { return };
    report.why = explained.lines().to_vec();
    let Some(folder) = folder else { return };
    let path = Path::new(&folder).join(file_name(&format!("{}-{}", P::NAME, report.seed), "html"));
    // A page that cannot be written must not hide the failure.
    if files::write(&path, &explained.page()).is_ok() {
        report.page = Some(path.display().to_string());
    }
}

fn smallest<P: Protocol>(failures: &[Failure], effort: u64) -> Option<Shrunk> {
    let mut best: Option<Shrunk> = None;
    for failure in failures.iter().filter(|failure| failure.is_broken_promise && effort > 0).take(WITNESSES) {
        let mut go_on = |_: &_| false;
        let mut effort = Effort::new(effort, &mut go_on);
        // A process may panic when it is dropped, which is at no moment of a run.
        let shrunk = panics::catch(|| {
            shrink::shrink_protocol::<P>(&failure.scenario, failure.report.seed, &mut effort)
        });
        let Ok(Ok(Some(shrunk))) = shrunk else { continue };
        if best.as_ref().is_none_or(|best| shrunk.is_smaller_than(best)) {
            best = Some(shrunk);
        }
    }
    best
}

/// Writes a small failure as a scenario, and says where.
fn keep(folder: &Path, fingerprint: &Fingerprint, toml: &str) -> String {
    let path = folder.join(file_name(&fingerprint.slug(), "toml"));
    match files::write(&path, toml) {
        Ok(()) => format!("\nWritten to {}.\n", path.display()),
        Err(error) => format!("\nIt cannot be written to {}: {error}\n", path.display()),
    }
}
