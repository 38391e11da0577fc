//! Faults and operations that come by themselves, again and again, while the world is busy.
//!
//! Holds: a strike ends before the same nemesis strikes again, and undoes what it did and nothing else; a strike beyond
//! the scenario's budget is not made, and that is a record.
//! Not here: what faults do (`faults`), what the budget is (`fault_budget`), and faults at a set moment (`runner`).

use std::collections::{BTreeMap, BTreeSet};

use super::agenda::Event;
use super::node::Node;
use super::strike::{Clog, Direction, Notice, Strike};
use super::{OperationState, World};
use crate::check::Glance;
use crate::choices::Site;
use crate::protocol::{Address, Change, ChangeMembers, Inspect, NodeId, Operation, Protocol, QuorumSets};
use crate::scenario::{Aim, NemesisKind, NodeFault, Operator, Shape, When};
use crate::trace::Link;
use crate::trace::{Place, What};

impl<P: Protocol> World<P> {
    pub(crate) fn start_nemeses(&mut self) {
        for number in 0..self.hands.nemeses.len() {
            if !self.hands.nemeses[number].queued {
                self.queue_nemesis(number);
            }
        }
    }

    /// Something happened at a node: is it what a nemesis waits for?
    pub(crate) fn cue(&mut self, node: NodeId, fact: &str) {
        if !self.hands.busy {
            return;
        }
        for (number, plan) in self.scenario.nemeses.iter().enumerate() {
            let When::On(cue) = plan.when else { continue };
            let known = self.hands.cued.iter().any(|&(other, at, _)| (other, at) == (number, node));
            let waits = self.hands.nemeses[number].strike.is_none() && !known;
            if waits && cue.name() == fact {
                self.hands.cued.push((number, node, self.ledger.trace.cause()));
            }
        }
    }

    /// Lets those strike that were waiting for what just happened.
    pub(crate) fn strike_on_cue(&mut self) {
        for (number, node, cause) in std::mem::take(&mut self.hands.cued) {
            if self.hands.nemeses[number].strike.is_some() || self.choices.below(Site::Nemesis, 2) == 0 {
                continue;
            }
            self.begin_event();
            self.hands.focus = Some(node);
            self.hands.nemeses[number].strike = self.caused_by(cause, |world| world.strike(number));
            self.hands.focus = None;
            self.queue_nemesis(number);
        }
        // What a strike itself brings about is no cue.
        self.hands.cued.clear();
    }

    fn queue_nemesis(&mut self, number: usize) {
        let plan = self.scenario.nemeses[number];
        let relief = self.hands.nemeses[number].strike.is_some();
        let wait = match plan.when {
            _ if relief => plan.lasting,
            When::Every(time) => time,
            When::On(_) => return,
        };
        let after = self.choices.within(Site::Nemesis, wait);
        self.hands.nemeses[number].queued = true;
        self.agenda.push(self.now.after(after), Event::Nemesis { nemesis: number as u32, relief });
    }

    pub(crate) fn on_nemesis(&mut self, number: usize) {
        self.hands.nemeses[number].queued = false;
        if !self.hands.busy && !self.mends(number) {
            return;
        }
        self.begin_event();
        self.hands.nemeses[number].strike = match self.hands.nemeses[number].strike.take() {
            Some(strike) => {
                let began = self.record(Place::World, What::Strikes { nemesis: number, relief: true });
                self.caused_by(Some(began), |world| world.go_on(strike))
            }
            None => self.strike(number),
        };
        if self.hands.busy || self.mends(number) {
            self.queue_nemesis(number);
        }
    }

    /// Whether a nemesis is an operator who has a mistake to put right. That goes on while everything else rests.
    fn mends(&self, number: usize) -> bool {
        matches!(self.hands.nemeses[number].strike, Some(Strike::Mistake(_)))
    }

