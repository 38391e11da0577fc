//! The steps of a story.
//!
//! Holds: nodes and addresses exist; groups of a partition are disjoint and name every node; no link leads from a node
//! to itself.
//! Not here: what a step does to a world (`runner`), and how it is written (`read_step`, `print`).

use std::collections::{BTreeMap, BTreeSet};

use super::NodeFault;
use crate::protocol::{Address, Change, NodeId, QuorumSets};

/// One thing that is done or looked at. Steps follow each other; virtual time passes only where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Fires a node's election timer and settles; the node must lead then, or must not.
    Elect {
        /// Who stands for election.
        node: NodeId,
        /// Whether it is expected not to win.
        fails: bool,
    },
    /// Fires a node's election timer, and waits for nothing.
    Timeout {
        /// Whose.
        node: NodeId,
    },
    /// Fires a node's heartbeat timer, and waits for nothing.
    Heartbeat {
        /// Whose.
        node: Target,
    },
    /// Fires any timer that a node has set, by name, and waits for nothing.
    Fire {
        /// Whose.
        node: Target,
        /// The timer's name in the protocol's own word, such as `stickiness`.
        timer: String,
    },
    /// Kills the process; the disk stays.
    Crash {
        /// Whose.
        nodes: Whom,
    },
    /// Starts the process on what the disk holds.
    Restart {
        /// Whose. [`Whom::All`] is every node that is down.
        nodes: Whom,
    },
    /// Kills the process, if it runs, and empties the disk: the machine is as if never initialised, or as if it had been
    /// initialised with a group of its own.
    Wipe {
        /// Whose.
        nodes: Whom,
        /// The voter sets that the node takes for the cluster's, right or wrong.
        group: Option<QuorumSets>,
    },
    /// An operator stops a node, if it runs, writes on its disk that exactly these take part, and starts it: the way out when
    /// a quorum is lost for ever, and into a split brain when it is not.
    ForceMembers {
        /// Whose disk.
        node: Target,
        /// Who votes from now on.
        members: BTreeSet<NodeId>,
    },
    /// Keeps an image of what is durable on a disk.
    Backup {
        /// Whose.
        node: NodeId,
        /// What the image is called.
        name: String,
    },
    /// Kills the process, if it runs, and puts an image of its disk in place: what became durable since is gone.
    Restore {
        /// Whose.
        node: NodeId,
        /// What the image is called.
        name: String,
    },
    /// Messages pass only within a group. Replaces earlier partitions; cuts stay.
    Partition {
        /// Disjoint; together every node. Nodes that the file does not name form the last group.
        groups: Vec<BTreeSet<NodeId>>,
    },
    /// Some nodes on one side, all others on the other; a partition of two groups.
    Isolate {
        /// The one side.
        nodes: Whom,
    },
    /// Messages on these links are lost from now on.
    Cut {
        /// Which links.
        links: Links,
    },
    /// Undoes a cut.
    Join {
        /// Which links.
        links: Links,
    },
    /// Hardship ends: partitions and cuts, held messages, faults of nodes, nemeses, and whatever the network does to
    /// messages but delay them. An untimed schedule becomes a timed one.
    Heal,
    /// Messages on these links wait from now on.
    Hold {
        /// Which links.
        links: Links,
    },
    /// Waiting messages on these links travel on, in their order, and later ones no longer wait.
    Release {
        /// Which links.
        links: Links,
    },
    /// Messages that wait on these links are lost; later ones still wait.
    Drop {
        /// Which links.
        links: Links,
    },
    /// Every waiting message is lost; later ones still wait.
    DropAll,
    /// Disk writes of these nodes stay unfinished from now on.
    Stall {
        /// Whose.
        nodes: Whom,
    },
    /// Unfinished writes of these nodes take their course again.
    Unstall {
        /// Whose.
        nodes: Whom,
    },
    /// Makes the oldest unfinished writes of a stalled disk durable.
    Finish {
        /// Whose.
        node: Target,
        /// How many.
        writes: u64,
    },
    /// From now on every message waits for a `deliver`, and every write for a `finish`, or finishes at once.
    Freeze {
        /// Whether writes finish as soon as they are issued.
        instant_disks: bool,
    },
    /// One message arrives: one that waits, or one that is under way and would arrive later.
    Deliver {
        /// Which machine sent it.
        from: NodeId,
        /// Which machine receives it.
        to: NodeId,
        /// What the protocol calls it; `None` when any will do.
        what: Option<String>,
        /// How many older ones are left waiting.
        skip: u64,
        /// Whether it waits on afterwards, as a duplicate.
        keep: bool,
    },
    /// One message that is under way or waits is lost.
    Lose {
        /// Which machine sent it.
        from: NodeId,
        /// Which machine would receive it.
        to: NodeId,
        /// What the protocol calls it; `None` when any will do.
        what: Option<String>,
        /// How many older ones are left.
        skip: u64,
    },
    /// Everything that waits between some nodes arrives, oldest first, and so does what it leads to.
    Exchange {
        /// Which nodes.
        nodes: Whom,
    },
    /// Kills the process; exactly so many parts of its unfinished writes reach the disk.
    Tear {
        /// Whose.
        node: Target,
        /// How many parts.
        kept: u64,
    },
    /// One call of a client.
    Call {
        /// What it asks.
        call: ClientCall,
        /// Who asks, for a client that has a session or asks again; `None` for one that does neither.
        client: Option<String>,
        /// What the story calls it, to ask after it later.
        name: Option<String>,
        /// Whom it asks.
        via: Target,
        /// What must come of it; `None` when anything may.
        outcome: Option<ClientOutcome>,
        /// Whether the step waits for the answer (or the client's patience to end); if not, no time passes.
        wait: bool,
    },
    /// A client asks for its unanswered call again.
    Retry {
        /// Who.
        client: String,
        /// Whom it asks.
        via: Target,
        /// What must come of the call; `None` when anything may.
        outcome: Option<ClientOutcome>,
        /// Whether the step waits for the answer (or the client's patience to end).
        wait: bool,
    },
    /// A client opens a session, and the step waits for that.
    OpenSession {
        /// Who.
        client: String,
        /// Whom it asks.
        via: Target,
    },
    /// One membership change by an operator.
    Change {
        /// What is asked.
        change: Change,
        /// What the story calls it, to ask after it later.
        name: Option<String>,
        /// Who is asked.
        via: Target,
        /// What must come of it.
        outcome: OperationOutcome,
    },
    /// An operator gives leadership away.
    Transfer {
        /// The next leader.
        to: NodeId,
        /// What the story calls it, to ask after it later.
        name: Option<String>,
        /// Who is asked.
        via: Target,
        /// What must come of it.
        outcome: OperationOutcome,
    },
    /// Waits for the outcome of something that the story left unwaited, by its name.
    Answer {
        /// What the story called it.
        name: String,
        /// What must come of it; `None` when anything may.
        expected: Option<Answered>,
    },
    /// Takes a snapshot of a node's machine.
    Snapshot {
        /// Whose.
        node: Target,
    },
    /// The machine moves: from now on it receives what is sent to this address, and whoever had the address does not.
    Address {
        /// Who.
        node: NodeId,
        /// Where.
        at: Address,
    },
    /// Something goes wrong with nodes, whatever the budget. Ends with [`Step::End`] or [`Step::Heal`].
    Fault {
        /// What.
        fault: NodeFault,
        /// With which.
        nodes: Whom,
    },
    /// A fault of nodes ends. One that is for ever does not: rotten disks are found out, for the node starts anew.
    End {
        /// Which fault; its value does not matter.
        fault: NodeFault,
        /// Whose.
        nodes: Whom,
    },
    /// So many events come, with workload and nemeses, however long they take.
    Events {
        /// How many.
        count: u64,
    },
    /// Time passes, with workload and nemeses.
    Run {
        /// How long, in virtual nanoseconds.
        time: u64,
    },
    /// Everything under way arrives and finishes; no timer fires.
    Settle,
    /// Time passes, without nemeses, until the cluster agrees: one leader, every live member at one applied index.
    Converge {
        /// The longest it may take, in virtual nanoseconds.
        within: u64,
    },
    /// Looks at the cluster.
    Expect {
        /// What must hold now; all of it.
        claims: Vec<Claim>,
    },
}

