//! Correlated hardships: worlds in which several things go wrong that a person would think of together.
//!
//! Holds: each is for a class of mistakes, and has a mistake of that class which it finds and the plain draw does not
//! (`zoo`, and the project's tests). Not here: brief worlds about one thing (`brief`), and worlds of everything.
//!
//! A draw of independent knobs hardly ever puts the right five together; a theme does, and leaves the rest to chance.

use super::brief::{ELECTION, Theme};
use super::{Draw, MS, SECOND, addresses, around, calm, ids, ms, nodes, percent, us};
use crate::protocol::{NodeId, OptionValue, Within};
use crate::scenario::{
    Aim, Budget, Clock, Cluster, CrashLeaves, Cue, Disk, InitialLog, Nemesis, NemesisKind, Network,
    NodeFault, Operator, Ratio, ReadsAt, Scenario, Schedule, Sessions, Shape, Step, Timers, Weights, When,
    Workload,
};

/// A hardship of several parts.
pub(super) struct Correlated {
    /// Its name.
    pub(super) name: &'static str,
    /// The class of mistakes that it is for.
    pub(super) finds: &'static str,
    /// A mistake of the zoo that it finds and the plain draw does not.
    pub(super) shows: &'static str,
    /// The world.
    draw: fn(&mut Draw) -> Scenario,
    /// What this repository's Raft is told there, beyond what every brief world draws.
    options: fn(&mut Draw) -> Vec<(&'static str, OptionValue)>,
}

/// Every correlated hardship.
pub(super) const ALL: [Correlated; 11] = [
    Correlated {
        name: "follower-reads",
        finds: "reads served by what is applied, remembered or durable rather than by what was committed when asked",
        shows: "read-index-applied",
        draw: follower_reads,
        options: |_| vec![("follower-reads", ON), ("pre-vote", ON), ("stickiness", ON), ("check-quorum", ON)],
    },
    Correlated {
        name: "divergent-tails",
        finds: "what a follower concludes from a message that covers less than its log, whose tail outlived two leaders",
        shows: "ack-reports-last",
        draw: divergent_tails,
        options: |draw| vec![("batch-entries-max", OptionValue::Number(draw.pick(&[1, 1, 2, 64])))],
    },
    Correlated {
        name: "split-votes",
        finds: "votes that outlive their term or role",
        shows: "votes-outlive-term",
        draw: split_votes,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "small-windows",
        finds: "windows that never open again, probes that are never sent again",
        shows: "window-never-reopens",
        draw: small_windows,
        options: |draw| {
            let bytes = OptionValue::Number(draw.pick(&[20, 40, 100]));
            let batch = OptionValue::Number(draw.pick(&[1, 2]));
            vec![("inflight-bytes-max", bytes), ("batch-entries-max", batch)]
        },
    },
    Correlated {
        name: "far-behind",
        finds: "followers that need a snapshot and never get all of it",
        shows: "chunk-never-repeated",
        draw: far_behind,
        options: |draw| {
            let chunk = OptionValue::Number(draw.pick(&[16, 16, 64]));
            vec![("snapshot-chunk-bytes-max", chunk), ("trailing-entries", OptionValue::Number(0))]
        },
    },
    Correlated {
        name: "snapshots-of-changes",
        finds: "snapshots that are taken, sent or installed while members change and logs are cut",
        shows: "snapshot-latest-members",
        draw: snapshots_of_changes,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
    Correlated {
        name: "change-storms",
        finds: "what is left of a membership that was cut from the log",
        shows: "rollback-forgotten",
        draw: change_storms,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "clock-edges",
        finds: "leases and sessions at the edge of their time, with clocks at the edge of their bound",
        shows: "lease-never-ends",
        draw: clock_edges,
        options: |draw| {
            let lease = OptionValue::Word(String::from("lease"));
            let check = OptionValue::Switch(draw.one_in(2));
            vec![
                ("reads", lease),
                ("stickiness", ON),
                ("drift-max-ppm", OptionValue::Number(DRIFT)),
                ("check-quorum", check),
            ]
        },
    },
    Correlated {
        name: "wrong-moments",
        finds: "operators at the wrong moment: change during transfer, transfer during snapshot, two changes by two leaders",
        shows: "change-during-change",
        draw: wrong_moments,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "between-writes",
        finds: "what is told before it is durable, and states between two writes of one transition",
        shows: "ack-before-durable",
        draw: between_writes,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "full-disks",
        finds: "disks that fail while a snapshot arrives or a leader begins",
        shows: "snapshot-ack-before-durable",
        draw: full_disks,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
];

const ON: OptionValue = OptionValue::Switch(true);

/// The clocks' error of `clock-edges`, and the bound that its leases rely on, in parts per million.
const DRIFT: u64 = 50_000;

const CUT: NemesisKind = NemesisKind::Partition { shape: Shape::LeaderAlone };

const fn hit(fault: NodeFault, aim: Aim) -> NemesisKind {
    NemesisKind::Hit { fault, aim }
}

const fn operate(operator: Operator) -> NemesisKind {
    NemesisKind::Operate { operator }
}

impl Correlated {
    pub(super) fn scenario(&self, draw: &mut Draw) -> Scenario {
        (self.draw)(draw)
    }

    /// Gives this repository's Raft its settings.
    pub(super) fn suit_raft(&self, draw: &mut Draw, scenario: &mut Scenario) {
        scenario.cluster.options = draw.raft_options(Some(Theme::Elections));
        for (name, value) in (self.options)(draw) {
            scenario.cluster.options.insert(name.to_owned(), value);
        }
    }
}

/// A cluster of some voters and spare machines, without settings of its own.
fn cluster(voters: u32, spare: u32, snapshot_every: Option<u64>) -> Cluster {
    Cluster {
        nodes: nodes(voters + spare),
        addresses: addresses(voters + spare, 0),
        members: vec![ids(0, voters)],
        learners: ids(0, 0),
        spare: ids(voters, voters + spare),
        priority: Vec::new(),
        election: ELECTION,
        heartbeat: 50 * MS,
        timers: Timers::Running,
        snapshot_every,
        sessions: Sessions::Kept,
        options: std::collections::BTreeMap::new(),
    }
}

/// So many events; then agreement is owed, if it is.
fn steps(events: u64, heals: bool) -> Vec<Step> {
    let mut steps = vec![Step::Events { count: events }];
    if heals {
        steps.extend([Step::Heal, Step::Converge { within: 60 * ELECTION.max + 60 * SECOND }]);
    }
    steps
}

fn on(cue: Cue, kind: NemesisKind, lasting: u64) -> Nemesis {
    Nemesis { kind, when: When::On(cue), lasting: around(lasting) }
}

fn every(time: u64, kind: NemesisKind, lasting: u64) -> Nemesis {
    Nemesis { kind, when: When::Every(around(time)), lasting: around(lasting) }
}

fn untimed(weights: Weights) -> Schedule {
    Schedule::Untimed { weights, in_flight: 16 }
}

const BRIEF: Weights =
    Weights { deliver: 100, late: 3, elect: 10, fire: 3, write: 100, client: 3, strike: 10, relief: 10 };

/// Reads everywhere, one key, and a leader whose disk is slow: what it has applied lags behind what is committed.
fn follower_reads(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[3, 6, 4]),
        keys: 1,
        reads: percent(draw.pick(&[60, 60, 80])),
        reads_at: ReadsAt::Any,
        think: draw.pick(&[us(10, 500), us(100, 5_000)]),
        ..Workload::default()
    };
    let slow = hit(NodeFault::SlowDisk { factor: draw.pick(&[20, 20, 100]) }, Aim::Leader);
    let mut nemeses = vec![on(Cue::LeaderElected, slow, 20 * SECOND), every(100 * MS, slow, 2 * SECOND)];
    if draw.one_in(4) {
        nemeses.push(every(2 * SECOND, CUT, 500 * MS));
    }
    let network = Network { delay: draw.pick(&[ms(1, 10), us(100, 2_000)]), ..Network::default() };
    let steps = steps(draw.pick(&[600, 1_200]), false);
    let world = calm(cluster(draw.pick(&[3, 3, 5]), 0, None), workload, steps);
    Scenario { network, nemeses, ..world }
}

/// Logs that differ from the start, as if leaders had come and gone without committing; then elections, cut short.
fn divergent_tails(draw: &mut Draw) -> Scenario {
    let voters = draw.pick(&[3, 5, 3, 4]);
    let cluster = cluster(voters, 0, draw.pick(&[None, None, None, Some(2)]));
    let workload =
        Workload { clients: 2, keys: 1, reads: percent(0), cas: Ratio::ZERO, ..Workload::default() };
    let logs = draw.tails(voters);
    let cut = on(Cue::LeaderElected, CUT, draw.pick(&[100 * MS, 500 * MS]));
    let nemeses = draw.pick(&[vec![cut, cut], vec![cut], vec![]]);
    let reorder = draw.pick(&[Ratio::ZERO, percent(30), percent(50)]);
    let network = Network { reorder, loss: draw.pick(&[Ratio::ZERO, percent(20)]), ..Network::default() };
    let weights = Weights { client: draw.pick(&[1, 3]), late: draw.pick(&[1, 10]), ..BRIEF };
    let world = calm(cluster, workload, steps(draw.pick(&[100, 200]), draw.one_in(4)));
    Scenario { network, nemeses, logs: logs.into_iter().collect(), schedule: untimed(weights), ..world }
}

/// Many candidates at once, answers that come late, nobody who writes.
fn split_votes(draw: &mut Draw) -> Scenario {
    let voters = draw.pick(&[5, 4, 3, 6]);
    let workload = Workload { clients: 1, keys: 1, ..Workload::default() };
    let network = Network {
        reorder: draw.pick(&[percent(30), percent(50), Ratio::ZERO]),
        loss: draw.pick(&[percent(30), Ratio::ZERO]),
        ..Network::default()
    };
    let weights = Weights { elect: 30, client: 0, late: draw.pick(&[3, 10]), ..BRIEF };
    let kill = every(200 * MS, hit(NodeFault::Kill, Aim::Minority), 0);
    let (heals, nemeses) = draw.pick(&[(false, vec![]), (true, vec![kill]), (true, vec![])]);
    let world = calm(cluster(voters, 0, None), workload, steps(draw.pick(&[60, 120]), heals));
    Scenario { network, nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
}

/// Much to send through narrow windows, over links that flap and lose.
fn small_windows(draw: &mut Draw) -> Scenario {
    let workload =
        Workload { clients: draw.pick(&[4, 8]), keys: 2, reads: percent(0), ..Workload::default() };
    let network = Network {
        loss: draw.pick(&[percent(20), percent(5), Ratio::ZERO]),
        reorder: draw.pick(&[percent(30), percent(10)]),
        ..Network::default()
    };
    let weights = Weights { elect: 1, client: 30, fire: 3, ..BRIEF };
    let flap = every(30 * MS, NemesisKind::Partition { shape: Shape::Majority }, 10 * MS);
    let snapshot_every = draw.pick(&[None, None, Some(3)]);
    let world = calm(cluster(3, 0, snapshot_every), workload, steps(draw.pick(&[200, 400]), true));
    Scenario { network, nemeses: vec![flap], schedule: untimed(weights), ..world }
}

/// One node misses much, logs are short, and a snapshot travels in many parts that get lost.
fn far_behind(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 4, keys: 4, reads: percent(0), ..Workload::default() };
    let network = Network { loss: draw.pick(&[percent(20), percent(40)]), ..Network::default() };
    let weights = Weights { elect: 1, client: 30, ..BRIEF };
    let apart = every(50 * MS, NemesisKind::Partition { shape: Shape::Majority }, 50 * MS);
    let reboot = on(Cue::SnapshotSent, hit(NodeFault::Reboot, Aim::Any), 10 * MS);
    let nemeses = draw.pick(&[vec![apart], vec![apart, reboot]]);
    let cluster = cluster(draw.pick(&[3, 3, 5]), 0, draw.pick(&[Some(1), Some(3)]));
    let world = calm(cluster, workload, steps(draw.pick(&[200, 400]), true));
    Scenario { network, nemeses, schedule: untimed(weights), ..world }
}

/// Members change while every entry or two is put into a snapshot, and whoever installs one starts anew.
fn snapshots_of_changes(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 2, keys: 1, reads: percent(0), ..Workload::default() };
    let change = operate(draw.pick(&[Operator::Membership, Operator::SingleServer, Operator::LeaveJoint]));
    let asks = draw.pick(&[every(50 * MS, change, 10 * MS), on(Cue::LeaderElected, change, 10 * MS)]);
    let reboot = hit(NodeFault::Reboot, Aim::Any);
    let nemeses = draw.pick(&[
        vec![asks, on(Cue::MembershipAppended, CUT, 100 * MS), on(Cue::SnapshotInstalled, reboot, 10 * MS)],
        vec![asks, on(Cue::MembershipAppended, CUT, 100 * MS)],
        vec![asks, on(Cue::LeaderElected, CUT, 100 * MS)],
    ]);
    let network = Network { loss: draw.pick(&[Ratio::ZERO, percent(30)]), ..Network::default() };
    let weights = Weights { client: draw.pick(&[3, 10]), ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 4, 2]), draw.pick(&[0, 1]), draw.pick(&[Some(1), Some(2)]));
    let world = calm(cluster, workload, steps(draw.pick(&[150, 300]), draw.one_in(3)));
    Scenario { network, nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
}

