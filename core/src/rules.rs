//! Every safety rule of the algorithm as a named switch.
//!
//! Holds: all rules are on unless someone says otherwise; a rule that is off is really not kept.
//! Not here: settings that trade speed for load without touching safety (`config`).

/// A safety rule. Its name, source and reason stand in [`Rules::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Rule {
    /// `use-at-once`
    UseAtOnce,
    /// `propose-after-commit`
    ProposeAfterCommit,
    /// `old-new-intersect`
    OldNewIntersect,
    /// `initial-log`
    InitialLog,
    /// `one-vote-per-term`
    OneVotePerTerm,
    /// `vote-durable-before-reply`
    VoteDurableBeforeReply,
    /// `append-durable-before-reply`
    AppendDurableBeforeReply,
    /// `up-to-date-check`
    UpToDateCheck,
    /// `commit-only-own-term`
    CommitOnlyOwnTerm,
    /// `conflict-check-before-truncating`
    ConflictCheckBeforeTruncating,
    /// `self-counts-only-when-durable`
    SelfCountsOnlyWhenDurable,
    /// `quorum-in-every-set`
    QuorumInEverySet,
    /// `first-entry-keeps-joint`
    FirstEntryKeepsJoint,
    /// `read-needs-own-term-commit`
    ReadNeedsOwnTermCommit,
    /// `read-confirms-leadership`
    ReadConfirmsLeadership,
    /// `peer-identity`
    PeerIdentity,
    /// `snapshot-carries-committed-membership`
    SnapshotCarriesCommittedMembership,
    /// `stickiness`
    Stickiness,
    /// `ids-never-reused`
    IdsNeverReused,
    /// `cut-takes-back-promises`
    CutTakesBackPromises,
    /// `lease-over-before-transfer`
    LeaseOverBeforeTransfer,
    /// `promise-outlives-restart`
    PromiseOutlivesRestart,
    /// `read-waits-for-applied`
    ReadWaitsForApplied,
    /// `read-context-never-reused`
    ReadContextNeverReused,
}

/// The shortest story known of what happens without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// The promise that it breaks, in kebab case.
    pub promise: &'static str,
    /// How many steps it takes to tell, elections and deliveries under way included in a step.
    pub steps: usize,
    /// How many moves (a message delivered, an entry appended, a timeout, …) a breadth-first search over a small model
    /// needed, where there was one.
    pub model_moves: Option<usize>,
}

/// What a reader wants to know of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Which rule.
    pub rule: Rule,
    /// Its name, in kebab case.
    pub name: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What happens without it.
    pub breaks: &'static str,
    /// The shortest story known in which it happens.
    pub story: Story,
}

/// Which rules are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rules {
    off: u32,
}

/// No rule has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRule;

impl core::fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no rule has this name")
    }
}

impl core::error::Error for UnknownRule {}

