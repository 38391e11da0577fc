//! What `splitbrain run` may be told.
//!
//! Not here: doing it (`run`), and the formats (`writers`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::guard::PatienceArguments;
use crate::scenario::Seeds;

/// What `run` may be told.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Run with this seed instead of the scenario's own
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub(super) seed: Option<u64>,
    /// Run with each of these seeds, both ends included
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub(super) seeds: Option<Seeds>,
    /// How reports are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Which runs are shown in full; -v shows all
    #[arg(long, value_enum, default_value_t = Shown::Auto)]
    pub(super) report: Shown,
    /// Show every record of each run
    #[arg(long)]
    pub(super) trace: bool,
    /// Run only scenarios whose path or title contains this
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// Run only on this system
    #[arg(long, value_name = "NAME")]
    pub(super) system: Option<String>,
    /// Write a page for each failure into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(super) explain: Option<PathBuf>,
    #[command(flatten)]
    pub(super) patience: PatienceArguments,
}

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One document: {"schema", "reports", "not_applicable", "passed", "failed"}
    Json,
    /// One document for each run as it ends, and one at the end
    Jsonl,
    /// For continuous integration: JUnit's XML
    Junit,
    /// For people, with annotations and a summary for GitHub's workflows
    Github,
}

/// Which runs are shown in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shown {
    /// Failures; and the first run, when there is one file only
    Auto,
    /// Failures
    Failures,
    /// All
    All,
}

pub(super) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    if let Some(seeds) = Seeds::parse(text) {
        return Ok(seeds);
    }
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let ends = text.split_once("..").and_then(|(first, last)| number(first).zip(number(last)));
    Err(match ends {
        Some((first, last)) if first > last => {
            format!("the range runs backwards: did you mean {last}..{first}?")
        }
        _ => String::from("expected a range of seeds such as 1..100"),
    })
}
