//! Numbers with units: durations, ranges of them, ratios, seeds.
//!
//! Holds: everything is exact, in integers; what is printed reads back as the same value.
//! Not here: drawing from them.

use crate::protocol::Within;

/// An exact probability, `num` out of `den`, at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ratio {
    /// How many.
    pub num: u32,
    /// Out of how many; not zero.
    pub den: u32,
}

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

impl Ratio {
    /// Never.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };

    /// Reads `0`, `1%` or `1/1000`; `None` when it is none of these, or more than one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Ratio> {
        let (num, den) = match (text.strip_suffix('%'), text.split_once('/')) {
            (Some(percent), _) => (number(percent)?, 100),
            (None, Some((num, den))) => (number(num)?, number(den)?),
            (None, None) => (number(text)?, 1),
        };
        let ratio = Ratio { num: u32::try_from(num).ok()?, den: u32::try_from(den).ok()? };
        (ratio.den != 0 && ratio.num <= ratio.den).then_some(ratio)
    }

    /// Writes it as `parse` reads it.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Ratio { num, den: 1 } => format!("{num}"),
            Ratio { num, den: 100 } => format!("{num}%"),
            Ratio { num, den } => format!("{num}/{den}"),
        }
    }

    /// Whether this and another are more than one together.
    #[must_use]
    pub fn exceeds_one_with(self, other: Ratio) -> bool {
        let [a, b, c, d] = [self.num, self.den, other.num, other.den].map(u128::from);
        b * d < a * d + c * b
    }
}

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
        let seeds = Seeds { first: number(first)?, last: number(last)? };
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
    number(count)?.checked_mul(scale)
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

/// Digits only: no sign, no blanks.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
