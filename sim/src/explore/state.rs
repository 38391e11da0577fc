//! A state of the world as a few numbers, and the state after a move.
//!
//! Holds: a state's sums are the sums of the fingerprints of everything in it, once by each of the names; the least of them
//! stands for it and for all that differ from it in names only.
//! Not here: which moves there are (`moves`), and which states were seen (`breadth`).

use super::Explorable;
use super::cast::{Cast, Outcome, Unknown};
use super::judge::{self, Broken, Look, Memory};
use super::stage::Stage;
use super::turn::Node;
use super::what::{Move, Spent, What};
use crate::digest::Digest;
use crate::protocol::NodeId;
use crate::scenario::{Answers, Property};

/// A state of the world.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Each node's player, then the messages under way, in order.
    pub(super) numbers: Vec<u32>,
    pub(super) memory: u32,
    pub(super) spent: Spent,
    /// The sum of all fingerprints, by each of the names.
    pub(super) sums: Vec<u128>,
}

/// What comes of a move.
pub(super) enum Step {
    /// A state.
    To,
    /// Nothing that was not possible before.
    Nothing,
    /// A state beyond the bounds.
    Beyond,
    /// A broken promise.
    Breaks(Broken),
    /// Something has to be found out first.
    Unknown(Unknown),
}

impl State {
    /// A state of these players and messages.
    pub(super) fn new<P: Explorable>(
        cast: &Cast<P>,
        players: &[u32],
        mut posts: Vec<u32>,
        memory: u32,
    ) -> State {
        posts.sort_unstable();
        let numbers: Vec<u32> = players.iter().copied().chain(posts.iter().copied()).collect();
        let spent = Spent::default();
        let mut state = State { numbers, memory, spent, sums: vec![print_of_spent(spent); cast.names.len()] };
        players.iter().for_each(|player| state.add(cast.player_prints(*player)));
        posts.iter().for_each(|post| state.add(cast.post_prints(*post)));
        state.add(cast.memory_prints(memory));
        state
    }

    /// Becomes a copy of another state, in the room that it has.
    pub(super) fn copy(&mut self, other: &State) {
        self.set(&other.numbers, other.memory, other.spent, &other.sums);
    }

    /// Becomes a state of these parts, in the room that it has.
    pub(super) fn set(&mut self, numbers: &[u32], memory: u32, spent: Spent, sums: &[u128]) {
        self.numbers.clear();
        self.numbers.extend_from_slice(numbers);
        (self.memory, self.spent) = (memory, spent);
        self.sums.clear();
        self.sums.extend_from_slice(sums);
    }

    /// Each node's player.
    pub(super) fn players(&self, nodes: usize) -> &[u32] {
        &self.numbers[..nodes]
    }

    /// The messages under way, in order, each as often as it is there.
    pub(super) fn posts(&self, nodes: usize) -> &[u32] {
        &self.numbers[nodes..]
    }

    /// What stands for this state and all that are like it.
    pub(super) fn fingerprint(&self) -> u128 {
        self.sums.iter().copied().min().unwrap_or_default()
    }

    fn add(&mut self, prints: &[u128]) {
        self.sums.iter_mut().zip(prints).for_each(|(sum, print)| *sum = sum.wrapping_add(*print));
    }

    fn remove(&mut self, prints: &[u128]) {
        self.sums.iter_mut().zip(prints).for_each(|(sum, print)| *sum = sum.wrapping_sub(*print));
    }

    fn remove_post<P: Explorable>(&mut self, cast: &Cast<P>, place: usize) {
        let post = self.numbers.remove(place);
        self.remove(cast.post_prints(post));
    }

    fn add_post<P: Explorable>(&mut self, cast: &Cast<P>, nodes: usize, post: u32) {
        let place = nodes + self.posts(nodes).partition_point(|other| *other <= post);
        self.numbers.insert(place, post);
        self.add(cast.post_prints(post));
    }
}

fn print_of_spent(spent: Spent) -> u128 {
    let mut digest = Digest::new();
    digest.word(spent.word());
    digest.value()
}

/// How a move is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct How {
    /// Whether what cannot matter is left out: messages that can do nothing any more.
    pub(super) reduce: bool,
    /// Whether a move that changes nothing is not made.
    pub(super) skip_idle: bool,
}

/// What comes of a move, with the answers to a message if they arrive with it: `now` is made the state after it. `outcome` is
/// what is known to become of the node. With `reduce`, what cannot matter is left out: a move that changes nothing, and
/// messages that can do nothing any more.
pub(super) fn follow<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    (what, outcome): (Move, Option<u32>),
    reduce: bool,
    now: &mut State,
) -> Step {
    now.copy(state);
    let how = How { reduce, skip_idle: reduce };
    match follow_one(stage, cast, now, (what, outcome), how) {
        Step::To if stage.bounds.answers == Answers::AtOnce => {}
        step => return step,
    }
    for answer in answers(stage, cast, state, what) {
        let waits = answer.what.post().is_some_and(|post| now.posts(stage.nodes()).contains(&post));
        if !waits {
            continue;
        }
        // An answer that changes nothing arrives all the same.
        let known = cast.outcome(now.players(stage.nodes())[answer.node as usize], answer);
        match follow_one(stage, cast, now, (answer, known), How { reduce, skip_idle: false }) {
            Step::To | Step::Nothing => {}
            step @ (Step::Beyond | Step::Breaks(_) | Step::Unknown(_)) => return step,
        }
    }
    Step::To
}

