//! Every algorithm against the dumb twin, and against each other.

use splitbrain_linearizability::generate::{Chance, Workload, generate};
use splitbrain_linearizability::{
    Action, Budget, History, Input, Kind, Method, Model, Online, Operation, Options, Output, Reason,
    Standard, Status, UNKNOWN, Value, Values, Verdict, check, exhaustive, explain,
};

fn judge(history: &History<Input, Output>, model: &Standard) -> bool {
    let truth = exhaustive::is_linearizable(history, model);
    for method in [Method::Best, Method::Zones, Method::Search] {
        let options = Options { method, ..Options::default() };
        let wrong = match check(history, model, &options) {
            Verdict::Linearizable => !truth,
            Verdict::NotLinearizable(_) => truth,
            Verdict::Unknown(..) => method != Method::Zones,
        };
        assert!(!wrong, "{method:?} differs from {truth}: {:?}\n{}", model.kind(), show(history, model));
    }
    truth
}

fn show(history: &History<Input, Output>, model: &Standard) -> String {
    let line = |operation: &Operation<Input, Output>| {
        let what = model.describe(&operation.input, operation.output.as_ref());
        format!("{}..{} key {} {what}\n", operation.call, operation.ret, operation.input.key)
    };
    history.operations().iter().map(line).collect()
}

/// Calls and outcomes in order of time, calls first; the number of an operation is its process.
fn events(history: &History<Input, Output>) -> Vec<(u64, bool, usize)> {
    let mut events = Vec::new();
    for (number, operation) in history.operations().iter().enumerate() {
        events.push((operation.call, false, number));
        if operation.output.is_some() {
            events.push((operation.ret, true, number));
        }
    }
    events.sort_unstable();
    events
}

/// The history as it was known after the first events: what had not returned is unknown.
fn prefix(history: &History<Input, Output>, events: &[(u64, bool, usize)]) -> History<Input, Output> {
    let mut operations = Vec::new();
    for (rank, (_, returned, number)) in events.iter().enumerate() {
        if *returned {
            continue;
        }
        let ret = events.iter().position(|(_, returned, other)| *returned && other == number);
        let operation = history.operations()[*number].clone();
        operations.push(match ret {
            Some(ret) => Operation { call: rank as u64, ret: ret as u64, ..operation },
            None => Operation { call: rank as u64, ret: UNKNOWN, output: None, ..operation },
        });
    }
    History::from_operations(operations).expect("events are in order")
}

fn follow(history: &History<Input, Output>, model: &Standard, chance: &mut Chance) -> bool {
    let truth = exhaustive::is_linearizable(history, model);
    let mut online = Online::new(model.clone());
    let events = events(history);
    for (rank, (time, returned, number)) in events.iter().enumerate() {
        let operation = &history.operations()[*number];
        let process = *number as u32;
        let before = online.clone();
        if *returned {
            online.ret(process, *time, operation.output.expect("it returned")).expect("well formed");
        } else {
            online.call(process, *time, operation.input).expect("well formed");
            if operation.output.is_none() && chance.below(2) == 0 {
                online.unknown(process).expect("it is open");
            }
        }
        if online.status() == Status::Violated {
            let seen = prefix(history, &events[..=rank]);
            assert!(!exhaustive::is_linearizable(&seen, model), "false alarm: {}", show(history, model));
            assert_eq!(before.status(), Status::Fine);
            return truth;
        }
    }
    let expected = if truth { Status::Fine } else { Status::Violated };
    assert_eq!(online.finish(), expected, "{:?}\n{}", model.kind(), show(history, model));
    truth
}

#[test]
fn online_follows_random_small_histories() {
    let mut chance = Chance(8);
    let mut verdicts = [0, 0];
    for round in 0..60_000 {
        let kind = Kind::ALL[round % Kind::ALL.len()];
        let (history, model) = exhaustive::sample(kind, 8, &mut |n| chance.below(n));
        verdicts[usize::from(follow(&history, &model, &mut chance))] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 5_000), "one-sided: {verdicts:?}");
}

