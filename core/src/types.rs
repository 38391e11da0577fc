//! The small words: nodes, terms, log ids, addresses, requests, writes.
//!
//! Holds: each is its own type, so that a term is never taken for an index; the order of `LogId` is the rule of
//! section 5.4.1 of the paper.
//! Not here: what a log holds (`log`), and who takes part (`membership`).

/// A node of the cluster. An id names one machine with one disk, for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NodeId(pub u32);

/// Where a node is reached: an opaque token that the caller's network understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address(pub u32);

/// More terms, entries and bytes than any cluster will see. A message that names a greater number is not believed, so that
/// reckoning with those that are does not overflow.
pub const FAR: u64 = 1 << 62;

/// A term (paper, section 5.1): Raft's logical clock. At most one node leads in a term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Term(pub u64);

impl Term {
    /// The term after this one.
    #[must_use]
    pub const fn next(self) -> Term {
        Term(self.0 + 1)
    }
}

/// A position in the log. The first entry has index 1; index 0 is the place before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// The index after this one.
    #[must_use]
    pub const fn next(self) -> LogIndex {
        LogIndex(self.0 + 1)
    }

    /// The index before this one; 0 has none before it and stays.
    #[must_use]
    pub const fn before(self) -> LogIndex {
        LogIndex(self.0.saturating_sub(1))
    }

    /// The index `count` places further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> LogIndex {
        LogIndex(self.0 + count)
    }
}

/// What identifies an entry. Its order, term before index, is "at least as up to date" of section 5.4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LogId {
    /// The term in which the entry was created.
    pub term: Term,
    /// Where it stands.
    pub index: LogIndex,
}

impl LogId {
    /// A log id from plain numbers.
    #[must_use]
    pub const fn new(term: u64, index: u64) -> LogId {
        LogId { term: Term(term), index: LogIndex(index) }
    }
}

/// Names a client's or operator's request, so that its answer finds it. Chosen by the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestId(pub u64);

/// Numbers the writes of a process from 1. Writes become durable in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WriteId(pub u64);

/// A span of time in nanoseconds, both ends included; the caller draws the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Within {
    /// Soonest, in nanoseconds from now.
    pub min: u64,
    /// Latest, in nanoseconds from now.
    pub max: u64,
}

impl Within {
    /// Exactly this many nanoseconds from now.
    #[must_use]
    pub const fn exactly(nanoseconds: u64) -> Within {
        Within { min: nanoseconds, max: nanoseconds }
    }
}
