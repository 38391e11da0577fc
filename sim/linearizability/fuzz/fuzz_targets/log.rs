//! Any text, read as Jepsen's log of an etcd test.

#![no_main]

#[path = "common/history.rs"]
mod history;

use libfuzzer_sys::fuzz_target;
use splitbrain_linearizability::read::Format;

fuzz_target!(|bytes: &[u8]| history::holds(bytes, Some(Format::Log)));
