//! Scenarios: TOML text that says who takes part, what goes wrong, what is done, and what must come of it.
//!
//! Holds: a [`Scenario`] is resolved (names became numbers) and valid in itself; loading what [`Scenario::to_toml`]
//! prints gives the same scenario; bad text becomes a [`ScenarioError`] with its place, never a panic.
//! Not here: how a scenario is carried out (`runner`); this module knows the protocol wall, but not the world.

mod cluster;
mod error;
mod expect;
mod explore;
mod hardship;
pub(crate) mod knob;
pub(crate) mod knobs;
mod load;
mod load_change;
mod load_hardship;
mod load_nodes;
mod load_step;
#[cfg(feature = "cli")]
mod mistakes;
mod print;
mod read;
mod reference;
mod schema;
mod step;
#[cfg(test)]
mod tests;
mod turned;
mod units;

use std::collections::{BTreeMap, BTreeSet};

pub use crate::choices::Ratio;
pub use cluster::{Cluster, InitialLog, Node, Sessions, Timers};
pub(crate) use error::instead_of;
pub use error::{Objection, Place, ScenarioError, Subject, nearest};
pub use expect::{Expectations, Property};
pub use explore::{Answers, Explore, Writes};
pub use hardship::{
    Aim, Budget, Clock, CrashLeaves, Cue, Disk, Nemesis, NemesisKind, Network, NodeFault, Operator, Order,
    ReadsAt, Schedule, Shape, Spread, Weights, When, Workload,
};
#[cfg(feature = "cli")]
pub(crate) use load::read_text;
pub use load::{load, load_within, parse, parse_step, parse_within};
#[cfg(feature = "cli")]
pub(crate) use mistakes::parse_all;
pub use read::Bounds;
pub use reference::knobs_chapter;
pub use schema::schema;
pub use step::{
    Answered, Claim, ClientCall, ClientOutcome, Comparison, Links, Meanwhile, NodeClaim, OperationOutcome,
    Relation, Step, Target, Value, Whom,
};
pub use turned::turnable;
pub use units::{Seeds, format_duration, parse_duration};

use crate::choices::Unusual;
use crate::protocol::{Initial, InitialMembership, NodeId, QuorumSets, Settings};

/// One scenario, resolved and valid in itself. Times are in virtual nanoseconds.
///
/// Rules, options and systems are names that only a protocol can judge; whoever runs the scenario does, and
/// answers with an [`Objection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What the scenario is about, in a few words.
    pub title: String,
    /// Where its argument comes from: a paper's section, a document, a regression.
    pub source: String,
    /// The systems it is meant for; empty for all that can run it.
    pub systems: Vec<String>,
    /// The systems it is not meant for although it names none, each with the reason: a promise that it is known to break, or
    /// something that it does in a way of its own.
    pub except: BTreeMap<String, String>,
    /// The seeds it is judged with.
    pub seeds: Seeds,
    /// Who takes part, and how the protocol is set up.
    pub cluster: Cluster,
    /// Safety rules that are switched off, by name.
    pub rules_off: Vec<String>,
    /// What disks hold before the first boot; a node that is not here starts with an empty log.
    pub logs: BTreeMap<NodeId, InitialLog>,
    /// Nodes that are started with members of their own, right or wrong, instead of the cluster's.
    pub groups: BTreeMap<NodeId, QuorumSets>,
    /// How messages travel.
    pub network: Network,
    /// How disks behave.
    pub disk: Disk,
    /// How clocks differ.
    pub clock: Clock,
    /// What decides which event comes next.
    pub schedule: Schedule,
    /// What nemeses may do.
    pub budget: Budget,
    /// Clients that call on their own while time passes (in [`Step::Run`]).
    pub workload: Option<Workload>,
    /// Faults that come on their own while time passes (in [`Step::Run`]).
    pub nemeses: Vec<Nemesis>,
    /// The draws of the run that are not as usual, if chance shall have no other part in it; `None` when it comes from the
    /// seed. A run that draws with other bounds there does not fit.
    pub unusual: Option<Vec<Unusual>>,
    /// How far every order is explored, when that is asked.
    pub explore: Explore,
    /// The story, in order.
    pub steps: Vec<Step>,
    /// What is done after some events, whatever step goes on then; in the order of the events.
    pub meanwhile: Vec<Meanwhile>,
    /// Where the steps stand in the file they came from.
    pub places: StepPlaces,
    /// What must have come of it at the end.
    pub expect: Expectations,
}

/// Where the steps of a story stand in its file, in order. It says nothing about the story: any two are equal.
#[derive(Clone, Debug, Default)]
pub struct StepPlaces(pub(crate) Vec<Place>);

impl StepPlaces {
    /// The place of a step, in a story that still has as many as the file.
    #[must_use]
    pub fn of(&self, step: usize, steps: usize) -> Option<Place> {
        self.0.get(step).copied().filter(|_| self.0.len() == steps)
    }
}

impl PartialEq for StepPlaces {
    fn eq(&self, _: &StepPlaces) -> bool {
        true
    }
}

impl Eq for StepPlaces {}

/// A scenario with the file it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioFile {
    /// The path as it was given.
    pub path: String,
    /// What it says.
    pub scenario: Scenario,
    /// Where it says it.
    pub places: BTreeMap<Subject, Place>,
}

impl ScenarioFile {
    /// Gives an objection its place in the file.
    #[must_use]
    pub fn error(&self, objection: Objection) -> ScenarioError {
        ScenarioError {
            file: self.path.clone(),
            place: self.places.get(&objection.subject).copied(),
            message: objection.message,
            hint: objection.hint,
        }
    }
}

impl Scenario {
    /// The settings that every protocol is given.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            election: self.cluster.election,
            heartbeat: self.cluster.heartbeat,
            priority: self.cluster.priority.clone(),
            rules_off: self.rules_off.iter().cloned().collect(),
            options: self.cluster.options.clone(),
        }
    }

    /// What the disk of a node holds before its first boot.
    #[must_use]
    pub fn initial(&self, node: NodeId) -> Initial {
        let log = self.logs.get(&node).cloned().unwrap_or_default();
        let membership = self.initial_membership(node);
        Initial { membership, log: log.terms, term: log.term }
    }

    fn initial_membership(&self, node: NodeId) -> Option<InitialMembership> {
        let Some(sets) = self.groups.get(&node) else {
            return (!self.cluster.spare.contains(&node)).then(|| InitialMembership {
                sets: self.cluster.members.clone(),
                nodes: self.cluster.initial_addresses(),
            });
        };
        Some(self.membership_of(sets))
    }

    /// A membership of these sets, everyone at home.
    #[must_use]
    pub fn membership_of(&self, sets: &QuorumSets) -> InitialMembership {
        let home = |id: &NodeId| Some((*id, self.cluster.home(*id)?));
        let nodes = sets.iter().flatten().filter_map(home).collect();
        InitialMembership { sets: sets.clone(), nodes }
    }

    /// The nodes that a set of nodes leaves out.
    #[must_use]
    pub fn others(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        self.cluster.ids().filter(|id| !nodes.contains(id)).collect()
    }
}
