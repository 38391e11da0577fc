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
    assert!(said.contains("n/a  ./asks.toml · unruly does not have learners, snapshots\n"), "{said}");
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

/// What each deed is found as; none where it does no harm.
const DEEDS: [(&str, Option<&str>); 14] = [
    ("hangs", Some("termination")),
    ("sleeps", Some("termination")),
    ("stops", Some("hangs")),
    ("grows", Some("memory")),
    ("aborts", Some("process")),
    ("exits", Some("process")),
    ("overflows", Some("process")),
    ("closes", Some("process")),
    ("panics", Some("invariant")),
    ("drops", Some("invariant")),
    ("prints", Some("invariant")),
    ("floods", Some("output")),
    ("moves", None),
    ("threads", None),
];

/// Seconds: short for what never ends, long for what ends by itself, on a busy machine as well.
fn patience(deed: &str) -> &'static str {
    if ["hangs", "sleeps", "stops"].contains(&deed) { "1" } else { "60" }
}

/// Some seeds do what no protocol may; the sweep goes on and names them.
#[test]
fn whatever_a_protocol_does_a_sweep_goes_on_and_names_it() {
    for (deed, property) in DEEDS {
        let folder = folder();
        let option = format!("deed={deed}");
        let limits = ["--patience", patience(deed), "--memory", "256", "--twice", "0", "--out", "out"];
        let seeds = ["sweep", "calm.toml", "--seeds", "0..3", "--option", &option];
        let swept = unruly(folder.path(), &[&seeds[..], &limits].concat());
        let said = text(&swept.stdout);
        let all = format!("{deed}: {said}{}", text(&swept.stderr));
        assert!(said.contains("runs      4,"), "{all}");
        assert_eq!(swept.status.code(), Some(i32::from(property.is_some())), "{all}");
        if let Some(property) = property {
            assert!(said.contains(&format!("shape     {property}: ")), "{all}");
            assert_eq!(said.matches("  shape  ").count(), 1, "{all}");
        }
        if deed == "prints" {
            assert!(
                said.contains("  printed\n  > it is about to end \\u{1b}[31m\n  > and says so\n"),
                "{all}"
            );
        }
        assert!(folder.path().join("out/report.txt").exists(), "{all}");
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

#[test]
fn processes_leave_no_mark_on_what_is_said() {
    let folder = folder();
    let sweep = |threads| {
        let seeds =
            ["sweep", "calm.toml", "--seeds", "0..63", "--threads", threads, "--option", "deed=aborts"];
        unruly(folder.path(), &[&seeds[..], &["--twice", "0"]].concat()).stdout
    };
    assert_eq!(text(&sweep("1")), text(&sweep("3")));
}

/// In `run`, `replay` and `shrink` as well, whatever a protocol does to the process is told with the name of the run.
#[test]
fn whatever_a_protocol_does_to_a_single_run_is_told() {
    let folder = folder();
    // The first seed with a node that does its deed.
    let does = |seed: u64| {
        let seed = seed.to_string();
        let swept = [
            "sweep",
            "calm.toml",
            "--count",
            "1",
            "--seeds",
            &format!("{seed}..{seed}"),
            "--option",
            "deed=aborts",
        ];
        unruly(folder.path(), &swept).status.code() == Some(1)
    };
    let seed = (0..16).find(|seed| does(*seed)).expect("one seed in four").to_string();
    // What prints without end would fill this process.
    for (deed, property) in DEEDS.into_iter().filter(|(deed, _)| *deed != "floods") {
        let calm = CALM.replace("[story]", &format!("[cluster.options]\ndeed = '{deed}'\n[story]"));
        fs::write(folder.path().join("deed.toml"), calm).expect("a file");
        let limits = ["--seed", &seed, "--patience", patience(deed), "--memory", "256"];
        for command in ["run", "replay", "shrink"] {
            let output = unruly(folder.path(), &[&[command, "deed.toml"][..], &limits].concat());
            let all = format!("{command} {deed}: {}{}", text(&output.stdout), text(&output.stderr));
            let code = output.status.code();
            match property {
                Some("invariant") if command == "shrink" && deed == "drops" => {
                    assert_eq!(code, Some(2), "{all}");
                    assert!(all.contains("panics outside of a run: it may not be dropped"), "{all}");
                }
                // The assertion that fails is what shrinking makes small.
                Some("invariant") if command == "shrink" => assert_eq!(code, Some(0), "{all}"),
                // Only a sweep tells what is stopped from what does not end.
                Some("hangs") => assert!(all.contains("termination is broken: "), "{all}"),
                Some(property) => {
                    assert_eq!(code, Some(1), "{all}");
                    assert!(all.contains(&format!("{property} is broken: ")), "{all}");
                    assert!(all.contains("deed.toml · unruly · seed "), "{all}");
                }
                None => assert!(code == Some(0) || command == "shrink", "{all}"),
            }
        }
    }
}
