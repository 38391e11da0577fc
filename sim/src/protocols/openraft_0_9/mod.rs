//! openraft 0.9.25, unmodified, as a protocol of the simulator.
//!
//! Holds: as in [`super::openraft`], whose runtime, disk and bookkeeping it shares; the mapping is the same. What 0.9 does
//! not have is refused as unsupported: conditions, memberships of one entry, transfers of leadership, pre-votes.
//!
//! Two things are seen otherwise than in 0.10, for 0.9 stops where it waits for its disk or for a connection to close: an
//! entry counts as held when it is durable, as 0.9 neither sends nor counts it before; and the membership in force is read
//! from the log, as its metrics may be late.
//!
//! Not here: what openraft does, and what keeps tokio's own draws out (`runtime`).

#[allow(clippy::duplicate_mod, reason = "the same text, of other types")]
#[path = "../openraft/digest.rs"]
mod digest;
#[allow(clippy::duplicate_mod, reason = "the same text, of other types")]
#[path = "../openraft/disk.rs"]
mod disk;
mod network;
#[allow(clippy::duplicate_mod, reason = "the same text, of other types")]
#[path = "../openraft/process.rs"]
mod process;
mod requests;
mod runtime;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod types;
mod version;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use openraft_0_9::{Raft, RaftMetrics, ServerState};
use tokio::sync::watch;

pub use self::disk::{Disk, Write};
pub use self::network::Message;
use self::network::{Body, Connector};
use self::process::Process;
use self::runtime::{Executor, spawn};
pub use self::settings::Settings;
use self::store::{LogStore, Readers, StateMachine};
pub use self::types::{
    Entry, LeaderId, LogId, Membership, Payload, Place, Proposal, Snapshot, SnapshotMeta, StoredMembership,
    Types, Vote,
};
pub use super::openraft::Timer;
use super::openraft::{id, node_id};
use crate::choices::dice;
use crate::protocol::{
    BadSetting, Boot, Disk as _, Effect, Effects, EntryMark, Epoch, Initial, InitialMembership, Input,
    Inspect, NodeId, Protocol, QuorumSets, Settings as CommonSettings, Within,
};

/// The handle of openraft.
type Library = Raft<Types>;

/// A process that runs openraft.
pub struct OpenRaft {
    raft: Library,
    metrics: watch::Receiver<RaftMetrics<u64, Place>>,
    process: Rc<Process>,
    readers: Rc<Readers>,
    /// The first of the entries that are on their way to the disk.
    unwritten: Rc<Cell<Option<u64>>>,
    /// The membership in force, if it is known.
    membership: RefCell<Option<Rc<Membership>>>,
    executor: Executor,
    /// When the world's timer will wake us.
    wake: Option<u64>,
}
impl fmt::Debug for OpenRaft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Protocol for OpenRaft {
    const NAME: &'static str = "openraft-0.9";
    const VERSION: Option<&'static str> = Some(version::VERSION);
    type Message = Message;
    type Timer = Timer;
    type Disk = Disk;
    type Settings = Settings;

    fn settings(common: &CommonSettings) -> Result<Settings, BadSetting> {
        settings::read(common)
    }

    fn format(_: NodeId, initial: &Initial) -> Disk {
        Disk::format(initial)
    }

    fn force_members(disk: &mut Disk, members: &InitialMembership) -> bool {
        disk.force_members(members);
        true
    }

    fn boot(boot: Boot<'_, OpenRaft>, out: &mut Effects<OpenRaft>) -> OpenRaft {
        if let Some(Snapshot { snapshot, .. }) = &boot.disk.snapshot {
            out.push(Effect::Restore { through: boot.disk.snapshot(), state: Arc::clone(snapshot) });
        }
        let process = Process::new(boot.id, boot.disk.clone(), boot.incarnation, boot.settings);
        let readers = Rc::new(Readers::default());
        let unwritten = Rc::new(Cell::new(None));
        let executor = Executor::new(boot.now, dice(boot.entropy));
        let log = LogStore(process.clone(), unwritten.clone());
        let machine = StateMachine(process.clone(), readers.clone());
        let raft = start(&executor, log, machine, boot.settings, boot.now);
        let metrics = raft.metrics();
        let mut node = OpenRaft {
            raft,
            metrics,
            process,
            readers,
            unwritten,
            membership: RefCell::default(),
            executor,
            wake: None,
        };
        node.run(boot.now, out);
        node
    }

