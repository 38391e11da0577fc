//! The smallest replicated log: node 0 leads for ever and copies its log to the others.
//!
//! There are no elections: while node 0 is down, nothing happens. Copy it, and begin to change it.

use std::collections::BTreeMap;
use std::sync::Arc;

use splitbrain::adapter::Gate;
use splitbrain::protocol::*;

type Command = Arc<[u8]>;
const LEADER: NodeId = NodeId(0);

/// What nodes say.
#[derive(Clone, Debug)]
pub enum Message {
    /// The leader's log, as far as its disk has it, and how much of it is committed.
    Log(Vec<Command>, u64),
    /// My disk has this much of it.
    Held(u64),
}

/// What is on a disk: everyone's address, and the log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    nodes: BTreeMap<NodeId, Address>,
    commands: Vec<Command>,
}

impl Disk for Log {
    type Write = Command;
    fn apply(&mut self, command: &Command) {
        self.commands.push(command.clone());
    }
    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.commands.get(index.checked_sub(1)? as usize).map(|command| EntryMark::of(command))
    }
}

/// A node.
#[derive(Clone, Debug)]
pub struct FixedLeader {
    id: NodeId,
    resend: Within,
    log: Log,
    /// Tells how long the log on the disk is after each write. What is not there yet is nobody's: a crash may take it.
    gate: Gate<u64>,
    /// How much of the log each node is known to have on its disk.
    held: BTreeMap<NodeId, u64>,
    commit: u64,
}

impl FixedLeader {
    fn append(&mut self, command: Command, out: &mut Effects<Self>) {
        self.log.apply(&command);
        out.push(Effect::Persist { id: self.gate.issue(), write: command });
        self.gate.hold(self.log.commands.len() as u64);
    }

    fn send(&self, to: NodeId, message: Message, out: &mut Effects<Self>) {
        out.push(Effect::Send { from: self.id, to, address: self.log.nodes[&to], message });
    }

    /// A node has so much on its disk: the leader commits what a majority has.
    fn on_held(&mut self, node: NodeId, through: u64, out: &mut Effects<Self>) {
        self.held.insert(node, through);
        let mut held: Vec<u64> = self.held.values().copied().collect();
        held.sort_unstable();
        if self.leads() {
            self.commit_through(held[(held.len() - 1) / 2], out);
        }
    }

    fn commit_through(&mut self, index: u64, out: &mut Effects<Self>) {
        for index in self.commit + 1..=index {
            out.push(Effect::Apply { index, command: self.log.commands[index as usize - 1].clone() });
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
        let held = |node: &NodeId| (*node, if *node == id { log.commands.len() as u64 } else { 0 });
        let held = log.nodes.keys().map(held).collect();
        out.push(Effect::SetTimer { timer: (), within: resend });
        FixedLeader { id, resend, log, gate: Gate::default(), held, commit: 0 }
    }

    fn tell_message(message: &Message, words: &dyn Words) -> String {
        match message {
            Message::Log(commands, commit) => {
                let told: Vec<String> = commands.iter().map(|command| words.command(command)).collect();
                format!("log [{}], commit {commit}", told.join(", "))
            }
            Message::Held(through) => format!("held through {through}"),
        }
    }

    fn tell_write(command: &Command, words: &dyn Words) -> String {
        words.command(command)
    }

    fn fork(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn step(&mut self, input: Input<Self>, out: &mut Effects<Self>) {
        match input {
            Input::Received { message: Message::Log(commands, commit), .. } => {
                for command in commands.into_iter().skip(self.log.commands.len()) {
                    self.append(command, out);
                }
                self.commit_through(commit.min(self.last()), out);
                self.send(LEADER, Message::Held(self.last()), out);
            }
            Input::Received { from, message: Message::Held(through), .. } => self.on_held(from, through, out),
            Input::Persisted { through } => {
                self.gate.persisted(through);
                while let Some(end) = self.gate.pop() {
                    out.log_changed_from.get_or_insert(end);
                    self.on_held(self.id, end, out);
                }
            }
            Input::Fired(()) => {
                out.push(Effect::SetTimer { timer: (), within: self.resend });
                for &to in self.log.nodes.keys().filter(|to| self.leads() && **to != LEADER) {
                    let log = self.log.commands[..self.last() as usize].to_vec();
                    self.send(to, Message::Log(log, self.commit), out);
                }
            }
            Input::Proposed { command, .. } if self.leads() => self.append(command, out),
            // After a boot nobody knows what is committed, until a majority has answered.
            Input::ReadRequested { request } if self.leads() && self.commit == self.last() => {
                out.push(Effect::Serve { request });
            }
            other => out.refuse(other, Refusal::NotLeader { hint: Some(LEADER) }),
        }
    }
}

impl Inspect for FixedLeader {
    fn leads(&self) -> bool {
        self.id == LEADER
    }
    fn commit(&self) -> u64 {
        self.commit
    }
    fn last(&self) -> u64 {
        self.held[&self.id]
    }
    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.log.mark(index).filter(|_| index <= self.last())
    }
    fn quorums(&self) -> QuorumSets {
        vec![self.log.nodes.keys().copied().collect()]
    }
}
