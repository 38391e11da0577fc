//! What a leader knows of a peer's log, and how much it may send ahead.
//!
//! Holds: `matched < next`; `matched` never goes down within a leader's term.
//! Not here: when to send (`replication`, `snapshotting`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::snapshot::Snapshot;
use crate::types::{Address, LogIndex, NodeId};

/// How a peer is served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Where the logs agree is not known: one append at a time until the peer accepts one.
    Probe {
        /// Whether that one is under way.
        waiting: bool,
    },
    /// Appends are sent ahead, as many entries as the window allows.
    Replicate,
    /// The entries it lacks are gone: a snapshot is under way, one chunk at a time.
    Snapshot(Sending),
}

/// A snapshot on its way to a peer. It stays the same until the peer has it, though newer ones may be taken meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sending {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// Where in its state the chunk under way begins, in bytes.
    pub offset: u64,
    /// Whether a heartbeat was answered since that chunk was sent, and the chunk was not.
    pub silent: bool,
}

/// What a rejection says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Nothing: it speaks of what the peer was found to hold since, or of an append that was sent before the last
    /// rejection and is not sent again yet.
    Late,
    /// Where the logs agree lies further back than was believed.
    News,
    /// The peer does not hold what it acknowledged.
    Denial,
}

/// What a leader knows of one peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Who.
    pub id: NodeId,
    /// Where it is reached, by the members in force.
    pub address: Address,
    /// Its log agrees with the leader's through here.
    pub matched: LogIndex,
    /// The next entry to send.
    pub next: LogIndex,
    /// How it is served.
    pub mode: Mode,
    /// Whether it was heard since the last look (check-quorum).
    pub heard: bool,
    /// Whether it was asked, since the last heartbeat was due, for what it may not have received.
    pub nudged: bool,
    /// The commit index it was told last.
    pub told_commit: LogIndex,
    /// The newest heartbeat round it answered.
    pub round: u64,
    /// Bytes of the commands under way to it.
    pub bytes: u64,
    /// How many entries may be under way to it, if the settings allow as many: half as many after a rejection, and one
    /// more for each entry that it accepts (as TCP's congestion window, RFC 5681).
    ///
    /// Without it, messages that overtake each other start a storm: each is rejected for want of the one it overtook,
    /// and each rejection sends the whole window anew.
    pub window: u64,
}

impl Peer {
    /// A peer of which nothing is known: begin by asking about the leader's last entry.
    #[must_use]
    pub fn unknown(id: NodeId, address: Address, next: LogIndex) -> Peer {
        let mode = Mode::Probe { waiting: false };
        Peer {
            id,
            address,
            matched: LogIndex(0),
            next,
            mode,
            heard: false,
            nudged: false,
            told_commit: LogIndex(0),
            round: 0,
            bytes: 0,
            window: u64::MAX,
        }
    }

    /// It holds everything through here.
    pub fn accepted(&mut self, through: LogIndex) {
        let gained = through.0.saturating_sub(self.matched.0);
        self.window = self.window.saturating_add(gained);
        self.matched = self.matched.max(through);
        self.next = self.next.max(self.matched.next());
        match &self.mode {
            Mode::Probe { .. } => {
                self.mode = Mode::Replicate;
                self.next = self.matched.next();
            }
            Mode::Snapshot(sending) if self.matched >= sending.snapshot.last.index => {
                self.mode = Mode::Replicate;
            }
            Mode::Snapshot(_) | Mode::Replicate => {}
        }
    }

