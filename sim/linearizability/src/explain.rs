//! Why a history is not linearizable: the few operations that already are not, and where every order of them ends.
//!
//! The operations are made fewer by delta debugging (Zeller and Hildebrandt, "Simplifying and isolating
//! failure-inducing input", IEEE TSE 28(2), 2002, section 3). A part stays well formed: who saw a value stays only
//! together with someone who wrote it, unless nobody ever did.
//!
//! Not here: the picture (`timeline`), and the verdict (`check`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::check::{Budget, Evidence, Method, Options, Verdict, check};
use crate::history::{History, Operation, UNKNOWN};
use crate::model::{Effect, Model};
use crate::value::Value;

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The key, as people call it.
    pub key: String,
    /// Places of the operations that contradict each other. None of them can be left out, unless the history was
    /// too hard to reduce that far.
    pub operations: Vec<u32>,
    /// The longest beginning of an order of them.
    pub prefix: Vec<u32>,
    /// What the key holds after that.
    pub state: String,
    /// Why none of the others can be next.
    pub stuck: Vec<Stuck>,
    /// What each operation counts as here, for people.
    pub what: BTreeMap<u32, String>,
    /// Whether compare-and-sets stand here for their write only, because that contradicts already.
    pub weakened: bool,
    /// Whether reads are shown without what was appended by operations that are left out.
    pub shortened: bool,
}

/// Why an operation cannot be next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Its place in the history.
    pub place: u32,
    /// The reason, for people.
    pub why: String,
}

/// Explains a verdict. Time is bounded: at most some thousand checks of parts of the history.
#[must_use]
pub fn explain<M: Model + Clone>(
    history: &History<M::Input, M::Output>,
    model: &M,
    evidence: &Evidence,
) -> Explanation {
    let mut reducer = Reducer::new(history, model, evidence.key);
    let operations = reducer.smallest(evidence);
    if operations.len() > 3
        && let Some(weaker) = weakened(history, model, evidence.key)
    {
        let mut reducer = Reducer::new(&weaker, model, evidence.key);
        let places = reducer.smallest(evidence);
        if places.len() < operations.len() && reducer.contradicts(&places).is_some() {
            let mut explanation = reducer.tell(&places);
            for place in &places {
                let operation = &history.operations()[*place as usize];
                let what = model.describe(&operation.input, operation.output.as_ref());
                explanation.what.insert(*place, what);
            }
            return Explanation { weakened: true, ..explanation };
        }
    }
    reducer.tell(&operations)
}

/// The history with every operation of the key made weaker; `None` when none can be.
fn weakened<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    key: u32,
) -> Option<History<M::Input, M::Output>> {
    let mut weaker = history.clone();
    let mut changed = false;
    for operation in weaker.operations_mut().iter_mut().filter(|operation| model.key(&operation.input) == key)
    {
        if let Some(weak) = model.weaken(&operation.input, operation.output.as_ref()) {
            operation.input = weak;
            changed = true;
        }
    }
    changed.then_some(weaker)
}

/// How many parts of a history are checked at most, and how many operations all of them have together.
const CHECKS_MAX: usize = 4_000;
const WORK_MAX: usize = 40_000_000;

struct Reducer<'a, M: Model> {
    history: &'a History<M::Input, M::Output>,
    /// A copy, because shortened reads are values of their own.
    model: M,
    key: u32,
    of_key: Vec<u32>,
    /// Every value that somebody writes.
    written: BTreeSet<Value>,
    /// What everybody wrote or appended.
    added: Vec<(u32, Vec<u32>)>,
    appends: bool,
    /// For reads of what was appended: the operations that it must come from, in order.
    made_of: BTreeMap<u32, Vec<u32>>,
    checks: usize,
    work: usize,
}

impl<'a, M: Model + Clone> Reducer<'a, M> {
    fn new(history: &'a History<M::Input, M::Output>, model: &M, key: u32) -> Self {
        let mut reducer = Reducer {
            history,
            model: model.clone(),
            key,
            of_key: Vec::new(),
            written: BTreeSet::new(),
            added: Vec::new(),
            appends: false,
            made_of: BTreeMap::new(),
            checks: 0,
            work: 0,
        };
        for (place, operation) in history.operations().iter().enumerate() {
            if model.key(&operation.input) != key {
                continue;
            }
            let place = place as u32;
            reducer.of_key.push(place);
            match reducer.effect(place) {
                Effect::Write(value) | Effect::Swap(_, value) => {
                    reducer.written.insert(value);
                    reducer.added.push((place, model.parts(value)));
                }
                Effect::Append(value) => {
                    reducer.appends = true;
                    reducer.added.push((place, model.parts_appended(value)));
                }
                Effect::Nothing | Effect::Read(_) | Effect::Differs(_) | Effect::Opaque => {}
            }
        }
        reducer.take_apart();
        reducer
    }