/// Two operators who do not know of each other, and leaders who are cut off as soon as they have appended a change.
fn change_storms(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 1, keys: 1, reads: percent(0), ..Workload::default() };
    let operators = [Operator::Membership, Operator::SingleServer, Operator::Membership];
    let (first, second) = (draw.pick(&operators), draw.pick(&operators));
    let cut = on(Cue::MembershipAppended, CUT, draw.pick(&[100 * MS, 500 * MS]));
    let mut nemeses =
        vec![on(Cue::LeaderElected, operate(first), 10 * MS), every(30 * MS, operate(second), 10 * MS)];
    nemeses.extend(draw.pick(&[vec![cut, cut], vec![cut], vec![cut, on(Cue::LeaderElected, CUT, 100 * MS)]]));
    let weights = Weights { client: draw.pick(&[0, 1]), ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 4, 5]), draw.pick(&[0, 1, 2]), None);
    let world = calm(cluster, workload, steps(draw.pick(&[120, 240]), draw.one_in(3)));
    Scenario { nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
}

/// Reads by lease over links so slow and lossy that a follower's promise may be nearly over when its answer arrives, short
/// elections, leaders that are cut off, and clocks that err as much as they may.
fn clock_edges(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[4, 8]),
        keys: 1,
        reads: percent(70),
        reads_at: ReadsAt::Any,
        timeout: draw.pick(&[100 * MS, SECOND]),
        think: ms(1, 10),
        retries: 10,
        ..Workload::default()
    };
    let cut = every(600 * MS, CUT, 500 * MS);
    let slow = hit(NodeFault::SlowLinks { factor: draw.pick(&[3, 10]) }, Aim::Leader);
    let nemeses = draw.pick(&[vec![cut], vec![], vec![on(Cue::LeaderElected, slow, SECOND), cut]]);
    let network = Network {
        delay: draw.pick(&[ms(1, 100), ms(1, 50), ms(1, 100)]),
        loss: draw.pick(&[percent(30), percent(10), Ratio::ZERO]),
        ..Network::default()
    };
    let disk = Disk { write: us(1, 100), ..Disk::default() };
    let clock = Clock { skew: draw.pick(&[0, SECOND]), drift_ppm: DRIFT as u32 };
    let mut cluster = cluster(3, 0, None);
    cluster.election =
        draw.pick(&[Within { min: 150 * MS, max: 160 * MS }, Within { min: 150 * MS, max: 200 * MS }]);
    cluster.heartbeat = draw.pick(&[50 * MS, 100 * MS]);
    if draw.one_in(3) {
        cluster.sessions = Sessions::Expiring(20 * MS);
    }
    let world = calm(cluster, workload, steps(draw.pick(&[1_500, 3_000]), false));
    Scenario { network, disk, nemeses, clock, ..world }
}

