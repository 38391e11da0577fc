//! `splitbrain systems`: the protocols that can be run, and what each can do.
//!
//! Not here: the protocols (`protocols`), and what a scenario asks of one (`system`).

use std::io;

use clap::Args;
use serde::Serialize;

use super::output::{Format, Output, complain};
use super::program::Program;
use super::{AS_EXPECTED, BAD_INPUT};
use crate::system::{Capability, System};

/// What `systems` may be told.
#[derive(Debug, Args)]
pub(super) struct SystemsArguments {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One protocol.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    version: Option<&'static str>,
    about: &'static str,
    can: Vec<&'static str>,
}

/// Prints the list, and returns the exit code.
pub(super) fn main(arguments: &SystemsArguments, program: &Program) -> u8 {
    let rows: Vec<Row> = program.systems.iter().map(row).collect();
    match write(&rows, arguments.format) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the list cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn row(system: System) -> Row {
    let can = Capability::ALL.into_iter().filter(|capability| system.can(*capability));
    Row {
        name: system.name(),
        version: system.version(),
        about: system.about(),
        can: can.map(Capability::name).collect(),
    }
}

fn write(rows: &[Row], format: Format) -> io::Result<()> {
    let text = match format {
        Format::Text => rows.iter().map(text).collect(),
        Format::Json => serde_json::to_string_pretty(rows).map_err(io::Error::other)? + "\n",
    };
    Output::new().write(&text)
}

fn text(row: &Row) -> String {
    let Row { name, version, about, can } = row;
    let version = version.map_or(String::new(), |version| format!(" {version}"));
    let can = if can.is_empty() { String::from("a log only") } else { can.join(", ") };
    format!("{name}{version}\n    {about}\n    has {can}\n")
}
