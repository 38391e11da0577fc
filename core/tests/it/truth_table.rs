//! The truth table: every role against every input, one line each.
//!
//! Holds: a line is the whole answer of a node; what is not on it did not happen.

use std::sync::Arc;

use splitbrain_core::{
    Address, Body, Change, Chunk, Config, Durable, Entry, Input, LogId, LogIndex, LogSlice, Membership,
    Message, Payload, Raft, ReadContext, RequestId, Snapshot, Term, Timer, WriteId,
};

use crate::cluster::{at_home, n, set, voters};
use crate::render;

/// A node of `{1 2 3} + learner 4` with (1,1) in its log, after these inputs, whose writes are durable at once.
fn node(id: u32, inputs: &[Input]) -> Raft {
    let members = Membership::new(vec![set(&[1, 2, 3])], at_home(&[1, 2, 3, 4])).unwrap();
    let mut disk = Durable::initialised(members);
    disk.hard_state.term = Term(1);
    disk.log.push(Entry { id: LogId::new(1, 1), payload: Payload::Blank });
    let (mut raft, _) = Raft::boot(Config::new(n(id)), &disk);
    for input in inputs {
        let (after, effects) = raft.step(input.clone());
        raft = after;
        for effect in effects.list {
            if let splitbrain_core::Effect::Persist { id, .. } = effect {
                raft = raft.step(Input::Persisted { through: id }).0;
            }
        }
    }
    raft
}

fn hear(to: u32, from: u32, term: u64, body: Body) -> Input {
    let message = Message { term: Term(term), body };
    Input::Received { from: n(from), source: Address(from), to: n(to), message }
}

fn append(term: u64) -> Body {
    let entry = Entry { id: LogId::new(term, 2), payload: Payload::Blank };
    Body::AppendRequest { slice: LogSlice::new(LogId::new(1, 1), vec![entry]).unwrap(), commit: LogIndex(1) }
}

/// Everyone stands in term 2.
fn roles() -> Vec<(&'static str, Raft)> {
    let asked = |granted| Body::PreVoteResponse { asked: Term(1), granted };
    let campaign = [
        Input::TimerFired(Timer::Election),
        hear(1, 2, 1, asked(true)),
        hear(1, 2, 2, Body::VoteResponse { granted: true }),
        hear(1, 2, 2, Body::AppendAccepted { through: LogIndex(2) }),
    ];
    let over = || hear(1, 3, 2, Body::TermOver);
    let ping = Body::Heartbeat { commit: LogIndex(1), round: 0 };
    vec![
        ("uninitialised", Raft::boot(Config::new(n(1)), &Durable::default()).0),
        ("follower of nobody", node(1, &[over()])),
        ("follower of 3", node(1, &[hear(1, 3, 2, ping.clone())])),
        ("learner of 3", node(4, &[hear(4, 3, 2, ping)])),
        ("pre-candidate", node(1, &[over(), Input::TimerFired(Timer::Election)])),
        ("candidate", node(1, &campaign[..2])),
        ("new leader", node(1, &campaign[..3])),
        ("leader", node(1, &campaign)),
    ]
}

fn inputs(to: u32) -> Vec<Input> {
    let timers = [
        Timer::Election,
        Timer::Heartbeat,
        Timer::Stickiness,
        Timer::CheckQuorum,
        Timer::Transfer,
        Timer::Staging,
        Timer::EvenLease,
        Timer::OddLease,
    ];
    let mut list: Vec<Input> = timers.into_iter().map(Input::TimerFired).collect();
    let request = RequestId(1);
    list.extend([
        Input::Persisted { through: WriteId(0) },
        Input::Proposed { request, command: Arc::from(*b"x=1") },
        Input::ReadRequested { request },
        Input::ChangeRequested { request, change: voters(&[1, 2]) },
        Input::ChangeRequested {
            request,
            change: Change::AddLearner { node: n(5), address: Address(5), blocking: false },
        },
        Input::TransferRequested { request, to: n(2) },
        Input::SnapshotTaken { through: LogIndex(1), state: Arc::from(*b"") },
    ]);
    let members = Membership::new(vec![set(&[1, 2, 3])], at_home(&[1, 2, 3, 4])).unwrap();
    let members = Arc::new(members);
    for term in [1, 2, 3] {
        // Nobody has entries of a term that it has not reached.
        let last = LogId::new(term.min(2), 5);
        let state = Arc::from(*b"x=1;");
        let snapshot = Snapshot { last, membership: Arc::clone(&members), state, ..Snapshot::default() };
        let context = ReadContext { incarnation: 0, number: 1 };
        let bodies = [
            Body::PreVoteRequest { last: LogId::new(term.min(2), 2), priority: 0 },
            Body::PreVoteResponse { asked: Term(term), granted: true },
            Body::PreVoteResponse { asked: Term(term), granted: false },
            Body::VoteRequest { last: LogId::new(term.min(2), 2), forced: false },
            Body::VoteRequest { last: LogId::new(term.min(2), 2), forced: true },
            Body::VoteRequest { last: LogId::new(0, 0), forced: true },
            Body::VoteResponse { granted: true },
            Body::VoteResponse { granted: false },
            append(term),
            Body::AppendAccepted { through: LogIndex(2) },
            Body::AppendRejected { prev: LogId::new(1, 1), hint: LogId::new(0, 0) },
            Body::Heartbeat { commit: LogIndex(1), round: 1 },
            Body::HeartbeatResponse { round: 1, priority: 0 },
            Body::HeartbeatResponse { round: 1, priority: 1 },
            Body::SnapshotRequest { chunk: Chunk::of(&snapshot, 0, 4) },
            Body::SnapshotRequest { chunk: Chunk::of(&snapshot, 0, 2) },
            Body::SnapshotReceived { last, asked: 0, held: 2 },
            Body::SnapshotAccepted { through: LogIndex(2) },
            Body::TermOver,
            Body::NotAMember,
            Body::TimeoutNow,
            Body::ReadIndexRequest { context },
            Body::ReadIndexResponse { context, index: LogIndex(1) },
        ];
        list.extend(bodies.into_iter().map(|body| hear(to, 2, term, body)));
    }
    list
}

fn line(raft: &Raft, input: Input) -> String {
    let what = render::input(&input);
    let (after, effects) = raft.clone().step(input);
    let mut answer: Vec<String> = effects.list.iter().map(render::effect).collect();
    if render::standing(raft) != render::standing(&after) {
        answer.push(format!("now {}", render::standing(&after)));
    }
    if answer.is_empty() {
        answer.push("-".to_owned());
    }
    format!("{what} => {}\n", answer.join("; "))
}

#[test]
fn every_role_against_every_input() {
    let mut text = String::new();
    for (name, raft) in roles() {
        text.push_str(&format!("\n{name}: {}\n", render::standing(&raft)));
        for input in inputs(raft.id().0) {
            text.push_str("  ");
            text.push_str(&line(&raft, input));
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("role-times-input", text.trim_start());
    });
}
