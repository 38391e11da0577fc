//! What the tasks of one process share: effects on their way out, writes and calls that wait for an answer.
//!
//! Holds: effects leave in the order in which tasks asked for them; writes are answered in order.
//! Not here: the tasks (`network`, `store`, `requests`).

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use openraft_rt::{Oneshot, OneshotSender};

use super::OpenRaft;
use super::disk::{Disk, Write};
use super::network::Answer;
use super::runtime::{OneSender, SimOneshot};
use super::settings::Settings;
use super::types::{Entry, LogId, Payload, Snapshot, StoredMembership};
use super::version::{self, Flushed};
use crate::protocol::{BadSetting, Disk as _, Effect, NodeId, OptionValue, WriteId};

/// The state that the tasks of a process share.
pub(super) struct Process {
    /// Who it is.
    pub(super) id: NodeId,
    /// What tasks ask of the world.
    pub(super) out: RefCell<Vec<Effect<OpenRaft>>>,
    /// The lowest index whose entry changed since the last step.
    pub(super) changed_from: Cell<Option<u64>>,
    /// The disk as it will be when every write is done.
    pub(super) disk: RefCell<Disk>,
    /// What the machine holds, and the membership at that point.
    pub(super) applied: RefCell<(Option<LogId>, StoredMembership)>,
    /// The machine's state as the world took it, until openraft asks for it.
    pub(super) taken: RefCell<Option<Snapshot>>,
    /// The last index of a snapshot that openraft is installing: what the log holds before that is about to go.
    pub(super) installing: Cell<u64>,
    /// How many membership entries this process has proposed.
    pub(super) memberships_proposed: Cell<u64>,
    save_committed: SaveCommitted,
    /// How long a call waits for its answer, where that is not openraft's to say.
    pub(super) rpc_timeout: Option<Duration>,
    writes: RefCell<VecDeque<(WriteId, Waiting)>>,
    next_write: Cell<u64>,
    calls: RefCell<BTreeMap<u64, OneSender<Answer>>>,
    next_call: Cell<u64>,
}

/// Who waits for a write.
enum Waiting {
    Library(Flushed),
    Task(OneSender<()>),
}

/// Whether the log store keeps how far the log is known to be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SaveCommitted {
    /// It does not.
    Never,
    /// It does, and nobody waits: the last of it may be lost in a crash.
    #[default]
    Soon,
    /// It does, and is on the disk before its call returns.
    Durably,
}

impl SaveCommitted {
    /// The setting `save-committed`.
    pub(super) fn read(name: &str, value: &OptionValue) -> Result<SaveCommitted, BadSetting> {
        match value {
            OptionValue::Switch(false) => Ok(SaveCommitted::Never),
            OptionValue::Switch(true) => Ok(SaveCommitted::Soon),
            OptionValue::Word(word) if word == "durably" => Ok(SaveCommitted::Durably),
            OptionValue::Number(_) | OptionValue::Time(_) | OptionValue::Word(_) => {
                Err(BadSetting::new(name, "true, false or \"durably\""))
            }
        }
    }
}

impl Process {
    /// Calls are numbered from the incarnation on, so that an answer to a process that died is no answer to the next.
    pub(super) fn new(id: NodeId, disk: Disk, incarnation: u64, settings: &Settings) -> Rc<Process> {
        let applied = disk.applied();
        Rc::new(Process {
            id,
            out: RefCell::default(),
            changed_from: Cell::new(None),
            disk: RefCell::new(disk),
            applied: RefCell::new(applied),
            taken: RefCell::default(),
            installing: Cell::new(0),
            memberships_proposed: Cell::new(0),
            save_committed: settings.save_committed,
            rpc_timeout: settings.rpc_timeout,
            writes: RefCell::default(),
            next_write: Cell::new(1),
            calls: RefCell::default(),
            next_call: Cell::new(incarnation << 40),
        })
    }

    /// Asks something of the world.
    pub(super) fn ask(&self, effect: Effect<OpenRaft>) {
        self.out.borrow_mut().push(effect);
    }

    // Writes.

