//! What came of a run: how it fits what the scenario expects, and the report of it.
//!
//! Not here: telling the story (`story`), and how a report is shown (`report`, `cli`).

use splitbrain_core::Fact;

use super::RunOptions;
use crate::check::{Checkers, NotJudged, Violation};
use crate::history::Outcome;
use crate::protocol::{NodeId, Protocol};
use crate::protocols::raft::is_noted_by_the_world;
use crate::report::{Counts, Evidence, FoundViolation, Report, ToldRecord, Verdict, repeat_command};
use crate::scenario::{Property, Scenario};
use crate::trace::Record;
use crate::world::World;

/// What does not fit the expectations at the end.
pub(super) fn judge<P: Protocol>(scenario: &Scenario, world: &World<P>) -> Vec<String> {
    let expect = &scenario.expect;
    let found: Vec<Property> = world.violations().iter().map(|violation| violation.property).collect();
    let mut reasons = Vec::new();
    for property in &found {
        if !expect.violations.contains(property) {
            reasons.push(format!("{} was not to be broken, and was", property.name()));
        }
    }
    for property in expect.violations.iter().filter(|property| !found.contains(property)) {
        reasons.push(format!("{} was to be broken, and was not", property.name()));
    }
    for fact in &expect.seen {
        if !world.facts().contains_key(fact.as_str()) && may_see::<P>(fact) {
            reasons.push(format!("{fact} was to be seen, and was not"));
        }
    }
    for fact in &expect.never {
        if world.facts().contains_key(fact.as_str()) {
            reasons.push(format!("{fact} was never to be seen, and was"));
        }
    }
    if let Some(leader) = expect.leader {
        let found: Vec<NodeId> = world.leaders().collect();
        if found != [leader] {
            let names: Vec<&str> = found.iter().map(|&node| world.names().of(node)).collect();
            let name = world.names().of(leader);
            reasons.push(format!("{name} alone was to lead at the end, and [{}] do", names.join(" ")));
        }
    }
    reasons
}

/// Whether a run of a protocol may come to note a situation: one that only our own Raft names is not for others to show.
pub(super) fn may_see<P: Protocol>(fact: &str) -> bool {
    let mut of_raft = Fact::ALL.iter().filter(|&&known| !is_noted_by_the_world(known));
    P::notes().is_none_or(|notes| notes.contains(&fact) || of_raft.all(|known| known.name() != fact))
}

/// The report of a run.
pub(super) fn report<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    world: &World<P>,
    reasons: Vec<String>,
) -> Report {
    let violations = world.violations().iter().map(found_violation).collect();
    let node_line = |(id, node): (NodeId, &crate::world::node::Node<P>)| {
        let state = node.process.as_ref().map_or(String::from("down"), |process| state_line(process, world));
        format!("{}: {state}", world.names().of(id))
    };
    let told =
        |record: &Record| ToldRecord { record: record.clone(), line: record.show(world.names()).to_string() };
    Report {
        file: options.file.clone(),
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        system: options.system.clone(),
        version: P::VERSION.map(str::to_owned),
        seed: options.seed,
        verdict: if reasons.is_empty() { Verdict::AsExpected } else { Verdict::NotAsExpected(reasons) },
        expected: scenario.expect.violations.iter().map(|property| property.name().to_owned()).collect(),
        violations,
        not_judged: not_judged::<P>(),
        seen: world.facts().iter().map(|(fact, &count)| (fact.to_string(), count)).collect(),
        counts: counts(world),
        nodes: scenario.cluster.ids().zip(world.nodes()).map(node_line).collect(),
        digest: format!("{:032x}", world.trace().digest()),
        repeat: repeat_command(&options.file, &options.system, options.seed),
        why: Vec::new(),
        page: None,
        trace: world.trace().records().iter().map(told).collect(),
    }
}

/// The promises that nobody judges of a protocol, each with the reason.
fn not_judged<P: Protocol>() -> Vec<String> {
    let told = |promise: &NotJudged| {
        format!("{}: it does not show {}", promise.property.name(), promise.lacks.words())
    };
    Checkers::not_judged(P::shows()).iter().map(told).collect()
}

fn state_line<P: Protocol>(process: &P, world: &World<P>) -> String {
    let (term, log) = (P::term_of(process.epoch()), process.last());
    let (commit, applied) = (process.commit(), process.applied());
    let voters = match process.quorums() {
        sets if sets.is_empty() => String::from("no members"),
        sets => world.names().sets(&sets),
    };
    let role = process.role();
    format!("{role} in term {term}; log through {log}, commit {commit}, applied {applied}; {voters}")
}

fn found_violation(violation: &Violation) -> FoundViolation {
    let evidence = violation.evidence.iter().map(|(seen, record)| Evidence {
        event: seen.event,
        time: seen.at.0,
        record: record.clone(),
        id: seen.record,
    });
    FoundViolation::new(violation.property, violation.summary.clone(), evidence.collect())
}

fn counts<P: Protocol>(world: &World<P>) -> Counts {
    let counts = world.counts();
    let calls = world.history().calls();
    let with =
        |wanted: fn(&Outcome) -> bool| calls.iter().filter(|call| wanted(&call.outcome)).count() as u64;
    Counts {
        events: counts.events,
        virtual_time: world.now().0,
        sent: counts.sent,
        delivered: counts.delivered,
        dropped: counts.lost,
        writes: counts.writes,
        crashes: counts.crashes,
        elections: counts.reigns,
        commits: world.nodes().iter().map(|node| node.glance.commit).max().unwrap_or(0),
        calls_ok: with(|outcome| matches!(outcome, Outcome::Answered(..))),
        calls_unknown: with(|outcome| matches!(outcome, Outcome::Unknown)),
        calls_refused: with(|outcome| matches!(outcome, Outcome::Refused)),
    }
}
