//! Drills: sweeps that are killed, stopped, told to end, short of disk, or two on one folder. Nothing is lost, nothing counts
//! twice, and the end is that of an undisturbed sweep, to the byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

const BROKEN: &str = include_str!("broken.toml");

const CALM: &str = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [{ run = '1s' }]\n\
                    [expect]\nviolations = 'none'\n";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("broken.toml"), BROKEN).expect("a file");
    fs::write(folder.path().join("calm.toml"), CALM).expect("a file");
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn begin(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
}

fn reports(folder: &Path) -> [String; 2] {
    ["report.txt", "report.json"].map(|name| fs::read_to_string(folder.join(name)).expect("a report"))
}

fn lines(journal: &Path) -> usize {
    fs::read(journal).map_or(0, |bytes| bytes.iter().filter(|&&byte| byte == b'\n').count())
}

/// Sends a signal, by its name.
fn signal(name: &str, process: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), process]).stderr(Stdio::null()).status();
    // It may be gone already.
    let _ = status.expect("kill is there");
}

/// Waits until a journal has so many lines; whether the sweep still runs then.
fn wait_for(child: &mut Child, journal: &Path, wanted: usize) -> bool {
    while lines(journal) < wanted {
        if child.try_wait().expect("a child").is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

fn sweep<'a>(file: &'a str, seeds: &'a str, out: &'a str) -> Vec<&'a str> {
    vec!["sweep", file, "--seeds", seeds, "--shrink", "0", "--out", out]
}

/// Kills a sweep after each of so many further blocks, and lets the last one end.
fn killed(kills: usize, seeds: &str) {
    let folder = folder();
    let whole = splitbrain(folder.path(), &sweep("broken.toml", seeds, "whole"));
    assert_eq!(whole.status.code(), Some(1), "{}", text(&whole.stderr));
    let journal = folder.path().join("killed/journal.jsonl");
    let mut made = 0;
    for _ in 0..kills {
        let mut child = begin(folder.path(), &sweep("broken.toml", seeds, "killed"));
        let before = lines(&journal);
        if wait_for(&mut child, &journal, before + 1) {
            child.kill().expect("SIGKILL");
            made += 1;
        }
        child.wait().expect("it ends");
    }
    assert!(made * 2 > kills, "most sweeps were killed in the middle: {made} of {kills}");
    let end = splitbrain(folder.path(), &sweep("broken.toml", seeds, "killed"));
    assert_eq!(end.status.code(), Some(1), "{}", text(&end.stderr));
    assert_eq!(reports(&folder.path().join("killed")), reports(&folder.path().join("whole")));
}

#[test]
fn a_sweep_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    killed(12, "0..799");
}

#[test]
#[ignore = "takes minutes: for every night"]
fn a_sweep_that_is_killed_a_hundred_times_ends_with_the_same_bytes() {
    killed(100, "0..7999");
}

/// The workers of a sweep.
fn workers(child: &Child) -> Vec<String> {
    let output =
        Command::new("pgrep").args(["-P", &child.id().to_string()]).output().expect("pgrep is there");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn workers_that_are_killed_or_stopped_from_outside_are_no_findings() {
    let folder = folder();
    let seeds = "0..4799";
    splitbrain(folder.path(), &sweep("broken.toml", seeds, "whole"));
    let journal = folder.path().join("shot/journal.jsonl");
    let arguments = [&sweep("broken.toml", seeds, "shot")[..], &["--patience", "1"]].concat();
    let mut child = begin(folder.path(), &arguments);
    let mut shot = 0;
    for round in 0..3 {
        let before = lines(&journal);
        if !wait_for(&mut child, &journal, before.max(1) + 2) {
            break;
        }
        for worker in workers(&child).iter().take(1) {
            signal(if round == 2 { "STOP" } else { "KILL" }, worker);
            shot += 1;
        }
    }
    child.wait().expect("it ends");
    assert_eq!(shot, 3, "workers were shot");
    assert_eq!(reports(&folder.path().join("shot")), reports(&folder.path().join("whole")));
}

#[test]
fn signals_let_a_sweep_finish_what_is_under_way_and_report() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let folder = folder();
        let arguments = sweep("calm.toml", "0..99999", "out");
        let mut child = begin(folder.path(), &arguments);
        let journal = folder.path().join("out/journal.jsonl");
        assert!(wait_for(&mut child, &journal, 3));
        signal(name, &child.id().to_string());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{name}: {}", text(&output.stderr));
        let [report, _] = reports(&folder.path().join("out"));
        assert!(report.contains("(not all of them yet)"), "{report}");
        let runs = (lines(&journal) - 1) * 16;
        assert!(report.contains(&format!("runs      {runs}, of them ")), "{name}: {runs} in {report}");
    }
}

