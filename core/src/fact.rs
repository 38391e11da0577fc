//! What a node notes for readers: things that are worth knowing, and that nobody must react to.
//!
//! Holds: removing every `note` changes no behaviour.

/// Something a reader may want to know happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Fact {
    /// This node was elected.
    LeaderElected,
    /// A new leader begins with entries that it does not know to be committed.
    UncommittedTailInherited,
    /// A follower heard of a leader that it did not know.
    LeaderFound,
    /// A leader became a follower.
    LeaderSteppedDown,
    /// A leader stepped down because it did not hear from a quorum.
    QuorumLost,
    /// A leader stepped down because the committed members do not include it.
    LeaderRemoved,
    /// A leader told a node that the committed members leave it out.
    RemovedNodeTold,
    /// A leader leads on as a learner.
    LearnerLeads,
    /// A leader met another one of the same term. Cannot happen while the rules are kept.
    TwoLeadersMet,
    /// A vote was refused because the candidate's log is behind.
    VoteRefusedLogBehind,
    /// A vote was refused because it was given already, or because the term has a leader.
    VoteRefusedGivenAlready,
    /// A request for a vote was ignored because a leader lives.
    VoteIgnoredLeaderLives,
    /// A pre-vote was refused.
    PreVoteRefused,
    /// A pre-vote was refused only because the candidate's priority is lower.
    PreVoteRefusedForPriority,
    /// An election timeout passed without standing for election, for want of a vote of one's own.
    CampaignWithoutVote,
    /// A node that the effective members leave out stood for election.
    RemovedNodeCampaigned,
    /// Entries were cut from the log.
    LogCut,
    /// Someone asked for committed entries to be cut; refused. Cannot happen while the rules are kept.
    CommittedEntryConflict,
    /// A delayed append was found to hold nothing new and cut nothing.
    StaleAppend,
    /// An append was rejected.
    AppendRejected,
    /// A peer rejected an entry that it had acknowledged: its disk has lost it, or the rejection is an old one.
    AcknowledgementDenied,
    /// A peer has as many entries under way as allowed.
    WindowFull,
    /// A proposal was refused because too much is uncommitted.
    BackPressure,
    /// A commit index moved over entries of earlier terms.
    EarlierTermCommitted,
    /// A membership was appended.
    MembershipAppended,
    /// The members are joint now.
    JointEntered,
    /// A joint config was left.
    JointLeft,
    /// A joint config was left for an earlier set.
    JointReverted,
    /// A membership was committed.
    MembershipCommitted,
    /// A membership was cut from the log before it was committed.
    MembershipRolledBack,
    /// A new leader found a joint config that it did not propose.
    JointInherited,
    /// A leader finished a joint config that it did not propose.
    JointFinishedByAnother,
    /// A new server caught up before a change.
    CaughtUp,
    /// A message was refused because another node was meant.
    Misrouted,
    /// A message was accepted although another node was meant.
    TakenForAnother,
    /// A message was ignored that nobody who follows the rules could send. Cannot happen while everyone does.
    ImpossibleMessage,
    /// A snapshot was taken and the log compacted.
    LogCompacted,
    /// A snapshot was sent because the entries are gone.
    SnapshotSent,
    /// A snapshot replaced the log.
    SnapshotInstalled,
    /// A snapshot held nothing new.
    SnapshotOutdated,
    /// A snapshot came while a write was under way.
    SnapshotMidWrite,
    /// A snapshot's transfer went on in the middle after a chunk or its answer was lost.
    SnapshotResumed,
    /// A snapshot's transfer began anew because the receiver had lost its part.
    SnapshotStartedOver,
    /// A half-received snapshot was given up for another one.
    SnapshotAbandoned,
    /// A read waited for the leader's first commit.
    ReadWaitedForCommit,
    /// A read was confirmed by a quorum.
    ReadConfirmed,
    /// A read was given up because leadership was lost.
    ReadLostLeader,
    /// A follower or learner served a read.
    FollowerRead,
    /// A follower's read was asked of one leader and served in the term of a later one.
    ReadAcrossLeaders,
    /// A read index came that nobody waits for (any more).
    ReadAnswerNotAwaited,
    /// A read was served under a lease, without asking anyone.
    LeaseRead,
    /// A lease ran out or was given up, with no other in force.
    LeaseLost,
    /// Leadership is being given away.
    TransferStarted,
    /// A leader began to give way to a voter of higher priority.
    GaveWay,
    /// The target of a transfer took over.
    TransferCompleted,
    /// The target of a transfer did not take over in time.
    TransferTimedOut,
    /// A request was refused with unknown outcome because leadership was lost.
    LeadershipLostMidRequest,
    /// A message waited for the disk.
    MessageHeld,
    /// A cut took back what an unfinished write will make durable.
    CutDuringWrite,
}

