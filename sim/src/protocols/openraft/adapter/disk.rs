//! What openraft keeps on a disk: its vote, its log, the last snapshot, and how far it knew the log to be committed.
//!
//! Holds: the log has no hole; a write of entries may be torn between two of them, every other write is whole or not
//! there. The same value is a process's copy in memory, to which its writes are applied at once.
//! Not here: when a write is issued (`store`).

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::ops::RangeBounds;

use super::digest;
use super::types::{
    self, Entry, LeaderId, LogId, Membership, Payload, Place, Snapshot, SnapshotMeta, StoredMembership, Vote,
};
use crate::adapter::fingerprint;
use crate::protocol::{self, EntryMark, Initial, InitialMembership};

/// The disk of a node.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub(super) vote: Option<Vote>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) entries: BTreeMap<u64, Entry>,
    pub(super) snapshot: Option<Snapshot>,
    /// The membership that a fresh member was initialised with: applied, at index 0.
    pub(super) initial: Option<StoredMembership>,
}

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// The vote.
    Vote(Vote),
    /// How far the log is known to be committed.
    Committed(Option<LogId>),
    /// Entries after the last one.
    Append(Vec<Entry>),
    /// Entries after this one are gone.
    TruncateAfter(Option<LogId>),
    /// Entries through this one are gone.
    Purge(LogId),
    /// A snapshot replaces the last one.
    Snapshot(Snapshot),
}

impl Hash for Write {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Write::Vote(vote) => {
                0u8.hash(state);
                digest::hash_vote(vote, state);
            }
            Write::Committed(committed) => {
                1u8.hash(state);
                digest::hash_log_id(committed.as_ref(), state);
            }
            Write::Append(entries) => {
                2u8.hash(state);
                digest::hash_entries(entries, state);
            }
            Write::TruncateAfter(last) => {
                3u8.hash(state);
                digest::hash_log_id(last.as_ref(), state);
            }
            Write::Purge(through) => {
                4u8.hash(state);
                digest::hash_log_id(Some(through), state);
            }
            Write::Snapshot(snapshot) => {
                5u8.hash(state);
                digest::hash_meta(&snapshot.meta, state);
                snapshot.snapshot.hash(state);
            }
        }
    }
}

impl protocol::Disk for Disk {
    type Write = Write;

    fn fingerprint(write: &Write) -> u64 {
        fingerprint(write)
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::Vote(vote) => self.vote = Some(*vote),
            Write::Committed(committed) => self.committed = *committed,
            Write::Append(entries) => {
                self.entries.extend(entries.iter().map(|entry| (entry.log_id.index, entry.clone())));
            }
            Write::TruncateAfter(last) => {
                let after = last.map_or(0, |last| last.index + 1);
                self.entries.split_off(&after);
            }
            Write::Purge(through) => {
                self.entries = self.entries.split_off(&(through.index + 1));
                self.purged = self.purged.max(Some(*through));
            }
            Write::Snapshot(snapshot) => self.snapshot = Some(snapshot.clone()),
        }
    }

    fn parts(write: &Write) -> usize {
        match write {
            Write::Append(entries) => entries.len(),
            Write::Vote(_)
            | Write::Committed(_)
            | Write::TruncateAfter(_)
            | Write::Purge(_)
            | Write::Snapshot(_) => 1,
        }
    }

    fn prefix(write: &Write, parts: usize) -> Write {
        match write {
            Write::Append(entries) => Write::Append(entries[..parts].to_vec()),
            Write::Vote(_)
            | Write::Committed(_)
            | Write::TruncateAfter(_)
            | Write::Purge(_)
            | Write::Snapshot(_) => write.clone(),
        }
    }

    /// A snapshot stands for what it covers: entries that it replaced may be there until openraft purges them.
    fn mark(&self, index: u64) -> Option<EntryMark> {
        if index <= protocol::Disk::snapshot(self) {
            return None;
        }
        self.entries.get(&index).map(digest::mark)
    }

    fn snapshot(&self) -> u64 {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.meta.last_log_id).map_or(0, |last| last.index)
    }
}

impl Disk {
    /// The disk of a node before its first boot. openraft's index 0 holds the first membership, as after
    /// `Raft::initialize`; the commands of a scenario begin at 1, where other protocols' do.
    pub(super) fn format(initial: &Initial) -> Disk {
        let mut disk = Disk::default();
        if let Some(membership) = &initial.membership {
            let membership = first_membership(membership);
            let log_id = LogId::new(LeaderId { term: 0, node_id: 0 }, 0);
            let payload = Payload::Membership(membership.clone());
            disk.entries.insert(0, Entry { log_id, payload });
            disk.initial = Some(StoredMembership::new(Some(log_id), membership));
        }
        // Who led in those terms is not said; it must be the same node on every disk.
        for (place, &term) in initial.log.iter().enumerate() {
            let log_id = LogId::new(LeaderId { term, node_id: 0 }, place as u64 + 1);
            disk.entries.insert(log_id.index, Entry { log_id, payload: Payload::Blank });
        }
        if initial.term > 0 {
            disk.vote = Some(Vote::new(initial.term, 0));
        }
        disk
    }

    /// What an operator writes who forces the membership: one more entry says who takes part, in the name of the last leader that
    /// this disk knows, and counts as soon as it is there.
    pub(super) fn force_members(&mut self, members: &InitialMembership) {
        let last = self.last();
        let leader_id = last.map_or(LeaderId { term: 0, node_id: 0 }, |last| last.leader_id);
        let log_id = LogId::new(leader_id, last.map_or(0, |last| last.index + 1));
        let payload = Payload::Membership(first_membership(members));
        self.entries.insert(log_id.index, Entry { log_id, payload });
    }

    /// The last entry, or where the log was purged through.
    pub(super) fn last(&self) -> Option<LogId> {
        self.entries.last_key_value().map(|(_, entry)| entry.log_id).or(self.purged)
    }

    pub(super) fn read(&self, range: impl RangeBounds<u64>) -> Vec<Entry> {
        self.entries.range(range).map(|(_, entry)| entry.clone()).collect()
    }

    /// What the machine holds after a restart: the snapshot, or the membership of the beginning.
    pub(super) fn applied(&self) -> (Option<LogId>, StoredMembership) {
        match (&self.snapshot, &self.initial) {
            (Some(Snapshot { meta: SnapshotMeta { last_log_id, last_membership, .. }, .. }), _) => {
                (*last_log_id, last_membership.clone())
            }
            (None, Some(initial)) => (*initial.log_id(), initial.clone()),
            (None, None) => (None, StoredMembership::default()),
        }
    }
}

fn first_membership(initial: &InitialMembership) -> Membership {
    let ids = |set: &std::collections::BTreeSet<protocol::NodeId>| {
        set.iter().map(|node| u64::from(node.0)).collect()
    };
    let nodes: BTreeMap<u64, Place> =
        initial.nodes.iter().map(|(node, &address)| (u64::from(node.0), Place(address))).collect();
    types::membership(initial.sets.iter().map(ids).collect(), nodes)
}