/// Transfers, changes and snapshots, each set off by another one.
fn wrong_moments(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 2, keys: 1, ..Workload::default() };
    let change = operate(draw.pick(&[Operator::Membership, Operator::SingleServer, Operator::Removal]));
    let (transfer, snapshot) = (operate(Operator::Transfer), operate(Operator::Snapshot));
    let first = draw.pick(&[transfer, change, transfer]);
    let nemeses = vec![
        every(50 * MS, first, 10 * MS),
        on(Cue::TransferStarted, change, 10 * MS),
        on(Cue::MembershipAppended, draw.pick(&[transfer, snapshot, change, CUT]), 100 * MS),
        on(Cue::SnapshotSent, draw.pick(&[transfer, change]), 10 * MS),
        on(Cue::LeaderElected, draw.pick(&[change, transfer, CUT]), 100 * MS),
    ];
    let network = Network { loss: draw.pick(&[Ratio::ZERO, percent(20)]), ..Network::default() };
    let weights = Weights { fire: 10, ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 4, 5]), draw.pick(&[0, 1]), draw.pick(&[None, Some(2)]));
    let world = calm(cluster, workload, steps(draw.pick(&[150, 300]), draw.one_in(3)));
    Scenario { network, nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
}

/// Whoever has one write on the disk and the next one not yet, or holds a message for it, starts anew.
fn between_writes(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 2, keys: 1, reads: percent(0), ..Workload::default() };
    let reboot = hit(draw.pick(&[NodeFault::Reboot, NodeFault::Reboot, NodeFault::Crash]), Aim::Any);
    let cue = draw.pick(&[Cue::HalfWritten, Cue::MessageHeld]);
    let mut nemeses = vec![on(cue, reboot, 20 * MS)];
    nemeses.push(draw.pick(&[
        every(100 * MS, hit(NodeFault::Reboot, Aim::Committing), 0),
        every(100 * MS, hit(NodeFault::Reboot, Aim::Deciding), 0),
        on(Cue::LeaderElected, CUT, 100 * MS),
    ]));
    let disk = Disk { crash: draw.pick(&[CrashLeaves::Lost, CrashLeaves::Torn]), ..Disk::default() };
    let weights = Weights { write: draw.pick(&[10, 30]), client: draw.pick(&[1, 10]), ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 3, 5]), 0, draw.pick(&[None, None, Some(2)]));
    let world = calm(cluster, workload, steps(draw.pick(&[100, 200]), draw.one_in(8)));
    Scenario { disk, nemeses, schedule: untimed(weights), ..world }
}

