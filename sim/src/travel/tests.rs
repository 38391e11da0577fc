//! Journeys through random runs and told ones.

use super::*;
use crate::protocols::raft::Raft;
use crate::runner::{self, Drive};
use crate::scenario;
use crate::swarm;
use crate::world::Limit;

fn options(seed: u64) -> RunOptions {
    RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false }
}

/// A random scenario whose time passes in both ways that there are.
fn random(seed: u64) -> Scenario {
    let mut scenario = swarm::scenario(seed);
    // An event of an untimed schedule takes a microsecond.
    let time = if scenario.schedule.untimed().is_some() { 1_500_000 } else { 500_000_000 };
    scenario.steps[0] = scenario::Step::Events { count: 2_500 };
    scenario.steps.insert(1, scenario::Step::Run { time });
    scenario
}

#[test]
fn a_world_on_the_way_is_the_one_that_the_run_had_then() {
    let mut kept = 0;
    for seed in 0..6 {
        let scenario = random(seed);
        let course = Course::<Raft>::run(&scenario, &options(seed), Choices::seeded(seed)).expect("it runs");
        kept += course.kept();
        let events = course.events();
        for event in [1, events / 7, events / 3, events / 2, events - 1, events] {
            let drive = Drive { limit: Limit { events: event, ..Limit::default() }, ..Drive::seeded(seed) };
            let straight = runner::play::<Raft>(&scenario, &options(seed), drive).expect("it runs");
            let moment = course.after(event, event).expect("it runs");
            // A run that ended is judged, which is recorded nowhere.
            let (found, expected) = (moment.world.trace().digest(), straight.world.trace().digest());
            assert_eq!(found, expected, "seed {seed}, event {event}");
        }
    }
    assert!(kept > 10, "{kept} worlds were kept");
}

#[test]
fn few_worlds_are_kept_of_a_long_run() {
    let mut scenario = random(3);
    scenario.steps.truncate(1);
    scenario.steps[0] = scenario::Step::Events { count: 60_000 };
    let course = Course::<Raft>::run(&scenario, &options(3), Choices::seeded(3)).expect("it runs");
    assert!(course.events() > 10_000);
    assert!((10..=48).contains(&course.kept()), "{}", course.kept());
}

/// A journey, and a way to ask.
struct Asked(Box<dyn Travel>);

impl Asked {
    fn new(scenario: &Scenario, seed: u64) -> Asked {
        Asked(begin::<Raft>(scenario, &options(seed), Choices::seeded(seed)).expect("it runs"))
    }

    fn ask(&mut self, line: &str) -> Answer {
        self.0.obey(line)
    }
}

#[test]
fn a_changed_run_is_a_scenario_that_has_the_same_digest() {
    let mut changed = 0;
    for seed in 0..4 {
        let mut journey = Asked::new(&random(seed), seed);
        journey.ask("at 700");
        assert!(!journey.ask("fork").failed);
        for line in ["drop 1", "crash n1", "at +20", "restart n1", "deliver 1", "finish n2", "heal"] {
            changed += u64::from(!journey.ask(line).failed);
        }
        changed += u64::from(!journey.ask("{ run = \"300ms\" }").failed);
        // It runs the file again, and fails when the digest is another.
        let saved = journey.ask("save changed.toml");
        assert!(!saved.failed, "seed {seed}: {}", saved.text);
        let (_, text) = saved.save.expect("a file");
        assert!(text.contains("meanwhile = ["), "{text}");
    }
    assert!(changed > 20, "{changed} changes could be made");
}

#[test]
fn the_run_itself_stays_as_it_is() {
    let scenario = random(1);
    let mut journey = Asked::new(&scenario, 1);
    assert!(journey.ask("crash n1").text.contains("`fork` first"));
    journey.ask("at 500");
    let before = journey.ask("show");
    journey.ask("fork");
    journey.ask("crash n1");
    assert_ne!(journey.ask("show"), before);
    journey.ask("leave");
    assert_eq!(journey.ask("show"), before);
    assert!(journey.ask("save same.toml").text.contains("the same digest"));
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let mut journey = Asked::new(&random(1), 1);
    journey.ask("at 500");
    journey.ask("fork");
    for (line, words) in [
        ("drop 9999", "expected a message on the wire"),
        ("drop n1>n2 nonsense", "expected the message \"nonsense\" under way from n1 to n2, found none"),
        ("crash zz", "zz"),
        ("restart", "expected restart as `help` shows it"),
        ("{ elekt = \"n1\" }", "unknown step"),
        ("at 99999999", "expected an event of the run"),
    ] {
        let answer = journey.ask(line);
        assert!(answer.failed && answer.text.contains(words), "{line}: {}", answer.text);
    }
    assert!(journey.ask("changes").text.ends_with("forked after event 500\n"));
}
