//! Breadth first, layer by layer: every state that a run within the bounds can reach, each once.
//!
//! Holds: what is counted and found, and in which order, does not depend on how many threads work: they divide batches of a
//! fixed size, and their results are put together in the order of the batch. Kept of a state are its fingerprint and the move
//! that led to it; whole states are kept of two layers only.
//! Not here: what is done with one state (`expand`), which moves sleep (`sleep`), and how a run is told (`trail`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Explorable;
use super::cast::Cast;
use super::expand::{Expanded, View, expand};
use super::judge::Broken;
use super::layer::{Layer, Number, Spot};
use super::shard::{Part, SHARDS, Shard, shard_of};
use super::stage::Stage;
use super::state::State;
use super::table::Table;
use super::{Limits, Progress};

/// How many states are expanded before their successors are merged.
const BATCH: usize = 16_384;
/// How many of them a thread takes at a time.
const CHUNK: usize = 1_024;

/// The search.
pub(super) struct Search<'a, P: Explorable> {
    pub(super) stage: &'a Stage<P>,
    pub(super) cast: Cast<P>,
    pub(super) shards: Vec<Shard>,
    /// The states that are looked at, part by part.
    pub(super) layer: Vec<Layer>,
    /// Nodes from which a healed cluster agrees.
    pub(super) healed: Table,
    pub(super) limits: Limits,
    /// How many moves were followed.
    pub(super) followed: u64,
    /// How many of them led beyond a bound.
    pub(super) beyond: u64,
    /// The longest way to a state.
    pub(super) layers: u32,
    /// How many states wait.
    pub(super) waiting: u64,
    /// The most memory that was taken.
    pub(super) bytes_max: usize,
}

/// How a search ended.
pub(super) enum End {
    /// Nothing is left.
    Whole,
    /// This move after this state breaks a promise, or the state itself is a trap.
    Broken(Number, Option<u16>, Broken),
    /// A limit was met.
    GaveUp(String),
}

