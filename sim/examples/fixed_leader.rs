//! A protocol of one's own under splitbrain: node 0 leads for ever and copies its log to the others.
//!
//! There are no elections: while node 0 is down, nothing happens. Start from here: `cargo test --example fixed_leader`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use splitbrain::protocol::*;

type Command = Arc<[u8]>;
const LEADER: NodeId = NodeId(0);

#[derive(Clone, Debug, Hash)]
enum Message {
    Append { index: u64, command: Option<Command>, commit: u64 },
    Durable(u64),
}

/// What is on a disk: everyone's address, and the log.
#[derive(Clone, Debug)]
struct Log {
    nodes: BTreeMap<NodeId, Address>,
    commands: Vec<Command>,
}

impl Disk for Log {
    type Write = Command;

    fn apply(&mut self, command: &Command) {
        self.commands.push(Arc::clone(command));
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        let command = self.commands.get(index.checked_sub(1)? as usize)?;
        let digest =
            command.iter().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()));
        Some(EntryMark { epoch: Epoch(1), digest })
    }
}

#[derive(Clone, Debug)]
struct FixedLeader {
    id: NodeId,
    resend: Within,
    /// As on the disk. What is not there yet is nobody's: a crash may take it, and something else may take its place.
    log: Log,
    writing: VecDeque<Command>,
    /// Where the log ended at boot.
    recovered: u64,
    /// Through where each node is known to have the log on its disk.
    durable: BTreeMap<NodeId, u64>,
    /// What is committed is applied at once.
    commit: u64,
}

impl FixedLeader {
    fn append(&mut self, command: Command, out: &mut Effects<Self>) {
        self.writing.push_back(Arc::clone(&command));
        let id = self.last() - self.recovered + self.writing.len() as u64;
        out.push(Effect::Persist { id: WriteId(id), write: command });
    }

    fn on_persisted(&mut self, out: &mut Effects<Self>) {
        self.log.commands.extend(self.writing.pop_front());
        out.log_changed_from = Some(self.last());
        self.on_durable(self.id, self.last(), out);
    }

    fn send(&self, to: NodeId, message: Message, out: &mut Effects<Self>) {
        out.push(Effect::Send { from: self.id, to, address: self.log.nodes[&to], message });
    }

    /// Sends to each node the entry that it lacks, if any.
    fn replicate(&self, out: &mut Effects<Self>) {
        for (&to, held) in self.durable.iter().filter(|(to, _)| **to != LEADER) {
            let command = self.log.commands.get(*held as usize).map(Arc::clone);
            self.send(to, Message::Append { index: held + 1, command, commit: self.commit }, out);
        }
    }

    /// The leader commits what a majority has on its disks.
    fn on_durable(&mut self, node: NodeId, through: u64, out: &mut Effects<Self>) {
        if self.durable.insert(node, through) >= Some(through) {
            return;
        }
        if !self.leads() {
            return self.send(LEADER, Message::Durable(through), out);
        }
        let mut held: Vec<u64> = self.durable.values().copied().collect();
        held.sort_unstable();
        self.commit_through(held[(held.len() - 1) / 2], out);
        self.replicate(out);
    }

    fn commit_through(&mut self, index: u64, out: &mut Effects<Self>) {
        for index in self.commit + 1..=index {
            let command = Arc::clone(&self.log.commands[index as usize - 1]);
            out.push(Effect::Apply { index, command });
        }
        self.commit = self.commit.max(index);
    }
}

impl Protocol for FixedLeader {
    const NAME: &'static str = "fixed-leader";
    type Message = Message;
    type Timer = ();
    type Disk = Log;
    type Settings = Within;

    fn settings(common: &Settings) -> Result<Within, BadSetting> {
        Ok(Within { min: common.heartbeat, max: common.heartbeat })
    }

    fn format(_: NodeId, initial: &Initial) -> Log {
        Log { nodes: initial.membership.clone().unwrap_or_default().nodes, commands: Vec::new() }
    }

    fn boot(boot: Boot<'_, Self>, out: &mut Effects<Self>) -> Self {
        let (id, log, resend) = (boot.id, boot.disk.clone(), *boot.settings);
        let recovered = log.commands.len() as u64;
        let durable = log.nodes.keys().map(|node| (*node, if *node == id { recovered } else { 0 })).collect();
        out.push(Effect::SetTimer { timer: (), within: resend });
        FixedLeader { id, resend, log, writing: VecDeque::new(), recovered, durable, commit: 0 }
    }

    fn step(&mut self, input: Input<Self>, out: &mut Effects<Self>) {
        let refuse = |request, refusal| Effect::Refuse { request, refusal };
        match input {
            Input::Received { message: Message::Append { index, command, commit }, .. } => {
                match command.filter(|_| self.writing.is_empty() && index == self.last() + 1) {
                    Some(command) => self.append(command, out),
                    None => self.send(LEADER, Message::Durable(self.last()), out),
                }
                self.commit_through(commit.min(self.last()), out);
            }
            Input::Received { from, message: Message::Durable(through), .. } => {
                self.on_durable(from, through, out)
            }
            Input::Proposed { command, .. } if self.leads() => self.append(command, out),
            // Until a majority has answered after a boot, nobody knows what is committed: nobody leads yet.
            Input::ReadRequested { request } if self.leads() && self.commit >= self.recovered => {
                out.push(Effect::Serve { request });
            }
            Input::Proposed { request, .. } | Input::ReadRequested { request } => {
                out.push(refuse(request, Refusal::NotLeader { hint: Some(LEADER) }));
            }
            Input::Operated { request, .. } => out.push(refuse(request, Refusal::Unsupported)),
            Input::Persisted { .. } => self.on_persisted(out),
            Input::Fired(()) if self.leads() => {
                out.push(Effect::SetTimer { timer: (), within: self.resend });
                self.replicate(out);
            }
            Input::Fired(()) | Input::SnapshotTaken { .. } => {}
        }
    }
}

impl Inspect for FixedLeader {
    fn epoch(&self) -> Epoch {
        Epoch(1)
    }
    fn leads(&self) -> bool {
        self.id == LEADER
    }
    fn commit(&self) -> u64 {
        self.commit
    }
    fn applied(&self) -> u64 {
        self.commit
    }
    fn last(&self) -> u64 {
        self.log.commands.len() as u64
    }
    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.log.mark(index)
    }
    fn quorums(&self) -> QuorumSets {
        vec![self.log.nodes.keys().copied().collect()]
    }
}

/// Fifty worlds of crashes, partitions and torn writes; a broken promise names the seed that repeats it.
fn main() {
    let checked = splitbrain::testing::check::<FixedLeader>(1..=50, include_str!("fixed_leader.toml"));
    assert!(checked.seen["restarted"] > 0 && checked.seen["unfinished-write-lost"] > 0, "it was hard");
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_keeps_its_promises_through_crashes_partitions_and_torn_writes() {
        super::main();
    }
}
