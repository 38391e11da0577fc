//! One random operation of each model, with an answer that may or may not be true.
//!
//! Values are few and answers near the truth often enough that small histories fall on both sides.

use crate::standard::{Action, Kind, Output};
use crate::value::{Value, Values};

type Draw<'a> = &'a mut dyn FnMut(u32) -> u32;

/// An operation and its answer. `written` is what it writes if it writes, `count` how many operations there are.
pub(crate) fn action(
    kind: Kind,
    written: u32,
    count: u32,
    process: u32,
    values: &mut Values,
    draw: Draw<'_>,
) -> (Action, Output) {
    match kind {
        Kind::Register | Kind::CasRegister | Kind::KeyValue | Kind::AppendList => {
            on_value(kind, written, count, values, draw)
        }
        Kind::MultiRegister => transaction(written, values, draw),
        Kind::Mutex | Kind::OwnedMutex | Kind::ReentrantLock | Kind::FencedLock => {
            on_lock(kind, process, values, draw)
        }
        Kind::GrowOnlySet | Kind::Set => on_set(kind, written, count, values, draw),
        Kind::FifoQueue | Kind::UnorderedQueue => on_queue(written, count, values, draw),
        Kind::Counter => on_counter(values, draw),
    }
}

fn on_value(kind: Kind, written: u32, count: u32, values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    let extends = kind == Kind::AppendList || kind == Kind::KeyValue && draw(2) == 0;
    let value = |number: u32, values: &mut Values| match kind {
        Kind::KeyValue => {
            values.text(["", "a", "b", "ab", "ba", "aab", "bb", "aa", "abb"][number as usize % 9])
        }
        _ => values.number(i64::from(number)),
    };
    if extends && draw(2) == 0 {
        return (Action::Append(value(written, values)), Output::Done);
    }
    let seen = draw(count.min(4) + 1);
    let choice = if kind == Kind::AppendList { 0 } else { draw(4) };
    match choice {
        1 => (Action::Write(value(written, values)), Output::Done),
        2 if kind != Kind::Register => {
            let output =
                [Output::Done, Output::Done, Output::Differed, Output::Found(value(draw(3), values))];
            let expected = if draw(4) == 0 { Value::NIL } else { value(seen, values) };
            let action = Action::CompareAndSet { expected, new: value(written, values) };
            (action, output[draw(4) as usize])
        }
        _ if kind == Kind::AppendList => {
            let items: Vec<Value> = (0..draw(4)).map(|_| value(draw(4), values)).collect();
            (Action::Read, Output::Read(values.list(&items)))
        }
        _ if draw(6) == 0 => (Action::Read, Output::Read(Value::NIL)),
        _ => (Action::Read, Output::Read(value(seen, values))),
    }
}

fn transaction(written: u32, values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    let (mut asked, mut done) = (Vec::new(), Vec::new());
    for _ in 0..1 + draw(2) {
        let key = values.number(i64::from(draw(2)));
        if draw(2) == 0 {
            let (what, value) = (values.text("w"), values.number(i64::from(written)));
            let part = values.list(&[what, key, value]);
            asked.push(part);
            done.push(part);
        } else {
            let seen = if draw(3) == 0 { Value::NIL } else { values.number(i64::from(1 + draw(3))) };
            let what = values.text("r");
            asked.push(values.list(&[what, key, Value::NIL]));
            done.push(values.list(&[what, key, seen]));
        }
    }
    (Action::Transact(values.list(&asked)), Output::Read(values.list(&done)))
}

fn on_lock(kind: Kind, process: u32, values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    let owner = values.number(i64::from(process % 2));
    if draw(2) == 0 {
        return (Action::Release(owner), Output::Done);
    }
    let tells = kind == Kind::FencedLock && draw(4) != 0;
    let fence = values.number(i64::from(draw(4)));
    (Action::Acquire(owner), if tells { Output::Read(fence) } else { Output::Done })
}

fn on_set(kind: Kind, written: u32, count: u32, values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    let value = values.number(i64::from(written));
    match draw(5) {
        0 | 1 => (Action::Add(value), Output::Done),
        2 if kind == Kind::Set => (Action::Remove(values.number(i64::from(draw(3)))), Output::Done),
        _ => {
            // Beginnings of the elements, mostly: then one read holds another.
            let most = draw(count.min(4) + 1);
            let all = (0..=most).filter(|_| draw(4) != 0);
            let items: Vec<u32> = all.collect();
            let items: Vec<Value> = items.into_iter().map(|item| values.number(i64::from(item))).collect();
            let seen = if draw(2) == 0 { values.set(&items) } else { values.list(&items) };
            (Action::Read, Output::Read(seen))
        }
    }
}

fn on_queue(written: u32, count: u32, values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    if draw(2) == 0 {
        return (Action::Enqueue(values.number(i64::from(written))), Output::Done);
    }
    let seen = if draw(8) == 0 { Value::NIL } else { values.number(i64::from(draw(count + 1))) };
    (Action::Dequeue, Output::Read(seen))
}

fn on_counter(values: &mut Values, draw: Draw<'_>) -> (Action, Output) {
    match draw(2) {
        0 => (Action::Add(values.number(i64::from(draw(4)) - 1)), Output::Done),
        _ => (Action::Read, Output::Read(values.number(i64::from(draw(4))))),
    }
}
