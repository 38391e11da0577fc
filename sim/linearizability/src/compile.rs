//! A history in the form that the algorithms work on: per key, plain numbers.
//!
//! Holds: the operations of a key keep the order of their calls; operations that constrain nothing are left out;
//! a key's compiled operations are linearizable exactly when the key's history is.
//! Not here: deciding that (`witness`, `zones`, `search`).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::history::{History, Operation, UNKNOWN};
use crate::model::{Effect, Model, Survey};
use crate::value::Value;

/// What an operation does to the state of its key, a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    Read(u32),
    Differs(u32),
    Write(u32),
    Swap(u32, u32),
    /// A row of [`Words`], or what the online machine makes of it.
    Append(u32),
    /// Place of an operation that only the model understands; the first place of all that do the same.
    Opaque(u32),
    /// The same, known to leave the state alone.
    OpaqueRead(u32),
}

impl Step {
    /// Whether it never changes the state.
    pub(crate) fn only_looks(self) -> bool {
        matches!(self, Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_))
    }

    /// The value that it leaves, when that does not depend on what it found.
    pub(crate) fn written(self) -> Option<u32> {
        match self {
            Step::Write(value) | Step::Swap(_, value) => Some(value),
            Step::Read(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                None
            }
        }
    }
}

/// One operation of one key. Times are the history's plus one; 0 is before everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub(crate) call: u64,
    pub(crate) ret: u64,
    pub(crate) step: Step,
    /// Place in the history.
    pub(crate) place: u32,
    /// Whether it took effect for certain. Otherwise it may have, in its time, or never will.
    pub(crate) must: bool,
}

impl Op {
    pub(crate) fn known(&self) -> bool {
        self.ret != UNKNOWN
    }
}

/// Places of a history grouped by key, in order of call.
pub(crate) struct Partition {
    keys: Vec<u32>,
    starts: Vec<usize>,
    places: Vec<u32>,
}

impl Partition {
    /// O(n) by counting, with one look-up of the key for each operation.
    pub(crate) fn new<M: Model>(history: &History<M::Input, M::Output>, model: &M) -> Partition {
        let operations = history.operations();
        let mut numbers: HashMap<u32, u32, FxBuildHasher> = HashMap::default();
        let mut keys = Vec::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut group = Vec::with_capacity(operations.len());
        for operation in operations {
            let key = model.key(&operation.input);
            let number = *numbers.entry(key).or_insert_with(|| {
                keys.push(key);
                counts.push(0);
                (keys.len() - 1) as u32
            });
            counts[number as usize] += 1;
            group.push(number);
        }
        let mut starts = Vec::with_capacity(keys.len() + 1);
        let mut next = 0;
        for count in &mut counts {
            starts.push(next);
            next += *count;
            *count = next - *count;
        }
        starts.push(next);
        let mut places = vec![0; operations.len()];
        for (place, number) in group.into_iter().enumerate() {
            let slot = &mut counts[number as usize];
            places[*slot] = place as u32;
            *slot += 1;
        }
        Partition { keys, starts, places }
    }

    /// Splits an order of places in the same way, given the group of each place; `None` when it is no such order.
    pub(crate) fn distribute(&self, order: &[u32], group_of: &[u32]) -> Option<Partition> {
        let mut next = vec![0; self.starts.len()];
        for place in order {
            next[*group_of.get(*place as usize)? as usize] += 1;
        }
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut sum = 0;
        for count in &mut next {
            starts.push(sum);
            sum += *count;
            *count = sum - *count;
        }
        let mut places = vec![0; order.len()];
        for place in order {
            let slot = &mut next[group_of[*place as usize] as usize];
            places[*slot] = *place;
            *slot += 1;
        }
        Some(Partition { keys: self.keys.clone(), starts, places })
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (u32, &[u32])> {
        self.keys.iter().enumerate().map(|(number, key)| {
            let range = self.starts[number]..self.starts[number + 1];
            (*key, &self.places[range])
        })
    }
}

/// The compiled operations of one key.
#[derive(Default)]
pub(crate) struct Compiled {
    pub(crate) ops: Vec<Op>,
    pub(crate) initial: u32,
    pub(crate) words: Words,
    pub(crate) appends: bool,
    pub(crate) differs: bool,
    pub(crate) opaque: bool,
    /// What the model itself makes of them: with a verdict, places of the history.
    pub(crate) survey: Survey,
}

impl Compiled {
    /// Compiles the operations of one key into this value, whose memory is used again.
    pub(crate) fn load<M: Model>(
        &mut self,
        history: &History<M::Input, M::Output>,
        model: &M,
        places: &[u32],
    ) {
        self.ops.clear();
        self.words = Words::default();
        self.appends = false;
        self.differs = false;
        let initial = model.initial_value();
        self.opaque = initial.is_none();
        self.initial = initial.map_or(0, Value::word);
        self.ops.reserve(places.len());
        self.survey = self.look(history, model, places);
        let left_out = match &mut self.survey {
            Survey::Search(left_out) => std::mem::take(left_out),
            Survey::Linearizable | Survey::Contradiction(_) => Vec::new(),
        };
        let mut left_out = left_out.into_iter().peekable();
        let mut alike: HashMap<_, u32, FxBuildHasher> = HashMap::default();
        let mut first = |place: u32| {
            let Operation { input, output, .. } = &history.operations()[place as usize];
            *alike.entry((input, output)).or_insert(place)
        };
        for &place in places {
            if left_out.next_if_eq(&(place as usize)).is_some() {
                continue;
            }
            let operation = &history.operations()[place as usize];
            let effect = model.effect(&operation.input, operation.output.as_ref());
            let known = operation.output.is_some();
            let step = match effect {
                Effect::Nothing => continue,
                Effect::Read(_) | Effect::Differs(_) if !known => continue,
                Effect::Read(value) => Step::Read(value.word()),
                Effect::Differs(value) => Step::Differs(value.word()),
                Effect::Write(value) => Step::Write(value.word()),
                Effect::Swap(expected, new) => Step::Swap(expected.word(), new.word()),
                Effect::Append(value) => Step::Append(value.word()),
                Effect::Opaque if model.is_read(&operation.input) && !known => continue,
                Effect::Opaque if model.is_read(&operation.input) => Step::OpaqueRead(first(place)),
                Effect::Opaque => Step::Opaque(first(place)),
            };
            self.appends |= matches!(step, Step::Append(_));
            self.differs |= matches!(step, Step::Differs(_));
            let ret = if known { (operation.ret + 1).min(UNKNOWN - 1) } else { UNKNOWN };
            let call = operation.call.saturating_add(1).min(UNKNOWN - 1);
            self.ops.push(Op { call, ret, step, place, must: known });
        }
        if self.appends {
            self.compile_appends(model);
        }
    }