    /// Finds what reads of appended values are made of, where that is certain.
    fn take_apart(&mut self) {
        if !self.appends || self.of_key.len() * self.added.len() > 4_000_000 {
            return;
        }
        for place in &self.of_key {
            let operation = self.operation(*place);
            if !self.model.is_read(&operation.input) {
                continue;
            }
            if let Effect::Read(seen) = self.effect(*place) {
                let made_of = self.made_of_one(&self.model.parts(seen), operation.ret);
                self.made_of.extend(made_of.map(|made_of| (*place, made_of)));
            }
        }
    }

    /// The operations that what was seen must come from; `None` when there is any doubt.
    fn made_of_one(&self, seen: &[u32], until: u64) -> Option<Vec<u32>> {
        let mut made_of = Vec::new();
        let mut rest = seen;
        while !rest.is_empty() {
            let fits = |(place, parts): &&(u32, Vec<u32>)| {
                !parts.is_empty() && rest.starts_with(parts) && self.operation(*place).call <= until
            };
            let mut fitting = self.added.iter().filter(fits);
            let (Some((place, parts)), None) = (fitting.next(), fitting.next()) else { return None };
            if made_of.contains(place) {
                return None;
            }
            made_of.push(*place);
            rest = &rest[parts.len()..];
        }
        Some(made_of)
    }

    /// Some operations as a history of their own. Reads are without what nobody of them appended.
    fn part(&mut self, places: &[u32]) -> History<M::Input, M::Output> {
        let mut part = self.history.only(places);
        if !self.appends {
            return part;
        }
        for (operation, place) in part.operations_mut().iter_mut().zip(places) {
            let Some(made_of) = self.made_of.get(place) else { continue };
            let kept = |source: &&u32| places.binary_search(source).is_ok();
            if made_of.iter().all(|source| kept(&source)) {
                continue;
            }
            let parts_of = |source: &u32| {
                let number = self.added.binary_search_by_key(source, |(place, _)| *place);
                number.map_or(&[][..], |number| &self.added[number].1)
            };
            let seen: Vec<u32> = made_of.iter().filter(kept).flat_map(parts_of).copied().collect();
            if let Some(output) = self.model.read_of(&seen) {
                operation.output = Some(output);
            }
        }
        part
    }

    /// The explanation by some operations that contradict each other, in order of their place.
    fn tell(&mut self, places: &[u32]) -> Explanation {
        let history = self.part(places);
        let model = &self.model;
        let all: Vec<u32> = (0..history.len() as u32).collect();
        let (prefix, state) = longest_prefix(&history, model, &all);
        let stuck = stuck(&history, model, &all, &prefix, &state);
        let name = |number: u32| places[number as usize];
        let describe = |operation: &Operation<M::Input, M::Output>| {
            model.describe(&operation.input, operation.output.as_ref())
        };
        let what: Vec<String> = history.operations().iter().map(describe).collect();
        let shortened =
            places.iter().zip(&what).any(|(place, what)| describe(self.operation(*place)) != *what);
        Explanation {
            key: model.describe_key(self.key),
            operations: places.to_vec(),
            prefix: prefix.into_iter().map(name).collect(),
            state: model.describe_state(&state),
            stuck: stuck.into_iter().map(|entry| Stuck { place: name(entry.place), ..entry }).collect(),
            what: places.iter().copied().zip(what).collect(),
            weakened: false,
            shortened,
        }
    }

