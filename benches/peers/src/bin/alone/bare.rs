//! The least that a simulator can be: a heap of (time, number, what), and ChaCha8 for delays. No trace, no checkers, no faults,
//! no disk, no clients; messages are values and are never encoded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use raft::eraftpb::Message;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use splitbrain_peers::raft_node::{Client, Node};
use splitbrain_peers::{CAMPAIGN, DELAY_MS, NODES, TICK_MS, Work};

struct Entry<T>(Reverse<(u64, u64)>, T);

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// The loop itself.
struct Bare<T> {
    heap: BinaryHeap<Entry<T>>,
    next: u64,
    now: u64,
    rng: ChaCha8Rng,
}

impl<T> Bare<T> {
    fn new(seed: u64) -> Bare<T> {
        Bare { heap: BinaryHeap::new(), next: 0, now: 0, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn push(&mut self, after: u64, what: T) {
        self.heap.push(Entry(Reverse((self.now + after, self.next)), what));
        self.next += 1;
    }

    fn send(&mut self, what: T) {
        let (min, max) = (DELAY_MS.0 * 1_000_000, DELAY_MS.1 * 1_000_000);
        let width = u128::from(max - min + 1);
        let delay = min + ((u128::from(self.rng.next_u64()) * width) >> 64) as u64;
        self.push(delay, what);
    }

    fn pop(&mut self) -> T {
        let Entry(Reverse((at, _)), what) = self.heap.pop().expect("there is always a tick");
        self.now = at;
        what
    }
}

pub fn run(work: Work, units: u64, seed: u64) {
    match work {
        Work::PingPong(in_flight) => ping_pong(in_flight, units, seed),
        Work::Commit(in_flight) => commit(in_flight, units, seed),
        Work::Campaign => (0..units).for_each(|one| commit(CAMPAIGN.1, CAMPAIGN.0, seed * units + one)),
    }
}

struct Ping {
    from: u32,
    to: u32,
    count: u64,
}

fn ping_pong(in_flight: u64, messages: u64, seed: u64) {
    let mut bare = Bare::new(seed);
    let mut seen = [0; NODES as usize];
    for number in 0..in_flight as u32 {
        let from = number % NODES as u32;
        let to = (from + 1 + number / NODES as u32 % (NODES as u32 - 1)) % NODES as u32;
        bare.send(Ping { from, to, count: 0 });
    }
    for _ in 0..messages {
        let Ping { from, to, count } = bare.pop();
        seen[to as usize] += count;
        bare.send(Ping { from: to, to: from, count: count + 1 });
    }
    assert!(std::hint::black_box(seen).iter().sum::<u64>() > 0);
}

enum What {
    Arrives(Message),
    Tick(usize),
}

fn commit(in_flight: u64, commands: u64, seed: u64) {
    let mut bare = Bare::new(seed);
    let mut nodes: Vec<Node> = (1..=NODES).map(Node::new).collect();
    let mut client = Client::new(in_flight, commands);
    for node in 0..nodes.len() {
        bare.push(TICK_MS * 1_000_000, What::Tick(node));
    }
    nodes[0].campaign();
    nodes[0].settle(|message| bare.send(What::Arrives(message)));
    loop {
        let place = match bare.pop() {
            What::Arrives(message) => {
                let place = message.to as usize - 1;
                nodes[place].step(message);
                place
            }
            What::Tick(place) => {
                bare.push(TICK_MS * 1_000_000, What::Tick(place));
                nodes[place].tick();
                place
            }
        };
        nodes[place].settle(|message| bare.send(What::Arrives(message)));
        if place == 0 && client.go_on(&mut nodes[0], |message| bare.send(What::Arrives(message))) {
            return;
        }
    }
}
