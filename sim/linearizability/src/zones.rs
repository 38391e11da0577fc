//! Registers whose values are written once: linearizability by comparing zones.
//!
//! Gibbons and Korach, "Testing shared memories", SIAM J. Comput. 26(4), 1997, section 4, extended by
//! compare-and-set and by unknown outcomes.
//!
//! A *cluster* is a write and the reads of its value: they stand together in every linearization. A successful
//! compare-and-set from `e` to `v` puts the cluster of `v` right behind the cluster of `e`, so clusters form *chains*
//! of fixed inner order. With `f` the first return and `s` the last call in a chain, chain A must precede chain B
//! exactly when `f(A) < s(B)`. A linearization exists exactly when no chain must both precede and follow another,
//! and the same holds between the clusters within each chain. (A longer circle contains a circle of two: of a
//! circle, the chain with the smallest `f` precedes all that any other one precedes.)
//!
//! Chains sorted by the ends of `[f, s]` stand in a right order if there is any; one pass sees whether it is one.
//! O(n log n) time for the sort, O(n) memory.
//!
//! Unknown writes count exactly when somebody saw their value, through unknown compare-and-sets too.
//! Failed compare-and-sets are left out first and put back into the order found; if that fails, nothing is decided.
//!
//! Not here: values written twice (`search`).

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::compile::{Op, Step};
use crate::history::UNKNOWN;

/// What the zones say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Zones {
    Linearizable,
    /// Numbers of operations that contradict each other already by themselves.
    Contradiction(Vec<u32>),
    /// Some value is written twice, or a failed compare-and-set found no place: the search must decide.
    Undecided,
}

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Cluster {
    /// The operation that writes the value; `NONE` for the initial value.
    writer: u32,
    /// First return and last call, and whose they are.
    first_return: u64,
    last_call: u64,
    first_returner: u32,
    last_caller: u32,
    /// The cluster right behind.
    next: u32,
    seen: bool,
}

impl Cluster {
    fn include(&mut self, number: u32, op: &Op) {
        if op.ret < self.first_return {
            self.first_return = op.ret;
            self.first_returner = number;
        }
        if op.call > self.last_call || self.last_caller == NONE {
            self.last_call = op.call;
            self.last_caller = number;
        }
    }
}

/// Which cluster a value belongs to: an array for small dense values, a table for others.
enum Finder {
    Dense(Vec<u32>),
    Sparse(HashMap<u32, u32, FxBuildHasher>),
}

impl Finder {
    fn for_values_of(ops: &[Op]) -> Finder {
        let written = |op: &Op| match op.step {
            Step::Write(value) | Step::Swap(_, value) => Some(value),
            Step::Read(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                None
            }
        };
        let (mut max, mut writes) = (0, 0);
        for value in ops.iter().filter_map(written) {
            max = max.max(value as usize);
            writes += 1;
        }
        if max <= 4 * writes + 64 {
            Finder::Dense(vec![NONE; max + 1])
        } else {
            Finder::Sparse(HashMap::with_capacity_and_hasher(writes, FxBuildHasher))
        }
    }

    fn find(&self, value: u32) -> u32 {
        match self {
            Finder::Dense(clusters) => clusters.get(value as usize).copied().unwrap_or(NONE),
            Finder::Sparse(clusters) => clusters.get(&value).copied().unwrap_or(NONE),
        }
    }

    /// Remembers the cluster of a value that is written; false when it is written a second time.
    fn insert(&mut self, value: u32, cluster: u32) -> bool {
        match self {
            Finder::Dense(clusters) => std::mem::replace(&mut clusters[value as usize], cluster) == NONE,
            Finder::Sparse(clusters) => clusters.insert(value, cluster).is_none(),
        }
    }
}

struct Chain {
    low: u64,
    high: u64,
    first_return: u64,
    last_call: u64,
    head: u32,
}

struct Work<'a> {
    ops: &'a [Op],
    initial: u32,
    finder: Finder,
    clusters: Vec<Cluster>,
}

/// Decides the operations of one register that starts with `initial`; reads, writes and compare-and-sets only.
pub(crate) fn check(ops: &[Op], initial: u32) -> Zones {
    let mut work = Work { ops, initial, finder: Finder::for_values_of(ops), clusters: Vec::new() };
    match work.run() {
        Ok(chains) => work.place_failed(&chains),
        Err(zones) => zones,
    }
}

