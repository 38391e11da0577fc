//! Exact probabilities, in integers.
//!
//! Holds: what is printed reads back as the same value. Not here: drawing by them.

/// An exact probability, `num` out of `den`, at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ratio {
    /// How many.
    pub num: u32,
    /// Out of how many; not zero.
    pub den: u32,
}

impl Ratio {
    /// Never.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };

    /// Reads `0`, `1%` or `1/1000`; `None` when it is none of these, or more than one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Ratio> {
        let (num, den) = match (text.strip_suffix('%'), text.split_once('/')) {
            (Some(percent), _) => (whole_number(percent)?, 100),
            (None, Some((num, den))) => (whole_number(num)?, whole_number(den)?),
            (None, None) => (whole_number(text)?, 1),
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

/// Digits only: no sign, no blanks.
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
