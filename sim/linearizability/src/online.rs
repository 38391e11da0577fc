//! Judging a history while it happens, in bounded memory.
//!
//! Each key starts with the zone argument of `zones`, kept up to date: chains of clusters with their first return and
//! last call. A contradiction shows at the event that creates it. What can no longer matter is forgotten: with the
//! *horizon* the earliest call that is still pending, a chain A is dead when another one must follow it
//! (`f(A) < s(B)`) and returned before the horizon: whoever still read A's value would be called after that, so A
//! would have to follow B as well. What stays is about one chain for each write under way. A value may be written
//! again once its old chain is dead.
//!
//! When a value is written again while it is alive, a compare-and-set fails without telling what it found, or
//! something is appended, the key goes over to the just-in-time search of `search`, from the last moment at which
//! nothing was pending. The search waits until the outcome of the oldest pending operation is known, so it reports
//! a contradiction that much later.
//!
//! Holds: a violation is one; `Undecided` is sticky for its key only, a violation on another key still shows.
//! Not here: the evidence in full. Whoever has the whole history may ask [`crate::check()`] and [`crate::explain()`].

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::budget::{Budget, GaveUp, Limits};
use crate::check::Reason;
use crate::compile::Step;
use crate::frontier::{Form, Frontier};
use crate::history::{Malformed, UNKNOWN};
use crate::machine::{Machine, States};
use crate::model::{Effect, Model};
use crate::value::Value;

/// How a history stands so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing contradicts linearizability.
    Fine,
    /// The history is not linearizable; [`Online::violation`] tells more.
    Violated,
    /// Some key could not be followed within the budget; [`Online::undecided`] tells why.
    Undecided,
}

/// The event at which a history ceased to be linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key.
    pub key: u32,
    /// Whose operation.
    pub process: u32,
    /// When it was called.
    pub call: u64,
    /// When it returned; [`UNKNOWN`] when another operation showed the contradiction first.
    pub ret: u64,
    /// The operation, for people.
    pub operation: String,
    /// What is wrong with it, for people.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} {}: {}", self.process, self.operation, self.why)
    }
}

/// A checker that is told calls and outcomes as they happen. Cloning forks it.
///
/// About 100 ns for an operation while values are unique and a handful of clients share a key; O(clients) each.
#[derive(Clone, Debug)]
pub struct Online<M: Model> {
    model: M,
    budget: Budget,
    states: States<M::State>,
    /// How many states there may be before those that are not needed are dropped.
    states_kept: usize,
    numbers: HashMap<u32, u32, FxBuildHasher>,
    keys: Vec<Key>,
    open: BTreeMap<u32, Open<M::Input>>,
    opaque: BTreeMap<u32, (M::Input, Option<M::Output>)>,
    next_opaque: u32,
    /// Counts events: the order in which they came is what decides, not the times.
    now: u64,
    steps: u64,
    violation: Option<Violation>,
    undecided: Option<Reason>,
}

#[derive(Clone, Debug)]
struct Open<I> {
    input: I,
    time: u64,
    call: u64,
    key: u32,
}

/// An operation that ended, what it returned, and when.
type End<'a, M> = (&'a Open<<M as Model>::Input>, Option<&'a <M as Model>::Output>, u64);

#[derive(Clone, Debug)]
struct Key {
    name: u32,
    engine: Engine,
}

#[derive(Clone, Debug)]
enum Engine {
    Zones(Zones),
    Search(Box<Search>),
    GaveUp,
}

/// What is known of an operation under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Pending,
    Returned(u64),
    Unknown,
    /// It did not happen, or does not matter.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Logged {
    call: u64,
    step: Step,
    known: Known,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    value: u32,
    chain: u32,
    first_return: u64,
    last_call: u64,
}

#[derive(Clone, Copy, Debug)]
struct Chain {
    id: u32,
    first_return: u64,
    last_call: u64,
}

/// A writer that is pending, or whose outcome is unknown; or a pending read, which has no value yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    call: u64,
    step: Option<Step>,
    /// Somebody saw its value.
    seen: bool,
    /// Where it stands in the log.
    logged: u32,
}

