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
    /// How delays spread over their range.
    pub spread: Spread,
    /// Whether a message may overtake another one of the same link.
    pub order: Order,
    /// How many messages are lost.
    pub loss: Ratio,
    /// How many messages arrive twice.
    pub duplicate: Ratio,
    /// How many messages are held up until later ones have overtaken them, whatever the order of the link. In an
    /// untimed schedule these have a weight of their own.
    pub reorder: Ratio,
    /// How many messages arrive damaged: their checksum does not fit, and they are dropped.
    pub corrupt: Ratio,
}

/// How delays spread over their range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spread {
    /// Every delay of the range is as likely.
    #[default]
    Uniform,
    /// As uniform, but one delay in four is doubled, one in sixteen doubled twice, and so on up to eight times: a
    /// Pareto tail with exponent 2.
    HeavyTailed,
}

/// Whether messages of one link keep their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// They overtake each other as their delays have it, as datagrams do.
    #[default]
    Any,
    /// They do not, as in one connection.
    Fifo,
}

/// How disks behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// How long a write takes to become durable.
    pub write: Within,
    /// What a crash leaves of unfinished writes.
    pub crash: CrashLeaves,
}

/// How the nodes' clocks differ from virtual time. Each node's own error is drawn when the world begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The most that a clock is ahead at the start, in virtual nanoseconds.
    pub skew: u64,
    /// The most that a clock runs too fast or too slow, in parts per million; less than a million.
    pub drift_ppm: u32,
}

/// What decides which event comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Virtual time.
    #[default]
    Timed,
    /// Chance: any event that is possible now may come next, whatever its time. An event takes a microsecond. Ends
    /// when the world heals: convergence is judged in virtual time.
    Untimed {
        /// How likely each kind of event is.
        weights: Weights,
        /// How many messages may be under way; one more pushes a random one out.
        in_flight: u32,
    },
}

/// How likely each kind of event is in an untimed schedule. Not all are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weights {
    /// A message arrives.
    pub deliver: u32,
    /// A message arrives that was held up (`Network::reorder`) or came over a slow link: with a small weight it meets a
    /// world that has moved on.
    pub late: u32,
    /// An election timer fires.
    pub elect: u32,
    /// Another timer fires.
    pub fire: u32,
    /// A write becomes durable.
    pub write: u32,
    /// A client does something.
    pub client: u32,
    /// A nemesis strikes.
    pub strike: u32,
    /// A nemesis undoes what it did.
    pub relief: u32,
}

/// What an untimed schedule is told, as one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Untimed {
    pub(crate) weights: Weights,
    pub(crate) in_flight: u32,
}

/// What the nemeses may do to the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Budget {
    /// Only what leaves a majority of every voter set in force up and well; a strike beyond that is held back.
    Within,
    /// Anything. Safety must hold all the same; agreement is owed as long as every voter set in force has a majority
    /// that is not lost for ever.
    #[default]
    Beyond,
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

/// Whom clients ask when they read. Writes are always asked of whoever is taken for the leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadsAt {
    /// Whoever is taken for the leader.
    #[default]
    Leader,
    /// Any node, drawn for each call; a call that is refused goes on as with `Leader`.
    Any,
}

impl ReadsAt {
    /// Both.
    pub const ALL: [ReadsAt; 2] = [ReadsAt::Leader, ReadsAt::Any];

    /// The word that scenarios use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReadsAt::Leader => "leader",
            ReadsAt::Any => "any",
        }
    }
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
    /// Whom clients ask when they read.
    pub reads_at: ReadsAt,
    /// How often a refused call is tried again at another node.
    pub retries: u32,
}

/// A fault that comes again and again while time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nemesis {
    /// What it does.
    pub kind: NemesisKind,
    /// When it strikes.
    pub when: When,
    /// How long a fault lasts.
    pub lasting: Within,
}

/// When a nemesis strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Again and again: so long from the end of one fault to the next.
    Every(Within),
    /// Right after something happened at a node, every other time. Whoever would be drawn at random is that node.
    On(Cue),
}

/// What a nemesis may wait for, by the name of the fact that is noted then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cue {
    /// A node begins to lead.
    LeaderElected,
    /// A leader steps down.
    LeaderSteppedDown,
    /// Entries were cut from a log.
    LogCut,
    /// An entry of an earlier term was committed.
    EarlierTermCommitted,
    /// A membership was appended.
    MembershipAppended,
    /// A membership was committed.
    MembershipCommitted,
    /// Leadership is being given away.
    TransferStarted,
    /// A follower is sent a snapshot.
    SnapshotSent,
    /// A snapshot replaced a log.
    SnapshotInstalled,
    /// A node was told that it takes part no longer.
    RemovedNodeTold,
    /// A process started anew.
    Restarted,
    /// A message waits for the disk: the write that it vouches for was issued just now.
    MessageHeld,
    /// A write became durable while a later one of the same node is not: the instant between two writes.
    HalfWritten,
}