    /// Undoes what nemeses did, or begins to.
    pub(crate) fn end_strikes(&mut self) {
        for number in 0..self.hands.nemeses.len() {
            if self.mends(number) {
                if !self.hands.nemeses[number].queued {
                    self.queue_nemesis(number);
                }
                continue;
            }
            match self.hands.nemeses[number].strike.take() {
                Some(Strike::Clog(Clog { clogged, .. })) => {
                    clogged.into_iter().for_each(|(_, links)| self.open_links(&links));
                }
                // Whether the cluster will ever learn of the move is open: the machine answers at both addresses.
                Some(Strike::Move(Notice { node, .. }, from)) => self.wire.network.bind_also(node, from),
                Some(strike @ (Strike::Cut(_) | Strike::Hit(..))) => {
                    self.go_on(strike);
                }
                Some(Strike::Mistake(_)) | None => {}
            }
        }
    }

    /// Whether a node has moved and the cluster does not know yet.
    pub(crate) fn is_moving(&self, id: NodeId) -> bool {
        self.hands.nemeses.iter().any(|state| state.moves() == Some(id))
    }

    /// Whether the cluster may take a node to live where another one does.
    pub(crate) fn is_mistaken(&self, id: NodeId) -> bool {
        self.hands.nemeses.iter().any(|state| state.mistakes() == Some(id))
    }

    fn strike(&mut self, number: usize) -> Option<Strike> {
        let began = self.record(Place::World, What::Strikes { nemesis: number, relief: false });
        self.caused_by(Some(began), |world| world.begin_strike(number))
    }

    fn begin_strike(&mut self, number: usize) -> Option<Strike> {
        match self.scenario.nemeses[number].kind {
            NemesisKind::Partition { shape } => self.cut(shape),
            NemesisKind::SwizzleClog => self.begin_clog(),
            NemesisKind::Hit { fault, aim } => self.hit(fault, aim),
            NemesisKind::Operate { operator } => match operator {
                Operator::Transfer => self.transfer(),
                Operator::Snapshot => self.snapshot_someone(),
                Operator::Membership => self.change_members(),
                Operator::SingleServer => self.change_one_member(),
                Operator::Removal => self.remove_one_member(),
                Operator::Address => self.begin_move(),
                Operator::ForeignAddress => self.mistake_an_address(),
                Operator::LeaveJoint => self.leave_joint(),
            },
        }
    }

    /// Undoes a strike, or takes it to its next stage.
    fn go_on(&mut self, strike: Strike) -> Option<Strike> {
        match strike {
            Strike::Cut(links) => {
                self.open_links(&links);
                None
            }
            Strike::Hit(fault, nodes) => {
                nodes.into_iter().for_each(|node| self.end_fault(node, fault));
                None
            }
            Strike::Clog(clog) => self.go_on_clogging(clog),
            Strike::Move(notice, from) => self.give_notice(notice).map(|notice| Strike::Move(notice, from)),
            Strike::Mistake(notice) => self.give_notice(notice).map(Strike::Mistake),
        }
    }

    fn hit(&mut self, fault: NodeFault, aim: Aim) -> Option<Strike> {
        let nodes = self.aim(fault, aim);
        if nodes.is_empty() {
            return None;
        }
        if !self.allows(&nodes, fault) {
            return self.hold_back(fault.name());
        }
        nodes.iter().for_each(|&node| self.begin_fault(node, fault));
        // What is over at once needs no end.
        (!matches!(fault, NodeFault::Reboot)).then_some(Strike::Hit(fault, nodes))
    }

    /// Notes that a strike would be more than a correct cluster must survive.
    fn hold_back(&mut self, what: &'static str) -> Option<Strike> {
        self.note("strike-held-back");
        self.record(Place::World, What::HeldBack { what });
        None
    }

    // Links.

    fn open_links(&mut self, links: &[Direction]) {
        for &(from, to) in links {
            self.set_link(from, to, Link::Open);
        }
    }

