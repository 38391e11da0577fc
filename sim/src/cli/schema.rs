//! `splitbrain schema`: the JSON Schema of scenario files, or the chapter that tells every knob.
//!
//! Not here: what is in them (`scenario`).

use clap::Args;

use super::output::{Output, complain};
use super::{AS_EXPECTED, BAD_INPUT};
use crate::scenario;

/// What `schema` may be told.
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Print the chapter of knobs instead
    #[arg(long)]
    markdown: bool,
}

/// Prints what the arguments ask, and returns the exit code.
pub(super) fn main(arguments: &SchemaArguments) -> u8 {
    let text = if arguments.markdown { scenario::knobs_chapter() } else { scenario::schema() };
    match Output::new().write(&text) {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&format!("the schema cannot be written: {error}"));
            BAD_INPUT
        }
    }
}
