//! Snapshots: the log's beginning replaced by the machine's state (paper, section 7; thesis 5).
//!
//! Holds: a snapshot contains only what is committed; it never replaces a log that holds its last entry.
//! Not here: the state itself, opaque bytes of the caller's machine.

use alloc::sync::Arc;

use crate::election;
use crate::fact::Fact;
use crate::membership::{History, Membership};
use crate::message::Body;
use crate::mutation::Mutation;
use crate::progress::Mode;
use crate::replication;
use crate::rules::Rule;
use crate::transition::Transition;
use crate::types::{LogId, LogIndex, NodeId};

/// The machine's state at an index, with the members at that index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    /// The last entry it contains.
    pub last: LogId,
    /// Where the members stood in the log.
    pub membership_at: LogId,
    /// The members at `last`.
    pub membership: Arc<Membership>,
    /// The machine's state.
    pub state: Arc<[u8]>,
}

/// The machine's state is taken: the log below it is not needed any more.
pub(crate) fn on_taken(t: &mut Transition<'_>, through: LogIndex, state: Arc<[u8]>) {
    if through > t.applied || through <= t.log.base().index {
        return;
    }
    let Some(last) = t.log.id_at(through) else { return };
    let (membership_at, membership) = if t.keeps(Rule::SnapshotCarriesCommittedMembership) {
        t.members.at(through).clone()
    } else {
        t.members.effective().clone()
    };
    t.note(Fact::LogCompacted);
    t.snapshot = Arc::new(Snapshot { last, membership_at, membership, state });
    t.log.compact(through);
    t.members.compact(through);
    t.snapshot_changed();
}

/// Sends the snapshot to a peer that lacks entries which are not here any more.
pub(crate) fn send(t: &mut Transition<'_>, place: usize) {
    let snapshot = Arc::clone(&t.snapshot);
    let through = snapshot.last.index;
    let Some(leader) = t.leading_mut() else { return };
    let Some(peer) = leader.peers.as_mut_slice().get_mut(place) else { return };
    peer.mode = Mode::Snapshot { through };
    let (id, address) = (peer.id, peer.address);
    t.note(Fact::SnapshotSent);
    t.send(id, address, Body::SnapshotRequest { snapshot });
}

pub(crate) fn on_request(t: &mut Transition<'_>, from: NodeId, snapshot: &Arc<Snapshot>) {
    if !election::on_leader_contact(t, from) {
        return;
    }
    let last = snapshot.last;
    let held = t.log.matches(last) && !t.mutated(Mutation::SnapshotOverLongerLog);
    if last.index <= t.commit || held {
        t.note(Fact::SnapshotOutdated);
        replication::advance_commit(t, last.index);
    } else {
        install(t, snapshot);
    }
    t.reply(Body::SnapshotAccepted { through: last.index });
}

/// Replaces the log. The machine takes the state once the snapshot is on the disk.
fn install(t: &mut Transition<'_>, snapshot: &Arc<Snapshot>) {
    t.note(Fact::SnapshotInstalled);
    if t.durability.is_writing() {
        t.note(Fact::SnapshotMidWrite);
    }
    let first_gone = t.commit.next();
    t.durability.cut(first_gone);
    t.log.restore(snapshot.last);
    t.log_changed(first_gone);
    t.members = History::starting_with(snapshot.membership_at, Arc::clone(&snapshot.membership));
    t.snapshot = Arc::clone(snapshot);
    t.commit = snapshot.last.index;
    t.snapshot_changed();
    election::maybe_wait_for_election(t);
}
