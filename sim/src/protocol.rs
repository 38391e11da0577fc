//! What the simulator asks of a protocol, and what it lets a protocol ask of the world.
//!
//! Holds: a protocol sees only its inputs; it acts only through its effects; equal inputs give equal effects.
//! Not here: what any particular protocol does (`protocols`), and how effects become events (`world`).

use core::fmt::Debug;
use core::hash::{Hash, Hasher};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

/// A machine with a disk. Dense and small: nodes of a world are numbered from 0 in order of the scenario's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct NodeId(pub u32);

/// Where messages are delivered to. Whoever is bound to an address receives what is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Address(pub u32);

/// The identity of a reign: at most one node may lead in it. A term or a view, in the upper bits where a protocol tells
/// reigns of one term apart (by a leader id, or a ballot); any number that names a reign where reigns have no order
/// ([`Shown::Reigns`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Epoch(pub u64);

/// A client's request, unique in a run; a retry is a new request with the same command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RequestId(pub u64);

/// A write to a node's disk. Numbers rise by one from 1 within an incarnation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct WriteId(pub u64);

/// A span of virtual time, in nanoseconds, both ends included; the world draws the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Within {
    /// Soonest, in virtual nanoseconds from now.
    pub min: u64,
    /// Latest, in virtual nanoseconds from now.
    pub max: u64,
}

/// What two nodes must agree on about one log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryMark {
    /// The epoch in which the entry was created; 0 where entries keep none ([`Shown::EntryEpochs`]).
    pub epoch: Epoch,
    /// A hash of its payload, equal on every machine.
    pub digest: u64,
}

impl EntryMark {
    /// An entry that keeps no epoch: what was accepted may be accepted again in a later reign, as in Paxos.
    #[must_use]
    pub fn of(payload: &[u8]) -> EntryMark {
        EntryMark::in_epoch(Epoch(0), payload)
    }

    /// An entry that was created in an epoch and keeps it for ever.
    #[must_use]
    pub fn in_epoch(epoch: Epoch, payload: &[u8]) -> EntryMark {
        EntryMark { epoch, digest: xxh3_64(payload) }
    }
}

/// What a protocol can show of itself. A checker that needs what is not shown does not judge, and the report says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Shown {
    /// Who leads, and that at most one node leads in a reign: `leads` and `epoch`. Without it several nodes may lead at a
    /// time, or none ever: agreement is then that all members have applied the same.
    Leaders,
    /// Reigns in order: a node's `epoch` never falls, and a later reign has a greater one.
    Reigns,
    /// The log beyond what is committed: `last`, and marks of entries that may still change. Without it, marks are asked
    /// for where an index is committed, and a hole there is not judged.
    Log,
    /// That an entry keeps the epoch in which it was created, so that index and epoch name it.
    EntryEpochs,
    /// What is durable: marks of entries on disks.
    Disk,
    /// The voters, of which a majority of each set decides.
    Quorums,
}

impl Shown {
    /// Everything, as Raft shows it.
    pub const ALL: [Shown; 6] =
        [Shown::Leaders, Shown::Reigns, Shown::Log, Shown::EntryEpochs, Shown::Disk, Shown::Quorums];

    /// What it is, as the end of "does not show".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Shown::Leaders => "who leads alone",
            Shown::Reigns => "reigns in order",
            Shown::Log => "its log beyond what is committed",
            Shown::EntryEpochs => "in which epoch an entry was created",
            Shown::Disk => "which entries are durable",
            Shown::Quorums => "whose majority decides",
        }
    }
}

/// Voter sets, each of which must agree by majority; an empty list means that nobody can decide anything.
pub type QuorumSets = Vec<BTreeSet<NodeId>>;

