//! A protocol of your own under splitbrain: a short book. Every block of Rust in it is compiled, and run where it runs.
//!
//! 1. [From `cargo add` to the first failure made small](first_failure)
//! 2. [What a protocol is here, and what to watch for](protocol)
//! 3. [Protocols that are not Raft, and what is judged of them](showing)
//! 4. [A library that somebody else wrote](libraries)
//! 5. [A library that starts tasks, threads and timers](async_libraries)
//! 6. [Your Raft is in Go](other_languages)
//! 7. [Seeds in tests, and a command line of your own](seeds)
//!
//! Three crates in the repository's `examples` folder go with it, each with its scenarios and tests:
//!
//! | example | what it shows |
//! |---|---|
//! | `fixed-leader` | the smallest replicated log |
//! | `viewstamped` | Viewstamped Replication, a rule that can be switched off, and what breaks then |
//! | `omnipaxos` | the crate `omnipaxos` as published, with its reconfiguration |

pub mod async_libraries;
pub mod first_failure;
pub mod libraries;
pub mod other_languages;
pub mod protocol;
pub mod seeds;
pub mod showing;
