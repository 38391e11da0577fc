//! Deliberate mistakes of real systems, for testing the checkers and the search.
//!
//! Holds: without the feature `mutations` no mistake can be switched on and the questions cost nothing.
//! Not here: rules that a scenario may switch off in any build (`rules`).

#![cfg_attr(not(feature = "mutations"), allow(unreachable_pub, dead_code))]

#[cfg(feature = "mutations")]
use crate::rules::Rule;

/// A mistake. Its name, source and reason stand in [`Mutation::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mutation {
    /// A candidate counts votes of an older term.
    StaleVoteResponse,
    /// Votes are counted, not voters: a message that comes twice counts twice.
    VotesNotVoters,
    /// Who hears from the leader of its term forgets its vote.
    VoteClearedInTerm,
    /// A node votes for everyone who asks.
    VoteTwice,
    /// A leader votes for whoever asks in its own term.
    LeaderGrantsVotes,
    /// A vote for another is never written to the disk.
    VoteNotPersisted,
    /// A vote is told before it is on the disk.
    VoteBeforeDurable,
    /// Pre-votes count as votes.
    PreVotesKept,
    /// A higher term seen in a message is never written to the disk, nor a vote in it.
    TermNotPersisted,
    /// Half of an even set decides.
    EvenQuorumShort,
    /// A third of a set and one decide.
    ThirdIsQuorum,
    /// Logs are compared by length only.
    UpToDateByIndex,
    /// Logs are compared by last term only.
    UpToDateByTerm,
    /// An election that a leader asked for need not be up to date.
    ForcedSkipsUpToDate,
    /// A refused pre-vote does not tell the higher term.
    PreVoteRefusalHidesTerm,
    /// A follower whose leader falls silent does not begin to wait for an election.
    ElectionTimerLost,
    /// Only voters of the last membership in the log may stand.
    RemovedMayNotCampaign,
    /// A node that does not know yet of its promotion refuses to vote.
    LearnerRefusesVote,
    /// A leader commits entries of earlier terms by counting.
    CommitOlderTerm,
    /// A leader never commits past an entry of an earlier term.
    CommitStopsAtOlderTerm,
    /// A new leader appends no entry of its own.
    NoBlankEntry,
    /// A late append cuts what follows it although it agrees.
    AppendTruncatesSuffix,
    /// An entry that conflicts stays.
    ConflictKept,
    /// The entry before an append is compared by index only.
    PrevTermUnchecked,
    /// An append from the log's beginning replaces the whole log.
    PrevZeroUnchecked,
    /// An append of a lower term is accepted.
    StaleLeaderObeyed,
    /// A heartbeat tells the commit index to a peer that may hold other entries.
    HeartbeatCommitUnbounded,
    /// A heartbeat is acknowledged as an empty append would be, with the last index of the log.
    AckReportsLast,
    /// The hint of a rejection counts as held.
    RejectionCounts,
    /// A rejection of what was acknowledged is answered at once by the same append.
    DeniedMatchIsNews,
    /// The quorum's index is read off an unsorted list.
    UnsortedQuorumScan,
    /// The most frequent index counts as held by a quorum.
    CommitByMode,
    /// The commit index follows whatever a message says.
    CommitMovesBack,
    /// What is durable is applied before it is committed.
    ApplyUncommitted,
    /// A leader counts itself before its disk has answered.
    SelfCountsAtAppend,
    /// A new leader counts its first entry before its disk has answered.
    BlankCountsAtAppend,
    /// A follower acknowledges entries before its disk has answered.
    AckBeforeDurable,
    /// A cut does not take back what unfinished writes promised.
    CutKeepsPromise,
    /// A leader that is alone in the first set commits without replication.
    FirstSetAloneCommits,
    /// Only the first set of a joint config decides.
    NewVotersIgnored,
    /// A joint config decides by one majority over the union.
    UnionQuorum,
    /// Learners count in quorums.
    LearnersCounted,
    /// The first entry of a leader leaves the joint config.
    FirstEntryLeavesJoint,
    /// A leader changes members before it committed an entry of its own term.
    ChangeBeforeOwnCommit,
    /// A change is proposed while another one is not committed.
    ChangeDuringChange,
    /// A node is told to shut down by members that are not committed.
    RemovedToldAtAppend,
    /// A restart on a snapshot forgets the old half of a joint config.
    JointDroppedOnBoot,
    /// A late snapshot replaces a log that holds its last entry.
    SnapshotOverLongerLog,
    /// A snapshot is acknowledged before it is on the disk.
    SnapshotAckBeforeDurable,
    /// A chunk of a snapshot is added wherever it belongs.
    ChunkOffsetIgnored,
    /// A chunk of another snapshot is added to a half-received one.
    ChunkOfAnotherSnapshot,
    /// A new leader reads before it committed an entry of its own term.
    ReadWithoutOwnCommit,
    /// A leader reads without asking whether it still leads.
    ReadWithoutConfirm,
    /// A read is confirmed by a round that began before it.
    ReadJoinsRound,
    /// Any node reads its own machine.
    ReadAtFollower,
    /// One answer fewer than a quorum confirms a read.
    ReadQuorumShort,
    /// A lease lasts for as long as its leader believes to lead.
    LeaseNeverEnds,
    /// A follower serves a read before it applied what the leader named.
    ReadBeforeApplied,
    /// A follower takes whatever read index comes for the one that it waits for.
    ReadAnswerForAnother,
    /// A candidate that stands again keeps the votes of its last term.
    VotesOutliveTerm,
    /// A higher term does not free the vote of the last one.
    VoteOutlivesTerm,
    /// An append without entries is accepted whatever comes before it.
    EmptyAppendUnchecked,
    /// A probe that was lost is never sent again.
    ProbeStaysPaused,
    /// What was rejected counts as under way for ever.
    WindowNeverReopens,
    /// A membership that is cut from the log stays in force.
    RollbackForgotten,
    /// A snapshot holds the last membership of the log, committed or not.
    SnapshotLatestMembers,
    /// A snapshot that is installed leaves the members as they were.
    InstallKeepsMembers,
    /// A chunk of a snapshot that was lost is never sent again.
    ChunkNeverRepeated,
    /// A leader names what it has applied, which its disk holds back, to a follower that reads.
    ReadIndexApplied,
    /// A follower serves later reads of a term by the index that it was told for an earlier one.
    ReadIndexRemembered,
    /// A lease counts from when its round was answered.
    LeaseFromAnswer,
    /// The answer to one write counts for all that were issued after it.
    PersistedCountsLater,
    /// Any answer to a heartbeat confirms the newest round of reads.
    LateAnswerConfirms,
    /// Only the last set of a joint config confirms reads.
    ReadQuorumLastSet,
    /// A snapshot is taken for known where the log is as long.
    SnapshotHeldByIndex,
    /// A rejected append tells the commit index all the same.
    CommitFromRejectedAppend,
    /// A snapshot that holds nothing new commits the whole log.
    SnapshotCommitsTail,
    /// A rejected append is sent again from where it was sent before.
    RejectionWithoutProgress,
    /// A leader that is elected again counts what its followers held in its last term.
    ProgressSurvivesReign,
    /// A transfer that comes to nothing is waited for until the end of time.
    TransferNeverEnds,
    /// Whoever asked for a change is told nothing when its leader steps down.
    ChangeNeverAnswered,
    /// A snapshot whose last chunk was sent counts as held.
    SnapshotSentIsHeld,
    /// A restart goes by the members of the snapshot, not by later ones in the log.
    BootIgnoresLoggedMembers,
    /// Every acknowledgement is answered by the commit index, whether it is news or not.
    CommitToldForEver,
    /// Who lost a full window that has been compacted since is asked about it for ever.
    LostWindowPurged,
    /// Who has taken a snapshot is sent no entries after it.
    SnapshotNeverLeft,
    /// A leader that steps down does not wait for an election.
    SteppedDownNeverStands,
    /// A candidate that wins no majority never stands again.
    CandidateWaitsForEver,
    /// A leader goes on serving those whom it served when it was elected.
    NewMembersNotServed,
    /// A leader that the committed members leave out goes on.
    RemovedLeaderStays,
    /// A follower takes a heartbeat's commit index for the answer to its read.
    ReadIndexFromHeartbeat,
    /// A lease lasts as long as a promise, whatever the clocks do.
    LeaseIgnoresDrift,
    /// A refused vote counts like a granted one.
    RefusalCountsAsVote,
    /// A candidate's vote for itself is never written to the disk.
    OwnVoteNotPersisted,
    /// An acknowledgement waits for the first write that is under way, whichever it is.
    AckWaitsForFirstWrite,
    /// Learners confirm reads.
    ReadQuorumCountsLearners,
}

