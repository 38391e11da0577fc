//! A world that can be forked: deterministic simulation of consensus protocols.
//!
//! To bring a protocol of your own, begin with [`guide`]: implement [`protocol`]'s traits, then use [`testing`] in tests, or
//! [`system`] and [`cli`] for a program. To look inside a run, make a [`world`](world::World) of a [`scenario`] with [`runner`];
//! its [`trace`] is data. `tests/src/public_face.rs` has the list of all that is public.

pub mod adapter;
pub mod advisor;
mod blocks;
mod bounded_file;
pub mod built_in;
pub mod check;
pub mod choices;
#[cfg(feature = "cli")]
pub mod cli;
mod clock;
mod digest;
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "most media are the command line's"))]
mod escape;
pub mod explain;
pub mod explore;
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "most readers are the command line's"))]
mod files;
pub mod guide;
pub mod history;
pub mod machine;
pub mod names;
mod panics;
pub mod protocol;
pub mod protocols;
pub mod report;
pub mod runner;
pub mod runtime;
pub mod scenario;
pub mod shrink;
pub mod swarm;
#[cfg(feature = "cli")]
mod sweep;
pub mod system;
pub mod testing;
pub mod time;
pub mod trace;
pub mod travel;
mod twice;
pub mod world;
#[cfg(feature = "mutations")]
pub mod zoo;
