//! What may happen to a node, and what was used up of the bounds.
//!
//! Not here: which of it is possible (`moves`), and what becomes of it (`cast`, `state`).

use crate::protocol::Protocol;

/// One thing that may happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// To whom.
    pub(super) node: u8,
    pub(super) what: What,
}

/// What may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A message arrives.
    Deliver(u32),
    /// A message arrives and arrives once more later.
    DeliverAndKeep(u32),
    /// The oldest unfinished write is durable.
    Finish,
    /// Whatever it waits for a leader by fires, through its election timer: it stands for election.
    Stand,
    /// One of its timers fires, by its place among them.
    Fire(u8),
    /// The process dies and is started again; so many parts of its unfinished writes are durable.
    Crash(u16),
    /// The client of a number asks.
    Ask(u8),
    /// An operator asks for one of the operations of the story.
    Operate(u8),
}

/// How often a timer may fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Timeouts,
    Silences,
    Heartbeats,
    /// As often as it changes something: it waits for something that is bounded itself.
    Free,
}

impl Bound {
    /// That of a timer. Where a protocol does not say which one elects, every one may.
    pub(super) fn of<P: Protocol>(timer: P::Timer) -> Bound {
        if P::heartbeat_timer() == Some(timer) {
            Bound::Heartbeats
        } else if P::election_timer().is_none_or(|election| election == timer) {
            Bound::Timeouts
        } else if P::waits_for_leader(timer) {
            Bound::Silences
        } else {
            Bound::Free
        }
    }
}

impl What {
    /// The message that arrives.
    pub(super) fn post(self) -> Option<u32> {
        match self {
            What::Deliver(post) | What::DeliverAndKeep(post) => Some(post),
            What::Finish | What::Stand | What::Fire(_) | What::Crash(_) | What::Ask(_) | What::Operate(_) => {
                None
            }
        }
    }
}

impl Move {
    /// A number for what happens; equal for equal inputs of a player.
    pub(super) fn code(self) -> u64 {
        let (kind, number) = match self.what {
            What::Deliver(post) | What::DeliverAndKeep(post) => (0, u64::from(post)),
            What::Finish => (1, 0),
            What::Fire(timer) => (2, u64::from(timer)),
            What::Crash(kept) => (3, u64::from(kept)),
            What::Ask(client) => (4, u64::from(client)),
            What::Operate(operation) => (5, u64::from(operation)),
            What::Stand => (6, 0),
        };
        number << 8 | kind
    }
}

/// What was used up of the bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) timeouts: u8,
    pub(super) silences: u8,
    pub(super) heartbeats: u8,
    pub(super) crashes: u8,
    pub(super) duplications: u8,
    pub(super) proposals: u8,
    pub(super) changes: u8,
}

impl Spent {
    /// All of it in a word.
    pub(super) fn word(self) -> u64 {
        let Spent { timeouts, silences, heartbeats, crashes, duplications, proposals, changes } = self;
        u64::from_le_bytes([timeouts, silences, heartbeats, crashes, duplications, proposals, changes, 0])
    }

    /// What is used up after a move of a node with timers of these bounds.
    pub(super) fn after(mut self, what: Move, timers: &[Bound]) -> Spent {
        match what.what {
            What::Deliver(_) | What::Finish => {}
            What::DeliverAndKeep(_) => self.duplications += 1,
            What::Stand => self.timeouts += 1,
            What::Fire(timer) => match timers[timer as usize] {
                Bound::Timeouts => self.timeouts += 1,
                Bound::Silences => self.silences += 1,
                Bound::Heartbeats => self.heartbeats += 1,
                Bound::Free => {}
            },
            What::Crash(_) => self.crashes += 1,
            What::Ask(_) => self.proposals += 1,
            What::Operate(_) => self.changes += 1,
        }
        self
    }
}
