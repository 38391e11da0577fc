//! Orders of two writes that nobody saw: one of two sides holds, and which one may follow from the rest.
//!
//! A *polygraph* (Papadimitriou, "The serializability of concurrent database updates", JACM 26(4), 1979): a side whose
//! edges would close a cycle that the level forbids cannot hold, so the other one does, and its edges count from then
//! on; where neither can hold, the level is contradicted. So are serializability (Tan, Zhao, Mu and Walfish, "Cobra",
//! OSDI 2020) and snapshot isolation (Huang et al., "PolySI", VLDB 16(6), 2023) checked. What they leave to a solver,
//! orders that hang together though each by itself may go both ways, is tried here where it is about a few.
//!
//! Holds: what is contradicted is contradicted whichever way each open order went.

use super::cycles;
use super::graph::{Edge, Graph, RT, RW, WR, WW};
use super::{Anomaly, Findings, Level, Name};

/// Of each write, how many of those called next are compared with it.
pub(super) const NEAR: usize = 16;

/// Most orders that are tried together, when nothing follows from each by itself.
const SPLIT_MAX: usize = 12;

/// Edges that may be looked at, in all.
const LOOKS_MAX: usize = 20_000_000;

/// Two ways in which something may have gone: the edges of each, with where they start. Those of a side end alike.
pub(super) type Open = [Vec<(u32, Edge)>; 2];

/// Tells what is contradicted when some orders cannot have gone either way, adding the sides that follow.
pub(super) fn decide(
    graph: &mut Graph,
    open: &[Open],
    level: Level,
    found: &mut Findings<'_>,
) -> Option<Anomaly> {
    let mut left: Vec<&Open> = open.iter().collect();
    let mut walk = Walk { seen: vec![[0; 2]; graph.edges.len()], round: 0, queue: Vec::new(), looks: 0 };
    if let Some(sides) = walk.settle(graph, &mut left, level) {
        return Some(told(graph, sides, level, found));
    }
    if left.len() > SPLIT_MAX || walk.can_hold(graph, &left, level) {
        return None;
    }
    let mut transactions: Vec<usize> =
        left.iter().flat_map(|sides| sides.iter().flatten()).map(|(from, _)| *from as usize).collect();
    transactions.sort_unstable();
    transactions.dedup();
    let order = |[one, _]: &&Open| {
        let (from, edge) = &one[0];
        format!("T{from} and T{} wrote {}", edge.to, found.show(edge.key))
    };
    let orders: Vec<String> = left.iter().map(order).collect();
    let why = format!("in whichever order {}, some must come before themselves", orders.join(" and "));
    Some(Anomaly { name: Name::GNonadjacent, transactions, why: vec![why] })
}

fn add(graph: &mut Graph, side: &[(u32, Edge)]) {
    for (from, edge) in side {
        graph.add(*from as usize, Edge { inferred: true, ..*edge });
    }
}

/// Ways through a graph, with memory that is used again.
struct Walk {
    /// The last round in which a node was reached, by another edge and by a read of what was overwritten.
    seen: Vec<[u32; 2]>,
    round: u32,
    queue: Vec<(u32, bool)>,
    looks: usize,
}

impl Walk {
    /// Adds the sides that follow until none does; gives what cannot have gone either way.
    fn settle<'a>(&mut self, graph: &mut Graph, left: &mut Vec<&'a Open>, level: Level) -> Option<&'a Open> {
        loop {
            let before = left.len();
            let mut still = Vec::new();
            for sides in left.drain(..) {
                if self.looks > LOOKS_MAX {
                    still.push(sides);
                    continue;
                }
                match sides.each_ref().map(|side| self.closes_cycle(graph, side, level)) {
                    [true, true] => return Some(sides),
                    [true, false] => add(graph, &sides[1]),
                    [false, true] => add(graph, &sides[0]),
                    [false, false] => still.push(sides),
                }
            }
            *left = still;
            if left.len() == before {
                return None;
            }
        }
    }

    /// Whether some choice of sides closes no cycle; also when to find out would take long.
    fn can_hold(&mut self, graph: &Graph, left: &[&Open], level: Level) -> bool {
        let Some((sides, rest)) = left.split_first() else { return true };
        self.looks += graph.edges.len();
        if self.looks > LOOKS_MAX {
            return true;
        }
        sides.iter().any(|side| {
            let (mut graph, mut rest) = (graph.clone(), rest.to_vec());
            add(&mut graph, side);
            self.settle(&mut graph, &mut rest, level).is_none() && self.can_hold(&graph, &rest, level)
        })
    }

    /// Whether a cycle that a level forbids would go through an edge of a side.
    fn closes_cycle(&mut self, graph: &Graph, side: &[(u32, Edge)], level: Level) -> bool {
        let Some((_, Edge { to, .. })) = side.first() else { return false };
        let from = |kind: u8| -> Vec<u32> {
            side.iter().filter(|(_, edge)| edge.kind == kind).map(|(from, _)| *from).collect()
        };
        // Under snapshot isolation no two reads of what was overwritten may follow each other in it.
        let apart = level == Level::SnapshotIsolation;
        self.leads(graph, *to, &from(WW), level, false) || self.leads(graph, *to, &from(RW), level, apart)
    }

    /// Whether a way leads from a node to one of some others. With `by_read`, the edge that closes the cycle is a read of
    /// what was overwritten, and none may stand beside it.
    fn leads(&mut self, graph: &Graph, start: u32, ends: &[u32], level: Level, by_read: bool) -> bool {
        if ends.is_empty() {
            return false;
        }
        let apart = level == Level::SnapshotIsolation;
        let kinds = if level == Level::StrictSerializable { WW | WR | RW | RT } else { WW | WR | RW };
        self.round += 1;
        self.queue.clear();
        self.queue.push((start, by_read));
        while let Some((node, after_read)) = self.queue.pop() {
            for edge in graph.edges[node as usize].iter().filter(|edge| edge.kind & kinds != 0) {
                self.looks += 1;
                let reads = apart && edge.kind == RW;
                if reads && after_read {
                    continue;
                }
                if ends.contains(&edge.to) && !(reads && by_read) {
                    return true;
                }
                let seen = &mut self.seen[edge.to as usize][usize::from(reads)];
                if std::mem::replace(seen, self.round) != self.round {
                    self.queue.push((edge.to, reads));
                }
            }
        }
        false
    }
}

/// The cycle of each side.
fn told(graph: &Graph, sides: &Open, level: Level, found: &mut Findings<'_>) -> Anomaly {
    let before = std::mem::take(&mut found.anomalies);
    let [one, other] = sides.each_ref().map(|side| {
        let mut graph = graph.clone();
        side.iter().for_each(|(from, edge)| graph.add(*from as usize, *edge));
        cycles::find(&graph, level, found);
        std::mem::take(&mut found.anomalies).into_iter().next()
    });
    found.anomalies = before;
    let (one, other) = (one.expect("the side closes a cycle"), other.expect("the side closes a cycle"));
    let mut transactions = one.transactions;
    transactions.extend(other.transactions);
    transactions.sort_unstable();
    transactions.dedup();
    let why = format!("either {}; or {}", one.why.join(", "), other.why.join(", "));
    Anomaly { name: one.name.max(other.name), transactions, why: vec![why] }
}
