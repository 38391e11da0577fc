//! Order, time, ends and chance.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::{Elapsed, Executor, Killed, VirtualInstant, block_on, draw, sleep, spawn, timeout};

#[test]
fn timers_of_one_moment_fire_in_the_order_in_which_they_were_set() {
    let executor = Executor::new(0, 1);
    let told = Rc::new(RefCell::new(Vec::new()));
    executor.enter(|| {
        for (name, millis) in [("late", 20), ("first", 10), ("second", 10), ("third", 10)] {
            let told = told.clone();
            spawn(async move {
                sleep(Duration::from_millis(millis)).await;
                told.borrow_mut().push(name);
            });
        }
    });
    executor.run_at(0);
    assert_eq!(executor.next_timer(), Some(10_000_000));
    executor.run_at(10_000_000);
    assert_eq!(*told.borrow(), ["first", "second", "third"]);
    executor.run_at(30_000_000);
    assert_eq!(told.borrow().len(), 4);
    assert_eq!(executor.next_timer(), None);
}

#[test]
fn a_crash_drops_tasks_and_their_timers_between_polls() {
    let executor = Executor::new(0, 1);
    let told = Rc::new(RefCell::new(0));
    executor.enter(|| {
        let told = told.clone();
        spawn(async move {
            loop {
                sleep(Duration::from_millis(10)).await;
                *told.borrow_mut() += 1;
            }
        });
    });
    for moment in 0..=5 {
        executor.run_at(moment * 10_000_000);
    }
    assert_eq!(*told.borrow(), 5);
    executor.clear();
    executor.run_at(u64::MAX);
    assert_eq!(*told.borrow(), 5);
    assert_eq!(executor.next_timer(), None);
    assert_eq!(Rc::strong_count(&told), 1, "the task and what it held are gone");
}

#[test]
fn a_task_is_waited_for_and_a_killed_one_says_so() {
    let executor = Executor::new(0, 1);
    let told = Rc::new(RefCell::new(Vec::new()));
    executor.enter(|| {
        let told = told.clone();
        spawn(async move {
            let sum = spawn(async { 1 + 2 }).await;
            told.borrow_mut().push(sum);
            let never = spawn(std::future::pending::<i32>());
            let heard = never.await;
            told.borrow_mut().push(heard);
        });
    });
    executor.run_at(0);
    assert_eq!(*told.borrow(), [Ok(3)]);
    let waits = executor.enter(|| spawn(std::future::pending::<()>()));
    executor.clear();
    assert_eq!(block_on(&executor, waits), Err(Killed));
}

#[test]
fn a_timeout_ends_what_takes_too_long() {
    let executor = Executor::new(5, 1);
    let late = block_on(&executor, async {
        let begun = VirtualInstant::now();
        let slow = timeout(Duration::from_secs(3600), std::future::pending::<()>()).await;
        (slow, VirtualInstant::now() - begun)
    });
    assert_eq!(late, (Err(Elapsed), Duration::from_secs(3600)), "and nobody waited for an hour");
    assert_eq!(executor.now(), 5 + 3_600_000_000_000);
}

#[test]
fn chance_depends_on_entropy_alone() {
    let draws = |entropy| Executor::new(0, entropy).enter(|| [draw(), draw(), draw()]);
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
}
