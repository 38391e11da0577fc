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
    Aim, Cluster, CrashLeaves, Cue, Disk, Nemesis, NemesisKind, Network, NodeFault, Operator, Ratio,
    Scenario, Schedule, Sessions, Shape, Step, Timers, Weights, When, Workload,
};

/// The shortest and the longest election timeout of a brief world.
pub(super) const ELECTION: Within = Within { min: 150 * MS, max: 300 * MS };

/// A nemesis that waits for a cue.
type Aimed = (Cue, NemesisKind);

/// What a brief world is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// Leaders come and go, and crash.
    Elections,
    /// Nodes restart while they vote.
    Votes,
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
    /// Snapshots of a few entries each, and restarts of who installs them.
    Snapshots,
    /// Snapshots among messages that come late.
    LateSnapshots,
    /// A joint config in snapshots, left for either side.
    JointSnapshots,
    /// Leadership is given away.
    Transfers,
    /// Any hardship; then agreement is owed.
    Healing,
}

impl Theme {
    /// What is drawn from: the more often, the more it takes to find what it is for.
    pub(super) const DRAWN: [Theme; 22] = [
        Theme::Elections,
        Theme::Votes,
        Theme::Reads,
        Theme::Reads,
        Theme::Leases,
        Theme::Membership,
        Theme::Membership,
        Theme::Membership,
        Theme::SingleServer,
        Theme::SingleServer,
        Theme::SingleServer,
        Theme::Removals,
        Theme::Removals,
        Theme::Snapshots,
        Theme::LateSnapshots,
        Theme::LateSnapshots,
        Theme::JointSnapshots,
        Theme::JointSnapshots,
        Theme::Transfers,
        Theme::Transfers,
        Theme::Healing,
        Theme::Healing,
    ];

    /// Every theme.
    pub(super) const ALL: [Theme; 12] = [
        Theme::Elections,
        Theme::Votes,
        Theme::Reads,
        Theme::Leases,
        Theme::Membership,
        Theme::SingleServer,
        Theme::Removals,
        Theme::Snapshots,
        Theme::LateSnapshots,
        Theme::JointSnapshots,
        Theme::Transfers,
        Theme::Healing,
    ];

