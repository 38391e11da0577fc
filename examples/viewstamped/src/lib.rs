//! Viewstamped Replication Revisited (Liskov and Cowling, 2012), small, with one of its rules as a switch.
//!
//! Holds: replicas keep view and log on their disks, so that a restarted one needs no recovery protocol; what a message
//! vouches for is durable before it leaves. A view has one primary: the node of that number, modulo the replicas.
//! Entries carry no view: what was prepared may be prepared again in a later one, and only what is committed is judged.
//! Not here: reads (they would be commands), changes of the replicas, and logs that are cut.
//!
//! The rule `latest-normal-view` (section 4.2, step 3): of the logs that replicas bring to a new view, that of the latest
//! view in which its holder was normal wins; only among equals the longest. Switched off, the longest wins at once: a
//! replica that was cut off with a long tail of its own brings it back over what was committed since.

use std::collections::BTreeMap;
use std::sync::Arc;

use splitbrain::adapter::Gate;
use splitbrain::protocol::*;

type Command = Arc<[u8]>;

/// What replicas say. Each message is of a view; whoever is behind enters that view, whoever is ahead ignores it.
#[derive(Clone, Debug)]
pub struct Message {
    view: u64,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// The primary: the entries after an index, and how far the log is committed.
    Prepare { after: usize, commands: Vec<Command>, commit: usize },
    /// My disk holds the primary's log through here.
    PrepareOk { through: usize },
    /// To a new primary: what I have. `normal` is the last view in which I took part.
    DoViewChange { normal: u64, log: Vec<Command>, commit: usize },
    /// The new primary: the log of its view.
    StartView { log: Vec<Command>, commit: usize },
    /// Nothing but the view: it begins to change.
    StartViewChange,
    /// To the primary: I lack what stands before your entries.
    GetState,
}

/// What a replica keeps.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    nodes: BTreeMap<NodeId, Address>,
    view: u64,
    normal: u64,
    log: Vec<Command>,
}

/// One write; each is whole or not there.
#[derive(Clone, Debug)]
pub enum Write {
    /// A later view, in which the replica is not normal yet.
    View(u64),
    /// More entries.
    Append(Vec<Command>),
    /// The log with which a view begins.
    Adopt(u64, Vec<Command>),
}

impl Disk for Kept {
    type Write = Write;

    fn apply(&mut self, write: &Write) {
        match write {
            Write::View(view) => self.view = *view,
            Write::Append(commands) => self.log.extend(commands.iter().cloned()),
            Write::Adopt(view, log) => {
                (self.view, self.normal) = (*view, *view);
                self.log.clone_from(log);
            }
        }
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.log.get(index.checked_sub(1)? as usize).map(|command| EntryMark::of(command))
    }
}

/// What a scenario sets.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    patience: Within,
    heartbeat: Within,
    latest_normal_view: bool,
}

/// The timers of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Nothing was heard of the primary.
    Patience,
    /// The primary speaks, also when it has nothing to say.
    Heartbeat,
}

/// What waits for the disk.
#[derive(Clone, Debug)]
enum Then {
    Send(NodeId, Message),
    /// The primary's own log is durable through here.
    Count(u64, usize),
    /// The primary may begin its view.
    Begin(u64),
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    id: NodeId,
    rules: Rules,
    kept: Kept,
    gate: Gate<Then>,
    /// Whether it takes part in its view.
    normal: bool,
    commit: usize,
    /// The primary: how much of its log each replica has on its disk.
    held: BTreeMap<NodeId, usize>,
    /// The next primary: what replicas have brought.
    brought: BTreeMap<NodeId, (u64, Vec<Command>, usize)>,
}

type Out = Effects<Replica>;

impl Replica {
    fn primary(&self, view: u64) -> NodeId {
        let nodes: Vec<NodeId> = self.kept.nodes.keys().copied().collect();
        nodes[(view % nodes.len() as u64) as usize]
    }

    fn is_primary(&self) -> bool {
        self.normal && self.primary(self.kept.view) == self.id
    }

    fn majority(&self) -> usize {
        self.kept.nodes.len() / 2 + 1
    }

    fn others(&self) -> Vec<NodeId> {
        self.kept.nodes.keys().copied().filter(|node| *node != self.id).collect()
    }

    fn write(&mut self, write: Write, out: &mut Out) {
        let changed = match &write {
            Write::View(_) => None,
            Write::Append(_) => Some(self.kept.log.len() as u64 + 1),
            Write::Adopt(_, log) => {
                let same = self.kept.log.iter().zip(log).take_while(|(old, new)| old == new).count();
                (same < self.kept.log.len().max(log.len())).then_some(same as u64 + 1)
            }
        };
        out.log_changed_from = [out.log_changed_from, changed].into_iter().flatten().min();
        self.kept.apply(&write);
        out.push(Effect::Persist { id: self.gate.issue(), write });
    }

    /// Says something of the view as soon as everything written so far is durable.
    fn say(&mut self, to: NodeId, body: Body) {
        self.gate.hold(Then::Send(to, Message { view: self.kept.view, body }));
    }

