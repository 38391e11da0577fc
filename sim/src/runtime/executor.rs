//! Runs the tasks of one process: a queue in order of wake-ups, a clock that moves only when it is told to, and timers.
//!
//! Holds: tasks are polled in the order in which they were woken; timers of one moment fire in the order in which they
//! were set; nothing runs outside [`Executor::enter`]. Dropping every task between polls ([`Executor::clear`]) is a crash.
//! Not here: what a task may wait for (`time`, `task`).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::choices::{Dice, dice};

thread_local! {
    /// The executor whose tasks run now on this thread.
    static CURRENT: RefCell<Option<Rc<State>>> = const { RefCell::new(None) };
}

/// The tasks, timers and dice of one process.
#[derive(Clone)]
pub struct Executor(Rc<State>);

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Executor at {} with {} tasks", self.0.now.get(), self.0.tasks.borrow().len())
    }
}

/// What an executor holds. A task names itself by a number that is never used again, so that a late wake-up of a
/// finished task wakes nobody else.
struct State {
    woken: Arc<Woken>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    next_task: Cell<u64>,
    now: Cell<u64>,
    timers: RefCell<BTreeMap<TimerKey, Waker>>,
    next_timer: Cell<u64>,
    dice: RefCell<Dice>,
}

struct Task {
    /// `None` while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    flag: Arc<TaskFlag>,
}

/// Numbers of woken tasks, in order. A lock, because a waker must be allowed to travel; nobody ever waits for it.
#[derive(Default)]
struct Woken(Mutex<VecDeque<u64>>);

impl Woken {
    fn push(&self, task: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(task);
    }

    fn pop(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Wakes one task, once until it is polled.
struct TaskFlag {
    task: u64,
    woken: Arc<Woken>,
    queued: AtomicBool,
}

impl Wake for TaskFlag {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.woken.push(self.task);
        }
    }
}

/// When a timer fires, and which came first among those of one moment.
pub(super) type TimerKey = (u64, u64);

impl Executor {
    /// An executor without tasks, at a moment of its own clock.
    /// Its dice depend on `entropy` alone.
    #[must_use]
    pub fn new(now: u64, entropy: u64) -> Executor {
        Executor(Rc::new(State {
            woken: Arc::default(),
            tasks: RefCell::default(),
            next_task: Cell::new(0),
            now: Cell::new(now),
            timers: RefCell::default(),
            next_timer: Cell::new(0),
            dice: RefCell::new(dice(entropy)),
        }))
    }

    /// Runs something that may spawn tasks, look at the clock or draw numbers. It is polled when `run_at` is called next.
    pub fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        let _left = Left(CURRENT.replace(Some(self.0.clone())));
        run()
    }

    /// The moment on this clock, in virtual nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.now.get()
    }

    /// When the next timer fires, in virtual nanoseconds: until then there is nothing to do.
    #[must_use]
    pub fn next_timer(&self) -> Option<u64> {
        self.0.timers.borrow().first_key_value().map(|(&(at, _), _)| at)
    }

    /// Moves the clock, never back, and polls until no task has anything to do.
    pub fn run_at(&self, now: u64) {
        self.0.now.set(self.0.now.get().max(now));
        self.enter(|| {
            // Past versions take turns between branches that are ready (tests/past/prepare): each step begins anew.
            #[cfg(openraft_at_most = "23")]
            futures_util::__private::async_await::shuffle::<()>(&mut []);
            loop {
                self.0.fire_timers();
                if !self.0.poll_woken() {
                    return;
                }
            }
        });
    }

    /// Drops every task and timer. What tasks do as they end still happens here.
    pub fn clear(&self) {
        self.enter(|| {
            while let Some((_, task)) = self.0.pop_task() {
                drop(task);
            }
            let timers = std::mem::take(&mut *self.0.timers.borrow_mut());
            drop(timers);
        });
    }
}

/// Gives the thread back to whoever had it, also when a task panics.
struct Left(Option<Rc<State>>);

impl Drop for Left {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl State {
    fn pop_task(&self) -> Option<(u64, Task)> {
        self.tasks.borrow_mut().pop_first()
    }

