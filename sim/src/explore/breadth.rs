//! Breadth first, layer by layer: every state that a run within the bounds can reach, each once.
//!
//! Holds: what is counted and found, and in which order, does not depend on how many threads work: they divide batches of a
//! fixed size, and their results are put together in the order of the batch. Kept of a state are its fingerprint and the move
//! that led to it; whole states are kept of two layers only.
//! Not here: one state (`state`), and how a run is told (`trail`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Explorable;
use super::cast::{Cast, Unknown};
use super::judge::Broken;
use super::moves::moves;
use super::stage::Stage;
use super::state::{State, Step, follow};
use super::table::Table;
use super::what::{Move, What};
use super::{Limits, Progress};
use crate::scenario::Answers;

/// How many parts the states are kept in; each is merged by one thread. States are numbered part by part.
const SHARDS: usize = 16;
/// How many states are expanded before their successors are merged.
const BATCH: usize = 16_384;
/// How many of them a thread takes at a time.
const CHUNK: usize = 256;

/// The number of a state.
pub(super) type Number = u32;

/// A state that waits to be expanded.
struct Waiting {
    state: State,
    number: Number,
    sleep: Sleep,
}

/// Moves that need not be made: they were possible before the last move, at a node of a lower number, so that the other
/// order leads to the same state (sleep sets, Godefroid 1996).
///
/// Every state is reached all the same, in its layer. Let `a` be possible and asleep in a state `s` of layer `n`, reached from
/// `p` by `c`, where `a` was possible too, at a lower node. Moves at two nodes commute, for a move changes its own node, takes
/// a message from it and adds messages: so `c` after `a` from `p` leads where `a` leads from `s`. By induction over layers,
/// and in one layer from higher nodes to lower ones, the state after `a` from `p` is reached in layer `n` or before, and `c`
/// is followed there or need not be: `c` is of a higher node than `a`. A state that is reached twice sleeps only as both ways
/// let it. What nodes are called may differ where nodes change places, and with it which is the higher: there a move sleeps
/// only if it was followed from `p` itself; then the state after it has `c` awake, or was there before.
///
/// The promises see the same: they look at moves one by one, and where they look at two of different nodes together (a reign
/// that begins, a commit that is learned) both orders are followed. Clients' requests are numbered as they come, so they do
/// not commute.
#[derive(Clone, Debug, Default)]
struct Sleep {
    /// One bit for each node whose moves sleep.
    nodes: u32,
    /// Messages that the last move sent: their arrival does not sleep.
    but: Vec<u32>,
    /// Whether clients' requests do not sleep.
    but_requests: bool,
}

/// A state that was reached.
struct Reached {
    fingerprint: u128,
    /// The fingerprint by its own names.
    raw: u128,
    parent: Number,
    place: u16,
    sleep: Sleep,
    /// `None` when it is known already.
    state: Option<State>,
}

/// What a chunk of states leads to.
struct Expanded {
    reached: [Vec<Reached>; SHARDS],
    broken: Vec<(Number, u16, Broken)>,
    again: Vec<usize>,
    unknown: Vec<Unknown>,
    followed: u64,
    beyond: u64,
}

/// A part of all states.
#[derive(Default)]
struct Shard {
    seen: Table,
    parents: Vec<Number>,
    places: Vec<u16>,
    /// The states of the next layer, in order of their numbers.
    next: Vec<Waiting>,
    /// How many states of the part are of earlier layers.
    earlier: usize,
    waiting_bytes: usize,
}

/// The search.
pub(super) struct Search<'a, P: Explorable> {
    pub(super) stage: &'a Stage<P>,
    pub(super) cast: Cast<P>,
    shards: Vec<Shard>,
    limits: Limits,
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
    /// This move after this state breaks a promise.
    Broken(Number, u16, Broken),
    /// A limit was met.
    GaveUp(String),
}