/// Any consensus protocol: a value that answers inputs with effects.
pub trait Protocol: Inspect + Debug + Sized + 'static {
    /// The name a report and `--system` use, such as `raft`.
    const NAME: &'static str;
    /// The version of a library that somebody else publishes, such as `0.7.0`.
    const VERSION: Option<&'static str> = None;
    /// What nodes say to each other.
    type Message: Clone + Debug;
    /// The timers a node may set. A handful; setting one again replaces it.
    type Timer: Copy + Debug + Eq + Ord + Hash;
    /// What a node keeps on its disk.
    type Disk: Disk;
    /// The protocol's own settings, made from those of a scenario.
    type Settings: Clone + Debug;

    /// Reads the scenario's settings.
    ///
    /// # Errors
    /// Names the setting that this protocol does not have, or that makes no sense for it.
    fn settings(common: &Settings) -> Result<Self::Settings, BadSetting>;

    /// Whether a node can begin with this.
    ///
    /// # Errors
    /// One sentence: what the protocol cannot begin with.
    fn accepts(initial: &Initial) -> Result<(), String> {
        let _ = initial;
        Ok(())
    }

    /// The rules that a scenario may switch off by name. A protocol that cannot break its rules has none.
    fn rules() -> &'static [&'static str] {
        &[]
    }

    /// Whether a promise rests on how fast clocks run, as that of reads by lease does. What breaks such a promise cannot be
    /// told without time.
    fn relies_on_clocks(settings: &Self::Settings) -> bool {
        let _ = settings;
        false
    }

    /// The situations that it notes ([`Effect::Note`]), if it says so. A scenario that wants to see what only this project's
    /// own Raft notes is not disappointed then.
    fn notes() -> Option<&'static [&'static str]> {
        None
    }

    /// Every word for a reason by which it refuses requests, if it says so: a story that waits for another is told.
    fn refusals() -> Option<&'static [&'static str]> {
        None
    }

    /// What it can show of itself. By default everything that Raft can: then every method of [`Inspect`] is to be written.
    fn shows() -> &'static [Shown] {
        &Shown::ALL
    }

    /// The disk of a node before its first boot.
    fn format(id: NodeId, initial: &Initial) -> Self::Disk;

    /// Writes on the disk of a node that is down that exactly these take part, as an operator does who has lost a quorum for
    /// ever (etcd's `--force-new-cluster`, Consul's `peers.json`). Returns whether the protocol has such a thing.
    fn force_members(disk: &mut Self::Disk, members: &InitialMembership) -> bool {
        let _ = (disk, members);
        false
    }

    /// Starts a process on what its disk holds.
    fn boot(boot: Boot<'_, Self>, out: &mut Effects<Self>) -> Self;

    /// The one transition.
    fn step(&mut self, input: Input<Self>, out: &mut Effects<Self>);

    /// A process that goes on as this one would, if it can be copied: `Some(self.clone())` where the protocol is `Clone`. A
    /// world whose processes can be copied is looked at, and goes on otherwise, from any of its moments; one whose processes
    /// cannot is run again from the start for that.
    fn fork(&self) -> Option<Self> {
        None
    }

    /// The term of an epoch, for people and for the logs of scenarios.
    fn term_of(epoch: Epoch) -> u64 {
        epoch.0
    }

    /// What kind of message it is, in kebab case, such as `vote-request`: for stories that deliver messages by hand.
    fn label(message: &Self::Message) -> String {
        let name: String =
            format!("{message:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect();
        kebab(&name)
    }

    /// A number that stands for all that a message says, equal on every machine: the digest of a run is made of them. By
    /// default one of its `Debug` text, which is slow and must then hold everything; a hash of the value is better, where it
    /// has one ([`adapter::fingerprint`](crate::adapter::fingerprint)), or one of its bytes.
    fn fingerprint(message: &Self::Message) -> u64 {
        fingerprint_of_text(message)
    }

    /// Feeds a hasher with all of a process that decides what it will ever do, for a search that must know states again
    /// ([`explore`](crate::explore)): two processes that feed the same must answer every future input alike. Nodes and the
    /// addresses of their numbers are called as `names` has it, if [`Protocol::feeds_names`] says so. By default its `Debug`
    /// text, which must then hold everything.
    fn feed(&self, names: &[u32], hasher: &mut dyn Hasher) {
        let _ = names;
        hasher.write(format!("{self:?}").as_bytes());
    }

    /// Whether `feed` here and on disks heeds other names for nodes, so that nodes which a scenario treats alike can be
    /// taken for one another.
    fn feeds_names() -> bool {
        false
    }

    /// Whether a message can do nothing any more, to this process or any later one on its disk.
    fn is_over(&self, disk: &Self::Disk, message: &Self::Message) -> bool {
        let _ = (disk, message);
        false
    }

    /// A message in words, for the trace.
    fn tell_message(message: &Self::Message, words: &dyn Words) -> String {
        let _ = words;
        format!("{message:?}")
    }

    /// A write in words, for the trace.
    fn tell_write(write: &<Self::Disk as Disk>::Write, words: &dyn Words) -> String {
        let _ = words;
        format!("{write:?}")
    }

    /// A timer in words, for the trace.
    fn tell_timer(timer: Self::Timer) -> String {
        format!("timer {}", kebab(&format!("{timer:?}")))
    }

    /// The timer whose firing makes a node stand for election now, if the protocol has one.
    fn election_timer() -> Option<Self::Timer> {
        None
    }

    /// Whether a node waits by this timer for a sign of life from a leader, before it stands for election. An untimed
    /// schedule has one weight for these.
    fn waits_for_leader(timer: Self::Timer) -> bool {
        Self::election_timer() == Some(timer)
    }

    /// The timer whose firing makes a leader speak to its followers now, if the protocol has one.
    fn heartbeat_timer() -> Option<Self::Timer> {
        None
    }

    /// How many messages a node may send to one other within a heartbeat interval when the cluster agrees and nobody asks
    /// it for anything.
    fn idle_messages_max() -> u64 {
        8
    }

    /// Whether every operation has an outcome soon, good or bad, at a process that still runs in a cluster that agrees. A
    /// protocol that leaves it to its callers to find out is not judged by that.
    fn answers_operators() -> bool {
        false
    }

    /// Whether nodes never set those two timers: they are a library's that asks for a clock and keeps its own time. To
    /// elect and to send heartbeats are commands to it, which stories and untimed schedules give.
    fn keeps_own_time() -> bool {
        false
    }
}

fn fingerprint_of_text(value: &impl Debug) -> u64 {
    xxh3_64(format!("{value:?}").as_bytes())
}

/// A name such as `VoteRequest` as `vote-request`.
#[must_use]
pub fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

/// The words of a run, for a protocol that tells what its messages and writes say.
pub trait Words {
    /// What a node is called.
    fn node(&self, node: NodeId) -> &str;
    /// What a command asks for, as people wrote it: `x=1`.
    fn command(&self, bytes: &[u8]) -> String;
}

/// What a protocol shows to a checker or a reader, without being changed by it. What it does not have it leaves out, and
/// says so in [`Protocol::shows`].
pub trait Inspect {
    /// The reign this node takes part in.
    fn epoch(&self) -> Epoch {
        Epoch(0)
    }
    /// An epoch as the protocol's people write it.
    fn epoch_name(&self, epoch: Epoch) -> String {
        epoch.0.to_string()
    }
    /// Whether this node believes that it leads in `epoch`.
    fn leads(&self) -> bool {
        false
    }
    /// Its role in the protocol's own word, such as `follower`.
    fn role(&self) -> &'static str {
        if self.leads() { "leader" } else { "follower" }
    }
    /// Whom it voted for in this reign, if it shows that.
    fn vote(&self) -> Option<NodeId> {
        None
    }
    /// Index through which this node knows the log to be committed.
    fn commit(&self) -> u64 {
        0
    }
    /// Index through which commands were handed to the machine; whatever is committed, where that happens at once.
    fn applied(&self) -> u64 {
        self.commit()
    }
    /// Index of the last entry this node holds (0 when none).
    fn last(&self) -> u64 {
        self.commit()
    }
    /// How many bytes of a snapshot have arrived that is not installed yet, where it comes in parts.
    fn received(&self) -> u64 {
        0
    }
    /// The mark of the entry at an index; `None` when this node does not hold it (any more).
    fn mark(&self, index: u64) -> Option<EntryMark> {
        let _ = index;
        None
    }
    /// What the entry at an index says, for people, where the node shows it: a command as its client wrote it.
    fn entry(&self, index: u64, words: &dyn Words) -> Option<String> {
        let _ = (index, words);
        None
    }
    /// The membership now in force on this node, as sets that must each agree.
    fn quorums(&self) -> QuorumSets {
        Vec::new()
    }
    /// Names every voter of `quorums` with the number of its set, without building the sets.
    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        for (number, set) in self.quorums().iter().enumerate() {
            for &voter in set {
                visit(number, voter);
            }
        }
    }
    /// Whether this node takes part, by the last members that it knows to be committed or by later ones. A node that shows
    /// nothing of that takes part.
    fn takes_part(&self) -> bool {
        true
    }
    /// Who takes part without a vote.
    fn learners(&self) -> BTreeSet<NodeId> {
        BTreeSet::new()
    }
    /// One line for people: everything of the state that a reader of a failure wants to see.
    fn describe(&self) -> String {
        let (role, epoch, last) = (self.role(), self.epoch().0, self.last());
        format!("{role} in epoch {epoch}; log {last}, commit {}, applied {}", self.commit(), self.applied())
    }
}

