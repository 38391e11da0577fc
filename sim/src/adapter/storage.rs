//! The two copies of what a node keeps: one in memory, which has every write at once, and one on the world's disk, which
//! has it when it is durable.
//!
//! Holds: both are the same type, changed by the same writes in the same order; a process that starts anew begins with
//! what the disk holds.
//! Not here: who waits until a write is durable (`gate`).

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use crate::protocol::Disk;

/// Storage for a library that calls for it: reads are answered from memory, and writes are kept until the adapter hands
/// them over to the world.
///
/// The library has one [`handle`](Storage::handle), the adapter the other.
///
/// ```
/// # use splitbrain::adapter::Storage;
/// # use splitbrain::protocols::echo::Count;
/// let mine = Storage::new(&Count::default());
/// let theirs = mine.handle();
/// theirs.write(3); // the library, which reads its own write at once
/// assert_eq!(mine.read().count, 3);
/// assert_eq!(mine.take_writes(), [3]); // the adapter, after the step: `Effect::Persist` for each
/// assert!(mine.take_writes().is_empty());
/// ```
#[derive(Debug)]
pub struct Storage<D: Disk>(Rc<RefCell<Copies<D>>>);

#[derive(Debug)]
struct Copies<D: Disk> {
    memory: D,
    written: Vec<D::Write>,
}

impl<D: Disk> Storage<D> {
    /// Begins with what the disk holds.
    #[must_use]
    pub fn new(disk: &D) -> Storage<D> {
        Storage(Rc::new(RefCell::new(Copies { memory: disk.clone(), written: Vec::new() })))
    }

    /// The same storage once more.
    #[must_use]
    pub fn handle(&self) -> Storage<D> {
        Storage(self.0.clone())
    }

    /// Looks at the copy in memory.
    #[must_use]
    pub fn read(&self) -> Ref<'_, D> {
        Ref::map(self.0.borrow(), |copies| &copies.memory)
    }

    /// Changes the copy in memory, and keeps the write for the disk.
    pub fn write(&self, write: D::Write) {
        let mut copies = self.0.borrow_mut();
        copies.memory.apply(&write);
        copies.written.push(write);
    }

    /// What was written since the last time, in order: to be handed over as [`Effect::Persist`], numbered by a
    /// [`Gate`](super::Gate).
    ///
    /// [`Effect::Persist`]: crate::protocol::Effect::Persist
    #[must_use]
    pub fn take_writes(&self) -> Vec<D::Write> {
        std::mem::take(&mut self.0.borrow_mut().written)
    }
}
