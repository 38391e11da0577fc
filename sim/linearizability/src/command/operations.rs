//! Operations on single objects: linearizable, or sequentially consistent? Judged and printed.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::{Case, Consistency, ModelName, Outcome, Print, replace};
use crate::budget::Progress;
use crate::check::{Options, Reason, Verdict, check};
use crate::explain::{Explanation, Stuck, explain};
use crate::history::UNKNOWN;
use crate::model::Model;
use crate::read::Recorded;
use crate::sequential::{self, Sequential, check_sequential};
use crate::standard::{Kind, Standard};
use crate::text::visible;
use crate::timeline;

pub(super) fn judge(
    case: &mut Case<'_>,
    kind: Kind,
    html: &mut Option<PathBuf>,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let model = match model_of(case, kind) {
        Ok(model) => model,
        Err(wrong) => return Ok(case.bad(wrong)),
    };
    match case.args.consistency {
        Some(Consistency::Sequential) => sequential(case, &model, out),
        _ => linearizable(case, &model, html, out),
    }
}

fn model_of(case: &mut Case<'_>, kind: Kind) -> Result<Standard, String> {
    let recorded = &mut case.recorded;
    if let Some(action) = recorded.foreign_to(kind) {
        let other = ModelName::guessed(recorded).name();
        return Err(format!("the model {} has no {}; try --model {other}", kind.name(), action.name()));
    }
    let initial = case.args.init.as_deref().map(|text| recorded.value(text));
    let model = recorded.model(Some(kind));
    Ok(match initial {
        Some(initial) => model.with_initial(initial),
        None => model,
    })
}

fn linearizable(
    case: &Case<'_>,
    model: &Standard,
    html: &mut Option<PathBuf>,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let history = &case.recorded.history;
    let budget = case.args.budget.budget(history.len());
    let verdict = check(history, model, &Options { budget, ..Options::default() });
    let explanation = match &verdict {
        Verdict::NotLinearizable(evidence) => Some(explain(history, model, evidence)),
        Verdict::Linearizable | Verdict::Unknown(..) => None,
    };
    if let (Some(explanation), Some(place)) = (&explanation, html.take_if(|_| explanation.is_some())) {
        let page = timeline::html(&case.name, history, model, explanation);
        if let Err(wrong) = replace(&place, &page) {
            return Ok(Outcome::Bad(format!("{}: {wrong}", place.display())));
        }
    }
    match case.args.format {
        Print::Text => print_text(case, out, model, &verdict, explanation.as_ref())?,
        Print::Json => print_json(case, out, &verdict, explanation.as_ref())?,
    }
    Ok(match verdict {
        Verdict::Linearizable => Outcome::Kept,
        Verdict::NotLinearizable(_) => Outcome::Broken,
        Verdict::Unknown(..) => Outcome::Unknown,
    })
}

fn sequential(case: &Case<'_>, model: &Standard, out: &mut dyn Write) -> io::Result<Outcome> {
    let history = &case.recorded.history;
    let verdict = check_sequential(history, model, &case.args.budget.budget(history.len()));
    if case.args.format == Print::Json {
        let mut object = case.object(match verdict {
            Sequential::Consistent => "sequential",
            Sequential::Inconsistent(_) => "not-sequential",
            Sequential::Unknown(..) => "unknown",
        });
        match &verdict {
            Sequential::Consistent => {}
            Sequential::Inconsistent(stuck) => {
                let next = stuck.next.iter();
                object["explained"] = json!(stuck.explained);
                object["stuck"] =
                    next.map(|(place, state)| json!([told(case, model, *place), state])).collect();
            }
            Sequential::Unknown(reason, steps) => {
                object["reason"] = json!(reason.to_string());
                object["steps"] = json!(steps);
            }
        }
        writeln!(out, "{object}")?;
    } else {
        sequential_text(case, model, &verdict, out)?;
    }
    Ok(match verdict {
        Sequential::Consistent => Outcome::Kept,
        Sequential::Inconsistent(_) => Outcome::Broken,
        Sequential::Unknown(..) => Outcome::Unknown,
    })
}

fn sequential_text(
    case: &Case<'_>,
    model: &Standard,
    verdict: &Sequential,
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = |verdict: &str| case.head(verdict, "operations");
    match verdict {
        Sequential::Consistent => writeln!(out, "{}", head("sequentially consistent")),
        Sequential::Inconsistent(sequential::Stuck { explained, next, .. }) => {
            writeln!(out, "{}", head("NOT sequentially consistent"))?;
            writeln!(
                out,
                "The longest order found holds {explained} operations; then no process can go on:"
            )?;
            for (place, state) in next {
                let state = visible(state);
                writeln!(out, "  {}: the value is {state}", visible(&told(case, model, *place)))?;
            }
            Ok(())
        }
        Sequential::Unknown(reason, steps) => {
            writeln!(out, "{}: {reason} after {steps} steps", head("unknown"))?;
            writeln!(out, "  {}", hint(*reason, &Progress { steps: *steps, ..Progress::default() }))
        }
    }
}

/// An operation with its line.
fn told(case: &Case<'_>, model: &Standard, place: u32) -> String {
    let operation = &case.recorded.history.operations()[place as usize];
    let what = model.describe(&operation.input, operation.output.as_ref());
    let line = case.recorded.line(operation.call).unwrap_or(0);
    format!("line {line}, process {}: {what}", operation.process)
}

fn print_text(
    case: &Case<'_>,
    out: &mut dyn Write,
    model: &Standard,
    verdict: &Verdict,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    let recorded = &case.recorded;
    let head = |verdict: &str| case.head(verdict, "operations");
    match verdict {
        Verdict::Linearizable => writeln!(out, "{}", head("linearizable")),
        Verdict::NotLinearizable(_) => {
            writeln!(out, "{}", head("NOT linearizable"))?;
            match explanation {
                Some(explanation) => {
                    write!(out, "{}", explanation.text(&recorded.history).with_lines(&recorded.lines))
                }
                None => Ok(()),
            }
        }
        Verdict::Unknown(reason, progress) => {
            writeln!(out, "{}: {reason} after {} steps", head("unknown"), progress.steps)?;
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
    case: &Case<'_>,
    out: &mut dyn Write,
    verdict: &Verdict,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    let recorded = &case.recorded;
    let mut object = case.object(match verdict {
        Verdict::Linearizable => "linearizable",
        Verdict::NotLinearizable(_) => "not-linearizable",
        Verdict::Unknown(..) => "unknown",
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
        let stuck = |entry: &Stuck| {
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
