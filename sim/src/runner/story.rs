//! Tells a story: one step after another, as a scenario writes them.
//!
//! Holds: a step that does not do what it must, or cannot be done at all then, ends the story with a reason that says where it
//! stands, whom it meant and when; a promise that the scenario lists may be broken without ending it.
//! Reading order: `perform` (which topic a step belongs to), then `hands` (processes, disks, network, time), `calls` (clients and
//! operators) and `claims` (looking).
//! Not here: what comes of the story (`verdict`), and what a step does to a node (`world`).

mod calls;
mod claims;
mod hands;

use super::bookmark::{Asked, Bookmark, Within};
use super::checkpoints::Checkpoints;
use super::converge;
use crate::protocol::{NodeId, Operation, Protocol, kebab};
use crate::scenario::{Objection, Scenario, Step, Subject, Target, Timers, Whom};
use crate::trace::Link;
use crate::world::World;
pub use calls::refusal_name;

/// How long a step waits for a client's or an operator's answer, in virtual nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// How long a scripted step may take to settle, in virtual nanoseconds: far beyond any chain of messages.
const SETTLE: u64 = 600_000_000_000;

/// Ends a story early.
pub(super) enum Stop {
    /// What the scenario looks for is found, or a step did not do what it must: the rest would make no sense.
    Early,
    /// The system does not have what the step asks for: that says nothing about the system's promises.
    Unable(Objection),
}

/// A story that is being told.
pub(super) struct Story<'a, P: Protocol> {
    pub(super) world: &'a mut World<P>,
    scenario: &'a Scenario,
    /// What the scenario's file is called.
    file: &'a str,
    /// What did not go as the story says.
    pub(super) reasons: Vec<String>,
    /// The clients that the story names.
    clients: Vec<(String, u32)>,
    /// What was asked for by name.
    asked: Vec<(String, Asked)>,
    /// Disks as they were when the story kept them.
    images: Vec<(String, P::Disk)>,
    /// Which step is being performed.
    step: usize,
    /// Whom that step means by its leader.
    leader: Option<NodeId>,
    /// How far the step is that the story begins with.
    within: Within,
    /// After how many events each step ended, those before the beginning left out.
    pub(super) ends: Vec<u64>,
    /// Who keeps worlds on the way, if somebody does.
    pub(super) keeper: Option<&'a mut Checkpoints<P>>,
}

impl<'a, P: Protocol> Story<'a, P> {
    pub(super) fn new(world: &'a mut World<P>, scenario: &'a Scenario, file: &'a str) -> Story<'a, P> {
        let (reasons, clients, asked, images, ends) = Default::default();
        let bookmark = Bookmark { reasons, clients, asked, images, step: 0, within: Within::Begins, ends };
        Story::resume(world, scenario, file, bookmark)
    }

    /// A story that goes on, in a world that stands where it stands.
    pub(super) fn resume(
        world: &'a mut World<P>,
        scenario: &'a Scenario,
        file: &'a str,
        bookmark: Bookmark<P>,
    ) -> Story<'a, P> {
        let Bookmark { reasons, clients, asked, images, step, within, ends } = bookmark;
        let (leader, keeper) = (None, None);
        Story { world, scenario, file, reasons, clients, asked, images, step, leader, within, ends, keeper }
    }
}