    /// It does not hold `rejected`, but may agree at `hint`.
    ///
    /// A rejection that asks for less than the one before is answered at once. One that asks for nothing less, since it
    /// denies what was acknowledged, never is: the answer would be the same append, and so would be the next rejection.
    /// What was acknowledged is not taken back. It may be committed by now, and a rejection that overtook the
    /// acknowledgement looks the same. A disk that forgets breaks what Raft rests on, its vote included, and is no
    /// leader's to mend: etcd and raft-rs end such a follower by an assertion (`to_commit is out of range`), openraft
    /// ends the leader unless `allow_log_reversion` is set. Here it is asked again with each heartbeat and not served,
    /// until it is removed, or another leads.
    pub fn rejected(&mut self, rejected: LogIndex, hint: LogIndex) -> Rejection {
        let is_late = match &self.mode {
            Mode::Replicate => rejected <= self.matched || self.next <= rejected,
            Mode::Probe { .. } => rejected.next() != self.next,
            Mode::Snapshot(_) => true,
        };
        if is_late {
            return Rejection::Late;
        }
        if rejected <= self.matched {
            return Rejection::Denial;
        }
        self.window = ((self.next.0 - self.matched.0) / 2).max(1);
        self.next = hint.next().min(rejected).max(self.matched.next());
        self.mode = Mode::Probe { waiting: false };
        self.bytes = 0;
        Rejection::News
    }

    /// How many more entries may be sent now.
    #[must_use]
    pub fn room(&self, inflight_entries_max: u64) -> u64 {
        match &self.mode {
            Mode::Probe { waiting: false } => u64::MAX,
            Mode::Replicate => {
                let under_way = self.next.0.saturating_sub(self.matched.0 + 1);
                inflight_entries_max.min(self.window).saturating_sub(under_way)
            }
            Mode::Probe { waiting: true } | Mode::Snapshot(_) => 0,
        }
    }
}

/// The peers of a leader, in order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Peers(Vec<Peer>);

impl Peers {
    /// Its peers.
    #[must_use]
    pub fn as_slice(&self) -> &[Peer] {
        &self.0
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Peer] {
        &mut self.0
    }

    /// Where a peer stands in the list.
    #[must_use]
    pub fn place(&self, id: NodeId) -> Option<usize> {
        self.0.iter().position(|peer| peer.id == id)
    }

