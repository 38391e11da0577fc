//! What a replica of OmniPaxos keeps, and the library's trait for storage on it.
//!
//! Holds: a write is the whole of what is kept afterwards, so that it is atomic as the library asks; the library reads
//! its own writes at once.
//! Not here: who waits until a write is durable (`lib`).

use std::collections::BTreeMap;
use std::sync::Arc;

use omnipaxos::ClusterConfig;
use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{Entry, NoSnapshot, StopSign, Storage, StorageOp, StorageResult};
use splitbrain::adapter;
use splitbrain::protocol::{Address, Disk, EntryMark, NodeId};

/// A client's command.
#[derive(Clone, Debug, PartialEq)]
pub struct Command(pub Arc<[u8]>);

impl Entry for Command {
    type Snapshot = NoSnapshot;
}

/// What a replica keeps: the logs of the configurations that have ended, and the library's state in the one it is in.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Where everybody is reached.
    pub nodes: BTreeMap<NodeId, Address>,
    /// What earlier configurations decided; a stop sign ends each of them, and has an index of its own.
    pub past: Vec<Option<Command>>,
    /// The configuration; without one, the replica waits to be told.
    pub config: Option<ClusterConfig>,
    /// The log of this configuration.
    pub log: Vec<Command>,
    stopsign: Option<StopSign>,
    promise: Option<Ballot>,
    accepted: Option<Ballot>,
    /// How much of `log` is decided.
    pub decided: usize,
}

impl Kept {
    /// The entry at an index from 1 on, if there is one; a stop sign is an entry without a command.
    pub fn entry(&self, index: u64) -> Option<Option<&Command>> {
        let place = (index as usize).checked_sub(1)?;
        if let Some(entry) = self.past.get(place) {
            return Some(entry.as_ref());
        }
        let place = place - self.past.len();
        let stop = self.stopsign.is_some() && place == self.log.len();
        self.log.get(place).map(Some).or(stop.then_some(None))
    }

    /// The beginning of a configuration.
    pub fn of(config: ClusterConfig, nodes: BTreeMap<NodeId, Address>, past: Vec<Option<Command>>) -> Kept {
        Kept { nodes, past, config: Some(config), ..Kept::default() }
    }

    /// The same in the next configuration: what was decided is past.
    pub fn after(&self, config: ClusterConfig, nodes: BTreeMap<NodeId, Address>) -> Kept {
        let log = self.log.iter().cloned().map(Some);
        let past = self.past.iter().cloned().chain(log).chain([None]).collect();
        Kept::of(config, nodes, past)
    }
}

impl Disk for Kept {
    type Write = Kept;

    fn apply(&mut self, write: &Kept) {
        self.clone_from(write);
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.entry(index).map(|entry| EntryMark::of(entry.map_or(b"stop sign", |command| &command.0)))
    }
}

/// The library's side of a replica's storage.
pub(crate) struct Store(pub(crate) adapter::Storage<Kept>);

impl Storage<Command> for Store {
    fn write_atomically(&mut self, ops: Vec<StorageOp<Command>>) -> StorageResult<()> {
        let mut kept = self.0.read().clone();
        for op in ops {
            match op {
                StorageOp::AppendEntry(entry) => kept.log.push(entry),
                StorageOp::AppendEntries(entries) => kept.log.extend(entries),
                StorageOp::AppendOnPrefix(from, entries) => {
                    kept.log.truncate(from);
                    kept.log.extend(entries);
                }
                StorageOp::SetPromise(ballot) => kept.promise = Some(ballot),
                StorageOp::SetDecidedIndex(index) => kept.decided = index,
                StorageOp::SetAcceptedRound(ballot) => kept.accepted = Some(ballot),
                StorageOp::SetStopsign(stopsign) => kept.stopsign = stopsign,
                StorageOp::SetCompactedIdx(_) | StorageOp::Trim(_) | StorageOp::SetSnapshot(_) => {
                    return Err("this log is never cut".into());
                }
            }
        }
        self.0.write(kept);
        Ok(())
    }
    fn append_entry(&mut self, entry: Command) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::AppendEntry(entry)])
    }
    fn append_entries(&mut self, entries: Vec<Command>) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::AppendEntries(entries)])
    }
    fn append_on_prefix(&mut self, from: usize, entries: Vec<Command>) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::AppendOnPrefix(from, entries)])
    }
    fn set_promise(&mut self, ballot: Ballot) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetPromise(ballot)])
    }
    fn set_decided_idx(&mut self, index: usize) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetDecidedIndex(index)])
    }
    fn get_decided_idx(&self) -> StorageResult<usize> {
        Ok(self.0.read().decided)
    }
    fn set_accepted_round(&mut self, ballot: Ballot) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetAcceptedRound(ballot)])
    }
    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.0.read().accepted)
    }
    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Command>> {
        Ok(self.0.read().log.get(from..to).unwrap_or_default().to_vec())
    }
    fn get_log_len(&self) -> StorageResult<usize> {
        Ok(self.0.read().log.len())
    }
    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Command>> {
        Ok(self.0.read().log.get(from..).unwrap_or_default().to_vec())
    }
    fn get_promise(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.0.read().promise)
    }
    fn set_stopsign(&mut self, stopsign: Option<StopSign>) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetStopsign(stopsign)])
    }
    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> {
        Ok(self.0.read().stopsign.clone())
    }
    fn trim(&mut self, index: usize) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::Trim(index)])
    }
    fn set_compacted_idx(&mut self, index: usize) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetCompactedIdx(index)])
    }
    fn get_compacted_idx(&self) -> StorageResult<usize> {
        Ok(0)
    }
    fn set_snapshot(&mut self, snapshot: Option<NoSnapshot>) -> StorageResult<()> {
        self.write_atomically(vec![StorageOp::SetSnapshot(snapshot)])
    }
    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> {
        Ok(None)
    }
}