    fn operation(&self, place: u32) -> &'a Operation<M::Input, M::Output> {
        &self.history.operations()[place as usize]
    }

    fn effect(&self, place: u32) -> Effect {
        let operation = self.operation(place);
        self.model.effect(&operation.input, operation.output.as_ref())
    }

    /// The fewest operations found that contradict each other.
    fn smallest(&mut self, evidence: &Evidence) -> Vec<u32> {
        let small = evidence.operations.len() <= 64;
        let focus = if small { evidence.operations.clone() } else { self.around(evidence.failed) };
        let mut best = self.contradicts(&focus).map(|part| self.reduce(part));
        if best.as_ref().is_some_and(|best| best.len() <= 3) {
            return best.unwrap_or_default();
        }
        // Another operation shortly before the end may contradict more plainly.
        let end = focus.iter().map(|place| self.operation(*place).call).max();
        let end = evidence.failed.map(|place| self.operation(place).ret).or(end).unwrap_or(UNKNOWN);
        let through = self.of_key.partition_point(|place| self.operation(*place).call <= end);
        let mut window = 8;
        loop {
            let start = through.saturating_sub(window);
            let mut near = self.of_key[start..through].to_vec();
            near.extend(&focus);
            if let Some(part) = self.contradicts(&near) {
                let part = self.reduce(part);
                if best.as_ref().is_none_or(|best| part.len() < best.len()) {
                    best = Some(part);
                }
            }
            let enough = best.is_some() && window >= 64;
            if enough || start == 0 {
                return best.unwrap_or_else(|| self.of_key[..through].to_vec());
            }
            window *= 2;
        }
    }

    /// An operation, and the last ones before it that wrote what it saw.
    fn around(&self, failed: Option<u32>) -> Vec<u32> {
        let Some(failed) = failed else { return Vec::new() };
        let mut all = vec![failed];
        if let Effect::Read(seen) | Effect::Swap(seen, _) = self.effect(failed) {
            let ret = self.operation(failed).ret;
            let wrote = |place: &&u32| match self.effect(**place) {
                Effect::Write(value) | Effect::Swap(_, value) => value == seen,
                _ => false,
            };
            let before = self.of_key.iter().rev().filter(|place| self.operation(**place).call <= ret);
            all.extend(before.filter(wrote).take(8));
        }
        all
    }

    fn reduce(&mut self, start: Vec<u32>) -> Vec<u32> {
        let mut kept = start;
        let mut chunk = kept.len().div_ceil(2);
        while chunk > 0 && !kept.is_empty() {
            let mut removed = false;
            let mut at = 0;
            while at < kept.len() {
                let mut rest = kept.clone();
                rest.drain(at..(at + chunk).min(kept.len()));
                match self.contradicts(&rest) {
                    Some(part) => {
                        kept = part;
                        removed = true;
                    }
                    None => at += chunk,
                }
            }
            // A smaller part may let go what a larger one needed.
            if !removed || chunk > 1 {
                chunk /= 2;
            }
        }
        kept
    }

    /// The well-formed part of some operations, when it is not linearizable.
    fn contradicts(&mut self, places: &[u32]) -> Option<Vec<u32>> {
        if self.checks >= CHECKS_MAX || self.work >= WORK_MAX {
            return None;
        }
        let part = self.well_formed(places);
        self.checks += 1;
        self.work += part.len();
        if part.is_empty() {
            return None;
        }
        let budget = Budget { steps: 200_000, ..Budget::default() };
        let options = Options { budget, method: Method::Best, ..Options::default() };
        let found = check(&self.part(&part), &self.model, &options);
        matches!(found, Verdict::NotLinearizable(_)).then_some(part)
    }

    /// Leaves out who saw a value that nobody of the part wrote, though somebody did.
    fn well_formed(&self, places: &[u32]) -> Vec<u32> {
        let mut part = places.to_vec();
        part.sort_unstable();
        part.dedup();
        loop {
            let before = part.len();
            let writers = self.writers(&part);
            let all: BTreeSet<u32> = part.iter().copied().collect();
            part.retain(|place| self.stands(*place, &writers, &all));
            if part.len() == before {
                return part;
            }
        }
    }

    fn writers(&self, part: &[u32]) -> BTreeMap<Value, Vec<u32>> {
        let mut writers: BTreeMap<Value, Vec<u32>> = BTreeMap::new();
        for place in part {
            if let Effect::Write(value) | Effect::Swap(_, value) = self.effect(*place) {
                writers.entry(value).or_default().push(*place);
            }
        }
        writers
    }

    fn stands(&self, place: u32, writers: &BTreeMap<Value, Vec<u32>>, all: &BTreeSet<u32>) -> bool {
        let (Effect::Read(seen) | Effect::Swap(seen, _)) = self.effect(place) else { return true };
        if self.appends {
            return self.stands_on_appends(place, seen, all);
        }
        let others = writers.get(&seen).is_some_and(|writers| writers.iter().any(|writer| *writer != place));
        others || !self.written.contains(&seen) || Some(seen) == self.model.initial_value()
    }

    /// Whether everything that may have been written or appended to what somebody saw is there.
    fn stands_on_appends(&self, place: u32, seen: Value, all: &BTreeSet<u32>) -> bool {
        if let Some(made_of) = self.made_of.get(&place) {
            // What was appended can be left out of a read; what began the value anew cannot.
            let appended = |source: &u32| matches!(self.effect(*source), Effect::Append(_));
            return made_of.iter().all(|source| all.contains(source) || appended(source));
        }
        let seen = self.model.parts(seen);
        let until = self.operation(place).ret;
        let may_be_seen = |source: u32, parts: &[u32]| {
            let part_of_it = !parts.is_empty() && seen.windows(parts.len()).any(|run| run == parts);
            part_of_it && self.operation(source).call <= until
        };
        self.added.iter().all(|(source, parts)| all.contains(source) || !may_be_seen(*source, parts))
    }
}

