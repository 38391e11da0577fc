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
use crate::{
    election, follower_reading, following, lease, reading, removal, replication, snapshotting, transfer,
};

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
        following::become_follower(t, term, new_leader);
    }
    if term == t.term() {
        return true;
    }
    let stale_vote = t.mutated(Mutation::StaleVoteResponse) && matches!(body, Body::VoteResponse { .. });
    let stale_append = t.mutated(Mutation::StaleLeaderObeyed) && matches!(body, Body::AppendRequest { .. });
    if stale_vote || stale_append {
        return true;
    }
    answer_earlier_term(t, body)
}

/// Tells who leads or stands in a term that is over. Returns whether the message is to be read all the same.
fn answer_earlier_term(t: &mut Transition<'_>, body: &Body) -> bool {
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
        Body::TimeoutNow => election::on_timeout_now(t),
        Body::ReadIndexRequest { context } => reading::on_index_request(t, from, source, context),
        Body::ReadIndexResponse { context, index } => follower_reading::on_response(t, context, index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RoleName;
    use crate::config::Config;
    use crate::snapshot::{Chunk, Snapshot};
    use crate::testing::{Node, config, slice};
    use crate::types::{LogId, LogIndex};
    use std::vec::Vec;

    fn bodies() -> Vec<Body> {
        let last = LogId::new(1, 1);
        let snapshot = Snapshot { last, ..Snapshot::default() };
        let context = crate::ReadContext { incarnation: 0, number: 1 };
        std::vec![
            Body::PreVoteRequest { last, priority: 0 },
            Body::PreVoteResponse { asked: Term(1), granted: true },
            Body::PreVoteResponse { asked: Term(1), granted: false },
            Body::VoteRequest { last, forced: false },
            Body::VoteResponse { granted: false },
            Body::AppendRequest { slice: slice((1, 1), &[]), commit: LogIndex(0) },
            Body::AppendAccepted { through: LogIndex(1) },
            Body::AppendRejected { prev: last, hint: LogId::default() },
            Body::Heartbeat { commit: LogIndex(0), round: 0 },
            Body::HeartbeatResponse { round: 0, priority: 0 },
            Body::SnapshotRequest { chunk: Chunk::of(&snapshot, 0, 9) },
            Body::SnapshotReceived { last, asked: 0, held: 0 },
            Body::SnapshotAccepted { through: LogIndex(1) },
            Body::TermOver,
            Body::TimeoutNow,
            Body::ReadIndexRequest { context },
            Body::ReadIndexResponse { context, index: LogIndex(1) },
        ]
    }

    /// Paper, Figure 2, rules for all servers; a pre-vote asks for a term that may never be.
    #[test]
    fn every_message_of_a_higher_term_is_followed_but_pre_votes() {
        for body in bodies() {
            let mut node = Node::with_log(config(), &[1]);
            node.hear(2, 5, body.clone());
            let asks =
                matches!(body, Body::PreVoteRequest { .. } | Body::PreVoteResponse { granted: true, .. });
            let expected = match body {
                Body::TimeoutNow => Term(6),
                _ if asks => Term(1),
                _ => Term(5),
            };
            assert_eq!(node.raft.term(), expected, "{}", body.name());
            let mut leader = Node::leading(config(), &[1]);
            leader.hear(2, 5, body.clone());
            let stays = asks || matches!(body, Body::VoteRequest { .. });
            assert_eq!(leader.raft.leads(), stays, "{}: a leader that looks after its quorum", body.name());
        }
    }

    #[test]
    fn who_leads_or_stands_in_an_earlier_term_is_told_and_nobody_else() {
        for body in bodies() {
            let mut node = Node::with_log(config(), &[1, 3]);
            node.hear(2, 1, body.clone());
            let expected = match body {
                Body::VoteRequest { .. } => Some("vote-response"),
                Body::PreVoteRequest { .. } => Some("pre-vote-response"),
                Body::AppendRequest { .. } | Body::Heartbeat { .. } | Body::SnapshotRequest { .. } => {
                    Some("term-over")
                }
                _ => None,
            };
            assert_eq!(node.sent().first().map(|(_, body)| body.name()), expected, "{}", body.name());
            assert_eq!((node.raft.term(), node.raft.leader()), (Term(3), None), "{}", body.name());
            assert_eq!(node.raft.vote(), None);
        }
    }

    #[test]
    fn an_answer_goes_back_to_where_the_message_came_from_in_the_name_that_was_meant() {
        let rules = crate::Rules::all_on().without(Rule::PeerIdentity);
        for (to, rules, answers) in
            [(1, crate::Rules::all_on(), true), (3, rules, true), (3, crate::Rules::all_on(), false)]
        {
            let mut node = Node::with_log(Config { rules, ..config() }, &[1]);
            let message =
                Message { term: Term(1), body: Body::PreVoteRequest { last: LogId::new(1, 1), priority: 0 } };
            node.step(crate::Input::Received {
                from: NodeId(2),
                source: Address(22),
                to: NodeId(to),
                message,
            });
            let sent = node.asked.iter().find_map(|effect| match effect {
                crate::Effect::Send { from, to, address, .. } => Some((from.0, to.0, address.0)),
                _ => None,
            });
            assert_eq!(sent, answers.then_some((to, 2, 22)));
            assert_eq!(node.noted(Fact::Misrouted), !answers);
        }
    }

    #[test]
    fn two_leaders_that_meet_note_it_and_neither_obeys() {
        for body in bodies() {
            let from_a_leader = is_from_a_leader(&body);
            let mut node = Node::leading(config(), &[1]);
            let before = (node.raft.log().clone(), node.raft.commit());
            node.hear(3, 2, body.clone());
            assert_eq!(node.noted(Fact::TwoLeadersMet), from_a_leader, "{}", body.name());
            assert_eq!((node.raft.log().clone(), node.raft.commit()), before, "{}", body.name());
            assert_eq!(node.raft.role(), RoleName::Leader);
        }
    }
}
