//! The clients' calls of a run as a history, in the forms that checkers read: our own JSON lines, Jepsen's EDN, and
//! Porcupine's key-value EDN.
//!
//! Holds: events stand in the order of the run; a call that nobody will ever know the outcome of takes its process with it, as
//! in Jepsen: the client goes on as another one.
//! Not here: judging them (the linearizability crate).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use super::Explained;
use crate::machine::{Answer, Request};
use crate::names::Names;
use crate::trace::{Ending, Place, Record, RecordId, What};

/// A form of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryForm {
    /// JSON lines, which lose nothing.
    Lines,
    /// Jepsen's and Knossos' EDN, each key as of `jepsen.independent`. A key begins with a write of -1, which stands for
    /// nothing: there a read of nil would say nothing. What a compare-and-set found is lost.
    Jepsen,
    /// The key-value EDN of Porcupine's tests; nothing is the empty text. Compare-and-set is an addition to it.
    Porcupine,
}

/// One end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    process: u32,
    key: String,
    request: Request,
    /// What came of it; `None` for its beginning.
    ending: Option<Ending>,
}

/// Both ends of every call, in order.
pub(super) fn events(records: &[&Record], names: &Names) -> Vec<Event> {
    let client = |place| match place {
        Place::Client(client) => Some(client),
        Place::World | Place::Node(_) | Place::Link { .. } => None,
    };
    let clients = records.iter().filter_map(|record| client(record.place)).max().map_or(0, |last| last + 1);
    let mut processes: Vec<u32> = (0..clients).collect();
    let mut open: BTreeMap<RecordId, (u32, u32, Request)> = BTreeMap::new();
    let mut events = Vec::new();
    for record in records {
        match (&record.what, client(record.place)) {
            (What::Calls { request }, Some(client)) => {
                let process = processes[client as usize];
                open.insert(record.id, (client, process, *request));
                events.push(Event { process, key: key(*request, names), request: *request, ending: None });
            }
            (What::Returns { call, ending }, _) => {
                let Some((client, process, request)) = open.remove(call) else { continue };
                if *ending == Ending::Unknown {
                    processes[client as usize] += clients;
                }
                events.push(Event { process, key: key(request, names), request, ending: Some(*ending) });
            }
            _ => {}
        }
    }
    events
}

fn key(request: Request, names: &Names) -> String {
    match request {
        Request::Get { key } | Request::Put { key, .. } | Request::Cas { key, .. } => names.key(key),
    }
}

impl Explained {
    /// What the clients asked and were answered, as a history.
    #[must_use]
    pub fn history(&self, form: HistoryForm) -> String {
        let mut text = String::new();
        if form == HistoryForm::Jepsen {
            text += &self.jepsen_beginnings();
        }
        for event in &self.history {
            text += &match form {
                HistoryForm::Lines => json_line(event),
                HistoryForm::Jepsen => jepsen(event),
                HistoryForm::Porcupine => porcupine(event),
            };
        }
        text
    }

    /// A write of what stands for nothing to each key, by a process of its own, and a read of it: by reads that name their
    /// key a reader knows that values are pairs.
    fn jepsen_beginnings(&self) -> String {
        let keys: BTreeSet<&str> = self.history.iter().map(|event| event.key.as_str()).collect();
        let process = self.history.iter().map(|event| event.process).max().map_or(0, |last| last + 1);
        let mut text = String::new();
        for key in keys {
            for (kind, f, value) in [
                ("invoke", "write", "-1"),
                ("ok", "write", "-1"),
                ("invoke", "read", "nil"),
                ("ok", "read", "-1"),
            ] {
                let _ = writeln!(
                    text,
                    "{{:process {process}, :type :{kind}, :f :{f}, :value [{key:?} {value}]}}"
                );
            }
        }
        text
    }
}

/// How a call ended, as Jepsen says it.
fn kind(event: &Event) -> &'static str {
    match event.ending {
        None => "invoke",
        Some(Ending::Unknown) => "info",
        Some(Ending::Refused | Ending::Answered(Answer::Mismatch(_))) => "fail",
        Some(Ending::Answered(Answer::Value(_) | Answer::Written | Answer::Swapped)) => "ok",
    }
}

fn json_line(event: &Event) -> String {
    let Event { process, key, request, ending } = event;
    let mut line = json!({ "process": process, "type": kind(event) });
    match (ending, request) {
        (None, Request::Get { .. }) => line["f"] = json!("read"),
        (None, Request::Put { value, .. }) => (line["f"], line["value"]) = (json!("write"), json!(value)),
        (None, Request::Cas { expected, value, .. }) => {
            (line["f"], line["value"]) = (json!("cas"), json!([expected, value]));
        }
        (Some(Ending::Answered(Answer::Value(value))), _) => line["value"] = json!(value),
        (Some(Ending::Answered(Answer::Mismatch(found))), _) => line["found"] = json!(found),
        (Some(_), _) => {}
    }
    if ending.is_none() {
        line["key"] = json!(key);
    }
    format!("{line}\n")
}

fn jepsen(event: &Event) -> String {
    let number = |value: Option<u64>| value.map_or(String::from("-1"), |value| value.to_string());
    let (f, asked) = match event.request {
        Request::Get { .. } => ("read", String::from("nil")),
        Request::Put { value, .. } => ("write", value.to_string()),
        Request::Cas { expected, value, .. } => ("cas", format!("[{} {value}]", number(expected))),
    };
    let value = match event.ending {
        Some(Ending::Answered(Answer::Value(read))) => number(read),
        Some(_) | None => asked,
    };
    let Event { process, key, .. } = event;
    format!("{{:process {process}, :type :{}, :f :{f}, :value [{key:?} {value}]}}\n", kind(event))
}

fn porcupine(event: &Event) -> String {
    let text = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    let (f, asked) = match event.request {
        Request::Get { .. } => ("get", String::from("nil")),
        Request::Put { value, .. } => ("put", format!("\"{value}\"")),
        Request::Cas { expected, value, .. } => ("cas", format!("[{:?} \"{value}\"]", text(expected))),
    };
    let value = match event.ending {
        Some(Ending::Answered(Answer::Value(read))) => format!("{:?}", text(read)),
        Some(_) | None => asked,
    };
    let Event { process, key, .. } = event;
    format!("{{:process {process}, :type :{}, :f :{f}, :key {key:?}, :value {value}}}\n", kind(event))
}
