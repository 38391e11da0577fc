//! Locks: who may acquire, who may release, and fences that grow.
//!
//! The rules are Knossos' mutex and those that Jepsen's test of Hazelcast's locks checks. Who released or acquired
//! without an answer may have done it or not; its fence, if it got one, constrains nothing.
//!
//! Holds: a refused request is no operation (it failed, and leaves the history).

use super::{Action, Kind, Output, State};
use crate::value::{Value, Values};

/// Who holds a lock, how often, and the greatest fence seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lock {
    /// The holder, if any.
    pub owner: Option<Value>,
    /// How often the holder acquired it without releasing it.
    pub held: u32,
    /// The greatest fence that any acquire told; 0 is none.
    pub fence: i64,
}

impl Lock {
    pub(super) fn show(self, values: &Values) -> String {
        let fence = if self.fence > 0 { format!(", last fence {}", self.fence) } else { String::new() };
        match (self.owner, self.held) {
            (None, _) => format!("free{fence}"),
            (Some(owner), 1) => format!("held by {}{fence}", values.show(owner)),
            (Some(owner), held) => format!("held {held} times by {}{fence}", values.show(owner)),
        }
    }
}

pub(super) fn step(
    kind: Kind,
    values: &Values,
    state: &State,
    action: Action,
    output: Option<&Output>,
) -> Option<State> {
    let State::Lock(lock) = *state else { return None };
    let next = match action {
        Action::Acquire(owner) => acquire(kind, values, lock, owner, output)?,
        Action::Release(owner) => release(kind, lock, owner)?,
        _ => return None,
    };
    Some(State::Lock(next))
}

fn acquire(kind: Kind, values: &Values, lock: Lock, owner: Value, output: Option<&Output>) -> Option<Lock> {
    let again = kind == Kind::ReentrantLock && lock.owner == Some(owner);
    if lock.owner.is_some() && !again {
        return None;
    }
    let fence = match output {
        // What is no number above 0 tells none.
        Some(Output::Read(fence)) if kind == Kind::FencedLock => {
            values.content(*fence).number().unwrap_or(0).max(0)
        }
        Some(_) | None => 0,
    };
    if fence > 0 && fence <= lock.fence {
        return None;
    }
    Some(Lock { owner: Some(owner), held: lock.held + 1, fence: fence.max(lock.fence) })
}

fn release(kind: Kind, lock: Lock, owner: Value) -> Option<Lock> {
    let holder = lock.owner?;
    if holder != owner && kind != Kind::Mutex {
        return None;
    }
    let held = lock.held - 1;
    Some(Lock { owner: lock.owner.filter(|_| held > 0), held, ..lock })
}
