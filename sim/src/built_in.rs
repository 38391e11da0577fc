//! The protocols of this project, and running them by their names.
//!
//! Not here: what a system is (`system`), and the adapters (`protocols`).

#[cfg(feature = "guests")]
use crate::protocols::guest::{Custom, EtcdRaft, Guest, HashicorpRaft, PlainRaft};
#[cfg(feature = "openraft")]
use crate::protocols::openraft;
use crate::protocols::raft;
#[cfg(feature = "raft-rs")]
use crate::protocols::raft_rs;
use crate::report::Report;
use crate::runner::{Drive, RunOptions};
use crate::scenario::{Objection, Scenario};
use crate::shrink::{Effort, Shrunk};
use crate::swarm::Taste;
use crate::system::{Capability as Can, System, Systems};

/// What the project's own Raft has: everything.
const ALL: &[Can] = &Can::ALL;

/// What raft-rs, openraft and guests have.
#[cfg(any(feature = "guests", feature = "raft-rs", feature = "openraft"))]
const LIBRARY: &[Can] =
    &[Can::Learners, Can::Joint, Can::Membership, Can::Snapshots, Can::Leases, Can::Transfer, Can::Logs];

/// What openraft had before 0.10.
#[cfg(feature = "openraft-0-9")]
const OPENRAFT_0_9: &[Can] = &[Can::Learners, Can::Joint, Can::Membership, Can::Snapshots, Can::Logs];

/// What HashiCorp's raft has: members change one at a time.
#[cfg(feature = "guests")]
const ONE_BY_ONE: &[Can] = &[Can::Learners, Can::Membership, Can::Snapshots, Can::Transfer, Can::Logs];

/// The protocols of this build. The first is the project's own, which runs a scenario that names no system.
const BUILT_IN: &[System] = &[
    System::explorable::<raft::Raft>("the Raft of this project, with every rule a switch", ALL)
        .with_taste(Taste::RAFT),
    #[cfg(feature = "raft-rs")]
    System::of::<raft_rs::RaftRs>("the crate raft, of TiKV", LIBRARY).with_taste(Taste::RAFT_RS),
    #[cfg(feature = "openraft")]
    System::of::<openraft::OpenRaft>("the crate openraft", LIBRARY).with_taste(Taste::OPENRAFT),
    #[cfg(feature = "openraft-0-9")]
    System::of::<openraft::v0_9::OpenRaft>("the crate openraft before 0.10", OPENRAFT_0_9)
        .with_taste(Taste::OPENRAFT_0_9),
    #[cfg(feature = "guests")]
    System::of::<Guest<EtcdRaft>>("go.etcd.io/raft, in WebAssembly", LIBRARY).with_taste(Taste::ETCD_RAFT),
    #[cfg(feature = "guests")]
    System::of::<Guest<HashicorpRaft>>("github.com/hashicorp/raft, in WebAssembly", ONE_BY_ONE)
        .with_taste(Taste::HASHICORP_RAFT),
    #[cfg(feature = "guests")]
    System::of::<Guest<PlainRaft>>("Raft as its paper has it, in C, in WebAssembly", &[Can::Logs])
        .with_taste(Taste::PLAIN_RAFT),
    #[cfg(feature = "guests")]
    System::of::<Guest<Custom>>("the WebAssembly module in SPLITBRAIN_GUEST", LIBRARY),
];

/// The protocols that `splitbrain` itself runs, in this build.
#[must_use]
pub fn systems() -> Systems {
    Systems::new(BUILT_IN)
}

/// What the random worlds of a protocol of this project have of its own; those of others share all.
pub(crate) fn taste_of(name: &str) -> Taste {
    let known = BUILT_IN.iter().find(|system| system.name() == name);
    known.map_or(Taste::SHARED, |system| *system.taste())
}

/// Carries a scenario out on a protocol of this project, by its name, and judges it.
///
/// # Errors
/// An objection when there is no such protocol, when it does not know a rule or setting, or a step is
/// impossible when its turn comes.
pub fn run(scenario: &Scenario, options: &RunOptions) -> Result<Report, Objection> {
    drive(scenario, options, Drive::seeded(options.seed))
}

/// As [`run`], with another source of chance or a limit.
///
/// # Errors
/// As [`run`].
pub fn drive(scenario: &Scenario, options: &RunOptions, drive: Drive) -> Result<Report, Objection> {
    systems().named(&options.system)?.drive(scenario, options, drive)
}

/// Makes the failure of a scenario with a seed small. `None` when it breaks no promise.
///
/// # Errors
/// An objection when there is no such protocol, or the scenario cannot be run.
pub fn shrink(
    scenario: &Scenario,
    system: &str,
    seed: u64,
    effort: &mut Effort<'_>,
) -> Result<Option<Shrunk>, Objection> {
    systems().named(system)?.shrink(scenario, seed, effort)
}
