//! Few values and unknown outcomes, against Porcupine's algorithm: `cargo run --release --example grid`.
//!
//! One register with reads, writes and compare-and-sets. The yardstick is Porcupine's algorithm written anew
//! (`porcupine/mod.rs` beside this file); with `--go PROGRAM`, built in `benches/porcupine` by `go build`, Porcupine
//! itself as well. CPU seconds of the check alone, from `/proc/self/schedstat`, so Linux only; each row of each checker
//! runs in a process of its own and gives up after `--seconds` (5) or at 2 GiB. `--quick` leaves out the long ones.

use std::env;
use std::fs;
use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use splitbrain_linearizability::generate::{Workload, generate};
use splitbrain_linearizability::{
    Action, Budget, History, Input, Operation, Options, Output, Standard, Value, Verdict, check,
};

#[path = "porcupine/mod.rs"]
mod porcupine;

const VALUES: [u32; 3] = [2, 5, 10];
const CLIENTS: [u32; 3] = [5, 20, 50];
const UNKNOWN: [u32; 3] = [0, 50, 200];
const LENGTHS: [u32; 4] = [100, 1_000, 10_000, 100_000];

/// A point of the grid.
#[derive(Clone, Copy, Debug)]
struct Point {
    values: u32,
    clients: u32,
    unknown: u32,
    operations: u32,
    broken: bool,
}

impl Point {
    fn args(self) -> Vec<String> {
        let Point { values, clients, unknown, operations, broken } = self;
        [values, clients, unknown, operations, u32::from(broken)].map(|number| number.to_string()).to_vec()
    }

    fn from_args(args: &[String]) -> Option<Point> {
        let numbers: Vec<u32> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
        let [values, clients, unknown, operations, broken] = numbers[..] else { return None };
        Some(Point { values, clients, unknown, operations, broken: broken == 1 })
    }

    fn history(self) -> History<Input, Output> {
        let Point { values, clients, unknown, operations, broken } = self;
        let (values, swaps) = (Some(values), true);
        let made = generate(&Workload { operations, clients, values, unknown, swaps, ..Workload::default() });
        if broken { self.break_one(made.history.operations()) } else { made.history }
    }

    /// Gives a late read another value until the history is not found linearizable; when none of some tries does
    /// that, one that nobody wrote.
    fn break_one(self, operations: &[Operation<Input, Output>]) -> History<Input, Output> {
        let is_read = |operation: &Operation<Input, Output>| {
            operation.input.action == Action::Read && matches!(operation.output, Some(Output::Read(_)))
        };
        let late = (0..operations.len()).rev().filter(|place| is_read(&operations[*place]));
        let late: Vec<usize> = late.skip(1).step_by(3).take(10).collect();
        let number = |number| Output::Read(Value::number(number).expect("small"));
        let tries = late.iter().flat_map(|place| (0..self.values).map(move |value| (*place, value)));
        for (place, value) in tries.take(30).chain(late.first().map(|place| (*place, self.values))) {
            let mut operations = operations.to_vec();
            if operations[place].output == Some(number(value)) {
                continue;
            }
            operations[place].output = Some(number(value));
            let history = History::from_operations(operations).expect("only an answer changed");
            let budget = Budget { steps: 500_000, ..Budget::default() };
            let options = Options { budget, ..Options::default() };
            if !matches!(check(&history, &Standard::cas_register(), &options), Verdict::Linearizable) {
                return history;
            }
        }
        History::from_operations(operations.to_vec()).expect("as it was")
    }
}

/// Nanoseconds this process has run.
fn cpu() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn peak_mib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

/// One checker on one point: prints seconds and verdict.
fn one(who: &str, point: Point, seconds: u64) {
    let history = point.history();
    let mut best = u64::MAX;
    let mut verdict = "";
    // Short ones are measured again, for the first run also pays for the memory.
    for _ in 0..5 {
        let start = cpu();
        let stop = || cpu() - start > seconds * 1_000_000_000 || peak_mib() > 2048;
        verdict = match who {
            "porcupine" => match porcupine::is_linearizable(&history, &stop) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "gave up",
            },
            _ => {
                let budget = Budget { steps: u64::MAX, memory: 1 << 30 };
                let options = Options { budget, stop: Some(&stop), ..Options::default() };
                match check(&history, &Standard::cas_register(), &options) {
                    Verdict::Linearizable => "yes",
                    Verdict::NotLinearizable(_) => "no",
                    Verdict::Unknown(..) => "gave up",
                }
            }
        };
        best = best.min(cpu() - start);
        if best > 20_000_000 {
            break;
        }
    }
    println!("{:.6} {verdict}", best as f64 / 1e9);
}

