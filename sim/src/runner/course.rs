//! A run that can be entered at any of its events: where everything stood then, and how it goes on from there.
//!
//! Holds: the world after an event is the one that the run had then, bit for bit. Where a protocol can be copied a short way is
//! run again, from a world that was kept; otherwise all of it, from the start.
//! Not here: which worlds are kept (`checkpoints`).

use std::sync::Arc;

use super::checkpoints::Checkpoints;
use super::story::Story;
use super::{RunOptions, accuse_of_panic, begin, end, tell};
use crate::choices::Choices;
use crate::panics;
use crate::protocol::Protocol;
use crate::report::Report;
use crate::scenario::{Objection, Scenario};
use crate::trace::{Record, What};
use crate::world::{Limit, World};

/// A run from end to end, and the worlds kept on its way.
pub(crate) struct Course<P: Protocol> {
    scenario: Arc<Scenario>,
    options: RunOptions,
    /// Chance as it was at the start.
    choices: Choices,
    checkpoints: Checkpoints<P>,
    /// What came of it.
    pub(crate) report: Report,
    /// The records of what changed the cluster: elections, crashes, faults, what operators asked for.
    pub(crate) landmarks: Vec<Record>,
    /// After how many events each step of the story ended.
    pub(crate) ends: Vec<u64>,
    /// Whether what the scenario looks for was found, so that the run ended early.
    pub(crate) is_over: bool,
}

/// A moment of a run.
pub(crate) struct Moment<P: Protocol> {
    /// The world then.
    pub(crate) world: World<P>,
    /// The step of the story that went on then, by its place.
    pub(crate) step: usize,
}

impl<P: Protocol> Course<P> {
    /// Carries a scenario out once.
    ///
    /// # Errors
    /// As [`super::play`].
    pub(crate) fn run(
        scenario: &Scenario,
        options: &RunOptions,
        choices: Choices,
    ) -> Result<Self, Objection> {
        let world = begin::<P>(scenario, choices.clone(), true)?;
        let scenario = Arc::clone(&world.scenario);
        Course::go(scenario, options, choices, Checkpoints::default(), Some(world))
    }

    /// The run of another scenario, which is the same through an event.
    ///
    /// # Errors
    /// As [`super::play`].
    pub(crate) fn branch(&self, scenario: Scenario, since: u64) -> Result<Self, Objection> {
        let scenario = Arc::new(scenario);
        let mut checkpoints = self.checkpoints.before(since);
        for checkpoint in checkpoints.all_mut() {
            checkpoint.world.scenario = Arc::clone(&scenario);
        }
        Course::go(scenario, &self.options, self.choices.clone(), checkpoints, None)
    }

    /// Runs to the end: from the last checkpoint, or else from a world at the start.
    fn go(
        scenario: Arc<Scenario>,
        options: &RunOptions,
        choices: Choices,
        mut checkpoints: Checkpoints<P>,
        start: Option<World<P>>,
    ) -> Result<Self, Objection> {
        let options = RunOptions { trace: false, ..options.clone() };
        let last = checkpoints.nearest(u64::MAX).and_then(super::checkpoints::Checkpoint::copy);
        let (mut world, bookmark) = match (last, start) {
            (Some(last), _) => (last.world, Some(last.bookmark)),
            (None, Some(world)) => (world, None),
            (None, None) => (begin::<P>(&scenario, choices.clone(), true)?, None),
        };
        world.bounds.limit = Limit::default();
        world.ledger.trace.keep_only(is_landmark);
        let mut story = match bookmark {
            Some(bookmark) => Story::resume(&mut world, &scenario, &options.file, bookmark),
            None => Story::new(&mut world, &scenario, &options.file),
        };
        story.keeper = Some(&mut checkpoints);
        let told = tell(story)?;
        let is_over = world.is_over();
        let mut played = end(&scenario, &options, world, told.reasons, false);
        let landmarks = played.world.ledger.trace.take_records().unwrap_or_default();
        played.report.trace.clear();
        let report = played.let_go();
        Ok(Course { scenario, options, choices, checkpoints, report, landmarks, ends: told.ends, is_over })
    }

    /// The scenario that is carried out.
    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Which run it is.
    pub(crate) fn options(&self) -> &RunOptions {
        &self.options
    }

    /// Whether a moment of it can be copied.
    pub(crate) fn can_fork(&self) -> bool {
        self.after(0, u64::MAX).is_ok_and(|start| start.world.fork().is_some())
    }

    /// How many worlds are kept.
    pub(crate) fn kept(&self) -> usize {
        self.checkpoints.len()
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.report.counts.events
    }

    /// Everything as it was after an event, with the records since an earlier one, where that is not too long ago.
    ///
    /// # Errors
    /// As [`super::play`].
    pub(crate) fn after(&self, event: u64, records_since: u64) -> Result<Moment<P>, Objection> {
        let nearest = self.checkpoints.nearest(records_since.min(event));
        let (mut world, bookmark) = match nearest.and_then(super::checkpoints::Checkpoint::copy) {
            Some(checkpoint) => (checkpoint.world, Some(checkpoint.bookmark)),
            None => (begin::<P>(&self.scenario, self.choices.clone(), true)?, None),
        };
        world.bounds.limit = Limit { events: event, ..Limit::default() };
        world.ledger.trace.keep_since(records_since);
        let mut story = match bookmark {
            Some(bookmark) => Story::resume(&mut world, &self.scenario, &self.options.file, bookmark),
            None => Story::new(&mut world, &self.scenario, &self.options.file),
        };
        let went = match event {
            0 => panics::catch(|| story.world.meanwhile()),
            _ => panics::catch(|| drop(story.tell())),
        };
        let step = story.step();
        if let Err(panic) = went {
            accuse_of_panic(&mut world, panic);
        }
        Ok(Moment { world, step })
    }
}

/// Whether a record is worth finding again: more than the daily traffic of a cluster.
fn is_landmark(what: &What) -> bool {
    matches!(
        what,
        What::Leads { .. }
            | What::Boots { incarnation: 2.. }
            | What::RefusesToStart
            | What::Crashes { .. }
            | What::ShutsDown
            | What::LosesDisk
            | What::HasOlderDisk
            | What::IsForced { .. }
            | What::Pauses { .. }
            | What::Stalls { .. }
            | What::Moves { .. }
            | What::IsHit { .. }
            | What::Partitioned { .. }
            | What::Heals
            | What::TakesSnapshot { .. }
            | What::Restores { .. }
            | What::IsAsked { .. }
    )
}
