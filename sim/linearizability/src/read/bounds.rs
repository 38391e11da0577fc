//! What an EDN text may ask of its reader, checked before it is read: one pass, no recursion.
//!
//! Holds: what passes nests at most [`DEPTH_MAX`] deep, tags counted, so whoever walks it by recursion is safe. The
//! symbolic numbers `##NaN`, `##Inf` and `##-Inf` become keywords of the same length, which the parser knows.
//! Not here: JSON, whose parser has the same bound itself.

use std::borrow::Cow;

use super::Trouble;

/// Deepest nesting of collections and tags.
pub(super) const DEPTH_MAX: usize = 128;

/// Longest number: what is read into a number without bounds takes the square of its length.
const DIGITS_MAX: usize = 4_096;

pub(super) fn checked(text: &str) -> Result<Cow<'_, str>, Trouble> {
    let bytes = text.as_bytes();
    let mut symbolic = Vec::new();
    // How many forms each open collection counts for, its tags included.
    let mut open: Vec<usize> = Vec::new();
    let (mut line, mut depth, mut tags, mut at) = (1, 0usize, 0usize, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => line += 1,
            b';' => at += bytes[at..].iter().take_while(|byte| **byte != b'\n').count() - 1,
            b'\\' => at += 1,
            b'"' => {
                let length = string(&bytes[at..]);
                line += bytes[at..at + length].iter().filter(|byte| **byte == b'\n').count();
                at += length - 1;
                tags = 0;
            }
            b'#' if bytes.get(at + 1) == Some(&b'#') => {
                symbolic.push(at);
                at += 1;
            }
            // A tag, a set, or a form passed over: each waits for the form behind it. What ends a run of tags in
            // front of a bare number is only seen at the next collection, so a line of those counts a little high.
            b'#' | b'^' | b'\'' => tags += 1,
            b'(' | b'[' | b'{' => {
                open.push(1 + tags);
                depth += 1 + tags;
                tags = 0;
            }
            b')' | b']' | b'}' => {
                depth -= open.pop().unwrap_or(0);
                tags = 0;
            }
            b':' => tags = 0,
            b'0'..=b'9' => {
                let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                if digits > DIGITS_MAX {
                    return Err((
                        line,
                        format!("a number of {digits} digits; expected {DIGITS_MAX} at most"),
                    ));
                }
                at += digits - 1;
            }
            _ => {}
        }
        if depth + tags > DEPTH_MAX {
            return Err((
                line,
                format!("more than {DEPTH_MAX} forms within each other; expected operations"),
            ));
        }
        at += 1;
    }
    if symbolic.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut owned = text.to_owned();
    for at in symbolic {
        owned.replace_range(at..at + 2, " :");
    }
    Ok(Cow::Owned(owned))
}

/// The length of a string with its quotes; to the end when it does not end.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}
