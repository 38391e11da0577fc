//! Jepsen's and Knossos' histories: EDN maps, bare, tagged (`#jepsen.history.Op{…}`) or in one vector.
//!
//! A read of nil constrains nothing, as in Knossos; what failed did not happen; `:info` is unknown. Events of
//! processes that are no numbers (the nemesis) are passed over. Keys come from `:key`, or from values that are pairs
//! as of `jepsen.independent`: taken as such when tagged so, or when every read is invoked with `[key nil]`.
//!
//! Parsed by the `clojure-reader` crate, one form at a time: only the text and one event are in memory.

use clojure_reader::edn::{self, Edn};
use clojure_reader::error::Code;

use super::{Asked, Reader, Trouble, Type, action, bounds, drained, looks, output};
use crate::standard::{Action, Input};
use crate::value::Value;

pub(super) fn read(text: &str, reader: &mut Reader) -> Result<(), Trouble> {
    let text = &*bounds::checked(text)?;
    let mut tuples = Tuples::default();
    each_event(text, &mut |line, event| tuples.look(line, event))?;
    let independent = tuples.independent();
    each_event(text, &mut |line, event| one(reader, line, event, independent))
}

/// Looks at the events of one line for how values are to be taken.
pub(super) fn look(line: &str, tuples: &mut Tuples) -> Result<(), Trouble> {
    each_event(&bounds::checked(line)?, &mut |line, event| tuples.look(line, event))
}

/// Reads the events of one line.
pub(super) fn line(reader: &mut Reader, number: usize, line: &str, independent: bool) -> Result<(), Trouble> {
    let text = bounds::checked(line).map_err(|(_, wrong)| (number, wrong))?;
    let read = each_event(&text, &mut |_, event| one(reader, number, event, independent));
    read.map_err(|(_, wrong)| (number, wrong))
}

/// Whether values are pairs of a key and a value, by how reads are invoked; without reads by the writes.
#[derive(Default)]
pub(super) struct Tuples {
    reads: usize,
    read_pairs: usize,
    writes: usize,
    write_pairs: usize,
}

