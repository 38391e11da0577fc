//! A failure that needs time: nemeses, steps, settings and time are left out or made smaller.
//!
//! Holds: what comes out has no more parts than what went in, and heals where that did: a cluster that does not agree in
//! the middle of hardship has broken nothing. Not here: failures that acts alone lead to (`story`).

use super::simpler::{candidates, size};
use super::{Effort, Fingerprint, LIMIT, Shrunk, Words, draws, verified};
use crate::choices::Choices;
use crate::protocol::Protocol;
use crate::runner::{self, Drive, Played, RunOptions};
use crate::scenario::{Ratio, Scenario};

/// Tries simpler scenarios until none of them fails alike. `None` when not even the scenario itself does.
pub(super) fn shrink<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    let mut best = scenario.clone();
    best.expect = crate::scenario::Expectations::default();
    effort.size = size(&best);
    let mut place = 0;
    while !effort.is_over() {
        let Some(simpler) = candidates(&best).into_iter().nth(place) else { break };
        if fails_alike::<P>(&simpler, options, goal, effort) {
            best = simpler;
            effort.size = size(&best);
            place = 0;
        } else {
            place += 1;
        }
    }
    if let Some(with_tape) = draws::shrink::<P>(&best, options, goal, effort) {
        let with_tape = finish::<P>(with_tape, options, goal, effort);
        if with_tape.is_some() {
            return with_tape;
        }
    }
    finish::<P>(best, options, goal, effort)
}

fn finish<P: Protocol>(
    mut best: Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    best.title = format!("Shrunk: {}", goal.property);
    best.source = format!("a failure of seed {}, made small", options.seed);
    best.systems = vec![options.system.clone()];
    let (scenario, report) = verified::<P>(best, options, goal, effort)?;
    let network = [scenario.network.loss, scenario.network.duplicate];
    Some(Shrunk {
        faults: scenario.nemeses.len() + network.iter().filter(|ratio| **ratio != Ratio::ZERO).count(),
        operations: scenario.steps.len(),
        acts: size(&scenario),
        fingerprint: goal.clone(),
        report,
        words: Words::default(),
        tries: effort.tries,
        is_story: false,
        scenario,
    })
}

fn fails_alike<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> bool {
    let drive = Drive::within(Choices::seeded(options.seed), LIMIT);
    let Ok(Played { report, .. }) = runner::play::<P>(scenario, options, drive) else { return false };
    effort.spend(report.counts.events);
    Fingerprint::of(&report, scenario).as_ref() == Some(goal)
}
