//! Swarm: a seed becomes a whole scenario, so that every run is one that can be printed, kept and edited.
//!
//! Holds: a scenario is a pure function of its seed and the system; its draws have a stream of their own, which no draw
//! of the run moves; loading what it prints and running it with that seed is the same run. Each seed takes a subset of
//! what there is, because what is left out matters as much as what is put in (Groce et al., Swarm Testing, 2012).
//! Not here: what differs from system to system (`systems`), carrying it out (`runner`), and many seeds at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::choices::{Choices, Site};
use crate::protocol::{Address, NodeId, Within};
use crate::scenario::{
    Aim, Budget, Clock, Cluster, CrashLeaves, Disk, Expectations, Nemesis, NemesisKind, Network, Node,
    NodeFault, Operator, Order, Ratio, ReadsAt, Scenario, Schedule, Seeds, Sessions, Shape, Spread, Step,
    StepPlaces, Timers, Weights, When, Workload,
};

mod brief;
mod sometimes;
mod systems;

pub use sometimes::{SOMETIMES, unreached};

use brief::Theme;

const US: u64 = 1_000;
const MS: u64 = 1_000 * US;
const SECOND: u64 = 1_000 * MS;

/// One seed in so many is a long world with everything in it; the others are brief. So both get about as many events:
/// what needs much is rare among defects, and what is brief is cheap (most published defects need 8 to 25 actions).
const LONG_ONE_IN: u64 = 192;

/// Tells the swarm's streams apart from those of the run with the same seed.
const STREAM: u64 = 0x5357_4152_4d00_0000;

/// The scenario of a seed, for the Raft of this repository.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    scenario_for(seed, "raft")
}

/// The scenario of a seed, for a system. Systems differ in the settings of their own; those whose known mistakes are aimed
/// at, in some operators as well.
#[must_use]
pub fn scenario_for(seed: u64, system: &str) -> Scenario {
    let mut draw = Draw(Choices::seeded(seed ^ STREAM));
    let theme = if draw.one_in(LONG_ONE_IN) { None } else { Some(draw.pick(&Theme::DRAWN)) };
    let mut scenario = match theme {
        Some(theme) => draw.brief(theme),
        None => draw.long(),
    };
    scenario.title = format!("Swarm, seed {seed}: {}", theme.map_or("long", Theme::name));
    scenario.seeds = Seeds { first: seed, last: seed };
    // Most seeds open no sessions: that takes a client a call more before it can write.
    if draw.one_in(if theme.is_some() { 12 } else { 4 }) {
        scenario.cluster.sessions = Sessions::Expiring(draw.pick(&[SECOND, 20 * MS]));
    }
    if let Some(workload) = &mut scenario.workload {
        let reading = theme == Some(Theme::Reads);
        workload.reads_at = if reading { ReadsAt::Any } else { draw.pick(&[ReadsAt::Any, ReadsAt::Leader]) };
    }
    draw.suit(&mut scenario, system, theme);
    scenario
}

