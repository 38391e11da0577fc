//! Histories of any length, judged while they are read.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::{CheckArgs, InputForm, ModelName, Outcome, Print, input, told};
use crate::budget::Budget;
use crate::read::stream::{End, Follow, Followed, Promise, follow};
use crate::text::visible;

pub(super) fn judge(args: &CheckArgs, name: &str, file: &Path, out: &mut dyn Write) -> io::Result<Outcome> {
    let promise = match args.model {
        None => None,
        Some(ModelName::Standard(kind)) => Some(Promise::Model(kind)),
        Some(ModelName::Bank) => Some(Promise::Bank),
        Some(ModelName::Transactions(_)) => {
            return Ok(Outcome::Bad(format!(
                "{name}: transactions cannot be judged in passing; leave out --stream"
            )));
        }
    };
    let mut lines = match input::lines_of(file) {
        Ok(lines) => lines,
        Err(wrong) => return Ok(Outcome::Bad(format!("{name}: {wrong}"))),
    };
    // How long it is, nobody knows yet: there is no bound but the one asked for.
    let budget = Budget { steps: args.budget.steps.unwrap_or(u64::MAX), memory: args.budget.memory };
    let format = args.input.map(InputForm::format);
    let with = Follow { format, promise, initial: args.init.as_deref(), budget };
    let followed = match follow(name, &mut *lines, &with) {
        Ok(followed) => followed,
        Err(wrong) => return Ok(Outcome::Bad(visible(&wrong.to_string()))),
    };
    tell(args, name, &followed, out)
}

fn tell(args: &CheckArgs, name: &str, followed: &Followed, out: &mut dyn Write) -> io::Result<Outcome> {
    let Followed { promise, operations, end } = followed;
    let model = match promise {
        Promise::Model(kind) => kind.name(),
        Promise::Bank => "bank",
    };
    let (outcome, verdict, why) = match end {
        _ if *operations == 0 => (Outcome::Unknown, "unknown", "nothing to judge".to_owned()),
        End::Kept => (Outcome::Kept, "linearizable", String::new()),
        End::Broken(line, violation) => {
            let why = format!("line {line}: {}", visible(&violation.to_string()));
            (Outcome::Broken, "not-linearizable", why)
        }
        End::Unknown(reason, steps) => (Outcome::Unknown, "unknown", format!("{reason} after {steps} steps")),
        End::Audited(audit) if audit.reads == 0 => {
            (Outcome::Unknown, "unknown", "nobody read the accounts".to_owned())
        }
        End::Audited(audit) => match audit.bad.first() {
            None => (Outcome::Kept, "kept", String::new()),
            Some(bad) => {
                let count = audit.bad.len();
                let why = format!(
                    "{count} reads are wrong, the first in line {}: {}",
                    bad.place,
                    visible(&bad.why)
                );
                (Outcome::Broken, "broken", why)
            }
        },
    };
    if args.format == Print::Json {
        let mut object = told(name, model, *operations, verdict);
        object["why"] = json!(why);
        writeln!(out, "{object}")?;
        return Ok(outcome);
    }
    let guessed = if args.model.is_none() { ", guessed" } else { "" };
    let shown = match outcome {
        Outcome::Broken => "NOT kept",
        _ => verdict,
    };
    writeln!(out, "{name}: {shown} ({operations} operations, model {model}{guessed}, in passing)")?;
    if !why.is_empty() {
        writeln!(out, "  {why}")?;
    }
    Ok(outcome)
}