/// Something that is done after an event of the run, whatever step goes on then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// The number of the event; what is done comes before the next one.
    pub after: u64,
    /// What is done: something that takes no time ([`Step::is_instant`]).
    pub step: Step,
}

impl Step {
    /// Whether it is done at once and waits for nothing, so that it can be done between any two events.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        match self {
            Step::Timeout { .. }
            | Step::Heartbeat { .. }
            | Step::Crash { .. }
            | Step::Restart { .. }
            | Step::Wipe { group: None, .. }
            | Step::Partition { .. }
            | Step::Isolate { .. }
            | Step::Cut { .. }
            | Step::Join { .. }
            | Step::Heal
            | Step::Hold { .. }
            | Step::Release { .. }
            | Step::Drop { .. }
            | Step::DropAll
            | Step::Stall { .. }
            | Step::Unstall { .. }
            | Step::Finish { .. }
            | Step::Deliver { .. }
            | Step::Lose { .. }
            | Step::Tear { .. }
            | Step::Snapshot { .. }
            | Step::Address { .. }
            | Step::Fault { .. }
            | Step::End { .. } => true,
            Step::Call { client, name, wait, .. } => !wait && client.is_none() && name.is_none(),
            Step::Change { name, outcome, .. } | Step::Transfer { name, outcome, .. } => {
                name.is_none() && *outcome == OperationOutcome::Pending
            }
            Step::Elect { .. }
            | Step::Fire { .. }
            | Step::Wipe { .. }
            | Step::ForceMembers { .. }
            | Step::Backup { .. }
            | Step::Restore { .. }
            | Step::Freeze { .. }
            | Step::Exchange { .. }
            | Step::Retry { .. }
            | Step::OpenSession { .. }
            | Step::Answer { .. }
            | Step::Events { .. }
            | Step::Run { .. }
            | Step::Settle
            | Step::Converge { .. }
            | Step::Expect { .. } => false,
        }
    }
}

