//! openraft's network on that of the world: a call is a message with a number, its answer another.
//!
//! Holds: a call goes to the address in openraft's own node metadata, and whoever is there answers in the name that it
//! was called by; a call that is not answered in time is an error, as a timeout of a socket is.
//! Not here: what becomes of a message under way (the world's network).

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use openraft::async_runtime::Oneshot;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, VoteRequest,
    VoteResponse,
};
use openraft::{AsyncRuntime, OptionalSend, RPCTypes, RaftNetworkFactory, RaftNetworkV2};

use super::digest;
use super::process::Process;
use super::runtime::{SimOneshot, SimRuntime};
use super::types::{Place, Snapshot, Types, Vote};
use super::version::{self, TransferLeaderResponse};
use crate::protocol::{Address, Effect, NodeId};

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
pub(super) enum Call {
    Append(AppendEntriesRequest<Types>),
    Vote(VoteRequest<Types>),
    PreVote(VoteRequest<Types>),
    Snapshot(Vote, Snapshot),
    Transfer(TransferLeaderRequest<Types>),
}

/// What the other says.
#[derive(Clone)]
pub(super) enum Answer {
    Append(AppendEntriesResponse<Types>),
    Vote(VoteResponse<Types>),
    PreVote(VoteResponse<Types>),
    Snapshot(SnapshotResponse<Types>),
    Transfer(TransferLeaderResponse),
    /// The node has stopped.
    Failed,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.call & ((1 << 40) - 1);
        match &self.body {
            Body::Call(call) => match call {
                Call::Append(request) => write!(f, "AppendEntries #{number} {request}"),
                Call::Vote(request) => write!(f, "Vote #{number} {request}"),
                Call::PreVote(request) => write!(f, "PreVote #{number} {request}"),
                Call::Snapshot(vote, snapshot) => write!(f, "Snapshot #{number} {vote} {}", snapshot.meta),
                Call::Transfer(request) => write!(f, "TransferLeader #{number} {request}"),
            },
            Body::Answer(answer) => match answer {
                Answer::Append(response) => write!(f, "AppendEntriesResponse #{number} {response}"),
                Answer::Vote(response) => write!(f, "VoteResponse #{number} {response}"),
                Answer::PreVote(response) => write!(f, "PreVoteResponse #{number} {response}"),
                Answer::Snapshot(response) => write!(f, "SnapshotResponse #{number} {response}"),
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
        Call::Append(AppendEntriesRequest { vote, prev_log_id, entries, leader_commit }) => {
            0u8.hash(state);
            digest::hash_vote(vote, state);
            digest::hash_log_id(prev_log_id.as_ref(), state);
            digest::hash_entries(entries, state);
            digest::hash_log_id(leader_commit.as_ref(), state);
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
            (4u8, *request.to_node_id()).hash(state);
            digest::hash_vote(request.from_leader(), state);
            digest::hash_log_id(request.last_log_id(), state);
        }
    }
}

fn hash_vote_request(kind: u8, request: &VoteRequest<Types>, state: &mut impl Hasher) {
    (kind, request.leadership_transfer).hash(state);
    digest::hash_vote(&request.vote, state);
    digest::hash_log_id(request.last_log_id.as_ref(), state);
}

fn hash_answer(answer: &Answer, state: &mut impl Hasher) {
    match answer {
        Answer::Append(AppendEntriesResponse::Success) => 10u8.hash(state),
        Answer::Append(AppendEntriesResponse::PartialSuccess(through)) => {
            11u8.hash(state);
            digest::hash_log_id(through.as_ref(), state);
        }
        Answer::Append(AppendEntriesResponse::Conflict) => 12u8.hash(state),
        Answer::Append(AppendEntriesResponse::HigherVote(vote)) => {
            13u8.hash(state);
            digest::hash_vote(vote, state);
        }
        Answer::Vote(response) => hash_vote_response(14, response, state),
        Answer::PreVote(response) => hash_vote_response(15, response, state),
        Answer::Snapshot(response) => {
            16u8.hash(state);
            digest::hash_vote(&response.vote, state);
        }
        Answer::Transfer(response) => (17u8, version::is_accepted(response)).hash(state),
        Answer::Failed => 18u8.hash(state),
    }
}

fn hash_vote_response(kind: u8, response: &VoteResponse<Types>, state: &mut impl Hasher) {
    (kind, response.vote_granted).hash(state);
    digest::hash_vote(&response.vote, state);
    digest::hash_log_id(response.last_log_id.as_ref(), state);
}

/// Makes connections.
pub(super) struct Connector(pub(super) Rc<Process>);

/// A connection to an address.
pub(super) struct Connection {
    process: Rc<Process>,
    target: u64,
    address: Address,
}

impl RaftNetworkFactory<Types> for Connector {
    type Network = Connection;