/// The most operations that some order can put one after the other, and the state after them.
fn longest_prefix<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    places: &[u32],
) -> (Vec<u32>, M::State) {
    let mut walk =
        Walk { history, model, places, path: Vec::new(), best: (Vec::new(), model.initial()), left: 20_000 };
    walk.visit(&model.initial());
    walk.best
}

struct Walk<'a, M: Model> {
    history: &'a History<M::Input, M::Output>,
    model: &'a M,
    places: &'a [u32],
    path: Vec<u32>,
    best: (Vec<u32>, M::State),
    left: usize,
}

impl<M: Model> Walk<'_, M> {
    fn visit(&mut self, state: &M::State) {
        if self.path.len() > self.best.0.len() {
            self.best = (self.path.clone(), state.clone());
        }
        for place in self.places {
            if self.left == 0 {
                return;
            }
            if self.path.contains(place) || waits_for(self.history, self.places, &self.path, *place).is_some()
            {
                continue;
            }
            let operation = &self.history.operations()[*place as usize];
            if let Some(next) = self.model.step(state, &operation.input, operation.output.as_ref()) {
                self.left -= 1;
                self.path.push(*place);
                self.visit(&next);
                self.path.pop();
            }
        }
    }
}

/// An operation that has not gone although it returned before this one was called.
fn waits_for<I, O>(history: &History<I, O>, places: &[u32], gone: &[u32], place: u32) -> Option<u32> {
    let call = history.operations()[place as usize].call;
    let before = |other: &&u32| history.operations()[**other as usize].ret < call && !gone.contains(other);
    places.iter().find(before).copied()
}

fn stuck<M: Model>(
    history: &History<M::Input, M::Output>,
    model: &M,
    places: &[u32],
    gone: &[u32],
    state: &M::State,
) -> Vec<Stuck> {
    let mut all = Vec::new();
    for place in places.iter().filter(|place| !gone.contains(place)) {
        let why = match waits_for(history, places, gone, *place) {
            Some(other) => {
                let operation = &history.operations()[other as usize];
                let what = model.describe(&operation.input, operation.output.as_ref());
                format!("process {} had finished {what} before it began", operation.process)
            }
            None => format!("the value is {}", model.describe_state(state)),
        };
        all.push(Stuck { place: *place, why });
    }
    all
}

/// An explanation as text; made by [`Explanation::text`].
#[derive(Debug)]
pub struct Text<'a, I, O> {
    explanation: &'a Explanation,
    history: &'a History<I, O>,
}

impl Explanation {
    /// The explanation as text of a few lines.
    #[must_use]
    pub fn text<'a, I, O>(&'a self, history: &'a History<I, O>) -> Text<'a, I, O> {
        Text { explanation: self, history }
    }
}

impl<I, O> Text<'_, I, O> {
    fn line(&self, place: u32) -> String {
        let operation = &self.history.operations()[place as usize];
        let what = self.explanation.what.get(&place).map_or("", String::as_str);
        format!("process {} {what}", operation.process)
    }

    fn span(&self, place: u32) -> String {
        let operation = &self.history.operations()[place as usize];
        match operation.ret {
            UNKNOWN => format!("{}..", operation.call),
            ret => format!("{}..{ret}", operation.call),
        }
    }
}

impl<I, O> fmt::Display for Text<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { key, operations, prefix, state, stuck, weakened, shortened, .. } = self.explanation;
        writeln!(f, "These {} operations on key {key} contradict each other:", operations.len())?;
        for place in operations {
            writeln!(f, "  {:>16}  {}", self.span(*place), self.line(*place))?;
        }
        if *weakened {
            writeln!(f, "(What a cas expected is left out of account: what it wrote contradicts already.)")?;
        }
        if *shortened {
            writeln!(f, "(Reads are shown without what other operations appended.)")?;
        }
        if prefix.is_empty() {
            writeln!(f, "None of them can be first; the value is {state}:")?;
        } else {
            writeln!(f, "The longest order that can be made of them:")?;
            for (number, place) in prefix.iter().enumerate() {
                writeln!(f, "  {}. {}", number + 1, self.line(*place))?;
            }
            writeln!(f, "Then the value is {state}, and none of the others can be next:")?;
        }
        for entry in stuck {
            writeln!(f, "  {}: {}", self.line(entry.place), entry.why)?;
        }
        Ok(())
    }
}
