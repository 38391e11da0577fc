//! What surrounds the cluster: the network, the disks, the clients, and whoever makes trouble.
//!
//! Holds: ranges are not empty; ratios are at most one.
//! Not here: drawing from the ranges and ratios (the world's choices), and faults at a set moment (`step`).

use super::Ratio;
use crate::protocol::Within;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// How long a message is under way.
    pub delay: Within,
    /// How many messages are lost.
    pub loss: Ratio,
    /// How many messages arrive twice.
    pub duplicate: Ratio,
}

/// How disks behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// How long a write takes to become durable.
    pub write: Within,
    /// What a crash leaves of unfinished writes.
    pub crash: CrashLeaves,
}

/// What a crash leaves of the writes that were under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrashLeaves {
    /// Nothing.
    Lost,
    /// All of them.
    Kept,
    /// A random number of their parts, the first ones in order.
    #[default]
    Torn,
}

/// Clients that call on their own while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How many clients; each has one call open at a time.
    pub clients: u32,
    /// How many keys they share.
    pub keys: u32,
    /// How many calls are reads.
    pub reads: Ratio,
    /// How many calls compare and swap; what is neither is a plain write.
    pub cas: Ratio,
    /// How long a client waits for an answer, in virtual nanoseconds; then the outcome is unknown.
    pub timeout: u64,
    /// How long a client waits after an answer before it calls again.
    pub think: Within,
    /// How often a refused call is tried again at another node.
    pub retries: u32,
}

/// A fault that comes again and again while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nemesis {
    /// What it does.
    pub kind: NemesisKind,
    /// How long from the end of one fault to the next.
    pub every: Within,
    /// How long a fault lasts.
    pub lasting: Within,
}

/// What a nemesis does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NemesisKind {
    /// Keeps nodes from talking to each other.
    Partition {
        /// Who is kept from whom.
        shape: Shape,
    },
    /// Crashes nodes, and starts them again.
    Crash {
        /// Which nodes.
        aim: Aim,
    },
    /// Leaves the disk writes of nodes unfinished.
    Stall {
        /// Which nodes.
        aim: Aim,
    },
}

/// The shape of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// The leader on one side, all others on the other.
    LeaderAlone,
    /// Two random halves; they differ by one node at most.
    Halves,
    /// One random node hears nobody, but is heard.
    OneWay,
    /// Two random groups of any size, neither empty.
    #[default]
    Random,
}

/// Whom a nemesis aims at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aim {
    /// A random node.
    #[default]
    Any,
    /// Whoever leads; a random node when nobody does.
    Leader,
    /// Every node at once.
    All,
}

impl Default for Network {
    fn default() -> Self {
        Network { delay: micros(1_000, 10_000), loss: Ratio::ZERO, duplicate: Ratio::ZERO }
    }
}

impl Default for Disk {
    fn default() -> Self {
        Disk { write: micros(100, 3_000), crash: CrashLeaves::Torn }
    }
}

impl Default for Workload {
    fn default() -> Self {
        Workload {
            clients: 4,
            keys: 3,
            reads: Ratio { num: 50, den: 100 },
            cas: Ratio::ZERO,
            timeout: 1_000_000_000,
            think: micros(0, 5_000),
            retries: 3,
        }
    }
}

impl CrashLeaves {
    pub(super) const ALL: [CrashLeaves; 3] = [CrashLeaves::Lost, CrashLeaves::Kept, CrashLeaves::Torn];

    pub(super) fn name(self) -> &'static str {
        match self {
            CrashLeaves::Lost => "lost",
            CrashLeaves::Kept => "kept",
            CrashLeaves::Torn => "torn",
        }
    }
}

impl Shape {
    pub(crate) const ALL: [Shape; 4] = [Shape::LeaderAlone, Shape::Halves, Shape::OneWay, Shape::Random];

    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::LeaderAlone => "leader-alone",
            Shape::Halves => "halves",
            Shape::OneWay => "one-way",
            Shape::Random => "random",
        }
    }
}

impl Aim {
    pub(crate) const ALL: [Aim; 3] = [Aim::Any, Aim::Leader, Aim::All];

    pub(super) fn name(self) -> &'static str {
        match self {
            Aim::Any => "any",
            Aim::Leader => "leader",
            Aim::All => "all",
        }
    }
}

fn micros(min: u64, max: u64) -> Within {
    Within { min: min * 1_000, max: max * 1_000 }
}
