//! The table: the same work on a bare event loop, on turmoil, on madsim and on our own simulator, and what only ours has to show.
//!
//! Each measurement is a process of its own, timed by its CPU seconds. The harnesses of a row take turns, round after round with
//! another seed, so that what disturbs the machine disturbs them all; a ratio is taken within a round, and the table shows the
//! middle one of all rounds with the least and the greatest. `cargo bench -- ROW` measures the rows whose name holds ROW.

use std::process::Command;

const ALONE: &str = env!("CARGO_BIN_EXE_alone");
const MADSIM: &str = env!("CARGO_BIN_EXE_with-madsim");
const COUNTED: &str = env!("CARGO_BIN_EXE_counted");

/// A row whose harnesses do the same work: our own rate as a multiple of each peer's.
struct Against {
    work: &'static str,
    unit: &'static str,
    /// The harnesses with how much they do: more where a unit costs less than the clock can tell.
    peers: &'static [(&'static str, u64)],
    own: u64,
    goals: &'static str,
}

const AGAINST: [Against; 5] = [
    Against {
        work: "pingpong-1",
        unit: "messages",
        peers: &[("bare", 10_000_000)],
        own: 3_000_000,
        goals: "0.5",
    },
    Against {
        work: "pingpong-20",
        unit: "messages",
        peers: &[("bare", 10_000_000)],
        own: 3_000_000,
        goals: "0.5",
    },
    Against {
        work: "commit-1",
        unit: "commands",
        peers: &[("bare", 20_000), ("turmoil", 20_000), ("madsim", 20_000)],
        own: 20_000,
        goals: "2, 10, 10",
    },
    Against {
        work: "commit-32",
        unit: "commands",
        peers: &[("bare", 20_000), ("turmoil", 20_000), ("madsim", 20_000)],
        own: 20_000,
        goals: "2, 10, 10",
    },
    Against {
        work: "campaign",
        unit: "seeds",
        peers: &[("bare", 300), ("turmoil", 300), ("madsim", 300)],
        own: 300,
        goals: "2, none, none",
    },
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |row: &str| wanted.is_empty() || wanted.iter().any(|word| row.contains(word.as_str()));
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(7);
    println!(
        "| work | per CPU second | own as a multiple of it (least to greatest) | goal |\n|---|---|---|---|"
    );
    for row in AGAINST.iter().filter(|row| is_wanted(row.work)) {
        print_against(row, rounds);
    }
    if is_wanted("share") {
        print_share("share of checkers in a calm run", "unchecked", "10 %", rounds);
        print_share("share of the digest in a calm run", "undigested", "3 %", rounds);
    }
    if is_wanted("grown") {
        print_grown(rounds);
    }
    if is_wanted("fork") {
        for entries in [100, 1_000, 10_000, 50_000] {
            let rates = rates(ALONE, "own", "fork", entries, rounds);
            let spread = Spread::of(rates.iter().map(|rate| 1e6 / rate));
            println!(
                "| copy of a world with {entries} committed entries | {} µs | | 20 µs |",
                spread.shown(1)
            );
        }
    }
    if is_wanted("allocations") {
        for (work, goal) in [("raft", "-"), ("raft-rs", "1"), ("openraft", "-")] {
            let counted = Spread::of(rates(COUNTED, "own", work, 30_000, 1).into_iter());
            println!("| allocations per event, {work} | {} | | {goal} |", counted.shown(2));
        }
    }
    if is_wanted("sweep") {
        for (work, seeds, goal) in
            [("sweep", 400, "-"), ("sweep-raft-rs", 200, "-"), ("sweep-openraft", 100, "200")]
        {
            let spread = Spread::of(rates(ALONE, "own", work, seeds, rounds).into_iter());
            println!("| {work}, seeds | {} | | {goal} |", spread.shown(0));
        }
    }
}

fn print_against(row: &Against, rounds: u64) {
    let mut own = Vec::new();
    let mut peers = vec![Vec::new(); row.peers.len()];
    for round in 0..rounds {
        own.push(rate(ALONE, "own", row.work, row.own, round));
        for (rates, &(harness, units)) in peers.iter_mut().zip(row.peers) {
            let program = if harness == "madsim" { MADSIM } else { ALONE };
            rates.push(rate(program, harness, row.work, units, round));
        }
    }
    let (work, unit) = (row.work, row.unit);
    println!("| {work}, own | {} {unit} | | |", Spread::of(own.iter().copied()).shown(0));
    for ((rates, &(harness, _)), goal) in peers.iter().zip(row.peers).zip(row.goals.split(", ")) {
        let ratios = Spread::of(own.iter().zip(rates).map(|(own, peer)| own / peer));
        let rates = Spread::of(rates.iter().copied());
        println!("| {work}, {harness} | {} {unit} | {} | {goal} |", rates.shown(0), ratios.shown(2));
    }
}

/// What leaving something out saves, in percent of a whole run.
fn print_share(name: &str, without: &str, goal: &str, rounds: u64) {
    const EVENTS: u64 = 1_000_000;
    let share = |round| {
        let (whole, part) =
            (rate(ALONE, "own", "calm", EVENTS, round), rate(ALONE, "own", without, EVENTS, round));
        100.0 * (1.0 - whole / part)
    };
    println!("| {name} | {} % | | {goal} |", Spread::of((0..rounds).map(share)).shown(1));
}

/// What an event costs in worlds of more and more events; each length as a multiple of the shortest.
fn print_grown(rounds: u64) {
    const EVENTS: [u64; 4] = [10_000, 100_000, 1_000_000, 3_600_000];
    let mut nanos = vec![Vec::new(); EVENTS.len()];
    for round in 0..rounds {
        for (nanos, events) in nanos.iter_mut().zip(EVENTS) {
            nanos.push(1e9 / rate(ALONE, "own", "grown", events, round));
        }
    }
    for (of_length, events) in nanos.iter().zip(EVENTS) {
        let ratios = Spread::of(of_length.iter().zip(&nanos[0]).map(|(long, short)| long / short));
        let cost = Spread::of(of_length.iter().copied());
        println!(
            "| an event in a run of {events} | {} ns | {} of the shortest | 1.10 |",
            cost.shown(0),
            ratios.shown(2)
        );
    }
}

fn rates(program: &str, harness: &str, work: &str, units: u64, rounds: u64) -> Vec<f64> {
    (0..rounds).map(|round| rate(program, harness, work, units, round)).collect()
}

/// Runs one measurement.
fn rate(program: &str, harness: &str, work: &str, units: u64, seed: u64) -> f64 {
    let output = Command::new(program).args([harness, work, &units.to_string(), &seed.to_string()]).output();
    let output = output.expect("the harness starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().unwrap_or_else(|_| panic!("{harness} {work}: {text}{errors}"))
}

/// The middle, the least and the greatest of several measurements.
struct Spread([f64; 3]);

impl Spread {
    fn of(all: impl Iterator<Item = f64>) -> Spread {
        let mut all: Vec<f64> = all.collect();
        all.sort_by(f64::total_cmp);
        Spread([all[all.len() / 2], all[0], all[all.len() - 1]])
    }

    fn shown(&self, digits: usize) -> String {
        let [middle, least, greatest] = self.0;
        if least == greatest {
            return format!("{middle:.digits$}");
        }
        format!("{middle:.digits$} ({least:.digits$} to {greatest:.digits$})")
    }
}
