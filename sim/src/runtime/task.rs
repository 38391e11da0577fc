//! A task, and waiting for its end.
//!
//! Not here: when it is polled (`executor`).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::executor;

/// Adds a task to the executor that runs now. It goes on when nobody waits for it.
///
/// # Panics
/// Outside [`Executor::enter`](super::Executor::enter) and of tasks.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let joint =
        Rc::new(Joint { value: RefCell::new(None), ended: Cell::new(false), waiter: RefCell::new(None) });
    let ending = Ending(joint.clone());
    executor::add(async move {
        let value = future.await;
        *ending.0.value.borrow_mut() = Some(value);
    });
    JoinHandle(joint)
}

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
