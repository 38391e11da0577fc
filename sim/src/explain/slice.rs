//! The causal slice: the records without which the broken promise would not have been seen.
//!
//! Holds: a slice has the cause of each of its records. What a cause does not say, since it lies in a node's memory, is
//! added by two rules: a node that begins to lead does so by all answers it heard in this reign, not by the last alone;
//! and a fault, or what an operator asked for, belongs to what happened after it.
//! Not here: which of these records decided (`deciding`).

use std::collections::BTreeSet;

use crate::protocol::NodeId;
use crate::trace::{Place, Record, RecordId, What};

/// The most faults that a slice tells of; the latest count.
const FAULTS_MAX: usize = 40;

/// What led to some records; empty when there are none.
pub(super) fn causal_slice(records: &[&Record], evidence: &[RecordId]) -> BTreeSet<RecordId> {
    let mut slice = BTreeSet::new();
    let mut open: Vec<RecordId> = evidence.to_vec();
    for id in evidence {
        open.extend(shown_by(records, *id));
    }
    while let Some(id) = open.pop() {
        let Some(record) = at(records, id) else { continue };
        if !slice.insert(id) {
            continue;
        }
        open.extend(record.cause);
        if let What::Leads { .. } = record.what {
            open.extend(answers_before(records, record));
        }
    }
    if let Some(last) = slice.last().copied() {
        slice.extend(faults(records, &slice, last));
    }
    slice
}

fn at<'a>(records: &[&'a Record], id: RecordId) -> Option<&'a Record> {
    records.get(id.number() as usize - 1).copied()
}

/// What a step shows: reigns that begin, and entries and answers that leave the node.
fn shown_by(records: &[&Record], began: RecordId) -> Vec<RecordId> {
    let after = records.get(began.number() as usize..).unwrap_or_default();
    let of_step = after.iter().take_while(|record| record.cause == Some(began) || record.cause > Some(began));
    let shows = |what: &What| {
        matches!(
            what,
            What::Leads { .. } | What::Applies { .. } | What::Restores { .. } | What::Returns { .. }
        )
    };
    of_step
        .filter(|record| record.cause == Some(began) && shows(&record.what))
        .map(|record| record.id)
        .collect()
}

/// The messages by which a node came to lead: those of the kind that the last of them has, since it last stood or booted.
fn answers_before(records: &[&Record], leads: &Record) -> Vec<RecordId> {
    let Some(last) = leads.cause.and_then(|cause| at(records, cause)) else { return Vec::new() };
    let What::Receives { message: last_message, .. } = &last.what else { return Vec::new() };
    let mut answers = Vec::new();
    let before = records[..last.id.number() as usize].iter().rev();
    for record in before.filter(|record| record.place == leads.place) {
        match &record.what {
            What::Receives { message, .. } if message.kind == last_message.kind => answers.push(record.id),
            What::Boots { .. } | What::Leads { .. } | What::Fires { .. } => break,
            _ => {}
        }
    }
    answers
}

/// What went wrong before the end with the whole network or with nodes of the slice, and what operators asked for.
fn faults(records: &[&Record], slice: &BTreeSet<RecordId>, last: RecordId) -> Vec<RecordId> {
    let nodes: BTreeSet<NodeId> = slice.iter().filter_map(|&id| at(records, id)?.place.node()).collect();
    let concerns = |record: &Record| match (&record.what, record.place) {
        (What::Partitioned { .. } | What::Heals | What::IsAsked { .. }, _) => true,
        (
            What::Crashes { .. }
            | What::Moves { .. }
            | What::LosesDisk
            | What::IsHit { .. }
            | What::Boots { incarnation: 2.. }
            | What::Pauses { .. },
            Place::Node(node),
        ) => nodes.contains(&node),
        _ => false,
    };
    let before = records[..last.number() as usize].iter().rev();
    before.filter(|record| concerns(record)).take(FAULTS_MAX).map(|record| record.id).collect()
}
