//! Sequential consistency against trying every order of the processes.

use splitbrain_linearizability::generate::{Chance, Workload, generate};
use splitbrain_linearizability::{
    Budget, History, Input, Kind, Model, Output, Reason, Sequential, Standard, check_sequential, exhaustive,
};

/// Tries every order that keeps those of the processes.
fn can_go_on(
    history: &History<Input, Output>,
    model: &Standard,
    gone: &mut Vec<bool>,
    states: &[<Standard as Model>::State],
) -> bool {
    let operations = history.operations();
    if operations.iter().zip(&*gone).all(|(operation, gone)| *gone || operation.output.is_none()) {
        return true;
    }
    for place in 0..operations.len() {
        let operation = &operations[place];
        let earlier = |other: usize| operations[other].process == operation.process && !gone[other];
        if gone[place] || (0..place).any(earlier) {
            continue;
        }
        let key = operation.input.key as usize;
        let mut next = Vec::new();
        next.extend(model.step(&states[key], &operation.input, operation.output.as_ref()));
        next.extend(operation.output.is_none().then(|| states[key].clone()));
        for state in next {
            let mut states = states.to_vec();
            states[key] = state;
            gone[place] = true;
            let fits = can_go_on(history, model, gone, &states);
            gone[place] = false;
            if fits {
                return true;
            }
        }
    }
    false
}

#[test]
fn small_histories_are_judged_as_by_trying_every_order() {
    let mut chance = Chance(11);
    let mut verdicts = [0, 0];
    let mut only_sequential = 0;
    for round in 0..28_000 {
        let kind = Kind::ALL[round % Kind::ALL.len()];
        let (history, model) = exhaustive::sample(kind, 7, &mut |n| chance.below(n));
        let states = [model.initial(), model.initial()];
        let truth = can_go_on(&history, &model, &mut vec![false; history.len()], &states);
        let verdict = check_sequential(&history, &model, &Budget::default());
        assert_eq!(verdict == Sequential::Consistent, truth, "{}: {history:#?}", kind.name());
        verdicts[usize::from(truth)] += 1;
        only_sequential += usize::from(truth && !exhaustive::is_linearizable(&history, &model));
    }
    assert!(verdicts.iter().all(|count| *count > 3_000), "one-sided: {verdicts:?}");
    assert!(only_sequential > 300, "only {only_sequential} were out of time but in order");
}

#[test]
fn a_long_history_of_a_correct_store_is_accepted() {
    let made = generate(&Workload { operations: 5_000, keys: 3, clients: 8, ..Workload::default() });
    let verdict = check_sequential(&made.history, &Standard::register(), &Budget::default());
    assert_eq!(verdict, Sequential::Consistent);
}

#[test]
fn a_search_without_budget_is_unknown() {
    let made = generate(&Workload { values: Some(2), clients: 8, stale: true, ..Workload::default() });
    let budget = Budget { steps: 10, ..Budget::default() };
    let verdict = check_sequential(&made.history, &Standard::register(), &budget);
    assert_eq!(verdict, Sequential::Unknown(Reason::Steps, 11));
}
