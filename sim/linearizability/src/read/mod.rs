//! Histories as text: Jepsen's and Knossos' EDN, the two text forms of Porcupine's tests, and our own JSON lines.
//!
//! Holds: the order of the events in the file is the order in which they happened; whatever is malformed is an error
//! with file, line and expectation, never a panic and never a guess.
//! Not here: opening files (`command`), and what operations mean (`standard`).

#[cfg(feature = "edn")]
mod bounds;
mod columns;
#[cfg(feature = "edn")]
mod edn;
#[cfg(feature = "json")]
mod json;
mod log;
mod sink;
#[cfg(all(feature = "edn", feature = "json"))]
pub mod stream;
mod together;

use std::collections::BTreeMap;
use std::fmt;

use crate::history::{History, Operation};
use crate::standard::{Action, Input, Kind, Output};
use crate::text::visible;
use crate::value::{Content, Value, Values};

pub use crate::recorded::Recorded;
use sink::Sink;

/// The text forms of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Jepsen or Knossos operations, one EDN map each, in a vector or one after the other. Porcupine's key-value
    /// form is of this kind.
    Edn,
    /// Jepsen's log of an etcd test: `INFO  jepsen.util - 3  :invoke  :write  3`.
    Log,
    /// Columns as Jepsen and Knossos print them: index, process, type, f, value.
    Columns,
    /// One JSON object a line.
    Json,
}

/// Why a text is no history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// The name of the file.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both may hold what a file says: it is looked at, and not obeyed.
        write!(f, "{}:{}: {}", visible(&self.file), self.line, visible(&self.message))
    }
}

impl std::error::Error for BadInput {}

/// The format that a text seems to have.
#[must_use]
pub fn guess_format(text: &str) -> Option<Format> {
    let text = text.trim_start_matches('\u{feff}');
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with(';'))?;
    let inside = line.trim_start_matches('{').trim_start();
    if line.starts_with('{') && (inside.starts_with('"') || inside.starts_with('}')) {
        Some(Format::Json)
    } else if line.starts_with(['{', '[', '(', '#']) {
        Some(Format::Edn)
    } else if columns::looks_like(line) {
        Some(Format::Columns)
    } else {
        text.lines().any(|line| line.contains("jepsen.util")).then_some(Format::Log)
    }
}

/// Reads a history; `file` is only its name. O(length of the text).
///
/// # Errors
/// Names the line, what was found and what was expected.
pub fn read(file: &str, text: &str, format: Option<Format>) -> Result<Recorded, BadInput> {
    // Some editors put a mark before the first letter.
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader::default();
    let result = match format.or_else(|| guess_format(text)) {
        #[cfg(feature = "edn")]
        Some(Format::Edn) => edn::read(text, &mut reader),
        #[cfg(not(feature = "edn"))]
        Some(Format::Edn | Format::Columns) => {
            Err((1, "this is EDN or columns; expected a build with the feature edn".to_owned()))
        }
        Some(Format::Log) => log::read(text, &mut reader),
        #[cfg(feature = "edn")]
        Some(Format::Columns) => columns::read(text, &mut reader),
        #[cfg(feature = "json")]
        Some(Format::Json) => json::read(text, &mut reader),
        #[cfg(not(feature = "json"))]
        Some(Format::Json) => Err((1, "this is JSON; expected a build with the feature json".to_owned())),
        None => Err((
            1,
            "expected EDN operations such as {:process 0, :type :invoke, :f :read, :value nil}, log \
                         lines such as INFO  jepsen.util - 0  :invoke  :read  nil, or JSON lines such as \
                         {\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}"
                .to_owned(),
        )),
    };
    result.map_err(|(line, message)| BadInput { file: file.to_owned(), line, message })?;
    Ok(reader.finish())
}

/// A line and what is wrong there.
type Trouble = (usize, String);

/// What an event says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Type {
    fn named(name: &str) -> Option<Type> {
        match name {
            "invoke" => Some(Type::Invoke),
            "ok" => Some(Type::Ok),
            "fail" => Some(Type::Fail),
            "info" => Some(Type::Info),
            _ => None,
        }
    }
}

/// What the formats have in common: names, and the operations so far.
#[derive(Debug, Default)]
struct Reader {
    values: Values,
    keys: Vec<String>,
    key_numbers: BTreeMap<String, u32>,
    sink: Sink,
    /// Of each event so far; their number is the time.
    lines: Vec<u32>,
    aborted: Vec<Operation<Input, Output>>,
    seen: Seen,
}

