//! What makes two failures the same: the promise, and the shape of how it was broken.
//!
//! Holds: names of nodes and numbers do not matter. Not here: making a failure small.

use crate::report::Report;
use crate::scenario::{Property, Scenario};

/// The promise that was broken first, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint {
    /// The promise, by name.
    pub property: String,
    /// One line, with `#` for numbers and `·` for nodes.
    pub shape: String,
}

impl Fingerprint {
    /// That of a report's first broken promise; `None` when there is none.
    #[must_use]
    pub fn of(report: &Report, scenario: &Scenario) -> Option<Fingerprint> {
        let first = report.violations.first()?;
        let is_invariant = first.property == Property::Invariant.name();
        let said = match first.evidence.first() {
            Some(evidence) if is_invariant => format!("{}: {}", first.summary, evidence.record),
            Some(_) | None => first.summary.clone(),
        };
        let is_node = |word: &str| scenario.cluster.nodes.iter().any(|node| node.name == word);
        Some(Fingerprint { property: first.property.clone(), shape: shape(&said, is_node) })
    }

    /// A name for files: letters, digits and dashes.
    #[must_use]
    pub fn slug(&self) -> String {
        let digest = xxhash_rust::xxh3::xxh3_64(self.shape.as_bytes());
        format!("{}-{:08x}", self.property, digest as u32)
    }
}

impl core::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.property, self.shape)
    }
}

/// Words that are numbers become `#`, those that name nodes `·`; several in a row become one.
fn shape(text: &str, is_node: impl Fn(&str) -> bool) -> String {
    let mut shape = String::new();
    let mut word = String::new();
    let end_word = |word: &mut String, shape: &mut String| {
        let digits = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        match () {
            () if is_node(word) => shape.push('·'),
            () if digits => shape.push('#'),
            () => shape.push_str(word),
        }
        word.clear();
    };
    for letter in text.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
        } else {
            end_word(&mut word, &mut shape);
            shape.push(if letter.is_whitespace() { ' ' } else { letter });
        }
    }
    end_word(&mut word, &mut shape);
    for repeated in ["· ·", "·, ·", "#, #", "# #"] {
        let one = if repeated.starts_with('·') { "·" } else { "#" };
        while shape.contains(repeated) {
            shape = shape.replace(repeated, one);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_do_not_matter() {
        let is_node = |word: &str| ["n1", "n2", "a"].contains(&word);
        let of = |text: &str| shape(text, is_node);
        assert_eq!(of("n1 and n2 lead in epoch 12"), "· and · lead in epoch #");
        assert_eq!(of("a leads {n1 n2} without (1, 2)"), "· leads {·} without (#)");
        assert_eq!(of("n1 leads 3 4 5"), of("n2 leads 1"));
    }
}
