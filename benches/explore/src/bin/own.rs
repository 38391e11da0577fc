//! Our own search, over the real core. `own SIZE THREADS [no-symmetry] [no-reduction]` prints what `measure` says; in place of
//! a size it takes a scenario file.

use splitbrain::explore::{Ended, Limits, explore};
use splitbrain::protocols::raft::Raft;
use splitbrain::runner::RunOptions;
use splitbrain::scenario;
use splitbrain_explore_bench::{Found, arguments, measure};

fn main() {
    let (size, threads, words) = arguments();
    let text =
        if size.ends_with(".toml") { std::fs::read_to_string(&size).expect("a file") } else { world(&size) };
    let scenario = scenario::parse("small", &text).unwrap_or_else(|error| panic!("{error}")).scenario;
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let limits = Limits {
        threads,
        symmetry: !has("no-symmetry"),
        reduction: !has("no-reduction"),
        // As much as the peer does of what is larger.
        states: if size.ends_with(".toml") { u64::MAX } else { 3_000_000 },
        ..Limits::default()
    };
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed: 1, trace: false };
    measure(|| {
        let explored =
            explore::<Raft>(&scenario, &options, limits, &mut |_| false).expect("it can be explored");
        match &explored.ended {
            Ended::Kept => {}
            Ended::Broken(found) => {
                eprintln!("{} is broken in {} moves: {}", found.property.name(), found.moves, found.summary)
            }
            Ended::GaveUp(limit) => eprintln!("gave up at {limit}"),
        }
        Found { states: explored.states, moves: explored.moves }
    });
}

fn world(size: &str) -> String {
    let bounds = match size {
        "tiny" => "terms = 2\ntimeouts = 2\nproposals = 0",
        "small" => "terms = 2\ntimeouts = 2\nproposals = 1",
        "crash" => "terms = 2\ntimeouts = 2\nproposals = 1\ncrashes = 1",
        "large" => "terms = 3\ntimeouts = 3\nproposals = 1",
        other => panic!("no size {other}"),
    };
    format!(
        "title = 'a small world'\n[cluster]\nmembers = ['a', 'b', 'c']\n[cluster.options]\npre-vote = false\n\
         check-quorum = false\nstickiness = false\n[explore]\n{bounds}\n[story]\nsteps = [{{ settle = true }}]\n\
         [expect]\nviolations = 'none'\n"
    )
}
