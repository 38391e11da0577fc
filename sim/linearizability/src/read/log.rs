//! Jepsen's log of an etcd test, as in Porcupine's test data.
//!
//! A read of nil says that the register is still empty. A read that timed out constrains nothing, a write or
//! compare-and-set whose `:info` says so may take effect later. A `:fail` of a compare-and-set with its values found
//! another value; other failures did not happen. Lines of other loggers and of the nemesis are passed over.

use super::{Reader, Trouble, Type};
use crate::standard::{Action, Input, Output};
use crate::value::Value;

const EXPECTED: &str = "expected a line such as INFO  jepsen.util - 0  :invoke  :cas  [1 2]";

pub(super) fn read(text: &str, reader: &mut Reader) -> Result<(), Trouble> {
    for (number, text) in text.lines().enumerate() {
        line(reader, number + 1, text)?;
    }
    Ok(())
}

pub(super) fn line(reader: &mut Reader, number: usize, line: &str) -> Result<(), Trouble> {
    let Some((_, event)) = line.split_once("jepsen.util") else { return Ok(()) };
    let event = event.trim_start().trim_start_matches('-').trim();
    if !event.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(());
    }
    let event = one(event).map_err(|message| (number, message))?;
    perform(reader, number, event)
}

struct Event<'a> {
    process: u32,
    kind: Type,
    name: &'a str,
    value: &'a str,
}

fn one(event: &str) -> Result<Event<'_>, String> {
    let mut rest = event;
    let mut word = || {
        let trimmed = rest.trim_start();
        let end = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let (word, after) = trimmed.split_at(end);
        rest = after;
        word
    };
    let (process, kind, name) = (word(), word(), word());
    let process = process
        .parse()
        .map_err(|_| format!("expected the number of a process, found {process:?}; {EXPECTED}"))?;
    let kind = kind.strip_prefix(':').and_then(Type::named);
    let kind = kind.ok_or_else(|| format!("expected :invoke, :ok, :fail or :info; {EXPECTED}"))?;
    let name = name.strip_prefix(':').ok_or_else(|| format!("expected :read, :write or :cas; {EXPECTED}"))?;
    Ok(Event { process, kind, name, value: rest.trim() })
}

fn perform(reader: &mut Reader, line: usize, event: Event<'_>) -> Result<(), Trouble> {
    let Event { process, kind, name, value } = event;
    let trouble = |message: String| (line, message);
    match kind {
        Type::Invoke => {
            let action = match name {
                "read" => Action::Read,
                "write" => Action::Write(number(reader, value).map_err(trouble)?),
                "cas" => {
                    let (expected, new) = pair(reader, value).map_err(trouble)?;
                    Action::CompareAndSet { expected, new }
                }
                other => return Err((line, format!("expected :read, :write or :cas, found :{other}"))),
            };
            reader.invoke(line, process, Input { key: 0, action })
        }
        Type::Ok => {
            let output = match reader.open(line, process)?.action {
                Action::Read if value == "nil" => Output::Read(Value::NIL),
                Action::Read => Output::Read(number(reader, value).map_err(trouble)?),
                _ => Output::Done,
            };
            reader.returned(line, process, output)
        }
        Type::Fail => match reader.open(line, process)?.action {
            Action::CompareAndSet { .. } if value.starts_with('[') => {
                reader.returned(line, process, Output::Differed)
            }
            _ => reader.failed(line, process),
        },
        Type::Info => reader.unknown(line, process),
    }
}

fn number(reader: &mut Reader, text: &str) -> Result<Value, String> {
    if text == "nil" {
        return Ok(Value::NIL);
    }
    let number: i64 = text.parse().map_err(|_| format!("expected a whole number or nil, found {text:?}"))?;
    Ok(reader.values.number(number))
}

fn pair(reader: &mut Reader, text: &str) -> Result<(Value, Value), String> {
    let wrong = || format!("expected two numbers such as [1 2], found {text:?}");
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(wrong)?;
    let mut words = inside.split_whitespace();
    let (Some(first), Some(second), None) = (words.next(), words.next(), words.next()) else {
        return Err(wrong());
    };
    Ok((number(reader, first)?, number(reader, second)?))
}
