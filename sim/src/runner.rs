//! Carries a scenario out, step by step, and judges it against its own expectations.
//!
//! Holds: equal scenario, system and seed give equal reports. A panic of the protocol is a finding, not the end.
//! Not here: what happens in between steps (`world`), and how a report is shown (`report`, `cli`).

use std::sync::Arc;

use crate::act::Which;
use crate::agenda::Agenda;
use crate::check::{Glance, Violation};
use crate::choices::Choices;
use crate::history::{CallId, Outcome};
use crate::machine::{Answer, Request};
use crate::network::Link;
use crate::panics;
use crate::protocol::{Inspect, NodeId, Operation, Protocol, Refusal, kebab};
#[cfg(feature = "openraft")]
use crate::protocols::openraft::OpenRaft;
#[cfg(feature = "openraft-0-9")]
use crate::protocols::openraft_0_9::OpenRaft as OpenRaft09;
use crate::protocols::raft::Raft;
#[cfg(feature = "raft-rs")]
use crate::protocols::raft_rs::RaftRs;
use crate::report::{Counts, Evidence, FoundViolation, Report, Verdict, format_exact, repeat_command};
use crate::scenario::{
    Claim, ClientCall, ClientOutcome, Links, NodeClaim, Objection, OperationOutcome, Property, Scenario,
    Step, Subject, Target, Timers, Value, Whom, nearest,
};
use crate::world::{Limit, OperationState, World};

/// How long a step waits for a client's or an operator's answer, in virtual nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// How long a scripted step may take to settle, in virtual nanoseconds: far beyond any chain of messages.
const SETTLE: u64 = 600_000_000_000;

/// Which run is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// The path as it was given, for the report.
    pub file: String,
    /// The protocol, one of [`systems`].
    pub system: String,
    /// The seed.
    pub seed: u64,
    /// Whether the report shall hold every record.
    pub trace: bool,
}

/// Every system that there is an adapter for, whether this build has it or not. The first is the project's own, which
/// runs a scenario that names no system; others run when a scenario names them or the user asks for them.
pub const KNOWN_SYSTEMS: [&str; 4] = [Raft::NAME, "raft-rs", "openraft", "openraft-0.9"];

/// The protocols that can be run, by name: those of [`KNOWN_SYSTEMS`] that this build has. Each of the others is a
/// cargo feature of its own name (`openraft-0-9` for `openraft-0.9`).
#[must_use]
pub fn systems() -> &'static [&'static str] {
    &[
        Raft::NAME,
        #[cfg(feature = "raft-rs")]
        RaftRs::NAME,
        #[cfg(feature = "openraft")]
        OpenRaft::NAME,
        #[cfg(feature = "openraft-0-9")]
        OpenRaft09::NAME,
    ]
}

/// Whether a scenario runs on a system: on those it names, or, when it names none, on the project's own and on any
/// that the user asks for.
#[must_use]
pub fn is_meant(scenario: &Scenario, system: &str, asked: bool) -> bool {
    if scenario.systems.is_empty() {
        return asked || system == Raft::NAME;
    }
    scenario.systems.iter().any(|meant| meant == system)
}

/// Something to do with a protocol that is known by name only.
pub trait Visit {
    /// What comes of it.
    type Output;
    /// Does it.
    fn visit<P: Protocol>(self) -> Self::Output;
}

/// Does something with the protocol of a name.
///
/// # Errors
/// An objection when there is no such protocol.
pub fn with_system<V: Visit>(name: &str, visit: V) -> Result<V::Output, Objection> {
    match name {
        Raft::NAME => Ok(visit.visit::<Raft>()),
        #[cfg(any(test, feature = "mutations"))]
        "unruly" => Ok(visit.visit::<crate::protocols::unruly::Unruly>()),
        #[cfg(feature = "raft-rs")]
        RaftRs::NAME => Ok(visit.visit::<RaftRs>()),
        #[cfg(feature = "openraft")]
        OpenRaft::NAME => Ok(visit.visit::<OpenRaft>()),
        #[cfg(feature = "openraft-0-9")]
        OpenRaft09::NAME => Ok(visit.visit::<OpenRaft09>()),
        other => Err(Objection {
            subject: Subject::Scenario,
            message: format!("expected one of the systems {}, found {other:?}", systems().join(", ")),
            hint: nearest(other, systems().iter().copied()).map(|name| format!("did you mean {name:?}?")),
        }),
    }
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
}