/// The arrivals of what a node answers at once to whose message arrives.
pub(super) fn answers<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    what: Move,
) -> Vec<Move> {
    let Some(post) = what.what.post() else { return Vec::new() };
    let asker = cast.posts[post as usize].letter.sender.0 as u8;
    let player = state.players(stage.nodes())[what.node as usize];
    let Some(outcome) = cast.outcome(player, what) else { return Vec::new() };
    let sent = cast.outcomes[outcome as usize].sent.iter();
    let to_asker = sent.filter(|post| cast.receiver(**post) == Some(asker));
    to_asker.map(|post| Move { node: asker, what: What::Deliver(*post) }).collect()
}

/// Follows one move: `state` becomes the state after it.
pub(super) fn follow_one<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &mut State,
    (what, outcome): (Move, Option<u32>),
    how: How,
) -> Step {
    let before = state.players(stage.nodes())[what.node as usize];
    let Some(outcome) = outcome else {
        return Step::Unknown(Unknown::Outcome(before, what));
    };
    let outcome = &cast.outcomes[outcome as usize];
    if let Some(panic) = &outcome.panic {
        let summary = format!("an assertion of the protocol failed: {panic}");
        return Step::Breaks(Broken { property: Property::Invariant, summary });
    }
    if cast.players[outcome.player as usize].term > u64::from(stage.bounds.terms) {
        return Step::Beyond;
    }
    let idle = outcome.player == before && outcome.sent.is_empty() && outcome.sightings.is_empty();
    if idle && how.skip_idle {
        // Whatever may come after it may come without it: it only takes a message away, or uses up a bound.
        return Step::Nothing;
    }
    let memory = match remember(stage, cast, state, what, outcome) {
        Ok(memory) => memory,
        Err(step) => return step,
    };
    if memory != state.memory {
        state.remove(cast.memory_prints(state.memory));
        state.add(cast.memory_prints(memory));
        state.memory = memory;
    }
    advance(stage, cast, state, what, outcome, how.reduce);
    Step::To
}

/// The memory after the sightings of a move.
fn remember<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    what: Move,
    outcome: &Outcome,
) -> Result<u32, Step> {
    if outcome.sightings.is_empty() {
        return Ok(state.memory);
    }
    let players = state.players(stage.nodes());
    let all = |id: NodeId| -> &Node<P> { &cast.players[players[id.0 as usize] as usize].node };
    let kept = &cast.memories[state.memory as usize];
    // Where nobody begins to lead or learns of a commit, nothing is looked up and nothing noted.
    let mut memory = if outcome.is_watched { kept.clone() } else { Memory::default() };
    for seen in &outcome.sightings {
        let node = NodeId(u32::from(what.node));
        judge::look(&mut memory, &Look { stage, node, all: &all, seen }).map_err(Step::Breaks)?;
    }
    if !outcome.is_watched || memory == *kept {
        return Ok(state.memory);
    }
    cast.memory(&memory).ok_or(Step::Unknown(Unknown::Memory(memory)))
}

/// The node becomes what it becomes; messages go and come, and bounds are used up.
fn advance<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &mut State,
    what: Move,
    outcome: &Outcome,
    reduce: bool,
) {
    let (nodes, node) = (stage.nodes(), what.node as usize);
    let before = state.players(nodes)[node];
    let spent = state.spent.after(what, &cast.players[before as usize].timers);
    if spent != state.spent {
        let more = print_of_spent(spent).wrapping_sub(print_of_spent(state.spent));
        state.sums.iter_mut().for_each(|sum| *sum = sum.wrapping_add(more));
        state.spent = spent;
    }
    if let What::Deliver(post) = what.what
        && let Ok(place) = state.posts(nodes).binary_search(&post)
    {
        state.remove_post(cast, nodes + place);
    }
    if outcome.player != before {
        state.remove(cast.player_prints(before));
        state.add(cast.player_prints(outcome.player));
        state.numbers[node] = outcome.player;
        let mut place = nodes;
        while reduce && place < state.numbers.len() {
            let post = state.numbers[place];
            if cast.receiver(post) == Some(what.node) && cast.is_over(outcome.player, post) {
                state.remove_post(cast, place);
            } else {
                place += 1;
            }
        }
    }
    for &post in &outcome.sent {
        let is_over =
            cast.receiver(post).is_none_or(|receiver| cast.is_over(state.numbers[receiver as usize], post));
        if !(reduce && is_over) {
            state.add_post(cast, nodes, post);
        }
    }
}
