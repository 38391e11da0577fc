//! Text that comes from scenarios, protocols and histories, on its way into a medium where some of it would be obeyed.
//!
//! Holds: one function for each medium; what it gives can do nothing there, and plain text stays as it is.
//! Not here: names of files (`files::file_name`), and JSON (serde escapes it).

/// Whether a terminal or an editor may obey a letter instead of showing it: control characters, and those that turn the
/// direction of text or hide (Unicode's Bidi_Control, and the invisible ones used with them).
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn shown(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_obeyed(letter) && !keep(letter) {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    shown
}

/// For one line of a terminal: whatever it would obey is shown as `\u{…}`.
#[must_use]
pub(crate) fn terminal(text: &str) -> String {
    shown(text, |letter| letter == '\t')
}

/// As [`terminal`], for text of several lines.
#[must_use]
pub(crate) fn terminal_lines(text: &str) -> String {
    shown(text, |letter| matches!(letter, '\n' | '\t'))
}

/// For the text and the attributes of HTML.
#[must_use]
pub(crate) fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in terminal_lines(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// For a writer of XML that escapes markup by itself: what XML cannot carry at all is shown.
#[must_use]
pub(crate) fn xml(text: &str) -> String {
    let text = terminal_lines(text);
    text.chars()
        .map(|letter| if matches!(letter, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { letter })
        .collect()
}

/// For a cell of a table in Markdown: punctuation that may be markup becomes an entity, which is never markup.
#[must_use]
pub(crate) fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in terminal(text).chars() {
        match letter.is_ascii_punctuation() && !matches!(letter, '/' | '.' | ',' | '-' | ':' | ';' | '=') {
            true => safe.push_str(&format!("&#{};", u32::from(letter))),
            false => safe.push(letter),
        }
    }
    safe
}

/// For the message of a command of GitHub's workflows.
#[must_use]
pub(crate) fn github_message(text: &str) -> String {
    terminal_lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// For a property of a command of GitHub's workflows.
#[must_use]
pub(crate) fn github_property(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_obeyed_is_shown() {
        assert_eq!(terminal("a\u{1b}[31mred\u{202e}x\nb"), "a\\u{1b}[31mred\\u{202e}x\\u{a}b");
        assert_eq!(terminal_lines("a\nb\r"), "a\nb\\u{d}");
        assert_eq!(html("<a href='x'>&\u{1b}"), "&lt;a href=&#39;x&#39;&gt;&amp;\\u{1b}");
        assert_eq!(github_message("100%\n::error::x"), "100%25%0A::error::x");
        assert_eq!(github_property("a,b: c"), "a%2Cb%3A c");
        assert_eq!(markdown("a|b`c, 1.5"), "a&#124;b&#96;c, 1.5");
        assert_eq!(terminal("plain text, übung, 日本 · ok"), "plain text, übung, 日本 · ok");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_obeyed_gets_through(text in "[\\x00-\\u{10ffff}]{0,40}") {
            assert!(!terminal(&text).chars().any(|letter| is_obeyed(letter) && letter != '\t'));
            let safe = html(&text);
            assert!(!safe.contains(['<', '>', '"', '\'']), "{safe}");
            assert!(!github_property(&text).contains(['\n', '\r', ',', ':']));
            assert!(!github_message(&text).contains(['\n', '\r']));
            assert!(!markdown(&text).contains(['|', '`', '*', '_', '[', '<', '\\', '\n']));
            assert!(xml(&text).chars().all(|letter| matches!(letter, '\t' | '\n') || letter >= ' '));
        }
    }
}
