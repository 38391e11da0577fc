//! For people: quiet when all is well, in full what is not.
//!
//! Holds: failures are shown in full as they come, and once more by name at the end; passing runs only where they were asked
//! for. Progress is shown on a terminal only.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::super::output::{Output, inform};
use super::super::progress::Bar;
use super::{Ran, Sums, Unsuited, Writer, folder, reasons};
use crate::escape;
use crate::report::{self, Palette, Report};

/// How many of the slowest runs are named.
const SLOWEST: usize = 3;

/// Runs that together took less than this are not worth looking at.
const WORTH_A_LOOK: Duration = Duration::from_secs(2);

/// How many reasons why scenarios do not suit a system are told.
const REASONS_MAX: usize = 8;

/// Writes for people.
pub(super) struct Text {
    output: Output,
    palette: Palette,
    /// Whether all runs are shown in full.
    all: bool,
    /// Whether the first run is.
    first: bool,
    bar: Option<Bar>,
    done: u64,
    /// Runs, and those that failed, by folder.
    folders: BTreeMap<String, (usize, usize)>,
    /// Why scenarios do not suit a system: how many, and the first.
    unsuited: BTreeMap<String, (usize, String)>,
    failures: Vec<String>,
    slowest: Vec<(Duration, String)>,
    took: Duration,
    /// File and system of the report before this one.
    last: Option<(String, String)>,
}

impl Text {
    pub(super) fn new(all: bool, first: bool, runs: u64) -> Text {
        let output = Output::new();
        let palette = output.palette();
        Text {
            output,
            palette,
            all,
            first,
            bar: (!all).then(|| Bar::on_terminal(runs, "runs")).flatten(),
            done: 0,
            folders: BTreeMap::new(),
            unsuited: BTreeMap::new(),
            failures: Vec::new(),
            slowest: Vec::new(),
            took: Duration::ZERO,
            last: None,
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &self.bar {
            Some(bar) => bar.aside(|| self.output.write(text)),
            None => self.output.write(text),
        }
    }

    /// The first run of a scenario is shown in full, and each that failed; others in one line.
    fn show(&mut self, report: &Report) -> io::Result<()> {
        let this = Some((report.file.clone(), report.system.clone()));
        let is_first = this != self.last;
        let gap = if self.last.is_some() { "\n" } else { "" };
        let text = match is_first || !report.passed() || !report.trace.is_empty() {
            true => format!("{gap}{}", report.text(&self.palette)),
            false => report.line(&self.palette),
        };
        self.last = this;
        self.write(&text)
    }

    fn remember(&mut self, ran: &Ran) {
        let Report { file, system, seed, .. } = &ran.report;
        let name = format!("{file} · {system} · seed {seed}");
        let (runs, failed) = self.folders.entry(folder(file).to_owned()).or_default();
        *runs += 1;
        if !ran.report.passed() {
            *failed += 1;
            let why = reasons(&ran.report).first().map_or("", String::as_str);
            self.failures.push(format!("{name}\n     {}", why.lines().next().unwrap_or_default()));
        }
        self.took += ran.took;
        self.slowest.push((ran.took, name));
        self.slowest.sort_by_key(|(took, _)| core::cmp::Reverse(*took));
        self.slowest.truncate(SLOWEST);
    }

    fn folder_lines(&self) -> String {
        let Palette { good, bad, .. } = self.palette;
        let line = |(folder, (runs, failed)): (&String, &(usize, usize))| {
            let noun = if *runs == 1 { "run" } else { "runs" };
            let folder = escape::terminal(folder);
            match failed {
                0 => format!("{good}ok  {good:#} {folder}  {runs} {noun}\n"),
                _ => format!("{bad}FAIL{bad:#} {folder}  {failed} of {runs} {noun} not as expected\n"),
            }
        };
        self.folders.iter().map(line).collect()
    }

    fn unsuited_lines(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (why, (count, first)) in &self.unsuited {
            let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            lines.push(format!("n/a  {}{more} · {}\n", escape::terminal(first), escape::terminal(why)));
        }
        if lines.len() > REASONS_MAX {
            let rest = lines.split_off(REASONS_MAX).len();
            lines.push(format!("n/a  for {rest} other reasons; --report all tells them\n"));
        }
        lines.concat()
    }
}

impl Writer for Text {
    fn ran(&mut self, ran: &Ran) -> io::Result<()> {
        self.done += 1;
        self.remember(ran);
        if self.all || self.first || !ran.report.passed() {
            self.first = false;
            self.show(&ran.report)?;
        }
        let failed = self.failures.len();
        if let Some(bar) = &mut self.bar {
            bar.show(self.done, format!("{failed} not as expected"));
        }
        Ok(())
    }

    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()> {
        let Unsuited { file, system, why, .. } = unsuited;
        if self.all {
            let gap = if self.last.is_some() { "\n" } else { "" };
            self.last = Some((file.clone(), system.clone()));
            let (file, why) = (escape::terminal(file), escape::terminal(why));
            return self.write(&format!("{gap}n/a  {file} · {system} · {why}\n"));
        }
        let (count, _) = self.unsuited.entry(why.clone()).or_insert_with(|| (0, file.clone()));
        *count += 1;
        Ok(())
    }

    fn finish(&mut self, sums: &Sums) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.end();
        }
        let gap = if self.last.is_some() { "\n" } else { "" };
        let mut text = format!("{gap}{}{}", self.folder_lines(), self.unsuited_lines());
        let Palette { bad, .. } = self.palette;
        for failure in &self.failures {
            text.push_str(&format!("{bad}FAIL{bad:#} {}\n", escape::terminal_lines(failure)));
        }
        let unsuited = sums.unsuited;
        let unsuited = if unsuited == 0 { String::new() } else { format!(", {unsuited} not applicable") };
        let line = report::summary_line(sums.passed, sums.failed, &self.palette);
        text.push_str(&format!("{}{unsuited}\n", line.trim_end_matches('\n')));
        self.write(&text)?;
        if self.took >= WORTH_A_LOOK {
            let name = |(took, name): &(Duration, String)| format!("{name} {took:.1?}");
            let slowest: Vec<String> = self.slowest.iter().map(name).collect();
            inform(&format!("slowest: {}", slowest.join(", ")));
        }
        Ok(())
    }
}