impl Drive {
    /// A whole run with the chance of a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Drive {
        let limit = Limit::default();
        Drive { choices: Choices::seeded(seed), limit, limit_is_a_promise: false, acts: false }
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

/// Carries a scenario out and judges it.
///
/// # Errors
/// An objection when the protocol does not know a rule or setting, or a step is impossible when its turn comes.
pub fn run(scenario: &Scenario, options: &RunOptions) -> Result<Report, Objection> {
    drive(scenario, options, Drive::seeded(options.seed))
}

/// As [`run`], with another source of chance or a limit.
///
/// # Errors
/// As [`run`].
pub fn drive(scenario: &Scenario, options: &RunOptions, drive: Drive) -> Result<Report, Objection> {
    struct Run<'a>(&'a Scenario, &'a RunOptions, Drive);
    impl Visit for Run<'_> {
        type Output = Result<Report, Objection>;
        fn visit<P: Protocol>(self) -> Self::Output {
            play::<P>(self.0, self.1, self.2).map(|played| played.report)
        }
    }
    with_system(&options.system, Run(scenario, options, drive))?
}

/// Carries a scenario out with one protocol and judges it.
///
/// # Errors
/// As [`run`].
pub fn run_protocol<P: Protocol>(scenario: &Scenario, options: &RunOptions) -> Result<Report, Objection> {
    play::<P>(scenario, options, Drive::seeded(options.seed)).map(|played| played.report)
}

/// Carries a scenario out with one protocol, judges it, and keeps the world.
///
/// # Errors
/// As [`run`].
pub fn play<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    drive: Drive,
) -> Result<Played<P>, Objection> {
    let settings = protocol_settings::<P>(scenario)?;
    let agenda = Agenda::new(scenario.schedule);
    let tape = scenario.unusual.as_ref().filter(|_| drive.choices.is_seeded());
    let choices = tape.map_or(drive.choices, |unusual| Choices::usual_but(unusual));
    let mut world = World::<P>::new(Arc::new(scenario.clone()), settings, choices, agenda, options.trace);
    world.limit = drive.limit;
    world.acts = drive.acts.then(Vec::new);
    let mut story = Story { world: &mut world, scenario, reasons: Vec::new(), clients: Vec::new() };
    let told = panics::catch(|| story.tell());
    let mut reasons = story.reasons;
    match told {
        Ok(told) => told?,
        Err(panic) => accuse_of_panic(&mut world, panic),
    }
    if let Some(parting) = world.choices().parted().filter(|_| tape.is_some()) {
        let message = format!("the tape does not fit the run: {parting}");
        return Err(Objection { subject: Subject::Scenario, message, hint: None });
    }
    if drive.limit_is_a_promise && world.is_exhausted() && world.violations().is_empty() {
        world.accuse_of_endlessness();
    }
    if world.violations().is_empty() && world.history_is_suspect() {
        world.judge_history();
    }
    reasons.extend(judge(scenario, &world));
    let report = report(scenario, options, &world, reasons);
    Ok(Played { report, world })
}

