//! Brief worlds: a few nodes for a few hundred actions, in any order, about one theme.
//!
//! What needs many elections, crashes and changes close together shows here (the small scope hypothesis): most published
//! defects need 8 to 25 actions, and time hides their order. One theme each, so that what it needs does not have to
//! compete with everything else.
//! Holds: what a theme draws was measured on the deliberate mistakes (`zoo`), not guessed.
//! Not here: long worlds, and the settings of a system (`swarm`).

use std::collections::BTreeMap;

use super::{Draw, MS, SECOND, addresses, calm, ids, ms, nodes, percent};
use crate::protocol::Within;
use crate::scenario::{
    Aim, Cluster, CrashLeaves, Disk, Nemesis, NemesisKind, Network, NodeFault, Operator, Ratio, Scenario, Schedule,
    Sessions, Shape, Step, Timers, Weights, Workload,
};

/// The shortest and the longest election timeout of a brief world.
const ELECTION: Within = Within { min: 150 * MS, max: 300 * MS };

/// What a brief world is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// Leaders come and go, and crash.
    Elections,
    /// Reads at leaders that do not know that they were deposed.
    Reads,
    /// The same with leases, and so with time.
    Leases,
    /// Joint configs come and go.
    Membership,
    /// One voter more or less.
    SingleServer,
    /// One voter less, and less; then agreement is owed.
    Removals,
    /// Snapshots of a few entries each.
    Snapshots,
    /// A joint config in snapshots, left for either side.
    JointSnapshots,
    /// Leadership is given away.
    Transfers,
    /// Any hardship; then agreement is owed.
    Healing,
}

impl Theme {
    pub(super) const ALL: [Theme; 10] = [
        Theme::Elections,
        Theme::Reads,
        Theme::Leases,
        Theme::Membership,
        Theme::SingleServer,
        Theme::Removals,
        Theme::Snapshots,
        Theme::JointSnapshots,
        Theme::Transfers,
        Theme::Healing,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Theme::Elections => "elections",
            Theme::Reads => "reads",
            Theme::Leases => "leases",
            Theme::Membership => "membership",
            Theme::SingleServer => "single-server",
            Theme::Removals => "removals",
            Theme::Snapshots => "snapshots",
            Theme::JointSnapshots => "joint-snapshots",
            Theme::Transfers => "transfers",
            Theme::Healing => "healing",
        }
    }

    /// Whether members change.
    fn changes(self) -> bool {
        matches!(self, Theme::Membership | Theme::SingleServer | Theme::Removals | Theme::JointSnapshots)
    }

    /// How many voters there may be. The smallest cluster in which two single-server changes can miss each other has
    /// four; of two, one that was removed may hold what the other lacks.
    fn voters(self) -> &'static [u32] {
        match self {
            Theme::Elections => &[3, 3, 3, 5, 4, 2],
            Theme::Reads | Theme::Leases => &[3, 3, 5, 4],
            Theme::Membership => &[3, 4, 3, 5, 2],
            Theme::SingleServer => &[4, 4, 3, 5],
            Theme::Removals => &[2, 2, 4, 3],
            Theme::Snapshots | Theme::Transfers => &[3, 3, 4, 2],
            Theme::JointSnapshots => &[2, 3, 4],
            Theme::Healing => &[3, 4, 5, 2],
        }
    }

    /// How many events of hardship.
    fn events(self) -> &'static [u64] {
        match self {
            Theme::Leases => &[400, 800],
            _ => &[300, 200, 100],
        }
    }
}

