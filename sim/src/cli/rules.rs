//! `splitbrain rules`: every safety rule that a scenario can switch off, and what it is for.
//!
//! Holds: the rules are the system's, in its order; each of the core's has its story in `scenarios/why/`.
//! Not here: the rules themselves (`splitbrain_core`), and running their stories (`run`).

use std::fmt::Write as _;
use std::io;

use clap::Args;
use serde::Serialize;
use splitbrain_core::Rules;

use super::output::{Format, Output, complain};
use super::program::Program;
use super::{AS_EXPECTED, BAD_INPUT};
use crate::system::System;

/// What `rules` may be told.
#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    /// How the table is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The rules of this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
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
pub(super) fn main(arguments: &RulesArguments, program: &Program) -> u8 {
    let Some(system) = program.system(arguments.system.as_deref(), None) else { return BAD_INPUT };
    match write(arguments, system) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the table cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn write(arguments: &RulesArguments, system: System) -> io::Result<()> {
    let rows = rows(system);
    let text = match arguments.format {
        Format::Text => rows.iter().map(text).collect::<Vec<_>>().join("\n"),
        Format::Json => serde_json::to_string_pretty(&rows).map_err(io::Error::other)? + "\n",
    };
    Output::new().write(&text)
}

/// The rules of a system, in its order. What a rule is for is known of those that the core has.
fn rows(system: System) -> Vec<Row> {
    let row = |&name: &&'static str| match Rules::ALL.iter().find(|info| info.name == name) {
        Some(info) => Row {
            rule: info.name,
            source: info.source,
            without: info.breaks,
            breaks: info.story.promise,
            story: format!("scenarios/why/{}.toml", info.name),
            steps: info.story.steps,
            model_moves: info.story.model_moves,
        },
        None => Row {
            rule: name,
            source: "",
            without: "",
            breaks: "",
            story: String::new(),
            steps: 0,
            model_moves: None,
        },
    };
    system.rules().iter().map(row).collect()
}

fn text(row: &Row) -> String {
    let mut text = format!("{}\n", row.rule);
    if row.story.is_empty() {
        return text;
    }
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
