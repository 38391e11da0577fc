//! Everything that happened, as records; and their running digest, which is the identity of a run.
//!
//! Holds: two runs with the same digest had the same records; the digest does not depend on the machine's word size or
//! byte order. A record is made whether records are kept or not: only words for people are left out when nobody reads them.
//! Reading order: `record` (what a record is), `encode` and `digest` (how it is hashed), `show` (how people read it),
//! `counts`; `tell` for those who listen while it happens. Not here: what causes a record (`world`).

mod counts;
mod encode;
mod record;
mod show;
mod tell;

pub use counts::Counts;
pub use record::{Content, Ending, Link, Loss, Place, Record, RecordId, What};
pub use show::{Shown, asked, refused};

use crate::digest::Digest;
use tell::Listener;

use crate::names::Names;
use crate::time::Moment;

/// The running hash and the counts of a run and, when asked for, its records.
#[derive(Clone)]
pub struct Trace {
    digest: Digest,
    /// Whether the digest is left as it is.
    undigested: bool,
    last: u64,
    counts: Counts,
    /// What the next records are part of.
    cause: Option<RecordId>,
    records: Option<Vec<Record>>,
    /// Records of earlier events are not kept.
    keep_from: u64,
    /// If so, only such records are kept.
    keep_only: Option<fn(&What) -> bool>,
    listener: Listener,
}

impl core::fmt::Debug for Trace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Trace({:032x})", self.digest())
    }
}

impl Trace {
    /// An empty trace that keeps its records or only their digest.
    #[must_use]
    pub fn new(keep: bool) -> Trace {
        let records = keep.then(Vec::new);
        Trace {
            digest: Digest::new(),
            undigested: false,
            last: 0,
            counts: Counts::default(),
            cause: None,
            records,
            keep_from: 0,
            keep_only: None,
            listener: tell::listener(),
        }
    }

    /// Adds something that happened, led to by a record or by none.
    pub fn push(&mut self, at: Moment, cause: Option<RecordId>, place: Place, what: What) -> RecordId {
        if !self.undigested {
            encode::encode(at, place, &what, &mut self.digest);
        }
        self.counts.add(&what);
        let id = RecordId::after(self.last);
        self.last += 1;
        let wanted = self.keep_only.is_none_or(|wanted| wanted(&what));
        if let (true, true, Some(records)) = (wanted, self.counts.events >= self.keep_from, &mut self.records)
        {
            records.push(Record { id, cause, event: self.counts.events, at, place, what });
        }
        id
    }

    /// Leaves the digest as it is from now on, to see what it costs.
    pub(crate) fn leave_undigested(&mut self) {
        self.undigested = true;
    }

    /// The number that stands for a value in the digest; of no meaning where there is none.
    #[inline]
    pub(crate) fn number(&self, of: impl FnOnce() -> u64) -> u64 {
        if self.undigested { 0 } else { of() }
    }

    /// Keeps records from an event on only: whoever looks at one moment of a long run needs no others.
    pub fn keep_from(&mut self, event: u64) {
        self.keep_from = event;
    }

    /// Keeps records of some kinds only, and of those that hold a message, a write or a timer no words.
    pub(crate) fn keep_only(&mut self, wanted: fn(&What) -> bool) {
        self.keep_only = Some(wanted);
        self.records.get_or_insert_default();
    }

    /// Keeps every record from an event on, of those too that were kept before.
    pub(crate) fn keep_since(&mut self, event: u64) {
        (self.keep_only, self.keep_from) = (None, event);
        self.records.get_or_insert_default().retain(|record| record.event >= event);
    }

    /// Takes the records that were kept; none are kept until they are put back.
    pub(crate) fn take_records(&mut self) -> Option<Vec<Record>> {
        self.records.take()
    }

    /// Puts back what was taken.
    pub(crate) fn put_records(&mut self, records: Option<Vec<Record>>) {
        self.records = records;
    }

    /// Tells whoever listens what is about to be added.
    #[inline]
    pub(crate) fn tell(&self, at: Moment, place: Place, what: &What, names: &Names) {
        if self.listener != Listener::Nobody {
            tell::tell(at, place, what, names);
        }
    }

    /// Adds something that happened as part of what happens now.
    pub fn push_here(&mut self, at: Moment, place: Place, what: What) -> RecordId {
        self.push(at, self.cause, place, what)
    }

    /// What happens now is part of what this record began, until `resume`. Returns what it was part of before.
    pub fn begin(&mut self, cause: Option<RecordId>) -> Option<RecordId> {
        std::mem::replace(&mut self.cause, cause)
    }

    /// What happens now is part of this again.
    pub fn resume(&mut self, before: Option<RecordId>) {
        self.cause = before;
    }

    /// What happens now is part of what this record began.
    #[must_use]
    pub fn cause(&self) -> Option<RecordId> {
        self.cause
    }

    /// Counts an event; what is recorded until the next one belongs to it.
    pub fn begin_event(&mut self) {
        self.counts.events += 1;
    }

    /// How many things of each kind happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The last record so far.
    #[must_use]
    pub fn last(&self) -> Option<RecordId> {
        self.last.checked_sub(1).map(RecordId::after)
    }

    /// A value of a protocol as a part of records: its hash, and what kind it is and what it says if records are kept.
    pub fn content(
        &self,
        digest: u64,
        kind: impl FnOnce() -> String,
        words: impl FnOnce() -> String,
    ) -> Content {
        let keeps =
            self.records.is_some() && self.keep_only.is_none() && self.counts.events >= self.keep_from;
        if !keeps && self.listener != Listener::Everything {
            return Content { digest, ..Content::default() };
        }
        Content { digest, kind: kind().into(), words: words().into() }
    }

    /// The digest of everything so far: 128 bits.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.digest.value()
    }

    /// The records, if they are kept.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        self.records.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::NodeId;

    #[test]
    fn a_digest_tells_runs_apart_and_keeping_records_does_not_change_it() {
        let run = |keep, numbers: &[u64]| {
            let mut trace = Trace::new(keep);
            for &through in numbers {
                trace.push_here(Moment(5), Place::Node(NodeId(1)), What::Restores { through });
            }
            trace.digest()
        };
        assert_eq!(run(false, &[1, 2]), run(true, &[1, 2]));
        assert_ne!(run(false, &[1, 2]), run(false, &[2, 1]));
    }

    #[test]
    fn records_know_what_led_to_them() {
        let mut trace = Trace::new(true);
        trace.begin_event();
        let heals = trace.push_here(Moment(1), Place::World, What::Heals);
        let before = trace.begin(Some(heals));
        let inside = trace.push_here(Moment(1), Place::World, What::Heals);
        trace.resume(before);
        trace.push_here(Moment(2), Place::World, What::Heals);
        let causes: Vec<_> = trace.records().iter().map(|record| record.cause).collect();
        assert_eq!(causes, [None, Some(heals), None]);
        assert_eq!((inside.number(), trace.last().map(RecordId::number)), (2, Some(3)));
        assert!(trace.records().iter().all(|record| record.event == 1));
    }
}
