//! `splitbrain rules`: every safety rule that a scenario can switch off, and what it is for.
//!
//! Holds: the rules are the core's, in the core's order; each has its story in `scenarios/why/`.
//! Not here: the rules themselves (`splitbrain_core`), and running their stories (`run`).

use std::fmt::Write as _;
use std::io;

use clap::Args;
use serde::Serialize;
use splitbrain_core::Rules;

use super::output::{Format, Output, complain};
use super::{AS_EXPECTED, BAD_INPUT};

/// What `rules` may be told.
#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Row {
    rule: &'static str,
    source: &'static str,
    without: &'static str,
    /// The promise that its story breaks.
    breaks: &'static str,
    story: String,
    /// How many steps the story takes.
    steps: usize,
    /// How many moves a breadth-first model needed.
    model_moves: Option<usize>,
}

/// Prints the table, and returns the exit code.
pub(super) fn main(arguments: &RulesArguments) -> u8 {
    match write(arguments) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the table cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn write(arguments: &RulesArguments) -> io::Result<()> {
    let rows = rows();
    let text = match arguments.format {
        Format::Text => rows.iter().map(text).collect::<Vec<_>>().join("\n"),
        Format::Json => serde_json::to_string_pretty(&rows).map_err(io::Error::other)? + "\n",
    };
    Output::new().write(&text)
}

fn rows() -> Vec<Row> {
    let row = |info: &splitbrain_core::rules::RuleInfo| Row {
        rule: info.name,
        source: info.source,
        without: info.breaks,
        breaks: info.story.promise,
        story: format!("scenarios/why/{}.toml", info.name),
        steps: info.story.steps,
        model_moves: info.story.model_moves,
    };
    Rules::ALL.iter().map(row).collect()
}

fn text(row: &Row) -> String {
    let mut text = format!("{}\n", row.rule);
    let steps = if row.steps == 1 { "step" } else { "steps" };
    let model = row
        .model_moves
        .map_or(String::new(), |moves| format!("; a breadth-first model needed {moves} moves"));
    let story = format!("{} breaks {} in {} {steps}{model}", row.story, row.breaks, row.steps);
    for (name, value) in [("source", row.source), ("without", row.without), ("story", &story)] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    {name:<8} {value}");
    }
    text
}
