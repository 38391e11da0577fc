//! The deciding event: the earliest one after which the promise breaks whatever the rest draws.
//!
//! How: at each of some events of the slice the run is forked and goes on by other chance, many times; the share of
//! continuations that break the same promise in the same way, in the same words, is the curve. A story told by hand is left to itself there: the network heals
//! and any enabled event may come next. A protocol that cannot be copied is run again from the start for each.
//! Not here: how a run goes on by other chance (`runner`).

use serde::Serialize;

use super::Explained;
use crate::choices::Choices;
use crate::protocol::Protocol;
use crate::runner::{self, Course, RunOptions};
use crate::scenario::{Property, Scenario};
use crate::trace::RecordId;

/// How often a run goes on from each candidate.
const CONTINUATIONS: u64 = 16;

/// How many events a continuation may take.
const EVENTS: u64 = 300;

/// How many events all continuations together may take, with those that are run again before them: under two seconds.
const EVENTS_IN_ALL: u64 = 1_000_000;

/// How many times shorter than the run the way is from a world that was kept to a candidate, at least.
const FORKS: u64 = 16;

/// The most candidates.
const CANDIDATES: u64 = 32;

/// Which record decided, and how sure the end was before and after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deciding {
    /// The first record of the deciding event that belongs to the slice.
    pub record: RecordId,
    /// In one sentence.
    pub words: String,
    /// Candidates in their order: a record, and how many of how many continuations from there broke the promise.
    pub curve: Vec<(RecordId, u64, u64)>,
}

/// Looks for the deciding event of a run that broke a promise. `None` when the run is too long to be repeated so often, or
/// tells nothing of what led there.
pub(super) fn find<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    broken: (Property, &str),
    explained: &Explained,
) -> Option<Deciding> {
    let events = explained.candidates();
    let course = Course::<P>::run(scenario, options, Choices::seeded(options.seed)).ok()?;
    let candidates = candidates(&events, course.can_fork());
    let curve: Vec<(RecordId, u64, u64)> = candidates
        .iter()
        .map(|&(record, event)| (record, continuations(&course, event, broken), CONTINUATIONS))
        .collect();
    let place = decided_at(&curve)?;
    let before = place.checked_sub(1).map_or(0, |before| curve[before].1);
    let (record, after, of) = curve[place];
    let event = format!("event {} ({})", candidates[place].1, explained.clause(record));
    let name = broken.0.name();
    let numbers = format!("({after} of {of} continuations); before it, in {before} of {of}.");
    let words = match after {
        _ if after == of => format!("After {event} {name} breaks whatever comes {numbers}"),
        _ if is_all_but_one(after, of) => {
            format!("After {event} {name} breaks, almost whatever comes {numbers}")
        }
        _ => format!("No event decides alone. After {event} {name} breaks more often {numbers}"),
    };
    Some(Deciding { record, words, curve })
}

/// How many continuations from after an event break a promise.
fn continuations<P: Protocol>(course: &Course<P>, event: u64, broken: (Property, &str)) -> u64 {
    let Ok(here) = course.after(event, u64::MAX) else { return 0 };
    let breaks = |chance: &u64| {
        let fork = here.world.fork().or_else(|| Some(course.after(event, u64::MAX).ok()?.world));
        let same = |found: &(Property, String)| (found.0, found.1.as_str()) == broken;
        fork.is_some_and(|fork| runner::otherwise(fork, *chance, EVENTS).iter().any(same))
    };
    (1..=CONTINUATIONS).filter(breaks).count() as u64
}

/// The first record of each event of the slice; of a long run the last ones, so many as can be afforded.
fn candidates(events: &[(RecordId, u64)], forks: bool) -> &[(RecordId, u64)] {
    let length = events.last().map_or(0, |&(_, event)| event);
    let each =
        if forks { length / FORKS + CONTINUATIONS * EVENTS } else { CONTINUATIONS * (length + EVENTS) };
    let affordable = EVENTS_IN_ALL / each;
    if affordable < 2 {
        return &[];
    }
    &events[events.len().saturating_sub(affordable.min(CANDIDATES) as usize)..]
}

/// Whether a promise breaks in every continuation, or in all but one: some chance ends even what is decided.
fn is_all_but_one(broken: u64, of: u64) -> bool {
    of <= broken + 1
}

/// The earliest candidate from which on every continuation but one at most breaks the promise; where that is only the end
/// itself, the candidate with the greatest rise.
fn decided_at(curve: &[(RecordId, u64, u64)]) -> Option<usize> {
    if curve.iter().all(|&(_, broken, _)| broken == 0) {
        return None; // So many events are too few to show it.
    }
    let open = curve.iter().rposition(|&(_, broken, of)| !is_all_but_one(broken, of));
    match open {
        None => (!curve.is_empty()).then_some(0),
        Some(last_open) if last_open + 2 < curve.len() => Some(last_open + 1),
        Some(_) => {
            // How it stood before the first is not known.
            let rise = |place: &usize| {
                let before = place.checked_sub(1).map_or(curve[0].1, |before| curve[before].1);
                curve[*place].1 as i64 - before as i64
            };
            (0..curve.len()).rev().max_by_key(rise)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(broken: &[u64]) -> Vec<(RecordId, u64, u64)> {
        (0..).zip(broken).map(|(place, &broken)| (RecordId::after(place), broken, 16)).collect()
    }

    #[test]
    fn the_deciding_event_is_the_first_after_which_nothing_helps() {
        assert_eq!(decided_at(&curve(&[0, 3, 16, 16])), Some(2));
        assert_eq!(decided_at(&curve(&[0, 15, 16, 15, 16])), Some(1), "all but one is as good");
        assert_eq!(
            decided_at(&curve(&[0, 16, 3, 16, 16])),
            Some(3),
            "what can still be averted is not decided"
        );
        assert_eq!(decided_at(&curve(&[0, 1, 9, 14, 16])), Some(2), "at the end it is no news");
        assert_eq!(decided_at(&curve(&[1, 2, 9, 10])), Some(2), "the greatest rise");
        assert_eq!(decided_at(&curve(&[16, 16])), Some(0));
        assert_eq!(decided_at(&curve(&[6, 8, 9])), Some(1), "what was before the first is not known");
        assert_eq!(decided_at(&curve(&[0, 0])), None, "nothing is shown");
        assert_eq!(decided_at(&[]), None);
    }
}
