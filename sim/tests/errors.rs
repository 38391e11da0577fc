//! Every message that a user may meet at the command line, in one table: what happened, where, what was expected, and the
//! nearest right thing.

// Other builds know other systems and say so: the table is that of the default one.
#![cfg(not(any(feature = "guests", feature = "mutations", feature = "openraft", feature = "raft-rs")))]

use std::fs;
use std::process::Command;

/// A scenario to make mistakes in.
const GOOD: &str = "title = \"t\"\nsource = \"s\"\n[cluster]\nmembers = [\"a\", \"b\", \"c\"]\n[story]\nsteps = [\n  \
                    { elect = \"a\" },\n]\n[expect]\nviolations = \"none\"\n";

/// What is done wrong, files by name, arguments.
type Case = (&'static str, Vec<(&'static str, String)>, Vec<&'static str>);

fn cases() -> Vec<Case> {
    let file = |text: String| vec![("x.toml", text)];
    let with = |from: &str, to: &str| file(GOOD.replacen(from, to, 1));
    let run = || vec!["run", "x.toml"];
    vec![
        ("no such file", vec![], vec!["run", "none.toml"]),
        ("an empty folder", vec![], vec!["run", "."]),
        ("an empty file", file(String::new()), run()),
        ("not TOML", file(String::from("title = \n")), run()),
        ("a misspelt key", with("title", "titel"), run()),
        ("a misspelt table", with("[cluster]", "[clutser]"), run()),
        ("no cluster", with("[cluster]\nmembers = [\"a\", \"b\", \"c\"]\n", ""), run()),
        ("no steps", with("steps = [\n  { elect = \"a\" },\n]", ""), run()),
        ("an unknown node", with("elect = \"a\"", "elect = \"d\""), run()),
        ("an unknown step", with("elect", "elekt"), run()),
        ("a node twice", with("\"b\", \"c\"", "\"a\""), run()),
        ("an unknown system", with("[cluster]", "systems = [\"rafft\"]\n[cluster]"), run()),
        ("a system of another build", with("[cluster]", "systems = [\"openraft\"]\n[cluster]"), run()),
        ("a misspelt rule", file(format!("{GOOD}[rules]\noff = [\"initial-lag\"]\n")), run()),
        ("a misspelt setting", file(format!("{GOOD}[cluster.options]\npre-vite = true\n")), run()),
        ("a setting of another kind", file(format!("{GOOD}[cluster.options]\npre-vote = 3\n")), run()),
        ("an unknown promise", with("\"none\"", "[\"election-savety\"]"), run()),
        ("an impossible step", with("elect = \"a\" },", "restart = \"a\" },"), run()),
        ("a filter that fits nothing", file(String::from(GOOD)), vec!["run", ".", "--filter", "zzz"]),
        ("no arguments", vec![], vec![]),
        ("a misspelt command", vec![], vec!["runn", "."]),
        ("a misspelt flag", vec![], vec!["run", ".", "--trase"]),
        ("an unknown format", vec![], vec!["run", ".", "--format", "xml"]),
        ("an unknown system asked for", file(String::from(GOOD)), vec!["run", ".", "--system", "rafft"]),
        (
            "a system of another build asked for",
            file(String::from(GOOD)),
            vec!["run", ".", "--system", "openraft-0.9"],
        ),
        ("seeds backwards", vec![], vec!["run", ".", "--seeds", "9..1"]),
        ("seeds that are none", vec![], vec!["run", ".", "--seeds", "many"]),
        ("a shard that is none", vec![], vec!["sweep", "--shard", "3/2"]),
        ("a time that is none", vec![], vec!["sweep", "--time", "soon"]),
        ("an option that is none", vec![], vec!["sweep", "--option", "pre-vote"]),
        (
            "a folder that cannot be",
            file(String::from(GOOD)),
            vec!["sweep", "--count", "1", "--out", "x.toml/out"],
        ),
        ("a merge of nothing", vec![], vec!["merge", "."]),
        ("an event that does not exist", file(String::from(GOOD)), vec!["replay", "x.toml", "--at", "99999"]),
        ("a tape that is none", file(String::from(GOOD)), vec!["replay", "x.toml", "--tape", "x.toml"]),
        ("nothing to make small", file(String::from(GOOD)), vec!["shrink", "x.toml"]),
        ("a history that is none", file(String::from(GOOD)), vec!["check", "x.toml"]),
        ("a change of nothing", vec![], vec!["check-change", "--from", "[[a]]", "--to", "[]"]),
        ("a scenario that is there already", file(String::from(GOOD)), vec!["new", "scenario", "x.toml"]),
    ]
}

/// Why a run did not go as expected.
fn but(report: &str) -> String {
    report.lines().filter_map(|line| line.trim_start().strip_prefix("but ")).map(str::trim).collect()
}

#[test]
fn every_error_says_what_to_do() {
    let mut table = String::new();
    for (what, files, arguments) in cases() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
        let output = command.current_dir(folder.path()).args(&arguments).env_remove("RUST_LOG").output();
        let output = output.expect("the program starts");
        let said = match String::from_utf8_lossy(&output.stderr) {
            // A story that cannot be told is a verdict, not bad input.
            said if said.is_empty() => but(&String::from_utf8_lossy(&output.stdout)),
            said => said.into_owned(),
        };
        assert!(!said.contains("panicked"), "{what}: {said}");
        assert!(!said.trim().is_empty(), "{what} is told");
        let place = folder.path().to_string_lossy().into_owned();
        let said = said.replace(&format!("/private{place}"), "DIR").replace(&place, "DIR");
        let code = output.status.code().map_or_else(|| String::from("a signal"), |code| code.to_string());
        let lines: String =
            said.trim_end().lines().map(|line| format!("    {}\n", line.trim_end())).collect();
        table += &format!("{what}\n  splitbrain {}\n{lines}  exit code {code}\n\n", arguments.join(" "));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("errors", table));
}
