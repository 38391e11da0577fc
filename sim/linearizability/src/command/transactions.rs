//! Transactions and banks: judged and printed.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

use super::{Case, Consistency, ModelName, Outcome, Print};
use crate::bank::Bank;
use crate::history::UNKNOWN;
use crate::standard::Change;
use crate::text::visible;
use crate::txn::{Anomaly, Ending, Level, Objects, Transaction, check_transactions, transactions};
use crate::value::{Content, Value};

/// Most anomalies that are told in full.
const TOLD_MAX: usize = 10;

pub(super) fn judge(
    case: &Case<'_>,
    objects: Objects,
    consistency: Consistency,
    level: Level,
    out: &mut dyn Write,
) -> io::Result<Outcome> {
    let recorded = &case.recorded;
    let all = match transactions(recorded, objects) {
        Ok(all) => all,
        Err((time, wrong)) => {
            return Ok(Outcome::Bad(format!("{}:{}: {wrong}", case.name, recorded.line(time).unwrap_or(0))));
        }
    };
    let anomalies = match check_transactions(&all, objects, level, &recorded.values) {
        Ok(anomalies) => anomalies,
        Err(wrong) => {
            let line = recorded.line(all[wrong.transaction].call).unwrap_or(0);
            return Ok(Outcome::Bad(format!("{}:{line}: {}", case.name, visible(&wrong.message))));
        }
    };
    match case.args.format {
        Print::Text => print_text(case, objects, level, &all, &anomalies, out)?,
        Print::Json => print_json(case, consistency, &all, &anomalies, out)?,
    }
    Ok(if anomalies.is_empty() { Outcome::Kept } else { Outcome::Broken })
}

fn print_text(
    case: &Case<'_>,
    objects: Objects,
    level: Level,
    all: &[Transaction],
    anomalies: &[Anomaly],
    out: &mut dyn Write,
) -> io::Result<()> {
    let head = |verdict: String| case.head(&verdict, "transactions");
    if anomalies.is_empty() {
        let doubt = match objects {
            Objects::Lists => "",
            Objects::Registers => "; of registers only part of the order shows, so this is no proof",
        };
        return writeln!(out, "{}{doubt}", head(format!("nothing contradicts {level}")));
    }
    writeln!(out, "{}", head(format!("NOT within {level}")))?;
    for anomaly in anomalies.iter().take(TOLD_MAX) {
        writeln!(out, "{}, which contradicts {}:", anomaly.name, anomaly.name.contradicts())?;
        for place in anomaly.transactions.iter().take(TOLD_MAX) {
            writeln!(out, "  {}", visible(&told(case, all, *place)))?;
        }
        let therefore = if anomaly.why.len() > 1 {
            "  so each comes before the next, and the last before the first:\n"
        } else {
            ""
        };
        write!(out, "{therefore}")?;
        for why in &anomaly.why {
            writeln!(out, "    {}", visible(why))?;
        }
    }
    if anomalies.len() > TOLD_MAX {
        writeln!(out, "({} more)", anomalies.len() - TOLD_MAX)?;
    }
    let weakest = anomalies.iter().map(|anomaly| anomaly.name.contradicts()).min();
    let below = match weakest {
        Some(Level::StrictSerializable) => Some(Level::Serializable),
        Some(Level::Serializable) => Some(Level::SnapshotIsolation),
        Some(Level::SnapshotIsolation) | None => None,
    };
    match below {
        Some(below) => writeln!(out, "Nothing contradicts {below}."),
        None => Ok(()),
    }
}

/// The parts of a transaction.
fn shown(case: &Case<'_>, one: &Transaction) -> Vec<String> {
    let lists = case.model == ModelName::Transactions(Objects::Lists);
    let show = |change: &Change| match change {
        // An empty list and an empty text are one value.
        Change::Read(_, Value::EMPTY) if lists => {
            case.recorded.show_change(*change).replace(" \"\"]", " []]")
        }
        _ => case.recorded.show_change(*change),
    };
    one.changes.iter().map(show).collect()
}