/// What a nemesis does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NemesisKind {
    /// Keeps nodes from talking to each other.
    Partition {
        /// Who is kept from whom.
        shape: Shape,
    },
    /// Clogs the links of some random nodes one node after the other, then frees them in another order: messages wait
    /// (FoundationDB's swizzle-clog). Every stage lasts as long as a fault.
    SwizzleClog,
    /// Does something to nodes.
    Hit {
        /// What.
        fault: NodeFault,
        /// To which nodes.
        aim: Aim,
    },
    /// Does what an operator may do at a bad moment.
    Operate {
        /// What.
        operator: Operator,
    },
}

/// What may be wrong with a node. Each lasts until it is ended, or for ever where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NodeFault {
    /// The process is down; the disk stays.
    Crash,
    /// The process dies and starts anew at once: it forgets what was not durable, and misses no message.
    Reboot,
    /// The machine is gone for ever.
    Kill,
    /// The disk is gone for ever, and the machine with it: its name must not return without its memory.
    Wipe,
    /// The process stands still, and what happens to it waits; then it goes on as if nothing had been.
    Pause,
    /// Everything that the node sends, receives and writes takes longer.
    Slow {
        /// So many times.
        factor: u32,
    },
    /// The next write fails, and everything unfinished with it: the process dies of it.
    FailedWrite,
    /// New writes fail while there is no room: the process dies of the first one.
    FullDisk,
    /// Writes take longer.
    SlowDisk {
        /// So many times.
        factor: u32,
    },
    /// Writes stay unfinished.
    Stall,
    /// Something durable rots. The process does not notice until it starts anew and finds a checksum that does not fit:
    /// it refuses to start, for ever.
    BitRot,
    /// The next write is acknowledged and goes to a wrong place; as with rot, a checksum tells at the next start.
    MisdirectedWrite,
    /// Messages to and from the node are lost.
    LossBurst {
        /// How many of them.
        share: Ratio,
    },
    /// Messages to and from the node take longer.
    SlowLinks {
        /// So many times.
        factor: u32,
    },
    /// The clock runs too fast or too slow.
    ClockDrift {
        /// At most by so many parts per million; less than a million.
        ppm: u32,
    },
    /// The clock jumps ahead or back, once.
    ClockJump {
        /// By so much.
        by: Within,
    },
    /// The clock stands still.
    ClockFreeze,
}

/// What an operator may do at a bad moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// Give leadership to a random voter.
    Transfer,
    /// Take a snapshot of a random node's machine.
    Snapshot,
    /// Change who takes part: learners, voters, joint configs; lost voters are replaced first.
    Membership,
    /// Add or remove one voter in one entry (thesis 4.1).
    SingleServer,
    /// Move a random node to a vacant address, and tell the cluster.
    Address,
    /// Tell the cluster by mistake that a voter lives where another machine does, and put it right later: split brain, if
    /// whoever is there answers in its name (openraft documentation, `ChangeMembers::SetNodes`).
    ForeignAddress,
    /// Ask someone who leads a joint config to leave it for one of its voter sets, back to the old one or on to the new,
    /// and cut that leader off if it begins to. Two of these are two operators who do not know of each other.
    LeaveJoint,
    /// Remove one voter in one entry; nobody is ever taken back.
    Removal,
}

/// The shape of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// The leader on one side, all others on the other.
    LeaderAlone,
    /// Two random halves; they differ by one node at most.
    Halves,
    /// A random minority on one side. With short times it flaps.
    Majority,
    /// One random node hears nobody, but is heard.
    OneWay,
    /// The leader is heard by nobody, and hears what is under way to it but nothing new: it knows of nothing that follows.
    LeaderFades,
    /// The leader with everyone who has no vote in its first voter set on one side, the other voters of that set on the other:
    /// learners and newcomers alone must not be enough for it.
    LeaderWithOthers,
    /// Every node hears a majority, and no two hear the same one.
    Ring,
    /// Two halves that only one node connects.
    Bridge,
    /// Two random groups of any size, neither empty.
    #[default]
    Random,
}

