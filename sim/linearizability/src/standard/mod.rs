//! The models that come with the crate: registers, key-value store, lists, locks, sets, queues, counter.
//!
//! Holds: `effect` and `step` say the same thing; the tests hold one against the other.
//! Not here: what an operation does to a lock (`lock`), to a set, queue or counter (`collection`) and to several
//! registers at once (`multi`); what a history of them shows without a search (`survey`).

mod collection;
mod lock;
mod multi;
mod survey;
mod tally;

use crate::history::Operation;
use crate::model::{Effect, Model, Survey};
use crate::value::{Content, Value, Values};

pub use lock::Lock;
pub use multi::{Change, Objects, changes};

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// Which register, key or list; 0 where there is one only.
    pub key: u32,
    /// What to do with it.
    pub action: Action,
}

/// What is done with one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read, or get.
    Read,
    /// Write, or put.
    Write(Value),
    /// Set to `new` if the value is `expected`.
    CompareAndSet {
        /// What it must be.
        expected: Value,
        /// What it becomes.
        new: Value,
    },
    /// Append to a text or list.
    Append(Value),
    /// Add to a set, or to a counter.
    Add(Value),
    /// Remove from a set.
    Remove(Value),
    /// Put into a queue.
    Enqueue(Value),
    /// Take out of a queue.
    Dequeue,
    /// Take a lock, for this owner.
    Acquire(Value),
    /// Give a lock back, as this owner.
    Release(Value),
    /// Read and write several registers at one moment: a list of triples (what, key, value).
    Transact(Value),
    /// Move money from an account to another. Only `bank` judges it.
    Transfer(Value),
}

impl Action {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write(_) => "write",
            Action::CompareAndSet { .. } => "cas",
            Action::Append(_) => "append",
            Action::Add(_) => "add",
            Action::Remove(_) => "remove",
            Action::Enqueue(_) => "enqueue",
            Action::Dequeue => "dequeue",
            Action::Acquire(_) => "acquire",
            Action::Release(_) => "release",
            Action::Transact(_) => "txn",
            Action::Transfer(_) => "transfer",
        }
    }
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done (a write, an append, a compare-and-set that succeeded).
    Done,
    /// The value read or dequeued (nil: the queue was empty), the fence of a lock, the transaction with what it read.
    Read(Value),
    /// Returned, but nobody knows what: a read that constrains nothing.
    Unseen,
    /// A compare-and-set that did not happen because the value was this other one. As good as a read.
    Found(Value),
    /// A compare-and-set that did not happen because the value was another one, not told.
    Differed,
}

/// Which of the standard models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Read and write.
    Register,
    /// Read, write and compare-and-set.
    CasRegister,
    /// Keys with get, put, append and compare-and-set; a key that was never put holds the empty text.
    KeyValue,
    /// Keys with append and read of the whole list.
    AppendList,
    /// Registers of which one operation reads and writes several at one moment (Knossos' multi-register).
    MultiRegister,
    /// A lock that does not know who holds it: acquire and release take turns (Knossos' mutex).
    Mutex,
    /// A lock that only its holder can release.
    OwnedMutex,
    /// The same; its holder may acquire it again, and releases it as often.
    ReentrantLock,
    /// A lock that only its holder can release; each acquire may tell a fence, a number that grows.
    FencedLock,
    /// A set with add and read of the whole.
    GrowOnlySet,
    /// A set with add, remove and read of the whole; who removes what is not there changes nothing.
    Set,
    /// A queue that gives back what was put in first.
    FifoQueue,
    /// A queue that gives back anything that is in it.
    UnorderedQueue,
    /// A number with add (of a negative number too) and read.
    Counter,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 14] = [
        Kind::Register,
        Kind::CasRegister,
        Kind::KeyValue,
        Kind::AppendList,
        Kind::MultiRegister,
        Kind::Mutex,
        Kind::OwnedMutex,
        Kind::ReentrantLock,
        Kind::FencedLock,
        Kind::GrowOnlySet,
        Kind::Set,
        Kind::FifoQueue,
        Kind::UnorderedQueue,
        Kind::Counter,
    ];

    /// The name on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Register => "register",
            Kind::CasRegister => "cas-register",
            Kind::KeyValue => "kv",
            Kind::AppendList => "append-list",
            Kind::MultiRegister => "multi-register",
            Kind::Mutex => "mutex",
            Kind::OwnedMutex => "owned-mutex",
            Kind::ReentrantLock => "reentrant-lock",
            Kind::FencedLock => "fenced-lock",
            Kind::GrowOnlySet => "grow-only-set",
            Kind::Set => "set",
            Kind::FifoQueue => "fifo-queue",
            Kind::UnorderedQueue => "unordered-queue",
            Kind::Counter => "counter",
        }
    }

    /// Whether the model has such an operation.
    #[must_use]
    pub fn has(self, action: Action) -> bool {
        match self {
            Kind::Register => matches!(action, Action::Read | Action::Write(_)),
            Kind::CasRegister => {
                matches!(action, Action::Read | Action::Write(_) | Action::CompareAndSet { .. })
            }
            Kind::KeyValue => matches!(
                action,
                Action::Read | Action::Write(_) | Action::CompareAndSet { .. } | Action::Append(_)
            ),
            Kind::AppendList => matches!(action, Action::Read | Action::Append(_)),
            Kind::MultiRegister => matches!(action, Action::Transact(_)),
            Kind::Mutex | Kind::OwnedMutex | Kind::ReentrantLock | Kind::FencedLock => {
                matches!(action, Action::Acquire(_) | Action::Release(_))
            }
            Kind::GrowOnlySet | Kind::Counter => matches!(action, Action::Read | Action::Add(_)),
            Kind::Set => matches!(action, Action::Read | Action::Add(_) | Action::Remove(_)),
            Kind::FifoQueue | Kind::UnorderedQueue => {
                matches!(action, Action::Enqueue(_) | Action::Dequeue)
            }
        }
    }

    /// Whether it is a single value that is read, written and appended to, which the fast algorithms know.
    fn is_value(self) -> bool {
        matches!(self, Kind::Register | Kind::CasRegister | Kind::KeyValue | Kind::AppendList)
    }
}

