//! Which entry a request waits for, and when a read may be answered.
//!
//! Holds: nobody is forgotten: whatever went in comes out by one of the ways out, once.
//! Not here: answers to writes that did happen, which the world gives when it applies them.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{Epoch, RequestId};

/// A request as bytes, for a library that carries a caller's own mark.
#[must_use]
pub fn token(request: RequestId) -> Vec<u8> {
    request.0.to_le_bytes().to_vec()
}

/// The request that a token stands for; `None` when the bytes are no token.
#[must_use]
pub fn request_of(token: &[u8]) -> Option<RequestId> {
    token.try_into().ok().map(|bytes| RequestId(u64::from_le_bytes(bytes)))
}

/// Requests that wait for the entry in which their command stands.
///
/// ```
/// use splitbrain::adapter::Proposals;
/// use splitbrain::protocol::{Epoch, RequestId};
///
/// let mut proposals = Proposals::default();
/// proposals.appended(7, Epoch(2), RequestId(100));
/// proposals.appended(8, Epoch(2), RequestId(101));
/// assert_eq!(proposals.applied(7, Epoch(2)), None, "it happened");
/// assert_eq!(proposals.applied(8, Epoch(3)), Some(RequestId(101)), "another entry stands there");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposals(BTreeMap<u64, (Epoch, RequestId)>);

impl Proposals {
    /// A command was appended at an index, in an epoch.
    pub fn appended(&mut self, index: u64, epoch: Epoch, request: RequestId) {
        self.0.insert(index, (epoch, request));
    }

    /// The entry at an index was applied. Returns the request whose command did not stand there after all.
    pub fn applied(&mut self, index: u64, epoch: Epoch) -> Option<RequestId> {
        let (appended, request) = self.0.remove(&index)?;
        (appended != epoch).then_some(request)
    }

    /// Leadership is lost: nobody knows what becomes of these.
    #[must_use]
    pub fn lost(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.0).into_values().map(|(_, request)| request).collect()
    }
}

/// Reads that wait: first for a sign that the leader still leads, then for its machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    asked: BTreeSet<RequestId>,
    confirmed: Vec<(u64, RequestId)>,
}

impl Reads {
    /// A client asks to read.
    pub fn asked(&mut self, request: RequestId) {
        self.asked.insert(request);
    }

    /// A read sees everything that it must when the machine holds this index. One that nobody waits for is ignored.
    pub fn confirmed(&mut self, request: RequestId, index: u64) {
        if self.asked.remove(&request) {
            self.confirmed.push((index, request));
        }
    }

    /// The reads that a machine which holds this index can answer, in the order in which they were confirmed.
    pub fn ready(&mut self, applied: u64) -> impl Iterator<Item = RequestId> {
        self.confirmed.extract_if(.., move |(index, _)| *index <= applied).map(|(_, request)| request)
    }

    /// Leadership is lost: these were not confirmed, and may be asked of somebody else.
    #[must_use]
    pub fn lost(&mut self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_request() {
        assert_eq!(request_of(&token(RequestId(17))), Some(RequestId(17)));
        assert_eq!(request_of(b"short"), None);
    }

    #[test]
    fn a_read_is_ready_when_it_is_confirmed_and_its_index_is_applied() {
        let mut reads = Reads::default();
        (1..=3).for_each(|number| reads.asked(RequestId(number)));
        reads.confirmed(RequestId(2), 5);
        reads.confirmed(RequestId(1), 4);
        reads.confirmed(RequestId(9), 1);
        assert_eq!(reads.ready(3).count(), 0);
        assert_eq!(reads.ready(5).collect::<Vec<_>>(), [RequestId(2), RequestId(1)]);
        assert_eq!(reads.ready(5).count(), 0, "once");
        assert_eq!(reads.lost(), BTreeSet::from([RequestId(3)]));
    }

    #[test]
    fn proposals_that_are_lost_are_told_once() {
        let mut proposals = Proposals::default();
        proposals.appended(1, Epoch(1), RequestId(10));
        proposals.appended(2, Epoch(1), RequestId(11));
        assert_eq!(proposals.lost(), [RequestId(10), RequestId(11)]);
        assert_eq!(proposals.applied(1, Epoch(1)), None);
    }
}
