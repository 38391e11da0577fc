//! What every adapter of a library would write again: parts for a [`Protocol`](crate::protocol::Protocol) of your own.
//!
//! Holds: none of them knows a protocol; each can be used without the others.
//! Not here: the adapters themselves (`protocols`), and how to write one (`guide`).
//!
//! | a library that | needs |
//! |---|---|
//! | lets the caller write, and tells what must wait for it | [`Gate`]: numbers of writes, and what is held until one is durable |
//! | has nothing but a log | [`Log`]: one that only grows, on a disk; [`Tally`]: how much of it a majority has |
//! | calls for its storage itself | [`Storage`]: a copy in memory, and the writes for the world's disk |
//! | changes its members node by node | [`change`]: an operator's wish as a step for each node |
//! | counts ticks | [`Ticks`]: a scenario's times in ticks |
//! | draws numbers by itself | [`draw`]: the same number for the same purpose |
//! | does not say whose entry was committed | [`Proposals`]: which request waits for which entry |
//! | counts on connections | [`Sessions`]: messages in order, and a word when some are missing |
//! | has messages with a hash | [`fingerprint`]: the number that stands for one in the digest of a run |
//! | confirms reads | [`Reads`]: which of them wait for what; [`token`] and [`request_of`] to tell them apart |

pub mod change;
mod gate;
mod log;
mod requests;
mod sessions;
mod storage;
mod ticks;

pub use crate::digest::of as fingerprint;
pub use gate::Gate;
pub use log::{Command, Log, Tally};
pub use requests::{Proposals, Reads, request_of, token};
pub use sessions::{Arrival, Sessions, Stamp};
pub use storage::Storage;
pub use ticks::{Ticks, draw};
