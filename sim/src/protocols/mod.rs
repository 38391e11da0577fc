//! Protocols that the simulator can run, each behind the one trait of `protocol`.

pub mod echo;
#[cfg(feature = "openraft")]
pub mod openraft;
#[cfg(feature = "openraft-0-9")]
pub mod openraft_0_9;
pub mod raft;
#[cfg(feature = "raft-rs")]
pub mod raft_rs;
mod raft_settings;
#[cfg(any(test, feature = "mutations"))]
pub mod unruly;
