//! `splitbrain` with OmniPaxos: `cargo run --package example-omnipaxos -- run examples/omnipaxos/scenarios`.

use std::process::ExitCode;

use example_omnipaxos::Replica;
use splitbrain::system::{Capability, System, Systems};

fn main() -> ExitCode {
    let system = System::of::<Replica>("the crate omnipaxos", &[Capability::Membership]);
    splitbrain::cli::main_with(&Systems::new(&[system]), std::env::args_os())
}