/// What a node keeps, and what a crash may leave of it.
pub trait Disk: Clone + Debug + 'static {
    /// One write; its parts reach the disk in order.
    type Write: Clone + Debug;
    /// Makes a write durable.
    fn apply(&mut self, write: &Self::Write);
    /// A number that stands for all that a write says, as [`Protocol::fingerprint`] for a message.
    fn fingerprint(write: &Self::Write) -> u64 {
        fingerprint_of_text(write)
    }
    /// As [`Protocol::feed`], for what is durable.
    fn feed(&self, names: &[u32], hasher: &mut dyn Hasher) {
        let _ = names;
        hasher.write(format!("{self:?}").as_bytes());
    }
    /// As [`Protocol::feed`], for a write.
    fn feed_write(write: &Self::Write, names: &[u32], hasher: &mut dyn Hasher) {
        let _ = names;
        hasher.write_u64(Self::fingerprint(write));
    }
    /// How many parts a write has; a crash may keep any number of the first ones. A write of one part is atomic.
    fn parts(write: &Self::Write) -> usize {
        let _ = write;
        1
    }
    /// The first `parts` parts of a write, as a write; more than none and fewer than all.
    fn prefix(write: &Self::Write, parts: usize) -> Self::Write {
        let _ = parts;
        write.clone()
    }
    /// The mark of the durable entry at an index; `None` when it is not on the disk (any more).
    fn mark(&self, index: u64) -> Option<EntryMark> {
        let _ = index;
        None
    }
    /// Index through which a durable snapshot stands for the entries; 0 without one.
    fn snapshot(&self) -> u64 {
        0
    }
}