#[test]
fn random_small_histories() {
    let mut chance = Chance(7);
    let mut verdicts = [0, 0];
    for round in 0..100_000 {
        let kind = Kind::ALL[round % Kind::ALL.len()];
        let (history, model) = exhaustive::sample(kind, 8, &mut |n| chance.below(n));
        verdicts[usize::from(judge(&history, &model))] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 10_000), "one-sided: {verdicts:?}");
}

/// Who looks at calls and returns.
type See<'a> = &'a mut dyn FnMut(&[(u64, u64)]);

/// Hands on every way in which calls and returns of `n` operations can alternate: (2n-1)!! of them. Operations are
/// numbered by their call.
fn every_interleaving(n: usize, see: See<'_>) {
    fn go(n: usize, called: usize, now: u64, times: &mut Vec<(u64, u64)>, see: See<'_>) {
        if called == n && times.iter().all(|(_, ret)| *ret != UNKNOWN) {
            return see(times);
        }
        if called < n {
            times.push((now, UNKNOWN));
            go(n, called + 1, now + 1, times, see);
            times.pop();
        }
        for place in 0..called {
            if times[place].1 == UNKNOWN {
                times[place].1 = now;
                go(n, called, now + 1, times, see);
                times[place].1 = UNKNOWN;
            }
        }
    }
    go(n, 0, 0, &mut Vec::new(), see);
}

/// Every history of `n` operations from an alphabet; `None` for an output means that it is unknown.
fn every_history(n: usize, alphabet: &[(Action, Option<Output>)]) -> usize {
    let model = Standard::cas_register();
    let mut count = 0;
    every_interleaving(n, &mut |times| {
        for word in 0..alphabet.len().pow(n as u32) {
            let mut rest = word;
            let operations = times.iter().enumerate().map(|(process, (call, ret))| {
                let (action, output) = alphabet[rest % alphabet.len()];
                rest /= alphabet.len();
                let ret = if output.is_some() { *ret } else { UNKNOWN };
                Operation {
                    process: process as u32,
                    call: *call,
                    ret,
                    input: Input { key: 0, action },
                    output,
                }
            });
            let history = History::from_operations(operations.collect()).expect("well formed");
            judge(&history, &model);
            count += 1;
        }
    });
    count
}

fn value(number: u32) -> Value {
    Value::number(number).expect("small")
}

fn swap(expected: u32, new: u32) -> Action {
    Action::CompareAndSet { expected: value(expected), new: value(new) }
}

/// Found by fuzzing: what nobody reads may still be what a later compare-and-set says it did not find.
#[test]
fn a_value_that_nobody_read_is_seen_by_who_found_another_one() {
    let mut values = Values::new();
    let [a, b, other] = ["a", "b", "ba"].map(|text| values.text(text));
    let done = |call, ret, action| Operation {
        process: call as u32,
        call,
        ret,
        input: Input { key: 0, action },
        output: Some(Output::Done),
    };
    let cas = Action::CompareAndSet { expected: other, new: a };
    let history = History::from_operations(vec![
        done(0, 1, Action::Append(a)),
        done(0, 0, Action::Append(b)),
        Operation { output: Some(Output::Differed), ..done(2, 2, cas) },
    ]);
    let model = Standard::new(Kind::KeyValue).with_values(values);
    assert!(judge(&history.expect("returns come after calls"), &model), "ab is not ba");
}