    fn step(&mut self, input: Input<OpenRaft>, out: &mut Effects<OpenRaft>) {
        let mut now = out.now;
        self.executor.run_at(now);
        match input {
            Input::Received { from, source, to, message } => self.on_message(from, source, to, message),
            Input::Fired(Timer::Wake) => {
                self.wake = None;
                now = now.max(self.executor.next_timer().unwrap_or(now));
            }
            Input::Fired(Timer::Election) => self.spawn(async |raft, _| {
                let _ = raft.trigger().elect().await;
            }),
            Input::Fired(Timer::Heartbeat) => self.spawn(async |raft, _| {
                let _ = raft.trigger().heartbeat().await;
            }),
            Input::Persisted { through } => {
                let unwritten = self.unwritten.get();
                self.executor.enter(|| self.process.persisted(through));
                if let (Some(first), None) = (unwritten, self.unwritten.get()) {
                    self.process.changed(first);
                    self.membership.take();
                }
            }
            Input::Proposed { request, command } => self.spawn(async move |raft, process| {
                requests::write(&raft, &process, request, Proposal(command)).await;
            }),
            Input::ReadRequested { request } => {
                let readers = self.readers.clone();
                self.spawn(async move |raft, process| {
                    requests::read(&raft, &process, &readers, request).await;
                });
            }
            Input::Operated { request, operation } => self.spawn(async move |raft, process| {
                requests::operate(&raft, &process, request, operation).await;
            }),
            Input::SnapshotTaken { through, state } => {
                if self.process.snapshot_taken(through, state) {
                    self.spawn(async |raft, _| {
                        let _ = raft.trigger().snapshot().await;
                    });
                }
            }
        }
        self.run(now, out);
    }

    fn term_of(epoch: Epoch) -> u64 {
        digest::term_of(epoch)
    }

    fn election_timer() -> Option<Timer> {
        Some(Timer::Election)
    }

    fn heartbeat_timer() -> Option<Timer> {
        Some(Timer::Heartbeat)
    }

    fn keeps_own_time() -> bool {
        true
    }

    fn notes() -> Option<&'static [&'static str]> {
        Some(&["membership-appended", "misrouted"])
    }
}

/// Starts openraft. It reads its disk from memory, so that it is there when no task has anything to do.
fn start(
    executor: &Executor,
    log: LogStore,
    machine: StateMachine,
    settings: &Settings,
    now: u64,
) -> Library {
    let started = Rc::new(RefCell::new(None));
    let (slot, process, config) = (started.clone(), log.0.clone(), settings.config.clone());
    executor.enter(|| {
        spawn(async move {
            let raft = Raft::new(id(process.id), config, Connector(process), log, machine).await;
            slot.replace(Some(raft));
        });
    });
    executor.run_at(now);
    match started.take() {
        Some(Ok(raft)) => raft,
        Some(Err(error)) => panic!("openraft does not start: {error}"),
        None => panic!("openraft does not start: it waits for something"),
    }
}

impl OpenRaft {
    /// Adds a task that uses openraft.
    fn spawn<F: Future<Output = ()> + 'static>(&self, task: impl FnOnce(Library, Rc<Process>) -> F) {
        self.executor.enter(|| spawn(task(self.raft.clone(), self.process.clone())));
    }

    fn on_message(&mut self, from: NodeId, source: crate::protocol::Address, to: NodeId, message: Message) {
        let Message { call: number, body } = message;
        match body {
            Body::Answer(answer) => self.executor.enter(|| self.process.answered(number, answer)),
            Body::Call(call) => {
                if to != self.process.id {
                    self.process.ask(Effect::Note("misrouted"));
                }
                self.spawn(async move |raft, process| {
                    let answer = network::answer(&raft, &process, call).await;
                    let message = Message { call: number, body: Body::Answer(answer) };
                    process.ask(Effect::Send { from: to, to: from, address: source, message });
                });
            }
        }
    }

    /// Runs openraft until it has nothing to do at this moment, and hands over what it asks for.
    fn run(&mut self, now: u64, out: &mut Effects<OpenRaft>) {
        self.executor.run_at(now);
        if let Err(fatal) = &self.metrics().running_state {
            // Nobody asked it to, and a disk that fails takes the process with it.
            crate::panics::end(format!("openraft ends itself: {fatal}"));
        }
        if self.process.out.borrow().iter().any(|effect| matches!(effect, Effect::Persist { .. })) {
            self.membership.take();
        }
        out.list.append(&mut self.process.out.borrow_mut());
        out.log_changed_from = self.process.changed_from.take();
        let next = self.executor.next_timer();
        if next == self.wake {
            return;
        }
        self.wake = next;
        out.push(match next {
            Some(at) => {
                let after = at.saturating_sub(self.executor.now());
                Effect::SetTimer { timer: Timer::Wake, within: Within { min: after, max: after } }
            }
            None => Effect::CancelTimer(Timer::Wake),
        });
    }

    /// The last membership of the log, as far as that is durable: nothing is counted while the next one is written. Looked
    /// for again after a write.
    fn membership(&self) -> Rc<Membership> {
        let known = self.membership.take();
        let membership = known.unwrap_or_else(|| Rc::new(self.process.disk.borrow().membership(self.last())));
        self.membership.replace(Some(membership.clone()));
        membership
    }

    fn metrics(&self) -> watch::Ref<'_, RaftMetrics<u64, Place>> {
        self.metrics.borrow()
    }
}

