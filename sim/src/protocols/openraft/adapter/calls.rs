//! A call of openraft to another node: a message, and waiting for the answer.
//!
//! Holds: a call goes to the address in openraft's own node metadata; one that is not answered in time has failed, as a
//! timeout of a socket is; one that is given up is forgotten.
//! Not here: openraft's trait for networks (`network`), and what becomes of a message under way (the world's network).

use std::rc::Rc;
use std::time::Duration;

use openraft_rt::Oneshot as _;

use super::message::{Answer, Body, Call, Message};
use super::process::{Ask, Process};
use super::types::{Place, SimOneshot};
use crate::protocol::{Address, NodeId};
use crate::runtime::timeout;

/// Makes connections.
pub(super) struct Connector(pub(super) Rc<Process>);

/// A connection to an address.
pub(super) struct Connection {
    process: Rc<Process>,
    target: u64,
    address: Address,
}

/// Why a call has no answer.
pub(super) enum Unanswered {
    /// The node has stopped.
    Stopped,
    /// None came in this time.
    Late { me: u64, target: u64, within: Duration },
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

impl Connector {
    pub(super) fn connect(&self, target: u64, place: &Place) -> Connection {
        Connection { process: self.0.clone(), target, address: place.0 }
    }
}

impl Connection {
    /// Asks, and waits for the answer.
    pub(super) async fn call(&self, call: Call, within: Duration) -> Result<Answer, Unanswered> {
        let within = self.process.rpc_timeout.unwrap_or(within);
        let (sender, answer) = SimOneshot::channel();
        let number = self.process.begin_call(sender);
        let _waiting = Waiting { process: &self.process, call: number };
        self.process.ask(Ask::Send {
            from: self.process.id,
            to: NodeId(self.target as u32),
            address: self.address,
            message: Message { call: number, body: Body::Call(call) },
        });
        match timeout(within, answer).await {
            Ok(Ok(Answer::Failed)) => Err(Unanswered::Stopped),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => {
                Err(Unanswered::Late { me: u64::from(self.process.id.0), target: self.target, within })
            }
        }
    }
}
