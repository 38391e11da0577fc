//! A protocol in any language: a WebAssembly module that is called with bytes and answers with bytes, as `guests/README.md`
//! tells.
//!
//! Holds: a guest sees nothing of the machine it runs on; time, chance and its disk come from the world. What is left of a
//! guest between two calls is its memory, so that a world with guests is copied as any other. A guest that traps,
//! goes on for ever, fills its memory or answers nonsense is a finding, with its last words.
//! Not here: the guests (`guests/` beside the crates).

mod declaration;
mod disk;
mod engine;
mod modules;
mod rewrite;
mod wasi;
mod webassembly;
mod wire;

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

pub use disk::{GuestDisk, Write};
pub use modules::{Custom, EtcdRaft, HashicorpRaft, Kept, Known, PlainRaft};

use crate::adapter::change::{self, Members};
use crate::adapter::fingerprint;
use crate::panics;
use crate::protocol::{
    BadSetting, Boot, Effect, Effects, EntryMark, Epoch, Initial, Input, Inspect, NodeId, Operation,
    Protocol, QuorumSets, Refusal, RequestId, Settings, Within, WriteId,
};
use engine::Instance;
use wire::{Answer, Ask, Frame, Item, Status, Why};

/// The timer by which a guest with timers of its own is woken, beside those it declares.
const WAKE: u8 = u8::MAX;

/// What guests of one module say to each other.
#[derive(Clone)]
pub struct Message {
    kind: &'static declaration::Kind,
    numbers: Arc<[u64]>,
    data: Arc<[u8]>,
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.kind.name, &self.data).hash(state);
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.name)?;
        self.kind
            .numbers
            .iter()
            .zip(&*self.numbers)
            .try_for_each(|(name, number)| write!(f, " {name} {number}"))
    }
}

/// A timer by its declared name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    place: u8,
    name: &'static str,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A scenario's settings, in the lines that a guest reads.
#[derive(Clone, Debug)]
pub struct GuestSettings {
    lines: Arc<str>,
    clocks: bool,
}

/// A running guest.
pub struct Guest<K> {
    id: NodeId,
    instance: RefCell<Instance>,
    /// The disk as it is when everything is written that was asked for.
    disk: GuestDisk,
    status: Status,
    members: Members,
    frame: Frame,
    /// When it wants to be woken, in nanoseconds of its monotonic clock.
    wakes: Option<u64>,
    module: PhantomData<K>,
}

impl<K: Known> Clone for Guest<K> {
    fn clone(&self) -> Guest<K> {
        Guest {
            id: self.id,
            instance: RefCell::new(self.instance.borrow_mut().copy(&kept::<K>().module)),
            disk: self.disk.clone(),
            status: self.status,
            members: self.members.clone(),
            frame: Frame::default(),
            wakes: self.wakes,
            module: PhantomData,
        }
    }
}

/// The module, which was found when the settings were read.
fn kept<K: Known>() -> &'static Kept {
    match K::kept() {
        Ok(kept) => kept,
        Err(why) => panics::end(why.clone()),
    }
}

/// Asks an instance that serves nobody: what it answers follows from the question alone.
fn ask<K: Known, T>(frame: &Frame, take: impl FnOnce(&[u8]) -> T) -> T {
    let mut office = kept::<K>().module.instance(0, 0);
    office.call(0, frame.bytes(), take).unwrap_or_else(|why| panics::end(why))
}

fn nonsense() -> ! {
    panics::end(String::from("the guest's answer is not as the interface says"))
}

fn timer<K: Known>(place: u8) -> Timer {
    let declared = &kept::<K>().declaration;
    match declared.timers.get(usize::from(place)) {
        Some(name) => Timer { place, name },
        None if place == WAKE => Timer { place, name: "wake" },
        None => nonsense(),
    }
}

impl<K: Known> Protocol for Guest<K> {
    const NAME: &'static str = K::NAME;
    const VERSION: Option<&'static str> = K::VERSION;
    type Message = Message;
    type Timer = Timer;
    type Disk = GuestDisk;
    type Settings = GuestSettings;

    fn settings(common: &Settings) -> Result<GuestSettings, BadSetting> {
        let kept = K::kept().as_ref().map_err(|why| BadSetting::new(K::NAME, why))?;
        let lines = wire::settings(common);
        let mut frame = Frame::default();
        frame.begin(Ask::Settings).data(lines.as_bytes());
        let refused = ask::<K, _>(&frame, |answer| {
            let text = String::from_utf8_lossy(answer).into_owned();
            text.split_once('\n').map(|(name, expected)| BadSetting::new(name, expected))
        });
        let is_on =
            |name: &String| common.options.get(name).is_some_and(|value| value.switch(name) == Ok(true));
        let clocks = kept.declaration.clock_options.iter().any(is_on);
        refused.map_or(Ok(GuestSettings { lines: lines.into(), clocks }), Err)
    }

    fn relies_on_clocks(settings: &GuestSettings) -> bool {
        settings.clocks
    }

