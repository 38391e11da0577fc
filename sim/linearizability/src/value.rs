//! Values as clients saw them, in four bytes each, and the table of those that do not fit.
//!
//! Holds: two values are equal exactly when their handles from one table are equal.
//! Not here: what an operation does with a value (`standard`).

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// A handle on what was read or written.
///
/// Whole numbers below 2^31 are their own handle ([`Value::number`]); everything else comes from [`Values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(u32);

const TABLE_START: u32 = 1 << 31;

impl Value {
    /// Nothing: what a register holds before the first write.
    pub const NIL: Value = Value(u32::MAX);
    /// The empty text, which is also the empty list: what a key of a key-value store holds before the first put.
    pub const EMPTY: Value = Value(u32::MAX - 1);
    /// What nothing ever holds.
    pub(crate) const IMPOSSIBLE: Value = Value(u32::MAX - 2);

    /// The handle of a whole number, when it is below 2^31.
    #[must_use]
    pub fn number(number: u32) -> Option<Value> {
        (number < TABLE_START).then_some(Value(number))
    }

    /// The handle as a number: equal exactly for equal values of one table.
    #[must_use]
    pub fn word(self) -> u32 {
        self.0
    }

    pub(crate) fn from_word(word: u32) -> Value {
        Value(word)
    }
}

/// What a handle stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing.
    Nil,
    /// A whole number.
    Number(i64),
    /// A text, without quotes.
    Text(Arc<str>),
    /// A list of values of the same table.
    List(Arc<[Value]>),
    /// A set of values of the same table, by their handles.
    Set(Arc<[Value]>),
    /// A map between values of the same table, by the handles of its keys.
    Map(Arc<[(Value, Value)]>),
    /// Anything else a history may hold, such as a keyword, in its own notation.
    Other(Arc<str>),
}

impl Content {
    /// The whole number that it is.
    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Content::Number(number) => Some(*number),
            Content::Nil
            | Content::Text(_)
            | Content::List(_)
            | Content::Set(_)
            | Content::Map(_)
            | Content::Other(_) => None,
        }
    }

    /// The elements of a list or set as they stand; nothing and the empty text have none.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        match self {
            Content::List(items) | Content::Set(items) => Some(items),
            Content::Nil => Some(&[]),
            Content::Text(text) if text.is_empty() => Some(&[]),
            Content::Number(_) | Content::Text(_) | Content::Map(_) | Content::Other(_) => None,
        }
    }
}

/// The contents of the values that are not small numbers. Cloning is cheap until either side adds something.
#[derive(Clone, Debug, Default)]
pub struct Values {
    table: Arc<Table>,
}

#[derive(Clone, Debug, Default)]
struct Table {
    contents: Vec<Content>,
    // Only looked up, never iterated: its order reaches nothing.
    handles: HashMap<Content, u32, FxBuildHasher>,
}

impl Values {
    /// An empty table.
    #[must_use]
    pub fn new() -> Values {
        Values::default()
    }

    /// The handle of a whole number.
    ///
    /// # Panics
    /// When the table would hold more than 2^31 - 3 values, as do its siblings.
    pub fn number(&mut self, number: i64) -> Value {
        match u32::try_from(number).ok().and_then(Value::number) {
            Some(value) => value,
            None => self.intern(Content::Number(number)),
        }
    }

    /// The handle of a text.
    pub fn text(&mut self, text: &str) -> Value {
        if text.is_empty() { Value::EMPTY } else { self.intern(Content::Text(text.into())) }
    }

    /// The handle of a list.
    pub fn list(&mut self, items: &[Value]) -> Value {
        if items.is_empty() { Value::EMPTY } else { self.intern(Content::List(items.into())) }
    }

    /// The handle of a set, whatever the order of its elements.
    pub fn set(&mut self, items: &[Value]) -> Value {
        let mut sorted = items.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        self.intern(Content::Set(sorted.into()))
    }

    /// The handle of a map, whatever the order of its entries; of a key that stands twice the last counts.
    pub fn map(&mut self, entries: &[(Value, Value)]) -> Value {
        let sorted: BTreeMap<Value, Value> = entries.iter().copied().collect();
        self.intern(Content::Map(sorted.into_iter().collect()))
    }

    /// The handle of anything else, by its notation.
    pub fn other(&mut self, notation: &str) -> Value {
        self.intern(Content::Other(notation.into()))
    }

    /// What a handle stands for. A handle of another table may stand for something else here, or for nil.
    #[must_use]
    pub fn content(&self, value: Value) -> Content {
        match value {
            Value::NIL => Content::Nil,
            Value::EMPTY => Content::Text("".into()),
            Value(word) if word < TABLE_START => Content::Number(i64::from(word)),
            Value(word) => {
                let place = (word - TABLE_START) as usize;
                self.table.contents.get(place).cloned().unwrap_or(Content::Nil)
            }
        }
    }

    /// The elements of a list or set as they stand; of anything else that is something, itself.
    pub(crate) fn listed(&self, value: Value) -> Vec<Value> {
        self.content(value).items().map_or_else(|| vec![value], <[Value]>::to_vec)
    }

    /// Whether a handle stands for a whole number.
    #[must_use]
    pub fn is_number(&self, value: Value) -> bool {
        matches!(self.content(value), Content::Number(_))
    }

    /// A value as people write it: `nil`, `3`, `"text"`, `[1 2]`.
    #[must_use]
    pub fn show(&self, value: Value) -> String {
        match self.content(value) {
            Content::Nil => "nil".to_owned(),
            Content::Number(number) => number.to_string(),
            Content::Text(text) => format!("{text:?}"),
            Content::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.show(*item)).collect();
                format!("[{}]", items.join(" "))
            }
            Content::Set(items) => {
                let items: Vec<String> = items.iter().map(|item| self.show(*item)).collect();
                format!("#{{{}}}", items.join(" "))
            }
            Content::Map(entries) => {
                let entry =
                    |(key, value): &(Value, Value)| format!("{} {}", self.show(*key), self.show(*value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<String>>().join(", "))
            }
            Content::Other(notation) => notation.to_string(),
        }
    }

    fn intern(&mut self, content: Content) -> Value {
        if let Some(word) = self.table.handles.get(&content) {
            return Value(*word);
        }
        let table = Arc::make_mut(&mut self.table);
        let word =
            TABLE_START + u32::try_from(table.contents.len()).expect("fewer than 2^31 distinct values");
        assert!(word < Value::IMPOSSIBLE.0, "fewer than 2^31 - 3 distinct values");
        table.contents.push(content.clone());
        table.handles.insert(content, word);
        Value(word)
    }
}
