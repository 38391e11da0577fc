//! Chapter 7: seeds in tests, and a command line of your own.
//!
//! # In `cargo test`
//!
//! ```no_run
//! # use splitbrain::protocols::raft::Raft as MyRaft;
//! use splitbrain::testing::Check;
//!
//! #[test]
//! fn it_keeps_its_promises() {
//!     let checked = Check::<MyRaft>::new().swarm().seeds(0..2_000).threads(2).run();
//!     assert!(checked.seen["restarted"] > 0);
//! }
//! ```
//!
//! A failure ends with the line that repeats it alone, with every record of its trace:
//!
//! ```text
//! SPLITBRAIN_SEED=17 cargo test --package my-raft it_keeps_its_promises
//! ```
//!
//! This holds for `cargo nextest run` as well: the variable is all that matters. Look at `checked.seen`: a hardship that never
//! came has tested nothing. `.regressions("scenarios/regressions")` writes what was found as a scenario, and
//! `.folder("scenarios")` runs it from then on.
//!
//! What a protocol does to its process, it does to the test program: an abort, an exit or an endless loop would end it without
//! a seed, or let it pass without a word. With `.guarded()` the runs are made in another process, which is watched, and
//! whatever happens to it is a failure with its seed.
//!
//! # Your own `splitbrain`
//!
//! [`cli::main_with`](crate::cli::main_with) is the whole of `splitbrain` under your program's name: `run`, `sweep`, `shrink`,
//! `replay` and all else, on the protocols that you register. What each can do is told beside it
//! ([`Capability`](crate::system::Capability)); a scenario that asks for more is *not applicable* by name.
//!
//! ```no_run
//! # use splitbrain::protocols::echo::Echo as MyProtocol;
//! use splitbrain::system::{Capability, System, Systems};
//!
//! fn main() -> std::process::ExitCode {
//!     let mine = System::of::<MyProtocol>("a log of my own", &[Capability::Learners]);
//!     splitbrain::cli::main_with(&Systems::new(&[mine]), std::env::args_os())
//! }
//! ```
