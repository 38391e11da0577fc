//! What tasks of one thread wait on: one value, a queue, a value that changes, a lock.
//!
//! Holds: whoever waited first is woken first; a waiter that was given up is woken in vain at worst.
//! Not here: who polls the woken (`executor`).

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use openraft_rt::{
    Mpsc, MpscReceiver, MpscSender, MpscWeakSender, Mutex, Oneshot, OneshotSender, OptionalSend,
    OptionalSync, RecvError, SendError, TryRecvError, Watch, WatchReceiver, WatchSender, watch,
};

/// Tasks that wait, in the order in which they began to.
#[derive(Default)]
struct Waiters(RefCell<Vec<Waker>>);

impl Waiters {
    fn add(&self, waker: &Waker) {
        let mut waiting = self.0.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Wakes all of them: whoever finds nothing waits again.
    fn wake(&self) {
        for waker in self.0.take() {
            waker.wake();
        }
    }
}

// One value.

/// A channel for one value.
#[derive(Debug)]
pub struct SimOneshot;

struct OneshotState<T> {
    value: RefCell<Option<T>>,
    sender_gone: Cell<bool>,
    receiver_gone: Cell<bool>,
    waiters: Waiters,
}

/// Sends one value.
pub struct OneSender<T>(Rc<OneshotState<T>>);

impl<T> fmt::Debug for OneSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneSender")
    }
}

/// Waits for one value.
pub struct OneReceiver<T>(Rc<OneshotState<T>>);

/// The sender was dropped without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderGone;

impl fmt::Display for SenderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender was dropped without a value")
    }
}

impl std::error::Error for SenderGone {}

impl Oneshot for SimOneshot {
    type Sender<T: OptionalSend> = OneSender<T>;
    type Receiver<T: OptionalSend> = OneReceiver<T>;
    type ReceiverError = SenderGone;

    fn channel<T: OptionalSend>() -> (OneSender<T>, OneReceiver<T>) {
        let state = Rc::new(OneshotState {
            value: RefCell::new(None),
            sender_gone: Cell::new(false),
            receiver_gone: Cell::new(false),
            waiters: Waiters::default(),
        });
        (OneSender(state.clone()), OneReceiver(state))
    }
}

impl<T> OneshotSender<T> for OneSender<T> {
    fn send(self, value: T) -> Result<(), T> {
        if self.0.receiver_gone.get() {
            return Err(value);
        }
        *self.0.value.borrow_mut() = Some(value);
        Ok(()) // Dropping the sender wakes.
    }
}

impl<T> Drop for OneSender<T> {
    fn drop(&mut self) {
        self.0.sender_gone.set(true);
        self.0.waiters.wake();
    }
}

impl<T> Future for OneReceiver<T> {
    type Output = Result<T, SenderGone>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(value) = self.0.value.borrow_mut().take() {
            return Poll::Ready(Ok(value));
        }
        if self.0.sender_gone.get() {
            return Poll::Ready(Err(SenderGone));
        }
        self.0.waiters.add(cx.waker());
        Poll::Pending
    }
}

impl<T> Drop for OneReceiver<T> {
    fn drop(&mut self) {
        self.0.receiver_gone.set(true);
        let unread = self.0.value.borrow_mut().take();
        drop(unread);
    }
}

// A queue.

/// A bounded queue from many to one.
#[derive(Debug)]
pub struct SimMpsc;

struct QueueState<T> {
    queue: RefCell<VecDeque<T>>,
    len_max: usize,
    senders: Cell<usize>,
    receiver_gone: Cell<bool>,
    receivers: Waiters,
    blocked: Waiters,
}

/// Sends into a queue.
pub struct QueueSender<T>(Rc<QueueState<T>>);

/// A sender that does not keep the queue open.
pub struct QueueWeakSender<T>(Rc<QueueState<T>>);

/// Receives from a queue.
pub struct QueueReceiver<T>(Rc<QueueState<T>>);

impl Mpsc for SimMpsc {
    type Sender<T: OptionalSend> = QueueSender<T>;
    type Receiver<T: OptionalSend> = QueueReceiver<T>;
    type WeakSender<T: OptionalSend> = QueueWeakSender<T>;

    fn channel<T: OptionalSend>(len_max: usize) -> (QueueSender<T>, QueueReceiver<T>) {
        let state = Rc::new(QueueState {
            queue: RefCell::default(),
            len_max,
            senders: Cell::new(1),
            receiver_gone: Cell::new(false),
            receivers: Waiters::default(),
            blocked: Waiters::default(),
        });
        (QueueSender(state.clone()), QueueReceiver(state))
    }
}

impl<T: OptionalSend> MpscSender<SimMpsc, T> for QueueSender<T> {
    async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut value = Some(value);
        poll_fn(|cx| {
            if self.0.receiver_gone.get() {
                return Poll::Ready(value.take().map_or(Ok(()), |value| Err(SendError(value))));
            }
            let mut queue = self.0.queue.borrow_mut();
            if queue.len() >= self.0.len_max {
                self.0.blocked.add(cx.waker());
                return Poll::Pending;
            }
            queue.extend(value.take());
            self.0.receivers.wake();
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn downgrade(&self) -> QueueWeakSender<T> {
        QueueWeakSender(self.0.clone())
    }
}

impl<T> Clone for QueueSender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        QueueSender(self.0.clone())
    }
}

impl<T> Drop for QueueSender<T> {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        if self.0.senders.get() == 0 {
            self.0.receivers.wake();
        }
    }
}

impl<T> Clone for QueueWeakSender<T> {
    fn clone(&self) -> Self {
        QueueWeakSender(self.0.clone())
    }
}

