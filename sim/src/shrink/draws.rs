//! The tape of a failure that needs time: every draw that can be as usual is, so that little happens by chance.
//!
//! Holds: what comes out fails alike when nothing but its own tape is drawn from. Not here: which draw is usual (`choices`).

use super::ddmin::{From, ddmin};
use super::{Effort, Fingerprint, LIMIT, simpler};
use crate::choices::{Choices, Unusual};
use crate::protocol::Protocol;
use crate::runner::{self, Drive, RunOptions};
use crate::scenario::Scenario;

/// What the work may cost beyond what was spent before: long worlds have more draws than a tape is worth.
const EVENTS_MAX: u64 = 3_000_000;

/// More unusual draws than this say less to a reader than a seed.
const DRAWS_MAX: usize = 30;

/// A scenario with its tape, made small. `None` when what is left would not be easier to read than the scenario itself.
pub(super) fn shrink<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Scenario> {
    let whole = effort.events;
    effort.events = whole.min(effort.spent.saturating_add(EVENTS_MAX));
    let shrunk = with_tape::<P>(scenario, options, goal, effort);
    effort.events = whole;
    effort.over = effort.over && effort.spent >= whole;
    shrunk
}

fn with_tape<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Scenario> {
    let mut best = scenario.clone();
    let mut unusual = fails_alike::<P>(&best, Choices::seeded(options.seed), options, goal, effort)?;
    unusual = minimal::<P>(&best, unusual, options, goal, effort);
    let mut place = 0;
    while !effort.is_over() {
        let Some(plainer) = simpler::candidates(&best).into_iter().nth(place) else { break };
        match fails_alike::<P>(&plainer, Choices::usual_but(&unusual), options, goal, effort) {
            Some(used) if used.len() <= unusual.len() => {
                (best, unusual) = (plainer, used);
                place = 0;
            }
            Some(_) | None => place += 1,
        }
    }
    unusual = minimal::<P>(&best, unusual, options, goal, effort);
    unusual = rounder::<P>(&best, unusual, options, goal, effort);
    let (draws, parts, before) = (unusual.len(), simpler::size(&best), simpler::size(scenario));
    tracing::debug!("with a tape of {draws} unusual draws: {parts} parts instead of {before}");
    best.unusual = Some(unusual);
    (draws <= DRAWS_MAX && parts < before).then_some(best)
}

/// The unusual draws of a run, if it fails alike.
fn fails_alike<P: Protocol>(
    scenario: &Scenario,
    mut choices: Choices,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Option<Vec<Unusual>> {
    choices.record();
    let drive = Drive::within(choices, LIMIT);
    let played = runner::play::<P>(scenario, options, drive).ok()?;
    effort.spend(played.report.counts.events);
    let alike = Fingerprint::of(&played.report, scenario).as_ref() == Some(goal);
    alike.then(|| played.world.choices().recorded_unusual().to_vec())
}

fn minimal<P: Protocol>(
    scenario: &Scenario,
    unusual: Vec<Unusual>,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Vec<Unusual> {
    let effort = core::cell::RefCell::new(effort);
    let mut keeps = |rest: Vec<Unusual>| {
        let mut effort = effort.borrow_mut();
        fails_alike::<P>(scenario, Choices::usual_but(&rest), options, goal, &mut effort)
    };
    let mut over = || effort.borrow_mut().is_over();
    ddmin(unusual, From::Front, &mut keeps, &mut over)
}

/// Gives draws rounder values, where the failure survives that.
fn rounder<P: Protocol>(
    scenario: &Scenario,
    mut unusual: Vec<Unusual>,
    options: &RunOptions,
    goal: &Fingerprint,
    effort: &mut Effort<'_>,
) -> Vec<Unusual> {
    let mut place = 0;
    while place < unusual.len() && !effort.is_over() {
        for value in rounder_values(unusual[place].value) {
            let mut other = unusual.clone();
            other[place].value = value;
            let used = fails_alike::<P>(scenario, Choices::usual_but(&other), options, goal, effort);
            if used.as_ref() == Some(&other) {
                unusual = other;
                break;
            }
        }
        place += 1;
    }
    unusual
}

/// Values with fewer digits that matter, the roundest first; none for what is round already.
fn rounder_values(value: u64) -> Vec<u64> {
    let mut values = vec![1];
    let mut unit = 1;
    while unit <= value / 10 {
        unit *= 10;
    }
    for _ in 0..2 {
        values.push(value / unit * unit);
        unit = (unit / 10).max(1);
    }
    values.retain(|rounder| *rounder < value);
    values.dedup();
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::raft::Raft;
    use crate::scenario::parse;

    /// One vote too many: a rule is off.
    const BROKEN: &str = include_str!("../../tests/broken.toml");

    #[test]
    fn a_tape_repeats_the_failure_and_one_that_does_not_fit_is_refused() {
        let scenario = parse("broken.toml", BROKEN).expect("a scenario").scenario;
        let seed = (0..100).find(|&seed| fingerprint(&scenario, seed).is_some()).expect("some seed fails");
        let goal = fingerprint(&scenario, seed).expect("it fails");
        let mut go_on = |_: &_| false;
        let mut effort = Effort::new(20_000_000, &mut go_on);
        let seeded = Choices::seeded(seed);
        let all = fails_alike::<Raft>(&scenario, seeded, &options(seed), &goal, &mut effort)
            .expect("it fails alike");
        let few = minimal::<Raft>(&scenario, all.clone(), &options(seed), &goal, &mut effort);
        assert!(few.len() < all.len(), "{} of {}", few.len(), all.len());
        let mut taped = Scenario { unusual: Some(few.clone()), ..scenario };
        assert_eq!(fingerprint(&taped, seed + 1).as_ref(), Some(&goal), "the seed has no part in it");
        let again = parse("taped.toml", &taped.to_toml()).expect("a scenario").scenario;
        assert_eq!(again.unusual, taped.unusual);
        let Some(first) = taped.unusual.as_mut().and_then(|draws| draws.first_mut()) else {
            return assert!(few.is_empty(), "nothing had to be unusual");
        };
        first.bound += 1;
        let refused = crate::built_in::run(&taped, &options(seed)).expect_err("another bound");
        assert!(refused.message.starts_with("the tape does not fit the run: draw "), "{}", refused.message);
    }

    fn options(seed: u64) -> RunOptions {
        RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false }
    }

    fn fingerprint(scenario: &Scenario, seed: u64) -> Option<Fingerprint> {
        Fingerprint::of(&crate::built_in::run(scenario, &options(seed)).ok()?, scenario)
    }

    #[test]
    fn rounder_values_have_fewer_digits() {
        assert_eq!(rounder_values(123_456), [1, 100_000, 120_000]);
        assert_eq!(rounder_values(20), [1]);
        assert!(rounder_values(1).is_empty());
    }
}
