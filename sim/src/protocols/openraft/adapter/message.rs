//! What openraft's nodes say: a call is a message with a number, its answer another.
//!
//! Holds: openraft's types have no hash of their own; every part of a message counts.
//! Not here: who sends them (`calls`), and who answers (`network`).

use std::fmt;
use std::hash::{Hash, Hasher};

use super::digest;
use super::types::{
    self, AppendOutcome, AppendRequest, AppendResponse, Snapshot, TransferRequest, TransferResponse, Vote,
    VoteRequest, VoteResponse,
};

/// What nodes say.
#[derive(Clone)]
pub struct Message {
    /// Names a call of one incarnation of a node; its answer bears the same.
    pub(super) call: u64,
    pub(super) body: Body,
}

/// A call or an answer.
#[derive(Clone)]
pub(super) enum Body {
    Call(Call),
    Answer(Answer),
}

/// What a node asks of another.
#[derive(Clone)]
#[allow(dead_code, reason = "0.9 has no pre-vote and no transfer")]
pub(super) enum Call {
    Append(AppendRequest),
    Vote(VoteRequest),
    PreVote(VoteRequest),
    Snapshot(Vote, Snapshot),
    Transfer(TransferRequest),
}

/// What the other says.
#[derive(Clone)]
#[allow(dead_code, reason = "0.9 has no pre-vote and no transfer")]
pub(super) enum Answer {
    Append(AppendResponse),
    Vote(VoteResponse),
    PreVote(VoteResponse),
    /// The vote of whoever was sent a snapshot.
    Snapshot(Vote),
    Transfer(TransferResponse),
    /// The node has stopped.
    Failed,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.call & ((1 << 40) - 1);
        match &self.body {
            Body::Call(call) => match call {
                Call::Append(request) => write!(f, "AppendEntries #{number} {}", types::summary(request)),
                Call::Vote(request) => write!(f, "Vote #{number} {request}"),
                Call::PreVote(request) => write!(f, "PreVote #{number} {request}"),
                Call::Snapshot(vote, snapshot) => write!(f, "Snapshot #{number} {vote} {}", snapshot.meta),
                Call::Transfer(request) => write!(f, "TransferLeader #{number} {request}"),
            },
            Body::Answer(answer) => match answer {
                Answer::Append(response) => write!(f, "AppendEntriesResponse #{number} {response}"),
                Answer::Vote(response) => write!(f, "VoteResponse #{number} {response}"),
                Answer::PreVote(response) => write!(f, "PreVoteResponse #{number} {response}"),
                Answer::Snapshot(vote) => write!(f, "SnapshotResponse #{number} {vote}"),
                Answer::Transfer(response) => write!(f, "TransferLeaderResponse #{number} {response:?}"),
                Answer::Failed => write!(f, "Stopped #{number}"),
            },
        }
    }
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.call.hash(state);
        match &self.body {
            Body::Call(call) => hash_call(call, state),
            Body::Answer(answer) => hash_answer(answer, state),
        }
    }
}

fn hash_call(call: &Call, state: &mut impl Hasher) {
    match call {
        Call::Append(request) => {
            0u8.hash(state);
            digest::hash_vote(&request.vote, state);
            digest::hash_log_id(request.prev_log_id.as_ref(), state);
            digest::hash_entries(&request.entries, state);
            digest::hash_log_id(request.leader_commit.as_ref(), state);
        }
        Call::Vote(request) => hash_vote_request(1, request, state),
        Call::PreVote(request) => hash_vote_request(2, request, state),
        Call::Snapshot(vote, snapshot) => {
            3u8.hash(state);
            digest::hash_vote(vote, state);
            digest::hash_meta(&snapshot.meta, state);
            snapshot.snapshot.hash(state);
        }
        Call::Transfer(request) => {
            let (to, leader, last) = types::parts_of_transfer(request);
            (4u8, to).hash(state);
            digest::hash_vote(leader, state);
            digest::hash_log_id(last, state);
        }
    }
}

fn hash_vote_request(kind: u8, request: &VoteRequest, state: &mut impl Hasher) {
    kind.hash(state);
    types::hash_more_of_vote(request, state);
    digest::hash_vote(&request.vote, state);
    digest::hash_log_id(request.last_log_id.as_ref(), state);
}

fn hash_answer(answer: &Answer, state: &mut impl Hasher) {
    match answer {
        Answer::Append(response) => hash_append_response(response, state),
        Answer::Vote(response) => hash_vote_response(14, response, state),
        Answer::PreVote(response) => hash_vote_response(15, response, state),
        Answer::Snapshot(vote) => {
            16u8.hash(state);
            digest::hash_vote(vote, state);
        }
        Answer::Transfer(response) => (17u8, types::is_accepted(response)).hash(state),
        Answer::Failed => 18u8.hash(state),
    }
}

fn hash_append_response(response: &AppendOutcome, state: &mut impl Hasher) {
    match response {
        AppendOutcome::Success => 10u8.hash(state),
        AppendOutcome::PartialSuccess(through) => {
            11u8.hash(state);
            digest::hash_log_id(through.as_ref(), state);
        }
        AppendOutcome::Conflict => 12u8.hash(state),
        AppendOutcome::HigherVote(vote) => {
            13u8.hash(state);
            digest::hash_vote(vote, state);
        }
    }
}

fn hash_vote_response(kind: u8, response: &VoteResponse, state: &mut impl Hasher) {
    (kind, response.vote_granted).hash(state);
    digest::hash_vote(&response.vote, state);
    digest::hash_log_id(response.last_log_id.as_ref(), state);
}
