//! What does not change while a world is explored: who takes part, what may be asked, and how much of it.
//!
//! Not here: what happens (`moves`), and which nodes are alike (`symmetry`).

use std::sync::Arc;

use super::Explorable;
use crate::check::Checkers;
use crate::machine::{By, Command, Request, Task};
use crate::protocol::{Address, NodeId, Operation, Protocol, RequestId};
use crate::runner;
use crate::scenario::{
    Explore, Objection, Order, Property, Scenario, Sessions, Step, Subject, Target, Writes,
};

/// Something that operators may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) operation: Operation,
    /// Of this node, when it leads; of whoever leads otherwise.
    pub(super) via: Option<NodeId>,
}

/// What does not change.
pub(super) struct Stage<P: Protocol> {
    pub(super) scenario: Arc<Scenario>,
    pub(super) settings: P::Settings,
    pub(super) bounds: Explore,
    /// Whether every write finishes as soon as it is issued.
    pub(super) instant_disks: bool,
    /// What operators may ask for, each once here however often it is asked.
    pub(super) operations: Vec<Asked>,
    /// The promises that nobody judges of this protocol.
    pub(super) not_judged: Vec<Property>,
    homes: Vec<Address>,
}

impl<P: Explorable> Stage<P> {
    /// The stage of a scenario.
    ///
    /// # Errors
    /// What of the scenario cannot be explored.
    pub(super) fn new(scenario: &Scenario) -> Result<Stage<P>, Objection> {
        refuse_what_needs_time(scenario)?;
        let settings = runner::protocol_settings::<P>(scenario)?;
        let bounds = scenario.explore;
        let mut operations = Vec::new();
        for step in &scenario.steps {
            let (operation, via) = match step {
                Step::Change { change, via, .. } => (Operation::Change(change.clone()), *via),
                Step::Transfer { to, via, .. } => (Operation::Transfer { to: *to }, *via),
                _ => continue,
            };
            let via = match via {
                Target::Node(node) => Some(node),
                Target::Leader => None,
            };
            let asked = Asked { operation, via };
            if !operations.contains(&asked) {
                operations.push(asked);
            }
        }
        let not_judged = Checkers::not_judged(P::shows()).into_iter().map(|lack| lack.property).collect();
        Ok(Stage {
            settings,
            bounds,
            instant_disks: bounds.writes == Writes::AtOnce,
            operations,
            not_judged,
            homes: scenario.cluster.nodes.iter().map(|node| node.home).collect(),
            scenario: Arc::new(scenario.clone()),
        })
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.homes.len()
    }

    /// Where a node is reached.
    pub(super) fn home(&self, node: NodeId) -> Address {
        self.homes[node.0 as usize]
    }

    /// Who is reached at an address.
    pub(super) fn at(&self, address: Address) -> Option<NodeId> {
        let place = self.homes.iter().position(|home| *home == address)?;
        Some(NodeId(place as u32))
    }

    /// Whether every node is reached at the address of its number.
    pub(super) fn is_at_home(&self) -> bool {
        (0..).zip(&self.homes).all(|(number, home)| home.0 == number)
    }

    /// The command of a client, as a world's client would have it written into the log.
    pub(super) fn command(&self, client: u32) -> (RequestId, Arc<[u8]>) {
        let by = match self.scenario.cluster.sessions {
            Sessions::Kept => By::Client,
            Sessions::Nothing | Sessions::Expiring(_) => By::Nothing,
        };
        let task = Task::Ask { by, request: request_of(client) };
        (RequestId(u64::from(client) + 1), Command { client, serial: 1, task }.encode())
    }
}

/// What the client of a number asks for: every client writes once, a value of its own, to one key.
pub(super) fn request_of(client: u32) -> Request {
    Request::Put { key: 0, value: u64::from(client) + 1 }
}

/// An exploration has no clock, no chance, and no order of messages.
fn refuse_what_needs_time(scenario: &Scenario) -> Result<(), Objection> {
    let refuse = |message: &str, hint: &str| {
        let hint = Some(hint.to_owned());
        Err(Objection { subject: Subject::Scenario, message: message.to_owned(), hint })
    };
    if scenario.network.order == Order::Fifo {
        return refuse("messages that keep their order cannot be explored", "leave out [network] order");
    }
    if matches!(scenario.cluster.sessions, Sessions::Expiring(_)) {
        return refuse("sessions that expire cannot be explored", "leave out [cluster] sessions");
    }
    let moves = |step: &Step| matches!(step, Step::Address { .. } | Step::Wipe { .. });
    if scenario.steps.iter().any(moves) {
        return refuse(
            "a story in which machines move or lose their disks cannot be explored",
            "leave out these steps: only changes and transfers are taken from the story",
        );
    }
    Ok(())
}
