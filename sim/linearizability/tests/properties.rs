//! Properties over workloads that proptest draws and shrinks: what a correct store did is always accepted, by every way
//! of judging it; with one read made another one's, the verdict is brute force's.

use proptest::prelude::*;
use splitbrain_linearizability::generate::{Workload, generate};
use splitbrain_linearizability::{
    Action, History, Input, Kind, Method, Online, Operation, Options, Output, Standard, Status, UNKNOWN,
    Verdict, check, exhaustive,
};

fn workloads(operations: std::ops::Range<u32>) -> impl Strategy<Value = Workload> {
    let values = prop_oneof![Just(None), (1..5u32).prop_map(Some)];
    (any::<u64>(), operations, 1..8u32, 1..4u32, values, any::<bool>(), 0..300u32).prop_map(
        |(seed, operations, clients, keys, values, swaps, unknown)| Workload {
            seed,
            operations,
            clients,
            keys,
            values,
            swaps,
            unknown,
            stale: false,
        },
    )
}

/// The verdict of each algorithm that decides.
fn verdicts(history: &History<Input, Output>, witness: Option<&[u32]>) -> Vec<bool> {
    let model = Standard::new(Kind::CasRegister);
    let of = |method, witness| check(history, &model, &Options { method, witness, ..Options::default() });
    let all = [
        of(Method::Best, None),
        of(Method::Best, witness),
        of(Method::Zones, None),
        of(Method::Search, None),
    ];
    let decided = all.into_iter().filter_map(|verdict| match verdict {
        Verdict::Linearizable => Some(true),
        Verdict::NotLinearizable(_) => Some(false),
        Verdict::Unknown(..) => None,
    });
    decided.collect()
}

/// Whether the online checker stays content when told the events one by one.
fn online_accepts(history: &History<Input, Output>) -> bool {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    let operations = history.operations();
    for (place, operation) in operations.iter().enumerate() {
        events.push((operation.call, false, place));
        if operation.ret != UNKNOWN {
            events.push((operation.ret, true, place));
        }
    }
    // Calls before returns of the same time: equal times are concurrent.
    events.sort_unstable();
    let mut online = Online::new(Standard::new(Kind::CasRegister));
    for (time, returns, place) in events {
        let Operation { input, output, .. } = operations[place].clone();
        let process = place as u32;
        let told = match output {
            Some(output) if returns => online.ret(process, time, output),
            Some(_) | None => online.call(process, time, input),
        };
        told.expect("each operation is a process of its own");
    }
    online.finish() != Status::Violated
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_a_correct_store_did_is_accepted(workload in workloads(1..200)) {
        let made = generate(&workload);
        let verdicts = verdicts(&made.history, Some(&made.witness));
        prop_assert!(verdicts.iter().all(|&accepted| accepted) && !verdicts.is_empty(), "{verdicts:?}");
        prop_assert!(online_accepts(&made.history));
    }

    #[test]
    fn a_read_that_returns_what_another_read_gets_the_verdict_of_brute_force(
        workload in workloads(2..9),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let made = generate(&workload);
        let mut operations = made.history.operations().to_vec();
        let answered = |operation: &Operation<Input, Output>| {
            operation.input.action == Action::Read && matches!(operation.output, Some(Output::Read(_)))
        };
        let reads: Vec<usize> = (0..operations.len()).filter(|&place| answered(&operations[place])).collect();
        prop_assume!(!reads.is_empty());
        let (from, to) = (reads[from.index(reads.len())], reads[to.index(reads.len())]);
        operations[to].output = operations[from].output;
        let history = History::from_operations(operations).expect("only an answer changed");
        let truth = exhaustive::is_linearizable(&history, &Standard::new(Kind::CasRegister));
        prop_assert!(verdicts(&history, Some(&made.witness)).iter().all(|&verdict| verdict == truth), "{truth}");
        prop_assert_eq!(online_accepts(&history), truth);
    }
}
