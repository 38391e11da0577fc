//! Links between machines: who reaches whom, what is lost, how long the rest takes; and who lives at which address.
//!
//! Holds: a message is delivered to whoever is bound to its address when it arrives; reordering comes from delays that
//! overlap. Not here: when a delivery happens (`agenda`) and what it does (`world`).

use std::collections::BTreeSet;

use crate::choices::{Choices, Site};
use crate::protocol::{Address, NodeId};
use crate::scenario::Network as Settings;

/// The state of the link from one machine to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Link {
    /// Messages pass.
    #[default]
    Open,
    /// Messages are lost, those under way included.
    Cut,
    /// Messages wait until the link is released.
    Held,
}

/// What becomes of a message when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives after so many virtual nanoseconds, and perhaps once more after some others.
    Delivered {
        /// The first arrival.
        after: u64,
        /// The second one, of a duplicate.
        again: Option<u64>,
    },
    /// It waits in the link.
    Held,
    /// It never arrives.
    Lost,
}

/// Every link of a world, and the table of addresses.
#[derive(Clone, Debug)]
pub struct Network {
    settings: Settings,
    nodes: usize,
    links: Vec<Link>,
    /// The group of each node in the partition in force; equal for all when there is none.
    groups: Vec<u32>,
    bound: Vec<Option<NodeId>>,
}

impl Network {
    /// Open links between `nodes` machines, each bound to the address given.
    #[must_use]
    pub fn new(settings: Settings, addresses: &[Address]) -> Network {
        let nodes = addresses.len();
        let mut network = Network {
            settings,
            nodes,
            links: vec![Link::Open; nodes * nodes],
            groups: vec![0; nodes],
            bound: Vec::new(),
        };
        for (node, &address) in addresses.iter().enumerate() {
            network.bind(NodeId(node as u32), address);
        }
        network
    }

    /// Changes how links behave from now on.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// How links behave.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Makes a machine the one that is reached at an address; its former address reaches nobody.
    pub fn bind(&mut self, node: NodeId, address: Address) {
        for bound in &mut self.bound {
            if *bound == Some(node) {
                *bound = None;
            }
        }
        let place = address.0 as usize;
        if self.bound.len() <= place {
            self.bound.resize(place + 1, None);
        }
        self.bound[place] = Some(node);
    }

    /// Who is reached at an address.
    #[must_use]
    pub fn at(&self, address: Address) -> Option<NodeId> {
        self.bound.get(address.0 as usize).copied().flatten()
    }

    /// The state of a link: cut by a partition, or as it was set.
    #[must_use]
    pub fn link(&self, from: NodeId, to: NodeId) -> Link {
        if self.groups[from.0 as usize] != self.groups[to.0 as usize] {
            return Link::Cut;
        }
        self.links[self.place(from, to)]
    }

    /// Sets the state of a link, in this direction only.
    pub fn set_link(&mut self, from: NodeId, to: NodeId, link: Link) {
        let place = self.place(from, to);
        self.links[place] = link;
    }

    /// Lets messages pass only inside a group; a node in no group is alone with the others in none. Replaces an earlier
    /// partition and leaves links as they were set; an empty list ends the partition.
    pub fn partition(&mut self, groups: &[BTreeSet<NodeId>]) {
        for node in 0..self.nodes {
            let holds = |group: &BTreeSet<NodeId>| group.contains(&NodeId(node as u32));
            self.groups[node] = groups.iter().position(holds).map_or(u32::MAX, |group| group as u32);
        }
    }

    /// Draws what becomes of a message.
    pub fn fate(&self, from: NodeId, to: NodeId, choices: &mut Choices) -> Fate {
        match self.link(from, to) {
            Link::Cut => Fate::Lost,
            Link::Held => Fate::Held,
            Link::Open if choices.chance(Site::Network, self.settings.loss) => Fate::Lost,
            Link::Open => {
                let after = choices.within(Site::Network, self.settings.delay);
                let twice = choices.chance(Site::Network, self.settings.duplicate);
                let again = twice.then(|| choices.within(Site::Network, self.settings.delay));
                Fate::Delivered { after, again }
            }
        }
    }

    fn place(&self, from: NodeId, to: NodeId) -> usize {
        from.0 as usize * self.nodes + to.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Within;
    use crate::scenario::Ratio;

    const SETTINGS: Settings =
        Settings { delay: Within { min: 1, max: 9 }, loss: Ratio::ZERO, duplicate: Ratio::ZERO };

    fn network(nodes: u32) -> Network {
        let addresses: Vec<Address> = (0..nodes).map(Address).collect();
        Network::new(SETTINGS, &addresses)
    }

    #[test]
    fn a_partition_cuts_between_groups_only() {
        let mut network = network(4);
        network.partition(&[BTreeSet::from([NodeId(0), NodeId(1)]), BTreeSet::from([NodeId(2)])]);
        let cut = |from, to| network.link(NodeId(from), NodeId(to)) == Link::Cut;
        assert!(!cut(0, 1));
        assert!(cut(0, 2) && cut(2, 0) && cut(2, 3) && cut(3, 2));
        assert!(!cut(3, 3));
    }

    #[test]
    fn an_address_reaches_whoever_is_bound_to_it_now() {
        let mut network = network(3);
        network.bind(NodeId(0), Address(2));
        assert_eq!(network.at(Address(2)), Some(NodeId(0)));
        assert_eq!(network.at(Address(0)), None);
        network.bind(NodeId(1), Address(7));
        assert_eq!(network.at(Address(7)), Some(NodeId(1)));
    }

    #[test]
    fn loss_and_duplication_are_as_frequent_as_asked() {
        let mut network = network(2);
        network.set(Settings {
            loss: Ratio { num: 1, den: 4 },
            duplicate: Ratio { num: 1, den: 2 },
            ..SETTINGS
        });
        let mut choices = Choices::seeded(1);
        let (mut lost, mut twice) = (0, 0);
        for _ in 0..4_000 {
            match network.fate(NodeId(0), NodeId(1), &mut choices) {
                Fate::Lost => lost += 1,
                Fate::Delivered { again: Some(_), .. } => twice += 1,
                Fate::Delivered { .. } | Fate::Held => {}
            }
        }
        assert!((900..1_100).contains(&lost), "{lost}");
        assert!((1_400..1_600).contains(&twice), "{twice}");
    }
}
