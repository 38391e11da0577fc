//! Equal seeds give equal runs: twice in one process, and in another process.

use std::collections::BTreeSet;
use std::ops::Range;
use std::process::Command;

use splitbrain::runner::RunOptions;
use splitbrain::scenario;

/// A world in which everything happens: five members, with further lines about the cluster, for so long.
pub(crate) fn everything_at_once(cluster: &str, run: &str) -> String {
    format!(
        "title = 'everything at once'\nsource = 'here'\n\
         [cluster]\nmembers = ['a', 'b', 'c', 'd', 'e']\n{cluster}\n\
         [network]\ndelay = '1ms..20ms'\nloss = '3%'\nduplicate = '3%'\n\
         [disk]\nwrite = '100us..5ms'\ncrash = 'torn'\n\
         [workload]\nclients = 4\nkeys = 3\nreads = '40%'\ncas = '20%'\n\
         [[nemesis]]\nkind = 'crash'\naim = 'any'\nevery = '200ms..1s'\nlasting = '100ms..500ms'\n\
         [[nemesis]]\nkind = 'partition'\nshape = 'random'\nevery = '300ms..1s'\nlasting = '200ms..1s'\n\
         [story]\nsteps = [{{ run = '{run}' }}, {{ heal = true }}, {{ converge = '20s' }}]\n\
         [expect]\nviolations = 'none'\n"
    )
}

/// A line for each seed of a world: `digest`, the seed, the digest. Every run must go as the world expects.
pub(crate) fn digests(world: &str, system: &str, seeds: Range<u64>) -> String {
    let scenario = scenario::parse("everything.toml", world).expect("a good scenario").scenario;
    let digest = |seed| {
        let options = RunOptions { file: String::new(), system: system.to_owned(), seed, trace: false };
        let report = splitbrain::built_in::run(&scenario, &options).expect("it can be run");
        assert!(report.passed(), "seed {seed}: {:?}", report.verdict);
        report.digest
    };
    seeds.map(|seed| format!("digest {seed} {}\n", digest(seed))).collect()
}

fn all_digests() -> String {
    digests(&everything_at_once("", "3s"), "raft", 0..200)
}

#[test]
fn equal_seeds_give_equal_digests_in_one_process_and_in_another() {
    let here = all_digests();
    assert_eq!(here, all_digests(), "twice in one process");
    another_process_prints(&here, "determinism::print_digests");
}

/// Runs a test of this program that prints digests, in a process of its own, and compares. Each line is `digest`, a seed
/// and a digest; other seeds must give other digests.
pub(crate) fn another_process_prints(here: &str, test: &str) {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--ignored", "--exact", "--nocapture", test];
    let output = Command::new(program).args(arguments).output().expect("another process");
    let there = String::from_utf8(output.stdout).expect("text");
    let there: String =
        there.lines().filter(|line| line.starts_with("digest ")).map(|line| format!("{line}\n")).collect();
    assert_eq!(here, there, "in two processes");
    let distinct: BTreeSet<&str> = here.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(distinct.len(), here.lines().count(), "other seeds give other runs");
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "prints digests for the other process"]
#[allow(clippy::print_stdout)]
fn print_digests() {
    print!("\n{}", all_digests());
}