/// The swarm's own draws.
struct Draw(Choices);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(Site::Nemesis, bound)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// A world of any size and kind: thousands of events of hardship, then agreement is owed.
    fn long(&mut self) -> Scenario {
        let untimed = self.one_in(2);
        let network = self.network();
        let disk = self.disk();
        let cluster = self.cluster(&network, &disk);
        let clock = self.clock();
        let workload = self.workload();
        let budget = self.budget();
        let nemeses = self.nemeses(cluster.election.max);
        let schedule = if untimed { self.untimed() } else { Schedule::Timed };
        let events = self.pick(&[5_000, 2_000, 2_000, 10_000, 20_000]);
        let steps = self.hardship(events, true, cluster.election.max);
        Scenario { network, disk, clock, schedule, budget, nemeses, ..calm(cluster, workload, steps) }
    }

    fn budget(&mut self) -> Budget {
        if self.one_in(3) { Budget::Beyond } else { Budget::Within }
    }

    /// So many events; then, if agreement is owed, time for tens of elections that nobody wins, and for thousands of
    /// entries over a slow link one by one.
    fn hardship(&mut self, events: u64, heals: bool, election: u64) -> Vec<Step> {
        let mut steps = vec![Step::Events { count: events }];
        if heals {
            steps.extend([Step::Heal, Step::Converge { within: 60 * election + 3_600 * SECOND }]);
        }
        steps
    }

    fn network(&mut self) -> Network {
        Network {
            delay: self.pick(&[ms(1, 10), us(50, 1_000), ms(1, 50), ms(5, 5), us(10, 10)]),
            spread: self.pick(&Spread::ALL),
            order: self.pick(&Order::ALL),
            loss: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(1), percent(10), percent(30)]),
            duplicate: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(1), percent(10), percent(50)]),
            reorder: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(1), percent(10)]),
            corrupt: self.pick(&[Ratio::ZERO, Ratio::ZERO, percent(1), percent(5)]),
        }
    }

    fn disk(&mut self) -> Disk {
        let write = self.pick(&[us(100, 3_000), us(1, 1), ms(1, 20), us(1, 40_000)]);
        Disk { write, crash: self.pick(&[CrashLeaves::Torn, CrashLeaves::Lost, CrashLeaves::Kept]) }
    }

    fn cluster(&mut self, network: &Network, disk: &Disk) -> Cluster {
        let voters = self.pick(&[3, 5, 3, 5, 1, 2, 4, 6, 7]);
        let learners = self.pick(&[0, 0, 1, 2]);
        let spare = self.pick(&[0, 0, 1, 3]);
        let vacant = self.pick(&[0, 0, 3]);
        let all = voters + learners + spare;
        // An election must be possible: several messages and writes fit into the shortest timeout.
        let round = 4 * (network.delay.max + disk.write.max);
        let election = self.pick(&[150 * MS, 50 * MS, 500 * MS]).max(2 * round);
        let widths = [election, election / 2, 3 * election];
        Cluster {
            nodes: nodes(all),
            addresses: addresses(all, vacant),
            members: vec![ids(0, voters)],
            learners: ids(voters, voters + learners),
            spare: ids(voters + learners, all),
            priority: Vec::new(),
            election: Within { min: election, max: election + self.pick(&widths) },
            heartbeat: election / self.pick(&[3, 5, 2]),
            timers: Timers::Running,
            snapshot_every: self.pick(&[None, None, Some(3), Some(30)]),
            sessions: Sessions::Kept,
            options: BTreeMap::new(),
        }
    }

    fn clock(&mut self) -> Clock {
        let drift_ppm = self.pick(&[0, 0, 100, 50_000]);
        Clock { skew: self.pick(&[0, SECOND]), drift_ppm }
    }

    fn workload(&mut self) -> Workload {
        let reads = self.pick(&[50, 0, 20, 80]);
        Workload {
            clients: self.pick(&[4, 1, 2, 8]),
            keys: self.pick(&[1, 3, 10]),
            reads: percent(reads),
            cas: percent(self.pick(&[0, 10, 20])),
            timeout: self.pick(&[SECOND, 300 * MS, 3 * SECOND]),
            think: self.pick(&[us(100, 5_000), us(10, 10), ms(10, 200)]),
            reads_at: ReadsAt::Leader,
            retries: self.pick(&[3, 0, 10]),
        }
    }

    fn nemeses(&mut self, election: u64) -> Vec<Nemesis> {
        let mut kinds: Vec<NemesisKind> = Vec::new();
        kinds.extend(Shape::ALL.map(|shape| NemesisKind::Partition { shape }));
        kinds.push(NemesisKind::SwizzleClog);
        for fault in NodeFault::ALL {
            let aim = self.pick(&Aim::ALL);
            kinds.push(NemesisKind::Hit { fault: self.intensity(fault), aim });
        }
        // Whoever leaves a joint config needs one that its operator has left alone; and only some systems stand a mistake.
        let apart = [Operator::LeaveJoint, Operator::ForeignAddress];
        let operators = Operator::ALL.into_iter().filter(|operator| !apart.contains(operator));
        kinds.extend(operators.map(|operator| NemesisKind::Operate { operator }));
        // Most seeds have a few kinds, some none, some nearly all.
        let share = self.pick(&[8, 12, 5, 20, 2]);
        let calm = self.one_in(12);
        let chosen: Vec<NemesisKind> = kinds.into_iter().filter(|_| self.one_in(share) && !calm).collect();
        chosen.into_iter().map(|kind| self.nemesis(kind, election)).collect()
    }

    fn intensity(&mut self, fault: NodeFault) -> NodeFault {
        match fault {
            NodeFault::Slow { .. } => NodeFault::Slow { factor: self.pick(&[3, 10, 50]) },
            NodeFault::SlowDisk { .. } => NodeFault::SlowDisk { factor: self.pick(&[3, 10, 100]) },
            NodeFault::SlowLinks { .. } => NodeFault::SlowLinks { factor: self.pick(&[3, 10, 100]) },
            NodeFault::LossBurst { .. } => NodeFault::LossBurst { share: percent(self.pick(&[30, 80, 100])) },
            NodeFault::ClockDrift { .. } => {
                NodeFault::ClockDrift { ppm: self.pick(&[10_000, 200_000, 900_000]) }
            }
            NodeFault::ClockJump { .. }
            | NodeFault::Crash
            | NodeFault::Reboot
            | NodeFault::Kill
            | NodeFault::Wipe
            | NodeFault::Pause
            | NodeFault::FailedWrite
            | NodeFault::FullDisk
            | NodeFault::Stall
            | NodeFault::BitRot
            | NodeFault::MisdirectedWrite
            | NodeFault::ClockFreeze => fault,
        }
    }

    fn nemesis(&mut self, kind: NemesisKind, election: u64) -> Nemesis {
        let every = self.pick(&[election, 4 * election, election / 4]);
        let lasting = self.pick(&[2 * election, election / 2, election / 8, 6 * election]);
        Nemesis { kind, when: When::Every(around(every)), lasting: around(lasting) }
    }

    fn untimed(&mut self) -> Schedule {
        let weights = Weights {
            deliver: self.pick(&[100, 30, 300]),
            late: self.pick(&[1, 3, 10]),
            elect: self.pick(&[1, 3, 10, 30]),
            fire: self.pick(&[1, 10, 30, 0]),
            write: self.pick(&[30, 10, 100, 3]),
            client: self.pick(&[10, 3, 30, 1]),
            strike: self.pick(&[1, 3, 10]),
            relief: self.pick(&[1, 3, 10]),
        };
        let in_flight = self.pick(&[16, 4, 64, 200]);
        Schedule::Untimed { weights, in_flight }
    }
}

