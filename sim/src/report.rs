//! What came of a run, for people and for machines.
//!
//! Holds: equal runs make equal reports, on every machine: no wall clock, no path but the one that was given.
//! Not here: judging (`runner`), and where the text goes (`cli`).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::escape::terminal_lines as show;
use crate::scenario::Property;
use crate::time::{Span, exact};
use crate::trace::{Record, RecordId};

/// What came of one run: one scenario, one system, one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The path as it was given; empty when the scenario came from no file.
    pub file: String,
    /// The scenario's title.
    pub title: String,
    /// The scenario's source.
    pub source: String,
    /// The protocol that ran.
    pub system: String,
    /// Its version, when somebody else publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Whether it went as the scenario expects.
    pub verdict: Verdict,
    /// The promises that the scenario expects to be broken, by name.
    pub expected: Vec<String>,
    /// The promises that were broken, in the order they were.
    pub violations: Vec<FoundViolation>,
    /// The promises that nobody judged, each with what the protocol does not show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_judged: Vec<String>,
    /// How often each fact was noted.
    pub seen: BTreeMap<String, u64>,
    /// How much happened.
    pub counts: Counts,
    /// One line for each node at the end.
    pub nodes: Vec<String>,
    /// The running hash of the trace, 128 bits in hexadecimal.
    pub digest: String,
    /// The command that repeats the run.
    pub repeat: String,
    /// What led to the broken promises, with the nodes as columns, when it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// The file with the page that draws the run, when one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Every record, when they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<ToldRecord>,
}

/// A record, and what it is in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToldRecord {
    /// The record.
    #[serde(flatten)]
    pub record: Record,
    /// One line for people.
    pub line: String,
}

/// Whether a run went as its scenario expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", content = "reasons", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every expectation holds.
    AsExpected,
    /// These expectations do not hold; at least one sentence.
    NotAsExpected(Vec<String>),
}

/// A broken promise and its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundViolation {
    /// The promise, by name.
    pub property: String,
    /// Where the promise is made.
    pub cites: String,
    /// What happened, in one line.
    pub summary: String,
    /// The records that contradict each other, each with its event and time.
    pub evidence: Vec<Evidence>,
}

/// A record that is part of a violation's witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The event's number, counted from 1.
    pub event: u64,
    /// When, in virtual nanoseconds.
    pub time: u64,
    /// What it shows.
    pub record: String,
    /// The number of the record in the trace that began the step which shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RecordId>,
}

/// How much happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events of the world.
    pub events: u64,
    /// Virtual time that passed, in nanoseconds.
    pub virtual_time: u64,
    /// Messages that nodes sent.
    pub sent: u64,
    /// Messages that arrived; a duplicate counts again.
    pub delivered: u64,
    /// Messages that were lost.
    pub dropped: u64,
    /// Disk writes that became durable.
    pub writes: u64,
    /// Processes that were killed.
    pub crashes: u64,
    /// Times that a node began to lead.
    pub elections: u64,
    /// Entries that were committed.
    pub commits: u64,
    /// Client calls that were answered.
    pub calls_ok: u64,
    /// Client calls that were never answered.
    pub calls_unknown: u64,
    /// Client calls that were refused.
    pub calls_refused: u64,
}

/// The styles of a report's text. [`Palette::default`] has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    pub(crate) good: Style,
    pub(crate) bad: Style,
    strong: Style,
    faint: Style,
}

impl FoundViolation {
    /// A violation of a property, citing where the promise is made.
    #[must_use]
    pub fn new(property: Property, summary: impl Into<String>, evidence: Vec<Evidence>) -> FoundViolation {
        FoundViolation {
            property: property.name().to_owned(),
            cites: property.cites().to_owned(),
            summary: summary.into(),
            evidence,
        }
    }
}

