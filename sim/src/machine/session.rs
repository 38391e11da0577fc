//! Sessions of clients: what makes a retried command known, and when that is forgotten (thesis, section 6.3).
//!
//! Holds: equal commands in equal order leave equal sessions at every replica. Time is log time: the greatest time that
//! a command so far was stamped with, by the clock of whoever took it from its client; no replica looks at its own.
//! Not here: what commands do (`machine`).
//!
//! A session that was unused for longer than it lasts is forgotten, and its number is never given out again: a retry
//! that comes after that is refused, for nobody knows any more whether it was applied.

use std::collections::BTreeMap;

use super::command::Answer;

/// An open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Session {
    /// The number of its last command, and what it was answered.
    pub last: Option<(u64, Answer)>,
    /// When it was last used, in log time.
    pub used: u64,
    /// For how long it may be unused, in nanoseconds.
    pub lasting: u64,
}

/// What a session knows of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it is to be applied.
    New,
    /// It was applied, and answered so.
    Applied(Answer),
    /// A later one was applied: its client gave this one up.
    GivenUp,
    /// The session has expired, or never was.
    Expired,
}

/// The sessions that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Sessions {
    now: u64,
    opened: u64,
    open: BTreeMap<u64, Session>,
}

impl Sessions {
    /// Opens a session, and gives its number.
    pub(super) fn open(&mut self, stamp: u64, lasting: u64) -> u64 {
        self.pass(stamp);
        self.opened += 1;
        self.open.insert(self.opened, Session { last: None, used: self.now, lasting });
        self.opened
    }

    /// Log time passes, if this is later than any time before, and what has expired is forgotten. Linear in the number
    /// of open sessions.
    fn pass(&mut self, stamp: u64) {
        self.now = self.now.max(stamp);
        let now = self.now;
        self.open.retain(|_, session| now - session.used <= session.lasting);
    }

    /// Forgets which numbers were given out, but for those that are open; for a mutation.
    #[cfg(feature = "mutations")]
    pub(super) fn reuse_numbers(&mut self, stamp: u64) {
        self.pass(stamp);
        self.opened = self.open.keys().next_back().copied().unwrap_or(0);
    }

    /// What is known of a command, which uses the session.
    pub(super) fn look(&mut self, stamp: u64, number: u64, serial: u64) -> Known {
        self.pass(stamp);
        let Some(session) = self.open.get_mut(&number) else { return Known::Expired };
        session.used = self.now;
        match session.last {
            Some((last, answer)) if last == serial => Known::Applied(answer),
            Some((last, _)) if last > serial => Known::GivenUp,
            Some(_) | None => Known::New,
        }
    }

    /// Remembers the answer to a command.
    pub(super) fn remember(&mut self, number: u64, serial: u64, answer: Answer) {
        if let Some(session) = self.open.get_mut(&number) {
            session.last = Some((serial, answer));
        }
    }

    /// Log time, how many sessions were ever opened, and those that are open; for a snapshot.
    #[must_use]
    pub(super) fn parts(&self) -> (u64, u64, &BTreeMap<u64, Session>) {
        (self.now, self.opened, &self.open)
    }

    /// The sessions of a snapshot.
    #[must_use]
    pub(super) fn from_parts(now: u64, opened: u64, open: BTreeMap<u64, Session>) -> Sessions {
        Sessions { now, opened, open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_while_it_is_used() {
        let mut sessions = Sessions::default();
        let mine = sessions.open(100, 50);
        assert_eq!(sessions.look(150, mine, 1), Known::New);
        sessions.remember(mine, 1, Answer::Written);
        assert_eq!(sessions.look(200, mine, 1), Known::Applied(Answer::Written), "a retry uses it");
        assert_eq!(sessions.look(250, mine, 2), Known::New);
        assert_eq!(sessions.look(301, mine, 2), Known::Expired);
    }

    #[test]
    fn a_session_expires_by_the_time_of_other_commands() {
        let mut sessions = Sessions::default();
        let mine = sessions.open(100, 50);
        let other = sessions.open(151, 50);
        // Stamped by a clock that is behind: log time does not go back.
        assert_eq!(sessions.look(120, mine, 1), Known::Expired);
        assert_eq!(sessions.look(120, other, 1), Known::New);
        assert_ne!(sessions.open(120, 50), mine, "a number is given out once");
    }

    #[test]
    fn an_older_command_was_given_up() {
        let mut sessions = Sessions::default();
        let mine = sessions.open(0, 50);
        sessions.remember(mine, 2, Answer::Swapped);
        assert_eq!(sessions.look(0, mine, 1), Known::GivenUp);
        assert_eq!(sessions.look(0, mine, 2), Known::Applied(Answer::Swapped));
        assert_eq!(sessions.look(0, 7, 1), Known::Expired, "never opened");
    }
}
