//! The smallest replicated log: node 0 leads for ever and copies its log to the others.
//!
//! There are no elections: while node 0 is down, nothing happens. Copy it, and begin to change it.

use splitbrain::adapter::{Command, Gate, Log, Tally};
use splitbrain::protocol::*;

const LEADER: NodeId = NodeId(0);

/// What nodes say.
#[derive(Clone, Debug)]
pub enum Message {
    /// The leader's log, as far as its disk has it, and how much of it is committed.
    Log(Vec<Command>, u64),
    /// My disk has this much of it.
    Held(u64),
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
    held: Tally,
    commit: u64,
}

impl FixedLeader {
    fn send(&self, to: NodeId, message: Message, out: &mut Effects<Self>) {
        out.push(Effect::Send { from: self.id, to, address: self.log.nodes[&to], message });
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
        Log::of(initial)
    }

    fn boot(boot: Boot<'_, Self>, out: &mut Effects<Self>) -> Self {
        let (id, log, resend) = (boot.id, boot.disk.clone(), *boot.settings);
        let mut held = Tally::of(log.nodes.keys().copied());
        held.set(id, log.last());
        out.push(Effect::SetTimer { timer: (), within: resend });
        FixedLeader { id, resend, log, gate: Gate::default(), held, commit: 0 }
    }

    fn fork(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn step(&mut self, input: Input<Self>, out: &mut Effects<Self>) {
        match input {
            Input::Received { message: Message::Log(commands, commit), .. } => {
                let news = commands.into_iter().skip(self.log.commands.len());
                news.for_each(|command| self.log.append(command, &mut self.gate, out));
                self.log.apply_through(&mut self.commit, commit.min(self.held.get(self.id)), out);
                self.send(LEADER, Message::Held(self.last()), out);
            }
            Input::Received { from, message: Message::Held(through), .. } => self.held.set(from, through),
            Input::Persisted { through } => {
                self.gate.persisted(through);
                while let Some(end) = self.gate.pop() {
                    out.log_changed_from.get_or_insert(end);
                    self.held.set(self.id, end);
                }
            }
            Input::Fired(()) => {
                out.push(Effect::SetTimer { timer: (), within: self.resend });
                for &to in self.log.nodes.keys().filter(|to| self.leads() && **to != LEADER) {
                    let log = self.log.commands[..self.last() as usize].to_vec();
                    self.send(to, Message::Log(log, self.commit), out);
                }
            }
            Input::Proposed { command, .. } if self.leads() => self.log.append(command, &mut self.gate, out),
            // After a boot nobody knows what is committed, until a majority has answered.
            Input::ReadRequested { request } if self.leads() && self.commit == self.last() => {
                out.push(Effect::Serve { request });
            }
            other => out.refuse(other, Refusal::NotLeader { hint: Some(LEADER) }),
        }
        if self.leads() {
            self.log.apply_through(&mut self.commit, self.held.by_majority(), out);
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
        self.held.get(self.id)
    }
    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.log.mark(index).filter(|_| index <= self.last())
    }
    fn quorums(&self) -> QuorumSets {
        self.log.everybody()
    }
}
