//! Numbers with units: durations, ranges of them, seeds.
//!
//! Holds: everything is exact, in integers; what is printed reads back as the same value.
//! Not here: drawing from them.

use crate::choices::ratio::whole_number;
use crate::protocol::Within;

/// The seeds from `first` through `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first seed.
    pub first: u64,
    /// The last seed, included; at least `first`.
    pub last: u64,
}

/// Units of time, greatest first, in nanoseconds.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Default for Seeds {
    fn default() -> Self {
        Seeds { first: 1, last: 1 }
    }
}

impl Seeds {
    /// Reads `A..B`, both included; `None` when it is not that, or empty.
    #[must_use]
    pub fn parse(text: &str) -> Option<Seeds> {
        let (first, last) = text.split_once("..")?;
        let seeds = Seeds { first: whole_number(first)?, last: whole_number(last)? };
        (seeds.first <= seeds.last).then_some(seeds)
    }

    /// Every seed, rising.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

/// Reads a duration such as `150ms` as nanoseconds; `None` when it is not one, or more than 584 years.
#[must_use]
pub fn parse_duration(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let (_, scale) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    whole_number(count)?.checked_mul(scale)
}

/// Writes nanoseconds as `parse_duration` reads them, in the greatest unit that is exact.
#[must_use]
pub fn format_duration(time: u64) -> String {
    let exact = UNITS.into_iter().find(|(_, scale)| time.is_multiple_of(*scale) && time != 0);
    let (unit, scale) = exact.unwrap_or(("s", 1));
    format!("{}{unit}", time / scale)
}

/// Reads `1ms..10ms`, or `5ms` for both ends.
pub(super) fn parse_within(text: &str) -> Option<Within> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let within = Within { min: parse_duration(min)?, max: parse_duration(max)? };
    (within.min <= within.max).then_some(within)
}

/// Writes a range as `parse_within` reads it.
pub(super) fn format_within(within: Within) -> String {
    if within.min == within.max {
        return format_duration(within.min);
    }
    format!("{}..{}", format_duration(within.min), format_duration(within.max))
}
