//! raft-rs' messages, writes and entries as sentences: nodes by their names, commands as people wrote them.
//!
//! Not here: messages that name neither, which read well as they are (`message`).

use raft::eraftpb::{Entry, EntryType, MessageType};

use super::message::Message;
use super::numbers::{index_out, node_id, term_out};
use super::storage::{Part, Write};
use crate::protocol::Words;

/// A message: `Append in term 2 after (1, 3): (2, 4) x=1, commit 3`.
pub(super) fn message(message: &Message, words: &dyn Words) -> String {
    let m = &message.0;
    if m.get_msg_type() != MessageType::MsgAppend {
        return format!("{message:?}");
    }
    let entries: String =
        m.get_entries().iter().map(|told| format!(" {}", with_place(told, words))).collect();
    format!(
        "Append in term {} after {:?}:{}, commit {}",
        term_out(m.term),
        (term_out(m.log_term), index_out(m.index)),
        if entries.is_empty() { " nothing" } else { &entries },
        index_out(m.commit),
    )
}

/// A write: `entry (2, 4) x=1, term 2 vote for b commit 3`.
pub(super) fn write(write: &Write, words: &dyn Words) -> String {
    let part = |part: &Part| match part {
        Part::Entry(told) => format!("entry {}", with_place(told, words)),
        Part::HardState(hard) => {
            let vote = if hard.vote == 0 { "nobody" } else { words.node(node_id(hard.vote)) };
            format!("term {} vote for {vote} commit {}", term_out(hard.term), index_out(hard.commit))
        }
        Part::Restore(_) | Part::Members(_) | Part::Compact(_) => format!("{:?}", Write(vec![part.clone()])),
    };
    write.0.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What an entry says: `x=1`.
pub(super) fn entry(entry: &Entry, words: &dyn Words) -> String {
    match entry.get_entry_type() {
        EntryType::EntryNormal if entry.get_data().is_empty() => String::from("blank"),
        EntryType::EntryNormal => words.command(entry.get_data()),
        EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => String::from("membership"),
    }
}

fn with_place(told: &Entry, words: &dyn Words) -> String {
    format!("{:?} {}", (term_out(told.term), index_out(told.index)), entry(told, words))
}