/// What tells the model.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    get_or_put: bool,
    write: bool,
    cas: bool,
    append: bool,
    text: bool,
    /// Elements were added to something; counted up or down; removed.
    add: bool,
    count: bool,
    remove: bool,
    queue: bool,
    lock: bool,
    fence: bool,
    transaction: bool,
    transfer: bool,
    /// A read gave a number, and something else that is not nothing.
    number_read: bool,
    other_read: bool,
}

impl Reader {
    fn key(&mut self, name: &str) -> u32 {
        if let Some(number) = self.key_numbers.get(name) {
            return *number;
        }
        let number = self.keys.len() as u32;
        self.keys.push(name.to_owned());
        self.key_numbers.insert(name.to_owned(), number);
        number
    }

    fn invoke(&mut self, line: usize, process: u32, input: Input) -> Result<(), Trouble> {
        match input.action {
            Action::Write(_) => self.seen.write = true,
            Action::CompareAndSet { .. } => self.seen.cas = true,
            Action::Append(_) => self.seen.append = true,
            Action::Add(_) => self.seen.add = true,
            Action::Remove(_) => self.seen.remove = true,
            Action::Enqueue(_) | Action::Dequeue => self.seen.queue = true,
            Action::Acquire(_) | Action::Release(_) => self.seen.lock = true,
            Action::Transact(_) => self.seen.transaction = true,
            Action::Transfer(_) => self.seen.transfer = true,
            Action::Read => {}
        }
        let now = self.event(line);
        self.sink.call(process, now, input, &mut self.values).map_err(|wrong| {
            let hint = "a process asks for one thing at a time; after :info it must not come back";
            (line, format!("{wrong} ({hint})"))
        })
    }

    /// The time of the next event.
    fn event(&mut self, line: usize) -> u64 {
        // Who follows keeps no lines: the line is the time.
        if let Sink::Follow(_) = self.sink {
            return line as u64;
        }
        self.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
        self.lines.len() as u64
    }

    /// What a process waits for.
    fn open(&self, line: usize, process: u32) -> Result<Input, Trouble> {
        let missing =
            || (line, format!("process {process} has no open operation; expected its :invoke before"));
        self.sink.open(process).copied().ok_or_else(missing)
    }

    fn returned(&mut self, line: usize, process: u32, output: Output) -> Result<(), Trouble> {
        if let (Some(Input { action: Action::Read, .. }), Output::Read(value)) =
            (self.sink.open(process), output)
        {
            let is_number = matches!(self.values.content(value), Content::Number(_));
            self.seen.number_read |= is_number;
            self.seen.other_read |= !is_number && value != Value::NIL;
        }
        self.seen.fence |= self.seen.lock && matches!(output, Output::Read(_));
        let now = self.event(line);
        self.sink.returned(process, now, output, &mut self.values).map_err(|wrong| (line, wrong))
    }

    fn failed(&mut self, line: usize, process: u32) -> Result<(), Trouble> {
        let failed = self.sink.failed(process, &mut self.values).map_err(|wrong| (line, wrong))?;
        self.aborted.extend(failed.filter(|failed| matches!(failed.input.action, Action::Transact(_))));
        Ok(())
    }

    /// A queue was emptied at once: as many dequeues, together.
    fn drained(&mut self, line: usize, process: u32, values: &[Value]) -> Result<(), Trouble> {
        let now = self.event(line);
        let outputs = values.iter().map(|value| Output::Read(*value)).collect();
        self.sink.returned_many(process, now, outputs).map_err(|wrong| (line, wrong))
    }

    fn unknown(&mut self, line: usize, process: u32) -> Result<(), Trouble> {
        self.sink.unknown(process, &mut self.values).map_err(|wrong| (line, wrong))
    }

    fn kind(&self) -> Kind {
        let Seen { get_or_put, write, cas, append, text, add, count, remove, .. } = self.seen;
        let Seen { queue, lock, fence, transaction, number_read, other_read, .. } = self.seen;
        match (append, get_or_put, write || cas) {
            _ if transaction => Kind::MultiRegister,
            _ if fence => Kind::FencedLock,
            _ if lock => Kind::Mutex,
            _ if queue => Kind::UnorderedQueue,
            _ if remove => Kind::Set,
            _ if count || add && number_read && !other_read => Kind::Counter,
            _ if add => Kind::GrowOnlySet,
            (_, true, _) | (true, false, true) => Kind::KeyValue,
            (true, false, false) if text => Kind::KeyValue,
            (true, false, false) => Kind::AppendList,
            (false, false, _) if cas => Kind::CasRegister,
            (false, false, _) => Kind::Register,
        }
    }

