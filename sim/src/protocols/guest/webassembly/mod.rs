//! The WebAssembly engine: `wasmi`, an interpreter that builds in seconds, or `wasmtime`, a compiler, with the feature
//! `guests-compiled`.
//!
//! Holds: what the two have of one name is used by that name, so that nothing else here knows which it is.
//! Not here: what is done with an engine (`engine`).

#[cfg(feature = "guests-compiled")]
mod compiler;
#[cfg(not(feature = "guests-compiled"))]
mod interpreter;

#[cfg(feature = "guests-compiled")]
pub(super) use compiler::*;
#[cfg(not(feature = "guests-compiled"))]
pub(super) use interpreter::*;
