//! Raft as values in, values out.
//!
//! This crate is one state machine: [`Raft::step`] takes a node and an [`Input`] and gives back the node and its
//! [`Effects`]. It has no clock, no dice, no thread and no I/O; the compiler proves it (`no_std`, no unsafe code, no
//! dependency but optional `serde`). Whoever calls it brings the network, the disk, the timers and the machine, and
//! with them whatever order of events he wants to try.
//!
//! # Three nodes by hand
//!
//! Effects are performed at once, whatever they are: a message goes to its address, a write to its disk. All waiting
//! is in the core.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//! use splitbrain_core::*;
//!
//! // Three nodes, each reached at its own number, that all vote.
//! let ids = [1, 2, 3].map(NodeId);
//! let homes: BTreeMap<NodeId, Address> = ids.iter().map(|id| (*id, Address(id.0))).collect();
//! let members = Membership::new(vec![ids.into_iter().collect()], homes).unwrap();
//! let mut disks = BTreeMap::from(ids.map(|id| (id, Durable::initialised(members.clone()))));
//! let mut nodes = BTreeMap::from(ids.map(|id| (id, Raft::boot(Config::new(id), &disks[&id]).0)));
//! let mut machine = Vec::new();
//!
//! // One input, and everything that follows from it.
//! let mut happen = |to: NodeId, input: Input| {
//!     let mut agenda = vec![(to, input)];
//!     while let Some((id, input)) = agenda.pop() {
//!         let (node, effects) = nodes.remove(&id).unwrap().step(input);
//!         nodes.insert(id, node);
//!         for effect in effects.list {
//!             match effect {
//!                 Effect::Persist { id: write_id, write } => {
//!                     disks.get_mut(&id).unwrap().apply(&write);
//!                     agenda.insert(0, (id, Input::Persisted { through: write_id }));
//!                 }
//!                 Effect::Send { from, to, address, message } => {
//!                     let received = Input::Received { from, source: Address(id.0), to, message };
//!                     agenda.insert(0, (NodeId(address.0), received));
//!                 }
//!                 Effect::Apply { command, .. } => machine.push((id, command)),
//!                 _ => {}
//!             }
//!         }
//!     }
//! };
//!
//! happen(NodeId(1), Input::TimerFired(Timer::Election));
//! happen(NodeId(1), Input::Proposed { request: RequestId(1), command: Arc::from(*b"x=1") });
//!
//! assert!(nodes[&NodeId(1)].leads());
//! assert_eq!(machine.len(), 3, "every node applied it");
//! assert_eq!(disks[&NodeId(2)].last(), LogId::new(1, 2));
//! ```
//!
//! # Reading order
//!
//! 1. [`types`], [`log`], [`membership`], [`quorum`]: the nouns. [`LogId`] is ordered, and its order is section 5.4.1 of the
//!    paper; [`LogSlice`] is contiguous by construction; a [`Membership`] is any number of voter sets.
//! 2. [`message`], [`input`], [`effect`]: what comes in and goes out. [`Body::vouches`] is the table of what each message
//!    promises about the sender's disk; nothing leaves before it is true.
//! 3. `state` and `pending`: what a node knows, and what it has under way. `transition`: that state being rewritten, its one
//!    write, the gate of the messages, what is handed to the machine. `raft`: the one `match`, and the end of every step.
//! 4. The topics, one a file, in layers: each knows only those below it, so that there is no circle. What they share is
//!    below: `waiting` (the two timers), `serving` (what a leader sends), `in_force` (who decides), `appending`, `following`
//!    (stepping down). Then `lease`, `reading`, `follower_reading`, `transfer`, `reconfiguration`, `committing`, `election`,
//!    `replication`, `snapshotting`, and `receiving`, which knows them all. Whoever knows the paper finds each paragraph of
//!    its Figure 2 in `election`, `replication` and `committing`.
//! 5. [`invariants`]: what all of this keeps true.
//!
//! # Rules
//!
//! Each safety rule has a name and can be switched off, to show what it is for. [`Rules::ALL`] has the sources and
//! the consequences.
//!
//! | rule | kept in |
//! | --- | --- |
//! | `use-at-once`, `quorum-in-every-set` | `state` (who decides) |
//! | `propose-after-commit`, `initial-log`, `first-entry-keeps-joint` | `reconfiguration` |
//! | `old-new-intersect`, `ids-never-reused` | [`membership::change`] |
//! | `one-vote-per-term`, `up-to-date-check`, `stickiness`, `promise-outlives-restart` | `election` |
//! | `vote-durable-before-reply`, `append-durable-before-reply` | `transition` (which messages wait) |
//! | `cut-takes-back-promises` | `durability`, `appending` |
//! | `commit-only-own-term`, `self-counts-only-when-durable` | `committing` |
//! | `conflict-check-before-truncating` | `replication` |
//! | `read-needs-own-term-commit`, `read-confirms-leadership`, `lease-over-before-transfer` | `reading` |
//! | `read-waits-for-applied`, `read-context-never-reused` | `follower_reading` |
//! | `peer-identity` | `receiving` |
//! | `snapshot-carries-committed-membership` | `snapshotting` |
//!
//! # What a caller must do
//!
//! - Perform the effects of a step in their order; make writes durable in theirs, and say so with
//!   [`Input::Persisted`]. A crash may keep any first parts of the unfinished writes ([`Write::prefix`]).
//! - Answer [`Effect::SetTimer`] with [`Input::TimerFired`] at a moment drawn from the range. Setting a timer again
//!   replaces it. Early, late and spurious timers cost time, never safety.
//! - Deliver messages to whoever is bound to the address, with the names the sender used. Loss, delay, duplication and
//!   any order are fine; what nobody who follows the rules could say is ignored ([`Message::is_possible`]).
//! - Count a command as done when it is applied. [`Refusal::LeadershipLost`] means that its outcome is unknown.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
// A new variant should stop the build; tests may pick out the one that they look for.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod appending;
mod committing;
pub mod config;
mod durability;
pub mod effect;
mod election;
pub mod fact;
mod fingerprint;
mod follower_reading;
mod following;
mod in_force;
pub mod input;
pub mod invariants;
mod lease;
pub mod log;
pub mod membership;
pub mod message;
#[cfg(feature = "mutations")]
mod mutated_quorum;
#[cfg(feature = "mutations")]
pub mod mutation;
#[cfg(not(feature = "mutations"))]
mod mutation;
mod pending;
pub mod progress;
pub mod quorum;
mod raft;
mod reading;
mod receiving;
mod reconfiguration;
pub mod recovery;
mod removal;
mod replication;
pub mod rules;
mod serving;
mod snapshot;
mod snapshotting;
mod state;
#[cfg(test)]
mod testing;
mod transfer;
mod transition;
pub mod types;
mod waiting;

pub use config::{Config, Intersect, JointFinish, ReadsBy};
pub use effect::{Effect, Effects, Refusal};
pub use fact::Fact;
pub use fingerprint::Names;
pub use input::{Input, Timer};
pub use log::{Entry, Log, LogSlice, Payload};
pub use membership::change::{Change, ChangeMembers, ChangeRefused, Precondition, SetMode};
pub use membership::{Membership, NotAMembership, VoterSet};
pub use message::{Body, Message, ReadContext, Vouches};
#[cfg(feature = "mutations")]
pub use mutation::{Mutation, MutationInfo};
pub use recovery::{Durable, HardState, Write};
pub use rules::{Rule, RuleInfo, Rules, Story};
pub use snapshot::{Chunk, Snapshot};
pub use state::{Raft, RoleName};
pub use types::{Address, LogId, LogIndex, NodeId, RequestId, Term, Within, WriteId};