impl Report {
    /// Whether every expectation holds.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::AsExpected
    }

    /// Every record that was kept, in words.
    #[must_use]
    pub fn trace_lines(&self) -> Vec<String> {
        self.trace.iter().map(|told| told.line.clone()).collect()
    }

    /// The whole report as text, ending with a line break.
    #[must_use]
    pub fn text(&self, palette: &Palette) -> String {
        let mut text = String::new();
        self.write_text(&mut text, palette).expect("a string takes any text");
        text
    }

    /// The report in one line, ending with a line break.
    #[must_use]
    pub fn line(&self, palette: &Palette) -> String {
        let Report { seed, digest, .. } = self;
        let (file, system) = (show(&self.file), show(&self.system_and_version()));
        format!("{} {file} · {system} · seed {seed} · digest {digest}\n", self.mark(palette))
    }

    /// The protocol that ran, with its version if it has one: `raft-rs 0.7.0`.
    #[must_use]
    pub fn system_and_version(&self) -> String {
        self.version
            .as_ref()
            .map_or_else(|| self.system.clone(), |version| format!("{} {version}", self.system))
    }

    fn mark(&self, palette: &Palette) -> String {
        let (style, word) = if self.passed() { (palette.good, "ok  ") } else { (palette.bad, "FAIL") };
        format!("{style}{word}{style:#}")
    }

    fn write_text(&self, out: &mut String, palette: &Palette) -> fmt::Result {
        let Palette { strong, faint, bad, .. } = palette;
        writeln!(out, "{} {strong}{}{strong:#}", self.mark(palette), show(&self.title))?;
        writeln!(
            out,
            "     {faint}{} · {} · seed {}{faint:#}",
            show(&self.file),
            show(&self.system_and_version()),
            self.seed
        )?;
        writeln!(out, "     {faint}source    {}{faint:#}", show(&self.source))?;
        writeln!(out, "     expected  {}", listed(&self.expected, "no violation"))?;
        let found: Vec<&str> = self.violations.iter().map(|violation| violation.property.as_str()).collect();
        writeln!(out, "     found     {}", listed(&found, "no violation"))?;
        if let Verdict::NotAsExpected(reasons) = &self.verdict {
            for reason in reasons {
                writeln!(out, "     {bad}but{bad:#}       {}", show(reason))?;
            }
        }
        for violation in &self.violations {
            write_violation(out, violation, palette)?;
        }
        for promise in &self.not_judged {
            writeln!(out, "     {faint}unjudged  {promise}{faint:#}")?;
        }
        for (number, line) in self.why.iter().enumerate() {
            let label = if number == 0 { "why" } else { "" };
            writeln!(out, "     {strong}{label:<9}{strong:#} {}", show(line))?;
        }
        if let Some(page) = &self.page {
            writeln!(out, "     page      {}", show(page))?;
        }
        self.write_facts(out)?;
        self.counts.write_text(out)?;
        for node in &self.nodes {
            writeln!(out, "     {faint}node      {}{faint:#}", show(node))?;
        }
        writeln!(out, "     digest    {}", self.digest)?;
        if !self.passed() || !self.violations.is_empty() {
            writeln!(out, "     repeat    {strong}{}{strong:#}", show(&self.repeat))?;
        }
        for ToldRecord { line, .. } in &self.trace {
            writeln!(out, "     {faint}|{faint:#} {}", show(line))?;
        }
        Ok(())
    }

    fn write_facts(&self, out: &mut String) -> fmt::Result {
        let facts: Vec<String> =
            self.seen.iter().map(|(fact, count)| format!("{} {count}", show(fact))).collect();
        writeln!(out, "     seen      {}", listed(&facts, "nothing of note"))
    }
}

impl Counts {
    fn write_text(&self, out: &mut String) -> fmt::Result {
        let Counts { events, sent, delivered, dropped, writes, crashes, elections, commits, .. } = self;
        let time = Span(self.virtual_time);
        writeln!(
            out,
            "     counts    {events} events in {time} · {elections} elections · {commits} commits"
        )?;
        writeln!(out, "               messages {sent} sent, {delivered} delivered, {dropped} dropped")?;
        writeln!(out, "               disks {writes} writes · {crashes} crashes")?;
        let Counts { calls_ok, calls_unknown, calls_refused, .. } = self;
        writeln!(out, "               calls {calls_ok} ok, {calls_unknown} unknown, {calls_refused} refused")
    }
}

/// The command that repeats a run, as a shell takes it.
#[must_use]
pub fn repeat_command(file: &str, system: &str, seed: u64) -> String {
    format!("splitbrain run {} --system {system} --seed {seed}", shell_word(file))
}

/// A text as one word of a shell.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// The last line of a text: how many runs went as expected.
#[must_use]
pub fn summary_line(passed: usize, failed: usize, palette: &Palette) -> String {
    let Palette { good, bad, strong, .. } = palette;
    let runs = passed + failed;
    let noun = if runs == 1 { "run" } else { "runs" };
    let style = if failed == 0 { good } else { bad };
    format!("{strong}{runs} {noun}{strong:#}: {style}{passed} as expected, {failed} not{style:#}\n")
}

impl Palette {
    /// For a terminal.
    #[must_use]
    pub fn coloured() -> Palette {
        Palette {
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
        }
    }
}