/// A setting that a protocol refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSetting {
    /// The name of the setting or rule.
    pub name: String,
    /// What was expected instead.
    pub expected: String,
    /// Every setting, where nobody knows one of this name.
    pub known: Vec<String>,
}

/// What a scenario says about any protocol; times in virtual nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a follower waits for a leader before it stands for election.
    pub election: Within,
    /// How often a leader speaks when it has nothing to say.
    pub heartbeat: u64,
    /// Who should rather lead, most wanted first; everybody else after them. A protocol that knows no priorities refuses
    /// a list that is not empty.
    pub priority: Vec<NodeId>,
    /// Names of the safety rules that are switched off.
    pub rules_off: BTreeSet<String>,
    /// Further settings by name, such as `pre-vote = true` or `inflight = 16`.
    pub options: BTreeMap<String, OptionValue>,
}

#[cfg(test)]
impl Settings {
    /// What a scenario that says nothing gives a protocol, and these options.
    pub(crate) fn usual(options: &[(&str, OptionValue)]) -> Settings {
        Settings {
            election: Within { min: 150_000_000, max: 300_000_000 },
            heartbeat: 50_000_000,
            priority: Vec::new(),
            rules_off: BTreeSet::new(),
            options: options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }
}

/// The value of a protocol's own setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// `true` or `false`.
    Switch(bool),
    /// A whole number: a count, or bytes.
    Number(u64),
    /// A span of virtual time, in nanoseconds.
    Time(u64),
    /// A word, such as the name of a policy.
    Word(String),
}

