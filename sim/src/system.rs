//! Protocols by name: what a command line can run, what each can do, and what a scenario asks for.
//!
//! Holds: nothing here knows a protocol; whoever starts the program says which there are ([`Systems`]).
//! Not here: the protocols of this project (`built_in::systems`), and what is done with a scenario (`runner`).

use core::fmt;
use std::collections::BTreeSet;

use crate::choices::{Choice, Choices, Parting};
use crate::explain::{self, Explained};
use crate::explore::{self, Explorable, Explored, Limits};
use crate::panics;
use crate::protocol::{Change, Protocol};
use crate::report::Report;
use crate::runner::{self, Course, Drive, Played, RunOptions};
use crate::scenario::{Objection, Scenario, Step, Subject, nearest};
use crate::shrink::{self, Effort, Shrunk};
use crate::swarm::{self, Taste};
use crate::travel::{self, Travel};

/// Something that a scenario may ask for and not every protocol has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// Members without a vote.
    Learners,
    /// Several voter sets at once.
    Joint,
    /// Changes of who takes part.
    Membership,
    /// Snapshots in place of a log's beginning.
    Snapshots,
    /// Reads by lease.
    Leases,
    /// Leadership that is given away.
    Transfer,
    /// Nodes that should rather lead.
    Priority,
    /// Logs that are not empty at the start.
    Logs,
    /// Safety rules that can be switched off.
    Rules,
}

impl Capability {
    /// Every one.
    pub const ALL: [Capability; 9] = [
        Capability::Learners,
        Capability::Joint,
        Capability::Membership,
        Capability::Snapshots,
        Capability::Leases,
        Capability::Transfer,
        Capability::Priority,
        Capability::Logs,
        Capability::Rules,
    ];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Capability::Learners => "learners",
            Capability::Joint => "joint",
            Capability::Membership => "membership",
            Capability::Snapshots => "snapshots",
            Capability::Leases => "leases",
            Capability::Transfer => "transfer",
            Capability::Priority => "priority",
            Capability::Logs => "logs",
            Capability::Rules => "rules",
        }
    }

    /// What a scenario cannot be told without. Settings of a protocol's own, such as those of leases, are the protocol's to
    /// know; what a nemesis asks for may be refused.
    #[must_use]
    pub fn asked_by(scenario: &Scenario) -> BTreeSet<Capability> {
        let cluster = &scenario.cluster;
        let joint = cluster.members.len() > 1 || scenario.groups.values().any(|sets| sets.len() > 1);
        let mut asked = BTreeSet::new();
        let mut ask = |wanted: bool, capability| {
            if wanted {
                asked.insert(capability);
            }
        };
        ask(!cluster.learners.is_empty(), Capability::Learners);
        ask(joint, Capability::Joint);
        ask(cluster.snapshot_every.is_some(), Capability::Snapshots);
        ask(!cluster.priority.is_empty(), Capability::Priority);
        ask(scenario.logs.values().any(|log| !log.terms.is_empty()), Capability::Logs);
        ask(!scenario.rules_off.is_empty(), Capability::Rules);
        for step in &scenario.steps {
            match step {
                Step::Change { change, .. } => {
                    ask(true, Capability::Membership);
                    ask(matches!(change, Change::AddLearner { .. }), Capability::Learners);
                    let sets = match change {
                        Change::Append { sets, .. } | Change::To { sets, .. } => sets.len(),
                        _ => 0,
                    };
                    ask(sets > 1, Capability::Joint);
                }
                Step::Transfer { .. } => ask(true, Capability::Transfer),
                Step::Snapshot { .. } => ask(true, Capability::Snapshots),
                _ => {}
            }
        }
        asked
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A protocol that can be run by name.
#[derive(Clone, Copy)]
pub struct System {
    name: &'static str,
    version: Option<&'static str>,
    notes: fn() -> Option<&'static [&'static str]>,
    about: &'static str,
    can: &'static [Capability],
    taste: Taste,
    rules: fn() -> &'static [&'static str],
    drive: fn(&Scenario, &RunOptions, Drive) -> Result<Report, Objection>,
    begin: fn(&Scenario) -> Result<(), Objection>,
    look: fn(&Scenario, &RunOptions, Drive) -> Result<Sight, Objection>,
    shrink: fn(&Scenario, u64, &mut Effort<'_>) -> Result<Option<Shrunk>, Objection>,
    explain: fn(&Scenario, &RunOptions) -> Result<Explained, Objection>,
    why: fn(&Scenario, &RunOptions) -> Result<Explained, Objection>,
    look_after: LookAfter,
    travel: Departure,
    explore: Option<ExploreFn>,
}