    /// Cuts the open links that a shape cuts.
    fn cut(&mut self, shape: Shape) -> Option<Strike> {
        let heard = self.heard(shape);
        let leader = self.leader();
        let mut links = Vec::new();
        for from in self.scenario.cluster.ids() {
            for to in self.scenario.cluster.ids() {
                if from != to && !heard(from, to) && self.wire.network.link(from, to) == Link::Open {
                    let fades = shape == Shape::LeaderFades && leader == Some(to);
                    self.set_link(from, to, if fades { Link::Fading } else { Link::Cut });
                    links.push((from, to));
                }
            }
        }
        self.note("partitioned");
        Some(Strike::Cut(links))
    }

    /// Draws a partition: whether what the first node says reaches the second.
    fn heard(&mut self, shape: Shape) -> Box<dyn Fn(NodeId, NodeId) -> bool> {
        let nodes = self.nodes.len() as u64;
        let one_side: BTreeSet<NodeId> = match shape {
            Shape::LeaderAlone | Shape::LeaderFades => {
                self.aim(NodeFault::Crash, Aim::Leader).into_iter().collect()
            }
            Shape::OneWay => self.aim(NodeFault::Crash, Aim::Any).into_iter().collect(),
            Shape::LeaderWithOthers => self.voters_beside_leader(),
            Shape::Halves => self.draw_nodes(nodes / 2).into_iter().collect(),
            Shape::Majority => self.draw_minority().into_iter().collect(),
            Shape::Random => {
                let size = 1 + self.choices.below(Site::Nemesis, nodes.saturating_sub(1));
                self.draw_nodes(size).into_iter().collect()
            }
            Shape::Bridge => return self.bridge(),
            Shape::Ring => return self.ring(),
        };
        match shape {
            Shape::OneWay => Box::new(move |from, to| one_side.contains(&from) || !one_side.contains(&to)),
            _ => Box::new(move |from, to| one_side.contains(&from) == one_side.contains(&to)),
        }
    }

    /// The voters of a leader's first set, the leader aside; nobody when nobody leads.
    fn voters_beside_leader(&self) -> BTreeSet<NodeId> {
        let Some(leader) = self.hands.focus.or(self.leader()) else { return BTreeSet::new() };
        let mut first = self.quorums_of(leader).into_iter().next().unwrap_or_default();
        first.remove(&leader);
        first
    }

    /// Two halves, and one node that reaches both.
    fn bridge(&mut self) -> Box<dyn Fn(NodeId, NodeId) -> bool> {
        let order = self.draw_nodes(self.nodes.len() as u64);
        let bridge = order.first().copied();
        let half: BTreeSet<NodeId> = order.iter().skip(1).step_by(2).copied().collect();
        Box::new(move |from, to| {
            Some(from) == bridge || Some(to) == bridge || half.contains(&from) == half.contains(&to)
        })
    }

    /// Nodes in a random ring; each hears itself and enough of those that follow it to be a majority.
    fn ring(&mut self) -> Box<dyn Fn(NodeId, NodeId) -> bool> {
        let order = self.draw_nodes(self.nodes.len() as u64);
        let places: BTreeMap<NodeId, usize> = order.iter().copied().zip(0..).collect();
        let nodes = order.len();
        Box::new(move |from, to| {
            let ahead = (places[&from] + nodes - places[&to]) % nodes;
            ahead <= nodes / 2
        })
    }

    fn begin_clog(&mut self) -> Option<Strike> {
        let nodes = self.nodes.len() as u64;
        let size = 1 + self.choices.below(Site::Nemesis, nodes);
        let clog = Clog { ahead: self.draw_nodes(size), clogged: Vec::new() };
        self.note("swizzle-clog");
        self.go_on_clogging(clog)
    }