impl Work<'_> {
    fn run(&mut self) -> Result<Vec<Chain>, Zones> {
        self.find_writers()?;
        self.follow_unknown()?;
        self.fill_clusters()?;
        let mut chains = self.chains()?;
        chains.sort_unstable_by_key(|chain| (chain.low, chain.high, chain.head));
        self.compare(&chains)?;
        Ok(chains)
    }

    fn cluster_of(&self, value: u32) -> u32 {
        if value == self.initial { 0 } else { self.finder.find(value) }
    }

    fn find_writers(&mut self) -> Result<(), Zones> {
        let empty = Cluster {
            writer: NONE,
            first_return: UNKNOWN,
            last_call: 0,
            first_returner: NONE,
            last_caller: NONE,
            next: NONE,
            seen: false,
        };
        self.clusters.push(Cluster { first_return: 0, seen: true, ..empty });
        for (number, op) in self.ops.iter().enumerate() {
            let (Step::Write(value) | Step::Swap(_, value)) = op.step else { continue };
            if value == self.initial || !self.finder.insert(value, self.clusters.len() as u32) {
                return Err(Zones::Undecided);
            }
            self.clusters.push(Cluster { writer: number as u32, seen: op.known(), ..empty });
        }
        Ok(())
    }

    /// Marks the unknown writers whose value somebody saw. A value that is expected was seen too.
    fn follow_unknown(&mut self) -> Result<(), Zones> {
        if self.ops.iter().all(Op::known) {
            return Ok(());
        }
        let mut fresh = Vec::new();
        for (number, op) in self.ops.iter().enumerate().filter(|(_, op)| op.known()) {
            if let Step::Read(value) | Step::Swap(value, _) = op.step {
                let cluster = self.cluster_of(value);
                if cluster == NONE {
                    return Err(Zones::Contradiction(vec![number as u32]));
                }
                if !std::mem::replace(&mut self.clusters[cluster as usize].seen, true) {
                    fresh.push((cluster, number as u32));
                }
            }
        }
        while let Some((cluster, reader)) = fresh.pop() {
            let writer = self.clusters[cluster as usize].writer;
            let Step::Swap(expected, _) = self.ops[writer as usize].step else { continue };
            let before = self.cluster_of(expected);
            if before == NONE {
                return Err(Zones::Contradiction(vec![writer, reader]));
            }
            if !std::mem::replace(&mut self.clusters[before as usize].seen, true) {
                fresh.push((before, reader));
            }
        }
        Ok(())
    }

    fn fill_clusters(&mut self) -> Result<(), Zones> {
        for (number, op) in self.ops.iter().enumerate() {
            let number = number as u32;
            match op.step {
                Step::Read(value) => {
                    let place = self.cluster_of(value);
                    let Some(cluster) = self.clusters.get_mut(place as usize) else {
                        return Err(Zones::Contradiction(vec![number]));
                    };
                    if cluster.writer != NONE && op.ret < self.ops[cluster.writer as usize].call {
                        return Err(Zones::Contradiction(vec![cluster.writer, number]));
                    }
                    cluster.include(number, op);
                }
                Step::Write(value) => {
                    let place = self.cluster_of(value);
                    let cluster = &mut self.clusters[place as usize];
                    if cluster.seen {
                        cluster.include(number, op);
                    }
                }
                Step::Swap(expected, value) => self.link(number, expected, value)?,
                Step::Differs(_) => {}
                Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => return Err(Zones::Undecided),
            }
        }
        Ok(())
    }

    /// Puts the cluster of a compare-and-set behind the one that it expects.
    fn link(&mut self, number: u32, expected: u32, value: u32) -> Result<(), Zones> {
        let place = self.cluster_of(value);
        if !self.clusters[place as usize].seen {
            return Ok(());
        }
        self.clusters[place as usize].include(number, &self.ops[number as usize]);
        let before = self.cluster_of(expected);
        let Some(cluster) = self.clusters.get_mut(before as usize) else {
            return Err(Zones::Contradiction(vec![number]));
        };
        let other = std::mem::replace(&mut cluster.next, place);
        if other == NONE {
            return Ok(());
        }
        // Two took the same value away, and it was there only once.
        let mut all = vec![number, self.clusters[other as usize].writer];
        all.extend(self.witnesses_of(place));
        all.extend(self.witnesses_of(other));
        all.extend(self.ancestry(before));
        Err(Zones::Contradiction(all))
    }

    /// Everyone who saw the value of a cluster: needed where its writer's outcome is unknown.
    fn witnesses_of(&self, cluster: u32) -> Vec<u32> {
        let Some(Cluster { writer, .. }) = self.clusters.get(cluster as usize).copied() else {
            return Vec::new();
        };
        if writer == NONE || self.ops[writer as usize].known() {
            return Vec::new();
        }
        let saw = |step: Step| match step {
            Step::Read(value) | Step::Swap(value, _) => self.cluster_of(value) == cluster,
            Step::Write(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                false
            }
        };
        let mut seen: Vec<u32> = Vec::new();
        let mut reader = self.ops.iter().enumerate().filter(|(_, op)| saw(op.step));
        if let Some((number, _)) = reader.find(|(_, op)| op.known()) {
            seen.push(number as u32);
        }
        seen
    }

    /// The writers that lead to a cluster: itself, and what its compare-and-sets expect.
    fn ancestry(&self, cluster: u32) -> Vec<u32> {
        let mut writers = Vec::new();
        let mut place = cluster;
        while place != NONE && writers.len() <= self.clusters.len() {
            let writer = self.clusters[place as usize].writer;
            if writer == NONE {
                break;
            }
            writers.push(writer);
            place = match self.ops[writer as usize].step {
                Step::Swap(expected, _) => self.cluster_of(expected),
                Step::Write(_)
                | Step::Read(_)
                | Step::Differs(_)
                | Step::Append(_)
                | Step::Opaque(_)
                | Step::OpaqueRead(_) => NONE,
            };
        }
        writers
    }

    fn is_head(&self, cluster: &Cluster) -> bool {
        cluster.writer == NONE || matches!(self.ops[cluster.writer as usize].step, Step::Write(_))
    }

    fn chains(&self) -> Result<Vec<Chain>, Zones> {
        let mut chains = Vec::new();
        let mut reached = 0;
        for (number, cluster) in self.clusters.iter().enumerate() {
            if cluster.seen && self.is_head(cluster) {
                chains.push(self.chain(number as u32, &mut reached)?);
            }
        }
        let seen = self.clusters.iter().filter(|cluster| cluster.seen).count();
        if reached == seen { Ok(chains) } else { Err(self.circle()) }
    }

    fn chain(&self, head: u32, reached: &mut usize) -> Result<Chain, Zones> {
        let mut chain = Chain { low: 0, high: 0, first_return: UNKNOWN, last_call: 0, head };
        let mut last_caller = NONE;
        let mut place = head;
        while place != NONE {
            let cluster = &self.clusters[place as usize];
            *reached += 1;
            // The writer is called before anyone of its cluster returns, so the first is compared with it in
            // `fill_clusters`; here each cluster is compared with those before it.
            if cluster.first_return < chain.last_call {
                let mut all = vec![last_caller, cluster.first_returner];
                all.extend(self.ancestry(place));
                all.extend(self.witnesses_of(place));
                return Err(Zones::Contradiction(self.tidy(all)));
            }
            if cluster.last_call > chain.last_call {
                chain.last_call = cluster.last_call;
                last_caller = cluster.last_caller;
            }
            chain.first_return = chain.first_return.min(cluster.first_return);
            place = cluster.next;
        }
        chain.low = chain.first_return.min(chain.last_call);
        chain.high = chain.first_return.max(chain.last_call);
        Ok(chain)
    }

    /// Compare-and-sets that expect each other's values in a circle, with nothing to start it.
    fn circle(&self) -> Zones {
        let mut on_chain = vec![false; self.clusters.len()];
        for (number, cluster) in self.clusters.iter().enumerate() {
            let mut place = number as u32;
            while cluster.seen && self.is_head(cluster) && place != NONE {
                on_chain[place as usize] = true;
                place = self.clusters[place as usize].next;
            }
        }
        let lost = self.clusters.iter().zip(on_chain).position(|(cluster, on)| cluster.seen && !on);
        let mut all = Vec::new();
        let start = lost.unwrap_or(0) as u32;
        let mut place = start;
        while place != NONE {
            let cluster = &self.clusters[place as usize];
            all.push(cluster.writer);
            all.push(cluster.first_returner);
            place = if cluster.next == start { NONE } else { cluster.next };
        }
        Zones::Contradiction(self.tidy(all))
    }

    fn compare(&self, chains: &[Chain]) -> Result<(), Zones> {
        let mut latest: Option<&Chain> = None;
        for chain in chains {
            if let Some(before) = latest.filter(|before| before.last_call > chain.first_return) {
                let mut all = self.ends(before);
                all.extend(self.ends(chain));
                return Err(Zones::Contradiction(self.tidy(all)));
            }
            if latest.is_none_or(|before| before.last_call < chain.last_call) {
                latest = Some(chain);
            }
        }
        Ok(())
    }

    /// The operations that make the ends of a chain, and the writers between them.
    fn ends(&self, chain: &Chain) -> Vec<u32> {
        let mut all = Vec::new();
        let (mut first, mut last) = (NONE, NONE);
        let mut place = chain.head;
        while place != NONE {
            let cluster = &self.clusters[place as usize];
            if cluster.first_return == chain.first_return && first == NONE {
                first = place;
                all.push(cluster.first_returner);
            }
            if cluster.last_call == chain.last_call && last == NONE {
                last = place;
                all.push(cluster.last_caller);
            }
            if first != NONE && last != NONE {
                break;
            }
            place = cluster.next;
        }
        // From the later of the two back to the head: without these the values would come from nowhere. An unknown
        // writer at the end counts because of who saw its value.
        all.extend(self.ancestry(place));
        all.extend(self.witnesses_of(place));
        all
    }

    fn tidy(&self, mut all: Vec<u32>) -> Vec<u32> {
        all.retain(|number| *number != NONE);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Puts the failed compare-and-sets into the order found.
    fn place_failed(&self, chains: &[Chain]) -> Zones {
        if self.ops.iter().all(|op| !matches!(op.step, Step::Differs(_))) {
            return Zones::Linearizable;
        }
        let order = self.order(chains);
        if Insertion::new(self.ops, &order, self.initial).fits() {
            Zones::Linearizable
        } else {
            Zones::Undecided
        }
    }

    /// The operations in the order found, without the failed ones and the unseen unknown ones.
    fn order(&self, chains: &[Chain]) -> Vec<u32> {
        let mut reads: Vec<(u32, u32)> = Vec::new();
        for (number, op) in self.ops.iter().enumerate() {
            if let Step::Read(value) = op.step {
                reads.push((self.cluster_of(value), number as u32));
            }
        }
        // By cluster, then by call: operations are numbered in that order.
        reads.sort_unstable();
        let mut order = Vec::with_capacity(self.ops.len());
        for chain in chains {
            let mut place = chain.head;
            while place != NONE {
                let cluster = &self.clusters[place as usize];
                order.extend((cluster.writer != NONE).then_some(cluster.writer));
                let start = reads.partition_point(|(of, _)| *of < place);
                order.extend(
                    reads[start..].iter().take_while(|(of, _)| *of == place).map(|(_, number)| *number),
                );
                place = cluster.next;
            }
        }
        order
    }
}

