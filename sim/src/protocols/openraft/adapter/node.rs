//! A node of the simulator that runs openraft: the trait's inputs put to it, and what it asks of the world.
//!
//! Holds: openraft runs only inside `step`; effects leave in the order in which openraft's tasks asked for them; a crash
//! drops the tasks between two polls.
//! Not here: what the tasks do (`storage`, `network`, `requests`), and what is the world's name for what (`openraft`).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use super::super::common::{Timer, id, node_id};
use super::calls::Connector;
use super::disk::Disk;
use super::library::{self, Library, Metrics};
use super::message::{Body, Message};
use super::process::{Ask, Process};
use super::settings::{self, Settings};
use super::stores::{LogStore, StateMachine};
use super::types::{self, Membership, Proposal, RaftMetrics, ReadPolicy, ServerState, Snapshot, Types};
use super::{digest, operations, options, requests};
use crate::adapter::fingerprint;
use crate::protocol::{
    Address, BadSetting, Boot, Disk as _, Effect, Effects, EntryMark, Epoch, Initial, InitialMembership,
    Input, Inspect, NodeId, Protocol, QuorumSets, Settings as CommonSettings, Within,
};
use crate::runtime::{Executor, spawn};

/// A process that runs openraft.
pub struct OpenRaft {
    raft: Library,
    metrics: Metrics,
    process: Rc<Process>,
    executor: Executor,
    read_policy: ReadPolicy,
    /// When the world's timer will wake us.
    wake: Option<u64>,
}

impl fmt::Debug for OpenRaft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Protocol for OpenRaft {
    const NAME: &'static str = types::NAME;
    const VERSION: Option<&'static str> = Some(types::VERSION);
    type Message = Message;
    type Timer = Timer;
    type Disk = Disk;
    type Settings = Settings;

    fn settings(common: &CommonSettings) -> Result<Settings, BadSetting> {
        settings::read(common)
    }

    fn relies_on_clocks(settings: &Settings) -> bool {
        options::relies_on_clocks(&settings.read_policy)
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
        let executor = Executor::new(boot.now, boot.entropy);
        let raft = start(&executor, &process, boot.settings, boot.now);
        let metrics = raft.metrics();
        let read_policy = boot.settings.read_policy.clone();
        let mut node = OpenRaft { raft, metrics, process, executor, read_policy, wake: None };
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
            Input::Fired(Timer::Election) => self.spawn(async |raft, _| library::elect(&raft).await),
            Input::Fired(Timer::Heartbeat) => self.spawn(async |raft, _| {
                let _ = raft.trigger().heartbeat().await;
            }),
            Input::Persisted { through } => self.executor.enter(|| self.process.persisted(through)),
            Input::Proposed { request, command } => self.spawn(async move |raft, process| {
                operations::write(&raft, &process, request, Proposal(command)).await;
            }),
            Input::ReadRequested { request } => {
                let policy = self.read_policy.clone();
                self.spawn(async move |raft, process| {
                    operations::read(&raft, &process, request, policy).await;
                });
            }
            Input::Operated { request, operation } => self.spawn(async move |raft, process| {
                operations::operate(&raft, &process, request, operation).await;
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

    fn fingerprint(message: &Message) -> u64 {
        fingerprint(message)
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

    fn refusals() -> Option<&'static [&'static str]> {
        Some(&[
            "change-refused",
            "empty-membership",
            "in-progress",
            "learner-not-found",
            "node-metadata-changed",
            "precondition-failed",
            "uncommitted-leader-log",
            "unsupported-membership-transition",
        ])
    }
}

impl From<Ask> for Effect<OpenRaft> {
    fn from(ask: Ask) -> Effect<OpenRaft> {
        match ask {
            Ask::Persist { id, write } => Effect::Persist { id, write },
            Ask::Send { from, to, address, message } => Effect::Send { from, to, address, message },
            Ask::Apply { index, command } => Effect::Apply { index, command },
            Ask::Restore { through, state } => Effect::Restore { through, state },
            Ask::Serve { request } => Effect::Serve { request },
            Ask::Refuse { request, refusal } => Effect::Refuse { request, refusal },
            Ask::Done { request } => Effect::Done { request },
            Ask::Note(fact) => Effect::note(fact),
        }
    }
}

/// Starts openraft. It reads its disk from memory, so that it is there when no task has anything to do.
fn start(executor: &Executor, process: &Rc<Process>, settings: &Settings, now: u64) -> Library {
    let started = Rc::new(RefCell::new(None));
    let (slot, process, config) = (started.clone(), process.clone(), settings.config.clone());
    executor.enter(|| {
        spawn(async move {
            let id = id(process.id);
            let log = LogStore(process.clone());
            let machine = StateMachine(process.clone());
            let raft = Library::new(id, config, Connector(process), log, machine).await;
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
        self.executor.enter(|| {
            spawn(task(self.raft.clone(), self.process.clone()));
        });
    }

    fn on_message(&mut self, from: NodeId, source: Address, to: NodeId, message: Message) {
        let Message { call: number, body } = message;
        match body {
            Body::Answer(answer) => self.executor.enter(|| self.process.answered(number, answer)),
            Body::Call(call) => {
                if to != self.process.id {
                    self.process.ask(Ask::Note("misrouted"));
                }
                self.spawn(async move |raft, process| {
                    let answer = requests::answer(&raft, &process, call).await;
                    let message = Message { call: number, body: Body::Answer(answer) };
                    process.ask(Ask::Send { from: to, to: from, address: source, message });
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
        out.list.extend(self.process.asked.borrow_mut().drain(..).map(Effect::from));
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

    fn metrics(&self) -> impl Deref<Target = RaftMetrics<Types>> {
        library::now(&self.metrics)
    }

    /// Looks at the membership in force.
    fn membership<T>(&self, look: impl FnOnce(&Membership) -> T) -> T {
        library::membership(&self.process, &self.metrics, look)
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
            ServerState::Learner => "learner",
            ServerState::Follower => "follower",
            ServerState::Candidate => "candidate",
            ServerState::Leader => "leader",
            ServerState::Shutdown => "shutdown",
        }
    }

    fn commit(&self) -> u64 {
        // What the machine was given is committed by openraft's own word, also where its metrics are late.
        library::commit(&self.metrics).max(self.applied())
    }

    fn applied(&self) -> u64 {
        self.process.applied_index()
    }

    fn last(&self) -> u64 {
        self.process.last()
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        if index <= self.process.installing.get() || index > self.last() {
            return None;
        }
        self.process.disk.borrow().mark(index)
    }

    fn quorums(&self) -> QuorumSets {
        let set = |set: &BTreeSet<u64>| set.iter().map(|&node| node_id(node)).collect();
        self.membership(|membership| membership.get_joint_config().iter().map(set).collect())
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        self.membership(|membership| {
            for (number, set) in membership.get_joint_config().iter().enumerate() {
                set.iter().for_each(|&voter| visit(number, node_id(voter)));
            }
        });
    }

    fn learners(&self) -> BTreeSet<NodeId> {
        self.membership(|membership| membership.learner_ids().map(node_id).collect())
    }

    fn describe(&self) -> String {
        let (voters, learners) = self.membership(|membership| {
            let learners: BTreeSet<u64> = membership.learner_ids().collect();
            (membership.get_joint_config().clone(), learners)
        });
        format!(
            "{} vote {} last {} commit {} applied {} voters {voters:?} learners {learners:?}",
            self.role(),
            self.metrics().vote,
            self.last(),
            self.commit(),
            self.applied(),
        )
    }
}