    fn accepts(initial: &Initial) -> Result<(), String> {
        formatted::<K>(NodeId(0), initial).map(drop)
    }

    fn format(id: NodeId, initial: &Initial) -> GuestDisk {
        formatted::<K>(id, initial).unwrap_or_else(|refusal| panics::end(refusal))
    }

    fn boot(boot: Boot<'_, Guest<K>>, out: &mut Effects<Guest<K>>) -> Guest<K> {
        let mut guest = Guest {
            id: boot.id,
            instance: RefCell::new(kept::<K>().module.instance(boot.entropy, boot.now)),
            disk: boot.disk.clone(),
            status: Status::default(),
            members: Members::default(),
            frame: Frame::default(),
            wakes: None,
            module: PhantomData,
        };
        guest.frame.begin(Ask::Boot).word(boot.id.0).long(boot.incarnation).long(boot.entropy);
        guest.frame.data(boot.settings.lines.as_bytes()).disk(boot.disk);
        if guest.disk.last() > guest.disk.base.0 {
            out.log_changed_from = Some(guest.disk.base.0 + 1);
        }
        guest.call(boot.now, out);
        guest
    }

    fn step(&mut self, input: Input<Guest<K>>, out: &mut Effects<Guest<K>>) {
        let frame = &mut self.frame;
        match input {
            Input::Received { from, source, to, message } => {
                frame.begin(Ask::Received).word(from.0).word(source.0).word(to.0).data(&message.data);
            }
            Input::Fired(timer) => {
                if timer.place == WAKE {
                    self.wakes = None;
                }
                frame.begin(Ask::Fired).byte(timer.place);
            }
            Input::Persisted { through } => {
                frame.begin(Ask::Persisted).long(through.0);
            }
            Input::Proposed { request, command } => {
                frame.begin(Ask::Proposed).long(request.0).data(&command);
            }
            Input::ReadRequested { request } => {
                frame.begin(Ask::Read).long(request.0);
            }
            Input::Operated { request, operation: Operation::Transfer { to } } => {
                frame.begin(Ask::Transfer).long(request.0).word(to.0);
            }
            Input::Operated { request, operation: Operation::Change(change) } => {
                match change::plan(&change, &self.members) {
                    Ok(plan) => frame.begin(Ask::Change).long(request.0).plan(&plan),
                    Err(refusal) => return out.push(Effect::Refuse { request, refusal }),
                };
            }
            Input::SnapshotTaken { through, state } => {
                frame.begin(Ask::SnapshotTaken).long(through).data(&state);
            }
        }
        self.call(out.now, out);
    }

    fn tell_timer(timer: Timer) -> String {
        format!("timer {}", timer.name)
    }

    fn fingerprint(message: &Message) -> u64 {
        fingerprint(message)
    }

    fn label(message: &Message) -> String {
        message.kind.name.clone()
    }

    fn notes() -> Option<&'static [&'static str]> {
        K::kept().as_ref().ok().map(|kept| kept.declaration.notes.as_slice())
    }

    fn election_timer() -> Option<Timer> {
        K::kept().as_ref().ok()?.declaration.elects.map(timer::<K>)
    }

    fn heartbeat_timer() -> Option<Timer> {
        K::kept().as_ref().ok()?.declaration.beats.map(timer::<K>)
    }

    fn keeps_own_time() -> bool {
        K::kept().as_ref().is_ok_and(|kept| kept.declaration.keeps_own_time)
    }
}

/// The disk that a guest makes for a node before its first boot.
fn formatted<K: Known>(id: NodeId, initial: &Initial) -> Result<GuestDisk, String> {
    let mut frame = Frame::default();
    frame.begin(Ask::Format).initial(id, initial);
    ask::<K, _>(&frame, |answer| {
        let mut answer = Answer(answer);
        match answer.text() {
            Some("") => {}
            Some(refusal) => return Err(refusal.to_owned()),
            None => nonsense(),
        }
        let mut disk = GuestDisk::default();
        while !answer.is_over() {
            let Some(Item::Persist { write, .. }) = answer.item() else { nonsense() };
            crate::protocol::Disk::apply(&mut disk, &write);
        }
        Ok(disk)
    })
}

impl<K: Known> Guest<K> {
    /// Calls the guest with the frame, and asks the world for what it answers.
    fn call(&mut self, now: u64, out: &mut Effects<Guest<K>>) {
        let Guest { id, instance, disk, status, members, frame, .. } = self;
        let mut take = Take { id: *id, disk, status, members, out };
        let called = instance.get_mut().call(now, frame.bytes(), |answer| {
            let mut answer = Answer(answer);
            while !answer.is_over() {
                take.item(answer.item().unwrap_or_else(|| nonsense()));
            }
        });
        called.unwrap_or_else(|why| panics::end(why));
        self.set_alarm(out);
    }

