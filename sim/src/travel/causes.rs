//! Why something happened: the records that led to it, one after another.
//!
//! Not here: the whole slice of a broken promise (`explain`).

use crate::names::Names;
use crate::trace::{Record, RecordId};

/// The most links of a chain that are told; the latest count.
const LINKS_MAX: usize = 16;

/// The records that led to an event, oldest first, a line each. `records` are in order, and may begin late.
pub(super) fn chain(records: &[Record], event: u64, names: &Names) -> Vec<String> {
    let find = |id: RecordId| {
        let place = records.binary_search_by_key(&id, |record| record.id).ok()?;
        Some(&records[place])
    };
    let Some(first) = records.iter().find(|record| record.event == event) else {
        return vec![format!("nothing is recorded of event {event}")];
    };
    let mut links = vec![first];
    let mut cause = first.cause;
    while let Some(record) = cause.and_then(find) {
        links.push(record);
        cause = record.cause;
    }
    let unknown = cause;
    let left_out = links.len().saturating_sub(LINKS_MAX);
    links.truncate(LINKS_MAX);
    let mut lines = Vec::new();
    match (unknown, left_out) {
        (_, 1..) => lines.push(format!("  … {left_out} records before")),
        (Some(id), 0) => {
            lines.push(format!("  … record {}, which is too long ago to be told", id.number()));
        }
        (None, 0) => {}
    }
    lines.extend(links.iter().rev().map(|record| format!("  {}", record.show(names))));
    lines
}
