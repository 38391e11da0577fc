//! A world that can be forked: deterministic simulation of consensus protocols.

pub mod cli;
pub mod protocol;
pub mod report;
pub mod runner;
pub mod scenario;