#[derive(Clone, Debug)]
struct Zones {
    /// In the order of their chain, for each chain.
    clusters: Vec<Cluster>,
    chains: Vec<Chain>,
    next_chain: u32,
    pending: Vec<Pending>,
    /// By the value written. These stay until somebody sees it: there is no telling when they take effect.
    unknown: BTreeMap<u32, Pending>,
    /// Which of them were called since the log began.
    unknown_in_log: Vec<u32>,
    /// Everything since nothing was pending, and what the value could be then; for going over to the search.
    log: Vec<Logged>,
    start: Vec<u32>,
    /// Unknown operations from before that, whose value somebody saw since.
    claimed: Vec<Step>,
    log_lost: bool,
}

/// Longest overlap that can still go over to the search, in operations.
const LOG_MAX: usize = 1 << 14;

enum Stop {
    Contradiction(String),
    /// The zone argument does not apply any more.
    GoSearch,
    GiveUp(Reason),
}

#[derive(Clone, Debug)]
struct Search {
    frontier: Frontier,
    /// Calls and returns not yet handed to the frontier.
    queue: VecDeque<(u64, bool)>,
    /// By call.
    operations: BTreeMap<u64, Logged>,
    slots: BTreeMap<u64, u32>,
}

struct OnlineMachine<'a, M: Model> {
    model: &'a mut M,
    states: &'a mut States<M::State>,
    opaque: &'a BTreeMap<u32, (M::Input, Option<M::Output>)>,
}

impl<M: Model> Machine for OnlineMachine<'_, M> {
    fn append(&mut self, state: u32, row: u32) -> u32 {
        self.model.append(Value::from_word(state), Value::from_word(row)).word()
    }

    fn step(&mut self, state: u32, place: u32) -> Option<u32> {
        let (input, output) = &self.opaque[&place];
        let next = self.model.step(self.states.state(state), input, output.as_ref())?;
        Some(self.states.number(next, |state| self.model.weight(state)))
    }

    fn memory(&self) -> usize {
        self.states.memory() + self.opaque.len() * 128
    }
}

impl<M: Model> Online<M> {
    /// A checker of a history that begins now, with the default budget.
    #[must_use]
    pub fn new(model: M) -> Online<M> {
        Online::with_budget(model, Budget::default())
    }

    /// The same with another budget; its steps count over the whole history.
    #[must_use]
    pub fn with_budget(model: M, budget: Budget) -> Online<M> {
        Online {
            model,
            budget,
            states: States::default(),
            states_kept: 1024,
            numbers: HashMap::default(),
            keys: Vec::new(),
            open: BTreeMap::new(),
            opaque: BTreeMap::new(),
            next_opaque: 0,
            now: 0,
            steps: 0,
            violation: None,
            undecided: None,
        }
    }

    /// The model, for adding values to its table.
    pub fn model_mut(&mut self) -> &mut M {
        &mut self.model
    }

    /// The first contradiction found.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Why some key is no longer followed.
    #[must_use]
    pub fn undecided(&self) -> Option<Reason> {
        self.undecided
    }

