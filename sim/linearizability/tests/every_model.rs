//! Every model against trying every order, in random small histories; and in Jepsen's own words, one right history and
//! the same with a wrong answer planted.
//!
//! `PROPTEST_CASES=100000 cargo test --test every_model` is the long run.
#![cfg(feature = "edn")]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use splitbrain_linearizability::read::read;
use splitbrain_linearizability::{Kind, Method, Options, Verdict, check, exhaustive, explain};

/// Cases for each model, when `PROPTEST_CASES` does not say.
const CASES: u32 = 2_000;

fn config() -> Config {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    Config { cases, ..Config::default() }
}

#[test]
fn every_model_agrees_with_trying_every_order() {
    for kind in Kind::ALL {
        let verdicts = [Cell::new(0u32), Cell::new(0)];
        let bytes = proptest::collection::vec(any::<u8>(), 20..160);
        let result = TestRunner::new(config()).run(&bytes, |bytes| {
            let mut rest = bytes.iter();
            let mut draw = |n: u32| u32::from(rest.next().copied().unwrap_or(0)) % n;
            let (history, model) = exhaustive::sample(kind, 7, &mut draw);
            let truth = exhaustive::is_linearizable(&history, &model);
            let count = &verdicts[usize::from(truth)];
            count.set(count.get() + 1);
            for method in [Method::Best, Method::Search] {
                match check(&history, &model, &Options { method, ..Options::default() }) {
                    Verdict::Linearizable => prop_assert!(truth, "{method:?} accepts {history:?}"),
                    Verdict::NotLinearizable(evidence) => {
                        prop_assert!(!truth, "{method:?} rejects {history:?}");
                        let blamed = history.only(&explain(&history, &model, &evidence).operations);
                        prop_assert!(
                            !exhaustive::is_linearizable(&blamed, &model),
                            "false blame {history:?}"
                        );
                    }
                    Verdict::Unknown(..) => prop_assert!(false, "small histories are decided"),
                }
            }
            Ok(())
        });
        result.unwrap_or_else(|wrong| panic!("{}: {wrong}", kind.name()));
        let least = config().cases / 50;
        assert!(verdicts.iter().all(|count| count.get() >= least), "{}: one-sided {verdicts:?}", kind.name());
    }
}

/// A history in short: process, type, `:f`, value on each line.
fn edn(short: &str) -> String {
    let mut text = String::new();
    for line in short.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or("nil");
        let (process, kind, name, value) = (word(), word(), word(), word());
        text += &format!("{{:process {process}, :type :{kind}, :f :{name}, :value {value}}}\n");
    }
    text
}

/// Whether a history is linearizable, as which model, guessed when none is given.
fn judged(short: &str, kind: Option<Kind>) -> (&'static str, bool) {
    let recorded = read("h", &edn(short), None).unwrap_or_else(|wrong| panic!("{wrong}"));
    let model = recorded.model(kind);
    let verdict = check(&recorded.history, &model, &Options::default());
    (model.kind().name(), verdict == Verdict::Linearizable)
}

/// A right history of a model; the same with one word replaced is wrong.
fn planted(kind: Kind, guessed: bool, short: &str, right: &str, wrong: &str) {
    let given = (!guessed).then_some(kind);
    assert!(short.contains(right));
    assert_eq!(judged(short, given), (kind.name(), true), "{short}");
    let broken = short.replace(right, wrong);
    assert_eq!(judged(&broken, given), (kind.name(), false), "{broken}");
}

#[test]
fn registers() {
    let history = "0 invoke write 1\n0 ok write 1\n1 invoke read nil\n1 ok read 1";
    planted(Kind::Register, true, history, "ok read 1", "ok read 2");
    let history =
        "0 invoke write 1\n0 ok write 1\n1 invoke cas [1 2]\n1 ok cas [1 2]\n1 invoke read\n1 ok read 2";
    planted(Kind::CasRegister, true, history, "ok read 2", "ok read 1");
    let history = "0 invoke put 1\n0 ok put 1\n1 invoke get nil\n1 ok get 1";
    planted(Kind::KeyValue, true, history, "ok get 1", "ok get 2");
    let history =
        "0 invoke append 1\n0 ok append 1\n0 invoke append 2\n0 ok append 2\n1 invoke read\n1 ok read [1 2]";
    planted(Kind::AppendList, true, history, "[1 2]", "[2 1]");
    let history = "
        0 invoke txn [[:w :x 1] [:w :y 1]]
        1 invoke txn [[:r :x nil] [:r :y nil]]
        0 ok txn [[:w :x 1] [:w :y 1]]
        1 ok txn [[:r :x 1] [:r :y 1]]
        2 invoke txn [[:r :z nil]]
        2 ok txn [[:r :z nil]]";
    planted(
        Kind::MultiRegister,
        true,
        history,
        "1 ok txn [[:r :x 1] [:r :y 1]]",
        "1 ok txn [[:r :x 1] [:r :y 2]]",
    );
}

