//! The commit index: what a quorum holds, and what follows from it.
//!
//! Holds: it never goes down; a leader counts only what is of its own term (paper, section 5.4.2).
//! Not here: where the acknowledgements come from (`replication`), and what a committed membership leads to
//! (`reconfiguration`).

use crate::fact::Fact;
use crate::mutation::Mutation;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogIndex, NodeId};
use crate::{reading, reconfiguration, serving};

/// Sends what a leader appended in this step. A commit may append again (the next step of a change).
pub(crate) fn send_appended(t: &mut Transition<'_>) {
    while t.take_appended() {
        for place in 0..serving::peer_count(t) {
            serving::send_entries(t, place);
        }
        if !t.keeps(Rule::SelfCountsOnlyWhenDurable) || t.mutated(Mutation::BlankCountsAtAppend) {
            maybe_commit(t);
        }
    }
}

/// Commits what a quorum holds, if it is of this leader's term (paper, section 5.4.2). The leader counts itself by
/// what is on its disk.
pub(crate) fn maybe_commit(t: &mut Transition<'_>) {
    let Some(leader) = t.leading() else { return };
    let myself = t.id();
    let last = t.log.last().index;
    let blank = t.mutated(Mutation::BlankCountsAtAppend) && last == leader.first_own;
    let at_append = !t.keeps(Rule::SelfCountsOnlyWhenDurable) || blank;
    let own = if at_append { last } else { t.durability.log() };
    let held = |id: NodeId| {
        if id == myself { own } else { leader.peers.get(id).map_or(LogIndex(0), |peer| peer.matched) }
    };
    let mut through = t.held_by_quorum(held).min(last);
    if t.mutated(Mutation::FirstSetAloneCommits) {
        let first = t.in_force().sets().first();
        if first.is_some_and(|set| set.len() == 1 && set.contains(myself)) {
            through = own;
        }
    }
    let any_term = !t.keeps(Rule::CommitOnlyOwnTerm);
    let stops = t.mutated(Mutation::CommitStopsAtOlderTerm) && t.commit.next() < leader.first_own;
    let countable = (through >= leader.first_own || any_term) && !stops;
    if through > t.commit && countable {
        advance_commit(t, through);
        serving::tell_commit_to_all(t);
    }
}

/// Moves the commit index up, never down, and tells everyone whom it concerns.
pub(crate) fn advance_commit(t: &mut Transition<'_>, through: LogIndex) {
    if through <= t.commit && !(t.mutated(Mutation::CommitMovesBack) && through < t.commit) {
        return;
    }
    let before = t.commit;
    t.commit = through;
    let members_committed = t.members.commit(through);
    drop_incoming(t);
    if let Some(leader) = t.leading_mut() {
        let is_first = before < leader.first_own;
        let earlier_terms = before.next() < leader.first_own;
        while leader.proposals.front().is_some_and(|proposal| proposal.index <= through) {
            let bytes = leader.proposals.pop_front().map_or(0, |proposal| proposal.bytes);
            leader.uncommitted_bytes -= bytes;
        }
        if earlier_terms {
            t.note(Fact::EarlierTermCommitted);
        }
        if is_first {
            reading::on_first_commit(t);
        }
    }
    reconfiguration::on_commit(t, members_committed);
}

/// What is committed needs no snapshot any more.
fn drop_incoming(t: &mut Transition<'_>) {
    let commit = t.commit;
    if t.incoming.as_ref().is_some_and(|incoming| incoming.last().index <= commit) {
        t.incoming = None;
    }
}
