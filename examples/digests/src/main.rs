//! A line for each seed of the swarm: the seed, the events of its run, its digest. `.ci/determinism` compares these lines
//! between builds and targets; it needs nothing but the library.

use std::process::ExitCode;

use splitbrain::built_in::systems;
use splitbrain::choices::Choices;
use splitbrain::runner::{Drive, RunOptions};
use splitbrain::shrink::LIMIT;

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [first, last] = numbers[..] else {
        eprintln!("expected the first and the last seed");
        return ExitCode::from(2);
    };
    let system = systems().first();
    for seed in first..=last {
        let options =
            RunOptions { file: String::new(), system: system.name().to_owned(), seed, trace: false };
        match system.drive(&system.swarm(seed), &options, Drive::within(Choices::seeded(seed), LIMIT)) {
            Ok(report) => println!("{seed} {} {}", report.counts.events, report.digest),
            Err(objection) => println!("{seed} {}", objection.message),
        }
    }
    ExitCode::SUCCESS
}
