//! What correlated hardships are made of: small clusters, nemeses on a cue or every so often, steps and weights.
//!
//! Holds: nothing here draws. Not here: the hardships (`correlated`, `clients`).

use super::brief::ELECTION;
use super::{MS, SECOND, addresses, around, ids, nodes};
use crate::scenario::{
    Aim, Cluster, Cue, Nemesis, NemesisKind, NodeFault, Operator, Schedule, Sessions, Shape, Step, Timers,
    Weights, When,
};

pub(super) const CUT: NemesisKind = NemesisKind::Partition { shape: Shape::LeaderAlone };

pub(super) const fn hit(fault: NodeFault, aim: Aim) -> NemesisKind {
    NemesisKind::Hit { fault, aim }
}

pub(super) const fn operate(operator: Operator) -> NemesisKind {
    NemesisKind::Operate { operator }
}

/// A cluster of some voters and spare machines, without settings of its own.
pub(super) fn cluster(voters: u32, spare: u32, snapshot_every: Option<u64>) -> Cluster {
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
pub(super) fn steps(events: u64, heals: bool) -> Vec<Step> {
    let mut steps = vec![Step::Events { count: events }];
    if heals {
        steps.extend([Step::Heal, Step::Converge { within: 60 * ELECTION.max + 60 * SECOND }]);
    }
    steps
}

pub(super) fn on(cue: Cue, kind: NemesisKind, lasting: u64) -> Nemesis {
    Nemesis { kind, when: When::On(cue), lasting: around(lasting) }
}

pub(super) fn every(time: u64, kind: NemesisKind, lasting: u64) -> Nemesis {
    Nemesis { kind, when: When::Every(around(time)), lasting: around(lasting) }
}

pub(super) fn untimed(weights: Weights) -> Schedule {
    Schedule::Untimed { weights, in_flight: 16 }
}

pub(super) const BRIEF: Weights =
    Weights { deliver: 100, late: 3, elect: 10, fire: 3, write: 100, client: 3, strike: 10, relief: 10 };
