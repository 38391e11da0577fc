//! One thing that happened: when, where, what, and which earlier record led to it.
//!
//! Holds: the cause of a record comes before it. What a node does in a step is caused by the record that began the step; that
//! record is caused by what sent, set, issued or asked for it, so that whoever follows causes finds why something happened.
//! Not here: how records are shown (`show`), and what of them is hashed (`encode`).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU64;

use serde::Serialize;

use crate::machine::{Answer, Command, Request};
use crate::protocol::{Address, Epoch, NodeId, Operation, QuorumSets, Refusal, RequestId, WriteId};
use crate::scenario::NodeFault;
use crate::time::Moment;

/// The number of a record in its run, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RecordId(NonZeroU64);

impl RecordId {
    /// The record after so many others.
    #[must_use]
    pub(crate) fn after(before: u64) -> RecordId {
        RecordId(NonZeroU64::MIN.saturating_add(before))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// Its number.
    pub id: RecordId,
    /// The record that led to it; none for what the story, a nemesis' own time or the beginning brought about.
    pub cause: Option<RecordId>,
    /// The event in which it happened, counted from 1; 0 before the first.
    pub event: u64,
    /// When.
    pub at: Moment,
    /// Where.
    pub place: Place,
    /// What.
    pub what: What,
}

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Place {
    /// Nowhere in particular.
    World,
    /// At a machine.
    Node(NodeId),
    /// Between two machines.
    Link {
        /// Who speaks.
        from: NodeId,
        /// Who is spoken to.
        to: NodeId,
    },
    /// At a client.
    Client(u32),
}

impl Place {
    /// The machine, if it is one.
    #[must_use]
    pub fn node(self) -> Option<NodeId> {
        match self {
            Place::Node(node) => Some(node),
            Place::World | Place::Link { .. } | Place::Client(_) => None,
        }
    }
}

/// A message, a write or a timer of a protocol: a value that only its protocol understands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Content {
    /// The hash of all of it, equal on every machine.
    pub digest: u64,
    /// What kind it is, such as `vote-request`; empty where records are not kept.
    pub kind: Box<str>,
    /// What it says, for people; empty where records are not kept.
    pub words: Box<str>,
}

/// The state of the link from one machine to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Messages pass.
    #[default]
    Open,
    /// Messages are lost, those under way included.
    Cut,
    /// Messages wait until the link is released.
    Held,
    /// Messages are lost, but those that were under way already arrive.
    Fading,
}

