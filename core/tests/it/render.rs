//! What a node is told, what it asks for and where it stands, as text for snapshots.
//!
//! Holds: nothing visible is left out but the bytes of commands and states. A node whose address is its number is
//! written without it, and so is a sender that speaks for itself. Times are in milliseconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use splitbrain_core::progress::{Mode, Peer};
use splitbrain_core::{
    Address, Body, Change, ChangeMembers, Effect, Entry, Input, LogId, LogSlice, Membership, Message, NodeId,
    Payload, Precondition, Raft, Refusal, SetMode, VoterSet, Within, Write,
};

pub(crate) fn id(id: LogId) -> String {
    format!("({},{})", id.term.0, id.index.0)
}

fn ids(ids: impl IntoIterator<Item = NodeId>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.0.to_string()).collect();
    format!("{{{}}}", ids.join(" "))
}

fn sets(sets: &[VoterSet]) -> String {
    sets.iter().map(|set| ids(set.iter())).collect()
}

fn node_at(id: NodeId, address: Address) -> String {
    if id.0 == address.0 { id.0.to_string() } else { format!("{} at {}", id.0, address.0) }
}

fn nodes(nodes: &BTreeMap<NodeId, Address>) -> String {
    let nodes: Vec<String> = nodes.iter().map(|(id, at)| node_at(*id, *at)).collect();
    format!("{{{}}}", nodes.join(" "))
}

/// Voter sets, learners after a plus, ids that are gone after a minus, addresses where they are not the id.
pub(crate) fn members(members: &Membership) -> String {
    if !members.is_initialised() {
        return "nobody".to_owned();
    }
    let mut text = sets(members.sets());
    let learners: Vec<NodeId> =
        members.nodes().keys().copied().filter(|id| members.is_learner(*id)).collect();
    if !learners.is_empty() {
        text += &format!("+{}", ids(learners));
    }
    if !members.retired().is_empty() {
        text += &format!("-{}", ids(members.retired().iter().copied()));
    }
    for (id, at) in members.nodes().iter().filter(|(id, at)| id.0 != at.0) {
        text += &format!(" ({})", node_at(*id, *at));
    }
    text
}

fn change_members(change: &ChangeMembers) -> String {
    match change {
        ChangeMembers::AddVoterIds(list) => format!("add voter ids {}", ids(list.iter().copied())),
        ChangeMembers::AddVoters(list) => format!("add voters {}", nodes(list)),
        ChangeMembers::RemoveVoters(list) => format!("remove voters {}", ids(list.iter().copied())),
        ChangeMembers::ReplaceAllVoters(list) => format!("replace all voters {}", ids(list.iter().copied())),
        ChangeMembers::AddNodes(list) => format!("add nodes {}", nodes(list)),
        ChangeMembers::SetNodes(list) => format!("set nodes {}", nodes(list)),
        ChangeMembers::RemoveNodes(list) => format!("remove nodes {}", ids(list.iter().copied())),
        ChangeMembers::ReplaceAllNodes(list) => format!("replace all nodes {}", nodes(list)),
        ChangeMembers::Batch(list) => list.iter().map(change_members).collect::<Vec<_>>().join(", then "),
    }
}

fn retained(retain: bool) -> &'static str {
    if retain { ", old voters stay as learners" } else { ", old voters go" }
}

fn condition(condition: Precondition) -> String {
    match condition {
        Precondition::LastMembership(index) => format!("the last membership is at {}", index.0),
        Precondition::LastEntry(index) => format!("the last entry is at {}", index.0),
        Precondition::LeaderTerm(term) => format!("the term is {}", term.0),
        Precondition::LearnersCaughtUp => "the learners have caught up".to_owned(),
    }
}