/// Found by 100,000 cases: an unknown write of what a register holds anyway makes room for another just before it.
#[test]
fn a_write_of_what_is_there_may_hide_another() {
    let operation = |process, ret, action, output| Operation {
        process,
        call: if process == 4 { 6 } else { 0 },
        ret,
        input: Input { key: 0, action },
        output,
    };
    let history = History::from_operations(vec![
        operation(0, UNKNOWN, Action::Write(value(0)), None),
        operation(1, 3, Action::Write(value(5)), Some(Output::Done)),
        operation(2, 0, swap(0, 1), Some(Output::Done)),
        operation(3, 9, Action::Write(value(7)), None),
        operation(4, 6, Action::Read, Some(Output::Read(value(1)))),
    ]);
    let model = Standard::cas_register().with_initial(value(0));
    assert!(judge(&history.expect("well formed"), &model), "5, 0, 0 to 1, 1");
}

#[test]
fn every_history_of_three_operations() {
    let read = |value| (Action::Read, Some(Output::Read(value)));
    let alphabet = [
        (Action::Write(value(1)), Some(Output::Done)),
        (Action::Write(value(2)), Some(Output::Done)),
        (Action::Write(value(1)), None),
        (swap(1, 2), Some(Output::Done)),
        (swap(2, 1), Some(Output::Done)),
        (swap(1, 2), None),
        (swap(1, 2), Some(Output::Differed)),
        (swap(2, 1), Some(Output::Found(Value::NIL))),
        read(Value::NIL),
        read(value(1)),
        read(value(2)),
    ];
    assert_eq!(every_history(3, &alphabet), 15 * 11_usize.pow(3));
}

#[test]
fn every_history_of_four_operations() {
    let read = |value| (Action::Read, Some(Output::Read(value)));
    let alphabet = [
        (Action::Write(value(1)), Some(Output::Done)),
        (Action::Write(value(2)), None),
        (swap(1, 2), Some(Output::Done)),
        (swap(1, 2), Some(Output::Differed)),
        read(value(1)),
        read(value(2)),
    ];
    assert_eq!(every_history(4, &alphabet), 105 * 6_usize.pow(4));
}

#[test]
fn every_history_of_five_operations() {
    let read = |value| (Action::Read, Some(Output::Read(value)));
    let alphabet = [
        (Action::Write(value(1)), Some(Output::Done)),
        (Action::Write(value(2)), Some(Output::Done)),
        read(value(1)),
    ];
    assert_eq!(every_history(5, &alphabet), 945 * 3_usize.pow(5));
}

#[test]
fn a_correct_store_is_accepted_by_every_algorithm() {
    for seed in 0..60 {
        let mut chance = Chance(seed);
        let workload = Workload {
            seed,
            operations: 2_000,
            clients: 1 + chance.below(12),
            keys: 1 + chance.below(5),
            values: (chance.below(3) == 0).then_some(5),
            swaps: chance.below(2) == 0,
            unknown: [0, 10, 50][chance.below(3) as usize],
            stale: false,
        };
        let made = generate(&workload);
        let model = Standard::cas_register();
        let mut wrong_order = made.witness.clone();
        wrong_order.rotate_left(1);
        let witnesses = [None, Some(made.witness.as_slice()), Some(wrong_order.as_slice())];
        for (witness, method) in witnesses.into_iter().zip([Method::Best, Method::Zones, Method::Search]) {
            let budget = Budget { steps: 200_000, ..Budget::default() };
            let options = Options { witness, method, budget, ..Options::default() };
            let verdict = check(&made.history, &model, &options);
            let hard = workload.values.is_some() && (workload.unknown > 0 || method == Method::Zones);
            let fine =
                matches!(verdict, Verdict::Linearizable) || hard && matches!(verdict, Verdict::Unknown(..));
            assert!(fine, "{method:?} {workload:?}: {verdict:?}");
        }
        let mut online = Online::with_budget(model, Budget { steps: 200_000, ..Budget::default() });
        let status = replay(&made.history, &mut online);
        let hard = workload.values.is_some();
        assert!(status == Status::Fine || hard && status == Status::Undecided, "{workload:?}: {status:?}");
    }
}

