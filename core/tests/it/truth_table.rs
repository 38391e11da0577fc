//! The truth table: every role against every input, one line each.
//!
//! Holds: after the arrow stands the whole answer of a node to each of the inputs above it; what is not there did not
//! happen.

use std::sync::Arc;

use splitbrain_core::{
    Address, Body, Change, Chunk, Config, Durable, Entry, Input, LogId, LogIndex, LogSlice, Membership,
    Message, Payload, Raft, ReadContext, ReadsBy, RequestId, SetMode, Snapshot, Term, Timer, WriteId,
};

use crate::cluster::{TIMERS, at_home, n, set, voters};
use crate::render;

/// A node of `{1 2 3} + learner 4` with (1,1) in its log, after these inputs, whose writes are durable at once.
fn node(config: Config, inputs: &[Input]) -> Raft {
    let members = Membership::new(vec![set(&[1, 2, 3])], at_home(&[1, 2, 3, 4])).unwrap();
    let mut disk = Durable::initialised(members);
    disk.hard_state.term = Term(1);
    disk.log.push(Entry { id: LogId::new(1, 1), payload: Payload::Blank });
    let (mut raft, _) = Raft::boot(config, &disk);
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

/// The same node after one more input, whose write is under way.
fn after(raft: Raft, input: Input) -> Raft {
    raft.step(input).0
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
    let new = |id: u32| Config::new(n(id));
    let over = || hear(1, 3, 2, Body::TermOver);
    let ping = |to: u32| hear(to, 3, 2, Body::Heartbeat { commit: LogIndex(1), round: 0 });
    let entry = Entry { id: LogId::new(2, 2), payload: Payload::Blank };
    let slice = LogSlice::new(LogId::new(1, 1), vec![entry]).unwrap();
    let write = hear(1, 3, 2, Body::AppendRequest { slice, commit: LogIndex(1) });
    let request = RequestId(1);
    let read = Input::ReadRequested { request };
    let new_server =
        Change::SetConfiguration { mode: SetMode::Add, servers: at_home(&[5]), listeners: at_home(&[]) };
    let asking = Config { follower_reads: true, ..new(1) };
    let leased = Config { reads: ReadsBy::Lease, ..new(1) };
    let led = |config: Config, last: Input| after(node(config, &campaign()), last);
    let confirmed = led(leased, Input::TimerFired(Timer::Heartbeat));
    let confirmed = after(confirmed, hear(1, 2, 2, Body::HeartbeatResponse { round: 1, priority: 0 }));
    let transferring = led(new(1), Input::TransferRequested { request, to: n(3) });
    let changing = led(new(1), Input::ChangeRequested { request, change: voters(&[1, 2]) });
    let staging = led(new(1), Input::ChangeRequested { request, change: new_server });
    let asked = after(node(new(1), &campaign()[..1]), campaign()[1].clone());
    let elected = after(node(new(1), &campaign()[..2]), campaign()[2].clone());
    vec![
        ("uninitialised", Raft::boot(new(1), &Durable::default()).0),
        ("follower of nobody", node(new(1), &[over()])),
        ("follower of 3", node(new(1), &[ping(1)])),
        ("follower of 3, a write under way", after(node(new(1), &[ping(1)]), write)),
        ("follower of 3, a read under way", node(asking, &[ping(1), read])),
        ("learner of 3", node(new(4), &[ping(4)])),
        ("pre-candidate", node(new(1), &[over(), Input::TimerFired(Timer::Election)])),
        ("candidate, its vote under way", asked),
        ("candidate", node(new(1), &campaign()[..2])),
        ("new leader, its first entry under way", after(elected, campaign()[3].clone())),
        ("new leader", node(new(1), &campaign()[..3])),
        ("leader", node(new(1), &campaign())),
        ("leader with a lease", confirmed),
        ("leader that waits for a read to be confirmed", led(new(1), Input::ReadRequested { request })),
        ("leader that gives way to 3, which lacks entries", transferring),
        ("leader that goes from {1 2 3} to {1 2}", changing),
        ("leader that waits for 5 to catch up", staging),
    ]
}

/// What makes 1 the leader of term 2, with the vote and the first acknowledgement of 2.
fn campaign() -> Vec<Input> {
    vec![
        Input::TimerFired(Timer::Election),
        hear(1, 2, 1, Body::PreVoteResponse { asked: Term(1), granted: true }),
        hear(1, 2, 2, Body::VoteResponse { granted: true }),
        hear(1, 2, 2, Body::AppendAccepted { through: LogIndex(2) }),
    ]
}

fn inputs(to: u32) -> Vec<Input> {
    let mut list: Vec<Input> = TIMERS.into_iter().map(Input::TimerFired).collect();
    let request = RequestId(2);
    list.extend([
        Input::Persisted { through: WriteId(9) },
        Input::Proposed { request, command: Arc::from(*b"x=1") },
        Input::ReadRequested { request },
        Input::ChangeRequested { request, change: voters(&[1, 2]) },
        Input::ChangeRequested {
            request,
            change: Change::AddLearner { node: n(5), address: Address(5), blocking: false },
        },
        Input::TransferRequested { request, to: n(2) },
        Input::TransferRequested { request, to: n(4) },
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
            Body::PreVoteRequest { last: LogId::new(0, 0), priority: 0 },
            Body::PreVoteResponse { asked: Term(2), granted: true },
            Body::PreVoteResponse { asked: Term(2), granted: false },
            Body::VoteRequest { last: LogId::new(term.min(2), 2), forced: false },
            Body::VoteRequest { last: LogId::new(term.min(2), 2), forced: true },
            Body::VoteRequest { last: LogId::new(0, 0), forced: true },
            Body::VoteResponse { granted: true },
            Body::VoteResponse { granted: false },
            append(term),
            Body::AppendAccepted { through: LogIndex(2) },
            Body::AppendAccepted { through: LogIndex(3) },
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

/// The whole answer of a node.
fn answer(raft: &Raft, input: Input) -> String {
    let (after, effects) = raft.clone().step(input);
    let mut answer: Vec<String> =
        effects.list.iter().map(|effect| render::effect(raft.id(), effect)).collect();
    answer.extend(render::moved(raft, &after).map(|moved| format!("now {moved}")));
    if answer.is_empty() { "-".to_owned() } else { answer.join("; ") }
}

/// The inputs of each answer, in the order in which the answers first come.
fn answers(raft: &Raft) -> Vec<(String, Vec<String>)> {
    let mut list: Vec<(String, Vec<String>)> = Vec::new();
    for input in inputs(raft.id().0) {
        let what = render::input(raft.id(), &input);
        let answer = answer(raft, input);
        match list.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, inputs)) => inputs.push(what),
            None => list.push((answer, vec![what])),
        }
    }
    list
}

#[test]
fn every_role_against_every_input() {
    let mut text = String::new();
    for (name, raft) in roles() {
        text.push_str(&format!("\n{name}: {}\n", render::standing(&raft)));
        for (answer, inputs) in answers(&raft) {
            text.push_str(&format!("  {}\n    => {answer}\n", inputs.join("\n  ")));
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("role-times-input", text.trim_start());
    });
}
