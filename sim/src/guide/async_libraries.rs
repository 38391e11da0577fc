//! Chapter 5: a library that starts tasks, threads and timers of its own.
//!
//! It can be made deterministic when it lets you choose three things: how tasks are spawned, how it sleeps, and where it draws.
//! Give it those of [`runtime`](crate::runtime): one thread, virtual time, one stream of draws for each process. openraft is run
//! so (`protocols::openraft`), in both of its versions.
//!
//! 1. **Tasks instead of threads.** `tokio::spawn` becomes [`runtime::spawn`](crate::runtime::spawn). A thread that blocks
//!    cannot be run; a library that has no other way has to be built with a feature that has.
//! 2. **Virtual sleep.** `tokio::time` becomes [`runtime::sleep`](crate::runtime::sleep) and
//!    [`runtime::timeout`](crate::runtime::timeout); `Instant` becomes
//!    [`VirtualInstant`](crate::runtime::VirtualInstant). The earliest of all sleeps is the one timer that the adapter sets.
//! 3. **Drawn from entropy.** `rand::rng()` becomes [`runtime::draw`](crate::runtime::draw).
//! 4. **A network of messages.** A call is a message with a number, and a one-shot channel in which the task waits; the answer
//!    is another message. A call that is given up is forgotten.
//! 5. **A disk that takes time.** A write is an effect, and a one-shot channel in which the task waits for
//!    `Input::Persisted`.
//! 6. **A crash** is [`Executor::clear`](crate::runtime::Executor::clear) when the process is dropped: every task ends between
//!    two polls.
//!
//! A whole node, with a library of one task that says something every 10 ms:
//!
//! ```
//! use std::cell::RefCell;
//! use std::rc::Rc;
//! use std::time::Duration;
//!
//! use splitbrain::runtime::{self, Executor};
//!
//! /// What an adapter keeps: the tasks, and what they ask of the world.
//! struct Node {
//!     executor: Executor,
//!     asked: Rc<RefCell<Vec<String>>>,
//! }
//!
//! impl Node {
//!     fn boot(now: u64, entropy: u64) -> Node {
//!         let node = Node { executor: Executor::new(now, entropy), asked: Rc::default() };
//!         let asked = node.asked.clone();
//!         node.executor.enter(|| {
//!             runtime::spawn(async move {
//!                 loop {
//!                     runtime::sleep(Duration::from_millis(10)).await;
//!                     let number = runtime::draw() % 6 + 1;
//!                     asked.borrow_mut().push(format!("send {number}"));
//!                 }
//!             });
//!         });
//!         node
//!     }
//!
//!     /// At every input: hand it to a task, run until none has anything to do, take what they ask for.
//!     fn step(&self, now: u64) -> (Vec<String>, Option<u64>) {
//!         self.executor.run_at(now);
//!         (self.asked.take(), self.executor.next_timer())
//!     }
//! }
//!
//! let (one, twin) = (Node::boot(0, 17), Node::boot(0, 17));
//! assert_eq!(one.step(0), (vec![], Some(10_000_000)));
//! twin.step(0);
//! let (said, next) = one.step(10_000_000);
//! assert_eq!((said.len(), next), (1, Some(20_000_000)));
//! assert_eq!(twin.step(10_000_000), (said, next), "equal entropy, equal words");
//! ```
//!
//! What to look for when two runs of a seed differ all the same: a `select!` that draws which branch it looks at first (use
//! `biased`, or `futures::future::select`), tokio's `watch` with several waiters, a `HashMap` that is walked, a pointer or a
//! thread id that is compared or printed, `Instant::now`. The check names the first record that differs.
