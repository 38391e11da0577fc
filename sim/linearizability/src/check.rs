//! The verdict on a whole history: key by key, the cheapest proof first.
//!
//! Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 12(3), 1990; that
//! keys can be judged one by one is its section 3.1 (locality).
//!
//! Holds: `Linearizable` and `NotLinearizable` are never wrong; whatever cannot be decided within the budget is
//! `Unknown`. Equal arguments give equal verdicts, unless [`Options::stop`] cuts the search short.
//! Not here: the algorithms (`witness`, `zones`, `search`), and why (`explain`).

use std::fmt;

use crate::budget::{Budget, GaveUp, Limits, Progress};
use crate::compile::{Compiled, Partition};
use crate::frontier::PENDING_MAX;
use crate::history::History;
use crate::machine::Opaque;
use crate::model::{Model, Survey};
use crate::search::{self, Found};
use crate::witness;
use crate::zones::{self, Zones};

/// What a check may use.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// An order in which the system says that its operations took effect, as places in the history. A right one is
    /// a proof; a wrong one only costs its reading. Operations of different keys may stand in any order.
    pub witness: Option<&'a [u32]>,
    /// What the search may use up.
    pub budget: Budget,
    /// Asked every few thousand steps; the search gives up when it says `true`. For wall clocks, whose verdicts
    /// differ from machine to machine; `budget` is the same everywhere.
    pub stop: Option<&'a dyn Fn() -> bool>,
    /// Which algorithms may be used.
    pub method: Method,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { witness: None, budget: Budget::default(), stop: None, method: Method::Best }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("witness", &self.witness.map(<[u32]>::len))
            .field("budget", &self.budget)
            .field("stop", &self.stop.is_some())
            .field("method", &self.method)
            .finish()
    }
}

/// Which algorithms a check may use; for comparing them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Zones where values are written once, the search elsewhere.
    Best,
    /// Zones only: what they cannot decide is unknown.
    Zones,
    /// The search only.
    Search,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order in which the operations can have taken effect.
    Linearizable,
    /// There is none.
    NotLinearizable(Evidence),
    /// Not decided, and how far it came.
    Unknown(Reason, Progress),
}

/// What proves that a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The key whose operations contradict each other.
    pub key: u32,
    /// Places of operations that contradict each other already by themselves, or of all operations of the key
    /// through the failing return. [`crate::explain`] makes them fewer.
    pub operations: Vec<u32>,
    /// The operation whose return could not be explained, when the search found that.
    pub failed: Option<u32>,
}

/// Why a check is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The budget of steps ran out.
    Steps,
    /// The budget of memory ran out.
    Memory,
    /// [`Options::stop`] said so, usually because of time.
    Stopped,
    /// More operations of one key overlapped than the search can hold.
    TooConcurrent,
    /// The allowed method does not apply.
    Method,
    /// An online checker forgot what it would have needed.
    Forgotten,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Steps => write!(f, "the budget of steps ran out"),
            Reason::Memory => write!(f, "the budget of memory ran out"),
            Reason::Stopped => write!(f, "time ran out"),
            Reason::TooConcurrent => write!(f, "more than {PENDING_MAX} operations of one key overlap"),
            Reason::Method => write!(f, "the method asked for does not apply"),
            Reason::Forgotten => write!(f, "a value was written again after too long an overlap"),
        }
    }
}

impl From<GaveUp> for Reason {
    fn from(why: GaveUp) -> Reason {
        match why {
            GaveUp::Steps => Reason::Steps,
            GaveUp::Memory => Reason::Memory,
            GaveUp::Stopped => Reason::Stopped,
            GaveUp::TooConcurrent => Reason::TooConcurrent,
        }
    }
}