impl<T: OptionalSend> MpscWeakSender<SimMpsc, T> for QueueWeakSender<T> {
    fn upgrade(&self) -> Option<QueueSender<T>> {
        if self.0.senders.get() == 0 {
            return None;
        }
        self.0.senders.set(self.0.senders.get() + 1);
        Some(QueueSender(self.0.clone()))
    }
}

impl<T: OptionalSend> MpscReceiver<T> for QueueReceiver<T> {
    async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| match self.try_recv() {
            Ok(value) => Poll::Ready(Some(value)),
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
            Err(TryRecvError::Empty) => {
                self.0.receivers.add(cx.waker());
                Poll::Pending
            }
        })
        .await
    }

    fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let value = self.0.queue.borrow_mut().pop_front();
        match value {
            Some(value) => {
                self.0.blocked.wake();
                Ok(value)
            }
            None if self.0.senders.get() == 0 => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }
}

impl<T> Drop for QueueReceiver<T> {
    fn drop(&mut self) {
        self.0.receiver_gone.set(true);
        let unread = self.0.queue.take();
        drop(unread);
        self.0.blocked.wake();
    }
}

// A value that changes.

/// A value of which only the newest state counts.
#[derive(Debug)]
pub struct SimWatch;

struct WatchState<T> {
    value: RefCell<T>,
    version: Cell<u64>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    waiters: Waiters,
}

/// Changes a watched value.
pub struct ValueSender<T>(Rc<WatchState<T>>);

/// Sees the changes of a watched value.
pub struct ValueReceiver<T> {
    state: Rc<WatchState<T>>,
    seen: u64,
}

impl Watch for SimWatch {
    type Sender<T: OptionalSend + OptionalSync> = ValueSender<T>;
    type Receiver<T: OptionalSend + OptionalSync> = ValueReceiver<T>;
    type Ref<'a, T: OptionalSend + 'a> = Ref<'a, T>;

    fn channel<T: OptionalSend + OptionalSync>(value: T) -> (ValueSender<T>, ValueReceiver<T>) {
        let state = Rc::new(WatchState {
            value: RefCell::new(value),
            version: Cell::new(0),
            senders: Cell::new(1),
            receivers: Cell::new(1),
            waiters: Waiters::default(),
        });
        (ValueSender(state.clone()), ValueReceiver { state, seen: 0 })
    }
}

impl<T> WatchState<T> {
    fn changed(&self) {
        self.version.set(self.version.get() + 1);
        self.waiters.wake();
    }
}

impl<T: OptionalSend + OptionalSync> WatchSender<SimWatch, T> for ValueSender<T> {
    fn send(&self, value: T) -> Result<(), watch::SendError<T>> {
        if self.0.receivers.get() == 0 {
            return Err(watch::SendError(value));
        }
        let old = self.0.value.replace(value);
        drop(old);
        self.0.changed();
        Ok(())
    }

    fn send_if_modified<F: FnOnce(&mut T) -> bool>(&self, modify: F) -> bool {
        let modified = modify(&mut self.0.value.borrow_mut());
        if modified {
            self.0.changed();
        }
        modified
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.0.value.borrow()
    }

    fn subscribe(&self) -> ValueReceiver<T> {
        self.0.receivers.set(self.0.receivers.get() + 1);
        ValueReceiver { state: self.0.clone(), seen: self.0.version.get() }
    }
}

impl<T> Clone for ValueSender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        ValueSender(self.0.clone())
    }
}

impl<T> Drop for ValueSender<T> {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        if self.0.senders.get() == 0 {
            self.0.waiters.wake();
        }
    }
}

impl<T: OptionalSend + OptionalSync> WatchReceiver<SimWatch, T> for ValueReceiver<T> {
    async fn changed(&mut self) -> Result<(), RecvError> {
        poll_fn(|cx| {
            let version = self.state.version.get();
            if version != self.seen {
                self.seen = version;
                return Poll::Ready(Ok(()));
            }
            if self.state.senders.get() == 0 {
                return Poll::Ready(Err(RecvError(())));
            }
            self.state.waiters.add(cx.waker());
            Poll::Pending
        })
        .await
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.state.value.borrow()
    }

    #[cfg(not(openraft_at_most = "23"))]
    fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.seen = self.state.version.get();
        self.state.value.borrow()
    }
}

impl<T> Clone for ValueReceiver<T> {
    fn clone(&self) -> Self {
        self.state.receivers.set(self.state.receivers.get() + 1);
        ValueReceiver { state: self.state.clone(), seen: self.seen }
    }
}

impl<T> Drop for ValueReceiver<T> {
    fn drop(&mut self) {
        self.state.receivers.set(self.state.receivers.get() - 1);
    }
}

// A lock.

/// A lock that tasks wait for.
pub struct SimMutex<T> {
    value: RefCell<T>,
    waiters: Waiters,
}

/// Holds a lock.
pub struct SimGuard<'a, T> {
    value: Option<RefMut<'a, T>>,
    waiters: &'a Waiters,
}

impl<T: OptionalSend + 'static> Mutex<T> for SimMutex<T> {
    type Guard<'a> = SimGuard<'a, T>;

    fn new(value: T) -> Self {
        SimMutex { value: RefCell::new(value), waiters: Waiters::default() }
    }

    async fn lock(&self) -> SimGuard<'_, T> {
        poll_fn(|cx| match self.value.try_borrow_mut() {
            Ok(value) => Poll::Ready(SimGuard { value: Some(value), waiters: &self.waiters }),
            Err(_) => {
                self.waiters.add(cx.waker());
                Poll::Pending
            }
        })
        .await
    }
}

impl<T> Deref for SimGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value.as_ref().expect("a guard holds its value until it is dropped")
    }
}

impl<T> DerefMut for SimGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("a guard holds its value until it is dropped")
    }
}

impl<T> Drop for SimGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.waiters.wake();
    }
}
