//! What the states of a chunk lead to: the work of one thread.
//!
//! Holds: nothing here is changed that other threads look at; a state that meets something unknown leads nowhere yet.
//! Not here: how what is reached comes among all states (`breadth`).

use super::Explorable;
use super::cast::{Cast, Unknown};
use super::heal::heal;
use super::judge::Broken;
use super::layer::{Layer, Number, Spot};
use super::moves::moves;
use super::shard::{Again, Part, SHARDS, Shard, Way, shard_of};
use super::sleep::{Sleep, watched};
use super::stage::Stage;
use super::state::{State, Step, follow};
use super::table::Table;
use super::what::Move;

/// What threads look at, and nobody changes meanwhile.
pub(super) struct View<'a, P: Explorable> {
    pub(super) stage: &'a Stage<P>,
    pub(super) cast: &'a Cast<P>,
    pub(super) shards: &'a [Shard],
    pub(super) layer: &'a [Layer],
    /// Nodes from which a healed cluster agrees.
    pub(super) healed: &'a Table,
    /// Whether what cannot matter is left out.
    pub(super) reduce: bool,
}

/// What a chunk of states leads to.
pub(super) struct Expanded {
    /// What was reached, part by part.
    pub(super) parts: [Part; SHARDS],
    /// Broken promises: after which state, and by which of its moves; by none when the state is a trap.
    pub(super) broken: Vec<(Number, Option<u16>, Broken)>,
    /// Nodes from which a healed cluster agrees.
    pub(super) healed: Vec<u128>,
    /// The states that met something unknown.
    pub(super) again: Vec<Spot>,
    pub(super) unknown: Vec<Unknown>,
    pub(super) followed: u64,
    pub(super) beyond: u64,
}

/// What a state has reached so far, to be taken back when something is unknown.
#[derive(Clone, Copy)]
enum Done {
    State(usize),
    Again(usize),
}

/// What a thread needs room for.
#[derive(Default)]
struct Room {
    moves: Vec<Move>,
    /// The moves with what is known to become of the node.
    outcomes: Vec<(Move, Option<u32>)>,
    at: State,
    next: State,
    done: Vec<Done>,
}

/// What these states lead to.
pub(super) fn expand<P: Explorable>(view: &View<'_, P>, spots: &[Spot]) -> Expanded {
    let mut expanded = Expanded {
        parts: core::array::from_fn(|_| Part::default()),
        broken: Vec::new(),
        healed: Vec::new(),
        again: Vec::new(),
        unknown: Vec::new(),
        followed: 0,
        beyond: 0,
    };
    let mut room = Room::default();
    for &spot in spots {
        let unknown = expanded.unknown.len();
        let (followed, beyond, broken) = (expanded.followed, expanded.beyond, expanded.broken.len());
        room.done.clear();
        expand_one(view, spot, &mut room, &mut expanded);
        if expanded.unknown.len() > unknown {
            expanded.again.push(spot);
            (expanded.followed, expanded.beyond) = (followed, beyond);
            expanded.broken.truncate(broken);
            room.done.iter().rev().for_each(|done| take_back(*done, &mut expanded.parts));
        }
    }
    expanded
}

fn take_back(done: Done, parts: &mut [Part; SHARDS]) {
    match done {
        Done::State(shard) => {
            parts[shard].states.pop();
            parts[shard].ways.pop();
        }
        Done::Again(shard) => {
            parts[shard].again.pop();
        }
    }
}

fn expand_one<P: Explorable>(
    view: &View<'_, P>,
    (part, place): Spot,
    room: &mut Room,
    expanded: &mut Expanded,
) {
    let (stage, cast, reduce) = (view.stage, view.cast, view.reduce);
    let layer = &view.layer[part];
    let (number, sleep) = (layer.waiting(place).number, layer.waiting(place).sleep);
    layer.read(place, &mut room.at);
    if stage.bounds.healing > 0 {
        look_for_a_trap(view, number, &room.at, expanded);
    }
    moves(stage, cast, &room.at, &mut room.moves);
    let players = room.at.players(stage.nodes());
    room.outcomes.clear();
    room.outcomes
        .extend(room.moves.iter().map(|what| (*what, cast.outcome(players[what.node as usize], *what))));
    let watched = watched(cast, &room.outcomes);
    for (place, &(what, outcome)) in (0u16..).zip(&room.outcomes) {
        if reduce && sleep.covers(what) {
            continue;
        }
        match follow(stage, cast, &room.at, (what, outcome), reduce, &mut room.next) {
            Step::Nothing => {}
            Step::Beyond => expanded.beyond += 1,
            Step::Unknown(unknown) => expanded.unknown.push(unknown),
            Step::Breaks(broken) => expanded.broken.push((number, Some(place), broken)),
            Step::To => {
                expanded.followed += 1;
                let sleep = sleep.after(cast, what, outcome, watched);
                let done = reach(view, &room.next, (number, place), sleep, &mut expanded.parts);
                room.done.extend(done);
            }
        }
    }
}

/// Looks whether a healed cluster agrees from a state on, unless it is known.
fn look_for_a_trap<P: Explorable>(view: &View<'_, P>, number: Number, at: &State, expanded: &mut Expanded) {
    let players = at.players(view.stage.nodes());
    let print = view.cast.print_of_players(players);
    if view.healed.get(print).is_some() || expanded.healed.last() == Some(&print) {
        return;
    }
    match heal(view.stage, view.cast, players) {
        Ok(Ok(())) => expanded.healed.push(print),
        Ok(Err(broken)) => expanded.broken.push((number, None, broken)),
        Err(unknown) => expanded.unknown.push(unknown),
    }
}

fn reach<P: Explorable>(
    view: &View<'_, P>,
    next: &State,
    (parent, place): (Number, u16),
    sleep: Sleep,
    parts: &mut [Part; SHARDS],
) -> Option<Done> {
    let fingerprint = next.fingerprint();
    let shard = shard_of(fingerprint);
    let part = &mut parts[shard];
    match view.shards[shard].place_of(fingerprint) {
        None => {
            part.states.push(0, next, sleep);
            part.ways.push(Way { fingerprint, parent, place });
            Some(Done::State(shard))
        }
        Some(local) if view.shards[shard].is_next(local) => {
            part.again.push(Again { local, raw: next.sums[0], sleep });
            Some(Done::Again(shard))
        }
        Some(_) => None,
    }
}
