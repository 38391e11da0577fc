//! CPU time and peak memory of every algorithm on large histories: `cargo run --release --example marks`.
//!
//! Each row runs in a process of its own, so that its peak memory is its own. Linux only: times are those of
//! `/proc/self/schedstat`, memory is `VmHWM`. `marks CASE OPERATIONS CLIENTS METHOD` runs one row.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};

use splitbrain_linearizability::generate::{Generated, Workload, generate};
use splitbrain_linearizability::{
    Budget, History, Input, Method, Online, Options, Output, Standard, Verdict, check,
};

const CASES: [&str; 9] = [
    "kv",
    "kv-stale",
    "kv-unknown",
    "register",
    "register-stale",
    "register-unknown",
    "register-both",
    "swaps",
    "few",
];

fn workload(case: &str, operations: u32, clients: u32) -> Workload {
    let base = Workload { operations, clients, ..Workload::default() };
    match case {
        "kv" => Workload { keys: 100, ..base },
        "kv-stale" => Workload { keys: 100, stale: true, ..base },
        "kv-unknown" => Workload { keys: 100, unknown: 10, ..base },
        "register-stale" => Workload { stale: true, ..base },
        "register-unknown" => Workload { unknown: 10, ..base },
        "register-both" => Workload { unknown: 10, stale: true, ..base },
        "swaps" => Workload { swaps: true, ..base },
        "few" => Workload { values: Some(5), swaps: true, ..base },
        _ => base,
    }
}

/// Nanoseconds this process has run.
fn cpu() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn peak_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

fn row(case: &str, operations: u32, clients: u32, method: &str) {
    let Generated { history, witness } = generate(&workload(case, operations, clients));
    let model = Standard::register();
    let mut options =
        Options { budget: Budget { memory: 400 << 20, steps: 50_000_000 }, ..Options::default() };
    match method {
        "witness" => options.witness = Some(&witness),
        "search" => options.method = Method::Search,
        _ => {}
    }
    if method == "online" {
        return online(case, operations, clients, &history);
    }
    let before = cpu();
    let verdict = check(&history, &model, &options);
    let spent = (cpu() - before) as f64 / 1e9;
    let verdict = match verdict {
        Verdict::Linearizable => "yes".to_owned(),
        Verdict::NotLinearizable(_) => "no".to_owned(),
        Verdict::Unknown(reason, _) => format!("unknown: {reason}"),
    };
    println!(
        "| {case} | {operations} | {clients} | {method} | {spent:.4} | {} | {verdict} |",
        peak_kib() / 1024
    );
}

/// What following the events costs, without preparing them.
fn online(case: &str, operations: u32, clients: u32, history: &History<Input, Output>) {
    let mut events = Vec::with_capacity(2 * history.len());
    for (place, operation) in history.operations().iter().enumerate() {
        events.push((operation.call, false, place));
        // A client learns after a while that nobody will answer.
        let end = if operation.output.is_some() { operation.ret } else { operation.call + 5_000 };
        events.push((end, true, place));
    }
    events.sort_unstable();
    let mut online = Online::new(Standard::register());
    let before = cpu();
    for (time, ends, place) in events {
        let operation = &history.operations()[place];
        let status = match (ends, operation.output) {
            (false, _) => online.call(operation.process, time, operation.input),
            (true, Some(output)) => online.ret(operation.process, time, output),
            (true, None) => online.unknown(operation.process),
        };
        status.expect("the history is well formed");
    }
    let spent = (cpu() - before) as f64 / 1e9;
    let status = online.finish();
    println!(
        "| {case} | {operations} | {clients} | online | {spent:.4} | {} | {status:?} |",
        peak_kib() / 1024
    );
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [case, operations, clients, method] = args.as_slice() {
        match (operations.parse(), clients.parse()) {
            (Ok(operations), Ok(clients)) => row(case, operations, clients, method),
            _ => return ExitCode::from(2),
        }
        return ExitCode::SUCCESS;
    }
    let Ok(program) = env::current_exe() else { return ExitCode::FAILURE };
    println!("| history | operations | clients | method | CPU s | peak MiB | verdict |");
    println!("|---|---|---|---|---|---|---|");
    for case in CASES {
        for operations in ["1000", "10000", "100000", "1000000"] {
            for clients in ["5", "20", "50"] {
                for method in ["witness", "zones", "search", "online"] {
                    let wanted = method != "witness" || !case.contains("stale") && case != "register-both";
                    let bounded = method != "search" || clients == "5" || operations.len() < 6;
                    if wanted && bounded {
                        let run = Command::new(&program).args([case, operations, clients, method]).status();
                        assert!(run.is_ok_and(|status| status.success()), "a row failed");
                    }
                }
            }
        }
    }
    ExitCode::SUCCESS
}