/// Exploring with one protocol.
type ExploreFn = fn(
    &Scenario,
    &RunOptions,
    Limits,
    &mut dyn FnMut(&explore::Progress) -> bool,
) -> Result<Explored, Objection>;

/// How a run is looked at after one of its events.
type LookAfter = fn(&Scenario, &RunOptions, u64, u64) -> Result<(Report, Option<Sight>), Objection>;

/// How a journey through a run begins.
type Departure = fn(&Scenario, &RunOptions, Choices) -> Result<Box<dyn Travel>, Objection>;

/// A run, and how everything stood when it ended.
#[derive(Clone, Debug)]
pub struct Sight {
    /// What came of it.
    pub report: Report,
    /// The first draw that did not fit a tape.
    pub parted: Option<Parting>,
    /// Every draw, if they were to be recorded.
    pub recorded: Vec<Choice>,
    /// One line for each node: its state, and its unfinished writes.
    pub nodes: Vec<String>,
}

impl System {
    /// A protocol under its own name. `about` says in one line what it is; `can` is what it has of all that scenarios may
    /// ask for, but for rules, which it names itself ([`Protocol::rules`]).
    #[must_use]
    pub const fn of<P: Protocol>(about: &'static str, can: &'static [Capability]) -> System {
        System {
            name: P::NAME,
            version: P::VERSION,
            notes: P::notes,
            about,
            can,
            taste: Taste::SHARED,
            rules: P::rules,
            drive: |scenario, options, drive| runner::play::<P>(scenario, options, drive).map(Played::let_go),
            begin: |scenario| runner::world::<P>(scenario, 0, false).map(|_| ()),
            look: look::<P>,
            shrink: shrink::<P>,
            explain: explain::explain::<P>,
            why: explain::without_deciding::<P>,
            look_after: look_after::<P>,
            travel: travel::begin::<P>,
            explore: None,
        }
    }

    /// As [`System::of`], for a protocol whose values can be copied: every order of a small world can be explored.
    #[must_use]
    pub const fn explorable<P: Explorable>(about: &'static str, can: &'static [Capability]) -> System {
        System { explore: Some(explore::explore::<P>), ..System::of::<P>(about, can) }
    }

    /// Explores every order of a scenario. `None` when the protocol cannot be copied.
    ///
    /// # Errors
    /// As [`explore::explore`].
    pub fn explore(
        &self,
        scenario: &Scenario,
        options: &RunOptions,
        limits: Limits,
        stop: &mut dyn FnMut(&explore::Progress) -> bool,
    ) -> Option<Result<Explored, Objection>> {
        Some((self.explore?)(scenario, options, limits, stop))
    }

    /// With random worlds that have something of this system's own.
    pub(crate) const fn with_taste(self, taste: Taste) -> System {
        System { taste, ..self }
    }

    /// What its random worlds have of its own.
    pub(crate) fn taste(&self) -> &Taste {
        &self.taste
    }

