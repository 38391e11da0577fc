//! Entries to the followers, acknowledgements back, and the commit index (paper, sections 5.3 and 5.4).
//!
//! Holds: a leader never cuts its own log; what is counted is on a disk.
//! Not here: snapshots for those too far behind (`snapshotting`), what a commit means for members
//! (`reconfiguration`).

use alloc::sync::Arc;

use crate::appending;
use crate::effect::Refusal;
use crate::fact::Fact;
use crate::input::Timer;
use crate::log::{LogSlice, Payload};
use crate::message::Body;
use crate::mutation::Mutation;
use crate::pending::Proposal;
use crate::progress::{Mode, Peer, Rejection};
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogId, LogIndex, NodeId, RequestId, Within};
use crate::{committing, follower_reading, following, reading, reconfiguration, serving, transfer};

pub(crate) fn on_proposed(t: &mut Transition<'_>, request: RequestId, command: Arc<[u8]>) {
    let bytes = command.len() as u64;
    let limit = t.config.uncommitted_bytes_max;
    let Some(leader) = t.leading() else {
        let hint = t.leader;
        return t.refuse(request, Refusal::NotLeader { hint });
    };
    // One command may always go, however large it is.
    let too_much = leader.uncommitted_bytes > 0 && leader.uncommitted_bytes + bytes > limit;
    if t.transfer.is_some() {
        return t.refuse(request, Refusal::Transferring);
    }
    if too_much {
        t.note(Fact::BackPressure);
        return t.refuse(request, Refusal::TooMuchUncommitted);
    }
    let index = appending::append_own(t, Payload::Command(command));
    if let Some(leader) = t.leading_mut() {
        leader.proposals.push_back(Proposal { index, request, bytes });
        leader.uncommitted_bytes += bytes;
    }
}

pub(crate) fn on_append_request(t: &mut Transition<'_>, from: NodeId, slice: &LogSlice, commit: LogIndex) {
    if !following::on_leader_contact(t, from) {
        return;
    }
    let prev = slice.prev();
    // What is in the snapshot is committed, and so is in any leader's log: it agrees.
    let known = prev.index <= t.snapshot.last.index
        || t.log.matches(prev)
        || t.mutated(Mutation::PrevTermUnchecked) && prev.index <= t.log.last().index
        || t.mutated(Mutation::EmptyAppendUnchecked) && slice.is_empty();
    if !known {
        t.note(Fact::AppendRejected);
        let at = LogId { term: prev.term, index: prev.index.before() };
        let hint = t.log.last_not_after(at);
        if t.mutated(Mutation::CommitFromRejectedAppend) {
            let held = commit.min(t.log.last().index);
            committing::advance_commit(t, held);
        }
        return t.reply(Body::AppendRejected { prev, hint });
    }
    if !take_entries(t, slice) {
        return;
    }
    let through = slice.through();
    committing::advance_commit(t, commit.min(through));
    t.reply(Body::AppendAccepted { through });
}

/// Adds what is new. Returns false when it contradicts what is committed.
fn take_entries(t: &mut Transition<'_>, slice: &LogSlice) -> bool {
    let compacted = t.snapshot.last;
    if slice.id_at(compacted.index).is_some_and(|id| id != compacted) {
        t.note(Fact::CommittedEntryConflict);
        return false;
    }
    if !t.keeps(Rule::ConflictCheckBeforeTruncating) {
        let from = slice.prev().index.max(t.snapshot.last.index).next();
        appending::cut(t, from);
    }
    if t.mutated(Mutation::PrevZeroUnchecked) && slice.prev().index.0 == 0 && !slice.is_empty() {
        appending::cut(t, LogIndex(1));
    }
    if t.mutated(Mutation::AppendTruncatesSuffix) {
        appending::cut(t, slice.through().next());
    }
    let snapshot = t.snapshot.last.index;
    if t.mutated(Mutation::ConflictKept) {
        let next = t.log.last().index.next();
        if slice.entries().iter().any(|entry| entry.id.index == next && entry.id.term >= t.log.last().term) {
            appending::append_slice(t, slice, next);
        }
        return true;
    }
    let first_new =
        slice.entries().iter().map(|entry| entry.id).find(|id| id.index > snapshot && !t.log.matches(*id));
    let Some(first_new) = first_new else {
        if !slice.is_empty() && slice.through() < t.log.last().index {
            t.note(Fact::StaleAppend);
        }
        return true;
    };
    if first_new.index <= t.commit {
        t.note(Fact::CommittedEntryConflict);
        return false;
    }
    appending::cut(t, first_new.index);
    appending::append_slice(t, slice, first_new.index);
    true
}