    fn go_on_clogging(&mut self, mut clog: Clog) -> Option<Strike> {
        if let Some(node) = clog.ahead.pop() {
            let links = self.close_links(node, Link::Held);
            clog.clogged.push((node, links));
            return Some(Strike::Clog(clog));
        }
        let place = self.choices.below(Site::Nemesis, clog.clogged.len() as u64) as usize;
        let (_, links) = clog.clogged.swap_remove(place);
        for (from, to) in links {
            // A link to a node that is still clogged is freed with that one.
            match clog.clogged.iter_mut().find(|(node, _)| *node == from || *node == to) {
                Some((_, inherited)) => inherited.push((from, to)),
                None => self.set_link(from, to, Link::Open),
            }
        }
        (!clog.clogged.is_empty()).then_some(Strike::Clog(clog))
    }

    /// Closes the open links of a node, and tells which.
    fn close_links(&mut self, node: NodeId, how: Link) -> Vec<Direction> {
        let mut links = Vec::new();
        for other in self.scenario.cluster.ids().filter(|&other| other != node) {
            for (from, to) in [(node, other), (other, node)] {
                if self.wire.network.link(from, to) == Link::Open {
                    self.set_link(from, to, how);
                    links.push((from, to));
                }
            }
        }
        links
    }

    // What operators do.

    fn transfer(&mut self) -> Option<Strike> {
        let leader = self.draw_leader()?;
        let to = self.draw_voter_but(leader)?;
        self.operate(leader, Operation::Transfer { to });
        None
    }

    fn snapshot_someone(&mut self) -> Option<Strike> {
        let running = |id: &NodeId| {
            let node = &self.nodes[id.0 as usize];
            node.process.is_some() && !node.trouble.paused && node.glance.applied > node.snapshot_at
        };
        let targets: Vec<NodeId> = self.scenario.cluster.ids().filter(running).collect();
        let node = self.draw(&targets)?;
        self.snapshot(node);
        None
    }

    /// One change of the members, of those that an operator who looks first would ask for.
    fn change_members(&mut self) -> Option<Strike> {
        let leader = self.draw_leader()?;
        let sets = self.quorums_of(leader);
        let (change, wanted) = self.draw_change(leader, &sets)?;
        self.ask_for(leader, change, &wanted)
    }

    /// One voter more or less.
    fn change_one_member(&mut self) -> Option<Strike> {
        let leader = self.draw_leader()?;
        let sets = self.quorums_of(leader);
        let fit = |id: &NodeId| !self.nodes[id.0 as usize].trouble.is_lost();
        let nodes: Vec<NodeId> = self.scenario.cluster.ids().filter(fit).collect();
        let node = self.draw(&nodes)?;
        let one = BTreeSet::from([node]);
        let (change, wanted) = if sets.iter().any(|set| set.contains(&node)) {
            (Change::RemoveServer { node }, sets.iter().map(|set| set - &one).collect())
        } else {
            let address = self.nodes[node.0 as usize].address;
            (Change::AddServer { node, address }, sets.iter().map(|set| set | &one).collect())
        };
        self.ask_for(leader, change, &wanted)
    }

    /// One voter less. Nobody is ever taken back.
    fn remove_one_member(&mut self) -> Option<Strike> {
        let leader = self.draw_leader()?;
        let sets = self.quorums_of(leader);
        let all: Vec<NodeId> = voters(sets.clone()).into_iter().collect();
        let node = self.draw(&all)?;
        let wanted = sets.iter().map(|set| set - &BTreeSet::from([node])).collect();
        self.ask_for(leader, Change::RemoveServer { node }, &wanted)
    }

    /// Asks for a change that leads to these voter sets, if the budget allows them.
    fn ask_for(&mut self, leader: NodeId, change: Change, wanted: &QuorumSets) -> Option<Strike> {
        if wanted.iter().any(BTreeSet::is_empty) {
            return None;
        }
        if !self.allows_voters(wanted) {
            return self.hold_back("membership");
        }
        self.note("membership-change-asked");
        self.operate(leader, Operation::Change(change));
        None
    }

