//! Who takes part, and how that may change.
//!
//! Holds: a membership is a value; it changes only by an entry of the log.
//! Not here: who proposes a change, and when (`reconfiguration`).

pub mod change;
mod history;
mod members;
pub mod planning;
mod set_configuration;

pub use crate::quorum::VoterSet;
pub(crate) use history::History;
pub use members::{Membership, NextStep, NotAMembership};
