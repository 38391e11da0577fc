//! What the caller decides before a node boots.
//!
//! Holds: nothing here can break safety, except `rules`.
//! Not here: who takes part; that is in the log and in snapshots (`membership`).

use crate::rules::Rules;
use crate::types::{NodeId, Within};

/// The settings of one node. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Config {
    /// Who this node is.
    pub id: NodeId,
    /// How long a follower waits for a sign of life from a leader before it stands for election.
    pub election: Within,
    /// How often a leader speaks when it has nothing to say.
    pub heartbeat: u64,
    /// Ask whether an election could be won before starting it (thesis 9.6). On by default: without it, a node
    /// that comes back from a partition ends a living leader's term.
    pub pre_vote: bool,
    /// A leader that has not heard from a quorum for `election.min` steps down (thesis 6.2). On by default: without
    /// it, a leader cut off from its followers keeps clients waiting, and pre-vote can leave a cluster without a
    /// leader under partial connectivity.
    pub check_quorum: bool,
    /// Refuse to vote for `election.min` after a sign of life from the leader (thesis 4.2.3). On by default; the
    /// rule of the same name switches it off as well.
    pub stickiness: bool,
    /// Who should rather lead: the higher number. A voter refuses its pre-vote to a candidate of lower priority that has
    /// no more entries than itself, and a leader gives way, once a term, to a caught-up voter of higher priority (as
    /// Ratis and raft-rs). Votes do not look at it, so safety does not depend on it. All equal by default.
    pub priority: u32,
    /// How a leader makes sure that a read is not stale.
    pub reads: ReadsBy,
    /// How far any node's clock may be wrong, in parts per million. Only leases rely on it: **a clock that is worse
    /// may serve stale reads**.
    pub drift_max_ppm: u64,
    /// Whether nodes that do not lead serve reads, by asking the leader for a read index (thesis 6.4), instead of
    /// refusing them.
    pub follower_reads: bool,
    /// A number that no earlier process of this node had: a count of its boots, or drawn from a large range. Only reads
    /// at followers rely on it: **a process with the number of an earlier one may serve stale reads**.
    pub incarnation: u64,
    /// Most entries in one append.
    pub batch_entries_max: u64,
    /// Most bytes of commands in one append; a single command may be larger.
    pub batch_bytes_max: u64,
    /// Most entries sent to one peer and not acknowledged yet.
    pub inflight_entries_max: u64,
    /// Most bytes of commands sent to one peer and not acknowledged yet; a single command may be larger.
    pub inflight_bytes_max: u64,
    /// Most bytes of commands that a leader holds uncommitted before it refuses further ones.
    pub uncommitted_bytes_max: u64,
    /// Most bytes of a machine's state in one message of a snapshot's transfer.
    pub snapshot_chunk_bytes_max: u64,
    /// How many entries stay in the log behind a snapshot when it is taken, so that a follower a little behind is
    /// served from the log and not by a snapshot.
    pub trailing_entries: u64,
    /// Who ends a joint config whose proposer is gone.
    pub joint_finish: JointFinish,
    /// How the rule `old-new-intersect` decides.
    pub intersect: Intersect,
    /// Whether a leader that becomes a learner goes on leading (as openraft 0.10) instead of stepping down once
    /// the membership is committed.
    pub learner_may_lead: bool,
    /// Whether a change in Ratis' style may add a majority of servers at once (RATIS-1912).
    pub majority_add: bool,
    /// Whether a node that learns that it takes part no longer shuts down (Apache Ratis; hashicorp/raft), and leaders
    /// tell such nodes. Off by default, as in openraft: it is left running, and to be shut down from outside.
    pub shutdown_on_remove: bool,
    /// How many entries a learner may lack and still count as caught up, for a blocking `Change::AddLearner` and for
    /// `Precondition::LearnersCaughtUp` (openraft, `replication_lag_threshold`).
    pub replication_lag_threshold: u64,
    /// How long a server may be silent while it catches up before a change in Ratis' style is given up.
    pub staging_timeout: u64,
    /// How many entries a server may lack and still count as caught up.
    pub staging_gap: u64,
    /// Which safety rules are kept.
    pub rules: Rules,
    /// A deliberate mistake, for testing the checkers.
    #[cfg(feature = "mutations")]
    pub mutation: Option<crate::mutation::Mutation>,
}

