//! Sets that must meet: pure arithmetic over voter sets.
//!
//! Holds: no state; everything is a function of sets and of what each voter said.
//! Not here: who the voters are (`membership`), and what they say (`election`, `replication`).

mod intersect;
pub mod joint;
pub mod majority;
mod voter_set;

pub use intersect::{any_quorums_meet, quorums_apart};
pub use voter_set::VoterSet;

#[cfg(test)]
mod tests;
