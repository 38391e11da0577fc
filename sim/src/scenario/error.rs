//! What is wrong with a scenario, and where.
//!
//! Holds: an error is one line for the place and the expectation, and perhaps one for help.
//! Not here: a cluster that behaves otherwise than expected; that is a report.

use core::fmt;

/// A place in a file, counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A scenario that cannot be used, as `path:line:column: what was expected`, and perhaps a `help:` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The path as it was given.
    pub file: String,
    /// Where; `None` when it is the file itself.
    pub place: Option<Place>,
    /// What was expected, and what was found.
    pub message: String,
    /// What to write instead, where that can be guessed.
    pub hint: Option<String>,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhelp: {hint}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for ScenarioError {}

/// A part of a scenario that has a place in its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Subject {
    /// The scenario as a whole.
    Scenario,
    /// A name in `systems`, by its place in the list.
    System(usize),
    /// A name in `rules.off`, by its place in the list.
    Rule(usize),
    /// A protocol's own setting, by name.
    Option(String),
    /// A step of the story, counted from 0.
    Step(usize),
    /// A nemesis, counted from 0.
    Nemesis(usize),
    /// A situation that the scenario wants to see, or never to see, by name.
    Fact(String),
}

/// Why a valid scenario cannot be run: a name that the protocol does not know, a step that is impossible then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// What it is about.
    pub subject: Subject,
    /// What was expected, and what was found.
    pub message: String,
    /// What to write instead, where that can be guessed.
    pub hint: Option<String>,
}

/// The word most like another, if one is like it: a third of its letters may differ.
///
/// Linear in the number of words, quadratic in their length; equal likeness goes to the first.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = word.chars().count() / 3;
    let best = known.into_iter().min_by_key(|other| distance(word, other))?;
    (distance(word, best) <= allowed).then_some(best)
}

/// How many words are told where none is like the one that was found.
const WORDS_SHOWN: usize = 8;

/// What to write instead of an unknown word: the nearest, or those that are known, the most like first.
pub(crate) fn instead_of<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean {near:?}?"));
    }
    known.sort_by_cached_key(|other| distance(word, other));
    let more = known.len().saturating_sub(WORDS_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    known.truncate(WORDS_SHOWN);
    (!known.is_empty()).then(|| format!("known here: {}{more}", known.join(", ")))
}

fn distance(word: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase())
}
