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
use crate::reconfiguration;
use crate::transition::Transition;
use crate::types::{LogId, NodeId};

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
        && !reconfiguration::is_staging(t, node)
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