/// Readers for a protocol's `settings`; each refuses what it is not by the name of the setting.
impl OptionValue {
    /// On or off.
    ///
    /// # Errors
    /// Anything but a switch.
    pub fn switch(&self, name: &str) -> Result<bool, BadSetting> {
        match self {
            OptionValue::Switch(on) => Ok(*on),
            _ => Err(BadSetting::new(name, "true or false")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Anything but a number.
    pub fn number(&self, name: &str) -> Result<u64, BadSetting> {
        match self {
            OptionValue::Number(number) => Ok(*number),
            _ => Err(BadSetting::new(name, "a whole number")),
        }
    }

    /// A whole number of at least 1.
    ///
    /// # Errors
    /// Anything but such a number.
    pub fn count(&self, name: &str) -> Result<u64, BadSetting> {
        match self {
            OptionValue::Number(count) if *count > 0 => Ok(*count),
            _ => Err(BadSetting::new(name, "a whole number of at least 1")),
        }
    }

    /// A span of virtual time, in nanoseconds; more than none.
    ///
    /// # Errors
    /// Anything but such a span.
    pub fn time(&self, name: &str) -> Result<u64, BadSetting> {
        match self {
            OptionValue::Time(nanoseconds) if *nanoseconds > 0 => Ok(*nanoseconds),
            _ => Err(BadSetting::new(name, "a duration such as 500ms")),
        }
    }

    /// What a word stands for.
    ///
    /// # Errors
    /// Anything but one of the words; `expected` tells them.
    pub fn word<T: Clone>(&self, name: &str, words: &[(&str, T)], expected: &str) -> Result<T, BadSetting> {
        let meaning = words.iter().find(|(word, _)| *self == OptionValue::Word((*word).to_owned()));
        meaning.map(|(_, meaning)| meaning.clone()).ok_or_else(|| BadSetting::new(name, expected))
    }
}

impl BadSetting {
    /// A setting that is refused, and what was expected instead.
    #[must_use]
    pub fn new(name: &str, expected: &str) -> BadSetting {
        BadSetting { name: name.to_owned(), expected: expected.to_owned(), known: Vec::new() }
    }

    /// A setting that nobody knows, and those that are known: the user is told the nearest.
    #[must_use]
    pub fn unknown(name: &str, known: &[&str]) -> BadSetting {
        let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
        BadSetting { name: name.to_owned(), expected: format!("one of {}", known.join(", ")), known }
    }
}

/// What the disk of a node holds before its first boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initial {
    /// The committed membership that the node knows; `None` for a node that was never initialised.
    pub membership: Option<InitialMembership>,
    /// Terms of the log's entries from index 1 on (for arguments such as the paper's Figure 7).
    pub log: Vec<u64>,
    /// The term on the disk; at least the last of `log`.
    pub term: u64,
}

/// The first membership of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitialMembership {
    /// Voter sets; more than one is a joint config.
    pub sets: QuorumSets,
    /// Everyone who takes part, learners included, with the address they are reached at.
    pub nodes: BTreeMap<NodeId, Address>,
}

/// What a process is started with.
#[derive(Debug)]
pub struct Boot<'a, P: Protocol> {
    /// Who boots.
    pub id: NodeId,
    /// The protocol's settings.
    pub settings: &'a P::Settings,
    /// What the disk holds.
    pub disk: &'a P::Disk,
    /// Counts the boots of this node from 1.
    pub incarnation: u64,
    /// The only source of chance for a protocol that draws numbers itself; a pure function of seed, node and boot.
    pub entropy: u64,
    /// Virtual nanoseconds on the node's own clock, for a protocol that reads clocks.
    pub now: u64,
}

/// What happens to a node.
#[derive(Debug)]
pub enum Input<P: Protocol> {
    /// A message arrived.
    Received {
        /// Who says to have sent it.
        from: NodeId,
        /// Where it came from; an answer goes back there.
        source: Address,
        /// Whom the sender meant. It is this node unless an address was wrong.
        to: NodeId,
        /// What it says.
        message: P::Message,
    },
    /// A timer ran out. May come at any time without harm to safety.
    Fired(P::Timer),
    /// All writes through this one are durable.
    Persisted {
        /// The last durable write.
        through: WriteId,
    },
    /// A client asks to append a command.
    Proposed {
        /// Names the request in the answer.
        request: RequestId,
        /// The command, opaque to the protocol.
        command: Arc<[u8]>,
    },
    /// A client asks to read the machine; answered by `Effect::Serve` when the machine is recent enough.
    ReadRequested {
        /// Names the request in the answer.
        request: RequestId,
    },
    /// An operator asks for something.
    Operated {
        /// Names the request in the answer.
        request: RequestId,
        /// What is asked.
        operation: Operation,
    },
    /// The machine's state through an index, for compaction of the log.
    SnapshotTaken {
        /// The last applied index that the state contains.
        through: u64,
        /// The state, opaque to the protocol.
        state: Arc<[u8]>,
    },
}

