//! What nodes and keys are called in a run, and what commands are in those words.
//!
//! Not here: who is called so (`scenario`), and what a command does (`machine`).

use std::collections::BTreeSet;

use crate::machine::{Answer, Command, Request, Task};
use crate::protocol::{NodeId, QuorumSets, Words};

/// What nodes and keys are called in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    nodes: Vec<String>,
    /// How many keys the workload has; they are called `k0`, `k1` and so on.
    workload_keys: u32,
    /// Keys that a story names, in the order of their first use; they come after those of the workload.
    keys: Vec<String>,
}

impl Names {
    /// The names of nodes, in order, beside a workload of so many keys.
    #[must_use]
    pub fn new(nodes: Vec<String>, workload_keys: u32) -> Names {
        Names { nodes, workload_keys, keys: Vec::new() }
    }

    /// The name of a node.
    #[must_use]
    pub fn of(&self, node: NodeId) -> &str {
        self.nodes.get(node.0 as usize).map_or("?", String::as_str)
    }

    /// A voter set as people write it: `{a b c}`.
    #[must_use]
    pub fn set(&self, set: &BTreeSet<NodeId>) -> String {
        let names: Vec<&str> = set.iter().map(|&node| self.of(node)).collect();
        format!("{{{}}}", names.join(" "))
    }

    /// Voter sets as people write them: `{a b c} + {c d}`.
    #[must_use]
    pub fn sets(&self, sets: &QuorumSets) -> String {
        sets.iter().map(|set| self.set(set)).collect::<Vec<_>>().join(" + ")
    }

    /// The number of a key that a story names, if it did before.
    #[must_use]
    pub fn known_key(&self, name: &str) -> Option<u32> {
        self.keys.iter().position(|known| known == name).map(|place| self.workload_keys + place as u32)
    }

    /// The number of a key that a story names now for the first time.
    pub fn add_key(&mut self, name: &str) -> u32 {
        self.keys.push(name.to_owned());
        self.workload_keys + self.keys.len() as u32 - 1
    }

    /// How many keys there are so far: they are numbered from zero.
    #[must_use]
    pub fn keys(&self) -> u32 {
        self.workload_keys + self.keys.len() as u32
    }

    /// The node of a name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|known| known == name).map(|place| NodeId(place as u32))
    }

    /// What a key is called: the story's name, or `k0`, `k1` and so on for those of the workload.
    #[must_use]
    pub fn key(&self, key: u32) -> String {
        let place = key.checked_sub(self.workload_keys);
        let named = place.and_then(|place| self.keys.get(place as usize));
        named.cloned().unwrap_or_else(|| format!("k{key}"))
    }

    /// What a client asks for: `x`, `x=1`, or `x=2 if 1`.
    #[must_use]
    pub fn request(&self, request: Request) -> String {
        match request {
            Request::Get { key } => self.key(key),
            Request::Put { key, value } => format!("{}={value}", self.key(key)),
            Request::Cas { key, expected, value } => {
                format!("{}={value} if {}", self.key(key), machine_value(expected))
            }
        }
    }

    /// A command of a log.
    #[must_use]
    pub fn task(&self, command: &Command) -> String {
        match command.task {
            Task::Ask { by: _, request } => self.request(request),
            Task::Open { .. } => format!("a session for client {}", command.client),
        }
    }
}

impl Words for Names {
    fn node(&self, node: NodeId) -> &str {
        self.of(node)
    }

    fn command(&self, bytes: &[u8]) -> String {
        Command::decode(bytes).map_or_else(|| format!("{} bytes", bytes.len()), |command| self.task(&command))
    }
}

/// What the machine answers.
#[must_use]
pub fn answer(answer: Answer) -> String {
    match answer {
        Answer::Value(value) => machine_value(value),
        Answer::Written | Answer::Swapped => String::from("done"),
        Answer::Mismatch(value) => format!("not done, {} is there", machine_value(value)),
    }
}

fn machine_value(value: Option<u64>) -> String {
    value.map_or(String::from("nothing"), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::By;

    #[test]
    fn commands_read_as_people_wrote_them() {
        let mut names = Names::new(vec![String::from("a")], 2);
        let x = names.add_key("x");
        assert_eq!((names.known_key("x"), names.known_key("y")), (Some(x), None));
        let told = |request| {
            let task = Task::Ask { by: By::Client, request };
            names.command(&Command { client: 0, serial: 1, task }.encode())
        };
        assert_eq!(told(Request::Put { key: x, value: 1 }), "x=1");
        assert_eq!(told(Request::Cas { key: 0, expected: Some(1), value: 2 }), "k0=2 if 1");
        assert_eq!(told(Request::Cas { key: 1, expected: None, value: 2 }), "k1=2 if nothing");
        assert_eq!(told(Request::Get { key: x }), "x");
        assert_eq!(names.command(&[7]), "1 bytes");
        assert_eq!((names.of(NodeId(0)), names.of(NodeId(1))), ("a", "?"));
    }
}
