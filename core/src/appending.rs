//! Entries into the log, and out of it again.
//!
//! Holds: a membership is in force from the entry on that brings it, and no longer when that is cut.
//! Not here: whose entries (`replication`, `reconfiguration`, `election`).

use alloc::sync::Arc;

use crate::fact::Fact;
use crate::in_force;
use crate::log::{Entry, LogSlice, Payload};
use crate::mutation::Mutation;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogId, LogIndex};

/// Appends an entry of this leader's term. Its peers are sent it at the end of the step.
pub(crate) fn append_own(t: &mut Transition<'_>, payload: Payload) -> LogIndex {
    let id = LogId { term: t.term(), index: t.log.last().index.next() };
    append(t, Entry { id, payload });
    t.appended = true;
    id.index
}

/// Appends an entry; a membership is in force from now on.
fn append(t: &mut Transition<'_>, entry: Entry) {
    let id = entry.id;
    let membership = match &entry.payload {
        Payload::Membership(membership) => Some(Arc::clone(membership)),
        Payload::Blank | Payload::Command(_) => None,
    };
    t.log.push(entry);
    t.log_written(id.index);
    if let Some(membership) = membership {
        in_force::on_appended(t, id, membership);
    }
}

/// Appends what a leader sent; its slice is written as it is when all of it is new.
pub(crate) fn append_slice(t: &mut Transition<'_>, slice: &LogSlice, from: LogIndex) {
    let known = (from.0 - slice.prev().index.0 - 1) as usize;
    for entry in &slice.entries()[known..] {
        append(t, entry.clone());
    }
    if known == 0 {
        t.slice = Some(slice.clone());
    }
}

/// Cuts the log; memberships in what is cut are in force no longer.
pub(crate) fn cut(t: &mut Transition<'_>, from: LogIndex) {
    let from = from.max(t.snapshot.last.index.next());
    if from > t.log.last().index {
        return;
    }
    t.note(Fact::LogCut);
    t.slice = None;
    t.log.cut(from);
    t.log_written(from);
    if t.keeps(Rule::CutTakesBackPromises) && t.durability.cut(from) {
        t.note(Fact::CutDuringWrite);
    }
    // Only without the rule `conflict-check-before-truncating` is anything committed cut.
    t.commit = t.commit.min(from.before());
    if !t.mutated(Mutation::RollbackForgotten) {
        in_force::on_cut(t, from);
    }
}