    /// How the history stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match (&self.violation, self.undecided) {
            (Some(_), _) => Status::Violated,
            (None, Some(_)) => Status::Undecided,
            (None, None) => Status::Fine,
        }
    }

    /// Configurations the search has looked at.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A process asks for something. The time is only for the report.
    ///
    /// # Errors
    /// When it has an open operation.
    pub fn call(&mut self, process: u32, time: u64, input: M::Input) -> Result<Status, Malformed> {
        if self.violation.is_some() {
            return Ok(Status::Violated);
        }
        if self.open.contains_key(&process) {
            return Err(Malformed::StillOpen { process });
        }
        self.now += 1;
        let key = self.key(self.model.key(&input));
        let step = self.step_unknown(&input);
        let call = self.now;
        self.open.insert(process, Open { input, time, call, key });
        let result = match &mut self.keys[key as usize].engine {
            Engine::Zones(zones) => zones.call(call, step),
            Engine::Search(search) => {
                search.call(call, step);
                Ok(())
            }
            Engine::GaveUp => Ok(()),
        };
        self.settle(process, key, result, None);
        Ok(self.status())
    }

    /// The open operation of a process returned. The time is only for the report.
    ///
    /// # Errors
    /// When it has none.
    pub fn ret(&mut self, process: u32, time: u64, output: M::Output) -> Result<Status, Malformed> {
        if self.violation.is_some() {
            return Ok(Status::Violated);
        }
        let open = self.open.remove(&process).ok_or(Malformed::NotOpen { process })?;
        self.now += 1;
        let step = self.step_known(&open, &output);
        let now = self.now;
        let result = match &mut self.keys[open.key as usize].engine {
            Engine::Zones(zones) => zones.ret(open.call, now, step),
            Engine::Search(search) => {
                search.ret(open.call, now, step);
                Ok(())
            }
            Engine::GaveUp => Ok(()),
        };
        self.settle(process, open.key, result, Some((&open, Some(&output), time)));
        Ok(self.status())
    }

    /// The open operation of a process will never be answered: it may take effect at any time, or never.
    ///
    /// # Errors
    /// When it has none.
    pub fn unknown(&mut self, process: u32) -> Result<Status, Malformed> {
        self.close(process, Known::Unknown)
    }

    /// The open operation of a process failed for certain: it did not happen and never will.
    ///
    /// # Errors
    /// When it has none.
    pub fn failed(&mut self, process: u32) -> Result<Status, Malformed> {
        self.close(process, Known::Nothing)
    }

    /// The history ends: what is open has an unknown outcome.
    pub fn finish(&mut self) -> Status {
        let open: Vec<u32> = self.open.keys().copied().collect();
        for process in open {
            // It is open: nothing can be malformed here.
            let _ = self.unknown(process);
        }
        self.status()
    }

    fn close(&mut self, process: u32, known: Known) -> Result<Status, Malformed> {
        if self.violation.is_some() {
            return Ok(Status::Violated);
        }
        let open = self.open.remove(&process).ok_or(Malformed::NotOpen { process })?;
        self.now += 1;
        let step = self.step_closed(&open, known);
        let result = match &mut self.keys[open.key as usize].engine {
            Engine::Zones(zones) => zones.close(open.call, known),
            Engine::Search(search) => {
                search.close(open.call, known, step);
                Ok(())
            }
            Engine::GaveUp => Ok(()),
        };
        self.settle(process, open.key, result, Some((&open, None, UNKNOWN)));
        Ok(self.status())
    }

    fn key(&mut self, name: u32) -> u32 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let engine = match self.model.initial_value() {
            Some(value) => Engine::Zones(Zones::new(value.word())),
            None => {
                let state = self.states.number(self.model.initial(), |state| self.model.weight(state));
                Engine::Search(Box::new(Search::new(Frontier::new(&[state], None, Form::Exact))))
            }
        };
        let number = self.keys.len() as u32;
        self.keys.push(Key { name, engine });
        self.numbers.insert(name, number);
        number
    }

    /// What an operation may do while its outcome is unknown; `None` when it changes nothing.
    fn step_unknown(&self, input: &M::Input) -> Option<Step> {
        match self.model.effect(input, None) {
            Effect::Nothing | Effect::Read(_) | Effect::Differs(_) => None,
            Effect::Write(value) => Some(Step::Write(value.word())),
            Effect::Swap(expected, new) => Some(Step::Swap(expected.word(), new.word())),
            Effect::Append(value) => Some(Step::Append(value.word())),
            // The search asks again when the outcome is known.
            Effect::Opaque => None,
        }
    }

    fn step_closed(&mut self, open: &Open<M::Input>, known: Known) -> Option<Step> {
        let opaque = matches!(self.model.effect(&open.input, None), Effect::Opaque);
        let followed = matches!(self.keys[open.key as usize].engine, Engine::Search(_));
        if known != Known::Unknown || !opaque || !followed || self.model.is_read(&open.input) {
            return None;
        }
        Some(Step::Opaque(self.remember(&open.input, None)))
    }

    fn step_known(&mut self, open: &Open<M::Input>, output: &M::Output) -> Option<Step> {
        match self.model.effect(&open.input, Some(output)) {
            Effect::Nothing => None,
            Effect::Read(value) => Some(Step::Read(value.word())),
            Effect::Differs(value) => Some(Step::Differs(value.word())),
            Effect::Write(value) => Some(Step::Write(value.word())),
            Effect::Swap(expected, new) => Some(Step::Swap(expected.word(), new.word())),
            Effect::Append(value) => Some(Step::Append(value.word())),
            Effect::Opaque if matches!(self.keys[open.key as usize].engine, Engine::GaveUp) => None,
            Effect::Opaque => {
                let place = self.remember(&open.input, Some(output));
                Some(if self.model.is_read(&open.input) {
                    Step::OpaqueRead(place)
                } else {
                    Step::Opaque(place)
                })
            }
        }
    }

    fn remember(&mut self, input: &M::Input, output: Option<&M::Output>) -> u32 {
        self.next_opaque += 1;
        self.opaque.insert(self.next_opaque, (input.clone(), output.cloned()));
        self.next_opaque
    }

    /// Lets the search go on, goes over to it, and notes what came of an event.
    fn settle(&mut self, process: u32, key: u32, result: Result<(), Stop>, at: Option<End<'_, M>>) {
        let mut result = result;
        if matches!(result, Err(Stop::GoSearch)) {
            result = self.go_search(key);
        }
        if result.is_ok() && matches!(self.keys[key as usize].engine, Engine::Search(_)) {
            result = self.advance(key);
        }
        match result {
            Ok(()) => {}
            Err(Stop::Contradiction(why)) => self.violation = Some(self.describe(process, key, why, at)),
            Err(Stop::GiveUp(reason)) => {
                self.keys[key as usize].engine = Engine::GaveUp;
                self.undecided = self.undecided.or(Some(reason));
            }
            Err(Stop::GoSearch) => unreachable!("the search never asks for itself"),
        }
    }

    fn go_search(&mut self, key: u32) -> Result<(), Stop> {
        let entry = &mut self.keys[key as usize].engine;
        if let Engine::Zones(zones) = entry {
            *entry = Engine::Search(Box::new(zones.to_search().ok_or(Stop::GiveUp(Reason::Forgotten))?));
        }
        Ok(())
    }

    fn advance(&mut self, key: u32) -> Result<(), Stop> {
        let Online { model, states, opaque, keys, budget, steps, .. } = self;
        let Engine::Search(search) = &mut keys[key as usize].engine else { return Ok(()) };
        let before = search.frontier.steps;
        let left = before + budget.steps.saturating_sub(*steps);
        let limits = Limits { steps: left, memory: budget.memory, stop: None };
        let mut machine = OnlineMachine { model, states, opaque };
        let mut done = Vec::new();
        let result = search.advance(&limits, &mut machine, &mut done);
        *steps += search.frontier.steps - before;
        for place in done {
            opaque.remove(&place);
        }
        if self.states.len() > self.states_kept {
            self.forget_states();
        }
        result
    }

    /// Keeps only the states in which some key may be.
    fn forget_states(&mut self) {
        let mut kept = States::default();
        for key in &mut self.keys {
            let Engine::Search(search) = &mut key.engine else { continue };
            if self.model.initial_value().is_none() {
                let weight = |state: &M::State| self.model.weight(state);
                search.frontier.rename_states(|state| kept.number(self.states.state(state).clone(), weight));
            }
        }
        self.states_kept = 1024 + 2 * kept.len();
        self.states = kept;
    }

    fn describe(&self, process: u32, key: u32, why: String, at: Option<End<'_, M>>) -> Violation {
        let key = self.keys[key as usize].name;
        match at {
            Some((open, output, ret)) => {
                let operation = self.model.describe(&open.input, output);
                Violation { key, process, call: open.time, ret, operation, why }
            }
            None => Violation { key, process, call: 0, ret: UNKNOWN, operation: String::new(), why },
        }
    }
}

