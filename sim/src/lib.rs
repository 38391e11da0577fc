//! A world that can be forked: deterministic simulation of consensus protocols.

pub mod advisor;
mod blocks;
pub mod built_in;
pub mod check;
pub mod choices;
pub mod cli;
mod clock;
pub mod files;
pub mod guide;
pub mod history;
pub mod machine;
pub mod names;
mod panics;
pub mod protocol;
pub mod protocols;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod shrink;
pub mod swarm;
pub mod sweep;
pub mod system;
pub mod testing;
pub mod time;
pub mod trace;
pub mod world;
#[cfg(feature = "mutations")]
pub mod zoo;
