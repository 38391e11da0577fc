//! Quiescence: talk serves something. Messages do not lead to messages for ever while nobody gains anything by them, and
//! a cluster that agrees and is asked for nothing is all but silent.
//!
//! Holds: both bounds are far above what any protocol at work needs, and far below what one needs that answers itself: a
//! follower on an empty disk that was asked and refused 90,000 times in ten seconds broke no other promise.
//! Not here: which messages lead to which (`world`), and when a cluster is at rest (`world::convergence`).

use super::{Names, Seen, Violation};
use crate::protocol::NodeId;
use crate::scenario::Property;
use crate::time::Span;

/// How many messages may lead to each other, one after another, while no node gains anything. Two nodes that look for the
/// place where their logs part, one index at a time, may need two for each entry besides.
const EXCHANGE_MAX: u64 = 64;

/// Messages that led to each other while no node gained anything: an entry, a term, a commit, a part of a snapshot, a write
/// that it begins, an answer to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// How many led to this one.
    pub before: u64,
    /// When the first was sent.
    pub since: Seen,
}

/// A message that is being sent.
#[derive(Debug)]
pub struct Sent<M> {
    /// Who sends it.
    pub from: NodeId,
    /// Whom it means.
    pub to: NodeId,
    /// When.
    pub seen: Seen,
    /// What led to it.
    pub exchange: Exchange,
    /// The last index of the longest log of the two.
    pub log: u64,
    /// What it says.
    pub message: M,
}

/// What was sent while a cluster agreed and was asked for nothing.
#[derive(Debug)]
pub struct Rest<'a> {
    /// Since when.
    pub since: Seen,
    /// Through when.
    pub seen: Seen,
    /// How many heartbeat intervals that is.
    pub intervals: u64,
    /// One heartbeat interval, in virtual nanoseconds.
    pub interval: u64,
    /// How many messages the protocol allows a node to send to one other in an interval.
    pub allowed: u64,
    /// How many each node sent to each other, by sender and then receiver.
    pub sent: &'a [Vec<u64>],
    /// A node that takes part no longer, knows it, and spoke without being asked, so many times.
    pub talkative: Option<(NodeId, u64)>,
}

/// Objects once: whoever talks in circles does not stop.
#[derive(Clone, Debug, Default)]
pub struct Quiescence {
    told: bool,
}

impl Quiescence {
    /// Looks at a message that is being sent.
    ///
    /// # Errors
    /// Too many led to it by which nobody gained anything.
    pub fn on_send(&mut self, sent: &Sent<impl core::fmt::Debug>, names: &Names) -> Result<(), Violation> {
        let Exchange { before, since } = sent.exchange;
        if before <= EXCHANGE_MAX + 2 * sent.log || core::mem::replace(&mut self.told, true) {
            return Ok(());
        }
        let (from, to, message) = (names.of(sent.from), names.of(sent.to), &sent.message);
        Err(Violation {
            property: Property::Quiescence,
            seen: sent.seen,
            summary: format!("{from} and {to} talk in circles: nobody gains anything by what they say"),
            evidence: vec![
                (since, String::from("the first of these messages is sent")),
                (sent.seen, format!("{from} to {to} after {before} of them: {message:?}")),
            ],
        })
    }

    /// Whoever takes part no longer, and knows it, falls silent.
    fn on_outsiders(&mut self, rest: &Rest<'_>, names: &Names) -> Result<(), Violation> {
        let Some((talks, count)) = rest.talkative else { return Ok(()) };
        if core::mem::replace(&mut self.told, true) {
            return Ok(());
        }
        let name = names.of(talks);
        Err(Violation {
            property: Property::Quiescence,
            seen: rest.seen,
            summary: format!("{name} takes part no longer, knows it, and is not silent"),
            evidence: vec![
                (rest.since, String::from("the cluster agrees, and nobody asks it for anything")),
                (rest.seen, format!("{name} has sent {count} messages since, unasked")),
            ],
        })
    }

    /// Looks at what was sent while the cluster was at rest.
    ///
    /// # Errors
    /// A node sent more than it may.
    pub fn on_rest(&mut self, rest: &Rest<'_>, names: &Names) -> Result<(), Violation> {
        self.on_outsiders(rest, names)?;
        let each = rest.sent.iter().enumerate().flat_map(|(from, to)| {
            to.iter().enumerate().map(move |(to, &count)| (count, NodeId(from as u32), NodeId(to as u32)))
        });
        let Some((count, from, to)) = each.max_by_key(|(count, ..)| *count) else { return Ok(()) };
        if count <= rest.allowed * rest.intervals || core::mem::replace(&mut self.told, true) {
            return Ok(());
        }
        let (from, to) = (names.of(from), names.of(to));
        let (spans, span) = (rest.intervals, Span(rest.interval));
        Err(Violation {
            property: Property::Quiescence,
            seen: rest.seen,
            summary: format!("{from} is not silent towards {to}, though there is nothing to do"),
            evidence: vec![
                (rest.since, String::from("the cluster agrees, and nobody asks it for anything")),
                (
                    rest.seen,
                    format!(
                        "{from} sent {count} messages to {to} in {spans} heartbeat intervals of {span}; {} are allowed",
                        rest.allowed * rest.intervals
                    ),
                ),
            ],
        })
    }
}
