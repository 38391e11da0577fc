//! What a node is told, what it asks for and where it stands, as text for snapshots.
//!
//! Holds: nothing visible is left out but the bytes of commands and states.

use splitbrain_core::{
    Body, Effect, Entry, Input, LogId, LogSlice, Membership, Message, Payload, Raft, Refusal, Write,
};

pub(crate) fn id(id: LogId) -> String {
    format!("({},{})", id.term.0, id.index.0)
}

pub(crate) fn members(members: &Membership) -> String {
    let list = |ids: Vec<u32>| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let sets = members.sets().iter().map(|set| format!("{{{}}}", list(set.iter().map(|id| id.0).collect())));
    let learners: Vec<u32> =
        members.nodes().keys().filter(|id| members.is_learner(**id)).map(|id| id.0).collect();
    let learners = if learners.is_empty() { String::new() } else { format!("+{{{}}}", list(learners)) };
    sets.collect::<String>() + &learners
}

fn entry(entry: &Entry) -> String {
    let payload = match &entry.payload {
        Payload::Blank => "blank".to_owned(),
        Payload::Command(_) => "command".to_owned(),
        Payload::Membership(to) => members(to),
    };
    format!("{} {payload}", id(entry.id))
}

fn slice(slice: &LogSlice) -> String {
    let entries: Vec<String> = slice.entries().iter().map(entry).collect();
    format!("after {} [{}]", id(slice.prev()), entries.join(", "))
}

fn read_context(context: splitbrain_core::ReadContext) -> String {
    format!("{} of process {}", context.number, context.incarnation)
}

pub(crate) fn message(message: &Message) -> String {
    let says = match &message.body {
        Body::PreVoteRequest { last, priority } => format!("last {}, priority {priority}", id(*last)),
        Body::PreVoteResponse { asked, granted } => format!("for term {}: {granted}", asked.0),
        Body::VoteRequest { last, forced } => {
            format!("last {}{}", id(*last), if *forced { ", forced" } else { "" })
        }
        Body::VoteResponse { granted } => format!("{granted}"),
        Body::AppendRequest { slice: entries, commit } => format!("{}, commit {}", slice(entries), commit.0),
        Body::AppendAccepted { through } | Body::SnapshotAccepted { through } => {
            format!("through {}", through.0)
        }
        Body::AppendRejected { prev, hint } => format!("lacks {}, hint {}", id(*prev), id(*hint)),
        Body::Heartbeat { commit, round } => format!("commit {}, round {round}", commit.0),
        Body::HeartbeatResponse { round, priority } => format!("round {round}, priority {priority}"),
        Body::SnapshotRequest { chunk } => {
            let through = chunk.offset + chunk.bytes.len() as u64;
            let part = format!("bytes {}..{through} of {}", chunk.offset, chunk.size);
            format!("last {}, {}, {part}", id(chunk.head.last), members(&chunk.head.membership))
        }
        Body::SnapshotReceived { last, asked, held } => {
            format!("last {}, bytes {asked}.. came, holds {held}", id(*last))
        }
        Body::TermOver | Body::NotAMember | Body::TimeoutNow => String::new(),
        Body::ReadIndexRequest { context } => read_context(*context),
        Body::ReadIndexResponse { context, index } => {
            format!("{}, index {}", read_context(*context), index.0)
        }
    };
    format!("{} of term {} {says}", message.body.name(), message.term.0).trim_end().to_owned()
}

fn write(write: &Write) -> String {
    let mut parts = Vec::new();
    if let Some(state) = write.hard_state {
        let vote = state.vote.map_or_else(|| "nobody".to_owned(), |id| id.0.to_string());
        parts.push(format!("term {}, vote for {vote}", state.term.0));
    }
    if let Some(snapshot) = &write.snapshot {
        parts.push(format!("snapshot {} {}", id(snapshot.last), members(&snapshot.membership)));
    }
    parts.extend(write.compacted_through.map(|through| format!("log compacted through {}", through.0)));
    parts.extend(write.entries.as_ref().map(slice));
    parts.join("; ")
}

fn refusal(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotLeader { hint: Some(hint) } => format!("not-leader, ask {}", hint.0),
        Refusal::NotLeader { hint: None } => "not-leader".to_owned(),
        other => other.name().to_owned(),
    }
}

pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Persist { id, write: parts } => format!("write {}: {}", id.0, write(parts)),
        Effect::Send { to, message: body, .. } => format!("to {}: {}", to.0, message(body)),
        Effect::SetTimer { timer, .. } => format!("set {timer:?}"),
        Effect::CancelTimer(timer) => format!("cancel {timer:?}"),
        Effect::Apply { index, .. } => format!("apply {}", index.0),
        Effect::Restore(snapshot) => format!("restore {}", id(snapshot.last)),
        Effect::Serve { request } => format!("serve request {}", request.0),
        Effect::Done { request } => format!("done request {}", request.0),
        Effect::Refuse { request, refusal: why } => {
            format!("refuse request {}: {}", request.0, refusal(*why))
        }
        Effect::ShutDown => "shut down".to_owned(),
        Effect::Note(fact) => format!("note {}", fact.name()),
    }
}

pub(crate) fn input(input: &Input) -> String {
    match input {
        Input::Received { from, message: body, .. } => format!("from {}: {}", from.0, message(body)),
        Input::TimerFired(timer) => format!("{timer:?} fires"),
        Input::Persisted { through } => format!("write {} is durable", through.0),
        Input::Proposed { request, .. } => format!("request {}: a command", request.0),
        Input::ReadRequested { request } => format!("request {}: a read", request.0),
        Input::ChangeRequested { request, .. } => format!("request {}: a change of members", request.0),
        Input::TransferRequested { request, to } => format!("request {}: transfer to {}", request.0, to.0),
        Input::SnapshotTaken { through, .. } => format!("snapshot taken through {}", through.0),
    }
}

pub(crate) fn standing(raft: &Raft) -> String {
    let who =
        |id: Option<splitbrain_core::NodeId>| id.map_or_else(|| "nobody".to_owned(), |id| id.0.to_string());
    format!(
        "{:?}, term {}, vote for {}, follows {}, log {}..{}, durable {}, commit {}, applied {}, {}",
        raft.role(),
        raft.term().0,
        who(raft.vote()),
        who(raft.leader()),
        id(raft.log().base()),
        id(raft.log().last()),
        raft.durable().0,
        raft.commit().0,
        raft.applied().0,
        members(raft.membership()),
    )
}
