//! What a raft-rs node keeps: the value on the world's disk, and the copy in memory that the library reads.
//!
//! Holds: memory and disk are the same type, changed by the same writes; memory at once, the disk when the write is
//! done. A write is in the order that the library's documentation gives: snapshot, entries, hard state; a torn one
//! keeps a prefix. The snapshot never lies behind the membership.
//! Not here: when a write is issued, and what waits for it (`raft_rs`).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::numbers::{index_in, index_out, node_id, raft_id, term_in, term_out};
use crate::adapter::fingerprint;
use crate::protocol::{Address, Disk, EntryMark, Epoch, Initial, InitialMembership, NodeId};

/// Where nodes are reached.
type Addresses = BTreeMap<NodeId, Address>;

/// A membership in force from an index on, with the addresses that the library does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Members {
    /// The index of the entry that made it.
    pub(super) index: u64,
    /// Who takes part, in the library's form.
    pub(super) conf: ConfState,
    /// Where each of them is reached.
    pub(super) addresses: Addresses,
}

/// Whoever takes part; some more than once.
pub(super) fn everyone(conf: &ConfState) -> impl Iterator<Item = NodeId> {
    let lists =
        [conf.get_voters(), conf.get_voters_outgoing(), conf.get_learners(), conf.get_learners_next()];
    lists.into_iter().flatten().map(|&id| node_id(id))
}

/// A machine's state, and what the log held through its index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Image {
    /// The last index it contains.
    pub(super) index: u64,
    /// The term of the entry there.
    pub(super) term: u64,
    /// The membership at that index.
    pub(super) members: Members,
    /// The machine's state, opaque.
    pub(super) state: Arc<[u8]>,
}

impl Image {
    /// Reads an image that came as the library's snapshot; bytes that are not one give an empty state.
    pub(super) fn received(snapshot: &Snapshot) -> Image {
        let meta = snapshot.get_metadata();
        let (addresses, state) = split(snapshot.get_data()).unwrap_or_default();
        let conf = meta.get_conf_state().clone();
        let members = Members { index: meta.index, conf, addresses };
        Image { index: meta.index, term: meta.term, members, state }
    }

    fn to_snapshot(&self) -> Snapshot {
        let mut bytes = (self.members.addresses.len() as u32).to_le_bytes().to_vec();
        for (node, address) in &self.members.addresses {
            bytes.extend_from_slice(&node.0.to_le_bytes());
            bytes.extend_from_slice(&address.0.to_le_bytes());
        }
        bytes.extend_from_slice(&self.state);
        let mut snapshot = Snapshot::default();
        snapshot.set_data(bytes.into());
        let meta = snapshot.mut_metadata();
        meta.set_conf_state(self.members.conf.clone());
        meta.index = self.index;
        meta.term = self.term;
        snapshot
    }
}

/// The table and the machine's state behind it.
fn split(bytes: &[u8]) -> Option<(Addresses, Arc<[u8]>)> {
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (table, state) = rest.split_at_checked(u32::from_le_bytes(*count) as usize * 8)?;
    Some((read_addresses(table), state.into()))
}

/// Node and address pairs, four little-endian bytes each.
pub(super) fn read_addresses(table: &[u8]) -> Addresses {
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
    table.chunks_exact(8).map(|pair| (NodeId(word(&pair[..4])), Address(word(&pair[4..])))).collect()
}

/// One step of a write.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// A snapshot from the leader replaces everything.
    Restore(Image),
    /// An entry, and with it the end of the log.
    Entry(Entry),
    /// Term, vote and commit.
    HardState(HardState),
    /// The membership that applying an entry made.
    Members(Members),
    /// A snapshot of the node's own machine replaces the entries through its index.
    Compact(Image),
}