impl Zones {
    fn new(initial: u32) -> Zones {
        Zones {
            clusters: vec![Cluster { value: initial, chain: 0, first_return: 0, last_call: 0 }],
            chains: vec![Chain { id: 0, first_return: 0, last_call: 0 }],
            next_chain: 1,
            pending: Vec::new(),
            unknown: BTreeMap::new(),
            unknown_in_log: Vec::new(),
            log: Vec::new(),
            start: vec![initial],
            claimed: Vec::new(),
            log_lost: false,
        }
    }

    fn call(&mut self, call: u64, step: Option<Step>) -> Result<(), Stop> {
        if self.pending.is_empty() && !self.log.is_empty() {
            self.begin_log(call);
        }
        self.log_lost |= self.log.len() >= LOG_MAX;
        let logged = if self.log_lost { u32::MAX } else { self.log.len() as u32 };
        if !self.log_lost {
            self.log.push(Logged { call, step: step.unwrap_or(Step::Read(0)), known: Known::Pending });
        }
        let again = step.is_some_and(|step| self.writes_again(step));
        self.pending.push(Pending { call, step, seen: false, logged });
        if again { Err(Stop::GoSearch) } else { Ok(()) }
    }

    /// Whether a value is written that is alive, or the zones do not know the operation.
    fn writes_again(&self, step: Step) -> bool {
        let value = match step {
            Step::Write(value) => value,
            Step::Swap(expected, value) if expected != value => value,
            Step::Swap(..)
            | Step::Read(_)
            | Step::Differs(_)
            | Step::Append(_)
            | Step::Opaque(_)
            | Step::OpaqueRead(_) => return true,
        };
        self.find(value).is_some()
            || self.unknown.contains_key(&value)
            || self.pending.iter().any(|other| written(other.step) == Some(value))
    }