impl Fact {
    /// Every fact.
    pub const ALL: &'static [Fact] = &[
        Fact::LeaderElected,
        Fact::UncommittedTailInherited,
        Fact::LeaderFound,
        Fact::LeaderSteppedDown,
        Fact::QuorumLost,
        Fact::LeaderRemoved,
        Fact::RemovedNodeTold,
        Fact::LearnerLeads,
        Fact::TwoLeadersMet,
        Fact::VoteRefusedLogBehind,
        Fact::VoteRefusedGivenAlready,
        Fact::VoteIgnoredLeaderLives,
        Fact::PreVoteRefused,
        Fact::PreVoteRefusedForPriority,
        Fact::CampaignWithoutVote,
        Fact::RemovedNodeCampaigned,
        Fact::LogCut,
        Fact::CommittedEntryConflict,
        Fact::StaleAppend,
        Fact::AppendRejected,
        Fact::AcknowledgementDenied,
        Fact::WindowFull,
        Fact::BackPressure,
        Fact::EarlierTermCommitted,
        Fact::MembershipAppended,
        Fact::JointEntered,
        Fact::JointLeft,
        Fact::JointReverted,
        Fact::MembershipCommitted,
        Fact::MembershipRolledBack,
        Fact::JointInherited,
        Fact::JointFinishedByAnother,
        Fact::CaughtUp,
        Fact::Misrouted,
        Fact::TakenForAnother,
        Fact::ImpossibleMessage,
        Fact::LogCompacted,
        Fact::SnapshotSent,
        Fact::SnapshotInstalled,
        Fact::SnapshotOutdated,
        Fact::SnapshotMidWrite,
        Fact::SnapshotResumed,
        Fact::SnapshotStartedOver,
        Fact::SnapshotAbandoned,
        Fact::ReadWaitedForCommit,
        Fact::ReadConfirmed,
        Fact::ReadLostLeader,
        Fact::FollowerRead,
        Fact::ReadAcrossLeaders,
        Fact::ReadAnswerNotAwaited,
        Fact::LeaseRead,
        Fact::LeaseLost,
        Fact::TransferStarted,
        Fact::GaveWay,
        Fact::TransferCompleted,
        Fact::TransferTimedOut,
        Fact::LeadershipLostMidRequest,
        Fact::MessageHeld,
        Fact::CutDuringWrite,
    ];

    /// Its name, in kebab case.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub const fn name(self) -> &'static str {
        match self {
            Fact::LeaderElected => "leader-elected",
            Fact::UncommittedTailInherited => "uncommitted-tail-inherited",
            Fact::LeaderFound => "leader-found",
            Fact::LeaderSteppedDown => "leader-stepped-down",
            Fact::QuorumLost => "quorum-lost",
            Fact::LeaderRemoved => "leader-removed",
            Fact::RemovedNodeTold => "removed-node-told",
            Fact::LearnerLeads => "learner-leads",
            Fact::TwoLeadersMet => "two-leaders-met",
            Fact::VoteRefusedLogBehind => "vote-refused-log-behind",
            Fact::VoteRefusedGivenAlready => "vote-refused-given-already",
            Fact::VoteIgnoredLeaderLives => "vote-ignored-leader-lives",
            Fact::PreVoteRefused => "pre-vote-refused",
            Fact::PreVoteRefusedForPriority => "pre-vote-refused-for-priority",
            Fact::CampaignWithoutVote => "campaign-without-vote",
            Fact::RemovedNodeCampaigned => "removed-node-campaigned",
            Fact::LogCut => "log-cut",
            Fact::CommittedEntryConflict => "committed-entry-conflict",
            Fact::StaleAppend => "stale-append",
            Fact::AppendRejected => "append-rejected",
            Fact::AcknowledgementDenied => "acknowledgement-denied",
            Fact::WindowFull => "window-full",
            Fact::BackPressure => "back-pressure",
            Fact::EarlierTermCommitted => "earlier-term-committed",
            Fact::MembershipAppended => "membership-appended",
            Fact::JointEntered => "joint-entered",
            Fact::JointLeft => "joint-left",
            Fact::JointReverted => "joint-reverted",
            Fact::MembershipCommitted => "membership-committed",
            Fact::MembershipRolledBack => "membership-rolled-back",
            Fact::JointInherited => "joint-inherited",
            Fact::JointFinishedByAnother => "joint-finished-by-another",
            Fact::CaughtUp => "caught-up",
            Fact::Misrouted => "misrouted",
            Fact::TakenForAnother => "taken-for-another",
            Fact::ImpossibleMessage => "impossible-message",
            Fact::LogCompacted => "log-compacted",
            Fact::SnapshotSent => "snapshot-sent",
            Fact::SnapshotInstalled => "snapshot-installed",
            Fact::SnapshotOutdated => "snapshot-outdated",
            Fact::SnapshotMidWrite => "snapshot-mid-write",
            Fact::SnapshotResumed => "snapshot-resumed",
            Fact::SnapshotStartedOver => "snapshot-started-over",
            Fact::SnapshotAbandoned => "snapshot-abandoned",
            Fact::ReadWaitedForCommit => "read-waited-for-commit",
            Fact::ReadConfirmed => "read-confirmed",
            Fact::ReadLostLeader => "read-lost-leader",
            Fact::FollowerRead => "follower-read",
            Fact::ReadAcrossLeaders => "read-across-leaders",
            Fact::ReadAnswerNotAwaited => "read-answer-not-awaited",
            Fact::LeaseRead => "lease-read",
            Fact::LeaseLost => "lease-lost",
            Fact::TransferStarted => "transfer-started",
            Fact::GaveWay => "gave-way",
            Fact::TransferCompleted => "transfer-completed",
            Fact::TransferTimedOut => "transfer-timed-out",
            Fact::LeadershipLostMidRequest => "leadership-lost-mid-request",
            Fact::MessageHeld => "message-held",
            Fact::CutDuringWrite => "cut-during-write",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_has_every_fact_once_and_each_has_a_name_of_its_own() {
        for (place, fact) in Fact::ALL.iter().enumerate() {
            assert_eq!(*fact as usize, place, "{}", fact.name());
        }
        assert_eq!(Fact::ALL.last(), Some(&Fact::CutDuringWrite), "the last one of the type");
        let names: BTreeSet<&str> = Fact::ALL.iter().map(|fact| fact.name()).collect();
        assert_eq!(names.len(), Fact::ALL.len());
        let is_kebab = |name: &&str| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
        assert!(names.iter().all(is_kebab));
    }
}
