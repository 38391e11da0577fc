//! openraft 0.10's traits for networks, put to calls of messages.
//!
//! Not here: calling (`calls`), and answering (`requests`).

use std::future::Future;
use std::pin::pin;

use futures_util::future::{Either, select};
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::SnapshotResponse;
use openraft::{OptionalSend, RPCTypes, RaftNetworkFactory, RaftNetworkV2};

use super::calls::{Connection, Connector, Unanswered};
use super::message::{Answer, Call};
use super::types::{
    AppendRequest, AppendResponse, Place, Snapshot, TransferRequest, TransferResponse, Types, Vote,
    VoteRequest, VoteResponse,
};

impl RaftNetworkFactory<Types> for Connector {
    type Network = Connection;

    async fn new_client(&mut self, target: u64, place: &Place) -> Connection {
        self.connect(target, place)
    }
}

fn failure(why: Unanswered, action: RPCTypes) -> RPCError<Types> {
    match why {
        Unanswered::Stopped => RPCError::Unreachable(Unreachable::from_string("the node has stopped")),
        Unanswered::Late { me, target, within } => {
            RPCError::Timeout(Timeout { action, id: me, target, timeout: within })
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
        request: AppendRequest,
        option: RPCOption,
    ) -> Result<AppendResponse, RPCError<Types>> {
        match self.call(Call::Append(request), option.soft_ttl()).await {
            Ok(Answer::Append(response)) => Ok(response),
            Ok(_) => Err(other_answer()),
            Err(why) => Err(failure(why, RPCTypes::AppendEntries)),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest,
        option: RPCOption,
    ) -> Result<VoteResponse, RPCError<Types>> {
        match self.call(Call::Vote(request), option.soft_ttl()).await {
            Ok(Answer::Vote(response)) => Ok(response),
            Ok(_) => Err(other_answer()),
            Err(why) => Err(failure(why, RPCTypes::Vote)),
        }
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest,
        option: RPCOption,
    ) -> Result<VoteResponse, RPCError<Types>> {
        match self.call(Call::PreVote(request), option.soft_ttl()).await {
            Ok(Answer::PreVote(response)) => Ok(response),
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
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let call = self.call(Call::Snapshot(vote, snapshot), option.soft_ttl());
        // Whoever does not stop here goes on sending newer snapshots under the vote of a reign that is over.
        let answer = match select(pin!(cancel), pin!(call)).await {
            Either::Left((closed, _)) => return Err(StreamingError::Closed(closed)),
            Either::Right((answer, _)) => answer,
        };
        match answer.map_err(|why| failure(why, RPCTypes::InstallSnapshot)) {
            Ok(Answer::Snapshot(vote)) => Ok(SnapshotResponse { vote }),
            Err(RPCError::Timeout(timeout)) => Err(StreamingError::Timeout(timeout)),
            Ok(_) | Err(_) => Err(StreamingError::Unreachable(Unreachable::from_string("no answer"))),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferRequest,
        option: RPCOption,
    ) -> Result<TransferResponse, RPCError<Types>> {
        match self.call(Call::Transfer(request), option.soft_ttl()).await {
            Ok(Answer::Transfer(response)) => Ok(response),
            Ok(_) => Err(other_answer()),
            Err(why) => Err(failure(why, RPCTypes::TransferLeader)),
        }
    }
}