    /// Nothing is pending: what happened so far is only what the value may be now.
    fn begin_log(&mut self, now: u64) {
        self.forget(now);
        self.log.clear();
        self.claimed.clear();
        self.log_lost = false;
        self.start.clear();
        for chain in &self.chains {
            let last = self.clusters.iter().rev().find(|cluster| cluster.chain == chain.id);
            self.start.extend(last.map(|cluster| cluster.value));
        }
        for value in self.unknown_in_log.drain(..) {
            if let Some(unknown) = self.unknown.get_mut(&value) {
                unknown.logged = u32::MAX;
            }
        }
    }

    fn note(&mut self, pending: &Pending, step: Option<Step>, known: Known) {
        if let Some(entry) = self.log.get_mut(pending.logged as usize) {
            entry.known = known;
            if let Some(step) = step {
                entry.step = step;
            }
        }
    }

    fn take_pending(&mut self, call: u64) -> Pending {
        let place = self.pending.iter().position(|pending| pending.call == call);
        self.pending.swap_remove(place.expect("an open operation is pending on its key"))
    }

    fn ret(&mut self, call: u64, now: u64, step: Option<Step>) -> Result<(), Stop> {
        let pending = self.take_pending(call);
        let known = if step.is_some() { Known::Returned(now) } else { Known::Nothing };
        self.note(&pending, step, known);
        let changed = matches!(step, Some(Step::Write(_) | Step::Swap(..)));
        if pending.seen && !changed {
            return Err(Stop::Contradiction("it did not take effect, but its value was seen".to_owned()));
        }
        match step {
            None => {}
            Some(Step::Read(value)) => {
                let place = self.materialize(value, 0)?;
                self.include(place, call, now)?;
            }
            Some(Step::Write(value)) if pending.seen => self.confirm(value, call, now)?,
            Some(Step::Write(value)) => {
                let place = self.new_chain(value);
                self.include(place, call, now)?;
            }
            Some(Step::Swap(_, value)) if pending.seen => self.confirm(value, call, now)?,
            Some(Step::Swap(expected, value)) => {
                let place = self.put_behind(expected, value, 0)?;
                self.include(place, call, now)?;
            }
            Some(Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_)) => {
                return Err(Stop::GoSearch);
            }
        }
        self.forget(now);
        Ok(())
    }

    fn close(&mut self, call: u64, known: Known) -> Result<(), Stop> {
        let pending = self.take_pending(call);
        if pending.seen && known == Known::Nothing {
            return Err(Stop::Contradiction("it failed, but its value was seen".to_owned()));
        }
        // A read without an answer tells nothing.
        let known = if pending.step.is_none() { Known::Nothing } else { known };
        self.note(&pending, None, known);
        if known == Known::Unknown
            && !pending.seen
            && let Some(value) = written(pending.step)
        {
            self.unknown.insert(value, pending);
            self.unknown_in_log.push(value);
        }
        Ok(())
    }

    fn find(&self, value: u32) -> Option<usize> {
        self.clusters.iter().position(|cluster| cluster.value == value)
    }

    /// The cluster of a value that somebody saw; its writer may still be pending or unknown.
    fn materialize(&mut self, value: u32, depth: usize) -> Result<usize, Stop> {
        if let Some(place) = self.find(value) {
            return Ok(place);
        }
        let lost = || "this value was never written, or overwritten before".to_owned();
        let writers = self.pending.len() + self.unknown.len();
        let Some(writer) = self.claim(value).filter(|_| depth <= writers) else {
            return Err(Stop::Contradiction(lost()));
        };
        let place = match writer.step {
            Some(Step::Swap(expected, value)) => self.put_behind(expected, value, depth + 1)?,
            _ => self.new_chain(value),
        };
        self.include(place, writer.call, UNKNOWN)?;
        Ok(place)
    }

    /// The operation under way that writes a value, which now is known to have happened.
    fn claim(&mut self, value: u32) -> Option<Pending> {
        if let Some(pending) = self.pending.iter_mut().find(|pending| written(pending.step) == Some(value)) {
            pending.seen = true;
            return Some(*pending);
        }
        let unknown = self.unknown.remove(&value)?;
        if unknown.logged == u32::MAX {
            self.claimed.extend(unknown.step);
        }
        Some(unknown)
    }

    fn new_chain(&mut self, value: u32) -> usize {
        let id = self.next_chain;
        self.next_chain += 1;
        self.chains.push(Chain { id, first_return: UNKNOWN, last_call: 0 });
        self.clusters.push(Cluster { value, chain: id, first_return: UNKNOWN, last_call: 0 });
        self.clusters.len() - 1
    }

    fn put_behind(&mut self, expected: u32, value: u32, depth: usize) -> Result<usize, Stop> {
        let before = self.materialize(expected, depth)?;
        let chain = self.clusters[before].chain;
        if self.clusters[before + 1..].iter().any(|cluster| cluster.chain == chain) {
            return Err(Stop::Contradiction(
                "another compare-and-set took the expected value away".to_owned(),
            ));
        }
        self.clusters.push(Cluster { value, chain, first_return: UNKNOWN, last_call: 0 });
        Ok(self.clusters.len() - 1)
    }

    /// A writer returned whose value was seen before.
    fn confirm(&mut self, value: u32, call: u64, now: u64) -> Result<(), Stop> {
        match self.find(value) {
            Some(place) => self.include(place, call, now),
            None => Ok(()),
        }
    }

    /// An operation belongs to a cluster: the only way in which chains come to contradict each other.
    fn include(&mut self, place: usize, call: u64, ret: u64) -> Result<(), Stop> {
        let cluster = &mut self.clusters[place];
        cluster.first_return = cluster.first_return.min(ret);
        cluster.last_call = cluster.last_call.max(call);
        let cluster = *cluster;
        let number = self.chains.iter().position(|chain| chain.id == cluster.chain);
        let number = number.expect("a cluster's chain lives as long as the cluster");
        let chain = &mut self.chains[number];
        chain.first_return = chain.first_return.min(ret);
        chain.last_call = chain.last_call.max(call);
        let chain = *chain;
        let clash = |other: &Chain| {
            other.id != chain.id
                && other.first_return < chain.last_call
                && chain.first_return < other.last_call
        };
        if self.chains.iter().any(clash) {
            let why = "this value and another one would each have to be overwritten by the other";
            return Err(Stop::Contradiction(why.to_owned()));
        }
        let same = |other: &&Cluster| other.chain == cluster.chain;
        let after =
            self.clusters[place + 1..].iter().filter(same).any(|next| next.first_return < cluster.last_call);
        let before =
            self.clusters[..place].iter().filter(same).any(|last| cluster.first_return < last.last_call);
        if after || before {
            let why = "a compare-and-set had taken this value away before";
            return Err(Stop::Contradiction(why.to_owned()));
        }
        Ok(())
    }

    /// Drops what nobody can see any more without a contradiction (see the head of this file).
    fn forget(&mut self, now: u64) {
        if self.clusters.len() == 1 {
            return;
        }
        let horizon = self.pending.iter().map(|pending| pending.call).min().unwrap_or(now + 1);
        // Of those that returned before the horizon, the two latest calls: a chain does not follow itself.
        let (mut latest, mut owner, mut second) = (0, u32::MAX, 0);
        for chain in self.chains.iter().filter(|chain| chain.first_return < horizon) {
            if chain.last_call > latest {
                second = latest;
                (latest, owner) = (chain.last_call, chain.id);
            } else {
                second = second.max(chain.last_call);
            }
        }
        let dead = |chain: &Chain| {
            let follower = if chain.id == owner { second } else { latest };
            chain.first_return < follower && chain.first_return < horizon
        };
        if self.chains.iter().any(dead) {
            let mut gone = Vec::new();
            self.chains.retain(|chain| {
                let stays = !dead(chain);
                gone.extend((!stays).then_some(chain.id));
                stays
            });
            self.clusters.retain(|cluster| !gone.contains(&cluster.chain));
        }
        if self.clusters.len() > self.chains.len() {
            self.forget_links(horizon);
        }
    }

    /// Within a chain, what a later link overwrote before the horizon.
    fn forget_links(&mut self, horizon: u64) {
        let mut place = self.clusters.len();
        let mut settled: Vec<u32> = Vec::new();
        while place > 0 {
            place -= 1;
            let Cluster { chain, first_return, .. } = self.clusters[place];
            if settled.contains(&chain) {
                self.clusters.remove(place);
            } else if first_return < horizon {
                settled.push(chain);
            }
        }
    }

    /// The search from the last moment at which nothing was pending; `None` when that was too long ago.
    fn to_search(&self) -> Option<Search> {
        if self.log_lost {
            return None;
        }
        let mut search = Search::new(Frontier::new(&self.start, None, Form::Exact));
        let old = self.unknown.values().filter(|unknown| unknown.logged == u32::MAX);
        for step in old.filter_map(|unknown| unknown.step).chain(self.claimed.iter().copied()) {
            search.frontier.call_unknown(step);
        }
        let mut events: Vec<(u64, u64, bool)> = Vec::new();
        for logged in &self.log {
            search.operations.insert(logged.call, *logged);
            events.push((logged.call, logged.call, false));
            if let Known::Returned(at) = logged.known {
                events.push((at, logged.call, true));
            }
        }
        events.sort_unstable();
        search.queue = events.into_iter().map(|(_, call, returns)| (call, returns)).collect();
        Some(search)
    }
}

