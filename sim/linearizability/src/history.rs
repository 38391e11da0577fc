//! What clients asked, when, and what came back.
//!
//! Holds: operations stand in the order in which they were called; none returns before it was called.
//! Not here: what an operation means (`model`), and the text forms of a history (`read`).

use std::collections::BTreeMap;
use std::fmt;

/// One operation of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<I, O> {
    /// Who asked.
    pub process: u32,
    /// When, in any unit that grows (virtual nanoseconds, line numbers).
    pub call: u64,
    /// When the answer came, in the same unit; [`UNKNOWN`] when none ever came.
    pub ret: u64,
    /// What was asked.
    pub input: I,
    /// What came back; `None` when the outcome is unknown: it may have taken effect at any time since, or never.
    pub output: Option<O>,
}

/// The return time of an operation whose outcome is unknown.
pub const UNKNOWN: u64 = u64::MAX;

/// All operations of a run but those that failed for certain: they did not happen.
///
/// An operation precedes another when it returned strictly before the other was called; equal times are concurrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<I, O> {
    operations: Vec<Operation<I, O>>,
}

impl<I, O> Default for History<I, O> {
    fn default() -> Self {
        History { operations: Vec::new() }
    }
}

/// Why something cannot be part of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// An operation that returns before it was called.
    ReturnsBeforeCall {
        /// Whose operation.
        process: u32,
    },
    /// A process called while its previous operation was still open.
    StillOpen {
        /// Whose operation.
        process: u32,
    },
    /// An outcome without an open operation.
    NotOpen {
        /// Whose outcome.
        process: u32,
    },
    /// Time ran backwards from one event to the next.
    TimeRunsBackwards {
        /// Of which process the later event is.
        process: u32,
    },
    /// More operations than can be numbered (2^32 - 1).
    TooLong,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::ReturnsBeforeCall { process } => {
                write!(f, "process {process} returned before it called")
            }
            Malformed::StillOpen { process } => {
                write!(f, "process {process} called again while its previous operation was still open")
            }
            Malformed::NotOpen { process } => write!(f, "process {process} has no open operation"),
            Malformed::TimeRunsBackwards { process } => write!(f, "time ran backwards at process {process}"),
            Malformed::TooLong => write!(f, "more than 2^32 - 1 operations"),
        }
    }
}

impl std::error::Error for Malformed {}

impl<I, O> History<I, O> {
    /// A history without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation that returned.
    ///
    /// # Errors
    /// When it returned before it was called, or there are too many.
    pub fn returned(
        &mut self,
        process: u32,
        call: u64,
        ret: u64,
        input: I,
        output: O,
    ) -> Result<(), Malformed> {
        if ret < call || ret == UNKNOWN {
            return Err(Malformed::ReturnsBeforeCall { process });
        }
        self.push(Operation { process, call, ret, input, output: Some(output) })
    }

    /// Adds an operation whose outcome is unknown.
    ///
    /// # Errors
    /// When there are too many.
    pub fn unknown(&mut self, process: u32, call: u64, input: I) -> Result<(), Malformed> {
        self.push(Operation { process, call, ret: UNKNOWN, input, output: None })
    }

    fn push(&mut self, operation: Operation<I, O>) -> Result<(), Malformed> {
        if self.operations.len() >= u32::MAX as usize - 1 {
            return Err(Malformed::TooLong);
        }
        let sorted = self.operations.last().is_none_or(|last| last.call <= operation.call);
        if sorted {
            self.operations.push(operation);
        } else {
            let place = self.operations.partition_point(|other| other.call <= operation.call);
            self.operations.insert(place, operation);
        }
        Ok(())
    }

    /// The operations by the time of their call; equal times in the order in which they were added.
    #[must_use]
    pub fn operations(&self) -> &[Operation<I, O>] {
        &self.operations
    }

    /// How many operations.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Builds a history from operations in any order; those that return before their call are refused.
    ///
    /// # Errors
    /// As for [`History::returned`]; O(n log n) where adding late operations one by one would be O(n^2).
    pub fn from_operations(mut operations: Vec<Operation<I, O>>) -> Result<Self, Malformed> {
        for operation in &mut operations {
            if operation.output.is_none() {
                operation.ret = UNKNOWN;
            } else if operation.ret < operation.call || operation.ret == UNKNOWN {
                return Err(Malformed::ReturnsBeforeCall { process: operation.process });
            }
        }
        if operations.len() >= u32::MAX as usize {
            return Err(Malformed::TooLong);
        }
        operations.sort_by_key(|operation| operation.call);
        Ok(History { operations })
    }
}

