//! The ordered future: which event comes next, and when.
//!
//! Holds: events of one moment come in the order in which they were put there; in an untimed agenda any event may come
//! next. Not here: what an event does (`world`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::choices::{Choices, Site};
use crate::protocol::NodeId;
use crate::time::Moment;

/// What will happen to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The message in this slot reaches its address.
    Deliver {
        /// The slot in the world's message store.
        slot: u32,
    },
    /// A timer may be due: the node's own table knows.
    Fire {
        /// Whose timer.
        node: NodeId,
        /// Its place in the node's table.
        timer: u8,
    },
    /// The first unfinished write of a node is done.
    WriteDone {
        /// Whose disk.
        node: NodeId,
        /// The incarnation that issued it; an older one's writes are gone.
        incarnation: u32,
    },
    /// A client has something to do: its own state knows what.
    Client {
        /// Which client.
        client: u32,
    },
    /// A nemesis acts.
    Nemesis {
        /// Which one, by its place in the scenario.
        nemesis: u32,
    },
}

/// How likely each kind of event is in an untimed agenda, as weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weights {
    /// Of a delivery.
    pub deliver: u32,
    /// Of a timer.
    pub fire: u32,
    /// Of a finished write.
    pub write: u32,
    /// Of a client's step.
    pub client: u32,
    /// Of a nemesis' step.
    pub nemesis: u32,
}

/// The future of a world.
#[derive(Clone, Debug)]
pub enum Agenda {
    /// In order of time; the number breaks ties.
    Timed {
        /// What is due, soonest first.
        heap: BinaryHeap<Reverse<(Moment, u64, Event)>>,
        /// The number of the next entry.
        next: u64,
    },
    /// Regardless of time: any event may come next, drawn by weight.
    Untimed {
        /// What is enabled, by kind.
        pools: [Vec<Event>; 5],
        /// How likely each kind is.
        weights: [u32; 5],
    },
}

impl Agenda {
    /// An empty future in order of time.
    #[must_use]
    pub fn timed() -> Agenda {
        Agenda::Timed { heap: BinaryHeap::new(), next: 0 }
    }

    /// An empty future in which any event may come next.
    #[must_use]
    pub fn untimed(weights: Weights) -> Agenda {
        let Weights { deliver, fire, write, client, nemesis } = weights;
        Agenda::Untimed { pools: Default::default(), weights: [deliver, fire, write, client, nemesis] }
    }

    /// Puts an event into the future.
    pub fn push(&mut self, at: Moment, event: Event) {
        match self {
            Agenda::Timed { heap, next } => {
                heap.push(Reverse((at, *next, event)));
                *next += 1;
            }
            Agenda::Untimed { pools, .. } => pools[kind(event)].push(event),
        }
    }

    /// Takes the next event, if it is due by `until`. An untimed agenda has no times: its events are due `now`.
    pub fn pop(&mut self, now: Moment, until: Moment, choices: &mut Choices) -> Option<(Moment, Event)> {
        match self {
            Agenda::Timed { heap, .. } => {
                let Reverse((at, _, _)) = heap.peek()?;
                if *at > until {
                    return None;
                }
                heap.pop().map(|Reverse((at, _, event))| (at, event))
            }
            Agenda::Untimed { pools, weights } => {
                let weight = |kind: usize| u64::from(weights[kind]) * u64::from(!pools[kind].is_empty());
                let total = (0..pools.len()).map(weight).sum();
                if total == 0 {
                    return None;
                }
                let mut drawn = choices.below(Site::Schedule, total);
                let kind = (0..pools.len()).find(|&kind| match drawn.checked_sub(weight(kind)) {
                    Some(rest) => {
                        drawn = rest;
                        false
                    }
                    None => true,
                })?;
                let place = choices.below(Site::Schedule, pools[kind].len() as u64) as usize;
                Some((now, pools[kind].swap_remove(place)))
            }
        }
    }

    /// How many events are ahead.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Agenda::Timed { heap, .. } => heap.len(),
            Agenda::Untimed { pools, .. } => pools.iter().map(Vec::len).sum(),
        }
    }

    /// Whether nothing is ahead.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn kind(event: Event) -> usize {
    match event {
        Event::Deliver { .. } => 0,
        Event::Fire { .. } => 1,
        Event::WriteDone { .. } => 2,
        Event::Client { .. } => 3,
        Event::Nemesis { .. } => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(client: u32) -> Event {
        Event::Client { client }
    }

    #[test]
    fn time_orders_and_ties_keep_their_order() {
        let mut agenda = Agenda::timed();
        let mut choices = Choices::seeded(0);
        for (at, who) in [(5, 1), (3, 2), (5, 3), (3, 4)] {
            agenda.push(Moment(at), client(who));
        }
        let mut order = Vec::new();
        while let Some((at, event)) = agenda.pop(Moment(0), Moment(4), &mut choices) {
            order.push((at.0, event));
        }
        assert_eq!(order, [(3, client(2)), (3, client(4))], "what is due after 4 stays");
        assert_eq!(agenda.len(), 2);
    }

    #[test]
    fn an_untimed_agenda_reaches_every_order_and_honours_weights() {
        let weights = Weights { deliver: 1, fire: 0, write: 1, client: 1, nemesis: 1 };
        let mut firsts = [0; 3];
        for seed in 0..300 {
            let mut agenda = Agenda::untimed(weights);
            let mut choices = Choices::seeded(seed);
            agenda.push(Moment(9), Event::Fire { node: NodeId(0), timer: 0 });
            for who in 0..3 {
                agenda.push(Moment(u64::from(who)), client(who));
            }
            if let Some((_, Event::Client { client })) = agenda.pop(Moment(0), Moment(0), &mut choices) {
                firsts[client as usize] += 1;
            }
        }
        assert_eq!(firsts.iter().sum::<i32>(), 300, "a weight of zero is never drawn");
        assert!(firsts.iter().all(|&count| count > 60), "{firsts:?}");
    }
}
