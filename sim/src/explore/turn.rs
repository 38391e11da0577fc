//! One node's turn: something happens to it, and this is what becomes of it.
//!
//! Holds: a turn is a pure function of the node and of what happens, so it needs to be computed once.
//! Not here: what the turn means for the others (`state`), and for the promises (`judge`).

use std::sync::Arc;

use super::Explorable;
use super::stage::Stage;
use crate::check::Glance;
use crate::panics;
use crate::protocol::{
    Address, Boot, Disk, Effect, Effects, EntryMark, Input, NodeId, Operation, Protocol, QuorumSets,
    RequestId, WriteId,
};

/// A node, with all that decides about its future.
#[derive(Clone, Debug)]
pub(super) struct Node<P: Protocol> {
    pub(super) id: NodeId,
    /// `None` once it has ended on purpose.
    pub(super) process: Option<P>,
    pub(super) disk: P::Disk,
    /// Oldest first.
    pub(super) unfinished: Vec<(WriteId, <P::Disk as Disk>::Write)>,
    /// Those that are set, in order.
    pub(super) timers: Vec<P::Timer>,
    pub(super) incarnation: u64,
    /// What it showed after its last step.
    pub(super) glance: Glance,
}

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Letter<M> {
    /// Which machine sent it.
    pub(super) sender: NodeId,
    /// Who the sender says to be.
    pub(super) from: NodeId,
    /// Whom it means.
    pub(super) to: NodeId,
    /// Where it goes.
    pub(super) address: Address,
    pub(super) message: M,
}

/// What happens to a node.
#[derive(Clone, Debug)]
pub(super) enum Happens<P: Protocol> {
    Arrives(Letter<P::Message>),
    Fires(P::Timer),
    /// What it waits for a leader by fires, through its election timer.
    Stands,
    /// The oldest unfinished write is durable.
    Finishes,
    /// The process dies and is started again; so many parts of its unfinished writes reach the disk.
    Crashes(usize),
    Asked(RequestId, Arc<[u8]>),
    Operated(RequestId, Operation),
}

/// What checkers would have been shown after a step.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) before: Glance,
    pub(super) now: Glance,
    pub(super) log_changed_from: Option<u64>,
    /// Every entry that the node holds, by index.
    pub(super) marks: Vec<(u64, EntryMark)>,
    /// The voters, when a leader's commit rose.
    pub(super) voters: QuorumSets,
    /// Whether the own disk holds what is committed.
    pub(super) holds: bool,
}

impl Sighting {
    /// Whether the node begins to lead.
    pub(super) fn begins(&self) -> bool {
        self.now.leads && !(self.before.leads && self.before.epoch == self.now.epoch)
    }

    /// Whether the node begins to lead or learns of a commit.
    pub(super) fn is_watched(&self) -> bool {
        self.begins() || self.before.commit < self.now.commit
    }
}

/// What becomes of a node.
#[derive(Clone, Debug)]
pub(super) struct Turn<P: Protocol> {
    pub(super) node: Node<P>,
    pub(super) sent: Vec<Letter<P::Message>>,
    pub(super) sightings: Vec<Sighting>,
    /// The words of a failed assertion.
    pub(super) panic: Option<String>,
}

impl<P: Explorable> Node<P> {
    /// A machine before its first boot.
    pub(super) fn new(id: NodeId, disk: P::Disk) -> Node<P> {
        Node {
            id,
            process: None,
            disk,
            unfinished: Vec::new(),
            timers: Vec::new(),
            incarnation: 0,
            glance: Glance::default(),
        }
    }

    /// How many parts of its writes are not durable.
    pub(super) fn unfinished_parts(&self) -> usize {
        self.unfinished.iter().map(|(_, write)| P::Disk::parts(write)).sum()
    }

    /// Every entry that its process holds.
    pub(super) fn marks(&self) -> Vec<(u64, EntryMark)> {
        let Some(process) = &self.process else { return Vec::new() };
        (1..=process.last()).filter_map(|index| Some((index, process.mark(index)?))).collect()
    }
}

/// Boots a machine for the first time.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone is for one lifetime only")]
pub(super) fn first_boot<P: Explorable>(stage: &Stage<P>, node: Node<P>) -> Turn<P> {
    run(stage, node, |running| running.boot())
}

/// What becomes of a node.
pub(super) fn turn<P: Explorable>(stage: &Stage<P>, node: &Node<P>, happens: Happens<P>) -> Turn<P> {
    run(stage, node.clone(), |running| match happens {
        Happens::Arrives(letter) => {
            let Letter { sender, from, to, message, .. } = letter;
            let source = stage.home(sender);
            running.step(Input::Received { from, source, to, message });
        }
        Happens::Fires(timer) => running.fire(timer),
        Happens::Stands => standing(node).into_iter().for_each(|timer| running.fire(timer)),
        Happens::Finishes => running.finish_oldest(),
        Happens::Crashes(kept) => running.crash(kept),
        Happens::Asked(request, command) => running.step(Input::Proposed { request, command }),
        Happens::Operated(request, operation) => running.step(Input::Operated { request, operation }),
    })
}

