//! The replicated state machine: a key-value store that applies a command of a client at most once.
//!
//! Holds: equal commands in equal order give equal state and equal answers; a retried command is answered again and not
//! applied again (thesis, section 6.3). Not here: the order of commands (a protocol decides it).

use std::sync::Arc;

/// What a client asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// A request as it stands in a log, with the session that makes a retry known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// The client.
    pub client: u32,
    /// Counts the client's requests from 1; a retry has the number of the first try.
    pub serial: u64,
    /// What is asked.
    pub request: Request,
}

const LEN: usize = 1 + 4 + 8 + 4 + 8 + 8;

impl Command {
    /// The command as bytes of a fixed length, little-endian.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        let (kind, key, expected, value) = match self.request {
            Request::Get { key } => (0, key, 0, 0),
            Request::Put { key, value } => (1, key, 0, value),
            Request::Cas { key, expected: None, value } => (2, key, 0, value),
            Request::Cas { key, expected: Some(expected), value } => (3, key, expected, value),
        };
        let mut bytes = [0; LEN];
        bytes[0] = kind;
        bytes[1..5].copy_from_slice(&self.client.to_le_bytes());
        bytes[5..13].copy_from_slice(&self.serial.to_le_bytes());
        bytes[13..17].copy_from_slice(&key.to_le_bytes());
        bytes[17..25].copy_from_slice(&expected.to_le_bytes());
        bytes[25..].copy_from_slice(&value.to_le_bytes());
        Arc::from(bytes)
    }

    /// Reads a command; `None` for bytes that are not one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Command> {
        let bytes: &[u8; LEN] = bytes.try_into().ok()?;
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
        let half = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap_or_default());
        let (client, serial, key, expected, value) = (half(1), word(5), half(13), word(17), word(25));
        let request = match bytes[0] {
            0 => Request::Get { key },
            1 => Request::Put { key, value },
            2 => Request::Cas { key, expected: None, value },
            3 => Request::Cas { key, expected: Some(expected), value },
            _ => return None,
        };
        Some(Command { client, serial, request })
    }
}

/// The store with its sessions. Keys and clients are small dense numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    values: Vec<Option<u64>>,
    sessions: Vec<Option<(u64, Answer)>>,
}

impl Machine {
    /// Applies a command once; answers a retry as before. A request older than the client's last one has no answer:
    /// the client gave it up.
    pub fn apply(&mut self, command: &Command) -> Option<Answer> {
        let place = command.client as usize;
        if self.sessions.len() <= place {
            self.sessions.resize(place + 1, None);
        }
        match self.sessions[place] {
            Some((serial, answer)) if serial == command.serial => return Some(answer),
            Some((serial, _)) if serial > command.serial => return None,
            Some(_) | None => {}
        }
        let answer = self.execute(command.request);
        self.sessions[place] = Some((command.serial, answer));
        Some(answer)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: u32) -> Option<u64> {
        self.values.get(key as usize).copied().flatten()
    }

    fn execute(&mut self, request: Request) -> Answer {
        match request {
            Request::Get { key } => Answer::Value(self.get(key)),
            Request::Put { key, value } => {
                self.set(key, value);
                Answer::Written
            }
            Request::Cas { key, expected, value } => {
                let found = self.get(key);
                if found != expected {
                    return Answer::Mismatch(found);
                }
                self.set(key, value);
                Answer::Swapped
            }
        }
    }

    fn set(&mut self, key: u32, value: u64) {
        let place = key as usize;
        if self.values.len() <= place {
            self.values.resize(place + 1, None);
        }
        self.values[place] = Some(value);
    }

    /// The whole state as bytes, for a snapshot.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        let mut bytes = Vec::new();
        let mut put = |number: u64| bytes.extend_from_slice(&number.to_le_bytes());
        put(self.values.len() as u64);
        for value in &self.values {
            put(u64::from(value.is_some()));
            put(value.unwrap_or(0));
        }
        for session in &self.sessions {
            let (serial, answer) = session.unwrap_or((0, Answer::Written));
            let (kind, value) = match answer {
                Answer::Written => (0, 0),
                Answer::Value(None) => (1, 0),
                Answer::Value(Some(value)) => (2, value),
                Answer::Swapped => (3, 0),
                Answer::Mismatch(None) => (4, 0),
                Answer::Mismatch(Some(value)) => (5, value),
            };
            put(if session.is_some() { kind } else { 9 });
            put(serial);
            put(value);
        }
        bytes.into()
    }

    /// Reads a state; `None` for bytes that are not one.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Machine> {
        let mut words = bytes
            .chunks(8)
            .map(|chunk| chunk.try_into().ok().map(u64::from_le_bytes))
            .collect::<Option<Vec<_>>>()?
            .into_iter();
        let mut machine = Machine::default();
        for _ in 0..words.next()? {
            let (present, value) = (words.next()?, words.next()?);
            machine.values.push((present == 1).then_some(value));
        }
        while let Some(kind) = words.next() {
            let (serial, value) = (words.next()?, words.next()?);
            let answer = match kind {
                0 => Some(Answer::Written),
                1 => Some(Answer::Value(None)),
                2 => Some(Answer::Value(Some(value))),
                3 => Some(Answer::Swapped),
                4 => Some(Answer::Mismatch(None)),
                5 => Some(Answer::Mismatch(Some(value))),
                _ => None,
            };
            machine.sessions.push(answer.map(|answer| (serial, answer)));
        }
        Some(machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(client: u32, serial: u64, request: Request) -> Command {
        Command { client, serial, request }
    }

    #[test]
    fn commands_survive_their_encoding() {
        let requests = [
            Request::Get { key: 7 },
            Request::Put { key: 1, value: u64::MAX },
            Request::Cas { key: 2, expected: None, value: 5 },
            Request::Cas { key: 2, expected: Some(3), value: 5 },
        ];
        for request in requests {
            let command = command(3, 9, request);
            assert_eq!(Command::decode(&command.encode()), Some(command));
        }
        assert_eq!(Command::decode(b"short"), None);
        assert_eq!(Command::decode(&[9; LEN]), None);
    }

    #[test]
    fn a_retry_is_answered_again_and_not_applied_again() {
        let mut machine = Machine::default();
        let swap = command(0, 1, Request::Cas { key: 0, expected: None, value: 5 });
        assert_eq!(machine.apply(&swap), Some(Answer::Swapped));
        assert_eq!(machine.apply(&swap), Some(Answer::Swapped));
        machine.apply(&command(0, 2, Request::Put { key: 0, value: 6 }));
        assert_eq!(machine.apply(&swap), None, "given up by its client");
        assert_eq!(machine.get(0), Some(6));
    }

    #[test]
    fn a_state_survives_its_encoding() {
        let mut machine = Machine::default();
        machine.apply(&command(2, 4, Request::Put { key: 3, value: 8 }));
        machine.apply(&command(0, 1, Request::Get { key: 3 }));
        machine.apply(&command(4, 2, Request::Cas { key: 3, expected: Some(1), value: 2 }));
        assert_eq!(Machine::decode(&machine.encode()), Some(machine));
        assert_eq!(Machine::decode(&[1, 2, 3]), None);
    }
}
