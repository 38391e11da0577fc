//! Which writes are durable, and which messages wait for which write.
//!
//! Holds: messages leave in the order they were held; nothing leaves before the write it vouches for.
//! Not here: what the messages vouch for (`message`), and when a write is issued (`transition`).

use alloc::collections::VecDeque;

use crate::message::Message;
use crate::types::{Address, LogIndex, NodeId, WriteId};

/// A message with everything needed to send it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Envelope {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) address: Address,
    pub(crate) message: Message,
}

/// A write that the disk has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unfinished {
    id: WriteId,
    /// The log through here is durable once this is.
    log_through: LogIndex,
}

/// A message that waits for a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    until: WriteId,
    envelope: Envelope,
}

/// What is on the disk, on its way to it, and waiting for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Durability {
    issued: WriteId,
    finished: WriteId,
    /// The last write with a term or vote in it.
    hard_state: WriteId,
    /// The log through here is durable.
    log: LogIndex,
    unfinished: VecDeque<Unfinished>,
    held: VecDeque<Held>,
}

impl Durability {
    /// A process that starts with its log durable.
    pub(crate) fn starting_with(log: LogIndex) -> Durability {
        Durability {
            issued: WriteId(0),
            finished: WriteId(0),
            hard_state: WriteId(0),
            log,
            unfinished: VecDeque::new(),
            held: VecDeque::new(),
        }
    }

    /// The log through here is durable.
    pub(crate) fn log(&self) -> LogIndex {
        self.log
    }

    /// Whether the last term and vote are durable.
    pub(crate) fn holds_hard_state(&self) -> bool {
        self.hard_state <= self.finished
    }

    /// Whether a write is under way.
    pub(crate) fn is_writing(&self) -> bool {
        !self.unfinished.is_empty()
    }

    /// Whether a message waits.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Issues a write.
    pub(crate) fn issue(&mut self, with_hard_state: bool, log_through: LogIndex) -> WriteId {
        let id = WriteId(self.issued.0 + 1);
        self.issued = id;
        if with_hard_state {
            self.hard_state = id;
        }
        self.unfinished.push_back(Unfinished { id, log_through });
        id
    }

    /// The last write that was issued.
    pub(crate) fn issued(&self) -> WriteId {
        self.issued
    }

    /// The disk answers.
    pub(crate) fn finish(&mut self, through: WriteId) {
        while self.unfinished.front().is_some_and(|write| write.id <= through) {
            let Some(write) = self.unfinished.pop_front() else { return };
            self.finished = write.id;
            self.log = self.log.max(write.log_through);
        }
    }

    /// The log is cut. Returns whether that takes back what an unfinished write promised.
    ///
    /// A cut lowers what earlier, unfinished writes will make durable. Without it:
    /// 1. write 7 appends (1,5); 2. a new leader makes us cut 5 and append (2,5) as write 8;
    /// 3. the disk answers 7. We would count (2,5) as durable although only (1,5) is on the disk.
    pub(crate) fn cut(&mut self, from: LogIndex) -> bool {
        let keep = from.before();
        self.log = self.log.min(keep);
        let mut lowered = false;
        for write in &mut self.unfinished {
            lowered |= write.log_through > keep;
            write.log_through = write.log_through.min(keep);
        }
        lowered
    }

    /// The write after which term and vote are durable.
    pub(crate) fn hard_state_write(&self) -> WriteId {
        self.hard_state
    }

    /// The write after which the log is durable through an index; the last one when none says so.
    pub(crate) fn log_write(&self, through: LogIndex) -> WriteId {
        if through <= self.log {
            return WriteId(0);
        }
        let write = self.unfinished.iter().find(|write| write.log_through >= through);
        write.map_or(self.issued, |write| write.id)
    }

    /// The oldest write that the disk has not answered; the last one when it has answered all. Read by a mutation only.
    pub(crate) fn first_unfinished(&self) -> WriteId {
        self.unfinished.front().map_or(self.issued, |write| write.id)
    }

    /// Whether a message that waits for a write may leave at once: the write is finished, and nothing waits before.
    pub(crate) fn is_free(&self, until: WriteId) -> bool {
        until <= self.finished && self.held.is_empty()
    }

    /// Keeps a message until a write is durable.
    pub(crate) fn hold(&mut self, until: WriteId, envelope: Envelope) {
        self.held.push_back(Held { until, envelope });
    }

    /// The same with writes numbered from the last finished one: all that the numbers are compared for.
    pub(crate) fn without_numbers(&self) -> Durability {
        let from = self.finished.0;
        let less = |id: WriteId| WriteId(id.0.saturating_sub(from));
        let mut plain = self.clone();
        (plain.issued, plain.finished) = (less(self.issued), WriteId(0));
        plain.hard_state = less(self.hard_state);
        plain.unfinished.iter_mut().for_each(|write| write.id = less(write.id));
        plain.held.iter_mut().for_each(|held| held.until = less(held.until));
        plain
    }

    /// The messages that wait.
    pub(crate) fn waiting_mut(&mut self) -> impl Iterator<Item = &mut Envelope> {
        self.held.iter_mut().map(|held| &mut held.envelope)
    }