#[test]
fn a_wrong_witness_is_no_verdict_and_no_proof() {
    let made = generate(&Workload { operations: 500, stale: true, ..Workload::default() });
    let options = Options { witness: Some(&made.witness), method: Method::Zones, ..Options::default() };
    let verdict = check(&made.history, &Standard::register(), &options);
    assert!(matches!(verdict, Verdict::NotLinearizable(_)), "{verdict:?}");
}

#[test]
fn a_stale_read_is_rejected_and_explained_by_four_operations() {
    for seed in 0..40 {
        let mut chance = Chance(seed);
        let workload = Workload {
            seed,
            operations: 3_000,
            clients: 2 + chance.below(20),
            keys: 1 + chance.below(3),
            swaps: chance.below(2) == 0,
            unknown: [0, 10][chance.below(2) as usize],
            stale: true,
            values: None,
        };
        let made = generate(&workload);
        let model = Standard::cas_register();
        for method in [Method::Best, Method::Search] {
            let options = Options { method, ..Options::default() };
            let Verdict::NotLinearizable(evidence) = check(&made.history, &model, &options) else {
                panic!("{method:?} {workload:?}");
            };
            let explanation = explain(&made.history, &model, &evidence);
            let part = made.history.only(&explanation.operations);
            assert!(!exhaustive::is_linearizable(&part, &model), "explained by what is fine: {workload:?}");
            assert!(explanation.operations.iter().any(|place| !explanation.prefix.contains(place)));
            assert!(explanation.operations.len() <= 4, "{workload:?}\n{}", explanation.text(&made.history));
        }
        let mut online = Online::new(model);
        assert_eq!(replay(&made.history, &mut online), Status::Violated, "{workload:?}");
    }
}

#[test]
fn a_search_without_budget_is_unknown() {
    let made = generate(&Workload { operations: 2_000, values: Some(2), clients: 8, ..Workload::default() });
    let budget = Budget { steps: 100, ..Budget::default() };
    let verdict = check(&made.history, &Standard::register(), &Options { budget, ..Options::default() });
    assert!(matches!(verdict, Verdict::Unknown(Reason::Steps, _)), "{verdict:?}");
    let budget = Budget { memory: 1, ..Budget::default() };
    let verdict = check(&made.history, &Standard::register(), &Options { budget, ..Options::default() });
    assert!(matches!(verdict, Verdict::Unknown(Reason::Memory, _)), "{verdict:?}");
}

/// Tells an online checker a history whose processes have one operation at a time.
fn replay(history: &History<Input, Output>, online: &mut Online<Standard>) -> Status {
    for (time, returned, number) in events(history) {
        let operation = &history.operations()[number];
        if returned {
            online.ret(operation.process, time, operation.output.expect("it returned")).expect("well formed");
        } else {
            online.call(operation.process, time, operation.input).expect("well formed");
            if operation.output.is_none() {
                online.unknown(operation.process).expect("it is open");
            }
        }
    }
    online.finish()
}

#[test]
fn a_stale_read_of_a_list_is_explained_by_few_operations() {
    let mut values = Values::new();
    let input = |action| Input { key: 0, action };
    let mut history = History::new();
    let mut list = Vec::new();
    for number in 0..200 {
        let time = u64::from(number) * 10;
        history
            .returned(0, time, time + 2, input(Action::Append(value(number))), Output::Done)
            .expect("well formed");
        // The read at 150 misses the append before it.
        if number != 150 {
            list.push(value(number));
        }
        let output = Output::Read(values.list(&list));
        history.returned(1, time + 3, time + 5, input(Action::Read), output).expect("well formed");
        if number == 150 {
            list.push(value(number));
        }
    }
    let model = Standard::append_list().with_values(values);
    let Verdict::NotLinearizable(evidence) = check(&history, &model, &Options::default()) else {
        panic!("the append was over before the read began");
    };
    let explanation = explain(&history, &model, &evidence);
    assert!(explanation.operations.len() <= 4, "{}", explanation.text(&history));
}
