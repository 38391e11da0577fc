//! A state of the world as a few numbers, and the state after a move.
//!
//! Holds: a state's sums are the sums of the fingerprints of everything in it, once by each of the names; the least of them
//! stands for it and for all that differ from it in names only.
//! Not here: which moves there are (`moves`), and which states were seen (`breadth`).

use super::Explorable;
use super::cast::{Cast, Outcome, Unknown};
use super::judge::{self, Broken, Look};
use super::stage::Stage;
use super::turn::Node;
use super::what::{Move, Spent, What};
use crate::digest::Digest;
use crate::protocol::NodeId;
use crate::scenario::{Answers, Property};

/// A state of the world.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Each node's player, then the messages under way, in order.
    numbers: Box<[u32]>,
    pub(super) memory: u32,
    pub(super) spent: Spent,
    /// The sum of all fingerprints, by each of the names.
    pub(super) sums: Box<[u128]>,
}

/// What comes of a move.
pub(super) enum Step {
    /// A state.
    To(State),
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
        let numbers: Box<[u32]> = players.iter().copied().chain(posts.iter().copied()).collect();
        let spent = Spent::default();
        let sum = |by: usize| {
            let players = players.iter().map(|player| cast.players[*player as usize].prints[by]);
            let posts = posts.iter().map(|post| cast.posts[*post as usize].prints[by]);
            let rest = [cast.memories[memory as usize].1[by], print_of_spent(spent)];
            players.chain(posts).chain(rest).fold(0u128, u128::wrapping_add)
        };
        let sums = (0..cast.names.len()).map(sum).collect();
        State { numbers, memory, spent, sums }
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

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<State>() + self.numbers.len() * 4 + self.sums.len() * 16 + 32
    }
}

fn print_of_spent(spent: Spent) -> u128 {
    let mut digest = Digest::new();
    digest.word(spent.word());
    digest.value()
}

/// What comes of a move, with the answers to a message if they arrive with it. With `reduce`, what cannot matter is left out:
/// a move that changes nothing, and messages that can do nothing any more.
pub(super) fn follow<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    what: Move,
    reduce: bool,
) -> Step {
    let mut now = match follow_one(stage, cast, state, what, reduce, reduce) {
        Step::To(next) if stage.bounds.answers == Answers::AtOnce => next,
        step => return step,
    };
    for answer in answers(stage, cast, state, what) {
        let waits = answer.what.post().is_some_and(|post| now.posts(stage.nodes()).contains(&post));
        if !waits {
            continue;
        }
        // An answer that changes nothing arrives all the same.
        match follow_one(stage, cast, &now, answer, reduce, false) {
            Step::To(next) => now = next,
            Step::Nothing => {}
            step @ (Step::Beyond | Step::Breaks(_) | Step::Unknown(_)) => return step,
        }
    }
    Step::To(now)
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
    let to_asker = sent.filter(|post| cast.posts[**post as usize].receiver == Some(asker));
    to_asker.map(|post| Move { node: asker, what: What::Deliver(*post) }).collect()
}

fn follow_one<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    what: Move,
    reduce: bool,
    skip_idle: bool,
) -> Step {
    let nodes = stage.nodes();
    let before = state.players(nodes)[what.node as usize];
    let Some(outcome) = cast.outcome(before, what) else {
        return Step::Unknown(Unknown::Outcome(before, what));
    };
    let outcome = &cast.outcomes[outcome as usize];
    if let Some(panic) = &outcome.panic {
        let summary = format!("an assertion of the protocol failed: {panic}");
        return Step::Breaks(Broken { property: Property::Invariant, summary });
    }
    let after = &cast.players[outcome.player as usize];
    if after.term > u64::from(stage.bounds.terms) {
        return Step::Beyond;
    }
    let idle = outcome.player == before && outcome.sent.is_empty() && outcome.sightings.is_empty();
    if idle && skip_idle {
        // Whatever may come after it may come without it: it only takes a message away, or uses up a bound.
        return Step::Nothing;
    }
    let memory = match remember(stage, cast, state, what, outcome) {
        Ok(memory) => memory,
        Err(step) => return step,
    };
    Step::To(next(stage, cast, state, what, outcome, memory, reduce))
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
    let all: Vec<&Node<P>> = players.iter().map(|player| &cast.players[*player as usize].node).collect();
    let mut memory = cast.memories[state.memory as usize].0.clone();
    for seen in &outcome.sightings {
        let node = NodeId(u32::from(what.node));
        judge::look(&mut memory, &Look { stage, node, all: &all, seen }).map_err(Step::Breaks)?;
    }
    if memory == cast.memories[state.memory as usize].0 {
        return Ok(state.memory);
    }
    cast.memory(&memory).ok_or(Step::Unknown(Unknown::Memory(memory)))
}

fn next<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    state: &State,
    what: Move,
    outcome: &Outcome,
    memory: u32,
    reduce: bool,
) -> State {
    let nodes = stage.nodes();
    let before = state.players(nodes)[what.node as usize];
    let spent = state.spent.after(what, &cast.players[before as usize].timers);
    let mut players = state.players(nodes).to_vec();
    players[what.node as usize] = outcome.player;
    let (mut posts, mut gone) = (state.posts(nodes).to_vec(), Vec::new());
    if let What::Deliver(post) = what.what
        && let Some(place) = posts.iter().position(|waits| *waits == post)
    {
        gone.push(posts.remove(place));
    }
    if reduce && outcome.player != before {
        let is_mine = |post: u32| cast.posts[post as usize].receiver == Some(what.node);
        gone.extend(posts.extract_if(.., |post| is_mine(*post) && is_over(cast, &players, *post)));
    }
    let mut come = outcome.sent.to_vec();
    come.retain(|post| !(reduce && is_over(cast, &players, *post)));
    posts.extend_from_slice(&come);
    posts.sort_unstable();
    let bounds = match spent == state.spent {
        true => 0,
        false => print_of_spent(spent).wrapping_sub(print_of_spent(state.spent)),
    };
    let sum = |by: usize| {
        let post = |post: &u32| cast.posts[*post as usize].prints[by];
        let player = |player: u32| cast.players[player as usize].prints[by];
        let remembered = |memory: u32| cast.memories[memory as usize].1[by];
        let less = player(before)
            .wrapping_add(remembered(state.memory))
            .wrapping_add(gone.iter().map(post).fold(0, u128::wrapping_add));
        let more = player(outcome.player)
            .wrapping_add(remembered(memory))
            .wrapping_add(bounds)
            .wrapping_add(come.iter().map(post).fold(0, u128::wrapping_add));
        state.sums[by].wrapping_sub(less).wrapping_add(more)
    };
    let sums = (0..cast.names.len()).map(sum).collect();
    players.extend_from_slice(&posts);
    State { numbers: players.into(), memory, spent, sums }
}

/// Whether a message can do nothing any more.
fn is_over<P: Explorable>(cast: &Cast<P>, players: &[u32], post: u32) -> bool {
    let post = &cast.posts[post as usize];
    let Some(receiver) = post.receiver else { return true };
    let node = &cast.players[players[receiver as usize] as usize].node;
    node.process.as_ref().is_some_and(|process| process.is_over(&node.disk, &post.letter.message))
}
