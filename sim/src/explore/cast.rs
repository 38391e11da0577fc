//! Everyone and everything that was met so far: nodes in each of their states, messages, memories, and what became of a node
//! when something happened to it. Each is kept once and has a number, so that a state of the world is a few numbers.
//!
//! Holds: numbers are given in an order that does not depend on threads; what is equal by its fingerprint is one.
//! Not here: states of the world (`state`), and what happens next (`moves`).

use super::Explorable;
use super::judge::Memory;
use super::stage::Stage;
use super::symmetry::Names;
use super::table::Table;
use super::turn::{self, Happens, Letter, Node, Sighting, Turn};
use super::what::{Bound, Move, What};
use crate::digest::{Digest, Words};
use crate::protocol::{Disk as _, NodeId, Protocol, RequestId};
use std::hash::{Hash as _, Hasher as _};

/// Names no request of a client.
const OPERATORS_REQUEST: RequestId = RequestId(1 << 40);

/// A node in one of its states.
pub(super) struct Player<P: Protocol> {
    pub(super) node: Node<P>,
    pub(super) runs: bool,
    pub(super) leads: bool,
    pub(super) term: u64,
    /// The bound of each of its timers.
    pub(super) timers: Box<[Bound]>,
    pub(super) unfinished_parts: u16,
    pub(super) writes: bool,
}

/// A message.
pub(super) struct Post<M> {
    pub(super) letter: Letter<M>,
    /// What it says, as a world would have it.
    pub(super) digest: u64,
}

/// What became of a node.
pub(super) struct Outcome {
    pub(super) player: u32,
    pub(super) sent: Box<[u32]>,
    pub(super) sightings: Box<[Sighting]>,
    pub(super) panic: Option<String>,
    /// Whether a promise looks at it together with other nodes: somebody begins to lead, or learns of a commit.
    pub(super) is_watched: bool,
}

/// Everyone and everything.
pub(super) struct Cast<P: Protocol> {
    pub(super) names: Vec<Names>,
    pub(super) players: Vec<Player<P>>,
    pub(super) posts: Vec<Post<P::Message>>,
    pub(super) memories: Vec<Memory>,
    pub(super) outcomes: Vec<Outcome>,
    /// The fingerprints of players, messages and memories: of each one by each of the names.
    player_prints: Vec<u128>,
    post_prints: Vec<u128>,
    memory_prints: Vec<u128>,
    /// Who gets each message.
    receivers: Vec<Option<u8>>,
    player_numbers: Table,
    post_numbers: Table,
    memory_numbers: Table,
    outcome_numbers: Table,
}

/// Something that is not known yet.
#[derive(Clone, Debug)]
pub(super) enum Unknown {
    /// What becomes of a player.
    Outcome(u32, Move),
    /// The number of a memory.
    Memory(Memory),
}

impl<P: Explorable> Cast<P> {
    /// Nobody yet.
    pub(super) fn new(names: Vec<Names>) -> Cast<P> {
        Cast {
            names,
            players: Vec::new(),
            posts: Vec::new(),
            memories: Vec::new(),
            outcomes: Vec::new(),
            player_prints: Vec::new(),
            post_prints: Vec::new(),
            memory_prints: Vec::new(),
            receivers: Vec::new(),
            player_numbers: Table::default(),
            post_numbers: Table::default(),
            memory_numbers: Table::default(),
            outcome_numbers: Table::default(),
        }
    }

    /// The fingerprints of a player, by each of the names.
    pub(super) fn player_prints(&self, player: u32) -> &[u128] {
        &self.player_prints[player as usize * self.names.len()..][..self.names.len()]
    }

    /// The fingerprints of a message, by each of the names.
    pub(super) fn post_prints(&self, post: u32) -> &[u128] {
        &self.post_prints[post as usize * self.names.len()..][..self.names.len()]
    }

    /// The fingerprints of a memory, by each of the names.
    pub(super) fn memory_prints(&self, memory: u32) -> &[u128] {
        &self.memory_prints[memory as usize * self.names.len()..][..self.names.len()]
    }

