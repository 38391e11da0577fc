//! Runs that are made twice: which seeds, and where two runs of one seed part.
//!
//! Holds: the records before the one that is named are equal. Not here: making the runs (`sweep`, `testing`).

use core::fmt;

/// How many records before the first difference are shown.
const CONTEXT: usize = 5;

/// Whether a seed is among those that run twice, one in so many; none when that is 0.
pub(crate) fn is_drawn_for_twice(seed: u64, one_in: u64) -> bool {
    one_in > 0 && xxhash_rust::xxh3::xxh3_64(&seed.to_le_bytes()).is_multiple_of(one_in)
}

/// The first record in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The record's number, counted from 1.
    pub record: usize,
    /// The last records that are equal.
    pub before: Vec<String>,
    /// The record and those after it in the first run; empty when it has none.
    pub first: Vec<String>,
    /// The record and those after it in the second run; empty when it has none.
    pub second: Vec<String>,
}

/// The first record in which two traces differ; `None` when they are equal.
#[must_use]
pub(crate) fn first_difference(first: &[String], second: &[String]) -> Option<Difference> {
    let equal = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    if equal == first.len() && equal == second.len() {
        return None;
    }
    let from = |trace: &[String]| trace.iter().skip(equal).take(CONTEXT).cloned().collect();
    Some(Difference {
        record: equal + 1,
        before: first[equal.saturating_sub(CONTEXT)..equal].to_vec(),
        first: from(first),
        second: from(second),
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the two runs differ from record {} on", self.record)?;
        self.before.iter().try_for_each(|line| writeln!(f, "  both    {line}"))?;
        let mut side = |name: &str, lines: &[String]| match lines {
            [] => writeln!(f, "  {name}  (ends here)"),
            _ => lines.iter().try_for_each(|line| writeln!(f, "  {name}  {line}")),
        };
        side("first ", &self.first)?;
        side("second", &self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_first_difference_has_both_contexts() {
        let difference = first_difference(&lines("a b c d"), &lines("a b x")).expect("they differ");
        assert_eq!((difference.record, difference.before.join(" ")), (3, "a b".to_owned()));
        assert_eq!(
            (difference.first.join(" "), difference.second.join(" ")),
            ("c d".to_owned(), "x".to_owned())
        );
        assert_eq!(first_difference(&lines("a b"), &lines("a b")), None);
        let shorter = first_difference(&lines("a b"), &lines("a")).expect("one ends");
        assert!(shorter.to_string().ends_with("first   b\n  second  (ends here)\n"), "{shorter}");
    }
}
