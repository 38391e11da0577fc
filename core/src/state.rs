//! A node as a value: everything that it knows and remembers.
//!
//! Holds: `snapshot <= applied <= commit <= last` and `applied <= durable <= last` (`invariants`).
//! Not here: how it changes (`transition`, and the topics above it).

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::config::Config;
use crate::durability::{Durability, Envelope};
use crate::log::{Entry, Log, Payload};
use crate::membership::{History, Membership};
#[cfg(feature = "mutations")]
use crate::mutated_quorum;
use crate::mutation::Mutation;
use crate::pending::{Changes, FollowerReads, Proposal, Reads, Transfer, Votes};
use crate::progress::Peers;
use crate::quorum::{joint, majority};
use crate::recovery::{Durable, HardState};
use crate::rules::Rule;
use crate::snapshot::{Incoming, Snapshot};
use crate::types::{LogId, LogIndex, NodeId, Term};

/// A node of a Raft cluster. Moving one moves a pointer; cloning one costs a few reference counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Raft(pub(crate) Box<State>);

/// The role of a node (paper, Figure 4), with pre-candidates told apart (thesis 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RoleName {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected.
    PreCandidate,
    /// Stands for election.
    Candidate,
    /// Leads.
    Leader,
}

/// The role with what belongs to it. A leader's part is large, but there is one of it in a boxed state, and every
/// acknowledgement reads it.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Follower,
    PreCandidate(Votes),
    Candidate(Votes),
    Leader(Leader),
}

/// What only a leader has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Leader {
    pub(crate) peers: Peers,
    /// Its first entry: from here on the log is of its own term.
    pub(crate) first_own: LogIndex,
    /// Whether it tried to give way to a voter of higher priority.
    pub(crate) gave_way: bool,
    pub(crate) proposals: VecDeque<Proposal>,
    pub(crate) uncommitted_bytes: u64,
    pub(crate) reads: Reads,
    pub(crate) changes: Changes,
}

/// Which of the two timers of a follower runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Waiting {
    Nothing,
    Stickiness,
    Election,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) hard_state: HardState,
    pub(crate) role: Role,
    pub(crate) leader: Option<NodeId>,
    /// Whether the leader gave a sign of life within the shortest election timeout.
    pub(crate) leader_lives: bool,
    pub(crate) waiting: Waiting,
    pub(crate) log: Log,
    pub(crate) members: History,
    pub(crate) snapshot: Arc<Snapshot>,
    /// The snapshot that is being received. In memory only: a restart begins it anew.
    pub(crate) incoming: Option<Incoming>,
    pub(crate) commit: LogIndex,
    pub(crate) applied: LogIndex,
    pub(crate) durability: Durability,
    /// Outlives the leader that began it, to learn who took over.
    pub(crate) transfer: Option<Transfer>,
    /// Whether this node has taken part for the last time.
    pub(crate) is_shut_down: bool,
    pub(crate) follower_reads: FollowerReads,
    /// What this node knew of its peers when it led last; only a mutation keeps it.
    pub(crate) former_peers: Option<Peers>,
    /// Messages of this step that may have to wait; empty between steps, kept for its room.
    pub(crate) outbox: Vec<Envelope>,
}

impl Raft {
    /// Who this node is.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.0.config.id
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Its term.
    #[must_use]
    pub fn term(&self) -> Term {
        self.0.hard_state.term
    }

    /// Who has its vote in this term.
    #[must_use]
    pub fn vote(&self) -> Option<NodeId> {
        self.0.hard_state.vote
    }

    /// Its role.
    #[must_use]
    pub fn role(&self) -> RoleName {
        match self.0.role {
            Role::Follower => RoleName::Follower,
            Role::PreCandidate(_) => RoleName::PreCandidate,
            Role::Candidate(_) => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
        }
    }

    /// Whether it believes that it leads in its term.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.0.role, Role::Leader(_))
    }

    /// Who leads in its term, as far as it knows.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.0.leader
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The last snapshot that it took or received whole; index 0 when there is none.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.0.snapshot
    }

    /// The log is known to be committed through here.
    #[must_use]
    pub fn commit(&self) -> LogIndex {
        self.0.commit
    }

    /// How many bytes of a snapshot have arrived that is not installed yet.
    #[must_use]
    pub fn snapshot_bytes_received(&self) -> u64 {
        self.0.incoming.as_ref().map_or(0, |incoming| incoming.bytes.len() as u64)
    }

    /// The log is handed to the machine through here.
    #[must_use]
    pub fn applied(&self) -> LogIndex {
        self.0.applied
    }

    /// The log is on the disk through here.
    #[must_use]
    pub fn durable(&self) -> LogIndex {
        self.0.durability.log()
    }

    /// The members that decide.
    #[must_use]
    pub fn membership(&self) -> &Arc<Membership> {
        self.0.in_force()
    }

    /// The last members in the log, and where they stand.
    #[must_use]
    pub fn effective_membership(&self) -> &(LogId, Arc<Membership>) {
        self.0.members.effective()
    }

    /// The last members known to be committed, and where they stand.
    #[must_use]
    pub fn committed_membership(&self) -> &(LogId, Arc<Membership>) {
        self.0.members.committed()
    }

    /// What a leader knows of its peers; `None` when it does not lead.
    #[must_use]
    pub fn peers(&self) -> Option<&Peers> {
        self.0.leading().map(|leader| &leader.peers)
    }

    /// Whether it has asked to be ended (`Effect::ShutDown`). A node that is booted again on the same disk has not.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.0.is_shut_down
    }

    /// Whether a write is under way.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.0.durability.is_writing()
    }
}

