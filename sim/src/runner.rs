//! PLACEHOLDER, to be replaced as a whole by whoever writes the runner; `cli` needs exactly these names.

use crate::report::Report;
use crate::scenario::{Objection, Scenario};

/// Which run is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The path as it was given, for the report.
    pub file: String,
    /// The protocol, one of [`systems`].
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// Whether the report shall hold every record.
    pub trace: bool,
}

/// The protocols that can be run, by name.
#[must_use]
pub fn systems() -> &'static [&'static str] {
    &["raft"]
}

/// Carries a scenario out and judges it.
///
/// # Errors
/// An objection when the protocol does not know a rule or setting, or a step is impossible when its turn comes.
pub fn run(_scenario: &Scenario, _options: &RunOptions) -> Result<Report, Objection> {
    Err(Objection {
        subject: crate::scenario::Subject::Scenario,
        message: "there is no runner yet".to_owned(),
        hint: None,
    })
}