    /// The class of mistakes that it is for.
    pub(super) fn finds(self) -> &'static str {
        match self {
            Theme::Elections => "what is committed although a later leader may replace it",
            Theme::Votes => "votes that are forgotten, or told before they are durable",
            Theme::Reads => "reads at leaders that do not know that they were deposed",
            Theme::Leases => "leases that last too long",
            Theme::Membership => "quorums of joint configs, and changes that overlap",
            Theme::SingleServer => "changes of one voter by two leaders",
            Theme::Removals => "removed nodes that are still needed",
            Theme::Snapshots => "snapshots that are installed over a restart",
            Theme::LateSnapshots => "snapshots that come late",
            Theme::JointSnapshots => "joint configs that a snapshot forgets",
            Theme::Transfers => "leadership given to whoever lacks something",
            Theme::Healing => "clusters that never agree again",
        }
    }

    /// A mistake that shows it, by name.
    pub(super) fn shows(self) -> &'static str {
        match self {
            Theme::Elections => "commit-older-term",
            Theme::Votes => "vote-before-durable",
            Theme::Reads => "read-joins-round",
            Theme::Leases => "lease-never-ends",
            Theme::Membership => "first-entry-leaves-joint",
            Theme::SingleServer => "change-before-own-commit",
            Theme::Removals => "removed-may-not-campaign",
            Theme::Snapshots => "chunk-of-another-snapshot",
            Theme::LateSnapshots => "snapshot-over-longer-log",
            Theme::JointSnapshots => "joint-dropped-on-boot",
            Theme::Transfers => "forced-skips-up-to-date",
            Theme::Healing => "pre-vote-refusal-hides-term",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Theme::Elections => "elections",
            Theme::Votes => "votes",
            Theme::Reads => "reads",
            Theme::Leases => "leases",
            Theme::Membership => "membership",
            Theme::SingleServer => "single-server",
            Theme::Removals => "removals",
            Theme::Snapshots => "snapshots",
            Theme::LateSnapshots => "late-snapshots",
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
            Theme::Elections | Theme::Votes | Theme::Reads | Theme::Leases => &[3, 3, 3, 3, 5, 4],
            Theme::Membership => &[3, 3, 3, 3, 3, 4, 2],
            Theme::SingleServer => &[4, 4, 4, 4, 4, 3, 5],
            Theme::Removals => &[2, 2, 2, 4, 3],
            Theme::Snapshots | Theme::LateSnapshots => &[3, 3, 3, 4, 2],
            Theme::Transfers => &[3, 3, 3, 3, 5],
            Theme::JointSnapshots => &[2, 3, 4],
            Theme::Healing => &[2, 3, 4, 2, 5],
        }
    }

    /// What its operator does.
    fn operator(self) -> Option<Operator> {
        match self {
            Theme::Elections | Theme::Votes | Theme::Reads | Theme::Leases => None,
            Theme::LateSnapshots | Theme::Healing => None,
            Theme::Membership => Some(Operator::Membership),
            Theme::SingleServer => Some(Operator::SingleServer),
            Theme::Removals => Some(Operator::Removal),
            Theme::Snapshots => Some(Operator::Snapshot),
            Theme::JointSnapshots => Some(Operator::LeaveJoint),
            Theme::Transfers => Some(Operator::Transfer),
        }
    }

    /// Which nemeses strike together, and on what cue: when one node has begun what the others do not know of.
    fn aims(self) -> &'static [&'static [Aimed]] {
        const CUT: NemesisKind = NemesisKind::Partition { shape: Shape::LeaderAlone };
        const REBOOT: NemesisKind = NemesisKind::Hit { fault: NodeFault::Reboot, aim: Aim::Any };
        const CRASH: NemesisKind = NemesisKind::Hit { fault: NodeFault::Crash, aim: Aim::Any };
        const CUT_ELECTED: Aimed = (Cue::LeaderElected, CUT);
        const CUT_CHANGED: Aimed = (Cue::MembershipAppended, CUT);
        const REBOOT_CHANGED: Aimed = (Cue::MembershipAppended, REBOOT);
        const REBOOT_INSTALLED: Aimed = (Cue::SnapshotInstalled, REBOOT);
        match self {
            Theme::Elections => &[
                &[CUT_ELECTED, (Cue::EarlierTermCommitted, CUT)],
                &[CUT_ELECTED, (Cue::EarlierTermCommitted, CUT), CUT_ELECTED],
                &[CUT_ELECTED, CUT_ELECTED],
            ],
            Theme::Votes | Theme::Reads | Theme::Leases => {
                &[&[], &[], &[CUT_ELECTED], &[(Cue::LeaderElected, CRASH)]]
            }
            Theme::Membership => &[
                &[CUT_CHANGED, REBOOT_CHANGED],
                &[CUT_CHANGED, REBOOT_CHANGED],
                &[CUT_CHANGED, REBOOT_CHANGED, CUT_ELECTED],
                &[CUT_CHANGED, CUT_ELECTED],
            ],
            Theme::SingleServer => {
                &[&[CUT_CHANGED, CUT_CHANGED], &[CUT_CHANGED, CUT_ELECTED], &[CUT_CHANGED, CUT_ELECTED]]
            }
            Theme::Removals => &[
                &[(Cue::RemovedNodeTold, REBOOT)],
                &[(Cue::RemovedNodeTold, REBOOT)],
                &[REBOOT_CHANGED],
                &[CUT_CHANGED],
            ],
            Theme::JointSnapshots => &[&[CUT_CHANGED], &[], &[CUT_CHANGED, CUT_ELECTED], &[REBOOT_CHANGED]],
            Theme::LateSnapshots => &[&[]],
            Theme::Snapshots => &[
                &[],
                &[REBOOT_INSTALLED],
                &[REBOOT_INSTALLED],
                &[REBOOT_INSTALLED],
                &[(Cue::SnapshotSent, CUT)],
                &[(Cue::SnapshotInstalled, CRASH), CUT_ELECTED],
            ],
            Theme::Transfers => {
                &[&[], &[], &[], &[(Cue::TransferStarted, CUT)], &[(Cue::TransferStarted, CRASH)]]
            }
            Theme::Healing => &[
                &[],
                &[CUT_ELECTED, (Cue::LeaderSteppedDown, CRASH)],
                &[(Cue::LeaderElected, CRASH), (Cue::LogCut, CRASH)],
                &[(Cue::LeaderElected, REBOOT), (Cue::LeaderSteppedDown, REBOOT)],
                &[(Cue::LeaderElected, REBOOT), (Cue::LeaderSteppedDown, REBOOT)],
            ],
        }
    }

    /// Whether agreement is owed in the end.
    fn heals(self) -> bool {
        matches!(self, Theme::Removals | Theme::Snapshots | Theme::LateSnapshots | Theme::Healing)
    }

    /// How many events of hardship.
    fn events(self) -> &'static [u64] {
        match self {
            Theme::Leases => &[400, 800],
            Theme::Transfers | Theme::Healing => &[150, 250],
            Theme::Membership => &[200, 100],
            _ => &[100, 100, 200],
        }
    }
}

