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

    use crate::config::{Config, ReadsBy};
    use crate::effect::Effect;
    use crate::input::{Input, Timer};
    use crate::membership::change::Change;
    use crate::membership::{Membership, VoterSet};
    use crate::message::{Body, Message, ReadContext};
    use crate::testing::{Node, config, members, slice};
    use crate::types::{Address, LogId, LogIndex, NodeId, RequestId, Term, WriteId};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// What a rule is there to prevent, in one node; returns whether it happens under these rules.
    type Danger = fn(Config) -> bool;

    fn append(prev: (u64, u64), terms: &[u64], commit: u64) -> Body {
        Body::AppendRequest { slice: slice(prev, terms), commit: LogIndex(commit) }
    }

    fn add(id: u32) -> Change {
        Change::AddServer { node: NodeId(id), address: Address(id) }
    }

    fn joint() -> Membership {
        let sets = [[1, 2, 3], [3, 4, 5]].map(|ids| ids.map(NodeId).into_iter().collect::<VoterSet>());
        Membership::new(sets.into(), (1..=5).map(|id| (NodeId(id), Address(id))).collect()).unwrap()
    }

    fn stand(node: &mut Node) {
        let pre_vote = node.raft.config().pre_vote;
        assert!(!pre_vote, "a story without pre-votes");
        node.fire(Timer::Election);
        node.finish_writes();
    }

    fn plain(config: Config) -> Config {
        Config { pre_vote: false, check_quorum: false, ..config }
    }

    fn says(node: &Node, is_it: impl Fn(&Body) -> bool) -> bool {
        node.sent().iter().any(|(_, body)| is_it(body))
    }

    fn serves(node: &Node) -> bool {
        node.asked.iter().any(|effect| matches!(effect, Effect::Serve { .. }))
    }

    fn holds_a_lease(config: Config) -> Node {
        let mut node = Node::leading(Config { reads: ReadsBy::Lease, ..config }, &[1]);
        node.fire(Timer::Heartbeat);
        node.hear(2, 2, Body::HeartbeatResponse { round: 1, priority: 0 });
        node
    }

    fn reads_at_follower(config: Config) -> Node {
        let mut node = Node::with_log(Config { follower_reads: true, incarnation: 7, ..config }, &[1]);
        node.hear(3, 1, Body::Heartbeat { commit: LogIndex(1), round: 0 });
        node.read(1);
        node
    }

    /// One story a rule, in the order of the rules.
    const DANGERS: [(Rule, Danger); Rules::ALL.len()] = [
        (Rule::UseAtOnce, |config| {
            let mut node = Node::leading(config, &[1]);
            node.change(1, add(4));
            !node.raft.membership().is_voter(NodeId(4))
        }),
        (Rule::ProposeAfterCommit, |config| {
            let mut node = Node::leading(config, &[1]);
            node.change(1, add(4));
            node.change(2, add(5));
            node.raft.effective_membership().1.is_voter(NodeId(5))
        }),
        (Rule::OldNewIntersect, |config| {
            let mut node = Node::leading(config, &[1]);
            let sets = std::vec![members(&[4, 5], &[]).last_set()];
            let nodes = BTreeMap::from([(NodeId(4), Address(4)), (NodeId(5), Address(5))]);
            node.change(1, Change::Append { sets, nodes, retain: true });
            !node.raft.effective_membership().1.is_voter(NodeId(1))
        }),
        (Rule::InitialLog, |config| {
            let mut node = Node::with_log(plain(config), &[1]);
            stand(&mut node);
            node.hear(2, 2, Body::VoteResponse { granted: true });
            assert!(node.raft.leads() && node.raft.commit() < LogIndex(2));
            node.change(1, add(4));
            node.raft.effective_membership().1.is_voter(NodeId(4))
        }),
        (Rule::OneVotePerTerm, |config| {
            let mut node = Node::with_log(config, &[1]);
            let request = Body::VoteRequest { last: LogId::new(1, 1), forced: false };
            node.hear(2, 2, request.clone());
            node.hear(3, 2, request);
            node.raft.vote() == Some(NodeId(3))
        }),
        (Rule::VoteDurableBeforeReply, |config| {
            let mut node = Node::with_log(config, &[1]);
            node.hear(2, 2, Body::VoteRequest { last: LogId::new(1, 1), forced: false });
            says(&node, |body| *body == Body::VoteResponse { granted: true })
        }),
        (Rule::AppendDurableBeforeReply, |config| {
            let mut node = Node::with_log(config, &[1]);
            node.hear(2, 1, append((1, 1), &[1], 0));
            says(&node, |body| *body == Body::AppendAccepted { through: LogIndex(2) })
        }),
        (Rule::UpToDateCheck, |config| {
            let mut node = Node::with_log(config, &[1, 1]);
            node.hear(2, 2, Body::VoteRequest { last: LogId::new(1, 1), forced: false });
            node.raft.vote() == Some(NodeId(2))
        }),
        (Rule::CommitOnlyOwnTerm, |config| {
            let mut node = Node::with_log(plain(config), &[1]);
            stand(&mut node);
            node.hear(2, 2, Body::VoteResponse { granted: true });
            node.hear(3, 2, Body::AppendAccepted { through: LogIndex(1) });
            node.raft.commit() == LogIndex(1)
        }),
        (Rule::ConflictCheckBeforeTruncating, |config| {
            let mut node = Node::with_log(config, &[1, 1, 1]);
            node.hear(2, 1, append((1, 1), &[1], 0));
            node.raft.log().last().index == LogIndex(2)
        }),
        (Rule::SelfCountsOnlyWhenDurable, |config| {
            let mut node = Node::leading(config, &[1]);
            node.propose(1, b"x");
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
            node.raft.commit() == LogIndex(3)
        }),
        (Rule::QuorumInEverySet, |config| {
            let mut node = Node::of(plain(config), joint());
            stand(&mut node);
            for from in [2, 4] {
                node.hear(from, 1, Body::VoteResponse { granted: true });
            }
            node.raft.leads()
        }),
        (Rule::FirstEntryKeepsJoint, |config| {
            let mut node = Node::of(plain(config), joint());
            stand(&mut node);
            for from in [2, 3, 4] {
                node.hear(from, 1, Body::VoteResponse { granted: true });
            }
            assert!(node.raft.leads());
            !node.raft.effective_membership().1.is_joint()
        }),
        (Rule::ReadNeedsOwnTermCommit, |config| {
            let mut node = Node::with_log(plain(config), &[1]);
            stand(&mut node);
            node.hear(2, 2, Body::VoteResponse { granted: true });
            node.read(1);
            node.hear(2, 2, Body::HeartbeatResponse { round: 1, priority: 0 });
            serves(&node)
        }),
        (Rule::ReadConfirmsLeadership, |config| {
            let mut node = Node::leading(config, &[1]);
            node.read(1);
            serves(&node)
        }),
        (Rule::PeerIdentity, |config| {
            let mut node = Node::with_log(config, &[1]);
            let body = Body::VoteRequest { last: LogId::new(1, 1), forced: false };
            let message = Message { term: Term(2), body };
            node.step(Input::Received { from: NodeId(2), source: Address(2), to: NodeId(3), message });
            node.raft.vote() == Some(NodeId(2))
        }),
        (Rule::SnapshotCarriesCommittedMembership, |config| {
            let mut node = Node::leading(config, &[1]);
            node.change(1, add(4));
            node.step(Input::SnapshotTaken { through: LogIndex(2), state: Arc::default() });
            assert_eq!(node.raft.snapshot().last, LogId::new(2, 2));
            node.raft.snapshot().membership.is_voter(NodeId(4))
        }),
        (Rule::Stickiness, |config| {
            let mut node = Node::with_log(config, &[1]);
            node.hear(3, 1, Body::Heartbeat { commit: LogIndex(0), round: 0 });
            node.hear(2, 2, Body::VoteRequest { last: LogId::new(1, 1), forced: false });
            node.raft.term() == Term(2)
        }),
        (Rule::IdsNeverReused, |config| {
            let mut node = Node::leading(config, &[1]);
            node.change(1, Change::RemoveServer { node: NodeId(3) });
            node.finish_writes();
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
            assert!(node.asked.contains(&Effect::Done { request: RequestId(1) }));
            node.change(2, add(3));
            node.raft.effective_membership().1.is_voter(NodeId(3))
        }),
        (Rule::CutTakesBackPromises, |config| {
            let mut node = Node::with_log(config, &[1]);
            node.hear(2, 1, append((1, 1), &[1], 0));
            node.hear(3, 2, append((1, 1), &[2], 0));
            node.step(Input::Persisted { through: WriteId(1) });
            node.raft.durable() == LogIndex(2)
        }),
        (Rule::LeaseOverBeforeTransfer, |config| {
            let mut node = holds_a_lease(config);
            node.step(Input::TransferRequested { request: RequestId(1), to: NodeId(2) });
            assert!(says(&node, |body| *body == Body::TimeoutNow));
            node.read(2);
            serves(&node)
        }),
        (Rule::PromiseOutlivesRestart, |config| {
            let mut node = Node::with_log(Config { reads: ReadsBy::Lease, ..config }, &[1]);
            node.hear(2, 2, Body::VoteRequest { last: LogId::new(1, 1), forced: false });
            node.raft.vote() == Some(NodeId(2))
        }),
        (Rule::ReadWaitsForApplied, |config| {
            let mut node = reads_at_follower(config);
            let context = ReadContext { incarnation: 7, number: 1 };
            node.hear(3, 1, Body::ReadIndexResponse { context, index: LogIndex(2) });
            assert!(node.raft.applied() < LogIndex(2));
            serves(&node)
        }),
        (Rule::ReadContextNeverReused, |config| {
            let node = reads_at_follower(config);
            let of_any_process = ReadContext { incarnation: 0, number: 1 };
            says(&node, |body| *body == Body::ReadIndexRequest { context: of_any_process })
        }),
    ];

    #[test]
    fn each_rule_prevents_its_danger_and_without_it_the_danger_is_there() {
        for (info, (rule, danger)) in Rules::ALL.iter().zip(DANGERS) {
            assert_eq!(info.rule, rule, "the same order");
            assert!(!danger(config()), "{}: with every rule", info.name);
            let without = Config { rules: Rules::all_on().without(info.rule), ..config() };
            assert!(danger(without), "{}: without it", info.name);
        }
    }

    #[test]
    fn the_danger_of_a_rule_is_prevented_by_it_alone_but_for_two_that_need_another() {
        let mut also = std::vec![];
        for (rule, danger) in DANGERS {
            for other in Rules::ALL.iter().filter(|other| other.rule != rule) {
                let without = Config { rules: Rules::all_on().without(other.rule), ..config() };
                if danger(without) {
                    also.push((rule, other.rule));
                }
            }
        }
        let expected = [
            // Who reads without asking does so whether or not a lease should be over.
            (Rule::LeaseOverBeforeTransfer, Rule::ReadConfirmsLeadership),
            // What was promised before a restart is not to vote beside a living leader.
            (Rule::PromiseOutlivesRestart, Rule::Stickiness),
        ];
        assert_eq!(also, expected);
    }

    #[test]
    fn every_rule_tells_its_source_its_danger_and_a_story() {
        let promises = [
            "leader-completeness",
            "election-safety",
            "commit-durability",
            "monotonicity",
            "linearizability",
            "convergence",
        ];
        for info in Rules::ALL {
            assert!(!info.source.is_empty() && !info.breaks.is_empty(), "{}", info.name);
            assert!(promises.contains(&info.story.promise) && info.story.steps > 0, "{}", info.name);
        }
    }
}
