//! Protocols that the simulator can run, each behind the one trait of `protocol`, and the list of those that `splitbrain` has.

pub mod echo;
#[cfg(feature = "guests")]
pub mod guest;
#[cfg(feature = "openraft")]
pub mod openraft;
pub mod raft;
#[cfg(feature = "raft-rs")]
pub mod raft_rs;
mod raft_settings;
mod raft_words;