/// Lets time pass until the cluster agrees; a broken promise when it does not within a span, and agreement is owed.
pub(crate) fn converge<P: Protocol>(world: &mut World<P>, within: u64) {
    let until = world.now().after(within);
    let Err(why) = world.converge(until) else { return };
    if !world.violations().is_empty() {
        return;
    }
    let seen = world.seen();
    if let Some(lost) = world.beyond_hope() {
        world.note("agreement-not-owed");
        return world.record(None, &22u8, |_| format!("agreement is not owed: {lost} ({seen})"));
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
    if world.is_exhausted() && world.violations().is_empty() {
        world.accuse_of_endlessness();
    }
    if world.violations().is_empty() && world.history_is_suspect() {
        world.judge_history();
    }
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
    let mut story = Story { world: &mut world, scenario, reasons: Vec::new(), clients: Vec::new() };
    for (number, step) in scenario.steps.iter().enumerate() {
        let told = panics::catch(|| story.perform(number, step));
        scenes.push(scene(story.world));
        if !matches!(told, Ok(Ok(()))) || !story.world.violations().is_empty() {
            break;
        }
    }
    Some((scenes, world))
}

fn scene<P: Protocol>(world: &World<P>) -> Scene {
    let sight = |node: &crate::node::Node<P>| Sight {
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
    let settings = protocol_settings::<P>(scenario)?;
    for id in scenario.cluster.ids() {
        let refused = |message| Objection { subject: Subject::Scenario, message, hint: None };
        P::accepts(&scenario.initial(id)).map_err(refused)?;
    }
    let seeded = || Choices::seeded(seed);
    let choices = scenario.unusual.as_ref().map_or_else(seeded, |unusual| Choices::usual_but(unusual));
    let agenda = Agenda::new(scenario.schedule);
    Ok(World::new(Arc::new(scenario.clone()), settings, choices, agenda, keep_trace))
}

/// The protocol's own settings, or the name in the scenario that it does not know.
pub(crate) fn protocol_settings<P: Protocol>(scenario: &Scenario) -> Result<P::Settings, Objection> {
    for (place, rule) in scenario.rules_off.iter().enumerate() {
        if !P::rules().contains(&rule.as_str()) {
            let hint = nearest(rule, P::rules().iter().copied());
            return Err(Objection {
                subject: Subject::Rule(place),
                message: format!("expected the name of a rule of {}, found {rule:?}", P::NAME),
                hint: Some(match hint {
                    Some(name) => format!("did you mean {name:?}?"),
                    None => format!("the rules are {}", P::rules().join(", ")),
                }),
            });
        }
    }
    P::settings(&scenario.settings()).map_err(|bad| Objection {
        message: format!("{}: expected {}", bad.name, bad.expected),
        subject: Subject::Option(bad.name),
        hint: None,
    })
}

/// Ends a story early.
enum Stop {
    /// A promise is broken, or a step did not do what it must: the rest would make no sense.
    Early,
    /// The scenario asks for what cannot be.
    Objection(Objection),
}

struct Story<'a, P: Protocol> {
    world: &'a mut World<P>,
    scenario: &'a Scenario,
    reasons: Vec<String>,
    /// The clients that the story names.
    clients: Vec<(String, u32)>,
}

impl<P: Protocol> Story<'_, P> {
    fn tell(&mut self) -> Result<(), Objection> {
        for (number, step) in self.scenario.steps.iter().enumerate() {
            match self.perform(number, step) {
                Ok(()) if self.world.violations().is_empty() && !self.world.is_exhausted() => {}
                Ok(()) | Err(Stop::Early) => return Ok(()),
                Err(Stop::Objection(objection)) => return Err(objection),
            }
        }
        Ok(())
    }

    fn perform(&mut self, number: usize, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Elect { node, fails } => return self.elect(number, *node, *fails),
            Step::Timeout { node } => {
                self.fire(number, *node, P::election_timer())?;
            }
            Step::Heartbeat { node } => {
                let node = self.target(number, *node)?;
                self.fire(number, node, P::heartbeat_timer())?;
            }
            Step::Fire { node, timer } => return self.fire_named(number, *node, timer),
            Step::Crash { nodes } => {
                for node in self.whom(number, nodes)? {
                    self.must_run(number, node)?;
                    self.world.crash(node);
                }
            }
            Step::Restart { nodes } => self.restart(number, nodes)?,
            Step::Wipe { nodes } => {
                for node in self.whom(number, nodes)? {
                    self.world.wipe(node);
                }
            }
            Step::Partition { groups } => self.world.partition(groups),
            Step::Isolate { nodes } => {
                let alone = self.whom(number, nodes)?.into_iter().collect();
                let others = self.scenario.others(&alone);
                self.world.partition(&[alone, others]);
            }
            Step::Cut { links } => self.set_links(links, Link::Cut),
            Step::Join { links } | Step::Release { links } => self.set_links(links, Link::Open),
            Step::Hold { links } => self.set_links(links, Link::Held),
            Step::Drop { links } => {
                for (from, to) in pairs(links) {
                    self.world.drop_held(from, to);
                }
            }
            Step::DropAll => {
                self.world.lose_waiting();
            }
            Step::Heal => self.world.heal(),
            Step::Stall { nodes } => {
                for node in self.whom(number, nodes)? {
                    self.world.stall(node, true);
                }
            }
            Step::Unstall { nodes } => {
                for node in self.whom(number, nodes)? {
                    self.world.stall(node, false);
                }
            }
            Step::Finish { node, writes } => {
                let node = self.target(number, *node)?;
                for _ in 0..*writes {
                    self.world.finish_stalled(node);
                }
            }
            Step::Freeze { instant_disks } => self.world.freeze(*instant_disks),
            Step::Deliver { from, to, what, skip, keep } => {
                let nth = Which::Nth(*skip as usize);
                if !self.world.deliver(*from, *to, what.as_deref(), nth, *keep) {
                    let (from, to) = (self.name(*from), self.name(*to));
                    let what = what.as_deref().unwrap_or("message");
                    let message = format!("expected a {what} that waits from {from} to {to}, found none");
                    return Err(self.impossible(number, message));
                }
            }
            Step::Exchange { nodes } => {
                let nodes = self.whom(number, nodes)?.into_iter().collect();
                self.world.exchange(&nodes);
            }
            Step::Tear { node, kept } => {
                let node = self.target(number, *node)?;
                self.must_run(number, node)?;
                self.world.tear(node, *kept as usize);
            }
            Step::Call { call, client, via, outcome, wait } => {
                return self.call(number, call, client.as_deref(), *via, (*outcome, *wait));
            }
            Step::Retry { client, via, outcome, wait } => {
                let via = self.target(number, *via)?;
                let place = self.client(client);
                let Some(id) = self.world.retry(place, via) else {
                    let message = format!("client {client:?} has no call without an answer");
                    return Err(self.impossible(number, message));
                };
                return self.await_call(number, id, None, (*outcome, *wait));
            }
            Step::OpenSession { client, via } => return self.open_session(number, client, *via),
            Step::Change { change, via, outcome } => {
                return self.operate(number, Operation::Change(change.clone()), *via, outcome);
            }
            Step::Transfer { to, via, outcome } => {
                return self.operate(number, Operation::Transfer { to: *to }, *via, outcome);
            }
            Step::Snapshot { node } => {
                let node = self.target(number, *node)?;
                self.must_run(number, node)?;
                self.world.snapshot(node);
            }
            Step::Address { node, at } => self.world.bind(*node, *at),
            Step::Fault { fault, nodes } => {
                for node in self.whom(number, nodes)? {
                    self.world.begin_fault(node, *fault);
                }
            }
            Step::End { fault, nodes } => {
                for node in self.whom(number, nodes)? {
                    self.world.end_fault(node, *fault);
                }
            }
            Step::Events { count } => {
                self.world.set_busy(true);
                self.world.run_events(*count);
                self.world.set_busy(false);
            }
            Step::Run { time } => {
                let until = self.world.now().after(*time);
                self.world.set_busy(true);
                self.world.run_until(until);
                self.world.set_busy(false);
            }
            Step::Settle => self.settle(),
            Step::Converge { within } => converge(self.world, *within),
            Step::Expect { claims } => {
                for claim in claims {
                    self.claim(number, claim)?;
                }
            }
        }
        Ok(())
    }

    // Waiting.

    fn scripted(&self) -> bool {
        self.scenario.cluster.timers == Timers::Scripted
    }

    fn settle(&mut self) {
        let until = self.world.now().after(SETTLE);
        self.world.settle(until);
    }

    /// Lets the world go on until something is so: everything under way when timers are scripted, time otherwise.
    fn wait(&mut self, limit: u64, done: impl Fn(&World<P>) -> bool) {
        if self.scripted() {
            return self.settle();
        }
        let until = self.world.now().after(limit);
        while !done(self.world) && self.world.violations().is_empty() && self.world.advance(until) {}
    }

    // Steps with an outcome.

    fn elect(&mut self, number: usize, node: NodeId, fails: bool) -> Result<(), Stop> {
        self.fire(number, node, P::election_timer())?;
        let leads = |world: &World<P>| process(world, node).is_some_and(Inspect::leads);
        self.wait(self.scenario.cluster.election.max.saturating_mul(3), leads);
        match (leads(self.world), fails) {
            (true, false) | (false, true) => Ok(()),
            (false, false) => {
                self.fail(number, format!("{} was to be elected, and was not", self.name(node)))
            }
            (true, true) => self.fail(number, format!("{} was not to be elected, and was", self.name(node))),
        }
    }

    /// The number of a client that the story names.
    fn client(&mut self, name: &str) -> u32 {
        if let Some((_, client)) = self.clients.iter().find(|(known, _)| known == name) {
            return *client;
        }
        let client = self.world.patient_client();
        self.clients.push((name.to_owned(), client));
        client
    }

    fn open_session(&mut self, number: usize, name: &str, via: Target) -> Result<(), Stop> {
        let via = self.target(number, via)?;
        let client = self.client(name);
        self.world.open_session(client, via);
        let session = |world: &World<P>| world.session(client);
        self.wait(PATIENCE, |world| session(world).is_some());
        match session(self.world) {
            Some(_) => Ok(()),
            None => self.fail(number, format!("client {name:?} was to have a session, and has none")),
        }
    }

    fn call(
        &mut self,
        number: usize,
        call: &ClientCall,
        client: Option<&str>,
        via: Target,
        expected: (Option<ClientOutcome>, bool),
    ) -> Result<(), Stop> {
        let via = self.target(number, via)?;
        let (request, value) = self.request(call);
        let id = match client {
            None => self.world.call(request, via),
            Some(name) => {
                let client = self.client(name);
                if self.world.has_open_call(client) {
                    let message = format!("client {name:?} has a call without an answer");
                    return Err(self.impossible(number, message));
                }
                self.world.call_of(client, request, via)
            }
        };
        self.await_call(number, id, value, expected)
    }

    /// Waits for the answer to a call, if it is to be waited for, and compares it with what is expected.
    fn await_call(
        &mut self,
        number: usize,
        id: CallId,
        value: Option<Option<u64>>,
        (expected, wait): (Option<ClientOutcome>, bool),
    ) -> Result<(), Stop> {
        if !wait {
            return Ok(());
        }
        let outcome = |world: &World<P>| world.history().calls()[id.0 as usize].outcome;
        self.wait(PATIENCE, |world| outcome(world) != Outcome::Unknown);
        let outcome = outcome(self.world);
        let came = match outcome {
            Outcome::Unknown => ClientOutcome::Unknown,
            Outcome::Refused => ClientOutcome::Refused,
            Outcome::Answered(_, Answer::Mismatch(_)) => ClientOutcome::Mismatch,
            Outcome::Answered(..) => ClientOutcome::Ok,
        };
        if expected.is_some_and(|expected| expected != came) {
            let expected = expected.map_or(String::new(), |expected| format!("{expected:?}").to_lowercase());
            let came = format!("{came:?}").to_lowercase();
            return self.fail(number, format!("the call was to be {expected}, and was {came}"));
        }
        match (value, outcome) {
            (Some(value), Outcome::Answered(_, Answer::Value(read))) if read != value => {
                let show = |value: Option<u64>| value.map_or("nothing".to_owned(), |value| value.to_string());
                self.fail(number, format!("the read was to give {}, and gave {}", show(value), show(read)))
            }
            _ => Ok(()),
        }
    }

    fn operate(
        &mut self,
        number: usize,
        operation: Operation,
        via: Target,
        expected: &OperationOutcome,
    ) -> Result<(), Stop> {
        let via = self.target(number, via)?;
        self.must_run(number, via)?;
        let request = self.world.operate(via, operation);
        let unsupported = OperationState::Refused(Refusal::Unsupported);
        let foreseen = matches!(expected, OperationOutcome::Refused(_));
        if !foreseen && self.world.operation(request) == unsupported {
            return Err(self.impossible(number, format!("{} does not have this operation", P::NAME)));
        }
        if *expected == OperationOutcome::Pending {
            return Ok(());
        }
        self.wait(PATIENCE, |world| world.operation(request) != OperationState::Pending);
        let came = self.world.operation(request);
        let as_expected = match (expected, &came) {
            (OperationOutcome::Done, OperationState::Done) => true,
            (OperationOutcome::Refused(name), OperationState::Refused(refusal)) => {
                name == refusal_name(refusal)
            }
            (OperationOutcome::Done | OperationOutcome::Refused(_) | OperationOutcome::Pending, _) => false,
        };
        if as_expected {
            return Ok(());
        }
        let expected = match expected {
            OperationOutcome::Done => "done",
            OperationOutcome::Pending => "pending",
            OperationOutcome::Refused(name) => name,
        };
        let came = match &came {
            OperationState::Pending => "has no outcome yet",
            OperationState::Done => "was done",
            OperationState::Refused(refusal) => &format!("was refused: {}", refusal_name(refusal)),
        };
        self.fail(number, format!("the operation was to be {expected}, and {came}"))
    }

    fn restart(&mut self, number: usize, nodes: &Whom) -> Result<(), Stop> {
        let everyone = *nodes == Whom::All;
        for node in self.whom(number, nodes)? {
            let runs = process(self.world, node).is_some();
            if runs && !everyone {
                let name = self.name(node);
                return Err(self.impossible(number, format!("expected {name} to be down, but it runs")));
            }
            if !runs {
                self.world.boot(node);
            }
        }
        Ok(())
    }

    fn fire(&mut self, number: usize, node: NodeId, timer: Option<P::Timer>) -> Result<(), Stop> {
        self.must_run(number, node)?;
        let Some(timer) = timer else {
            return Err(self.impossible(number, format!("{} has no such timer", P::NAME)));
        };
        self.world.fire(node, timer);
        Ok(())
    }

    fn fire_named(&mut self, number: usize, node: Target, name: &str) -> Result<(), Stop> {
        let node = self.target(number, node)?;
        let known = self.world.nodes()[node.0 as usize].timers.iter().map(|entry| entry.timer);
        let named = |timer: &P::Timer| timer_name(timer) == name;
        match known.clone().find(named) {
            Some(timer) => self.fire(number, node, Some(timer)),
            None => {
                let known: Vec<String> = known.map(|timer| timer_name(&timer)).collect();
                let name_of = self.name(node);
                Err(self.impossible(
                    number,
                    format!("expected a timer that {name_of} has set ({}), found {name:?}", known.join(", ")),
                ))
            }
        }
    }

    fn set_links(&mut self, links: &Links, link: Link) {
        for (from, to) in pairs(links) {
            self.world.set_link(from, to, link);
        }
    }

    // Names.

    fn name(&self, node: NodeId) -> String {
        self.world.names().of(node).to_owned()
    }

    /// What a call asks, and what it must read.
    fn request(&mut self, call: &ClientCall) -> (Request, Option<Option<u64>>) {
        match call {
            ClientCall::Write { key, value } => {
                (Request::Put { key: self.world.key(key), value: *value }, None)
            }
            ClientCall::Read { key, value } => (Request::Get { key: self.world.key(key) }, value.map(number)),
            ClientCall::Cas { key, from, to } => {
                (Request::Cas { key: self.world.key(key), expected: number(*from), value: *to }, None)
            }
        }
    }

    fn target(&mut self, step: usize, target: Target) -> Result<NodeId, Stop> {
        match target {
            Target::Node(node) => Ok(node),
            Target::Leader => match self.world.leader() {
                Some(leader) => Ok(leader),
                None => Err(self.stop(step, String::from("a leader was to be there, and nobody leads"))),
            },
        }
    }

    fn whom(&mut self, step: usize, whom: &Whom) -> Result<Vec<NodeId>, Stop> {
        match whom {
            Whom::Nodes(nodes) => Ok(nodes.iter().copied().collect()),
            Whom::Leader => Ok(vec![self.target(step, Target::Leader)?]),
            Whom::All => Ok(self.scenario.cluster.ids().collect()),
        }
    }

    // Failing.

    fn must_run(&self, step: usize, node: NodeId) -> Result<(), Stop> {
        if process(self.world, node).is_some() {
            return Ok(());
        }
        Err(self.impossible(step, format!("expected {} to run, but it is down", self.name(node))))
    }

    fn impossible(&self, step: usize, message: String) -> Stop {
        Stop::Objection(Objection { subject: Subject::Step(step), message, hint: None })
    }

    fn fail(&mut self, step: usize, reason: String) -> Result<(), Stop> {
        Err(self.stop(step, reason))
    }

    /// Notes why the story went otherwise than expected. A broken promise is reason enough by itself.
    fn stop(&mut self, step: usize, reason: String) -> Stop {
        if self.world.violations().is_empty() {
            self.reasons.push(format!("step {}: {reason}", step + 1));
        }
        Stop::Early
    }

    // Looking.

    fn claim(&mut self, number: usize, claim: &Claim) -> Result<(), Stop> {
        match claim {
            Claim::Leaders(expected) => {
                let found = self.world.leaders().collect();
                if *expected == found {
                    return Ok(());
                }
                let names = self.world.names();
                let (expected, found) = (names.sets(&vec![expected.clone()]), names.sets(&vec![found]));
                self.fail(number, format!("{expected} were to lead, and {found} do"))
            }
            Claim::Seen(facts) => {
                let missing = facts.iter().find(|fact| !self.world.facts().contains_key(fact.as_str()));
                match missing.cloned() {
                    Some(fact) => self.fail(number, format!("{fact} was to be seen, and was not")),
                    None => Ok(()),
                }
            }
            Claim::Never(facts) => {
                let seen = facts.iter().find(|fact| self.world.facts().contains_key(fact.as_str()));
                match seen.cloned() {
                    Some(fact) => self.fail(number, format!("{fact} was not to be seen, and was")),
                    None => Ok(()),
                }
            }
            Claim::Nodes { nodes, claim } => {
                for node in self.whom(number, nodes)? {
                    if let Some(reason) = self.refuted(node, claim) {
                        let name = self.name(node);
                        return self.fail(number, format!("{name}: {reason}"));
                    }
                }
                Ok(())
            }
        }
    }

    /// The first part of a claim about a node that does not hold.
    fn refuted(&mut self, node: NodeId, claim: &NodeClaim) -> Option<String> {
        let differs = |what: &str, expected: String, found: String| {
            (expected != found).then(|| format!("{what} was to be {expected}, and is {found}"))
        };
        let Some(process) = process(self.world, node) else {
            return (claim.running != Some(false)).then(|| String::from("was to run, and is down"));
        };
        if claim.running == Some(false) {
            return Some(String::from("was to be down, and runs"));
        }
        let numbers = [
            ("term", claim.term, P::term_of(process.epoch())),
            ("commit", claim.commit, process.commit()),
            ("applied", claim.applied, process.applied()),
            ("last", claim.last, process.last()),
        ];
        for (what, comparison, found) in numbers {
            if let Some(comparison) = comparison.filter(|comparison| !comparison.holds(found)) {
                return Some(format!("{what} was to be {comparison}, and is {found}"));
            }
        }
        let role = claim.role.clone().and_then(|role| differs("role", role, process.role().to_owned()));
        let log = claim.log.as_ref().and_then(|log| {
            let epochs = (1..=process.last()).map(|index| process.mark(index).map(|mark| mark.epoch));
            let found: Vec<u64> = epochs.map(|epoch| epoch.map_or(0, P::term_of)).collect();
            differs("log", format!("{log:?}"), format!("{found:?}"))
        });
        let names = self.world.names();
        let voters = claim.voters.as_ref().and_then(|voters| {
            let sorted = |mut sets: crate::protocol::QuorumSets| {
                sets.sort();
                names.sets(&sets)
            };
            differs("membership", sorted(voters.clone()), sorted(process.quorums()))
        });
        let learners = claim.learners.as_ref().and_then(|learners| {
            let show = |nodes| names.sets(&vec![nodes]);
            differs("learners", show(learners.clone()), show(process.learners()))
        });
        role.or(log).or(voters).or(learners).or_else(|| self.machine_differs(node, claim))
    }

    fn machine_differs(&mut self, node: NodeId, claim: &NodeClaim) -> Option<String> {
        claim.machine.iter().find_map(|(key, value)| {
            let place = self.world.key(key);
            let found = self.world.nodes()[node.0 as usize].machine.get(place);
            let expected = number(*value);
            (expected != found).then(|| format!("{key} was to be {expected:?}, and is {found:?}"))
        })
    }
}