/// Whom a nemesis aims at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aim {
    /// A random node.
    #[default]
    Any,
    /// Whoever leads; a random node when nobody does.
    Leader,
    /// Whoever stands for election; else the follower that knows most, who would win the next one.
    Candidate,
    /// A voter of one set of a joint config that is not in all of them; a random node when nothing is joint.
    Joint,
    /// A leader that holds more than it knows to be committed: it is about to commit. A random node when there is none.
    Committing,
    /// A node that has not reached the epoch of a candidate: its vote may decide. A random node when nobody stands.
    Deciding,
    /// A random minority of all nodes.
    Minority,
    /// Every node at once.
    All,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            delay: micros(1_000, 10_000),
            spread: Spread::Uniform,
            order: Order::Any,
            loss: Ratio::ZERO,
            duplicate: Ratio::ZERO,
            reorder: Ratio::ZERO,
            corrupt: Ratio::ZERO,
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Weights { deliver: 40, late: 1, elect: 2, fire: 8, write: 20, client: 8, strike: 1, relief: 1 }
    }
}

impl Weights {
    /// Whether any event has a chance.
    pub(super) fn any(self) -> bool {
        self != Weights { deliver: 0, late: 0, elect: 0, fire: 0, write: 0, client: 0, strike: 0, relief: 0 }
    }
}

impl Default for Untimed {
    fn default() -> Self {
        Untimed { weights: Weights::default(), in_flight: 64 }
    }
}

impl From<Untimed> for Schedule {
    fn from(untimed: Untimed) -> Self {
        Schedule::Untimed { weights: untimed.weights, in_flight: untimed.in_flight }
    }
}

impl Schedule {
    /// What it is told beside its kind.
    pub(crate) fn untimed(self) -> Option<Untimed> {
        match self {
            Schedule::Timed => None,
            Schedule::Untimed { weights, in_flight } => Some(Untimed { weights, in_flight }),
        }
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
            reads_at: ReadsAt::Leader,
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

impl Spread {
    pub(crate) const ALL: [Spread; 2] = [Spread::Uniform, Spread::HeavyTailed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Spread::Uniform => "uniform",
            Spread::HeavyTailed => "heavy-tailed",
        }
    }
}

impl Order {
    pub(crate) const ALL: [Order; 2] = [Order::Any, Order::Fifo];

    pub(super) fn name(self) -> &'static str {
        match self {
            Order::Any => "any",
            Order::Fifo => "fifo",
        }
    }
}

impl Budget {
    pub(super) const ALL: [Budget; 2] = [Budget::Within, Budget::Beyond];

    pub(super) fn name(self) -> &'static str {
        match self {
            Budget::Within => "within",
            Budget::Beyond => "beyond",
        }
    }
}

impl Shape {
    pub(crate) const ALL: [Shape; 9] = [
        Shape::LeaderAlone,
        Shape::Halves,
        Shape::Majority,
        Shape::OneWay,
        Shape::LeaderFades,
        Shape::LeaderWithOthers,
        Shape::Ring,
        Shape::Bridge,
        Shape::Random,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::LeaderAlone => "leader-alone",
            Shape::Halves => "halves",
            Shape::Majority => "majority",
            Shape::OneWay => "one-way",
            Shape::LeaderFades => "leader-fades",
            Shape::LeaderWithOthers => "leader-with-others",
            Shape::Ring => "ring",
            Shape::Bridge => "bridge",
            Shape::Random => "random",
        }
    }
}

impl Aim {
    pub(crate) const ALL: [Aim; 8] = [
        Aim::Any,
        Aim::Leader,
        Aim::Candidate,
        Aim::Joint,
        Aim::Committing,
        Aim::Deciding,
        Aim::Minority,
        Aim::All,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Aim::Any => "any",
            Aim::Leader => "leader",
            Aim::Candidate => "candidate",
            Aim::Joint => "joint",
            Aim::Committing => "committing",
            Aim::Deciding => "deciding",
            Aim::Minority => "minority",
            Aim::All => "all",
        }
    }
}

impl NodeFault {
    /// Every fault, with a mild value where it has one.
    pub const ALL: [NodeFault; 17] = [
        NodeFault::Crash,
        NodeFault::Reboot,
        NodeFault::Kill,
        NodeFault::Wipe,
        NodeFault::Pause,
        NodeFault::Slow { factor: 5 },
        NodeFault::FailedWrite,
        NodeFault::FullDisk,
        NodeFault::SlowDisk { factor: 10 },
        NodeFault::Stall,
        NodeFault::BitRot,
        NodeFault::MisdirectedWrite,
        NodeFault::LossBurst { share: Ratio { num: 80, den: 100 } },
        NodeFault::SlowLinks { factor: 10 },
        NodeFault::ClockDrift { ppm: 200_000 },
        NodeFault::ClockJump { by: Within { min: 10_000_000, max: 1_000_000_000 } },
        NodeFault::ClockFreeze,
    ];

