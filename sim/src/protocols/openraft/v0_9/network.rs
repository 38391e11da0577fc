//! openraft 0.9's traits for networks, put to calls of messages.
//!
//! Holds: nobody is said to be unreachable: waiting before the next try, the library would draw (`runtime`).
//! Not here: calling (`calls`), and answering (`requests`).

use std::future::Future;
use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use openraft_0_9::error::{
    Fatal, NetworkError, RPCError, RaftError, ReplicationClosed, StreamingError, Timeout,
};
use openraft_0_9::network::RPCOption;
use openraft_0_9::raft::SnapshotResponse;
use openraft_0_9::{OptionalSend, RPCTypes, RaftNetwork, RaftNetworkFactory};

use super::calls::{Connection, Connector, Unanswered};
use super::message::{Answer, Call};
use super::types::{AppendOutcome, AppendRequest, Place, Snapshot, Types, Vote, VoteRequest, VoteResponse};

impl RaftNetworkFactory<Types> for Connector {
    type Network = Connection;

    async fn new_client(&mut self, target: u64, place: &Place) -> Connection {
        self.connect(target, place)
    }
}

/// What becomes of a call that is not answered.
type CallError = RPCError<u64, Place, RaftError<u64>>;

fn failure(why: Unanswered, action: RPCTypes) -> CallError {
    match why {
        Unanswered::Stopped => RPCError::Network(broken("the node has stopped")),
        Unanswered::Late { me, target, within } => {
            RPCError::Timeout(Timeout { action, id: me, target, timeout: within })
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
        request: AppendRequest,
        option: RPCOption,
    ) -> Result<AppendOutcome, CallError> {
        match self.call(Call::Append(request), option.soft_ttl()).await {
            Ok(Answer::Append(response)) => Ok(copy(&response)),
            Ok(_) => Err(other_answer()),
            Err(why) => Err(failure(why, RPCTypes::AppendEntries)),
        }
    }

    async fn vote(&mut self, request: VoteRequest, option: RPCOption) -> Result<VoteResponse, CallError> {
        match self.call(Call::Vote(request), option.soft_ttl()).await {
            Ok(Answer::Vote(response)) => Ok(response),
            Ok(_) => Err(other_answer()),
            Err(why) => Err(failure(why, RPCTypes::Vote)),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<u64>, StreamingError<Types, Fatal<u64>>> {
        let call = self.call(Call::Snapshot(vote, snapshot), option.soft_ttl());
        // Whoever does not stop here goes on sending newer snapshots under the vote of a reign that is over.
        let answer = match select(pin!(cancel), pin!(call)).await {
            Either::Left((closed, _)) => return Err(StreamingError::Closed(closed)),
            Either::Right((answer, _)) => answer,
        };
        match answer.map_err(|why| failure(why, RPCTypes::InstallSnapshot)) {
            Ok(Answer::Snapshot(vote)) => Ok(SnapshotResponse::new(vote)),
            Err(RPCError::Timeout(timeout)) => Err(StreamingError::Timeout(timeout)),
            Ok(_) | Err(_) => Err(StreamingError::Network(broken("no answer"))),
        }
    }
}

/// openraft's answer, which cannot be cloned.
fn copy(response: &AppendOutcome) -> AppendOutcome {
    match response {
        AppendOutcome::Success => AppendOutcome::Success,
        AppendOutcome::PartialSuccess(through) => AppendOutcome::PartialSuccess(*through),
        AppendOutcome::Conflict => AppendOutcome::Conflict,
        AppendOutcome::HigherVote(vote) => AppendOutcome::HigherVote(*vote),
    }
}