    /// A change, and the voter sets that it leads to if it touches any.
    fn draw_change(&mut self, leader: NodeId, sets: &QuorumSets) -> Option<(Change, QuorumSets)> {
        let voters = voters(sets.clone());
        let learners = self.nodes[leader.0 as usize].process.as_ref()?.learners();
        let fit = |id: &NodeId| !self.nodes[id.0 as usize].trouble.is_lost();
        let outsiders: Vec<NodeId> =
            self.scenario.cluster.ids().filter(|id| !voters.contains(id) && !learners.contains(id)).collect();
        let outsiders: Vec<NodeId> = outsiders.into_iter().filter(fit).collect();
        let candidates: Vec<NodeId> = voters.iter().chain(&learners).copied().filter(fit).collect();
        let lost: Vec<NodeId> = voters.iter().copied().filter(|id| !fit(id)).collect();
        let all_learners: Vec<NodeId> = learners.iter().copied().collect();
        let fit_learners: Vec<NodeId> = all_learners.iter().copied().filter(fit).collect();
        let retain = self.choices.below(Site::Nemesis, 2) == 1;
        // A lost voter is replaced as soon as someone else can vote in its place.
        let kind = if lost.is_empty() {
            self.choices.below(Site::Nemesis, 6)
        } else {
            self.choices.below(Site::Nemesis, 3)
        };
        let (members, wanted) = match kind {
            0 => {
                let node = self.draw(&outsiders)?;
                let address = self.nodes[node.0 as usize].address;
                return Some((Change::AddLearner { node, address, blocking: false }, Vec::new()));
            }
            1 => {
                let added = BTreeSet::from([self.draw(&fit_learners)?]);
                let wanted = sets.iter().map(|set| set | &added).collect();
                (ChangeMembers::AddVoterIds(added), wanted)
            }
            2 => {
                let target = if lost.is_empty() { voters.iter().copied().collect() } else { lost };
                let removed = BTreeSet::from([self.draw(&target)?]);
                let wanted = sets.iter().map(|set| set - &removed).collect();
                (ChangeMembers::RemoveVoters(removed), wanted)
            }
            3 => {
                let voters = self.draw_some(&candidates);
                (ChangeMembers::ReplaceAllVoters(voters.clone()), vec![voters])
            }
            4 => (ChangeMembers::RemoveNodes(BTreeSet::from([self.draw(&all_learners)?])), Vec::new()),
            _ => {
                let kept = sets.get(self.choices.below(Site::Nemesis, sets.len() as u64) as usize)?.clone();
                // A joint config may be left for any of its sets; any set may be joined, of strangers as well.
                let leaves = sets.len() > 1 && self.choices.below(Site::Nemesis, 4) == 0;
                let everyone: Vec<NodeId> = candidates.iter().chain(&outsiders).copied().collect();
                let joined = (!leaves).then(|| self.draw_some(&everyone));
                let sets: QuorumSets = std::iter::once(kept).chain(joined).collect();
                let strangers = outsiders.iter().filter(|id| sets.iter().any(|set| set.contains(id)));
                let nodes = strangers.map(|&id| (id, self.nodes[id.0 as usize].address)).collect();
                return Some((Change::Append { sets: sets.clone(), nodes, retain }, sets));
            }
        };
        Some((Change::Members { members, retain }, wanted))
    }

    /// One of those who believe to lead a joint config is asked to leave it, to either side. If it begins to, it is cut
    /// off in the same moment: nobody else knows of the change yet.
    fn leave_joint(&mut self) -> Option<Strike> {
        let leaders: Vec<NodeId> = self.leaders().filter(|&id| self.quorums_of(id).len() > 1).collect();
        let leader = self.draw(&leaders)?;
        let sets = self.quorums_of(leader);
        let set = sets.get(self.choices.below(Site::Nemesis, sets.len() as u64) as usize)?.clone();
        if !self.allows_voters(std::slice::from_ref(&set)) {
            return self.hold_back("leave-joint");
        }
        let retain = self.choices.below(Site::Nemesis, 2) == 1;
        let members = ChangeMembers::ReplaceAllVoters(set);
        let links = self.close_links(leader, Link::Cut);
        self.note("membership-change-asked");
        self.operate(leader, Operation::Change(Change::Members { members, retain }));
        if self.quorums_of(leader).len() > 1 {
            self.open_links(&links);
            return None;
        }
        Some(Strike::Cut(links))
    }

