//! Raft as values in, values out.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic, clippy::wildcard_enum_match_arm, missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod config;
mod durability;
pub mod effect;
mod election;
pub mod fact;
pub mod input;
pub mod invariants;
pub mod log;
pub mod membership;
pub mod message;
pub mod progress;
pub mod quorum;
mod raft;
mod reading;
mod receiving;
mod reconfiguration;
pub mod recovery;
mod replication;
pub mod rules;
mod snapshotting;
mod transfer;
mod transition;
pub mod types;

pub use config::{Config, Intersect, JointFinish};
pub use effect::{Effect, Effects, Refusal};
pub use fact::Fact;
pub use input::{Input, Timer};
pub use log::{Entry, Log, LogSlice, Payload};
pub use membership::change::{Change, ChangeMembers, ChangeRefused, Precondition, SetMode};
pub use membership::{Membership, NotAMembership, VoterSet};
pub use message::{Body, Message, Vouches};
pub use raft::{Raft, RoleName};
pub use recovery::{Durable, HardState, Write};
pub use rules::{Rule, RuleInfo, Rules};
pub use snapshotting::Snapshot;
pub use types::{Address, LogId, LogIndex, NodeId, RequestId, Term, Within, WriteId};
