//! Histories judged while they are read: the same verdicts as of the whole, in every form of text.
#![cfg(all(feature = "edn", feature = "json"))]

use std::io::Cursor;

use splitbrain_linearizability::generate::{Workload, generate};
use splitbrain_linearizability::read::stream::{End, Follow, Promise, follow};
use splitbrain_linearizability::read::{Format, read};
use splitbrain_linearizability::{Action, Kind, Options, Output, Value, Verdict, check, explain};

/// A workload's events, one a line.
fn text(workload: &Workload, format: Format) -> String {
    let made = generate(workload);
    let mut events = Vec::new();
    for (place, operation) in made.history.operations().iter().enumerate() {
        events.push((operation.call, false, place));
        events.push((operation.ret, operation.output.is_some(), place));
    }
    events.sort_unstable();
    let mut lines = String::new();
    let mut called = vec![false; made.history.len()];
    for (_, ok, place) in events {
        let operation = &made.history.operations()[place];
        let kind = match (std::mem::replace(&mut called[place], true), ok) {
            (false, _) => "invoke",
            (true, true) => "ok",
            (true, false) => "info",
        };
        let show = |value: Value| value.word().to_string();
        let (name, mut value) = match operation.input.action {
            Action::Write(value) => ("write", show(value)),
            _ => ("read", "nil".to_owned()),
        };
        if let (Some(Output::Read(seen)), "ok") = (operation.output, kind) {
            value = if seen == Value::NIL { "nil".to_owned() } else { show(seen) };
        }
        let (process, key) = (operation.process, operation.input.key);
        lines += &match format {
            Format::Json => {
                let value = if value == "nil" { "null" } else { &value };
                format!(
                    "{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{name}\",\"key\":{key},\"value\":{value}}}\n"
                )
            }
            Format::Columns => format!("{process}\t:{kind}\t:{name}\t[{key} {value}]\n"),
            Format::Edn | Format::Log => {
                format!("{{:process {process}, :type :{kind}, :f :{name}, :value [{key} {value}]}}\n")
            }
        };
    }
    lines
}

#[test]
fn the_verdict_is_that_of_the_whole() {
    let mut broken = 0;
    for seed in 0..40 {
        let workload = Workload {
            seed,
            operations: 1_500,
            clients: 1 + seed as u32 % 7,
            keys: 1 + seed as u32 % 3,
            unknown: [0, 20][seed as usize % 2],
            stale: seed % 3 == 0,
            ..Workload::default()
        };
        let format = [Format::Json, Format::Edn, Format::Columns][seed as usize % 3];
        let text = text(&workload, format);
        let recorded = read("h", &text, None).expect("well formed");
        let model = recorded.model(None);
        let followed = follow("h", &mut Cursor::new(&text), &Follow::default()).expect("well formed");
        assert_eq!(followed.promise, Promise::Model(Kind::Register));
        match check(&recorded.history, &model, &Options::default()) {
            Verdict::Linearizable => {
                assert!(matches!(followed.end, End::Kept), "{workload:?}: {followed:?}");
                assert_eq!(followed.operations, 1_500);
            }
            Verdict::NotLinearizable(evidence) => {
                let why = explain(&recorded.history, &model, &evidence);
                let failed = recorded.history.operations()[why.failed.expect("not too hard") as usize].ret;
                let End::Broken(line, _) = followed.end else { panic!("{workload:?}: {followed:?}") };
                assert_eq!(Some(line as u32), recorded.line(failed), "{workload:?}");
                broken += 1;
            }
            Verdict::Unknown(..) => panic!("values written once are decided"),
        }
    }
    assert!(broken > 5, "only {broken} were broken");
}

#[test]
fn locks_counters_and_banks_are_followed_too() {
    let end =
        |text: &str| follow("h", &mut Cursor::new(text), &Follow::default()).map(|followed| followed.end);
    let locks = "[{:process 0 :type :invoke :f :acquire}\n{:process 0 :type :ok :f :acquire}\n
        {:process 1 :type :invoke :f :acquire}\n{:process 1 :type :ok :f :acquire}]";
    assert!(matches!(end(locks), Ok(End::Broken(5, _))), "{:?}", end(locks));
    let bank = "{:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 1}}\n
        {:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value {0 5 1 5}}\n
        {:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value {0 5 1 6}}\n";
    let Ok(End::Audited(audit)) = end(bank) else { panic!("{:?}", end(bank)) };
    assert_eq!((audit.reads, audit.bad.len(), audit.bad[0].place), (2, 1, 7));
    let txn = "{:process 0 :type :invoke :f :txn :value [[:r 1 nil]]}";
    assert!(end(txn).expect_err("no way").message.contains("leave out --stream"));
    let wrong = "{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok :f :read\n";
    assert_eq!(end(wrong).expect_err("cut").line, 2);
}

#[test]
fn a_line_without_end_is_refused() {
    let long = "x".repeat(3 << 20);
    let wrong = follow("h", &mut Cursor::new(long), &Follow::default()).expect_err("too long");
    assert!(wrong.message.contains("a line of at most"), "{wrong}");
}
