//! Protocols that the simulator can run, each behind the one trait of `protocol`.

pub mod echo;
#[cfg(feature = "openraft")]
pub mod openraft;
pub mod raft;
mod raft_settings;
