//! The promises, judged over every order: what must be remembered of a run for it, and no more.
//!
//! Holds: each promise is judged as its checker does (`check`), but logs are compared with those that nodes hold now, not
//! with all that there ever were; so what breaks here breaks in a run.
//! Not here: what clients see; reads are not explored.

use super::Explorable;
use super::stage::Stage;
use super::turn::{Node, Sighting};
use crate::protocol::{Disk as _, EntryMark, Epoch, NodeId, Shown};
use crate::scenario::Property;

/// What is remembered of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Who led each epoch, in order of epochs.
    pub(super) reigns: Vec<(Epoch, NodeId)>,
    /// For each epoch in which somebody learned of a commit, the furthest entry.
    pub(super) committed: Vec<(Epoch, u64, EntryMark)>,
    /// The committed log: what was first taken for committed at each index.
    pub(super) chosen: Vec<(u64, EntryMark)>,
    /// How far each node ever knew the log to be committed.
    pub(super) known: Vec<u64>,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) property: Property,
    pub(super) summary: String,
}

/// Who is looked at, and when.
pub(super) struct Look<'a, P: Explorable> {
    pub(super) stage: &'a Stage<P>,
    pub(super) node: NodeId,
    /// All nodes; the one itself as it was before.
    pub(super) all: &'a dyn Fn(NodeId) -> &'a Node<P>,
    pub(super) seen: &'a Sighting,
}

/// Looks at a step of a node and remembers what must be.
pub(super) fn look<P: Explorable>(memory: &mut Memory, at: &Look<'_, P>) -> Result<(), Broken> {
    at.log()?;
    at.reign(memory)?;
    at.commit(memory)?;
    at.fall()
}

impl<P: Explorable> Look<'_, P> {
    fn name(&self, node: NodeId) -> &str {
        self.stage.scenario.cluster.name(node)
    }

    /// A broken promise, if it is judged.
    fn breaks(
        &self,
        property: Property,
        is_broken: bool,
        summary: impl FnOnce() -> String,
    ) -> Result<(), Broken> {
        if !is_broken || self.stage.not_judged.contains(&property) {
            return Ok(());
        }
        Err(Broken { property, summary: summary() })
    }

    fn log(&self) -> Result<(), Broken> {
        let (before, now) = (self.seen.before, self.seen.now);
        let Some(from) = self.seen.log_changed_from else { return Ok(()) };
        let reigned = before.leads && now.leads && before.epoch == now.epoch;
        let name = self.name(self.node);
        self.breaks(Property::LeaderAppendOnly, reigned && from <= before.last, || {
            format!("{name} changed its own log while it led epoch {}", now.epoch.0)
        })?;
        let others = (0..self.stage.nodes() as u32).map(NodeId).filter(|other| *other != self.node);
        let index = others.map(self.all).find_map(|other| mismatch(other, &self.seen.marks, from));
        self.breaks(Property::LogMatching, index.is_some(), || {
            format!("two different entries have index {} and one epoch", index.unwrap_or_default())
        })
    }

    fn reign(&self, memory: &mut Memory) -> Result<(), Broken> {
        let epoch = self.seen.now.epoch;
        let name = self.name(self.node);
        if self.seen.begins() && !self.stage.not_judged.contains(&Property::ElectionSafety) {
            let first = first_of(&mut memory.reigns, epoch, self.node);
            self.breaks(Property::ElectionSafety, first != self.node, || {
                format!("{} and {name} both lead epoch {}", self.name(first), epoch.0)
            })?;
        }
        if self.stage.not_judged.contains(&Property::LeaderCompleteness) {
            return Ok(());
        }
        let lost = misses(memory, self.seen, self.seen.begins());
        self.breaks(Property::LeaderCompleteness, lost.is_some(), || {
            format!("{name} leads epoch {} without the committed entry {}", epoch.0, lost.unwrap_or_default())
        })
    }

    fn commit(&self, memory: &mut Memory) -> Result<(), Broken> {
        let (before, now) = (self.seen.before, self.seen.now);
        let name = self.name(self.node);
        if before.commit < now.commit && learns(memory, self.node, now.commit) && now.leads {
            let early = lacks_a_majority(self.node, self.all, self.seen);
            self.breaks(Property::CommitDurability, early, || {
                format!("{name} committed index {} before a majority had it on disk", now.commit)
            })?;
        }
        for index in before.commit + 1..=now.commit {
            let Some(mark) = mark_at(&self.seen.marks, index) else { continue };
            let differs = first_of(&mut memory.chosen, index, mark) != mark;
            self.breaks(Property::StateMachineSafety, differs, || {
                format!("{name} commits another entry at index {index} than was committed")
            })?;
        }
        Ok(())
    }

    fn fall(&self) -> Result<(), Broken> {
        let (before, now) = (self.seen.before, self.seen.now);
        let falls = P::shows().contains(&Shown::Reigns) && now.epoch < before.epoch
            || now.commit < before.commit
            || now.applied < before.applied
            || now.applied > now.commit;
        self.breaks(Property::Monotonicity, falls, || format!("{} went back", self.name(self.node)))
    }
}

