//! What no node that follows the rules would say: any message that the types allow, in any order, to a node in any role.
//!
//! Holds: a node neither panics nor breaks an invariant of its own (debug builds check them after every step), whatever
//! it hears. It may well commit what it should not: it has to believe those who say what they hold.
//! Not here: messages that are lost, late or doubled (`random`).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use proptest::prelude::*;
use splitbrain_core::{
    Address, Body, Change, ChangeMembers, Chunk, Config, Effect, Effects, Entry, Fact, Input, Intersect,
    JointFinish, LogId, LogIndex, LogSlice, Membership, Message, NodeId, Payload, Precondition, Raft,
    ReadContext, ReadsBy, RequestId, SetMode, Snapshot, Term, Timer, VoterSet, WriteId, invariants,
};

use crate::cluster::{TIMERS, disk_with, n};

/// Small numbers, which meet what is there, and now and then the largest there are.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        40 => 0u64..6,
        1 => prop_oneof![Just(u64::MAX), Just(u64::MAX - 1), Just(u64::MAX / 2), Just(1 << 32)],
    ]
}

fn log_id() -> impl Strategy<Value = LogId> {
    (number(), number()).prop_map(|(term, index)| LogId::new(term, index))
}

fn node() -> impl Strategy<Value = NodeId> {
    (0u32..6).prop_map(NodeId)
}

fn address() -> impl Strategy<Value = Address> {
    (0u32..6).prop_map(Address)
}

fn voters() -> impl Strategy<Value = BTreeSet<NodeId>> {
    proptest::collection::btree_set(node(), 0..4)
}

fn homes() -> impl Strategy<Value = BTreeMap<NodeId, Address>> {
    proptest::collection::btree_map(node(), address(), 0..4)
}

fn membership() -> impl Strategy<Value = Arc<Membership>> {
    (proptest::collection::vec(voters(), 0..3), homes()).prop_map(|(sets, mut nodes)| {
        for id in sets.iter().flatten() {
            nodes.entry(*id).or_insert(Address(id.0));
        }
        let sets = sets.into_iter().map(VoterSet::from).collect();
        Arc::new(Membership::new(sets, nodes).unwrap_or_default())
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        3 => Just(Payload::Blank),
        3 => proptest::collection::vec(any::<u8>(), 0..4).prop_map(|bytes| Payload::Command(bytes.into())),
        1 => membership().prop_map(Payload::Membership),
    ]
}

/// Contiguous, because the type says so, with any terms that do not fall.
fn slice() -> impl Strategy<Value = LogSlice> {
    (log_id(), proptest::collection::vec((0u64..3, payload()), 0..4)).prop_map(|(prev, more)| {
        let mut last = prev;
        let mut entries = Vec::new();
        for (newer, payload) in more {
            let (term, index) = (last.term.0.saturating_add(newer), last.index.0.saturating_add(1));
            last = LogId::new(term, index);
            entries.push(Entry { id: last, payload });
        }
        LogSlice::new(prev, entries).unwrap_or_else(|_| LogSlice::empty(prev))
    })
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..4);
    (log_id(), log_id(), membership(), number(), number(), bytes).prop_map(
        |(last, membership_at, membership, size, offset, bytes)| {
            let head = Snapshot { last, membership_at, membership, state: Arc::default() };
            Chunk { head: Arc::new(head), size, offset, bytes: bytes.into() }
        },
    )
}

fn context() -> impl Strategy<Value = ReadContext> {
    (0u64..2, number()).prop_map(|(incarnation, number)| ReadContext { incarnation, number })
}

fn elections() -> impl Strategy<Value = Body> {
    prop_oneof![
        (log_id(), 0u32..3).prop_map(|(last, priority)| Body::PreVoteRequest { last, priority }),
        (number(), any::<bool>())
            .prop_map(|(asked, granted)| Body::PreVoteResponse { asked: Term(asked), granted }),
        (log_id(), any::<bool>()).prop_map(|(last, forced)| Body::VoteRequest { last, forced }),
        any::<bool>().prop_map(|granted| Body::VoteResponse { granted }),
        Just(Body::TermOver),
        Just(Body::NotAMember),
        Just(Body::TimeoutNow),
    ]
}

