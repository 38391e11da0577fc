//! The hands: whoever does something to the cluster from outside, be it clients, nemeses or operators.
//!
//! Holds: request ids name the client they belong to, or the operators.
//! Not here: what clients do (`clients`), and what nemeses do (`nemesis`).

use std::collections::BTreeMap;

use super::client::Client;
use super::strike::NemesisState;
use crate::history::CallId;
use crate::protocol::{NodeId, Refusal, RequestId};
use crate::trace::RecordId;

/// The client part of request ids that belong to operators.
pub(super) const OPERATOR: u32 = (1 << CLIENT_BITS) - 1;

/// How many bits of a request id name its client.
const CLIENT_BITS: u32 = 20;

/// What came of an operator's request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Nothing yet.
    Pending,
    /// It is done.
    Done,
    /// It was refused.
    Refused(Refusal),
}

/// Clients, nemeses and operators.
#[derive(Clone, Debug)]
pub(crate) struct Hands {
    /// Clients of the workload first, then those of the story.
    pub(crate) clients: Vec<Client>,
    /// In the order of the scenario.
    pub(super) nemeses: Vec<NemesisState>,
    /// Nemeses whose cue came in this event, where, and in which step.
    pub(super) cued: Vec<(usize, NodeId, Option<RecordId>)>,
    /// Where the cue of the strike that is being made came.
    pub(super) focus: Option<NodeId>,
    /// Whether workload and nemeses are at work.
    pub(crate) busy: bool,
    /// What operators asked for.
    pub(super) operations: BTreeMap<RequestId, OperationState>,
    /// Which process was asked, for what has no outcome yet.
    pub(super) waiting: BTreeMap<RequestId, (NodeId, u32)>,
    /// Why calls of a story were refused.
    pub(super) refusals: BTreeMap<CallId, Refusal>,
    /// Counts requests of all kinds.
    pub(super) last_request: u64,
    /// The last value that the workload wrote: each is new in the run.
    pub(super) last_value: u64,
    /// The value last written to each key by an answered call: what a compare-and-swap of the workload expects.
    pub(super) recent: Vec<Option<u64>>,
    /// How many vacant addresses were given away by nemeses.
    pub(super) vacancies_used: usize,
}

impl Hands {
    /// So many clients of the workload, so many nemeses, all at rest.
    pub(super) fn new(clients: u32, nemeses: usize) -> Hands {
        Hands {
            clients: (0..clients).map(|target| Client { target, ..Client::default() }).collect(),
            nemeses: vec![NemesisState::default(); nemeses],
            cued: Vec::new(),
            focus: None,
            busy: false,
            operations: BTreeMap::new(),
            waiting: BTreeMap::new(),
            refusals: BTreeMap::new(),
            last_request: 0,
            last_value: 0,
            recent: Vec::new(),
            vacancies_used: 0,
        }
    }

    /// A request id that names its client.
    pub(super) fn next_request(&mut self, client: u32) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request << CLIENT_BITS | u64::from(client))
    }
}

/// Whose request it is: a client, or [`OPERATOR`].
pub(super) fn client_of(request: RequestId) -> u32 {
    (request.0 & u64::from(OPERATOR)) as u32
}