    fn finish(self) -> Recorded {
        let kind = self.kind();
        let Reader { values, mut keys, lines, aborted, sink, .. } = self;
        let mut history = match sink {
            Sink::Record(recorder) => recorder.finish(),
            Sink::Follow(_) => History::new(),
        };
        if kind == Kind::MultiRegister {
            (history, keys) = together::joined(history, &values);
        }
        Recorded { history, kind, values, keys, lines, aborted }
    }
}

/// Names of operations that only look, or take: they are invoked without a value of their own.
fn looks(name: &str) -> bool {
    matches!(name, "read" | "r" | "get" | "dequeue" | "drain" | "acquire" | "release")
}

/// The action that a name and a value ask for.
fn action(reader: &mut Reader, name: &str, value: Asked, owner: Value) -> Result<Action, String> {
    reader.seen.get_or_put |= matches!(name, "get" | "put");
    reader.seen.count |= matches!(name, "inc" | "increment" | "dec" | "decrement");
    let number = |value: Value, reader: &Reader| {
        let wrong = || format!("expected a whole number to count by, found {}", reader.values.show(value));
        reader.values.content(value).number().ok_or_else(wrong)
    };
    match (name, value) {
        ("read" | "r" | "get", _) => Ok(Action::Read),
        ("dequeue" | "drain", _) => Ok(Action::Dequeue),
        ("acquire" | "lock", _) => Ok(Action::Acquire(owner)),
        ("release" | "unlock", _) => Ok(Action::Release(owner)),
        ("inc" | "increment", Asked::Nothing) => Ok(Action::Add(reader.values.number(1))),
        ("dec" | "decrement", Asked::Nothing) => Ok(Action::Add(reader.values.number(-1))),
        ("inc" | "increment" | "dec" | "decrement", Asked::One(value) | Asked::Pair(value, ..)) => {
            let by = if value == Value::NIL { 1 } else { number(value, reader)? };
            let by = if name.starts_with('d') { by.wrapping_neg() } else { by };
            Ok(Action::Add(reader.values.number(by)))
        }
        ("write" | "w" | "put", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Write(value)),
        ("append", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Append(value)),
        ("add", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Add(value)),
        ("remove", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Remove(value)),
        ("enqueue", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Enqueue(value)),
        ("transfer", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Transfer(value)),
        ("txn", Asked::One(value) | Asked::Pair(value, ..)) => Ok(Action::Transact(value)),
        ("cas" | "compare-and-set", Asked::Pair(_, expected, new)) => {
            Ok(Action::CompareAndSet { expected, new })
        }
        ("cas" | "compare-and-set", Asked::One(_) | Asked::Nothing) => {
            Err("expected the two values of a compare-and-set, such as [1 2]".to_owned())
        }
        (
            "write" | "w" | "put" | "append" | "add" | "remove" | "enqueue" | "txn" | "transfer",
            Asked::Nothing,
        ) => Err(format!("expected the value of this {name}")),
        _ => Err(format!(
            "expected :f read, write, cas, append, get, put, add, remove, enqueue, dequeue, drain, acquire, release, \
             inc, dec, txn or transfer, found {name:?}"
        )),
    }
}

/// What came back of an action; `None` when the event has no value. `nil_is_unseen`: a read of nil constrains nothing.
fn output(action: Action, value: Option<Value>, nil_is_unseen: bool) -> Output {
    match (action, value) {
        (Action::Read, None) => Output::Unseen,
        (Action::Read, Some(Value::NIL)) if nil_is_unseen => Output::Unseen,
        (Action::Read | Action::Dequeue, Some(value)) => Output::Read(value),
        (Action::Dequeue, None) => Output::Read(Value::NIL),
        (Action::Acquire(_) | Action::Transact(_), Some(value)) if value != Value::NIL => Output::Read(value),
        (
            Action::Write(_)
            | Action::CompareAndSet { .. }
            | Action::Append(_)
            | Action::Add(_)
            | Action::Remove(_)
            | Action::Enqueue(_)
            | Action::Acquire(_)
            | Action::Release(_)
            | Action::Transact(_)
            | Action::Transfer(_),
            _,
        ) => Output::Done,
    }
}

/// The elements of a drained queue.
fn drained(reader: &Reader, value: Option<Value>) -> Result<Vec<Value>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let content = reader.values.content(value);
    let items = content.items().ok_or("expected the list of what this drain took")?;
    Ok(items.to_vec())
}

/// The value of an event, taken as one and, where it has two parts, as two.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Nothing,
    One(Value),
    Pair(Value, Value, Value),
}
