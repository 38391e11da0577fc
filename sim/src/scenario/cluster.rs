//! Who takes part, where they are reached, and how the protocol is set up.
//!
//! Holds: nodes are numbered from 0 in the order members (set by set), learners, spare; addresses are numbered from 0
//! in the order of the nodes, then the vacant ones; names are unique; there is at least one voter.
//! Not here: what their disks hold and how they fail (`hardship`).

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{Address, NodeId, OptionValue, QuorumSets, Within};

/// Who takes part, and how the protocol is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Every node; its number is its place here.
    pub nodes: Vec<Node>,
    /// The names of all addresses; an address's number is its place here.
    pub addresses: Vec<String>,
    /// The voter sets of the first membership; more than one is a joint config.
    pub members: QuorumSets,
    /// Who takes part from the start without a vote.
    pub learners: BTreeSet<NodeId>,
    /// Machines that were never initialised.
    pub spare: BTreeSet<NodeId>,
    /// Who should rather lead, most wanted first; everybody else after them.
    pub priority: Vec<NodeId>,
    /// How long a follower waits for a leader before it stands for election.
    pub election: Within,
    /// How often a leader speaks when it has nothing to say, in virtual nanoseconds.
    pub heartbeat: u64,
    /// Whether time or the story fires the timers.
    pub timers: Timers,
    /// Applied entries between two snapshots; `None` when only the story takes them.
    pub snapshot_every: Option<u64>,
    /// What makes a client's retry known to the state machine.
    pub sessions: Sessions,
    /// The protocol's own settings, by name.
    pub options: BTreeMap<String, OptionValue>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What the scenario calls it.
    pub name: String,
    /// The address it is bound to at the start.
    pub home: Address,
}

/// What makes a client's retry known to the state machine (thesis, section 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sessions {
    /// The number of the client, for ever.
    #[default]
    Kept,
    /// Nothing: a command is applied as often as its tries are committed.
    Nothing,
    /// A session that the client opens, and that expires when it is unused for longer than this, in nanoseconds of log
    /// time. A call of a story without a client has none.
    Expiring(u64),
}

/// Who fires election and heartbeat timers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timers {
    /// Time does.
    #[default]
    Running,
    /// Only steps do; the story decides who stands for election, and when.
    Scripted,
}

/// The log on a disk before the first boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitialLog {
    /// The term of each entry from index 1 on; never decreasing.
    pub terms: Vec<u64>,
    /// The term on the disk; at least the last of `terms`.
    pub term: u64,
}

impl Timers {
    pub(super) const ALL: [Timers; 2] = [Timers::Running, Timers::Scripted];

    pub(super) fn name(self) -> &'static str {
        match self {
            Timers::Running => "running",
            Timers::Scripted => "scripted",
        }
    }
}

impl Cluster {
    /// The numbers of all nodes, rising.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..).map(NodeId).take(self.nodes.len())
    }

    /// The node of a name. Linear in the number of nodes.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.ids().zip(&self.nodes).find(|(_, node)| node.name == name).map(|(id, _)| id)
    }

    /// The name of a node; `?` for a number that no node has.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.nodes.get(id.0 as usize).map_or("?", |node| &node.name)
    }

    /// The address a node is bound to at the start.
    #[must_use]
    pub fn home(&self, id: NodeId) -> Option<Address> {
        self.nodes.get(id.0 as usize).map(|node| node.home)
    }

    /// The address of a name. Linear in the number of addresses.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<Address> {
        (0..).map(Address).zip(&self.addresses).find(|(_, known)| *known == name).map(|(address, _)| address)
    }

    /// The name of an address; `?` for a number that no address has.
    #[must_use]
    pub fn address_name(&self, address: Address) -> &str {
        self.addresses.get(address.0 as usize).map_or("?", String::as_str)
    }

    /// Everyone who takes part from the start, learners included, with the address they are reached at.
    #[must_use]
    pub fn initial_addresses(&self) -> BTreeMap<NodeId, Address> {
        let taking_part = self.ids().zip(&self.nodes).filter(|(id, _)| !self.spare.contains(id));
        taking_part.map(|(id, node)| (id, node.home)).collect()
    }
}
