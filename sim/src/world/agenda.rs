//! The ordered future: which event comes next, and when.
//!
//! Holds: events of one moment come in the order in which they were put there; in an untimed agenda any event may come
//! next. Not here: what an event does (`world`).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::choices::{Choices, Site};
use crate::protocol::NodeId;
use crate::scenario::{Schedule, Weights};
use crate::time::Moment;

/// What will happen to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Event {
    /// The message in this slot reaches its address.
    Deliver {
        /// The slot in the world's message store.
        slot: u32,
        /// Whether others shall overtake it; matters in an untimed agenda.
        late: bool,
    },
    /// A timer may be due: the node's own table knows.
    Fire {
        /// Whose timer.
        node: NodeId,
        /// Its place in the node's table.
        timer: u8,
        /// Whether it leads to an election; matters in an untimed agenda.
        elects: bool,
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
        /// Whether it has struck, and goes on with that or undoes it.
        relief: bool,
    },
}

/// Kinds of events that an untimed agenda tells apart.
const KINDS: usize = 8;

/// The kind of a delivery.
const DELIVER: usize = 0;

/// The kind of the delivery of a late message.
const LATE: usize = 7;

/// What an event of an untimed agenda takes, in virtual nanoseconds.
pub(crate) const UNTIMED_EVENT: u64 = 1_000;

/// An event and when it comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The moment, and below it the entry's number: one comparison orders both.
    key: u128,
    event: Event,
}

impl Entry {
    fn new(at: Moment, number: u64, event: Event) -> Entry {
        Entry { key: u128::from(at.0) << 64 | u128::from(number), event }
    }

    fn at(&self) -> Moment {
        Moment((self.key >> 64) as u64)
    }
}

/// The soonest entry is the greatest: a heap gives out its greatest first.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

/// The future of a world.
#[derive(Clone, Debug)]
pub(crate) enum Agenda {
    /// In order of time; the number breaks ties.
    Timed {
        /// What is due, soonest first.
        heap: BinaryHeap<Entry>,
        /// The number of the next entry.
        next: u64,
    },
    /// Regardless of time: any event may come next, drawn by weight.
    Untimed {
        /// What is enabled, by kind.
        pools: [Vec<Event>; KINDS],
        /// How likely each kind is.
        weights: [u32; KINDS],
        /// How many messages may be under way.
        in_flight: usize,
    },
}

impl Agenda {
    /// An empty future of a kind.
    #[must_use]
    pub(crate) fn new(schedule: Schedule) -> Agenda {
        match schedule {
            Schedule::Timed => Agenda::timed(),
            Schedule::Untimed { weights, in_flight } => Agenda::untimed(weights, in_flight),
        }
    }

    /// An empty future in order of time.
    #[must_use]
    pub(crate) fn timed() -> Agenda {
        Agenda::Timed { heap: BinaryHeap::new(), next: 0 }
    }

    /// An empty future in which any event may come next.
    #[must_use]
    pub(crate) fn untimed(weights: Weights, in_flight: u32) -> Agenda {
        let Weights { deliver, late, elect, fire, write, client, strike, relief } = weights;
        Agenda::Untimed {
            pools: Default::default(),
            weights: [deliver, elect, fire, write, client, strike, relief, late],
            in_flight: in_flight as usize,
        }
    }

    /// Takes out everything, in an order that only depends on what happened before.
    pub(crate) fn drain(&mut self) -> Vec<Event> {
        match self {
            Agenda::Timed { heap, .. } => {
                let mut rest: Vec<Entry> = heap.drain().collect();
                rest.sort_unstable();
                rest.into_iter().rev().map(|entry| entry.event).collect()
            }
            Agenda::Untimed { pools, .. } => pools.iter_mut().flat_map(std::mem::take).collect(),
        }
    }

    /// Makes room for a message: takes a random one of its kind from an untimed agenda that holds as many as it may, and
    /// names its slot.
    pub(crate) fn crowd_out(&mut self, late: bool, choices: &mut Choices) -> Option<u32> {
        let Agenda::Untimed { pools, in_flight, .. } = self else { return None };
        let under_way = &mut pools[if late { LATE } else { DELIVER }];
        if under_way.len() < *in_flight {
            return None;
        }
        let place = choices.below(Site::Schedule, under_way.len() as u64) as usize;
        match under_way.swap_remove(place) {
            Event::Deliver { slot, .. } => Some(slot),
            Event::Fire { .. } | Event::WriteDone { .. } | Event::Client { .. } | Event::Nemesis { .. } => {
                None
            }
        }
    }

