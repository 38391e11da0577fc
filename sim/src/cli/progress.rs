//! How far long work is: a bar on a terminal, a plain line now and then elsewhere, always on the standard error.
//!
//! Not here: the work.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output;
use crate::clock::Clock;

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// A bar, or lines.
pub(super) struct Bar {
    bar: ProgressBar,
    plain: bool,
    clock: Clock,
    said: Duration,
}

impl Bar {
    /// For so many pieces of work; `None` when nobody knows how many.
    pub(super) fn new(length: Option<u64>, noun: &'static str) -> Bar {
        let plain = !io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
        let template = match length {
            Some(_) => "{bar:24} {human_pos}/{human_len} NOUN · {per_sec} · ETA {eta} · {msg}",
            None => "{spinner} {human_pos} NOUN · {per_sec} · {elapsed} · {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(&template.replace("NOUN", noun)) {
            bar.set_style(style);
        }
        if plain {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        Bar { bar, plain, clock: Clock::start(None), said: Duration::ZERO }
    }

    /// As [`Bar::new`], where there is a terminal to show it.
    pub(super) fn on_terminal(length: u64, noun: &'static str) -> Option<Bar> {
        io::stderr().is_terminal().then(|| Bar::new(Some(length), noun))
    }

    /// Makes room while something else is written.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// So much is done.
    pub(super) fn show(&mut self, done: u64, message: String) {
        self.bar.set_position(done);
        let elapsed = self.clock.elapsed();
        if self.plain && elapsed >= self.said + PLAIN_EVERY {
            self.said = elapsed;
            let of = self.bar.length().map_or(String::new(), |length| format!(" of {length}"));
            let rate = u128::from(done) * 1_000 / elapsed.as_millis().max(1);
            output::inform(&format!("{}s: {done}{of} · {rate}/s · {message}", elapsed.as_secs()));
        }
        self.bar.set_message(message);
    }

    /// Nothing follows.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}
