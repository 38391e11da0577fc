//! openraft 0.9's network on that of the world: a call is a message with a number, its answer another.
//!
//! Holds: a call goes to the address in openraft's own node metadata, and whoever is there answers in the name that it
//! was called by; a call that is not answered in time is an error, as a timeout of a socket is. Nobody is said to be
//! unreachable: waiting before the next try, the library would draw (`runtime`).
//! Not here: what becomes of a message under way (the world's network).

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use openraft_0_9::error::{
    Fatal, NetworkError, RPCError, RaftError, ReplicationClosed, StreamingError, Timeout,
};
use openraft_0_9::network::RPCOption;
use openraft_0_9::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft_0_9::{AsyncRuntime, MessageSummary, OptionalSend, RPCTypes, RaftNetwork, RaftNetworkFactory};
use openraft_rt::Oneshot as _;

use super::digest;
use super::process::Process;
use super::runtime::{SimOneshot, SimRuntime};
use super::types::{Place, Snapshot, Types, Vote};
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
    Vote(VoteRequest<u64>),
    Snapshot(Vote, Snapshot),
}

/// What the other says.
#[derive(Clone)]
pub(super) enum Answer {
    Append(Arc<AppendEntriesResponse<u64>>),
    Vote(VoteResponse<u64>),
    Snapshot(Vote),
    /// The node has stopped.
    Failed,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.call & ((1 << 40) - 1);
        match &self.body {
            Body::Call(call) => match call {
                Call::Append(request) => write!(f, "AppendEntries #{number} {}", request.summary()),
                Call::Vote(request) => write!(f, "Vote #{number} {request}"),
                Call::Snapshot(vote, snapshot) => write!(f, "Snapshot #{number} {vote} {}", snapshot.meta),
            },
            Body::Answer(answer) => match answer {
                Answer::Append(response) => write!(f, "AppendEntriesResponse #{number} {response}"),
                Answer::Vote(response) => write!(f, "VoteResponse #{number} {response}"),
                Answer::Snapshot(vote) => write!(f, "SnapshotResponse #{number} {vote}"),
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
        Call::Vote(request) => {
            1u8.hash(state);
            digest::hash_vote(&request.vote, state);
            digest::hash_log_id(request.last_log_id.as_ref(), state);
        }
        Call::Snapshot(vote, snapshot) => {
            3u8.hash(state);
            digest::hash_vote(vote, state);
            digest::hash_meta(&snapshot.meta, state);
            snapshot.snapshot.hash(state);
        }
    }
}

fn hash_answer(answer: &Answer, state: &mut impl Hasher) {
    match answer {
        Answer::Append(response) => match &**response {
            AppendEntriesResponse::Success => 10u8.hash(state),
            AppendEntriesResponse::PartialSuccess(through) => {
                11u8.hash(state);
                digest::hash_log_id(through.as_ref(), state);
            }
            AppendEntriesResponse::Conflict => 12u8.hash(state),
            AppendEntriesResponse::HigherVote(vote) => {
                13u8.hash(state);
                digest::hash_vote(vote, state);
            }
        },
        Answer::Vote(response) => {
            (14u8, response.vote_granted).hash(state);
            digest::hash_vote(&response.vote, state);
            digest::hash_log_id(response.last_log_id.as_ref(), state);
        }
        Answer::Snapshot(vote) => {
            16u8.hash(state);
            digest::hash_vote(vote, state);
        }
        Answer::Failed => 18u8.hash(state),
    }
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

/// What becomes of a call that is not answered.
type CallError = RPCError<u64, Place, RaftError<u64>>;

impl Connection {
    async fn call(&self, call: Call, action: RPCTypes, within: Duration) -> Result<Answer, CallError> {
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
            Ok(Ok(Answer::Failed)) => Err(RPCError::Network(broken("the node has stopped"))),
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

fn broken(why: &'static str) -> NetworkError {
    NetworkError::new(&io::Error::other(why))
}

/// Only a node that mixes up its calls answers so.
fn other_answer() -> CallError {
    RPCError::Network(broken("an answer to another question"))
}

impl RaftNetwork<Types> for Connection {
    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, CallError> {
        let call = Call::Append(request);
        match self.call(call, RPCTypes::AppendEntries, option.soft_ttl()).await? {
            Answer::Append(response) => Ok(copy_response(&response)),
            _ => Err(other_answer()),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<u64>,
        option: RPCOption,
    ) -> Result<VoteResponse<u64>, CallError> {
        match self.call(Call::Vote(request), RPCTypes::Vote, option.soft_ttl()).await? {
            Answer::Vote(response) => Ok(response),
            _ => Err(other_answer()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, Fatal<u64>>> {
        let call = self.call(Call::Snapshot(vote, snapshot), RPCTypes::InstallSnapshot, option.soft_ttl());
        // Whoever does not stop here goes on sending newer snapshots under the vote of a reign that is over.
        let answer = match select(pin!(cancel), pin!(call)).await {
            Either::Left((closed, _)) => return Err(StreamingError::Closed(closed)),
            Either::Right((answer, _)) => answer,
        };
        match answer {
            Ok(Answer::Snapshot(vote)) => Ok(SnapshotResponse::new(vote)),
            Err(RPCError::Timeout(timeout)) => Err(StreamingError::Timeout(timeout)),
            Ok(_) | Err(_) => Err(StreamingError::Network(broken("no answer"))),
        }
    }
}

/// openraft's answer, which cannot be cloned.
fn copy_response(response: &AppendEntriesResponse<u64>) -> AppendEntriesResponse<u64> {
    match response {
        AppendEntriesResponse::Success => AppendEntriesResponse::Success,
        AppendEntriesResponse::PartialSuccess(through) => AppendEntriesResponse::PartialSuccess(*through),
        AppendEntriesResponse::Conflict => AppendEntriesResponse::Conflict,
        AppendEntriesResponse::HigherVote(vote) => AppendEntriesResponse::HigherVote(*vote),
    }
}

/// Asks the process's own openraft what another node asks.
pub(super) async fn answer(raft: &super::Library, process: &Process, call: Call) -> Answer {
    match call {
        Call::Append(request) => {
            let response = raft.append_entries(request).await;
            response.map_or(Answer::Failed, |response| Answer::Append(Arc::new(response)))
        }
        Call::Vote(request) => raft.vote(request).await.map_or(Answer::Failed, Answer::Vote),
        Call::Snapshot(vote, snapshot) => {
            process.installing.set(snapshot.meta.last_log_id.map_or(0, |last| last.index));
            let installed = raft.install_full_snapshot(vote, snapshot).await;
            process.installing.set(0);
            installed.map_or(Answer::Failed, |response| Answer::Snapshot(response.vote))
        }
    }
}
