//! Chapter 3: protocols that are not Raft, and what is judged of them.
//!
//! A checker judges what it is shown. [`Protocol::shows`] says what that is; a promise that would take more is *not judged*,
//! and every report says so. It never passes in silence.
//!
//! | promise | needs |
//! |---|---|
//! | state-machine safety, linearizability | nothing but what is committed |
//! | monotonicity | nothing; reigns in order for epochs |
//! | election safety | who leads |
//! | leader append-only | who leads, the log |
//! | leader completeness | who leads, reigns in order, the log |
//! | log matching | the log, the epoch in which an entry was created |
//! | commit durability | who leads, what is durable, whose majority decides |
//!
//! What that means for the families of protocols:
//!
//! - **Multi-Paxos, Viewstamped Replication, OmniPaxos**: what was accepted may be accepted again under a later ballot, so an
//!   entry keeps no epoch. Marks are made with [`EntryMark::of`], and [`Shown::EntryEpochs`] is left out. The ballot or view is
//!   the epoch.
//! - **Slots with holes**: `commit` is the index through which everything is decided; `mark` answers `None` in a hole and
//!   beyond it, and [`Shown::Log`] is left out.
//! - **Several leaders, or none** (EPaxos, Mencius, chain replication): [`Shown::Leaders`] is left out. Agreement after healing
//!   is then that every running member has applied everything that anybody calls committed.
//! - **Reigns without an order** (a random id for each): [`Shown::Reigns`] is left out; the epoch is any number that names the
//!   reign, such as a hash of it.
//!
//! ```
//! use splitbrain::check::Checkers;
//! use splitbrain::protocol::Shown;
//! use splitbrain::scenario::Property;
//!
//! let paxos = [Shown::Leaders, Shown::Reigns, Shown::Disk, Shown::Quorums];
//! let unjudged: Vec<Property> = Checkers::not_judged(&paxos).iter().map(|promise| promise.property).collect();
//! assert_eq!(unjudged, [Property::LeaderAppendOnly, Property::LogMatching, Property::LeaderCompleteness]);
//! ```
//!
//! [`Protocol::shows`]: crate::protocol::Protocol::shows
//! [`EntryMark::of`]: crate::protocol::EntryMark::of
//! [`Shown::Leaders`]: crate::protocol::Shown::Leaders
//! [`Shown::Reigns`]: crate::protocol::Shown::Reigns
//! [`Shown::Log`]: crate::protocol::Shown::Log
//! [`Shown::EntryEpochs`]: crate::protocol::Shown::EntryEpochs