/// What is written at once; its parts reach the disk in order.
#[derive(Clone, PartialEq)]
pub struct Write(pub(super) Vec<Part>);

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for part in &self.0 {
            f.write_str(gap)?;
            gap = ", ";
            match part {
                Part::Restore(image) => {
                    write!(f, "snapshot ({}, {}) of the leader", term_out(image.term), index_out(image.index))
                }
                Part::Entry(entry) => {
                    write!(f, "entry ({}, {})", term_out(entry.term), index_out(entry.index))
                }
                Part::HardState(hard) => {
                    let (term, commit) = (term_out(hard.term), index_out(hard.commit));
                    write!(f, "term {term} vote {} commit {commit}", hard.vote.saturating_sub(1))
                }
                Part::Members(members) => write!(f, "membership of {}", index_out(members.index)),
                Part::Compact(image) => {
                    write!(f, "snapshot ({}, {})", term_out(image.term), index_out(image.index))
                }
            }?;
        }
        Ok(())
    }
}

impl Hash for Write {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in &self.0 {
            match part {
                Part::Restore(image) | Part::Compact(image) => {
                    (0u8, image.index, image.term, &image.state).hash(state);
                    hash_members(&image.members, state);
                }
                Part::Entry(entry) => (1u8, digest(entry)).hash(state),
                Part::HardState(hard) => (2u8, hard.term, hard.vote, hard.commit).hash(state),
                Part::Members(members) => hash_members(members, state),
            }
        }
    }
}

fn hash_members<H: Hasher>(members: &Members, state: &mut H) {
    let Members { index, conf, addresses } = members;
    (index, conf.get_voters(), conf.get_voters_outgoing(), conf.get_learners(), addresses).hash(state);
}

/// A hash of everything that an entry says, equal on every machine.
pub(super) fn digest(entry: &Entry) -> u64 {
    let length = (entry.get_context().len() as u64).to_le_bytes();
    let parts = [&[entry.get_entry_type() as u8], length.as_slice(), entry.get_context(), entry.get_data()];
    let mut room = [0; 256];
    let mut rest = room.as_mut_slice();
    for part in parts {
        let Some((here, after)) = rest.split_at_mut_checked(part.len()) else {
            return digest_of_many(&parts);
        };
        here.copy_from_slice(part);
        rest = after;
    }
    let left = rest.len();
    xxh3_64(&room[..room.len() - left])
}

/// The same, of more bytes than fit in one place.
fn digest_of_many(parts: &[&[u8]]) -> u64 {
    let mut hasher = Xxh3::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.digest()
}

/// The mark of an entry, in the world's terms.
fn mark(entry: &Entry) -> EntryMark {
    EntryMark { epoch: Epoch(term_out(entry.term)), digest: digest(entry) }
}

/// Log, hard state, membership and snapshot of one node. Indexes and terms are the library's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    pub(super) hard: HardState,
    pub(super) image: Image,
    pub(super) members: Members,
    entries: VecDeque<Entry>,
}

impl Store {
    /// The disk of a node before its first boot. A member begins with a snapshot that names the members, as the
    /// library asks for: a newcomer, whose disk is empty, learns them from it.
    pub(super) fn initial(initial: &Initial) -> Store {
        let Some(first) = &initial.membership else { return Store::default() };
        let Some(conf) = conf_of(first) else { return Store::default() };
        let index = index_in(0);
        let members = Members { index, conf, addresses: first.nodes.clone() };
        let mut store = Store::default();
        store.apply_part(&Part::Restore(Image { index, term: term_in(0), members, state: Arc::default() }));
        for (place, &term) in initial.log.iter().enumerate() {
            let (index, term) = (index_in(place as u64 + 1), term_in(term));
            let entry = Entry { index, term, ..Entry::default() };
            store.hard.term = entry.term;
            store.apply_part(&Part::Entry(entry));
        }
        store.hard.term = store.hard.term.max(term_in(initial.term));
        store
    }

    /// What an operator writes who forces the membership (TiKV's `unsafe-recover`): the membership in force, and no entry.
    pub(super) fn force_members(&mut self, members: &InitialMembership) -> bool {
        let Some(conf) = conf_of(members) else { return false };
        self.members = Members { index: self.members.index, conf, addresses: members.nodes.clone() };
        true
    }

    pub(super) fn first(&self) -> u64 {
        self.image.index + 1
    }

    pub(super) fn last(&self) -> u64 {
        self.image.index + self.entries.len() as u64
    }

