//! Raft's messages and writes as sentences: nodes by their names, commands as people wrote them.
//!
//! Holds: every message says its kind, its term and all that its receiver goes by.
//! Not here: what they mean (`splitbrain_core`).

use splitbrain_core as core;

use crate::protocol::{NodeId, Words, kebab};

/// A node of the core, as the world numbers it.
pub(super) fn node_out(id: core::NodeId) -> NodeId {
    NodeId(id.0)
}

/// A message: `append in term 2 after (1,3): (2,4) x=1, commit 3`.
pub(super) fn message(message: &core::Message, words: &dyn Words) -> String {
    let says = match &message.body {
        core::Body::PreVoteRequest { last, priority: 0 }
        | core::Body::VoteRequest { last, forced: false } => {
            format!(", has {}", id(*last))
        }
        core::Body::PreVoteRequest { last, priority } => format!(", has {}, priority {priority}", id(*last)),
        core::Body::VoteRequest { last, forced: true } => format!(", has {}, whoever leads", id(*last)),
        core::Body::PreVoteResponse { asked, granted } => format!(" to term {}: {}", asked.0, yes(*granted)),
        core::Body::VoteResponse { granted } => format!(": {}", yes(*granted)),
        core::Body::AppendRequest { slice, commit } => {
            format!(" after {}:{}, commit {}", id(slice.prev()), entries(slice, words), commit.0)
        }
        core::Body::AppendAccepted { through } | core::Body::SnapshotAccepted { through } => {
            format!(" through {}", through.0)
        }
        core::Body::AppendRejected { prev, hint } => format!(": lacks {}, has {}", id(*prev), id(*hint)),
        core::Body::Heartbeat { commit, round } => format!(", commit {}, round {round}", commit.0),
        core::Body::HeartbeatResponse { round, priority: 0 } => format!(" to round {round}"),
        core::Body::HeartbeatResponse { round, priority } => {
            format!(" to round {round}, priority {priority}")
        }
        core::Body::SnapshotRequest { chunk } => {
            let (from, to) = (chunk.offset, chunk.offset + chunk.bytes.len() as u64);
            format!(" {}, bytes {from} to {to} of {}", contents(&chunk.head, words), chunk.size)
        }
        core::Body::SnapshotReceived { last, asked, held } => {
            format!(" through {} from byte {asked}: holds {held}", id(*last))
        }
        core::Body::ReadIndexRequest { context } => format!(", {}", read(*context)),
        core::Body::ReadIndexResponse { context, index } => {
            format!(" to {}: from {}", read(*context), index.0)
        }
        core::Body::TermOver | core::Body::NotAMember | core::Body::TimeoutNow => String::new(),
    };
    format!("{} in term {}{says}", message.body.name(), message.term.0)
}

/// A write: `term 2, vote for b, entries after (1,3): (2,4) x=1`.
pub(super) fn write(write: &core::Write, words: &dyn Words) -> String {
    let core::Write { hard_state, snapshot, compacted_through, entries: slice } = write;
    let hard_state = hard_state.map(|state| {
        let vote = state.vote.map_or("nobody", |vote| words.node(node_out(vote)));
        format!("term {}, vote for {vote}", state.term.0)
    });
    let parts = [
        hard_state,
        snapshot.as_ref().map(|snapshot| format!("snapshot {}", contents(snapshot, words))),
        compacted_through.map(|through| format!("forgets entries through {}", through.0)),
        slice.as_ref().map(|slice| format!("after {}:{}", id(slice.prev()), entries(slice, words))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A timer: `check-quorum timer`.
pub(super) fn timer(timer: core::Timer) -> String {
    format!("{} timer", kebab(&format!("{timer:?}")))
}

/// An entry of a log: `x=1`.
pub(super) fn entry(entry: &core::Entry, words: &dyn Words) -> String {
    payload(&entry.payload, words).trim_start().to_owned()
}

fn entries(slice: &core::LogSlice, words: &dyn Words) -> String {
    if slice.entries().is_empty() {
        return String::from(" nothing");
    }
    let entry = |entry: &core::Entry| format!(" {}{}", id(entry.id), payload(&entry.payload, words));
    slice.entries().iter().map(entry).collect::<Vec<_>>().join(",")
}

fn payload(payload: &core::Payload, words: &dyn Words) -> String {
    match payload {
        core::Payload::Blank => String::from(" blank"),
        core::Payload::Command(command) => format!(" {}", words.command(command)),
        core::Payload::Membership(members) => format!(" {}", membership(members, words)),
    }
}

/// Members: `{a b c} + {c d}, learners {e}`.
fn membership(members: &core::Membership, words: &dyn Words) -> String {
    let set = |ids: &mut dyn Iterator<Item = core::NodeId>| {
        let names: Vec<&str> = ids.map(|id| words.node(node_out(id))).collect();
        format!("{{{}}}", names.join(" "))
    };
    let sets: Vec<String> = members.sets().iter().map(|voters| set(&mut voters.iter())).collect();
    let mut learners = members.nodes().keys().copied().filter(|id| members.is_learner(*id)).peekable();
    let learners =
        if learners.peek().is_some() { format!(", learners {}", set(&mut learners)) } else { String::new() };
    sets.join(" + ") + &learners
}

/// What a snapshot says: `through (1,3) with {a b c}`.
fn contents(snapshot: &core::Snapshot, words: &dyn Words) -> String {
    format!("through {} with {}", id(snapshot.last), membership(&snapshot.membership, words))
}

/// The name of a request to read, as its asker chose it: `read 4 of incarnation 1`.
fn read(context: core::ReadContext) -> String {
    format!("read {} of incarnation {}", context.number, context.incarnation)
}

fn id(id: core::LogId) -> String {
    format!("({},{})", id.term.0, id.index.0)
}

fn yes(granted: bool) -> &'static str {
    if granted { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;

    fn names() -> Names {
        Names::new(["a", "b"].map(str::to_owned).to_vec(), 0)
    }

    fn slice() -> core::LogSlice {
        let entry = |term, index, payload| core::Entry { id: core::LogId::new(term, index), payload };
        let command = core::Payload::Command([7, 7].as_slice().into());
        let entries = vec![entry(2, 4, core::Payload::Blank), entry(2, 5, command)];
        core::LogSlice::new(core::LogId::new(1, 3), entries).expect("contiguous")
    }

    #[test]
    fn messages_read_like_sentences() {
        let told = |body| message(&core::Message { term: core::Term(2), body }, &names());
        let append = core::Body::AppendRequest { slice: slice(), commit: core::LogIndex(3) };
        assert_eq!(
            told(append),
            "append-request in term 2 after (1,3): (2,4) blank, (2,5) 2 bytes, commit 3"
        );
        let request = core::Body::VoteRequest { last: core::LogId::new(1, 3), forced: false };
        assert_eq!(told(request), "vote-request in term 2, has (1,3)");
        assert_eq!(told(core::Body::VoteResponse { granted: false }), "vote-response in term 2: no");
        assert_eq!(told(core::Body::TermOver), "term-over in term 2");
    }

    #[test]
    fn writes_tell_only_what_they_write() {
        let vote = core::HardState { term: core::Term(2), vote: Some(core::NodeId(1)) };
        let all = core::Write { hard_state: Some(vote), entries: Some(slice()), ..Default::default() };
        assert_eq!(write(&all, &names()), "term 2, vote for b, after (1,3): (2,4) blank, (2,5) 2 bytes");
    }
}
