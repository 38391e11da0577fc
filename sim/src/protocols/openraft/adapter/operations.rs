//! What clients and operators ask, and what they are told when openraft has answered.
//!
//! Holds: answers to writes are the world's, which gives them when it applies them.
//! Not here: how each version is asked (`requests`).

use super::library::Library;
use super::process::{Ask, Process};
use super::requests;
use super::types::{Proposal, ReadPolicy};
use crate::protocol::{Operation, Refusal, RequestId};

/// Appends a command; says something only when that fails.
pub(super) async fn write(raft: &Library, process: &Process, request: RequestId, proposal: Proposal) {
    if let Err(refusal) = requests::append(raft, proposal).await {
        process.ask(Ask::Refuse { request, refusal });
    }
}

/// Waits until a read is linearizable.
pub(super) async fn read(raft: &Library, process: &Process, request: RequestId, policy: ReadPolicy) {
    process.ask(match requests::wait_to_read(raft, process, policy).await {
        Ok(()) => Ask::Serve { request },
        Err(refusal) => Ask::Refuse { request, refusal },
    });
}

/// Carries out what an operator asks.
pub(super) async fn operate(raft: &Library, process: &Process, request: RequestId, operation: Operation) {
    let before = process.memberships_proposed.get();
    let result = match operation {
        Operation::Change(change) => requests::change(raft, process, change).await,
        Operation::Transfer { to } => requests::transfer(raft, to).await,
    };
    process.ask(match result {
        Ok(()) => Ask::Done { request },
        // A change of two entries may lose its leader between them.
        Err(Refusal::NotLeader { .. }) if process.memberships_proposed.get() > before => {
            Ask::Refuse { request, refusal: Refusal::LeadershipLost }
        }
        Err(refusal) => Ask::Refuse { request, refusal },
    });
}