fn process<P: Protocol>(world: &World<P>, node: NodeId) -> Option<&P> {
    world.nodes()[node.0 as usize].process.as_ref()
}

fn pairs(links: &Links) -> impl Iterator<Item = (NodeId, NodeId)> {
    links.from.iter().flat_map(|&from| links.to.iter().map(move |&to| (from, to)))
}

fn number(value: Value) -> Option<u64> {
    match value {
        Value::Absent => None,
        Value::Of(value) => Some(value),
    }
}

/// The name of a timer that stories use.
pub(crate) fn timer_name<T: core::fmt::Debug>(timer: &T) -> String {
    kebab(&format!("{timer:?}"))
}

/// The word for a refusal that scenarios use.
#[must_use]
pub fn refusal_name(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotLeader { .. } => "not-leader",
        Refusal::LeadershipLost => "leadership-lost",
        Refusal::Busy => "busy",
        Refusal::Unsupported => "unsupported",
        Refusal::Rule(name) => name,
    }
}

/// What does not fit the expectations at the end.
fn judge<P: Protocol>(scenario: &Scenario, world: &World<P>) -> Vec<String> {
    let expect = &scenario.expect;
    let found: Vec<Property> = world.violations().iter().map(|violation| violation.property).collect();
    let mut reasons = Vec::new();
    for property in &found {
        if !expect.violations.contains(property) {
            reasons.push(format!("{} was not to be broken, and was", property.name()));
        }
    }
    // A story ends at the first broken promise: one of those expected is enough.
    if found.is_empty() && !expect.violations.is_empty() {
        let names: Vec<&str> = expect.violations.iter().map(|property| property.name()).collect();
        reasons.push(format!("{} was to be broken, and was not", names.join(" or ")));
    }
    for fact in &expect.seen {
        if !world.facts().contains_key(fact.as_str()) {
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

fn report<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    world: &World<P>,
    reasons: Vec<String>,
) -> Report {
    let violations = world.violations().iter().map(found_violation).collect();
    let node_line = |(id, node): (NodeId, &crate::node::Node<P>)| {
        let state = node.process.as_ref().map_or(String::from("down"), |process| state_line(process, world));
        format!("{}: {state}", world.names().of(id))
    };
    let lines = world.trace().records().iter().map(|record| {
        let node = record.node.map_or("-", |node| world.names().of(node));
        format!("{:>6} {:>14} {node} {}", record.event, format_exact(record.at.0), record.text)
    });
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
        seen: world.facts().iter().map(|(&fact, &count)| (fact.to_owned(), count)).collect(),
        counts: counts(world),
        nodes: scenario.cluster.ids().zip(world.nodes()).map(node_line).collect(),
        digest: format!("{:032x}", world.trace().digest()),
        repeat: repeat_command(&options.file, &options.system, options.seed),
        trace: lines.collect(),
    }
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
