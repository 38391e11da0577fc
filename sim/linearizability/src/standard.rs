//! The models that come with the crate: register, compare-and-set register, key-value store, append-list.
//!
//! Holds: `effect` and `step` say the same thing; the tests hold one against the other.

use crate::model::{Effect, Model};
use crate::value::{Content, Value, Values};

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
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Output {
    /// Done (a write, an append, a compare-and-set that succeeded).
    Done,
    /// The value read.
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
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Register, Kind::CasRegister, Kind::KeyValue, Kind::AppendList];

    /// The name on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Register => "register",
            Kind::CasRegister => "cas-register",
            Kind::KeyValue => "kv",
            Kind::AppendList => "append-list",
        }
    }

    /// Whether the model has such an operation.
    #[must_use]
    pub fn has(self, action: Action) -> bool {
        match (self, action) {
            (_, Action::Read) | (Kind::KeyValue, _) => true,
            (Kind::Register | Kind::CasRegister, Action::Write(_)) => true,
            (Kind::CasRegister, Action::CompareAndSet { .. }) | (Kind::AppendList, Action::Append(_)) => true,
            (Kind::Register, Action::CompareAndSet { .. } | Action::Append(_))
            | (Kind::CasRegister, Action::Append(_))
            | (Kind::AppendList, Action::Write(_) | Action::CompareAndSet { .. }) => false,
        }
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

/// A shape of state: a bare value, or the parts of a text or list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The value of a register.
    Value(Value),
    /// The parts of what a key holds.
    Parts(Vec<u32>),
}

// Marks the bytes of a text among parts: no small number and no handle of the table has these bits together.
const BYTE: u32 = 0x7FFF_FF00;

impl Standard {
    /// A model whose values need no table; registers start with nil, keys and lists empty.
    #[must_use]
    pub fn new(kind: Kind) -> Standard {
        let initial =
            if matches!(kind, Kind::Register | Kind::CasRegister) { Value::NIL } else { Value::EMPTY };
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
        let holds = |value: Value| *state == self.state(value);
        match (input.action, output) {
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
                State::Value(_) => None,
                State::Parts(parts) => {
                    Some(State::Parts([parts.clone(), self.parts_appended(value)].concat()))
                }
            },
        }
    }

    fn key(&self, input: &Input) -> u32 {
        input.key
    }

    fn is_read(&self, input: &Input) -> bool {
        matches!(input.action, Action::Read)
    }

    fn effect(&self, input: &Input, output: Option<&Output>) -> Effect {
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
        }
    }

    fn initial_value(&self) -> Option<Value> {
        Some(self.initial)
    }

    fn parts(&self, value: Value) -> Vec<u32> {
        match self.values.content(self.settle(value)) {
            Content::Text(text) => text.bytes().map(|byte| BYTE | u32::from(byte)).collect(),
            Content::List(items) if self.kind == Kind::AppendList => {
                items.iter().map(|item| item.word()).collect()
            }
            Content::Nil | Content::Number(_) | Content::List(_) | Content::Other(_) => vec![value.word()],
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
                Content::Nil | Content::Number(_) | Content::Text(_) | Content::Other(_) => vec![value],
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
        let asked = match input.action {
            Action::Read => "read".to_owned(),
            Action::Write(value) => format!("write {}", self.values.show(value)),
            Action::CompareAndSet { expected, new } => {
                format!("cas {} {}", self.values.show(expected), self.values.show(new))
            }
            Action::Append(value) => format!("append {}", self.values.show(value)),
        };
        match output {
            None => format!("{asked} -> unknown"),
            Some(Output::Done) => asked,
            Some(Output::Read(value)) => format!("{asked} -> {}", self.values.show(*value)),
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
        }
    }

    fn describe_key(&self, key: u32) -> String {
        self.keys.get(key as usize).cloned().unwrap_or_else(|| key.to_string())
    }
}
