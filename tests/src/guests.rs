//! Programs with a protocol of their own, from outside: the whole command line is theirs, and nothing that a protocol does
//! ends a sweep.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const CALM: &str = "
title = 'unruly'
source = 'here'
[cluster]
members = ['a']
election = '50ms..150ms'
[story]
steps = [{ run = '1s' }]
[expect]
violations = 'none'
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("calm.toml"), CALM).expect("a file");
    folder
}

fn unruly(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unruly"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_program_of_ones_own_has_the_whole_command_line_under_its_own_name() {
    let folder = folder();
    let ask = |arguments: &[&str]| {
        let output = unruly(folder.path(), arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = ask(&["systems"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "unruly\n    does what no protocol may\n    has a log only\n")
    );
    let (code, said, _) = ask(&["--help"]);
    assert!(code == Some(0) && said.contains("Usage: unruly"), "{said}");
    let (code, said, _) = ask(&["print-seed", "3"]);
    assert!(code == Some(0) && said.starts_with("# What the swarm draws for seed 3 of unruly."), "{said}");
    let (code, _, said) = ask(&["run", "calm.toml", "--system", "raft"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("help: splitbrain itself has it"), "{said}");
    let (code, said, _) = ask(&["replay", "calm.toml", "--at", "3"]);
    assert!(code == Some(0) && said.starts_with("after event 3 at "), "{said}");
    let (code, _, said) = ask(&["replay", "calm.toml", "--at", "99999"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("expected an event of the run, which has "), "{said}");
}

#[test]
fn what_a_scenario_asks_and_a_system_lacks_is_told_by_name_and_is_no_verdict() {
    let folder = tempfile::tempdir().expect("a folder");
    let asks = CALM.replace("[cluster]", "[cluster]\nlearners = ['b']\nsnapshot_every = 5");
    fs::write(folder.path().join("asks.toml"), asks).expect("a file");
    let output = unruly(folder.path(), &["run", "."]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("n/a  ./asks.toml · unruly · it does not have learners, snapshots\n"), "{said}");
}

#[test]
fn the_line_that_repeats_a_failure_works_as_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let fails = CALM.replace("violations = 'none'", "violations = ['convergence']");
    fs::write(folder.path().join("it fails.toml"), fails).expect("a file");
    let output = unruly(folder.path(), &["run", "it fails.toml", "--seed", "7"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    let line =
        said.lines().find_map(|line| line.trim().strip_prefix("repeat ")).expect("a line to copy").trim();
    let again = Command::new("sh").current_dir(folder.path()).args(["-c", line]).output().expect("a shell");
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(1), said.clone()), "{line}");
}

#[test]
fn a_protocol_that_is_not_deterministic_is_found_out_with_the_first_difference() {
    let folder = folder();
    let swept =
        unruly(folder.path(), &["sweep", "calm.toml", "--seeds", "0..0", "--twice", "1", "--out", "out"]);
    let said = text(&swept.stdout);
    assert_eq!(swept.status.code(), Some(1), "{said}{}", text(&swept.stderr));
    for words in
        ["shape     determinism: ", "differ from record", "| ", "  both    ", "  first   ", "  second  "]
    {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
}

/// Some seeds do what no protocol may; the sweep goes on and names them, however many processes it has.
#[test]
fn a_run_that_hangs_grows_or_aborts_is_a_finding() {
    let folder = folder();
    for (deed, property) in [("hangs", "termination"), ("grows", "memory"), ("aborts", "process")] {
        let sweep = |threads| {
            let deed = format!("deed={deed}");
            let limits = ["--patience", "1", "--memory", "256", "--twice", "0"];
            let seeds = ["sweep", "calm.toml", "--seeds", "0..7", "--threads", threads, "--option", &deed];
            unruly(folder.path(), &[&seeds[..], &limits].concat())
        };
        let swept = sweep("1");
        let said = text(&swept.stdout);
        assert_eq!(swept.status.code(), Some(1), "{said}{}", text(&swept.stderr));
        assert!(said.contains("runs      8,"), "{said}");
        assert!(said.contains(&format!("shape     {property}: ")), "{said}");
        assert_eq!(swept.stdout, sweep("2").stdout);
    }
}

#[test]
fn who_talks_for_the_sake_of_talking_breaks_quiescence() {
    let folder = folder();
    let cases = [
        ("answers", "b and a talk in circles: nobody gains anything by what they say"),
        ("chatters", "a is not silent towards b, though there is nothing to do"),
    ];
    for (deed, told) in cases {
        let text_of = CALM
            .replace("['a']", "['a', 'b', 'c']")
            .replace("50ms..150ms", "50ms..60ms")
            .replace("[story]", &format!("[cluster.options]\ndeed = '{deed}'\n[story]"))
            .replace("{ run = '1s' }", "{ run = '1s' }, { converge = '5s' }");
        fs::write(folder.path().join("talk.toml"), text_of).expect("a file");
        let output = unruly(folder.path(), &["run", "talk.toml"]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&format!("quiescence is broken: {told}")), "{said}");
    }
}
