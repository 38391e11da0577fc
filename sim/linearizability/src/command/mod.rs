//! The command `check FILE…` as a function: what a binary embeds as a subcommand.
//!
//! Holds: it prints only to the writers it is given; a picture is written beside its place and renamed into it.
//! No clock: the budget counts steps and memory.
//! Not here: what is asked of a file (`input`), a budget (`limits`); operations on single objects, judged and printed
//! (`operations`), transactions and banks (`transactions`), and what is judged while it is read (`passing`).

mod input;
mod limits;
mod operations;
mod passing;
mod transactions;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::read::{Format, Recorded, read};
use crate::standard::Kind;
use crate::text::visible;
use crate::txn::{Level, Objects};

pub use limits::Limits;
use limits::parse_budget;

/// Judge recorded histories: is each linearizable, or whatever else it should be?
///
/// Reads Jepsen and Knossos histories (EDN and printed columns), Porcupine's two text forms, and JSON lines; packed by
/// gzip or not. Exit code 0: it keeps the promise; 1: it does not; 3: not decided within the budget, or nothing to judge;
/// 2: bad input. Of several files the worst counts (2, 1, 3, 0).
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Histories to judge; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What a correct system does; guessed from the operations when left out.
    #[arg(long, value_name = "MODEL", value_parser = models())]
    pub model: Option<ModelName>,
    /// What it promises. Default: linearizable; of transactions strict-serializable.
    #[arg(long, value_enum)]
    pub consistency: Option<Consistency>,
    /// The value before the first operation: a number, nil, or a text; of a bank the sum of all accounts. Default nil;
    /// the empty text for kv, 0 for a counter, what the first read of a bank shows.
    #[arg(long, value_name = "VALUE")]
    pub init: Option<String>,
    /// When to give up: a number of steps (50M), memory (512MiB), or both with a comma. The same verdict on every
    /// machine. Default: 10M steps and a hundred for each operation, 400MiB.
    #[arg(long, value_name = "LIMITS", default_value = "400MiB", hide_default_value = true, value_parser = parse_budget)]
    pub budget: Limits,
    /// Judge while reading, in bounded memory, a history of any length with one event a line; says the line of the first
    /// contradiction, and does not explain it.
    #[arg(long, conflicts_with_all = ["html", "consistency"])]
    pub stream: bool,
    /// Draw the first contradiction found as an HTML page.
    #[arg(long, value_name = "OUT")]
    pub html: Option<PathBuf>,
    /// How to print the verdicts.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Print,
    /// The form of the input; guessed when left out.
    #[arg(long, value_enum)]
    pub input: Option<InputForm>,
}

/// What a correct system does, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// One of the standard models.
    Standard(Kind),
    /// Transactions, judged by their dependencies.
    Transactions(Objects),
    /// Accounts whose sum stays.
    Bank,
}

impl ModelName {
    fn all() -> impl Iterator<Item = ModelName> {
        let others = [
            ModelName::Transactions(Objects::Lists),
            ModelName::Transactions(Objects::Registers),
            ModelName::Bank,
        ];
        Kind::ALL.into_iter().map(ModelName::Standard).chain(others)
    }

    fn name(self) -> &'static str {
        match self {
            ModelName::Standard(kind) => kind.name(),
            ModelName::Transactions(Objects::Lists) => "list-append",
            ModelName::Transactions(Objects::Registers) => "rw-register",
            ModelName::Bank => "bank",
        }
    }

    fn guessed(recorded: &Recorded) -> ModelName {
        match recorded.objects() {
            Some(objects) => ModelName::Transactions(objects),
            None if recorded.is_bank() => ModelName::Bank,
            None => ModelName::Standard(recorded.kind),
        }
    }
}

fn models() -> impl TypedValueParser<Value = ModelName> {
    let named = |name: String| ModelName::all().find(|model| model.name() == name);
    PossibleValuesParser::new(ModelName::all().map(ModelName::name))
        .try_map(move |name| named(name).ok_or("no model"))
}

/// What is promised, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Consistency {
    /// Each operation takes effect at one moment between its call and its return.
    Linearizable,
    /// Some order of all operations keeps that of each process.
    Sequential,
    /// Each transaction takes effect at one moment between its call and its return.
    StrictSerializable,
    /// Transactions take effect one after the other.
    Serializable,
    /// Transactions read snapshots; of two that overlap and write the same, one aborts.
    SnapshotIsolation,
}

impl Consistency {
    fn name(self) -> &'static str {
        match self {
            Consistency::Linearizable => "linearizable",
            Consistency::Sequential => "sequential",
            Consistency::StrictSerializable => "strict-serializable",
            Consistency::Serializable => "serializable",
            Consistency::SnapshotIsolation => "snapshot-isolation",
        }
    }

    fn level(self) -> Option<Level> {
        match self {
            Consistency::Linearizable | Consistency::Sequential => None,
            Consistency::StrictSerializable => Some(Level::StrictSerializable),
            Consistency::Serializable => Some(Level::Serializable),
            Consistency::SnapshotIsolation => Some(Level::SnapshotIsolation),
        }
    }
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// For people.
    Text,
    /// One JSON object for each file and line.
    Json,
}

/// The forms of input by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputForm {
    /// Jepsen, Knossos, and Porcupine's key-value form.
    Edn,
    /// Jepsen's log of an etcd test.
    Log,
    /// Columns as Jepsen and Knossos print them.
    Columns,
    /// JSON lines.
    Json,
}

