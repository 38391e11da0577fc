//! Virtual time: whole nanoseconds since the start of a run. Nothing here looks at a real clock.

use core::fmt;

/// A moment of a run, in virtual nanoseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment `nanos` virtual nanoseconds later; the end of time when there is no such moment.
    #[must_use]
    pub fn after(self, nanos: u64) -> Moment {
        Moment(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Span(self.0))
    }
}

/// A moment to the nanosecond, in milliseconds.
#[must_use]
pub fn exact(time: u64) -> String {
    format!("{}.{:06}ms", time / 1_000_000, time % 1_000_000)
}

/// A span of virtual nanoseconds, shown in the largest unit that keeps three digits of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
        for (unit, name) in units {
            if self.0 >= unit {
                let thousandths = self.0 / (unit / 1_000) % 1_000;
                let whole = self.0 / unit;
                return match thousandths {
                    0 => write!(f, "{whole}{name}"),
                    _ => {
                        let digits = format!("{thousandths:03}");
                        write!(f, "{whole}.{}{name}", digits.trim_end_matches('0'))
                    }
                };
            }
        }
        write!(f, "{}ns", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_in_the_largest_fitting_unit() {
        let shown = |nanos| Span(nanos).to_string();
        assert_eq!(shown(0), "0ns");
        assert_eq!(shown(999), "999ns");
        assert_eq!(shown(1_500), "1.5us");
        assert_eq!(shown(150_000_000), "150ms");
        assert_eq!(shown(61_204_000_000), "61.204s");
    }
}