impl Rules {
    /// Every rule, in the order of `Rule`.
    pub const ALL: &'static [RuleInfo] = &[
        info(
            Rule::UseAtOnce,
            "use-at-once",
            "paper, section 6; thesis 4.1; extended membership change, constraint 0",
            "a node that has not heard of the commit still decides under the old members, without the new ones: \
             two leaders whose quorums do not meet",
            Story { promise: "leader-completeness", steps: 6, model_moves: None },
        ),
        info(
            Rule::ProposeAfterCommit,
            "propose-after-commit",
            "paper, section 6; extended membership change, constraint 1",
            "a second change starts from a membership that may yet be rolled back: two leaders, committed entries \
             lost",
            Story { promise: "leader-completeness", steps: 5, model_moves: Some(8) },
        ),
        info(
            Rule::OldNewIntersect,
            "old-new-intersect",
            "paper, section 6; extended membership change, constraint 2",
            "a quorum of the new members that meets no quorum of the old ones: two leaders side by side",
            Story { promise: "leader-completeness", steps: 4, model_moves: None },
        ),
        info(
            Rule::InitialLog,
            "initial-log",
            "Ongaro, raft-dev 2015, single-server changes; extended membership change, constraint 3",
            "two leaders each append a change to the same parent, and one commits while the other can still win: \
             committed entries lost",
            Story { promise: "leader-completeness", steps: 10, model_moves: Some(11) },
        ),
        info(
            Rule::OneVotePerTerm,
            "one-vote-per-term",
            "paper, Figure 2 and section 5.2",
            "two leaders in one term",
            Story { promise: "election-safety", steps: 2, model_moves: None },
        ),
        info(
            Rule::VoteDurableBeforeReply,
            "vote-durable-before-reply",
            "paper, Figure 2: updated on stable storage before responding",
            "a node forgets its vote in a crash and votes again: two leaders in one term",
            Story { promise: "election-safety", steps: 5, model_moves: None },
        ),
        info(
            Rule::AppendDurableBeforeReply,
            "append-durable-before-reply",
            "paper, Figure 2: updated on stable storage before responding",
            "an acknowledged entry vanishes in a crash after it was counted: committed entries lost",
            Story { promise: "commit-durability", steps: 1, model_moves: None },
        ),
        info(
            Rule::UpToDateCheck,
            "up-to-date-check",
            "paper, section 5.4.1",
            "a leader without the committed entries overwrites them",
            Story { promise: "leader-completeness", steps: 5, model_moves: None },
        ),
        info(
            Rule::CommitOnlyOwnTerm,
            "commit-only-own-term",
            "paper, section 5.4.2 and Figure 8",
            "an entry of an earlier term is counted as committed and overwritten by a later leader",
            Story { promise: "leader-completeness", steps: 5, model_moves: None },
        ),
        info(
            Rule::ConflictCheckBeforeTruncating,
            "conflict-check-before-truncating",
            "paper, Figure 2, AppendEntries receiver, step 3",
            "a delayed append cuts entries that were acknowledged since: committed entries lost",
            Story { promise: "monotonicity", steps: 3, model_moves: None },
        ),
        info(
            Rule::SelfCountsOnlyWhenDurable,
            "self-counts-only-when-durable",
            "thesis, section 10.2.1",
            "a leader counts what its own crash will take away: committed entries lost",
            Story { promise: "commit-durability", steps: 1, model_moves: None },
        ),
        info(
            Rule::QuorumInEverySet,
            "quorum-in-every-set",
            "paper, section 6: separate majorities from the old and the new configuration",
            "one majority over the union need not meet a majority of the old set: two leaders",
            Story { promise: "election-safety", steps: 7, model_moves: Some(9) },
        ),
        info(
            Rule::FirstEntryKeepsJoint,
            "first-entry-keeps-joint",
            "paper, section 6; Apache Ratis, RATIS-1881",
            "a leader that leaves an uncommitted joint config in its first entry decides without the old set: \
             committed entries lost",
            Story { promise: "leader-completeness", steps: 8, model_moves: Some(11) },
        ),
        info(
            Rule::ReadNeedsOwnTermCommit,
            "read-needs-own-term-commit",
            "paper, section 8; thesis 6.4, step 1",
            "a new leader does not know yet what is committed and serves a stale read",
            Story { promise: "linearizability", steps: 7, model_moves: None },
        ),
        info(
            Rule::ReadConfirmsLeadership,
            "read-confirms-leadership",
            "paper, section 8; thesis 6.4, step 3",
            "a leader that was replaced without noticing serves a stale read",
            Story { promise: "linearizability", steps: 5, model_moves: None },
        ),
        info(
            Rule::PeerIdentity,
            "peer-identity",
            "openraft, issue 875; hashicorp/raft, pull request 419",
            "a node reached under another's address votes and acknowledges in its name: two leaders",
            Story { promise: "election-safety", steps: 4, model_moves: None },
        ),
        info(
            Rule::SnapshotCarriesCommittedMembership,
            "snapshot-carries-committed-membership",
            "thesis, section 5.1; canonical/raft, issue 250",
            "an uncommitted membership in a snapshot cannot be rolled back: two leaders",
            Story { promise: "leader-completeness", steps: 11, model_moves: None },
        ),
        info(
            Rule::Stickiness,
            "stickiness",
            "thesis, section 4.2.3",
            "a removed server disturbs a living leader again and again: no progress",
            Story { promise: "convergence", steps: 5, model_moves: None },
        ),
        info(
            Rule::IdsNeverReused,
            "ids-never-reused",
            "dragonboat, membership; etcd, runtime reconfiguration; rethinkdb, issue 5289",
            "a wiped machine under an old id lives through history again and votes in it: two leaders",
            Story { promise: "leader-completeness", steps: 10, model_moves: None },
        ),
        info(
            Rule::CutTakesBackPromises,
            "cut-takes-back-promises",
            "etcd-io/raft, asynchronous storage writes: an entry that was replaced while it was being written",
            "the disk answers the write of an entry that was replaced since, and the new entry counts as held: committed \
             entries lost",
            Story { promise: "commit-durability", steps: 14, model_moves: None },
        ),
        info(
            Rule::LeaseOverBeforeTransfer,
            "lease-over-before-transfer",
            "thesis 6.4.1; openraft, pull request 1747",
            "the target of a transfer is elected at once while the old leader's lease runs: a stale read",
            Story { promise: "linearizability", steps: 9, model_moves: None },
        ),
        info(
            Rule::PromiseOutlivesRestart,
            "promise-outlives-restart",
            "thesis 6.4.1",
            "a voter forgets in a crash that it promised not to vote yet, while a lease counts on it: a stale read",
            Story { promise: "linearizability", steps: 12, model_moves: None },
        ),
        info(
            Rule::ReadWaitsForApplied,
            "read-waits-for-applied",
            "thesis 6.4",
            "a follower knows from where on a read is up to date, and reads its machine before it is there: a stale read",
            Story { promise: "linearizability", steps: 7, model_moves: None },
        ),
        info(
            Rule::ReadContextNeverReused,
            "read-context-never-reused",
            "etcd, issue 20418 and pull request 21399",
            "a process takes the answer that its dead predecessor waited for as its own: a stale read",
            Story { promise: "linearizability", steps: 16, model_moves: None },
        ),
    ];

    /// All rules kept.
    #[must_use]
    pub const fn all_on() -> Rules {
        Rules { off: 0 }
    }

    /// Whether every rule is kept.
    #[must_use]
    pub const fn are_all_on(self) -> bool {
        self.off == 0
    }

    /// Whether a rule is kept.
    #[must_use]
    pub const fn keep(self, rule: Rule) -> bool {
        self.off & (1 << rule as u32) == 0
    }

    /// The same rules without this one.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Rules {
        Rules { off: self.off | (1 << rule as u32) }
    }

    /// The same rules without the one of this name.
    ///
    /// # Errors
    /// When no rule has this name.
    pub fn without_named(self, name: &str) -> Result<Rules, UnknownRule> {
        let info = Rules::ALL.iter().find(|info| info.name == name).ok_or(UnknownRule)?;
        Ok(self.without(info.rule))
    }
}

impl Rule {
    /// Its name, in kebab case.
    #[must_use]
    pub fn name(self) -> &'static str {
        Rules::ALL[self as usize].name
    }
}

const fn info(
    rule: Rule,
    name: &'static str,
    source: &'static str,
    breaks: &'static str,
    story: Story,
) -> RuleInfo {
    RuleInfo { rule, name, source, breaks, story }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_every_rule_at_its_place() {
        for (place, info) in Rules::ALL.iter().enumerate() {
            assert_eq!(info.rule as usize, place, "{}", info.name);
            assert_eq!(info.rule.name(), info.name);
        }
        assert_eq!(Rules::ALL.last().map(|info| info.rule), Some(Rule::ReadContextNeverReused));
    }

    #[test]
    fn a_rule_is_switched_off_by_name_and_alone() {
        for info in Rules::ALL {
            let rules = Rules::all_on().without_named(info.name).unwrap();
            for other in Rules::ALL {
                assert_eq!(rules.keep(other.rule), other.rule != info.rule);
            }
        }
        assert_eq!(Rules::all_on().without_named("two-votes"), Err(UnknownRule));
    }
}