/// The history for Go: a line for each operation.
fn dump(point: Point) -> String {
    let mut text = String::new();
    for operation in point.history().operations() {
        let word = |value: Value| i64::from(value.word() as i32);
        let (kind, first, second) = match operation.input.action {
            Action::Read => ("r", 0, 0),
            Action::Write(value) => ("w", word(value), 0),
            Action::CompareAndSet { expected, new } => ("c", word(expected), word(new)),
            _ => continue,
        };
        let output = match operation.output {
            None => "?".to_owned(),
            Some(Output::Read(value) | Output::Found(value)) => word(value).to_string(),
            Some(Output::Done | Output::Unseen | Output::Differed) => "ok".to_owned(),
        };
        let ret = operation.ret.min(i64::MAX as u64);
        text += &format!("{} {} {ret} {kind} {first} {second} {output}\n", operation.process, operation.call);
    }
    text
}

fn cell(mut command: Command, input: Option<&str>) -> (f64, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return (0.0, "cannot run".to_owned()) };
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // Who does not want it all ends, and says why by its exit.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let output = output.unwrap_or_default();
    match output.trim().split_once(' ') {
        Some((seconds, verdict)) => (seconds.parse().unwrap_or(0.0), verdict.to_owned()),
        None => (0.0, "out of memory".to_owned()),
    }
}

fn table(seconds: u64, go: Option<&str>, quick: bool) -> std::io::Result<()> {
    let program = env::current_exe()?;
    println!(
        "| values | clients | unknown | operations | | this crate | Porcupine's algorithm | Porcupine |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut slower = 0;
    let mut points = 0;
    for operations in LENGTHS.into_iter().filter(|length| !quick || *length <= 1_000) {
        for (values, clients, unknown) in axes() {
            for broken in [false, true] {
                let point = Point { values, clients, unknown, operations, broken };
                let run = |who: &str| {
                    let mut command = Command::new(&program);
                    command.arg(who).arg(seconds.to_string()).args(point.args());
                    cell(command, None)
                };
                let (ours, anew) = (run("ours"), run("porcupine"));
                let gos = go.map(|go| {
                    let mut command = Command::new(go);
                    command.arg(seconds.to_string());
                    cell(command, Some(&dump(point)))
                });
                let show = |(time, verdict): &(f64, String)| format!("{verdict} {time:.4}");
                let decided = |cell: &(f64, String)| matches!(cell.1.as_str(), "yes" | "no");
                let beats = |other: &(f64, String)| decided(other) && (!decided(&ours) || other.0 < ours.0);
                let is_slower = beats(&anew) || gos.as_ref().is_some_and(beats);
                points += 1;
                slower += u32::from(is_slower);
                println!(
                    "| {values} | {clients} | {} % | {operations} | {}{} | {} | {} | {} |",
                    unknown / 10,
                    if broken { "broken" } else { "right" },
                    if is_slower { " (slower)" } else { "" },
                    show(&ours),
                    show(&anew),
                    gos.as_ref().map_or("-".to_owned(), show)
                );
            }
        }
    }
    println!("\n{slower} of {points} points slower than a yardstick.");
    Ok(())
}

fn axes() -> impl Iterator<Item = (u32, u32, u32)> {
    let pairs = VALUES.into_iter().flat_map(|values| CLIENTS.map(|clients| (values, clients)));
    pairs.flat_map(|(values, clients)| UNKNOWN.map(|unknown| (values, clients, unknown)))
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [who, seconds, rest @ ..] = args.as_slice()
        && let (Some(point), Ok(seconds)) = (Point::from_args(rest), seconds.parse())
    {
        one(who, point, seconds);
        return ExitCode::SUCCESS;
    }
    let after = |name: &str| args.iter().skip_while(|arg| *arg != name).nth(1).map(String::as_str);
    let seconds = after("--seconds").and_then(|text| text.parse().ok()).unwrap_or(5);
    match table(seconds, after("--go"), args.iter().any(|arg| arg == "--quick")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
