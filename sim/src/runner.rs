//! Carries a scenario out, step by step, and judges it against its own expectations.
//!
//! Holds: equal scenario, system and seed give equal reports. A panic of the protocol is a finding, not the end.
//! Not here: the steps themselves (`story`), what happens between them (`world`), how they are judged (`verdict`), and how a
//! report is shown (`report`, `cli`).

use std::sync::Arc;

use crate::check::{Glance, Violation};
use crate::choices::Choices;
use crate::panics;
use crate::protocol::Protocol;
use crate::report::{Evidence, FoundViolation, Report, Verdict};
use crate::scenario::{Objection, Property, Scenario, Subject, instead_of};
use crate::trace::{Place, What};
use crate::world::agenda::Agenda;
use crate::world::{Limit, World};

mod bookmark;
mod checkpoints;
mod course;
mod story;
mod verdict;
mod words;

pub(crate) use course::{Course, Moment};
use story::Story;
pub use story::refusal_name;
pub(crate) use story::timer_name;
use verdict::{judge, report};

/// Which run is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The path as it was given, for the report.
    pub file: String,
    /// The name of the protocol.
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// Whether the report shall hold every record.
    pub trace: bool,
}

/// Where a run's chance comes from, how far it may go, and what of it is written down.
#[derive(Debug)]
pub struct Drive {
    /// Chance.
    pub choices: Choices,
    /// How far it may go.
    pub limit: Limit,
    /// Whether going too far is a broken promise: an endless run, or endless growth.
    pub limit_is_a_promise: bool,
    /// Whether what happens to nodes is written down.
    pub acts: bool,
    /// Records are kept from this event on, if they are to be kept at all.
    pub keep_from: u64,
}

impl Drive {
    /// A whole run, as far as the usual limit.
    #[must_use]
    pub fn new(choices: Choices) -> Drive {
        Drive { choices, limit: Limit::default(), limit_is_a_promise: false, acts: false, keep_from: 0 }
    }

    /// A whole run with the chance of a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Drive {
        Drive::new(Choices::seeded(seed))
    }

    /// A run of a search, where going on for ever is a broken promise.
    #[must_use]
    pub fn within(choices: Choices, limit: Limit) -> Drive {
        Drive { limit, limit_is_a_promise: true, ..Drive::new(choices) }
    }
}

/// A run at its end.
#[derive(Debug)]
pub struct Played<P: Protocol> {
    /// What came of it.
    pub report: Report,
    /// The world as it is then.
    pub world: World<P>,
}

impl<P: Protocol> Played<P> {
    /// Lets go of the world. A process that panics when it is dropped breaks an assertion like any other.
    #[must_use]
    pub fn let_go(self) -> Report {
        let Played { mut report, world } = self;
        if let Err(panic) = panics::catch(move || drop(world)) {
            let summary = "a process panics when it is dropped";
            let (event, time) = (report.counts.events, report.counts.virtual_time);
            let evidence = Evidence { event, time, record: panic, id: None };
            report.violations.push(FoundViolation::new(Property::Invariant, summary, vec![evidence]));
            report.verdict = Verdict::NotAsExpected(vec![summary.to_owned()]);
        }
        report
    }
}

/// Carries a scenario out with one protocol and judges it.
///
/// # Errors
/// An objection when the protocol does not know a rule or setting, or a step is impossible when its turn comes.
pub fn run_protocol<P: Protocol>(scenario: &Scenario, options: &RunOptions) -> Result<Report, Objection> {
    play::<P>(scenario, options, Drive::seeded(options.seed)).map(Played::let_go)
}

/// Carries a scenario out with one protocol, judges it, and keeps the world.
///
/// # Errors
/// As [`run_protocol`].
pub fn play<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    drive: Drive,
) -> Result<Played<P>, Objection> {
    play_on(scenario, options, drive, |_| {})
}

/// As [`play`], in a world that is prepared first.
pub(crate) fn play_on<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    drive: Drive,
    prepare: impl FnOnce(&mut World<P>),
) -> Result<Played<P>, Objection> {
    let (system, title) = (&options.system, &scenario.title);
    let _run = tracing::debug_span!("run", seed = options.seed, system, title).entered();
    let by_tape = scenario.unusual.is_some() && drive.choices.is_seeded();
    let mut world = begin::<P>(scenario, drive.choices, options.trace)?;
    world.bounds.limit = drive.limit;
    world.ledger.acts = drive.acts.then(Vec::new);
    world.ledger.trace.keep_from(drive.keep_from);
    prepare(&mut world);
    let told = tell(Story::new(&mut world, scenario, &options.file))?;
    if let Some(parting) = world.choices().parted().filter(|_| by_tape) {
        let message = format!("the tape does not fit the run: {parting}");
        return Err(Objection { subject: Subject::Scenario, message, hint: None });
    }
    Ok(end(scenario, options, world, told.reasons, drive.limit_is_a_promise))
}

