//! Guests: libraries in other languages as WebAssembly modules, as deterministic as our own core.
//!
//! A guest whose module was not built is told as skipped, by its name; `guests/build` builds them.

use std::path::PathBuf;

use splitbrain::built_in;
use splitbrain::report::Verdict;
use splitbrain::runner::RunOptions;
use splitbrain::scenario;

use crate::determinism::{another_process_prints, digests, everything_at_once};
use crate::root;

const GUESTS: [&str; 3] = ["etcd-raft", "hashicorp-raft", "plain-raft"];
/// An interpreter in a build for development is slow.
const SEEDS: u64 = if cfg!(feature = "guests-compiled") { 20 } else { 2 };

/// Whether a system is a guest.
pub(crate) fn is_guest(system: &str) -> bool {
    system == "guest" || GUESTS.contains(&system)
}

/// Whether a system can be run here: the module of a guest may not be built.
pub(crate) fn is_there(system: &str) -> bool {
    let folder =
        std::env::var_os("SPLITBRAIN_GUESTS").map_or_else(|| root().join("guests/built"), PathBuf::from);
    match system {
        "guest" => std::env::var_os("SPLITBRAIN_GUEST").is_some(),
        _ => !is_guest(system) || folder.join(format!("{system}.wasm")).is_file(),
    }
}

/// The guests whose modules are there.
fn built() -> impl Iterator<Item = &'static str> {
    GUESTS.into_iter().filter(|guest| {
        let there = is_there(guest);
        if !there {
            eprintln!("skipped {guest}: expected its module, of guests/build {guest}");
        }
        there
    })
}

fn worlds() -> String {
    built().map(|guest| digests(&everything_at_once("", "1s"), guest, 0..SEEDS)).collect()
}

#[test]
fn equal_seeds_give_equal_digests_in_two_processes() {
    another_process_prints(&worlds(), "webassembly::print_digests");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", worlds());
}

#[test]
fn a_story_goes_as_it_should_on_every_guest() {
    let text = "title = 'calm'\nsource = 'here'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [\n\
                { elect = 'a' }, { write = 'x=1', outcome = 'ok' }, { crash = 'a' }, { run = '3s' },\n\
                { write = 'x=2', outcome = 'ok' }, { restart = 'a' }, { converge = '10s' },\n\
                { expect = { node = ['a', 'b', 'c'], machine = { x = 2 } } },\n\
                ]\n[expect]\nviolations = 'none'\nseen = ['leader-changed', 'restarted']";
    let scenario = scenario::parse("calm.toml", text).expect("a good scenario").scenario;
    for guest in built() {
        let options = RunOptions { file: String::new(), system: guest.to_owned(), seed: 1, trace: false };
        let report = built_in::run(&scenario, &options).expect("it can be run");
        assert_eq!(report.verdict, Verdict::AsExpected, "{guest}");
    }
}