// Derived, it would ask for a protocol that can be copied; an input holds none.
impl<P: Protocol> Clone for Input<P> {
    fn clone(&self) -> Self {
        match self {
            Input::Received { from, source, to, message } => {
                Input::Received { from: *from, source: *source, to: *to, message: message.clone() }
            }
            Input::Fired(timer) => Input::Fired(*timer),
            Input::Persisted { through } => Input::Persisted { through: *through },
            Input::Proposed { request, command } => {
                Input::Proposed { request: *request, command: Arc::clone(command) }
            }
            Input::ReadRequested { request } => Input::ReadRequested { request: *request },
            Input::Operated { request, operation } => {
                Input::Operated { request: *request, operation: operation.clone() }
            }
            Input::SnapshotTaken { through, state } => {
                Input::SnapshotTaken { through: *through, state: Arc::clone(state) }
            }
        }
    }
}

/// What an operator may ask of a node. A protocol answers `Refusal::Unsupported` to what it does not have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Change who takes part.
    Change(Change),
    /// Give leadership to a node.
    Transfer {
        /// The next leader.
        to: NodeId,
    },
}

/// A membership change, in the words of the libraries that have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// openraft `add_learner`: takes part without a vote.
    AddLearner {
        /// Who.
        node: NodeId,
        /// Where it is reached.
        address: Address,
        /// Whether the answer waits until it has caught up.
        blocking: bool,
    },
    /// openraft `change_membership`: by way of a joint config where voters change.
    Members {
        /// What changes.
        members: ChangeMembers,
        /// Whether voters that are no longer wanted stay as learners (`turn_to_learner` in older documents).
        retain: bool,
    },
    /// openraft `append_membership`: exactly these voter sets, in one entry.
    Append {
        /// The voter sets.
        sets: QuorumSets,
        /// Addresses of those that are not known yet.
        nodes: BTreeMap<NodeId, Address>,
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
    },
    /// The extended algorithm: these voter sets, by as few safe steps as it takes.
    To {
        /// The voter sets.
        sets: QuorumSets,
        /// Addresses of those that are not known yet.
        nodes: BTreeMap<NodeId, Address>,
        /// Whether voters that are in no set any more stay as learners.
        retain: bool,
    },
    /// Thesis 4.1, single-server change: one more voter, in one entry.
    AddServer {
        /// Who.
        node: NodeId,
        /// Where it is reached.
        address: Address,
    },
    /// Thesis 4.1, single-server change: one voter less, in one entry.
    RemoveServer {
        /// Who.
        node: NodeId,
    },
    /// Apache Ratis `setConfiguration`: new servers catch up first, then a joint config, then a uniform one.
    SetConfiguration {
        /// How the request relates to the members there are.
        mode: SetMode,
        /// The voters.
        servers: BTreeMap<NodeId, Address>,
        /// The learners.
        listeners: BTreeMap<NodeId, Address>,
    },
    /// Only if the state of the node that is asked is the expected one (openraft `change_membership_if`).
    If {
        /// What is expected.
        precondition: Precondition,
        /// The change.
        change: Box<Change>,
    },
}

/// openraft `ChangeMembers`. All start from the last voter set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeMembers {
    /// Learners get a vote.
    AddVoterIds(BTreeSet<NodeId>),
    /// Nodes get a vote; those that take part already keep their address.
    AddVoters(BTreeMap<NodeId, Address>),
    /// Voters lose the vote; who has none is ignored.
    RemoveVoters(BTreeSet<NodeId>),
    /// Exactly these vote.
    ReplaceAllVoters(BTreeSet<NodeId>),
    /// Learners are added; those that take part already keep their address.
    AddNodes(BTreeMap<NodeId, Address>),
    /// Nodes are added or reached elsewhere from now on. **May split the brain** when the address is another node's.
    SetNodes(BTreeMap<NodeId, Address>),
    /// Learners take part no longer.
    RemoveNodes(BTreeSet<NodeId>),
    /// Exactly these take part, at these addresses.
    ReplaceAllNodes(BTreeMap<NodeId, Address>),
    /// One after the other, as one change.
    Batch(Vec<ChangeMembers>),
}

/// Apache Ratis `SetConfigurationRequest.Mode`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetMode {
    /// The given servers and listeners are the new members.
    Set,
    /// They are added; a node that takes part already takes the given address.
    Add,
    /// As `Set`, if the members are these now. Only ids are compared.
    CompareAndSet {
        /// The expected voters.
        servers: BTreeSet<NodeId>,
        /// The expected learners.
        listeners: BTreeSet<NodeId>,
    },
}

