//! The door of a node: its boot, its one transition, and the end of every step.
//!
//! Holds: an input goes to one topic; every step ends in `finish`.
//! Not here: what an input does (one topic a file), and how effects leave (`transition`).

use alloc::boxed::Box;

use crate::config::Config;
use crate::effect::Effects;
use crate::input::{Input, Timer};
use crate::mutation::Mutation;
use crate::recovery::Durable;
use crate::state::{Raft, State};
use crate::transition::Transition;
use crate::types::WriteId;
use crate::{
    committing, election, follower_reading, following, lease, reading, receiving, reconfiguration,
    replication, snapshotting, transfer,
};

impl Raft {
    /// Starts a process on what its disk holds.
    #[must_use]
    pub fn boot(config: Config, disk: &Durable) -> (Raft, Effects) {
        let mut effects = Effects::default();
        let raft = Raft::boot_into(config, disk, &mut effects);
        (raft, effects)
    }

    /// As `boot`, into a buffer of the caller. The buffer is added to, not cleared.
    #[must_use]
    pub fn boot_into(config: Config, disk: &Durable, effects: &mut Effects) -> Raft {
        let mut raft = Raft(Box::new(State::recovered(config, disk)));
        let mut t = Transition::begin(&mut raft.0, effects);
        election::on_boot(&mut t);
        finish(t);
        raft
    }

    /// The one transition. No clock, no chance, no I/O: equal arguments, equal results.
    #[must_use]
    pub fn step(mut self, input: Input) -> (Raft, Effects) {
        let mut effects = Effects::default();
        self.step_into(input, &mut effects);
        (self, effects)
    }

    /// The same transition in place, for callers that step millions of times: effects go to a buffer that the
    /// caller keeps (and clears), so that a step without a message need not allocate.
    pub fn step_into(&mut self, input: Input, effects: &mut Effects) {
        if self.0.is_shut_down {
            return;
        }
        let mut t = Transition::begin(&mut self.0, effects);
        match input {
            Input::Received { from, source, to, message } => {
                receiving::on_received(&mut t, from, source, to, message);
            }
            Input::TimerFired(Timer::Election) => election::on_timeout(&mut t),
            Input::TimerFired(Timer::Stickiness) => election::on_leader_silent(&mut t),
            Input::TimerFired(Timer::Heartbeat) => replication::on_heartbeat_due(&mut t),
            Input::TimerFired(Timer::CheckQuorum) => following::on_check_quorum(&mut t),
            Input::TimerFired(Timer::Transfer) => transfer::on_timeout(&mut t),
            Input::TimerFired(Timer::Staging) => reconfiguration::on_staging_timeout(&mut t),
            Input::TimerFired(timer @ (Timer::EvenLease | Timer::OddLease)) => {
                lease::on_timeout(&mut t, timer);
            }
            Input::Persisted { through } => on_persisted(&mut t, through),
            Input::Proposed { request, command } => replication::on_proposed(&mut t, request, command),
            Input::ReadRequested { request } => reading::on_requested(&mut t, request),
            Input::ChangeRequested { request, change } => {
                reconfiguration::on_requested(&mut t, request, &change);
            }
            Input::TransferRequested { request, to } => transfer::on_requested(&mut t, request, to),
            Input::SnapshotTaken { through, state } => snapshotting::on_taken(&mut t, through, state),
        }
        finish(t);
    }
}

fn on_persisted(t: &mut Transition<'_>, through: WriteId) {
    let through = if t.mutated(Mutation::PersistedCountsLater) { t.durability.issued() } else { through };
    t.durability.finish(through);
    if t.durability.holds_hard_state() {
        election::on_own_vote_durable(t);
    }
    committing::maybe_commit(t);
}

/// The only exit of a step: what it leads to, its one write, what may be said and served after it.
fn finish(mut t: Transition<'_>) {
    committing::send_appended(&mut t);
    t.write_and_say();
    reading::serve_ready(&mut t);
    follower_reading::serve_ready(&mut t);
    if t.is_shut_down {
        following::on_shut_down(&mut t);
    }
    t.close();
}
