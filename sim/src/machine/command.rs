//! What clients ask of the machine, what it answers, and a command as bytes of a log.
//!
//! Holds: what is encoded reads back as the same command. Not here: what a command does (`machine`).

use std::sync::Arc;

use serde::Serialize;

/// What a client asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// The value of a key.
    Get {
        /// The key.
        key: u32,
    },
    /// Set a key.
    Put {
        /// The key.
        key: u32,
        /// Its value from now on.
        value: u64,
    },
    /// Set a key if it has the value expected.
    Cas {
        /// The key.
        key: u32,
        /// The value it must have.
        expected: Option<u64>,
        /// Its value then.
        value: u64,
    },
}

/// What the machine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The key has this value, or none.
    Value(Option<u64>),
    /// It is written.
    Written,
    /// The key had the value expected, and is written.
    Swapped,
    /// The key had this value and not the one expected; nothing is written.
    Mismatch(Option<u64>),
}

/// A command as it stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Command {
    /// The client that waits for the answer.
    pub client: u32,
    /// Counts the client's requests from 1; a retry has the number of the first try.
    pub serial: u64,
    /// What is to be done.
    pub task: Task,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Asks for something.
    Ask {
        /// What makes a retry known.
        by: By,
        /// What is asked.
        request: Request,
    },
    /// Opens a session.
    Open {
        /// When, by the clock of the node that took the command, in nanoseconds.
        stamp: u64,
        /// For how long the session may be unused, in nanoseconds of log time.
        lasting: u64,
    },
}

/// What makes a retry known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The client's number, for ever.
    Client,
    /// A session that was opened and may expire.
    Session {
        /// Its number.
        number: u64,
        /// When, by the clock of the node that took the command, in nanoseconds.
        stamp: u64,
    },
    /// Nothing: it is applied as often as it stands in the log.
    Nothing,
}

/// What came of a command at one replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was applied.
    Now(Answer),
    /// It had been applied before.
    Before(Answer),
    /// Its client gave it up for a later one.
    GivenUp,
    /// A session was opened.
    Opened(u64),
    /// Its session has expired: it was not applied, or nobody knows any more that it was.
    Expired,
}

pub(super) const LEN: usize = 1 + 4 + 8 + 4 + 8 + 8;
/// With a stamp and the number of a session, or what stands in its place.
pub(super) const LONG: usize = LEN + 8 + 8;
const NO_SESSION: u64 = 0;

impl Command {
    /// The command as bytes, little-endian; of one length, and a longer one where sessions expire.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        let (request, tail) = match self.task {
            Task::Ask { by: By::Client, request } => (Some(request), None),
            Task::Ask { by: By::Nothing, request } => (Some(request), Some((0, NO_SESSION))),
            Task::Ask { by: By::Session { number, stamp }, request } => {
                (Some(request), Some((stamp, number)))
            }
            Task::Open { stamp, lasting } => (None, Some((stamp, lasting))),
        };
        let (kind, key, expected, value) = match request {
            Some(Request::Get { key }) => (0, key, 0, 0),
            Some(Request::Put { key, value }) => (1, key, 0, value),
            Some(Request::Cas { key, expected: None, value }) => (2, key, 0, value),
            Some(Request::Cas { key, expected: Some(expected), value }) => (3, key, expected, value),
            None => (4, 0, 0, 0),
        };
        let mut bytes = [0; LONG];
        bytes[0] = kind;
        bytes[1..5].copy_from_slice(&self.client.to_le_bytes());
        bytes[5..13].copy_from_slice(&self.serial.to_le_bytes());
        bytes[13..17].copy_from_slice(&key.to_le_bytes());
        bytes[17..25].copy_from_slice(&expected.to_le_bytes());
        bytes[25..33].copy_from_slice(&value.to_le_bytes());
        let Some((stamp, number)) = tail else { return Arc::from(&bytes[..LEN]) };
        bytes[33..41].copy_from_slice(&stamp.to_le_bytes());
        bytes[41..].copy_from_slice(&number.to_le_bytes());
        Arc::from(bytes)
    }

    /// Reads a command; `None` for bytes that are not one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Command> {
        if bytes.len() != LEN && bytes.len() != LONG {
            return None;
        }
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default());
        let (client, serial, key, expected, value) = (half(1), word(5), half(13), word(17), word(25));
        let tail = (bytes.len() == LONG).then(|| (word(33), word(41)));
        let request = match bytes[0] {
            0 => Request::Get { key },
            1 => Request::Put { key, value },
            2 => Request::Cas { key, expected: None, value },
            3 => Request::Cas { key, expected: Some(expected), value },
            4 => {
                let (stamp, lasting) = tail?;
                return Some(Command { client, serial, task: Task::Open { stamp, lasting } });
            }
            _ => return None,
        };
        let by = match tail {
            None => By::Client,
            Some((_, NO_SESSION)) => By::Nothing,
            Some((stamp, number)) => By::Session { number, stamp },
        };
        Some(Command { client, serial, task: Task::Ask { by, request } })
    }
}
