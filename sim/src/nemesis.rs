//! Faults that come by themselves, again and again, while the world is busy.
//!
//! Holds: a strike ends before the same nemesis strikes again, and undoes what it did and nothing else.
//! Not here: faults at a set moment (`runner`).

use std::collections::BTreeSet;

use crate::agenda::Event;
use crate::choices::Site;
use crate::network::Link;
use crate::protocol::{NodeId, Protocol};
use crate::scenario::{Aim, NemesisKind, Shape};
use crate::world::World;

/// What a nemesis is about to do, and what it has done.
#[derive(Clone, Debug, Default)]
pub struct NemesisState {
    queued: bool,
    strike: Option<Strike>,
}

/// What a nemesis did and will undo.
#[derive(Clone, Debug)]
enum Strike {
    Cut(Vec<(NodeId, NodeId)>),
    Crashed(Vec<NodeId>),
    Stalled(Vec<NodeId>),
}

impl<P: Protocol> World<P> {
    pub(crate) fn start_nemeses(&mut self) {
        for number in 0..self.nemeses.len() {
            if !self.nemeses[number].queued {
                self.queue_nemesis(number);
            }
        }
    }

    fn queue_nemesis(&mut self, number: usize) {
        let plan = self.scenario.nemeses[number];
        let range = if self.nemeses[number].strike.is_some() { plan.lasting } else { plan.every };
        let after = self.choices.within(Site::Nemesis, range);
        self.nemeses[number].queued = true;
        self.agenda.push(self.now.after(after), Event::Nemesis { nemesis: number as u32 });
    }

    pub(crate) fn on_nemesis(&mut self, number: usize) {
        self.nemeses[number].queued = false;
        if !self.busy {
            return;
        }
        self.begin_event();
        match self.nemeses[number].strike.take() {
            Some(strike) => self.undo(strike),
            None => self.strike(number),
        }
        self.queue_nemesis(number);
    }

    /// Undoes what nemeses did.
    pub(crate) fn end_strikes(&mut self) {
        for number in 0..self.nemeses.len() {
            if let Some(strike) = self.nemeses[number].strike.take() {
                self.undo(strike);
            }
        }
    }

    fn strike(&mut self, number: usize) {
        let strike = match self.scenario.nemeses[number].kind {
            NemesisKind::Partition { shape } => self.cut(shape),
            NemesisKind::Crash { aim } => {
                let nodes = self.aim(aim);
                nodes.iter().for_each(|&node| self.crash(node));
                Strike::Crashed(nodes)
            }
            NemesisKind::Stall { aim } => {
                let nodes = self.aim(aim);
                nodes.iter().for_each(|&node| self.stall(node, true));
                Strike::Stalled(nodes)
            }
        };
        self.nemeses[number].strike = Some(strike);
    }

    fn undo(&mut self, strike: Strike) {
        match strike {
            Strike::Cut(links) => {
                for (from, to) in links {
                    self.set_link(from, to, Link::Open);
                }
            }
            Strike::Crashed(nodes) => nodes.into_iter().for_each(|node| self.boot(node)),
            Strike::Stalled(nodes) => nodes.into_iter().for_each(|node| self.stall(node, false)),
        }
    }

    /// Cuts the open links that a shape cuts.
    fn cut(&mut self, shape: Shape) -> Strike {
        let everyone: Vec<NodeId> = self.scenario.cluster.ids().collect();
        let nodes = everyone.len() as u64;
        let one_side: BTreeSet<NodeId> = match shape {
            Shape::LeaderAlone => self.aim(Aim::Leader).into_iter().collect(),
            Shape::OneWay => self.aim(Aim::Any).into_iter().collect(),
            Shape::Halves => self.draw_nodes(nodes / 2),
            Shape::Random => {
                let size = 1 + self.choices.below(Site::Nemesis, nodes.saturating_sub(1));
                self.draw_nodes(size)
            }
        };
        let mut links = Vec::new();
        for &from in &everyone {
            for &to in &everyone {
                let into = !one_side.contains(&from) && one_side.contains(&to);
                let out = one_side.contains(&from) && !one_side.contains(&to);
                let cut = into || out && shape != Shape::OneWay;
                if cut && self.network.link(from, to) == Link::Open {
                    self.set_link(from, to, Link::Cut);
                    links.push((from, to));
                }
            }
        }
        self.note("partitioned");
        Strike::Cut(links)
    }

    /// Whom to hit, of those that are up and well.
    fn aim(&mut self, aim: Aim) -> Vec<NodeId> {
        let well = |world: &Self, id: &NodeId| {
            let node = &world.nodes[id.0 as usize];
            node.process.is_some() && !node.stalled
        };
        let targets: Vec<NodeId> = self.scenario.cluster.ids().filter(|id| well(self, id)).collect();
        let leader = self.leader().filter(|leader| targets.contains(leader));
        match (aim, leader) {
            (Aim::All, _) => targets,
            (Aim::Leader, Some(leader)) => vec![leader],
            (Aim::Leader, None) | (Aim::Any, _) if targets.is_empty() => targets,
            (Aim::Leader, None) | (Aim::Any, _) => {
                let drawn = self.choices.below(Site::Nemesis, targets.len() as u64);
                vec![targets[drawn as usize]]
            }
        }
    }

    fn draw_nodes(&mut self, size: u64) -> BTreeSet<NodeId> {
        let mut left: Vec<NodeId> = self.scenario.cluster.ids().collect();
        let mut drawn = BTreeSet::new();
        while (drawn.len() as u64) < size && !left.is_empty() {
            let place = self.choices.below(Site::Nemesis, left.len() as u64) as usize;
            drawn.insert(left.swap_remove(place));
        }
        drawn
    }
}
