//! The replicated state machine: a key-value store that applies a command of a client at most once.
//!
//! Holds: equal commands in equal order give equal state and equal answers; a retried command is answered again and not
//! applied again (thesis, section 6.3). Not here: the order of commands (a protocol decides it), and sessions that expire
//! (`session`).

mod command;
#[cfg(feature = "mutations")]
pub mod mutation;
mod session;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use command::{Answer, Applied, By, Command, Request, Task};
use session::{Known, Session, Sessions};

/// The store with its sessions. Keys and clients are small dense numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    values: Vec<Option<u64>>,
    /// The last command of each client that is known by its number.
    clients: Vec<Option<(u64, Answer)>>,
    sessions: Sessions,
}

impl Machine {
    /// Applies a command at most once, if anything makes a retry known.
    pub fn apply(&mut self, command: &Command) -> Applied {
        let serial = command.serial;
        let (by, request) = match command.task {
            Task::Open { stamp, lasting } => return Applied::Opened(self.sessions.open(stamp, lasting)),
            Task::Ask { by, request } => (by, request),
        };
        let known = match by {
            By::Client => self.known_by_client(command.client, serial),
            By::Session { number, stamp } => self.sessions.look(stamp, number, serial),
            By::Nothing => Known::New,
        };
        match known {
            Known::New => {}
            Known::Applied(answer) => return Applied::Before(answer),
            Known::GivenUp => return Applied::GivenUp,
            Known::Expired => return Applied::Expired,
        }
        let answer = self.execute(request);
        match by {
            By::Client => self.clients[command.client as usize] = Some((serial, answer)),
            By::Session { number, .. } => self.sessions.remember(number, serial, answer),
            By::Nothing => {}
        }
        Applied::Now(answer)
    }

    fn known_by_client(&mut self, client: u32, serial: u64) -> Known {
        let place = client as usize;
        if self.clients.len() <= place {
            self.clients.resize(place + 1, None);
        }
        match self.clients[place] {
            Some((last, answer)) if last == serial => Known::Applied(answer),
            Some((last, _)) if last > serial => Known::GivenUp,
            Some(_) | None => Known::New,
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: u32) -> Option<u64> {
        self.values.get(key as usize).copied().flatten()
    }

    /// The same values, and nobody known.
    #[cfg(feature = "mutations")]
    pub(crate) fn without_sessions(&self) -> Machine {
        Machine { values: self.values.clone(), ..Machine::default() }
    }

    /// Forgets which numbers of sessions were given out, but for those that are open at a time.
    #[cfg(feature = "mutations")]
    pub(crate) fn reuse_session_numbers(&mut self, stamp: u64) {
        self.sessions.reuse_numbers(stamp);
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
        for last in &self.clients {
            put_last(&mut put, *last);
        }
        if self.sessions != Sessions::default() {
            let (now, opened, open) = self.sessions.parts();
            [SESSIONS, now, opened].into_iter().for_each(&mut put);
            for (number, Session { last, used, lasting }) in open {
                [*number, *used, *lasting].into_iter().for_each(&mut put);
                put_last(&mut put, *last);
            }
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
            if kind == SESSIONS {
                machine.sessions = decode_sessions(&mut words)?;
                break;
            }
            machine.clients.push(decode_last(kind, &mut words)?);
        }
        Some(machine)
    }
}

/// Where the sessions begin: no kind of answer.
const SESSIONS: u64 = 10;
/// No answer.
const NOTHING: u64 = 9;

/// A command's number and its answer as three words.
fn put_last(put: &mut impl FnMut(u64), last: Option<(u64, Answer)>) {
    let (kind, value) = match last.map(|(_, answer)| answer) {
        Some(Answer::Written) => (0, 0),
        Some(Answer::Value(None)) => (1, 0),
        Some(Answer::Value(Some(value))) => (2, value),
        Some(Answer::Swapped) => (3, 0),
        Some(Answer::Mismatch(None)) => (4, 0),
        Some(Answer::Mismatch(Some(value))) => (5, value),
        None => (NOTHING, 0),
    };
    put(kind);
    put(last.map_or(0, |(serial, _)| serial));
    put(value);
}

#[expect(clippy::option_option, reason = "bytes that are no answer, and no answer")]
fn decode_last(kind: u64, words: &mut impl Iterator<Item = u64>) -> Option<Option<(u64, Answer)>> {
    let (serial, value) = (words.next()?, words.next()?);
    let answer = match kind {
        0 => Answer::Written,
        1 => Answer::Value(None),
        2 => Answer::Value(Some(value)),
        3 => Answer::Swapped,
        4 => Answer::Mismatch(None),
        5 => Answer::Mismatch(Some(value)),
        NOTHING => return Some(None),
        _ => return None,
    };
    Some(Some((serial, answer)))
}

fn decode_sessions(words: &mut impl Iterator<Item = u64>) -> Option<Sessions> {
    let (now, opened) = (words.next()?, words.next()?);
    let mut open = BTreeMap::new();
    while let Some(number) = words.next() {
        let (used, lasting, kind) = (words.next()?, words.next()?, words.next()?);
        open.insert(number, Session { last: decode_last(kind, words)?, used, lasting });
    }
    Some(Sessions::from_parts(now, opened, open))
}

#[cfg(test)]
mod tests {
    use super::command::LEN;
    use super::*;