/// A calm scenario without a name and without expectations of its own.
fn calm(cluster: Cluster, workload: Workload, steps: Vec<Step>) -> Scenario {
    Scenario {
        title: String::new(),
        source: String::from("drawn by the swarm"),
        systems: Vec::new(),
        except: BTreeMap::new(),
        seeds: Seeds::default(),
        cluster,
        rules_off: Vec::new(),
        logs: BTreeMap::new(),
        groups: BTreeMap::new(),
        network: Network::default(),
        disk: Disk::default(),
        clock: Clock::default(),
        schedule: Schedule::Timed,
        budget: Budget::default(),
        workload: Some(workload),
        nemeses: Vec::new(),
        unusual: None,
        steps,
        places: StepPlaces::default(),
        expect: Expectations::default(),
    }
}

fn name(number: u32) -> String {
    format!("n{}", number + 1)
}

fn nodes(count: u32) -> Vec<Node> {
    (0..count).map(|number| Node { name: name(number), home: Address(number) }).collect()
}

/// Every node's home, and addresses that nobody has.
fn addresses(nodes: u32, vacant: u32) -> Vec<String> {
    (0..nodes).map(name).chain((0..vacant).map(|number| format!("vacant{}", number + 1))).collect()
}

fn ids(from: u32, to: u32) -> BTreeSet<NodeId> {
    (from..to).map(NodeId).collect()
}

