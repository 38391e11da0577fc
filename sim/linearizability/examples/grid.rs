//! Few values and unknown outcomes, against Porcupine: `cargo run --release --example grid -- --rows FILE`.
//!
//! One register with reads, writes and compare-and-sets. With `--go PROGRAM`, built in `benches/porcupine` by
//! `go build`, the yardstick is Porcupine itself; otherwise its algorithm written anew (`porcupine/mod.rs` beside this
//! file). What is compared is CPU seconds of the check alone, over all threads, so that a loaded machine changes
//! little; Linux only. Each cell runs in a process of its own. The yardstick gives up after `--seconds` (10) of CPU time
//! or at 3 GiB; this crate at the default budget of the command, in steps and memory, and by no clock.
//!
//! Each row is appended to FILE as it is measured, and one that is there already is not measured again: a run that
//! was stopped goes on where it stood. `--longest N` leaves out longer histories. At the end the rows are summed up.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use cpu_time::ProcessTime;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

fn peak_mib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

fn ours(history: &History<Input, Output>) -> &'static str {
    // As the command has it.
    let budget = Budget { steps: 10_000_000 + 100 * history.len() as u64, memory: 400 << 20 };
    match check(history, &Standard::cas_register(), &Options { budget, ..Options::default() }) {
        Verdict::Linearizable => "yes",
        Verdict::NotLinearizable(_) => "no",
        Verdict::Unknown(..) => "unknown",
    }
}

fn anew(history: &History<Input, Output>, seconds: u64, start: ProcessTime) -> &'static str {
    let stop = || start.elapsed() > Duration::from_secs(seconds) || peak_mib() > 3072;
    match porcupine::is_linearizable(history, &stop) {
        Some(true) => "yes",
        Some(false) => "no",
        None => "gave up",
    }
}

/// One checker on one point: prints seconds and verdict, and the history for others.
fn one(who: &str, point: Point, seconds: u64) {
    let history = point.history();
    let mut best = Duration::MAX;
    let mut verdict = "";
    // Short ones are measured again, for the first run also pays for the memory.
    for _ in 0..5 {
        let start = ProcessTime::now();
        verdict = if who == "ours" { ours(&history) } else { anew(&history, seconds, start) };
        best = best.min(start.elapsed());
        if best > Duration::from_millis(20) {
            break;
        }
    }
    println!("{:.6} {verdict}", best.as_secs_f64());
    if who == "ours" {
        print!("{}", dump(&history));
    }
}

/// The history for Go: a line for each operation.
fn dump(history: &History<Input, Output>) -> String {
    let mut text = String::new();
    for operation in history.operations() {
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

/// A measured cell: seconds, verdict, and whatever was said behind them.
struct Cell {
    seconds: f64,
    verdict: String,
    rest: String,
}

fn cell(mut command: Command, input: &str) -> Cell {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let nothing = |verdict: &str| Cell { seconds: 0.0, verdict: verdict.to_owned(), rest: String::new() };
    let Ok(mut child) = command.spawn() else { return nothing("cannot run") };
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not want it all ends, and says why by its exit.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let output = output.unwrap_or_default();
    let (first, rest) = output.split_once('\n').unwrap_or((&output, ""));
    match first.split_once(' ') {
        Some((seconds, verdict)) => Cell {
            seconds: seconds.parse().unwrap_or(0.0),
            verdict: verdict.to_owned(),
            rest: rest.to_owned(),
        },
        None => nothing("out of memory"),
    }
}

/// What was measured at a point.
struct Row {
    point: Point,
    ours: f64,
    our_verdict: String,
    theirs: f64,
    their_verdict: String,
}

impl Row {
    fn measured(point: Point, seconds: u64, go: Option<&str>) -> std::io::Result<Row> {
        let program = env::current_exe()?;
        let command = |program: &Path| {
            let mut command = Command::new(program);
            command.env("LC_ALL", "C");
            command
        };
        let mut own = command(&program);
        own.arg("ours").arg(seconds.to_string()).args(point.args());
        let ours = cell(own, "");
        let theirs = match go {
            Some(go) => {
                let mut porcupine = command(Path::new(go));
                porcupine.arg(seconds.to_string());
                cell(porcupine, &ours.rest)
            }
            None => {
                let mut anew = command(&program);
                anew.arg("anew").arg(seconds.to_string()).args(point.args());
                cell(anew, "")
            }
        };
        let (our_verdict, their_verdict) = (ours.verdict, theirs.verdict);
        Ok(Row { point, ours: ours.seconds, our_verdict, theirs: theirs.seconds, their_verdict })
    }

    fn line(&self) -> String {
        let Row { point, ours, our_verdict, theirs, their_verdict } = self;
        format!("{}\t{ours:.6}\t{our_verdict}\t{theirs:.6}\t{their_verdict}\n", point.args().join(" "))
    }

    fn from_line(line: &str) -> Option<Row> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [point, ours, our_verdict, theirs, their_verdict] = cells[..] else { return None };
        let args: Vec<String> = point.split(' ').map(str::to_owned).collect();
        Some(Row {
            point: Point::from_args(&args)?,
            ours: ours.parse().ok()?,
            our_verdict: our_verdict.to_owned(),
            theirs: theirs.parse().ok()?,
            their_verdict: their_verdict.to_owned(),
        })
    }

    /// Decided by both, and not alike: one of them is wrong.
    fn differs(&self) -> bool {
        is_decided(&self.our_verdict)
            && is_decided(&self.their_verdict)
            && self.our_verdict != self.their_verdict
    }

    /// Beyond what two runs of one program differ by.
    fn is_slower(&self) -> bool {
        let slower = self.ours > 1.1 * self.theirs && self.ours - self.theirs > 0.005;
        is_decided(&self.their_verdict) && (!is_decided(&self.our_verdict) || slower)
    }
}

fn is_decided(verdict: &str) -> bool {
    matches!(verdict, "yes" | "no")
}

/// The rows that are measured already.
fn known(file: &str) -> Vec<Row> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(Row::from_line).collect()
}