/// A change of members in words; the name of a command in transcripts.
pub(crate) fn change(asked: &Change) -> String {
    match asked {
        Change::AddLearner { node, address, blocking } => {
            let waits = if *blocking { " and wait for it" } else { "" };
            format!("add learner {}{waits}", node_at(*node, *address))
        }
        Change::Members { members, retain } => format!("{}{}", change_members(members), retained(*retain)),
        Change::Append { sets: wanted, retain, .. } => {
            format!("append {}{}", sets(wanted), retained(*retain))
        }
        Change::To { sets: wanted, retain, .. } => format!("change to {}{}", sets(wanted), retained(*retain)),
        Change::AddServer { node, address } => format!("add server {}", node_at(*node, *address)),
        Change::RemoveServer { node } => format!("remove server {}", node.0),
        Change::SetConfiguration { mode, servers, listeners } => {
            let how = match mode {
                SetMode::Set => "set".to_owned(),
                SetMode::Add => "add".to_owned(),
                SetMode::CompareAndSet { servers, listeners } => {
                    let (servers, listeners) = (ids(servers.iter().copied()), ids(listeners.iter().copied()));
                    format!("if they are {servers} and {listeners}, set")
                }
            };
            format!("{how} servers {} and listeners {}", nodes(servers), nodes(listeners))
        }
        Change::If { precondition, change: then } => {
            format!("{}, if {}", change(then), condition(*precondition))
        }
    }
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

fn within(within: Within) -> String {
    let milliseconds = |nanoseconds: u64| {
        let fraction = format!("{:06}", nanoseconds % 1_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{}{point}{fraction}", nanoseconds / 1_000_000)
    };
    if within.min == within.max {
        format!("{} ms", milliseconds(within.min))
    } else {
        format!("{}..{} ms", milliseconds(within.min), milliseconds(within.max))
    }
}

/// An effect of a node.
pub(crate) fn effect(myself: NodeId, effect: &Effect) -> String {
    match effect {
        Effect::Persist { id, write: parts } => format!("write {}: {}", id.0, write(parts)),
        Effect::Send { from, to, address, message: body } => {
            let posing = if *from == myself { String::new() } else { format!(" as {}", from.0) };
            format!("to {}{posing}: {}", node_at(*to, *address), message(body))
        }
        Effect::SetTimer { timer, within: moment } => format!("set {timer:?} {}", within(*moment)),
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

/// An input of a node.
pub(crate) fn input(myself: NodeId, input: &Input) -> String {
    match input {
        Input::Received { from, source, to, message: body } => {
            let meant = if *to == myself { String::new() } else { format!(" for {}", to.0) };
            format!("from {}{meant}: {}", node_at(*from, *source), message(body))
        }
        Input::TimerFired(timer) => format!("{timer:?} fires"),
        Input::Persisted { through } => format!("write {} is durable", through.0),
        Input::Proposed { request, .. } => format!("request {}: a command", request.0),
        Input::ReadRequested { request } => format!("request {}: a read", request.0),
        Input::ChangeRequested { request, change: asked } => {
            format!("request {}: {}", request.0, change(asked))
        }
        Input::TransferRequested { request, to } => format!("request {}: transfer to {}", request.0, to.0),
        Input::SnapshotTaken { through, .. } => format!("snapshot taken through {}", through.0),
    }
}

/// What a leader knows of a peer: how far it agrees, and what it is sent next.
fn peer(peer: &Peer) -> String {
    let Peer { matched, next, .. } = peer;
    let mode = match &peer.mode {
        Mode::Probe { waiting: false } => format!("is to be asked about {}", next.0 - 1),
        Mode::Probe { waiting: true } => format!("is asked about {}", next.0 - 1),
        Mode::Replicate if matched.0 + 1 == next.0 => "has all that it was sent".to_owned(),
        Mode::Replicate => format!("is sent {}..{}", matched.0 + 1, next.0 - 1),
        Mode::Snapshot(sending) => {
            format!("is sent snapshot {} from byte {}", id(sending.snapshot.last), sending.offset)
        }
    };
    format!("{} holds {} and {mode}", node_at(peer.id, peer.address), matched.0)
}

/// Where a node stands, one fact each.
fn facts(raft: &Raft) -> Vec<(String, String)> {
    let who = |id: Option<NodeId>| id.map_or_else(|| "nobody".to_owned(), |id| id.0.to_string());
    let (base, last) = (id(raft.log().base()), id(raft.log().last()));
    let in_log =
        |(at, membership): &(LogId, Arc<Membership>)| format!("{} at {}", members(membership), at.index.0);
    let mut facts = vec![
        (String::new(), format!("{:?}", raft.role())),
        ("term ".to_owned(), raft.term().0.to_string()),
        ("vote for ".to_owned(), who(raft.vote())),
        ("follows ".to_owned(), who(raft.leader())),
        ("log ".to_owned(), format!("{base}..{last}")),
        ("durable ".to_owned(), raft.durable().0.to_string()),
        ("commit ".to_owned(), raft.commit().0.to_string()),
        ("applied ".to_owned(), raft.applied().0.to_string()),
        ("members ".to_owned(), in_log(raft.effective_membership())),
        ("committed members ".to_owned(), in_log(raft.committed_membership())),
    ];
    let peers = raft.peers().map_or(&[][..], |peers| peers.as_slice());
    facts.extend(peers.iter().map(|known| (format!("peer {} ", known.id.0), peer(known))));
    facts
}

/// Where a node stands.
pub(crate) fn standing(raft: &Raft) -> String {
    let facts = facts(raft);
    let (members, committed) = (facts[8].1.clone(), facts[9].1.clone());
    let told = facts.into_iter().filter(|(name, _)| !(name == "committed members " && members == committed));
    told.map(text).collect::<Vec<_>>().join(", ")
}

/// What of a node's standing a step changed; nothing when it stands where it stood.
pub(crate) fn moved(before: &Raft, after: &Raft) -> Option<String> {
    let before: BTreeMap<String, String> = facts(before).into_iter().collect();
    let after = facts(after);
    let stays =
        |name: &str| after.iter().any(|(known, value)| known == name && before.get(name) == Some(value));
    let now_committed = stays("members ") && after[8].1 == after[9].1;
    let news = after.iter().filter(|(name, value)| before.get(name) != Some(value));
    let told = news.map(|fact| match fact.0.as_str() {
        "committed members " if now_committed => "members committed".to_owned(),
        _ => text(fact.clone()),
    });
    let mut told: Vec<String> = told.collect();
    let still_leads = after.iter().any(|(name, _)| name.starts_with("peer "));
    let dropped = before
        .keys()
        .filter(|name| name.starts_with("peer ") && !after.iter().any(|(known, _)| known == *name));
    told.extend(dropped.filter(|_| still_leads).map(|name| format!("{name}is served no longer")));
    (!told.is_empty()).then(|| told.join(", "))
}

fn text((name, value): (String, String)) -> String {
    if name.starts_with("peer ") { value } else { name + &value }
}
