//! Tells a story: one step after another, as a scenario writes them.
//!
//! Holds: a step that asks for what cannot be is an objection; one that does not do what it must ends the story, with a
//! reason. Not here: what comes of the story (`verdict`), and what a step does to a node (`world`).

use super::converge;
use crate::act::Which;
use crate::history::{CallId, Outcome};
use crate::machine::{Answer, Request};
use crate::network::Link;
use crate::protocol::{Inspect, NodeId, Operation, Protocol, Refusal, kebab};
use crate::scenario::{
    Claim, ClientCall, ClientOutcome, Links, NodeClaim, Objection, OperationOutcome, Scenario, Step, Subject,
    Target, Timers, Value, Whom,
};
use crate::world::{OperationState, World};

/// How long a step waits for a client's or an operator's answer, in virtual nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// How long a scripted step may take to settle, in virtual nanoseconds: far beyond any chain of messages.
const SETTLE: u64 = 600_000_000_000;

/// Ends a story early.
pub(super) enum Stop {
    /// A promise is broken, or a step did not do what it must: the rest would make no sense.
    Early,
    /// The scenario asks for what cannot be.
    Objection(Objection),
}

/// A story that is being told.
pub(super) struct Story<'a, P: Protocol> {
    pub(super) world: &'a mut World<P>,
    scenario: &'a Scenario,
    /// What did not go as the story says.
    pub(super) reasons: Vec<String>,
    /// The clients that the story names.
    clients: Vec<(String, u32)>,
}

impl<'a, P: Protocol> Story<'a, P> {
    pub(super) fn new(world: &'a mut World<P>, scenario: &'a Scenario) -> Story<'a, P> {
        Story { world, scenario, reasons: Vec::new(), clients: Vec::new() }
    }
}

impl<P: Protocol> Story<'_, P> {
    pub(super) fn tell(&mut self) -> Result<(), Objection> {
        for (number, step) in self.scenario.steps.iter().enumerate() {
            match self.perform(number, step) {
                Ok(()) if self.world.violations().is_empty() && !self.world.is_exhausted() => {}
                Ok(()) | Err(Stop::Early) => return Ok(()),
                Err(Stop::Objection(objection)) => return Err(objection),
            }
        }
        Ok(())
    }

    pub(super) fn perform(&mut self, number: usize, step: &Step) -> Result<(), Stop> {
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
