//! Every algorithm on the same histories: `cargo bench -p splitbrain-linearizability`.
//!
//! The table of the README, with memory, is made by the example `marks`; other crates are measured in
//! `benches/peers`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use splitbrain_linearizability::generate::{Workload, generate};
use splitbrain_linearizability::{Method, Online, Options, Standard, check};

fn algorithms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("100k operations, 5 clients");
    for (name, workload) in [
        ("kv", Workload { keys: 100, operations: 100_000, ..Workload::default() }),
        ("register", Workload { operations: 100_000, ..Workload::default() }),
        ("5 values", Workload { operations: 100_000, values: Some(5), swaps: true, ..Workload::default() }),
    ] {
        let made = generate(&workload);
        let model = Standard::register();
        group.throughput(Throughput::Elements(u64::from(workload.operations)));
        for (method, witness) in [(Method::Best, true), (Method::Best, false), (Method::Search, false)] {
            let options =
                Options { method, witness: witness.then_some(made.witness.as_slice()), ..Options::default() };
            let label = if witness { "Witness".to_owned() } else { format!("{method:?}") };
            group.bench_function(BenchmarkId::new(label, name), |bencher| {
                bencher.iter(|| check(&made.history, &model, &options));
            });
        }
    }
    group.finish();
}

fn online(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("online, 100k operations");
    for clients in [1, 5, 20] {
        let workload = Workload { operations: 100_000, clients, ..Workload::default() };
        let made = generate(&workload);
        let operations = made.history.operations();
        let mut events: Vec<(u64, bool, usize)> = Vec::new();
        for (place, operation) in operations.iter().enumerate() {
            events.push((operation.call, false, place));
            events.push((operation.ret, true, place));
        }
        events.sort_unstable();
        group.throughput(Throughput::Elements(u64::from(workload.operations)));
        group.bench_function(BenchmarkId::from_parameter(clients), |bencher| {
            bencher.iter(|| {
                let mut online = Online::new(Standard::register());
                for (time, returns, place) in &events {
                    let operation = &operations[*place];
                    let status = match operation.output {
                        Some(output) if *returns => online.ret(operation.process, *time, output),
                        _ => online.call(operation.process, *time, operation.input),
                    };
                    status.expect("well formed");
                }
                online.finish()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, algorithms, online);
criterion_main!(benches);