    /// The word that scenarios and records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NodeFault::Crash => "crash",
            NodeFault::Reboot => "reboot",
            NodeFault::Kill => "kill",
            NodeFault::Wipe => "wipe",
            NodeFault::Pause => "pause",
            NodeFault::Slow { .. } => "slow-node",
            NodeFault::FailedWrite => "failed-write",
            NodeFault::FullDisk => "full-disk",
            NodeFault::SlowDisk { .. } => "slow-disk",
            NodeFault::Stall => "stall",
            NodeFault::BitRot => "bit-rot",
            NodeFault::MisdirectedWrite => "misdirected-write",
            NodeFault::LossBurst { .. } => "loss-burst",
            NodeFault::SlowLinks { .. } => "slow-links",
            NodeFault::ClockDrift { .. } => "clock-drift",
            NodeFault::ClockJump { .. } => "clock-jump",
            NodeFault::ClockFreeze => "clock-freeze",
        }
    }

    /// Whether the node is lost for ever, or will be.
    #[must_use]
    pub fn is_for_ever(self) -> bool {
        matches!(self, NodeFault::Kill | NodeFault::Wipe | NodeFault::BitRot | NodeFault::MisdirectedWrite)
    }

    /// Whether the node cannot answer while it lasts.
    #[must_use]
    pub fn takes_out(self) -> bool {
        match self {
            NodeFault::Crash
            | NodeFault::Kill
            | NodeFault::Wipe
            | NodeFault::Pause
            | NodeFault::FailedWrite
            | NodeFault::FullDisk
            | NodeFault::Stall
            | NodeFault::BitRot
            | NodeFault::MisdirectedWrite
            | NodeFault::ClockFreeze => true,
            NodeFault::Reboot
            | NodeFault::Slow { .. }
            | NodeFault::SlowDisk { .. }
            | NodeFault::LossBurst { .. }
            | NodeFault::SlowLinks { .. }
            | NodeFault::ClockDrift { .. }
            | NodeFault::ClockJump { .. } => false,
        }
    }
}

impl Cue {
    /// Every cue.
    pub const ALL: [Cue; 13] = [
        Cue::LeaderElected,
        Cue::LeaderSteppedDown,
        Cue::LogCut,
        Cue::EarlierTermCommitted,
        Cue::MembershipAppended,
        Cue::MembershipCommitted,
        Cue::TransferStarted,
        Cue::SnapshotSent,
        Cue::SnapshotInstalled,
        Cue::RemovedNodeTold,
        Cue::Restarted,
        Cue::MessageHeld,
        Cue::HalfWritten,
    ];

    /// The fact, and the word that scenarios use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cue::LeaderElected => "leader-elected",
            Cue::LeaderSteppedDown => "leader-stepped-down",
            Cue::LogCut => "log-cut",
            Cue::EarlierTermCommitted => "earlier-term-committed",
            Cue::MembershipAppended => "membership-appended",
            Cue::MembershipCommitted => "membership-committed",
            Cue::TransferStarted => "transfer-started",
            Cue::SnapshotSent => "snapshot-sent",
            Cue::SnapshotInstalled => "snapshot-installed",
            Cue::RemovedNodeTold => "removed-node-told",
            Cue::Restarted => "restarted",
            Cue::MessageHeld => "message-held",
            Cue::HalfWritten => "half-written",
        }
    }
}

impl Operator {
    pub(crate) const ALL: [Operator; 8] = [
        Operator::Transfer,
        Operator::Snapshot,
        Operator::Membership,
        Operator::SingleServer,
        Operator::Address,
        Operator::ForeignAddress,
        Operator::LeaveJoint,
        Operator::Removal,
    ];

    /// The word that scenarios and records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Operator::Transfer => "transfer",
            Operator::Snapshot => "snapshot",
            Operator::Membership => "membership",
            Operator::SingleServer => "single-server",
            Operator::Address => "address",
            Operator::ForeignAddress => "foreign-address",
            Operator::LeaveJoint => "leave-joint",
            Operator::Removal => "removal",
        }
    }
}

fn micros(min: u64, max: u64) -> Within {
    Within { min: min * 1_000, max: max * 1_000 }
}
