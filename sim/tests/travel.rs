//! The time machine from outside: a session as it is written, and a changed run that `run` repeats. And the histories that a
//! run is exported as: whoever reads them comes to the same verdict.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SCRIPT: &str = "\
# Who led when, and what broke?
next election
show
log c
wire
next violation
why
diff a c
at 30
show c
records 2
back crash
next election
next violation
at 42
fork
# What c means for b goes to the stranger, d. What if it never arrived?
wire
drop c>b
drop c>d append-request
run on
show
leave
# And if c's write had been done sooner, and a had not been there for a moment?
fork
finish c
crash a
at 50
restart a
run on
changes
save changed.toml
leave
shw
verdict
";

fn splitbrain(folder: &Path, arguments: &[&str], input: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("an input");
    stdin.write_all(input.unwrap_or_default().as_bytes()).expect("it is read");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_session_reads_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    fs::copy(scenarios.join("address/split-brain-by-address-change.toml"), folder.path().join("x.toml"))
        .expect("a scenario");
    let piped = splitbrain(folder.path(), &["replay", "x.toml", "--commands", "-"], Some(SCRIPT));
    let session = String::from_utf8(piped.stdout).expect("text");
    insta::assert_snapshot!(session);
    assert_eq!(piped.status.code(), Some(2), "one of the commands is none");
    fs::write(folder.path().join("script"), SCRIPT).expect("a script");
    let read = splitbrain(folder.path(), &["replay", "x.toml", "--commands", "script"], None);
    assert_eq!(String::from_utf8_lossy(&read.stdout), session, "a script is obeyed like a pipe");

    let digest =
        session.lines().find_map(|line| line.split("the same digest ").nth(1)).expect("it was saved");
    let again = splitbrain(folder.path(), &["run", "changed.toml", "--report", "all"], None);
    let report = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(again.status.code(), Some(0), "{report}");
    assert!(report.contains(digest), "{report}");
}

#[test]
fn without_commands_and_terminal_it_replays_as_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = splitbrain(folder.path(), &["replay", "7"], None);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ok   Swarm, seed 7"));
    let output = splitbrain(folder.path(), &["replay", "7", "--commands", "none"], None);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none: cannot be read"));
}

/// The forms of histories that `check` reads.
const FORMS: [(&str, &str); 3] = [("history", "h.jsonl"), ("jepsen", "h.edn"), ("porcupine", "p.edn")];

/// Exports a run in every form, and sees that `check` comes to a verdict on each.
fn check_exports(target: &str, verdict: i32) {
    let folder = tempfile::tempdir().expect("a folder");
    for (form, file) in FORMS {
        let told = splitbrain(folder.path(), &["explain", target, "--format", form], None);
        assert_eq!(told.status.code(), Some(0), "{target} {form}");
        assert!(!told.stdout.is_empty(), "{target} has calls");
        fs::write(folder.path().join(file), &told.stdout).expect("a history");
        let checked = splitbrain(folder.path(), &["check", file], None);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(verdict), "{target} {form}: {said}");
    }
}

#[test]
fn an_exported_history_is_judged_as_the_run_was() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let stale = scenarios.join("why/read-confirms-leadership.toml");
    check_exports(&stale.display().to_string(), 1);
    for seed in ["3", "11"] {
        check_exports(seed, 0);
    }
}

#[test]
fn a_page_for_each_failure_is_written_where_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = fs::read_to_string(scenarios.join("why/one-vote-per-term.toml")).expect("a scenario");
    let text = text.replace("violations = [\"election-safety\"]", "violations = \"none\"");
    fs::write(folder.path().join("x.toml"), text).expect("a file");
    let output = splitbrain(folder.path(), &["run", "x.toml", "--explain", "pages"], None);
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.contains("     page      pages/x-raft-1.html\n"), "{report}");
    let page = fs::read_to_string(folder.path().join("pages/x-raft-1.html")).expect("the page");
    assert!(page.contains("election-safety"));
    let github = splitbrain(folder.path(), &["run", "x.toml", "--explain", "p", "--format", "github"], None);
    assert!(String::from_utf8_lossy(&github.stdout).contains("page: p/x-raft-1.html"));
}

#[test]
fn a_look_at_an_event_is_the_same_however_the_run_gets_there() {
    let folder = tempfile::tempdir().expect("a folder");
    for event in ["1", "100", "239"] {
        let once = splitbrain(folder.path(), &["replay", "7", "--at", event], None);
        let twice = splitbrain(folder.path(), &["replay", "7", "--at", event, "--record", "tape"], None);
        assert_eq!(once.status.code(), Some(0), "{}", String::from_utf8_lossy(&once.stderr));
        assert_eq!(String::from_utf8_lossy(&once.stdout), String::from_utf8_lossy(&twice.stdout));
    }
    let beyond = splitbrain(folder.path(), &["replay", "7", "--at", "99999999"], None);
    assert_eq!(beyond.status.code(), Some(2));
}