impl State {
    pub(crate) fn recovered(config: Config, disk: &Durable) -> State {
        let snapshot = Arc::clone(&disk.snapshot);
        #[cfg_attr(not(feature = "mutations"), allow(unused_mut))]
        let mut first = Arc::clone(&snapshot.membership);
        #[cfg(feature = "mutations")]
        if config.mutation == Some(Mutation::JointDroppedOnBoot) && snapshot.last.index.0 > 0 {
            first = mutated_quorum::last_set_only(first);
        }
        let mut members = History::starting_with(snapshot.membership_at, first);
        let after_snapshot = |entry: &&Entry| entry.id.index > snapshot.last.index;
        #[cfg(feature = "mutations")]
        let is_read = config.mutation != Some(Mutation::BootIgnoresLoggedMembers);
        #[cfg(not(feature = "mutations"))]
        let is_read = true;
        for entry in disk.log.iter().filter(after_snapshot).filter(|_| is_read) {
            if let Payload::Membership(membership) = &entry.payload {
                members.push(entry.id, Arc::clone(membership));
            }
        }
        State {
            config,
            hard_state: disk.hard_state,
            role: Role::Follower,
            leader: None,
            leader_lives: false,
            waiting: Waiting::Nothing,
            log: disk.log.clone(),
            members,
            commit: snapshot.last.index,
            snapshot,
            incoming: None,
            applied: LogIndex(0),
            durability: Durability::starting_with(disk.log.last().index),
            transfer: None,
            is_shut_down: false,
            follower_reads: FollowerReads::default(),
            former_peers: None,
            outbox: Vec::new(),
        }
    }

    /// Whether a safety rule is kept: not switched off, nor left out by a deliberate mistake.
    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        #[cfg(feature = "mutations")]
        if self.config.mutation.and_then(Mutation::leaves_out) == Some(rule) {
            return false;
        }
        self.config.rules.keep(rule)
    }

    /// Whether this deliberate mistake is made; never without the feature `mutations`.
    #[cfg(feature = "mutations")]
    pub(crate) fn mutated(&self, mutation: Mutation) -> bool {
        self.config.mutation == Some(mutation)
    }

    /// Whether this deliberate mistake is made; never without the feature `mutations`.
    #[cfg(not(feature = "mutations"))]
    pub(crate) const fn mutated(&self, _: Mutation) -> bool {
        false
    }

    /// Whether every rule is kept and no deliberate mistake is made, so that the invariants must hold.
    #[cfg(debug_assertions)]
    pub(crate) fn is_correct(&self) -> bool {
        #[cfg(feature = "mutations")]
        if self.config.mutation.is_some() {
            return false;
        }
        self.config.rules.are_all_on()
    }

    pub(crate) fn id(&self) -> NodeId {
        self.config.id
    }

    pub(crate) fn term(&self) -> Term {
        self.hard_state.term
    }

    pub(crate) fn leading(&self) -> Option<&Leader> {
        match &self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    pub(crate) fn leading_mut(&mut self) -> Option<&mut Leader> {
        match &mut self.role {
            Role::Leader(leader) => Some(leader),
            Role::Follower | Role::PreCandidate(_) | Role::Candidate(_) => None,
        }
    }

    /// The members that decide: the last ones in the log (rule `use-at-once`), or, without the rule, the last ones
    /// known to be committed.
    pub(crate) fn in_force(&self) -> &Arc<Membership> {
        if self.keeps(Rule::UseAtOnce) { &self.members.effective().1 } else { &self.members.committed().1 }
    }

    /// Whether the nodes that say yes decide (rule `quorum-in-every-set`).
    pub(crate) fn is_quorum(&self, mut yes: impl FnMut(NodeId) -> bool) -> bool {
        let members = self.in_force();
        #[cfg(feature = "mutations")]
        if let Some(won) = mutated_quorum::won(self.config.mutation, members, &mut yes) {
            return won;
        }
        if self.keeps(Rule::QuorumInEverySet) {
            joint::won(members.sets(), &mut yes)
        } else {
            members.is_initialised() && majority::won(&members.voters(), &mut yes)
        }
    }

    /// The highest index that a quorum holds.
    pub(crate) fn held_by_quorum(&self, mut held: impl FnMut(NodeId) -> LogIndex) -> LogIndex {
        let members = self.in_force();
        #[cfg(feature = "mutations")]
        if let Some(index) = mutated_quorum::committed(self.config.mutation, members, &mut held) {
            return index;
        }
        if self.keeps(Rule::QuorumInEverySet) {
            joint::committed(members.sets(), &mut held)
        } else if members.is_initialised() {
            majority::committed(&members.voters(), &mut held)
        } else {
            LogIndex(0)
        }
    }

    /// Whether this node may stand for election: a voter of the last members in the log, or of the last committed
    /// ones, or of those that the last ones replace. The latter because a removed node may hold the only copy of the
    /// entry that removes it, and may have forgotten in a restart what was committed before; then nobody else can be
    /// elected (thesis 4.2.2).
    pub(crate) fn may_campaign(&self) -> bool {
        let committed = core::iter::once(self.members.committed()).chain(self.members.replaced());
        let was_voter = committed.map(|(_, members)| members).any(|members| members.is_voter(self.id()));
        self.in_force().is_voter(self.id()) || was_voter && !self.mutated(Mutation::RemovedMayNotCampaign)
    }
}