    async fn new_client(&mut self, target: u64, node: &Place) -> Connection {
        Connection { process: self.0.clone(), target, address: node.0 }
    }
}

/// A call that waits. Given up, it is forgotten.
struct Waiting<'a> {
    process: &'a Process,
    call: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.process.end_call(self.call);
    }
}

impl Connection {
    async fn call(&self, call: Call, action: RPCTypes, within: Duration) -> Result<Answer, RPCError<Types>> {
        let within = self.process.rpc_timeout.unwrap_or(within);
        let (sender, answer) = SimOneshot::channel();
        let number = self.process.begin_call(sender);
        let _waiting = Waiting { process: &self.process, call: number };
        self.process.ask(Effect::Send {
            from: self.process.id,
            to: NodeId(self.target as u32),
            address: self.address,
            message: Message { call: number, body: Body::Call(call) },
        });
        match SimRuntime::timeout(within, answer).await {
            Ok(Ok(Answer::Failed)) => {
                Err(RPCError::Unreachable(Unreachable::from_string("the node has stopped")))
            }
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(RPCError::Timeout(Timeout {
                action,
                id: u64::from(self.process.id.0),
                target: self.target,
                timeout: within,
            })),
        }
    }
}

/// Only a node that mixes up its calls answers so.
fn other_answer() -> RPCError<Types> {
    RPCError::Unreachable(Unreachable::from_string("an answer to another question"))
}

impl RaftNetworkV2<Types> for Connection {
    #[cfg(not(openraft_at_most = "23"))]
    type SnapshotData = std::sync::Arc<[u8]>;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        match self.call(Call::Append(request), RPCTypes::AppendEntries, option.soft_ttl()).await? {
            Answer::Append(response) => Ok(response),
            _ => Err(other_answer()),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        match self.call(Call::Vote(request), RPCTypes::Vote, option.soft_ttl()).await? {
            Answer::Vote(response) => Ok(response),
            _ => Err(other_answer()),
        }
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        match self.call(Call::PreVote(request), RPCTypes::Vote, option.soft_ttl()).await? {
            Answer::PreVote(response) => Ok(response),
            _ => Err(other_answer()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let call = self.call(Call::Snapshot(vote, snapshot), RPCTypes::InstallSnapshot, option.soft_ttl());
        // Whoever does not stop here goes on sending newer snapshots under the vote of a reign that is over.
        let answer = match select(pin!(cancel), pin!(call)).await {
            Either::Left((closed, _)) => return Err(StreamingError::Closed(closed)),
            Either::Right((answer, _)) => answer,
        };
        match answer {
            Ok(Answer::Snapshot(response)) => Ok(response),
            Err(RPCError::Timeout(timeout)) => Err(StreamingError::Timeout(timeout)),
            Ok(_) | Err(_) => Err(StreamingError::Unreachable(Unreachable::from_string("no answer"))),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse, RPCError<Types>> {
        match self.call(Call::Transfer(request), RPCTypes::TransferLeader, option.soft_ttl()).await? {
            Answer::Transfer(response) => Ok(response),
            _ => Err(other_answer()),
        }
    }
}

/// Asks the process's own openraft what another node asks.
pub(super) async fn answer(raft: &super::Library, process: &Process, call: Call) -> Answer {
    match call {
        Call::Append(request) => raft.append_entries(request).await.map_or(Answer::Failed, Answer::Append),
        Call::Vote(request) => raft.vote(request).await.map_or(Answer::Failed, Answer::Vote),
        Call::PreVote(request) => raft.pre_vote(request).await.map_or(Answer::Failed, Answer::PreVote),
        Call::Snapshot(vote, snapshot) => {
            process.installing.set(snapshot.meta.last_log_id.map_or(0, |last| last.index));
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            process.installing.set(0);
            installed.map_or(Answer::Failed, Answer::Snapshot)
        }
        Call::Transfer(request) => {
            raft.handle_transfer_leader(request).await.map_or(Answer::Failed, Answer::Transfer)
        }
    }
}
