//! The bare loop, turmoil and our own simulator. `alone HARNESS WORK UNITS SEED` prints units per CPU second.

#[path = "alone/bare.rs"]
mod bare;
#[path = "alone/own.rs"]
mod own;
#[path = "alone/own_ping.rs"]
mod own_ping;
#[path = "alone/turmoil.rs"]
mod with_turmoil;

use splitbrain_peers::{Work, arguments, print_rate};

fn main() {
    let (harness, name, units, seed) = arguments();
    let Some(work) = Work::named(&name) else { return own::print(&name, units, seed) };
    match harness.as_str() {
        "bare" => print_rate(units, || bare::run(work, units, seed)),
        "turmoil" => print_rate(units, || with_turmoil::run(work, units, seed)),
        "own" => own::run(work, units, seed),
        other => panic!("no harness {other}"),
    }
}
