//! What a story does to processes, disks and the network with its own hands, and the elections that it makes.
//!
//! Not here: what clients and operators ask for (`calls`).

use std::collections::BTreeSet;

use super::{Stop, Story, process, timer_name};
use crate::protocol::{Initial, Inspect, NodeId, Protocol, QuorumSets};
use crate::scenario::{Links, Target, Whom};
use crate::trace::Link;
use crate::world::World;
use crate::world::act::Which;

impl<P: Protocol> Story<'_, P> {
    // Elections and timers.

    /// Fires a node's election timer. The node must lead then, in a term that it did not know before: a leader of old that is
    /// cut off has won nothing.
    pub(super) fn elect(&mut self, node: NodeId, fails: bool) -> Result<(), Stop> {
        let term = |world: &World<P>| process(world, node).map(|process| P::term_of(process.epoch()));
        let before = term(self.world);
        self.fire(node, P::election_timer())?;
        let won = |world: &World<P>| process(world, node).is_some_and(Inspect::leads) && term(world) > before;
        self.wait(self.scenario.cluster.election.max.saturating_mul(3), won);
        let name = self.name(node);
        let leads = process(self.world, node).is_some_and(Inspect::leads);
        match (won(self.world), fails) {
            (true, false) | (false, true) => Ok(()),
            (true, true) => self.fail(format!("{name} was not to be elected, and was")),
            (false, false) if leads => {
                let old = before.unwrap_or(0);
                self.fail(format!("{name} was to be elected in a new term, and leads term {old} as before"))
            }
            (false, false) => self.fail(format!("{name} was to be elected, and was not")),
        }
    }

    pub(super) fn heartbeat(&mut self, node: Target) -> Result<(), Stop> {
        let node = self.target(node)?;
        self.fire(node, P::heartbeat_timer())
    }

    pub(super) fn fire(&mut self, node: NodeId, timer: Option<P::Timer>) -> Result<(), Stop> {
        self.must_run(node)?;
        let Some(timer) = timer else {
            return Err(self.unable(format!("{} has no such timer", P::NAME)));
        };
        self.world.fire(node, timer);
        Ok(())
    }

    pub(super) fn fire_named(&mut self, node: Target, name: &str) -> Result<(), Stop> {
        let node = self.target(node)?;
        let known = self.world.nodes()[node.0 as usize].timers.iter().map(|entry| entry.timer);
        let named = |timer: &P::Timer| timer_name(timer) == name;
        if let Some(timer) = known.clone().find(named) {
            return self.fire(node, Some(timer));
        }
        let known: Vec<String> = known.map(|timer| timer_name(&timer)).collect();
        let who = self.name(node);
        Err(self.impossible(format!(
            "expected a timer that {who} has set ({}), found {name:?}",
            known.join(", ")
        )))
    }

    // Processes.

    pub(super) fn crash(&mut self, nodes: &Whom) -> Result<(), Stop> {
        for node in self.whom(nodes)? {
            self.must_run(node)?;
            self.world.crash(node);
        }
        Ok(())
    }

    pub(super) fn restart(&mut self, nodes: &Whom) -> Result<(), Stop> {
        let everyone = *nodes == Whom::All;
        for node in self.whom(nodes)? {
            let runs = process(self.world, node).is_some();
            if runs && !everyone {
                let name = self.name(node);
                return Err(self.impossible(format!("expected {name} to be down, but it runs")));
            }
            if !runs {
                self.world.boot(node);
            }
        }
        Ok(())
    }

    pub(super) fn tear(&mut self, node: Target, kept: u64) -> Result<(), Stop> {
        let node = self.target(node)?;
        self.must_run(node)?;
        self.world.tear(node, kept as usize);
        Ok(())
    }

    // Disks.

    /// Empties disks; with a group, the node will take itself for one of those members from the beginning.
    pub(super) fn wipe(&mut self, nodes: &Whom, group: Option<&QuorumSets>) -> Result<(), Stop> {
        let membership = group.map(|sets| self.scenario.membership_of(sets));
        let initial = Initial { membership, ..Initial::default() };
        P::accepts(&initial).map_err(|message| self.unable(message))?;
        for node in self.whom(nodes)? {
            self.world.wipe_to(node, &initial);
        }
        Ok(())
    }

    /// An operator rewrites who takes part on the disk of a node that is down, or that is stopped for it, and starts it again.
    pub(super) fn force_members(&mut self, node: Target, members: &BTreeSet<NodeId>) -> Result<(), Stop> {
        let node = self.target(node)?;
        let membership = self.scenario.membership_of(&vec![members.clone()]);
        if !self.world.force_members(node, &membership) {
            return Err(self.unable(format!("{} knows no forced membership", P::NAME)));
        }
        Ok(())
    }

    pub(super) fn back_up(&mut self, node: NodeId, name: &str) -> Result<(), Stop> {
        let image = self.world.nodes()[node.0 as usize].disk.durable().clone();
        self.images.push((name.to_owned(), image));
        Ok(())
    }

    /// A disk is as it was when it was kept; whatever became durable since is gone. The process is down then.
    pub(super) fn restore(&mut self, node: NodeId, name: &str) -> Result<(), Stop> {
        let image = self.images.iter().rfind(|(known, _)| known == name).map(|(_, image)| image.clone());
        let Some(image) = image else { return Err(self.impossible(format!("nothing was kept as {name:?}"))) };
        self.world.restore_disk(node, image);
        Ok(())
    }

    pub(super) fn snapshot(&mut self, node: Target) -> Result<(), Stop> {
        let node = self.target(node)?;
        self.must_run(node)?;
        self.world.snapshot(node);
        Ok(())
    }

    pub(super) fn finish(&mut self, node: Target, writes: u64) -> Result<(), Stop> {
        let node = self.target(node)?;
        for _ in 0..writes {
            self.world.finish_stalled(node);
        }
        Ok(())
    }

    // The network.

    pub(super) fn isolate(&mut self, nodes: &Whom) -> Result<(), Stop> {
        let alone = self.whom(nodes)?.into_iter().collect();
        let others = self.scenario.others(&alone);
        self.world.partition(&[alone, others]);
        Ok(())
    }

    pub(super) fn set_links(&mut self, links: &Links, link: Link) {
        for (from, to) in pairs(links) {
            self.world.set_link(from, to, link);
        }
    }

    pub(super) fn drop_held(&mut self, links: &Links) {
        for (from, to) in pairs(links) {
            self.world.drop_held(from, to);
        }
    }

    pub(super) fn deliver(
        &mut self,
        (from, to): (NodeId, NodeId),
        what: Option<&str>,
        skip: u64,
        keep: bool,
    ) -> Result<(), Stop> {
        if self.world.deliver(from, to, what, Which::Nth(skip as usize), keep)
            || (!keep && self.world.deliver_now(from, to, what, skip as usize))
        {
            return Ok(());
        }
        let (from, to, what) = (self.name(from), self.name(to), what.unwrap_or("message"));
        Err(self.impossible(format!("expected a {what} that waits from {from} to {to}, found none")))
    }

    pub(super) fn lose(
        &mut self,
        (from, to): (NodeId, NodeId),
        what: Option<&str>,
        skip: u64,
    ) -> Result<(), Stop> {
        if self.world.lose_one(from, to, what, skip as usize) {
            return Ok(());
        }
        let (from, to) = (self.name(from), self.name(to));
        let what = what.map_or_else(|| String::from("a message"), |what| format!("the message {what:?}"));
        Err(self.impossible(format!("expected {what} under way from {from} to {to}, found none")))
    }

    pub(super) fn exchange(&mut self, nodes: &Whom) -> Result<(), Stop> {
        let nodes = self.whom(nodes)?.into_iter().collect();
        self.world.exchange(&nodes);
        Ok(())
    }
}

fn pairs(links: &Links) -> impl Iterator<Item = (NodeId, NodeId)> {
    links.from.iter().flat_map(|&from| links.to.iter().map(move |&to| (from, to)))
}