#[cfg(feature = "mutations")]
impl Mutation {
    /// The rule that this mistake amounts to leaving out, if it is no more than that. The topics ask for the rule alone.
    pub(crate) fn leaves_out(self) -> Option<Rule> {
        RULES_LEFT_OUT.iter().find(|(mutation, _)| *mutation == self).map(|(_, rule)| *rule)
    }
}

#[cfg(feature = "mutations")]
const RULES_LEFT_OUT: [(Mutation, Rule); 10] = [
    (Mutation::VoteTwice, Rule::OneVotePerTerm),
    (Mutation::CommitOlderTerm, Rule::CommitOnlyOwnTerm),
    (Mutation::SelfCountsAtAppend, Rule::SelfCountsOnlyWhenDurable),
    (Mutation::CutKeepsPromise, Rule::CutTakesBackPromises),
    (Mutation::FirstEntryLeavesJoint, Rule::FirstEntryKeepsJoint),
    (Mutation::ChangeBeforeOwnCommit, Rule::InitialLog),
    (Mutation::ChangeDuringChange, Rule::ProposeAfterCommit),
    (Mutation::ReadWithoutOwnCommit, Rule::ReadNeedsOwnTermCommit),
    (Mutation::ReadWithoutConfirm, Rule::ReadConfirmsLeadership),
    (Mutation::ReadBeforeApplied, Rule::ReadWaitsForApplied),
];