impl Tuples {
    fn look(&mut self, _line: usize, event: &Edn<'_>) -> Result<(), Trouble> {
        if field(event, "type").and_then(name) != Some("invoke") || number(field(event, "process")).is_none()
        {
            return Ok(());
        }
        let value = field(event, "value");
        match field(event, "f").and_then(name) {
            Some(name) if looks(name) => {
                self.reads += 1;
                self.read_pairs += usize::from(matches!(value, Some(Edn::Vector(items)) if is_pair(items)));
            }
            Some("write" | "w") => {
                self.writes += 1;
                self.write_pairs +=
                    usize::from(matches!(value, Some(Edn::Vector(items)) if items.len() == 2));
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    pub(super) fn independent(&self) -> bool {
        match self.reads {
            0 => self.writes > 0 && self.write_pairs == self.writes,
            reads => self.read_pairs == reads,
        }
    }
}

fn is_pair(items: &[Edn<'_>]) -> bool {
    matches!(items, [_, Edn::Nil])
}

/// Hands on the events one by one with their line.
fn each_event(
    text: &str,
    see: &mut dyn FnMut(usize, &Edn<'_>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut place = Place { text, at: 0, line: 1 };
    let mut closing = None;
    place.skip_blank();
    if let Some(open) = place.rest().chars().next().filter(|open| matches!(open, '[' | '(')) {
        closing = Some(if open == '[' { ']' } else { ')' });
        place.advance(1);
    }
    loop {
        place.skip_blank();
        let rest = place.rest();
        if rest.is_empty() {
            return match closing {
                Some(closing) => {
                    Err((place.line, format!("the file ends here; expected {closing} or an operation")))
                }
                None => Ok(()),
            };
        }
        if closing.is_some_and(|closing| rest.starts_with(closing)) {
            place.advance(1);
            closing = None;
            continue;
        }
        let line = place.line;
        let (form, after) = edn::read(rest).map_err(|wrong| trouble(line, rest, &wrong))?;
        let length = rest.len() - after.len();
        place.advance(length.max(1));
        see(line, untagged(&form))?;
    }
}

fn trouble(line: usize, rest: &str, wrong: &clojure_reader::error::Error) -> Trouble {
    let example = "expected an operation such as {:process 0, :type :invoke, :f :read, :value nil}";
    if wrong.code == Code::UnexpectedEOF {
        return (line, format!("{example}; the one that begins here does not end"));
    }
    // Lines end at a line feed; the crate's own count also takes a lone carriage return for an end.
    let before = wrong.ptr.and_then(|at| rest.get(..at)).unwrap_or_default();
    let within = before.matches('\n').count();
    (line + within, format!("{example}; as EDN it is wrong: {:?}", wrong.code))
}

struct Place<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Place<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, length: usize) {
        self.line +=
            self.text.as_bytes()[self.at..self.at + length].iter().filter(|byte| **byte == b'\n').count();
        self.at += length;
    }

    /// Passes over white space, commas, comments and the byte order mark.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = |letter: char| letter.is_whitespace() || letter == ',' || letter == '\u{feff}';
            let kept = rest.trim_start_matches(blank);
            let comment = if kept.starts_with(';') { kept.find('\n').unwrap_or(kept.len()) } else { 0 };
            let length = rest.len() - kept.len() + comment;
            if length == 0 {
                return;
            }
            self.advance(length);
        }
    }
}

fn untagged<'a, 'e>(form: &'a Edn<'e>) -> &'a Edn<'e> {
    match form {
        Edn::Tagged(_, inner) => untagged(inner),
        other => other,
    }
}

fn field<'a, 'e>(event: &'a Edn<'e>, name: &'static str) -> Option<&'a Edn<'e>> {
    let Edn::Map(fields) = event else { return None };
    fields.get(&Edn::key(name))
}

fn name<'a>(value: &'a Edn<'_>) -> Option<&'a str> {
    match value {
        Edn::Key(name) | Edn::Symbol(name) | Edn::Str(name) => Some(name.trim_start_matches(':')),
        _ => None,
    }
}

fn number(value: Option<&Edn<'_>>) -> Option<u32> {
    match value {
        Some(Edn::Int(number)) => u32::try_from(*number).ok(),
        Some(_) | None => None,
    }
}

fn one(reader: &mut Reader, line: usize, event: &Edn<'_>, independent: bool) -> Result<(), Trouble> {
    let Edn::Map(_) = event else {
        return Err((
            line,
            format!("expected an operation, a map with :process, :type and :f, found {event}"),
        ));
    };
    let Some(who) = field(event, "process") else {
        return Err((line, "expected :process in this operation".to_owned()));
    };
    let kind = field(event, "type").and_then(name).and_then(Type::named);
    let kind = kind.ok_or_else(|| (line, "expected :type :invoke, :ok, :fail or :info".to_owned()))?;
    let Some(process) = number(Some(who)) else {
        // A name is that of the nemesis, or of whoever else is no client.
        return match who {
            Edn::Key(_) | Edn::Symbol(_) => Ok(()),
            _ => Err((line, format!("expected a process from 0 to 4294967295, found {who}"))),
        };
    };
    let value = field(event, "value").unwrap_or(&NIL);
    match kind {
        Type::Invoke => invoke(reader, line, process, event, value, independent),
        Type::Ok => {
            let action = reader.open(line, process)?.action;
            let told = told(reader, action, part(value, independent)).map_err(|wrong| (line, wrong))?;
            if field(event, "f").and_then(name) == Some("drain") && action == Action::Dequeue {
                let taken = drained(reader, told).map_err(|wrong| (line, wrong))?;
                return reader.drained(line, process, &taken);
            }
            reader.returned(line, process, output(action, told, true))
        }
        Type::Fail => reader.open(line, process).and_then(|_| reader.failed(line, process)),
        // Notes of the test itself come as :info too; only an open operation can become unknown.
        Type::Info if reader.sink.open(process).is_none() => Ok(()),
        Type::Info => reader.unknown(line, process),
    }
}

static NIL: Edn<'static> = Edn::Nil;

fn invoke(
    reader: &mut Reader,
    line: usize,
    process: u32,
    event: &Edn<'_>,
    value: &Edn<'_>,
    independent: bool,
) -> Result<(), Trouble> {
    let what =
        field(event, "f").and_then(name).ok_or_else(|| (line, "expected :f, such as :read".to_owned()))?;
    let key = match (field(event, "key"), value) {
        (Some(key), _) => reader.key(&plain(key)),
        (None, Edn::Tagged(tag, inner)) if tag.contains("independent") => reader.key(&first(inner)),
        (None, _) if independent => reader.key(&first(value)),
        (None, _) => reader.key("0"),
    };
    let asked = match field(event, "value") {
        None => Asked::Nothing,
        Some(value) if what == "txn" => {
            Asked::One(transaction(reader, part(value, independent)).map_err(|message| (line, message))?)
        }
        Some(value) => asked(reader, part(value, independent)),
    };
    // Jepsen's tests of locks name the client in the value; otherwise it is the process.
    let owner = match field(part(value, independent), "client") {
        Some(client) => intern(reader, client),
        None => reader.values.number(i64::from(process)),
    };
    let action = action(reader, what, asked, owner).map_err(|message| (line, message))?;
    reader.invoke(line, process, Input { key, action })
}

fn first(pair: &Edn<'_>) -> String {
    match pair {
        Edn::Vector(items) if !items.is_empty() => plain(&items[0]),
        other => plain(other),
    }
}

/// The value without the key that it is paired with.
fn part<'a, 'e>(value: &'a Edn<'e>, independent: bool) -> &'a Edn<'e> {
    let (inner, paired) = match value {
        Edn::Tagged(tag, inner) => (&**inner, tag.contains("independent")),
        other => (other, independent),
    };
    match inner {
        Edn::Vector(items) if paired && items.len() == 2 => &items[1],
        other => other,
    }
}

fn asked(reader: &mut Reader, value: &Edn<'_>) -> Asked {
    match value {
        Edn::Vector(items) | Edn::List(items) if items.len() == 2 => {
            let (expected, new) = (intern(reader, &items[0]), intern(reader, &items[1]));
            Asked::Pair(intern(reader, value), expected, new)
        }
        other => Asked::One(intern(reader, other)),
    }
}

/// What an answer tells.
fn told(reader: &mut Reader, action: Action, value: &Edn<'_>) -> Result<Option<Value>, String> {
    match action {
        Action::Transact(_) if *value == Edn::Nil => Ok(None),
        Action::Transact(_) => transaction(reader, value).map(Some),
        Action::Acquire(_) => {
            let fence = match value {
                Edn::Map(_) => field(value, "fence").unwrap_or(&NIL),
                other => other,
            };
            Ok(Some(intern(reader, fence)).filter(|fence| reader.values.is_number(*fence)))
        }
        // What is only done is not asked for its value, which may be long.
        Action::Read | Action::Dequeue => Ok(Some(intern(reader, value))),
        _ => Ok(None),
    }
}

/// A transaction, `[[:r x nil] [:w y 1] [:append z 2]]`.
fn transaction(reader: &mut Reader, value: &Edn<'_>) -> Result<Value, String> {
    let wrong = || format!("expected a transaction such as [[:r x nil] [:append y 1]], found {value}");
    let (Edn::Vector(items) | Edn::List(items)) = untagged(value) else { return Err(wrong()) };
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        let (Edn::Vector(item) | Edn::List(item)) = untagged(item) else { return Err(wrong()) };
        let [what, key, value] = &item[..] else { return Err(wrong()) };
        let what = match name(what) {
            Some("r" | "read") => "r",
            Some("w" | "write") => "w",
            Some("append") => "append",
            Some(_) | None => return Err(wrong()),
        };
        let part = [reader.values.text(what), intern(reader, key), intern(reader, value)];
        parts.push(reader.values.list(&part));
    }
    Ok(reader.values.list(&parts))
}

