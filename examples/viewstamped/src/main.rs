//! `splitbrain` with Viewstamped Replication: `cargo run --package example-viewstamped -- run examples/viewstamped/scenarios`.

use std::process::ExitCode;

use example_viewstamped::Replica;
use splitbrain::system::{System, Systems};

fn main() -> ExitCode {
    let system = System::of::<Replica>("Viewstamped Replication Revisited", &[]);
    splitbrain::cli::main_with(&Systems::new(&[system]), std::env::args_os())
}
