//! Which knobs of a scenario do not stand as they do by default: what a set of runs varied, and what it never did.
//!
//! Holds: every name that `turned` gives is one of `turnable`. Not here: counting them over many runs (`sweep`).

use std::collections::BTreeSet;

use super::hardship::{Clock, Disk, Network, Untimed, Workload};
use super::knob::{self, Knob};
use super::knobs::{CLOCK, DISK, NETWORK, UNTIMED, WORKLOAD};
use super::load_hardship::nemesis_kinds;
use super::{Aim, Cue, NemesisKind, Scenario, Sessions, Shape, When};

/// What of a cluster may be as it is not by default.
const CLUSTER: [&str; 7] = [
    "cluster.joint",
    "cluster.learners",
    "cluster.spare",
    "cluster.vacant",
    "cluster.priority",
    "cluster.snapshot_every",
    "cluster.sessions",
];

/// Everything that can be turned, by name.
#[must_use]
pub fn turnable() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = CLUSTER.iter().map(|name| (*name).to_owned()).collect();
    names.extend(all::<Network>("network", NETWORK));
    names.extend(all::<Disk>("disk", DISK));
    names.extend(all::<Clock>("clock", CLOCK));
    names.extend(all::<Workload>("workload", WORKLOAD));
    names.extend(all::<Untimed>("schedule", UNTIMED));
    names.insert(String::from("schedule.untimed"));
    names.insert(String::from("budget.within"));
    names.extend(nemesis_kinds().into_iter().map(|kind| format!("nemesis.{kind}")));
    names.extend(Cue::ALL.map(|cue| format!("nemesis.on.{}", cue.name())));
    names.extend(Shape::ALL.map(|shape| format!("nemesis.shape.{}", shape.name())));
    names.extend(Aim::ALL.map(|aim| format!("nemesis.aim.{}", aim.name())));
    names
}

fn all<S>(section: &str, knobs: &[Knob<S>]) -> Vec<String> {
    knobs.iter().map(|knob| format!("{section}.{}", knob.name)).collect()
}

impl Scenario {
    /// What stands as it does not by default, by name; options of the protocol as `option.NAME`.
    #[must_use]
    pub fn turned(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut add = |section: &str, turned: Vec<&str>| {
            names.extend(turned.into_iter().map(|name| format!("{section}.{name}")));
        };
        add("network", knob::turned(NETWORK, &self.network));
        add("disk", knob::turned(DISK, &self.disk));
        add("clock", knob::turned(CLOCK, &self.clock));
        add("workload", self.workload.map_or_else(Vec::new, |it| knob::turned(WORKLOAD, &it)));
        add("schedule", self.schedule.untimed().map_or_else(Vec::new, |it| knob::turned(UNTIMED, &it)));
        add("schedule", self.schedule.untimed().map(|_| "untimed").into_iter().collect());
        add("budget", if self.budget == super::Budget::Within { vec!["within"] } else { Vec::new() });
        add("option", self.cluster.options.keys().map(String::as_str).collect());
        let cluster = &self.cluster;
        let turned = [
            cluster.members.len() > 1,
            !cluster.learners.is_empty(),
            !cluster.spare.is_empty(),
            cluster.addresses.len() > cluster.nodes.len(),
            !cluster.priority.is_empty(),
            cluster.snapshot_every.is_some(),
            cluster.sessions != Sessions::Kept,
        ];
        names.extend(
            CLUSTER.iter().zip(turned).filter(|(_, turned)| *turned).map(|(name, _)| (*name).to_owned()),
        );
        for nemesis in &self.nemeses {
            names.extend(nemesis_names(nemesis.kind));
            if let When::On(cue) = nemesis.when {
                names.insert(format!("nemesis.on.{}", cue.name()));
            }
        }
        names
    }
}

fn nemesis_names(kind: NemesisKind) -> Vec<String> {
    match kind {
        NemesisKind::Partition { shape } => {
            vec![String::from("nemesis.partition"), format!("nemesis.shape.{}", shape.name())]
        }
        NemesisKind::SwizzleClog => vec![String::from("nemesis.swizzle-clog")],
        NemesisKind::Hit { fault, aim } => {
            vec![format!("nemesis.{}", fault.name()), format!("nemesis.aim.{}", aim.name())]
        }
        NemesisKind::Operate { operator } => vec![format!("nemesis.{}", operator.name())],
    }
}
