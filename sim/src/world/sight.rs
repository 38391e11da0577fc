//! A world as people look at it: a line for a node, its details, its log, and what is on the wire.
//!
//! Holds: nodes, keys and commands are told by their names; looking changes nothing.
//! Not here: what happened before (`trace`).

use super::World;
use super::node::Node;
use crate::names::Names;
use crate::protocol::{Disk as _, Inspect, NodeId, Protocol, kebab};
use crate::time::{Span, exact};

impl<P: Protocol> World<P> {
    /// A node in one line: what it is, what it holds, and what stands in its way.
    pub(crate) fn node_line(&self, id: NodeId) -> String {
        let node = &self.nodes[id.0 as usize];
        let name = self.names.of(id);
        let unfinished = match node.disk.unfinished() {
            0 => String::new(),
            1 => String::from("; 1 write unfinished"),
            count => format!("; {count} writes unfinished"),
        };
        let Some(process) = &node.process else {
            let why = if node.trouble.gone { ", for ever" } else { "" };
            return format!("{name}: down{why}; on disk log through {}", durable(node));
        };
        let vote = process.vote().map_or(String::new(), |vote| format!(", voted {}", self.names.of(vote)));
        let troubles: String = troubles(node).iter().map(|trouble| format!("; {trouble}")).collect();
        format!(
            "{name}: {} in {}{vote}; log through {} (durable {}), commit {}, applied {}; {}{unfinished}{troubles}",
            process.role(),
            reign(process),
            process.last(),
            durable(node),
            process.commit(),
            process.applied(),
            members(process, &self.names),
        )
    }

    /// A node in all that can be told of it, a line for each part.
    pub(crate) fn node_details(&self, id: NodeId) -> Vec<String> {
        let node = &self.nodes[id.0 as usize];
        let mut lines = vec![self.node_line(id)];
        if node.address != self.scenario.cluster.nodes[id.0 as usize].home {
            lines.push(format!("  at address {}", node.address.0));
        }
        let due = |timer: &super::node::Timer<P::Timer>| {
            let due = timer.due?;
            let name = kebab(&format!("{:?}", timer.timer));
            let ahead = due.0.saturating_sub(self.now.0);
            let when = if ahead == 0 { String::from("now") } else { format!("in {}", Span(ahead)) };
            Some(format!("{} {when}", if name.is_empty() { "timer" } else { &name }))
        };
        let timers: Vec<String> = node.timers.iter().filter_map(due).collect();
        if !timers.is_empty() {
            lines.push(format!("  timers: {}", timers.join(", ")));
        }
        for (write, content) in node.disk.unfinished_writes() {
            lines.push(format!("  write {} unfinished: {}", write.0, P::tell_write(content, &*self.names)));
        }
        let values: Vec<String> = (0..self.names.keys())
            .filter_map(|key| Some(format!("{}={}", self.names.key(key), node.machine.get(key)?)))
            .collect();
        if node.process.is_some() {
            let values = if values.is_empty() { String::from("nothing") } else { values.join(" ") };
            lines.push(format!("  machine: {values}"));
        }
        lines
    }

    /// The log of a node, a line for each entry: of a long one the last.
    pub(crate) fn node_log(&self, id: NodeId, most: u64) -> Vec<String> {
        let node = &self.nodes[id.0 as usize];
        let (base, durable) = (node.disk.durable().snapshot(), durable(node));
        let process = node.process.as_ref();
        let last = process.map_or(durable, Inspect::last);
        let mut lines = vec![format!("{}: log through {last}", self.names.of(id))];
        if base > 0 {
            lines.push(format!("  through {base} a snapshot"));
        }
        let first = (base + 1).max(last.saturating_sub(most) + 1);
        if first > base + 1 {
            lines.push(format!("  … {} entries before", first - base - 1));
        }
        for index in first..=last {
            let mark = process.map_or_else(|| node.disk.durable().mark(index), |process| process.mark(index));
            let term = mark.map_or(String::new(), |mark| format!("term {}", P::term_of(mark.epoch)));
            let says = process.and_then(|process| process.entry(index, &*self.names)).unwrap_or_default();
            let known = |through: u64, word| (index <= through).then_some(word);
            let marks = [
                known(durable, "durable"),
                process.and_then(|process| known(process.commit(), "committed")),
                process.and_then(|process| known(process.applied(), "applied")),
            ];
            let marks = marks.into_iter().flatten().collect::<Vec<_>>().join(", ");
            lines.push(format!("  {index:>5}  {term:<8} {says:<16} {marks}").trim_end().to_owned());
        }
        lines
    }

    /// What is on the wire, a numbered line for each message; then what waits for disks.
    pub(crate) fn wire_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, message) in (1..).zip(self.under_way()) {
            let to = message.to.map_or("nobody", |to| self.names.of(to));
            let when = match (message.held, message.due) {
                (true, _) => String::from("waits in a held link"),
                (false, Some(due)) => format!("arrives at {}", exact(due.0)),
                (false, None) => String::from("arrives at any time"),
            };
            lines.push(format!(
                "{number:>3}  {} > {to}  {}; {when}",
                self.names.of(message.from),
                message.words
            ));
        }
        if lines.is_empty() {
            lines.push(String::from("nothing is under way"));
        }
        for (id, node) in self.scenario.cluster.ids().zip(&self.nodes) {
            for (_, content) in node.disk.unfinished_writes() {
                let words = P::tell_write(content, &*self.names);
                lines.push(format!("     {} writes  {words}", self.names.of(id)));
            }
        }
        lines
    }
}

/// A reign as its people write it.
fn reign<P: Protocol>(process: &P) -> String {
    let (name, term) = (process.epoch_name(process.epoch()), P::term_of(process.epoch()));
    if name == term.to_string() { format!("term {term}") } else { name }
}

fn members<P: Protocol>(process: &P, names: &Names) -> String {
    let voters = match process.quorums() {
        sets if sets.is_empty() => String::from("no members"),
        sets => names.sets(&sets),
    };
    match process.learners() {
        learners if learners.is_empty() => voters,
        learners => format!("{voters}, learners {}", names.set(&learners)),
    }
}

/// The last index on a disk, which does not say how long its log is.
fn durable<P: Protocol>(node: &Node<P>) -> u64 {
    let disk = node.disk.durable();
    let base = disk.snapshot();
    (base + 1..).take_while(|&index| disk.mark(index).is_some()).last().unwrap_or(base)
}

fn troubles<P: Protocol>(node: &Node<P>) -> Vec<&'static str> {
    let trouble = node.trouble;
    let all = [
        (trouble.paused, "stands still"),
        (node.stalled, "its disk stands still"),
        (trouble.full, "its disk is full"),
        (trouble.failing, "its next write fails"),
        (trouble.rotten, "its disk is rotten"),
        (trouble.pace > 1 || trouble.disk_pace > 1, "slow"),
        (node.clock.frozen.is_some(), "its clock stands still"),
    ];
    all.into_iter().filter_map(|(is, words)| is.then_some(words)).collect()
}
