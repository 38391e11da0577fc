//! Searching from outside: a sweep that is killed and goes on, shards, tapes, and failures made small.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const BROKEN: &str = include_str!("broken.toml");

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("broken.toml"), BROKEN).expect("a file");
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG");
    command
}

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the program starts")
}

fn reports(folder: &Path) -> [Vec<u8>; 2] {
    ["report.txt", "report.json"].map(|name| fs::read(folder.join(name)).expect("a report"))
}

#[test]
fn a_sweep_that_is_killed_goes_on_and_ends_with_the_same_bytes() {
    let folder = folder();
    let sweep =
        |out: &'static str| ["sweep", "broken.toml", "--seeds", "0..399", "--shrink", "1", "--out", out];
    let whole = splitbrain(folder.path(), &sweep("whole"));
    assert_eq!(whole.status.code(), Some(1), "{}", String::from_utf8_lossy(&whole.stderr));
    let journal = folder.path().join("killed/journal.jsonl");
    let lines = || fs::read(&journal).map_or(0, |bytes| bytes.split(|&byte| byte == b'\n').count());
    let mut child = command(folder.path(), &sweep("killed")).spawn().expect("it starts");
    while lines() < 6 {
        assert!(child.try_wait().expect("a child").is_none(), "it must not end before it is killed");
        std::thread::yield_now();
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    assert!(!folder.path().join("killed/report.txt").exists(), "it was killed in the middle");
    // What a kill may leave besides: half a line.
    let mut torn = fs::read(&journal).expect("a journal");
    torn.extend_from_slice(b"{\"number\":9");
    fs::write(&journal, torn).expect("a journal");
    let resumed = splitbrain(folder.path(), &sweep("killed"));
    assert!(String::from_utf8_lossy(&resumed.stderr).contains("are in the journal already"));
    assert_eq!(resumed.stdout, whole.stdout);
    assert_eq!(reports(&folder.path().join("killed")), reports(&folder.path().join("whole")));
}

#[test]
fn shards_put_together_are_the_whole() {
    let folder = folder();
    let sweep = ["sweep", "broken.toml", "--seeds", "0..99", "--shrink", "1", "--out"];
    let with = |more: &[&'static str]| [&sweep[..], more].concat();
    splitbrain(folder.path(), &with(&["whole", "--threads", "1"]));
    splitbrain(folder.path(), &with(&["one", "--shard", "1/2"]));
    splitbrain(folder.path(), &with(&["two", "--shard", "2/2", "--threads", "2"]));
    let merge = ["merge", "two", "one", "--file", "broken.toml", "--shrink", "1", "--out", "both"];
    let merged = splitbrain(folder.path(), &merge);
    assert_eq!(merged.status.code(), Some(1), "{}", String::from_utf8_lossy(&merged.stderr));
    assert_eq!(reports(&folder.path().join("both")), reports(&folder.path().join("whole")));
    let other = splitbrain(folder.path(), &with(&["one", "--twice", "7"]));
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("the journal of another sweep"));
}

#[test]
fn a_tape_repeats_a_run_and_names_the_first_draw_that_does_not_fit() {
    let folder = folder();
    let replay = |more: &[&str]| {
        splitbrain(folder.path(), &[&["replay", "broken.toml", "--seed", "3"], more].concat())
    };
    let first = replay(&["--record", "tape"]);
    let again = replay(&["--tape", "tape"]);
    assert_eq!(first.stdout, again.stdout);
    let tape = fs::read_to_string(folder.path().join("tape")).expect("a tape");
    assert!(tape.starts_with("splitbrain-tape 1\n# one vote too many"), "{tape}");
    let edited = tape.replacen("network 20", "network 21", 1);
    let edited = if edited == tape { tape.replacen("network ", "disk ", 1) } else { edited };
    fs::write(folder.path().join("edited"), edited).expect("a file");
    let strict = replay(&["--tape", "edited"]);
    assert_eq!(strict.status.code(), Some(2));
    let said = String::from_utf8_lossy(&strict.stderr);
    assert!(said.contains("the tape does not fit: draw ") && said.contains("--tolerant"), "{said}");
    let tolerant = replay(&["--tape", "edited", "--tolerant"]);
    assert!(String::from_utf8_lossy(&tolerant.stderr).contains("the run parts from the tape: draw "));
    assert_ne!(tolerant.status.code(), Some(2));
}

#[test]
fn an_event_of_a_run_shows_every_node() {
    let folder = folder();
    let output = splitbrain(folder.path(), &["replay", "broken.toml", "--seed", "1", "--at", "40"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("after event 40 at "), "{said}");
    for node in ["a", "b", "c", "d", "e"] {
        assert!(said.contains(&format!("\n  {node}: ")), "{said}");
    }
}

#[test]
fn a_story_that_cannot_be_told_is_no_green_light() {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = r#"[{ change = { remove_voters = ["b"] }, via = "a", outcome = "in-progres" }]"#;
    let story =
        format!("title = \"x\"\n[cluster]\nmembers = [\"a\", \"b\", \"c\"]\n[story]\nsteps = {steps}\n");
    fs::write(folder.path().join("bad.toml"), story).expect("a file");
    let output = splitbrain(folder.path(), &["sweep", "bad.toml", "--seeds", "0..3"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("seed 0") && said.contains("in-progres"), "{said}");
}
