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
        let is = |property: Property| first.property == property.name();
        let said = match first.evidence.first() {
            Some(evidence) if is(Property::Invariant) => format!("{}: {}", first.summary, evidence.record),
            // What stood in the way: a cluster that nobody healed fails for another reason than one that was.
            Some(evidence) if is(Property::Convergence) => obstacle(&evidence.record).to_owned(),
            Some(_) | None => first.summary.clone(),
        };
        let is_node = |word: &str| scenario.cluster.nodes.iter().any(|node| node.name == word);
        Some(Fingerprint { property: first.property.clone(), shape: shape(&said, is_node) })
    }

    /// A name for files, before `files::file_name` makes it safe.
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

/// The obstacle without how much happened meanwhile.
fn obstacle(record: &str) -> &str {
    record.split(';').next().unwrap_or(record)
}

/// Words that name nodes become `·`, and the numbers in all others `#`; several in a row become one.
fn shape(text: &str, is_node: impl Fn(&str) -> bool) -> String {
    let mut shape = String::new();
    let mut word = String::new();
    let end_word = |word: &mut String, shape: &mut String| {
        if is_node(word) {
            shape.push('·');
        } else {
            for letter in word.chars().map(|letter| if letter.is_ascii_digit() { '#' } else { letter }) {
                if letter != '#' || !shape.ends_with('#') {
                    shape.push(letter);
                }
            }
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

    fn of_steps(steps: &str) -> String {
        let text = format!(
            "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [{steps}]\n[expect]\nviolations = 'none'"
        );
        let scenario = crate::scenario::parse("t.toml", &text).expect("a scenario").scenario;
        let options = crate::runner::RunOptions {
            file: String::new(),
            system: String::from("raft"),
            seed: 1,
            trace: false,
        };
        let report = crate::built_in::run(&scenario, &options).expect("it can be run");
        Fingerprint::of(&report, &scenario).expect("it does not agree").to_string()
    }

    #[test]
    fn a_cluster_that_could_not_agree_fails_otherwise_than_one_that_could() {
        let unhealed = of_steps("{ partition = [['a'], ['b'], ['c']] }, { converge = '5s' }");
        assert_eq!(unhealed, "convergence: hardship is not over: what · sends does not reach ·");
        let stalled = of_steps("{ stall = 'a' }, { stall = 'b' }, { converge = '5s' }");
        assert_eq!(stalled, "convergence: hardship is not over: · is in trouble");
        let down = of_steps("{ elect = 'a' }, { crash = ['a', 'b'] }, { heal = true }, { converge = '5s' }");
        assert_eq!(down, "convergence: nobody leads: no quorum can be reached, for of {·} only {·} run");
    }

    #[test]
    fn names_and_numbers_do_not_matter() {
        let is_node = |word: &str| ["n1", "n2", "a"].contains(&word);
        let of = |text: &str| shape(text, is_node);
        assert_eq!(of("n1 and n2 lead in epoch 12"), "· and · lead in epoch #");
        assert_eq!(of("a leads {n1 n2} without (1, 2)"), "· leads {·} without (#)");
        assert_eq!(of("n1 leads 3 4 5"), of("n2 leads 1"));
        assert_eq!(of("n1 matches T1-N0.15"), "· matches T#-N#.#");
    }
}