#[test]
fn locks() {
    let taken_twice = "
        0 invoke acquire nil
        0 ok acquire nil
        1 invoke acquire nil
        0 invoke release nil
        0 ok release nil
        1 ok acquire nil";
    planted(Kind::Mutex, true, taken_twice, "0 invoke release nil\n        0 ok release nil\n", "");
    let by_another = "0 invoke acquire\n0 ok acquire\n0 invoke release\n0 ok release";
    planted(
        Kind::OwnedMutex,
        false,
        by_another,
        "0 ok release",
        "0 fail release\n1 invoke release\n1 ok release",
    );
    assert!(judged("0 invoke acquire\n0 ok acquire\n1 invoke release\n1 ok release", Some(Kind::Mutex)).1);
    let again = "
        0 invoke acquire
        0 ok acquire
        0 invoke acquire
        0 ok acquire
        0 invoke release
        0 ok release
        0 invoke release
        0 ok release
        1 invoke acquire
        1 ok acquire";
    let released_once = "0 ok release\n        0 invoke release\n        0 ok release\n";
    planted(Kind::ReentrantLock, false, again, released_once, "0 ok release\n");
    let fences = "
        0 invoke acquire {:client \"n1\"}
        0 ok acquire {:client \"n1\", :fence 3}
        0 invoke release {:client \"n1\"}
        0 ok release {:client \"n1\"}
        1 invoke acquire {:client \"n2\"}
        1 ok acquire {:client \"n2\", :fence 5}";
    planted(Kind::FencedLock, true, fences, ":fence 5", ":fence 3");
}

#[test]
fn sets() {
    let grown = "
        0 invoke add 1
        1 invoke add 2
        0 ok add 1
        2 invoke read nil
        2 ok read #{1}
        1 info add 2
        2 invoke read nil
        2 ok read [2 1]";
    planted(Kind::GrowOnlySet, true, grown, "#{1}", "#{}");
    planted(Kind::GrowOnlySet, true, grown, "ok read [2 1]", "ok read [2]");
    let removed = "
        0 invoke add 1
        0 ok add 1
        0 invoke remove 1
        0 ok remove 1
        2 invoke read nil
        2 ok read #{}";
    planted(Kind::Set, true, removed, "#{}", "#{1}");
}

#[test]
fn queues() {
    let history = "
        0 invoke enqueue 1
        0 ok enqueue 1
        0 invoke enqueue 2
        0 ok enqueue 2
        1 invoke dequeue nil
        1 ok dequeue 1
        1 invoke drain nil
        1 ok drain [2]";
    planted(Kind::FifoQueue, false, history, "ok dequeue 1", "ok dequeue 2");
    planted(Kind::UnorderedQueue, true, history, "ok drain [2]", "ok drain [2 2]");
    let other_way = history.replace("dequeue 1", "dequeue 2").replace("drain [2]", "drain [1]");
    assert!(judged(&other_way, Some(Kind::UnorderedQueue)).1);
    assert!(!judged(&other_way, Some(Kind::FifoQueue)).1);
}

#[test]
fn counters() {
    let history = "0 invoke inc nil\n0 ok inc nil\n1 invoke add 5\n1 info add 5\n2 invoke dec 2\n2 ok dec 2\n0 invoke read\n0 ok read 4";
    planted(Kind::Counter, true, history, "ok read 4", "ok read 5");
    let added = "0 invoke add 5\n0 ok add 5\n1 invoke read nil\n1 ok read 5";
    planted(Kind::Counter, true, added, "read 5", "read 6");
}

/// What real tests of sets and queues record: thousands of operations, many of them unanswered. Only a survey, which
/// does not try orders, answers in time.
#[test]
fn long_histories_of_sets_and_queues() {
    let mut set = String::new();
    let mut queue = String::new();
    for number in 0..3_000 {
        // Who got no answer never comes back.
        let (process, end) = if number % 20 == 7 { (1_000 + number, "info") } else { (number % 10, "ok") };
        set += &format!("{process} invoke add {number}\n{process} {end} add {number}\n");
        queue += &format!("{process} invoke enqueue {number}\n{process} {end} enqueue {number}\n");
    }
    let all: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    set += &format!("0 invoke read nil\n0 ok read #{{{}}}\n", all.join(" "));
    queue += &format!("0 invoke drain nil\n0 ok drain [{}]\n", all.join(" "));
    assert_eq!(judged(&set, None), ("grow-only-set", true));
    assert_eq!(judged(&set.replace(" 2999}", "}"), None), ("grow-only-set", false));
    assert_eq!(judged(&queue, Some(Kind::FifoQueue)), ("fifo-queue", true));
    assert_eq!(judged(&queue.replace("[0 1", "[1 1"), None), ("unordered-queue", false));
    assert_eq!(blamed(&set.replace(" 2998 ", " "), None), ["add 2998", "read"]);
    queue = queue.replace(
        "0 invoke drain",
        "0 invoke dequeue nil\n0 ok dequeue 1\n0 invoke dequeue nil\n0 ok dequeue 0\n0 invoke drain",
    );
    let swapped = blamed(&queue.replace("[0 1 ", "["), Some(Kind::FifoQueue));
    assert_eq!(swapped, ["enqueue 0", "dequeue -> 1"]);
}

/// A counter that many add to at once, one answer in twenty missing; the reads are right.
fn counted(adds: u32, down: bool) -> String {
    let mut text = String::new();
    let mut sum = 0;
    for number in 0..adds {
        let by = if down && number % 3 == 2 { -1 } else { 1 };
        // Who got no answer never comes back, and nothing came of it.
        let (process, end) = if number % 20 == 7 { (1_000 + number, "info") } else { (number % 10, "ok") };
        text += &format!("{process} invoke add {by}\n{process} {end} add {by}\n");
        sum += if end == "ok" { by } else { 0 };
        if number % 10 == 9 {
            text += &format!("11 invoke read nil\n11 ok read {sum}\n");
        }
    }
    text
}

/// Of thousands of operations few are to blame: two reads, and what came between them for certain.
#[test]
fn blame_in_long_histories_of_counters_is_small() {
    let up = counted(6_000, false);
    assert_eq!(blamed(&up.replace("read 5700\n", "read 9999\n"), None), ["read -> 9999"]);
    // The read before shows 4740, and ten were added behind that.
    assert_eq!(
        blamed(&up.replace("ok read 4750\n", "ok read 4730\n"), None),
        ["read -> 4740", "read -> 4730"]
    );
    let lost = blamed(&up.replace("ok read 4750\n", "ok read 4742\n"), None);
    assert_eq!(lost, ["read -> 4740", "add 1", "add 1", "add 1", "read -> 4742"]);
    let both = counted(6_000, true);
    let reads: Vec<&str> = both.lines().filter(|line| line.starts_with("11 ok")).collect();
    let last = *reads.last().expect("reads");
    let far = blamed(&both.replace(&format!("{last}\n"), "11 ok read 1\n"), None);
    assert_eq!(far.len(), 2, "{far:?}");
}

/// What is blamed, without what a read saw.
fn blamed(short: &str, kind: Option<Kind>) -> Vec<String> {
    let recorded = read("h", &edn(short), None).unwrap_or_else(|wrong| panic!("{wrong}"));
    let model = recorded.model(kind);
    let Verdict::NotLinearizable(evidence) = check(&recorded.history, &model, &Options::default()) else {
        panic!("nothing is blamed");
    };
    let why = explain(&recorded.history, &model, &evidence);
    let what = |place: &u32| why.what[place].split(" -> #").next().unwrap_or_default().to_owned();
    why.operations.iter().map(what).collect()
}
