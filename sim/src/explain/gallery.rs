//! A gallery: an index of explained runs, each with its page.
//!
//! Not here: the pages themselves (`page`), and which runs are in it (`cli`).

use std::path::Path;

use super::Explained;
use super::page::escaped;

/// A run in the index.
#[derive(Clone, Debug)]
pub struct Entry {
    page: String,
    title: String,
    source: String,
    file: String,
    system: String,
    promises: Vec<String>,
}

impl Entry {
    /// A run whose page has this name.
    #[must_use]
    pub fn of(explained: &Explained, page: String) -> Entry {
        Entry {
            page,
            title: explained.title.clone(),
            source: explained.source.clone(),
            file: explained.file.clone(),
            system: explained.system.clone(),
            promises: explained
                .promises
                .iter()
                .map(|promise| format!("{}: {}", promise.name, promise.summary))
                .collect(),
        }
    }
}

/// The name of the page of a scenario file: its path in letters, digits and dashes.
#[must_use]
pub fn page_name(path: &Path) -> String {
    let stem = path.with_extension("");
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = stem.to_string_lossy().chars().map(letter).collect();
    name + ".html"
}

/// The index page.
#[must_use]
pub fn index(entries: &[Entry]) -> String {
    let row = |entry: &Entry| {
        let Entry { page, title, source, file, system, promises } = entry;
        let verdict =
            if promises.is_empty() { String::from("nothing is broken") } else { promises.join("; ") };
        format!(
            "<li><a href=\"{}\">{}</a><br>{}<br><small>{} · {} · {}</small></li>\n",
            escaped(page),
            escaped(title),
            escaped(&verdict),
            escaped(source),
            escaped(file),
            escaped(system)
        )
    };
    let rows: String = entries.iter().map(row).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Runs, explained</title>\n\
         <style>:root {{ color-scheme: light dark }} body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; \
         margin: 2rem auto; padding: 0 1rem }} li {{ margin-bottom: .8rem }}</style>\n\
         <h1>Runs, explained</h1>\n<ul>\n{rows}</ul>\n</html>\n"
    )
}