/// The process is killed: its tasks end where they are.
impl Drop for OpenRaft {
    fn drop(&mut self) {
        self.executor.clear();
    }
}

impl Disk {
    /// The last membership of the log through an index, or that of the snapshot, or of the beginning.
    fn membership(&self, through: u64) -> Membership {
        let of = |entry: &Entry| match &entry.payload {
            Payload::Membership(membership) => Some(membership.clone()),
            Payload::Blank | Payload::Normal(_) => None,
        };
        let logged = self.entries.range(..=through).rev().find_map(|(_, entry)| of(entry));
        logged.unwrap_or_else(|| self.applied().1.membership().clone())
    }
}

impl Inspect for OpenRaft {
    fn epoch(&self) -> Epoch {
        digest::epoch(&self.metrics().vote.leader_id)
    }

    fn epoch_name(&self, epoch: Epoch) -> String {
        digest::epoch_name(epoch)
    }

    fn leads(&self) -> bool {
        let metrics = self.metrics();
        // openraft tells its metrics when it waits for nothing; whoever has written a higher vote leads no longer.
        let outvoted = self.process.disk.borrow().vote.is_some_and(|vote| vote > metrics.vote);
        let own = metrics.vote.committed && metrics.vote.leader_id.node_id == metrics.id;
        metrics.state.is_leader() && own && !outvoted
    }

    fn role(&self) -> &'static str {
        let metrics = self.metrics();
        match metrics.state {
            ServerState::Learner => "learner",
            ServerState::Follower => "follower",
            ServerState::Candidate => "candidate",
            ServerState::Leader => "leader",
            ServerState::Shutdown => "shutdown",
        }
    }

    fn commit(&self) -> u64 {
        // openraft's metrics do not say; it gives the machine whatever is committed, at once.
        self.applied()
    }

    fn applied(&self) -> u64 {
        self.process.applied.borrow().0.map_or(0, |id| id.index)
    }

    fn last(&self) -> u64 {
        let last = self.process.disk.borrow().last().map_or(0, |id| id.index);
        self.unwritten.get().map_or(last, |first| last.min(first.saturating_sub(1)))
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        if index <= self.process.installing.get() || index > self.last() {
            return None;
        }
        self.process.disk.borrow().mark(index)
    }

    fn quorums(&self) -> QuorumSets {
        let membership = self.membership();
        let sets = membership.get_joint_config();
        sets.iter().map(|set| set.iter().map(|&node| node_id(node)).collect()).collect()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        for (number, set) in self.membership().get_joint_config().iter().enumerate() {
            for &voter in set {
                visit(number, node_id(voter));
            }
        }
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        self.membership().learner_ids().map(node_id).collect()
    }

    fn describe(&self) -> String {
        let membership = self.membership();
        let learners: BTreeSet<u64> = membership.learner_ids().collect();
        format!(
            "{} vote {} last {} commit {} applied {} voters {:?} learners {learners:?}",
            self.role(),
            self.metrics().vote,
            self.last(),
            self.commit(),
            self.applied(),
            membership.get_joint_config(),
        )
    }
}