/// One of the standard models. Every one is partitioned by key.
#[derive(Clone, Debug)]
pub struct Standard {
    kind: Kind,
    initial: Value,
    /// What the values of the history stand for.
    pub values: Values,
    /// What the keys are called, by number; keys beyond have their number for a name.
    pub keys: Vec<String>,
}

/// A shape of state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The value of a register.
    Value(Value),
    /// The parts of a text or list.
    Parts(Vec<u32>),
    /// Registers by key; those that are not there hold the initial value.
    Registers(Vec<(Value, Value)>),
    /// Who holds a lock.
    Lock(Lock),
    /// The elements of a set, sorted, or of a queue, in order.
    Items(Vec<Value>),
    /// The elements of a queue without order, sorted, and how many more dequeues than it shows may have happened.
    Bag(Vec<Value>, u32),
    /// A counter.
    Number(i64),
}

// Marks the bytes of a text among parts: no small number and no handle of the table has these bits together.
const BYTE: u32 = 0x7FFF_FF00;

impl Standard {
    /// A model whose values need no table; registers start with nil, keys and lists empty.
    #[must_use]
    pub fn new(kind: Kind) -> Standard {
        let extends = matches!(kind, Kind::KeyValue | Kind::AppendList);
        let initial = if extends { Value::EMPTY } else { Value::NIL };
        Standard { kind, initial, values: Values::new(), keys: Vec::new() }
    }

    /// A register that starts with nil.
    #[must_use]
    pub fn register() -> Standard {
        Standard::new(Kind::Register)
    }

    /// A compare-and-set register that starts with nil.
    #[must_use]
    pub fn cas_register() -> Standard {
        Standard::new(Kind::CasRegister)
    }

    /// A key-value store whose keys start empty.
    #[must_use]
    pub fn key_value() -> Standard {
        Standard::new(Kind::KeyValue)
    }

    /// Lists that start empty.
    #[must_use]
    pub fn append_list() -> Standard {
        Standard::new(Kind::AppendList)
    }

    /// The same with another initial value, of this model's table.
    #[must_use]
    pub fn with_initial(mut self, initial: Value) -> Standard {
        self.initial = self.settle(initial);
        self
    }

    /// The same with the table that the history's values come from.
    #[must_use]
    pub fn with_values(mut self, values: Values) -> Standard {
        self.values = values;
        self
    }

