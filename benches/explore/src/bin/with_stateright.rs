//! A Raft of the same size, written for stateright: the same messages, the same bounds, the same promises, and no more in a
//! state than a model needs. `with-stateright SIZE THREADS` prints what `measure` says.
//!
//! As in our world, a message that is lost is one that never arrives, writes are durable at once, and nobody sends heartbeats.
//! It is a model: no sessions, snapshots, members, reads or flow control, of which our core carries the state along.

use splitbrain_explore_bench::{Found, arguments, measure};
use stateright::{Checker, Model, Property};

const NODES: usize = 3;

/// About so many states are followed: the rates of what is larger are those of its beginning.
const STATES_MAX: usize = 3_000_000;

/// The bounds.
#[derive(Clone)]
struct Raft {
    terms: u8,
    timeouts: u8,
    proposals: u8,
    crashes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Follower,
    /// Who voted for it.
    Candidate(u8),
    /// How far each log is known to be equal, and what is sent next.
    Leader {
        matches: [u8; NODES],
        next: [u8; NODES],
    },
}

/// An entry: its term, and whether it is a client's.
type Entry = (u8, bool);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    term: u8,
    vote: Option<u8>,
    role: Role,
    log: Vec<Entry>,
    commit: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Body {
    VoteRequest { last: (u8, u8) },
    VoteResponse { granted: bool },
    Append { prev: (u8, u8), entries: Vec<Entry>, commit: u8 },
    Accepted { through: u8 },
    Rejected { hint: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    to: u8,
    from: u8,
    term: u8,
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    nodes: [Node; NODES],
    /// In order.
    messages: Vec<Message>,
    timeouts: u8,
    proposals: u8,
    crashes: u8,
    /// Who led each term, and whether anybody else did.
    reigns: Vec<(u8, u8)>,
    two_leaders: bool,
    /// What was committed, and whether anything else was at the same index; in which term it was learned first.
    committed: Vec<(Entry, u8)>,
    diverged: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Deliver(usize),
    TimeOut(usize),
    Propose(usize),
    Crash(usize),
}

impl Node {
    fn last(&self) -> (u8, u8) {
        (self.log.last().map_or(0, |entry| entry.0), self.log.len() as u8)
    }

    fn term_at(&self, index: u8) -> u8 {
        index.checked_sub(1).map_or(0, |place| self.log.get(usize::from(place)).map_or(0, |entry| entry.0))
    }
}

impl World {
    fn send(&mut self, from: usize, to: usize, body: Body) {
        let message = Message { to: to as u8, from: from as u8, term: self.nodes[from].term, body };
        let place = self.messages.partition_point(|other| *other < message);
        self.messages.insert(place, message);
    }

    fn stand(&mut self, id: usize) {
        let node = &mut self.nodes[id];
        node.term += 1;
        node.vote = Some(id as u8);
        node.role = Role::Candidate(1 << id);
        let last = node.last();
        for to in (0..NODES).filter(|to| *to != id) {
            self.send(id, to, Body::VoteRequest { last });
        }
    }

    fn lead(&mut self, id: usize) {
        let node = &mut self.nodes[id];
        let next = node.log.len() as u8 + 1;
        node.role = Role::Leader { matches: [0; NODES], next: [next; NODES] };
        let term = node.term;
        match self.reigns.iter().find(|(other, _)| *other == term) {
            Some((_, leader)) => self.two_leaders |= usize::from(*leader) != id,
            None => self.reigns.push((term, id as u8)),
        }
        self.append(id, (term, false));
    }

    fn append(&mut self, id: usize, entry: Entry) {
        self.nodes[id].log.push(entry);
        let len = self.nodes[id].log.len() as u8;
        if let Role::Leader { matches, .. } = &mut self.nodes[id].role {
            matches[id] = len;
        }
        (0..NODES).filter(|to| *to != id).for_each(|to| self.replicate(id, to));
    }

    fn replicate(&mut self, id: usize, to: usize) {
        let node = &mut self.nodes[id];
        let Role::Leader { next, .. } = &mut node.role else { return };
        let from = next[to] - 1;
        next[to] = node.log.len() as u8 + 1;
        let entries = node.log[usize::from(from)..].to_vec();
        let (prev, commit) = ((node.term_at(from), from), node.commit);
        self.send(id, to, Body::Append { prev, entries, commit });
    }

    fn commit(&mut self, id: usize, through: u8) {
        for index in self.nodes[id].commit..through {
            let (entry, term) = (self.nodes[id].log[usize::from(index)], self.nodes[id].term);
            match self.committed.get(usize::from(index)) {
                Some((first, _)) => self.diverged |= *first != entry,
                None => self.committed.push((entry, term)),
            }
        }
        self.nodes[id].commit = self.nodes[id].commit.max(through);
    }

    fn deliver(&mut self, message: Message) {
        let (id, from) = (usize::from(message.to), usize::from(message.from));
        let node = &mut self.nodes[id];
        if message.term > node.term {
            (node.term, node.vote, node.role) = (message.term, None, Role::Follower);
        }
        let is_old = message.term < node.term;
        match message.body {
            Body::VoteRequest { last } => {
                let free = node.vote.is_none_or(|vote| vote == message.from);
                let granted = !is_old && free && node.last() <= last;
                if granted {
                    node.vote = Some(message.from);
                }
                self.send(id, from, Body::VoteResponse { granted });
            }
            Body::VoteResponse { granted } => {
                let Role::Candidate(votes) = &mut node.role else { return };
                if granted && !is_old {
                    *votes |= 1 << from;
                    if votes.count_ones() as usize * 2 > NODES {
                        self.lead(id);
                    }
                }
            }
            Body::Append { prev, entries, commit } => {
                self.on_append(id, from, is_old, prev, &entries, commit)
            }
            Body::Accepted { through } if !is_old => self.on_accepted(id, from, through),
            Body::Rejected { hint } if !is_old => {
                if let Role::Leader { next, .. } = &mut node.role {
                    next[from] = hint + 1;
                    self.replicate(id, from);
                }
            }
            Body::Accepted { .. } | Body::Rejected { .. } => {}
        }
    }

    fn on_append(
        &mut self,
        id: usize,
        from: usize,
        is_old: bool,
        prev: (u8, u8),
        entries: &[Entry],
        commit: u8,
    ) {
        let node = &mut self.nodes[id];
        let holds = usize::from(prev.1) <= node.log.len() && node.term_at(prev.1) == prev.0;
        if is_old || !holds {
            let hint = prev.1.saturating_sub(1).min(node.log.len() as u8);
            return self.send(id, from, Body::Rejected { hint });
        }
        node.role = Role::Follower;
        for (place, entry) in (usize::from(prev.1)..).zip(entries) {
            if node.log.get(place) != Some(entry) {
                node.log.truncate(place);
                node.log.push(*entry);
            }
        }
        let through = prev.1 + entries.len() as u8;
        self.commit(id, commit.min(through));
        self.send(id, from, Body::Accepted { through });
    }

    fn on_accepted(&mut self, id: usize, from: usize, through: u8) {
        let node = &mut self.nodes[id];
        let Role::Leader { matches, .. } = &mut node.role else { return };
        matches[from] = matches[from].max(through);
        let mut sorted = *matches;
        sorted.sort_unstable();
        let held_by_most = sorted[NODES / 2];
        if held_by_most > node.commit && node.term_at(held_by_most) == node.term {
            self.commit(id, held_by_most);
            // The others learn of it at once.
            (0..NODES).filter(|to| *to != id).for_each(|to| self.replicate(id, to));
        }
    }
}

impl Model for Raft {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let node = Node { term: 0, vote: None, role: Role::Follower, log: Vec::new(), commit: 0 };
        vec![World {
            nodes: core::array::from_fn(|_| node.clone()),
            messages: Vec::new(),
            timeouts: 0,
            proposals: 0,
            crashes: 0,
            reigns: Vec::new(),
            two_leaders: false,
            committed: Vec::new(),
            diverged: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let is_new = |place: &usize| *place == 0 || world.messages[*place - 1] != world.messages[*place];
        actions.extend((0..world.messages.len()).filter(is_new).map(Action::Deliver));
        for (id, node) in world.nodes.iter().enumerate() {
            let leads = matches!(node.role, Role::Leader { .. });
            if !leads && world.timeouts < self.timeouts && node.term < self.terms {
                actions.push(Action::TimeOut(id));
            }
            if leads && world.proposals < self.proposals {
                actions.push(Action::Propose(id));
            }
            if world.crashes < self.crashes {
                actions.push(Action::Crash(id));
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Deliver(place) => {
                let message = world.messages.remove(place);
                world.deliver(message);
            }
            Action::TimeOut(id) => {
                world.timeouts += 1;
                world.stand(id);
            }
            Action::Propose(id) => {
                world.proposals += 1;
                let term = world.nodes[id].term;
                world.append(id, (term, true));
            }
            Action::Crash(id) => {
                world.crashes += 1;
                (world.nodes[id].role, world.nodes[id].commit) = (Role::Follower, 0);
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Raft>> {
        vec![
            Property::always("election safety", |_, world: &World| !world.two_leaders),
            Property::always("state machine safety", |_, world: &World| !world.diverged),
            Property::always("log matching", |_, world: &World| {
                world.nodes.iter().all(|one| world.nodes.iter().all(|other| logs_match(&one.log, &other.log)))
            }),
            Property::always("leader completeness", |_, world: &World| {
                world.nodes.iter().all(|node| is_complete(world, node))
            }),
        ]
    }
}

fn logs_match(one: &[Entry], other: &[Entry]) -> bool {
    let same = one.iter().zip(other).rposition(|(one, other)| one.0 == other.0);
    same.is_none_or(|place| one[..=place] == other[..=place])
}

fn is_complete(world: &World, node: &Node) -> bool {
    let leads = matches!(node.role, Role::Leader { .. });
    let holds = |(place, (entry, term)): (usize, &(Entry, u8))| {
        *term >= node.term || node.log.get(place) == Some(entry)
    };
    !leads || world.committed.iter().enumerate().all(holds)
}

fn main() {
    let (size, threads, _) = arguments();
    let model = match size.as_str() {
        "tiny" => Raft { terms: 2, timeouts: 2, proposals: 0, crashes: 0 },
        "small" => Raft { terms: 2, timeouts: 2, proposals: 1, crashes: 0 },
        "crash" => Raft { terms: 2, timeouts: 2, proposals: 1, crashes: 1 },
        "large" => Raft { terms: 3, timeouts: 3, proposals: 1, crashes: 0 },
        other => panic!("no size {other}"),
    };
    measure(|| {
        let checker = model.checker().threads(threads).target_state_count(STATES_MAX).spawn_bfs().join();
        checker.assert_properties();
        Found { states: checker.unique_state_count() as u64, moves: checker.state_count() as u64 }
    });
}
