//! Correlated hardships: worlds in which several things go wrong that a person would think of together.
//!
//! Holds: each is for a class of mistakes, and has a mistake of that class which it finds and the plain draw does not
//! (`zoo`, and the project's tests). Not here: those of clients (`clients`), brief worlds about one thing (`brief`), and worlds of everything.
//!
//! A draw of independent knobs hardly ever puts the right five together; a theme does, and leaves the rest to chance.

use super::brief::Theme;
use super::parts::{BRIEF, CUT, cluster, every, hit, on, operate, steps, untimed};
use super::{Draw, MS, calm, clients, percent};
use crate::protocol::{NodeId, OptionValue};
use crate::scenario::{
    Aim, Budget, CrashLeaves, Cue, Disk, InitialLog, NemesisKind, Network, NodeFault, Operator, Ratio,
    Scenario, Shape, Weights, Workload,
};

/// A hardship of several parts.
pub(super) struct Correlated {
    /// Its name.
    pub(super) name: &'static str,
    /// The class of mistakes that it is for.
    pub(super) finds: &'static str,
    /// A mistake of the zoo that it finds and the plain draw does not.
    pub(super) shows: &'static str,
    /// How often it is drawn, among the others: the rarer, the longer its worlds.
    pub(super) share: u64,
    /// The world.
    draw: fn(&mut Draw) -> Scenario,
    /// What this repository's Raft is told there, beyond what every brief world draws.
    options: fn(&mut Draw) -> Vec<(&'static str, OptionValue)>,
}

/// Every correlated hardship.
pub(super) const ALL: [Correlated; 16] = [
    Correlated {
        name: "follower-reads",
        finds: "reads served by what is applied, remembered or durable rather than by what was committed when asked",
        shows: "read-index-applied",
        share: 2,
        draw: clients::follower_reads,
        options: |_| vec![("follower-reads", ON), ("pre-vote", ON), ("stickiness", ON), ("check-quorum", ON)],
    },
    Correlated {
        name: "divergent-tails",
        finds: "what a follower concludes from a message that covers less than its log, whose tail outlived two leaders",
        shows: "ack-reports-last",
        share: 6,
        draw: divergent_tails,
        options: |draw| vec![("batch-entries-max", OptionValue::Number(draw.pick(&[1, 1, 2, 64])))],
    },
    Correlated {
        name: "split-votes",
        finds: "votes that outlive their term or role",
        shows: "votes-outlive-term",
        share: 6,
        draw: split_votes,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "small-windows",
        finds: "windows that never open again, probes that are never sent again",
        shows: "window-never-reopens",
        share: 3,
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
        share: 3,
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
        share: 6,
        draw: snapshots_of_changes,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
    Correlated {
        name: "change-storms",
        finds: "what is left of a membership that was cut from the log",
        shows: "rollback-forgotten",
        share: 6,
        draw: change_storms,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "clock-edges",
        finds: "leases and sessions at the edge of their time, with clocks at the edge of their bound",
        shows: "expiry-by-own-clock",
        share: 1,
        draw: clients::clock_edges,
        options: leased,
    },
    Correlated {
        name: "lease-edges",
        finds: "leases that outlast the promises they rest on, while answers are slow and their leader fades",
        shows: "lease-from-answer",
        share: 5,
        draw: clients::lease_edges,
        options: |draw| {
            let mut options = leased(draw);
            options.push(("pre-vote", ON));
            options
        },
    },
    Correlated {
        name: "late-answers",
        finds: "answers of followers that arrive when another one leads",
        shows: "late-answer-confirms",
        share: 2,
        draw: clients::late_answers,
        options: |draw| {
            let follower_reads = OptionValue::Switch(draw.one_in(3));
            vec![
                ("pre-vote", ON),
                ("stickiness", ON),
                ("check-quorum", OFF),
                ("follower-reads", follower_reads),
            ]
        },
    },
    Correlated {
        name: "reads-among-changes",
        finds: "reads that the wrong ones confirm while members change",
        shows: "read-quorum-last-set",
        share: 10,
        draw: clients::reads_among_changes,
        options: |_| vec![("pre-vote", OFF), ("stickiness", OFF), ("check-quorum", OFF)],
    },
    Correlated {
        name: "session-edges",
        finds: "sessions that expire at some replicas only, are forgotten by snapshots, or known too long",
        shows: "expired-retry-applied",
        share: 2,
        draw: clients::session_edges,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
    Correlated {
        name: "replaced-members",
        finds: "what a node that was away for many changes learns from a snapshot",
        shows: "install-keeps-members",
        share: 8,
        draw: replaced_members,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
    Correlated {
        name: "wrong-moments",
        finds: "operators at the wrong moment: change during transfer, transfer during snapshot, two changes by two leaders",
        shows: "change-during-change",
        share: 4,
        draw: wrong_moments,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "between-writes",
        finds: "what is told before it is durable, and states between two writes of one transition",
        shows: "ack-before-durable",
        share: 5,
        draw: between_writes,
        options: |_| Vec::new(),
    },
    Correlated {
        name: "full-disks",
        finds: "disks that fail while a snapshot arrives or a leader begins",
        shows: "snapshot-ack-before-durable",
        share: 3,
        draw: full_disks,
        options: |_| vec![("trailing-entries", OptionValue::Number(0))],
    },
];

const ON: OptionValue = OptionValue::Switch(true);
const OFF: OptionValue = OptionValue::Switch(false);

/// Reads by lease, with clocks at the edge of the bound that leases rely on.
fn leased(draw: &mut Draw) -> Vec<(&'static str, OptionValue)> {
    vec![
        ("reads", OptionValue::Word(String::from("lease"))),
        ("stickiness", ON),
        ("drift-max-ppm", OptionValue::Number(clients::DRIFT)),
        ("check-quorum", OptionValue::Switch(draw.one_in(2))),
    ]
}

/// One of them, the more often the larger its share.
pub(super) fn drawn(draw: &mut Draw) -> &'static Correlated {
    let mut left = draw.below(ALL.iter().map(|it| it.share).sum());
    let lies_here = |it: &&Correlated| {
        let here = left < it.share;
        left = left.saturating_sub(it.share);
        here
    };
    ALL.iter().find(lies_here).unwrap_or(&ALL[0])
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
        // Leases rely on a bound of the clocks' errors.
        if scenario.cluster.options.contains_key("drift-max-ppm") {
            let bound = OptionValue::Number(u64::from(scenario.clock.drift_ppm));
            scenario.cluster.options.insert(String::from("drift-max-ppm"), bound);
        }
    }
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
    let reboot = on(Cue::LeaderElected, hit(NodeFault::Reboot, Aim::Any), 0);
    let hardships =
        [(false, vec![]), (true, vec![kill]), (true, vec![]), (false, vec![reboot]), (false, vec![reboot])];
    let (heals, nemeses) = draw.pick(&hardships);
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

/// Members are replaced, again and again, while somebody is cut off; whoever comes back is sent a snapshot, and the cluster
/// parts in the moment when it is installed.
fn replaced_members(draw: &mut Draw) -> Scenario {
    let workload = Workload { clients: 1, keys: 1, reads: percent(0), ..Workload::default() };
    let operator = draw.pick(&[Operator::Membership, Operator::Membership, Operator::SingleServer]);
    let apart = draw.pick(&[Shape::Majority, Shape::Random, Shape::Halves]);
    let parts = draw.pick(&[Shape::Halves, Shape::Random]);
    let nemeses = vec![
        every(30 * MS, operate(operator), 10 * MS),
        every(30 * MS, operate(operator), 10 * MS),
        every(300 * MS, NemesisKind::Partition { shape: apart }, 300 * MS),
        on(Cue::SnapshotInstalled, NemesisKind::Partition { shape: parts }, 500 * MS),
    ];
    let weights = Weights { client: draw.pick(&[1, 3]), relief: draw.pick(&[3, 10]), ..BRIEF };
    let cluster = cluster(draw.pick(&[3, 2, 4]), draw.pick(&[2, 1, 3]), Some(1));
    let world = calm(cluster, workload, steps(draw.pick(&[200, 400]), draw.one_in(3)));
    Scenario { nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
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