    /// Goes on with what waits for the disk no longer.
    fn release(&mut self, out: &mut Out) {
        while let Some(then) = self.gate.pop() {
            match then {
                Then::Send(to, message) => {
                    let address = self.kept.nodes[&to];
                    out.push(Effect::Send { from: self.id, to, address, message });
                }
                Then::Count(view, through) if view == self.kept.view => self.on_held(self.id, through, out),
                Then::Begin(view) if view == self.kept.view => {
                    self.normal = true;
                    out.push(Effect::SetTimer { timer: Timer::Heartbeat, within: self.rules.heartbeat });
                }
                Then::Count(..) | Then::Begin(_) => {}
            }
        }
    }

    /// Enters a later view without taking part in it yet, and brings its primary what it has.
    fn change_view(&mut self, view: u64, out: &mut Out) {
        (self.normal, self.brought) = (false, BTreeMap::new());
        self.write(Write::View(view), out);
        out.push(Effect::SetTimer { timer: Timer::Patience, within: self.rules.patience });
        for to in self.others() {
            self.say(to, Body::StartViewChange);
        }
        let (normal, log, commit) = (self.kept.normal, self.kept.log.clone(), self.commit);
        match self.primary(view) {
            me if me == self.id => {
                self.brought.insert(self.id, (normal, log, commit));
            }
            to => self.say(to, Body::DoViewChange { normal, log, commit }),
        }
    }

    /// The new primary: with what a majority has brought, the view begins.
    fn maybe_start_view(&mut self, out: &mut Out) {
        // Once it is on its way, later words change nothing.
        if self.kept.normal == self.kept.view || self.brought.len() < self.majority() {
            return;
        }
        let latest = self.rules.latest_normal_view;
        let best =
            self.brought.values().max_by_key(|(normal, log, _)| (*normal * u64::from(latest), log.len()));
        let log = best.map(|(_, log, _)| log.clone()).unwrap_or_default();
        let commit = self.brought.values().map(|(.., commit)| *commit).max().unwrap_or(0);
        self.brought.clear();
        self.held.clear();
        self.write(Write::Adopt(self.kept.view, log.clone()), out);
        self.gate.hold(Then::Begin(self.kept.view));
        self.gate.hold(Then::Count(self.kept.view, log.len()));
        for to in self.others() {
            self.say(to, Body::StartView { log: log.clone(), commit });
        }
        self.commit_through(commit, out);
    }

    /// The primary commits what a majority has on its disks.
    fn on_held(&mut self, node: NodeId, through: usize, out: &mut Out) {
        let held = self.held.entry(node).or_default();
        *held = through.max(*held);
        let mut held: Vec<usize> = self.held.values().copied().collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(&through) = held.get(self.majority() - 1) {
            self.commit_through(through, out);
        }
    }

    fn commit_through(&mut self, index: usize, out: &mut Out) {
        for index in self.commit..index.min(self.kept.log.len()) {
            out.push(Effect::Apply { index: index as u64 + 1, command: self.kept.log[index].clone() });
            self.commit = index + 1;
        }
    }

    /// Sends every backup what it lacks, as far as the primary knows.
    fn prepare(&mut self) {
        for to in self.others() {
            let after = self.held.get(&to).copied().unwrap_or(self.kept.log.len());
            let commands = self.kept.log[after..].to_vec();
            self.say(to, Body::Prepare { after, commands, commit: self.commit });
        }
    }

    fn on_message(&mut self, from: NodeId, Message { view, body }: Message, out: &mut Out) {
        let begins = matches!(body, Body::StartView { .. });
        if view < self.kept.view || from == self.id {
            return;
        }
        if view > self.kept.view && !begins {
            self.change_view(view, out);
        }
        match body {
            Body::StartView { log, commit } if self.lacks(view, log.len()) => {
                self.write(Write::Adopt(view, log), out);
                self.normal = true;
                self.hear_primary(commit, out);
            }
            Body::Prepare { after, commands, commit } if self.normal => {
                let known = self.kept.log.len();
                if after > known {
                    return self.say(from, Body::GetState);
                }
                let news: Vec<Command> = commands.into_iter().skip(known - after).collect();
                if !news.is_empty() {
                    self.write(Write::Append(news), out);
                }
                self.hear_primary(commit, out);
            }
            Body::Prepare { .. } => self.say(from, Body::GetState),
            Body::GetState if self.is_primary() => {
                self.say(from, Body::StartView { log: self.kept.log.clone(), commit: self.commit });
            }
            Body::PrepareOk { through } if self.is_primary() => self.on_held(from, through, out),
            Body::DoViewChange { normal, log, commit } if self.primary(view) == self.id => {
                self.brought.insert(from, (normal, log, commit));
                self.maybe_start_view(out);
            }
            Body::StartView { .. }
            | Body::GetState
            | Body::PrepareOk { .. }
            | Body::DoViewChange { .. }
            | Body::StartViewChange => {}
        }
    }

    /// Whether a view's log of that length is news.
    fn lacks(&self, view: u64, end: usize) -> bool {
        view > self.kept.view || !self.normal || end > self.kept.log.len()
    }