pub(crate) fn on_append_accepted(t: &mut Transition<'_>, from: NodeId, through: LogIndex) {
    let last = t.log.last().index;
    let Some(place) = t.leading().and_then(|leader| leader.peers.place(from)) else { return };
    let Some(before) = serving::peer_at(t, place) else { return };
    let stays = t.mutated(Mutation::SnapshotNeverLeft) && matches!(before.mode, Mode::Snapshot(_));
    serving::update(t, place, |peer| {
        peer.heard = true;
        peer.accepted(through.min(last));
        if stays {
            peer.mode.clone_from(&before.mode);
        }
    });
    count_bytes(t, place, &before);
    if through > t.commit {
        committing::maybe_commit(t);
    }
    // A commit may have ended the leadership, or changed the members and with them the list of peers.
    let Some(place) = t.leading().and_then(|leader| leader.peers.place(from)) else { return };
    serving::send_entries(t, place);
    serving::tell_commit(t, place);
    transfer::maybe_hand_over(t);
    reconfiguration::on_progress(t, from);
}

/// What was acknowledged is under way no longer.
fn count_bytes(t: &mut Transition<'_>, place: usize, before: &Peer) {
    let Some(peer) = serving::peer_at(t, place).filter(|_| before.bytes > 0) else { return };
    let bytes = if before.matched < t.log.base().index {
        // Some of what was under way has been compacted, and its length is not known any more.
        t.log.bytes(peer.matched, peer.next.before())
    } else {
        before.bytes - t.log.bytes(before.matched, peer.matched.min(before.next.before()))
    };
    serving::update(t, place, |peer| peer.bytes = bytes);
}

pub(crate) fn on_append_rejected(t: &mut Transition<'_>, from: NodeId, prev: LogId, hint: LogId) {
    let agree = t.log.last_not_after(hint).index;
    let counts = t.mutated(Mutation::RejectionCounts);
    let never_reopens = t.mutated(Mutation::WindowNeverReopens);
    let goes_back = !t.mutated(Mutation::RejectionWithoutProgress);
    let Some(leader) = t.leading_mut() else { return };
    let Some(place) = leader.peers.place(from) else { return };
    let peer = &mut leader.peers.as_mut_slice()[place];
    peer.heard = true;
    if counts {
        peer.accepted(agree);
    }
    let under_way = peer.bytes;
    let rejection = peer.rejected(prev.index, agree);
    if never_reopens {
        peer.bytes = under_way;
    }
    if !goes_back && rejection == Rejection::News {
        peer.next = prev.index.next();
    }
    match rejection {
        Rejection::News => serving::send_entries(t, place),
        Rejection::Denial => {
            t.note(Fact::AcknowledgementDenied);
            if t.mutated(Mutation::DeniedMatchIsNews) {
                serving::send_probe(t, place);
            }
        }
        Rejection::Late => {}
    }
    reconfiguration::on_progress(t, from);
}

pub(crate) fn on_heartbeat_due(t: &mut Transition<'_>) {
    let Some(leader) = t.leading_mut() else { return };
    leader.peers.as_mut_slice().iter_mut().for_each(|peer| peer.nudged = false);
    reading::renew_lease(t);
    serving::send_heartbeats(t);
    reading::maybe_confirm(t);
    let within = Within::exactly(t.config.heartbeat);
    t.set_timer(Timer::Heartbeat, within);
}