impl<I: Clone, O: Clone> History<I, O> {
    /// The same history with every input put differently.
    #[must_use]
    pub fn with_inputs(mut self, mut put: impl FnMut(&I) -> I) -> Self {
        for operation in &mut self.operations {
            operation.input = put(&operation.input);
        }
        self
    }

    /// The history of some of the operations, named by their place; unknown places are left out.
    #[must_use]
    pub fn only(&self, places: &[u32]) -> Self {
        let mut sorted = places.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let pick = |place: &u32| self.operations.get(*place as usize).cloned();
        History { operations: sorted.iter().filter_map(pick).collect() }
    }
}

/// Builds a history from calls and outcomes as they happen.
#[derive(Clone, Debug)]
pub struct Recorder<I, O> {
    operations: Vec<Option<Operation<I, O>>>,
    open: BTreeMap<u32, usize>,
    now: u64,
    /// Whether the operations stand in the order of their calls.
    sorted: bool,
}

impl<I, O> Default for Recorder<I, O> {
    fn default() -> Self {
        Recorder { operations: Vec::new(), open: BTreeMap::new(), now: 0, sorted: true }
    }
}

impl<I, O> Recorder<I, O> {
    /// Nothing recorded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A process asks for something.
    ///
    /// # Errors
    /// When it has an open operation, or time runs backwards.
    pub fn call(&mut self, process: u32, time: u64, input: I) -> Result<(), Malformed> {
        self.advance(process, time)?;
        if self.open.contains_key(&process) {
            return Err(Malformed::StillOpen { process });
        }
        self.open.insert(process, self.operations.len());
        self.operations.push(Some(Operation { process, call: time, ret: UNKNOWN, input, output: None }));
        Ok(())
    }

    /// Its open operation returned.
    ///
    /// # Errors
    /// When it has none, or time runs backwards.
    pub fn returned(&mut self, process: u32, time: u64, output: O) -> Result<(), Malformed> {
        self.advance(process, time)?;
        let operation = self.close(process)?.as_mut().ok_or(Malformed::NotOpen { process })?;
        operation.ret = time;
        operation.output = Some(output);
        Ok(())
    }

    /// Its open operation was several: they returned now, each with one of the outputs, as if called together.
    ///
    /// # Errors
    /// When it has none, or time runs backwards.
    pub fn returned_many(&mut self, process: u32, time: u64, outputs: Vec<O>) -> Result<(), Malformed>
    where
        I: Clone,
    {
        self.advance(process, time)?;
        let operation = self.close(process)?.take().ok_or(Malformed::NotOpen { process })?;
        for output in outputs {
            let (call, input, output) = (operation.call, operation.input.clone(), Some(output));
            self.operations.push(Some(Operation { process, call, ret: time, input, output }));
        }
        self.sorted = false;
        Ok(())
    }

    /// Its open operation failed for certain: it did not happen, and leaves the history. Gives it back.
    ///
    /// # Errors
    /// When it has none.
    pub fn failed(&mut self, process: u32) -> Result<Operation<I, O>, Malformed> {
        self.close(process)?.take().ok_or(Malformed::NotOpen { process })
    }

    /// The outcome of its open operation will never be known.
    ///
    /// # Errors
    /// When it has none.
    pub fn unknown(&mut self, process: u32) -> Result<(), Malformed> {
        self.close(process).map(|_| ())
    }

    /// What the process asked for and still waits for.
    #[must_use]
    pub fn open(&self, process: u32) -> Option<&I> {
        let place = self.open.get(&process)?;
        self.operations[*place].as_ref().map(|operation| &operation.input)
    }

    /// The history so far; what is still open has an unknown outcome.
    #[must_use]
    pub fn finish(self) -> History<I, O> {
        let mut operations: Vec<Operation<I, O>> = self.operations.into_iter().flatten().collect();
        if !self.sorted {
            operations.sort_by_key(|operation| operation.call);
        }
        History { operations }
    }

    fn advance(&mut self, process: u32, time: u64) -> Result<(), Malformed> {
        if time < self.now || time == UNKNOWN {
            return Err(Malformed::TimeRunsBackwards { process });
        }
        self.now = time;
        Ok(())
    }

    fn close(&mut self, process: u32) -> Result<&mut Option<Operation<I, O>>, Malformed> {
        let place = self.open.remove(&process).ok_or(Malformed::NotOpen { process })?;
        Ok(&mut self.operations[place])
    }
}
