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

#[test]
fn bad_arguments() {
    check_bad(&[], &[], &["Usage: splitbrain"]);
    check_bad(&[], &["run"], &["<PATH>"]);
    check_bad(&[], &["runn"], &["'run'"]);
    check_bad(&[], &["run", ".", "--seeds", "4..1"], &["expected a range of seeds such as 1..100"]);
    check_bad(&[], &["run", ".", "--seed", "1", "--seeds", "1..2"], &["cannot be used with"]);
    check_bad(&[], &["run", ".", "--format", "xml"], &["text, json"]);
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
