//! A history judged while it is read, for histories of any length: nothing is kept but what may still matter.
//!
//! Each event stands on a line of its own. What the operations are is guessed from the first [`HEAD_MAX`] lines.
//! Registers and stores whose values are whole numbers below 2^31, locks, counters, short queues and small sets are
//! judged by [`Online`]; each read of a bank by itself. Texts and lists that were seen are kept once each; so is every
//! operation that got no answer.
//!
//! Not here: transactions, whose dependencies reach any distance, and the explanation, which needs the history.

use std::io::{BufRead, Read as _};

use super::sink::{Following, Judge, Sink};
use super::{BadInput, Format, Reader, Trouble, columns, edn, guess_format, json, log};
use crate::bank::{Audit, Bank};
use crate::budget::Budget;
use crate::check::Reason;
use crate::online::{Online, Violation};
use crate::recorded::value_of;
use crate::standard::{Kind, Standard};
use crate::value::{Content, Values};

/// How many lines the guesses come from.
pub const HEAD_MAX: usize = 1_000;

/// Longest line, in bytes.
pub const LINE_MAX: u64 = 1 << 20;

/// What to follow a history with; what is `None` is guessed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Follow<'a> {
    /// The form of the text.
    pub format: Option<Format>,
    /// The model, or the bank.
    pub promise: Option<Promise>,
    /// The value before the first operation; of a bank the sum.
    pub initial: Option<&'a str>,
    /// Steps and memory of the search, where one is needed.
    pub budget: Budget,
}

/// What can be judged in passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Linearizable, as one of the standard models.
    Model(Kind),
    /// The sum of all accounts stays.
    Bank,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Followed {
    /// What was judged.
    pub promise: Promise,
    /// How many operations were called, until it was decided.
    pub operations: u64,
    /// The verdict.
    pub end: End,
}

/// A verdict in passing.
#[derive(Clone, Debug)]
pub enum End {
    /// Nothing contradicts the promise.
    Kept,
    /// The event of a line does.
    Broken(usize, Box<Violation>),
    /// Not decided, after so many steps.
    Unknown(Reason, u64),
    /// What the reads of a bank showed.
    Audited(Audit),
}

/// Judges a history while it is read; `file` is only its name.
///
/// # Errors
/// Names the line, what was found and what was expected.
pub fn follow(file: &str, input: &mut dyn BufRead, with: &Follow<'_>) -> Result<Followed, BadInput> {
    let bad = |(line, message): Trouble| BadInput { file: file.to_owned(), line, message };
    let mut lines = Lines { input, number: 0 };
    let mut head = Vec::new();
    while head.len() < HEAD_MAX
        && let Some(line) = lines.next().map_err(bad)?
    {
        head.push(line);
    }
    let text = head.concat();
    let format = with.format.or_else(|| guess_format(&text));
    let format = format.ok_or_else(|| bad((1, "expected operations, one on each line".to_owned())))?;
    let form = Form::of(format, &head).map_err(bad)?;
    let promise = match with.promise {
        Some(promise) => promise,
        None => guessed(&head, form).map_err(bad)?,
    };
    let mut reader = Reader::default();
    reader.sink =
        Sink::Follow(Box::new(Following::new(judge(promise, with, &mut reader.values).map_err(bad)?)));
    let number = through(&mut reader, form, &head, &mut lines).map_err(bad)?;
    Ok(ended(reader, promise, number))
}

/// Reads on until the end, or until nothing can change the verdict. Gives the last line.
fn through(
    reader: &mut Reader,
    form: Form,
    head: &[String],
    lines: &mut Lines<'_>,
) -> Result<usize, Trouble> {
    let mut number = 0;
    let mut head = head.iter();
    loop {
        let next;
        let line = match head.next() {
            Some(line) => line,
            None => {
                next = lines.next()?;
                let Some(line) = &next else { return Ok(number) };
                line
            }
        };
        number += 1;
        form.line(reader, number, line)?;
        if matches!(&reader.sink, Sink::Follow(following) if following.is_over()) {
            return Ok(number);
        }
    }
}

fn ended(reader: Reader, promise: Promise, number: usize) -> Followed {
    let Sink::Follow(following) = reader.sink else {
        return Followed { promise, operations: 0, end: End::Kept };
    };
    let operations = following.operations;
    let end = match following.judge {
        Judge::Bank(_, audit) => End::Audited(audit),
        Judge::Online(mut online) => {
            online.model_mut().values = reader.values;
            online.finish();
            match (online.violation(), online.undecided()) {
                (Some(violation), _) => End::Broken(number, Box::new(violation.clone())),
                (None, Some(reason)) => End::Unknown(reason, online.steps()),
                (None, None) => End::Kept,
            }
        }
    };
    Followed { promise, operations, end }
}

