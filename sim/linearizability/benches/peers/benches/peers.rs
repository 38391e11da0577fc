//! Other checkers on the same histories: `cargo bench` in this folder.
//!
//! One register with unique values. All verdicts are compared before anything is timed. Sizes are those that every
//! checker in the group finishes in seconds; the others' time grows exponentially with clients.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use splitbrain_linearizability::generate::{Generated, Workload, generate};
use splitbrain_linearizability::{Action, Method, Options, Output, Standard, Value, Verdict, check};
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use todc_utils::linearizability::WGLChecker;
use todc_utils::linearizability::history::{Action as TodcAction, History as TodcHistory};
use todc_utils::specifications::Specification;

/// A read that saw, or a write of, a value; nil is the largest number.
#[derive(Clone, Copy, Debug)]
enum Op {
    Read(u32),
    Write(u32),
}

fn apply(op: Op, state: u32) -> (bool, u32) {
    match op {
        Op::Read(seen) => (seen == state, state),
        Op::Write(value) => (true, value),
    }
}

#[derive(Clone, Debug)]
struct Porcupine;

impl porcupine_rs::Model for Porcupine {
    type State = u32;
    type Op = Op;
    type Metadata = ();

    fn init() -> u32 {
        Value::NIL.word()
    }

    fn step(state: &u32, op: &Op) -> (bool, u32) {
        apply(*op, *state)
    }
}

struct Todc;

impl Specification for Todc {
    type State = u32;
    type Operation = Op;

    fn init() -> u32 {
        Value::NIL.word()
    }

    fn apply(op: &Op, state: &u32) -> (bool, u32) {
        apply(*op, *state)
    }
}

fn op(action: Action, output: Option<Output>) -> Op {
    match (action, output) {
        (Action::Read, Some(Output::Read(value))) => Op::Read(value.word()),
        (Action::Write(value), _) => Op::Write(value.word()),
        other => unreachable!("the workload only reads and writes: {other:?}"),
    }
}

/// Calls and returns in order.
fn events(made: &Generated) -> Vec<(u64, bool, usize)> {
    let mut events = Vec::new();
    for (place, operation) in made.history.operations().iter().enumerate() {
        events.push((operation.call, false, place));
        events.push((operation.ret, true, place));
    }
    events.sort_unstable();
    events
}

fn porcupine(made: &Generated) -> Vec<porcupine_rs::Operation<Porcupine>> {
    let operation = |operation: &splitbrain_linearizability::Operation<_, _>| porcupine_rs::Operation {
        client_id: Some(operation.process),
        call_time: operation.call as i64,
        return_time: operation.ret as i64,
        op: {
            let input: splitbrain_linearizability::Input = operation.input;
            op(input.action, operation.output)
        },
        metadata: None,
    };
    made.history.operations().iter().map(operation).collect()
}

fn todc(made: &Generated) -> TodcHistory<Op> {
    let action = |(_, returns, place): (u64, bool, usize)| {
        let operation = &made.history.operations()[place];
        let op = op(operation.input.action, operation.output);
        let action = if returns { TodcAction::Response(op) } else { TodcAction::Call(op) };
        (operation.process as usize, action)
    };
    TodcHistory::from_actions(events(made).into_iter().map(action).collect())
}

fn stateright(made: &Generated) -> bool {
    let mut tester = LinearizabilityTester::new(Register(Value::NIL.word()));
    for (_, returns, place) in events(made) {
        let operation = &made.history.operations()[place];
        let step = match (returns, op(operation.input.action, operation.output)) {
            (false, Op::Read(_)) => tester.on_invoke(operation.process, RegisterOp::Read),
            (false, Op::Write(value)) => tester.on_invoke(operation.process, RegisterOp::Write(value)),
            (true, Op::Read(value)) => tester.on_return(operation.process, RegisterRet::ReadOk(value)),
            (true, Op::Write(_)) => tester.on_return(operation.process, RegisterRet::WriteOk),
        };
        step.expect("the history is well formed");
    }
    tester.is_consistent()
}

fn ours(made: &Generated, method: Method) -> bool {
    let options = Options { method, ..Options::default() };
    matches!(check(&made.history, &Standard::register(), &options), Verdict::Linearizable)
}

fn peers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one register");
    group.sample_size(10);
    for (operations, clients, stale) in
        [(200, 5, false), (1_000, 5, false), (1_000, 5, true), (1_000, 10, false)]
    {
        let made = generate(&Workload { operations, clients, stale, ..Workload::default() });
        let label = format!("{operations} operations, {clients} clients{}", if stale { ", one stale read" } else { "" });
        let truth = ours(&made, Method::Best);
        assert_eq!(truth, !stale);
        assert_eq!(truth, ours(&made, Method::Search));
        for method in [Method::Best, Method::Search] {
            let name = format!("splitbrain {method:?}");
            group.bench_function(BenchmarkId::new(name, &label), |b| b.iter(|| ours(&made, method)));
        }
        let history = porcupine(&made);
        assert_eq!(porcupine_rs::check_operations(&history), truth);
        group.bench_function(BenchmarkId::new("porcupine-rs", &label), |b| {
            b.iter(|| porcupine_rs::check_operations(&history));
        });
        if clients <= 5 {
            assert_eq!(WGLChecker::<Todc>::is_linearizable(todc(&made)), truth);
            group.bench_function(BenchmarkId::new("todc-utils", &label), |b| {
                b.iter(|| WGLChecker::<Todc>::is_linearizable(todc(&made)));
            });
        }
        // Its tester searches without a memo: a stale read at the end would keep it for ever.
        if clients <= 5 && !stale {
            assert_eq!(stateright(&made), truth);
            group.bench_function(BenchmarkId::new("stateright", &label), |b| b.iter(|| stateright(&made)));
        }
    }
    group.finish();
}

criterion_group!(benches, peers);
criterion_main!(benches);