fn write_violation(out: &mut String, violation: &FoundViolation, palette: &Palette) -> fmt::Result {
    let Palette { strong, faint, .. } = palette;
    let FoundViolation { property, cites, summary, evidence } = violation;
    writeln!(
        out,
        "     {strong}{property}{strong:#} is broken: {} {faint}({cites}){faint:#}",
        show(summary)
    )?;
    for Evidence { event, time, record, id: _ } in evidence {
        writeln!(out, "       {strong}event {event}{strong:#} at {}  {}", exact(*time), show(record))?;
    }
    Ok(())
}

fn listed(words: &[impl AsRef<str>], none: &str) -> String {
    if words.is_empty() {
        return none.to_owned();
    }
    words.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> Report {
        let evidence = [(12, 150_000_001, "c leads in epoch 2"), (31, 1_150_000_000, "a leads in epoch 2")];
        let evidence = evidence.map(|(event, time, record)| Evidence {
            event,
            time,
            record: record.to_owned(),
            id: None,
        });
        Report {
            file: "scenarios/split.toml".to_owned(),
            title: "Two leaders".to_owned(),
            source: "Raft paper, section 5.2".to_owned(),
            system: "raft".to_owned(),
            version: None,
            seed: 7,
            verdict,
            expected: Vec::new(),
            violations: vec![FoundViolation::new(
                Property::ElectionSafety,
                "a and c lead in epoch 2",
                evidence.into(),
            )],
            not_judged: Vec::new(),
            seen: BTreeMap::from([("leader-changed".to_owned(), 2)]),
            counts: Counts { events: 40, virtual_time: 1_234_567_890, sent: 9, ..Counts::default() },
            nodes: vec!["a leader term 2".to_owned()],
            digest: "00ff".to_owned(),
            repeat: "splitbrain run scenarios/split.toml --system raft --seed 7".to_owned(),
            why: Vec::new(),
            page: None,
            trace: Vec::new(),
        }
    }

    #[test]
    fn a_failure_shows_the_two_records_and_the_command() {
        let reason = "expected no violation, found election-safety".to_owned();
        let text = report(Verdict::NotAsExpected(vec![reason])).text(&Palette::default());
        let expected = "\
FAIL Two leaders
     scenarios/split.toml · raft · seed 7
     source    Raft paper, section 5.2
     expected  no violation
     found     election-safety
     but       expected no violation, found election-safety
     election-safety is broken: a and c lead in epoch 2 (Raft paper, figure 3 and section 5.2)
       event 12 at 150.000001ms  c leads in epoch 2
       event 31 at 1150.000000ms  a leads in epoch 2
     seen      leader-changed 2
     counts    40 events in 1.234s · 0 elections · 0 commits
               messages 9 sent, 0 delivered, 0 dropped
               disks 0 writes · 0 crashes
               calls 0 ok, 0 unknown, 0 refused
     node      a leader term 2
     digest    00ff
     repeat    splitbrain run scenarios/split.toml --system raft --seed 7
";
        assert_eq!(text, expected);
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let report = report(Verdict::AsExpected);
        let coloured = report.text(&Palette::coloured());
        assert_ne!(coloured, report.text(&Palette::default()));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), report.text(&Palette::default()));
    }

    #[test]
    fn nothing_in_a_report_is_obeyed() {
        let nasty = "x\u{1b}[2J\u{202e}\r";
        let mut report = report(Verdict::NotAsExpected(vec![nasty.to_owned()]));
        report.title = nasty.to_owned();
        report.file = nasty.to_owned();
        report.source = nasty.to_owned();
        report.nodes = vec![nasty.to_owned()];
        report.repeat = nasty.to_owned();
        report.violations[0].summary = nasty.to_owned();
        report.violations[0].evidence[0].record = nasty.to_owned();
        report.seen = BTreeMap::from([(nasty.to_owned(), 1)]);
        let text = report.text(&Palette::default()) + &report.line(&Palette::default());
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
        assert_eq!(text.matches("x\\u{1b}[2J\\u{202e}\\u{d}").count(), 10, "{text}");
    }

    #[test]
    fn the_command_survives_a_shell() {
        assert_eq!(repeat_command("a/b.toml", "raft", 3), "splitbrain run a/b.toml --system raft --seed 3");
        let expected = r"splitbrain run 'it'\''s $1.toml' --system raft --seed 3";
        assert_eq!(repeat_command("it's $1.toml", "raft", 3), expected);
    }

    #[test]
    fn the_last_line_counts() {
        assert_eq!(summary_line(1, 0, &Palette::default()), "1 run: 1 as expected, 0 not\n");
        assert_eq!(summary_line(2, 1, &Palette::default()), "3 runs: 2 as expected, 1 not\n");
    }
}
