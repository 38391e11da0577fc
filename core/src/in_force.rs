//! Who decides, as soon as the log says so (rule `use-at-once`), and whom a leader serves.
//!
//! Holds: a leader serves the members and the servers that catch up, at their last address, and nobody else.
//! Not here: who asks for other members (`reconfiguration`), and what a membership is (`membership`).

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::fact::Fact;
use crate::membership::Membership;
use crate::mutation::Mutation;
use crate::transition::Transition;
use crate::types::{LogId, LogIndex};
use crate::{lease, waiting};

/// A membership was appended: it is in force from now on (rule `use-at-once`).
pub(crate) fn on_appended(t: &mut Transition<'_>, at: LogId, membership: Arc<Membership>) {
    let before = Arc::clone(&t.members.effective().1);
    t.note(Fact::MembershipAppended);
    if membership.is_joint() && !before.is_joint() {
        t.note(Fact::JointEntered);
    }
    if before.is_joint() && !membership.is_joint() {
        t.note(Fact::JointLeft);
        if membership.last_set() != before.last_set() {
            t.note(Fact::JointReverted);
        }
    }
    t.members.push(at, membership);
    on_members_changed(t);
}

/// The log was cut, perhaps with memberships in it.
pub(crate) fn on_cut(t: &mut Transition<'_>, from: LogIndex) {
    if t.members.cut(from) {
        t.note(Fact::MembershipRolledBack);
        on_members_changed(t);
    }
}

pub(crate) fn on_members_changed(t: &mut Transition<'_>) {
    lease::on_members_changed(t);
    if !t.mutated(Mutation::NewMembersNotServed) {
        serve_members(t);
    }
    waiting::maybe_wait_for_election(t);
}

/// A leader serves the members and the servers that catch up, at their last address, and nobody else.
pub(crate) fn serve_members(t: &mut Transition<'_>) {
    let myself = t.id();
    let next = t.log.last().index.next();
    let members = Arc::clone(&t.members.effective().1);
    let in_force = Arc::clone(t.in_force());
    let Some(leader) = t.leading_mut() else { return };
    let mut nodes =
        leader.changes.staging.as_ref().map_or_else(BTreeMap::new, |staging| staging.servers.clone());
    nodes.extend(in_force.nodes());
    nodes.extend(members.nodes());
    nodes.remove(&myself);
    leader.peers.serve(nodes.into_iter(), next);
}
