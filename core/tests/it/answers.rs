//! Every call that a leader has pending is answered in the step in which it stops leading, or ends.
//!
//! Holds: who asked is never left to its time-out by somebody who knows better.
//! Not here: what the answers mean (`replication`, `members`, `elections`).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use splitbrain_core::{Body, Change, Config, Fact, LogIndex, NodeId, Refusal, RequestId, Timer};

use crate::cluster::{Cluster, Outcome, n, plain};
use crate::random::{Do, config, doing, run, world};

/// What was asked of a leader, and is not answered as far as its core is concerned.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// The caller answers it when the entry is applied, so a committed one waits for nothing here.
    Proposal(LogIndex),
    Transfer,
    /// Asked of a follower. A leader told it the index long ago, perhaps; it waits for this node to apply it, whoever leads.
    FollowerRead,
    Other,
}

#[derive(Default)]
struct Pending {
    calls: BTreeMap<NodeId, BTreeMap<RequestId, Call>>,
    /// Who told a target to stand. It may have begun a new term, whose leader is heard of.
    told: BTreeSet<NodeId>,
}

impl Pending {
    fn note(&mut self, id: u32, request: RequestId, call: Call) {
        self.calls.entry(n(id)).or_default().insert(request, call);
    }

    /// One step of the world, and who had to be answered in it and was not.
    fn step(&mut self, c: &mut Cluster, what: &Do) -> Option<String> {
        let before: Vec<(u32, bool)> = (1..=6).map(|id| (id, c.runs(id) && c.raft(id).leads())).collect();
        match *what {
            Do::Propose(id) => {
                let request = c.propose(id);
                if c.runs(id) {
                    self.note(id, request, Call::Proposal(c.raft(id).log().last().index));
                }
            }
            Do::Read(id) => {
                let leads = c.runs(id) && c.raft(id).leads();
                let request = c.read(id);
                self.note(id, request, if leads { Call::Other } else { Call::FollowerRead });
            }
            Do::Transfer(id, to) => {
                let request = c.transfer(id, to);
                self.note(id, request, Call::Transfer);
            }
            Do::Change(id, which) => {
                let request = c.ask(id, crate::random::change(which));
                self.note(id, request, Call::Other);
            }
            Do::Crash(id, _) => {
                self.calls.remove(&n(id));
                run(c, what);
            }
            Do::Deliver(_)
            | Do::Drop(_)
            | Do::Duplicate(_)
            | Do::FinishWrite(_)
            | Do::Fire(..)
            | Do::Snapshot(_)
            | Do::Settle => run(c, what),
        }
        let telling = |body: &Body| matches!(body, Body::TimeoutNow);
        self.told.extend(
            c.letters.iter().filter(|letter| telling(&letter.message.body)).map(|letter| letter.from),
        );
        before.into_iter().find_map(|(id, led)| self.left_alone(c, id, led, matches!(what, Do::Crash(..))))
    }

    fn left_alone(&mut self, c: &Cluster, id: u32, led: bool, crashed: bool) -> Option<String> {
        let calls = self.calls.entry(n(id)).or_default();
        calls.retain(|request, _| !c.outcomes.contains_key(request));
        let ended = !c.runs(id) && !crashed;
        let stepped_down = led && c.runs(id) && !c.raft(id).leads();
        if !ended && !stepped_down {
            return None;
        }
        let commit = if c.runs(id) { c.raft(id).commit() } else { LogIndex(u64::MAX) };
        let told = self.told.contains(&n(id));
        calls.retain(|_, call| match call {
            Call::Proposal(index) => *index > commit,
            Call::Transfer => ended || !told,
            Call::FollowerRead => ended,
            Call::Other => true,
        });
        (!calls.is_empty()).then(|| format!("{id} answers nobody of {calls:?}"))
    }
}

/// As anywhere, with more calls to those who may lead.
fn asking() -> impl Strategy<Value = Do> {
    let voter = || 1u32..=3;
    prop_oneof![
        12 => doing(),
        2 => (voter(), voter()).prop_map(|(id, to)| Do::Transfer(id, to)),
        1 => (voter(), any::<u8>()).prop_map(|(id, which)| Do::Change(id, which)),
        1 => voter().prop_map(Do::Propose),
        1 => voter().prop_map(Do::Read),
        1 => voter().prop_map(|id| Do::Fire(id, Timer::CheckQuorum)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn who_stops_leading_answers_everyone_in_the_same_step(
        config in config(), follower_reads: bool, steps in proptest::collection::vec(asking(), 0..500),
    ) {
        let mut c = world(Config { follower_reads, ..config });
        c.elect(1);
        let mut pending = Pending::default();
        for step in steps.iter().filter(|step| !matches!(step, Do::Settle)) {
            let left_alone = pending.step(&mut c, step);
            prop_assert_eq!(left_alone, None, "after {:?}", step);
        }
    }
}

fn three() -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { check_quorum: true, ..plain(id) });
    c.elect(1);
    c
}

/// A change leaves the leader out, a transfer waits for its target to catch up, and the change is committed first.
#[test]
fn a_removed_leader_answers_a_pending_transfer_at_once() {
    let mut c = Cluster::new(&[&[1, 2, 3, 4]], &[], plain);
    c.elect(1);
    c.part(&[4], &[1, 2, 3]);
    let removal = c.ask(1, Change::RemoveServer { node: n(1) });
    let transfer = c.transfer(1, 4);
    assert!(!c.outcomes.contains_key(&transfer), "4 lacks the entry");
    c.settle();
    assert!(c.seen.contains(&Fact::LeaderRemoved));
    assert_eq!(c.outcomes[&removal], Outcome::Done);
    assert_eq!(c.outcomes[&transfer], Outcome::Refused(Refusal::TransferFailed));
}

/// A leader that told its target to stand and hears of no higher term does not know what came of it.
#[test]
fn a_target_that_was_told_may_lead_and_the_caller_hears_that_nobody_knows() {
    let mut c = three();
    let transfer = c.transfer(1, 2);
    assert!(c.letters.iter().any(|letter| letter.message.body == Body::TimeoutNow));
    c.part(&[1], &[2, 3]);
    c.settle();
    c.fire(1, Timer::CheckQuorum);
    c.fire(1, Timer::CheckQuorum);
    assert!(!c.raft(1).leads());
    assert_eq!(c.outcomes[&transfer], Outcome::Refused(Refusal::LeadershipLost));
}
