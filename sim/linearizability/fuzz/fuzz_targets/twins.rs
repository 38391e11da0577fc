//! Bytes are a small history; every algorithm and the online checker must agree with the dumb twin.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbrain_linearizability::{
    Kind, Method, Online, Options, Status, Verdict, check, exhaustive, explain,
};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes.iter();
    let mut draw = |n: u32| u32::from(rest.next().copied().unwrap_or(0)) % n;
    let kind = Kind::ALL[draw(Kind::ALL.len() as u32) as usize];
    let (history, model) = exhaustive::sample(kind, 7, &mut draw);
    let truth = exhaustive::is_linearizable(&history, &model);
    for method in [Method::Best, Method::Zones, Method::Search] {
        match check(&history, &model, &Options { method, ..Options::default() }) {
            Verdict::Linearizable => assert!(truth, "{method:?} accepts"),
            Verdict::NotLinearizable(evidence) => {
                assert!(!truth, "{method:?} rejects");
                let part = history.only(&explain(&history, &model, &evidence).operations);
                assert!(!exhaustive::is_linearizable(&part, &model), "explained by what is fine");
            }
            Verdict::Unknown(..) => assert_eq!(method, Method::Zones),
        }
    }
    let mut events = Vec::new();
    for (process, operation) in history.operations().iter().enumerate() {
        events.push((operation.call, false, process));
        events.push((operation.ret, true, process));
    }
    events.sort_unstable();
    let mut online = Online::new(model);
    for (time, returns, process) in events {
        let operation = &history.operations()[process];
        let status = match (returns, operation.output) {
            (false, _) => online.call(process as u32, time, operation.input),
            (true, Some(output)) => online.ret(process as u32, time, output),
            (true, None) => online.unknown(process as u32),
        };
        status.expect("the history is well formed");
    }
    assert_eq!(online.finish(), if truth { Status::Fine } else { Status::Violated });
});
