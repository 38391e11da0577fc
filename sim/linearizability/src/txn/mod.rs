//! Transactions, judged by their dependencies: what Elle does.
//!
//! Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations", VLDB 14(3), 2020; the
//! anomalies are those of Adya, "Weak consistency", MIT 1999; snapshot isolation after Cerone and Gotsman, "Analysing
//! snapshot isolation", PODC 2016, theorem 9, without the order of sessions. Every list or register has versions in
//! one order; a transaction comes before another when it wrote the version before that one's (ww), wrote what that one
//! read (wr), read the version that the other overwrote (rw), or, for strict serializability, had returned before the
//! other was called (rt). A cycle of these is an anomaly.
//!
//! Holds: an anomaly contradicts the level that it names and all that are stronger. Of lists, silence is a proof of
//! (strict) serializability too: an append was seen in the order of the versions, or comes behind all that anybody saw.
//! It is no proof of snapshot isolation where two appends to one list were seen by nobody, and none of anything for
//! registers, whose reads show only part of the order of versions. To decide those is NP-complete (Papadimitriou 1979);
//! what follows from each open order by itself is found (`open`).
//! Not here: reading transactions (`read`), and registers judged by trying orders (the model `multi-register`).

mod cycles;
mod graph;
mod lists;
mod open;
mod registers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::history::UNKNOWN;
use crate::recorded::Recorded;
use crate::standard::{Action, Change, Output, changes};
use crate::value::{Content, Value, Values};

pub use crate::standard::Objects;
use graph::Graph;

/// What a database promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Each transaction reads one snapshot, and of two that overlap and write the same, one aborts.
    SnapshotIsolation,
    /// As if one after the other.
    Serializable,
    /// As if one after the other, each at some moment between its call and its return.
    StrictSerializable,
}

impl Level {
    /// All of them, the weakest first.
    const ALL: [Level; 3] = [Level::SnapshotIsolation, Level::Serializable, Level::StrictSerializable];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::SnapshotIsolation => "snapshot isolation",
            Level::Serializable => "serializability",
            Level::StrictSerializable => "strict serializability",
        })
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It took effect.
    Committed,
    /// It certainly did not.
    Aborted,
    /// Nobody knows. It counts as committed once somebody saw what it wrote.
    Unknown,
}

/// One transaction as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who asked.
    pub process: u32,
    /// When.
    pub call: u64,
    /// When the answer came; [`UNKNOWN`] when none did.
    pub ret: u64,
    /// What it did, in order; what it read counts only when it committed.
    pub changes: Vec<Change>,
    /// How it ended.
    pub ending: Ending,
}

/// What is wrong, by the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// A transaction does not see its own writes, or sees a value change between its own reads.
    Internal,
    /// A read of what nobody wrote.
    GarbageRead,
    /// A read of a list with the same element twice.
    DuplicateElements,
    /// Two reads of a list of which neither begins with the other.
    IncompatibleOrder,
    /// The versions of a register would have to precede each other.
    CyclicVersions,
    /// A read of what an aborted transaction wrote (aborted read).
    G1a,
    /// A read of what a transaction overwrote itself (intermediate read).
    G1b,
    /// A cycle of writes (dirty write).
    G0,
    /// A cycle of writes and reads of what was written (circular information flow).
    G1c,
    /// Two transactions read the same version and both overwrote it.
    LostUpdate,
    /// A cycle with one read of what was overwritten (read skew).
    GSingle,
    /// A cycle in which no two such reads follow each other.
    GNonadjacent,
    /// A cycle with several such reads (write skew).
    G2,
    /// A cycle of writes and time.
    G0Realtime,
    /// The same with reads of what was written.
    G1cRealtime,
    /// The same with one read of what was overwritten.
    GSingleRealtime,
    /// The same with several.
    G2Realtime,
    /// The versions of a register would have to precede each other as time went.
    CyclicVersionsRealtime,
}

impl Name {
    /// The weakest level that it contradicts; it contradicts all stronger ones too.
    #[must_use]
    pub fn contradicts(self) -> Level {
        match self {
            Name::G0Realtime
            | Name::G1cRealtime
            | Name::GSingleRealtime
            | Name::G2Realtime
            | Name::CyclicVersionsRealtime => Level::StrictSerializable,
            Name::G2 => Level::Serializable,
            Name::Internal
            | Name::GarbageRead
            | Name::DuplicateElements
            | Name::IncompatibleOrder
            | Name::CyclicVersions
            | Name::G1a
            | Name::G1b
            | Name::G0
            | Name::G1c
            | Name::LostUpdate
            | Name::GSingle
            | Name::GNonadjacent => Level::SnapshotIsolation,
        }
    }
}

