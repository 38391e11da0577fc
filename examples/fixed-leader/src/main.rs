//! `splitbrain` with the fixed leader: `cargo run --package example-fixed-leader -- run examples/fixed-leader/scenarios`.

use std::process::ExitCode;

use example_fixed_leader::FixedLeader;
use splitbrain::system::{System, Systems};

fn main() -> ExitCode {
    let system = System::of::<FixedLeader>("a log that node 0 copies to the others", &[]);
    splitbrain::cli::main_with(&Systems::new(&[system]), std::env::args_os())
}
