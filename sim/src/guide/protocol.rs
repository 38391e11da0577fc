//! Chapter 2: what a protocol is here, and what to watch for.
//!
//! A value that answers inputs with effects, and nothing else: one type that implements [`Protocol`] (what it does) and
//! [`Inspect`] (what it shows to the checkers), and one for its [`Disk`]. Five steps:
//!
//! 1. **Messages and timers.** Plain data. Both enter the digest of a run and its trace.
//! 2. **The disk.** A value, one kind of write, and how to apply it. A write that can be torn says of how many parts it
//!    consists; one part is atomic. `mark` names the entry at an index by a hash of what it says ([`EntryMark`]).
//! 3. **`boot` and `step`.** A process is made from what its disk holds and gets inputs from then on. It asks for effects in
//!    the order in which they must happen. A crash drops the value; there is no `shutdown`.
//! 4. **`Inspect`.** What you have of epoch, leadership, commit, applied, last index, marks and quorums. What you leave out
//!    you say in [`Protocol::shows`]: see [the next chapter](super::showing).
//! 5. **Seeds.** [`testing::Check`](crate::testing::Check) in a `#[test]`.
//!
//! # What to watch for
//!
//! - **An effect is a licence**: it may happen at once. What a message vouches for must be durable before the message is
//!   asked for; wait for [`Input::Persisted`]. That is the most frequent mistake, and the reason why the simulator loses what
//!   was not finished.
//! - **No clock, no dice, no unordered map.** Time passes when a timer fires; chance comes as `entropy` at boot. Runs are made
//!   twice now and then, and you are told when the two differ.
//! - **`log_changed_from`** is how checkers know what to look at: set it to the lowest index added, replaced or cut.
//! - **The machine is the world's.** Hand over commands in order with `Effect::Apply`, once for each boot: a restarted node
//!   has an empty machine, which it fills from its snapshot (`Effect::Restore`) and its log.
//! - **Nobody may be left waiting**: refuse what you do not do. `Refusal::LeadershipLost` means *unknown*; every other refusal
//!   promises that it did not and will not happen. [`Effects::refuse`] answers whatever asks for an answer.
//! - **Addresses.** Messages go to addresses. A library that knows ids only needs a table, kept where it survives.
//!
//! [`protocols::echo`](crate::protocols::echo) is the smallest protocol: it counts and is answered, and replicates nothing.
//! `examples/fixed-leader` in the repository is a replicated log to begin from.
//!
//! [`Protocol`]: crate::protocol::Protocol
//! [`Protocol::shows`]: crate::protocol::Protocol::shows
//! [`Inspect`]: crate::protocol::Inspect
//! [`Disk`]: crate::protocol::Disk
//! [`EntryMark`]: crate::protocol::EntryMark
//! [`Input::Persisted`]: crate::protocol::Input::Persisted
//! [`Effects::refuse`]: crate::protocol::Effects::refuse
