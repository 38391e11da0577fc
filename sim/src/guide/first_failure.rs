//! Chapter 1: from `cargo add` to the first failure made small, in ten minutes.
//!
//! # A crate
//!
//! ```sh
//! cargo new --lib my-log && cd my-log
//! cargo add --dev splitbrain
//! ```
//!
//! The first build takes a while: 95 crates beside `splitbrain` (`cargo tree -p splitbrain -e normal,build`). Who needs no command
//! line of their own says `default-features = false`: 39 crates, about one minute of one processor.
//!
//! # A protocol
//!
//! A protocol is a value that answers inputs with effects. This one is a log on one node: node 0 takes commands, writes them
//! down and answers. Put it into `src/lib.rs` (and `splitbrain` among the ordinary dependencies), or into `tests/log.rs`:
//!
//! ```
//! use std::sync::Arc;
//!
//! use splitbrain::adapter::Gate;
//! use splitbrain::protocol::*;
//! use splitbrain::testing::Check;
//!
//! type Command = Arc<[u8]>;
//!
//! /// What is on a disk: who takes part, and the log.
//! #[derive(Clone, Debug, Default)]
//! struct Log {
//!     members: QuorumSets,
//!     commands: Vec<Command>,
//! }
//!
//! impl Disk for Log {
//!     type Write = Command;
//!     fn apply(&mut self, command: &Command) {
//!         self.commands.push(command.clone());
//!     }
//!     fn mark(&self, index: u64) -> Option<EntryMark> {
//!         self.commands.get(index.checked_sub(1)? as usize).map(|command| EntryMark::of(command))
//!     }
//! }
//!
//! #[derive(Clone, Debug)]
//! struct Hasty {
//!     id: NodeId,
//!     log: Log,
//!     gate: Gate<()>,
//! }
//!
//! impl Protocol for Hasty {
//!     const NAME: &'static str = "hasty";
//!     type Message = ();
//!     type Timer = ();
//!     type Disk = Log;
//!     type Settings = ();
//!
//!     fn settings(_: &Settings) -> Result<(), BadSetting> {
//!         Ok(())
//!     }
//!     fn shows() -> &'static [Shown] {
//!         &[Shown::Leaders, Shown::Log, Shown::Disk, Shown::Quorums]
//!     }
//!     fn format(_: NodeId, initial: &Initial) -> Log {
//!         Log { members: initial.membership.clone().unwrap_or_default().sets, commands: Vec::new() }
//!     }
//!     fn boot(boot: Boot<'_, Hasty>, out: &mut Effects<Hasty>) -> Hasty {
//!         for (place, command) in boot.disk.commands.iter().enumerate() {
//!             out.push(Effect::Apply { index: place as u64 + 1, command: command.clone() });
//!         }
//!         Hasty { id: boot.id, log: boot.disk.clone(), gate: Gate::default() }
//!     }
//!     fn step(&mut self, input: Input<Hasty>, out: &mut Effects<Hasty>) {
//!         match input {
//!             Input::Proposed { command, .. } if self.leads() => {
//!                 self.log.commands.push(command.clone());
//!                 out.log_changed_from = Some(self.last());
//!                 out.push(Effect::Persist { id: self.gate.issue(), write: command.clone() });
//!                 out.push(Effect::Apply { index: self.last(), command }); // too soon
//!             }
//!             other => out.refuse(other, Refusal::NotLeader { hint: Some(NodeId(0)) }),
//!         }
//!     }
//! }
//!
//! impl Inspect for Hasty {
//!     fn leads(&self) -> bool {
//!         self.id == NodeId(0)
//!     }
//!     fn commit(&self) -> u64 {
//!         self.log.commands.len() as u64
//!     }
//!     fn mark(&self, index: u64) -> Option<EntryMark> {
//!         self.log.mark(index)
//!     }
//!     fn quorums(&self) -> QuorumSets {
//!         self.log.members.clone()
//!     }
//! }
//!
//! const ROUGH: &str = "
//!     title  = 'A hasty log'
//!     source = 'the guide'
//!     [cluster]
//!     members = ['a', 'b', 'c']
//!     [disk]
//!     write = '1ms..20ms'
//!     [workload]
//!     clients = 2
//!     reads = '0%'
//!     [[nemesis]]
//!     kind = 'crash'
//!     aim = 'any'
//!     every = '200ms..1s'
//!     lasting = '50ms..500ms'
//!     [story]
//!     steps = [{ run = '5s' }]
//!     [expect]
//!     violations = 'none'
//! ";
//!
//! # let told = std::panic::catch_unwind(|| {
//! Check::<Hasty>::new().scenario(ROUGH).seeds(0..10).run();
//! # }).expect_err("it is hasty");
//! # let told = told.downcast_ref::<String>().expect("a text");
//! # assert!(told.contains("commit-durability"), "{told}");
//! # assert!(told.contains("before a majority had it on disk"), "{told}");
//! ```
//!
//! # The failure
//!
//! The last line, as the body of a `#[test]`, ends with a report: the promise that was broken (`commit-durability`), the
//! records that contradict each other with their times, the story made small (here: one client writes once), and the line
//! that repeats it. Node 0 answered before its disk did, and before anybody else had heard of the command.
//!
//! Two things are to be mended. What is answered has to be durable: hold it back with [`Gate::hold`] until
//! [`Input::Persisted`] comes. And a majority has to hold it: the command has to travel. The next step is the example
//! `examples/fixed-leader` of the repository, which does both in a hundred lines and keeps every promise.
//!
//! [`Gate::hold`]: crate::adapter::Gate::hold
//! [`Input::Persisted`]: crate::protocol::Input::Persisted
