//! Bringing a protocol of your own: what to write, what to watch for, and how to test it with seeds.
//!
//! # What a protocol is here
//!
//! A value that answers inputs with effects, and nothing else: one type that implements
//! [`Protocol`](crate::protocol::Protocol) (what it does) and [`Inspect`](crate::protocol::Inspect) (what it shows to
//! the checkers), and one for its [`Disk`](crate::protocol::Disk). Five steps:
//!
//! 1. **Messages and timers.** Plain data: `Clone + Debug + Hash`. Both enter the digest of a run and its trace.
//! 2. **The disk.** A value, one kind of write, and how to apply it. A write that can be torn says of how many parts
//!    it consists; one part is atomic. `mark` names the entry at an index: its epoch and a hash of what it says.
//! 3. **`boot` and `step`.** A process is made from what its disk holds and gets inputs from then on. It asks for
//!    effects in the order in which they must happen. A crash drops the value; there is no `shutdown`.
//! 4. **`Inspect`.** Epoch, commit, applied, last index and marks. `quorums` is the membership in force.
//! 5. **Seeds.** [`testing::check`](crate::testing::check) in a `#[test]`.
//!
//! # What to watch for
//!
//! - **An effect is a licence**: it may happen at once. What a message vouches for must be durable before the message
//!   is asked for; wait for [`Input::Persisted`](crate::protocol::Input::Persisted). That is the most frequent mistake,
//!   and the reason why the simulator loses what was not finished.
//! - **No clock, no dice, no unordered map.** Time passes when a timer fires; chance comes as `entropy` at boot.
//!   `check` makes its first run twice and says so when the two differ.
//! - **`log_changed_from`** is how checkers know what to look at: set it to the lowest index added, replaced or cut.
//! - **The machine is the world's.** Hand over commands in order with `Effect::Apply`, once for each boot: a restarted
//!   node has an empty machine, which it fills from its snapshot (`Effect::Restore`) and its log.
//! - **Nobody may be left waiting**: refuse what you do not do. `Refusal::LeadershipLost` means *unknown*; every other
//!   refusal promises that it did not and will not happen.
//! - **Addresses.** Messages go to addresses. A library that knows ids only needs a table, kept where it survives.
//!
//! # The smallest examples
//!
//! [`protocols::echo`](crate::protocols::echo) counts and is answered: a timer, a message, a disk; nothing replicated.
//! The next is a replicated log with a fixed leader, in under 150 lines of code without its test. It is the example
//! `fixed_leader`; copy it, and begin to change it:
//!
//! ```ignore
#![doc = include_str!("../examples/fixed_leader.rs")]
//! ```
//!
//! # A library that somebody else wrote
//!
//! `protocols::raft_rs` (feature `raft-rs`) brings the crate `raft` without a patch. What such an adapter adds:
//!
//! - **Storage in two copies.** The library reads from memory, which has every write at once; the same write goes to
//!   the world's disk, and what a crash leaves there is what the next process is made from.
//! - **Who waits for what.** The library says for each batch which messages may leave at once and which must wait for
//!   its write; the adapter keeps a queue of those that wait, and empties it when `Persisted` comes.
//! - **Its chance.** Election timeouts come from the thread's generator. The adapter overwrites each draw by a pure
//!   function of entropy, node, term and role before anything depends on it. Its option `leak-rng = true` leaves that
//!   out: then two runs of a seed differ, and `check` refuses to go on.
//! - **Its clock.** A tick is a timer; how many ticks an election timeout has follows from the scenario. It has an election
//!   timer and a heartbeat timer as well, which it never sets: when they fire, the library campaigns, or pings. It says so
//!   (`keeps_own_time`), and the search gives these commands instead of ticking for hundreds of events.
//! - **Its words.** What it cannot do is `Refusal::Unsupported`, which a scenario is told of as *not applicable*; its
//!   own refusals become kebab-case words. Its assertions are findings: a panic is a broken `invariant`.
//!
//! # A command line of your own
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
//!
//! # Seeds in tests
//!
//! ```ignore
//! #[test]
//! fn it_keeps_its_promises() {
//!     let checked = splitbrain::testing::check::<MyProtocol>(1..=200, include_str!("rough.toml"));
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
//! This holds for `cargo nextest run` as well: the variable is all that matters. Look at `checked.seen`: a hardship
//! that never came has tested nothing.
