//! The command `check FILE…` as a function: what a binary embeds as a subcommand.
//!
//! Holds: it prints only to the writers it is given; a picture is written beside its place and renamed into it.
//! No clock: the budget counts steps and memory.
//! Not here: reading (`read`), judging (`check`), explaining (`explain`).

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::check::{Budget, Options, Progress, Reason, Verdict, check};
use crate::explain::{Explanation, explain};
use crate::history::UNKNOWN;
use crate::model::Model;
use crate::read::{Format, Recorded, read};
use crate::standard::{Kind, Standard};
use crate::text::visible;
use crate::timeline;

/// Judge recorded histories: is each linearizable?
///
/// Reads Jepsen and Knossos histories (EDN and printed columns), Porcupine's two text forms, and JSON lines; packed by
/// gzip or not. Exit code 0: linearizable; 1: not; 3: not decided within the budget; 2: bad input. Of several files
/// the worst counts (2, 1, 3, 0).
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Histories to judge; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What a correct system does; guessed from the operations when left out.
    #[arg(long, value_name = "MODEL", value_parser = models())]
    pub model: Option<Kind>,
    /// The value before the first operation: a number, nil, or a text. Default nil; the empty text for kv.
    #[arg(long, value_name = "VALUE")]
    pub init: Option<String>,
    /// When to give up: a number of steps (50M), memory (512MiB), or both with a comma. The same verdict on every
    /// machine. Default: 10M steps and a hundred for each operation, 400MiB.
    #[arg(long, value_name = "LIMITS", default_value = "400MiB", hide_default_value = true, value_parser = parse_budget)]
    pub budget: Limits,
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

