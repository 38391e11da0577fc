//! Swarm: a seed becomes a whole scenario, so that every run is one that can be printed, kept and edited.
//!
//! Holds: a scenario is a pure function of its seed and the system; its draws have a stream of their own, which no draw
//! of the run moves; loading what it prints and running it with that seed is the same run. Each seed takes a subset of
//! what there is, because what is left out matters as much as what is put in (Groce et al., Swarm Testing, 2012).
//! Not here: what differs from system to system (`systems`), carrying it out (`runner`), and many seeds at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::choices::{Choices, Site};
use crate::protocol::{Address, NodeId, Within};
use crate::scenario::knob::{Drawn, Knob};
use crate::scenario::knobs::{self, parameter};
use crate::scenario::{
    Aim, Budget, Clock, Cluster, Disk, Expectations, Explore, Nemesis, NemesisKind, Network, Node, NodeFault,
    Operator, Ratio, ReadsAt, Scenario, Schedule, Seeds, Sessions, Shape, Step, StepPlaces, Timers, When,
    Workload,
};

mod brief;
mod clients;
mod correlated;
mod parts;
mod sometimes;
mod systems;

pub use sometimes::{SOMETIMES, unreached};
pub(crate) use systems::Taste;

use brief::Theme;
use correlated::Correlated;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// One seed in so many is a long world with everything in it; the others are brief. So both get about as many events:
/// what needs much is rare among defects, and what is brief is cheap (most published defects need 8 to 25 actions).
const LONG_ONE_IN: u64 = 192;

/// Tells the swarm's streams apart from those of the run with the same seed.
const STREAM: u64 = 0x5357_4152_4d00_0000;

/// One seed in so many is about a hardship of several parts; the others are about one thing, or long.
const CORRELATED_ONE_IN: u64 = 3;

/// What a world is about.
#[derive(Clone, Copy)]
enum About {
    /// Everything: a long world in which every knob is drawn by itself.
    Everything,
    /// One thing.
    One(Theme),
    /// A hardship of several parts.
    Correlated(&'static Correlated),
}

/// A theme, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThemeInfo {
    /// Its name, which stands in the title of a seed's scenario.
    pub name: &'static str,
    /// The class of mistakes that it is for.
    pub finds: &'static str,
    /// A mistake that shows it, by name.
    pub shows: &'static str,
    /// Whether it is a hardship of several parts, rather than about one thing.
    pub is_correlated: bool,
}

/// Every theme that a seed may be about.
#[must_use]
pub fn themes() -> Vec<ThemeInfo> {
    let brief = Theme::ALL.into_iter().map(|theme| ThemeInfo {
        name: theme.name(),
        finds: theme.finds(),
        shows: theme.shows(),
        is_correlated: false,
    });
    let correlated = correlated::ALL.iter().map(|theme| ThemeInfo {
        name: theme.name,
        finds: theme.finds,
        shows: theme.shows,
        is_correlated: true,
    });
    brief.chain(correlated).collect()
}

/// The scenario of a seed, for the Raft of this repository.
#[must_use]
pub fn scenario(seed: u64) -> Scenario {
    scenario_for(seed, &Taste::RAFT)
}

/// The scenario of a seed, for a system. Systems differ in the settings of their own; those whose known mistakes are aimed
/// at, in some operators as well.
#[must_use]
pub(crate) fn scenario_for(seed: u64, taste: &Taste) -> Scenario {
    let mut draw = Draw::of(seed);
    let about = draw.about();
    draw.scenario(about, seed, taste)
}

/// The scenario of a seed about a theme, by its name, for the Raft of this repository; `None` when no theme is called so.
#[must_use]
pub fn themed(seed: u64, theme: &str) -> Option<Scenario> {
    let brief = Theme::ALL.into_iter().find(|it| it.name() == theme).map(About::One);
    let correlated = || correlated::ALL.iter().find(|it| it.name == theme).map(About::Correlated);
    let about = brief.or_else(correlated)?;
    Some(Draw::of(seed).scenario(about, seed, &Taste::RAFT))
}

/// The scenario of a seed about everything, for the Raft of this repository: every knob is drawn by itself.
#[must_use]
pub fn plain(seed: u64) -> Scenario {
    Draw::of(seed).scenario(About::Everything, seed, &Taste::RAFT)
}

/// The swarm's own draws.
struct Draw(Choices);

impl Draw {
    fn of(seed: u64) -> Draw {
        Draw(Choices::seeded(seed ^ STREAM))
    }

