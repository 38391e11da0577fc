//! Clients: each has one call open at a time, tries again elsewhere, and never takes silence for failure.
//!
//! Holds: a call that was refused by every node it reached certainly did not happen; one whose answer did not come is
//! *unknown*, and may happen later. Not here: what a call does (`machine`), and whether the answers fit (`history`).

use crate::choices::{Choices, Site};
use crate::history::CallId;
use crate::machine::Request;
use crate::protocol::{NodeId, RequestId};
use crate::scenario::Workload;
use crate::time::Moment;
use crate::trace::RecordId;

/// A client of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Counts its calls from 1; tries of one call share it.
    pub(crate) serial: u64,
    /// The open call.
    pub(crate) call: Option<OpenCall>,
    /// The record of the end of its last call.
    pub(crate) returned: Option<RecordId>,
    /// Its session, where sessions expire.
    pub(crate) session: Option<u64>,
    /// The try to open one.
    pub(crate) opening: Option<Attempt>,
    /// Whether it keeps a call open whose outcome is uncertain until the story lets it ask again.
    pub(crate) patient: bool,
    /// Whom it asks next.
    pub(crate) target: u32,
    /// When it does something by itself: gives up a try, tries again, calls again.
    pub(crate) wake: Option<Moment>,
    /// When the agenda looks at it again.
    pub(crate) queued: Option<Moment>,
}

/// A call that has no answer yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenCall {
    /// Its place in the history.
    pub(crate) id: CallId,
    /// The record of its beginning.
    pub(crate) record: RecordId,
    /// What is asked.
    pub(crate) request: Request,
    /// The try that waits for an answer.
    pub(crate) attempt: Option<Attempt>,
    /// How many tries there were.
    pub(crate) tries: u32,
    /// Whether some try had no certain outcome.
    pub(crate) tainted: bool,
}

/// One try of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Names it to the protocol.
    pub(crate) request: RequestId,
    /// Who was asked.
    pub(crate) node: NodeId,
    /// The node's incarnation: a restarted process owes no answer.
    pub(crate) incarnation: u32,
}

/// Draws what a client of the workload asks next. Every written value is new in the run.
pub(crate) fn draw_request(
    workload: &Workload,
    choices: &mut Choices,
    last: &mut u64,
    recent: &[Option<u64>],
) -> Request {
    let key = choices.below(Site::Workload, u64::from(workload.keys)) as u32;
    if choices.chance(Site::Workload, workload.reads) {
        return Request::Get { key };
    }
    *last += 1;
    let value = *last;
    if choices.chance(Site::Workload, workload.cas) {
        let expected = recent.get(key as usize).copied().flatten();
        return Request::Cas { key, expected, value };
    }
    Request::Put { key, value }
}