impl<P: Protocol> Story<'_, P> {
    pub(super) fn tell(&mut self) -> Result<(), Objection> {
        self.world.meanwhile();
        for (number, step) in self.scenario.steps.iter().enumerate().skip(self.step) {
            let told = match core::mem::replace(&mut self.within, Within::Begins) {
                Within::Begins => {
                    self.step = number;
                    self.keep(Within::Begins);
                    self.perform(number, step)
                }
                within @ (Within::Runs { .. } | Within::Counts { .. }) => {
                    self.go_on(within);
                    Ok(())
                }
            };
            self.world.meanwhile();
            self.ends.push(self.world.counts().events);
            match told {
                Ok(()) if !self.world.is_over() && !self.world.is_exhausted() => {}
                Ok(()) | Err(Stop::Early) => return Ok(()),
                Err(Stop::Unable(objection)) => return Err(objection),
            }
        }
        Ok(())
    }

    /// Which step is being performed, or was the last.
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// Lets a keeper take the world as it is.
    fn keep(&mut self, within: Within) {
        let Some(keeper) = &mut self.keeper else { return };
        let bookmark = || Bookmark {
            reasons: self.reasons.clone(),
            clients: self.clients.clone(),
            asked: self.asked.clone(),
            images: self.images.clone(),
            step: self.step,
            within,
            ends: self.ends.clone(),
        };
        keeper.keep(self.world, bookmark);
    }

    /// One step: each case in a line, for what it does stands with its topic.
    pub(super) fn perform(&mut self, number: usize, step: &Step) -> Result<(), Stop> {
        (self.step, self.leader) = (number, None);
        match step {
            Step::Elect { node, fails } => return self.elect(*node, *fails),
            Step::Timeout { node } => return self.fire(*node, P::election_timer()),
            Step::Heartbeat { node } => return self.heartbeat(*node),
            Step::Fire { node, timer } => return self.fire_named(*node, timer),
            Step::Crash { nodes } => return self.crash(nodes),
            Step::Restart { nodes } => return self.restart(nodes),
            Step::Wipe { nodes, group } => return self.wipe(nodes, group.as_ref()),
            Step::ForceMembers { node, members } => return self.force_members(*node, members),
            Step::Backup { node, name } => return self.back_up(*node, name),
            Step::Restore { node, name } => return self.restore(*node, name),
            Step::Tear { node, kept } => return self.tear(*node, *kept),
            Step::Snapshot { node } => return self.snapshot(*node),
            Step::Stall { nodes } => return self.each(nodes, |world, node| world.stall(node, true)),
            Step::Unstall { nodes } => return self.each(nodes, |world, node| world.stall(node, false)),
            Step::Finish { node, writes } => return self.finish(*node, *writes),
            Step::Fault { fault, nodes } => {
                return self.each(nodes, |world, node| world.begin_fault(node, *fault));
            }
            Step::End { fault, nodes } => {
                return self.each(nodes, |world, node| world.end_fault(node, *fault));
            }
            Step::Partition { groups } => self.world.partition(groups),
            Step::Isolate { nodes } => return self.isolate(nodes),
            Step::Cut { links } => self.set_links(links, Link::Cut),
            Step::Join { links } | Step::Release { links } => self.set_links(links, Link::Open),
            Step::Hold { links } => self.set_links(links, Link::Held),
            Step::Drop { links } => self.drop_held(links),
            Step::DropAll => drop(self.world.lose_waiting()),
            Step::Heal => self.world.heal(),
            Step::Address { node, at } => self.world.bind(*node, *at),
            Step::Freeze { instant_disks } => self.world.freeze(*instant_disks),
            Step::Deliver { from, to, what, skip, keep } => {
                return self.deliver((*from, *to), what.as_deref(), *skip, *keep);
            }
            Step::Lose { from, to, what, skip } => return self.lose((*from, *to), what.as_deref(), *skip),
            Step::Exchange { nodes } => return self.exchange(nodes),
            Step::Call { call, client, name, via, outcome, wait } => {
                return self.call(call, (client.as_deref(), name.as_deref()), *via, (*outcome, *wait));
            }
            Step::Retry { client, via, outcome, wait } => return self.retry(client, *via, (*outcome, *wait)),
            Step::OpenSession { client, via } => return self.open_session(client, *via),
            Step::Change { change, name, via, outcome } => {
                return self.operate(Operation::Change(change.clone()), name.as_deref(), *via, outcome);
            }
            Step::Transfer { to, name, via, outcome } => {
                return self.operate(Operation::Transfer { to: *to }, name.as_deref(), *via, outcome);
            }
            Step::Answer { name, expected } => return self.answer(name, expected.as_ref()),
            Step::Events { count } => self.busily(Within::Counts { left: *count }),
            Step::Run { time } => self.busily(Within::Runs { until: self.world.now().after(*time) }),
            Step::Settle => self.settle(),
            Step::Converge { within } => converge(self.world, *within),
            Step::Expect { claims } => return self.claim_all(claims),
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

    /// With workload and nemeses at work.
    fn busily(&mut self, within: Within) {
        self.world.set_busy(true);
        self.go_on(within);
    }

    /// To the end of a step that lets time pass, and a look now and then for whoever keeps worlds.
    fn go_on(&mut self, mut within: Within) {
        loop {
            let stop = self.keeper.as_ref().map_or(u64::MAX, |keeper| keeper.next());
            let stopped = match &mut within {
                Within::Runs { until } => self.world.run_until_or(*until, stop),
                Within::Counts { left } => match self.world.run_events_or(*left, stop) {
                    Some(still) => {
                        *left = still;
                        true
                    }
                    None => false,
                },
                Within::Begins => false,
            };
            if !stopped {
                break;
            }
            self.keep(within);
        }
        self.world.set_busy(false);
    }

    /// Lets the world go on until something is so: everything under way when timers are scripted, time otherwise.
    fn wait(&mut self, limit: u64, done: impl Fn(&World<P>) -> bool) {
        if self.scripted() {
            return self.settle();
        }
        let until = self.world.now().after(limit);
        while !done(self.world) && !self.world.is_over() && self.world.advance(until) {}
    }

    // Names.

    fn name(&self, node: NodeId) -> String {
        self.world.names().of(node).to_owned()
    }

    fn target(&mut self, target: Target) -> Result<NodeId, Stop> {
        match target {
            Target::Node(node) => Ok(node),
            Target::Leader => match self.world.leader() {
                Some(leader) => {
                    self.leader = Some(leader);
                    Ok(leader)
                }
                None => Err(self.stop(String::from("a leader was to be there, and nobody leads"))),
            },
        }
    }

    fn whom(&mut self, whom: &Whom) -> Result<Vec<NodeId>, Stop> {
        match whom {
            Whom::Nodes(nodes) => Ok(nodes.iter().copied().collect()),
            Whom::Leader => Ok(vec![self.target(Target::Leader)?]),
            Whom::All => Ok(self.scenario.cluster.ids().collect()),
        }
    }

    fn each(&mut self, whom: &Whom, mut act: impl FnMut(&mut World<P>, NodeId)) -> Result<(), Stop> {
        for node in self.whom(whom)? {
            act(self.world, node);
        }
        Ok(())
    }

    // Failing.

    fn must_run(&mut self, node: NodeId) -> Result<(), Stop> {
        if process(self.world, node).is_some() {
            return Ok(());
        }
        Err(self.impossible(format!("expected {} to run, but it is down", self.name(node))))
    }

    /// The step cannot be done then and there, whatever the protocol: the run is not as expected, whatever else it shows.
    fn impossible(&mut self, reason: String) -> Stop {
        let told = self.told(&format!("this cannot be done now: {reason}"));
        self.reasons.push(told);
        Stop::Early
    }

    /// The system does not have what the step asks for.
    fn unable(&self, message: String) -> Stop {
        Stop::Unable(Objection { subject: Subject::Step(self.step), message, hint: None })
    }

    fn fail(&mut self, reason: String) -> Result<(), Stop> {
        Err(self.stop(reason))
    }

    /// Notes why the story went otherwise than expected. When what the scenario looks for is found, that is reason enough.
    fn stop(&mut self, reason: String) -> Stop {
        if !self.world.is_over() {
            let told = self.told(&reason);
            self.reasons.push(told);
        }
        Stop::Early
    }

    /// A reason with the place of its step, what the step says, whom it means and when it came.
    fn told(&self, reason: &str) -> String {
        let (number, scenario) = (self.step, self.scenario);
        let place = scenario.places.of(number, scenario.steps.len());
        let place = place
            .filter(|_| !self.file.is_empty())
            .map_or_else(String::new, |place| format!("{}:{}:{}: ", self.file, place.line, place.column));
        let text = scenario.step_text(number);
        let leader = self
            .leader
            .map_or_else(String::new, |leader| format!(", where the leader is {}", self.name(leader)));
        format!("{place}step {}, {text}{leader}, at {}: {reason}", number + 1, self.world.now())
    }
}

fn process<P: Protocol>(world: &World<P>, node: NodeId) -> Option<&P> {
    world.nodes()[node.0 as usize].process.as_ref()
}

/// The name of a timer that stories use.
pub(crate) fn timer_name<T: core::fmt::Debug>(timer: &T) -> String {
    kebab(&format!("{timer:?}"))
}
