//! What a check may use up, why it gives up, and how far it came by then.
//!
//! Holds: all of it is counted, nothing timed, so that it ends at the same place on every machine.

/// Where the search ends with `unknown`. The same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Configurations looked at, over all keys. A million take about a second or less.
    pub steps: u64,
    /// Bytes of the search's own memory (the history not counted), within a factor of two.
    pub memory: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { steps: 200_000_000, memory: 400 << 20 }
    }
}

/// How far an undecided check came. The same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The first key that was not decided.
    pub key: u32,
    /// Steps taken, over all keys.
    pub steps: u64,
    /// How many of the key's answers some order explains, counted in the order of their return.
    pub explained: u32,
    /// How many answers the key has.
    pub answers: u32,
    /// When the last of those explained returned.
    pub through: Option<u64>,
}

/// What a search may use up before it says `unknown`.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// Configurations looked at.
    pub(crate) steps: u64,
    /// Bytes of the frontier and its memo.
    pub(crate) memory: usize,
    /// Asked now and then.
    pub(crate) stop: Option<&'a dyn Fn() -> bool>,
}

/// Why a search gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    Steps,
    Memory,
    Stopped,
    TooConcurrent,
}
