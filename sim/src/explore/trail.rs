//! A way through the states as a story that `run` repeats.
//!
//! Not here: finding the way (`breadth`), and the words of a story (`shrink`).

use super::Explorable;
use super::breadth::Search;
use super::moves::moves;
use super::state::{State, Step, answers, follow};
use super::turn::standing;
use super::what::{Move, What};
use crate::protocol::NodeId;
use crate::scenario::Answers;
use crate::world::act::Act;

/// What happens on the way through these moves, each by its place among those of its state.
pub(super) fn acts<P: Explorable>(
    search: &Search<'_, P>,
    first: State,
    way: &[u16],
    reduce: bool,
) -> Vec<Act<P::Timer>> {
    let mut state = first;
    let (mut acts, mut possible) = (Vec::new(), Vec::new());
    for place in way {
        moves(search.stage, &search.cast, &state, &mut possible);
        let what = possible[*place as usize];
        tell(search, &state, what, &mut acts);
        if search.stage.bounds.answers == Answers::AtOnce {
            for answer in answers(search.stage, &search.cast, &state, what) {
                tell(search, &state, answer, &mut acts);
            }
        }
        let outcome = search.cast.outcome(state.players(search.stage.nodes())[what.node as usize], what);
        let mut next = State::default();
        if let Step::To = follow(search.stage, &search.cast, &state, (what, outcome), reduce, &mut next) {
            state = next;
        }
    }
    acts
}

fn tell<P: Explorable>(search: &Search<'_, P>, state: &State, what: Move, acts: &mut Vec<Act<P::Timer>>) {
    let (cast, node) = (&search.cast, NodeId(u32::from(what.node)));
    let player = &cast.players[state.players(search.stage.nodes())[what.node as usize] as usize];
    match what.what {
        What::Deliver(post) | What::DeliverAndKeep(post) => {
            let post = &cast.posts[post as usize];
            acts.push(Act::Deliver {
                serial: 0,
                from: post.letter.sender,
                to: node,
                what: P::label(&post.letter.message),
                digest: post.digest,
                older: 0,
                younger: 0,
                overtakes: false,
                kept: matches!(what.what, What::DeliverAndKeep(_)),
            });
        }
        What::Finish => acts.push(Act::Finish { node }),
        What::Stand => {
            let timers = standing(&player.node).into_iter();
            acts.extend(timers.map(|timer| Act::Fire { node, timer }));
        }
        What::Fire(timer) => acts.push(Act::Fire { node, timer: player.node.timers[timer as usize] }),
        What::Crash(kept) => {
            acts.push(Act::Crash { node, kept: kept as usize, all: player.unfinished_parts as usize });
            acts.push(Act::Boot { node });
        }
        What::Ask(client) => {
            let client = u32::from(client);
            let request = super::stage::request_of(client);
            acts.push(Act::Call { client, node, request, again: false });
        }
        What::Operate(operation) => {
            let operation = search.stage.operations[operation as usize].operation.clone();
            acts.push(Act::Operate { node, operation });
        }
    }
}
