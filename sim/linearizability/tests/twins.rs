//! Every algorithm against the dumb twin, and against each other.

use splitbrain_linearizability::{
    History, Input, Kind, Method, Model, Online, Operation, Options, Output, Standard, Status, UNKNOWN, Verdict,
    check, exhaustive,
};

/// SplitMix64: enough chance for a test, the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 32) * u64::from(n) >> 32) as u32
    }
}

fn judge(history: &History<Input, Output>, model: &Standard) -> bool {
    let truth = exhaustive::is_linearizable(history, model);
    for method in [Method::Best, Method::Zones, Method::Search] {
        let options = Options { method, ..Options::default() };
        let wrong = match check(history, model, &options) {
            Verdict::Linearizable => !truth,
            Verdict::NotLinearizable(_) => truth,
            Verdict::Unknown(_) => method != Method::Zones,
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
        let kind = Kind::ALL[round % 4];
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
        let kind = Kind::ALL[round % 4];
        let (history, model) = exhaustive::sample(kind, 8, &mut |n| chance.below(n));
        verdicts[usize::from(judge(&history, &model))] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 10_000), "one-sided: {verdicts:?}");
}