impl<'a, P: Explorable> Search<'a, P> {
    /// Nothing is seen.
    pub(super) fn new(stage: &'a Stage<P>, cast: Cast<P>, limits: Limits) -> Search<'a, P> {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        let (followed, beyond, layers, waiting, bytes_max) = (0, 0, 0, 0, 0);
        Search { stage, cast, shards, limits, followed, beyond, layers, waiting, bytes_max }
    }

    /// How many states were seen.
    pub(super) fn states(&self) -> u64 {
        self.shards.iter().map(|shard| shard.seen.len() as u64).sum()
    }

    /// How much memory what is kept of all states takes, without those that wait.
    pub(super) fn kept_bytes(&self) -> usize {
        self.shards.iter().map(Shard::kept_bytes).sum()
    }

    /// The way to a state: from the state that it was reached from, and the place of the move.
    pub(super) fn way_to(&self, mut number: Number) -> Vec<u16> {
        let mut way = Vec::new();
        loop {
            let shard = &self.shards[number as usize % SHARDS];
            let local = number as usize / SHARDS;
            if shard.parents[local] == number {
                break;
            }
            way.push(shard.places[local]);
            number = shard.parents[local];
        }
        way.reverse();
        way
    }

    /// Searches from a state on.
    pub(super) fn run(&mut self, first: State, stop: &mut dyn FnMut(&Progress) -> bool) -> End {
        let fingerprint = first.fingerprint();
        let shard = shard_of(fingerprint);
        let number = shard as Number;
        let root = &mut self.shards[shard];
        root.seen.insert(fingerprint, 0);
        root.parents.push(number);
        root.places.push(0);
        root.next.push(Waiting { state: first, number, sleep: Sleep::default() });
        loop {
            let mut layer: Vec<Waiting> = Vec::new();
            for shard in &mut self.shards {
                layer.append(&mut shard.next);
                shard.next = Vec::new();
                shard.earlier = shard.seen.len();
                shard.waiting_bytes = 0;
            }
            if layer.is_empty() {
                return End::Whole;
            }
            if self.layers >= self.stage.bounds.depth {
                return End::Whole;
            }
            if let Some(end) = self.run_layer(layer, stop) {
                return end;
            }
            self.layers += u32::from(self.shards.iter().any(|shard| !shard.next.is_empty()));
        }
    }

    fn run_layer(&mut self, layer: Vec<Waiting>, stop: &mut dyn FnMut(&Progress) -> bool) -> Option<End> {
        let mut left = layer.len();
        let mut layer = layer.into_iter();
        let waiting_bytes: usize =
            layer.as_slice().first().map_or(0, |first| first.state.bytes() + 40) * left;
        loop {
            let batch: Vec<Waiting> = layer.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return None;
            }
            left -= batch.len();
            if let Some((parent, place, broken)) = self.run_batch(&batch) {
                return Some(End::Broken(parent, place, broken));
            }
            drop(batch);
            let next: usize = self.shards.iter().map(|shard| shard.next.len()).sum();
            self.waiting = (left + next) as u64;
            let next_bytes: usize = self.shards.iter().map(|shard| shard.waiting_bytes).sum();
            let bytes = self.kept_bytes() + self.cast.bytes() + waiting_bytes + next_bytes;
            self.bytes_max = self.bytes_max.max(bytes);
            if self.waiting == 0 {
                continue;
            }
            let progress = Progress { states: self.states(), waiting: self.waiting, layer: self.layers };
            let met = if progress.states >= self.limits.states {
                format!("{} states", self.limits.states)
            } else if bytes as u64 >= self.limits.bytes {
                format!("{} MiB of memory", self.limits.bytes >> 20)
            } else if stop(&progress) {
                String::from("the end of its time")
            } else {
                continue;
            };
            return Some(End::GaveUp(met));
        }
    }

