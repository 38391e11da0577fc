//! Histories as Jepsen and Knossos print them, in columns: an index (or none), the process, the type, `:f`, the value.
//!
//! ```text
//! 0  0  :invoke  :write  5
//! 1  0  :ok  :write  5
//! ```
//!
//! Each line means what the same operation means as a map; further columns (errors) are for people.
//! Not here: the log of an etcd test, where nil says that the register is empty (`log`).

use super::Trouble;
#[cfg(feature = "edn")]
use super::{Reader, edn};

const TYPES: [&str; 4] = [":invoke", ":ok", ":fail", ":info"];

/// The process, the type, `:f` and the rest of a line of columns.
fn columns(line: &str) -> Option<(&str, &str, &str, &str)> {
    let mut rest = line.trim();
    let mut word = || {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after.trim_start();
        word
    };
    let (first, second) = (word(), word());
    let (process, kind) = if TYPES.contains(&second) { (first, second) } else { (second, word()) };
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let named = is_number(process) || process.starts_with(':');
    let indexed = process == first || is_number(first);
    let name = word();
    (TYPES.contains(&kind) && named && indexed).then_some((process, kind, name, rest))
}

/// Whether a line is one of these.
pub(super) fn looks_like(line: &str) -> bool {
    columns(line).is_some()
}

/// The same history as maps, a line for a line.
#[cfg(feature = "edn")]
pub(super) fn read(text: &str, reader: &mut Reader) -> Result<(), Trouble> {
    let mut maps = String::with_capacity(2 * text.len());
    for (number, line) in text.lines().enumerate() {
        maps.push_str(&as_map(number + 1, line)?);
        maps.push('\n');
    }
    edn::read(&maps, reader)
}

/// A line as a map; nothing for an empty one.
pub(super) fn as_map(number: usize, line: &str) -> Result<String, Trouble> {
    if line.trim().is_empty() {
        return Ok(String::new());
    }
    let (process, kind, name, value) = columns(line).ok_or_else(|| {
        let example = "expected columns such as 0 0 :invoke :write 5 (index, process, type, f, value)";
        (number, format!("{example}, found {:?}", line.chars().take(60).collect::<String>()))
    })?;
    let value = match value.split('\t').next().unwrap_or(value).trim() {
        "" => "nil",
        value => value,
    };
    Ok(format!("{{:process {process} :type {kind} :f {name} :value {value}}}"))
}
