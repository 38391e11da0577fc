//! The wall clock, for budgets and progress only.
//!
//! Holds: no report depends on it, but how much was done within a budget. Nothing else in the project reads a clock.

#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use std::time::{Duration, Instant};

/// When some work began, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    budget: Option<Duration>,
}

impl Clock {
    /// Starts now; `budget` in nanoseconds.
    pub(crate) fn start(budget: Option<u64>) -> Clock {
        Clock { start: Instant::now(), budget: budget.map(Duration::from_nanos) }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| self.elapsed() >= budget)
    }
}