    fn fire_timers(&self) {
        loop {
            let mut timers = self.timers.borrow_mut();
            match timers.first_entry() {
                Some(entry) if entry.key().0 <= self.now.get() => {
                    let waker = entry.remove();
                    drop(timers);
                    waker.wake();
                }
                Some(_) | None => return,
            }
        }
    }

    /// Polls what is woken until nothing is. Returns whether anything was.
    fn poll_woken(&self) -> bool {
        let mut polled = false;
        while let Some(number) = self.woken.pop() {
            polled = true;
            self.poll(number);
        }
        polled
    }

    fn poll(&self, number: u64) {
        let Some((mut future, flag)) = self.take_future(number) else { return };
        flag.queued.store(false, Ordering::Relaxed);
        let waker = Waker::from(flag);
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let ended = {
            let mut tasks = self.tasks.borrow_mut();
            match tasks.get_mut(&number) {
                Some(task) if !done => {
                    task.future = Some(future);
                    None
                }
                Some(_) | None => Some((tasks.remove(&number), future)),
            }
        };
        drop(ended); // Outside the borrow: what ends may wake or spawn others.
    }

    #[expect(clippy::type_complexity, reason = "the two halves of a task")]
    fn take_future(&self, number: u64) -> Option<(Pin<Box<dyn Future<Output = ()>>>, Arc<TaskFlag>)> {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(&number)?;
        Some((task.future.take()?, task.flag.clone()))
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()>>>) {
        let task = self.next_task.get();
        self.next_task.set(task + 1);
        let flag = Arc::new(TaskFlag { task, woken: self.woken.clone(), queued: AtomicBool::new(false) });
        self.tasks.borrow_mut().insert(task, Task { future: Some(future), flag: flag.clone() });
        flag.wake();
    }
}

fn current() -> Rc<State> {
    CURRENT.with_borrow(Clone::clone).expect("tasks run only inside their executor")
}

/// Adds a task to the executor that runs now.
pub(super) fn add(future: impl Future<Output = ()> + 'static) {
    current().spawn(Box::pin(future));
}

/// The moment on the clock of the executor that runs now, in virtual nanoseconds.
pub(super) fn now() -> u64 {
    current().now.get()
}

/// A number from the dice of the executor that runs now: a library's source of chance.
///
/// # Panics
/// Outside [`Executor::enter`] and of tasks.
#[must_use]
pub fn draw() -> u64 {
    crate::choices::draw(&mut current().dice.borrow_mut())
}

/// Sets a timer and names it.
pub(super) fn set_timer(at: u64, waker: Waker) -> TimerKey {
    let state = current();
    let key = (at, state.next_timer.get());
    state.next_timer.set(key.1 + 1);
    state.timers.borrow_mut().insert(key, waker);
    key
}

/// Whom a set timer wakes from now on. A timer that has fired stays fired.
pub(super) fn move_timer(key: TimerKey, waker: &Waker) {
    if let Some(old) = current().timers.borrow_mut().get_mut(&key) {
        old.clone_from(waker);
    }
}

/// Stops a timer, if its executor still runs.
pub(super) fn cancel_timer(key: TimerKey) {
    if let Some(state) = CURRENT.with_borrow(Clone::clone) {
        let waker = state.timers.borrow_mut().remove(&key);
        drop(waker);
    }
}

/// Polls a future until it is ready, and jumps to the next timer whenever nothing else is to be done.
///
/// # Panics
/// When the future waits for what can never come.
pub fn block_on<T>(executor: &Executor, future: impl Future<Output = T>) -> T {
    let flag = Arc::new(MainFlag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut future = std::pin::pin!(future);
    loop {
        if flag.0.swap(false, Ordering::Relaxed) {
            let poll = executor.enter(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
            if let Poll::Ready(value) = poll {
                return value;
            }
        }
        executor.run_at(executor.now());
        if flag.0.load(Ordering::Relaxed) {
            continue;
        }
        let next = executor.next_timer().expect("the future waits for what can never come");
        executor.run_at(next);
    }
}

/// Whether the future given to `block_on` was woken.
struct MainFlag(AtomicBool);

impl Wake for MainFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
