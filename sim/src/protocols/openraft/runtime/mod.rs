//! The single-threaded runtime ([`crate::runtime`]) as openraft asks for one, with channels of our own.
//!
//! Holds: it passes openraft's own conformance suite for runtimes; equal inputs give equal polls.
//! Not here: tasks, timers and dice (`runtime`), and when a node runs (`node`, at every input of the world).

mod channel;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use openraft_rt::{AsyncRuntime, Instant, OptionalSend};

pub use self::channel::{
    OneReceiver, OneSender, SenderGone, SimMpsc, SimMutex, SimOneshot, SimWatch, ValueReceiver,
};
use crate::choices::{Dice, dice};
use crate::runtime::{self, Elapsed, Executor, JoinHandle, Killed, Sleep, Timeout, VirtualInstant};

/// The runtime. As a value it is only needed to run a future by itself, in tests.
#[derive(Debug)]
pub struct SimRuntime(Executor);

impl Instant for VirtualInstant {
    fn now() -> VirtualInstant {
        VirtualInstant::now()
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
        runtime::spawn(future)
    }

    fn sleep(duration: Duration) -> Sleep {
        runtime::sleep(duration)
    }

    fn sleep_until(deadline: VirtualInstant) -> Sleep {
        Sleep::until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(duration: Duration, future: F) -> Timeout<F> {
        runtime::timeout(duration, future)
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
        dice(runtime::draw())
    }

    fn new(_threads: usize) -> SimRuntime {
        SimRuntime(Executor::new(0, 0))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        runtime::block_on(&self.0, future)
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