/// The models by name.
fn models() -> impl TypedValueParser<Value = Kind> {
    let named = |name: String| Kind::ALL.into_iter().find(|kind| kind.name() == name);
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(move |name| named(name).ok_or("no model"))
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

/// Reads limits such as `50M,512MiB`: steps and memory, which end at the same place on every machine.
fn parse_budget(text: &str) -> Result<Limits, String> {
    let mut limits = Limits { steps: None, memory: Budget::default().memory };
    for part in text.split(',').map(str::trim) {
        let split = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        let (number, unit) = part.split_at(split);
        let wrong = || {
            format!(
                "expected a number of steps such as 50M, or memory such as 512MiB, found {part:?} (a time would \
                 end elsewhere on another machine)"
            )
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let times = |unit: u64| number.checked_mul(unit).ok_or_else(wrong);
        let bytes = |unit: u64| usize::try_from(times(unit)?).map_err(|_| wrong());
        match unit.trim() {
            "" | "steps" => limits.steps = Some(number),
            "k" => limits.steps = Some(times(1_000)?),
            "M" => limits.steps = Some(times(1_000_000)?),
            "G" => limits.steps = Some(times(1_000_000_000)?),
            "KiB" => limits.memory = bytes(1 << 10)?,
            "MiB" => limits.memory = bytes(1 << 20)?,
            "GiB" => limits.memory = bytes(1 << 30)?,
            _ => return Err(wrong()),
        }
    }
    Ok(limits)
}

/// Where the command gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps; `None` for ten million and a hundred for each operation.
    pub steps: Option<u64>,
    /// Bytes of the search.
    pub memory: usize,
}

impl Limits {
    fn budget(self, operations: usize) -> Budget {
        let steps = self.steps.unwrap_or(10_000_000 + 100 * operations as u64);
        Budget { steps, memory: self.memory }
    }
}

/// What became of one file.
enum Outcome {
    Judged(Verdict),
    Bad(String),
}

impl Outcome {
    fn code(&self) -> u8 {
        match self {
            Outcome::Judged(Verdict::Linearizable) => 0,
            Outcome::Judged(Verdict::NotLinearizable(_)) => 1,
            Outcome::Bad(_) => 2,
            Outcome::Judged(Verdict::Unknown(..)) => 3,
        }
    }
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
    let text = match text_of(file) {
        Ok(text) => text,
        Err(wrong) => return Ok(Outcome::Bad(format!("{name}: {wrong}"))),
    };
    let mut recorded = match read(&name, &text, args.input.map(InputForm::format)) {
        Ok(recorded) => recorded,
        Err(wrong) => return Ok(Outcome::Bad(wrong.to_string())),
    };
    drop(text);
    let model = match model_of(args, &mut recorded) {
        Ok(model) => model,
        Err(wrong) => return Ok(Outcome::Bad(format!("{name}: {wrong}"))),
    };
    let verdict = judge(&recorded, &model, args.budget);
    let explanation = match &verdict {
        Verdict::NotLinearizable(evidence) => Some(explain(&recorded.history, &model, evidence)),
        Verdict::Linearizable | Verdict::Unknown(..) => None,
    };
    if let (Some(explanation), Some(place)) = (&explanation, html.take_if(|_| explanation.is_some())) {
        let page = timeline::html(&name, &recorded.history, &model, explanation);
        if let Err(wrong) = replace(&place, &page) {
            return Ok(Outcome::Bad(format!("{}: {wrong}", place.display())));
        }
    }
    match args.format {
        Print::Text => print_text(args, out, &name, &recorded, &model, &verdict, explanation.as_ref())?,
        Print::Json => print_json(out, &name, &recorded, &model, &verdict, explanation.as_ref())?,
    }
    Ok(Outcome::Judged(verdict))
}

/// Most bytes of text that are read, packed ones counted unpacked.
const TEXT_MAX: u64 = 1 << 30;

fn text_of(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().lock().take(TEXT_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        fs::File::open(file)?.take(TEXT_MAX + 1).read_to_end(&mut bytes)?;
    }
    if bytes.starts_with(&[0x1F, 0x8B]) {
        let mut unpacked = Vec::new();
        let packed = flate2::read::MultiGzDecoder::new(&bytes[..]);
        let damaged =
            |wrong| io::Error::new(io::ErrorKind::InvalidData, format!("as gzip it is damaged: {wrong}"));
        packed.take(TEXT_MAX + 1).read_to_end(&mut unpacked).map_err(damaged)?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > TEXT_MAX {
        let wrong = format!("more than {} MiB of text; expected a shorter history", TEXT_MAX >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
    }
    String::from_utf8(bytes).map_err(|wrong| {
        let before = &wrong.as_bytes()[..wrong.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let wrong = format!("expected UTF-8 text, which ends in line {line}");
        io::Error::new(io::ErrorKind::InvalidData, wrong)
    })
}

fn model_of(args: &CheckArgs, recorded: &mut Recorded) -> Result<Standard, String> {
    let kind = args.model.unwrap_or(recorded.kind);
    if let Some(action) = recorded.foreign_to(kind) {
        return Err(format!(
            "the model {} has no operation {action:?}; try --model {}",
            kind.name(),
            recorded.kind.name()
        ));
    }
    let initial = args.init.as_deref().map(|text| recorded.value(text));
    let model = recorded.model(Some(kind));
    Ok(match initial {
        Some(initial) => model.with_initial(initial),
        None => model,
    })
}

fn judge(recorded: &Recorded, model: &Standard, limits: Limits) -> Verdict {
    let budget = limits.budget(recorded.history.len());
    check(&recorded.history, model, &Options { budget, ..Options::default() })
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

fn print_text(
    args: &CheckArgs,
    out: &mut dyn Write,
    name: &str,
    recorded: &Recorded,
    model: &Standard,
    verdict: &Verdict,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    let guessed = if args.model.is_none() { ", guessed" } else { "" };
    let about = format!("{} operations, model {}{guessed}", recorded.history.len(), model.kind().name());
    match verdict {
        Verdict::Linearizable => writeln!(out, "{name}: linearizable ({about})"),
        Verdict::NotLinearizable(_) => {
            writeln!(out, "{name}: NOT linearizable ({about})")?;
            match explanation {
                Some(explanation) => {
                    write!(out, "{}", explanation.text(&recorded.history).with_lines(&recorded.lines))
                }
                None => Ok(()),
            }
        }
        Verdict::Unknown(reason, progress) => {
            writeln!(out, "{name}: unknown ({about}): {reason} after {} steps", progress.steps)?;
            if progress.answers > 0 {
                let line = progress.through.and_then(|time| recorded.line(time));
                let through = line.map_or(String::new(), |line| format!(", through line {line}"));
                let key = visible(&model.describe_key(progress.key));
                let Progress { explained, answers, .. } = progress;
                writeln!(out, "  On key {key} an order explains {explained} of {answers} answers{through}.")?;
            }
            writeln!(out, "  {}", hint(*reason, progress))
        }
    }
}

fn hint(reason: Reason, progress: &Progress) -> String {
    match reason {
        Reason::Steps => format!("Try --budget {}.", progress.steps.max(1_000_000).saturating_mul(10)),
        Reason::Memory => {
            "Try --budget with more memory, such as 2GiB, or write each value only once.".to_owned()
        }
        Reason::Stopped | Reason::TooConcurrent | Reason::Method | Reason::Forgotten => {
            "Fewer clients on a key, or values written only once, are easier to judge.".to_owned()
        }
    }
}

fn print_json(
    out: &mut dyn Write,
    name: &str,
    recorded: &Recorded,
    model: &Standard,
    verdict: &Verdict,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    let mut object = json!({
        "file": name,
        "model": model.kind().name(),
        "operations": recorded.history.len(),
        "verdict": match verdict {
            Verdict::Linearizable => "linearizable",
            Verdict::NotLinearizable(_) => "not-linearizable",
            Verdict::Unknown(..) => "unknown",
        },
    });
    if let Verdict::Unknown(reason, progress) = verdict {
        object["reason"] = json!(reason.to_string());
        object["steps"] = json!(progress.steps);
        object["explained"] = json!(progress.explained);
        object["answers"] = json!(progress.answers);
    }
    if let Some(explanation) = explanation {
        let show = |place: &u32| operation_json(recorded, explanation, *place);
        object["key"] = json!(explanation.key);
        object["contradiction"] = explanation.operations.iter().map(show).collect();
        object["helpers"] = explanation.helpers.iter().map(show).collect();
        if let Some(failed) = explanation.failed {
            let ret = recorded.history.operations()[failed as usize].ret;
            object["fails-from-line"] = json!(recorded.line(ret));
        }
        object["prefix"] = explanation.prefix.iter().map(show).collect();
        object["value"] = json!(explanation.state);
        let stuck = |entry: &crate::explain::Stuck| {
            let mut operation = operation_json(recorded, explanation, entry.place);
            operation["why"] = json!(entry.why);
            operation
        };
        object["stuck"] = explanation.stuck.iter().map(stuck).collect();
    }
    writeln!(out, "{object}")
}

fn operation_json(recorded: &Recorded, explanation: &Explanation, place: u32) -> Json {
    let operation = &recorded.history.operations()[place as usize];
    json!({
        "process": operation.process,
        "call": operation.call,
        "return": (operation.ret != UNKNOWN).then_some(operation.ret),
        "line": recorded.line(operation.call),
        "return-line": recorded.line(operation.ret),
        "operation": explanation.what.get(&place),
    })
}
