//! Messages arrive: is this node meant, what does the term say, and who takes it from there.
//!
//! Holds: a topic sees a message only in the term it belongs to.
//! Not here: the answers (`election`, `replication`, `reading`, `snapshotting`, `transfer`).

use crate::fact::Fact;
use crate::message::{Body, Message};
use crate::mutation::Mutation;
use crate::rules::Rule;
use crate::transition::{Conversation, Transition};
use crate::types::{Address, NodeId, Term};
use crate::{election, follower_reading, lease, reading, removal, replication, snapshotting, transfer};

pub(crate) fn on_received(
    t: &mut Transition<'_>,
    from: NodeId,
    source: Address,
    to: NodeId,
    message: Message,
) {
    if to != t.id() {
        if t.keeps(Rule::PeerIdentity) {
            t.note(Fact::Misrouted);
            return;
        }
        t.note(Fact::TakenForAnother);
    }
    let is_from_myself = from == t.id() && to == from;
    if is_from_myself || !message.is_possible() {
        return t.note(Fact::ImpossibleMessage);
    }
    t.talk(Conversation { myself: to, peer: from, address: source });
    let Message { term, body } = message;
    if is_about_membership(t, from, &body) {
        return;
    }
    if settle_terms(t, from, term, &body) {
        dispatch(t, from, source, term, body);
    }
}

/// Whether a message is about taking part at all, in which case it is answered, whatever its term.
fn is_about_membership(t: &mut Transition<'_>, from: NodeId, body: &Body) -> bool {
    match body {
        Body::PreVoteRequest { last, .. } | Body::VoteRequest { last, .. } => {
            removal::turn_away(t, from, *last)
        }
        Body::NotAMember => {
            removal::on_told(t);
            true
        }
        Body::PreVoteResponse { .. }
        | Body::VoteResponse { .. }
        | Body::AppendRequest { .. }
        | Body::AppendAccepted { .. }
        | Body::AppendRejected { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatResponse { .. }
        | Body::SnapshotRequest { .. }
        | Body::SnapshotAccepted { .. }
        | Body::SnapshotReceived { .. }
        | Body::TermOver
        | Body::TimeoutNow
        | Body::ReadIndexRequest { .. }
        | Body::ReadIndexResponse { .. } => false,
    }
}

/// Follows a higher term, answers a lower one. Returns whether the message is to be read on.
fn settle_terms(t: &mut Transition<'_>, from: NodeId, term: Term, body: &Body) -> bool {
    match body {
        // Both speak of a term that does not exist yet, or ended in nothing: they say what they need themselves.
        Body::PreVoteRequest { .. } => return true,
        Body::PreVoteResponse { granted: true, .. } => return true,
        Body::VoteRequest { forced, .. } if is_news(t, term) && election::is_sticky(t, from, *forced) => {
            t.note(Fact::VoteIgnoredLeaderLives);
            return false;
        }
        Body::VoteRequest { .. }
        | Body::PreVoteResponse { granted: false, .. }
        | Body::VoteResponse { .. }
        | Body::AppendRequest { .. }
        | Body::AppendAccepted { .. }
        | Body::AppendRejected { .. }
        | Body::Heartbeat { .. }
        | Body::HeartbeatResponse { .. }
        | Body::SnapshotRequest { .. }
        | Body::SnapshotReceived { .. }
        | Body::SnapshotAccepted { .. }
        | Body::TermOver
        | Body::NotAMember
        | Body::TimeoutNow
        | Body::ReadIndexRequest { .. }
        | Body::ReadIndexResponse { .. } => {}
    }
    let hidden = t.mutated(Mutation::PreVoteRefusalHidesTerm) && matches!(body, Body::PreVoteResponse { .. });
    if term > t.term() && !hidden {
        let new_leader = is_from_a_leader(body).then_some(from);
        election::become_follower(t, term, new_leader);
    }
    if term == t.term() {
        return true;
    }
    let stale_vote = t.mutated(Mutation::StaleVoteResponse) && matches!(body, Body::VoteResponse { .. });
    let stale_append = t.mutated(Mutation::StaleLeaderObeyed) && matches!(body, Body::AppendRequest { .. });
    if stale_vote || stale_append {
        return true;
    }
    match body {
        Body::VoteRequest { .. } => t.reply(Body::VoteResponse { granted: false }),
        Body::AppendRequest { .. } | Body::Heartbeat { .. } | Body::SnapshotRequest { .. } => {
            t.reply(Body::TermOver);
        }
        // A refusal by a node of a lower term still says how many will not have us.
        Body::PreVoteResponse { .. } => return true,
        Body::PreVoteRequest { .. }
        | Body::VoteResponse { .. }
        | Body::AppendAccepted { .. }
        | Body::AppendRejected { .. }
        | Body::HeartbeatResponse { .. }
        | Body::SnapshotReceived { .. }
        | Body::SnapshotAccepted { .. }
        | Body::TermOver
        | Body::NotAMember
        | Body::TimeoutNow
        | Body::ReadIndexRequest { .. }
        | Body::ReadIndexResponse { .. } => {}
    }
    false
}

/// Whether a vote in this term would break a promise not to vote yet. In the own term only leases count on one.
fn is_news(t: &Transition<'_>, term: Term) -> bool {
    term > t.term() || (term == t.term() && lease::is_on(t))
}

fn is_from_a_leader(body: &Body) -> bool {
    matches!(body, Body::AppendRequest { .. } | Body::Heartbeat { .. } | Body::SnapshotRequest { .. })
}

fn dispatch(t: &mut Transition<'_>, from: NodeId, source: Address, term: Term, body: Body) {
    match body {
        Body::PreVoteRequest { last, priority } => {
            election::on_pre_vote_request(t, from, term, last, priority);
        }
        Body::PreVoteResponse { asked, granted } => election::on_pre_vote_response(t, from, asked, granted),
        Body::VoteRequest { last, forced } => election::on_vote_request(t, from, last, forced),
        Body::VoteResponse { granted } => election::on_vote_response(t, from, granted),
        Body::AppendRequest { slice, commit } => replication::on_append_request(t, from, &slice, commit),
        Body::AppendAccepted { through } => replication::on_append_accepted(t, from, through),
        Body::AppendRejected { prev, hint } => replication::on_append_rejected(t, from, prev, hint),
        Body::Heartbeat { commit, round } => replication::on_heartbeat(t, from, commit, round),
        Body::HeartbeatResponse { round, priority } => {
            reading::on_heartbeat_response(t, from, round);
            transfer::maybe_give_way(t, from, priority);
        }
        Body::SnapshotRequest { chunk } => snapshotting::on_request(t, from, &chunk),
        Body::SnapshotReceived { last, asked, held } => snapshotting::on_received(t, from, last, asked, held),
        Body::SnapshotAccepted { through } => replication::on_append_accepted(t, from, through),
        // The term it speaks of is ours by now; there is nothing more to it.
        Body::TermOver => {}
        // Answered before its term was looked at.
        Body::NotAMember => {}
        Body::TimeoutNow => transfer::on_timeout_now(t),
        Body::ReadIndexRequest { context } => reading::on_index_request(t, from, source, context),
        Body::ReadIndexResponse { context, index } => follower_reading::on_response(t, context, index),
    }
}