fn replication() -> impl Strategy<Value = Body> {
    let index = || number().prop_map(LogIndex);
    prop_oneof![
        3 => (slice(), index()).prop_map(|(slice, commit)| Body::AppendRequest { slice, commit }),
        2 => index().prop_map(|through| Body::AppendAccepted { through }),
        2 => (log_id(), log_id()).prop_map(|(prev, hint)| Body::AppendRejected { prev, hint }),
        1 => (index(), number()).prop_map(|(commit, round)| Body::Heartbeat { commit, round }),
        1 => (number(), 0u32..3).prop_map(|(round, priority)| Body::HeartbeatResponse { round, priority }),
        2 => chunk().prop_map(|chunk| Body::SnapshotRequest { chunk }),
        1 => (log_id(), number(), number())
            .prop_map(|(last, asked, held)| Body::SnapshotReceived { last, asked, held }),
        1 => index().prop_map(|through| Body::SnapshotAccepted { through }),
        1 => context().prop_map(|context| Body::ReadIndexRequest { context }),
        1 => (context(), index()).prop_map(|(context, index)| Body::ReadIndexResponse { context, index }),
    ]
}

fn members() -> impl Strategy<Value = ChangeMembers> {
    let one = prop_oneof![
        voters().prop_map(ChangeMembers::AddVoterIds),
        homes().prop_map(ChangeMembers::AddVoters),
        voters().prop_map(ChangeMembers::RemoveVoters),
        voters().prop_map(ChangeMembers::ReplaceAllVoters),
        homes().prop_map(ChangeMembers::AddNodes),
        homes().prop_map(ChangeMembers::SetNodes),
        voters().prop_map(ChangeMembers::RemoveNodes),
        homes().prop_map(ChangeMembers::ReplaceAllNodes),
    ];
    let one = one.boxed();
    prop_oneof![3 => one.clone(), 1 => proptest::collection::vec(one, 0..3).prop_map(ChangeMembers::Batch)]
}

fn change() -> impl Strategy<Value = Change> {
    let sets = || {
        proptest::collection::vec(voters(), 0..3)
            .prop_map(|sets| sets.into_iter().map(VoterSet::from).collect::<Vec<_>>())
    };
    let mode = prop_oneof![
        Just(SetMode::Set),
        Just(SetMode::Add),
        (voters(), voters()).prop_map(|(servers, listeners)| SetMode::CompareAndSet { servers, listeners })
    ];
    let one = prop_oneof![
        (node(), address(), any::<bool>()).prop_map(|(node, address, blocking)| Change::AddLearner {
            node,
            address,
            blocking
        }),
        (members(), any::<bool>()).prop_map(|(members, retain)| Change::Members { members, retain }),
        (sets(), homes(), any::<bool>()).prop_map(|(sets, nodes, retain)| Change::Append {
            sets,
            nodes,
            retain
        }),
        (sets(), homes(), any::<bool>()).prop_map(|(sets, nodes, retain)| Change::To { sets, nodes, retain }),
        (node(), address()).prop_map(|(node, address)| Change::AddServer { node, address }),
        node().prop_map(|node| Change::RemoveServer { node }),
        (mode, homes(), homes()).prop_map(|(mode, servers, listeners)| Change::SetConfiguration {
            mode,
            servers,
            listeners
        }),
    ];
    (one, 0u8..8, number()).prop_map(|(change, which, number)| {
        let precondition = match which {
            0 => Precondition::LastMembership(LogIndex(number)),
            1 => Precondition::LastEntry(LogIndex(number)),
            2 => Precondition::LeaderTerm(Term(number)),
            3 => Precondition::LearnersCaughtUp,
            _ => return change,
        };
        Change::If { precondition, change: Box::new(change) }
    })
}

#[derive(Clone, Debug)]
enum Do {
    Hear(Input),
    /// The disk finishes so many of its writes.
    Finish(u64),
    /// Two thirds of what makes a leader come in a row; random messages alone seldom make one.
    Elect,
}

fn heard() -> impl Strategy<Value = Input> {
    let body = prop_oneof![elections(), replication()];
    // Mostly in the node's own terms.
    (node(), address(), 0u8..12, number(), body).prop_map(|(from, source, to, term, body)| Input::Received {
        from,
        source,
        to: if to == 0 { n(2) } else { n(1) },
        message: Message { term: Term(term), body },
    })
}

