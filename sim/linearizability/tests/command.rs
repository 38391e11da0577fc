//! The command: exit codes, what it prints, and the picture.
#![cfg(feature = "cli")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use splitbrain_linearizability::command::{CheckArgs, run};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: CheckArgs,
}

const GOOD: &str = "{:process 0 :type :invoke :f :write :value 1}{:process 0 :type :ok :f :write :value 1}";
const STALE: &str = "[{:process 0 :type :invoke :f :write :value 1}{:process 0 :type :ok :f :write :value 1}
    {:process 1 :type :invoke :f :write :value 2}{:process 1 :type :ok :f :write :value 2}
    {:process 0 :type :invoke :f :read :value nil}{:process 0 :type :ok :f :read :value 1}]";

/// A folder of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn check(words: &[&str]) -> (u8, String, String) {
    let command = Command::try_parse_from([&["check"], words].concat()).expect("right arguments");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(&command.args, &mut out, &mut err);
    (code, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

#[test]
fn the_worst_file_decides_the_exit_code() {
    let folder = folder("codes");
    let file = |name: &str, text: &str| {
        let place = folder.join(name);
        fs::write(&place, text).expect("written");
        place.display().to_string()
    };
    let good = file("good.edn", GOOD);
    let stale = file("stale.edn", STALE);
    let bad = file("bad.edn", "{:process 0");
    let missing = folder.join("missing").display().to_string();
    // Both values are written twice at once, so only the search can tell, and it may take no step.
    let twice = GOOD.replace(
        "{:process 0 :type :ok",
        "{:process 1 :type :invoke :f :write :value 1}{:process 0 :type :ok",
    );
    let hard = file("hard.edn", &twice);
    assert_eq!(check(&[&good]).0, 0);
    assert_eq!(check(&[&good, &stale]).0, 1);
    assert_eq!(check(&[&hard]).0, 0);
    assert_eq!(check(&[&good, &hard, "--budget", "0"]).0, 3);
    assert_eq!(check(&[&hard, &stale, "--budget", "0"]).0, 1);
    assert_eq!(check(&[&stale, &bad, &good]).0, 2);
    assert_eq!(check(&[&missing]).0, 2);
    assert!(check(&[&bad]).2.contains("bad.edn:1: expected an operation"));
}

#[test]
fn it_prints_why_and_draws_it() {
    let folder = folder("pictures");
    let place = folder.join("stale.edn").display().to_string();
    fs::write(&place, STALE).expect("written");
    let picture = folder.join("out.html");
    let (code, out, _) = check(&[&place, "--html", &picture.display().to_string()]);
    assert_eq!(code, 1);
    let expected = "stale.edn: NOT linearizable (3 operations, model register, guessed)
The file is linearizable before line 3, and is not from there on.
These operations on key 0 contradict each other, whatever the others did:
            line 1  process 0 write 1 (may have happened)
            line 2  process 1 write 2
            line 3  process 0 read -> 1
  process 0    ├write 1──┤               ╞read -> 1══╡
  process 1                 ╞write 2══╡
The longest order that can be made of them:
  1. process 1 write 2
Then the value is 2, and none of the others can be next:
  process 0 read -> 1: the value is 2
";
    assert!(out.ends_with(expected), "{out}");
    let page = fs::read_to_string(&picture).expect("drawn");
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
    let left: Vec<_> = fs::read_dir(&folder).expect("listed").collect();
    assert_eq!(left.len(), 2, "nothing half written stays");
}

#[test]
fn json_for_machines() {
    let place = folder("json").join("stale.edn").display().to_string();
    fs::write(&place, STALE).expect("written");
    let (_, out, _) = check(&[&place, "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(value["verdict"], "not-linearizable");
    assert_eq!(value["contradiction"].as_array().map(Vec::len), Some(2));
    assert_eq!(value["helpers"][0]["operation"], "write 1");
    assert_eq!(value["fails-from-line"], 3);
    assert_eq!(value["stuck"][0]["why"], "the value is 2");
}

#[test]
fn the_initial_value_and_the_model_may_be_given() {
    let place = folder("initial").join("read.edn").display().to_string();
    fs::write(&place, "{:process 0 :type :invoke :f :read}{:process 0 :type :ok :f :read :value 7}")
        .expect("written");
    assert_eq!(check(&[&place]).0, 1);
    assert_eq!(check(&[&place, "--init", "7"]).0, 0);
    assert_eq!(check(&[&place, "--init", "7", "--model", "cas-register"]).0, 0);
    fs::write(&place, "{:process 0 :type :invoke :f :cas :value [1 2]}").expect("written");
    let (code, _, err) = check(&[&place, "--model", "register"]);
    assert_eq!(code, 2);
    assert!(err.contains("try --model cas-register"), "{err}");
}

#[test]
fn a_budget_is_steps_and_memory_and_no_time() {
    for (text, fine) in [("50M", true), ("512MiB,1000", true), ("1GiB", true), ("30s", false), ("M", false)] {
        assert_eq!(Command::try_parse_from(["check", "f", "--budget", text]).is_ok(), fine, "{text}");
    }
}

#[test]
fn unknown_says_how_far_it_came_and_what_to_try() {
    let place = folder("far").join("twice.edn").display().to_string();
    let twice = "{:process 1 :type :invoke :f :write :value 1}".to_owned() + GOOD + GOOD;
    fs::write(&place, twice).expect("written");
    let (code, out, _) = check(&[&place, "--budget", "2"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("of 2 answers"), "{out}");
    assert!(out.contains("Try --budget 10000000."), "{out}");
    assert_eq!(check(&[&place, "--budget", "2"]).1, out, "the same again");
}

#[test]
fn packed_histories_are_read_as_they_lie() {
    let folder = folder("packed");
    let pack = |text: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packer, text).expect("in memory");
        packer.finish().expect("in memory")
    };
    let place = folder.join("stale.edn.gz").display().to_string();
    fs::write(&place, pack(STALE.as_bytes())).expect("written");
    assert_eq!(check(&[&place]).0, 1);
    let damaged = pack(STALE.as_bytes());
    fs::write(&place, &damaged[..damaged.len() / 2]).expect("written");
    let (code, _, err) = check(&[&place]);
    assert_eq!(code, 2);
    assert!(err.contains("stale.edn.gz: as gzip it is damaged"), "{err}");
}

#[test]
fn a_history_cannot_command_the_terminal() {
    let place = folder("escapes").join("h.edn").display().to_string();
    let text = "{:process 0 :type :invoke :f :read :key \"\u{1b}[31m\u{202e}\"}\n{:process 0 :type :ok :f :read :value 7}";
    fs::write(&place, text).expect("written");
    let (code, out, _) = check(&[&place]);
    assert_eq!(code, 1);
    assert!(!out.contains(['\u{1b}', '\u{202e}']) && out.contains("\\u{1b}[31m"), "{out}");
}

/// Writes a history and checks it.
fn check_text(name: &str, text: &str, words: &[&str]) -> (u8, String, String) {
    let place = folder(name).join("h.edn").display().to_string();
    fs::write(&place, text).expect("written");
    check(&[&[place.as_str()], words].concat())
}

#[test]
fn nothing_to_judge_is_no_proof() {
    let nemesis = "{:process :nemesis :type :info :f :start}{:process :nemesis :type :info :f :stop}";
    let (code, out, _) = check_text("nothing", nemesis, &[]);
    assert_eq!(code, 3);
    assert!(
        out.ends_with("unknown: nothing to judge, no operation of a client may have happened\n"),
        "{out}"
    );
    let failed = "{:process 0 :type :invoke :f :write :value 1}{:process 0 :type :fail :f :write :value 1}";
    assert_eq!(check_text("nothing", failed, &["--format", "json"]).0, 3);
}

#[cfg(unix)]
#[test]
fn what_may_never_end_is_refused_at_once() {
    let fifo = folder("endless").join(format!("fifo-{}", std::process::id()));
    let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo is there");
    assert!(made.success());
    let (code, _, err) = check(&[&fifo.display().to_string()]);
    fs::remove_file(&fifo).expect("removed");
    assert_eq!(code, 2);
    assert!(err.contains("found a FIFO that nobody may ever write into"), "{err}");
    assert!(check(&["/dev/zero"]).2.contains("found a device"));
    assert!(check(&["/"]).2.contains("found a folder"));
}

#[test]
fn sequential_consistency_may_be_asked_for() {
    // Process 1 reads an old value after process 0 was told that its write is done: out of time, in order.
    let stale = "{:process 0 :type :invoke :f :write :value 1}{:process 0 :type :ok :f :write :value 1}
        {:process 1 :type :invoke :f :read}{:process 1 :type :ok :f :read :value 0}";
    assert_eq!(check_text("sequential", stale, &["--init", "0"]).0, 1);
    let (code, out, _) = check_text("sequential", stale, &["--init", "0", "--consistency", "sequential"]);
    assert!(
        code == 0 && out.ends_with("sequentially consistent (2 operations, model register, guessed)\n"),
        "{out}"
    );
    let back = format!(
        "{stale}{}",
        stale.replace(":process 1", ":process 0").replace(":write :value 1", ":read :value 1")
    );
    let (code, out, _) = check_text("sequential", &back, &["--init", "0", "--consistency", "sequential"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("The longest order found holds 3 operations; then no process can go on:"), "{out}");
    let (code, _, err) = check_text("sequential", stale, &["--consistency", "serializable"]);
    assert!(code == 2 && err.contains("expected --consistency linearizable or sequential"), "{err}");
}

#[test]
fn transactions_are_judged_by_their_dependencies() {
    let skew = "{:process 0 :type :invoke :f :txn :value [[:r :x nil] [:append :y 1]]}
        {:process 1 :type :invoke :f :txn :value [[:r :y nil] [:append :x 2]]}
        {:process 0 :type :ok :f :txn :value [[:r :x []] [:append :y 1]]}
        {:process 1 :type :ok :f :txn :value [[:r :y []] [:append :x 2]]}";
    let (code, out, _) = check_text("transactions", skew, &[]);
    assert_eq!(code, 1);
    let expected = "NOT within strict serializability (2 transactions, model list-append, guessed)
G2, which contradicts serializability:
  T0, lines 1-3, process 0: [r :x []] [append :y 1]
  T1, lines 2-4, process 1: [r :y []] [append :x 2]
  so each comes before the next, and the last before the first:
    T0 read :x when 2, which T1 wrote, was not there
    T1 read :y when 1, which T0 wrote, was not there
Nothing contradicts snapshot isolation.
";
    assert!(out.ends_with(expected), "{out}");
    assert_eq!(check_text("transactions", skew, &["--consistency", "snapshot-isolation"]).0, 0);
    let (_, out, _) = check_text("transactions", skew, &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("one object");
    assert_eq!(value["verdict"], "not-strict-serializable");
    assert_eq!(value["anomalies"][0]["transactions"][1]["line"], 2);
    let (code, _, err) = check_text("transactions", skew, &["--model", "rw-register"]);
    assert!(code == 2 && err.contains("expected transactions of reads and writes"), "{err}");
}

#[test]
fn a_bank_keeps_its_sum() {
    let moved = "{:process 0 :type :invoke :f :read}{:process 0 :type :ok :f :read :value {0 10, 1 0}}
        {:process 0 :type :invoke :f :transfer :value {:from 0, :to 1, :amount 4}}
        {:process 0 :type :ok :f :transfer :value {:from 0, :to 1, :amount 4}}
        {:process 1 :type :invoke :f :read}{:process 1 :type :ok :f :read :value {0 6, 1 4}}";
    let (code, out, _) = check_text("bank", moved, &[]);
    assert!(code == 0 && out.contains("every one of 2 reads shows 10, as the first read shows"), "{out}");
    let (code, out, _) = check_text("bank", &moved.replace("1 4}", "1 5}"), &[]);
    assert!(code == 1 && out.contains("  line 4: wrong-total: the accounts hold 11, not 10"), "{out}");
    let (code, out, _) = check_text("bank", &moved.replace("{0 6, 1 4}", "{0 -1, 1 11}"), &["--init", "10"]);
    assert!(code == 1 && out.contains("negative-value: account 0 holds -1"), "{out}");
}

#[test]
fn a_stream_is_judged_in_passing() {
    let lines = STALE.trim_matches(['[', ']']).replace("}{", "}\n{");
    let (code, out, _) = check_text("stream", &lines, &["--stream"]);
    assert_eq!(code, 1);
    let expected =
        "NOT kept (3 operations, model register, guessed, in passing)\n  line 6: process 0 read -> 1: ";
    assert!(out.contains(expected), "{out}");
    assert_eq!(check_text("stream", &lines.replace(":value 1}]", ":value 2}"), &["--stream"]).0, 1);
    assert_eq!(check_text("stream", "{:process :nemesis :type :info :f :start}", &["--stream"]).0, 3);
}