    /// Sets the timer that wakes a guest whose own timers are its own.
    fn set_alarm(&mut self, out: &mut Effects<Guest<K>>) {
        let instance = self.instance.get_mut();
        let wakes = instance.wakes_at();
        if let (Some(after), true) = (instance.wakes_in(), wakes != self.wakes) {
            let within = Within { min: after, max: after };
            out.push(Effect::SetTimer { timer: timer::<K>(WAKE), within });
        }
        self.wakes = wakes;
    }
}

/// Takes what a guest answers.
struct Take<'a, K: Known> {
    id: NodeId,
    disk: &'a mut GuestDisk,
    status: &'a mut Status,
    members: &'a mut Members,
    out: &'a mut Effects<Guest<K>>,
}

impl<K: Known> Take<'_, K> {
    fn item(&mut self, item: Item<'_>) {
        let declared = &kept::<K>().declaration;
        let effect = match item {
            Item::Persist { id, write } => self.persist(WriteId(id), write),
            Item::Send { to, address, kind, numbers, data } => {
                let kind = declared.kinds.get(usize::from(kind)).unwrap_or_else(|| nonsense());
                let message = Message { kind, numbers: numbers.into(), data: data.into() };
                Effect::Send { from: self.id, to, address, message }
            }
            Item::SetTimer { timer: place, within } => Effect::SetTimer { timer: timer::<K>(place), within },
            Item::CancelTimer { timer: place } => Effect::CancelTimer(timer::<K>(place)),
            Item::Apply { index, command } => Effect::Apply { index, command: command.into() },
            Item::Restore { through, state } => Effect::Restore { through, state: state.into() },
            Item::Serve { request } => Effect::Serve { request },
            Item::Refuse { request, why } => self.refuse(request, why),
            Item::Done { request } => Effect::Done { request },
            Item::ShutDown => Effect::ShutDown,
            Item::Note { note } => {
                Effect::note(*declared.notes.get(usize::from(note)).unwrap_or_else(|| nonsense()))
            }
            Item::Members(members) => return *self.members = members,
            Item::Status(status) => return *self.status = status,
        };
        self.out.push(effect);
    }

    fn persist(&mut self, id: WriteId, write: Write) -> Effect<Guest<K>> {
        if let Some(index) = write.changes_from() {
            let known = self.out.log_changed_from;
            self.out.log_changed_from = Some(known.map_or(index, |known| known.min(index)));
        }
        crate::protocol::Disk::apply(self.disk, &write);
        Effect::Persist { id, write }
    }

    fn refuse(&mut self, request: RequestId, why: Why<'_>) -> Effect<Guest<K>> {
        let refusal = match why {
            Why::Plain(refusal) => refusal,
            Why::Rule(word) => Refusal::rule(word.to_owned()),
        };
        Effect::Refuse { request, refusal }
    }
}

impl<K: Known> Inspect for Guest<K> {
    fn epoch(&self) -> Epoch {
        Epoch(self.status.epoch)
    }

    fn leads(&self) -> bool {
        self.status.leads
    }

    fn role(&self) -> &'static str {
        kept::<K>().declaration.roles.get(usize::from(self.status.role)).unwrap_or_else(|| nonsense())
    }

    fn vote(&self) -> Option<NodeId> {
        self.status.vote
    }

    fn commit(&self) -> u64 {
        self.status.commit
    }

    fn applied(&self) -> u64 {
        self.status.applied
    }

    fn last(&self) -> u64 {
        self.status.last
    }

    fn mark(&self, index: u64) -> Option<EntryMark> {
        crate::protocol::Disk::mark(&self.disk, index)
    }

    fn quorums(&self) -> QuorumSets {
        self.members.sets.clone()
    }

    fn each_voter(&self, visit: &mut dyn FnMut(usize, NodeId)) {
        for (number, set) in self.members.sets.iter().enumerate() {
            set.iter().for_each(|&voter| visit(number, voter));
        }
    }

    fn learners(&self) -> std::collections::BTreeSet<NodeId> {
        self.members.learners.clone()
    }

    fn describe(&self) -> String {
        let Status { epoch, commit, applied, last, vote, leader, .. } = self.status;
        let name = |node: Option<NodeId>| node.map_or_else(|| "nobody".to_owned(), |id| id.0.to_string());
        let set = |set: &std::collections::BTreeSet<NodeId>| {
            let ids: Vec<String> = set.iter().map(|id| id.0.to_string()).collect();
            format!("{{{}}}", ids.join(","))
        };
        let sets: Vec<String> = self.members.sets.iter().map(set).collect();
        format!(
            "{} in term {epoch}, votes for {}, follows {}; log ({},{last}), commit {commit}, applied {applied}, \
             snapshot {}; voters {}",
            self.role(),
            name(vote),
            name(leader),
            self.disk.entry(last).map_or(self.disk.base.1, |entry| entry.mark.epoch.0),
            self.disk.snapshot.through,
            sets.join(""),
        )
    }
}

impl<K: Known> fmt::Debug for Guest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