fn asked() -> impl Strategy<Value = Input> {
    let request = RequestId(7);
    prop_oneof![
        4 => proptest::sample::select(TIMERS.to_vec()).prop_map(Input::TimerFired),
        2 => Just(Input::Proposed { request, command: Arc::from(*b"x=1") }),
        2 => Just(Input::ReadRequested { request }),
        3 => change().prop_map(move |change| Input::ChangeRequested { request, change }),
        1 => node().prop_map(move |to| Input::TransferRequested { request, to }),
        2 => number().prop_map(|through| Input::SnapshotTaken { through: LogIndex(through), state: Arc::from(*b"s") }),
        1 => number().prop_map(|through| Input::Persisted { through: WriteId(through) }),
    ]
}

fn doing() -> impl Strategy<Value = Do> {
    prop_oneof![
        12 => heard().prop_map(Do::Hear),
        5 => asked().prop_map(Do::Hear),
        6 => (1u64..4).prop_map(Do::Finish),
        2 => Just(Do::Elect),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (any::<[bool; 9]>(), 1u64..4, 0u64..3).prop_map(|(on, small, trailing)| Config {
        pre_vote: on[0],
        check_quorum: on[1],
        stickiness: on[2],
        reads: if on[3] { ReadsBy::Lease } else { ReadsBy::ReadIndex },
        follower_reads: on[4],
        joint_finish: if on[5] { JointFinish::Finish } else { JointFinish::Leave },
        intersect: if on[6] { Intersect::Exact } else { Intersect::Shared },
        learner_may_lead: on[7],
        shutdown_on_remove: on[8],
        batch_entries_max: small,
        inflight_entries_max: small,
        inflight_bytes_max: small,
        snapshot_chunk_bytes_max: small,
        staging_gap: small,
        replication_lag_threshold: small,
        trailing_entries: trailing,
        ..Config::new(n(1))
    })
}

fn hash(raft: &Raft) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    raft.hash(&mut hasher);
    hasher.finish()
}

/// A node with its disk, which answers when it is told to.
struct Alone {
    raft: Raft,
    issued: u64,
}

impl Alone {
    fn step(&mut self, input: Input) -> Result<(), TestCaseError> {
        let before = self.raft.clone();
        let (after, effects) = before.clone().step(input.clone());
        let (mut in_place, mut buffer) = (before.clone(), Effects::default());
        in_place.step_into(input.clone(), &mut buffer);
        prop_assert_eq!((&in_place, &buffer), (&after, &effects), "equal arguments, equal results");
        if let Err(broken) = invariants::check(&before, &after) {
            return Err(TestCaseError::fail(format!("{broken}, after {input:?}")));
        }
        for effect in &effects.list {
            if let Effect::Persist { id, .. } = effect {
                prop_assert_eq!(id.0, self.issued + 1, "writes are numbered without a gap");
                self.issued = id.0;
            }
        }
        self.raft = after;
        Ok(())
    }

