//! `splitbrain print-seed`: the scenario that the swarm draws for a seed.

use clap::Args;

use super::output::{Output, complain};
use super::{AS_EXPECTED, BAD_INPUT};
use crate::swarm;

/// What `print-seed` may be told.
#[derive(Debug, Args)]
pub(super) struct PrintSeedArguments {
    /// The seed
    seed: u64,
}

pub(super) fn main(arguments: &PrintSeedArguments) -> u8 {
    let seed = arguments.seed;
    let text = format!("# What the swarm draws for seed {seed}.\n{}", swarm::scenario(seed).to_toml());
    match Output::new().write(&text) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the scenario cannot be written: {error}"));
            BAD_INPUT
        }
    }
}
