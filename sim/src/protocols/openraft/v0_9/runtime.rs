//! The runtime of openraft 0.10 for 0.9, which asks for less of one: its queues and watched values are tokio's own.
//!
//! Holds: tasks, timers, dice and channels for one value are those of `super::runtime`. tokio's queues and locks wake in
//! the order of waiting, so that they are deterministic here; its watched values wake in an order that no seed reaches, and
//! its `select!` draws. So this adapter lets no task wait for a watched value (`requests`), and tells the library of no
//! unreachable node (`network`), which is where it would wait with a `select!`.
//! Not here: the tasks, timers and channels themselves (`super::runtime`).

use std::future::Future;
use std::time::Duration;

use openraft_0_9::async_runtime::AsyncOneshotSendExt;
use openraft_0_9::{AsyncRuntime, Instant, OptionalSend};
use openraft_rt::{Oneshot as _, OneshotSender};
use rand_0_8::{Error, RngCore};

use super::super::runtime::{OneReceiver, OneSender, SenderGone, SimOneshot};
use crate::choices::{Dice, dice, draw};
use crate::runtime::{self, Elapsed, JoinHandle, Killed, Sleep, Timeout, VirtualInstant};

/// The runtime, as openraft 0.9 names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimRuntime;

/// A node's dice, as openraft 0.9 throws them.
#[derive(Debug)]
pub struct OldDice(Dice);

impl RngCore for OldDice {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        draw(&mut self.0)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl Instant for VirtualInstant {
    fn now() -> VirtualInstant {
        VirtualInstant::now()
    }
}

impl<T: OptionalSend> AsyncOneshotSendExt<T> for OneSender<T> {
    fn send(self, value: T) -> Result<(), T> {
        OneshotSender::send(self, value)
    }
}

impl AsyncRuntime for SimRuntime {
    type JoinError = Killed;
    type JoinHandle<T: OptionalSend + 'static> = JoinHandle<T>;
    type Sleep = Sleep;
    type Instant = VirtualInstant;
    type TimeoutError = Elapsed;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = Timeout<T>;
    type ThreadLocalRng = OldDice;
    type OneshotSender<T: OptionalSend> = OneSender<T>;
    type OneshotReceiver<T: OptionalSend> = OneReceiver<T>;
    type OneshotReceiverError = SenderGone;

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

    fn thread_rng() -> OldDice {
        OldDice(dice(runtime::draw()))
    }

    fn oneshot<T: OptionalSend>() -> (OneSender<T>, OneReceiver<T>) {
        SimOneshot::channel()
    }
}
