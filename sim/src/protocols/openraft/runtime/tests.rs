//! The runtime judged by openraft's own suite, and in what the suite does not ask: order and time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use openraft_rt::AsyncRuntime;
use openraft_rt::testing::Suite;

use super::{Executor, SimRuntime, spawn};
use crate::choices::dice;

#[test]
fn it_passes_the_suite_for_runtimes() {
    Suite::<SimRuntime>::test_all();
}

#[test]
fn timers_of_one_moment_fire_in_the_order_in_which_they_were_set() {
    let executor = Executor::new(0, dice(1));
    let told = Rc::new(RefCell::new(Vec::new()));
    executor.enter(|| {
        for (name, millis) in [("late", 20), ("first", 10), ("second", 10), ("third", 10)] {
            let told = told.clone();
            spawn(async move {
                SimRuntime::sleep(Duration::from_millis(millis)).await;
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
    let executor = Executor::new(0, dice(1));
    let told = Rc::new(RefCell::new(0));
    executor.enter(|| {
        let told = told.clone();
        spawn(async move {
            loop {
                SimRuntime::sleep(Duration::from_millis(10)).await;
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