/// Why a message never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// The network loses some.
    Chance,
    /// The link is cut.
    Cut,
    /// Nobody is at the address.
    NobodyThere,
    /// The receiver's process is down.
    Down,
    /// The receiver's process died while it stood still and the message waited.
    DiedWaiting,
    /// Its checksum does not fit.
    Damaged,
    /// It waited in a held link and was dropped there.
    DroppedWhileHeld,
    /// Too many are under way in an untimed world.
    Crowded,
    /// A story lets it not arrive.
    ByHand,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ending {
    /// Nobody will ever know.
    Unknown,
    /// It certainly did not happen.
    Refused,
    /// It was answered.
    Answered(Answer),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum What {
    /// A node sends a message.
    Sends {
        /// Who the sender says to be.
        from: NodeId,
        /// Whom it means.
        to: NodeId,
        /// Where it believes that node to be.
        address: Address,
        /// The message.
        message: Content,
    },
    /// A message arrives at a node. Its cause is the sending.
    Receives {
        /// Who the sender says to be.
        from: NodeId,
        /// The message.
        message: Content,
    },
    /// A message will never arrive. Its cause is the sending.
    Loses {
        /// Why.
        why: Loss,
        /// The message.
        message: Content,
    },
    /// A node issues a write.
    Writes {
        /// Its number.
        write: WriteId,
        /// The write.
        content: Content,
    },
    /// A write is durable, and the node hears of it. Its cause is the issue.
    HasWritten {
        /// The last durable write.
        write: WriteId,
    },
    /// The disk refuses a write.
    CannotWrite,
    /// A timer fires. Its cause is the record that began the step which set it.
    Fires {
        /// The timer.
        timer: Content,
    },
    /// A node begins to lead.
    Leads {
        /// In which reign.
        epoch: Epoch,
        /// The term of the reign.
        term: u64,
    },
    /// A node hands a committed entry to its machine.
    Applies {
        /// Where it stands in the log.
        index: u64,
        /// The command, if it is one.
        command: Option<Command>,
    },
    /// A node's machine is replaced by a snapshot.
    Restores {
        /// The last index the snapshot contains.
        through: u64,
    },
    /// A snapshot of a node's machine is taken.
    TakesSnapshot {
        /// The last index it contains.
        through: u64,
    },
    /// A node has done what an operator asked for.
    Completes {
        /// Which request.
        request: RequestId,
    },
    /// A node refuses a request.
    Refuses {
        /// Which request.
        request: RequestId,
        /// Why.
        refusal: Refusal,
    },
    /// A protocol, or the world, notes something for readers.
    Notes {
        /// What, in kebab case.
        fact: Cow<'static, str>,
    },
    /// A process starts.
    Boots {
        /// Counts the boots of the node.
        incarnation: u32,
    },
    /// A process would start, and finds that a checksum on its disk does not fit.
    RefusesToStart,
    /// A process dies.
    Crashes {
        /// How many parts of its unfinished writes reached the disk.
        kept: usize,
        /// How many there were.
        of: usize,
    },
    /// A process ends by its own wish.
    ShutsDown,
    /// A disk is emptied.
    LosesDisk,
    /// A disk is replaced by an image of what it held earlier.
    HasOlderDisk,
    /// An operator rewrites on a disk who takes part.
    IsForced {
        /// The voter sets from now on.
        sets: QuorumSets,
    },
    /// A process stands still, or goes on.
    Pauses {
        /// Whether it stands still.
        paused: bool,
    },
    /// A disk finishes nothing for now, or goes on.
    Stalls {
        /// Whether it stands still.
        stalled: bool,
    },
    /// A machine is reached elsewhere from now on.
    Moves {
        /// Where.
        address: Address,
    },
    /// Something goes wrong with a node.
    IsHit {
        /// What.
        fault: NodeFault,
    },
    /// What was wrong with a node is over.
    Recovers {
        /// What was wrong.
        fault: NodeFault,
    },
    /// A link is opened, cut or held.
    Link {
        /// Its state from now on.
        state: Link,
    },
    /// Messages pass only inside these groups from now on.
    Partitioned {
        /// The groups.
        groups: Vec<BTreeSet<NodeId>>,
    },
    /// Hardship ends.
    Heals,
    /// From now on everything is done by hand.
    Freezes {
        /// Whether writes finish as soon as they are issued.
        instant_disks: bool,
    },
    /// A nemesis begins what it does, goes on with it, or undoes it.
    Strikes {
        /// Which one, by its place in the scenario.
        nemesis: usize,
        /// Whether it goes on with what it did, or undoes it.
        relief: bool,
    },
    /// A strike would be more than a correct cluster must survive.
    HeldBack {
        /// What.
        what: &'static str,
    },
    /// The cluster did not agree, and does not have to.
    AgreementNotOwed {
        /// Why not.
        why: String,
    },
    /// A client begins a call.
    Calls {
        /// What it asks.
        request: Request,
    },
    /// A client asks a node, for the first time or again. Its cause is the call.
    Asks {
        /// Whom.
        node: NodeId,
        /// Names the try.
        request: RequestId,
    },
    /// A client asks for a session.
    OpensSession,
    /// A client has a session.
    HasSession {
        /// Its number.
        session: u64,
    },
    /// A call ends. Its cause is what led to the answer.
    Returns {
        /// The record of the call.
        call: RecordId,
        /// What came of it.
        ending: Ending,
    },
    /// An operator asks a node for something.
    IsAsked {
        /// Names it.
        request: RequestId,
        /// For what.
        operation: Operation,
    },
}

impl What {
    /// Its kind in kebab case, as its JSON names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            What::Sends { .. } => "sends",
            What::Receives { .. } => "receives",
            What::Loses { .. } => "loses",
            What::Writes { .. } => "writes",
            What::HasWritten { .. } => "has-written",
            What::CannotWrite => "cannot-write",
            What::Fires { .. } => "fires",
            What::Leads { .. } => "leads",
            What::Applies { .. } => "applies",
            What::Restores { .. } => "restores",
            What::TakesSnapshot { .. } => "takes-snapshot",
            What::Completes { .. } => "completes",
            What::Refuses { .. } => "refuses",
            What::Notes { .. } => "notes",
            What::Boots { .. } => "boots",
            What::RefusesToStart => "refuses-to-start",
            What::Crashes { .. } => "crashes",
            What::ShutsDown => "shuts-down",
            What::LosesDisk => "loses-disk",
            What::HasOlderDisk => "has-older-disk",
            What::IsForced { .. } => "is-forced",
            What::Pauses { .. } => "pauses",
            What::Stalls { .. } => "stalls",
            What::Moves { .. } => "moves",
            What::IsHit { .. } => "is-hit",
            What::Recovers { .. } => "recovers",
            What::Link { .. } => "link",
            What::Partitioned { .. } => "partitioned",
            What::Heals => "heals",
            What::Freezes { .. } => "freezes",
            What::Strikes { .. } => "strikes",
            What::HeldBack { .. } => "held-back",
            What::AgreementNotOwed { .. } => "agreement-not-owed",
            What::Calls { .. } => "calls",
            What::Asks { .. } => "asks",
            What::OpensSession => "opens-session",
            What::HasSession { .. } => "has-session",
            What::Returns { .. } => "returns",
            What::IsAsked { .. } => "is-asked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_what_the_json_names() {
        let (name, yes) = (Content::default(), true);
        let all = [
            What::Sends { from: NodeId(0), to: NodeId(1), address: Address(1), message: name.clone() },
            What::HasWritten { write: WriteId(1) },
            What::LosesDisk,
            What::HasOlderDisk,
            What::TakesSnapshot { through: 1 },
            What::AgreementNotOwed { why: String::new() },
            What::IsHit { fault: NodeFault::Pause },
            What::Pauses { paused: yes },
            What::Link { state: Link::Cut },
            What::Freezes { instant_disks: yes },
            What::Fires { timer: name },
        ];
        for what in all {
            assert_eq!(serde_json::to_value(&what).expect("JSON")["is"], what.kind());
        }
    }
}
