//! What a scenario does after an event, whatever step goes on then: so a run is told again with one thing changed.
//!
//! Holds: what is done after an event comes before the next one, in the order of the scenario, and is an event of its own; no
//! time passes in it. What cannot be done then is told as a reason.
//! Not here: steps of a story, which follow each other (`runner`).

use std::sync::Arc;

use super::World;
use super::act::Which;
use crate::history::CallId;
use crate::machine::Request;
use crate::protocol::{NodeId, Operation, Protocol};
use crate::scenario::{ClientCall, Links, Meanwhile, Step, Target, Value, Whom};
use crate::trace::Link;

impl<P: Protocol> World<P> {
    /// Does what is to be done after the events that came so far.
    #[inline]
    pub(crate) fn meanwhile(&mut self) {
        while self.is_meanwhile() && !self.is_over() {
            self.intervene();
        }
    }

    #[inline]
    fn is_meanwhile(&self) -> bool {
        let next = self.scenario.meanwhile.get(self.bounds.meanwhile);
        next.is_some_and(|next| next.after <= self.counts().events)
    }

    /// What was to be done after events that never came.
    pub(crate) fn never_done(&self) -> Vec<String> {
        if self.is_over() {
            return Vec::new();
        }
        let left = self.scenario.meanwhile.iter().enumerate().skip(self.bounds.meanwhile);
        let told = |(place, next): (usize, &Meanwhile)| {
            let text = self.scenario.meanwhile_text(place);
            format!("after event {}, {text}: the run ended before", next.after)
        };
        left.map(told).collect()
    }

    #[cold]
    fn intervene(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        let place = self.bounds.meanwhile;
        let Meanwhile { after, step } = &scenario.meanwhile[place];
        self.bounds.meanwhile += 1;
        self.begin_event();
        if let Err(why) = self.do_at_once(step) {
            let text = scenario.meanwhile_text(place);
            let why = format!("after event {after}, {text}: this cannot be done now: {why}");
            self.ledger.impossible.push(why);
        }
    }

