//! Worlds kept on the way, from which any event of a run is a short way off.
//!
//! Holds: the distance between two is a bounded part of the run, and so is their number: when there are too many, every other
//! one goes and the distance doubles. They share what they have in common, so that they cost little.
//! Not here: how a story goes on from one (`story`), and what a protocol must be for it ([`Protocol::fork`]).

use super::bookmark::Bookmark;
use crate::protocol::Protocol;
use crate::world::World;

/// The shortest distance, in events: so many are run again in a millisecond.
const SPACING: u64 = 512;

/// The most that are kept.
const MOST: usize = 48;

/// A world on its way, and how far its story is.
pub(crate) struct Checkpoint<P: Protocol> {
    pub(super) world: World<P>,
    pub(super) bookmark: Bookmark<P>,
}

impl<P: Protocol> Checkpoint<P> {
    /// How many events came before it.
    pub(crate) fn events(&self) -> u64 {
        self.world.counts().events
    }

    pub(super) fn copy(&self) -> Option<Checkpoint<P>> {
        Some(Checkpoint { world: self.world.fork()?, bookmark: self.bookmark.clone() })
    }
}

/// Worlds on the way of one run, in order.
pub(crate) struct Checkpoints<P: Protocol> {
    kept: Vec<Checkpoint<P>>,
    spacing: u64,
    /// The next is due after this event; never where the protocol cannot be copied.
    next: u64,
}

impl<P: Protocol> Default for Checkpoints<P> {
    fn default() -> Self {
        Checkpoints { kept: Vec::new(), spacing: SPACING, next: SPACING }
    }
}

impl<P: Protocol> Checkpoints<P> {
    /// These, all before the event from which a run is another one.
    pub(super) fn before(&self, event: u64) -> Checkpoints<P> {
        let earlier = self.kept.iter().take_while(|checkpoint| checkpoint.events() < event);
        let kept: Vec<Checkpoint<P>> = earlier.filter_map(Checkpoint::copy).collect();
        let last = kept.last().map_or(0, Checkpoint::events);
        Checkpoints { kept, spacing: self.spacing, next: last.saturating_add(self.spacing) }
    }

    /// The event after which the next one is due.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Every one, in order.
    pub(super) fn all_mut(&mut self) -> &mut [Checkpoint<P>] {
        &mut self.kept
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keeps a copy of a world if one is due. What was recorded is not kept.
    pub(super) fn keep(&mut self, world: &mut World<P>, bookmark: impl FnOnce() -> Bookmark<P>) {
        let events = world.counts().events;
        if events < self.next {
            return;
        }
        let records = world.ledger.trace.take_records();
        let copy = world.fork();
        world.ledger.trace.put_records(records);
        let Some(copy) = copy else {
            self.next = u64::MAX;
            return;
        };
        self.kept.push(Checkpoint { world: copy, bookmark: bookmark() });
        if self.kept.len() > MOST {
            self.thin();
        }
        self.next = events.saturating_add(self.spacing);
    }

    fn thin(&mut self) {
        self.spacing = self.spacing.saturating_mul(2);
        let (spacing, mut last) = (self.spacing, 0);
        self.kept.retain(|checkpoint| {
            let far = checkpoint.events() >= last + spacing;
            if far {
                last = checkpoint.events();
            }
            far
        });
    }

    /// The last one before an event.
    pub(super) fn nearest(&self, event: u64) -> Option<&Checkpoint<P>> {
        let place = self.kept.partition_point(|checkpoint| checkpoint.events() < event);
        place.checked_sub(1).and_then(|place| self.kept.get(place))
    }
}
