//! One test binary: every scenario with its snapshot, determinism, checkers seen to fail, and the project's own rules.

mod checkers_alive;
mod common_words;
mod determinism;
#[cfg(feature = "raft-rs")]
mod differential;
mod explore;
mod guests;
mod layers;
mod links;
#[cfg(feature = "mutations")]
mod machine_mutations;
mod membership;
#[cfg(feature = "openraft")]
mod openraft;
#[cfg(feature = "openraft-0-9")]
mod openraft_0_9;
mod public_face;
#[cfg(feature = "raft-rs")]
mod raft_rs;
mod scenarios;
mod schema;
#[cfg(feature = "mutations")]
mod shrunk;
mod stories;
mod testing;
mod tidy;
#[path = "bin/unruly.rs"]
#[allow(dead_code)]
mod unruly;
#[cfg(feature = "guests")]
mod webassembly;
mod why;
#[cfg(feature = "mutations")]
mod zoo;

use std::path::{Path, PathBuf};

#[cfg(feature = "guests")]
use webassembly::{is_guest, is_there};

/// Whether a system is a module in another language.
#[cfg(not(feature = "guests"))]
fn is_guest(_: &str) -> bool {
    false
}

/// Whether a system can be run here: all of those in Rust can.
#[cfg(not(feature = "guests"))]
fn is_there(_: &str) -> bool {
    true
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
        .to_owned()
}