/// One node: a named one, or whoever leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Node(NodeId),
    /// The running node that leads in the highest epoch.
    #[default]
    Leader,
}

/// Some nodes: named ones, whoever leads, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These; at least one.
    Nodes(BTreeSet<NodeId>),
    /// The running node that leads in the highest epoch.
    Leader,
    /// Every node of the scenario.
    All,
}

/// The one-way links from each of some nodes to each of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Who sends.
    pub from: BTreeSet<NodeId>,
    /// Who receives; shares no node with `from`.
    pub to: BTreeSet<NodeId>,
}

/// What a client asks of the replicated key-value machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCall {
    /// `key := value`.
    Write {
        /// Which key.
        key: String,
        /// The new value.
        value: u64,
    },
    /// The value of a key.
    Read {
        /// Which key.
        key: String,
        /// What must be read; `None` when anything may.
        value: Option<Value>,
    },
    /// `key := to`, if it is `from`.
    Cas {
        /// Which key.
        key: String,
        /// What it must be.
        from: Value,
        /// The new value.
        to: u64,
    },
}

/// The value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The key was never written.
    Absent,
    /// It was written.
    Of(u64),
}

/// What came of a client's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientOutcome {
    /// Done.
    Ok,
    /// A compare-and-swap found another value; certainly not done.
    Mismatch,
    /// No answer: it may be done, now or later.
    Unknown,
    /// Certainly not done.
    Refused,
}

/// What came of something that a story asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Of a client's call.
    Client(ClientOutcome),
    /// Of an operator's request.
    Operation(OperationOutcome),
}

/// What came of an operator's request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationOutcome {
    /// It is done, and the step waits for that.
    #[default]
    Done,
    /// The step does not wait; anything may come of it.
    Pending,
    /// It is refused for this reason: `not-leader`, `leadership-lost`, `busy`, `unsupported`, or the protocol's own word.
    Refused(String),
}

/// Something that must hold at a moment.
#[expect(clippy::large_enum_variant, reason = "a story has few claims; a box would only stand in the way")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Exactly these running nodes believe that they lead.
    Leaders(BTreeSet<NodeId>),
    /// All these facts have been noted so far.
    Seen(BTreeSet<String>),
    /// None of these facts has been noted so far.
    Never(BTreeSet<String>),
    /// Something about each of some nodes.
    Nodes {
        /// Which.
        nodes: Whom,
        /// What.
        claim: NodeClaim,
    },
}

/// What must hold of a node; whatever is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeClaim {
    /// Whether its process runs.
    pub running: Option<bool>,
    /// Its role, in the protocol's own word.
    pub role: Option<String>,
    /// Its epoch (Raft: its term).
    pub term: Option<Comparison>,
    /// The index through which it knows the log to be committed.
    pub commit: Option<Comparison>,
    /// The index through which its machine has applied.
    pub applied: Option<Comparison>,
    /// The last index it holds.
    pub last: Option<Comparison>,
    /// The epoch (Raft: the term) of each entry it holds from index 1 on.
    pub log: Option<Vec<u64>>,
    /// The voter sets in force on it, in any order.
    pub voters: Option<QuorumSets>,
    /// The learners it knows.
    pub learners: Option<BTreeSet<NodeId>>,
    /// What its machine holds under some keys.
    pub machine: BTreeMap<String, Value>,
}

/// A number compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How.
    pub relation: Relation,
    /// With what.
    pub bound: u64,
}

/// How a number stands to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `3`.
    Equal,
    /// `"<3"`.
    Below,
    /// `">=3"`.
    AtLeast,
}

impl core::fmt::Display for Comparison {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.relation {
            Relation::Equal => write!(f, "{}", self.bound),
            Relation::Below => write!(f, "below {}", self.bound),
            Relation::AtLeast => write!(f, "at least {}", self.bound),
        }
    }
}

impl Comparison {
    /// Whether a number is as claimed.
    #[must_use]
    pub fn holds(self, number: u64) -> bool {
        match self.relation {
            Relation::Equal => number == self.bound,
            Relation::Below => number < self.bound,
            Relation::AtLeast => self.bound <= number,
        }
    }
}

impl ClientOutcome {
    pub(super) const ALL: [ClientOutcome; 4] =
        [ClientOutcome::Ok, ClientOutcome::Mismatch, ClientOutcome::Unknown, ClientOutcome::Refused];

    /// The word that scenarios and reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClientOutcome::Ok => "ok",
            ClientOutcome::Mismatch => "mismatch",
            ClientOutcome::Unknown => "unknown",
            ClientOutcome::Refused => "refused",
        }
    }
}