    /// Writes, and goes on.
    pub(super) fn write(&self, write: Write) -> WriteId {
        let changed = match &write {
            Write::Append(entries) => entries.first().map(|entry| entry.log_id.index),
            Write::TruncateAfter(last) => Some(last.map_or(0, |last| last.index + 1)),
            Write::Vote(_) | Write::Committed(_) | Write::Purge(_) | Write::Snapshot(_) => None,
        };
        if let Some(index) = changed {
            self.changed(index);
        }
        self.disk.borrow_mut().apply(&write);
        let id = WriteId(self.next_write.get());
        self.next_write.set(id.0 + 1);
        self.ask(Effect::Persist { id, write });
        id
    }

    /// The log has changed from this index on: a checker shall look.
    pub(super) fn changed(&self, index: u64) {
        let lowest = self.changed_from.get().map_or(index, |lowest| lowest.min(index));
        self.changed_from.set(Some(lowest.max(1)));
    }

    /// Notes the memberships among entries that are about to be written, and counts those that this process proposed.
    pub(super) fn note_memberships(&self, entries: &[Entry]) {
        let me = u64::from(self.id.0);
        for entry in entries.iter().filter(|entry| matches!(entry.payload, Payload::Membership(_))) {
            self.ask(Effect::Note("membership-appended"));
            if entry.log_id.leader_id.node_id == me {
                self.memberships_proposed.set(self.memberships_proposed.get() + 1);
            }
        }
    }

    /// Writes, and waits until it is durable.
    pub(super) async fn write_durably(&self, write: Write) {
        let (done, durable) = SimOneshot::channel();
        let id = self.write(write);
        self.writes.borrow_mut().push_back((id, Waiting::Task(done)));
        let _ = durable.await;
    }

    /// Writes, and lets openraft know when it is durable.
    pub(super) fn write_flushed(&self, write: Write, flushed: Flushed) {
        let id = self.write(write);
        self.writes.borrow_mut().push_back((id, Waiting::Library(flushed)));
    }

    /// How far the log is known to be committed, if that shall be kept.
    pub(super) async fn save_committed(&self, committed: Option<LogId>) {
        if self.disk.borrow().committed >= committed {
            return;
        }
        match self.save_committed {
            SaveCommitted::Never => {}
            SaveCommitted::Soon => {
                self.write(Write::Committed(committed));
            }
            SaveCommitted::Durably => self.write_durably(Write::Committed(committed)).await,
        }
    }

    /// Everything through this write is durable.
    pub(super) fn persisted(&self, through: WriteId) {
        loop {
            let mut writes = self.writes.borrow_mut();
            let Some((_, waiting)) = writes.pop_front_if(|(id, _)| *id <= through) else { return };
            drop(writes);
            match waiting {
                Waiting::Library(flushed) => version::flushed(flushed),
                Waiting::Task(done) => {
                    let _ = done.send(());
                }
            }
        }
    }

    // Calls.

    /// Names a call, and tells where its answer goes.
    pub(super) fn begin_call(&self, answer: OneSender<Answer>) -> u64 {
        let call = self.next_call.get();
        self.next_call.set(call + 1);
        self.calls.borrow_mut().insert(call, answer);
        call
    }

    /// Forgets a call. Its answer, if it still comes, is nobody's.
    pub(super) fn end_call(&self, call: u64) {
        let waiting = self.calls.borrow_mut().remove(&call);
        drop(waiting);
    }

    /// An answer arrived; a second one to the same call is nobody's.
    pub(super) fn answered(&self, call: u64, answer: Answer) {
        let waiting = self.calls.borrow_mut().remove(&call);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }

    /// The machine's state as the world took it, for openraft to build a snapshot from. Returns whether it is of now.
    pub(super) fn snapshot_taken(&self, through: u64, state: Arc<[u8]>) -> bool {
        let (last_log_id, last_membership) = self.applied.borrow().clone();
        if last_log_id.map_or(0, |last| last.index) != through {
            return false;
        }
        self.taken.replace(Some(version::snapshot(last_log_id, last_membership, state)));
        true
    }
}
