//! A user's own model, whole and online; and pictures that are only text.

use splitbrain_linearizability::generate::{Workload, generate};
use splitbrain_linearizability::{
    History, Model, Online, Options, Standard, Status, Verdict, check, exhaustive, explain, html,
};

/// A counter that tells its new value.
#[derive(Clone, Debug)]
struct Counter;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Ask {
    Add(i64),
    Get,
}

impl Model for Counter {
    type Input = Ask;
    type Output = i64;
    type State = i64;

    fn initial(&self) -> i64 {
        0
    }

    fn step(&self, state: &i64, input: &Ask, output: Option<&i64>) -> Option<i64> {
        let next = match input {
            Ask::Add(more) => state + more,
            Ask::Get => *state,
        };
        output.is_none_or(|output| *output == next).then_some(next)
    }

    fn is_read(&self, input: &Ask) -> bool {
        matches!(input, Ask::Get)
    }
}

#[test]
fn a_model_of_ones_own() {
    for (seen, fine) in [(1, true), (2, true), (3, true), (4, false)] {
        let mut history = History::new();
        history.returned(0, 0, 5, Ask::Add(1), 1).expect("well formed");
        history.unknown(1, 1, Ask::Add(2)).expect("well formed");
        history.returned(2, 2, 9, Ask::Get, seen).expect("well formed");
        // The first add saw nothing of the second, so a get of 2 alone cannot be.
        let truth = exhaustive::is_linearizable(&history, &Counter);
        assert_eq!(truth, fine && seen != 2, "get of {seen}");
        let verdict = check(&history, &Counter, &Options::default());
        assert_eq!(matches!(verdict, Verdict::Linearizable), truth, "get of {seen}: {verdict:?}");

        let mut online = Online::new(Counter);
        online.call(0, 0, Ask::Add(1)).expect("well formed");
        online.call(1, 1, Ask::Add(2)).expect("well formed");
        online.call(2, 2, Ask::Get).expect("well formed");
        online.ret(0, 5, 1).expect("well formed");
        online.unknown(1).expect("well formed");
        online.ret(2, 9, seen).expect("well formed");
        let expected = if truth { Status::Fine } else { Status::Violated };
        assert_eq!(online.finish(), expected, "get of {seen}");
    }
}

#[test]
fn the_online_checker_forgets() {
    let mut online = Online::new(Counter);
    let mut sum = 0;
    for round in 0..20_000 {
        online.call(0, round, Ask::Add(1)).expect("well formed");
        sum += 1;
        assert_eq!(online.ret(0, round, sum), Ok(Status::Fine));
    }
    // A copy of everything would show in the debug form, which lists every state held.
    assert!(format!("{online:?}").len() < 200_000);
    online.call(0, 20_000, Ask::Get).expect("well formed");
    assert_eq!(online.ret(0, 20_001, 7), Ok(Status::Violated));
    let violation = online.violation().expect("violated");
    assert_eq!((violation.process, violation.call), (0, 20_000));
}

#[test]
fn pictures_escape_what_they_show() {
    let made = generate(&Workload { stale: true, ..Workload::default() });
    let model = Standard::register();
    let Verdict::NotLinearizable(evidence) = check(&made.history, &model, &Options::default()) else {
        panic!("a stale read is not linearizable");
    };
    let explanation = explain(&made.history, &model, &evidence);
    let page = html("<script>alert(1)</script>&\"'", &made.history, &model, &explanation);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;"));
    assert!(!page.contains("<script"));
    assert_eq!(page.matches("class=\"bad\"").count(), explanation.operations.len());
    assert_eq!(page.matches("<g").count(), page.matches("</g>").count());
}
