//! For programs: one document, or one a line as it goes.
//!
//! Holds: the schema is named in what is written, and changes its number when a program that reads it would have to change
//! (`docs/formats.md` lists every key; a test compares).

use std::io;

use serde::Serialize;

use super::super::output::Output;
use super::{Ran, Sums, Unsuited, Writer};
use crate::report::Report;

/// The name and version of what is written.
pub(in crate::cli) const SCHEMA: &str = "splitbrain-run 1";

/// Every report of one command.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// In the order of files, systems and seeds.
    reports: &'a [Report],
    not_applicable: &'a [Unsuited],
    passed: usize,
    failed: usize,
}

/// Writes one document at the end.
#[derive(Default)]
pub(super) struct Json {
    reports: Vec<Report>,
    unsuited: Vec<Unsuited>,
}

impl Writer for Json {
    fn ran(&mut self, ran: &Ran) -> io::Result<()> {
        self.reports.push(ran.report.clone());
        Ok(())
    }

    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()> {
        self.unsuited.push(unsuited.clone());
        Ok(())
    }

    fn finish(&mut self, sums: &Sums) -> io::Result<()> {
        let Json { reports, unsuited } = &*self;
        let Sums { passed, failed, .. } = *sums;
        let document = Document { schema: SCHEMA, reports, not_applicable: unsuited, passed, failed };
        Output::new().write(&(serde_json::to_string_pretty(&document)? + "\n"))
    }
}

/// A line of its own.
#[derive(Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum Line<'a> {
    Start { schema: &'static str },
    Report(&'a Report),
    NotApplicable(&'a Unsuited),
    End { passed: usize, failed: usize, not_applicable: usize },
}

/// Writes a line for each run.
#[derive(Default)]
pub(super) struct JsonLines {
    output: Option<Output>,
}

impl JsonLines {
    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let is_first = self.output.is_none();
        let output = self.output.get_or_insert_with(Output::new);
        if is_first {
            output.write(&(serde_json::to_string(&Line::Start { schema: SCHEMA })? + "\n"))?;
        }
        output.write(&(serde_json::to_string(line)? + "\n"))
    }
}

impl Writer for JsonLines {
    fn ran(&mut self, ran: &Ran) -> io::Result<()> {
        self.line(&Line::Report(&ran.report))
    }

    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()> {
        self.line(&Line::NotApplicable(unsuited))
    }

    fn finish(&mut self, sums: &Sums) -> io::Result<()> {
        let Sums { passed, failed, unsuited } = *sums;
        self.line(&Line::End { passed, failed, not_applicable: unsuited })
    }
}
