//! A run as a machine to travel in: any of its events, forwards and backwards, and what if something had been otherwise.
//!
//! Holds: the run itself is never changed; what is changed is another run, which is written as a scenario that `run` repeats
//! with the same digest. Equal commands get equal answers.
//! Reading order: `command` (what may be asked), `session` (where one stands, and what is seen), `causes` (why something
//! happened), `what_if` (changed runs), `obey` (who answers what).
//! Not here: how a moment of a run is found again (`runner::Course`), what it looks like (`world::sight`), and where
//! commands come from (`cli`).

mod causes;
mod command;
mod obey;
mod session;
#[cfg(test)]
mod tests;
mod what_if;

use std::path::PathBuf;

use crate::choices::Choices;
use crate::protocol::Protocol;
use crate::runner::{Course, RunOptions};
use crate::scenario::{Objection, Scenario};
use session::Session;

/// Someone who travels in a run.
pub trait Travel {
    /// What stands before each command: where one is.
    fn prompt(&self) -> String;
    /// What is said before the first command.
    fn greeting(&self) -> String;
    /// Does what a line asks.
    fn obey(&mut self, line: &str) -> Answer;
}

/// What comes of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What is said.
    pub text: String,
    /// Whether the command could not be done, and the text says why.
    pub failed: bool,
    /// Whether the journey is over.
    pub ends: bool,
    /// A file to be written.
    pub save: Option<(PathBuf, String)>,
}

/// Carries a scenario out once and stands at its start.
///
/// # Errors
/// As [`crate::runner::play`].
pub fn begin<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    choices: Choices,
) -> Result<Box<dyn Travel>, Objection> {
    let course = Course::<P>::run(scenario, options, choices)?;
    Ok(Box::new(Session::new(course)?))
}