    /// What stands for these players and all that differ from them in names only.
    pub(super) fn print_of_players(&self, players: &[u32]) -> u128 {
        let sum =
            |by| players.iter().fold(0u128, |sum, player| sum.wrapping_add(self.player_prints(*player)[by]));
        (0..self.names.len()).map(sum).min().unwrap_or_default()
    }

    /// Who gets a message.
    pub(super) fn receiver(&self, post: u32) -> Option<u8> {
        self.receivers[post as usize]
    }

    /// Whether a message can do nothing any more to a player.
    pub(super) fn is_over(&self, player: u32, post: u32) -> bool {
        let node = &self.players[player as usize].node;
        let message = &self.posts[post as usize].letter.message;
        node.process.as_ref().is_some_and(|process| process.is_over(&node.disk, message))
    }

    /// What becomes of a player, if it is known.
    pub(super) fn outcome(&self, player: u32, what: Move) -> Option<u32> {
        self.outcome_numbers.get(key(player, what))
    }

    /// The number of a memory, if it is known.
    pub(super) fn memory(&self, memory: &Memory) -> Option<u32> {
        self.memory_numbers.get(print_of_memory(memory, &self.names[0]))
    }

    /// Finds out what is not known.
    pub(super) fn learn(&mut self, stage: &Stage<P>, unknown: Unknown) {
        match unknown {
            Unknown::Memory(memory) => {
                self.add_memory(memory);
            }
            Unknown::Outcome(player, what) if self.outcome(player, what).is_none() => {
                let happens = self.happens(stage, player, what.what);
                let turn = turn::turn(stage, &self.players[player as usize].node, happens);
                let outcome = self.add_turn(stage, turn);
                self.outcome_numbers.insert(key(player, what), outcome);
            }
            Unknown::Outcome(..) => {}
        }
    }

    /// What happens to a player.
    fn happens(&self, stage: &Stage<P>, player: u32, what: What) -> Happens<P> {
        match what {
            What::Deliver(post) | What::DeliverAndKeep(post) => {
                Happens::Arrives(self.posts[post as usize].letter.clone())
            }
            What::Finish => Happens::Finishes,
            What::Stand => Happens::Stands,
            What::Fire(timer) => Happens::Fires(self.players[player as usize].node.timers[timer as usize]),
            What::Crash(kept) => Happens::Crashes(kept as usize),
            What::Ask(client) => {
                let (request, command) = stage.command(u32::from(client));
                Happens::Asked(request, command)
            }
            What::Operate(place) => {
                Happens::Operated(OPERATORS_REQUEST, stage.operations[place as usize].operation.clone())
            }
        }
    }

    /// Keeps what became of a node.
    pub(super) fn add_turn(&mut self, stage: &Stage<P>, turn: Turn<P>) -> u32 {
        let Turn { node, sent, sightings, panic } = turn;
        let player = self.add_player(node);
        let sent = sent.into_iter().map(|letter| self.add_post(stage, letter)).collect();
        let is_watched = panic.is_some() || sightings.iter().any(Sighting::is_watched);
        self.outcomes.push(Outcome { player, sent, sightings: sightings.into(), panic, is_watched });
        self.outcomes.len() as u32 - 1
    }

    /// Keeps a memory.
    pub(super) fn add_memory(&mut self, memory: Memory) -> u32 {
        let prints: Box<[u128]> = self.names.iter().map(|names| print_of_memory(&memory, names)).collect();
        let number = self.memories.len() as u32;
        if let Some(known) = self.memory_numbers.insert(prints[0], number) {
            return known;
        }
        self.memories.push(memory);
        self.memory_prints.extend_from_slice(&prints);
        number
    }

