//! A single-threaded asynchronous runtime in which nothing is left to chance: for a library that spawns tasks and waits.
//!
//! Holds: tasks are polled in the order in which they were woken, timers of one moment fire in the order in which they
//! were set, time passes only when [`Executor::run_at`] is told so, and chance depends on the entropy that the executor was
//! given: equal inputs give equal polls. Nothing here looks at a clock, a thread or a pointer.
//! Not here: a reactor. What comes from outside is handed to tasks by whoever holds the executor.
//!
//! One executor is one process of a world. At every input, the adapter hands it to the library's tasks, runs them until none
//! has anything to do, and takes what they asked for:
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! use splitbrain::runtime::{self, Executor};
//!
//! let said = Rc::new(RefCell::new(Vec::new()));
//! let executor = Executor::new(0, 17); // at boot: the node's clock, and `entropy`
//! let outbox = said.clone();
//! executor.enter(|| {
//!     runtime::spawn(async move {
//!         loop {
//!             runtime::sleep(Duration::from_millis(50)).await;
//!             outbox.borrow_mut().push("a heartbeat");
//!         }
//!     });
//! });
//! executor.run_at(0);
//! assert_eq!(executor.next_timer(), Some(50_000_000)); // to be asked of the world: `Effect::SetTimer`
//! executor.run_at(50_000_000); // when it fires
//! assert_eq!(*said.borrow(), ["a heartbeat"]);
//! executor.clear(); // a crash: every task ends between two polls
//! ```
//!
//! What a library must let you choose, for this to do: how tasks are spawned, how to sleep, and where numbers are drawn.
//! Channels and locks that only wake (those of `futures`, `async-channel`, tokio's `sync`) need no replacement: they wake in
//! the order of waiting. Two things do: `select!` that draws which branch it looks at first (`futures::select!`,
//! `tokio::select!` without `biased`), and tokio's `watch`, which draws whom it wakes first.

mod executor;
mod task;
#[cfg(test)]
mod tests;
mod time;

pub use executor::{Executor, block_on, draw};
pub use task::{JoinHandle, Killed, spawn};
pub use time::{Elapsed, Sleep, Timeout, VirtualInstant, sleep, timeout};