impl Draw {
    pub(super) fn brief(&mut self, theme: Theme) -> Scenario {
        let network = Network {
            delay: ms(1, 10),
            loss: self.pick(&[Ratio::ZERO, percent(5), percent(20)]),
            duplicate: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(10), percent(50)]),
            reorder: self.pick(&[percent(30), percent(50), percent(10), Ratio::ZERO]),
            ..Network::default()
        };
        let crash = self.pick(&[CrashLeaves::Torn, CrashLeaves::Lost, CrashLeaves::Kept]);
        let disk = Disk { crash, ..Disk::default() };
        let cluster = self.brief_cluster(theme);
        let reads = match theme {
            Theme::Reads | Theme::Leases => 50,
            _ => self.pick(&[0, 0, 30]),
        };
        let workload = Workload {
            clients: self.pick(&[1, 2, 3]),
            keys: 1,
            reads: percent(reads),
            cas: percent(self.pick(&[0, 0, 20])),
            retries: self.pick(&[3, 0]),
            ..Workload::default()
        };
        let budget = self.budget();
        let nemeses = self.brief_nemeses(theme);
        let schedule = if theme == Theme::Leases { Schedule::Timed } else { self.brief_schedule(theme) };
        let events = self.pick(theme.events());
        let heals = match theme {
            Theme::Removals | Theme::Healing => true,
            Theme::Snapshots => self.one_in(2),
            _ => self.one_in(16),
        };
        let mut steps = vec![Step::Events { count: events }];
        if heals {
            // Tens of elections that nobody wins; there are few entries to catch up with.
            steps.extend([Step::Heal, Step::Converge { within: 60 * ELECTION.max + 60 * SECOND }]);
        }
        Scenario { network, disk, schedule, budget, nemeses, ..calm(cluster, workload, steps) }
    }

    fn brief_cluster(&mut self, theme: Theme) -> Cluster {
        let voters = self.pick(theme.voters());
        let learners = if theme == Theme::Membership { self.pick(&[0, 1, 2]) } else { 0 };
        let spare = match theme {
            Theme::Membership | Theme::SingleServer => self.pick(&[0, 0, 0, 1, 2]),
            _ => 0,
        };
        let all = voters + learners + spare;
        // A change that was under way when the world began: a joint config of neighbours, which may share nobody.
        let joint = theme == Theme::JointSnapshots || theme == Theme::Membership && self.one_in(4);
        let members = if joint {
            let first = 1 + self.below(u64::from(voters) - 1) as u32;
            let shared = self.below(2) as u32;
            vec![ids(0, first), ids(first - shared, voters)]
        } else {
            vec![ids(0, voters)]
        };
        let snapshot_every: &[Option<u64>] = match theme {
            Theme::Snapshots => &[Some(1), Some(3)],
            Theme::JointSnapshots => &[Some(1)],
            _ => &[None, None, None, Some(2)],
        };
        Cluster {
            nodes: nodes(all),
            addresses: addresses(all, 0),
            members,
            learners: ids(voters, voters + learners),
            spare: ids(voters + learners, all),
            priority: Vec::new(),
            election: ELECTION,
            heartbeat: 50 * MS,
            timers: Timers::Running,
            snapshot_every: self.pick(snapshot_every),
            sessions: Sessions::Kept,
            options: BTreeMap::new(),
        }
    }

    fn brief_nemeses(&mut self, theme: Theme) -> Vec<Nemesis> {
        let aim = self.pick(&[Aim::Any, Aim::Leader, Aim::Candidate, Aim::Minority]);
        let hit = |fault| NemesisKind::Hit { fault, aim };
        let shape = self.pick(&Shape::ALL);
        let rare = self.pick(&[NodeFault::Stall, NodeFault::Pause, NodeFault::FailedWrite]);
        let operate = |operator| NemesisKind::Operate { operator };
        let mut kinds = match theme {
            Theme::Elections | Theme::Healing => Vec::new(),
            // A read is stale when its leader does not know that there is another one.
            Theme::Reads => {
                vec![NemesisKind::Partition { shape: self.pick(&[Shape::LeaderAlone, Shape::OneWay]) }]
            }
            Theme::Leases => vec![NemesisKind::Partition { shape: Shape::LeaderAlone }],
            Theme::Membership => vec![operate(Operator::Membership)],
            Theme::SingleServer => vec![operate(Operator::SingleServer)],
            Theme::Removals => vec![operate(Operator::Removal)],
            Theme::Snapshots => vec![operate(Operator::Snapshot)],
            Theme::JointSnapshots => vec![operate(Operator::LeaveJoint)],
            Theme::Transfers => vec![operate(Operator::Transfer)],
        };
        let often = [hit(NodeFault::Reboot), hit(NodeFault::Crash), NemesisKind::Partition { shape }];
        let seldom = [NemesisKind::SwizzleClog, operate(Operator::Transfer), hit(rare)];
        if self.one_in(2) {
            kinds.push(hit(NodeFault::SlowLinks { factor: 10 }));
        }
        kinds.extend(often.into_iter().filter(|_| self.one_in(3)));
        kinds.extend(seldom.into_iter().filter(|_| self.one_in(12)));
        kinds.into_iter().map(|kind| self.nemesis(kind, ELECTION.max)).collect()
    }

    fn brief_schedule(&mut self, theme: Theme) -> Schedule {
        let weights = Weights {
            deliver: self.pick(&[100, 30, 10]),
            late: self.pick(&[0, 1, 3, 10]),
            elect: self.pick(&[3, 10, 30, 100]),
            fire: self.pick(&[0, 3, 10, 30]),
            write: self.pick(&[100, 300, 30, 10, 3]),
            client: if theme.changes() { self.pick(&[1, 0]) } else { self.pick(&[10, 3, 30, 0]) },
            strike: self.pick(&[30, 10, 3]),
            relief: self.pick(&[10, 30, 3, 0]),
        };
        let in_flight = self.pick(&[16, 4, 8, 64]);
        Schedule::Untimed { weights, in_flight }
    }
}