/// Writes fail, tear and stall just when a snapshot arrives or a leader begins.
fn full_disks(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 3, keys: 2, reads: percent(0), ..Workload::default() };
    let faults = [NodeFault::FullDisk, NodeFault::FailedWrite, NodeFault::Reboot, NodeFault::Stall];
    let mut strike = |cue| on(cue, hit(draw.pick(&faults), Aim::Any), 100 * MS);
    let nemeses = vec![strike(Cue::SnapshotInstalled), strike(Cue::SnapshotSent), strike(Cue::LeaderElected)];
    let apart = every(50 * MS, NemesisKind::Partition { shape: Shape::Majority }, 50 * MS);
    let nemeses = nemeses.into_iter().chain([apart]).collect();
    let disk = Disk { crash: draw.pick(&[CrashLeaves::Lost, CrashLeaves::Torn]), ..Disk::default() };
    let weights = Weights { client: 20, write: draw.pick(&[10, 30]), elect: 3, ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 3, 2]), 0, draw.pick(&[Some(1), Some(2)]));
    let world = calm(cluster, workload, steps(draw.pick(&[150, 300]), draw.one_in(2)));
    Scenario { disk, nemeses, schedule: untimed(weights), ..world }
}

impl Draw {
    /// Logs that a run may have left: in each term somebody won who is as up to date as a majority, appended, and told a
    /// few. Everyone has heard of the last term.
    fn tails(&mut self, voters: u32) -> Vec<(NodeId, InitialLog)> {
        let mut logs: Vec<Vec<u64>> = vec![Vec::new(); voters as usize];
        let terms = 1 + self.below(4);
        for term in 1..=terms {
            let rank = |log: &Vec<u64>| (log.last().copied(), log.len());
            let electable: Vec<usize> = (0..logs.len())
                .filter(|&node| {
                    2 * logs.iter().filter(|log| rank(log) <= rank(&logs[node])).count() > logs.len()
                })
                .collect();
            let leader = self.pick(&electable);
            let appended = 1 + self.below(3) as usize;
            logs[leader].extend(std::iter::repeat_n(term, appended));
            let log = logs[leader].clone();
            for node in (0..logs.len()).filter(|&node| node != leader) {
                if self.one_in(3) {
                    // Whoever took the first of the new entries has all that came before.
                    let held = log.len() - self.below(appended as u64) as usize;
                    logs[node] = log[..held].to_vec();
                }
            }
        }
        let initial = |terms_of: Vec<u64>| InitialLog { terms: terms_of, term: terms };
        (0..).map(NodeId).zip(logs.into_iter().map(initial)).collect()
    }
}
