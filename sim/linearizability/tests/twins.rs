//! Every algorithm against the dumb twin, and against each other.

use splitbrain_linearizability::{
    Action, History, Input, Kind, Method, Model, Operation, Options, Output, Standard, UNKNOWN, Value, Verdict, check,
    exhaustive,
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
