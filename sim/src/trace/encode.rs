//! What of a record is hashed: when, where, what, as a few words.
//!
//! Holds: a code belongs to one kind for ever; a kind that is added takes a new one, so that old digests keep their meaning.
//! The number, the event and the cause of a record follow from the records before it, and words for people from the rest.
//! Not here: the hash itself (`digest`).

use super::record::{Ending, Link, Place, What};
use crate::digest::{self, Digest};
use crate::machine::{Answer, Request};
use crate::time::Moment;

/// Adds a record to a digest.
pub(super) fn encode(at: Moment, place: Place, what: &What, into: &mut Digest) {
    let (kind, number, other) = match place {
        Place::World => (0, 0, 0),
        Place::Node(node) => (1, node.0, 0),
        Place::Link { from, to } => (2, from.0, to.0),
        Place::Client(client) => (3, client, 0),
    };
    let head = u64::from(code(what)) | kind << 8 | u64::from(other) << 16 | u64::from(number) << 32;
    into.word(head);
    into.word(at.0);
    parts(what, into);
}

/// The kind of a record.
fn code(what: &What) -> u8 {
    match what {
        What::Sends { .. } => 1,
        What::Receives { .. } => 2,
        What::Loses { .. } => 3,
        What::HasWritten { .. } => 4,
        What::Leads { .. } => 5,
        What::Completes { .. } => 6,
        What::Writes { .. } => 7,
        What::Applies { .. } => 8,
        What::Restores { .. } => 9,
        What::Refuses { .. } => 10,
        What::Boots { .. } => 11,
        What::Crashes { .. } => 12,
        What::LosesDisk => 13,
        What::Fires { .. } => 14,
        What::TakesSnapshot { .. } => 15,
        What::IsAsked { .. } => 16,
        What::Stalls { .. } => 17,
        What::Link { .. } => 18,
        What::Partitioned { .. } => 19,
        What::Moves { .. } => 20,
        What::Heals => 21,
        What::Freezes { .. } => 22,
        What::IsHit { .. } => 23,
        What::RefusesToStart => 24,
        What::CannotWrite => 25,
        What::Pauses { .. } => 26,
        What::HeldBack { .. } => 27,
        What::Notes { .. } => 28,
        What::ShutsDown => 29,
        What::Calls { .. } => 30,
        What::Returns { .. } => 31,
        What::OpensSession => 32,
        What::HasSession { .. } => 33,
        What::AgreementNotOwed { .. } => 34,
        What::Recovers { .. } => 35,
        What::Asks { .. } => 36,
        What::Strikes { .. } => 37,
        What::HasOlderDisk => 38,
        What::IsForced { .. } => 39,
    }
}

/// The rest of a record.
#[expect(clippy::too_many_lines, reason = "a table")]
fn parts(what: &What, into: &mut Digest) {
    match what {
        What::Sends { from, to, address, message } => {
            into.word(u64::from(from.0) << 32 | u64::from(to.0));
            into.word(u64::from(address.0));
            into.word(message.digest);
        }
        What::Receives { from, message } => {
            into.word(u64::from(from.0));
            into.word(message.digest);
        }
        What::Loses { why, message } => {
            into.word(*why as u64);
            into.word(message.digest);
        }
        What::HasWritten { write } => into.word(write.0),
        What::Writes { write, content } => {
            into.word(write.0);
            into.word(content.digest);
        }
        What::Fires { timer } => into.word(timer.digest),
        What::Leads { epoch, term: _ } => into.word(epoch.0),
        What::Completes { request } => into.word(request.0),
        What::Refuses { request, refusal } => {
            into.word(request.0);
            into.word(digest::of(refusal));
        }
        What::IsAsked { request, operation } => {
            into.word(request.0);
            into.word(digest::of(operation));
        }
        What::Applies { index, command } => {
            into.word(*index);
            into.word(command.map_or(u64::MAX, |command| u64::from(command.client) << 32 ^ command.serial));
        }
        What::Restores { through } | What::TakesSnapshot { through } => into.word(*through),
        What::Notes { fact } => into.word(digest::of(fact)),
        What::HeldBack { what } => into.word(digest::of(what)),
        What::Boots { incarnation } => into.word(u64::from(*incarnation)),
        What::Crashes { kept, of } => {
            into.word(*kept as u64);
            into.word(*of as u64);
        }
        What::Pauses { paused: yes }
        | What::Stalls { stalled: yes }
        | What::Freezes { instant_disks: yes } => {
            into.word(u64::from(*yes));
        }
        What::Moves { address } => into.word(u64::from(address.0)),
        What::IsHit { fault } | What::Recovers { fault } => into.word(digest::of(&fault.name())),
        What::Link { state } => into.word(match state {
            Link::Open => 0,
            Link::Cut => 1,
            Link::Held => 2,
            Link::Fading => 3,
        }),
        What::IsForced { sets } => into.word(digest::of(sets)),
        What::Partitioned { groups } => into.word(digest::of(groups)),
        What::Strikes { nemesis, relief } => into.word((*nemesis as u64) << 1 | u64::from(*relief)),
        What::Calls { request } => call(*request, into),
        What::Asks { node, request } => {
            into.word(u64::from(node.0));
            into.word(request.0);
        }
        What::HasSession { session } => into.word(*session),
        What::Returns { call: _, ending } => end(*ending, into),
        What::AgreementNotOwed { .. }
        | What::OpensSession
        | What::LosesDisk
        | What::HasOlderDisk
        | What::Heals
        | What::RefusesToStart
        | What::CannotWrite
        | What::ShutsDown => {}
    }
}

fn call(request: Request, into: &mut Digest) {
    let (kind, key) = match request {
        Request::Get { key } => (0, key),
        Request::Put { key, .. } => (1, key),
        Request::Cas { key, expected: None, .. } => (2, key),
        Request::Cas { key, expected: Some(_), .. } => (3, key),
    };
    into.word(kind << 32 | u64::from(key));
    match request {
        Request::Get { .. } => {}
        Request::Put { value, .. } => into.word(value),
        Request::Cas { expected, value, .. } => {
            into.word(expected.unwrap_or(0));
            into.word(value);
        }
    }
}

fn end(ending: Ending, into: &mut Digest) {
    let (kind, value) = match ending {
        Ending::Unknown => (0, None),
        Ending::Refused => (1, None),
        Ending::Answered(Answer::Written) => (2, None),
        Ending::Answered(Answer::Value(None)) => (3, None),
        Ending::Answered(Answer::Value(value)) => (4, value),
        Ending::Answered(Answer::Swapped) => (5, None),
        Ending::Answered(Answer::Mismatch(None)) => (6, None),
        Ending::Answered(Answer::Mismatch(value)) => (7, value),
    };
    into.word(kind);
    into.word(value.unwrap_or(0));
}
