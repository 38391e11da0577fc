//! Stories that must not go as they are told: a step that cannot be done, a promise that is expected to break and does not, a
//! word that nobody knows. What a run says of each.

use splitbrain::report::{Report, Verdict};
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, ScenarioFile};

fn story(steps: &[&str], expect: &str) -> ScenarioFile {
    let steps: String = steps.iter().map(|step| format!("  {step},\n")).collect();
    let text = format!(
        "title = 't'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [\n{steps}]\n[expect]\n{expect}\n"
    );
    scenario::parse("s.toml", &text).unwrap_or_else(|error| panic!("{error}"))
}

fn run(file: &ScenarioFile, system: &str, seed: u64) -> Report {
    let options = RunOptions { file: file.path.clone(), system: system.to_owned(), seed, trace: false };
    let report = splitbrain::built_in::run(&file.scenario, &options);
    report.unwrap_or_else(|objection| panic!("{}", file.error(objection)))
}

/// What did not go as the story says.
fn reasons(file: &ScenarioFile, system: &str, seed: u64) -> Vec<String> {
    match run(file, system, seed).verdict {
        Verdict::AsExpected => Vec::new(),
        Verdict::NotAsExpected(reasons) => reasons,
    }
}

const NONE: &str = "violations = 'none'";

#[test]
fn elect_asks_for_a_term_that_is_new() {
    let steps = ["{ elect = 'a' }", "{ isolate = 'a' }", "{ elect = 'b' }", "{ elect = 'a' }"];
    let told = reasons(&story(&steps, NONE), "raft", 1);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("s.toml:9:3: step 4, { elect = \"a\" }, at "), "{told:?}");
    assert!(told[0].ends_with(": a was to be elected, and was not"), "{told:?}");
    // A leader whose timer fires has won nothing.
    let told = reasons(&story(&["{ elect = 'a' }", "{ elect = 'a' }"], NONE), "raft", 1);
    assert!(told[0].ends_with("a was to be elected in a new term, and leads term 1 as before"), "{told:?}");
}

#[test]
fn what_cannot_be_done_is_told_alike_on_every_system() {
    let crash = story(&["{ crash = 'b' }", "{ crash = 'b' }"], NONE);
    for system in splitbrain::built_in::systems().names().filter(|system| crate::is_there(system)) {
        let expected = "s.toml:7:3: step 2, { crash = \"b\" }, at 0ns: this cannot be done now: \
                        expected b to run, but it is down";
        assert_eq!(reasons(&crash, system, 1), [expected], "{system}");
    }
    let of_leader = story(&["{ elect = 'b' }", "{ crash = 'b' }", "{ tear = 'leader' }"], NONE);
    assert!(reasons(&of_leader, "raft", 1)[0].ends_with("a leader was to be there, and nobody leads"));
    let of_leader = story(&["{ elect = 'b' }", "{ read = 'x', value = 1 }"], NONE);
    let told = &reasons(&of_leader, "raft", 1)[0];
    assert!(told.contains("via = \"leader\" }, where the leader is b, at "), "{told}");
}

#[test]
fn a_step_that_cannot_be_done_in_one_seed_spoils_that_seed_only() {
    let mut file = story(&["{ run = '1s' }", "{ crash = 'b' }", "{ run = '1s' }"], NONE);
    let nemesis =
        "[[nemesis]]\nkind = 'crash'\naim = 'any'\nevery = '100ms..500ms'\nlasting = '100ms..500ms'\n[story]";
    let text = file.scenario.to_toml().replace("[story]", nemesis);
    file = scenario::parse("s.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    let spoilt = (1..=12).filter(|seed| !reasons(&file, "raft", *seed).is_empty()).count();
    assert!((1..12).contains(&spoilt), "{spoilt}");
}

#[test]
fn every_promise_that_is_listed_must_be_broken() {
    let split = [
        "{ elect = 'b' }",
        "{ write = 'x=1', via = 'b', outcome = 'ok' }",
        "{ isolate = 'a' }",
        "{ wipe = 'a', group = [['a']] }",
        "{ restart = 'a' }",
        "{ run = '2s' }",
        "{ write = 'x=2', via = 'a', outcome = 'ok' }",
    ];
    let found = |expect: &str| {
        let report = run(&story(&split, expect), "raft", 1);
        report.violations.iter().map(|violation| violation.property.clone()).collect::<Vec<_>>()
    };
    // One that is listed ends the story; of two, both are waited for.
    assert_eq!(found("violations = ['election-safety']"), ["election-safety"]);
    let all = ["election-safety", "log-matching", "state-machine-safety"];
    assert_eq!(found("violations = ['election-safety', 'log-matching', 'state-machine-safety']"), all);
    // A story that goes on shows what comes after, listed or not.
    assert_eq!(found("violations = ['election-safety']\nthen = 'go-on'"), all[..2]);
    let missing = story(
        &split,
        "violations = ['election-safety', 'log-matching', 'state-machine-safety', 'convergence']",
    );
    assert_eq!(reasons(&missing, "raft", 1), ["convergence was to be broken, and was not"]);
}

#[test]
fn a_refused_call_says_why() {
    let told = reasons(&story(&["{ write = 'x=1', via = 'a', outcome = 'ok' }"], NONE), "raft", 1);
    assert!(told[0].ends_with("the call was to be ok, and was refused: not-leader, no hint"), "{told:?}");
    let steps = ["{ elect = 'b' }", "{ run = '1s' }", "{ write = 'x=1', via = 'a', outcome = 'ok' }"];
    let told = reasons(&story(&steps, NONE), "raft", 1);
    assert!(told[0].ends_with("was refused: not-leader, which is b"), "{told:?}");
}

#[test]
fn words_that_nobody_knows_are_told_with_the_nearest_one() {
    let told = |file: &ScenarioFile| {
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed: 1, trace: false };
        file.error(splitbrain::built_in::run(&file.scenario, &options).expect_err("an unknown word"))
            .to_string()
    };
    let seen = story(&["{ elect = 'a' }"], "violations = 'none'\nseen = ['leader-chnged']");
    let expected = "s.toml:10:9: unknown situation \"leader-chnged\": nothing is ever noted by this name\n\
                    help: did you mean \"leader-changed\"?";
    assert_eq!(told(&seen), expected);
    let outcome = story(&["{ transfer = 'b', outcome = 'not-leadr' }"], NONE);
    let expected = "s.toml:6:3: unknown outcome \"not-leadr\": raft refuses nothing by this name\n\
                    help: did you mean \"not-leader\"?";
    assert_eq!(told(&outcome), expected);
}

#[test]
fn every_step_that_the_chapter_on_membership_shows_can_be_read() {
    let chapter = std::fs::read_to_string(crate::root().join("docs/membership.md")).expect("the chapter");
    let rows = chapter.lines().filter_map(|line| line.split(" | ").nth(2)).filter(|cell| cell.contains("`{"));
    let mut shown = 0;
    for cell in rows {
        let steps: Vec<&str> = cell.split('`').filter(|part| part.starts_with("{ ")).collect();
        let text = format!(
            "title = 't'\n[cluster]\nmembers = ['a', 'b', 'c']\nspare = ['d', 'e']\nvacant = ['w']\n[story]\nsteps = [{}]\n",
            steps.join(", ")
        );
        scenario::parse("membership.md", &text).unwrap_or_else(|error| panic!("{cell}: {error}"));
        shown += steps.len();
    }
    assert!(shown > 20, "{shown}");
}