    /// The votes and acknowledgements of nodes 2 and 3, whatever this node has asked for.
    fn elect(&mut self) -> Result<(), TestCaseError> {
        self.step(Input::TimerFired(Timer::Election))?;
        for _ in 0..2 {
            for from in [2, 3] {
                let term = self.raft.term();
                let asked = Body::PreVoteResponse { asked: term, granted: true };
                for body in [asked, Body::VoteResponse { granted: true }] {
                    let message = Message { term, body };
                    self.step(Input::Received { from: n(from), source: Address(from), to: n(1), message })?;
                    self.step(Input::Persisted { through: WriteId(self.issued) })?;
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_message_makes_a_node_panic_or_break_its_invariants(
        config in config(),
        terms in proptest::collection::vec(0u64..2, 0..5),
        steps in proptest::collection::vec(doing(), 0..60),
    ) {
        let terms: Vec<u64> = terms.iter().scan(1, |term, more| { *term += more; Some(*term) }).collect();
        let (raft, _) = Raft::boot(config, &disk_with(&[1, 2, 3], &terms));
        let mut node = Alone { raft, issued: 0 };
        let mut forks = Vec::new();
        for step in steps {
            // Clones share the log with what they were cloned from.
            forks.push((node.raft.clone(), hash(&node.raft)));
            match step {
                Do::Hear(input) => node.step(input)?,
                Do::Finish(count) => {
                    let through = WriteId(node.issued.saturating_sub(3) + count);
                    node.step(Input::Persisted { through })?;
                }
                Do::Elect => node.elect()?,
            }
        }
        for (fork, before) in forks {
            prop_assert_eq!(hash(&fork), before, "a fork is not touched by what becomes of the other one");
        }
    }
}

/// Follower 1 of 3, in term 2 with (1,1), (2,2) and (2,3), a snapshot through (2,2), and (2,3) committed.
fn follower() -> Raft {
    let (mut raft, _) = Raft::boot(Config::new(n(1)), &disk_with(&[1, 2, 3], &[1, 2, 2]));
    let state = Arc::from(*b"s");
    for input in [
        heard_from(3, 2, Body::Heartbeat { commit: LogIndex(3), round: 0 }),
        Input::SnapshotTaken { through: LogIndex(2), state },
        Input::Persisted { through: WriteId(9) },
    ] {
        raft = raft.step(input).0;
    }
    assert_eq!((raft.log().base(), raft.commit()), (LogId::new(2, 2), LogIndex(3)));
    raft
}

fn heard_from(from: u32, term: u64, body: Body) -> Input {
    let message = Message { term: Term(term), body };
    Input::Received { from: n(from), source: Address(from), to: n(1), message }
}

fn append(prev: (u64, u64), terms: &[u64]) -> Body {
    let entry = |(index, term): (u64, &u64)| Entry { id: LogId::new(*term, index), payload: Payload::Blank };
    let entries = (prev.1 + 1..).zip(terms).map(entry).collect();
    let slice = LogSlice::new(LogId::new(prev.0, prev.1), entries).unwrap();
    Body::AppendRequest { slice, commit: LogIndex(0) }
}

#[track_caller]
fn check(input: Input, fact: Fact) {
    let before = follower();
    let (after, effects) = before.clone().step(input);
    assert!(effects.list.contains(&Effect::Note(fact)), "{:?}", effects.list);
    let is_answered = effects.list.iter().any(|effect| matches!(effect, Effect::Send { .. }));
    assert!(!is_answered, "{:?}", effects.list);
    assert_eq!(after.log(), before.log());
    assert_eq!((after.term(), after.commit()), (before.term(), before.commit()));
}

#[test]
fn what_nobody_can_have_said_is_ignored() {
    let from_myself = heard_from(1, 2, Body::Heartbeat { commit: LogIndex(3), round: 0 });
    let from_the_future = heard_from(3, 2, append((2, 3), &[3]));
    let far = heard_from(3, u64::MAX, Body::TermOver);
    for input in [from_myself, from_the_future, far] {
        check(input, Fact::ImpossibleMessage);
    }
}

/// An append that begins below the snapshot was taken to agree there; one that did not made the log's terms fall.
#[test]
fn an_append_that_contradicts_the_snapshot_is_refused() {
    for (prev, terms) in [((1, 1), &[1, 1, 1][..]), ((1, 2), &[1]), ((0, 0), &[2, 3, 3]), ((1, 2), &[])] {
        let term = terms.last().copied().unwrap_or(2).max(2);
        let before = follower();
        let (after, effects) = before.clone().step(heard_from(3, term, append(prev, terms)));
        assert!(effects.list.contains(&Effect::Note(Fact::CommittedEntryConflict)), "{prev:?} {terms:?}");
        assert_eq!(after.log(), before.log());
    }
    // What agrees with the snapshot is taken, wherever it begins.
    for (prev, terms) in [((1, 1), &[2, 2, 2][..]), ((0, 0), &[1, 2, 2, 2]), ((2, 2), &[2, 2])] {
        let (after, _) = follower().step(heard_from(3, 2, append(prev, terms)));
        assert_eq!(after.log().last(), LogId::new(2, 4), "{prev:?} {terms:?}");
    }
}

#[test]
fn an_answer_to_a_round_that_never_began_confirms_no_read() {
    let (raft, _) = Raft::boot(Config::new(n(1)), &disk_with(&[1, 2, 3], &[]));
    let mut leader = Alone { raft, issued: 0 };
    leader.elect().unwrap();
    let term = leader.raft.term().0;
    leader.step(heard_from(2, term, Body::AppendAccepted { through: LogIndex(1) })).unwrap();
    assert_eq!(leader.raft.commit(), LogIndex(1));
    leader.step(heard_from(2, term, Body::HeartbeatResponse { round: 1, priority: 0 })).unwrap();
    let (_, effects) = leader.raft.clone().step(Input::ReadRequested { request: RequestId(1) });
    assert!(!effects.list.contains(&Effect::Serve { request: RequestId(1) }), "it asks first");
}
