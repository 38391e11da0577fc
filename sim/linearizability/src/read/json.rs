//! Our own form: one JSON object a line.
//!
//! `process` (a number), `type` (invoke, ok, fail, info), `f` (read, write, cas, append; get and put are read and
//! write of a key-value store), `key` and `value`. A read whose `value` is null saw nothing there; without `value` it
//! constrains nothing. A failed compare-and-set may tell what it `found`. Other fields are for others.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Asked, Reader, Trouble, Type, action, drained, output};
use crate::standard::{Action, Input, Output};
use crate::value::Value;

#[derive(Deserialize)]
struct Event {
    process: u32,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    f: Option<String>,
    #[serde(default)]
    key: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Json>,
    #[serde(default, deserialize_with = "present")]
    found: Option<Json>,
}

/// Tells a field that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

pub(super) fn read(text: &str, reader: &mut Reader) -> Result<(), Trouble> {
    for (number, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            one(reader, number + 1, line)?;
        }
    }
    Ok(())
}

pub(super) fn one(reader: &mut Reader, line: usize, text: &str) -> Result<(), Trouble> {
    let event: Event = serde_json::from_str(text).map_err(|wrong| {
        let example = r#"{"process":0,"type":"invoke","f":"write","value":1}"#;
        (line, format!("{wrong}; expected an operation such as {example}"))
    })?;
    let kind = Type::named(&event.kind)
        .ok_or_else(|| (line, format!("expected type invoke, ok, fail or info, found {:?}", event.kind)))?;
    match kind {
        Type::Invoke => {
            let name = event.f.as_deref().ok_or_else(|| (line, "expected f, such as \"read\"".to_owned()))?;
            let key = match &event.key {
                None => reader.key("0"),
                Some(Json::String(key)) => reader.key(key),
                Some(other) => reader.key(&other.to_string()),
            };
            let asked = match (&event.value, name) {
                (Some(value), "txn") => {
                    Asked::One(transaction(reader, value).map_err(|message| (line, message))?)
                }
                (value, _) => asked(reader, value.as_ref()),
            };
            let owner = match event.value.as_ref().and_then(|value| value.get("client")) {
                Some(client) => intern(reader, client),
                None => reader.values.number(i64::from(event.process)),
            };
            let action = action(reader, name, asked, owner).map_err(|message| (line, message))?;
            reader.invoke(line, event.process, Input { key, action })
        }
        Type::Ok => {
            let action = reader.open(line, event.process)?.action;
            let told = told(reader, action, event.value.as_ref()).map_err(|message| (line, message))?;
            if event.f.as_deref() == Some("drain") && action == Action::Dequeue {
                let taken = drained(reader, told).map_err(|message| (line, message))?;
                return reader.drained(line, event.process, &taken);
            }
            reader.returned(line, event.process, output(action, told, false))
        }
        Type::Fail => match (reader.open(line, event.process)?.action, &event.found) {
            (Action::CompareAndSet { .. }, Some(found)) => {
                let found = intern(reader, found);
                reader.returned(line, event.process, Output::Found(found))
            }
            (_, _) => reader.failed(line, event.process),
        },
        Type::Info => reader.open(line, event.process).and_then(|_| reader.unknown(line, event.process)),
    }
}

/// What an answer tells.
fn told(reader: &mut Reader, action: Action, value: Option<&Json>) -> Result<Option<Value>, String> {
    let Some(value) = value else { return Ok(None) };
    match action {
        Action::Transact(_) if value.is_null() => Ok(None),
        Action::Transact(_) => transaction(reader, value).map(Some),
        Action::Acquire(_) => {
            let fence = intern(reader, value.get("fence").unwrap_or(value));
            Ok(Some(fence).filter(|fence| reader.values.is_number(*fence)))
        }
        Action::Read | Action::Dequeue => Ok(Some(intern(reader, value))),
        _ => Ok(None),
    }
}

/// A transaction, `[["r","x",null],["append","y",1]]`.
fn transaction(reader: &mut Reader, value: &Json) -> Result<Value, String> {
    let wrong =
        || format!(r#"expected a transaction such as [["r","x",null],["append","y",1]], found {value}"#);
    let mut parts = Vec::new();
    for item in value.as_array().ok_or_else(wrong)? {
        let Some([Json::String(what), key, value]) = item.as_array().map(Vec::as_slice) else {
            return Err(wrong());
        };
        let what = match what.trim_start_matches(':') {
            "r" | "read" => "r",
            "w" | "write" => "w",
            "append" => "append",
            _ => return Err(wrong()),
        };
        let part = [reader.values.text(what), intern(reader, key), intern(reader, value)];
        parts.push(reader.values.list(&part));
    }
    Ok(reader.values.list(&parts))
}

fn asked(reader: &mut Reader, value: Option<&Json>) -> Asked {
    match value {
        None => Asked::Nothing,
        Some(Json::Array(items)) if items.len() == 2 => {
            let (expected, new) = (intern(reader, &items[0]), intern(reader, &items[1]));
            Asked::Pair(intern(reader, &Json::Array(items.clone())), expected, new)
        }
        Some(value) => Asked::One(intern(reader, value)),
    }
}

fn intern(reader: &mut Reader, value: &Json) -> Value {
    match value {
        Json::Null => Value::NIL,
        Json::Number(number) => match number.as_i64() {
            Some(number) => reader.values.number(number),
            None => reader.values.other(&number.to_string()),
        },
        Json::String(text) => {
            reader.seen.text = true;
            reader.values.text(text)
        }
        Json::Array(items) => {
            let items: Vec<Value> = items.iter().map(|item| intern(reader, item)).collect();
            reader.values.list(&items)
        }
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| {
                // Names of accounts and such: 0 as JSON writes it is the number.
                let key = match key.parse::<i64>() {
                    Ok(number) => reader.values.number(number),
                    Err(_) => reader.values.text(key),
                };
                (key, intern(reader, value))
            };
            let entries: Vec<(Value, Value)> = entries.iter().map(entry).collect();
            reader.values.map(&entries)
        }
        Json::Bool(_) => reader.values.other(&value.to_string()),
    }
}