    /// The same with names of keys.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<String>) -> Standard {
        self.keys = keys;
        self
    }

    /// Which model.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    // In a store or a list, nothing and empty are one: a missing key reads as the empty text.
    fn settle(&self, value: Value) -> Value {
        let extends = matches!(self.kind, Kind::KeyValue | Kind::AppendList);
        if extends && value == Value::NIL { Value::EMPTY } else { value }
    }

    fn state(&self, value: Value) -> State {
        match self.kind {
            Kind::Register | Kind::CasRegister => State::Value(value),
            Kind::KeyValue | Kind::AppendList => State::Parts(self.parts(value)),
            Kind::MultiRegister => State::Registers(Vec::new()),
            Kind::Mutex | Kind::OwnedMutex | Kind::ReentrantLock | Kind::FencedLock => {
                State::Lock(Lock::default())
            }
            Kind::GrowOnlySet | Kind::Set => State::Items(collection::elements(&self.values, value)),
            Kind::FifoQueue => State::Items(self.values.listed(value)),
            Kind::UnorderedQueue => State::Bag(self.values.listed(value), 0),
            Kind::Counter => State::Number(self.values.content(value).number().unwrap_or(0)),
        }
    }

    /// One step of a register, a text or a list.
    fn step_value(&self, state: &State, action: Action, output: Option<&Output>) -> Option<State> {
        let holds = |value: Value| *state == self.state(value);
        match (action, output) {
            (Action::Read, Some(Output::Read(value))) => holds(*value).then(|| state.clone()),
            (Action::Read, Some(_) | None) => Some(state.clone()),
            (Action::Write(value), _) => Some(self.state(value)),
            (
                Action::CompareAndSet { expected, new },
                Some(Output::Done | Output::Read(_) | Output::Unseen),
            ) => holds(expected).then(|| self.state(new)),
            (Action::CompareAndSet { expected, .. }, Some(Output::Found(value))) => {
                (holds(*value) && !holds(expected)).then(|| state.clone())
            }
            (Action::CompareAndSet { expected, .. }, Some(Output::Differed)) => {
                (!holds(expected)).then(|| state.clone())
            }
            (Action::CompareAndSet { expected, new }, None) => {
                Some(if holds(expected) { self.state(new) } else { state.clone() })
            }
            (Action::Append(value), _) => match state {
                State::Parts(parts) => {
                    Some(State::Parts([parts.clone(), self.parts_appended(value)].concat()))
                }
                _ => None,
            },
            // `step` hands no other action to this function.
            (_, _) => None,
        }
    }

    fn action_text(&self, action: Action) -> String {
        let show = |value| self.values.show(value);
        match action {
            Action::Read => "read".to_owned(),
            Action::Write(value) => format!("write {}", show(value)),
            Action::CompareAndSet { expected, new } => format!("cas {} {}", show(expected), show(new)),
            Action::Append(value) => format!("append {}", show(value)),
            Action::Add(value) => format!("add {}", show(value)),
            Action::Remove(value) => format!("remove {}", show(value)),
            Action::Enqueue(value) => format!("enqueue {}", show(value)),
            Action::Dequeue => "dequeue".to_owned(),
            Action::Acquire(owner) => format!("acquire by {}", show(owner)),
            Action::Release(owner) => format!("release by {}", show(owner)),
            Action::Transact(changes) => format!("txn {}", multi::show(&self.values, changes)),
            Action::Transfer(what) => format!("transfer {}", show(what)),
        }
    }
}

impl Model for Standard {
    type Input = Input;
    type Output = Output;
    type State = State;

    fn initial(&self) -> State {
        self.state(self.initial)
    }

    fn step(&self, state: &State, input: &Input, output: Option<&Output>) -> Option<State> {
        let action = input.action;
        match self.kind {
            Kind::Register | Kind::CasRegister | Kind::KeyValue | Kind::AppendList => {
                self.step_value(state, action, output)
            }
            Kind::MultiRegister => multi::step(&self.values, self.initial, state, action, output),
            Kind::Mutex | Kind::OwnedMutex | Kind::ReentrantLock | Kind::FencedLock => {
                lock::step(self.kind, &self.values, state, action, output)
            }
            Kind::GrowOnlySet | Kind::Set | Kind::FifoQueue | Kind::UnorderedQueue | Kind::Counter => {
                collection::step(self.kind, &self.values, state, action, output)
            }
        }
    }

    fn key(&self, input: &Input) -> u32 {
        input.key
    }

    fn is_read(&self, input: &Input) -> bool {
        match input.action {
            Action::Read => true,
            Action::Transact(changes) => multi::only_reads(&self.values, changes),
            _ => false,
        }
    }

    fn weight(&self, state: &State) -> usize {
        match state {
            State::Value(_) | State::Lock(_) | State::Number(_) => 0,
            State::Parts(parts) => size_of_val(parts.as_slice()),
            State::Registers(registers) => size_of_val(registers.as_slice()),
            State::Items(items) | State::Bag(items, _) => size_of_val(items.as_slice()),
        }
    }

    fn survey(&self, operations: &[&Operation<Input, Output>], must: &[bool]) -> Survey {
        survey::of(self.kind, &self.values, self.initial, operations, must)
    }