impl Draw {
    pub(super) fn brief(&mut self, theme: Theme) -> Scenario {
        // A quarter of the worlds mix their theme with everything else.
        let wild = self.one_in(4);
        let network = if wild { self.wild_network() } else { self.brief_network(theme) };
        let crash = self.pick(&[
            CrashLeaves::Lost,
            CrashLeaves::Lost,
            CrashLeaves::Lost,
            CrashLeaves::Torn,
            CrashLeaves::Kept,
        ]);
        let disk = Disk { crash, ..Disk::default() };
        let cluster = self.brief_cluster(theme);
        let workload = self.brief_workload(theme);
        let budget = self.budget();
        let mut nemeses = self.brief_nemeses(theme);
        if wild {
            nemeses.extend(self.wild_nemeses());
        }
        let schedule = match theme {
            Theme::Leases => Schedule::Timed,
            _ => Schedule::Untimed {
                weights: if wild { self.wild_weights(theme) } else { self.brief_weights(theme) },
                in_flight: if wild { self.pick(&[16, 4, 8, 64]) } else { 16 },
            },
        };
        let mut steps = vec![Step::Events { count: self.pick(theme.events()) }];
        if theme.heals() || self.one_in(16) {
            // Tens of elections that nobody wins; there are few entries to catch up with.
            steps.extend([Step::Heal, Step::Converge { within: 60 * ELECTION.max + 60 * SECOND }]);
        }
        Scenario { network, disk, schedule, budget, nemeses, ..calm(cluster, workload, steps) }
    }

    /// Most losses come from nemeses that know when.
    fn brief_network(&mut self, theme: Theme) -> Network {
        let calm = Network { delay: ms(1, 10), ..Network::default() };
        match theme {
            Theme::Elections | Theme::Reads | Theme::Transfers | Theme::Removals => {
                let reorder = self.pick(&[Ratio::ZERO, Ratio::ZERO, Ratio::ZERO, percent(30)]);
                Network { reorder, ..calm }
            }
            Theme::Votes | Theme::Membership | Theme::SingleServer | Theme::JointSnapshots => {
                Network { loss: self.pick(&[percent(30), percent(30), Ratio::ZERO]), ..calm }
            }
            Theme::LateSnapshots => self.pick(&[
                Network { reorder: percent(50), ..calm },
                Network { reorder: percent(50), ..calm },
                Network { reorder: percent(30), duplicate: percent(20), ..calm },
            ]),
            Theme::Snapshots => self.pick(&[
                Network { loss: percent(20), ..calm },
                Network { reorder: percent(30), duplicate: percent(10), ..calm },
                calm,
            ]),
            Theme::Leases | Theme::Healing => self.wild_network(),
        }
    }

