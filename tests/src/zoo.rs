//! The zoo: the default search finds each deliberate mistake, by a promise that it is expected to break, and each theme of
//! the swarm is worth its place.
//!
//! Holds: the searches are of fixed seeds, so a mistake that was found stays found until the code changes.
//! Not here: how soon on the average of many starts (`splitbrain zoo` measures that for the chapter on search).

use splitbrain::swarm;
use splitbrain::zoo::{self, Budget, Made, Mode};

/// What no seed reaches: it takes a voter that comes back on an empty disk, which no correct cluster must survive.
const ONLY_IN_STORIES: [&str; 1] = ["denied-match-is-news"];

/// Mistakes that the default search does not find within the budget of the test. Each is a debt. The themes of the first two
/// find them, but are too rare for six million events; the third takes a snapshot that comes late to a follower whose tail
/// only its leader knows, and then another leader.
const OPEN: [&str; 3] = ["read-quorum-last-set", "lease-ignores-drift", "snapshot-commits-tail"];

#[test]
fn every_mutation_is_found() {
    let budget = Budget { seeds: 100_000, events: 6_000_000 };
    let is_open = |name: &str| OPEN.contains(&name) || ONLY_IN_STORIES.contains(&name);
    let sought = zoo::all().into_iter().filter(|it| it.made == Made::Mutation && !is_open(it.name));
    let missed = sought.filter(|mistake| zoo::search(mistake, 0, budget).found.is_none());
    let missed: Vec<&str> = missed.map(|mistake| mistake.name).collect();
    assert!(missed.is_empty(), "not found within {budget:?}: {missed:?}");
}

#[test]
fn there_are_a_hundred_and_twenty_and_no_two_have_one_name() {
    let mut names: Vec<&str> = zoo::all().iter().map(|mistake| mistake.name).collect();
    assert!(names.len() >= 120, "{}", names.len());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), zoo::all().len());
}

/// What a theme of several parts finds within some events, in worlds of its own, the plain draw does not within ten times
/// as many.
#[test]
fn every_correlated_hardship_finds_what_the_plain_draw_does_not() {
    const START: u64 = 700;
    // No mistake is known yet that shows it: the one that it names was not found in two million events.
    const UNSHOWN: [&str; 1] = ["full-disks"];
    let correlated = |theme: &&swarm::ThemeInfo| theme.is_correlated && !UNSHOWN.contains(&theme.name);
    for theme in swarm::themes().iter().filter(correlated) {
        let mistake = zoo::named(theme.shows).unwrap_or_else(|| panic!("{}", theme.shows));
        let budget = Budget { seeds: 20_000, events: 400_000 };
        let found = zoo::search_in(&mistake, Mode::Theme(theme.name), START, budget);
        assert!(found.found.is_some(), "{}: {} is not found", theme.name, theme.shows);
        let budget = Budget { seeds: 1_000_000, events: 10 * found.events };
        let plain = zoo::search_in(&mistake, Mode::Plain, START, budget);
        let sooner = plain.found.is_some() && plain.events <= budget.events;
        assert!(!sooner, "{}: the plain draw finds {} in {} events", theme.name, theme.shows, plain.events);
    }
}
