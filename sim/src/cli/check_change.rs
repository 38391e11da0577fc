//! `splitbrain check-change`: is this membership change safe, by which steps, and who must be up?
//!
//! Holds: exit code 0 when the change can be carried out with the nodes that are up, 1 when it cannot.
//! Not here: the judgement (`advisor`).

use std::collections::BTreeSet;
use std::io;

use clap::Args;

use super::output::{Format, Output, complain};
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::advisor::{self, Advice, Question, Sets};

/// What `check-change` may be told.
#[derive(Debug, Args)]
pub(super) struct CheckChangeArguments {
    /// The voter sets now, such as [[a,b,c]]; more than one is a joint config
    #[arg(long, value_name = "SETS", value_parser = parse_sets)]
    from: Group,
    /// The voter sets wanted
    #[arg(long, value_name = "SETS", value_parser = parse_sets)]
    to: Group,
    /// Nodes that are down, such as a,b
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    nodes_down: Vec<String>,
    /// How the advice is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Voter sets; a type of its own, since `clap` takes a bare `Vec` for many values.
#[derive(Clone, Debug)]
struct Group(Sets);

fn parse_sets(text: &str) -> Result<Group, String> {
    advisor::parse_sets(text).map(Group)
}

/// Prints the advice, and returns the exit code.
pub(super) fn main(arguments: &CheckChangeArguments) -> u8 {
    let down: BTreeSet<String> = arguments.nodes_down.iter().map(|name| name.trim().to_owned()).collect();
    let question = Question { from: arguments.from.0.clone(), to: arguments.to.0.clone(), down };
    let advice = match advisor::advise(&question) {
        Ok(advice) => advice,
        Err(error) => {
            complain(&error);
            return BAD_INPUT;
        }
    };
    match write(&advice, arguments.format) {
        Ok(()) if advice.is_possible() => AS_EXPECTED,
        Ok(()) => NOT_AS_EXPECTED,
        Err(error) => {
            complain(&format!("the advice cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn write(advice: &Advice, format: Format) -> io::Result<()> {
    let text = match format {
        Format::Text => advice.text(),
        Format::Json => serde_json::to_string_pretty(advice).map_err(io::Error::other)? + "\n",
    };
    Output::new().write(&text)
}