    /// The name a report and `--system` use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The situations that it notes, if it says so.
    pub(crate) fn notes(&self) -> Option<&'static [&'static str]> {
        (self.notes)()
    }

    /// The version, when somebody else publishes it.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        self.version
    }

    /// What it is, in one line.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The safety rules that a scenario may switch off by name.
    #[must_use]
    pub fn rules(&self) -> &'static [&'static str] {
        (self.rules)()
    }

    /// Whether it has something.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Rules => !self.rules().is_empty(),
            _ => self.can.contains(&capability),
        }
    }

    /// What a scenario asks for and it does not have.
    #[must_use]
    pub fn lacks(&self, scenario: &Scenario) -> Vec<Capability> {
        Capability::asked_by(scenario).into_iter().filter(|asked| !self.can(*asked)).collect()
    }

    /// What the swarm draws for a seed, without what this protocol does not have.
    #[must_use]
    pub fn swarm(&self, seed: u64) -> Scenario {
        drawn(seed, &self.taste, self.can)
    }

    /// Carries a scenario out and judges it.
    ///
    /// # Errors
    /// As [`runner::play`].
    pub fn drive(
        &self,
        scenario: &Scenario,
        options: &RunOptions,
        drive: Drive,
    ) -> Result<Report, Objection> {
        (self.drive)(scenario, options, drive)
    }

    /// Whether a scenario can begin: every rule and setting is known, every node can start as it says.
    ///
    /// # Errors
    /// What cannot be.
    pub fn begin(&self, scenario: &Scenario) -> Result<(), Objection> {
        (self.begin)(scenario)
    }

    /// As [`System::drive`], and looks at every node at the end.
    ///
    /// # Errors
    /// As [`runner::play`].
    pub fn look(&self, scenario: &Scenario, options: &RunOptions, drive: Drive) -> Result<Sight, Objection> {
        (self.look)(scenario, options, drive)
    }

    /// Carries a scenario out, and looks at every node after one of its events, with the records since an earlier one. Nothing
    /// is seen of an event that the run does not have.
    ///
    /// # Errors
    /// As [`runner::play`].
    pub fn look_after(
        &self,
        scenario: &Scenario,
        options: &RunOptions,
        event: u64,
        since: u64,
    ) -> Result<(Report, Option<Sight>), Objection> {
        (self.look_after)(scenario, options, event, since)
    }

    /// Makes the failure of a scenario with a seed small. `None` when it breaks no promise.
    ///
    /// # Errors
    /// An objection when the scenario cannot be run.
    pub fn shrink(
        &self,
        scenario: &Scenario,
        seed: u64,
        effort: &mut Effort<'_>,
    ) -> Result<Option<Shrunk>, Objection> {
        (self.shrink)(scenario, seed, effort)
    }

    /// Carries a scenario out once more and explains what came of it.
    ///
    /// # Errors
    /// As [`runner::play`].
    pub fn explain(&self, scenario: &Scenario, options: &RunOptions) -> Result<Explained, Objection> {
        (self.explain)(scenario, options)
    }

    /// Carries a scenario out once and stands at its start, to travel in it.
    ///
    /// # Errors
    /// As [`runner::play`].
    pub fn travel(
        &self,
        scenario: &Scenario,
        options: &RunOptions,
        choices: Choices,
    ) -> Result<Box<dyn Travel>, Objection> {
        (self.travel)(scenario, options, choices)
    }

    /// What led to the broken promises of a run, in eleven lines at the most. Empty when there are none.
    #[must_use]
    pub fn why(&self, scenario: &Scenario, options: &RunOptions) -> Vec<String> {
        let explained = failure(|| (self.why)(scenario, options));
        explained.map_or_else(Vec::new, |explained| explained.lines().to_vec())
    }

    /// As [`System::explain`], of a run that broke a promise; `None` when there is none.
    #[must_use]
    pub fn explain_failure(&self, scenario: &Scenario, options: &RunOptions) -> Option<Explained> {
        failure(|| (self.explain)(scenario, options))
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("name", &self.name).field("version", &self.version).finish()
    }
}

/// An explanation of a broken promise. A protocol may panic where its world ends; then its failure is told without one.
fn failure(explain: impl FnOnce() -> Result<Explained, Objection>) -> Option<Explained> {
    panics::catch(explain).ok().and_then(Result::ok).filter(Explained::is_broken)
}

/// A process may panic when it is dropped, which is at no moment of a run.
fn shrink<P: Protocol>(
    scenario: &Scenario,
    seed: u64,
    effort: &mut Effort<'_>,
) -> Result<Option<Shrunk>, Objection> {
    let shrunk = panics::catch(|| shrink::shrink_protocol::<P>(scenario, seed, effort));
    shrunk.unwrap_or_else(|panic| {
        let message = format!("it cannot be made small: {} panics outside of a run: {panic}", P::NAME);
        Err(Objection { subject: Subject::Scenario, message, hint: None })
    })
}

/// What the swarm draws for a seed of a protocol that has these: nobody without a vote, no snapshot where there is none.
/// What a nemesis asks for may be refused.
pub(crate) fn drawn(seed: u64, taste: &Taste, can: &[Capability]) -> Scenario {
    let mut scenario = swarm::scenario_for(seed, taste);
    let cluster = &mut scenario.cluster;
    if !can.contains(&Capability::Learners) {
        cluster.spare.append(&mut cluster.learners);
    }
    if !can.contains(&Capability::Snapshots) {
        cluster.snapshot_every = None;
    }
    scenario
}

