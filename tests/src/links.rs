//! Documents point only to what exists: every relative link of every Markdown file leads to a file or folder.

use std::fs;
use std::path::Path;

use splitbrain::scenario::ScenarioError;

use crate::tidy::files_below;

/// The most lines that the README may have: it is read by people every day. The rest stands in `docs/`.
const README_LINES_MAX: usize = 150;

/// What the links of a Markdown text point to, without those to other sites and to places in the same page.
fn targets(text: &str) -> Vec<&str> {
    let after_bracket = text.split("](").skip(1);
    let targets = after_bracket.filter_map(|rest| rest.split([')', '#', ' ']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for path in files_below(&crate::root(), "md") {
        let text = fs::read_to_string(&path).expect("a document is text");
        let folder = path.parent().unwrap_or(Path::new(""));
        for target in targets(&text) {
            assert!(folder.join(target).exists(), "{}: nothing is at {target}", path.display());
        }
    }
}

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(crate::root().join("README.md")).expect("the README");
    let lines = text.lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines; move what is long into docs/");
}

#[test]
fn targets_are_found() {
    let text = "see [a](b/c.md), [d](https://e.f/g), [h](#here) and [i](j.md#there)";
    assert_eq!(targets(text), ["b/c.md", "j.md"]);
}

/// What stands between backticks and looks like a step, without what leaves something out.
fn steps(text: &str) -> Vec<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter(|span| span.starts_with("{ ") && span.ends_with(" }") && !span.contains('…')).collect()
}

#[test]
fn every_step_that_a_document_shows_is_one() {
    let mut seen = 0;
    for path in files_below(&crate::root().join("docs"), "md") {
        let text = fs::read_to_string(&path).expect("a document is text");
        for line in text.lines().filter(|line| line.starts_with('|')) {
            for step in steps(line) {
                let scenario = format!(
                    "title = 't'\n[cluster]\nmembers = [['a', 'b', 'c']]\nlearners = ['d']\nspare = ['e', 'f']\n\
                     [cluster.addresses]\nd = 'w'\n[story]\nsteps = [{step}]\n[expect]\nviolations = 'none'\n"
                );
                let read = splitbrain::scenario::parse("step.toml", &scenario);
                // It may ask after what another step did.
                let hangs = |error: &ScenarioError| error.message.contains(" before this step, by its name");
                let good = read.as_ref().err().is_none_or(hangs);
                assert!(good, "{}: {step}: {}", path.display(), read.unwrap_err());
                seen += 1;
            }
        }
    }
    assert!(seen >= 20, "only {seen} steps are shown");
}