    /// The next message that waits no longer.
    pub(crate) fn release(&mut self) -> Option<Envelope> {
        let first = self.held.front()?;
        if first.until > self.finished {
            return None;
        }
        self.held.pop_front().map(|held| held.envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Body;
    use crate::types::Term;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_cut_takes_back_what_an_unfinished_write_promised() {
        let mut disk = Durability::starting_with(LogIndex(4));
        let seven = disk.issue(false, LogIndex(5));
        assert!(disk.cut(LogIndex(5)));
        let eight = disk.issue(false, LogIndex(5));
        disk.finish(seven);
        assert_eq!(disk.log(), LogIndex(4));
        assert_eq!(disk.log_write(LogIndex(5)), eight);
        disk.finish(eight);
        assert_eq!(disk.log(), LogIndex(5));
    }

    #[test]
    fn term_and_vote_are_durable_with_the_last_write_that_holds_them() {
        let mut disk = Durability::starting_with(LogIndex(0));
        assert!(disk.holds_hard_state());
        let first = disk.issue(true, LogIndex(0));
        let second = disk.issue(false, LogIndex(1));
        assert!(!disk.holds_hard_state());
        assert_eq!(disk.hard_state_write(), first);
        disk.finish(first);
        assert!(disk.holds_hard_state() && disk.is_writing());
        disk.finish(second);
        assert!(!disk.is_writing());
    }

    fn envelope(round: u64) -> Envelope {
        let message = Message { term: Term(1), body: Body::HeartbeatResponse { round, priority: 0 } };
        Envelope { from: NodeId(1), to: NodeId(2), address: Address(2), message }
    }

    #[test]
    fn messages_leave_in_their_order_and_not_before_their_write() {
        let mut disk = Durability::starting_with(LogIndex(0));
        let writes = [1, 2, 3].map(|log| disk.issue(false, LogIndex(log)));
        let until = [writes[1], writes[0], writes[2]];
        for (round, until) in (0..).zip(until) {
            disk.hold(until, envelope(round));
        }
        let released =
            |disk: &mut Durability| -> Vec<Envelope> { core::iter::from_fn(|| disk.release()).collect() };
        assert_eq!(released(&mut disk), []);
        disk.finish(writes[0]);
        assert_eq!(released(&mut disk), [], "the second could, but comes after the first");
        assert!(!disk.is_free(WriteId(0)), "nor may another one overtake them");
        disk.finish(writes[1]);
        assert_eq!(released(&mut disk), [envelope(0), envelope(1)]);
        disk.finish(writes[2]);
        assert_eq!(released(&mut disk), [envelope(2)]);
        assert!(disk.is_free(writes[2]) && !disk.is_holding());
    }

    #[test]
    fn a_disk_may_answer_several_writes_at_once_early_or_twice() {
        let mut disk = Durability::starting_with(LogIndex(0));
        let writes = [1, 2, 3].map(|log| disk.issue(log == 2, LogIndex(log)));
        disk.finish(writes[1]);
        assert_eq!((disk.log(), disk.holds_hard_state()), (LogIndex(2), true));
        disk.finish(writes[0]);
        assert_eq!(disk.log(), LogIndex(2));
        disk.finish(WriteId(99));
        assert_eq!((disk.log(), disk.is_writing()), (LogIndex(3), false));
        assert_eq!(
            disk.issue(false, LogIndex(4)),
            WriteId(4),
            "an answer to what was not asked counts nothing ahead"
        );
        assert!(disk.is_writing());
    }

    #[derive(Clone, Copy, Debug)]
    enum Do {
        Write { cut: u64, append: usize },
        Finish { count: u64 },
    }

    /// A disk that holds what was written to it: every entry is told from every other one.
    #[derive(Default)]
    struct Disk {
        entries: Vec<u64>,
        queue: VecDeque<(WriteId, usize, Vec<u64>)>,
    }

    impl Disk {
        fn finish(&mut self) -> Option<WriteId> {
            let (id, from, entries) = self.queue.pop_front()?;
            self.entries.truncate(from);
            self.entries.extend(entries);
            Some(id)
        }
    }

    proptest! {
        #[test]
        fn what_counts_as_durable_is_on_the_disk(
            steps in proptest::collection::vec(
                prop_oneof![
                    (0u64..6, 0usize..4).prop_map(|(cut, append)| Do::Write { cut, append }),
                    (1u64..3).prop_map(|count| Do::Finish { count }),
                ],
                0..60,
            ),
        ) {
            let (mut durability, mut disk, mut log) = (Durability::starting_with(LogIndex(0)), Disk::default(), Vec::new());
            let mut made = 0;
            for step in steps {
                match step {
                    Do::Write { cut, append } => {
                        let keep = log.len().saturating_sub(cut as usize);
                        if keep < log.len() {
                            durability.cut(LogIndex(keep as u64 + 1));
                            log.truncate(keep);
                        }
                        let new: Vec<u64> = (0..append).map(|more| made + more as u64).collect();
                        made += append as u64;
                        log.extend(&new);
                        let id = durability.issue(false, LogIndex(log.len() as u64));
                        disk.queue.push_back((id, keep, new));
                    }
                    Do::Finish { count } => {
                        let last = (0..count).map_while(|_| disk.finish()).last();
                        last.into_iter().for_each(|id| durability.finish(id));
                    }
                }
                let durable = durability.log().0 as usize;
                prop_assert!(durable <= log.len());
                prop_assert_eq!(&disk.entries[..durable], &log[..durable]);
                // The write that a message about an entry waits for is the one after which the entry is there.
                for through in 1..=log.len() {
                    let until = durability.log_write(LogIndex(through as u64));
                    let mut after = disk.entries.clone();
                    for (id, from, entries) in &disk.queue {
                        if *id <= until {
                            after.truncate(*from);
                            after.extend(entries);
                        }
                    }
                    prop_assert_eq!(after.get(..through), Some(&log[..through]));
                }
            }
        }
    }
}