/// Whether a history is linearizable.
///
/// With a right witness, or with values written once: O(n) and O(n log n). Otherwise exponential in the number of
/// operations that overlap, within the budget. A contradiction on one key outweighs an unknown on another.
#[must_use]
pub fn check<M: Model>(history: &History<M::Input, M::Output>, model: &M, options: &Options<'_>) -> Verdict {
    let partition = Partition::new(history, model);
    let mut compiled = Compiled::default();
    if let Some(order) = options.witness
        && witnessed(history, model, &partition, order, &mut compiled)
    {
        return Verdict::Linearizable;
    }
    let mut steps = 0;
    let mut unknown = None;
    for (key, places) in partition.groups() {
        compiled.load(history, model, places);
        let left = options.budget.steps.saturating_sub(steps);
        let limits = Limits { steps: left, memory: options.budget.memory, stop: options.stop };
        match decide(history, model, &compiled, &limits, options.method, &mut steps) {
            Decided::Linearizable => {}
            Decided::Contradiction(numbers, failed) => {
                let place = |number: u32| compiled.ops[number as usize].place;
                let operations = numbers.into_iter().map(place).collect();
                return Verdict::NotLinearizable(Evidence { key, operations, failed: failed.map(place) });
            }
            Decided::Unknown(reason, progress) => {
                unknown = unknown.or(Some((reason, Progress { key, ..progress })));
            }
        }
    }
    match unknown {
        Some((reason, progress)) => Verdict::Unknown(reason, Progress { steps, ..progress }),
        None => Verdict::Linearizable,
    }
}

enum Decided {
    Linearizable,
    Contradiction(Vec<u32>, Option<u32>),
    Unknown(Reason, Progress),
}

fn decide<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    compiled: &Compiled,
    limits: &Limits<'_>,
    method: Method,
    steps: &mut u64,
) -> Decided {
    if method != Method::Search && !compiled.opaque && !compiled.appends {
        match zones::check(&compiled.ops, compiled.initial) {
            Zones::Linearizable => return Decided::Linearizable,
            Zones::Contradiction(numbers) => return Decided::Contradiction(numbers, None),
            Zones::Undecided => {}
        }
    }
    if method == Method::Best
        && let Some(decided) = surveyed(compiled)
    {
        return decided;
    }
    if method == Method::Zones {
        return Decided::Unknown(Reason::Method, Progress::default());
    }
    let mut machine = Opaque::new(model, history, &compiled.words);
    let initial = if compiled.opaque { machine.initial() } else { compiled.initial };
    let (found, progress) = search::check(compiled, &[initial], limits, &mut machine);
    *steps += progress.steps;
    match found {
        Found::Linearizable => Decided::Linearizable,
        Found::Contradiction(number) | Found::Impossible(number) => {
            let ret = compiled.ops[number as usize].ret;
            let before = |number: &u32| compiled.ops[*number as usize].call <= ret;
            let all = (0..compiled.ops.len() as u32).take_while(before).collect();
            Decided::Contradiction(all, matches!(found, Found::Contradiction(_)).then_some(number))
        }
        Found::GaveUp(why) => Decided::Unknown(why.into(), progress),
    }
}

/// The verdict of the model's own survey.
fn surveyed(compiled: &Compiled) -> Option<Decided> {
    match &compiled.survey {
        Survey::Search(_) => None,
        Survey::Linearizable => Some(Decided::Linearizable),
        Survey::Contradiction(few) if few.is_empty() => {
            let all = 0..compiled.ops.len() as u32;
            Some(Decided::Contradiction(
                all.filter(|number| compiled.ops[*number as usize].must).collect(),
                None,
            ))
        }
        Survey::Contradiction(few) => {
            let blamed = |number: &u32| few.contains(&(compiled.ops[*number as usize].place as usize));
            let numbers = (0..compiled.ops.len() as u32).filter(blamed).collect();
            Some(Decided::Contradiction(numbers, None))
        }
    }
}

/// Whether an order of the whole history is a linearization of every key.
fn witnessed<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    partition: &Partition,
    order: &[u32],
    compiled: &mut Compiled,
) -> bool {
    let mut group_of = vec![u32::MAX; history.len()];
    for (number, (_, places)) in partition.groups().enumerate() {
        for place in places {
            group_of[*place as usize] = number as u32;
        }
    }
    let Some(orders) = partition.distribute(order, &group_of) else { return false };
    // From here on a place's number among the operations of its key that constrain something.
    let mut number_of = group_of;
    for ((_, places), order) in partition.groups().zip(orders.groups()) {
        compiled.load(history, model, places);
        for place in places {
            number_of[*place as usize] = u32::MAX;
        }
        for (number, op) in compiled.ops.iter().enumerate() {
            number_of[op.place as usize] = number as u32;
        }
        let numbers =
            order.1.iter().map(|place| number_of[*place as usize]).filter(|number| *number != u32::MAX);
        let mut machine = Opaque::new(model, history, &compiled.words);
        if !witness::holds(compiled, numbers, &mut machine) {
            return false;
        }
    }
    true
}
