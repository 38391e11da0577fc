//! Protocols that the simulator can run, each behind the one trait of `protocol`, and the list of those that `splitbrain` has.

pub mod echo;
#[cfg(feature = "openraft")]
pub mod openraft;
#[cfg(feature = "openraft-0-9")]
pub mod openraft_0_9;
pub mod raft;
#[cfg(feature = "raft-rs")]
pub mod raft_rs;
mod raft_settings;
mod raft_words;

use crate::system::{Capability as Can, System, Systems};

/// What the project's own Raft has: everything.
const ALL: &[Can] = &Can::ALL;

/// What raft-rs and openraft have.
#[cfg(any(feature = "raft-rs", feature = "openraft"))]
const LIBRARY: &[Can] =
    &[Can::Learners, Can::Joint, Can::Membership, Can::Snapshots, Can::Leases, Can::Transfer, Can::Logs];

/// What openraft had before 0.10.
#[cfg(feature = "openraft-0-9")]
const OPENRAFT_0_9: &[Can] = &[Can::Learners, Can::Joint, Can::Membership, Can::Snapshots, Can::Logs];

/// The protocols of this build. The first is the project's own, which runs a scenario that names no system.
const BUILT_IN: &[System] = &[
    System::of::<raft::Raft>("the Raft of this project, with every rule a switch", ALL),
    #[cfg(feature = "raft-rs")]
    System::of::<raft_rs::RaftRs>("the crate raft, of TiKV", LIBRARY),
    #[cfg(feature = "openraft")]
    System::of::<openraft::OpenRaft>("the crate openraft", LIBRARY),
    #[cfg(feature = "openraft-0-9")]
    System::of::<openraft_0_9::OpenRaft>("the crate openraft before 0.10", OPENRAFT_0_9),
];

/// Every protocol that this project has an adapter for, and the cargo feature that brings it.
pub(crate) const FEATURES: [(&str, Option<&str>); 4] = [
    ("raft", None),
    ("raft-rs", Some("raft-rs")),
    ("openraft", Some("openraft")),
    ("openraft-0.9", Some("openraft-0-9")),
];

/// The protocols that `splitbrain` itself runs, in this build.
#[must_use]
pub fn built_in() -> Systems {
    Systems::new(BUILT_IN)
}