    /// What is known of a peer.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Peer> {
        self.0.iter().find(|peer| peer.id == id)
    }

    /// Gives every peer another id and address.
    pub(crate) fn rename(&mut self, id: impl Fn(NodeId) -> NodeId, address: impl Fn(Address) -> Address) {
        for peer in &mut self.0 {
            (peer.id, peer.address) = (id(peer.id), address(peer.address));
        }
        self.0.sort_unstable_by_key(|peer| peer.id);
    }

    /// Serves exactly these from now on; who was served already keeps its progress and takes the new address.
    pub(crate) fn serve(&mut self, nodes: impl Iterator<Item = (NodeId, Address)>, next: LogIndex) {
        let mut before = core::mem::take(&mut self.0);
        for (id, address) in nodes {
            let known = before.iter().position(|peer| peer.id == id).map(|place| before.swap_remove(place));
            let peer = known.unwrap_or_else(|| Peer::unknown(id, address, next));
            self.0.push(Peer { address, ..peer });
        }
        self.0.sort_unstable_by_key(|peer| peer.id);
        self.0.dedup_by_key(|peer| peer.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LogId;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn peer(mode: Mode, matched: u64, next: u64) -> Peer {
        let unknown = Peer::unknown(NodeId(1), Address(1), LogIndex(next));
        Peer { matched: LogIndex(matched), mode, ..unknown }
    }

    #[test]
    fn a_probe_that_is_accepted_replicates_from_there() {
        let mut peer = peer(Mode::Probe { waiting: true }, 0, 9);
        peer.accepted(LogIndex(8));
        assert_eq!((peer.mode, peer.matched, peer.next), (Mode::Replicate, LogIndex(8), LogIndex(9)));
    }

    #[test]
    fn an_earlier_answer_takes_nothing_back() {
        let mut peer = peer(Mode::Replicate, 8, 12);
        peer.accepted(LogIndex(5));
        assert_eq!((peer.matched, peer.next), (LogIndex(8), LogIndex(12)));
        assert_eq!(peer.rejected(LogIndex(8), LogIndex(2)), Rejection::Late);
        assert_eq!(peer.mode, Mode::Replicate);
    }

    #[test]
    fn a_rejection_goes_back_to_the_hint_and_never_below_what_matched() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert_eq!(peer.rejected(LogIndex(11), LogIndex(6)), Rejection::News);
        assert_eq!((&peer.mode, peer.next), (&Mode::Probe { waiting: false }, LogIndex(7)));
        assert_eq!(peer.rejected(LogIndex(6), LogIndex(1)), Rejection::News);
        assert_eq!(peer.next, LogIndex(4));
    }

    #[test]
    fn a_rejection_of_what_was_sent_before_the_last_one_is_late() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert_eq!(peer.rejected(LogIndex(5), LogIndex(4)), Rejection::News);
        peer.accepted(LogIndex(5));
        assert_eq!(peer.rejected(LogIndex(11), LogIndex(6)), Rejection::Late);
        assert_eq!((&peer.mode, peer.next), (&Mode::Replicate, LogIndex(6)));
    }

    #[test]
    fn after_a_rejection_the_window_opens_with_what_is_accepted() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert_eq!(peer.room(256), 248);
        assert_eq!(peer.rejected(LogIndex(5), LogIndex(4)), Rejection::News);
        let room = |peer: &mut Peer, through| {
            peer.accepted(LogIndex(through));
            peer.room(256)
        };
        assert_eq!([4, 5, 6, 10, 1000].map(|through| room(&mut peer, through)), [5, 6, 7, 11, 256]);
    }

    #[test]
    fn the_window_counts_what_is_under_way() {
        assert_eq!(peer(Mode::Replicate, 8, 12).room(8), 5);
        assert_eq!(peer(Mode::Replicate, 8, 17).room(8), 0);
        assert_eq!(peer(Mode::Probe { waiting: true }, 8, 9).room(8), 0);
    }

    #[test]
    fn peers_that_stay_keep_their_progress_and_take_the_new_address() {
        let mut peers = Peers::default();
        let at =
            |list: &[(u32, u32)]| list.iter().map(|(id, at)| (NodeId(*id), Address(*at))).collect::<Vec<_>>();
        peers.serve(at(&[(1, 1), (2, 2)]).into_iter(), LogIndex(5));
        peers.as_mut_slice()[1].accepted(LogIndex(4));
        peers.serve(at(&[(3, 3), (2, 7)]).into_iter(), LogIndex(9));
        assert_eq!(peers.get(NodeId(1)), None);
        assert_eq!(
            peers.get(NodeId(2)).map(|peer| (peer.matched, peer.address)),
            Some((LogIndex(4), Address(7)))
        );
        assert_eq!(peers.get(NodeId(3)).map(|peer| peer.next), Some(LogIndex(9)));
    }

    #[derive(Clone, Copy, Debug)]
    enum Do {
        Send { count: u64 },
        Accept { place: usize },
        Reject { place: usize, back: u64 },
        Forget,
    }

    fn doing() -> impl Strategy<Value = Do> {
        prop_oneof![
            5 => (1u64..6).prop_map(|count| Do::Send { count }),
            4 => (0usize..8).prop_map(|place| Do::Accept { place }),
            2 => (0usize..8, 0u64..6).prop_map(|(place, back)| Do::Reject { place, back }),
            1 => Just(Do::Forget),
        ]
    }

    /// What was sent, by the last entry of each message, oldest first; answers may come in any order and more than once.
    #[derive(Default)]
    struct Wire {
        sent: Vec<u64>,
        under_way: BTreeSet<u64>,
    }

    proptest! {
        #[test]
        fn no_more_is_under_way_than_the_window_and_what_matched_stays(
            limit in 1u64..12, steps in proptest::collection::vec(doing(), 0..80),
        ) {
            let mut peer = Peer::unknown(NodeId(2), Address(2), LogIndex(1));
            let mut wire = Wire::default();
            for step in steps {
                let before = peer.clone();
                match step {
                    Do::Send { count } => {
                        let count = count.min(peer.room(limit));
                        match peer.mode {
                            Mode::Replicate => {
                                for _ in 0..count {
                                    wire.under_way.insert(peer.next.0);
                                    wire.sent.push(peer.next.0);
                                    peer.next = peer.next.next();
                                }
                            }
                            Mode::Probe { waiting: false } => {
                                wire.sent.push(peer.next.0);
                                peer.mode = Mode::Probe { waiting: true };
                            }
                            Mode::Probe { waiting: true } | Mode::Snapshot(_) => prop_assert_eq!(count, 0),
                        }
                    }
                    Do::Accept { place } => {
                        let Some(through) = wire.sent.get(place).copied() else { continue };
                        peer.accepted(LogIndex(through));
                        wire.under_way.retain(|index| *index > through);
                        prop_assert!(peer.matched >= LogIndex(through));
                        prop_assert_eq!(&peer.mode, &Mode::Replicate);
                    }
                    Do::Reject { place, back } => {
                        let Some(rejected) = wire.sent.get(place).map(|index| index - 1) else { continue };
                        let hint = LogIndex(rejected.saturating_sub(back));
                        if peer.rejected(LogIndex(rejected), hint) == Rejection::News {
                            wire.under_way.clear();
                            prop_assert_eq!(&peer.mode, &Mode::Probe { waiting: false });
                            prop_assert!(peer.next < before.next, "what is asked next is something else");
                        } else {
                            prop_assert_eq!(&peer, &before, "any other rejection changes nothing");
                        }
                    }
                    Do::Forget => {
                        if let Mode::Probe { .. } = peer.mode {
                            peer.mode = Mode::Probe { waiting: false };
                        }
                    }
                }
                prop_assert!(peer.matched >= before.matched && peer.matched < peer.next);
                if peer.mode == Mode::Replicate {
                    prop_assert_eq!(wire.under_way.len() as u64, peer.next.0 - peer.matched.0 - 1);
                    prop_assert!(wire.under_way.len() as u64 <= limit);
                }
            }
        }
    }

    #[test]
    fn a_snapshot_under_way_ends_when_it_is_held_and_not_before() {
        let snapshot = Snapshot { last: LogId::new(1, 5), ..Snapshot::default() };
        let sending = Mode::Snapshot(Sending { snapshot: Arc::new(snapshot), offset: 0, silent: false });
        for (through, done) in [(0, false), (4, false), (5, true), (7, true)] {
            let mut peer = peer(sending.clone(), 0, 6);
            peer.accepted(LogIndex(through));
            assert_eq!(peer.mode == Mode::Replicate, done, "{through}");
            assert_eq!(peer.next, LogIndex(6.max(through + 1)), "{through}");
        }
        let mut peer = peer(sending, 0, 6);
        assert_eq!(peer.rejected(LogIndex(3), LogIndex(1)), Rejection::Late, "an append of before");
        assert_eq!(peer.room(9), 0);
    }

    #[test]
    fn a_rejection_lowers_next_at_least_by_one_and_at_most_to_what_matched() {
        // mode, matched, next, rejected, hint => next afterwards, or none if it is no news
        let probe = Mode::Probe { waiting: true };
        let table = [
            (probe.clone(), 0, 10, 9, 8, Some(9)),
            (probe.clone(), 0, 10, 9, 3, Some(4)),
            (probe.clone(), 5, 10, 9, 3, Some(6)),
            (probe.clone(), 0, 10, 9, 9, Some(9)),
            (probe.clone(), 0, 10, 8, 3, None),
            (probe.clone(), 5, 7, 6, 3, Some(6)),
            (probe.clone(), 5, 6, 5, 3, None),
            (probe, 0, 1, 0, 0, None),
            (Mode::Replicate, 5, 10, 9, 8, Some(9)),
            (Mode::Replicate, 5, 10, 6, 5, Some(6)),
            (Mode::Replicate, 5, 10, 5, 4, None),
            (Mode::Replicate, 5, 10, 10, 4, None),
        ];
        for (mode, matched, next, rejected, hint, expected) in table {
            let mut peer = peer(mode, matched, next);
            let is_news = peer.rejected(LogIndex(rejected), LogIndex(hint)) == Rejection::News;
            assert_eq!(is_news.then_some(peer.next.0), expected, "{matched} {next} {rejected} {hint}");
        }
    }
}
