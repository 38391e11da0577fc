//! What a knob is: one setting of a section, stated once.
//!
//! Holds: name, unit with its bounds, what it means and what the swarm draws for it stand in one place; reading,
//! printing, drawing, making plain, the schema and the reference chapter are derived from that.
//! Not here: the knobs there are (`knobs`).

use super::read::{Fields, Item, Read};
use super::units::{format_within, parse_within};
use super::{Ratio, format_duration, parse_duration};
use crate::protocol::Within;

/// One setting of a section `S`.
pub(crate) struct Knob<S: 'static> {
    /// The key in a scenario file.
    pub(crate) name: &'static str,
    /// What it is measured in, and how much of it there may be.
    pub(crate) unit: Unit,
    /// One line for the reference.
    pub(crate) about: &'static str,
    /// What the swarm gives it in a world that is drawn whole.
    pub(crate) drawn: Drawn,
    /// Where its value stands.
    pub(crate) slot: fn(&mut S) -> Slot<'_>,
}

/// What a knob is measured in, with the least and the most that a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A duration or a range of durations, in virtual nanoseconds; `least` is of the lower end, `most` of the upper one.
    Range {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A duration in virtual nanoseconds.
    Time {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// An exact probability.
    Share,
    /// A number.
    Count {
        /// Of what, with an example.
        what: &'static str,
        /// The least.
        least: u32,
        /// The most.
        most: u32,
    },
    /// Parts per million, less than all of them.
    Ppm,
    /// One of some words.
    Word {
        /// What the words are.
        what: &'static str,
    },
}

/// What the swarm gives a knob in a world that is drawn whole; brief worlds have themes that say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// One of these, each as likely; what stands twice is twice as likely.
    From(&'static [Value]),
    /// Something that follows from other draws, in words.
    Follows(&'static str),
}

/// A value of any knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A range of times.
    Range(Within),
    /// A time in virtual nanoseconds.
    Time(u64),
    /// A probability.
    Share(Ratio),
    /// A number.
    Count(u32),
    /// A word.
    Word(&'static str),
}

/// Where the value of a knob stands in its section.
pub(crate) enum Slot<'a> {
    /// A range of times.
    Range(&'a mut Within),
    /// A time.
    Time(&'a mut u64),
    /// A probability.
    Share(&'a mut Ratio),
    /// A number.
    Count(&'a mut u32),
    /// A word.
    Word(&'a mut dyn Worded),
}

/// A setting that is one of a few, each with a word.
pub(crate) trait Word: Copy + 'static {
    /// Every one.
    const WORDS: &'static [Self];

    /// The word of this one.
    fn word(self) -> &'static str;
}

/// A [`Word`] of a type that is not known here.
pub(crate) trait Worded {
    /// The word of the value.
    fn current(&self) -> &'static str;

    /// The words of all values.
    fn known(&self) -> Vec<&'static str>;

    /// Takes the value of a word that is known.
    fn become_word(&mut self, word: &str);
}

impl<T: Word> Worded for T {
    fn current(&self) -> &'static str {
        self.word()
    }

    fn known(&self) -> Vec<&'static str> {
        T::WORDS.iter().map(|value| value.word()).collect()
    }

    fn become_word(&mut self, word: &str) {
        let found = T::WORDS.iter().find(|value| value.word() == word);
        *self = *found.expect("only known words are given");
    }
}

impl<'a> Item<'a> {
    /// One of the words of a type.
    pub(super) fn word_of<T: Word>(&self, what: &str) -> Read<T> {
        let words: Vec<(&str, T)> = T::WORDS.iter().map(|value| (value.word(), *value)).collect();
        self.word(what, &words)
    }
}

impl Slot<'_> {
    fn value(&self) -> Value {
        match self {
            Slot::Range(within) => Value::Range(**within),
            Slot::Time(time) => Value::Time(**time),
            Slot::Share(ratio) => Value::Share(**ratio),
            Slot::Count(count) => Value::Count(**count),
            Slot::Word(word) => Value::Word(word.current()),
        }
    }

    /// The words that may stand here; none where no words do.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        match self {
            Slot::Word(word) => word.known(),
            Slot::Range(_) | Slot::Time(_) | Slot::Share(_) | Slot::Count(_) => Vec::new(),
        }
    }

    fn set(self, value: Value) {
        match (self, value) {
            (Slot::Range(within), Value::Range(new)) => *within = new,
            (Slot::Time(time), Value::Time(new)) => *time = new,
            (Slot::Share(ratio), Value::Share(new)) => *ratio = new,
            (Slot::Count(count), Value::Count(new)) => *count = new,
            (Slot::Word(word), Value::Word(new)) => word.become_word(new),
            (_, value) => unreachable!("a table gives a knob {value:?}, which is of another unit"),
        }
    }

    /// Reads what fits here.
    pub(super) fn read(self, item: &Item<'_>, unit: Unit) -> Read<()> {
        match self {
            Slot::Range(within) => *within = read_range(item, unit)?,
            Slot::Time(time) => *time = read_time(item, unit)?,
            Slot::Share(ratio) => *ratio = item.parse("a ratio such as 1% or 1/1000", Ratio::parse)?,
            Slot::Count(count) => *count = read_number(item, unit)?,
            Slot::Word(word) => {
                let words: Vec<(&str, &str)> = word.known().into_iter().map(|word| (word, word)).collect();
                word.become_word(item.word(unit.what(), &words)?);
            }
        }
        Ok(())
    }
}

