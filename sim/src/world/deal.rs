//! Deals the acts of a run to a frozen world, one by one.
//!
//! Holds: an act that is impossible when its turn comes is left out, and the caller is told.
//! Not here: what acts are (`act`).

use super::World;
use super::act::{Act, Which};
use crate::protocol::{NodeId, Protocol};

/// Deals one act to a frozen world. Returns whether it was possible. With `exact`, messages are those that were sent as
/// the same of the run; otherwise those that say the same, or stand in the likeliest place.
pub(crate) fn deal<P: Protocol>(world: &mut World<P>, act: &Act<P::Timer>, exact: bool) -> bool {
    let runs = |world: &World<P>, node: NodeId| world.nodes()[node.0 as usize].process.is_some();
    match act {
        Act::Deliver { serial, from, to, what, digest, older, younger, kept, .. } => {
            let like = Which::Like { digest: *digest, older: *older, younger: *younger };
            let which = if exact { Which::Serial(*serial) } else { like };
            world.deliver(*from, *to, Some(what), which, *kept)
        }
        Act::Fire { node, timer } => {
            let possible = runs(world, *node) && may_fire(world, *node, *timer);
            when(possible, world, |world| world.fire(*node, *timer))
        }
        Act::Finish { node } => {
            let possible = runs(world, *node) && world.nodes()[node.0 as usize].disk.unfinished() > 0;
            when(possible, world, |world| world.finish_stalled(*node))
        }
        Act::Crash { node, kept, .. } => {
            let possible = runs(world, *node);
            world.tear(*node, *kept);
            possible
        }
        Act::Boot { node } => {
            let possible = !runs(world, *node);
            world.boot(*node);
            possible
        }
        Act::Wipe { node } => {
            world.wipe(*node);
            true
        }
        Act::Snapshot { node } => {
            let entry = &world.nodes()[node.0 as usize];
            let possible = runs(world, *node) && entry.glance.applied > entry.snapshot_at;
            when(possible, world, |world| world.snapshot(*node))
        }
        Act::Call { client, node, request, again } => when(runs(world, *node), world, |world| {
            world.call_as(*client, *request, *node, *again);
        }),
        Act::Operate { node, operation } => when(runs(world, *node), world, |world| {
            world.operate(*node, operation.clone());
        }),
        Act::Bind { node, address } => {
            world.bind(*node, *address);
            true
        }
        Act::Exchange { nodes } => world.exchange(nodes),
        Act::Lose => world.lose_waiting(),
        Act::Heal => false,
    }
}

fn when<P: Protocol>(possible: bool, world: &mut World<P>, act: impl FnOnce(&mut World<P>)) -> bool {
    if possible {
        act(world);
    }
    possible
}

/// Whether a timer is set, or the protocol can be told that it fired.
fn may_fire<P: Protocol>(world: &World<P>, node: NodeId, timer: P::Timer) -> bool {
    let mut timers = world.nodes()[node.0 as usize].timers.iter();
    timers.any(|entry| entry.timer == timer && entry.due.is_some()) || world.can_be_told(node, timer)
}