impl<'a, P: Explorable> Search<'a, P> {
    /// Nothing is seen.
    pub(super) fn new(stage: &'a Stage<P>, cast: Cast<P>, limits: Limits) -> Search<'a, P> {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        let (followed, beyond, layers, waiting, bytes_max) = (0, 0, 0, 0, 0);
        let layer = Vec::new();
        Search {
            stage,
            cast,
            shards,
            layer,
            healed: Table::default(),
            limits,
            followed,
            beyond,
            layers,
            waiting,
            bytes_max,
        }
    }

    /// How many states were seen.
    pub(super) fn states(&self) -> u64 {
        self.shards.iter().map(|shard| shard.len() as u64).sum()
    }

    /// How much memory what is kept of all states takes, without those that wait.
    pub(super) fn kept_bytes(&self) -> usize {
        self.shards.iter().map(Shard::kept_bytes).sum::<usize>() + self.healed.bytes()
    }

    /// The way to a state: from the state that it was reached from, and the place of the move.
    pub(super) fn way_to(&self, mut number: Number) -> Vec<u16> {
        let mut way = Vec::new();
        loop {
            let shard = &self.shards[number as usize % SHARDS];
            let local = number as usize / SHARDS;
            let (parent, place) = shard.way(local);
            if parent == number {
                break;
            }
            way.push(place);
            number = parent;
        }
        way.reverse();
        way
    }

    /// Searches from a state on.
    pub(super) fn run(&mut self, first: State, stop: &mut dyn FnMut(&Progress) -> bool) -> End {
        let fingerprint = first.fingerprint();
        let shard = shard_of(fingerprint);
        let number = shard as Number;
        self.shards[shard].begin(number, &first);
        loop {
            self.layer.clear();
            for shard in &mut self.shards {
                self.layer.push(shard.take_next());
            }
            if self.layer.iter().all(|part| part.len() == 0) || self.layers >= self.stage.bounds.depth {
                return End::Whole;
            }
            if let Some(end) = self.run_layer(stop) {
                return end;
            }
            self.layers += u32::from(self.shards.iter().any(|shard| shard.next().len() > 0));
        }
    }

    fn run_layer(&mut self, stop: &mut dyn FnMut(&Progress) -> bool) -> Option<End> {
        let spots: Vec<Spot> = (0..)
            .zip(&self.layer)
            .flat_map(|(part, layer)| (0..layer.len()).map(move |place| (part, place)))
            .collect();
        let mut left = spots.len();
        for batch in spots.chunks(BATCH) {
            left -= batch.len();
            if let Some((parent, place, broken)) = self.run_batch(batch) {
                return Some(End::Broken(parent, place, broken));
            }
            // What was looked at is not needed any more.
            let done = spots.get(spots.len() - left).map_or(SHARDS, |(part, _)| *part);
            self.layer[..done].iter_mut().for_each(|part| *part = Layer::default());
            if let Some(met) = self.limit_met(left, stop) {
                return Some(End::GaveUp(met));
            }
        }
        None
    }

    /// The limit that is met when so many states of the layer wait.
    fn limit_met(&mut self, left: usize, stop: &mut dyn FnMut(&Progress) -> bool) -> Option<String> {
        let next: usize = self.shards.iter().map(|shard| shard.next().len()).sum();
        self.waiting = (left + next) as u64;
        let waiting = self.shards.iter().map(Shard::next).chain(&self.layer);
        let bytes = self.kept_bytes() + self.cast.bytes() + waiting.map(Layer::bytes).sum::<usize>();
        self.bytes_max = self.bytes_max.max(bytes);
        if self.waiting == 0 {
            return None;
        }
        let progress = Progress { states: self.states(), waiting: self.waiting, layer: self.layers };
        if progress.states >= self.limits.states {
            Some(format!("{} states", self.limits.states))
        } else if bytes as u64 >= self.limits.bytes {
            Some(format!("{} MiB of memory", self.limits.bytes >> 20))
        } else {
            stop(&progress).then(|| String::from("the end of its time"))
        }
    }

    /// Expands a batch and merges what it leads to. Returns the first broken promise.
    fn run_batch(&mut self, batch: &[Spot]) -> Option<(Number, Option<u16>, Broken)> {
        let mut todo: Vec<Spot> = batch.to_vec();
        let mut lists: Vec<Vec<Part>> = (0..SHARDS).map(|_| Vec::new()).collect();
        let mut first: Option<(Number, Option<u16>, Broken)> = None;
        while !todo.is_empty() {
            let expanded = self.expand_all(&todo);
            todo.clear();
            let mut unknown = Vec::new();
            for chunk in expanded {
                for (list, part) in lists.iter_mut().zip(chunk.parts) {
                    list.push(part);
                }
                todo.extend(chunk.again);
                unknown.extend(chunk.unknown);
                chunk.healed.into_iter().for_each(|print| _ = self.healed.insert(print, 0));
                self.followed += chunk.followed;
                self.beyond += chunk.beyond;
                first = first.or(chunk.broken.into_iter().next());
            }
            for unknown in unknown {
                self.cast.learn(self.stage, unknown);
            }
        }
        self.merge(lists);
        first
    }

    fn expand_all(&self, todo: &[Spot]) -> Vec<Expanded> {
        let view = View {
            stage: self.stage,
            cast: &self.cast,
            shards: &self.shards,
            layer: &self.layer,
            healed: &self.healed,
            reduce: self.limits.reduction,
        };
        let chunks: Vec<&[Spot]> = todo.chunks(CHUNK).collect();
        let workers = self.limits.threads.min(chunks.len());
        if workers <= 1 {
            return chunks.iter().map(|chunk| expand(&view, chunk)).collect();
        }
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(number) else { return done };
                done.push((number, expand(&view, chunk)));
            }
        };
        let mut done: Vec<(usize, Expanded)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|worker| worker.join().expect("a worker does not panic"));
            joined.flatten().collect()
        });
        done.sort_by_key(|(number, _)| *number);
        done.into_iter().map(|(_, expanded)| expanded).collect()
    }

    fn merge(&mut self, lists: Vec<Vec<Part>>) {
        let mut work: Vec<(usize, &mut Shard, Vec<Part>)> = (0..)
            .zip(&mut self.shards)
            .zip(lists)
            .map(|((place, shard), lists)| (place, shard, lists))
            .collect();
        let each = SHARDS.div_ceil(self.limits.threads.max(1));
        let total: usize = work.iter().flat_map(|(.., lists)| lists).map(Part::len).sum();
        if each >= SHARDS || total < BATCH {
            for (place, shard, lists) in work {
                shard.merge(place, lists);
            }
            return;
        }
        thread::scope(|scope| {
            while !work.is_empty() {
                let part: Vec<_> = work.drain(..each.min(work.len())).collect();
                scope.spawn(|| {
                    for (place, shard, lists) in part {
                        shard.merge(place, lists);
                    }
                });
            }
        });
    }
}