    /// Moves a node to an address that nobody ever had, and tells the leader.
    fn begin_move(&mut self) -> Option<Strike> {
        let to = self.scenario.cluster.nodes.len() + self.hands.vacancies_used;
        if to >= self.scenario.cluster.addresses.len() {
            return None;
        }
        let node = *self.aim(NodeFault::Pause, Aim::Any).first()?;
        if !self.allows(&[node], NodeFault::Pause) {
            return self.hold_back("address");
        }
        self.hands.vacancies_used += 1;
        let (from, to) = (self.nodes[node.0 as usize].address, Address(to as u32));
        self.note("address-changed");
        self.bind(node, to);
        self.give_notice(Notice { node, request: None }).map(|notice| Strike::Move(notice, from))
    }

    /// Tells a leader that a voter lives where another node does, which may be the leader itself. The right address is
    /// told when the strike ends.
    fn mistake_an_address(&mut self) -> Option<Strike> {
        let leader = self.draw_leader()?;
        let node = self.draw_voter_but(leader)?;
        let foreign: Vec<NodeId> = self.scenario.cluster.ids().filter(|&other| other != node).collect();
        let foreign = self.draw(&foreign)?;
        if !self.allows(&[node], NodeFault::Pause) {
            return self.hold_back("foreign-address");
        }
        let foreign = self.nodes[foreign.0 as usize].address;
        self.note("address-mistaken");
        self.operate(leader, set_address(node, foreign));
        Some(Strike::Mistake(Notice { node, request: None }))
    }

    /// Asks whoever leads to make the address of a node known, until that is done.
    fn give_notice(&mut self, notice: Notice) -> Option<Notice> {
        match notice.request.map(|request| self.operation(request)) {
            Some(OperationState::Done) => return None,
            Some(OperationState::Pending | OperationState::Refused(_)) | None => {}
        }
        let Some(leader) = self.leader() else { return Some(notice) };
        let change = set_address(notice.node, self.nodes[notice.node.0 as usize].address);
        let request = Some(self.operate(leader, change));
        Some(Notice { request, ..notice })
    }

    // Whom to hit.

    /// Whom to hit, of those that are up and do not suffer from the same thing already.
    fn aim(&mut self, fault: NodeFault, aim: Aim) -> Vec<NodeId> {
        let well = |id: &NodeId| {
            let node = &self.nodes[id.0 as usize];
            node.process.is_some() && !node.stalled && !self.suffers(*id, fault)
        };
        let targets: Vec<NodeId> = self.scenario.cluster.ids().filter(well).collect();
        let aimed = match aim {
            Aim::All => return targets,
            Aim::Minority => {
                let minority = self.draw_minority();
                return minority.into_iter().filter(|node| targets.contains(node)).collect();
            }
            Aim::Any => self.hands.focus.filter(|node| targets.contains(node)),
            Aim::Leader => self.leader().filter(|leader| targets.contains(leader)),
            Aim::Candidate => self.heir(&targets),
            Aim::Committing => {
                let committing = self.those(&targets, |glance| glance.leads && glance.last > glance.commit);
                self.draw(&committing)
            }
            Aim::Deciding => {
                let deciding = self.deciding(&targets);
                self.draw(&deciding)
            }
            Aim::Joint => {
                let joint: Vec<NodeId> =
                    self.joint_voters().into_iter().filter(|id| targets.contains(id)).collect();
                self.draw(&joint)
            }
        };
        aimed.or_else(|| self.draw(&targets)).into_iter().collect()
    }

