//! An asynchronous runtime for openraft in which nothing is left to chance: one thread, virtual time, one stream of
//! draws for each node.
//!
//! Holds: it passes openraft's own conformance suite for runtimes; equal inputs give equal polls.
//! Not here: when a node runs (`super`, at every input of the world).

mod channel;
mod executor;
#[cfg(test)]
mod tests;
mod time;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use openraft_rt::{AsyncRuntime, Instant, OptionalSend};

pub use self::channel::{
    OneReceiver, OneSender, SenderGone, SimMpsc, SimMutex, SimOneshot, SimWatch, ValueReceiver,
};
pub(crate) use self::executor::{Executor, spawn};
pub use self::time::{Elapsed, Sleep, Timeout, VirtualInstant};
use crate::choices::{Dice, dice};

/// The runtime. As a value it is only needed to run a future by itself, in tests.
#[derive(Debug)]
pub struct SimRuntime(Executor);

/// A task ended before it was done: its process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process was killed")
    }
}

/// What a task and whoever waits for it share.
struct Joint<T> {
    value: RefCell<Option<T>>,
    ended: Cell<bool>,
    waiter: RefCell<Option<Waker>>,
}

/// Waits for the end of a task.
pub struct JoinHandle<T>(Rc<Joint<T>>);

/// The task's side: says that it ended, in whatever way.
struct Ending<T>(Rc<Joint<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.ended.set(true);
        let waiter = self.0.waiter.take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Killed>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(value) = self.0.value.take() {
            return Poll::Ready(Ok(value));
        }
        if self.0.ended.get() {
            return Poll::Ready(Err(Killed));
        }
        self.0.waiter.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl AsyncRuntime for SimRuntime {
    type JoinError = Killed;
    type JoinHandle<T: OptionalSend + 'static> = JoinHandle<T>;
    type Sleep = Sleep;
    type Instant = VirtualInstant;
    type TimeoutError = Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = Timeout<T>;
    type ThreadLocalRng = Dice;
    type Mpsc = SimMpsc;
    type Watch = SimWatch;
    type Oneshot = SimOneshot;
    type Mutex<T: OptionalSend + 'static> = SimMutex<T>;

    fn spawn<T>(future: T) -> JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        let joint =
            Rc::new(Joint { value: RefCell::new(None), ended: Cell::new(false), waiter: RefCell::new(None) });
        let ending = Ending(joint.clone());
        spawn(async move {
            let value = future.await;
            *ending.0.value.borrow_mut() = Some(value);
        });
        JoinHandle(joint)
    }

    fn sleep(duration: Duration) -> Sleep {
        Sleep::until(VirtualInstant::now() + duration)
    }

    fn sleep_until(deadline: VirtualInstant) -> Sleep {
        Sleep::until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(duration: Duration, future: F) -> Timeout<F> {
        Timeout::until(VirtualInstant::now() + duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: VirtualInstant,
        future: F,
    ) -> Timeout<F> {
        Timeout::until(deadline, future)
    }

    /// Never: a panic of a task ends the run, and is a finding.
    fn is_panic(_: &Killed) -> bool {
        false
    }

    fn thread_rng() -> Dice {
        dice(executor::draw())
    }

    fn new(_threads: usize) -> SimRuntime {
        SimRuntime(Executor::new(0, dice(0)))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        executor::block_on(&self.0, future)
    }

    /// At once, on this thread: nothing of a simulation blocks.
    fn spawn_blocking<F, T>(run: F) -> impl Future<Output = Result<T, io::Error>> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        std::future::ready(Ok::<T, Infallible>(run()).map_err(|never| match never {}))
    }
}

impl Drop for SimRuntime {
    fn drop(&mut self) {
        self.0.clear();
    }
}