impl Name {
    /// The same where something that only a level promises was used to find it.
    fn at_least(self, level: Level) -> Name {
        match (self, level) {
            _ if self.contradicts() >= level => self,
            (Name::G0, Level::StrictSerializable) => Name::G0Realtime,
            (Name::G1c, Level::StrictSerializable) => Name::G1cRealtime,
            (Name::GSingle, Level::StrictSerializable) => Name::GSingleRealtime,
            (Name::CyclicVersions, Level::StrictSerializable) => Name::CyclicVersionsRealtime,
            (_, Level::StrictSerializable) => Name::G2Realtime,
            (_, Level::Serializable | Level::SnapshotIsolation) => Name::G2,
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Name::Internal => "internal",
            Name::GarbageRead => "garbage-read",
            Name::DuplicateElements => "duplicate-elements",
            Name::IncompatibleOrder => "incompatible-order",
            Name::CyclicVersions => "cyclic-versions",
            Name::G1a => "G1a",
            Name::G1b => "G1b",
            Name::G0 => "G0",
            Name::G1c => "G1c",
            Name::LostUpdate => "lost-update",
            Name::GSingle => "G-single",
            Name::GNonadjacent => "G-nonadjacent",
            Name::G2 => "G2",
            Name::G0Realtime => "G0-realtime",
            Name::G1cRealtime => "G1c-realtime",
            Name::GSingleRealtime => "G-single-realtime",
            Name::G2Realtime => "G2-realtime",
            Name::CyclicVersionsRealtime => "cyclic-versions-realtime",
        })
    }
}

/// Something that contradicts a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is called.
    pub name: Name,
    /// Places of the transactions that show it; of a cycle, in its order.
    pub transactions: Vec<usize>,
    /// What is wrong, a sentence each; of a cycle, why each comes before the next and the last before the first.
    pub why: Vec<String>,
}

/// Why transactions cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The second transaction that writes the same.
    pub transaction: usize,
    /// What it writes again.
    pub message: String,
}

/// The transactions of a history that was read, by their calls.
///
/// # Errors
/// Names an operation that is no transaction on such objects.
pub fn transactions(recorded: &Recorded, objects: Objects) -> Result<Vec<Transaction>, (u64, String)> {
    let mut all = Vec::new();
    let aborted = recorded.aborted.iter().map(|operation| (operation, true));
    for (operation, aborted) in recorded.history.operations().iter().map(|one| (one, false)).chain(aborted) {
        let ending = match (aborted, &operation.output) {
            (true, _) => Ending::Aborted,
            (false, None) => Ending::Unknown,
            (false, Some(_)) => Ending::Committed,
        };
        let done = match (operation.input.action, operation.output) {
            (Action::Transact(_), Some(Output::Read(done))) => Some(done),
            (Action::Transact(asked), _) => Some(asked),
            (_, _) => None,
        };
        let changes = done.and_then(|done| changes(&recorded.values, done));
        let fits = |change: &Change| match change {
            Change::Read(..) => true,
            Change::Write(..) => objects == Objects::Registers,
            Change::Append(..) => objects == Objects::Lists,
        };
        let changes = changes.filter(|changes| changes.iter().all(fits)).ok_or_else(|| {
            let other = match objects {
                Objects::Lists => "reads and appends",
                Objects::Registers => "reads and writes",
            };
            (operation.call, format!("expected transactions of {other}"))
        })?;
        let Operation { process, call, ret } = Operation::of(operation);
        all.push(Transaction { process, call, ret, changes, ending });
    }
    all.sort_by_key(|transaction| transaction.call);
    Ok(all)
}

/// Who and when.
struct Operation {
    process: u32,
    call: u64,
    ret: u64,
}

impl Operation {
    fn of<I, O>(operation: &crate::history::Operation<I, O>) -> Operation {
        let ret = if operation.output.is_some() { operation.ret } else { UNKNOWN };
        Operation { process: operation.process, call: operation.call, ret }
    }
}

/// Whether transactions keep a promise: what contradicts the weakest level that is contradicted, the plainest first.
/// O(n log n) in their parts, but for the lists read, which are walked through, and for looking for the shortest cycles.
///
/// # Errors
/// When two transactions write the same value, so that nobody can tell whose was read.
pub fn check_transactions(
    transactions: &[Transaction],
    objects: Objects,
    level: Level,
    values: &Values,
) -> Result<Vec<Anomaly>, Ambiguous> {
    for weaker in Level::ALL.into_iter().filter(|weaker| *weaker <= level) {
        let anomalies = at_level(transactions, objects, weaker, values)?;
        if !anomalies.is_empty() {
            return Ok(anomalies);
        }
    }
    Ok(Vec::new())
}

