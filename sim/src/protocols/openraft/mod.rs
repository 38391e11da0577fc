//! openraft, unmodified, as a protocol of the simulator: 0.10 ([`v0_10`]) and 0.9 ([`v0_9`]).
//!
//! Holds: openraft runs only inside `step`, on a runtime of ours whose clock, dice, network and disk are the world's;
//! every effect of a step is in the order in which openraft's tasks asked for it. A crash drops its tasks between two
//! polls.
//! Not here: what openraft does. What the adapter adds is the mapping below, and nothing else:
//!
//! | of the world | of openraft |
//! |---|---|
//! | epoch | leader id: term and node. Two leaders of one term are two reigns here, as openraft has it |
//! | index | index; 0 holds the membership of the beginning |
//! | message | one RPC, or its answer |
//! | write | one call of the log store, or a snapshot |
//! | timer `Wake` | the earliest timer of the runtime |
//!
//! The two versions are two crates with the same names in them. What is the same text for both is in `adapter/` and is
//! compiled once for each; what openraft calls or does otherwise is in the folder of the version: its types, its traits
//! for stores and networks, and its requests. Each file knows those above it only:
//!
//! ```text
//! common <- runtime <- types <- digest <- disk, options <- message, settings <- process <- calls, stores
//!        <- storage, network <- library <- requests, answers <- node
//! ```

mod common;
pub mod runtime;
pub mod v0_10;
#[cfg(feature = "openraft-0-9")]
pub mod v0_9;

pub use self::common::{Place, Proposal, Timer};
pub use self::v0_10::OpenRaft;