/// What must be true for a conditional change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precondition {
    /// The last membership stands at this index; 0 is the one a cluster began with.
    LastMembership(u64),
    /// The last entry stands at this index.
    LastEntry(u64),
    /// The node leads in this epoch.
    LeaderEpoch(Epoch),
    /// Nobody who gets a vote lags behind (openraft before 0.8, `allow_lagging = false`).
    LearnersCaughtUp,
}

/// Why a request was refused. The command or change certainly did not happen, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Another node leads, or nobody does.
    NotLeader {
        /// Who may be asked instead.
        hint: Option<NodeId>,
    },
    /// Leadership was lost while the request was under way: **its outcome is unknown**.
    LeadershipLost,
    /// The protocol is busy; ask again later.
    Busy,
    /// The protocol does not have this operation.
    Unsupported,
    /// The protocol's own reason, in its own documented word (kebab case), such as `in-progress`.
    Rule(Cow<'static, str>),
}

impl Refusal {
    /// The protocol's own reason.
    pub fn rule(word: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::Rule(word.into())
    }
}

/// What a protocol asks of the world. An effect is a licence: it may be performed at once.
#[derive(Clone, Debug)]
pub enum Effect<P: Protocol> {
    /// Write to the disk; answered by `Input::Persisted`. Writes become durable in order.
    Persist {
        /// Rises by one from 1 within an incarnation.
        id: WriteId,
        /// What is written.
        write: <P::Disk as Disk>::Write,
    },
    /// Send a message to an address.
    Send {
        /// Who the sender says to be: itself, or whom it was taken for when it answers.
        from: NodeId,
        /// Whom it means.
        to: NodeId,
        /// Where that node is believed to be.
        address: Address,
        /// What it says.
        message: P::Message,
    },
    /// Set a timer; setting it again replaces it.
    SetTimer {
        /// Which.
        timer: P::Timer,
        /// When, by the node's own clock.
        within: Within,
    },
    /// Stop a timer.
    CancelTimer(P::Timer),
    /// Hand a committed command to the machine. Indexes rise; entries without a command are skipped.
    Apply {
        /// Where the command stands in the log.
        index: u64,
        /// The command.
        command: Arc<[u8]>,
    },
    /// Replace the machine's state by a snapshot's.
    Restore {
        /// The last index the state contains.
        through: u64,
        /// The state.
        state: Arc<[u8]>,
    },
    /// Answer a read from the machine as it is now.
    Serve {
        /// Which read.
        request: RequestId,
    },
    /// Refuse a request.
    Refuse {
        /// Which request.
        request: RequestId,
        /// Why.
        refusal: Refusal,
    },
    /// An operation is done (a change: committed; a transfer: another leads).
    Done {
        /// Which operation.
        request: RequestId,
    },
    /// The process is to end, on purpose: it takes part no longer. Its writes are done first; it is not started again
    /// unless an operator does.
    ShutDown,
    /// Something a reader of a report may want to know happened, by its kebab-case name.
    Note(Cow<'static, str>),
}

impl<P: Protocol> Effect<P> {
    /// Something a reader of a report may want to know happened, by its kebab-case name.
    pub fn note(fact: impl Into<Cow<'static, str>>) -> Effect<P> {
        Effect::Note(fact.into())
    }
}

/// Where a protocol writes what it asks for, in order.
#[derive(Clone, Debug)]
pub struct Effects<P: Protocol> {
    /// In the order in which they must be performed.
    pub list: Vec<Effect<P>>,
    /// The lowest log index whose entry was added, replaced or cut in this step.
    pub log_changed_from: Option<u64>,
    /// Virtual nanoseconds on the node's own clock, set by the world before each step, for a protocol that reads clocks.
    pub now: u64,
}

impl<P: Protocol> Default for Effects<P> {
    fn default() -> Self {
        Effects { list: Vec::new(), log_changed_from: None, now: 0 }
    }
}

impl<P: Protocol> Effects<P> {
    /// Adds an effect.
    pub fn push(&mut self, effect: Effect<P>) {
        self.list.push(effect);
    }

    /// Refuses a request of a client or an operator; any other input asks for no answer, and gets none.
    pub fn refuse(&mut self, input: Input<P>, refusal: Refusal) {
        match input {
            Input::Proposed { request, .. }
            | Input::ReadRequested { request }
            | Input::Operated { request, .. } => self.push(Effect::Refuse { request, refusal }),
            Input::Received { .. }
            | Input::Fired(_)
            | Input::Persisted { .. }
            | Input::SnapshotTaken { .. } => {}
        }
    }
}
