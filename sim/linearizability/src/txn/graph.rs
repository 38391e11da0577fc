//! Who comes before whom, and why.
//!
//! Time is a chain of moments, one for each return: a transaction comes before the moment of its return, and a moment
//! before every transaction called after it. So order in time costs an edge or two for each transaction.
//!
//! Not here: what follows from a cycle (`cycles`).

use super::{Ending, Transaction};
use crate::history::UNKNOWN;
use crate::value::Value;

/// Kinds of edges, as bits.
pub(super) const WW: u8 = 1;
pub(super) const WR: u8 = 2;
pub(super) const RW: u8 = 4;
pub(super) const RT: u8 = 8;

/// Why one comes before another: the key, and what was written or read before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) to: u32,
    pub(super) kind: u8,
    pub(super) key: Value,
    pub(super) value: Value,
    pub(super) next: Value,
    /// Nobody saw it; the other order cannot be.
    pub(super) inferred: bool,
}

/// Transactions by number, and behind them the moments.
#[derive(Clone)]
pub(super) struct Graph {
    pub(super) transactions: usize,
    pub(super) edges: Vec<Vec<Edge>>,
}

impl Edge {
    pub(super) fn new(kind: u8, to: usize, key: Value, value: Value, next: Value) -> Edge {
        Edge { to: to as u32, kind, key, value, next, inferred: false }
    }
}

impl Graph {
    pub(super) fn new(transactions: usize) -> Graph {
        Graph { transactions, edges: vec![Vec::new(); transactions] }
    }

    pub(super) fn add(&mut self, from: usize, edge: Edge) {
        if from != edge.to as usize && !self.edges[from].contains(&edge) {
            self.edges[from].push(edge);
        }
    }

    /// Adds what time says about those that took effect.
    pub(super) fn add_time(&mut self, transactions: &[Transaction], took_effect: &[bool]) {
        let returned = |place: &usize| transactions[*place].ending == Ending::Committed;
        let mut moments: Vec<(u64, usize)> = (0..transactions.len())
            .filter(returned)
            .map(|place| (transactions[place].ret, place))
            .filter(|(ret, _)| *ret != UNKNOWN)
            .collect();
        moments.sort_unstable();
        let first = self.edges.len();
        let edge = |to: usize| Edge::new(RT, to, Value::NIL, Value::NIL, Value::NIL);
        for (number, (_, place)) in moments.iter().enumerate() {
            self.edges[*place].push(edge(first + number));
            let last = number + 1 == moments.len();
            self.edges.push(if last { Vec::new() } else { vec![edge(first + number + 1)] });
        }
        for (place, transaction) in transactions.iter().enumerate() {
            let before = moments.partition_point(|(ret, _)| *ret < transaction.call);
            if took_effect[place] && before > 0 {
                self.edges[first + before - 1].push(edge(place));
            }
        }
    }

    /// The strongly connected components that hold more than one node, over edges of some kinds.
    pub(super) fn knots(&self, kinds: u8) -> Vec<Vec<u32>> {
        Tarjan::new(self, kinds).run()
    }
}

const NONE: u32 = u32::MAX;

/// Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972; with a stack of its own.
struct Tarjan<'a> {
    graph: &'a Graph,
    kinds: u8,
    index: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
    stack: Vec<u32>,
    next: u32,
    found: Vec<Vec<u32>>,
}

impl<'a> Tarjan<'a> {
    fn new(graph: &'a Graph, kinds: u8) -> Self {
        let nodes = graph.edges.len();
        Tarjan {
            graph,
            kinds,
            index: vec![NONE; nodes],
            low: vec![0; nodes],
            on_stack: vec![false; nodes],
            stack: Vec::new(),
            next: 0,
            found: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Vec<u32>> {
        for node in 0..self.graph.edges.len() as u32 {
            if self.index[node as usize] == NONE {
                self.visit(node);
            }
        }
        self.found
    }

    fn enter(&mut self, node: u32) {
        self.index[node as usize] = self.next;
        self.low[node as usize] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.on_stack[node as usize] = true;
    }

    fn visit(&mut self, start: u32) {
        let mut path = vec![(start, 0usize)];
        self.enter(start);
        while let Some((node, at)) = path.last_mut() {
            let node = *node;
            let edge = self.graph.edges[node as usize].get(*at).copied();
            *at += 1;
            match edge {
                Some(edge) if edge.kind & self.kinds == 0 => {}
                Some(edge) if self.index[edge.to as usize] == NONE => {
                    self.enter(edge.to);
                    path.push((edge.to, 0));
                }
                Some(edge) if self.on_stack[edge.to as usize] => {
                    self.low[node as usize] = self.low[node as usize].min(self.index[edge.to as usize]);
                }
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((above, _)) = path.last() {
                        self.low[*above as usize] = self.low[*above as usize].min(self.low[node as usize]);
                    }
                    self.leave(node);
                }
            }
        }
    }

    /// Takes a whole component from the stack when `node` is its first.
    fn leave(&mut self, node: u32) {
        if self.low[node as usize] != self.index[node as usize] {
            return;
        }
        let start = self.stack.iter().rposition(|other| *other == node).expect("a node is on the stack");
        let component = self.stack.split_off(start);
        for node in &component {
            self.on_stack[*node as usize] = false;
        }
        if component.len() > 1 {
            self.found.push(component);
        }
    }
}
