//! `splitbrain print-seed`: the scenario that a seed of the swarm stands for.
//!
//! Holds: what is printed is a scenario file; running it is the same run. Not here: drawing it (`swarm`).

use clap::Args;

use super::output::{Output, complain};
use super::program::Program;
use super::{AS_EXPECTED, BAD_INPUT};

/// What `print-seed` may be told.
#[derive(Debug, Args)]
pub(super) struct PrintSeedArguments {
    /// The seed
    #[arg(value_name = "SEED")]
    seed: u64,
    /// The system that the scenario is for
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
}

/// Prints what the arguments ask, and returns the exit code.
pub(super) fn main(arguments: &PrintSeedArguments, program: &Program) -> u8 {
    let PrintSeedArguments { seed, system } = arguments;
    let Some(system) = program.system(system.as_deref(), None) else { return BAD_INPUT };
    let scenario = system.swarm(*seed);
    let head = format!("# What the swarm draws for seed {seed} of {}.\n", system.name());
    match Output::new().write(&(head + &scenario.to_toml())) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the scenario cannot be written: {error}"));
            BAD_INPUT
        }
    }
}
