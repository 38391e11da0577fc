//! Typed reading of a parsed TOML tree, where every refusal knows its place.
//!
//! Holds: a key that nobody asked for is refused by [`Fields::finish`]; nothing here panics, whatever the text.
//! Not here: what scenarios consist of (`load`, `load_step`), and TOML's grammar (the `toml` crate).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Place, ScenarioError, Subject, instead_of, nearest};

/// What is said where a duration is wanted.
pub(super) const DURATION: &str = "a duration such as 150ms";

/// Remembers at which byte things were said.
#[derive(Default)]
pub(super) struct Places {
    pub(super) noted: BTreeMap<Subject, usize>,
}

impl Places {
    pub(super) fn note(&mut self, subject: Subject, at: usize) {
        self.noted.insert(subject, at);
    }
}

/// What is wrong, and at which byte of the text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    message: String,
    hint: Option<String>,
    /// Whether another step may be to blame.
    #[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only who lints asks"))]
    pub(super) is_of_other_steps: bool,
}

/// A value that was read, or what is wrong with it.
pub(super) type Read<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Fault {
        Fault { at, message: message.into(), hint: None, is_of_other_steps: false }
    }

    /// Of a step that is wrong because of what other steps are.
    pub(super) fn of_other_steps(self) -> Fault {
        Fault { is_of_other_steps: true, ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// A word that is not known, with the nearest one that is, or all of them.
    pub(super) fn unknown(at: usize, what: &str, word: &str, known: &[&str]) -> Fault {
        let hint = instead_of(word, known.iter().copied());
        Fault { hint, ..Fault::new(at, format!("unknown {what} {word:?}")) }
    }

    pub(super) fn place(self, file: &str, text: &str) -> ScenarioError {
        let place = place(text, self.at);
        ScenarioError { file: file.to_owned(), place: Some(place), message: self.message, hint: self.hint }
    }
}

/// The line and column of a byte. Linear in the text.
pub(super) fn place(text: &str, at: usize) -> Place {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Place { line, column: before[line_start..].chars().count() + 1 }
}

/// The lines and columns of bytes, in one walk over the text.
pub(super) fn places(text: &str, noted: BTreeMap<Subject, usize>) -> BTreeMap<Subject, Place> {
    let mut bytes: Vec<(usize, Subject)> = noted.into_iter().map(|(subject, at)| (at, subject)).collect();
    bytes.sort();
    let mut found = BTreeMap::new();
    let (mut here, mut last) = (Place { line: 1, column: 1 }, 0);
    for (at, subject) in bytes {
        for letter in text.get(last..at).unwrap_or_default().chars() {
            here = match letter {
                '\n' => Place { line: here.line + 1, column: 1 },
                _ => Place { column: here.column + 1, ..here },
            };
        }
        last = at;
        found.insert(subject, here);
    }
    found
}

/// How much a file may ask for, as a multiple of what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many times as much as usual.
    pub times: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { times: 1 }
    }
}

impl Bounds {
    /// A bound that was raised.
    #[must_use]
    pub fn raised(self, most: u64) -> u64 {
        most.saturating_mul(self.times)
    }

    /// Refuses what is beyond a bound, and says how it is raised.
    fn check(self, found: u64, most: u64, refusal: impl FnOnce(u64) -> Fault) -> Read<()> {
        let most = self.raised(most);
        if found <= most {
            return Ok(());
        }
        Err(refusal(most).hint("`--raise-bounds 10` allows ten times as much of everything"))
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) at: usize,
    value: &'a DeValue<'a>,
    bounds: Bounds,
}