/// What a reader wants to know of a mutation.
#[cfg(feature = "mutations")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutationInfo {
    /// Which one.
    pub mutation: Mutation,
    /// Its name, in kebab case.
    pub name: &'static str,
    /// The published bug it repeats.
    pub source: &'static str,
    /// The promises of which it must break one, by name, most telling first.
    pub promises: &'static [&'static str],
    /// What it does.
    pub breaks: &'static str,
}

#[cfg(feature = "mutations")]
impl Mutation {
    /// Every mutation, in the order of the catalogue: elections, replication, durability, membership, snapshots, reads.
    pub const ALL: &'static [MutationInfo] = &[
        MutationInfo {
            mutation: Mutation::StaleVoteResponse,
            name: "stale-vote-response",
            source: "Xraft#1 (SandTable); akka-raft 46",
            promises: &["election-safety"],
            breaks: "a candidate counts votes of an older term",
        },
        MutationInfo {
            mutation: Mutation::VotesNotVoters,
            name: "votes-not-voters",
            source: "akka-raft 45",
            promises: &["election-safety"],
            breaks: "votes are counted, not voters: a message that comes twice counts twice",
        },
        MutationInfo {
            mutation: Mutation::VoteClearedInTerm,
            name: "vote-cleared-in-term",
            source: "etcd 9d2a465; willemt daa93cb",
            promises: &["election-safety"],
            breaks: "who hears from the leader of its term forgets its vote",
        },
        MutationInfo {
            mutation: Mutation::VoteTwice,
            name: "vote-twice",
            source: "camunda 5356; akka-raft 56; CCF 5891",
            promises: &["election-safety"],
            breaks: "a node votes for everyone who asks",
        },
        MutationInfo {
            mutation: Mutation::LeaderGrantsVotes,
            name: "leader-grants-votes",
            source: "DaosRaft PR 70 (SandTable)",
            promises: &["election-safety"],
            breaks: "a leader votes for whoever asks in its own term",
        },
        MutationInfo {
            mutation: Mutation::VoteNotPersisted,
            name: "vote-not-persisted",
            source: "raft-62 class",
            promises: &["election-safety"],
            breaks: "a vote for another is never written to the disk",
        },
        MutationInfo {
            mutation: Mutation::VoteBeforeDurable,
            name: "vote-before-durable",
            source: "openraft ee460f37",
            promises: &["election-safety"],
            breaks: "a vote is told before it is on the disk",
        },
        MutationInfo {
            mutation: Mutation::PreVotesKept,
            name: "pre-votes-kept",
            source: "raft-rs PR 84; etcd 3c7359d",
            promises: &["election-safety"],
            breaks: "pre-votes count as votes",
        },
        MutationInfo {
            mutation: Mutation::TermNotPersisted,
            name: "term-not-persisted",
            source: "willemt, Figure 2 persistent state",
            promises: &["election-safety", "leader-completeness", "state-machine-safety"],
            breaks: "a higher term seen in a message is never written to the disk, nor a vote in it",
        },
        MutationInfo {
            mutation: Mutation::EvenQuorumShort,
            name: "even-quorum-short",
            source: "hashicorp 163a55f",
            promises: &["election-safety", "leader-completeness"],
            breaks: "half of an even set decides",
        },
        MutationInfo {
            mutation: Mutation::ThirdIsQuorum,
            name: "third-is-quorum",
            source: "ModelFuzz's etcd-raft benchmark",
            promises: &["election-safety", "leader-completeness"],
            breaks: "a third of a set and one decide",
        },
        MutationInfo {
            mutation: Mutation::UpToDateByIndex,
            name: "up-to-date-by-index",
            source: "paper, section 5.4.1",
            promises: &["leader-completeness", "state-machine-safety"],
            breaks: "logs are compared by length only",
        },
        MutationInfo {
            mutation: Mutation::UpToDateByTerm,
            name: "up-to-date-by-term",
            source: "paper, section 5.4.1",
            promises: &["leader-completeness", "state-machine-safety"],
            breaks: "logs are compared by last term only",
        },
        MutationInfo {
            mutation: Mutation::ForcedSkipsUpToDate,
            name: "forced-skips-up-to-date",
            source: "thesis 3.10",
            promises: &["leader-completeness", "state-machine-safety"],
            breaks: "an election that a leader asked for need not be up to date",
        },
        MutationInfo {
            mutation: Mutation::PreVoteRefusalHidesTerm,
            name: "pre-vote-refusal-hides-term",
            source: "openraft 1796",
            promises: &["convergence"],
            breaks: "a refused pre-vote does not tell the higher term",
        },
        MutationInfo {
            mutation: Mutation::ElectionTimerLost,
            name: "election-timer-lost",
            source: "RATIS-2172",
            promises: &["convergence"],
            breaks: "a follower whose leader falls silent does not begin to wait for an election",
        },
        MutationInfo {
            mutation: Mutation::RemovedMayNotCampaign,
            name: "removed-may-not-campaign",
            source: "rethinkdb 4234; thesis 4.2.2",
            promises: &["convergence"],
            breaks: "only voters of the last membership in the log may stand",
        },
        MutationInfo {
            mutation: Mutation::LearnerRefusesVote,
            name: "learner-refuses-vote",
            source: "etcd PR 10998",
            promises: &["convergence"],
            breaks: "a node that does not know yet of its promotion refuses to vote",
        },
        MutationInfo {
            mutation: Mutation::CommitOlderTerm,
            name: "commit-older-term",
            source: "paper, Figure 8; PySyncObj 169",
            promises: &["leader-completeness", "state-machine-safety"],
            breaks: "a leader commits entries of earlier terms by counting",
        },
        MutationInfo {
            mutation: Mutation::CommitStopsAtOlderTerm,
            name: "commit-stops-at-older-term",
            source: "RaftOS PR 30",
            promises: &["convergence"],
            breaks: "a leader never commits past an entry of an earlier term",
        },
        MutationInfo {
            mutation: Mutation::NoBlankEntry,
            name: "no-blank-entry",
            source: "paper, section 8",
            promises: &["convergence", "linearizability"],
            breaks: "a new leader appends no entry of its own",
        },
        MutationInfo {
            mutation: Mutation::AppendTruncatesSuffix,
            name: "append-truncates-suffix",
            source: "openraft 9540c904; RaftOS 26; CCF 6016",
            promises: &["leader-completeness", "commit-durability", "state-machine-safety"],
            breaks: "a late append cuts what follows it although it agrees",
        },
        MutationInfo {
            mutation: Mutation::ConflictKept,
            name: "conflict-kept",
            source: "paper, section 5.3",
            promises: &["log-matching", "state-machine-safety"],
            breaks: "an entry that conflicts stays",
        },
        MutationInfo {
            mutation: Mutation::PrevTermUnchecked,
            name: "prev-term-unchecked",
            source: "paper, section 5.3",
            promises: &["log-matching", "state-machine-safety"],
            breaks: "the entry before an append is compared by index only",
        },
        MutationInfo {
            mutation: Mutation::PrevZeroUnchecked,
            name: "prev-zero-unchecked",
            source: "WRaft 118.1 (SandTable)",
            promises: &["leader-completeness", "commit-durability", "state-machine-safety"],
            breaks: "an append from the log's beginning replaces the whole log",
        },
        MutationInfo {
            mutation: Mutation::StaleLeaderObeyed,
            name: "stale-leader-obeyed",
            source: "paper, figure 2",
            promises: &["log-matching", "state-machine-safety", "leader-completeness"],
            breaks: "an append of a lower term is accepted",
        },
        MutationInfo {
            mutation: Mutation::HeartbeatCommitUnbounded,
            name: "heartbeat-commit-unbounded",
            source: "etcd, commit of a heartbeat; RATIS-1161; PySyncObj 166",
            promises: &["state-machine-safety", "leader-completeness"],
            breaks: "a heartbeat tells the commit index to a peer that may hold other entries",
        },
        MutationInfo {
            mutation: Mutation::AckReportsLast,
            name: "ack-reports-last",
            source: "CCF 6016",
            promises: &["leader-completeness", "commit-durability"],
            breaks: "a heartbeat is acknowledged with the last index of the log",
        },
        MutationInfo {
            mutation: Mutation::RejectionCounts,
            name: "rejection-counts",
            source: "CCF, commit advance on a rejection",
            promises: &["commit-durability", "leader-completeness", "state-machine-safety"],
            breaks: "the hint of a rejection counts as held",
        },
        MutationInfo {
            mutation: Mutation::DeniedMatchIsNews,
            name: "denied-match-is-news",
            source: "splitbrain, core/src/progress.rs; etcd, MaybeDecrTo",
            promises: &["quiescence"],
            breaks: "a rejection of what was acknowledged is answered at once by the same append",
        },
        MutationInfo {
            mutation: Mutation::UnsortedQuorumScan,
            name: "unsorted-quorum-scan",
            source: "openraft 1802",
            promises: &["leader-completeness", "commit-durability"],
            breaks: "the quorum's index is read off an unsorted list",
        },
        MutationInfo {
            mutation: Mutation::CommitByMode,
            name: "commit-by-mode",
            source: "akka-raft 42",
            promises: &["leader-completeness", "commit-durability"],
            breaks: "the most frequent index counts as held by a quorum",
        },
        MutationInfo {
            mutation: Mutation::CommitMovesBack,
            name: "commit-moves-back",
            source: "dragonboat f6b92a2",
            promises: &["monotonicity"],
            breaks: "the commit index follows whatever a message says",
        },
        MutationInfo {
            mutation: Mutation::ApplyUncommitted,
            name: "apply-uncommitted",
            source: "RedisRaft 14",
            promises: &["state-machine-safety", "monotonicity", "linearizability"],
            breaks: "what is durable is applied before it is committed",
        },
        MutationInfo {
            mutation: Mutation::SelfCountsAtAppend,
            name: "self-counts-at-append",
            source: "etcd 14143",
            promises: &["commit-durability", "leader-completeness"],
            breaks: "a leader counts itself before its disk has answered",
        },
        MutationInfo {
            mutation: Mutation::BlankCountsAtAppend,
            name: "blank-counts-at-append",
            source: "openraft a9f696a9",
            promises: &["commit-durability", "leader-completeness"],
            breaks: "a new leader counts its first entry before its disk has answered",
        },
        MutationInfo {
            mutation: Mutation::AckBeforeDurable,
            name: "ack-before-durable",
            source: "openraft ee460f37",
            promises: &["commit-durability", "leader-completeness"],
            breaks: "a follower acknowledges entries before its disk has answered",
        },
        MutationInfo {
            mutation: Mutation::CutKeepsPromise,
            name: "cut-keeps-promise",
            source: "durability, the A-B-A race",
            promises: &["commit-durability", "leader-completeness"],
            breaks: "a cut does not take back what unfinished writes promised",
        },
        MutationInfo {
            mutation: Mutation::FirstSetAloneCommits,
            name: "first-set-alone-commits",
            source: "openraft beb0302b",
            promises: &["commit-durability", "leader-completeness"],
            breaks: "a leader that is alone in the first set commits without replication",
        },
        MutationInfo {
            mutation: Mutation::NewVotersIgnored,
            name: "new-voters-ignored",
            source: "willemt c4de21e",
            promises: &["election-safety", "leader-completeness", "commit-durability"],
            breaks: "only the first set of a joint config decides",
        },
        MutationInfo {
            mutation: Mutation::UnionQuorum,
            name: "union-quorum",
            source: "CCF 3948; async-raft 62",
            promises: &["election-safety", "leader-completeness", "commit-durability"],
            breaks: "a joint config decides by one majority over the union",
        },
        MutationInfo {
            mutation: Mutation::LearnersCounted,
            name: "learners-counted",
            source: "openraft d882e743",
            promises: &["leader-completeness", "commit-durability", "election-safety"],
            breaks: "learners count in quorums",
        },
        MutationInfo {
            mutation: Mutation::FirstEntryLeavesJoint,
            name: "first-entry-leaves-joint",
            source: "Ratis StartupLogEntry; camunda 60086",
            promises: &["election-safety", "leader-completeness"],
            breaks: "the first entry of a leader leaves the joint config",
        },
        MutationInfo {
            mutation: Mutation::ChangeBeforeOwnCommit,
            name: "change-before-own-commit",
            source: "Ongaro 2015; openraft change_membership",
            promises: &["election-safety", "leader-completeness"],
            breaks: "a leader changes members before it committed an entry of its own term",
        },
        MutationInfo {
            mutation: Mutation::ChangeDuringChange,
            name: "change-during-change",
            source: "redisraft 17",
            promises: &["election-safety", "leader-completeness"],
            breaks: "a change is proposed while another one is not committed",
        },
        MutationInfo {
            mutation: Mutation::RemovedToldAtAppend,
            name: "removed-told-at-append",
            source: "CCF, premature node retirement",
            promises: &["convergence"],
            breaks: "a node is told to shut down by members that are not committed",
        },
        MutationInfo {
            mutation: Mutation::JointDroppedOnBoot,
            name: "joint-dropped-on-boot",
            source: "etcd e515a67",
            promises: &["election-safety", "leader-completeness"],
            breaks: "a restart on a snapshot forgets the old half of a joint config",
        },
        MutationInfo {
            mutation: Mutation::SnapshotOverLongerLog,
            name: "snapshot-over-longer-log",
            source: "etcd 80615be",
            promises: &["leader-completeness", "commit-durability", "convergence"],
            breaks: "a late snapshot replaces a log that holds its last entry",
        },
        MutationInfo {
            mutation: Mutation::SnapshotAckBeforeDurable,
            name: "snapshot-ack-before-durable",
            source: "openraft io ordering",
            promises: &["commit-durability", "leader-completeness", "convergence"],
            breaks: "a snapshot is acknowledged before it is on the disk",
        },
        MutationInfo {
            mutation: Mutation::ChunkOffsetIgnored,
            name: "chunk-offset-ignored",
            source: "paper, figure 13, InstallSnapshot, receiver, step 3",
            promises: &["state-machine-safety", "linearizability"],
            breaks: "a chunk of a snapshot is added wherever it belongs",
        },
        MutationInfo {
            mutation: Mutation::ChunkOfAnotherSnapshot,
            name: "chunk-of-another-snapshot",
            source: "paper, figure 13, InstallSnapshot, receiver, step 5",
            promises: &["state-machine-safety", "linearizability"],
            breaks: "a chunk of another snapshot is added to a half-received one",
        },
        MutationInfo {
            mutation: Mutation::ReadWithoutOwnCommit,
            name: "read-without-own-commit",
            source: "RedisRaft 18; etcd 7331",
            promises: &["linearizability"],
            breaks: "a new leader reads before it committed an entry of its own term",
        },
        MutationInfo {
            mutation: Mutation::ReadWithoutConfirm,
            name: "read-without-confirm",
            source: "thesis 6.4",
            promises: &["linearizability"],
            breaks: "a leader reads without asking whether it still leads",
        },
        MutationInfo {
            mutation: Mutation::ReadJoinsRound,
            name: "read-joins-round",
            source: "etcd-io/raft PR 397",
            promises: &["linearizability"],
            breaks: "a read is confirmed by a round that began before it",
        },
        MutationInfo {
            mutation: Mutation::ReadAtFollower,
            name: "read-at-follower",
            source: "Xraft-KV#1 (SandTable)",
            promises: &["linearizability"],
            breaks: "any node reads its own machine",
        },
        MutationInfo {
            mutation: Mutation::ReadQuorumShort,
            name: "read-quorum-short",
            source: "openraft d60f1e85",
            promises: &["linearizability"],
            breaks: "one answer fewer than a quorum confirms a read",
        },
        MutationInfo {
            mutation: Mutation::LeaseNeverEnds,
            name: "lease-never-ends",
            source: "thesis 6.4.1; raft-rs, lease-based reads",
            promises: &["linearizability"],
            breaks: "a lease lasts for as long as its leader believes to lead",
        },
        MutationInfo {
            mutation: Mutation::ReadBeforeApplied,
            name: "read-before-applied",
            source: "thesis 6.4",
            promises: &["linearizability"],
            breaks: "a follower serves a read before it applied what the leader named",
        },
        MutationInfo {
            mutation: Mutation::ReadAnswerForAnother,
            name: "read-answer-for-another",
            source: "etcd 20418",
            promises: &["linearizability"],
            breaks: "a follower takes whatever read index comes for the one that it waits for",
        },
        MutationInfo {
            mutation: Mutation::VotesOutliveTerm,
            name: "votes-outlive-term",
            source: "paper, section 5.2; raft-rs PR 84",
            promises: &["election-safety"],
            breaks: "a candidate that stands again keeps the votes of its last term",
        },
        MutationInfo {
            mutation: Mutation::VoteOutlivesTerm,
            name: "vote-outlives-term",
            source: "paper, figure 2",
            promises: &["convergence"],
            breaks: "a higher term does not free the vote of the last one",
        },
        MutationInfo {
            mutation: Mutation::EmptyAppendUnchecked,
            name: "empty-append-unchecked",
            source: "WRaft 118.2 (SandTable); RedisLabs/raft 49",
            promises: &["leader-completeness", "commit-durability", "state-machine-safety", "invariant"],
            breaks: "an append without entries is accepted whatever comes before it",
        },
        MutationInfo {
            mutation: Mutation::ProbeStaysPaused,
            name: "probe-stays-paused",
            source: "RATIS-2137; etcd, probe state of progress",
            promises: &["convergence"],
            breaks: "a probe that was lost is never sent again",
        },
        MutationInfo {
            mutation: Mutation::WindowNeverReopens,
            name: "window-never-reopens",
            source: "etcd, inflights; RATIS-748",
            promises: &["convergence"],
            breaks: "what was rejected counts as under way for ever",
        },
        MutationInfo {
            mutation: Mutation::RollbackForgotten,
            name: "rollback-forgotten",
            source: "thesis 4.1; copycat 23",
            promises: &[
                "election-safety",
                "leader-completeness",
                "convergence",
                "commit-durability",
                "state-machine-safety",
                "invariant",
            ],
            breaks: "a membership that is cut from the log stays in force",
        },
        MutationInfo {
            mutation: Mutation::SnapshotLatestMembers,
            name: "snapshot-latest-members",
            source: "canonical/raft 250 and PR 354",
            promises: &[
                "election-safety",
                "leader-completeness",
                "convergence",
                "commit-durability",
                "invariant",
            ],
            breaks: "a snapshot holds the last membership of the log, committed or not",
        },
        MutationInfo {
            mutation: Mutation::InstallKeepsMembers,
            name: "install-keeps-members",
            source: "RedisRaft 44; etcd e515a67",
            promises: &[
                "election-safety",
                "leader-completeness",
                "convergence",
                "commit-durability",
                "invariant",
            ],
            breaks: "a snapshot that is installed leaves the members as they were",
        },
        MutationInfo {
            mutation: Mutation::ChunkNeverRepeated,
            name: "chunk-never-repeated",
            source: "RATIS-1305; openraft d0e245a2",
            promises: &["convergence"],
            breaks: "a chunk of a snapshot that was lost is never sent again",
        },
        MutationInfo {
            mutation: Mutation::ReadIndexApplied,
            name: "read-index-applied",
            source: "thesis 6.4; RATIS-2350",
            promises: &["linearizability"],
            breaks: "a leader names what it has applied to a follower that reads, not what is committed",
        },
        MutationInfo {
            mutation: Mutation::ReadIndexRemembered,
            name: "read-index-remembered",
            source: "thesis 6.4; etcd-io/raft PR 397",
            promises: &["linearizability"],
            breaks: "a follower serves later reads of a term by the index that it was told for an earlier one",
        },
        MutationInfo {
            mutation: Mutation::LeaseFromAnswer,
            name: "lease-from-answer",
            source: "thesis 6.4.1",
            promises: &["linearizability"],
            breaks: "a lease counts from when its round was answered",
        },
        MutationInfo {
            mutation: Mutation::PersistedCountsLater,
            name: "persisted-counts-later-writes",
            source: "raft-rs 417; etcd, asynchronous storage writes",
            promises: &[
                "commit-durability",
                "leader-completeness",
                "state-machine-safety",
                "election-safety",
            ],
            breaks: "the answer to one write counts for all that were issued after it",
        },
        MutationInfo {
            mutation: Mutation::LateAnswerConfirms,
            name: "late-answer-confirms",
            source: "etcd-io/raft PR 397",
            promises: &["linearizability"],
            breaks: "any answer to a heartbeat confirms the newest round of reads",
        },
        MutationInfo {
            mutation: Mutation::ReadQuorumLastSet,
            name: "read-quorum-last-set",
            source: "scylladb PR 29226; paper, section 6, joint consensus",
            promises: &["linearizability"],
            breaks: "only the last set of a joint config confirms reads",
        },
        MutationInfo {
            mutation: Mutation::SnapshotHeldByIndex,
            name: "snapshot-held-by-index",
            source: "openraft 1892; scylladb 9551",
            promises: &["state-machine-safety", "log-matching", "leader-completeness", "commit-durability"],
            breaks: "a snapshot is taken for known where the log is as long",
        },
        MutationInfo {
            mutation: Mutation::CommitFromRejectedAppend,
            name: "commit-from-rejected-append",
            source: "paper, figure 2, AppendEntries, receiver, steps 2 and 5",
            promises: &["state-machine-safety", "leader-completeness", "monotonicity", "commit-durability"],
            breaks: "a rejected append tells the commit index all the same",
        },
        MutationInfo {
            mutation: Mutation::SnapshotCommitsTail,
            name: "snapshot-commits-tail",
            source: "etcd 80615be; openraft 1892",
            promises: &[
                "state-machine-safety",
                "leader-completeness",
                "monotonicity",
                "commit-durability",
                "log-matching",
                "invariant",
            ],
            breaks: "a snapshot that holds nothing new commits the whole log",
        },
        MutationInfo {
            mutation: Mutation::RejectionWithoutProgress,
            name: "rejection-without-progress",
            source: "RATIS-2135; RATIS-2137",
            promises: &["convergence", "quiescence"],
            breaks: "a rejected append is sent again from where it was sent before",
        },
        MutationInfo {
            mutation: Mutation::ProgressSurvivesReign,
            name: "progress-survives-reign",
            source: "paper, figure 2, volatile state on leaders; openraft 584",
            promises: &[
                "commit-durability",
                "state-machine-safety",
                "leader-completeness",
                "linearizability",
                "convergence",
                "invariant",
            ],
            breaks: "a leader that is elected again counts what its followers held in its last term",
        },
        MutationInfo {
            mutation: Mutation::TransferNeverEnds,
            name: "transfer-never-ends",
            source: "thesis 3.10, step 4",
            promises: &["convergence"],
            breaks: "a transfer that comes to nothing is waited for until the end of time",
        },
        MutationInfo {
            mutation: Mutation::ChangeNeverAnswered,
            name: "change-never-answered",
            source: "openraft 1761; openraft 43dd8b6f",
            promises: &["convergence"],
            breaks: "whoever asked for a change is told nothing when its leader steps down",
        },
        MutationInfo {
            mutation: Mutation::SnapshotSentIsHeld,
            name: "snapshot-sent-is-held",
            source: "etcd, ReportSnapshot; RATIS-1305",
            promises: &["convergence", "commit-durability"],
            breaks: "a snapshot whose last chunk was sent counts as held",
        },
        MutationInfo {
            mutation: Mutation::BootIgnoresLoggedMembers,
            name: "boot-ignores-logged-members",
            source: "RedisRaft 44; RedisRaft 30",
            promises: &[
                "election-safety",
                "leader-completeness",
                "commit-durability",
                "state-machine-safety",
                "convergence",
            ],
            breaks: "a restart goes by the members of the snapshot, not by later ones in the log",
        },
        MutationInfo {
            mutation: Mutation::CommitToldForEver,
            name: "commit-told-for-ever",
            source: "paper, section 5.2; raft-rs, skip_bcast_commit",
            promises: &["quiescence", "convergence"],
            breaks: "every acknowledgement is answered by the commit index, whether it is news or not",
        },
        MutationInfo {
            mutation: Mutation::LostWindowPurged,
            name: "lost-window-purged",
            source: "openraft 1828; openraft 71a290cd",
            promises: &["convergence"],
            breaks: "who lost a full window that has been compacted since is asked about it for ever",
        },
        MutationInfo {
            mutation: Mutation::SnapshotNeverLeft,
            name: "snapshot-never-left",
            source: "raft-rs 417; RATIS-1305",
            promises: &["convergence"],
            breaks: "who has taken a snapshot is sent no entries after it",
        },
        MutationInfo {
            mutation: Mutation::SteppedDownNeverStands,
            name: "stepped-down-never-stands",
            source: "RATIS-2172; RATIS-1268",
            promises: &["convergence"],
            breaks: "a leader that steps down does not wait for an election",
        },
        MutationInfo {
            mutation: Mutation::CandidateWaitsForEver,
            name: "candidate-waits-for-ever",
            source: "paper, section 5.2, split votes",
            promises: &["convergence"],
            breaks: "a candidate that wins no majority never stands again",
        },
        MutationInfo {
            mutation: Mutation::NewMembersNotServed,
            name: "new-members-not-served",
            source: "hashicorp PR 419; openraft, SetNodes",
            promises: &["convergence"],
            breaks: "a leader goes on serving those whom it served when it was elected",
        },
        MutationInfo {
            mutation: Mutation::RemovedLeaderStays,
            name: "removed-leader-stays",
            source: "paper, section 6, third issue; etcd, StepDownOnRemoval",
            promises: &["quiescence", "convergence"],
            breaks: "a leader that the committed members leave out goes on",
        },
        MutationInfo {
            mutation: Mutation::ReadIndexFromHeartbeat,
            name: "read-index-from-heartbeat",
            source: "thesis 6.4; etcd 20418",
            promises: &["linearizability"],
            breaks: "a follower takes a heartbeat's commit index for the answer to its read",
        },
        MutationInfo {
            mutation: Mutation::LeaseIgnoresDrift,
            name: "lease-ignores-drift",
            source: "thesis 6.4.1, clock drift",
            promises: &["linearizability"],
            breaks: "a lease lasts as long as a promise, whatever the clocks do",
        },
        MutationInfo {
            mutation: Mutation::RefusalCountsAsVote,
            name: "refusal-counts-as-vote",
            source: "openraft b06cbb37; openraft 94c820c3",
            promises: &["election-safety"],
            breaks: "a refused vote counts like a granted one",
        },
        MutationInfo {
            mutation: Mutation::OwnVoteNotPersisted,
            name: "own-vote-not-persisted",
            source: "paper, figure 2, persistent state; raft-62 class",
            promises: &["election-safety"],
            breaks: "a candidate's vote for itself is never written to the disk",
        },
        MutationInfo {
            mutation: Mutation::AckWaitsForFirstWrite,
            name: "ack-waits-for-first-write",
            source: "etcd, asynchronous storage writes; openraft ee460f37",
            promises: &["commit-durability", "state-machine-safety", "leader-completeness"],
            breaks: "an acknowledgement waits for the first write that is under way, whichever it is",
        },
        MutationInfo {
            mutation: Mutation::ReadQuorumCountsLearners,
            name: "read-quorum-counts-learners",
            source: "openraft d882e743; scylladb PR 29226",
            promises: &["linearizability"],
            breaks: "learners confirm reads",
        },
    ];

    /// The mutation of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Mutation> {
        Mutation::ALL.iter().find(|info| info.name == name).map(|info| info.mutation)
    }
}
