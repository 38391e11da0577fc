//! What the tasks of one process share: what they ask of the world, and who waits for writes and for answers.
//!
//! Holds: what tasks ask leaves in the order in which they asked for it; writes are answered in order.
//! Not here: the tasks (`storage`, `network`, `requests`), and how asking becomes effects (`node`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use openraft_rt::{Oneshot as _, OneshotSender as _};

use super::disk::{Disk, Write};
use super::message::{Answer, Message};
use super::settings::{SaveCommitted, Settings};
use super::types::{
    self, Entry, Flushed, Held, LogId, OneSender, Payload, SimOneshot, Snapshot, StoredMembership,
};
use crate::adapter::Gate;
use crate::protocol::{Address, Disk as _, NodeId, Refusal, RequestId, WriteId};

/// What a task asks of the world: an effect of `protocol`, by the same name.
pub(super) enum Ask {
    Persist { id: WriteId, write: Write },
    Send { from: NodeId, to: NodeId, address: Address, message: Message },
    Apply { index: u64, command: Arc<[u8]> },
    Restore { through: u64, state: Arc<[u8]> },
    Serve { request: RequestId },
    Refuse { request: RequestId, refusal: Refusal },
    Done { request: RequestId },
    Note(&'static str),
}

/// The state that the tasks of a process share.
pub(super) struct Process {
    /// Who it is.
    pub(super) id: NodeId,
    /// What tasks ask of the world.
    pub(super) asked: RefCell<Vec<Ask>>,
    /// The lowest index whose entry changed since the last step.
    pub(super) changed_from: Cell<Option<u64>>,
    /// The disk as it will be when every write is done.
    pub(super) disk: RefCell<Disk>,
    /// What of the log counts as held.
    pub(super) held: Held,
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
    writes: RefCell<Gate<Waiting>>,
    calls: RefCell<BTreeMap<u64, OneSender<Answer>>>,
    next_call: Cell<u64>,
    /// Tasks that wait until the machine holds an index.
    readers: RefCell<Vec<(u64, OneSender<()>)>>,
}

/// Who waits for a write.
enum Waiting {
    Library(Flushed),
    Task(OneSender<()>),
}

impl Process {
    /// Calls are numbered from the incarnation on, so that an answer to a process that died is no answer to the next.
    pub(super) fn new(id: NodeId, disk: Disk, incarnation: u64, settings: &Settings) -> Rc<Process> {
        let applied = disk.applied();
        Rc::new(Process {
            id,
            asked: RefCell::default(),
            changed_from: Cell::new(None),
            disk: RefCell::new(disk),
            held: Held::default(),
            applied: RefCell::new(applied),
            taken: RefCell::default(),
            installing: Cell::new(0),
            memberships_proposed: Cell::new(0),
            save_committed: settings.save_committed,
            rpc_timeout: settings.rpc_timeout,
            writes: RefCell::default(),
            calls: RefCell::default(),
            next_call: Cell::new(incarnation << 40),
            readers: RefCell::default(),
        })
    }

    /// Asks something of the world.
    pub(super) fn ask(&self, ask: Ask) {
        self.asked.borrow_mut().push(ask);
    }

    // Writes.

    /// Writes, and goes on.
    pub(super) fn write(&self, write: Write) {
        let changed = match &write {
            Write::Append(entries) => entries.first().map(|entry| entry.log_id.index),
            Write::TruncateAfter(last) => Some(last.map_or(0, |last| last.index + 1)),
            Write::Vote(_) | Write::Committed(_) | Write::Purge(_) | Write::Snapshot(_) => None,
        };
        if let Some(index) = changed {
            self.changed(index);
        }
        self.held.change();
        self.disk.borrow_mut().apply(&write);
        let id = self.writes.borrow_mut().issue();
        self.ask(Ask::Persist { id, write });
    }

    /// The log has changed from this index on: a checker shall look.
    fn changed(&self, index: u64) {
        let lowest = self.changed_from.get().map_or(index, |lowest| lowest.min(index));
        self.changed_from.set(Some(lowest.max(1)));
    }

    /// Writes entries, and lets openraft know when they are durable.
    pub(super) fn append(&self, entries: Vec<Entry>, flushed: Flushed) {
        self.note_memberships(&entries);
        if let Some(first) = entries.first() {
            self.held.begin(first.log_id.index);
        }
        self.write(Write::Append(entries));
        self.writes.borrow_mut().hold(Waiting::Library(flushed));
    }

    /// Notes the memberships among entries that are about to be written, and counts those that this process proposed.
    fn note_memberships(&self, entries: &[Entry]) {
        let me = u64::from(self.id.0);
        for entry in entries.iter().filter(|entry| matches!(entry.payload, Payload::Membership(_))) {
            self.ask(Ask::Note("membership-appended"));
            if entry.log_id.leader_id.node_id == me {
                self.memberships_proposed.set(self.memberships_proposed.get() + 1);
            }
        }
    }

    /// Writes, and waits until it is durable.
    pub(super) async fn write_durably(&self, write: Write) {
        let (done, durable) = SimOneshot::channel();
        self.write(write);
        self.writes.borrow_mut().hold(Waiting::Task(done));
        let _ = durable.await;
    }

    /// How far the log is known to be committed, if that shall be kept.
    pub(super) async fn save_committed(&self, committed: Option<LogId>) {
        if self.disk.borrow().committed >= committed {
            return;
        }
        match self.save_committed {
            SaveCommitted::Never => {}
            SaveCommitted::Soon => self.write(Write::Committed(committed)),
            SaveCommitted::Durably => self.write_durably(Write::Committed(committed)).await,
        }
    }

    /// Everything through this write is durable.
    pub(super) fn persisted(&self, through: WriteId) {
        self.writes.borrow_mut().persisted(through);
        loop {
            let next = self.writes.borrow_mut().pop();
            match next {
                Some(Waiting::Library(flushed)) => {
                    if let Some(first) = self.held.end() {
                        self.changed(first);
                    }
                    types::tell(flushed);
                }
                Some(Waiting::Task(done)) => {
                    let _ = done.send(());
                }
                None => return,
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

    /// The last index that counts as held.
    pub(super) fn last(&self) -> u64 {
        self.held.last(self.disk.borrow().last().map_or(0, |id| id.index))
    }

    // The machine.

    /// The last index that the machine holds.
    pub(super) fn applied_index(&self) -> u64 {
        self.applied.borrow().0.map_or(0, |last| last.index)
    }

    /// The machine's state as the world took it, for openraft to build a snapshot from. Returns whether it is of now.
    pub(super) fn snapshot_taken(&self, through: u64, state: Arc<[u8]>) -> bool {
        let (last_log_id, last_membership) = self.applied.borrow().clone();
        if last_log_id.map_or(0, |last| last.index) != through {
            return false;
        }
        self.taken.replace(Some(types::snapshot(last_log_id, last_membership, state)));
        true
    }

    /// Waits until the machine holds an index.
    #[allow(dead_code, reason = "0.10 waits by itself")]
    pub(super) async fn wait_applied(&self, index: u64) {
        if self.applied_index() < index {
            let (held, waits) = SimOneshot::channel();
            self.readers.borrow_mut().push((index, held));
            let _ = waits.await;
        }
    }

    /// The machine holds more: whoever waited for that goes on, in the order of waiting.
    pub(super) fn wake_readers(&self) {
        let through = self.applied_index();
        for (_, reader) in self.readers.borrow_mut().extract_if(.., |(index, _)| *index <= through) {
            let _ = reader.send(());
        }
    }
}