    /// Expands a batch and merges what it leads to. Returns the first broken promise.
    fn run_batch(&mut self, batch: &[Waiting]) -> Option<(Number, u16, Broken)> {
        let mut todo: Vec<usize> = (0..batch.len()).collect();
        let mut lists: Vec<Vec<Vec<Reached>>> = (0..SHARDS).map(|_| Vec::new()).collect();
        let mut first: Option<(Number, u16, Broken)> = None;
        while !todo.is_empty() {
            let expanded = self.expand_all(batch, &todo);
            todo.clear();
            let mut unknown = Vec::new();
            for chunk in expanded {
                for (list, reached) in lists.iter_mut().zip(chunk.reached) {
                    list.push(reached);
                }
                todo.extend(chunk.again);
                unknown.extend(chunk.unknown);
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

    fn expand_all(&self, batch: &[Waiting], todo: &[usize]) -> Vec<Expanded> {
        let chunks: Vec<&[usize]> = todo.chunks(CHUNK).collect();
        let workers = self.limits.threads.min(chunks.len());
        if workers <= 1 {
            return chunks.iter().map(|chunk| self.expand_chunk(batch, chunk)).collect();
        }
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = chunks.get(number) else { return done };
                done.push((number, self.expand_chunk(batch, chunk)));
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

    fn expand_chunk(&self, batch: &[Waiting], places: &[usize]) -> Expanded {
        let mut expanded = Expanded {
            reached: core::array::from_fn(|_| Vec::new()),
            broken: Vec::new(),
            again: Vec::new(),
            unknown: Vec::new(),
            followed: 0,
            beyond: 0,
        };
        let (mut buffer, mut reached) = (Vec::new(), Vec::new());
        for &place in places {
            let unknown = expanded.unknown.len();
            let (followed, beyond, broken) = (expanded.followed, expanded.beyond, expanded.broken.len());
            reached.clear();
            self.expand(&batch[place], &mut buffer, &mut reached, &mut expanded);
            if expanded.unknown.len() > unknown {
                expanded.again.push(place);
                (expanded.followed, expanded.beyond) = (followed, beyond);
                expanded.broken.truncate(broken);
                continue;
            }
            for reached in reached.drain(..) {
                expanded.reached[shard_of(reached.fingerprint)].push(reached);
            }
        }
        expanded
    }

    fn expand(
        &self,
        waiting: &Waiting,
        buffer: &mut Vec<Move>,
        reached: &mut Vec<Reached>,
        expanded: &mut Expanded,
    ) {
        let Waiting { state, number, sleep } = waiting;
        moves(self.stage, &self.cast, state, buffer);
        let mut seen_by_all = Watched::default();
        for (place, &what) in (0u16..).zip(&*buffer) {
            let outcome = seen_by_all.note(&self.cast, state, self.stage.nodes(), what);
            if self.limits.reduction && sleep.covers(what) {
                continue;
            }
            match follow(self.stage, &self.cast, state, what, self.limits.reduction) {
                Step::Nothing => {}
                Step::Beyond => expanded.beyond += 1,
                Step::Unknown(unknown) => expanded.unknown.push(unknown),
                Step::Breaks(broken) => expanded.broken.push((*number, place, broken)),
                Step::To(next) => {
                    expanded.followed += 1;
                    let nodes = self.sleeping_after(what, sleep, &seen_by_all);
                    let sleep = self.sleep_after(what, nodes, outcome);
                    reached.push(self.reach(next, *number, place, sleep));
                }
            }
        }
    }

    /// The nodes whose moves sleep after a move.
    fn sleeping_after(&self, what: Move, sleep: &Sleep, watched: &Watched) -> u32 {
        let lower = (1u32 << what.node) - 1;
        let asleep = lower & !watched.nodes;
        // Where nodes may change places, only what was really tried from here may sleep.
        if self.cast.names.len() > 1 { asleep & !sleep.nodes } else { asleep }
    }

    fn sleep_after(&self, what: Move, nodes: u32, outcome: Option<u32>) -> Sleep {
        // An exchange concerns two nodes, and moves of neither commute with it.
        if !self.limits.reduction || self.stage.bounds.answers == Answers::AtOnce {
            return Sleep::default();
        }
        let sent = outcome.map_or(&[][..], |outcome| &self.cast.outcomes[outcome as usize].sent);
        let sleeps = |post: &u32| {
            let receiver = self.cast.posts[*post as usize].receiver;
            receiver.is_some_and(|receiver| nodes >> receiver & 1 == 1)
        };
        let but = sent.iter().copied().filter(sleeps).collect();
        Sleep { nodes, but, but_requests: matches!(what.what, What::Ask(_)) }
    }

    fn reach(&self, state: State, parent: Number, place: u16, sleep: Sleep) -> Reached {
        let (fingerprint, raw) = (state.fingerprint(), state.sums[0]);
        let known = self.shards[shard_of(fingerprint)].seen.get(fingerprint).is_some();
        Reached { fingerprint, raw, parent, place, sleep, state: (!known).then_some(state) }
    }

    fn merge(&mut self, lists: Vec<Vec<Vec<Reached>>>) {
        let mut work: Vec<(usize, &mut Shard, Vec<Vec<Reached>>)> = (0..)
            .zip(&mut self.shards)
            .zip(lists)
            .map(|((place, shard), lists)| (place, shard, lists))
            .collect();
        let each = SHARDS.div_ceil(self.limits.threads.max(1));
        let total: usize = work.iter().flat_map(|(.., lists)| lists).map(Vec::len).sum();
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

fn shard_of(fingerprint: u128) -> usize {
    (fingerprint >> 60) as usize % SHARDS
}

/// Nodes with a move that the promises look at together with other nodes: such moves are made in every order.
#[derive(Default)]
struct Watched {
    nodes: u32,
}

impl Watched {
    /// Notes a move of a state; gives what became of it, if that is known.
    fn note<P: Explorable>(
        &mut self,
        cast: &Cast<P>,
        state: &State,
        nodes: usize,
        what: Move,
    ) -> Option<u32> {
        let outcome = cast.outcome(state.players(nodes)[what.node as usize], what);
        let is_watched = outcome.is_none_or(|outcome| cast.outcomes[outcome as usize].is_watched());
        self.nodes |= u32::from(is_watched) << what.node;
        outcome
    }
}

impl Sleep {
    fn covers(&self, what: Move) -> bool {
        if self.nodes >> what.node & 1 == 0 {
            return false;
        }
        match what.what {
            What::Deliver(post) | What::DeliverAndKeep(post) => !self.but.contains(&post),
            What::Ask(_) => !self.but_requests,
            What::Finish | What::Stand | What::Fire(_) | What::Crash(_) | What::Operate(_) => true,
        }
    }

    /// Lets sleep only what sleeps both ways.
    fn meet(&mut self, other: &Sleep, is_same: bool) {
        self.nodes = if is_same { self.nodes & other.nodes } else { 0 };
        self.but_requests |= other.but_requests;
        for post in &other.but {
            if !self.but.contains(post) {
                self.but.push(*post);
            }
        }
    }
}

impl Shard {
    fn kept_bytes(&self) -> usize {
        self.seen.bytes() + self.parents.capacity() * size_of::<Number>() + self.places.capacity() * 2
    }

    fn merge(&mut self, place: usize, lists: Vec<Vec<Reached>>) {
        for reached in lists.into_iter().flatten() {
            let local = self.parents.len();
            let Reached { fingerprint, raw, parent, place: by, sleep, state } = reached;
            let Some(state) = state else {
                let known = self.seen.get(fingerprint).expect("it was known before");
                self.wake(known as usize, raw, &sleep);
                continue;
            };
            if let Some(known) = self.seen.insert(fingerprint, local as u32) {
                self.wake(known as usize, raw, &sleep);
                continue;
            }
            self.parents.push(parent);
            self.places.push(by);
            let number = (local * SHARDS + place) as Number;
            self.waiting_bytes += state.bytes() + size_of::<Sleep>() + 8;
            self.next.push(Waiting { state, number, sleep });
        }
    }

    /// A state of the next layer was reached once more.
    fn wake(&mut self, local: usize, raw: u128, sleep: &Sleep) {
        let Some(place) = local.checked_sub(self.earlier) else { return };
        let waiting = &mut self.next[place];
        let is_same = waiting.state.sums[0] == raw;
        waiting.sleep.meet(sleep, is_same);
    }
}
