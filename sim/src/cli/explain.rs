//! `splitbrain explain`: why a run ended as it did, as a page, as text, or in the form of another tool.
//!
//! Holds: a page is written whole or not at all. A folder becomes a gallery: a page for each run, and an index.
//! Not here: what an explanation says (`explain`).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::options::{self, Target};
use super::output::{Output, complain};
use super::program::{Program, told};
use super::{AS_EXPECTED, BAD_INPUT};
use crate::explain::{Explained, HistoryForm, gallery};
use crate::files;
use crate::runner::RunOptions;

/// How an explanation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum As {
    /// A page in a file (--out), and the story in words
    Html,
    /// The story in words, and the slice in lines
    Text,
    /// Everything as one JSON document
    Json,
    /// Every record as a line of JSON
    Jsonl,
    /// The causal slice as a sequence diagram
    Mermaid,
    /// The log that ShiViz reads
    Shiviz,
    /// What the clients saw, as JSON lines for `splitbrain check`
    History,
    /// What the clients saw, as Jepsen writes it (EDN)
    Jepsen,
    /// What the clients saw, as Porcupine's key-value tests do (EDN)
    Porcupine,
}

/// What `explain` may be told.
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A seed of the swarm, a scenario file, or a folder of them
    #[arg(value_name = "SEED|FILE|FOLDER")]
    target: String,
    /// Run the file with this seed instead of its own
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Run on this system
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// Where the page goes (for a folder: the pages); without it, beside you and called like the scenario
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How it is written; all but html go to the standard output
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "html")]
    format: As,
}

/// Explains what the arguments ask, and returns the exit code.
pub(super) fn main(arguments: &ExplainArguments, program: &Program) -> u8 {
    let path = Path::new(&arguments.target);
    let answer = match path.is_dir() {
        true => explain_all(arguments, path, program),
        false => explain_one(arguments, program).map(|text| (text, AS_EXPECTED)),
    };
    let Some((text, code)) = answer else { return BAD_INPUT };
    match Output::new().write(&text) {
        Ok(()) => code,
        Err(error) => {
            complain(&format!("the explanation cannot be written: {error}"));
            BAD_INPUT
        }
    }
}

fn explain_one(arguments: &ExplainArguments, program: &Program) -> Option<String> {
    let target = options::target(&arguments.target, arguments.seed, arguments.system.as_deref(), program)?;
    let explained = explain(&target, &arguments.target)?;
    Some(match arguments.format {
        As::Text => text(&explained),
        As::Json => explained.json() + "\n",
        As::Jsonl => explained.json_lines(),
        As::Mermaid => explained.mermaid(),
        As::Shiviz => explained.shiviz(),
        As::History => explained.history(HistoryForm::Lines),
        As::Jepsen => explained.history(HistoryForm::Jepsen),
        As::Porcupine => explained.history(HistoryForm::Porcupine),
        As::Html => {
            let stem = Path::new(&arguments.target).file_stem().unwrap_or_default();
            let out = arguments.out.clone().unwrap_or_else(|| Path::new(stem).with_extension("html"));
            write(&out, &explained.page())?;
            format!("{}page      {}\n", text(&explained), out.display())
        }
    })
}

/// A page for every scenario of a folder, and an index of them. Whoever was left out was told why: that is bad input.
fn explain_all(arguments: &ExplainArguments, folder: &Path, program: &Program) -> Option<(String, u8)> {
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("gallery"));
    let mut entries = Vec::new();
    let mut left_out = 0;
    let files = files::scenario_files(&[folder.to_owned()]).map_err(|error| complain(&error)).ok()?;
    for path in files {
        let name = path.display().to_string();
        let target = options::target(&name, arguments.seed, arguments.system.as_deref(), program);
        let Some(explained) = target.and_then(|target| explain(&target, &name)) else {
            left_out += 1;
            continue;
        };
        let page = gallery::page_name(path.strip_prefix(folder).unwrap_or(&path));
        write(&out.join(&page), &explained.page())?;
        entries.push(gallery::Entry::of(&explained, page));
    }
    write(&out.join("index.html"), &gallery::index(&entries))?;
    let code = if left_out > 0 { BAD_INPUT } else { AS_EXPECTED };
    let left_out = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
    Some((format!("{} pages and {}{left_out}\n", entries.len(), out.join("index.html").display()), code))
}

fn explain(target: &Target, name: &str) -> Option<Explained> {
    let options = RunOptions {
        file: target.file.clone(),
        system: target.system.name().to_owned(),
        seed: target.seed,
        trace: true,
    };
    let explained = target.system.explain(&target.scenario, &options);
    explained.map_err(|objection| complain(&told(name, objection))).ok()
}

fn text(explained: &Explained) -> String {
    let mut text = explained.words().join("\n") + "\n";
    for evidence in explained.evidence() {
        text += &format!("  {evidence}\n");
    }
    if let Some(mistake) = explained.mistake() {
        text += &format!("{}\n", mistake.words);
    }
    if let Some(deciding) = explained.deciding() {
        text += &format!("{}\n", deciding.words);
    }
    if explained.is_broken() {
        text += &format!("\n{}\n", explained.lines().join("\n"));
    }
    text
}

fn write(path: &Path, text: &str) -> Option<()> {
    files::write(path, text).map_err(|error| complain(&format!("{}: {error}", path.display()))).ok()
}
