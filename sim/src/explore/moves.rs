//! What may happen next in a state, within the bounds.
//!
//! Holds: moves are told in one order, node by node; equal states have equal moves.
//! Not here: what becomes of the state (`state`).

use super::Explorable;
use super::cast::Cast;
use super::stage::Stage;
use super::state::State;
use super::what::{Bound, Move, What};

/// Everything that may happen in a state, node by node.
pub(super) fn moves<P: Explorable>(stage: &Stage<P>, cast: &Cast<P>, state: &State, moves: &mut Vec<Move>) {
    moves.clear();
    let nodes = stage.nodes();
    let (bounds, spent) = (&stage.bounds, state.spent);
    let left = |used: u8, most: u32| u32::from(used) < most;
    for (node, &player) in (0u8..).zip(state.players(nodes)) {
        let player = &cast.players[player as usize];
        if !player.runs {
            continue;
        }
        let mut add = |what| moves.push(Move { node, what });
        let mut last = None;
        for &post in state.posts(nodes) {
            if cast.receiver(post) != Some(node) || last.replace(post) == Some(post) {
                continue;
            }
            add(What::Deliver(post));
            if left(spent.duplications, bounds.duplications) {
                add(What::DeliverAndKeep(post));
            }
        }
        if player.writes {
            add(What::Finish);
        }
        let waits = |bound: &Bound| matches!(bound, Bound::Timeouts | Bound::Silences);
        if P::election_timer().is_some()
            && player.timers.iter().any(waits)
            && left(spent.timeouts, bounds.timeouts)
        {
            add(What::Stand);
        }
        for (place, &bound) in (0u8..).zip(&player.timers) {
            let may_fire = match bound {
                Bound::Timeouts => P::election_timer().is_none() && left(spent.timeouts, bounds.timeouts),
                Bound::Silences => left(spent.silences, bounds.silences),
                Bound::Heartbeats => left(spent.heartbeats, bounds.heartbeats),
                Bound::Free => true,
            };
            if may_fire {
                add(What::Fire(place));
            }
        }
        if left(spent.crashes, bounds.crashes) {
            (0..=player.unfinished_parts).for_each(|kept| add(What::Crash(kept)));
        }
        if player.leads && left(spent.proposals, bounds.proposals) {
            add(What::Ask(spent.proposals));
        }
        if player.leads && left(spent.changes, bounds.changes) {
            for (place, operation) in (0u8..).zip(&stage.operations) {
                if operation.via.is_none_or(|via| via.0 == u32::from(node)) {
                    add(What::Operate(place));
                }
            }
        }
    }
}