/// Failed compare-and-sets put into an order of the others.
struct Insertion<'a> {
    ops: &'a [Op],
    order: &'a [u32],
    /// The state before each place of the order, and after the last.
    states: Vec<u32>,
    /// The latest call before each place.
    called: Vec<u64>,
    /// The earliest return from each place on.
    returned: Vec<u64>,
    /// The first place at or after each with another state.
    changes: Vec<u32>,
}

impl<'a> Insertion<'a> {
    fn new(ops: &'a [Op], order: &'a [u32], initial: u32) -> Insertion<'a> {
        let places = order.len() + 1;
        let mut states = vec![initial; places];
        let mut called = vec![0; places];
        let mut returned = vec![UNKNOWN; places];
        for (place, number) in order.iter().enumerate() {
            let op = &ops[*number as usize];
            called[place + 1] = op.call.max(called[place]);
            states[place + 1] = match op.step {
                Step::Write(value) | Step::Swap(_, value) => value,
                Step::Read(_)
                | Step::Differs(_)
                | Step::Append(_)
                | Step::Opaque(_)
                | Step::OpaqueRead(_) => states[place],
            };
        }
        let mut changes = vec![places as u32; places];
        for place in (0..order.len()).rev() {
            returned[place] = ops[order[place] as usize].ret.min(returned[place + 1]);
            let same = states[place] == states[place + 1];
            changes[place] = if same { changes[place + 1] } else { place as u32 + 1 };
        }
        Insertion { ops, order, states, called, returned, changes }
    }

    fn fits(&self) -> bool {
        let mut inserted = Vec::new();
        for (number, op) in self.ops.iter().enumerate() {
            let Step::Differs(value) = op.step else { continue };
            match self.place(op, value) {
                Some(place) => inserted.push((place, number as u32)),
                None => return false,
            }
        }
        inserted.sort_unstable();
        self.respects_time(&inserted)
    }

    /// The first place where the operation may stand and the value is another one.
    fn place(&self, op: &Op, value: u32) -> Option<u32> {
        let first = self.returned.partition_point(|ret| *ret < op.call);
        let place = if self.states[first] == value { self.changes[first] as usize } else { first };
        let within = self.called.get(place).is_some_and(|call| *call <= op.ret);
        within.then_some(place as u32)
    }

    fn respects_time(&self, inserted: &[(u32, u32)]) -> bool {
        let mut latest_call = 0;
        let mut next = 0;
        for place in 0..=self.order.len() {
            while let Some((_, number)) = inserted.get(next).filter(|(at, _)| *at as usize == place) {
                let op = &self.ops[*number as usize];
                latest_call = op.call.max(latest_call);
                if op.ret < latest_call {
                    return false;
                }
                next += 1;
            }
            let Some(number) = self.order.get(place) else { break };
            let op = &self.ops[*number as usize];
            latest_call = op.call.max(latest_call);
            if op.ret < latest_call {
                return false;
            }
        }
        next == inserted.len()
    }
}