/// What stands first for a key; what is given, if it is the first.
fn first_of<K: Ord + Copy, V: Copy>(list: &mut Vec<(K, V)>, key: K, value: V) -> V {
    match list.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(place) => list[place].1,
        Err(place) => {
            list.insert(place, (key, value));
            value
        }
    }
}

fn mark_at(marks: &[(u64, EntryMark)], index: u64) -> Option<EntryMark> {
    let place = marks.binary_search_by_key(&index, |(index, _)| *index).ok()?;
    Some(marks[place].1)
}

/// An index at which another node holds a different entry of the same epoch, or one that follows another epoch.
fn mismatch<P: Explorable>(other: &Node<P>, marks: &[(u64, EntryMark)], from: u64) -> Option<u64> {
    let process = other.process.as_ref()?;
    let differs = |&(index, mark): &(u64, EntryMark)| {
        let theirs = process.mark(index).filter(|theirs| theirs.epoch == mark.epoch)?;
        let before = |mark: Option<EntryMark>| mark.map(|mark| mark.epoch);
        let ours = before(mark_at(marks, index - 1)).zip(before(process.mark(index - 1)));
        (theirs != mark || ours.is_some_and(|(one, two)| one != two)).then_some(index)
    };
    marks.iter().filter(|(index, _)| from <= *index).find_map(differs)
}

/// Notes a commit; the committed entry that a new leader does not hold.
fn misses(memory: &mut Memory, seen: &Sighting, begins: bool) -> Option<u64> {
    let now = seen.now;
    if now.commit > seen.before.commit
        && let Some(mark) = mark_at(&seen.marks, now.commit)
    {
        let epoch = now.epoch.max(mark.epoch);
        match memory.committed.binary_search_by_key(&epoch, |(epoch, ..)| *epoch) {
            Ok(place) if memory.committed[place].1 < now.commit => {
                memory.committed[place] = (epoch, now.commit, mark);
            }
            Ok(_) => {}
            Err(place) => memory.committed.insert(place, (epoch, now.commit, mark)),
        }
    }
    if !begins {
        return None;
    }
    let earlier = memory.committed.iter().filter(|(epoch, ..)| *epoch < now.epoch);
    let &(_, index, mark) = earlier.max_by_key(|(_, index, _)| *index)?;
    let held = mark_at(&seen.marks, index);
    let compacted = held.is_none() && now.commit >= index;
    (!compacted && held != Some(mark)).then_some(index)
}

/// Whether a node did not know that the log is committed so far.
fn learns(memory: &mut Memory, node: NodeId, index: u64) -> bool {
    let place = node.0 as usize;
    if memory.known.len() <= place {
        memory.known.resize(place + 1, 0);
    }
    let news = index > memory.known[place];
    memory.known[place] = memory.known[place].max(index);
    news
}

fn lacks_a_majority<'a, P: Explorable>(
    node: NodeId,
    all: &'a dyn Fn(NodeId) -> &'a Node<P>,
    seen: &Sighting,
) -> bool {
    let index = seen.now.commit;
    let Some(mark) = mark_at(&seen.marks, index) else { return false };
    let durable = |voter: NodeId| {
        let disk = &all(voter).disk;
        if voter == node { seen.holds } else { disk.mark(index) == Some(mark) || index <= disk.snapshot() }
    };
    seen.voters.iter().any(|set| set.iter().filter(|voter| durable(**voter)).count() * 2 <= set.len())
}
