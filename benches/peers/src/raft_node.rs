//! One node of raft-rs 0.7, as its documentation drives it: step, then do what is ready, then advance.

use protobuf::Message as _;
use raft::eraftpb::{Entry, EntryType, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode};

use crate::NODES;

/// A node, and how many commands it has seen committed.
pub struct Node {
    raw: RawNode<MemStorage>,
    pub committed: u64,
}

impl Node {
    pub fn new(id: u64) -> Node {
        let config = Config {
            id,
            election_tick: 3,
            heartbeat_tick: 1,
            max_size_per_msg: 1 << 20,
            ..Config::default()
        };
        let storage = MemStorage::new_with_conf_state(((1..=NODES).collect::<Vec<_>>(), vec![]));
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        Node { raw: RawNode::new(&config, storage, &logger).expect("a good config"), committed: 0 }
    }

    /// Stands for election now: the first leader is the same everywhere.
    pub fn campaign(&mut self) {
        self.raw.campaign().expect("a voter may");
    }

    pub fn tick(&mut self) {
        self.raw.tick();
    }

    pub fn step(&mut self, message: Message) {
        let _ = self.raw.step(message);
    }

    pub fn leads(&self) -> bool {
        self.raw.raft.state == raft::StateRole::Leader
    }

    /// Asks for a command of 24 bytes, as long as those of our own machine.
    pub fn propose(&mut self, number: u64) {
        let mut command = vec![0; 24];
        command[..8].copy_from_slice(&number.to_le_bytes());
        self.raw.propose(vec![], command).expect("it leads");
    }

    /// Does everything that is ready. Returns how many commands that committed.
    pub fn settle(&mut self, mut send: impl FnMut(Message)) -> u64 {
        let before = self.committed;
        while self.raw.has_ready() {
            let mut ready = self.raw.ready();
            ready.take_messages().into_iter().for_each(&mut send);
            self.commit(ready.take_committed_entries());
            let mut store = self.raw.store().wl();
            if !ready.entries().is_empty() {
                store.append(ready.entries()).expect("entries follow the log");
            }
            if let Some(hard_state) = ready.hs() {
                store.set_hardstate(hard_state.clone());
            }
            drop(store);
            ready.take_persisted_messages().into_iter().for_each(&mut send);
            let mut light = self.raw.advance(ready);
            if let Some(commit) = light.commit_index() {
                self.raw.store().wl().mut_hard_state().set_commit(commit);
            }
            light.take_messages().into_iter().for_each(&mut send);
            self.commit(light.take_committed_entries());
            self.raw.advance_apply();
        }
        self.committed - before
    }

    fn commit(&mut self, entries: Vec<Entry>) {
        let commands = entries
            .iter()
            .filter(|entry| entry.get_entry_type() == EntryType::EntryNormal && !entry.data.is_empty());
        self.committed += commands.count() as u64;
    }
}

/// The closed-loop client beside the leader: keeps so many commands in flight until enough are committed.
pub struct Client {
    pub in_flight: u64,
    pub goal: u64,
    asked: u64,
}

impl Client {
    pub fn new(in_flight: u64, goal: u64) -> Client {
        Client { in_flight, goal, asked: 0 }
    }

    /// Asks until as many are in flight as should be, one command at a time, as requests come one at a time. Returns whether
    /// enough are committed.
    pub fn go_on(&mut self, node: &mut Node, mut send: impl FnMut(Message)) -> bool {
        while node.leads() && node.committed < self.goal && self.asked - node.committed < self.in_flight {
            self.asked += 1;
            node.propose(self.asked);
            node.settle(&mut send);
        }
        node.committed >= self.goal
    }
}

/// A message on the wire of a harness that carries bytes.
pub fn encode(message: &Message) -> Vec<u8> {
    message.write_to_bytes().expect("it fits into memory")
}

/// The message of some bytes.
pub fn decode(bytes: &[u8]) -> Message {
    Message::parse_from_bytes(bytes).expect("what was sent")
}