fn look<P: Protocol>(scenario: &Scenario, options: &RunOptions, drive: Drive) -> Result<Sight, Objection> {
    let played = runner::play::<P>(scenario, options, drive)?;
    let world = &played.world;
    let (parted, recorded) = (world.choices().parted().copied(), world.choices().recorded().to_vec());
    let nodes = scenario.cluster.ids().map(|id| world.node_line(id)).collect();
    Ok(Sight { report: played.let_go(), parted, recorded, nodes })
}

fn look_after<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    event: u64,
    since: u64,
) -> Result<(Report, Option<Sight>), Objection> {
    let course = Course::<P>::run(scenario, options, Choices::seeded(options.seed))?;
    if event > course.events() {
        return Ok((course.report, None));
    }
    let world = course.after(event, since)?.world;
    let nodes = scenario.cluster.ids().map(|id| world.node_line(id)).collect();
    let report = runner::report_so_far(scenario, options, &world);
    let sight = Sight { report, parted: None, recorded: Vec::new(), nodes };
    Ok((course.report, Some(sight)))
}

/// The protocols of a program, each under its own name. The first runs a scenario that names none.
#[derive(Clone, Debug)]
pub struct Systems(Vec<System>);

impl Systems {
    /// In this order.
    ///
    /// # Panics
    /// When there is none, or when two have one name: then the program is wrong.
    #[must_use]
    pub fn new(systems: &[System]) -> Systems {
        assert!(!systems.is_empty(), "a program without a protocol has nothing to run");
        let names: BTreeSet<&str> = systems.iter().map(System::name).collect();
        assert_eq!(names.len(), systems.len(), "every protocol has a name of its own");
        Systems(systems.to_vec())
    }

    /// The one that runs a scenario that names none.
    #[must_use]
    pub fn first(&self) -> System {
        self.0[0]
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = System> + '_ {
        self.0.iter().copied()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(System::name)
    }

    /// The protocol of a name.
    ///
    /// # Errors
    /// An objection when there is none, with the nearest name.
    pub fn named(&self, name: &str) -> Result<System, Objection> {
        self.iter().find(|system| system.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.names().collect();
            let hint = nearest(name, known.iter().copied()).map(|near| format!("did you mean {near:?}?"));
            let message = format!("expected one of the systems {}, found {name:?}", known.join(", "));
            Objection { subject: Subject::Scenario, message, hint: hint.or_else(|| elsewhere(name)) }
        })
    }

    /// Whether a scenario runs on one of these: on those it names, or, when it names none, on the first and on any that the
    /// user asks for.
    #[must_use]
    pub fn is_meant(&self, scenario: &Scenario, system: System, asked: bool) -> bool {
        if scenario.except.contains_key(system.name) {
            return false;
        }
        if scenario.systems.is_empty() {
            return asked || system.name == self.first().name;
        }
        scenario.systems.iter().any(|meant| meant == system.name)
    }

    /// The system that was asked for, that of the scenario, or the first.
    ///
    /// # Errors
    /// As [`Systems::named`].
    pub fn choose(&self, asked: Option<&str>, scenario: Option<&Scenario>) -> Result<System, Objection> {
        let meant = scenario.and_then(|scenario| scenario.systems.first().map(String::as_str));
        asked.or(meant).map_or_else(|| Ok(self.first()), |name| self.named(name))
    }

    /// Whether a name is that of a protocol here, or of one that this project knows and this program leaves out.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name) || ADAPTERS.iter().any(|(known, _)| *known == name)
    }
}

/// Where a protocol is that this program leaves out.
fn elsewhere(name: &str) -> Option<String> {
    let (_, feature) = ADAPTERS.iter().find(|(known, _)| *known == name)?;
    Some(match feature {
        Some(feature) => format!("splitbrain built with --features {feature} has it"),
        None => String::from("splitbrain itself has it, this program has not"),
    })
}
/// Every protocol that this project has an adapter for, and the cargo feature that brings it.
const ADAPTERS: [(&str, Option<&str>); 6] = [
    ("raft", None),
    ("raft-rs", Some("raft-rs")),
    ("etcd-raft", Some("guests")),
    ("guest", Some("guests")),
    ("openraft", Some("openraft")),
    ("openraft-0.9", Some("openraft-0-9")),
];
