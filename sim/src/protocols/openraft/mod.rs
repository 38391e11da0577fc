//! openraft 0.10.0-alpha.37, unmodified, as a protocol of the simulator.
//!
//! Holds: openraft runs only inside [`OpenRaft::step`], on a runtime of ours whose clock, dice, network and disk are the
//! world's; every effect of a step is in the order in which openraft's tasks asked for it. A crash drops its tasks
//! between two polls.
//! Not here: what openraft does. What this adapter adds is the mapping below, and nothing else:
//!
//! | of the world | of openraft |
//! |---|---|
//! | epoch | leader id: term and node. Two leaders of one term are two reigns here, as openraft has it |
//! | index | index; 0 holds the membership of the beginning |
//! | message | one RPC, or its answer |
//! | write | one call of the log store, or a snapshot |
//! | timer `Wake` | the earliest timer of the runtime |

mod digest;
mod disk;
mod network;
mod process;
mod requests;
pub mod runtime;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod types;
#[cfg_attr(openraft_at_most = "23", path = "version_past.rs")]
mod version;

use std::cell::Ref;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use openraft::async_runtime::WatchReceiver;
use openraft::{Raft, RaftMetrics};

pub use self::disk::{Disk, Write};
pub use self::network::Message;
use self::network::{Body, Connector};
use self::process::Process;
pub(super) use self::requests::{id, node_id};
use self::runtime::{Executor, ValueReceiver, spawn};
pub use self::settings::Settings;
use self::store::{LogStore, StateMachine};
pub use self::types::{
    Entry, LeaderId, LogId, Membership, Payload, Place, Proposal, Snapshot, SnapshotMeta, StoredMembership,
    Types, Vote,
};
use crate::choices::dice;
use crate::protocol::{
    BadSetting, Boot, Disk as _, Effect, Effects, EntryMark, Epoch, Initial, InitialMembership, Input,
    Inspect, NodeId, Protocol, QuorumSets, Settings as CommonSettings, Within,
};

/// The handle of openraft.
type Library = Raft<Types, StateMachine>;

/// The timers of a node. Only `Wake` is ever set; the others are what a story fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// Stand for election now: `Trigger::elect`.
    Election,
    /// Speak to the followers now: `Trigger::heartbeat`.
    Heartbeat,
    /// The earliest timer of openraft's tasks is due. Fired before its time, it moves the node's clock there.
    Wake,
}

/// A process that runs openraft.
pub struct OpenRaft {
    raft: Library,
    metrics: ValueReceiver<RaftMetrics<Types>>,
    process: Rc<Process>,
    executor: Executor,
    settings: Settings,
    /// When the world's timer will wake us.
    wake: Option<u64>,
}

impl fmt::Debug for OpenRaft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Protocol for OpenRaft {
    const NAME: &'static str = "openraft";
    const VERSION: Option<&'static str> = Some(version::VERSION);
    type Message = Message;
    type Timer = Timer;
    type Disk = Disk;
    type Settings = Settings;

    fn settings(common: &CommonSettings) -> Result<Settings, BadSetting> {
        settings::read(common)
    }

    fn relies_on_clocks(settings: &Settings) -> bool {
        settings.read_policy == openraft::ReadPolicy::LeaseRead
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
            out.push(Effect::Restore { through: boot.disk.snapshot(), state: snapshot.clone() });
        }
        let settings = boot.settings.clone();
        let process = Process::new(boot.id, boot.disk.clone(), boot.incarnation, &settings);
        let executor = Executor::new(boot.now, dice(boot.entropy));
        let raft = start(&executor, &process, &settings, boot.now);
        let metrics = raft.metrics();
        let mut node = OpenRaft { raft, metrics, process, executor, settings, wake: None };
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
            Input::Fired(Timer::Election) => {
                let pre_vote = self.settings.config.enable_pre_vote == Some(true);
                self.spawn(async move |raft, _| {
                    let _ = raft.trigger().elect(pre_vote).await;
                });
            }
            Input::Fired(Timer::Heartbeat) => self.spawn(async |raft, _| {
                let _ = raft.trigger().heartbeat().await;
            }),
            Input::Persisted { through } => self.executor.enter(|| self.process.persisted(through)),
            Input::Proposed { request, command } => self.spawn(async move |raft, process| {
                requests::write(&raft, &process, request, Proposal(command)).await;
            }),
            Input::ReadRequested { request } => {
                let policy = self.settings.read_policy.clone();
                self.spawn(async move |raft, process| {
                    requests::read(&raft, &process, request, policy).await;
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
fn start(executor: &Executor, process: &Rc<Process>, settings: &Settings, now: u64) -> Library {
    let started = Rc::new(std::cell::RefCell::new(None));
    let (slot, process, config) = (started.clone(), process.clone(), settings.config.clone());
    executor.enter(|| {
        spawn(async move {
            let id = id(process.id);
            let log = LogStore(process.clone());
            let machine = StateMachine(process.clone());
            let raft = Raft::new(id, config, Connector(process), log, machine).await;
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

    fn metrics(&self) -> Ref<'_, RaftMetrics<Types>> {
        self.metrics.borrow_watched()
    }
}

/// The process is killed: its tasks end where they are.
impl Drop for OpenRaft {
    fn drop(&mut self) {
        self.executor.clear();
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
            openraft::ServerState::Learner => "learner",
            openraft::ServerState::Follower => "follower",
            openraft::ServerState::Candidate => "candidate",
            openraft::ServerState::Leader => "leader",
            openraft::ServerState::Shutdown => "shutdown",
        }
    }

    fn commit(&self) -> u64 {
        // What the machine was given is committed by openraft's own word, also where its metrics are late.
        self.metrics().local_committed.map_or(0, |id| id.index).max(self.applied())
    }

    fn applied(&self) -> u64 {
        self.process.applied.borrow().0.map_or(0, |id| id.index)
    }

    fn last(&self) -> u64 {
        self.process.disk.borrow().last().map_or(0, |id| id.index)
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        if index <= self.process.installing.get() {
            return None;
        }
        self.process.disk.borrow().mark(index)
    }

    fn quorums(&self) -> QuorumSets {
        let metrics = self.metrics();
        let sets = metrics.membership_config.membership().get_joint_config();
        sets.iter().map(|set| set.iter().map(|&node| node_id(node)).collect()).collect()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        let metrics = self.metrics();
        for (number, set) in metrics.membership_config.membership().get_joint_config().iter().enumerate() {
            for &voter in set {
                visit(number, node_id(voter));
            }
        }
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        let metrics = self.metrics();
        metrics.membership_config.membership().learner_ids().map(node_id).collect()
    }

    fn describe(&self) -> String {
        let metrics = self.metrics();
        let membership = metrics.membership_config.membership();
        let learners: BTreeSet<u64> = membership.learner_ids().collect();
        format!(
            "{} vote {} last {} commit {} applied {} voters {:?} learners {learners:?}",
            self.role(),
            metrics.vote,
            self.last(),
            self.commit(),
            self.applied(),
            membership.get_joint_config(),
        )
    }
}
