//! A machine: its disk, the process on it, its timers and its copy of the replicated state machine.
//!
//! Holds: a crash takes the process, its timers and its state machine, and leaves the disk.
//! Not here: when anything happens to it (`world`).

use crate::check::Glance;
use crate::disk::NodeDisk;
use crate::machine::Machine;
use crate::protocol::{Address, Protocol};
use crate::time::Moment;

/// A machine of a world.
#[derive(Clone, Debug)]
pub struct Node<P: Protocol> {
    /// The running process; `None` while it is down.
    pub process: Option<P>,
    /// Its disk.
    pub disk: NodeDisk<P::Disk>,
    /// Its copy of the replicated state machine.
    pub machine: Machine,
    /// Where it is reached.
    pub address: Address,
    /// Counts boots from 1.
    pub incarnation: u32,
    /// What it showed after its last step.
    pub glance: Glance,
    /// Its timers, each in the place where it was first set.
    pub timers: Vec<Timer<P::Timer>>,
    /// Whether its disk finishes nothing for now.
    pub stalled: bool,
    /// Finished writes that wait for a stalled disk to go on.
    pub overdue: u32,
    /// When its last write will be done: writes do not overtake each other.
    pub disk_busy_until: Moment,
    /// The last index applied when its last snapshot was taken.
    pub snapshot_at: u64,
}

/// A timer and its entry in the agenda.
#[derive(Clone, Copy, Debug)]
pub struct Timer<T> {
    /// Which.
    pub timer: T,
    /// When it fires, if it is set.
    pub due: Option<Moment>,
    /// When the agenda looks at it again. Setting a timer later does not touch the agenda: the entry is put off when it
    /// comes up, so that a timer set at every heartbeat costs one entry an election, not one a heartbeat.
    pub queued: Option<Moment>,
}

impl<P: Protocol> Node<P> {
    /// A machine that was never booted.
    #[must_use]
    pub fn new(disk: P::Disk, address: Address) -> Node<P> {
        Node {
            process: None,
            disk: NodeDisk::new(disk),
            machine: Machine::default(),
            address,
            incarnation: 0,
            glance: Glance::default(),
            timers: Vec::new(),
            stalled: false,
            overdue: 0,
            disk_busy_until: Moment::default(),
            snapshot_at: 0,
        }
    }

    /// The place of a timer in the node's table.
    pub fn timer_place(&mut self, timer: P::Timer) -> usize {
        if let Some(place) = self.timers.iter().position(|entry| entry.timer == timer) {
            return place;
        }
        self.timers.push(Timer { timer, due: None, queued: None });
        self.timers.len() - 1
    }
}