/// Half a time up to one and a half of it.
fn around(time: u64) -> Within {
    Within { min: time / 2, max: time * 3 / 2 }
}

fn ms(min: u64, max: u64) -> Within {
    Within { min: min * MS, max: max * MS }
}

fn us(min: u64, max: u64) -> Within {
    Within { min: min * US, max: max * US }
}

fn percent(num: u32) -> Ratio {
    Ratio { num, den: 100 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::RunOptions;
    use crate::scenario::parse;

    #[test]
    fn what_a_seed_prints_is_what_it_runs() {
        for seed in 0..60 {
            let scenario = scenario(seed);
            let text = scenario.to_toml();
            let again = parse("seed.toml", &text).unwrap_or_else(|error| panic!("{error}\n{text}")).scenario;
            assert_eq!(again, scenario, "seed {seed}");
        }
        for seed in 0..6 {
            let drawn = scenario(seed);
            let printed = parse("seed.toml", &drawn.to_toml()).unwrap().scenario;
            let options =
                RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
            let digest = |scenario| crate::built_in::run(scenario, &options).unwrap().digest;
            assert_eq!(digest(&drawn), digest(&printed), "seed {seed}");
        }
    }

    #[test]
    fn seeds_reach_every_kind_every_shape_and_both_schedules() {
        // Few seeds are long, and only those have everything.
        let scenarios: Vec<Scenario> = (0..40_000).map(scenario).collect();
        let any = |holds: &dyn Fn(&Scenario) -> bool| scenarios.iter().any(holds);
        for fault in NodeFault::ALL {
            let hits = |kind: NemesisKind| matches!(kind, NemesisKind::Hit { fault: hit, .. } if hit.name() == fault.name());
            assert!(any(&|scenario| scenario.nemeses.iter().any(|nemesis| hits(nemesis.kind))), "{fault:?}");
        }
        for shape in Shape::ALL {
            let cuts = NemesisKind::Partition { shape };
            assert!(any(&|scenario| scenario.nemeses.iter().any(|nemesis| nemesis.kind == cuts)));
        }
        for operator in Operator::ALL.into_iter().filter(|&operator| operator != Operator::LeaveJoint) {
            let operates = NemesisKind::Operate { operator };
            assert!(any(&|scenario| scenario.nemeses.iter().any(|nemesis| nemesis.kind == operates)));
        }
        assert!(any(&|scenario| scenario.schedule == Schedule::Timed));
        assert!(any(&|scenario| scenario.schedule != Schedule::Timed));
        assert!(any(&|scenario| scenario.nemeses.is_empty()));
        for voters in 1..=7 {
            assert!(any(&|scenario| scenario.cluster.members[0].len() == voters));
        }
    }

    /// The worlds among some in which openraft's operator does this; each can be printed and loaded.
    fn of_openraft(seeds: u64, operator: Operator) -> Vec<Scenario> {
        let kind = NemesisKind::Operate { operator };
        let asked = |scenario: &Scenario| scenario.nemeses.iter().any(|nemesis| nemesis.kind == kind);
        let drawn: Vec<Scenario> =
            (0..seeds).map(|seed| scenario_for(seed, "openraft")).filter(asked).collect();
        for drawn in &drawn {
            let again =
                parse("seed.toml", &drawn.to_toml()).unwrap_or_else(|error| panic!("{error}")).scenario;
            assert_eq!(&again, drawn);
        }
        drawn
    }

    #[test]
    fn openraft_is_asked_to_leave_joint_configs_that_an_operator_left_alone() {
        let joint = of_openraft(60, Operator::LeaveJoint);
        assert!((5..30).contains(&joint.len()), "{}", joint.len());
        assert!(joint.iter().all(|drawn| drawn.cluster.members.len() == 2));
    }

    #[test]
    fn openraft_is_told_foreign_addresses_while_a_node_that_is_no_member_listens() {
        let mistaken = of_openraft(200, Operator::ForeignAddress);
        assert!((8..30).contains(&mistaken.len()), "{}", mistaken.len());
        assert!(mistaken.iter().all(|drawn| drawn.cluster.spare.len() == 1));
    }
}
