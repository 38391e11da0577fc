//! Links between machines: who reaches whom, what is lost, how long the rest takes; and who lives at which address.
//!
//! Holds: a message is delivered to whoever is bound to its address when it arrives; reordering comes from delays that
//! overlap. Not here: when a delivery happens (`agenda`) and what it does (`world`).

use std::collections::BTreeSet;

use crate::choices::{Choices, Site};
use crate::protocol::{Address, NodeId};
use crate::scenario::{Network as Settings, Order, Ratio, Spread};
use crate::time::Moment;
use crate::trace::Link;

/// What becomes of a message when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives after so many virtual nanoseconds, and perhaps once more after some others.
    Delivered {
        /// The first arrival.
        after: u64,
        /// The second one, of a duplicate.
        again: Option<u64>,
        /// Whether it is held up until later ones have overtaken it.
        late: bool,
        /// Whether it arrives damaged.
        damaged: bool,
    },
    /// It waits in the link.
    Held,
    /// It never arrives.
    Lost,
}

/// How rough the links of one node are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roughness {
    /// How many messages are lost, beyond what every link loses.
    pub(crate) loss: Ratio,
    /// How many times longer they take.
    pub(crate) factor: u32,
}

impl Roughness {
    /// Links as they should be.
    pub(crate) const NONE: Roughness = Roughness { loss: Ratio::ZERO, factor: 1 };
}

/// Every link of a world, and the table of addresses.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    settings: Settings,
    nodes: usize,
    roughness: Vec<Roughness>,
    /// Whether the links of any node are rough: most of the time none are.
    any_rough: bool,
    /// The last arrival on each link that keeps its order.
    last_arrival: Vec<Moment>,
    links: Vec<Link>,
    /// The group of each node in the partition in force; equal for all when there is none.
    groups: Vec<u32>,
    bound: Vec<Option<NodeId>>,
}