    /// The entry at an index; `None` when it is compacted away or not there.
    pub(super) fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(index.checked_sub(self.first())?).ok()?)
    }

    pub(super) fn apply_part(&mut self, part: &Part) {
        match part {
            Part::Restore(image) => {
                self.entries.clear();
                self.hard.commit = self.hard.commit.max(image.index);
                self.hard.term = self.hard.term.max(image.term);
                self.members = image.members.clone();
                self.image = image.clone();
            }
            Part::Entry(entry) => {
                debug_assert!(
                    self.first() <= entry.index && entry.index <= self.last() + 1,
                    "no gap in a log"
                );
                self.entries.truncate((entry.index - self.first()) as usize);
                self.entries.push_back(entry.clone());
            }
            Part::HardState(hard) => self.hard = hard.clone(),
            Part::Members(members) => self.members = members.clone(),
            Part::Compact(image) => {
                let gone = (image.index - self.image.index) as usize;
                self.entries.drain(..gone.min(self.entries.len()));
                self.image = image.clone();
            }
        }
    }
}

impl Disk for Store {
    type Write = Write;

    fn fingerprint(write: &Write) -> u64 {
        fingerprint(write)
    }

    fn apply(&mut self, write: &Write) {
        write.0.iter().for_each(|part| self.apply_part(part));
    }

    fn parts(write: &Write) -> usize {
        write.0.len()
    }

    fn prefix(write: &Write, parts: usize) -> Write {
        Write(write.0[..parts].to_vec())
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.entry(index_in(index)).map(mark)
    }

    fn snapshot(&self) -> u64 {
        index_out(self.image.index)
    }
}

/// A first membership in the library's form; `None` when it has no voter.
fn conf_of(members: &InitialMembership) -> Option<ConfState> {
    let (outgoing, incoming) = match members.sets.as_slice() {
        [] => return None,
        [only] => (None, only),
        [old, new, ..] => (Some(old), new),
    };
    let voters: Vec<u64> = members.sets.iter().flatten().map(|id| raft_id(*id)).collect();
    let mut conf = ConfState::default();
    conf.set_voters(incoming.iter().map(|id| raft_id(*id)).collect());
    conf.set_voters_outgoing(outgoing.into_iter().flatten().map(|id| raft_id(*id)).collect());
    let others = members.nodes.keys().map(|id| raft_id(*id)).filter(|id| !voters.contains(id));
    conf.set_learners(others.collect());
    Some(conf)
}

impl Storage for Store {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard.clone(), self.members.conf.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low < self.first() {
            return Err(StorageError::Compacted.into());
        }
        assert!(high <= self.last() + 1, "asked for entries before {high}, the last is {}", self.last());
        let room = max_size.into().unwrap_or(u64::MAX);
        let mut size = 0;
        let mut found = Vec::new();
        for entry in (low..high).filter_map(|index| self.entry(index)) {
            size += u64::from(entry.compute_size());
            if size > room && !found.is_empty() {
                break;
            }
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if index == self.image.index {
            return Ok(self.image.term);
        }
        if index < self.image.index {
            return Err(StorageError::Compacted.into());
        }
        self.entry(index).map(|entry| entry.term).ok_or_else(|| StorageError::Unavailable.into())
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<Snapshot> {
        if self.image.index == 0 || self.image.index < request_index {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        }
        let mut snapshot = self.image.to_snapshot();
        // The library ignores a snapshot that does not name its receiver. A newcomer is named as a learner, which
        // decides nothing; the entry that makes it a member follows.
        if everyone(&self.image.members.conf).all(|known| known != node_id(to)) {
            snapshot.mut_metadata().mut_conf_state().mut_learners().push(to);
        }
        Ok(snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_an_entry_is_the_same_whatever_its_length() {
        for length in [0, 33, 246, 247, 248, 1_000] {
            let mut entry = Entry::default();
            entry.set_data(vec![7; length].into());
            let no_context = 0u64.to_le_bytes();
            let parts = [&[0], no_context.as_slice(), &[], entry.get_data()];
            assert_eq!(digest(&entry), digest_of_many(&parts), "{length} bytes");
        }
    }
}