/// How a leader makes sure that a read is not stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReadsBy {
    /// It asks a quorum whether it still leads (thesis 6.4). Needs no clock.
    ReadIndex,
    /// It knows that a quorum will not vote for another yet (thesis 6.4.1). Needs stickiness, and clocks within
    /// `drift_max_ppm`; without a lease in force it asks.
    Lease,
}

/// Who ends a joint config whose proposer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum JointFinish {
    /// Nobody; the next change leaves it (openraft).
    Leave,
    /// The next leader, as the change asked that made it (Ratis, etcd); one that nobody asked for, by flattening it to its
    /// last set.
    Finish,
}

/// The two forms of the rule `old-new-intersect`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Intersect {
    /// Old and new share an identical voter set, or are uniform and differ in one node (openraft).
    Shared,
    /// Any quorum of the old meets any quorum of the new. Implied by `Shared`, and allows more.
    Exact,
}

impl Config {
    /// How long a lease lasts on the leader's own clock: while it runs, a follower that promised not to vote for
    /// `election.min` still keeps the promise, even if the leader's clock is as slow and the follower's as fast as
    /// `drift_max_ppm` allows.
    #[must_use]
    pub const fn lease(&self) -> u64 {
        const WHOLE: u64 = 1_000_000;
        let drift = if self.drift_max_ppm < WHOLE { self.drift_max_ppm } else { WHOLE };
        let exact = self.election.min as u128 * (WHOLE - drift) as u128 / (WHOLE + drift) as u128;
        exact as u64
    }

    /// Production defaults for a node: the paper's timing (150 to 300 ms), pre-vote, check-quorum and stickiness on.
    #[must_use]
    pub const fn new(id: NodeId) -> Config {
        Config {
            id,
            election: Within { min: 150_000_000, max: 300_000_000 },
            heartbeat: 50_000_000,
            pre_vote: true,
            check_quorum: true,
            stickiness: true,
            priority: 0,
            reads: ReadsBy::ReadIndex,
            drift_max_ppm: 10_000,
            follower_reads: false,
            incarnation: 0,
            batch_entries_max: 64,
            batch_bytes_max: 1 << 20,
            inflight_entries_max: 256,
            inflight_bytes_max: 16 << 20,
            uncommitted_bytes_max: 64 << 20,
            snapshot_chunk_bytes_max: 1 << 20,
            trailing_entries: 0,
            joint_finish: JointFinish::Leave,
            intersect: Intersect::Shared,
            learner_may_lead: true,
            majority_add: false,
            shutdown_on_remove: false,
            replication_lag_threshold: 5000,
            staging_timeout: 1_000_000_000,
            staging_gap: 1000,
            rules: Rules::all_on(),
            #[cfg(feature = "mutations")]
            mutation: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;
    use crate::fact::Fact;
    use crate::input::{Input, Timer};
    use crate::membership::change::{Change, ChangeRefused, Precondition, SetMode};
    use crate::membership::{Membership, VoterSet};
    use crate::message::Body;
    use crate::rules::Rule;
    use crate::testing::{Node, config};
    use crate::types::{Address, LogId, LogIndex, RequestId};
    use crate::{ChangeMembers, Refusal};
    use std::boxed::Box;
    use std::collections::BTreeMap;
    use std::format;
    use std::string::String;
    use std::sync::Arc;
    use std::vec::Vec;

    /// A setting, two values of it, and what is seen of each.
    struct Case {
        setting: &'static str,
        values: [fn(Config) -> Config; 2],
        look: fn(Config) -> String,
        seen: [&'static str; 2],
    }

    fn entries_sent(node: &Node, to: u32) -> Vec<u64> {
        let sent = node.sent().into_iter().filter(|(id, _)| *id == to);
        let lens = sent.filter_map(|(_, body)| match body {
            Body::AppendRequest { slice, .. } => Some(slice.len() as u64),
            _ => None,
        });
        lens.collect()
    }

    /// Six commands of four bytes each, of which 2 acknowledges what is sent at once; how many entries go in each append.
    fn pipelined(config: Config) -> String {
        let mut node = Node::leading(config, &[1]);
        let mut lens = Vec::new();
        for request in 0..6 {
            node.propose(request, b"four");
            lens.extend(entries_sent(&node, 2));
        }
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(2) });
        format!("{lens:?}")
    }

    /// What goes out at once to 3, which lacks two blank entries and six commands of four bytes each.
    fn caught_up(config: Config) -> String {
        let mut node = Node::leading(config, &[1]);
        (0..6).for_each(|request| node.propose(request, b"four"));
        node.hear(3, 2, Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::default() });
        format!("{:?}", entries_sent(&node, 3))
    }