    fn command(client: u32, serial: u64, request: Request) -> Command {
        Command { client, serial, task: Task::Ask { by: By::Client, request } }
    }

    #[test]
    fn commands_survive_their_encoding() {
        let requests = [
            Request::Get { key: 7 },
            Request::Put { key: 1, value: u64::MAX },
            Request::Cas { key: 2, expected: None, value: 5 },
            Request::Cas { key: 2, expected: Some(3), value: 5 },
        ];
        let ways = [By::Client, By::Session { number: 4, stamp: 1 << 60 }, By::Nothing];
        let asked = requests.iter().flat_map(|&request| ways.map(|by| Task::Ask { by, request }));
        for task in asked.chain([Task::Open { stamp: 5, lasting: 6 }]) {
            let command = Command { client: 3, serial: 9, task };
            assert_eq!(Command::decode(&command.encode()), Some(command));
        }
        assert_eq!(Command::decode(b"short"), None);
        assert_eq!(Command::decode(&[9; LEN]), None);
        assert_eq!(Command::decode(&[4; LEN]), None, "a session without a time");
    }

    #[test]
    fn a_retry_is_answered_again_and_not_applied_again() {
        let mut machine = Machine::default();
        let swap = command(0, 1, Request::Cas { key: 0, expected: None, value: 5 });
        assert_eq!(machine.apply(&swap), Applied::Now(Answer::Swapped));
        assert_eq!(machine.apply(&swap), Applied::Before(Answer::Swapped));
        machine.apply(&command(0, 2, Request::Put { key: 0, value: 6 }));
        assert_eq!(machine.apply(&swap), Applied::GivenUp);
        assert_eq!(machine.get(0), Some(6));
    }

    #[test]
    fn a_command_without_a_session_is_applied_as_often_as_it_comes() {
        let mut machine = Machine::default();
        let request = Request::Cas { key: 0, expected: None, value: 5 };
        let swap = Command { client: 0, serial: 1, task: Task::Ask { by: By::Nothing, request } };
        assert_eq!(machine.apply(&swap), Applied::Now(Answer::Swapped));
        assert_eq!(machine.apply(&swap), Applied::Now(Answer::Mismatch(Some(5))));
    }

    #[test]
    fn a_state_survives_its_encoding() {
        let mut machine = Machine::default();
        machine.apply(&command(2, 4, Request::Put { key: 3, value: 8 }));
        machine.apply(&command(0, 1, Request::Get { key: 3 }));
        machine.apply(&command(4, 2, Request::Cas { key: 3, expected: Some(1), value: 2 }));
        assert_eq!(Machine::decode(&machine.encode()), Some(machine.clone()));
        let open = Command { client: 1, serial: 0, task: Task::Open { stamp: 3, lasting: 9 } };
        let Applied::Opened(number) = machine.apply(&open) else { panic!("opened") };
        machine.apply(&open);
        let by = By::Session { number, stamp: 5 };
        let put = Command {
            client: 1,
            serial: 1,
            task: Task::Ask { by, request: Request::Put { key: 1, value: 2 } },
        };
        assert_eq!(machine.apply(&put), Applied::Now(Answer::Written));
        let mut again = Machine::decode(&machine.encode()).unwrap();
        assert_eq!(again, machine);
        assert_eq!(again.apply(&put), Applied::Before(Answer::Written), "sessions come with the snapshot");
        assert_eq!(Machine::decode(&[1, 2, 3]), None);
    }
}