pub(crate) fn on_heartbeat(t: &mut Transition<'_>, from: NodeId, commit: LogIndex, round: u64) {
    let asked_before = t.leader == Some(from);
    if following::on_leader_contact(t, from) {
        let held = commit.min(t.log.last().index);
        committing::advance_commit(t, held);
        if t.mutated(Mutation::AckReportsLast) {
            let through = t.log.last().index;
            t.reply(Body::AppendAccepted { through });
        }
        let priority = t.config.priority;
        t.reply(Body::HeartbeatResponse { round, priority });
        if asked_before {
            follower_reading::on_heartbeat(t, commit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::testing::{Node, config, slice};
    use std::vec::Vec;

    fn append(prev: (u64, u64), terms: &[u64], commit: u64) -> Body {
        Body::AppendRequest { slice: slice(prev, terms), commit: LogIndex(commit) }
    }

    fn terms(node: &Node) -> Vec<u64> {
        node.raft.log().iter().map(|entry| entry.id.term.0).collect()
    }

    /// What a follower says to an append, once its disk is done.
    fn answer(node: &Node) -> Option<Body> {
        let mut node = node.clone();
        if node.sent().is_empty() {
            node.finish_writes();
        }
        node.sent().first().map(|(_, body)| (*body).clone())
    }

    fn peer(node: &Node, id: u32) -> (u64, u64) {
        let peer = node.raft.peers().and_then(|peers| peers.get(NodeId(id))).expect("it is served");
        (peer.matched.0, peer.next.0)
    }

    /// The log of a follower in term 3 with 1 1 2 2, of which the first is committed: what comes of an append.
    #[test]
    fn an_append_is_taken_where_the_logs_agree() {
        // prev, terms, commit => log, commit, answer
        let accepted = |through| Some(Body::AppendAccepted { through: LogIndex(through) });
        let rejected = |prev: (u64, u64), hint: (u64, u64)| {
            let (prev, hint) = (LogId::new(prev.0, prev.1), LogId::new(hint.0, hint.1));
            Some(Body::AppendRejected { prev, hint })
        };
        type Row = ((u64, u64), &'static [u64], u64, &'static [u64], u64, Option<Body>);
        let table: [Row; 14] = [
            ((2, 4), &[], 1, &[1, 1, 2, 2], 1, accepted(4)),
            ((2, 4), &[3], 1, &[1, 1, 2, 2, 3], 1, accepted(5)),
            ((2, 4), &[3], 9, &[1, 1, 2, 2, 3], 5, accepted(5)),
            ((1, 2), &[2], 9, &[1, 1, 2, 2], 3, accepted(3)),
            ((1, 2), &[2, 2], 4, &[1, 1, 2, 2], 4, accepted(4)),
            ((1, 2), &[3], 2, &[1, 1, 3], 2, accepted(3)),
            ((1, 2), &[2, 3], 1, &[1, 1, 2, 3], 1, accepted(4)),
            ((1, 1), &[], 9, &[1, 1, 2, 2], 1, accepted(1)),
            ((0, 0), &[1, 1, 3], 3, &[1, 1, 3], 3, accepted(3)),
            ((0, 0), &[], 9, &[1, 1, 2, 2], 1, accepted(0)),
            ((0, 0), &[3], 1, &[1, 1, 2, 2], 1, None),
            ((3, 4), &[3], 9, &[1, 1, 2, 2], 1, rejected((3, 4), (2, 3))),
            ((3, 9), &[3], 9, &[1, 1, 2, 2], 1, rejected((3, 9), (2, 4))),
            ((1, 4), &[3], 9, &[1, 1, 2, 2], 1, rejected((1, 4), (1, 2))),
        ];
        for (prev, new, commit, log, committed, expected) in table {
            let mut node = Node::with_log(config(), &[1, 1, 2, 2]);
            node.hear(3, 2, Body::Heartbeat { commit: LogIndex(1), round: 0 });
            node.hear(3, 3, append(prev, new, commit));
            assert_eq!(terms(&node), log, "{prev:?} {new:?}");
            assert_eq!(node.raft.commit(), LogIndex(committed), "{prev:?} {new:?}");
            let says = answer(&node).filter(|body| body.name() != "heartbeat-response");
            assert_eq!(says, expected, "{prev:?} {new:?}");
        }
    }

    #[test]
    fn a_heartbeat_commits_what_is_held_and_nothing_back() {
        // commit of the heartbeat => commit afterwards, of a log of 4 with 2 committed
        for (told, expected) in [(0, 2), (1, 2), (2, 2), (3, 3), (4, 4), (9, 4)] {
            let mut node = Node::with_log(config(), &[1, 1, 1, 1]);
            node.hear(3, 1, Body::Heartbeat { commit: LogIndex(2), round: 0 });
            node.hear(3, 1, Body::Heartbeat { commit: LogIndex(told), round: 7 });
            assert_eq!(node.raft.commit(), LogIndex(expected), "{told}");
            let answer = Body::HeartbeatResponse { round: 7, priority: 0 };
            assert_eq!(node.sent(), [(3, &answer)]);
        }
    }

    /// The hint of a rejection goes back over whole terms: what the leader asks about next.
    #[test]
    fn one_rejection_goes_back_over_a_whole_term() {
        // Terms of leader and follower, without the leader's first entry => where the leader asks next.
        let table: [(&[u64], &[u64], u64); 8] = [
            (&[1, 1, 1, 3, 3, 3], &[1, 1, 1, 2, 2, 2, 2], 3),
            (&[1, 1, 1, 3, 3, 3], &[1, 1, 1], 3),
            (&[1, 1, 1, 3, 3, 3], &[1, 1], 2),
            (&[1, 1, 1, 3, 3, 3], &[], 0),
            (&[1, 1, 1, 3, 3, 3], &[1, 1, 1, 3], 4),
            (&[2, 2, 2, 2, 2, 2], &[1, 1, 1, 1, 1, 1], 0),
            (&[1, 3, 3, 3, 3, 3], &[1, 1, 1, 1, 1, 1], 1),
            (&[1, 1, 2, 2, 4, 4], &[1, 1, 2, 2, 2, 2], 4),
        ];
        for (ours, theirs, expected) in table {
            let mut leader = Node::with_log(Config { pre_vote: false, ..config() }, ours);
            leader.fire(Timer::Election);
            leader.finish_writes();
            let term = leader.raft.term().0;
            leader.hear(2, term, Body::VoteResponse { granted: true });
            let mut follower = Node::with_log(Config { id: NodeId(3), ..config() }, theirs);
            let to_3 = |node: &Node| {
                let sent = node.sent().into_iter().filter(|(to, _)| *to == 3 || *to == 1);
                sent.map(|(_, body)| body.clone()).find(|body| body.name().starts_with("append"))
            };
            let first = to_3(&leader).expect("an append to everyone");
            follower.hear(1, term, first);
            follower.finish_writes();
            let rejection = to_3(&follower).expect("an answer");
            assert_eq!(rejection.name(), "append-rejected");
            leader.hear(3, term, rejection);
            assert_eq!(peer(&leader, 3).1 - 1, expected, "{ours:?} {theirs:?}");
            let second = to_3(&leader).expect("another one");
            follower.hear(1, term, second);
            assert_eq!(terms(&follower), terms(&leader), "and that is enough");
        }
    }

    /// What a leader of term 2 with (1,1) before its own entries counts as committed.
    #[test]
    fn the_leader_commits_what_a_quorum_holds_of_its_own_term() {
        // What 2 and 3 hold, through where its own disk is done => commit
        let table = [
            (0, 0, true, 0),
            (1, 0, true, 0),
            (1, 1, true, 0),
            (2, 0, true, 2),
            (3, 0, true, 3),
            (3, 2, true, 3),
            (3, 3, false, 3),
            (3, 0, false, 1),
            (3, 2, false, 2),
        ];
        for (second, third, own, expected) in table {
            let mut node = Node::with_log(Config { pre_vote: false, ..config() }, &[1]);
            node.fire(Timer::Election);
            node.finish_writes();
            node.hear(2, 2, Body::VoteResponse { granted: true });
            node.propose(1, b"x");
            if own {
                node.finish_writes();
            }
            for (from, through) in [(2, second), (3, third)] {
                node.hear(from, 2, Body::AppendAccepted { through: LogIndex(through) });
            }
            // An entry of an earlier term is never committed alone.
            let expected = if expected == 1 { 0 } else { expected };
            assert_eq!(node.raft.commit(), LogIndex(expected), "{second} {third} {own}");
        }
    }

    #[test]
    fn acknowledgements_move_a_peer_forwards_only() {
        let mut node = Node::leading(config(), &[1]);
        (0..4).for_each(|request| node.propose(request, b"x"));
        // Acknowledged => matched and next; six entries are there.
        for (through, expected) in [(3, (3, 7)), (2, (3, 7)), (5, (5, 7)), (5, (5, 7)), (9, (6, 7))] {
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(through) });
            assert_eq!(peer(&node, 2), expected, "{through}");
        }
        node.hear(2, 2, Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::default() });
        assert_eq!((peer(&node, 2), node.sent().len()), ((6, 7), 0), "a late rejection");
    }

    #[test]
    fn a_probe_waits_for_its_answer_and_a_heartbeat_lets_it_go_again() {
        let mut node = Node::leading(config(), &[1]);
        let to_3 = |node: &Node| {
            node.sent().iter().filter(|(to, body)| *to == 3 && body.name() == "append-request").count()
        };
        node.propose(1, b"x");
        assert_eq!(to_3(&node), 0, "one under way");
        node.hear(3, 2, Body::HeartbeatResponse { round: 0, priority: 0 });
        assert_eq!(to_3(&node), 1, "it was lost, it seems");
        node.propose(2, b"x");
        assert_eq!(to_3(&node), 0);
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert_eq!(to_3(&node), 1, "the rest, ahead");
        node.propose(3, b"x");
        assert_eq!(to_3(&node), 1, "and now each at once");
    }

    #[test]
    fn a_peer_that_has_everything_is_told_the_commit_index_once() {
        let mut node = Node::leading(config(), &[1]);
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        let told = |node: &Node| {
            let empty = |(to, body): (u32, &Body)| match body {
                Body::AppendRequest { slice, commit } if slice.is_empty() => Some((to, commit.0)),
                _ => None,
            };
            node.sent().into_iter().filter_map(empty).collect::<Vec<_>>()
        };
        assert_eq!(told(&node), [(3, 2)]);
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert_eq!(told(&node), []);
        node.propose(1, b"x");
        node.finish_writes();
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert_eq!(told(&node), [(2, 3)], "3 has something under way and hears of it later");
    }

    #[test]
    fn a_heartbeat_tells_each_peer_of_what_it_is_known_to_hold() {
        let mut node = Node::leading(config(), &[1]);
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(1) });
        node.fire(Timer::Heartbeat);
        let commits = node.sent().into_iter().filter_map(|(to, body)| match body {
            Body::Heartbeat { commit, .. } => Some((to, commit.0)),
            _ => None,
        });
        assert_eq!(commits.collect::<Vec<_>>(), [(2, 2), (3, 1), (4, 0)]);
    }

    #[test]
    fn back_pressure_ends_with_what_is_committed_and_one_command_may_always_go() {
        let mut node = Node::leading(Config { uncommitted_bytes_max: 4, ..config() }, &[1]);
        let refused = |node: &Node| {
            node.asked
                .iter()
                .any(|effect| matches!(effect, Effect::Refuse { refusal: Refusal::TooMuchUncommitted, .. }))
        };
        node.propose(1, b"much too large");
        assert!(!refused(&node));
        node.propose(2, b"x");
        assert!(refused(&node) && node.noted(Fact::BackPressure));
        node.finish_writes();
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        for (request, command, expected) in
            [(3, &b"ab"[..], false), (4, b"cd", false), (5, b"e", true), (6, b"", false)]
        {
            node.propose(request, command);
            assert_eq!(refused(&node), expected, "{request}");
        }
    }

    #[test]
    fn entries_are_written_while_they_are_sent_and_once() {
        let mut node = Node::leading(config(), &[1]);
        node.propose(1, b"x");
        let writes = node.asked.iter().filter_map(|effect| match effect {
            Effect::Persist { write, .. } => write.entries.as_ref().map(LogSlice::len),
            _ => None,
        });
        assert_eq!(writes.collect::<Vec<_>>(), [1]);
        assert_eq!(node.raft.durable(), LogIndex(2));
        assert_eq!(node.sent().len(), 1, "2 replicates; 3 and 4 have a probe under way");
    }

    #[test]
    fn a_follower_applies_what_is_committed_and_on_its_own_disk() {
        let mut node = Node::with_log(config(), &[1]);
        node.hear(3, 1, append((1, 1), &[1, 1], 3));
        assert_eq!((node.raft.commit(), node.raft.applied()), (LogIndex(3), LogIndex(1)));
        node.finish_writes();
        assert_eq!(node.raft.applied(), LogIndex(3));
    }

    #[test]
    fn strangers_and_learners_acknowledge_in_vain() {
        let mut node = Node::leading(config(), &[1]);
        node.propose(1, b"x");
        node.finish_writes();
        for from in [4, 9, 4] {
            node.hear(from, 2, Body::AppendAccepted { through: LogIndex(3) });
            assert_eq!(node.raft.commit(), LogIndex(2), "{from}");
        }
    }
}
