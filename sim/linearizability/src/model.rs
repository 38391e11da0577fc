//! What a correct system does, one operation at a time: the trait for a user's own model.
//!
//! Holds: a model is sequential and deterministic; concurrency is the checker's business.
//! Not here: the models that come with the crate (`standard`).

use std::fmt::Debug;
use std::hash::Hash;

use crate::history::Operation;
use crate::value::Value;

/// A sequential specification.
///
/// `initial` and `step` alone make a right model; everything else has a default. In the terms of others: `step` is
/// that of Porcupine's `Model` and of Knossos' `Model`, `key` is Porcupine's `Partition`, and states are compared by
/// `Eq` and `Hash`. What follows makes a check faster or its report friendlier, and changes no verdict:
///
/// - `is_read`, `survey` and `weight` for any model;
/// - `effect`, `initial_value`, `parts`, `parts_appended` and `append` for one whose operations are the well-known
///   ones on a single value; only then the fast algorithms apply;
/// - `describe`, `describe_state` and `describe_key` for people.
///
/// ```
/// use splitbrain_linearizability::{History, Model, Options, Verdict, check};
///
/// /// A ticket machine: every draw gives the next number.
/// struct Tickets;
///
/// impl Model for Tickets {
///     type Input = ();
///     type Output = u32;
///     type State = u32;
///
///     fn initial(&self) -> u32 {
///         1
///     }
///
///     fn step(&self, state: &u32, _: &(), output: Option<&u32>) -> Option<u32> {
///         output.is_none_or(|number| number == state).then_some(state + 1)
///     }
/// }
///
/// let mut history = History::new();
/// history.returned(0, 0, 5, (), 2)?;
/// history.returned(1, 3, 9, (), 1)?;
/// assert_eq!(check(&history, &Tickets, &Options::default()), Verdict::Linearizable);
/// history.returned(0, 10, 12, (), 2)?;
/// assert!(matches!(check(&history, &Tickets, &Options::default()), Verdict::NotLinearizable(_)));
/// # Ok::<(), splitbrain_linearizability::Malformed>(())
/// ```
pub trait Model {
    /// What a client asks. Equal inputs with equal outputs do the same.
    type Input: Clone + Eq + Hash + Debug;
    /// What it is told.
    type Output: Clone + Eq + Hash + Debug;
    /// What the system holds, under one key.
    type State: Clone + Eq + Hash + Debug;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// The state after `input` in `state`, or `None` when it cannot have returned `output` there.
    /// Without an output the outcome is unknown and any output is possible.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;

    /// Operations with different keys do not touch each other; each key starts in the initial state.
    fn key(&self, _input: &Self::Input) -> u32 {
        0
    }

    /// Whether the operation never changes the state. Saves the checker much work.
    fn is_read(&self, _input: &Self::Input) -> bool {
        false
    }

    /// How many bytes a state holds beside itself, roughly; the budget of memory counts them.
    fn weight(&self, _state: &Self::State) -> usize {
        0
    }

    /// What a look at all operations of one key shows, by call, before anything is searched. For each, `must` says
    /// whether it took effect; one that need not have did so in its own time and as it says, if it tells an output, or
    /// not at all. Those are the unknown ones, and where blame is sought all that nobody blames.
    fn survey(&self, _operations: &[&Operation<Self::Input, Self::Output>], _must: &[bool]) -> Survey {
        Survey::default()
    }

    /// What the operation does to a single value. Either every operation of a model is [`Effect::Opaque`] and
    /// `initial_value` is `None`, or none is.
    fn effect(&self, _input: &Self::Input, _output: Option<&Self::Output>) -> Effect {
        Effect::Opaque
    }

    /// The initial state as a value, for a model that tells its effects.
    fn initial_value(&self) -> Option<Value> {
        None
    }

    /// The parts of a value that [`Effect::Append`] extends, in order; equal exactly for equal values.
    fn parts(&self, value: Value) -> Vec<u32> {
        vec![value.word()]
    }

    /// The parts that [`Effect::Append`] of a value adds.
    fn parts_appended(&self, value: Value) -> Vec<u32> {
        self.parts(value)
    }

    /// The value after [`Effect::Append`] of `part` to `value`.
    fn append(&mut self, value: Value, _part: Value) -> Value {
        value
    }

    /// An operation for people.
    fn describe(&self, input: &Self::Input, output: Option<&Self::Output>) -> String {
        match output {
            Some(output) => format!("{input:?} -> {output:?}"),
            None => format!("{input:?} -> unknown"),
        }
    }

    /// A state for people.
    fn describe_state(&self, state: &Self::State) -> String {
        format!("{state:?}")
    }

    /// A key for people.
    fn describe_key(&self, key: u32) -> String {
        key.to_string()
    }
}

/// What a look at all operations of one key shows; places count in what was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Survey {
    /// The search must decide. Those at these places, whose outcome is unknown, need not be looked at: if there is an
    /// order, there is one without them, whatever becomes of the others.
    Search(Vec<usize>),
    /// There is an order.
    Linearizable,
    /// There is none. These contradict each other; empty when no few of them are known that do.
    Contradiction(Vec<usize>),
}

impl Default for Survey {
    fn default() -> Self {
        Survey::Search(Vec::new())
    }
}

/// What an operation with a known outcome does to a single value, or may do when the outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It neither changes nor reveals anything.
    Nothing,
    /// The value is this one.
    Read(Value),
    /// The value is not this one (a compare-and-set that failed without telling what it found).
    Differs(Value),
    /// The value becomes this one.
    Write(Value),
    /// The value is the first and becomes the second.
    Swap(Value, Value),
    /// The value is extended by this one.
    Append(Value),
    /// None of these: `step` knows.
    Opaque,
}
