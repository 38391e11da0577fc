//! Nodes that take part no longer shut down, if that is the setting (Apache Ratis; hashicorp/raft, `ShutdownOnRemove`).
//!
//! Holds: nobody shuts down before the members that leave it out are committed; a node that holds an entry after them,
//! or that catches up, is not told to.
//! Not here: a removed leader's last words (`reconfiguration`), a removed node that is left running (`election`).
//!
//! A leader stops serving whom it removes, so a removed follower learns of it in one way only: it stands for election,
//! and a leader answers. One that reaches no leader runs on. So does a removed learner, which never stands.

use crate::fact::Fact;
use crate::message::Body;
use crate::mutation::Mutation;
use crate::transition::Transition;
use crate::types::{LogId, NodeId};

/// Whether a node catches up before a change.
fn is_staging(t: &Transition<'_>, node: NodeId) -> bool {
    let staging = t.leading().and_then(|leader| leader.changes.staging.as_ref());
    staging.is_some_and(|staging| staging.servers.contains_key(&node))
}

/// Answers a node that asks for a vote and takes part no longer. Returns whether it is one.
pub(crate) fn turn_away(t: &mut Transition<'_>, from: NodeId, last: LogId) -> bool {
    let gone = t.config.shutdown_on_remove && is_out(t, from, last);
    if gone {
        t.note(Fact::RemovedNodeTold);
        t.reply(Body::NotAMember);
    }
    gone
}

/// Whether the committed members leave a node out, and it cannot hold later ones that do not.
fn is_out(t: &Transition<'_>, node: NodeId, last: LogId) -> bool {
    let early = t.mutated(Mutation::RemovedToldAtAppend);
    let (at, members) = if early { t.members.effective() } else { t.members.committed() };
    let stable = early || !t.members.is_changing();
    t.leading().is_some()
        && stable
        && !members.is_joint()
        && !members.nodes().contains_key(&node)
        && last.index <= at.index
        && !is_staging(t, node)
}

/// A leader says that this node takes part no longer. Whatever the leader's term is: what is committed stays so.
pub(crate) fn on_told(t: &mut Transition<'_>) {
    if t.config.shutdown_on_remove {
        t.shut_down();
    }
}

/// Members were committed: is this node gone with them? A node that they never knew is not; it may be catching up.
pub(crate) fn on_members_committed(t: &mut Transition<'_>) {
    let gone = t.members.committed().1.retired().contains(&t.id());
    if t.config.shutdown_on_remove && gone && !t.members.is_changing() {
        t.shut_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::effect::Effect;
    use crate::testing::{Node, config};
    use crate::types::{Address, LogIndex};
    use crate::{Change, Timer};

    fn leaving() -> Config {
        Config { shutdown_on_remove: true, ..config() }
    }

    /// The leader of {1 2}, from which 3 was removed at (2,3), committed or not.
    fn without_3(config: Config, is_committed: bool) -> Node {
        let mut node = Node::leading(config, &[1]);
        node.change(1, Change::RemoveServer { node: NodeId(3) });
        node.finish_writes();
        if is_committed {
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
            assert!(!node.state().members.is_changing());
        }
        node
    }

    fn asks(node: &mut Node, from: u32, last: (u64, u64)) -> bool {
        let last = LogId::new(last.0, last.1);
        let mut told = [false; 2];
        for (told, body) in told
            .iter_mut()
            .zip([Body::PreVoteRequest { last, priority: 0 }, Body::VoteRequest { last, forced: false }])
        {
            node.hear(from, 5, body);
            *told = node.sent() == [(from, &Body::NotAMember)];
        }
        assert_eq!(told[0], told[1], "a pre-vote and a vote are one question");
        told[0]
    }

    #[test]
    fn a_leader_tells_who_is_out_and_cannot_know_better() {
        // who asks, its last entry => told
        let table = [
            (3, (2, 2), true),
            (3, (2, 3), true),
            (3, (2, 4), false),
            (2, (2, 2), false),
            (4, (0, 0), false),
        ];
        for (from, last, told) in table {
            assert_eq!(asks(&mut without_3(leaving(), true), from, last), told, "{from} {last:?}");
            assert!(!asks(&mut without_3(leaving(), false), from, last), "{from}: it is not committed");
            assert!(!asks(&mut without_3(config(), true), from, last), "{from}: nobody is sent away");
        }
    }

    #[test]
    fn who_catches_up_is_not_out() {
        let mut node = Node::leading(Config { majority_add: true, ..leaving() }, &[1]);
        assert!(asks(&mut node, 5, (0, 0)), "a stranger is");
        let servers = [(NodeId(5), Address(5))].into();
        let mode = crate::SetMode::Add;
        node.change(1, Change::SetConfiguration { mode, servers, listeners: [].into() });
        assert!(serves_5(&node) && !asks(&mut node, 5, (0, 0)));
    }

    fn serves_5(node: &Node) -> bool {
        node.raft.peers().is_some_and(|peers| peers.get(NodeId(5)).is_some())
    }

    #[test]
    fn only_a_leader_turns_anyone_away() {
        let mut node = without_3(leaving(), true);
        node.hear(2, 4, Body::TermOver);
        node.fire(Timer::Stickiness);
        assert!(!asks(&mut node, 3, (2, 2)));
    }

    #[test]
    fn a_process_that_was_told_ends_and_does_nothing_more() {
        let mut node = Node::with_log(leaving(), &[1]);
        node.hear(3, 0, Body::NotAMember);
        assert_eq!(node.asked, [Effect::ShutDown], "whatever the term: what is committed stays so");
        assert!(node.raft.is_shut_down());
        let before = node.raft.clone();
        node.fire(Timer::Election);
        node.hear(3, 9, Body::TermOver);
        node.propose(1, b"x");
        assert_eq!((&node.raft, node.asked.len()), (&before, 0));
    }

    #[test]
    fn a_removed_leader_ends_with_its_last_words() {
        let remove_1 = Change::RemoveServer { node: NodeId(1) };
        for (config, ends) in [(leaving(), true), (config(), false)] {
            let mut node = Node::leading(config, &[1]);
            node.change(1, remove_1.clone());
            node.finish_writes();
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
            assert!(!node.asked.contains(&Effect::ShutDown), "2 of {{2 3}} decides nothing, nor does 1");
            node.hear(3, 2, Body::AppendAccepted { through: LogIndex(3) });
            assert!(node.noted(Fact::LeaderRemoved) && !node.raft.leads());
            assert_eq!(node.asked.last() == Some(&Effect::ShutDown), ends);
            let told = node
                .sent()
                .iter()
                .any(|(_, body)| **body == Body::Heartbeat { commit: LogIndex(3), round: 0 });
            assert!(told, "the others hear that it is committed");
        }
    }
}
