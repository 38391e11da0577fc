//! What a leader knows of a peer's log, and how much it may send ahead.
//!
//! Holds: `matched < next`; `matched` never goes down within a leader's term.
//! Not here: when to send (`replication`, `snapshotting`).

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::snapshotting::Snapshot;
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

    /// It does not hold `rejected`, but may agree at `hint`. Returns whether that is news: a rejection of what it was
    /// found to hold since, or of an append that was sent before the last rejection and is not sent again yet, is late.
    pub fn rejected(&mut self, rejected: LogIndex, hint: LogIndex) -> bool {
        let is_news = match &self.mode {
            Mode::Replicate => self.matched < rejected && rejected < self.next,
            Mode::Probe { .. } => rejected.next() == self.next,
            Mode::Snapshot(_) => false,
        };
        if is_news {
            self.window = ((self.next.0 - self.matched.0) / 2).max(1);
            self.next = hint.next().min(rejected).max(self.matched.next());
            self.mode = Mode::Probe { waiting: false };
            self.bytes = 0;
        }
        is_news
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
        assert!(!peer.rejected(LogIndex(8), LogIndex(2)));
        assert_eq!(peer.mode, Mode::Replicate);
    }

    #[test]
    fn a_rejection_goes_back_to_the_hint_and_never_below_what_matched() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert!(peer.rejected(LogIndex(11), LogIndex(6)));
        assert_eq!((&peer.mode, peer.next), (&Mode::Probe { waiting: false }, LogIndex(7)));
        assert!(peer.rejected(LogIndex(6), LogIndex(1)));
        assert_eq!(peer.next, LogIndex(4));
    }

    #[test]
    fn a_rejection_of_what_was_sent_before_the_last_one_is_late() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert!(peer.rejected(LogIndex(5), LogIndex(4)));
        peer.accepted(LogIndex(5));
        assert!(!peer.rejected(LogIndex(11), LogIndex(6)));
        assert_eq!((&peer.mode, peer.next), (&Mode::Replicate, LogIndex(6)));
    }

    #[test]
    fn after_a_rejection_the_window_opens_with_what_is_accepted() {
        let mut peer = peer(Mode::Replicate, 3, 12);
        assert_eq!(peer.room(256), 248);
        assert!(peer.rejected(LogIndex(5), LogIndex(4)));
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
}