    fn hear_primary(&mut self, commit: usize, out: &mut Out) {
        out.push(Effect::SetTimer { timer: Timer::Patience, within: self.rules.patience });
        self.commit_through(commit, out);
        self.say(self.primary(self.kept.view), Body::PrepareOk { through: self.kept.log.len() });
    }
}

/// Commands as people wrote them.
fn told(commands: &[Command], words: &dyn Words) -> String {
    if commands.is_empty() {
        return String::from(" nothing");
    }
    commands.iter().map(|command| format!(" {}", words.command(command))).collect()
}

impl Protocol for Replica {
    const NAME: &'static str = "viewstamped";
    type Message = Message;
    type Timer = Timer;
    type Disk = Kept;
    type Settings = Rules;

    fn shows() -> &'static [Shown] {
        &[Shown::Leaders, Shown::Reigns, Shown::Log, Shown::Disk, Shown::Quorums]
    }

    fn rules() -> &'static [&'static str] {
        &["latest-normal-view"]
    }

    fn settings(common: &Settings) -> Result<Rules, BadSetting> {
        Ok(Rules {
            patience: common.election,
            heartbeat: Within { min: common.heartbeat, max: common.heartbeat },
            latest_normal_view: !common.rules_off.contains("latest-normal-view"),
        })
    }

    fn format(_: NodeId, initial: &Initial) -> Kept {
        Kept { nodes: initial.membership.clone().unwrap_or_default().nodes, ..Kept::default() }
    }

    /// A replica that was the primary may have lost what it never called durable: it leads in a later view only.
    fn boot(boot: Boot<'_, Replica>, out: &mut Out) -> Replica {
        let (id, rules, kept) = (boot.id, *boot.settings, boot.disk.clone());
        out.push(Effect::SetTimer { timer: Timer::Patience, within: rules.patience });
        let (held, brought) = (BTreeMap::new(), BTreeMap::new());
        let mut replica =
            Replica { id, rules, kept, gate: Gate::default(), normal: false, commit: 0, held, brought };
        let fresh = boot.incarnation == 1 && replica.kept.view == 0;
        let backup = replica.primary(replica.kept.view) != id;
        replica.normal = replica.kept.normal == replica.kept.view && (fresh || backup);
        if replica.is_primary() {
            out.push(Effect::SetTimer { timer: Timer::Heartbeat, within: rules.heartbeat });
        }
        replica
    }

    fn tell_message(message: &Message, words: &dyn Words) -> String {
        let says = match &message.body {
            Body::Prepare { after, commands, commit } => {
                format!("prepare after {after}:{}, commit {commit}", told(commands, words))
            }
            Body::PrepareOk { through } => format!("prepare-ok through {through}"),
            Body::DoViewChange { normal, log, commit } => {
                format!("do-view-change, normal in {normal}, log:{}, commit {commit}", told(log, words))
            }
            Body::StartView { log, commit } => {
                format!("start-view, log:{}, commit {commit}", told(log, words))
            }
            Body::StartViewChange => String::from("start-view-change"),
            Body::GetState => String::from("get-state"),
        };
        format!("{says}, view {}", message.view)
    }

    fn tell_write(write: &Write, words: &dyn Words) -> String {
        match write {
            Write::View(view) => format!("view {view}"),
            Write::Append(commands) => format!("append{}", told(commands, words)),
            Write::Adopt(view, log) => format!("view {view} with the log{}", told(log, words)),
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn step(&mut self, input: Input<Replica>, out: &mut Out) {
        match input {
            Input::Received { from, message, .. } => self.on_message(from, message, out),
            Input::Persisted { through } => self.gate.persisted(through),
            Input::Fired(Timer::Patience) if self.is_primary() => {}
            Input::Fired(Timer::Patience) => self.change_view(self.kept.view + 1, out),
            Input::Fired(Timer::Heartbeat) => {
                if self.is_primary() {
                    out.push(Effect::SetTimer { timer: Timer::Heartbeat, within: self.rules.heartbeat });
                    self.prepare();
                }
            }
            Input::Proposed { command, .. } if self.is_primary() => {
                self.write(Write::Append(vec![command]), out);
                self.gate.hold(Then::Count(self.kept.view, self.kept.log.len()));
                self.prepare();
            }
            other => out.refuse(other, Refusal::NotLeader { hint: Some(self.primary(self.kept.view)) }),
        }
        self.release(out);
    }

    fn election_timer() -> Option<Timer> {
        Some(Timer::Patience)
    }

    fn heartbeat_timer() -> Option<Timer> {
        Some(Timer::Heartbeat)
    }
}

impl Inspect for Replica {
    fn epoch(&self) -> Epoch {
        Epoch(self.kept.view)
    }

    fn leads(&self) -> bool {
        self.is_primary()
    }

    fn commit(&self) -> u64 {
        self.commit as u64
    }

    fn last(&self) -> u64 {
        self.kept.log.len() as u64
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        self.kept.mark(index)
    }

    fn quorums(&self) -> QuorumSets {
        vec![self.kept.nodes.keys().copied().collect()]
    }
}