fn intern(reader: &mut Reader, value: &Edn<'_>) -> Value {
    match value {
        Edn::Nil => Value::NIL,
        Edn::Int(number) => reader.values.number(*number),
        Edn::BigInt(number) => match i64::try_from(number) {
            Ok(number) => reader.values.number(number),
            Err(_) => reader.values.other(&number.to_string()),
        },
        Edn::Str(text) => {
            reader.seen.text = true;
            reader.values.text(text)
        }
        Edn::Vector(items) | Edn::List(items) => {
            let items: Vec<Value> = items.iter().map(|item| intern(reader, item)).collect();
            reader.values.list(&items)
        }
        Edn::Tagged(_, inner) => intern(reader, inner),
        Edn::Set(items) => {
            let items: Vec<Value> = items.iter().map(|item| intern(reader, item)).collect();
            reader.values.set(&items)
        }
        Edn::Map(entries) => {
            let entry = |(key, value)| (intern(reader, key), intern(reader, value));
            let entries: Vec<(Value, Value)> = entries.iter().map(entry).collect();
            reader.values.map(&entries)
        }
        other => reader.values.other(&other.to_string()),
    }
}

fn plain(value: &Edn<'_>) -> String {
    match value {
        Edn::Str(text) => text.to_string(),
        other => other.to_string(),
    }
}