    /// Those of some nodes of which something is so.
    fn those(&self, targets: &[NodeId], holds: impl Fn(&Glance) -> bool) -> Vec<NodeId> {
        targets.iter().copied().filter(|id| holds(&self.nodes[id.0 as usize].glance)).collect()
    }

    /// Those that have not reached the epoch of whoever stands in the highest one.
    fn deciding(&self, targets: &[NodeId]) -> Vec<NodeId> {
        let stands =
            |node: &Node<P>| node.process.as_ref().is_some_and(|process| process.role() == "candidate");
        let standing = self.nodes.iter().filter(|node| stands(node)).map(|node| node.glance.epoch).max();
        standing.map_or_else(Vec::new, |epoch| self.those(targets, |glance| glance.epoch < epoch))
    }

    /// Whoever stands for election, or else the follower that knows most.
    fn heir(&self, targets: &[NodeId]) -> Option<NodeId> {
        let rank = |id: &NodeId| {
            let process = self.nodes[id.0 as usize].process.as_ref()?;
            let mark = process.mark(process.last()).map(|mark| mark.epoch);
            (!process.leads()).then(|| (process.role().contains("candidate"), mark, process.last(), *id))
        };
        targets.iter().filter_map(rank).max().map(|(.., id)| id)
    }

    /// Voters of some set of a joint config that are not in all of its sets.
    fn joint_voters(&self) -> Vec<NodeId> {
        let Some(leader) = self.leader() else { return Vec::new() };
        let sets = self.quorums_of(leader);
        let everywhere = |id: &NodeId| sets.iter().all(|set| set.contains(id));
        voters(sets.clone()).into_iter().filter(|id| !everywhere(id)).collect()
    }

    fn quorums_of(&self, node: NodeId) -> QuorumSets {
        self.nodes[node.0 as usize].process.as_ref().map(Inspect::quorums).unwrap_or_default()
    }

    /// A node that believes to lead: an operator may be connected to one that was deposed.
    fn draw_leader(&mut self) -> Option<NodeId> {
        let leaders: Vec<NodeId> = self.leaders().collect();
        if let Some(focus) = self.hands.focus.filter(|focus| leaders.contains(focus)) {
            return Some(focus);
        }
        self.draw(&leaders)
    }

    /// Any voter of a leader's, the leader aside.
    fn draw_voter_but(&mut self, leader: NodeId) -> Option<NodeId> {
        let voters = voters(self.quorums_of(leader));
        let others: Vec<NodeId> = voters.into_iter().filter(|&voter| voter != leader).collect();
        self.draw(&others)
    }

    fn draw(&mut self, nodes: &[NodeId]) -> Option<NodeId> {
        let place = self.choices.below(Site::Nemesis, nodes.len() as u64) as usize;
        nodes.get(place).copied()
    }

    /// At least one of some nodes.
    fn draw_some(&mut self, nodes: &[NodeId]) -> BTreeSet<NodeId> {
        let size = 1 + self.choices.below(Site::Nemesis, nodes.len() as u64);
        self.draw_of(nodes.to_vec(), size).into_iter().collect()
    }

    /// At least one node, unless there is no minority.
    fn draw_minority(&mut self) -> Vec<NodeId> {
        let most = (self.nodes.len() as u64).saturating_sub(1) / 2;
        let size = (1 + self.choices.below(Site::Nemesis, most)).min(most);
        self.draw_nodes(size)
    }

    fn draw_nodes(&mut self, size: u64) -> Vec<NodeId> {
        self.draw_of(self.scenario.cluster.ids().collect(), size)
    }

    fn draw_of(&mut self, mut left: Vec<NodeId>, size: u64) -> Vec<NodeId> {
        let mut drawn = Vec::new();
        while (drawn.len() as u64) < size && !left.is_empty() {
            let place = self.choices.below(Site::Nemesis, left.len() as u64) as usize;
            drawn.push(left.swap_remove(place));
        }
        drawn
    }
}