/// A transaction with its lines.
fn told(case: &Case<'_>, all: &[Transaction], place: usize) -> String {
    let one = &all[place];
    let line = |time| case.recorded.line(time).unwrap_or(0);
    let lines = match one.ret {
        UNKNOWN => format!("line {}", line(one.call)),
        ret => format!("lines {}-{}", line(one.call), line(ret)),
    };
    let ending = match one.ending {
        Ending::Committed => "",
        Ending::Aborted => " (aborted)",
        Ending::Unknown => " (unknown)",
    };
    let changes = shown(case, one);
    format!("T{place}, {lines}, process {}: {}{ending}", one.process, changes.join(" "))
}

fn print_json(
    case: &Case<'_>,
    consistency: Consistency,
    all: &[Transaction],
    anomalies: &[Anomaly],
    out: &mut dyn Write,
) -> io::Result<()> {
    let line = |time| case.recorded.line(time);
    let transaction = |place: &usize| {
        let one = &all[*place];
        json!({
            "transaction": format!("T{place}"),
            "process": one.process,
            "line": line(one.call),
            "return-line": line(one.ret),
            "changes": shown(case, one),
        })
    };
    let anomaly = |anomaly: &Anomaly| {
        json!({
            "name": anomaly.name.to_string(),
            "contradicts": anomaly.name.contradicts().to_string(),
            "transactions": anomaly.transactions.iter().map(transaction).collect::<Json>(),
            "why": anomaly.why,
        })
    };
    let not = if anomalies.is_empty() { "" } else { "not-" };
    let mut object = case.object(&format!("{not}{}", consistency.name()));
    object["anomalies"] = anomalies.iter().map(anomaly).collect();
    writeln!(out, "{object}")
}

/// Judges the reads of a bank.
pub(super) fn audit(case: &mut Case<'_>, out: &mut dyn Write) -> io::Result<Outcome> {
    let total = case.args.init.as_deref().map(|text| case.recorded.value(text));
    let total = total.map(|value| case.recorded.values.content(value));
    let total = match total {
        None => None,
        Some(Content::Number(total)) => Some(total),
        Some(_) => return Ok(case.bad("expected the sum of all accounts as --init, a whole number")),
    };
    let audit = Bank { total, ..Bank::default() }.audit(&case.recorded);
    let case = &*case;
    let Case { name, recorded, .. } = case;
    let line = |place: usize| recorded.line(recorded.history.operations()[place].ret).unwrap_or(0);
    let shown = audit.total.unwrap_or(0);
    let said = if total.is_some() { "" } else { ", as the first read shows" };
    if case.args.format == Print::Json {
        let bad =
            audit.bad.iter().map(|bad| json!({ "name": bad.name, "line": line(bad.place), "why": bad.why }));
        let verdict = match (audit.reads, audit.bad.len()) {
            (0, _) => "unknown",
            (_, 0) => "kept",
            (_, _) => "broken",
        };
        let mut object = case.object(verdict);
        object["reads"] = json!(audit.reads);
        object["total"] = json!(audit.total);
        object["anomalies"] = bad.collect();
        writeln!(out, "{object}")?;
    } else if audit.reads == 0 {
        writeln!(out, "{name}: unknown: nothing to judge, nobody read the accounts")?;
    } else if audit.bad.is_empty() {
        let verdict = format!("every one of {} reads shows {shown}{said}", audit.reads);
        writeln!(out, "{}", case.head(&verdict, "operations"))?;
    } else {
        let verdict = format!("{} of {} reads are wrong", audit.bad.len(), audit.reads);
        writeln!(out, "{}", case.head(&verdict, "operations"))?;
        writeln!(out, "The accounts should hold {shown} together{said}, and none less than nothing:")?;
        for bad in audit.bad.iter().take(TOLD_MAX) {
            writeln!(out, "  line {}: {}: {}", line(bad.place), bad.name, visible(&bad.why))?;
        }
    }
    Ok(match (audit.reads, audit.bad.is_empty()) {
        (0, _) => Outcome::Unknown,
        (_, true) => Outcome::Kept,
        (_, false) => Outcome::Broken,
    })
}
