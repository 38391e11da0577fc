//! The command line from outside: exit codes, what goes to which output, and what bad input is told.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BAD: &str = "title = \"t\"\nsource = \"s\"\n[cluster]\nmembers = []\n";

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().expect("the program starts")
}

/// Bad input: exit code 2, nothing on the standard output, and these words on the standard error.
#[track_caller]
fn check_bad(files: &[(&str, &[u8])], arguments: &[&str], words: &[&str]) {
    let folder = folder(files);
    let output = splitbrain(folder.path(), arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert!(!said.contains("panicked") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn bad_files() {
    check_bad(&[], &["run", "."], &["error: .: expected a folder with scenarios, found none"]);
    check_bad(&[], &["run", "none.toml"], &["error: none.toml: cannot be read: "]);
    check_bad(&[("x.toml", b"\xff")], &["run", "x.toml"], &["error: x.toml:1:1: expected UTF-8 text"]);
    check_bad(&[("x.toml", b"= 1")], &["run", "."], &["error: ./x.toml:1:1: not TOML: "]);
    check_bad(
        &[("x.toml", BAD.as_bytes())],
        &["run", "x.toml"],
        &["x.toml:4:11: expected at least one voter"],
    );
}

#[test]
fn every_bad_file_is_told_of() {
    let files: [(&str, &[u8]); 2] = [("a.toml", BAD.as_bytes()), ("b.toml", b"titel = 1")];
    check_bad(&files, &["run", "."], &["./a.toml:4:11: ", "./b.toml:1:1: unknown key \"titel\""]);
}

#[test]
fn unknown_systems() {
    let text = BAD.replace("[cluster]", "systems = [\"rafft\"]\n[cluster]").replace("[]", "[\"a\"]")
        + "[story]\nsteps = [{ settle = true }]\n[expect]\nviolations = \"none\"\n";
    let words = ["x.toml:3:12: unknown system \"rafft\"", "did you mean \"raft\"?"];
    check_bad(&[("x.toml", text.as_bytes())], &["run", "x.toml"], &words);
    check_bad(&[], &["run", ".", "--system", "rafft"], &["did you mean \"raft\"?"]);
}

const ONE: &str =
    "[cluster]\nmembers = [\"a\"]\n[story]\nsteps = [{ elect = \"a\" }]\n[expect]\nviolations = \"none\"\n";

#[test]
fn a_system_that_others_wrote_runs_when_it_is_named_or_asked_for() {
    let named = format!("title = \"t\"\nsource = \"s\"\nsystems = [\"raft-rs\"]\n{ONE}");
    let open = format!("title = \"t\"\nsource = \"s\"\n{ONE}");
    let foreign = format!("title = \"t\"\nsource = \"s\"\n[rules]\noff = [\"initial-log\"]\n{ONE}");
    let files =
        [("named.toml", named.as_bytes()), ("open.toml", open.as_bytes()), ("rule.toml", foreign.as_bytes())];
    let folder = folder(&files);
    let lines = |arguments: &[&str]| {
        let output = splitbrain(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let shown = |line: &&str| line.contains(".toml ·") || line.starts_with("n/a");
        text.lines().filter(shown).map(str::to_owned).collect::<Vec<_>>()
    };
    let usual = lines(&["run", ".", "--report", "all"]);
    assert!(usual.iter().any(|line| line.contains("open.toml · raft · ")), "{usual:?}");
    assert!(!usual.iter().any(|line| line.contains("open.toml · raft-rs")), "{usual:?}");
    if !cfg!(feature = "raft-rs") {
        assert!(!usual.iter().any(|line| line.contains("named.toml")), "not part of this build: {usual:?}");
        return check_bad(
            &files[..1],
            &["run", "."],
            &["no scenario is meant for the systems of this build"],
        );
    }
    assert!(usual.iter().any(|line| line.contains("named.toml · raft-rs 0.7.0 · ")), "{usual:?}");
    let asked = lines(&["run", ".", "--system", "raft-rs", "-v"]);
    assert!(asked.iter().any(|line| line.contains("open.toml · raft-rs 0.7.0 · ")), "{asked:?}");
    let unsuited = "n/a  ./rule.toml · raft-rs · raft-rs does not have rules";
    assert!(asked.iter().any(|line| line == unsuited), "{asked:?}");
}

#[test]
fn bad_arguments() {
    check_bad(&[], &[], &["Usage: splitbrain"]);
    check_bad(&[], &["run"], &["<PATH>"]);
    check_bad(&[], &["runn"], &["'run'"]);
    check_bad(&[], &["run", ".", "--seeds", "4..1"], &["the range runs backwards: did you mean 1..4?"]);
    check_bad(&[], &["run", ".", "--seed", "1", "--seeds", "1..2"], &["cannot be used with"]);
    check_bad(&[], &["run", ".", "--format", "xml"], &["text, json, jsonl, junit, github"]);
}

#[test]
fn help_and_version_are_no_mistakes() {
    for arguments in [["--help"], ["--version"]] {
        let output = splitbrain(Path::new("."), &arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    }
}

#[test]
fn a_closed_output_is_no_panic() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    let mut child =
        command.arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

/// A good scenario with these rules off, options, steps and expectations.
fn good(rules: &str, options: &str, steps: &str, expect: &str) -> String {
    format!(
        "title = \"Good\"\nsource = \"here\"\n[cluster]\nmembers = [\"a\", \"b\", \"c\"]\n\
         [cluster.options]\n{options}\n[rules]\noff = [{rules}]\n[story]\nsteps = [\n{steps}\n]\n\
         [expect]\nviolations = {expect}\n"
    )
}

const CALM: &str = "{ run = \"2s\" },\n{ write = \"x=1\", outcome = \"ok\" },\n{ converge = \"5s\" },";

/// A run with these files: the exit code and what the standard output says.
fn run(files: &[(&str, String)], arguments: &[&str]) -> (Option<i32>, String) {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let folder = folder(&files);
    let output = splitbrain(folder.path(), &[&["run"], arguments].concat());
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn scenarios_as_expected_exit_with_0_and_others_with_1() {
    let calm = good("", "", CALM, "\"none\"");
    let danger = good("", "", CALM, "[\"election-safety\"]");
    let (code, said) = run(&[("calm.toml", calm.clone())], &["."]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("1 run: 1 as expected, 0 not\n") && !said.contains('\u{1b}'), "{said}");
    let (code, said) = run(&[("calm.toml", calm), ("danger.toml", danger)], &["."]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("election-safety was to be broken, and was not"), "{said}");
}

#[test]
fn a_broken_rule_exits_with_1_and_shows_both_records_and_the_command() {
    let world = "[network]\ndelay = \"1ms..40ms\"\n[cluster]\nelection = \"50ms..100ms\"\n";
    let broken = good("\"one-vote-per-term\"", "pre-vote = false", "{ run = \"60s\" },", "\"none\"")
        .replace("[cluster]\n", world);
    let (code, said) = run(&[("broken.toml", broken)], &["broken.toml", "--seed", "3"]);
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "election-safety is broken: ",
        "begins to lead epoch",
        "splitbrain run broken.toml --system raft --seed 3",
    ] {
        assert!(said.contains(words), "no {words:?} in: {said}");
    }
    assert_eq!(said.matches("begins to lead epoch").count(), 2, "{said}");
}

#[test]
fn what_only_the_protocol_knows_is_told_with_its_place() {
    let check = |text: String, words: &[&str]| {
        check_bad(&[("x.toml", text.as_bytes())], &["run", "x.toml"], words);
    };
    check(
        good("\"initial-lag\"", "", CALM, "\"none\""),
        &["x.toml:8:8: expected the name of a rule of raft", "did you mean \"initial-log\"?"],
    );
    check(good("", "pre-vote = 3", CALM, "\"none\""), &["x.toml:6:", "pre-vote: expected true or false"]);
    check(good("", "pre-vite = true", CALM, "\"none\""), &["x.toml:6:", "unknown setting"]);
}

#[test]
fn a_step_that_cannot_be_done_then_is_told_with_its_place_and_exits_with_1() {
    let check = |steps: &str, words: &[&str]| {
        let (code, said) = run(&[("x.toml", good("", "", steps, "\"none\""))], &["x.toml"]);
        assert_eq!(code, Some(1), "{said}");
        for word in words {
            assert!(said.contains(word), "no {word:?} in: {said}");
        }
    };
    let cannot = "this cannot be done now: expected";
    check("{ restart = \"a\" },", &["x.toml:11:1: step 1, ", cannot, "a to be down, but it runs"]);
    check(
        "{ crash = \"a\" },\n{ elect = \"a\" },",
        &["x.toml:12:1: step 2, ", cannot, "a to run, but it is down"],
    );
    check(
        "{ fire = \"a\", timer = \"elction\" },",
        &["x.toml:11:1: step 1, ", cannot, "a timer that a has set"],
    );
}

#[test]
fn json_is_one_document_and_the_filter_filters() {
    let calm = good("", "", CALM, "\"none\"");
    let files = [("one.toml", calm.clone()), ("two.toml", calm)];
    let (code, said) = run(&files, &[".", "--format", "json", "--filter", "two", "--seeds", "1..3"]);
    assert_eq!(code, Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(json["passed"], 3);
    assert_eq!(json["reports"][2]["file"], "./two.toml");
    assert_eq!(json["reports"][2]["seed"], 3);
    assert_eq!(json["reports"][2]["digest"].as_str().map(str::len), Some(32));
}

/// Many files that go as expected.
fn many() -> Vec<(String, String)> {
    (0..60).map(|number| (format!("{number}.toml"), good("", "", CALM, "\"none\""))).collect()
}

#[test]
fn when_all_is_well_little_is_said_and_a_failure_stands_last_by_name() {
    let many = many();
    let mut files: Vec<(&str, String)> =
        many.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let (code, said) = run(&files, &["."]);
    assert_eq!((code, said.as_str()), (Some(0), "ok   .  60 runs\n60 runs: 60 as expected, 0 not\n"));
    let (_, all) = run(&files, &[".", "--report", "all"]);
    assert!(all.lines().count() > 600 && all.contains("     digest    "), "{all}");
    files.push(("00.toml", good("", "", CALM, "[\"election-safety\"]")));
    let (code, said) = run(&files, &["."]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("FAIL Good\n     ./00.toml · raft · seed 1\n"), "{said}");
    let end = "FAIL .  1 of 61 runs not as expected\nFAIL ./00.toml · raft · seed 1\n     election-safety was to be broken, \
               and was not\n61 runs: 60 as expected, 1 not\n";
    assert!(said.ends_with(end) && said.lines().count() < 40, "{said}");
}

#[test]
fn colour_is_where_it_is_asked_for() {
    let calm = good("", "", CALM, "\"none\"");
    let folder = folder(&[("calm.toml", calm.as_bytes())]);
    let said = |arguments: &[&str], variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
        command.current_dir(folder.path()).args(["run", "calm.toml"]).args(arguments);
        let output = command.env(variable, "1").output().expect("it starts");
        String::from_utf8(output.stdout).expect("text").contains('\u{1b}')
    };
    assert!(!said(&[], "UNUSED") && said(&[], "CLICOLOR_FORCE") && said(&["--color", "always"], "UNUSED"));
    assert!(!said(&["--color", "never"], "CLICOLOR_FORCE") && !said(&[], "NO_COLOR"));
}

/// Three runs of two files, one of which fails at a path with markup in it.
fn told(format: &str, variables: &[(&str, &Path)]) -> (Option<i32>, String) {
    let calm = good("", "", CALM, "\"none\"");
    let danger = good("", "", CALM, "[\"election-safety\"]");
    let folder = folder(&[("calm.toml", calm.as_bytes()), ("b<a>|%,:.toml", danger.as_bytes())]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command
        .current_dir(folder.path())
        .args(["run", ".", "--format", format])
        .env_remove("GITHUB_STEP_SUMMARY");
    let output = command.envs(variables.iter().copied()).output().expect("it starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn json_lines_come_as_runs_end() {
    let (code, said) = told("jsonl", &[]);
    assert_eq!(code, Some(1));
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["is"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["start", "report", "report", "end"]);
    assert_eq!(lines[0]["schema"], "splitbrain-run 1");
    assert_eq!((&lines[3]["passed"], &lines[3]["failed"]), (&1.into(), &1.into()));
}

#[test]
fn junit_has_a_case_for_each_run() {
    let (code, said) = told("junit", &[]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{said}");
    assert!(said.contains("tests=\"2\" failures=\"1\" errors=\"0\""), "{said}");
    assert!(
        said.contains("<testcase name=\"./b&lt;a&gt;|%,:.toml · raft · seed 1\" classname=\"Good\""),
        "{said}"
    );
    assert!(said.contains("message=\"election-safety was to be broken, and was not\""), "{said}");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let place = tempfile::tempdir().expect("a folder");
    let summary = place.path().join("summary.md");
    let (code, said) = told("github", &[("GITHUB_STEP_SUMMARY", &summary)]);
    assert_eq!(code, Some(1));
    let start = "\n::error file=./b<a>|%25%2C%3A.toml,line=1,title=Good::election-safety was to be broken, and was not%0A";
    assert!(said.contains(start), "{said}");
    let summary = fs::read_to_string(summary).expect("a summary");
    assert!(summary.starts_with("### splitbrain: 1 as expected, 1 not, 0 not applicable\n"), "{summary}");
    assert!(
        summary.contains("| ./b&#60;a&#62;&#124;&#37;,:.toml | raft | 1 | election-safety was to be"),
        "{summary}"
    );
}

/// Every key of a document, by its path; lists do not count.
fn keys(value: &serde_json::Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                found.insert(path.clone());
                // Facts have names of their own, and records what they are about.
                if ![".seen", ".trace"].iter().any(|own| path.ends_with(own)) {
                    keys(value, &path, found);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, path, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_json_document_is_stated_and_no_other() {
    let world = "[network]\ndelay = \"1ms..40ms\"\n[cluster]\nelection = \"50ms..100ms\"\n";
    let broken = good("\"one-vote-per-term\"", "pre-vote = false", "{ run = \"60s\" },", "\"none\"")
        .replace("[cluster]\n", world);
    let (_, said) = run(&[("broken.toml", broken)], &[".", "--seed", "3", "--format", "json", "--trace"]);
    let document: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let mut found = std::collections::BTreeSet::new();
    keys(&document, "", &mut found);
    let stated = include_str!("../../docs/formats.md");
    let stated: std::collections::BTreeSet<String> = stated
        .lines()
        .skip_while(|line| !line.starts_with("## One document"))
        .take_while(|line| !line.starts_with("## One line"))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    // Only systems of others have a version, and nothing here is not applicable.
    let only_stated: Vec<&String> = stated.difference(&found).collect();
    let elsewhere = ["file", "system", "title", "why"].map(|key| format!("not_applicable.{key}"));
    assert!(
        only_stated.iter().all(|key| *key == "reports.version" || elsewhere.contains(key)),
        "{only_stated:?}"
    );
    assert_eq!(found.difference(&stated).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn two_processes_say_the_same_to_the_last_byte_and_a_trace_shows_every_record() {
    let calm = good("", "", CALM, "\"none\"");
    let once = run(&[("calm.toml", calm.clone())], &["calm.toml", "--trace"]);
    assert_eq!(once, run(&[("calm.toml", calm)], &["calm.toml", "--trace"]));
    assert!(once.1.contains("leads term 1") && once.1.lines().count() > 200, "{}", once.1);
}

#[test]
fn rules_are_listed_with_their_stories() {
    let folder = folder(&[]);
    let output = splitbrain(folder.path(), &["rules"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("initial-log\n    source   Ongaro"), "{said}");
    assert!(said.contains("scenarios/why/initial-log.toml"));
    let output = splitbrain(folder.path(), &["rules", "--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("a list");
    assert_eq!(rows.len(), splitbrain_core::Rules::ALL.len());
    assert_eq!(rows[0]["story"], "scenarios/why/use-at-once.toml");
}

#[test]
fn changes_are_judged() {
    let folder = folder(&[]);
    let ask = |more: &[&str]| {
        let arguments = [&["check-change", "--from", "[[a,b,c]]", "--to", "[[c,d,e]]"], more].concat();
        let output = splitbrain(folder.path(), &arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = ask(&[]);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("safe in 2 steps\nat once  unsafe in one entry: {a b} and {d e}"), "{said}");
    let (code, said) = ask(&["--nodes-down", "a,b"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("blocked: the present members cannot decide anything"), "{said}");
    let (code, said) = ask(&["--nodes-down", "d,e", "--format", "json"]);
    assert_eq!(code, Some(1));
    let advice: serde_json::Value = serde_json::from_str(&said).expect("a document");
    assert_eq!(advice["verdict"]["is"], "blocked-at");
    assert_eq!(advice["verdict"]["step"], 1);
    assert_eq!(advice["majority_add"]["refused"], true);
}

#[test]
fn bad_changes_are_told_what_is_wrong() {
    check_bad(&[], &["check-change", "--from", "[[a]]"], &["--to"]);
    let change = |from: &'static str| ["check-change", "--from", from, "--to", "a,b"];
    check_bad(&[], &change("[[a,b]"), &["expected names such as a,b,c or [[a,b,c],[d]]"]);
    check_bad(&[], &change("[[a,a]]"), &["\"a\" is twice in one voter set"]);
    let down = ["check-change", "--from", "a", "--to", "b", "--nodes-down", "x"];
    check_bad(&[], &down, &["node \"x\" is said to be down, and is in neither membership"]);
}