/// The change by which a node is reached at an address.
fn set_address(node: NodeId, address: Address) -> Operation {
    let members = ChangeMembers::SetNodes(BTreeMap::from([(node, address)]));
    Operation::Change(Change::Members { members, retain: true })
}

/// Everyone with a vote in some set.
fn voters(sets: QuorumSets) -> BTreeSet<NodeId> {
    sets.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::echo::Echo;
    use crate::time::Moment;

    fn world(nodes: usize, nemesis: &str) -> World<Echo> {
        let names: Vec<String> = (0..nodes).map(|node| format!("'n{node}'")).collect();
        let text = format!(
            "title = 'echo'\nsource = 'here'\n[cluster]\nmembers = [{}]\n{nemesis}\n[story]\n\
             steps = [{{ settle = true }}]\n[expect]\nviolations = 'none'\n",
            names.join(", ")
        );
        let scenario = crate::scenario::parse("echo.toml", &text).unwrap().scenario;
        crate::runner::world(&scenario, 1, false).unwrap()
    }

    /// Whom each node hears, itself included.
    fn heard(nodes: usize, shape: Shape) -> Vec<BTreeSet<NodeId>> {
        let mut world = world(nodes, "");
        let hears = world.heard(shape);
        let ids = || world.scenario.cluster.ids();
        ids().map(|to| ids().filter(|&from| from == to || hears(from, to)).collect()).collect()
    }

    #[test]
    fn in_a_ring_everyone_hears_a_majority_of_their_own() {
        for nodes in 3..9 {
            let heard = heard(nodes, Shape::Ring);
            assert!(heard.iter().all(|set| set.len() == nodes / 2 + 1), "{heard:?}");
            let distinct: BTreeSet<_> = heard.iter().collect();
            assert_eq!(distinct.len(), nodes);
        }
    }

    #[test]
    fn a_bridge_is_the_only_one_that_both_halves_hear() {
        let heard = heard(7, Shape::Bridge);
        let bridges = heard.iter().filter(|set| set.len() == 7).count();
        let halves = heard.iter().filter(|set| set.len() == 4).count();
        assert_eq!((bridges, halves), (1, 6), "{heard:?}");
    }

    #[test]
    fn shapes_are_as_large_as_they_should_be() {
        let size = |shape| heard(5, shape)[0].len();
        assert!([2, 3].contains(&size(Shape::Halves)));
        assert!([1, 2, 3, 4].contains(&size(Shape::Majority)));
        let one_way = heard(5, Shape::OneWay);
        assert_eq!(one_way.iter().filter(|set| set.len() == 1).count(), 1, "one hears nobody");
        assert_eq!(one_way.iter().filter(|set| set.len() == 5).count(), 4, "and is heard by all");
    }

    #[test]
    fn what_is_clogged_is_freed_in_the_end() {
        let mut world = world(5, "[[nemesis]]\nkind = 'swizzle-clog'\nevery = '1s'\nlasting = '10ms..50ms'");
        world.set_busy(true);
        let held = |world: &World<Echo>| {
            let ids: Vec<NodeId> = world.scenario.cluster.ids().collect();
            let pairs = ids.iter().flat_map(|&from| ids.iter().map(move |&to| (from, to)));
            pairs.filter(|&(from, to)| world.wire.network.link(from, to) == Link::Held).count()
        };
        let mut most = 0;
        let mut freed = 0;
        for step in 1..2_000 {
            world.run_until(Moment(step * 10_000_000));
            most = most.max(held(&world));
            freed += u32::from(held(&world) == 0);
        }
        assert!(most >= 14, "two nodes of five and more: {most}");
        assert!(freed > 500, "between two strikes everything is free: {freed}");
        world.heal();
        assert_eq!(held(&world), 0);
    }
}