    /// Puts an event into the future.
    pub(crate) fn push(&mut self, at: Moment, event: Event) {
        match self {
            Agenda::Timed { heap, next } => {
                heap.push(Entry::new(at, *next, event));
                *next += 1;
            }
            Agenda::Untimed { pools, .. } => pools[kind(event)].push(event),
        }
    }

    /// Takes the next event, if it is due by `until`. Each event of an untimed
    /// agenda is due [`UNTIMED_EVENT`] from now.
    pub(crate) fn pop(
        &mut self,
        now: Moment,
        until: Moment,
        choices: &mut Choices,
    ) -> Option<(Moment, Event)> {
        match self {
            Agenda::Timed { heap, .. } => {
                if heap.peek()?.at() > until {
                    return None;
                }
                heap.pop().map(|entry| (entry.at(), entry.event))
            }
            Agenda::Untimed { pools, weights, .. } => {
                let at = now.after(UNTIMED_EVENT);
                let weight = |kind: usize| if pools[kind].is_empty() { 0 } else { u64::from(weights[kind]) };
                let total = (0..KINDS).map(weight).sum();
                if total == 0 || at > until {
                    return None;
                }
                let mut drawn = choices.below(Site::Schedule, total);
                let mut kind = 0;
                while let Some(rest) = drawn.checked_sub(weight(kind)) {
                    drawn = rest;
                    kind += 1;
                }
                let place = choices.below(Site::Schedule, pools[kind].len() as u64) as usize;
                Some((at, pools[kind].swap_remove(place)))
            }
        }
    }

    /// When the first of some events is due; `None` when there is none, or when any may come next.
    pub(crate) fn due(&self, meant: &dyn Fn(&Event) -> bool) -> Option<Moment> {
        match self {
            Agenda::Timed { heap, .. } => {
                heap.iter().filter(|entry| meant(&entry.event)).max().map(Entry::at)
            }
            Agenda::Untimed { .. } => None,
        }
    }

    /// Takes the first of some events out: it does not come any more.
    pub(crate) fn forget(&mut self, meant: &dyn Fn(&Event) -> bool) {
        match self {
            Agenda::Timed { heap, .. } => {
                let first = heap.iter().filter(|entry| meant(&entry.event)).max().copied();
                heap.retain(|entry| Some(*entry) != first);
            }
            Agenda::Untimed { pools, .. } => {
                for pool in pools {
                    if let Some(place) = pool.iter().position(meant) {
                        pool.remove(place);
                        return;
                    }
                }
            }
        }
    }

    /// How many events are ahead.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        match self {
            Agenda::Timed { heap, .. } => heap.len(),
            Agenda::Untimed { pools, .. } => pools.iter().map(Vec::len).sum(),
        }
    }
}

fn kind(event: Event) -> usize {
    match event {
        Event::Deliver { late: false, .. } => DELIVER,
        Event::Deliver { late: true, .. } => LATE,
        Event::Fire { elects: true, .. } => 1,
        Event::Fire { elects: false, .. } => 2,
        Event::WriteDone { .. } => 3,
        Event::Client { .. } => 4,
        Event::Nemesis { relief: false, .. } => 5,
        Event::Nemesis { relief: true, .. } => 6,
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
        let weights = Weights { fire: 0, elect: 0, client: 1, ..Weights::default() };
        let mut firsts = [0; 3];
        for seed in 0..300 {
            let mut agenda = Agenda::untimed(weights, 64);
            let mut choices = Choices::seeded(seed);
            agenda.push(Moment(9), Event::Fire { node: NodeId(0), timer: 0, elects: true });
            for who in 0..3 {
                agenda.push(Moment(u64::from(who)), client(who));
            }
            if let Some((_, Event::Client { client })) =
                agenda.pop(Moment(0), Moment(UNTIMED_EVENT), &mut choices)
            {
                firsts[client as usize] += 1;
            }
        }
        assert_eq!(firsts.iter().sum::<i32>(), 300, "a weight of zero is never drawn");
        assert!(firsts.iter().all(|&count| count > 60), "{firsts:?}");
    }

    #[test]
    fn a_crowded_untimed_agenda_gives_up_a_message() {
        let mut agenda = Agenda::untimed(Weights::default(), 2);
        let mut choices = Choices::seeded(1);
        for slot in 0..2 {
            assert_eq!(agenda.crowd_out(false, &mut choices), None);
            agenda.push(Moment(0), Event::Deliver { slot, late: false });
        }
        assert!(agenda.crowd_out(false, &mut choices).is_some_and(|slot| slot < 2));
        assert_eq!(agenda.len(), 1);
    }
}
