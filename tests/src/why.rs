//! `scenarios/why/`: each rule has a story that breaks exactly one promise without it, and none with it.
//!
//! The story with the rule and the story without it are one file: what the steps expect is what happens with the rule
//! on, and a broken promise ends the story before they could fail.

use splitbrain::report::Verdict;
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, Scenario};
use splitbrain_core::Rules;

fn file_of(rule: &str) -> String {
    format!("scenarios/why/{rule}.toml")
}

fn load(rule: &str) -> (String, Scenario) {
    let path = crate::root().join(file_of(rule));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = scenario::parse(&file_of(rule), &text).unwrap_or_else(|error| panic!("{error}"));
    (text, file.scenario)
}

fn run(scenario: &Scenario) -> splitbrain::report::Report {
    let options = RunOptions { file: String::new(), system: "raft".to_owned(), seed: 1, trace: false };
    splitbrain::built_in::run(scenario, &options).unwrap_or_else(|objection| panic!("{objection:?}"))
}

#[test]
fn every_rule_has_its_story_and_every_story_its_rule() {
    let files = crate::tidy::files_below(&crate::root().join("scenarios/why"), "toml");
    let mut found: Vec<String> =
        files.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    let mut rules: Vec<String> = Rules::ALL.iter().map(|info| info.name.to_owned()).collect();
    found.sort();
    rules.sort();
    assert_eq!(found, rules);
}

#[test]
fn without_its_rule_a_story_breaks_exactly_one_promise() {
    for info in Rules::ALL {
        let (_, scenario) = load(info.name);
        assert_eq!(scenario.rules_off, [info.name], "{}: exactly its rule is off", info.name);
        assert_eq!(scenario.expect.violations.len(), 1, "{}: exactly one promise", info.name);
        let promise = scenario.expect.violations.iter().map(|property| property.name()).next();
        assert_eq!(promise, Some(info.story.promise), "{}: the table of rules", info.name);
        let report = run(&scenario);
        assert!(report.passed(), "{}: {:?}", info.name, report.verdict);
    }
}

#[test]
fn with_its_rule_the_same_story_goes_to_its_end_and_breaks_nothing() {
    for info in Rules::ALL {
        let (_, mut scenario) = load(info.name);
        scenario.rules_off.clear();
        let promise = scenario.expect.violations.iter().next().expect("one promise").name();
        let report = run(&scenario);
        assert!(report.violations.is_empty(), "{}: {:?}", info.name, report.violations);
        let only = Verdict::NotAsExpected(vec![format!("{promise} was to be broken, and was not")]);
        assert_eq!(report.verdict, only, "{}", info.name);
    }
}

#[test]
fn the_length_that_a_story_states_is_its_length() {
    for info in Rules::ALL {
        let (text, scenario) = load(info.name);
        let comment = text.lines().take_while(|line| line.starts_with('#'));
        let words: Vec<&str> = comment.flat_map(|line| line[1..].split_whitespace()).collect();
        let stated: Vec<usize> = words
            .windows(2)
            .filter(|pair| pair[1].starts_with("step"))
            .filter_map(|pair| pair[0].parse().ok())
            .collect();
        assert_eq!(stated, [scenario.steps.len()], "{}", info.name);
        assert_eq!(info.story.steps, scenario.steps.len(), "{}: the table of rules", info.name);
    }
}
