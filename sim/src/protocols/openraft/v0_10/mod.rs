//! openraft 0.10, the version that is tested every day, and 0.10.0-alpha.23 where a workspace of past versions sets
//! `openraft_at_most`.
//!
//! Not here: what every version shares (`adapter`), and the mapping (`openraft`).

#[path = "../adapter/calls.rs"]
mod calls;
#[cfg_attr(openraft_at_most = "23", path = "changes_past.rs")]
mod changes;
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