#[test]
fn a_second_sweep_on_a_folder_is_told_who_has_it() {
    let folder = folder();
    let arguments = sweep("calm.toml", "0..99999", "out");
    let mut child = begin(folder.path(), &arguments);
    assert!(wait_for(&mut child, &folder.path().join("out/journal.jsonl"), 2));
    let second = splitbrain(folder.path(), &arguments);
    child.kill().expect("SIGKILL");
    child.wait().expect("it ends");
    assert_eq!(second.status.code(), Some(2));
    let words = format!("error: {}", folder.path().join("out/lock").display());
    let said = text(&second.stderr);
    assert!(said.contains(&words), "{said}");
    assert!(said.contains(&format!("another sweep is writing there, process {}", child.id())), "{said}");
}

#[test]
fn a_disk_that_is_full_and_a_folder_that_cannot_be_are_named() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_splitbrain");
    // No file may have more than 8 blocks, of 512 bytes or 1024.
    let script =
        format!("trap '' XFSZ; ulimit -f 8; exec '{program}' sweep calm.toml --seeds 0..9999 --out out");
    let full = Command::new("sh").current_dir(folder.path()).args(["-c", &script]).output().expect("a shell");
    let said = text(&full.stderr);
    assert_eq!(full.status.code(), Some(2), "{said}");
    assert!(said.contains("the sweep cannot go on: ") && said.contains("out/journal.jsonl: "), "{said}");
    let refused = splitbrain(folder.path(), &sweep("calm.toml", "0..9", "calm.toml/out"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("calm.toml/out: "), "{}", text(&refused.stderr));
}

/// Whatever stands where a journal should: a sweep and a merge end at once and name it.
#[test]
fn a_journal_that_is_no_file_is_refused_at_once() {
    let folder = folder();
    fs::create_dir(folder.path().join("out")).expect("a folder");
    let journal = folder.path().join("out/journal.jsonl");
    let made = Command::new("mkfifo").arg(&journal).status().expect("mkfifo is there");
    assert!(made.success());
    for arguments in [&sweep("calm.toml", "0..9", "out")[..], &["merge", "out"]] {
        let output = splitbrain(folder.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("out/journal.jsonl: expected a regular file or a pipe, found a FIFO"),
            "{said}"
        );
    }
}