/// A story that was told.
struct Told {
    /// What did not go as it says.
    reasons: Vec<String>,
    /// After how many events each of its steps ended.
    ends: Vec<u64>,
}

/// Tells a story; a panic of the protocol is a broken promise.
fn tell<P: Protocol>(mut story: Story<'_, P>) -> Result<Told, Objection> {
    let told = panics::catch(|| story.tell());
    let (reasons, ends) = (core::mem::take(&mut story.reasons), core::mem::take(&mut story.ends));
    match told {
        Ok(told) => told?,
        Err(panic) => accuse_of_panic(story.world, panic),
    }
    Ok(Told { reasons, ends })
}

/// Judges a world whose story is told.
fn end<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    mut world: World<P>,
    mut reasons: Vec<String>,
    limit_is_a_promise: bool,
) -> Played<P> {
    if limit_is_a_promise && world.is_exhausted() && !world.is_over() {
        world.accuse_of_endlessness();
    }
    if !world.is_over() && world.history_is_suspect() {
        world.judge_history();
    }
    reasons.append(&mut world.ledger.impossible);
    reasons.extend(world.never_done());
    reasons.extend(judge(scenario, &world));
    let report = report(scenario, options, &world, reasons);
    Played { report, world }
}

/// Lets other chance go on in a world, for so many events. Returns what broke, then or before, and how.
pub(crate) fn otherwise<P: Protocol>(
    mut world: World<P>,
    chance: u64,
    events: u64,
) -> Vec<(Property, String)> {
    if !world.is_over() {
        world.bounds.limit.events = world.counts().events.saturating_add(events);
        let went = panics::catch(|| {
            world.leave_to_itself(chance);
            world.run_events(events);
        });
        if let Err(panic) = went {
            accuse_of_panic(&mut world, panic);
        }
    }
    if !world.is_over() && world.history_is_suspect() {
        world.judge_history();
    }
    let told = |violation: &Violation| (violation.property, violation.summary.clone());
    world.violations().iter().map(told).collect()
}

/// Lets time pass until the cluster agrees; a broken promise when it does not within a span, and agreement is owed. One that
/// agrees is watched a little longer: it must be all but silent.
pub(crate) fn converge<P: Protocol>(world: &mut World<P>, within: u64) {
    let until = world.now().after(within);
    let Err(why) = world.converge(until) else { return world.watch_rest() };
    if world.is_over() {
        return;
    }
    let seen = world.seen();
    if let Some(lost) = world.beyond_hope() {
        world.note("agreement-not-owed");
        world.record(Place::World, What::AgreementNotOwed { why: lost });
        return;
    }
    world.accuse(Violation {
        property: Property::Convergence,
        seen,
        summary: format!("the cluster did not agree within {}", crate::time::Span(within)),
        evidence: vec![(seen, why)],
    });
}

fn accuse_of_panic<P: Protocol>(world: &mut World<P>, panic: String) {
    let violation = Violation {
        property: Property::Invariant,
        seen: world.seen(),
        summary: String::from("an assertion of the protocol failed"),
        evidence: vec![(world.seen(), panic)],
    };
    world.accuse(violation);
}

/// The report of a world that was driven by hand, and perhaps ended in a panic.
pub(crate) fn conclude<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    world: &mut World<P>,
    panic: Option<String>,
) -> Report {
    if let Some(panic) = panic {
        accuse_of_panic(world, panic);
    }
    if world.is_exhausted() && !world.is_over() {
        world.accuse_of_endlessness();
    }
    if !world.is_over() && world.history_is_suspect() {
        world.judge_history();
    }
    report(scenario, options, world, Vec::new())
}

/// What can be told of a world on its way.
pub(crate) fn report_so_far<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    world: &World<P>,
) -> Report {
    report(scenario, options, world, Vec::new())
}

/// What each node shows at one moment of a story.
pub(crate) type Scene = Vec<Sight>;

