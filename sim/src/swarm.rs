//! Swarm: a seed becomes a whole scenario, so that every run is one that can be printed, kept and edited.
//!
//! Holds: a scenario is a pure function of its seed; loading what it prints and running it with that seed is the same
//! run. Not here: carrying it out (`runner`), and many seeds at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::choices::{Choices, Site};
use crate::protocol::{Address, NodeId, Within};
use crate::scenario::{
    Aim, Cluster, CrashLeaves, Disk, Expectations, Nemesis, NemesisKind, Network, Node, NodeFault, Ratio,
    Scenario, Seeds, Shape, Step, Timers, Workload,
};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// The scenario of a seed.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    let mut draw = Draw(Choices::seeded(seed ^ 0x5357_4152_4d00_0000));
    let voters = 1 + draw.below(7) as u32;
    let name = |number: u32| format!("n{}", number + 1);
    let nodes = (0..voters).map(|number| Node { name: name(number), home: Address(number) }).collect();
    let election = draw.pick(&[ms(150, 300), ms(50, 100), ms(150, 160), ms(500, 1_500)]);
    let nemeses = (0..draw.below(4)).map(|_| draw.nemesis()).collect();
    Scenario {
        title: format!("Swarm, seed {seed}"),
        source: String::from("drawn by the swarm"),
        systems: Vec::new(),
        seeds: Seeds { first: seed, last: seed },
        cluster: Cluster {
            nodes,
            addresses: (0..voters).map(name).collect(),
            members: vec![(0..voters).map(NodeId).collect()],
            learners: BTreeSet::new(),
            spare: BTreeSet::new(),
            election,
            heartbeat: election.min / 3,
            timers: Timers::Running,
            snapshot_every: draw.pick(&[None, None, Some(10), Some(100)]),
            options: BTreeMap::new(),
        },
        rules_off: Vec::new(),
        logs: BTreeMap::new(),
        network: Network {
            delay: draw.pick(&[ms(1, 10), ms(0, 1), ms(1, 100), ms(10, 50)]),
            loss: draw.pick(&[Ratio::ZERO, percent(1), percent(10)]),
            duplicate: draw.pick(&[Ratio::ZERO, percent(1), percent(10)]),
            ..Network::default()
        },
        clock: Default::default(),
        schedule: Default::default(),
        budget: Default::default(),
        disk: Disk {
            write: draw.pick(&[ms(0, 3), ms(0, 0), ms(1, 50)]),
            crash: draw.pick(&[CrashLeaves::Torn, CrashLeaves::Lost, CrashLeaves::Kept]),
        },
        workload: Some(Workload {
            clients: draw.pick(&[1, 2, 4, 8]),
            keys: draw.pick(&[1, 3, 10]),
            reads: percent(draw.pick(&[0, 20, 50, 80])),
            cas: percent(draw.pick(&[0, 20])),
            ..Workload::default()
        }),
        nemeses,
        steps: vec![
            Step::Run { time: draw.pick(&[5, 10, 20]) * SECOND },
            Step::Heal,
            Step::Converge { within: 30 * SECOND },
        ],
        expect: Expectations::default(),
    }
}

/// The swarm's own draws.
struct Draw(Choices);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(Site::Boot, bound)
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    fn nemesis(&mut self) -> Nemesis {
        let shape = self.pick(&Shape::ALL);
        let aim = self.pick(&Aim::ALL);
        let kind = self.pick(&[
            NemesisKind::Partition { shape },
            NemesisKind::Hit { fault: NodeFault::Crash, aim },
            NemesisKind::Hit { fault: NodeFault::Stall, aim },
        ]);
        Nemesis { kind, every: ms(200, 2_000), lasting: ms(50, 1_000) }
    }
}

fn ms(min: u64, max: u64) -> Within {
    Within { min: min * MS, max: max * MS }
}

fn percent(num: u32) -> Ratio {
    Ratio { num, den: 100 }
}