/// The timers that fire until a node stands for election.
pub(super) fn standing<P: Protocol>(node: &Node<P>) -> Vec<P::Timer> {
    let Some(election) = P::election_timer() else { return Vec::new() };
    let mut timers: Vec<P::Timer> =
        node.timers.iter().copied().filter(|timer| P::waits_for_leader(*timer)).collect();
    if timers.contains(&election) {
        return vec![election];
    }
    timers.push(election);
    timers
}

fn run<P: Explorable>(stage: &Stage<P>, node: Node<P>, act: impl FnOnce(&mut Running<'_, P>)) -> Turn<P> {
    let mut running =
        Running { stage, node, out: Effects::default(), sent: Vec::new(), sightings: Vec::new() };
    let panic = panics::catch(|| act(&mut running)).err();
    let Running { node, sent, sightings, .. } = running;
    Turn { node, sent, sightings, panic }
}

struct Running<'a, P: Explorable> {
    stage: &'a Stage<P>,
    node: Node<P>,
    out: Effects<P>,
    sent: Vec<Letter<P::Message>>,
    sightings: Vec<Sighting>,
}

impl<P: Explorable> Running<'_, P> {
    fn boot(&mut self) {
        self.node.incarnation += 1;
        let boot = Boot {
            id: self.node.id,
            settings: &self.stage.settings,
            disk: &self.node.disk,
            incarnation: self.node.incarnation,
            entropy: 0,
            now: 0,
        };
        self.node.process = Some(P::boot(boot, &mut self.out));
        self.finish_step();
    }

    fn crash(&mut self, mut kept: usize) {
        for (_, write) in core::mem::take(&mut self.node.unfinished) {
            let parts = P::Disk::parts(&write);
            let some = kept.min(parts);
            if some == parts {
                self.node.disk.apply(&write);
            } else if some > 0 {
                self.node.disk.apply(&P::Disk::prefix(&write, some));
            }
            kept -= some;
        }
        self.end_process();
        self.boot();
    }

    fn end_process(&mut self) {
        self.node.process = None;
        self.node.timers.clear();
        self.node.glance = Glance::default();
    }

    fn step(&mut self, input: Input<P>) {
        let Some(process) = &mut self.node.process else { return };
        process.step(input, &mut self.out);
        self.finish_step();
    }

    fn fire(&mut self, timer: P::Timer) {
        if self.node.timers.contains(&timer) {
            self.node.timers.retain(|set| *set != timer);
            self.step(Input::Fired(timer));
        }
    }

    fn finish_oldest(&mut self) {
        if self.node.unfinished.is_empty() {
            return;
        }
        let (through, write) = self.node.unfinished.remove(0);
        self.node.disk.apply(&write);
        self.step(Input::Persisted { through });
    }

    /// Performs what a step asks for, as a world does, and looks.
    fn finish_step(&mut self) {
        let log_changed_from = self.out.log_changed_from.take();
        let mut leaves = false;
        for effect in core::mem::take(&mut self.out.list) {
            match effect {
                Effect::Persist { id, write } => self.node.unfinished.push((id, write)),
                Effect::Send { from, to, address, message } => {
                    let sender = self.node.id;
                    self.sent.push(Letter { sender, from, to, address, message });
                }
                Effect::SetTimer { timer, .. } => {
                    if let Err(place) = self.node.timers.binary_search(&timer) {
                        self.node.timers.insert(place, timer);
                    }
                }
                Effect::CancelTimer(timer) => self.node.timers.retain(|set| *set != timer),
                Effect::ShutDown => leaves = true,
                Effect::Apply { .. }
                | Effect::Restore { .. }
                | Effect::Serve { .. }
                | Effect::Refuse { .. }
                | Effect::Done { .. }
                | Effect::Note(_) => {}
            }
        }
        self.look(log_changed_from);
        if leaves {
            for (_, write) in core::mem::take(&mut self.node.unfinished) {
                self.node.disk.apply(&write);
            }
            return self.end_process();
        }
        while self.stage.instant_disks && !self.node.unfinished.is_empty() {
            self.finish_oldest();
        }
    }

    fn look(&mut self, log_changed_from: Option<u64>) {
        let Some(process) = &self.node.process else { return };
        let (before, now) = (self.node.glance, Glance::of(process));
        if before == now && log_changed_from.is_none() {
            return;
        }
        let commits = now.leads && before.commit < now.commit;
        let voters = if commits { process.quorums() } else { QuorumSets::new() };
        let disk = &self.node.disk;
        let holds = process.mark(now.commit).is_some_and(|mark| disk.mark(now.commit) == Some(mark))
            || now.commit <= disk.snapshot();
        self.node.glance = now;
        let marks = self.node.marks();
        self.sightings.push(Sighting { before, now, log_changed_from, marks, voters, holds });
    }
}