    fn wild_network(&mut self) -> Network {
        Network {
            delay: ms(1, 10),
            loss: self.pick(&[Ratio::ZERO, percent(5), percent(20)]),
            duplicate: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(10), percent(50)]),
            reorder: self.pick(&[percent(30), percent(50), percent(10), Ratio::ZERO]),
            ..Network::default()
        }
    }

    pub(super) fn brief_workload(&mut self, theme: Theme) -> Workload {
        let reading = matches!(theme, Theme::Reads | Theme::Leases);
        Workload {
            clients: if reading { self.pick(&[2, 3]) } else { self.pick(&[1, 2]) },
            keys: 1,
            reads: percent(if reading { 50 } else { self.pick(&[0, 30, 50]) }),
            cas: percent(self.pick(&[0, 0, 20])),
            retries: self.pick(&[0, 3]),
            ..Workload::default()
        }
    }

    fn brief_cluster(&mut self, theme: Theme) -> Cluster {
        let voters = self.pick(theme.voters());
        let learners = if theme == Theme::Membership { self.pick(&[0, 0, 0, 1]) } else { 0 };
        let spare = match theme {
            Theme::Membership | Theme::SingleServer => self.pick(&[0, 0, 0, 0, 0, 0, 1, 2]),
            _ => 0,
        };
        let all = voters + learners + spare;
        // A change that was under way when the world began: a joint config of neighbours, which may share nobody.
        let joint = theme == Theme::JointSnapshots || theme == Theme::Membership && self.one_in(8);
        let members = if joint {
            let first = 1 + self.below(u64::from(voters) - 1) as u32;
            let shared = self.below(2) as u32;
            vec![ids(0, first), ids(first - shared, voters)]
        } else {
            vec![ids(0, voters)]
        };
        let snapshot_every: &[Option<u64>] = match theme {
            Theme::Snapshots | Theme::LateSnapshots => &[Some(2), Some(1), Some(2), Some(3)],
            Theme::JointSnapshots => &[Some(1)],
            _ => &[None, None, None, None, None, Some(2)],
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
        let mut nemeses = Vec::new();
        if let Some(operator) = theme.operator() {
            let mut nemesis = self.nemesis(NemesisKind::Operate { operator }, ELECTION.max);
            // An operator who asks as soon as there is a leader finds one that has committed nothing yet.
            if theme == Theme::SingleServer && self.one_in(2) {
                nemesis.when = When::On(Cue::LeaderElected);
            }
            nemeses.push(nemesis);
        }
        let any_time = match theme {
            Theme::Votes | Theme::JointSnapshots => {
                Some(NemesisKind::Hit { fault: NodeFault::Reboot, aim: Aim::Any })
            }
            // A read is stale when its leader does not know that there is another one.
            Theme::Reads | Theme::Leases => Some(NemesisKind::Partition { shape: Shape::LeaderAlone }),
            _ => None,
        };
        nemeses.extend(any_time.map(|kind| self.nemesis(kind, ELECTION.max)));
        for &(cue, kind) in self.pick(theme.aims()) {
            nemeses.push(Nemesis { when: When::On(cue), ..self.nemesis(kind, ELECTION.max) });
        }
        nemeses
    }

    /// What strikes at any time.
    fn wild_nemeses(&mut self) -> Vec<Nemesis> {
        let aims = [Aim::Any, Aim::Leader, Aim::Candidate, Aim::Minority, Aim::Committing, Aim::Deciding];
        let aim = self.pick(&aims);
        let hit = |fault| NemesisKind::Hit { fault, aim };
        let shape = self.pick(&Shape::ALL);
        let rare = self.pick(&[NodeFault::Stall, NodeFault::Pause, NodeFault::FailedWrite]);
        let transfer = NemesisKind::Operate { operator: Operator::Transfer };
        let often = [hit(NodeFault::Reboot), hit(NodeFault::Crash), NemesisKind::Partition { shape }];
        let seldom = [NemesisKind::SwizzleClog, transfer, hit(rare)];
        let mut kinds = Vec::new();
        if self.one_in(2) {
            kinds.push(hit(NodeFault::SlowLinks { factor: 10 }));
        }
        kinds.extend(often.into_iter().filter(|_| self.one_in(3)));
        kinds.extend(seldom.into_iter().filter(|_| self.one_in(12)));
        kinds.into_iter().map(|kind| self.nemesis(kind, ELECTION.max)).collect()
    }

    fn brief_weights(&mut self, theme: Theme) -> Weights {
        let plain = Weights {
            deliver: 100,
            late: self.pick(&[1, 3]),
            elect: self.pick(&[10, 10, 30]),
            fire: self.pick(&[1, 1, 3]),
            write: 100,
            client: 1,
            strike: 10,
            relief: self.pick(&[3, 10]),
        };
        match theme {
            Theme::Elections => Weights { elect: 10, client: self.pick(&[0, 1]), ..plain },
            Theme::Votes => {
                let strike = self.pick(&[10, 30]);
                Weights { elect: 10, client: 0, write: self.pick(&[30, 100]), strike, ..plain }
            }
            Theme::Reads => Weights { client: 30, strike: self.pick(&[3, 10]), relief: 3, ..plain },
            Theme::Membership | Theme::SingleServer => {
                Weights { elect: 10, client: self.pick(&[0, 1]), relief: 10, ..plain }
            }
            Theme::Removals => {
                let write = self.pick(&[100, 30, 10]);
                Weights { client: self.pick(&[0, 1]), write, relief: 10, ..plain }
            }
            Theme::LateSnapshots => {
                let fire = self.pick(&[1, 10]);
                Weights { elect: 3, late: 10, client: 30, fire, ..plain }
            }
            Theme::Snapshots => Weights { elect: 3, client: 10, write: 30, strike: 3, relief: 10, ..plain },
            Theme::JointSnapshots => Weights { client: 3, relief: 10, ..plain },
            Theme::Transfers => {
                let strike = self.pick(&[3, 10]);
                Weights { elect: 3, client: 10, fire: 10, strike, relief: 3, ..plain }
            }
            Theme::Leases | Theme::Healing => self.wild_weights(theme),
        }
    }

    fn wild_weights(&mut self, theme: Theme) -> Weights {
        Weights {
            deliver: self.pick(&[100, 50, 300]),
            late: self.pick(&[1, 3, 0]),
            elect: self.pick(&[10, 10, 3, 30]),
            fire: self.pick(&[1, 3, 10, 30]),
            write: self.pick(&[100, 300, 100, 10]),
            client: if theme.changes() { 1 } else { self.pick(&[10, 3, 30]) },
            strike: self.pick(&[30, 10, 3]),
            relief: self.pick(&[10, 30, 3]),
        }
    }
}
