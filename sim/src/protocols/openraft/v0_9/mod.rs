//! openraft 0.9.25. What it does not have is refused as unsupported: conditions, memberships of one entry, transfers of
//! leadership, pre-votes.
//!
//! Holds: two things are seen otherwise than in 0.10, for 0.9 stops where it waits for its disk or for a connection to
//! close: an entry counts as held when it is durable, as 0.9 neither sends nor counts it before; and the membership in
//! force is read from the log, as its metrics may be late.
//! Not here: what every version shares (`adapter`), and what keeps tokio's own draws out (`runtime`).

#![allow(clippy::duplicate_mod, reason = "the same text, of other types")]

#[path = "../adapter/calls.rs"]
mod calls;
#[path = "../adapter/digest.rs"]
mod digest;
#[path = "../adapter/disk.rs"]
mod disk;
mod library;
#[path = "../adapter/message.rs"]
mod message;
mod network;
#[path = "../adapter/node.rs"]
mod node;
#[path = "../adapter/operations.rs"]
mod operations;
mod options;
#[path = "../adapter/process.rs"]
mod process;
mod requests;
mod runtime;
#[path = "../adapter/settings.rs"]
mod settings;
mod storage;
#[path = "../adapter/stores.rs"]
mod stores;
#[cfg(test)]
mod tests;
mod types;

pub use self::disk::{Disk, Write};
pub use self::message::Message;
pub use self::node::OpenRaft;
pub use self::settings::Settings;
pub use self::types::{
    Entry, LeaderId, LogId, Membership, Payload, Snapshot, SnapshotMeta, StoredMembership, Types, Vote,
};
