//! The page of an explained run: its text, its look, its script and its data in one file.
//!
//! Holds: the page loads nothing from anywhere, and says so to the browser; whatever the data says stays data.
//! Not here: what the script does with the data (`page/page.js`, tested in a browser by `tests/browser`).

const TEXT: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page of a JSON document.
pub(super) fn page(title: &str, json: &str) -> String {
    // Nothing in a script element ends it but `</`, and nothing else is read in it.
    let data = json.replace('<', "\\u003c");
    let mut page = String::with_capacity(TEXT.len() + STYLE.len() + SCRIPT.len() + data.len());
    let mut rest = TEXT;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        page.push_str(before);
        match name {
            "title" => page.push_str(&escaped(title)),
            "style" => page.push_str(STYLE),
            "script" => page.push_str(SCRIPT),
            _ => page.push_str(&data),
        }
        rest = after;
    }
    page + rest
}

/// A text as it may stand in an element.
pub(super) fn escaped(text: &str) -> String {
    crate::escape::html(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_says_cannot_leave_its_place() {
        let page = page("</title><script>1</script>", r#"{"title":"</script><script>alert(1)//{{style}}"}"#);
        assert_eq!(page.matches("<script").count(), 2, "the data and our own script");
        assert!(page.contains("<title>&lt;/title&gt;"));
        assert!(page.contains("//{{style}}"), "data is not looked through for places");
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = page("a run", "{}");
        for word in ["http:", "https:", "src=", "href=", "url(", "@import"] {
            assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(word), "the page has {word}");
        }
    }
}