    /// What the model makes of operations that only it understands. Places of the history.
    fn look<M: Model>(&self, history: &History<M::Input, M::Output>, model: &M, places: &[u32]) -> Survey {
        if !self.opaque {
            return Survey::default();
        }
        let operations: Vec<&Operation<M::Input, M::Output>> =
            places.iter().map(|place| &history.operations()[*place as usize]).collect();
        let of_history = |numbers: Vec<usize>| {
            let mut all: Vec<usize> = numbers.into_iter().map(|number| places[number] as usize).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let must: Vec<bool> = operations.iter().map(|operation| operation.output.is_some()).collect();
        match model.survey(&operations, &must) {
            Survey::Search(left_out) => Survey::Search(of_history(left_out)),
            Survey::Linearizable => Survey::Linearizable,
            Survey::Contradiction(numbers) => Survey::Contradiction(of_history(numbers)),
        }
    }

    // Only texts that begin a text which somebody saw can matter; all others are one state, the sink.
    fn compile_appends<M: Model>(&mut self, model: &M) {
        let parts = |word: u32| model.parts(Value::from_word(word));
        let mut words = Words::new();
        for op in &self.ops {
            match op.step {
                Step::Read(seen) | Step::Differs(seen) | Step::Swap(seen, _) => {
                    words.insert(&parts(seen));
                }
                Step::Write(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {}
            }
        }
        let mut rows: HashMap<u32, u32, FxBuildHasher> = HashMap::default();
        for op in &mut self.ops {
            op.step = match op.step {
                Step::Read(seen) => Step::Read(words.find(&parts(seen))),
                Step::Differs(seen) => Step::Differs(words.find(&parts(seen))),
                Step::Write(value) => Step::Write(words.find(&parts(value))),
                Step::Swap(seen, value) => Step::Swap(words.find(&parts(seen)), words.find(&parts(value))),
                Step::Append(value) => Step::Append(*rows.entry(value).or_insert_with(|| {
                    words.rows.push(model.parts_appended(Value::from_word(value)));
                    (words.rows.len() - 1) as u32
                })),
                Step::Opaque(place) => Step::Opaque(place),
                Step::OpaqueRead(place) => Step::OpaqueRead(place),
            };
        }
        self.initial = words.find(&model.initial_value().map_or_else(Vec::new, |value| model.parts(value)));
        self.words = words;
    }
}

/// The texts that somebody saw, as a tree of their parts: a state is a node, appending walks down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    children: HashMap<(u32, u32), u32, FxBuildHasher>,
    nodes: u32,
    /// The parts of each distinct thing appended.
    pub(crate) rows: Vec<Vec<u32>>,
}

/// Every text that begins nothing anybody saw. Whatever is appended to it, it stays one of those.
pub(crate) const SINK: u32 = u32::MAX - 3;

impl Words {
    fn new() -> Words {
        Words { nodes: 1, ..Words::default() }
    }

    fn insert(&mut self, parts: &[u32]) {
        let mut node = 0;
        for part in parts {
            let nodes = &mut self.nodes;
            node = *self.children.entry((node, *part)).or_insert_with(|| {
                *nodes += 1;
                *nodes - 1
            });
        }
    }

    fn walk(&self, from: u32, parts: &[u32]) -> u32 {
        let mut node = from;
        for part in parts {
            match self.children.get(&(node, *part)) {
                Some(child) => node = *child,
                None => return SINK,
            }
        }
        node
    }

    fn find(&self, parts: &[u32]) -> u32 {
        self.walk(0, parts)
    }

    /// The parts of some texts, each from its beginning.
    pub(crate) fn parts_of(&self, texts: &[u32]) -> Vec<Vec<u32>> {
        let parents: HashMap<u32, (u32, u32), FxBuildHasher> =
            self.children.iter().map(|((node, part), child)| (*child, (*node, *part))).collect();
        let parts = |text: &u32| {
            let mut parts = Vec::new();
            let mut node = *text;
            while let Some((before, part)) = parents.get(&node) {
                parts.push(*part);
                node = *before;
            }
            parts.reverse();
            parts
        };
        texts.iter().map(parts).collect()
    }

    /// The state after appending a row.
    pub(crate) fn append(&self, state: u32, row: u32) -> u32 {
        if state == SINK { SINK } else { self.walk(state, &self.rows[row as usize]) }
    }
}
