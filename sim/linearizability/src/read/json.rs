//! Our own form: one JSON object a line.
//!
//! `process` (a number), `type` (invoke, ok, fail, info), `f` (read, write, cas, append; get and put are read and
//! write of a key-value store), `key` and `value`. A read whose `value` is null saw nothing there; without `value` it
//! constrains nothing. A failed compare-and-set may tell what it `found`. Other fields are for others.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Asked, Reader, Trouble, Type, action};
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

fn one(reader: &mut Reader, line: usize, text: &str) -> Result<(), Trouble> {
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
            let asked = asked(reader, event.value.as_ref());
            let action = action(reader, name, asked).map_err(|message| (line, message))?;
            reader.invoke(line, event.process, Input { key, action })
        }
        Type::Ok => {
            let output = match (reader.open(line, event.process)?.action, &event.value) {
                (Action::Read, Some(value)) => Output::Read(intern(reader, value)),
                (Action::Read, None) => Output::Unseen,
                (Action::Write(_) | Action::CompareAndSet { .. } | Action::Append(_), _) => Output::Done,
            };
            reader.returned(line, event.process, output)
        }
        Type::Fail => match (reader.open(line, event.process)?.action, &event.found) {
            (Action::CompareAndSet { .. }, Some(found)) => {
                let found = intern(reader, found);
                reader.returned(line, event.process, Output::Found(found))
            }
            (Action::Read | Action::Write(_) | Action::CompareAndSet { .. } | Action::Append(_), _) => {
                reader.failed(line, event.process)
            }
        },
        Type::Info => reader.open(line, event.process).and_then(|_| reader.unknown(line, event.process)),
    }
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
        Json::Bool(_) | Json::Object(_) => reader.values.other(&value.to_string()),
    }
}
