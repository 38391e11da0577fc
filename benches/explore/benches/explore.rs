//! The table: a Raft of the same size explored here, over the real core, and by stateright, over a model of it.
//!
//! Each measurement is a process of its own. `ROUNDS=3 cargo bench` takes the best of three; `cargo bench -- SIZE` measures one
//! size.

use std::process::Command;

const OWN: &str = env!("CARGO_BIN_EXE_own");
const STATERIGHT: &str = env!("CARGO_BIN_EXE_with-stateright");

/// A row: who searches, and how.
const ROWS: [(&str, &str, &[&str]); 4] = [
    ("stateright 0.31.0, its model", STATERIGHT, &[]),
    ("own, every move in every order", OWN, &["no-symmetry", "no-reduction"]),
    ("own, reduced", OWN, &["no-symmetry"]),
    ("own, reduced, up to names", OWN, &[]),
];

/// What a process measured.
#[derive(Clone, Copy)]
struct Measured {
    states: u64,
    moves: u64,
    cpu_us: u64,
    wall_us: u64,
    bytes: u64,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let sizes = if wanted.is_empty() { vec![String::from("tiny"), String::from("small")] } else { wanted };
    println!(
        "| world | search | threads | states | moves | CPU s | states per CPU s | moves per CPU s | bytes a state | wall s |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    );
    for size in &sizes {
        for (name, program, words) in ROWS {
            for threads in ["1", "2"] {
                let Measured { states, moves, cpu_us, wall_us, bytes } = best(program, size, threads, words);
                let rate = |count: u64| count * 1_000_000 / cpu_us.max(1);
                println!(
                    "| {size} | {name} | {threads} | {states} | {moves} | {:.2} | {} | {} | {} | {:.2} |",
                    cpu_us as f64 / 1e6,
                    rate(states),
                    rate(moves),
                    bytes / states.max(1),
                    wall_us as f64 / 1e6,
                );
            }
        }
    }
}

/// The round with the least CPU time.
fn best(program: &str, size: &str, threads: &str, words: &[&str]) -> Measured {
    let rounds: u32 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let all = (0..rounds.max(1)).map(|_| measure(program, size, threads, words));
    all.min_by_key(|measured| measured.cpu_us).expect("at least one round")
}

fn measure(program: &str, size: &str, threads: &str, words: &[&str]) -> Measured {
    let output =
        Command::new(program).args([size, threads]).args(words).output().expect("the program is built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("numbers");
    // stateright may say something before its numbers.
    let line = text.lines().last().expect("a line");
    let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
    let [states, moves, cpu_us, wall_us, bytes] = numbers[..] else { panic!("{line}") };
    Measured { states, moves, cpu_us, wall_us, bytes }
}