    fn about(&mut self) -> About {
        if self.one_in(LONG_ONE_IN) {
            return About::Everything;
        }
        match self.one_in(CORRELATED_ONE_IN) {
            true => About::Correlated(correlated::drawn(self)),
            false => About::One(self.pick(&Theme::DRAWN)),
        }
    }

    fn scenario(&mut self, about: About, seed: u64, taste: &Taste) -> Scenario {
        let mut scenario = match about {
            About::Everything => self.long(),
            About::One(theme) => self.brief(theme),
            About::Correlated(correlated) => correlated.scenario(self),
        };
        let name = match about {
            About::Everything => "long",
            About::One(theme) => theme.name(),
            About::Correlated(correlated) => correlated.name,
        };
        scenario.title = format!("Swarm, seed {seed}: {name}");
        scenario.seeds = Seeds { first: seed, last: seed };
        if let About::Correlated(correlated) = about {
            self.suit_correlated(&mut scenario, taste, correlated);
            return scenario;
        }
        let theme = if let About::One(theme) = about { Some(theme) } else { None };
        // Most seeds open no sessions: that takes a client a call more before it can write.
        if self.one_in(if theme.is_some() { 12 } else { 4 }) {
            scenario.cluster.sessions = Sessions::Expiring(self.pick(&[SECOND, 20 * MS]));
        }
        if let Some(workload) = &mut scenario.workload {
            let reading = theme == Some(Theme::Reads);
            workload.reads_at =
                if reading { ReadsAt::Any } else { self.pick(&[ReadsAt::Any, ReadsAt::Leader]) };
        }
        self.suit(&mut scenario, taste, theme);
        scenario
    }

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
        let network = self.section(knobs::NETWORK);
        let disk = self.section(knobs::DISK);
        let cluster = self.cluster(&network, &disk);
        let clock = self.section(knobs::CLOCK);
        let workload = self.section(knobs::WORKLOAD);
        let budget = self.budget();
        let nemeses = self.nemeses(cluster.election.max);
        let schedule = if untimed { self.section(knobs::UNTIMED).into() } else { Schedule::Timed };
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

    /// A section as its knobs say; what they leave to others is so by default.
    fn section<S: Clone + Default>(&mut self, knobs: &[Knob<S>]) -> S {
        let mut section = S::default();
        for knob in knobs {
            self.turn(knob, &mut section);
        }
        section
    }

    fn turn<S>(&mut self, knob: &Knob<S>, section: &mut S) {
        if let Drawn::From(values) = knob.drawn {
            knob.set(section, self.pick(values));
        }
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

    fn intensity(&mut self, mut fault: NodeFault) -> NodeFault {
        if let Some(knob) = parameter(fault) {
            self.turn(&knob, &mut fault);
        }
        fault
    }

    fn nemesis(&mut self, kind: NemesisKind, election: u64) -> Nemesis {
        let every = self.pick(&[election, 4 * election, election / 4]);
        let lasting = self.pick(&[2 * election, election / 2, election / 8, 6 * election]);
        Nemesis { kind, when: When::Every(around(every)), lasting: around(lasting) }
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
        explore: Explore::default(),
        steps,
        meanwhile: Vec::new(),
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

fn us(min: u64, max: u64) -> Within {
    Within { min: min * 1_000, max: max * 1_000 }
}

fn ms(min: u64, max: u64) -> Within {
    Within { min: min * MS, max: max * MS }
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
    fn every_theme_is_drawn_and_can_be_asked_for() {
        let drawn: BTreeSet<String> = (0..3_000).map(|seed| scenario(seed).title).collect();
        for theme in themes() {
            let ending = format!(": {}", theme.name);
            assert!(drawn.iter().any(|title| title.ends_with(&ending)), "{}", theme.name);
            for seed in 0..20 {
                let asked = themed(seed, theme.name).expect("a theme");
                assert!(asked.title.ends_with(&ending));
                let again = parse("seed.toml", &asked.to_toml()).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(again.scenario, asked);
            }
        }
        assert!(themes().len() >= 15 && themed(1, "no such theme").is_none());
    }

    #[test]
    fn whatever_a_seed_turns_can_be_turned() {
        let turnable = crate::scenario::turnable();
        for seed in 0..2_000 {
            let turned = scenario(seed).turned();
            let unknown =
                turned.iter().find(|name| !turnable.contains(*name) && !name.starts_with("option."));
            assert_eq!(unknown, None, "seed {seed}");
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
            (0..seeds).map(|seed| scenario_for(seed, &Taste::OPENRAFT)).filter(asked).collect();
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
