//! What both searches are measured by: a process of its own for each, one line of numbers.

use std::time::Instant;

use cpu_time::ProcessTime;

/// What a search came to.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Different states.
    pub states: u64,
    /// Moves that were followed.
    pub moves: u64,
}

/// Runs a search and prints its states, moves, CPU and wall microseconds, and the most memory that the process had, in bytes.
///
/// # Panics
/// When the system does not tell how much memory a process has.
pub fn measure(search: impl FnOnce() -> Found) {
    let (cpu, wall, before) = (ProcessTime::now(), Instant::now(), peak_bytes());
    let found = search();
    let (cpu, wall) = (cpu.elapsed().as_micros(), wall.elapsed().as_micros());
    println!("{} {} {cpu} {wall} {}", found.states, found.moves, peak_bytes() - before);
}

/// The most memory that this process had so far.
fn peak_bytes() -> u64 {
    let status =
        std::fs::read_to_string("/proc/self/status").expect("Linux tells how much memory a process has");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of the peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number of KiB");
    kib * 1024
}

/// The words after the program's name: how large a world, how many threads, and what else is wanted.
#[must_use]
pub fn arguments() -> (String, usize, Vec<String>) {
    let mut words = std::env::args().skip(1);
    let size = words.next().unwrap_or_else(|| String::from("small"));
    let threads = words.next().map_or(1, |word| word.parse().expect("a number of threads"));
    (size, threads, words.collect())
}
