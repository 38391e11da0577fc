//! Cycles of the dependency graph, the plainest kind of each knot, as short as it can be, in words.
//!
//! Holds: what is found is named by its own edges.

use std::collections::{BTreeMap, VecDeque};

use super::graph::{Edge, Graph, RT, RW, WR, WW};
use super::{Anomaly, Findings, Level, Name};

/// Knots that are told, at most.
const TOLD_MAX: usize = 8;

/// How many rw edges a cycle may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    None,
    One,
    Nonadjacent,
    Any,
}

/// What to look for, the plainest first.
const KINDS: [(Name, u8, Reads); 9] = [
    (Name::G0, WW, Reads::None),
    (Name::G1c, WW | WR, Reads::None),
    (Name::GSingle, WW | WR, Reads::One),
    (Name::GNonadjacent, WW | WR, Reads::Nonadjacent),
    (Name::G2, WW | WR, Reads::Any),
    (Name::G0Realtime, WW | RT, Reads::None),
    (Name::G1cRealtime, WW | WR | RT, Reads::None),
    (Name::GSingleRealtime, WW | WR | RT, Reads::One),
    (Name::G2Realtime, WW | WR | RT, Reads::Any),
];

pub(super) fn find(graph: &Graph, level: Level, found: &mut Findings<'_>) {
    for knot in graph.knots(WW | WR | RW | RT).into_iter().take(TOLD_MAX) {
        let mut inside = vec![false; graph.edges.len()];
        knot.iter().for_each(|node| inside[*node as usize] = true);
        let mut starts = knot.clone();
        starts.retain(|node| (*node as usize) < graph.transactions);
        starts.sort_unstable();
        for (name, kinds, reads) in KINDS {
            if name.contradicts() > level {
                continue;
            }
            let search = Search { graph, inside: &inside, kinds, reads };
            if let Some(cycle) = search.shortest(&starts) {
                let anomaly = told(name, &cycle, graph, found);
                found.anomalies.push(anomaly);
                break;
            }
        }
    }
}

/// A step of a cycle: where it starts, and its edge.
type Step = (u32, Edge);

struct Search<'a> {
    graph: &'a Graph,
    inside: &'a [bool],
    kinds: u8,
    reads: Reads,
}

/// Most starts from which a shortest cycle is looked for; beyond, the first that is found will do.
const STARTS_MAX: usize = 200;

impl Search<'_> {
    fn shortest(&self, starts: &[u32]) -> Option<Vec<Step>> {
        let mut best: Option<Vec<Step>> = None;
        for (number, start) in starts.iter().enumerate() {
            if number >= STARTS_MAX && best.is_some() {
                break;
            }
            let cycle = match self.reads {
                Reads::None => self.path(*start, *start, false),
                Reads::One => self.around_one_read(*start),
                Reads::Nonadjacent => self.path(*start, *start, true),
                Reads::Any => Search { kinds: self.kinds | RW, ..*self }.path(*start, *start, false),
            };
            if let Some(cycle) = cycle
                && best.as_ref().is_none_or(|best| cycle.len() < best.len())
            {
                best = Some(cycle);
            }
        }
        best
    }

    fn around_one_read(&self, start: u32) -> Option<Vec<Step>> {
        let mut best: Option<Vec<Step>> = None;
        let reads = self.graph.edges[start as usize].iter();
        for edge in reads.filter(|edge| edge.kind == RW && self.inside[edge.to as usize]) {
            if let Some(mut cycle) = self.path(edge.to, start, false)
                && best.as_ref().is_none_or(|best| cycle.len() + 1 < best.len())
            {
                cycle.insert(0, (start, *edge));
                best = Some(cycle);
            }
        }
        best
    }

    /// The shortest way with at least one edge, breadth first. With `between`, rw edges are allowed, but not two in a
    /// row, nor at both ends; that takes a second copy of each node, for those that were reached by one.
    fn path(&self, from: u32, to: u32, between: bool) -> Option<Vec<Step>> {
        let mut came: BTreeMap<(u32, bool), (u32, bool, Edge)> = BTreeMap::new();
        let mut queue = VecDeque::from([(from, false)]);
        while let Some((node, by_read)) = queue.pop_front() {
            for edge in &self.graph.edges[node as usize] {
                let is_read = edge.kind == RW && self.kinds & RW == 0;
                let allowed = edge.kind & self.kinds != 0 || between && is_read && !by_read;
                let next = (edge.to, is_read);
                if !allowed || !self.inside[edge.to as usize] || came.contains_key(&next) {
                    continue;
                }
                // Back at the start by a read would put it in front of the first edge, which may be one.
                came.insert(next, (node, by_read, *edge));
                if edge.to == to && !is_read {
                    return Some(walk(&came, (from, false), next));
                }
                queue.push_back(next);
            }
        }
        None
    }
}

fn walk(came: &BTreeMap<(u32, bool), (u32, bool, Edge)>, start: (u32, bool), end: (u32, bool)) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = end;
    loop {
        let (node, by_read, edge) = came[&at];
        steps.push((node, edge));
        at = (node, by_read);
        if at == start {
            break;
        }
    }
    steps.reverse();
    steps
}

fn told(name: Name, cycle: &[Step], graph: &Graph, found: &Findings<'_>) -> Anomaly {
    let is_transaction = |node: u32| (node as usize) < graph.transactions;
    // Moments are passed over: from the last transaction before them to the first behind.
    let stops: Vec<usize> = (0..cycle.len()).filter(|at| is_transaction(cycle[*at].0)).collect();
    let transactions: Vec<usize> = stops.iter().map(|at| cycle[*at].0 as usize).collect();
    let mut why = Vec::new();
    for (number, at) in stops.iter().enumerate() {
        let next = transactions[(number + 1) % transactions.len()];
        why.push(reason(transactions[number], next, &cycle[*at].1, found));
    }
    Anomaly { name, transactions, why }
}

fn reason(one: usize, next: usize, edge: &Edge, found: &Findings<'_>) -> String {
    let (key, value, other) = (found.show(edge.key), found.show(edge.value), found.show(edge.next));
    let reason = match edge.kind {
        WW => format!("T{one} wrote {value} to {key}, and T{next} wrote {other} behind it"),
        WR => format!("T{next} read {value} in {key}, which T{one} wrote"),
        RW => format!("T{one} read {key} when {other}, which T{next} wrote, was not there"),
        _ => format!("T{one} had returned before T{next} began"),
    };
    if edge.inferred { format!("{reason} (nobody saw it, but the other order cannot be)") } else { reason }
}
