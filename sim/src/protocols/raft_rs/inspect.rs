//! What a raft-rs node shows to checkers and readers.

use std::collections::BTreeSet;
use std::fmt;

use raft::{INVALID_ID, StateRole};

use super::node::RaftRs;
use super::numbers::{index_in, index_out, node_id, term_out};
use super::words;
use crate::protocol::{EntryMark, Epoch, Inspect, NodeId, QuorumSets, Words};

impl Inspect for RaftRs {
    fn epoch(&self) -> Epoch {
        Epoch(term_out(self.raw.raft.term))
    }

    fn leads(&self) -> bool {
        self.raw.raft.state == StateRole::Leader
    }

    fn role(&self) -> &'static str {
        match self.raw.raft.state {
            StateRole::Follower if self.conf.get_voters().is_empty() => "uninitialised",
            StateRole::Follower if !self.raw.raft.promotable() => "learner",
            StateRole::Follower => "follower",
            StateRole::PreCandidate => "pre-candidate",
            StateRole::Candidate => "candidate",
            StateRole::Leader => "leader",
        }
    }

    fn commit(&self) -> u64 {
        index_out(self.raw.raft.raft_log.committed)
    }

    fn applied(&self) -> u64 {
        index_out(self.applied)
    }

    fn last(&self) -> u64 {
        index_out(self.raw.raft.raft_log.last_index())
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        crate::protocol::Disk::mark(self.raw.store(), index)
    }

    fn entry(&self, index: u64, words: &dyn Words) -> Option<String> {
        Some(words::entry(self.raw.store().entry(index_in(index))?, words))
    }

    fn quorums(&self) -> QuorumSets {
        let sets = [self.conf.get_voters_outgoing(), self.conf.get_voters()];
        let sets = sets.into_iter().filter(|set| !set.is_empty());
        sets.map(|set| set.iter().map(|&id| node_id(id)).collect()).collect()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        let sets = [self.conf.get_voters_outgoing(), self.conf.get_voters()];
        for (number, set) in sets.into_iter().filter(|set| !set.is_empty()).enumerate() {
            set.iter().for_each(|&id| visit(number, node_id(id)));
        }
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        self.conf.get_learners().iter().map(|&id| node_id(id)).collect()
    }

    fn describe(&self) -> String {
        let raft = &self.raw.raft;
        let name = |id: u64| if id == INVALID_ID { "nobody".to_owned() } else { node_id(id).0.to_string() };
        let sets: Vec<String> = self
            .quorums()
            .iter()
            .map(|set| {
                let ids: Vec<String> = set.iter().map(|id| id.0.to_string()).collect();
                format!("{{{}}}", ids.join(","))
            })
            .collect();
        format!(
            "{} in term {}, votes for {}, follows {}; log ({},{}), durable {}, commit {}, applied {}, snapshot {}; voters {}",
            self.role(),
            term_out(raft.term),
            name(raft.vote),
            name(raft.leader_id),
            term_out(raft.raft_log.last_term()),
            self.last(),
            index_out(raft.raft_log.persisted),
            self.commit(),
            self.applied(),
            index_out(self.raw.store().image.index),
            sets.join(""),
        )
    }
}

impl fmt::Debug for RaftRs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
