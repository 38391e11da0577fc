//! Where a story stands, with all that it remembers: what it needs to go on in a world that stands there too.
//!
//! Not here: going on (`story`), and worlds (`checkpoints`).

use crate::history::CallId;
use crate::protocol::{Protocol, RequestId};
use crate::time::Moment;

/// Something that a story asked for by name and may ask after later.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    /// A client's call, and what a read must give.
    Call(CallId),
    /// An operator's request.
    Operation(RequestId),
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// It begins.
    Begins,
    /// It lets time pass until then.
    Runs { until: Moment },
    /// It takes so many more events.
    Counts { left: u64 },
}

/// Where a story stands, with all that it remembers: it can be gone on with from here, in a world that stands there too.
pub(crate) struct Bookmark<P: Protocol> {
    pub(super) reasons: Vec<String>,
    pub(super) clients: Vec<(String, u32)>,
    pub(super) asked: Vec<(String, Asked)>,
    pub(super) images: Vec<(String, P::Disk)>,
    pub(super) step: usize,
    pub(super) within: Within,
    pub(super) ends: Vec<u64>,
}

impl<P: Protocol> Clone for Bookmark<P> {
    fn clone(&self) -> Self {
        Bookmark {
            reasons: self.reasons.clone(),
            clients: self.clients.clone(),
            asked: self.asked.clone(),
            images: self.images.clone(),
            step: self.step,
            within: self.within,
            ends: self.ends.clone(),
        }
    }
}