    fn effect(&self, input: &Input, output: Option<&Output>) -> Effect {
        if !self.kind.is_value() {
            return Effect::Opaque;
        }
        match (input.action, output) {
            (Action::Read, Some(Output::Read(value))) => Effect::Read(self.settle(*value)),
            (Action::Read, Some(_) | None) => Effect::Nothing,
            (Action::Write(value), _) => Effect::Write(self.settle(value)),
            // A mismatch that found the expected value cannot be: no value is nobody's.
            (Action::CompareAndSet { expected, .. }, Some(Output::Found(value))) => {
                if self.settle(*value) == self.settle(expected) {
                    Effect::Read(Value::IMPOSSIBLE)
                } else {
                    Effect::Read(self.settle(*value))
                }
            }
            (Action::CompareAndSet { expected, .. }, Some(Output::Differed)) => {
                Effect::Differs(self.settle(expected))
            }
            (Action::CompareAndSet { expected, new }, _) => {
                Effect::Swap(self.settle(expected), self.settle(new))
            }
            (Action::Append(value), _) => Effect::Append(value),
            // No register has them; a history that asks for them is refused before.
            (_, _) => Effect::Nothing,
        }
    }

    fn initial_value(&self) -> Option<Value> {
        self.kind.is_value().then_some(self.initial)
    }

    fn parts(&self, value: Value) -> Vec<u32> {
        match self.values.content(self.settle(value)) {
            Content::Text(text) => text.bytes().map(|byte| BYTE | u32::from(byte)).collect(),
            Content::List(items) if self.kind == Kind::AppendList => {
                items.iter().map(|item| item.word()).collect()
            }
            Content::Nil
            | Content::Number(_)
            | Content::List(_)
            | Content::Set(_)
            | Content::Map(_)
            | Content::Other(_) => {
                vec![value.word()]
            }
        }
    }

    // An element of a list is one part even where it is itself a text or a list.
    fn parts_appended(&self, value: Value) -> Vec<u32> {
        if self.kind == Kind::AppendList { vec![value.word()] } else { self.parts(value) }
    }

    fn append(&mut self, value: Value, part: Value) -> Value {
        if self.kind == Kind::AppendList {
            let mut items = match self.values.content(value) {
                Content::List(items) => items.to_vec(),
                Content::Text(text) if text.is_empty() => Vec::new(),
                Content::Nil
                | Content::Number(_)
                | Content::Text(_)
                | Content::Set(_)
                | Content::Map(_)
                | Content::Other(_) => vec![value],
            };
            items.push(part);
            return self.values.list(&items);
        }
        match (self.values.content(self.settle(value)), self.values.content(self.settle(part))) {
            (Content::Text(text), Content::Text(more)) => self.values.text(&format!("{text}{more}")),
            // What is no text has one part of its own; the pair of parts stands for the two.
            (_, _) if self.settle(part) == Value::EMPTY => value,
            (_, _) if self.settle(value) == Value::EMPTY => part,
            (_, _) => self.values.list(&[value, part]),
        }
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        let asked = self.action_text(input.action);
        match output {
            None => format!("{asked} -> unknown"),
            Some(Output::Done) => asked,
            Some(Output::Read(value)) => match input.action {
                Action::Transact(_) => format!("txn {}", multi::show(&self.values, *value)),
                Action::Dequeue if *value == Value::NIL => "dequeue -> empty".to_owned(),
                _ => format!("{asked} -> {}", self.values.show(*value)),
            },
            Some(Output::Unseen) => format!("{asked} -> nil, not seen"),
            Some(Output::Found(value)) => format!("{asked} -> failed, found {}", self.values.show(*value)),
            Some(Output::Differed) => format!("{asked} -> failed"),
        }
    }

    fn describe_state(&self, state: &State) -> String {
        match state {
            State::Value(value) => self.values.show(*value),
            State::Parts(parts) if parts.iter().all(|part| part & !0xFF == BYTE) => {
                let bytes: Vec<u8> = parts.iter().map(|part| (part & 0xFF) as u8).collect();
                format!("{:?}", String::from_utf8_lossy(&bytes))
            }
            State::Parts(parts) if self.kind == Kind::KeyValue && parts.len() == 1 => {
                self.values.show(Value::from_word(parts[0]))
            }
            State::Parts(parts) => {
                let items: Vec<String> =
                    parts.iter().map(|part| self.values.show(Value::from_word(*part))).collect();
                format!("[{}]", items.join(" "))
            }
            State::Registers(registers) => multi::show_state(&self.values, registers),
            State::Lock(lock) => lock.show(&self.values),
            State::Items(items) | State::Bag(items, _) => {
                let shown: Vec<String> = items.iter().map(|item| self.values.show(*item)).collect();
                let (open, close) = if self.kind == Kind::FifoQueue { ('[', ']') } else { ('{', '}') };
                format!("{open}{}{close}", shown.join(" "))
            }
            State::Number(number) => number.to_string(),
        }
    }

    fn describe_key(&self, key: u32) -> String {
        self.keys.get(key as usize).cloned().unwrap_or_else(|| key.to_string())
    }
}