fn measure(file: &str, longest: u32, seconds: u64, go: Option<&str>) -> std::io::Result<Vec<Row>> {
    let mut rows = known(file);
    let mut into = fs::OpenOptions::new().create(true).append(true).open(file)?;
    for point in points().filter(|point| point.operations <= longest) {
        if !rows.iter().any(|row| row.point == point) {
            let row = Row::measured(point, seconds, go)?;
            into.write_all(row.line().as_bytes())?;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// One line for each number of values and of clients.
fn sum_up(rows: &[Row]) {
    println!(
        "| values | clients | histories | decided here / there | CPU s here / there | the worst here / there |"
    );
    println!("|---|---|---|---|---|---|");
    for (values, clients) in VALUES.into_iter().flat_map(|values| CLIENTS.map(|clients| (values, clients))) {
        let of = |row: &&Row| (row.point.values, row.point.clients) == (values, clients);
        let rows: Vec<&Row> = rows.iter().filter(of).collect();
        let decided = |verdict: fn(&Row) -> &str| rows.iter().filter(|row| is_decided(verdict(row))).count();
        let sum = |time: fn(&Row) -> f64| rows.iter().map(|row| time(row)).sum::<f64>();
        // The one where this crate stands worst, of those that the other decides.
        let other = rows.iter().filter(|row| is_decided(&row.their_verdict));
        let worst = other.max_by(|a, b| (a.ours / a.theirs).total_cmp(&(b.ours / b.theirs)));
        println!(
            "| {values} | {clients} | {} | {} / {} | {:.2} / {:.2} | {} |",
            rows.len(),
            decided(|row| &row.our_verdict),
            decided(|row| &row.their_verdict),
            sum(|row| row.ours),
            sum(|row| row.theirs),
            worst.map_or("-".to_owned(), |row| format!("{:.4} / {:.4} s", row.ours, row.theirs)),
        );
    }
    println!();
    for row in rows.iter().filter(|row| row.is_slower() || row.differs()) {
        print!("{} {}", if row.differs() { "differs:" } else { "slower:" }, row.line());
    }
    let slower = rows.iter().filter(|row| row.is_slower()).count();
    println!("{slower} of {} points slower than the yardstick.", rows.len());
}

fn points() -> impl Iterator<Item = Point> {
    let all = LENGTHS.into_iter().flat_map(|operations| axes().map(move |axes| (operations, axes)));
    all.flat_map(|(operations, (values, clients, unknown))| {
        [false, true].map(|broken| Point { values, clients, unknown, operations, broken })
    })
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
    let number = |name: &str| after(name).and_then(|text| text.parse::<u32>().ok());
    let (longest, seconds) = (number("--longest").unwrap_or(u32::MAX), number("--seconds").unwrap_or(10));
    match measure(after("--rows").unwrap_or("grid.tsv"), longest, u64::from(seconds), after("--go")) {
        Ok(rows) => {
            sum_up(&rows);
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::FAILURE
        }
    }
}
