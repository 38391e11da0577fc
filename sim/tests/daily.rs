//! What helps from day to day, from outside: first files, form, lint, completions, manual.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asks, and gives the exit code and what was said on both outputs.
fn ask(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = splitbrain(folder, arguments);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn first_files_run_as_they_are_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("tests")).expect("a folder");
    fs::write(folder.path().join("tests/splitbrain.rs"), "mine").expect("a file");
    let (code, _, said) = ask(folder.path(), &["init"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("written: ./scenarios/leader-alone.toml"), "{said}");
    assert!(said.contains("there already, left as it is: ./tests/splitbrain.rs"), "{said}");
    assert_eq!(fs::read_to_string(folder.path().join("tests/splitbrain.rs")).expect("a file"), "mine");
    assert!(folder.path().join(".github/workflows/splitbrain.yml").exists());
    let (code, _, said) =
        ask(folder.path(), &["new", "scenario", "scenarios/mine.toml", "--title", "It's \"mine\""]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ask(folder.path(), &["new", "scenario", "scenarios/mine.toml"]).0, Some(2));
    let (code, said, _) = ask(folder.path(), &["run", "scenarios", "--report", "all"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("It's \"mine\"") && said.ends_with("2 runs: 2 as expected, 0 not\n"), "{said}");
    assert_eq!(ask(folder.path(), &["fmt", "--check", "scenarios"]).0, Some(0), "they are in form");
    assert_eq!(ask(folder.path(), &["lint", "scenarios"]).1, "2 files: 0 cannot be run\n");
}

#[test]
fn form_keeps_comments_and_meaning() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.toml");
    let before = "# Head.\ntitle  = \"t\"\nsource = \"s\"   # from a talk\n[cluster]\nmembers = [\"a\"]\n[story]\n\
                  steps = [{elect=\"a\"}, # first\n  # then\n  { run = \"1s\" }]\n[expect]\nviolations = \"none\"\n\n\n";
    fs::write(&path, before).expect("a file");
    assert_eq!(ask(folder.path(), &["fmt", "--check", "x.toml"]).0, Some(1));
    assert_eq!(fs::read_to_string(&path).expect("a file"), before, "a check changes nothing");
    let run = || ask(folder.path(), &["run", "x.toml"]).1;
    let report = run();
    assert_eq!(ask(folder.path(), &["fmt", "x.toml"]).0, Some(0));
    let after = fs::read_to_string(&path).expect("a file");
    let expected = "# Head.\ntitle  = \"t\"\nsource = \"s\"   # from a talk\n[cluster]\nmembers = [\"a\"]\n[story]\n\
                    steps = [\n  { elect = \"a\" }, # first\n  # then\n  { run = \"1s\" },\n]\n[expect]\nviolations = \"none\"\n";
    assert_eq!(after, expected);
    assert_eq!(run(), report);
    assert_eq!(ask(folder.path(), &["fmt", "--check", "x.toml"]).0, Some(0));
}

#[test]
fn lint_runs_nothing_and_names_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let good = "title = \"t\"\nsource = \"s\"\n[cluster]\nmembers = [\"a\"]\n[rules]\noff = [\"initial-lag\"]\n[story]\n\
                steps = [{ run = \"9000s\" }]\n[expect]\nviolations = \"none\"\n";
    fs::write(folder.path().join("x.toml"), good).expect("a file");
    let (code, said, wrong) = ask(folder.path(), &["lint", "x.toml"]);
    assert_eq!((code, said.as_str()), (Some(1), "1 file: 1 cannot be run\n"));
    assert!(wrong.contains("x.toml:6:8: ") && wrong.contains("did you mean \"initial-log\"?"), "{wrong}");
}

#[test]
fn shells_and_manuals_know_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let (code, said, _) = ask(folder.path(), &["completions", shell]);
        assert!(code == Some(0) && said.contains("print-seed") && said.contains("--seeds"), "{shell}");
    }
    let (code, said, _) = ask(folder.path(), &["man"]);
    assert!(code == Some(0) && said.contains(".TH splitbrain 1") && said.contains("no verdict"), "{said}");
    assert_eq!(ask(folder.path(), &["man", "--out", "pages"]).0, Some(0));
    let page = fs::read_to_string(folder.path().join("pages/splitbrain-sweep.1")).expect("a page");
    assert!(page.contains("patience"), "{page}");
}

#[test]
fn exit_codes_are_told_by_help_and_by_the_book() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, said, _) = ask(folder.path(), &["--help"]);
    let book = include_str!("../../docs/formats.md");
    for code in ["0", "1", "2", "3", "130"] {
        assert!(said.contains(&format!("{code} ")), "{said}");
        assert!(book.contains(&format!("| {code} |")) || book.contains(&format!(", {code}")), "{code}");
    }
}

#[test]
fn lint_tells_every_mistake_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a']\n[cluster.options]\npre-vite = true\nbatch = 3\n\
                [rules]\noff = ['initial-lag', 'intial-log']\n[story]\nsteps = [{ elect = 'a' }]\n[expect]\n\
                violations = 'none'\n";
    fs::write(folder.path().join("x.toml"), text).expect("a file");
    let (code, said, told) = ask(folder.path(), &["lint", "x.toml"]);
    assert_eq!((code, said.as_str()), (Some(1), "1 file: 1 cannot be run\n"));
    let places: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("error: x.toml:")?.split(": ").next()).collect();
    assert_eq!(places, ["9:8", "9:23", "7:1", "6:1"], "{told}");
    assert!(told.contains("help: did you mean \"pre-vote\"?"), "{told}");
    let shown = told.lines().find(|line| line.contains("known here: ")).expect("what there is");
    assert!(shown.contains(" more") && shown.matches(", ").count() < 9, "{shown}");
    fs::write(
        folder.path().join("y.toml"),
        text.replace("elect = 'a'", "elect = 'b'").replace("title", "titel"),
    )
    .expect("a file");
    let (_, _, told) = ask(folder.path(), &["lint", "y.toml"]);
    assert!(told.contains("y.toml:1:1: ") && told.contains("y.toml:11:20: "), "{told}");
}