impl InputForm {
    fn format(self) -> Format {
        match self {
            InputForm::Edn => Format::Edn,
            InputForm::Log => Format::Log,
            InputForm::Columns => Format::Columns,
            InputForm::Json => Format::Json,
        }
    }
}

/// What became of one file.
enum Outcome {
    Kept,
    Broken,
    Unknown,
    Bad(String),
}

impl Outcome {
    fn code(&self) -> u8 {
        match self {
            Outcome::Kept => 0,
            Outcome::Broken => 1,
            Outcome::Bad(_) => 2,
            Outcome::Unknown => 3,
        }
    }
}

/// One file, read, and what is asked of it.
struct Case<'a> {
    args: &'a CheckArgs,
    name: String,
    recorded: Recorded,
    model: ModelName,
}

impl Case<'_> {
    /// What a verdict is about, for people.
    fn about(&self, unit: &str) -> String {
        let guessed = if self.args.model.is_none() { ", guessed" } else { "" };
        format!("{} {unit}, model {}{guessed}", self.recorded.history.len(), self.model.name())
    }

    /// The first line for people.
    fn head(&self, verdict: &str, unit: &str) -> String {
        format!("{}: {verdict} ({})", self.name, self.about(unit))
    }

    /// What is told of every file as JSON, whatever the verdict.
    fn object(&self, verdict: &str) -> Json {
        told(&self.name, self.model.name(), self.recorded.history.len() as u64, verdict)
    }

    fn bad(&self, wrong: impl std::fmt::Display) -> Outcome {
        Outcome::Bad(format!("{}: {wrong}", self.name))
    }
}

/// The members that every verdict as JSON begins with.
fn told(file: &str, model: &str, operations: u64, verdict: &str) -> Json {
    json!({ "file": file, "model": model, "operations": operations, "verdict": verdict })
}

/// Judges the files and prints. Gives the exit code: of several files the worst (2, then 1, 3, 0).
pub fn run(args: &CheckArgs, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut codes = Vec::new();
    let mut html = args.html.clone();
    for file in &args.files {
        let code = match one(args, file, &mut html, out) {
            Ok(Outcome::Bad(message)) => {
                // Nobody is left to tell when the error stream is closed.
                let _ = writeln!(err, "error: {message}");
                2
            }
            Ok(outcome) => outcome.code(),
            // A closed pipe is the reader's choice, not an error.
            Err(wrong) if wrong.kind() == io::ErrorKind::BrokenPipe => break,
            Err(wrong) => {
                let _ = writeln!(err, "error: {wrong}");
                2
            }
        };
        codes.push(code);
    }
    [2, 1, 3].into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

fn one(
    args: &CheckArgs,
    file: &Path,
    html: &mut Option<PathBuf>,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let name = visible(&file.display().to_string());
    if args.stream {
        return passing::judge(args, &name, file, out);
    }
    let text = match input::text_of(file) {
        Ok(text) => text,
        Err(wrong) => return Ok(Outcome::Bad(format!("{name}: {wrong}"))),
    };
    let recorded = match read(&name, &text, args.input.map(InputForm::format)) {
        Ok(recorded) => recorded,
        Err(wrong) => return Ok(Outcome::Bad(wrong.to_string())),
    };
    drop(text);
    let model = args.model.unwrap_or_else(|| ModelName::guessed(&recorded));
    let mut case = Case { args, name, recorded, model };
    if case.recorded.history.is_empty() {
        nothing(&case, out)?;
        return Ok(Outcome::Unknown);
    }
    let level = args.consistency.map(Consistency::level);
    match (model, level) {
        (ModelName::Standard(kind), None | Some(None)) => operations::judge(&mut case, kind, html, out),
        (ModelName::Transactions(objects), None) => transactions::judge(
            &case,
            objects,
            Consistency::StrictSerializable,
            Level::StrictSerializable,
            out,
        ),
        (ModelName::Transactions(objects), Some(Some(level))) => {
            let consistency = args.consistency.unwrap_or(Consistency::StrictSerializable);
            transactions::judge(&case, objects, consistency, level, out)
        }
        (ModelName::Bank, None) => transactions::audit(&mut case, out),
        (ModelName::Standard(_), Some(Some(_))) => {
            Ok(case.bad("expected --consistency linearizable or sequential, for these are no transactions"))
        }
        (ModelName::Transactions(_), Some(None)) => {
            let one = "strict-serializable, serializable or snapshot-isolation";
            Ok(case.bad(format!("expected --consistency {one} for transactions, or --model multi-register")))
        }
        (ModelName::Bank, Some(_)) => {
            Ok(case.bad("expected no --consistency: of a bank only the sums are judged"))
        }
    }
}

/// No client did anything: that is no proof of anything.
fn nothing(case: &Case<'_>, out: &mut dyn Write) -> io::Result<()> {
    let name = &case.name;
    match case.args.format {
        Print::Text => {
            writeln!(out, "{name}: unknown: nothing to judge, no operation of a client may have happened")
        }
        Print::Json => {
            let mut object = case.object("unknown");
            object["reason"] = json!("nothing to judge");
            writeln!(out, "{object}")
        }
    }
}

/// Writes a file whole or not at all.
fn replace(place: &Path, text: &str) -> io::Result<()> {
    let mut name = place.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(name);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, place));
    if written.is_err() {
        // What is half written must not stay; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&beside);
    }
    written
}