fn written(step: Option<Step>) -> Option<u32> {
    match step? {
        Step::Write(value) | Step::Swap(_, value) => Some(value),
        Step::Read(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => None,
    }
}

impl Search {
    fn new(frontier: Frontier) -> Search {
        Search { frontier, queue: VecDeque::new(), operations: BTreeMap::new(), slots: BTreeMap::new() }
    }

    fn call(&mut self, call: u64, step: Option<Step>) {
        let step = step.unwrap_or(Step::Read(0));
        self.operations.insert(call, Logged { call, step, known: Known::Pending });
        self.queue.push_back((call, false));
    }

    fn ret(&mut self, call: u64, now: u64, step: Option<Step>) {
        let Some(operation) = self.operations.get_mut(&call) else { return };
        match step {
            Some(step) => {
                operation.step = step;
                operation.known = Known::Returned(now);
                self.queue.push_back((call, true));
            }
            None => operation.known = Known::Nothing,
        }
    }

    fn close(&mut self, call: u64, known: Known, step: Option<Step>) {
        if let Some(operation) = self.operations.get_mut(&call) {
            operation.known = known;
            operation.step = step.unwrap_or(operation.step);
        }
    }

    /// Hands on what is known, through the first call whose outcome is not.
    fn advance(
        &mut self,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
        done: &mut Vec<u32>,
    ) -> Result<(), Stop> {
        let give_up = |why: GaveUp| Stop::GiveUp(why.into());
        while let Some(&(call, returns)) = self.queue.front() {
            let Logged { step, known, .. } = self.operations[&call];
            if known == Known::Pending {
                return Ok(());
            }
            self.queue.pop_front();
            match known {
                Known::Returned(now) if returns => {
                    let slot = self.slots.remove(&call).expect("a return follows its call");
                    self.operations.remove(&call);
                    let fine = self.frontier.ret(slot, now, limits, machine).map_err(give_up)?;
                    if let Step::Opaque(place) | Step::OpaqueRead(place) = step {
                        done.push(place);
                    }
                    if !fine {
                        let why = "no order of the operations explains what came back";
                        return Err(Stop::Contradiction(why.to_owned()));
                    }
                }
                Known::Returned(ret) => {
                    let slot = self.frontier.call(step, ret, machine).map_err(give_up)?;
                    self.slots.insert(call, slot);
                }
                Known::Unknown => {
                    self.operations.remove(&call);
                    self.frontier.call_unknown(step);
                }
                Known::Pending | Known::Nothing => {
                    self.operations.remove(&call);
                }
            }
        }
        Ok(())
    }
}
