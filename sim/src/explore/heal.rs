//! Whether a cluster comes to agree once every hardship is over: a state from which it does not is a trap.
//!
//! From a state on, what is under way is lost; then every message arrives, in the order in which it was sent, every write
//! finishes, leaders send heartbeats, and where these change nothing any more, one node after the other stands for election.
//! That is one fair run of many: a cluster that agrees by it can agree, and one that does not is worth a look.
//!
//! Holds: what comes of a state depends on its nodes alone, so it is found out once for all states with the same nodes.
//! Not here: what promises say of the way (`judge`); they are kept or broken by runs with larger bounds.

use std::collections::VecDeque;

use super::Explorable;
use super::cast::{Cast, Player, Unknown};
use super::judge::Broken;
use super::stage::Stage;
use super::what::{Bound, Move, What};
use crate::protocol::{NodeId, QuorumSets};
use crate::scenario::Property;

/// A cluster that heals.
struct Healing<'a, P: Explorable> {
    cast: &'a Cast<P>,
    players: Vec<u32>,
    /// Messages under way, oldest first.
    posts: VecDeque<u32>,
    /// Whose timers of which bound are to fire next.
    timers: VecDeque<(u8, Fires)>,
    /// The nodes when the last round of timers began.
    before: Vec<u32>,
    /// Who stands for election next.
    stands: u8,
}

/// What fires in a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fires {
    Timers(Bound),
    Election,
}

/// Whether a cluster of these players agrees within the moves that the scenario allows.
pub(super) fn heal<P: Explorable>(
    stage: &Stage<P>,
    cast: &Cast<P>,
    players: &[u32],
) -> Result<Result<(), Broken>, Unknown> {
    let mut healing = Healing {
        cast,
        players: players.to_vec(),
        posts: VecDeque::new(),
        timers: VecDeque::new(),
        before: Vec::new(),
        stands: 0,
    };
    let mut left = stage.bounds.healing;
    while !healing.agrees() {
        if left == 0 {
            return Ok(Err(trap(format!(
                "a healed cluster does not agree within {} moves",
                stage.bounds.healing
            ))));
        }
        left -= 1;
        if let Some(what) = healing.choose()
            && let Some(panic) = healing.make(what)?
        {
            return Ok(Err(trap(format!("an assertion fails in a cluster that heals: {panic}"))));
        }
    }
    Ok(Ok(()))
}

fn trap(summary: String) -> Broken {
    Broken { property: Property::Convergence, summary }
}

impl<'a, P: Explorable> Healing<'a, P> {
    fn player(&self, node: u8) -> &'a Player<P> {
        &self.cast.players[self.players[usize::from(node)] as usize]
    }

    fn nodes(&self) -> std::ops::Range<u8> {
        0..self.players.len() as u8
    }

    /// Whether nothing is left to do: one leads, and all who count for it know its whole log to be committed.
    fn agrees(&self) -> bool {
        let is_quiet = self.posts.is_empty() && self.nodes().all(|node| !self.player(node).writes);
        let mut leaders = self.nodes().filter(|node| self.player(*node).leads);
        let (Some(leader), None) = (leaders.next(), leaders.next()) else { return false };
        let Some(process) = &self.player(leader).node.process else { return false };
        let sets: QuorumSets = process.quorums();
        let agreed = |node: NodeId| {
            let Some(other) = &self.player(node.0 as u8).node.process else { return false };
            other.epoch() == process.epoch()
                && other.commit() == process.last()
                && other.last() == process.last()
        };
        is_quiet && sets.iter().flatten().all(|node| agreed(*node))
    }

    /// What happens next; nothing where a timer is not set any more.
    fn choose(&mut self) -> Option<Move> {
        while let Some(post) = self.posts.pop_front() {
            let receiver = self.cast.receiver(post).filter(|node| self.player(*node).runs);
            if let Some(node) = receiver {
                return Some(Move { node, what: What::Deliver(post) });
            }
        }
        if let Some(node) = self.nodes().find(|node| self.player(*node).writes) {
            return Some(Move { node, what: What::Finish });
        }
        if self.timers.is_empty() {
            self.begin_round();
        }
        let (node, fires) = self.timers.pop_front()?;
        let player = self.player(node);
        let what = match fires {
            Fires::Election => player.runs.then_some(What::Stand),
            Fires::Timers(bound) => {
                let place = player.timers.iter().position(|timer| *timer == bound);
                place.map(|place| What::Fire(place as u8))
            }
        };
        what.map(|what| Move { node, what })
    }

    /// Heartbeats and whatever may fire at any time; where a round of these has changed nothing, an election.
    fn begin_round(&mut self) {
        let all = |bound| self.nodes().map(move |node| (node, Fires::Timers(bound)));
        let mut round: VecDeque<_> = all(Bound::Heartbeats).chain(all(Bound::Free)).collect();
        if self.before == self.players {
            // Those who wait for a silent leader stop waiting first: they would refuse their votes.
            round.extend(all(Bound::Silences));
            let node = self.stands;
            if P::election_timer().is_some() {
                round.push_back((node, Fires::Election));
            } else {
                round.push_back((node, Fires::Timers(Bound::Timeouts)));
            }
            self.stands = (node + 1) % self.players.len() as u8;
        }
        self.timers = round;
        self.before.clone_from(&self.players);
    }

    /// Makes a move. Returns the words of a failed assertion.
    fn make(&mut self, what: Move) -> Result<Option<&'a str>, Unknown> {
        let player = &mut self.players[usize::from(what.node)];
        let outcome = self.cast.outcome(*player, what).ok_or(Unknown::Outcome(*player, what))?;
        let outcome = &self.cast.outcomes[outcome as usize];
        *player = outcome.player;
        self.posts.extend(&outcome.sent);
        Ok(outcome.panic.as_deref())
    }
}
