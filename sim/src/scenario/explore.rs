//! How far every order of a scenario is explored (`[explore]`).
//!
//! Not here: what the numbers are called and how they are bounded (`knobs`), and the exploring (`explore`).

/// How far every order is explored. Whatever is not bounded here comes as often as it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explore {
    /// The most moves of a run.
    pub depth: u32,
    /// No node goes beyond this term.
    pub terms: u32,
    /// The most times that a node stands for election.
    pub timeouts: u32,
    /// The most times that a node notices that its leader is silent, and does not stand for election yet.
    pub silences: u32,
    /// The most heartbeat timers that fire.
    pub heartbeats: u32,
    /// The most crashes, each with a restart.
    pub crashes: u32,
    /// The most messages that arrive a second time.
    pub duplications: u32,
    /// The most commands that clients ask for.
    pub proposals: u32,
    /// The most changes and transfers that operators ask for, of those that the story has.
    pub changes: u32,
    /// Within how many moves a cluster agrees from every state once it is healed; 0: nobody asks.
    pub healing: u32,
    /// When writes become durable.
    pub writes: Writes,
    /// When an answer arrives.
    pub answers: Answers,
}

impl Default for Explore {
    fn default() -> Explore {
        Explore {
            depth: 1_000,
            terms: 2,
            timeouts: 3,
            silences: 0,
            heartbeats: 0,
            crashes: 0,
            duplications: 0,
            proposals: 1,
            changes: 2,
            healing: 0,
            writes: Writes::AtOnce,
            answers: Answers::Later,
        }
    }
}

/// When a write becomes durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// In the step that issues it.
    #[default]
    AtOnce,
    /// At any later moment, in order; a crash keeps any number of the parts that are not durable.
    Later,
}

impl Writes {
    pub(super) const ALL: [Writes; 2] = [Writes::AtOnce, Writes::Later];

    pub(super) fn name(self) -> &'static str {
        match self {
            Writes::AtOnce => "at-once",
            Writes::Later => "later",
        }
    }
}

/// When the answer to a message arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// At any later moment, or never.
    #[default]
    Later,
    /// With the message, if it is sent in the same step: fewer orders, none of them impossible.
    AtOnce,
}

impl Answers {
    pub(super) const ALL: [Answers; 2] = [Answers::Later, Answers::AtOnce];

    pub(super) fn name(self) -> &'static str {
        match self {
            Answers::Later => "later",
            Answers::AtOnce => "at-once",
        }
    }
}
