//! For GitHub's workflows: an annotation at the line of each failure, and a summary of the job in Markdown.
//!
//! Holds: text from a scenario can begin no command of the workflow and no markup of the summary. The summary goes to the file
//! that `GITHUB_STEP_SUMMARY` names, if it names one.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use super::super::output::Output;
use super::text::Text;
use super::{Ran, Sums, Unsuited, Writer, reasons};
use crate::escape;

/// Writes for people, and for the workflow.
pub(super) struct Github {
    text: Text,
    /// Rows of the summary.
    rows: Vec<String>,
}

impl Github {
    pub(super) fn new(text: Text) -> Github {
        Github { text, rows: Vec::new() }
    }
}

impl Writer for Github {
    fn ran(&mut self, ran: &Ran) -> io::Result<()> {
        self.text.ran(ran)?;
        let report = &ran.report;
        let Some(why) = reasons(report).first() else { return Ok(()) };
        let (line, why) = place(&report.file, why);
        let (file, title) = (escape::github_property(&report.file), escape::github_property(&report.title));
        let page = report.page.as_ref().map_or_else(String::new, |page| format!("\npage: {page}"));
        let message = escape::github_message(&format!("{why}\n{}{page}", report.repeat));
        Output::new().write(&format!("::error file={file},line={line},title={title}::{message}\n"))?;
        self.rows.push(format!(
            "| {} | {} | {} | {} | {} |\n",
            escape::markdown(&report.file),
            escape::markdown(&report.system),
            report.seed,
            escape::markdown(why),
            escape::markdown(&report.repeat),
        ));
        Ok(())
    }

    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()> {
        self.text.unsuited(unsuited)
    }

    fn finish(&mut self, sums: &Sums) -> io::Result<()> {
        self.text.finish(sums)?;
        let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else { return Ok(()) };
        let Sums { passed, failed, unsuited } = sums;
        let mut summary =
            format!("### splitbrain: {passed} as expected, {failed} not, {unsuited} not applicable\n\n");
        if !self.rows.is_empty() {
            summary.push_str("| scenario | system | seed | why | repeat |\n|---|---|---|---|---|\n");
            summary.push_str(&self.rows.concat());
        }
        OpenOptions::new().append(true).create(true).open(path)?.write_all(summary.as_bytes())
    }
}

/// The line that a reason names at its beginning, as `file:line:column: why`, and the rest; line 1 if it names none.
fn place<'a>(file: &str, why: &'a str) -> (u64, &'a str) {
    let named = || {
        let rest = why.strip_prefix(file)?.strip_prefix(':')?;
        let (line, rest) = rest.split_once(':')?;
        let (_, rest) = rest.split_once(": ")?;
        Some((line.parse().ok()?, rest))
    };
    named().unwrap_or((1, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_may_name_its_line() {
        assert_eq!(place("a.toml", "a.toml:12:3: it was refused"), (12, "it was refused"));
        assert_eq!(place("a.toml", "nothing was seen: x"), (1, "nothing was seen: x"));
    }
}