impl<'a> Item<'a> {
    fn new(spanned: &'a Spanned<DeValue<'a>>, bounds: Bounds) -> Item<'a> {
        let Range { start, .. } = spanned.span();
        Item { at: start, value: spanned.get_ref(), bounds }
    }

    /// Refuses what is beyond a bound; `what` says what was expected.
    pub(super) fn within(&self, found: u64, most: u64, what: impl Fn(u64) -> String) -> Read<()> {
        self.bounds.check(found, most, |most| {
            if self.as_list().is_some() {
                Fault::new(self.at, format!("expected {}, found {found}", what(most)))
            } else {
                self.expected(&what(most))
            }
        })
    }

    /// The refusal of this value.
    pub(super) fn expected(&self, what: &str) -> Fault {
        Fault::new(self.at, format!("expected {what}, found {}", self.found()))
    }

    fn found(&self) -> String {
        match self.value {
            DeValue::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
            DeValue::String(_) => "a long text".to_owned(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(list) if list.is_empty() => "an empty list".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    pub(super) fn as_str(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    pub(super) fn as_number(&self) -> Option<u64> {
        let number = self.value.as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(super) fn as_list(&self) -> Option<Vec<Item<'a>>> {
        Some(self.value.as_array()?.iter().map(|member| Item::new(member, self.bounds)).collect())
    }

    pub(super) fn text(&self, what: &str) -> Read<&'a str> {
        self.as_str().ok_or_else(|| self.expected(what))
    }

    pub(super) fn switch(&self) -> Read<bool> {
        self.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// A verb without an object, such as `heal = true`.
    pub(super) fn yes(&self) -> Read<()> {
        if self.as_bool() == Some(true) { Ok(()) } else { Err(self.expected("true")) }
    }

    pub(super) fn number(&self, what: &str) -> Read<u64> {
        self.as_number().ok_or_else(|| self.expected(what))
    }

    pub(super) fn list(&self, what: &str) -> Read<Vec<Item<'a>>> {
        self.as_list().ok_or_else(|| self.expected(what))
    }

    /// A text in a form of its own, such as a duration.
    pub(super) fn parse<T>(&self, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        self.as_str().and_then(parse).ok_or_else(|| self.expected(what))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, what: &str, words: &[(&str, T)]) -> Read<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let Some(found) = self.as_str() else {
            return Err(self.expected(&format!("{what} ({})", known.join(", "))));
        };
        let meant = words.iter().find(|(word, _)| *word == found).map(|(_, meaning)| *meaning);
        meant.ok_or_else(|| Fault::unknown(self.at, what, found, &known))
    }

    /// The fields of a table; `what` names it in refusals.
    pub(super) fn fields(&self, what: &'static str) -> Read<Fields<'a>> {
        let table = self.value.as_table().ok_or_else(|| self.expected(what))?;
        Ok(Fields::new(table, self.at, what, self.bounds))
    }
}

/// A table that is being read. Every key must be asked for once before `finish`.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) at: usize,
    what: &'static str,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    bounds: Bounds,
}

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, at: usize, what: &'static str, bounds: Bounds) -> Fields<'a> {
        Fields { at, what, table, asked: Vec::new(), bounds }
    }

    /// Refuses what is beyond a bound; `what` says what was expected.
    pub(super) fn within(&self, found: u64, most: u64, what: impl Fn(u64) -> String) -> Read<()> {
        self.bounds
            .check(found, most, |most| Fault::new(self.at, format!("expected {}, found {found}", what(most))))
    }

    /// The place of a key's value; the place of the table where it has no such key.
    pub(super) fn at_of(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// What the table is called, without the example.
    fn name(&self) -> &'static str {
        self.what.split(" such as").next().unwrap_or(self.what)
    }

    /// Every key with its place and value, in the order of the text.
    pub(super) fn entries(&self) -> Vec<(&'a str, usize, Item<'a>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span().start, Item::new(value, self.bounds)))
            .collect();
        entries.sort_by_key(|(_, at, _)| *at);
        entries
    }

    /// Whether a key is there at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        self.table.get(key).map(|value| Item::new(value, self.bounds))
    }

    /// A key that must be there; `example` says how it may look.
    pub(super) fn need(&mut self, key: &'static str, example: &str) -> Read<Item<'a>> {
        if let Some(item) = self.take(key) {
            return Ok(item);
        }
        let entries = self.entries();
        let misspelt = entries.iter().find(|(word, ..)| nearest(word, [key]).is_some());
        match misspelt {
            Some((word, at, _)) => Err(Fault::unknown(*at, "key", word, &[key])),
            None => Err(Fault::new(self.at, format!("expected {} to have `{key}`", self.name()))
                .hint(format!("for example: {key} = {example}"))),
        }
    }

    /// A table in this one; `None` when it is not there.
    pub(super) fn section(&mut self, key: &'static str, what: &'static str) -> Read<Option<Fields<'a>>> {
        self.take(key).map(|item| item.fields(what)).transpose()
    }

    /// A value that has a default.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Item<'a>) -> Read<T>,
    ) -> Read<T> {
        self.take(key).map_or(Ok(default), |item| read(&item))
    }

    /// A value that may be missing.
    pub(super) fn maybe<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Item<'a>) -> Read<T>,
    ) -> Read<Option<T>> {
        self.take(key).map(|item| read(&item)).transpose()
    }

    /// Whether nothing but these keys was asked for.
    pub(super) fn asked_only(&self, key: &str, others: &[&str]) -> bool {
        self.asked.iter().all(|asked| *asked == key || others.contains(asked))
    }

    /// Refuses the first key that was not asked for.
    pub(super) fn finish(self) -> Read<()> {
        match self.entries().into_iter().find(|(key, ..)| !self.asked.contains(key)) {
            Some((key, at, _)) => {
                Err(Fault::unknown(at, &format!("key in {}:", self.name()), key, &self.asked))
            }
            None => Ok(()),
        }
    }
}

/// Names with their places, each at most once.
pub(super) fn distinct_names(item: &Item<'_>, what: &str, one: &str) -> Read<Vec<(String, usize)>> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for member in item.list(what)? {
        let name = read_name(&member)?;
        if names.iter().any(|(known, _)| *known == name) {
            return Err(Fault::new(member.at, format!("{one} {name:?} is named twice")));
        }
        names.push((name, member.at));
    }
    Ok(names)
}

/// A name: letters, digits, `-`, `_` and `.`.
pub(super) fn read_name(item: &Item<'_>) -> Read<String> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let valid = |text: &str| (!text.is_empty() && text.chars().all(allowed)).then(|| text.to_owned());
    item.parse("a name of letters, digits, -, _ and .", valid)
}

/// A set of facts by name.
pub(super) fn read_facts(item: &Item<'_>) -> Read<BTreeSet<String>> {
    let names = distinct_names(item, "a list of facts such as [\"leader-changed\"]", "fact")?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// A number of at least one.
pub(super) fn read_count(item: &Item<'_>, what: &str) -> Read<u64> {
    let count = item.number(what)?;
    if count == 0 { Err(item.expected(what)) } else { Ok(count) }
}