impl Network {
    /// Open links between `nodes` machines, each bound to the address given.
    #[must_use]
    pub(crate) fn new(settings: Settings, addresses: &[Address]) -> Network {
        let nodes = addresses.len();
        let mut network = Network {
            settings,
            nodes,
            roughness: vec![Roughness::NONE; nodes],
            any_rough: false,
            last_arrival: Vec::new(),
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
    pub(crate) fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// How links behave.
    #[must_use]
    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// Makes a machine the one that is reached at an address; its former address reaches nobody.
    pub(crate) fn bind(&mut self, node: NodeId, address: Address) {
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

    /// Lets a machine be reached at one more address, if nobody is.
    pub(crate) fn bind_also(&mut self, node: NodeId, address: Address) {
        if let Some(bound @ None) = self.bound.get_mut(address.0 as usize) {
            *bound = Some(node);
        }
    }

    /// Who is reached at an address.
    #[must_use]
    pub(crate) fn at(&self, address: Address) -> Option<NodeId> {
        self.bound.get(address.0 as usize).copied().flatten()
    }

    /// The state of a link: cut by a partition, or as it was set.
    #[must_use]
    pub(crate) fn link(&self, from: NodeId, to: NodeId) -> Link {
        if self.groups[from.0 as usize] != self.groups[to.0 as usize] {
            return Link::Cut;
        }
        self.links[self.place(from, to)]
    }

    /// Sets the state of a link, in this direction only.
    pub(crate) fn set_link(&mut self, from: NodeId, to: NodeId, link: Link) {
        let place = self.place(from, to);
        self.links[place] = link;
    }

    /// Lets messages pass only inside a group; a node in no group is alone with the others in none. Replaces an earlier
    /// partition and leaves links as they were set; an empty list ends the partition.
    pub(crate) fn partition(&mut self, groups: &[BTreeSet<NodeId>]) {
        for node in 0..self.nodes {
            let holds = |group: &BTreeSet<NodeId>| group.contains(&NodeId(node as u32));
            self.groups[node] = groups.iter().position(holds).map_or(u32::MAX, |group| group as u32);
        }
    }

    /// How rough the links of a node are.
    #[must_use]
    pub(crate) fn roughness(&self, node: NodeId) -> Roughness {
        self.roughness[node.0 as usize]
    }

    /// Makes the links of a node rough, or not.
    pub(crate) fn set_roughness(&mut self, node: NodeId, roughness: Roughness) {
        self.roughness[node.0 as usize] = roughness;
        self.any_rough = self.roughness.iter().any(|&roughness| roughness != Roughness::NONE);
    }

    /// Whether messages from one node to another take longer than they should.
    #[must_use]
    pub(crate) fn is_slow(&self, from: NodeId, to: NodeId) -> bool {
        self.any_rough && (self.roughness(from).factor > 1 || self.roughness(to).factor > 1)
    }

    /// Draws what becomes of a message that is sent now.
    pub(crate) fn fate(&mut self, now: Moment, from: NodeId, to: NodeId, choices: &mut Choices) -> Fate {
        match self.link(from, to) {
            Link::Cut | Link::Fading => Fate::Lost,
            Link::Held => Fate::Held,
            Link::Open if choices.chance(Site::Network, self.settings.loss) => Fate::Lost,
            Link::Open => {
                let mut factor = 1;
                if self.any_rough {
                    for end in [from, to] {
                        let rough = self.roughness(end);
                        factor = factor.max(rough.factor);
                        if choices.chance(Site::Network, rough.loss) {
                            return Fate::Lost;
                        }
                    }
                }
                let after = self.delay(choices).saturating_mul(u64::from(factor));
                let after = self.in_order(now, from, to, after);
                let twice = choices.chance(Site::Network, self.settings.duplicate);
                let again = twice.then(|| self.delay(choices));
                let late = choices.chance(Site::Network, self.settings.reorder);
                let damaged = choices.chance(Site::Network, self.settings.corrupt);
                // Later messages overtake it for certain only after the longest delay; four of them are enough to tell.
                let after = if late { after.saturating_add(self.settings.delay.max * 4) } else { after };
                Fate::Delivered { after, again, late, damaged }
            }
        }
    }

    /// Draws how long a message is under way.
    pub(crate) fn delay(&self, choices: &mut Choices) -> u64 {
        let drawn = choices.within(Site::Network, self.settings.delay);
        match self.settings.spread {
            Spread::Uniform => drawn,
            // Two bits of a draw decide one doubling, so that each is one in four.
            Spread::HeavyTailed => drawn << (choices.below(Site::Network, 1 << 16).trailing_ones() / 2),
        }
    }

    fn in_order(&mut self, now: Moment, from: NodeId, to: NodeId, after: u64) -> u64 {
        if self.settings.order == Order::Any {
            return after;
        }
        if self.last_arrival.is_empty() {
            self.last_arrival = vec![Moment::default(); self.nodes * self.nodes];
        }
        let place = self.place(from, to);
        let arrival = now.after(after).max(self.last_arrival[place]);
        self.last_arrival[place] = arrival;
        arrival.0 - now.0
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

    fn settings() -> Settings {
        Settings { delay: Within { min: 1, max: 9 }, ..Settings::default() }
    }

    fn network(nodes: u32) -> Network {
        let addresses: Vec<Address> = (0..nodes).map(Address).collect();
        Network::new(settings(), &addresses)
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
            ..settings()
        });
        let mut choices = Choices::seeded(1);
        let (mut lost, mut twice) = (0, 0);
        for _ in 0..4_000 {
            match network.fate(Moment(0), NodeId(0), NodeId(1), &mut choices) {
                Fate::Lost => lost += 1,
                Fate::Delivered { again: Some(_), .. } => twice += 1,
                Fate::Delivered { .. } | Fate::Held => {}
            }
        }
        assert!((900..1_100).contains(&lost), "{lost}");
        assert!((1_400..1_600).contains(&twice), "{twice}");
    }

    fn delays(settings: Settings, roughness: Roughness) -> Vec<u64> {
        let mut network = network(2);
        network.set(settings);
        network.set_roughness(NodeId(1), roughness);
        let mut choices = Choices::seeded(5);
        let delay = |now| match network.fate(Moment(now), NodeId(0), NodeId(1), &mut choices) {
            Fate::Delivered { after, .. } => Some(after),
            Fate::Lost | Fate::Held => None,
        };
        (0..4_000).filter_map(delay).collect()
    }

    #[test]
    fn a_heavy_tail_doubles_one_delay_in_four_and_stays_bounded() {
        let settings =
            Settings { delay: Within { min: 8, max: 8 }, spread: Spread::HeavyTailed, ..settings() };
        let delays = delays(settings, Roughness::NONE);
        let longer = |than| delays.iter().filter(|&&delay| delay > than).count();
        assert!((900..1_100).contains(&longer(8)), "{}", longer(8));
        assert!((200..300).contains(&longer(16)), "{}", longer(16));
        assert!(delays.iter().all(|&delay| delay <= 8 << 8 && delay % 8 == 0));
    }

    #[test]
    fn a_link_that_keeps_order_keeps_it_and_others_do_not() {
        let overtakes = |order| {
            let settings = Settings { order, ..settings() };
            let delays = delays(settings, Roughness::NONE);
            let arrivals: Vec<u64> = (0..).zip(delays).map(|(now, delay)| now + delay).collect();
            arrivals.windows(2).any(|pair| pair[1] < pair[0])
        };
        assert!(overtakes(Order::Any));
        assert!(!overtakes(Order::Fifo));
    }

    #[test]
    fn reordered_messages_come_after_later_ones_even_in_order() {
        let settings = Settings { order: Order::Fifo, reorder: Ratio { num: 1, den: 10 }, ..settings() };
        let late = delays(settings, Roughness::NONE).iter().filter(|&&delay| delay > 9 * 2).count();
        assert!((300..500).contains(&late), "{late}");
    }

    #[test]
    fn rough_links_lose_and_delay_and_recover() {
        let rough = Roughness { loss: Ratio { num: 1, den: 2 }, factor: 10 };
        let delays = delays(settings(), rough);
        assert!((1_800..2_200).contains(&delays.len()), "{}", delays.len());
        assert!(delays.iter().all(|&delay| delay >= 10));
        let mut network = network(2);
        network.set_roughness(NodeId(0), rough);
        network.set_roughness(NodeId(0), Roughness::NONE);
        assert!(!network.any_rough);
    }

    #[test]
    fn damage_is_as_frequent_as_asked() {
        let mut network = network(2);
        network.set(Settings { corrupt: Ratio { num: 1, den: 4 }, ..settings() });
        let mut choices = Choices::seeded(1);
        let mut damaged = |_: &u32| {
            let fate = network.fate(Moment(0), NodeId(0), NodeId(1), &mut choices);
            matches!(fate, Fate::Delivered { damaged: true, .. })
        };
        let count = (0..4_000).filter(|round| damaged(round)).count();
        assert!((900..1_100).contains(&count), "{count}");
    }
}
