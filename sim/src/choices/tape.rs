//! Tapes: the draws of a run as text that people read, compare and edit.
//!
//! Holds: `parse` of what is printed gives the same draws; a run of equal draws is one line.
//! Not here: drawing from a tape (`choices`).
//!
//! ```text
//! splitbrain-tape 1
//! # site bound value [xTIMES]
//! boot 18446744073709551615 1234
//! network 9000001 0 x3
//! ```

use core::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use super::{Choice, Site, Unusual};
use crate::bounded_file;

/// The first line of every tape. Its number changes when the meaning of a line does.
const HEADER: &str = "splitbrain-tape 1";

/// The most draws a tape may hold, more than the longest run of a sweep makes: a hand-edited `x` must not fill the memory.
const DRAWS_MAX: usize = 1 << 23;

/// The largest file that is read as a tape: so many draws of the longest kind.
const TEXT_LEN_MAX: u64 = 256 << 20;

/// A line that is not one of a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeError {
    /// The line, counted from 1.
    pub line: usize,
    /// What was expected, and what was found.
    pub message: String,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl core::error::Error for TapeError {}

/// Writes draws as text. `about` is put into comments below the header.
#[must_use]
pub fn print(about: &str, draws: &[Choice]) -> String {
    let mut text = format!("{HEADER}\n");
    about.lines().for_each(|line| text.push_str(&format!("# {line}\n")));
    for equal in draws.chunk_by(|a, b| a == b) {
        let Choice { site, bound, value } = equal[0];
        let times = if equal.len() > 1 { format!(" x{}", equal.len()) } else { String::new() };
        writeln!(text, "{} {bound} {value}{times}", site.name()).expect("a string takes any text");
    }
    text
}

/// The text of a tape's file, which may be so many times as large as usual.
///
/// # Errors
/// What the system says, or that it is no regular file or pipe, or too large for a tape, or not UTF-8.
pub fn read_file(path: &Path, times: u64) -> io::Result<String> {
    let bytes = bounded_file::read(path, TEXT_LEN_MAX.saturating_mul(times))?;
    String::from_utf8(bytes).map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))
}

/// Reads draws from text. Linear in the number of draws.
///
/// # Errors
/// The first line that is not one of a tape.
pub fn parse(text: &str) -> Result<Vec<Choice>, TapeError> {
    let mut lines = (1..).zip(text.lines());
    match lines.next() {
        Some((_, HEADER)) => {}
        Some((line, found)) => return Err(wrong(line, format!("expected {HEADER:?}, found {found:?}"))),
        None => return Err(wrong(1, format!("expected {HEADER:?}, found nothing"))),
    }
    let mut draws = Vec::new();
    for (number, line) in lines {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (choice, times) = parse_line(line).map_err(|message| wrong(number, message))?;
        if draws.len().saturating_add(times) > DRAWS_MAX {
            return Err(wrong(number, format!("expected at most {DRAWS_MAX} draws, found more")));
        }
        draws.resize(draws.len() + times, choice);
    }
    Ok(draws)
}

fn parse_line(line: &str) -> Result<(Choice, usize), String> {
    let expected = || format!("expected a draw such as \"network 9000001 1234\" or with x3, found {line:?}");
    let words: Vec<&str> = line.split_whitespace().collect();
    let (site, bound, value, times) = match words[..] {
        [site, bound, value] => (site, bound, value, "x1"),
        [site, bound, value, times] => (site, bound, value, times),
        _ => return Err(expected()),
    };
    let known = || Site::ALL.map(Site::name).join(", ");
    let site =
        Site::named(site).ok_or_else(|| format!("expected one of the sites {}, found {site:?}", known()))?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| expected());
    let times = times.strip_prefix('x').and_then(|times| times.parse().ok()).ok_or_else(expected)?;
    let choice = Choice { site, bound: number(bound)?, value: number(value)? };
    if choice.value >= choice.bound {
        return Err(format!("expected a value below {}, found {}", choice.bound, choice.value));
    }
    Ok((choice, times))
}

/// Writes a draw that is not as usual: its site, how many draws of the site come before it, its bound, its value.
#[must_use]
pub fn print_unusual(draw: &Unusual) -> String {
    let Unusual { site, nth, bound, value } = draw;
    format!("{} {nth} {bound} {value}", site.name())
}

/// Reads a draw that is not as usual; `None` for any other text.
#[must_use]
pub fn parse_unusual(text: &str) -> Option<Unusual> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [site, nth, bound, value] = words[..] else { return None };
    let (nth, bound, value) = (nth.parse().ok()?, bound.parse().ok()?, value.parse().ok()?);
    (value < bound).then_some(Unusual { site: Site::named(site)?, nth, bound, value })
}

fn wrong(line: usize, message: String) -> TapeError {
    TapeError { line, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn choice() -> impl Strategy<Value = Choice> {
        (0..Site::ALL.len(), 1..20u64).prop_flat_map(|(site, bound)| {
            (0..bound).prop_map(move |value| Choice { site: Site::ALL[site], bound, value })
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(draws in proptest::collection::vec(choice(), 0..50)) {
            prop_assert_eq!(parse(&print("two\nlines", &draws)).unwrap(), draws);
        }

        #[test]
        fn an_unusual_draw_reads_back(choice in choice(), nth in any::<u64>()) {
            let draw = Unusual { site: choice.site, nth, bound: choice.bound, value: choice.value };
            prop_assert_eq!(parse_unusual(&print_unusual(&draw)), Some(draw));
            let beyond = Unusual { value: choice.bound, ..draw };
            prop_assert_eq!(parse_unusual(&print_unusual(&beyond)), None);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("{HEADER}\n{text}"));
        }
    }

    #[test]
    fn equal_draws_share_a_line_and_comments_are_free() {
        let draw = Choice { site: Site::Network, bound: 10, value: 3 };
        let text = print("seed 42", &[draw, draw]);
        assert_eq!(text, "splitbrain-tape 1\n# seed 42\nnetwork 10 3 x2\n");
        assert_eq!(parse("splitbrain-tape 1\n\n network 10 3 # here\nnetwork 10 3").unwrap(), [draw, draw]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(error(""), "1: expected \"splitbrain-tape 1\", found nothing");
        assert_eq!(error("splitbrain-tape 1\nnetwork 10 10"), "2: expected a value below 10, found 10");
        assert!(
            error("splitbrain-tape 1\nnet 10 1").starts_with("2: expected one of the sites network, disk")
        );
        let refused = error("splitbrain-tape 1\nnetwork 10 1 x8388608\nnetwork 10 1");
        assert_eq!(refused, "3: expected at most 8388608 draws, found more");
        assert!(error("splitbrain-tape 1\nnetwork 10 1 x268435456").contains("at most 8388608 draws"));
    }
}
