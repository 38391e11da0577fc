//! What is blamed is to blame: of many random histories, with known and unknown outcomes, the operations of each
//! explanation contradict each other, alone and whatever all the others did; and before the return that is named
//! there was an order.
#![cfg(feature = "edn")]

use splitbrain_linearizability::generate::Chance;
use splitbrain_linearizability::{
    Evidence, Explanation, History, Input, Kind, Model, Operation, Options, Output, Standard, UNKNOWN,
    Verdict, check, exhaustive, explain,
};

/// Tries every order in which all the blamed operations took effect, and any of the others in their own time.
fn can_be_ordered(history: &History<Input, Output>, model: &Standard, key: u32, blamed: &[u32]) -> bool {
    let operations = history.operations();
    let of_key = |place: &u32| operations[*place as usize].input.key == key;
    let mut left: Vec<u32> = (0..operations.len() as u32).filter(of_key).collect();
    let mut path = Vec::new();
    order(operations, model, blamed, &mut left, &mut path, &model.initial())
}

fn order(
    operations: &[Operation<Input, Output>],
    model: &Standard,
    blamed: &[u32],
    left: &mut Vec<u32>,
    path: &mut Vec<u32>,
    state: &<Standard as Model>::State,
) -> bool {
    if blamed.iter().all(|place| path.contains(place) || operations[*place as usize].output.is_none()) {
        return true;
    }
    for number in 0..left.len() {
        let place = left[number];
        let operation = &operations[place as usize];
        // Time: nobody on the path was called after this one returned, and no blamed one that is left returned before.
        let late = path.iter().any(|gone| operations[*gone as usize].call > operation.ret);
        let early = left
            .iter()
            .any(|other| blamed.contains(other) && operations[*other as usize].ret < operation.call);
        if late || early {
            continue;
        }
        if let Some(next) = model.step(state, &operation.input, operation.output.as_ref()) {
            left.remove(number);
            path.push(place);
            let found = order(operations, model, blamed, left, path, &next);
            path.pop();
            left.insert(number, place);
            if found {
                return true;
            }
        }
    }
    false
}

fn through(history: &History<Input, Output>, end: u64) -> History<Input, Output> {
    let mut prefix = Vec::new();
    for operation in history.operations().iter().filter(|operation| operation.call <= end) {
        let mut operation = operation.clone();
        if operation.ret > end {
            operation.ret = UNKNOWN;
            operation.output = None;
        }
        prefix.push(operation);
    }
    History::from_operations(prefix).expect("a prefix is well formed")
}

fn explained(history: &History<Input, Output>, model: &Standard) -> Option<(Evidence, Explanation)> {
    match check(history, model, &Options::default()) {
        Verdict::NotLinearizable(evidence) => {
            let explanation = explain(history, model, &evidence);
            Some((evidence, explanation))
        }
        Verdict::Linearizable | Verdict::Unknown(..) => None,
    }
}

fn true_blame(history: &History<Input, Output>, model: &Standard) -> bool {
    let Some((evidence, explanation)) = explained(history, model) else { return false };
    let text = explanation.text(history);
    let alone = history.only(&explanation.operations);
    assert!(!exhaustive::is_linearizable(&alone, model), "alone they can be ordered\n{text}");
    let company = history.only(&explanation.shown());
    assert!(!exhaustive::is_linearizable(&company, model), "with their helpers they can be ordered\n{text}");
    let ordered = can_be_ordered(history, model, evidence.key, &explanation.operations);
    assert!(!ordered, "the others make room for them\n{text}");
    for place in &explanation.operations {
        let fewer: Vec<u32> =
            explanation.operations.iter().filter(|other| *other != place).copied().collect();
        assert!(can_be_ordered(history, model, evidence.key, &fewer), "{place} is not needed\n{text}");
    }
    let failed = explanation.failed.expect("small histories are not too hard");
    let end = history.operations()[failed as usize].ret;
    let key = |history: &History<Input, Output>| {
        let of_key = |place: &u32| history.operations()[*place as usize].input.key == evidence.key;
        history.only(&(0..history.len() as u32).filter(of_key).collect::<Vec<u32>>())
    };
    assert!(!exhaustive::is_linearizable(&key(&through(history, end)), model), "it fails later\n{text}");
    assert!(exhaustive::is_linearizable(&key(&through(history, end - 1)), model), "it fails before\n{text}");
    true
}

/// Times that are all different, in the same order: then a prefix is told by its last event.
fn spread(history: &History<Input, Output>) -> History<Input, Output> {
    let mut events = Vec::new();
    for (place, operation) in history.operations().iter().enumerate() {
        events.push((operation.call, false, place));
        if operation.ret != UNKNOWN {
            events.push((operation.ret, true, place));
        }
    }
    events.sort_unstable();
    let mut operations = history.operations().to_vec();
    for (time, (_, returned, place)) in events.into_iter().enumerate() {
        let operation = &mut operations[place];
        *(if returned { &mut operation.ret } else { &mut operation.call }) = time as u64 + 1;
    }
    History::from_operations(operations).expect("the order stays")
}

#[test]
fn blame_is_true_of_random_histories() {
    let mut chance = Chance(21);
    let mut blamed = [0; Kind::ALL.len()];
    let rounds = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(14_000);
    for round in 0..rounds {
        let kind = Kind::ALL[round % Kind::ALL.len()];
        let (history, model) = exhaustive::sample(kind, 8, &mut |n| chance.below(n));
        blamed[round % Kind::ALL.len()] += usize::from(true_blame(&spread(&history), &model));
    }
    assert!(blamed.iter().all(|count| *count > 300), "too few failed: {blamed:?}");
}

/// The first blame that was false: a write without an outcome had written what was read.
#[test]
fn a_write_that_nobody_answered_may_be_what_was_read() {
    let text = "{:process 0, :type :invoke, :f :write, :value 4}
        {:process 0, :type :ok, :f :write, :value 4}
        {:process 1, :type :invoke, :f :write, :value 0}
        {:process 1, :type :info, :f :write, :value 0}
        {:process 3, :type :invoke, :f :read, :value nil}
        {:process 3, :type :ok, :f :read, :value 0}
        {:process 3, :type :invoke, :f :write, :value 0}
        {:process 3, :type :info, :f :write, :value 0}
        {:process 4, :type :invoke, :f :read, :value nil}
        {:process 4, :type :ok, :f :read, :value 4}";
    let recorded = splitbrain_linearizability::read::read("h", text, None).expect("well formed");
    let model = recorded.model(None);
    assert!(true_blame(&recorded.history, &model));
    let (_, explanation) = explained(&recorded.history, &model).expect("4 is read after 0");
    let text = explanation.text(&recorded.history).with_lines(&recorded.lines).to_string();
    let expected = "The file is linearizable before line 10, and is not from there on.
These operations on key 0 contradict each other, whatever the others did:
         lines 1-2  process 0 write 4 (may have happened)
            line 3  process 1 write 0 -> unknown (may have happened)
         lines 5-6  process 3 read -> 0
        lines 9-10  process 4 read -> 4
  process 0    ├write 4──┤
  process 1                 ├write 0 -> unknown ┄┄┄
  process 3                    ╞read -> 0══╡
  process 4                                   ╞read -> 4══╡
The longest order that can be made of them:
  1. process 1 write 0 -> unknown (may have happened)
  2. process 3 read -> 0
Then the value is 0, and none of the others can be next:
  process 4 read -> 4: the value is 0
";
    assert_eq!(text, expected);
}
