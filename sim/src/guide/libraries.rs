//! Chapter 4: a library that somebody else wrote, and that does no I/O itself.
//!
//! What its adapter needs is in [`adapter`](crate::adapter). The built-in ones use the same parts: `protocols::raft_rs` (feature
//! `raft-rs`) for the crate `raft`, `examples/omnipaxos` in the repository for the crate `omnipaxos`.
//!
//! - **Who waits for what.** A library says which messages may leave at once and which must wait for a write, or takes a write
//!   for durable when its call returns. Then everything waits that comes after it. [`Gate`] numbers writes and holds back:
//!
//! ```
//! # use splitbrain::adapter::Gate;
//! # use splitbrain::protocol::WriteId;
//! let mut gate = Gate::default();
//! gate.issue(); // `Effect::Persist { id, write }`
//! gate.hold("an acknowledgement");
//! gate.persisted(WriteId(1)); // `Input::Persisted { through }`
//! while let Some(message) = gate.pop() {
//!     assert_eq!(message, "an acknowledgement"); // `Effect::Send`
//! }
//! ```
//!
//! - **Storage in two copies.** The library reads its own writes at once; a crash leaves what was durable. [`Storage`] is the
//!   copy in memory, and hands over the writes for the world's disk.
//! - **Its clock.** A tick is a timer; [`Ticks`] are a scenario's times in ticks. A library that keeps its own time says so
//!   ([`Protocol::keeps_own_time`]), and has an election timer and a heartbeat timer that it never sets: a story fires them.
//! - **Its chance.** Overwrite what the library draws by [`draw`], a pure function of entropy, node, term and role, before
//!   anything depends on it. Otherwise two runs of a seed differ, and a check refuses to go on.
//! - **Its connections.** The world's links lose, duplicate and reorder. [`Sessions`] keep them in order for a library that
//!   counts on that, and tell it when something is missing.
//! - **Whose entry was committed.** [`Proposals`] and [`Reads`] match requests with indexes.
//! - **Its words.** What it cannot do is `Refusal::Unsupported`, which a scenario is told of as *not applicable*; its own
//!   refusals become kebab-case words. Its assertions are findings: a panic is a broken `invariant`.
//!
//! One in another language runs as a WebAssembly module that is called with bytes: [chapter 6](super::other_languages).
//!
//! [`Gate`]: crate::adapter::Gate
//! [`Storage`]: crate::adapter::Storage
//! [`Ticks`]: crate::adapter::Ticks
//! [`draw`]: crate::adapter::draw
//! [`Sessions`]: crate::adapter::Sessions
//! [`Proposals`]: crate::adapter::Proposals
//! [`Reads`]: crate::adapter::Reads
//! [`Protocol::keeps_own_time`]: crate::protocol::Protocol::keeps_own_time
