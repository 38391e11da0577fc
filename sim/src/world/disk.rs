//! A node's disk: what is durable, which writes are not finished, and what a crash leaves of them.
//!
//! Holds: writes become durable in the order in which they were issued; a crash keeps a prefix of them, the last of
//! which may be torn. Not here: how long a write takes (`world` draws it).

use std::collections::VecDeque;

use crate::choices::{Choices, Site};
use crate::protocol::{Disk, WriteId};
use crate::scenario::CrashLeaves;
use crate::trace::RecordId;

/// A write that is not durable yet.
#[derive(Clone, Debug)]
struct Unfinished<D: Disk> {
    id: WriteId,
    write: D::Write,
    /// The record of its issue.
    issued: RecordId,
}

/// The disk of one node.
#[derive(Clone, Debug)]
pub(crate) struct NodeDisk<D: Disk> {
    durable: D,
    unfinished: VecDeque<Unfinished<D>>,
}

impl<D: Disk> NodeDisk<D> {
    /// A disk that holds this and has nothing under way.
    #[must_use]
    pub(crate) fn new(durable: D) -> NodeDisk<D> {
        NodeDisk { durable, unfinished: VecDeque::new() }
    }

    /// What is durable.
    #[must_use]
    pub(crate) fn durable(&self) -> &D {
        &self.durable
    }

    /// How many writes are not finished.
    #[must_use]
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished.len()
    }

    /// Takes a write that is not durable yet.
    pub(crate) fn submit(&mut self, id: WriteId, write: D::Write, issued: RecordId) {
        self.unfinished.push_back(Unfinished { id, write, issued });
    }

    /// Finishes the oldest write; names it and the record of its issue.
    pub(crate) fn finish_one(&mut self) -> Option<(WriteId, RecordId)> {
        let Unfinished { id, write, issued } = self.unfinished.pop_front()?;
        self.durable.apply(&write);
        Some((id, issued))
    }

    /// The writes that are not finished, oldest first.
    pub(crate) fn unfinished_writes(&self) -> impl Iterator<Item = (WriteId, &D::Write)> {
        self.unfinished.iter().map(|unfinished| (unfinished.id, &unfinished.write))
    }

    /// How many parts of writes are not finished.
    #[must_use]
    pub(crate) fn unfinished_parts(&self) -> usize {
        self.unfinished.iter().map(|unfinished| D::parts(&unfinished.write)).sum()
    }

    /// Loses what a crash loses. Returns how many parts of unfinished writes were kept and how many there were.
    pub(crate) fn crash(&mut self, leaves: CrashLeaves, choices: &mut Choices) -> (usize, usize) {
        let all = self.unfinished_parts();
        let kept = match leaves {
            CrashLeaves::Lost => 0,
            CrashLeaves::Kept => all,
            CrashLeaves::Torn => choices.below(Site::Disk, all as u64 + 1) as usize,
        };
        self.keep(kept);
        (kept, all)
    }

    /// Makes the first `parts` parts of what is unfinished durable and forgets the rest.
    pub(crate) fn keep(&mut self, mut parts: usize) {
        for Unfinished { write, .. } in std::mem::take(&mut self.unfinished) {
            let whole = D::parts(&write);
            let kept = parts.min(whole);
            if kept == whole {
                self.durable.apply(&write);
            } else if kept > 0 {
                self.durable.apply(&D::prefix(&write, kept));
            }
            parts -= kept;
        }
    }
}