impl Value {
    /// As TOML.
    pub(crate) fn text(self) -> String {
        match self {
            Value::Range(within) => format!("{:?}", format_within(within)),
            Value::Time(time) => format!("{:?}", format_duration(time)),
            Value::Share(ratio) => format!("{:?}", ratio.text()),
            Value::Count(count) => count.to_string(),
            Value::Word(word) => format!("{word:?}"),
        }
    }
}

impl Unit {
    fn what(self) -> &'static str {
        match self {
            Unit::Range { .. } => "a duration such as 5ms, or a range such as 1ms..10ms",
            Unit::Time { .. } => "a duration such as 150ms",
            Unit::Share => "a ratio such as 1% or 1/1000",
            Unit::Ppm => "parts per million such as 200, less than 1000000",
            Unit::Count { what, .. } | Unit::Word { what } => what,
        }
    }

    /// The bounds in words; empty where every value is allowed that can be written.
    pub(crate) fn bounds(self) -> String {
        match self {
            Unit::Range { least, most } | Unit::Time { least, most } => {
                format!("{} to {}", format_duration(least), format_duration(most))
            }
            Unit::Share => String::from("0 to 1"),
            Unit::Count { least, most, .. } => format!("{least} to {most}"),
            Unit::Ppm => String::from("0 to 999999"),
            Unit::Word { .. } => String::new(),
        }
    }
}

/// Reads a range within the bounds of its unit.
pub(super) fn read_range(item: &Item<'_>, unit: Unit) -> Read<Within> {
    let within = item.parse(unit.what(), parse_within)?;
    bounded(item, unit, within.min, within.max, format_duration)?;
    Ok(within)
}

/// Reads a time within the bounds of its unit.
pub(super) fn read_time(item: &Item<'_>, unit: Unit) -> Read<u64> {
    let time = item.parse(unit.what(), parse_duration)?;
    bounded(item, unit, time, time, format_duration)?;
    Ok(time)
}

fn read_number(item: &Item<'_>, unit: Unit) -> Read<u32> {
    let number = item.number(unit.what())?;
    if unit == Unit::Ppm && number >= 1_000_000 {
        return Err(item.expected(unit.what()));
    }
    bounded(item, unit, number, number, |bound| bound.to_string())?;
    u32::try_from(number).map_err(|_| item.expected(unit.what()))
}

/// Refuses what is below the least or above the most of a unit; a raised bound raises the most.
fn bounded(item: &Item<'_>, unit: Unit, min: u64, max: u64, show: impl Fn(u64) -> String) -> Read<()> {
    let (least, most) = match unit {
        Unit::Range { least, most } | Unit::Time { least, most } => (least, most),
        Unit::Count { least, most, .. } => (u64::from(least), u64::from(most)),
        Unit::Share | Unit::Ppm | Unit::Word { .. } => return Ok(()),
    };
    let what = unit.what();
    if min < least {
        return Err(item.expected(&format!("{what}, at least {}", show(least))));
    }
    item.within(max, most, |most| format!("{what}, at most {}", show(most)))
}

impl<S> Knob<S> {
    /// The value in a section.
    pub(crate) fn value(&self, section: &S) -> Value
    where
        S: Clone,
    {
        (self.slot)(&mut section.clone()).value()
    }

    /// Gives a section a value, which has to be of the knob's unit.
    pub(crate) fn set(&self, section: &mut S, value: Value) {
        (self.slot)(section).set(value);
    }
}

/// Reads the knobs of a section; what the file does not say is as in `section`.
pub(super) fn read<S>(fields: &mut Fields<'_>, knobs: &[Knob<S>], mut section: S) -> Read<S> {
    for knob in knobs {
        if let Some(item) = fields.take(knob.name) {
            (knob.slot)(&mut section).read(&item, knob.unit)?;
        }
    }
    Ok(section)
}

/// The knobs of a section as keys and values in TOML.
pub(super) fn pairs<S: Clone>(knobs: &[Knob<S>], section: &S) -> Vec<(String, String)> {
    knobs.iter().map(|knob| (knob.name.to_owned(), knob.value(section).text())).collect()
}

/// Sections with one knob less turned: back to what is so by default.
pub(crate) fn plainer<S: Clone + PartialEq + Default>(knobs: &[Knob<S>], section: &S) -> Vec<S> {
    let default = S::default();
    let plain = knobs.iter().map(|knob| {
        let mut plain = section.clone();
        knob.set(&mut plain, knob.value(&default));
        plain
    });
    plain.filter(|plain| plain != section).collect()
}

/// The names of the knobs that do not stand as they do by default.
pub(crate) fn turned<S: Clone + Default>(knobs: &[Knob<S>], section: &S) -> Vec<&'static str> {
    let default = S::default();
    knobs.iter().filter(|knob| knob.value(section) != knob.value(&default)).map(|knob| knob.name).collect()
}