    fn refusals(node: &Node) -> Vec<&'static str> {
        let refusal = |effect: &Effect| match effect {
            Effect::Refuse { refusal, .. } => Some(refusal.name()),
            _ => None,
        };
        node.asked.iter().filter_map(refusal).collect()
    }

    fn first_chunk(config: Config) -> String {
        let mut node = Node::leading(config, &[1]);
        node.step(Input::SnapshotTaken { through: LogIndex(2), state: Arc::from(*b"12345678") });
        node.hear(3, 2, Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::default() });
        let sent = node.sent();
        let Some((3, Body::SnapshotRequest { chunk })) = sent.first() else { return format!("{sent:?}") };
        format!("{} of {}", chunk.bytes.len(), chunk.size)
    }

    fn joint(finish: Config) -> String {
        let sets = [[1, 2, 3], [1, 2, 4]].map(|ids| ids.map(NodeId).into_iter().collect::<VoterSet>());
        let nodes: BTreeMap<NodeId, Address> = (1..=4).map(|id| (NodeId(id), Address(id))).collect();
        let mut node =
            Node::of(Config { pre_vote: false, ..finish }, Membership::new(sets.into(), nodes).unwrap());
        node.fire(Timer::Election);
        node.finish_writes();
        node.hear(2, 1, Body::VoteResponse { granted: true });
        node.finish_writes();
        node.hear(2, 1, Body::AppendAccepted { through: LogIndex(1) });
        format!("{} sets", node.raft.effective_membership().1.sets().len())
    }

    fn leaves(config: Config) -> String {
        let mut node = Node::leading(config, &[1]);
        let remove = ChangeMembers::ReplaceAllVoters([NodeId(2), NodeId(3)].into());
        node.change(1, Change::Members { members: remove, retain: true });
        node.finish_writes();
        for through in [3, 4] {
            for from in [2, 3] {
                node.hear(from, 2, Body::AppendAccepted { through: LogIndex(through) });
            }
        }
        format!("{:?}", node.raft.role())
    }

    fn staged(config: Config, matched: u64) -> Node {
        let mut node = Node::leading(Config { majority_add: true, ..config }, &[1, 1, 1]);
        let servers = BTreeMap::from([(NodeId(5), Address(5))]);
        node.change(1, Change::SetConfiguration { mode: SetMode::Add, servers, listeners: BTreeMap::new() });
        if matched > 0 {
            node.hear(5, 2, Body::AppendAccepted { through: LogIndex(matched) });
        }
        node
    }

    const CASES: &[Case] = &[
        Case {
            setting: "id",
            values: [|config| config, |config| Config { id: NodeId(3), ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.fire(Timer::Election);
                format!("{:?}", node.sent().iter().map(|(to, _)| to).collect::<Vec<_>>())
            },
            seen: ["[2, 3]", "[1, 2]"],
        },
        Case {
            setting: "election",
            values: [|config| config, |config| Config { election: Within { min: 10, max: 25 }, ..config }],
            look: |config| format!("{:?}", Node::with_log(config, &[1]).timer(Timer::Election)),
            seen: ["Some((150000000, 300000000))", "Some((10, 25))"],
        },
        Case {
            setting: "heartbeat",
            values: [|config| config, |config| Config { heartbeat: 7, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                node.fire(Timer::Heartbeat);
                format!("{:?}", node.timer(Timer::Heartbeat))
            },
            seen: ["Some((50000000, 50000000))", "Some((7, 7))"],
        },
        Case {
            setting: "pre_vote",
            values: [|config| config, |config| Config { pre_vote: false, ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.fire(Timer::Election);
                format!("{:?} of term {}", node.raft.role(), node.raft.term().0)
            },
            seen: ["PreCandidate of term 1", "Candidate of term 2"],
        },
        Case {
            setting: "check_quorum",
            values: [|config| config, |config| Config { check_quorum: false, ..config }],
            look: |config| {
                let mut node = Node::with_log(Config { pre_vote: false, ..config }, &[1]);
                node.fire(Timer::Election);
                node.finish_writes();
                node.hear(2, 2, Body::VoteResponse { granted: true });
                format!("{:?}", node.timer(Timer::CheckQuorum))
            },
            seen: ["Some((150000000, 150000000))", "None"],
        },
        Case {
            setting: "stickiness",
            values: [|config| config, |config| Config { stickiness: false, ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.hear(3, 1, Body::Heartbeat { commit: LogIndex(0), round: 0 });
                node.hear(2, 2, Body::VoteRequest { last: LogId::new(1, 1), forced: false });
                format!("votes in term {}", node.raft.term().0)
            },
            seen: ["votes in term 1", "votes in term 2"],
        },
        Case {
            setting: "priority",
            values: [|config| config, |config| Config { priority: 1, ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.hear(2, 1, Body::PreVoteRequest { last: LogId::new(1, 1), priority: 0 });
                format!("{:?}", node.sent())
            },
            seen: [
                "[(2, PreVoteResponse { asked: Term(1), granted: true })]",
                "[(2, PreVoteResponse { asked: Term(1), granted: false })]",
            ],
        },
        Case {
            setting: "reads",
            values: [|config| config, |config| Config { reads: ReadsBy::Lease, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                node.fire(Timer::Heartbeat);
                node.hear(2, 2, Body::HeartbeatResponse { round: 1, priority: 0 });
                node.read(1);
                format!("{}", node.asked.contains(&Effect::Serve { request: RequestId(1) }))
            },
            seen: ["false", "true"],
        },
        Case {
            setting: "drift_max_ppm",
            values: [
                |config| Config { drift_max_ppm: 0, ..config },
                |config| Config { drift_max_ppm: 500_000, ..config },
            ],
            look: |config| {
                let mut node = Node::leading(Config { reads: ReadsBy::Lease, ..config }, &[1]);
                node.fire(Timer::Heartbeat);
                format!("{:?}", node.timer(Timer::OddLease))
            },
            seen: ["Some((150000000, 150000000))", "Some((50000000, 50000000))"],
        },
        Case {
            setting: "follower_reads",
            values: [|config| config, |config| Config { follower_reads: true, ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.hear(3, 1, Body::Heartbeat { commit: LogIndex(0), round: 0 });
                node.read(1);
                format!("{:?}", refusals(&node))
            },
            seen: ["[\"not-leader\"]", "[]"],
        },
        Case {
            setting: "incarnation",
            values: [|config| config, |config| Config { incarnation: 9, ..config }],
            look: |config| {
                let mut node = Node::with_log(Config { follower_reads: true, ..config }, &[1]);
                node.hear(3, 1, Body::Heartbeat { commit: LogIndex(0), round: 0 });
                node.read(1);
                format!("{:?}", node.sent())
            },
            seen: [
                "[(3, ReadIndexRequest { context: ReadContext { incarnation: 0, number: 1 } })]",
                "[(3, ReadIndexRequest { context: ReadContext { incarnation: 9, number: 1 } })]",
            ],
        },
        Case {
            setting: "batch_entries_max",
            values: [|config| config, |config| Config { batch_entries_max: 5, ..config }],
            look: caught_up,
            seen: ["[8]", "[5]"],
        },
        Case {
            setting: "batch_bytes_max",
            values: [|config| config, |config| Config { batch_bytes_max: 9, ..config }],
            look: caught_up,
            seen: ["[8]", "[4]"],
        },
        Case {
            setting: "inflight_entries_max",
            values: [|config| config, |config| Config { inflight_entries_max: 2, ..config }],
            look: pipelined,
            seen: ["[1, 1, 1, 1, 1, 1]", "[1, 1]"],
        },
        Case {
            setting: "inflight_bytes_max",
            values: [|config| config, |config| Config { inflight_bytes_max: 12, ..config }],
            look: pipelined,
            seen: ["[1, 1, 1, 1, 1, 1]", "[1, 1, 1]"],
        },
        Case {
            setting: "uncommitted_bytes_max",
            values: [|config| config, |config| Config { uncommitted_bytes_max: 8, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                let tried: Vec<_> = (0..4)
                    .map(|request| {
                        node.propose(request, b"four");
                        refusals(&node).len()
                    })
                    .collect();
                format!("{tried:?}")
            },
            seen: ["[0, 0, 0, 0]", "[0, 0, 1, 1]"],
        },
        Case {
            setting: "snapshot_chunk_bytes_max",
            values: [|config| config, |config| Config { snapshot_chunk_bytes_max: 3, ..config }],
            look: first_chunk,
            seen: ["8 of 8", "3 of 8"],
        },
        Case {
            setting: "trailing_entries",
            values: [|config| config, |config| Config { trailing_entries: 1, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                node.step(Input::SnapshotTaken { through: LogIndex(2), state: Arc::default() });
                format!("{} after {}", node.raft.log().iter().count(), node.raft.log().base().index.0)
            },
            seen: ["0 after 2", "1 after 1"],
        },
        Case {
            setting: "joint_finish",
            values: [|config| config, |config| Config { joint_finish: JointFinish::Finish, ..config }],
            look: joint,
            seen: ["2 sets", "1 sets"],
        },
        Case {
            setting: "intersect",
            values: [|config| config, |config| Config { intersect: Intersect::Exact, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                // No set in common, and yet any two of {1 2 3} meet both of {1 2} in one at least.
                let sets = [[1, 2], [2, 3]].map(|ids| ids.map(NodeId).into_iter().collect::<VoterSet>());
                node.change(1, Change::Append { sets: sets.into(), nodes: BTreeMap::new(), retain: true });
                format!("{:?}", refusals(&node))
            },
            seen: ["[\"unsupported-membership-transition\"]", "[]"],
        },
        Case {
            setting: "learner_may_lead",
            values: [|config| config, |config| Config { learner_may_lead: false, ..config }],
            look: leaves,
            seen: ["Leader", "Follower"],
        },
        Case {
            setting: "majority_add",
            values: [|config| config, |config| Config { majority_add: true, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                let servers = (1..=6).map(|id| (NodeId(id), Address(id))).collect();
                let mode = SetMode::Set;
                node.change(1, Change::SetConfiguration { mode, servers, listeners: BTreeMap::new() });
                format!("{:?}", refusals(&node))
            },
            seen: ["[\"majority-add\"]", "[]"],
        },
        Case {
            setting: "shutdown_on_remove",
            values: [|config| config, |config| Config { shutdown_on_remove: true, ..config }],
            look: |config| {
                let mut node = Node::with_log(config, &[1]);
                node.hear(3, 1, Body::NotAMember);
                format!("{:?}", node.asked)
            },
            seen: ["[]", "[ShutDown]"],
        },
        Case {
            setting: "replication_lag_threshold",
            values: [|config| config, |config| Config { replication_lag_threshold: 0, ..config }],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                let members = ChangeMembers::AddVoterIds([NodeId(4)].into());
                let change = Box::new(Change::Members { members, retain: true });
                node.change(1, Change::If { precondition: Precondition::LearnersCaughtUp, change });
                format!("{:?}", refusals(&node))
            },
            seen: ["[]", "[\"learner-is-lagging\"]"],
        },
        Case {
            setting: "staging_timeout",
            values: [|config| config, |config| Config { staging_timeout: 5, ..config }],
            look: |config| format!("{:?}", staged(config, 0).timer(Timer::Staging)),
            seen: ["Some((1000000000, 1000000000))", "Some((5, 5))"],
        },
        Case {
            setting: "staging_gap",
            values: [
                |config| Config { staging_gap: 3, ..config },
                |config| Config { staging_gap: 2, ..config },
            ],
            look: |config| {
                let node = staged(config, 2);
                format!("{} caught up: {}", node.raft.commit().0, node.noted(Fact::CaughtUp))
            },
            seen: ["4 caught up: true", "4 caught up: false"],
        },
        Case {
            setting: "rules",
            values: [
                |config| config,
                |config| Config { rules: Rules::all_on().without(Rule::ReadConfirmsLeadership), ..config },
            ],
            look: |config| {
                let mut node = Node::leading(config, &[1]);
                node.read(1);
                format!("{}", node.asked.contains(&Effect::Serve { request: RequestId(1) }))
            },
            seen: ["false", "true"],
        },
    ];

    #[test]
    fn each_setting_makes_the_difference_that_it_should() {
        for case in CASES {
            for (value, seen) in case.values.iter().zip(case.seen) {
                assert_eq!((case.look)(value(config())), seen, "{}", case.setting);
            }
        }
    }

    #[test]
    fn no_setting_is_missing_in_the_table() {
        let text = format!("{:?}", Config { election: Within::exactly(0), ..config() });
        let words =
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != ':');
        let fields = words.filter_map(|word| word.strip_suffix(':'));
        let fields = fields.filter(|name| !["min", "max", "off", "mutation"].contains(name));
        let names: Vec<&str> = CASES.iter().map(|case| case.setting).collect();
        assert_eq!(fields.collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_lease_is_shortened_by_the_drift_of_both_clocks_and_never_negative() {
        // Shortest election timeout, parts per million => lease
        let table = [
            (150, 0, 150),
            (101, 10_000, 99),
            (150, 500_000, 50),
            (150, 1_000_000, 0),
            (150, u64::MAX, 0),
            (u64::MAX, 0, u64::MAX),
            (0, 10_000, 0),
        ];
        for (min, drift_max_ppm, lease) in table {
            let config = Config { election: Within { min, max: u64::MAX }, drift_max_ppm, ..config() };
            assert_eq!(config.lease(), lease, "{min} {drift_max_ppm}");
        }
    }

    #[test]
    fn the_defaults_are_those_of_production() {
        let config = Config::new(NodeId(7));
        assert_eq!(config.id, NodeId(7));
        assert!(config.pre_vote && config.check_quorum && config.stickiness && config.rules.are_all_on());
        assert!(config.heartbeat * 2 < config.election.min, "a lost heartbeat is no reason for an election");
        assert!(config.batch_entries_max <= config.inflight_entries_max);
        assert!(config.batch_bytes_max <= config.inflight_bytes_max);
        assert!(config.lease() < config.election.min);
    }

    #[test]
    fn refusals_of_changes_are_told_by_their_reason() {
        let mut node = Node::leading(config(), &[1]);
        node.change(1, Change::RemoveServer { node: NodeId(9) });
        let refusal = Refusal::Change(ChangeRefused::NotAVoter);
        assert_eq!(node.asked, [Effect::Refuse { request: RequestId(1), refusal }]);
    }
}
