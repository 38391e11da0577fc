//! Which number the next write has, and what waits until a write is durable.
//!
//! Holds: writes are numbered by one from 1, as [`Effect::Persist`](crate::protocol::Effect::Persist) wants them; what
//! is held leaves in the order in which it was held, and never before the write that it waits for.
//! Not here: what is written, and what is done with what was held.

use std::collections::VecDeque;

use crate::protocol::WriteId;

/// Numbers writes, and holds back what vouches for them: messages, answers, callbacks of a library.
///
/// ```
/// use splitbrain::adapter::Gate;
/// use splitbrain::protocol::WriteId;
///
/// let mut gate = Gate::default();
/// assert_eq!(gate.issue(), WriteId(1));
/// gate.hold("my vote is on the disk");
/// assert_eq!(gate.pop(), None);
/// gate.persisted(WriteId(1));
/// assert_eq!(gate.pop(), Some("my vote is on the disk"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate<T> {
    issued: u64,
    durable: u64,
    held: VecDeque<(u64, T)>,
}

impl<T> Default for Gate<T> {
    fn default() -> Gate<T> {
        Gate { issued: 0, durable: 0, held: VecDeque::new() }
    }
}

impl<T> Gate<T> {
    /// The number of a new write.
    pub fn issue(&mut self) -> WriteId {
        self.issued += 1;
        WriteId(self.issued)
    }

    /// The last write that was issued; 0 before the first.
    #[must_use]
    pub fn issued(&self) -> WriteId {
        WriteId(self.issued)
    }

    /// Holds something until every write issued so far is durable.
    pub fn hold(&mut self, what: T) {
        self.hold_until(self.issued(), what);
    }

    /// Holds something until this write is durable, and whatever was held before has left.
    pub fn hold_until(&mut self, write: WriteId, what: T) {
        self.held.push_back((write.0, what));
    }

    /// Everything through this write is durable.
    pub fn persisted(&mut self, through: WriteId) {
        self.durable = self.durable.max(through.0);
    }

    /// What may leave now, one at a time, so that the gate can be used in between.
    pub fn pop(&mut self) -> Option<T> {
        let durable = self.durable;
        self.held.pop_front_if(|(write, _)| *write <= durable).map(|(_, what)| what)
    }

    /// Forgets what is held and not wanted any more.
    pub fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.held.retain(|(_, what)| wanted(what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_leaves_in_order_and_not_before_its_write() {
        let mut gate = Gate::default();
        assert_eq!((gate.issue(), gate.issue()), (WriteId(1), WriteId(2)));
        gate.hold_until(WriteId(2), "second");
        gate.hold_until(WriteId(1), "held later, waits for less");
        gate.persisted(WriteId(1));
        assert_eq!(gate.pop(), None, "it does not overtake");
        gate.persisted(WriteId(2));
        assert_eq!(gate.pop(), Some("second"));
        assert_eq!(gate.pop(), Some("held later, waits for less"));
        assert_eq!(gate.pop(), None);
    }

    #[test]
    fn what_waits_for_a_durable_write_leaves_at_once() {
        let mut gate = Gate::default();
        gate.hold(1);
        assert_eq!(gate.pop(), Some(1), "nothing was written");
        gate.issue();
        gate.hold(2);
        gate.hold(3);
        gate.retain(|&number| number != 2);
        gate.persisted(WriteId(1));
        assert_eq!((gate.pop(), gate.pop()), (Some(3), None));
    }
}
