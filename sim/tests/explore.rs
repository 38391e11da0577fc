//! `splitbrain explore` from outside: what it says, its exit codes, and that two processes count alike.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn world(off: &str, expected: &str, terms: u32) -> String {
    format!(
        "title = 'a small world'\nsource = 'here'\n[cluster]\nmembers = ['a', 'b', 'c']\n\
         [cluster.options]\npre-vote = false\ncheck-quorum = false\nstickiness = false\n\
         {off}[explore]\nterms = {terms}\ntimeouts = 2\nproposals = 0\n\
         [story]\nsteps = [{{ settle = true }}]\n[expect]\nviolations = {expected}\n"
    )
}

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().expect("the program starts")
}

/// The report without how long it took.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split(' ').filter(|word| word.parse::<f64>().is_err() || !word.contains('.')).collect()
}

#[test]
fn two_processes_with_one_thread_and_two_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("kept.toml"), world("", "'none'", 2)).expect("a file");
    let one = splitbrain(folder.path(), &["explore", "kept.toml", "--threads", "1"]);
    let two = splitbrain(folder.path(), &["explore", "kept.toml", "--threads", "2"]);
    assert_eq!(one.status.code(), Some(0), "{}", String::from_utf8_lossy(&one.stderr));
    assert!(said(&one).contains("nopromisebroken"), "{}", said(&one));
    assert_eq!(said(&one), said(&two));
}

#[test]
fn a_shortest_run_is_written_and_run_repeats_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = world("[rules]\noff = ['one-vote-per-term']\n", "['election-safety']", 1);
    fs::write(folder.path().join("broken.toml"), text).expect("a file");
    let found = splitbrain(folder.path(), &["explore", "broken.toml", "--out", "found.toml"]);
    assert_eq!(found.status.code(), Some(0), "{}", String::from_utf8_lossy(&found.stderr));
    assert!(said(&found).contains("brokenin6moves"), "{}", said(&found));
    let again = splitbrain(folder.path(), &["run", "found.toml"]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));
}

#[test]
fn what_was_not_expected_and_what_was_not_finished_have_their_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = world("[rules]\noff = ['one-vote-per-term']\n", "'none'", 1);
    fs::write(folder.path().join("broken.toml"), broken).expect("a file");
    assert_eq!(splitbrain(folder.path(), &["explore", "broken.toml"]).status.code(), Some(1));
    fs::write(folder.path().join("kept.toml"), world("", "'none'", 2)).expect("a file");
    let given_up = splitbrain(folder.path(), &["explore", "kept.toml", "--states", "100"]);
    assert_eq!(given_up.status.code(), Some(3));
    assert!(said(&given_up).contains("gaveupat100states"), "{}", said(&given_up));
    let fifo = world("[network]\norder = 'fifo'\n", "'none'", 1);
    fs::write(folder.path().join("fifo.toml"), fifo).expect("a file");
    let refused = splitbrain(folder.path(), &["explore", "fifo.toml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("cannot be explored"));
}
