//! A machine: its disk, the process on it, its timers and its copy of the replicated state machine.
//!
//! Holds: a crash takes the process, its timers and its state machine, and leaves the disk.
//! Not here: when anything happens to it (`world`).

use super::act::Act;
use super::disk::NodeDisk;
use super::wire::Envelope;
use crate::check::Glance;
use crate::machine::Machine;
use crate::protocol::{Address, Input, Protocol};
use crate::time::Moment;
use crate::trace::RecordId;

/// A machine of a world.
#[derive(Clone, Debug)]
pub struct Node<P: Protocol> {
    /// The running process; `None` while it is down.
    pub process: Option<P>,
    /// Whether its last process ended by its own wish.
    pub(crate) left: bool,
    /// Its disk.
    pub(crate) disk: NodeDisk<P::Disk>,
    /// Its copy of the replicated state machine.
    pub(crate) machine: Machine,
    /// Where it is reached.
    pub address: Address,
    /// Counts boots from 1.
    pub incarnation: u32,
    /// What it showed after its last step.
    pub glance: Glance,
    /// Its timers: the election timer, if the protocol has one; then each in the place where it was first set.
    pub(crate) timers: Vec<Timer<P::Timer>>,
    /// Whether its disk finishes nothing for now.
    pub(crate) stalled: bool,
    /// Finished writes that wait for a stalled disk to go on.
    pub(crate) overdue: u32,
    /// When its last write will be done: writes do not overtake each other.
    pub(crate) disk_busy_until: Moment,
    /// The last index applied when its last snapshot was taken.
    pub snapshot_at: u64,
    /// What is wrong with it.
    pub(crate) trouble: Trouble,
    /// Its clock.
    pub(crate) clock: Clock,
    /// What waits until its paused process goes on, in its order.
    pub(super) waiting: Vec<Waiting<P>>,
}

/// What waits for a paused process.
#[derive(Clone, Debug)]
pub(super) enum Waiting<P: Protocol> {
    /// A message that arrived.
    Message(Envelope<P::Message>),
    /// An input, with the record that begins its step and with what was written down of it.
    Input(Input<P>, RecordId, Option<Act<P::Timer>>),
}

/// What is wrong with a node, beside being down and its disk being stalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The process stands still.
    pub(crate) paused: bool,
    /// Everything takes so many times as long.
    pub(crate) pace: u32,
    /// Writes take so many times as long.
    pub(crate) disk_pace: u32,
    /// The next write fails.
    pub(crate) failing: bool,
    /// New writes fail.
    pub(crate) full: bool,
    /// A write failed in the step that goes on: the process dies when it is done.
    pub(crate) doomed: bool,
    /// The process asked to be ended in the step that goes on.
    pub(crate) leaving: bool,
    /// A failed write took the process down, and the end of the fault brings it back.
    pub(crate) felled: bool,
    /// The next write goes to a wrong place.
    pub(crate) misdirects: bool,
    /// Its disk does not fit its checksums; a start will tell.
    pub(crate) rotten: bool,
    /// It never comes back.
    pub(crate) gone: bool,
}

impl Default for Trouble {
    fn default() -> Self {
        Trouble {
            paused: false,
            pace: 1,
            disk_pace: 1,
            failing: false,
            full: false,
            doomed: false,
            leaving: false,
            felled: false,
            misdirects: false,
            rotten: false,
            gone: false,
        }
    }
}

impl Trouble {
    /// Whether the node is lost for ever, or will be when it starts anew.
    #[must_use]
    pub(crate) fn is_lost(self) -> bool {
        self.gone || self.rotten || self.misdirects
    }

    /// What remains when every fault ends that can end.
    #[must_use]
    pub(crate) fn scars(self) -> Trouble {
        Trouble { rotten: self.rotten, misdirects: self.misdirects, gone: self.gone, ..Trouble::default() }
    }
}

/// How a node's clock relates to virtual time. Integers only: equal on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// What it is ahead, in virtual nanoseconds; all jumps included.
    pub(crate) ahead: i64,
    /// How much too fast it runs, in parts per million; more than minus a million.
    pub(crate) ppm: i64,
    /// What it is too fast by itself, without a fault.
    pub(crate) own_ppm: i64,
    /// Since when it stands still.
    pub(crate) frozen: Option<Moment>,
}

impl Clock {
    /// How much virtual time passes while the clock counts `span`.
    #[must_use]
    pub(crate) fn virtual_span(&self, span: u64) -> u64 {
        if self.ppm == 0 {
            return span;
        }
        let rate = (1_000_000 + self.ppm).max(1) as u128;
        u64::try_from(u128::from(span) * 1_000_000 / rate).unwrap_or(u64::MAX)
    }

    /// What the clock shows, in nanoseconds; not before zero.
    #[must_use]
    pub(crate) fn shows(&self, now: Moment) -> u64 {
        let now = self.frozen.unwrap_or(now).0;
        if self.ppm == 0 && self.ahead == 0 {
            return now; // As nearly always, and without a division.
        }
        let drift = i128::from(now) * i128::from(self.ppm) / 1_000_000;
        let shown = i128::from(now) + drift + i128::from(self.ahead);
        u64::try_from(shown.max(0)).unwrap_or(u64::MAX)
    }
}

/// A timer and its entry in the agenda.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer<T> {
    /// Which.
    pub(crate) timer: T,
    /// When it fires, if it is set.
    pub(crate) due: Option<Moment>,
    /// When the agenda looks at it again. Setting a timer later does not touch the agenda: the entry is put off when it
    /// comes up, so that a timer set at every heartbeat costs one entry an election, not one a heartbeat.
    pub(crate) queued: Option<Moment>,
    /// The record that began the step which set it.
    pub(crate) set_in: Option<RecordId>,
}

impl<P: Protocol> Node<P> {
    /// A machine that was never booted.
    #[must_use]
    pub(crate) fn new(disk: P::Disk, address: Address) -> Node<P> {
        let election =
            P::election_timer().map(|timer| Timer { timer, due: None, queued: None, set_in: None });
        Node {
            process: None,
            disk: NodeDisk::new(disk),
            machine: Machine::default(),
            address,
            incarnation: 0,
            glance: Glance::default(),
            timers: election.into_iter().collect(),
            stalled: false,
            overdue: 0,
            left: false,
            disk_busy_until: Moment::default(),
            snapshot_at: 0,
            trouble: Trouble::default(),
            clock: Clock::default(),
            waiting: Vec::new(),
        }
    }

    /// The place of a timer in the node's table.
    pub(crate) fn timer_place(&mut self, timer: P::Timer) -> usize {
        if let Some(place) = self.timers.iter().position(|entry| entry.timer == timer) {
            return place;
        }
        self.timers.push(Timer { timer, due: None, queued: None, set_in: None });
        self.timers.len() - 1
    }
}
