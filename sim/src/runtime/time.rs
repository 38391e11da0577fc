//! Moments and waiting on a node's own virtual clock.
//!
//! Holds: nothing here looks at a real clock; a moment never wraps.
//! Not here: who moves the clock (`executor`).

use std::future::Future;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::executor::{self, TimerKey};

/// A moment on a node's clock. Signed 128 bits of virtual nanoseconds: a library may go back before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualInstant(i128);

impl VirtualInstant {
    /// The moment on the clock of the executor that runs now.
    ///
    /// # Panics
    /// Outside [`Executor::enter`](super::Executor::enter) and of tasks.
    #[must_use]
    pub fn now() -> VirtualInstant {
        VirtualInstant(i128::from(executor::now()))
    }

    /// Nanoseconds since the start of the run, not before it.
    fn nanos(self) -> u64 {
        u64::try_from(self.0.max(0)).unwrap_or(u64::MAX)
    }
}

fn span(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

impl Add<Duration> for VirtualInstant {
    type Output = VirtualInstant;
    fn add(self, duration: Duration) -> VirtualInstant {
        VirtualInstant(self.0.saturating_add(span(duration)))
    }
}

impl Sub<Duration> for VirtualInstant {
    type Output = VirtualInstant;
    fn sub(self, duration: Duration) -> VirtualInstant {
        VirtualInstant(self.0.saturating_sub(span(duration)))
    }
}

impl Sub for VirtualInstant {
    type Output = Duration;
    /// Zero when `earlier` is later, as with the standard library's clock.
    fn sub(self, earlier: VirtualInstant) -> Duration {
        let nanos = self.0.saturating_sub(earlier.0).max(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl AddAssign<Duration> for VirtualInstant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl SubAssign<Duration> for VirtualInstant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

/// Waits for a moment.
#[derive(Debug)]
pub struct Sleep {
    until: VirtualInstant,
    timer: Option<TimerKey>,
}

impl Sleep {
    /// Waits for this moment.
    #[must_use]
    pub fn until(until: VirtualInstant) -> Sleep {
        Sleep { until, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if VirtualInstant::now() >= self.until {
            return Poll::Ready(());
        }
        match self.timer {
            None => self.timer = Some(executor::set_timer(self.until.nanos(), cx.waker().clone())),
            Some(timer) => executor::move_timer(timer, cx.waker()),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            executor::cancel_timer(timer);
        }
    }
}

/// Waits for a span of virtual time.
#[must_use]
pub fn sleep(span: Duration) -> Sleep {
    Sleep::until(VirtualInstant::now() + span)
}

/// Waits for a future, but no longer than a span of virtual time.
#[must_use]
pub fn timeout<F>(span: Duration, future: F) -> Timeout<F> {
    Timeout::until(VirtualInstant::now() + span, future)
}

/// Waits for a future, but no longer than to a moment.
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    sleep: Sleep,
}

impl<F> Timeout<F> {
    /// Waits for a future, but no longer than to this moment.
    #[must_use]
    pub fn until(until: VirtualInstant, future: F) -> Timeout<F> {
        Timeout { future: Box::pin(future), sleep: Sleep::until(until) }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}

/// The time was over before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl std::fmt::Display for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the deadline has passed")
    }
}
