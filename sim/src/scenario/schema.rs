//! A JSON Schema for scenario files, so that editors complete and check them.
//!
//! Holds: it is made of the tables that the loader reads by; whatever loads is valid by it. It says less than the loader:
//! whether a node exists, and what contradicts what, only that knows.
//! Not here: writing it somewhere (`cli`).

use serde_json::{Map, Value, json};

use super::expect::Property;
use super::knob::{Knob, Slot, Unit, Word};
use super::knobs::{self, CLOCK, DISK, EXPLORE, NEMESIS, NETWORK, UNTIMED, WORKLOAD};
use super::load_change;
use super::load_hardship::nemesis_kinds;
use super::load_step::{beside, verbs};
use super::{Aim, Budget, Cue, Disk, Explore, Network, NodeFault, Shape, Timers, Workload};
use super::{Clock, hardship::Untimed};

/// The schema, as JSON.
#[must_use]
pub fn schema() -> String {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "splitbrain scenario",
        "type": "object",
        "additionalProperties": false,
        "required": ["title", "cluster", "story"],
        "properties": top(),
        "$defs": {
            "step": { "anyOf": verbs().map(step).collect::<Vec<Value>>() },
            "change": change(),
            "claim": claim(),
        },
    });
    let text = serde_json::to_string_pretty(&schema).expect("a value of JSON can be written");
    text + "\n"
}

fn top() -> Value {
    json!({
        "title": about("what it is about, in a few words", text()),
        "source": about("where its argument comes from", text()),
        "systems": about("the systems it is meant for; all without", names()),
        "except": about("for which systems it is not meant, and why", map(text())),
        "seeds": about("a number of seeds such as 4, or a range such as \"1..4\"",
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }] })),
        "budget": about("what nemeses may do", words::<Budget>()),
        "cluster": cluster(),
        "rules": object(json!({ "off": names() }), &["off"]),
        "logs": map(json!({ "anyOf": [
            list(number()),
            object(json!({ "log": list(number()), "term": number() }), &[]),
        ] })),
        "groups": map(list(names())),
        "network": section::<Network>(NETWORK),
        "disk": section::<Disk>(DISK),
        "clock": section::<Clock>(CLOCK),
        "schedule": schedule(),
        "explore": section::<Explore>(EXPLORE),
        "workload": section::<Workload>(WORKLOAD),
        "nemesis": list(nemesis()),
        "tape": object(json!({ "unusual": names() }), &["unusual"]),
        "story": object(
            json!({
                "steps": list(json!({ "$ref": "#/$defs/step" })),
                "meanwhile": about("what is done after some events, whatever step goes on then", list(meanwhile())),
            }),
            &["steps"],
        ),
        "expect": object(json!({
            "violations": { "anyOf": [
                { "const": "none" },
                list(json!({ "enum": Property::ALL.map(Property::name) })),
            ] },
            "then": { "enum": ["stop", "go-on"] },
            "seen": names(), "never": names(), "leader": text(),
        }), &["violations"]),
    })
}

fn cluster() -> Value {
    let members = json!({ "anyOf": [names(), list(names())] });
    let sessions = json!({ "type": "string" });
    object(
        json!({
            "members": about("the voters, or a joint config's voter sets", members),
            "learners": names(), "spare": names(), "priority": names(), "vacant": names(),
            "addresses": map(text()),
            "election": about("how long a follower waits for a leader", unit(knobs::ELECTION, Vec::new())),
            "heartbeat": about("how often a leader speaks", unit(knobs::HEARTBEAT, Vec::new())),
            "timers": words::<Timers>(),
            "snapshot_every": about("applied entries between two snapshots", count()),
            "sessions": about("\"kept\", \"none\", or how long a session may be unused", sessions),
            "options": map(json!({ "type": ["boolean", "integer", "string"] })),
        }),
        &["members"],
    )
}

fn schedule() -> Value {
    let mut properties = properties::<Untimed>(UNTIMED);
    properties.insert(String::from("kind"), json!({ "enum": ["timed", "untimed"] }));
    object(Value::Object(properties), &["kind"])
}

fn nemesis() -> Value {
    let mut properties = Map::new();
    for knob in NEMESIS {
        properties.insert(knob.name.to_owned(), about(knob.about, unit(knob.unit, Vec::new())));
    }
    for (name, schema) in parameters() {
        properties.insert(name, schema);
    }
    for (key, schema) in [
        ("kind", json!({ "enum": nemesis_kinds() })),
        ("shape", words::<Shape>()),
        ("aim", words::<Aim>()),
        ("on", words::<Cue>()),
        ("every", about("from the end of one fault to the next", unit(knobs::EVERY, Vec::new()))),
    ] {
        properties.insert(key.to_owned(), schema);
    }
    object(Value::Object(properties), &["kind", "lasting"])
}

/// What faults have beside their names; one that is of two faults has one unit.
fn parameters() -> Vec<(String, Value)> {
    let knobs = NodeFault::ALL.into_iter().filter_map(knobs::parameter);
    knobs.map(|knob| (knob.name.to_owned(), about(knob.about, unit(knob.unit, Vec::new())))).collect()
}