/// What contradicts a level, when nothing contradicts a weaker one.
fn at_level(
    transactions: &[Transaction],
    objects: Objects,
    level: Level,
    values: &Values,
) -> Result<Vec<Anomaly>, Ambiguous> {
    let mut found = Findings { transactions, values, level, anomalies: Vec::new(), late: None };
    let mut graph = Graph::new(transactions.len());
    let (took_effect, open) = match objects {
        Objects::Lists => lists::infer(&mut found, &mut graph)?,
        Objects::Registers => registers::infer(&mut found, &mut graph)?,
    };
    if level == Level::StrictSerializable {
        graph.add_time(transactions, &took_effect);
    }
    cycles::find(&graph, level, &mut found);
    // Mostly a cycle says the same more plainly.
    if found.anomalies.is_empty() {
        found.anomalies.extend(found.late.take());
    }
    if found.anomalies.is_empty() {
        let contradicted = open::decide(&mut graph, &open, level, &mut found);
        found.anomalies.extend(contradicted);
    }
    let mut anomalies = found.anomalies;
    anomalies.iter_mut().for_each(|anomaly| anomaly.name = anomaly.name.at_least(level));
    anomalies.sort_by_key(|anomaly| anomaly.name);
    Ok(anomalies)
}

/// Who took effect, and which orders are open.
type Inferred = (Vec<bool>, Vec<open::Open>);

/// What is known while inferring.
struct Findings<'a> {
    transactions: &'a [Transaction],
    values: &'a Values,
    level: Level,
    anomalies: Vec<Anomaly>,
    /// What is told when nothing else is found.
    late: Option<Anomaly>,
}

impl Findings<'_> {
    fn add(&mut self, name: Name, transactions: Vec<usize>, why: String) {
        self.anomalies.push(Anomaly { name, transactions, why: vec![why] });
    }

    fn show(&self, value: Value) -> String {
        match self.values.content(value) {
            Content::Text(text) => text.to_string(),
            Content::Nil
            | Content::Number(_)
            | Content::List(_)
            | Content::Set(_)
            | Content::Map(_)
            | Content::Other(_) => self.values.show(value),
        }
    }

    fn committed(&self) -> impl Iterator<Item = (usize, &Transaction)> {
        let committed = |(_, one): &(usize, &Transaction)| one.ending == Ending::Committed;
        self.transactions.iter().enumerate().filter(committed)
    }

    fn are_committed(&self) -> Vec<bool> {
        self.transactions.iter().map(|one| one.ending == Ending::Committed).collect()
    }

    /// Reads of a key against what the reader itself did and saw before.
    fn internal(&mut self, reads: Vec<(usize, Value, Value)>) {
        for (who, key, value) in reads {
            let (key, value) = (self.show(key), self.show(value));
            let why = format!("T{who} read {key} as {value}, against what it did and saw before");
            self.add(Name::Internal, vec![who], why);
        }
    }

    /// Who put there what was read, if it was somebody who did not abort; else that is wrong.
    fn source(
        &mut self,
        done: &str,
        who: usize,
        key: Value,
        value: Value,
        writer: Option<usize>,
    ) -> Option<usize> {
        let (shown, name) = (self.show(value), self.show(key));
        match writer {
            None => {
                let why = format!("T{who} read {shown} in {name}; nobody {done} it");
                self.add(Name::GarbageRead, vec![who], why);
                None
            }
            Some(writer) if self.transactions[writer].ending == Ending::Aborted => {
                let why = format!("T{who} read {shown} in {name}, which T{writer} {done} and aborted");
                self.add(Name::G1a, vec![writer, who], why);
                None
            }
            Some(writer) => Some(writer),
        }
    }

    /// Who put which value into each object that is read or changed.
    ///
    /// # Errors
    /// A value is put into the same object twice, so that nobody can say whose was read.
    fn writers(
        &self,
        done: &str,
        change: impl Fn(&Change) -> Option<(Value, Value)>,
    ) -> Result<BTreeMap<Value, BTreeMap<Value, usize>>, Ambiguous> {
        let mut objects: BTreeMap<Value, BTreeMap<Value, usize>> = BTreeMap::new();
        for (place, transaction) in self.transactions.iter().enumerate() {
            for made in &transaction.changes {
                if let Change::Read(key, _) = made {
                    objects.entry(*key).or_default();
                }
                let Some((key, value)) = change(made) else { continue };
                if let Some(other) = objects.entry(key).or_default().insert(value, place) {
                    let (value, key) = (self.show(value), self.show(key));
                    let message =
                        format!("{value} is {done} to {key} twice, by T{other} too: whose was read?");
                    return Err(Ambiguous { transaction: place, message });
                }
            }
        }
        Ok(objects)
    }

    /// Who read which version of what and wrote the same thing: of two such, one update is lost.
    fn lost_updates(&mut self, updates: &BTreeMap<(Value, Value), BTreeSet<usize>>) {
        for ((key, version), who) in updates.iter().filter(|(_, who)| who.len() > 1) {
            let names: Vec<String> = who.iter().map(|one| format!("T{one}")).collect();
            let (key, version) = (self.show(*key), self.show(*version));
            let why = format!("{} all read {key} as {version} and overwrote it", names.join(" and "));
            self.add(Name::LostUpdate, who.iter().copied().collect(), why);
        }
    }
}