fn judge(promise: Promise, with: &Follow<'_>, values: &mut Values) -> Result<Judge, Trouble> {
    let initial = with.initial.map(|word| value_of(word, values));
    match promise {
        Promise::Model(Kind::MultiRegister) => {
            Err((1, "transactions cannot be judged in passing; leave out --stream".to_owned()))
        }
        Promise::Model(kind) => {
            // The reader lends its table whenever the model is asked.
            let model = Standard::new(kind).with_values(values.clone());
            let model = match initial {
                Some(initial) => model.with_initial(initial),
                None => model,
            };
            let online = Online::with_budget(model.with_values(Values::new()), with.budget);
            Ok(Judge::Online(Box::new(online)))
        }
        Promise::Bank => {
            let total = match initial.map(|initial| values.content(initial)) {
                None => None,
                Some(Content::Number(total)) => Some(total),
                Some(_) => return Err((1, "expected the sum of all accounts, a whole number".to_owned())),
            };
            Ok(Judge::Bank(Bank { total, ..Bank::default() }, Audit { total, ..Audit::default() }))
        }
    }
}

/// What the first lines are about.
fn guessed(head: &[String], form: Form) -> Result<Promise, Trouble> {
    let mut reader = Reader::default();
    for (number, line) in head.iter().enumerate() {
        form.line(&mut reader, number + 1, line)?;
    }
    Ok(if reader.seen.transfer { Promise::Bank } else { Promise::Model(reader.kind()) })
}

/// How a line is to be read.
#[derive(Clone, Copy, Debug)]
struct Form {
    format: Format,
    /// Whether values are pairs of a key and a value.
    independent: bool,
    /// Whether the operations stand in one vector.
    in_vector: bool,
}

impl Form {
    fn of(format: Format, head: &[String]) -> Result<Form, Trouble> {
        let first = head.iter().map(|line| line.trim_start_matches('\u{feff}').trim());
        let first = first.into_iter().find(|line| !line.is_empty() && !line.starts_with(';'));
        let in_vector = format == Format::Edn && first.is_some_and(|line| line.starts_with(['[', '(']));
        let mut form = Form { format, independent: false, in_vector };
        let mut tuples = edn::Tuples::default();
        for (number, line) in head.iter().enumerate() {
            let map;
            let line = match format {
                Format::Edn => form.bare(line),
                Format::Columns => {
                    map = columns::as_map(number + 1, line)?;
                    &map
                }
                Format::Log | Format::Json => break,
            };
            edn::look(line, &mut tuples).map_err(|(_, wrong)| (number + 1, wrong))?;
        }
        form.independent = tuples.independent();
        Ok(form)
    }

    /// A line without what opens or closes the vector.
    fn bare<'a>(&self, line: &'a str) -> &'a str {
        let line = line.trim_start_matches('\u{feff}').trim();
        if !self.in_vector {
            return line;
        }
        let line = line.strip_prefix(['[', '(']).unwrap_or(line);
        let closes = line.matches(['[', '(']).count() < line.matches([']', ')']).count();
        if closes { line.strip_suffix([']', ')']).unwrap_or(line) } else { line }
    }

    fn line(&self, reader: &mut Reader, number: usize, line: &str) -> Result<(), Trouble> {
        match self.format {
            Format::Edn => edn::line(reader, number, self.bare(line), self.independent),
            Format::Columns => edn::line(reader, number, &columns::as_map(number, line)?, self.independent),
            Format::Log => log::line(reader, number, line),
            Format::Json if line.trim().is_empty() => Ok(()),
            Format::Json => json::one(reader, number, line.trim_start_matches('\u{feff}')),
        }
    }
}

/// The lines of a text, none longer than the bound.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    number: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<String>, Trouble> {
        let mut bytes = Vec::new();
        self.number += 1;
        let number = self.number;
        let read = self.input.take(LINE_MAX).read_until(b'\n', &mut bytes);
        let count = read.map_err(|wrong| (number, format!("it cannot be read: {wrong}")))?;
        if count as u64 == LINE_MAX && bytes.last() != Some(&b'\n') {
            return Err((number, format!("expected a line of at most {LINE_MAX} bytes")));
        }
        if count == 0 {
            return Ok(None);
        }
        String::from_utf8(bytes).map(Some).map_err(|_| (number, "expected UTF-8 text".to_owned()))
    }
}
