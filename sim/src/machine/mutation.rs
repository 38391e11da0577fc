//! Deliberate mistakes of the replicated state machine and its sessions, for testing the checkers.
//!
//! Holds: a mistake is made at every replica alike, or the checkers would see no more than one odd replica; without the
//! feature `mutations` there is none. Not here: the mistakes of a protocol (`splitbrain_core::mutation`).
//!
//! A scenario switches one on by the same option as those of the core: `mutation = "retry-applied-again"`.

use std::collections::BTreeMap;

use super::{Applied, By, Command, Machine, Task};
use crate::protocol::OptionValue;

/// A mistake. Its name and what it breaks stand in [`MachineMutation::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineMutation {
    /// A retried command is applied again.
    RetryAppliedAgain,
    /// A snapshot does not contain the sessions.
    SessionsNotInSnapshot,
    /// A replica looks at its own clock to see whether a session has expired.
    ExpiryByOwnClock,
    /// A command whose session has expired is applied all the same.
    ExpiredRetryApplied,
    /// A retried command is not applied again, but answered as if it were new.
    RetryAnsweredAnew,
    /// The number of a session that has expired is given to another.
    SessionNumberReused,
}

/// What a reader wants to know of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineMutationInfo {
    /// Which one.
    pub mutation: MachineMutation,
    /// Its name, in kebab case.
    pub name: &'static str,
    /// The promises of which it must break one, by name, most telling first.
    pub promises: &'static [&'static str],
    /// What it does.
    pub breaks: &'static str,
}

impl MachineMutation {
    /// Every mutation.
    pub const ALL: &'static [MachineMutationInfo] = &[
        MachineMutationInfo {
            mutation: MachineMutation::RetryAppliedAgain,
            name: "retry-applied-again",
            promises: &["linearizability"],
            breaks: "a retried command is applied again",
        },
        MachineMutationInfo {
            mutation: MachineMutation::SessionsNotInSnapshot,
            name: "sessions-not-in-snapshot",
            promises: &["state-machine-safety", "linearizability"],
            breaks: "a snapshot does not contain the sessions",
        },
        MachineMutationInfo {
            mutation: MachineMutation::ExpiryByOwnClock,
            name: "expiry-by-own-clock",
            promises: &["state-machine-safety", "linearizability"],
            breaks: "a replica looks at its own clock to see whether a session has expired",
        },
        MachineMutationInfo {
            mutation: MachineMutation::ExpiredRetryApplied,
            name: "expired-retry-applied",
            promises: &["linearizability"],
            breaks: "a command whose session has expired is applied all the same",
        },
        MachineMutationInfo {
            mutation: MachineMutation::RetryAnsweredAnew,
            name: "retry-answered-anew",
            promises: &["linearizability"],
            breaks: "a retried command is not applied again, but answered as if it were new",
        },
        MachineMutationInfo {
            mutation: MachineMutation::SessionNumberReused,
            name: "session-number-reused",
            promises: &["linearizability"],
            breaks: "the number of a session that has expired is given to another",
        },
    ];

    /// The mutation of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<MachineMutation> {
        MachineMutation::ALL.iter().find(|info| info.name == name).map(|info| info.mutation)
    }

    /// The mutation that a scenario asks for.
    pub(crate) fn of(options: &BTreeMap<String, OptionValue>) -> Option<MachineMutation> {
        match options.get("mutation")? {
            OptionValue::Word(name) => MachineMutation::named(name),
            OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Time(_) => None,
        }
    }

    /// A command as a replica with this mistake takes it, whose clock shows `now`.
    pub(crate) fn taken(self, command: Command, now: u64) -> Command {
        let task = match (self, command.task) {
            (MachineMutation::RetryAppliedAgain, Task::Ask { request, .. }) => {
                Task::Ask { by: By::Nothing, request }
            }
            (MachineMutation::ExpiryByOwnClock, Task::Open { lasting, .. }) => {
                Task::Open { stamp: now, lasting }
            }
            (MachineMutation::ExpiryByOwnClock, Task::Ask { by: By::Session { number, .. }, request }) => {
                Task::Ask { by: By::Session { number, stamp: now }, request }
            }
            (_, task) => task,
        };
        Command { task, ..command }
    }

    /// Applies a command as a replica with this mistake does.
    pub(crate) fn apply(self, machine: &mut Machine, command: &Command) -> Applied {
        if let (MachineMutation::SessionNumberReused, Task::Open { stamp, .. }) = (self, command.task) {
            machine.reuse_session_numbers(stamp);
        }
        let applied = machine.apply(command);
        match (self, command.task, applied) {
            (MachineMutation::ExpiredRetryApplied, Task::Ask { request, .. }, Applied::Expired) => {
                machine.apply(&Command { task: Task::Ask { by: By::Nothing, request }, ..*command })
            }
            (MachineMutation::RetryAnsweredAnew, Task::Ask { request, .. }, Applied::Before(_)) => {
                let anew = Command { task: Task::Ask { by: By::Nothing, request }, ..*command };
                match machine.clone().apply(&anew) {
                    Applied::Now(answer) => Applied::Before(answer),
                    other => other,
                }
            }
            _ => applied,
        }
    }

    /// A machine as a replica with this mistake writes it to a snapshot.
    pub(crate) fn written(self, machine: &Machine) -> Machine {
        match self {
            MachineMutation::SessionsNotInSnapshot => machine.without_sessions(),
            MachineMutation::RetryAppliedAgain
            | MachineMutation::ExpiryByOwnClock
            | MachineMutation::ExpiredRetryApplied
            | MachineMutation::RetryAnsweredAnew
            | MachineMutation::SessionNumberReused => machine.clone(),
        }
    }
}