fn step(verb: &'static str) -> Value {
    let object_of_verb = match verb {
        "heal" | "settle" => json!({ "const": true }),
        "run" | "converge" => unit(Unit::Time { least: 0, most: 0 }, Vec::new()),
        "events" => count(),
        "fault" | "end" => words::<NodeFault>(),
        "freeze" => json!({ "enum": ["all", "network"] }),
        "change" => json!({ "$ref": "#/$defs/change" }),
        "expect" => json!({ "$ref": "#/$defs/claim" }),
        "address" => object(json!({ "node": text(), "at": text() }), &["node", "at"]),
        _ => json!({ "type": ["string", "array", "object"] }),
    };
    let mut properties = Map::new();
    properties.insert(verb.to_owned(), object_of_verb);
    for key in beside(verb) {
        properties.insert((*key).to_owned(), beside_value(verb, key));
    }
    object(Value::Object(properties), &[verb])
}

/// A step that takes no time, and after which event it is done.
fn meanwhile() -> Value {
    json!({ "type": "object", "required": ["after"], "properties": { "after": number() } })
}

fn beside_value(verb: &str, key: &str) -> Value {
    if let Some((_, schema)) = parameters().into_iter().find(|(name, _)| name == key) {
        return schema;
    }
    match (verb, key) {
        (_, "fails" | "wait" | "keep") => json!({ "type": "boolean" }),
        (_, "writes" | "kept" | "skip") => count(),
        (_, "nodes") => json!({ "anyOf": [text(), names()] }),
        (_, "value" | "from" | "to") => json!({ "type": ["integer", "string"] }),
        (_, "group") => list(names()),
        _ => text(),
    }
}

fn change() -> Value {
    let any = || json!({ "type": ["string", "array", "object"] });
    let mut properties: Map<String, Value> =
        load_change::kinds().into_iter().map(|kind| (kind.to_owned(), any())).collect();
    for key in ["blocking", "retain", "turn_to_learner", "allow_lagging"] {
        properties.insert(key.to_owned(), json!({ "type": "boolean" }));
    }
    let mode = json!({ "enum": ["set", "add", "compare-and-set"] });
    let condition = json!({ "last_membership": number(), "last_entry": number(), "leader_term": number() });
    for (key, schema) in [
        ("address", text()),
        ("force_members", names()),
        ("nodes", any()),
        ("listeners", any()),
        ("mode", mode),
        ("current", names()),
        ("current_listeners", names()),
        ("if", object(condition, &[])),
    ] {
        properties.insert(key.to_owned(), schema);
    }
    object(Value::Object(properties), &[])
}

fn claim() -> Value {
    let comparison = || json!({ "type": ["integer", "string"] });
    object(
        json!({
            "leaders": names(), "seen": names(), "never": names(),
            "node": { "anyOf": [text(), names()] },
            "running": { "type": "boolean" },
            "role": text(),
            "term": comparison(), "commit": comparison(), "applied": comparison(), "last": comparison(),
            "log": list(number()),
            "voters": list(names()),
            "learners": names(),
            "machine": map(json!({ "type": ["integer", "string"] })),
        }),
        &[],
    )
}

fn section<S: Default>(knobs: &[Knob<S>]) -> Value {
    object(Value::Object(properties(knobs)), &[])
}

fn properties<S: Default>(knobs: &[Knob<S>]) -> Map<String, Value> {
    let mut section = S::default();
    let mut property = |knob: &Knob<S>| {
        let words = Slot::words(&(knob.slot)(&mut section));
        (knob.name.to_owned(), about(knob.about, unit(knob.unit, words)))
    };
    knobs.iter().map(&mut property).collect()
}

fn unit(unit: Unit, words: Vec<&'static str>) -> Value {
    const TIME: &str = "[0-9]+(h|m|s|ms|us|ns)";
    match unit {
        Unit::Range { .. } => json!({ "type": "string", "pattern": format!("^{TIME}(\\.\\.{TIME})?$") }),
        Unit::Time { .. } => json!({ "type": "string", "pattern": format!("^{TIME}$") }),
        Unit::Share => json!({ "type": "string", "pattern": "^([0-9]+%|[0-9]+/[0-9]+|[01])$" }),
        Unit::Count { least, most, .. } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Unit::Ppm => json!({ "type": "integer", "minimum": 0, "exclusiveMaximum": 1_000_000 }),
        Unit::Word { .. } => json!({ "enum": words }),
    }
}

fn about(about: &str, mut schema: Value) -> Value {
    schema["description"] = Value::from(about);
    schema
}

fn words<T: Word>() -> Value {
    json!({ "enum": T::WORDS.iter().map(|value| value.word()).collect::<Vec<_>>() })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}

fn map(values: Value) -> Value {
    json!({ "type": "object", "additionalProperties": values })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn names() -> Value {
    list(text())
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 1 })
}
