//! A world that can be forked: deterministic simulation of consensus protocols.

pub mod act;
pub mod advisor;
pub mod agenda;
pub mod agreement;
pub mod budget;
pub mod check;
pub mod choices;
pub mod cli;
pub mod client;
mod clock;
pub mod disk;
pub mod fault;
#[cfg(test)]
mod fault_tests;
pub mod files;
pub mod guide;
pub mod history;
pub mod machine;
#[cfg(feature = "mutations")]
pub mod machine_mutation;
pub mod names;
pub mod nemesis;
pub mod network;
pub mod node;
mod panics;
pub mod protocol;
pub mod protocols;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod session;
pub mod shrink;
pub mod swarm;
pub mod sweep;
pub mod system;
pub mod tape;
pub mod testing;
pub mod time;
pub mod trace;
pub mod workload;
pub mod world;
#[cfg(feature = "mutations")]
pub mod zoo;