/// What a node shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Whether its process runs.
    pub runs: bool,
    /// What the process shows.
    pub glance: Glance,
    /// How many of its writes are not finished.
    pub unfinished: usize,
}

/// Tells a story once more and looks at every node before its first step and after each; then at what still waits.
pub(crate) fn scenes<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
) -> Option<(Vec<Scene>, World<P>)> {
    let mut world = world::<P>(scenario, options.seed, false).ok()?;
    let mut scenes = vec![scene(&world)];
    let mut story = Story::new(&mut world, scenario, &options.file);
    for (number, step) in scenario.steps.iter().enumerate() {
        let told = panics::catch(|| story.perform(number, step));
        scenes.push(scene(story.world));
        if !matches!(told, Ok(Ok(()))) || story.world.is_over() {
            break;
        }
    }
    Some((scenes, world))
}

fn scene<P: Protocol>(world: &World<P>) -> Scene {
    let sight = |node: &crate::world::node::Node<P>| Sight {
        runs: node.process.is_some(),
        glance: node.process.as_ref().map(Glance::of).unwrap_or_default(),
        unfinished: node.disk.unfinished(),
    };
    world.nodes().iter().map(sight).collect()
}

/// A world at the start of a scenario.
///
/// # Errors
/// An objection when the protocol does not know a rule or setting.
pub fn world<P: Protocol>(scenario: &Scenario, seed: u64, keep_trace: bool) -> Result<World<P>, Objection> {
    begin(scenario, Choices::seeded(seed), keep_trace)
}

/// A world at the start of a scenario, whose own tape stands for a seed.
fn begin<P: Protocol>(
    scenario: &Scenario,
    choices: Choices,
    keep_trace: bool,
) -> Result<World<P>, Objection> {
    let settings = protocol_settings::<P>(scenario)?;
    words::check::<P>(scenario)?;
    for id in scenario.cluster.ids() {
        let refused = |message| Objection { subject: Subject::Scenario, message, hint: None };
        P::accepts(&scenario.initial(id)).map_err(refused)?;
    }
    let tape = scenario.unusual.as_ref().filter(|_| choices.is_seeded());
    let choices = tape.map_or(choices, |unusual| Choices::usual_but(unusual));
    let agenda = Agenda::new(scenario.schedule);
    Ok(World::new(Arc::new(scenario.clone()), settings, choices, agenda, keep_trace))
}

/// The protocol's own settings, or the name in the scenario that it does not know.
pub(crate) fn protocol_settings<P: Protocol>(scenario: &Scenario) -> Result<P::Settings, Objection> {
    for (place, rule) in scenario.rules_off.iter().enumerate() {
        if !P::rules().contains(&rule.as_str()) {
            return Err(Objection {
                subject: Subject::Rule(place),
                message: format!("expected the name of a rule of {}, found {rule:?}", P::NAME),
                hint: instead_of(rule, P::rules().iter().copied()),
            });
        }
    }
    P::settings(&scenario.settings()).map_err(|bad| {
        let (message, hint) = match bad.known.is_empty() {
            true => (format!("{}: expected {}", bad.name, bad.expected), None),
            false => {
                let hint = instead_of(&bad.name, bad.known.iter().map(String::as_str));
                (format!("unknown setting {:?} of {}", bad.name, P::NAME), hint)
            }
        };
        Objection { message, hint, subject: Subject::Option(bad.name) }
    })
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;
    use crate::protocols::raft::Raft;

    #[test]
    fn a_run_in_which_time_stands_still_ends_at_its_limit() {
        let text = "title = 't'\n[cluster]\nmembers = ['a', 'b', 'c']\n[network]\ndelay = '0ms..0ms'\n[disk]\n\
                    write = '0ms..0ms'\n[workload]\nclients = 2\nkeys = 1\nthink = '0ms'\n[story]\n\
                    steps = [{ run = '5s' }]\n[expect]\nviolations = 'none'\n";
        let scenario = crate::scenario::parse("zeno.toml", text).expect("a scenario").scenario;
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed: 1, trace: false };
        let limit = Limit { events: 20_000, ..Limit::default() };
        let report = play::<Raft>(&scenario, &options, Drive::within(Choices::seeded(1), limit))
            .expect("it runs")
            .let_go();
        assert_eq!(report.counts.events, 20_000);
        assert_eq!(report.violations[0].summary, "the run does not end within 20000 events");
    }
}