    fn add_player(&mut self, node: Node<P>) -> u32 {
        let prints: Box<[u128]> = self.names.iter().map(|names| print_of_node(&node, names)).collect();
        let number = self.players.len() as u32;
        if let Some(known) = self.player_numbers.insert(prints[0], number) {
            return known;
        }
        let player = Player {
            runs: node.process.is_some(),
            leads: node.glance.leads,
            term: node.process.as_ref().map_or(0, |process| P::term_of(process.epoch())),
            timers: node.timers.iter().map(|timer| Bound::of::<P>(*timer)).collect(),
            unfinished_parts: u16::try_from(node.unfinished_parts()).unwrap_or(u16::MAX),
            writes: !node.unfinished.is_empty(),
            node,
        };
        self.player_prints.extend_from_slice(&prints);
        self.players.push(player);
        number
    }

    fn add_post(&mut self, stage: &Stage<P>, letter: Letter<P::Message>) -> u32 {
        let digest = P::fingerprint(&letter.message);
        let prints: Box<[u128]> =
            self.names.iter().map(|names| print_of_letter::<P>(&letter, digest, names)).collect();
        let number = self.posts.len() as u32;
        if let Some(known) = self.post_numbers.insert(prints[0], number) {
            return known;
        }
        let receiver = stage.at(letter.address).map(|node| node.0 as u8);
        self.posts.push(Post { letter, digest });
        self.post_prints.extend_from_slice(&prints);
        self.receivers.push(receiver);
        number
    }

    /// About how much memory everyone takes.
    pub(super) fn bytes(&self) -> usize {
        // A node's log, peers and disk are some twenty small allocations.
        const NODE: usize = 2_500;
        self.players.len() * (size_of::<Player<P>>() + NODE)
            + self.posts.len() * (size_of::<Post<P::Message>>() + 300)
            + self.outcomes.len() * (size_of::<Outcome>() + 100)
            + self.memories.len() * 400
            + [&self.player_numbers, &self.post_numbers, &self.memory_numbers, &self.outcome_numbers]
                .map(Table::bytes)
                .iter()
                .sum::<usize>()
    }
}

/// The key of what became of a player.
fn key(player: u32, what: Move) -> u128 {
    // Both together are one word as long as numbers are below 2^24: a longer one takes another.
    let code = what.code();
    let mut digest = Digest::new();
    digest.word(u64::from(player) << 32 ^ code);
    if code >> 32 != 0 {
        digest.word(code);
    }
    digest.value()
}

fn called(id: NodeId, names: &[u32]) -> u32 {
    names.get(id.0 as usize).copied().unwrap_or(id.0)
}

fn print_of_node<P: Explorable>(node: &Node<P>, names: &[u32]) -> u128 {
    let mut words = Words(Digest::new());
    words.write_u32(called(node.id, names));
    match &node.process {
        Some(process) => process.feed(names, &mut words),
        None => words.write_u8(0),
    }
    node.disk.feed(names, &mut words);
    words.write_usize(node.unfinished.len());
    node.unfinished.iter().for_each(|(_, write)| P::Disk::feed_write(write, names, &mut words));
    node.timers.hash(&mut words);
    words.0.value()
}

fn print_of_letter<P: Protocol>(letter: &Letter<P::Message>, digest: u64, names: &[u32]) -> u128 {
    let mut digests = Digest::new();
    let address = names.get(letter.address.0 as usize).copied().unwrap_or(letter.address.0);
    for word in [called(letter.sender, names), called(letter.from, names), called(letter.to, names), address]
    {
        digests.word(u64::from(word));
    }
    digests.word(digest);
    digests.value()
}

fn print_of_memory(memory: &Memory, names: &[u32]) -> u128 {
    let Memory { reigns, committed, chosen, known } = memory;
    let mut words = Words(Digest::new());
    for (epoch, leader) in reigns {
        (epoch.0, called(*leader, names)).hash(&mut words);
    }
    committed.hash(&mut words);
    chosen.hash(&mut words);
    let mut renamed: Vec<(u32, u64)> =
        (0..).map(NodeId).zip(known).map(|(id, index)| (called(id, names), *index)).collect();
    renamed.retain(|(_, index)| *index > 0);
    renamed.sort_unstable();
    renamed.hash(&mut words);
    words.0.value()
}