    fn do_at_once(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Timeout { node } => self.fire_at_once(*node, P::election_timer()),
            Step::Heartbeat { node } => {
                let node = self.target(*node)?;
                self.fire_at_once(node, P::heartbeat_timer())
            }
            Step::Crash { nodes } => self.each_running(nodes, World::crash),
            Step::Restart { nodes } => {
                let down = |world: &World<P>, node: &NodeId| !world.runs(*node);
                let nodes: Vec<NodeId> = self.whom(nodes)?.into_iter().filter(|id| down(self, id)).collect();
                nodes.into_iter().for_each(|node| self.boot(node));
                Ok(())
            }
            Step::Wipe { nodes, group: None } => self.each(nodes, World::wipe),
            Step::Tear { node, kept } => {
                let node = self.running(*node)?;
                self.tear(node, *kept as usize);
                Ok(())
            }
            Step::Snapshot { node } => {
                let node = self.running(*node)?;
                self.snapshot(node);
                Ok(())
            }
            Step::Finish { node, writes } => {
                let node = self.running(*node)?;
                (0..*writes).try_for_each(|_| self.finish_now(node))
            }
            Step::Stall { nodes } => self.each(nodes, |world, node| world.stall(node, true)),
            Step::Unstall { nodes } => self.each(nodes, |world, node| world.stall(node, false)),
            Step::Fault { fault, nodes } => self.each(nodes, |world, node| world.begin_fault(node, *fault)),
            Step::End { fault, nodes } => self.each(nodes, |world, node| world.end_fault(node, *fault)),
            Step::Call { call, via, .. } => {
                let via = self.target(*via)?;
                self.call_at_once(call, via);
                Ok(())
            }
            Step::Change { change, via, .. } => self.ask_at_once(*via, Operation::Change(change.clone())),
            Step::Transfer { to, via, .. } => self.ask_at_once(*via, Operation::Transfer { to: *to }),
            _ => self.do_to_network(step),
        }
    }

    fn do_to_network(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Partition { groups } => self.partition(groups),
            Step::Isolate { nodes } => {
                let alone = self.whom(nodes)?.into_iter().collect();
                let others = self.scenario.others(&alone);
                self.partition(&[alone, others]);
            }
            Step::Heal => self.heal(),
            Step::Cut { links } => self.set_links(links, Link::Cut),
            Step::Join { links } | Step::Release { links } => self.set_links(links, Link::Open),
            Step::Hold { links } => self.set_links(links, Link::Held),
            Step::Drop { links } => pairs(links).for_each(|(from, to)| self.drop_held(from, to)),
            Step::DropAll => drop(self.lose_waiting()),
            Step::Address { node, at } => self.bind(*node, *at),
            Step::Deliver { from, to, what, skip, keep } => {
                let what = what.as_deref();
                let delivered = self.deliver(*from, *to, what, Which::Nth(*skip as usize), *keep)
                    || (!keep && self.deliver_now(*from, *to, what, *skip as usize));
                return if delivered { Ok(()) } else { Err(self.no_message(*from, *to, what)) };
            }
            Step::Lose { from, to, what, skip } => {
                let what = what.as_deref();
                let lost = self.lose_one(*from, *to, what, *skip as usize);
                return if lost { Ok(()) } else { Err(self.no_message(*from, *to, what)) };
            }
            _ => return Err(String::from("it takes time")),
        }
        Ok(())
    }

    fn no_message(&self, from: NodeId, to: NodeId, what: Option<&str>) -> String {
        let (from, to) = (self.names.of(from), self.names.of(to));
        let what = what.map_or_else(|| String::from("a message"), |what| format!("the message {what:?}"));
        format!("expected {what} under way from {from} to {to}, found none")
    }

    fn fire_at_once(&mut self, node: NodeId, timer: Option<P::Timer>) -> Result<(), String> {
        let timer = timer.ok_or_else(|| format!("{} has no such timer", P::NAME))?;
        let node = self.running(Target::Node(node))?;
        self.fire(node, timer);
        Ok(())
    }

    fn ask_at_once(&mut self, via: Target, operation: Operation) -> Result<(), String> {
        let via = self.running(via)?;
        self.operate(via, operation);
        Ok(())
    }

    fn call_at_once(&mut self, call: &ClientCall, via: NodeId) -> CallId {
        let number = |value: Value| match value {
            Value::Absent => None,
            Value::Of(value) => Some(value),
        };
        let request = match call {
            ClientCall::Write { key, value } => Request::Put { key: self.key(key), value: *value },
            ClientCall::Read { key, .. } => Request::Get { key: self.key(key) },
            ClientCall::Cas { key, from, to } => {
                Request::Cas { key: self.key(key), expected: number(*from), value: *to }
            }
        };
        self.call(request, via)
    }

    fn set_links(&mut self, links: &Links, link: Link) {
        pairs(links).for_each(|(from, to)| self.set_link(from, to, link));
    }

    fn runs(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].process.is_some()
    }

    fn target(&self, target: Target) -> Result<NodeId, String> {
        match target {
            Target::Node(node) => Ok(node),
            Target::Leader => self.leader().ok_or_else(|| String::from("nobody leads")),
        }
    }

    fn running(&self, target: Target) -> Result<NodeId, String> {
        let node = self.target(target)?;
        match self.runs(node) {
            true => Ok(node),
            false => Err(format!("{} is down", self.names.of(node))),
        }
    }

    fn whom(&self, whom: &Whom) -> Result<Vec<NodeId>, String> {
        match whom {
            Whom::Nodes(nodes) => Ok(nodes.iter().copied().collect()),
            Whom::Leader => Ok(vec![self.target(Target::Leader)?]),
            Whom::All => Ok(self.scenario.cluster.ids().collect()),
        }
    }

    fn each(&mut self, whom: &Whom, mut act: impl FnMut(&mut World<P>, NodeId)) -> Result<(), String> {
        self.whom(whom)?.into_iter().for_each(|node| act(self, node));
        Ok(())
    }

    fn each_running(&mut self, whom: &Whom, act: impl Fn(&mut World<P>, NodeId)) -> Result<(), String> {
        for node in self.whom(whom)? {
            let node = self.running(Target::Node(node))?;
            act(self, node);
        }
        Ok(())
    }
}

fn pairs(links: &Links) -> impl Iterator<Item = (NodeId, NodeId)> {
    links.from.iter().flat_map(|&from| links.to.iter().map(move |&to| (from, to)))
}