#[test]
fn all_seeds_that_there_are_begin_at_once_and_end_in_time() {
    let folder = folder();
    let all = format!("0..{}", u64::MAX);
    let arguments = [&sweep("calm.toml", &all, "out")[..], &["--time", "1s", "--threads", "1"]].concat();
    let output = splitbrain(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let [report, _] = reports(&folder.path().join("out"));
    assert!(report.contains("(not all of them yet)"), "{report}");
    let merged = splitbrain(folder.path(), &["merge", "out", "--file", "calm.toml"]);
    assert_eq!(merged.status.code(), Some(3));
    assert!(
        text(&merged.stderr).contains(" of 1152921504606846976 blocks are missing"),
        "{}",
        text(&merged.stderr)
    );
}

/// A line of a journal.
fn line(text: &str) -> String {
    format!("{:016x} {text}\n", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// Two shards of a calm sweep; their journals.
fn shards(folder: &Path) -> [PathBuf; 2] {
    ["one", "two"].map(|name| {
        let shard = if name == "one" { "1/2" } else { "2/2" };
        let arguments =
            [&sweep("calm.toml", "0..63", name)[..], &["--shard", shard, "--threads", "1"]].concat();
        assert_eq!(splitbrain(folder, &arguments).status.code(), Some(0));
        folder.join(name).join("journal.jsonl")
    })
}

fn merge(folder: &Path, shards: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["merge"], shards, &["--file", "calm.toml", "--out", "deep/a/b"]].concat();
    let output = splitbrain(folder, &arguments);
    (output.status.code(), text(&output.stderr))
}

#[test]
fn a_merge_without_all_shards_is_no_verdict_and_overlap_counts_once() {
    let folder = folder();
    shards(folder.path());
    assert_eq!(merge(folder.path(), &["one", "two"]), (Some(0), String::new()));
    let whole = reports(&folder.path().join("deep/a/b"));
    assert_eq!(merge(folder.path(), &["one", "two", "one"]), (Some(0), String::new()));
    assert_eq!(reports(&folder.path().join("deep/a/b")), whole);
    let (code, said) = merge(folder.path(), &["one"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("2 of 4 blocks are missing, the first with the seeds 16..31"), "{said}");
}

#[test]
fn shards_that_contradict_each_other_or_are_damaged_are_not_believed() {
    let folder = folder();
    let [one, two] = shards(folder.path());
    let journal = fs::read_to_string(&one).expect("a journal");
    let first: Vec<&str> = journal.lines().collect();
    let (_, block) = first[1].split_once(' ').expect("a checksum");
    // A copy of the first shard that saw more events.
    let other = block.replacen("\"events\":", "\"events\":9", 1);
    fs::create_dir(folder.path().join("other")).expect("a folder");
    let forged = format!("{}\n{}", first[0], line(&other));
    fs::write(folder.path().join("other/journal.jsonl"), &forged).expect("a file");
    let (code, said) = merge(folder.path(), &["one", "two", "other"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("other/journal.jsonl: it and another shard differ in block 0: one of them is wrong"),
        "{said}"
    );
    // A damaged line, and one of a block that cannot be.
    let damaged = journal.replacen("\"runs\":16", "\"runs\":61", 1);
    fs::write(&one, damaged + &line(&block.replacen("\"number\":0", "\"number\":40", 1))).expect("a file");
    let (code, said) = merge(folder.path(), &["one", "two"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("one/journal.jsonl:2: damaged: "), "{said}");
    assert!(said.contains("one/journal.jsonl:4: block 40 is outside of the sweep, which has 4"), "{said}");
    // A sweep that goes on sets both aside and runs the seeds again.
    let resumed =
        splitbrain(folder.path(), &[&sweep("calm.toml", "0..63", "one")[..], &["--shard", "1/2"]].concat());
    assert!(text(&resumed.stderr).contains("set aside, its seeds run again"), "{}", text(&resumed.stderr));
    assert_eq!(merge(folder.path(), &["one", "two"]), (Some(0), String::new()));
    drop(two);
}

#[test]
fn a_journal_names_no_file_outside_of_its_folder_and_no_escape_sequence() {
    let folder = folder();
    let [one, _] = shards(folder.path());
    let journal = fs::read_to_string(&one).expect("a journal");
    let mut all: Vec<String> = journal.lines().map(str::to_owned).collect();
    let (_, block) = all[1].split_once(' ').expect("a checksum");
    let failure = "\"failures\":[{\"fingerprint\":{\"property\":\"../../../../escape\\u001b[2J\",\"shape\":\"x\\u202e\"},\
                   \"events\":1,\"seed\":1,\"summary\":\"so\\u001b[31m\"}]";
    let forged = block.replacen("\"failures\":[]", failure, 1);
    assert_ne!(forged, block);
    all[1] = line(&forged).trim_end().to_owned();
    fs::write(&one, all.join("\n") + "\n").expect("a file");
    let output =
        splitbrain(folder.path(), &["merge", "one", "two", "--file", "calm.toml", "--out", "deep/a/b"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains(['\u{1b}', '\u{202e}']), "{}", text(&output.stdout));
    let names: Vec<String> = fs::read_dir(folder.path().join("deep/a/b/failures"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(
        names.len() == 1 && names[0].starts_with("escape--2J-") && names[0].ends_with(".toml"),
        "{names:?}"
    );
    let above: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(above.len(), 5, "{above:?}");
}
