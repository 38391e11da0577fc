//! A journey through one run and those that were forked from it: where one stands, and what can be seen from there.
//!
//! Holds: one always stands after an event that the run has, or at its start.
//! Not here: changing runs (`what_if`), and who is asked for what (`obey`).

use super::causes;
use super::command::Sought;
use crate::protocol::{NodeId, Protocol};
use crate::report::{Report, Verdict};
use crate::runner::{Course, Moment};
use crate::scenario::Objection;
use crate::time::exact;
use crate::trace::{Record, What};

/// How many events before the one that is looked at have their records at hand.
pub(super) const RECORDS: u64 = 64;

/// How many events back `why` follows causes.
const CAUSES: u64 = 20_000;

/// How many records of one event are shown.
const LINES_MAX: usize = 14;

/// Who travels.
pub(super) struct Session<P: Protocol> {
    pub(super) first: Course<P>,
    /// The run that was forked from the first, if one goes on in it.
    pub(super) branch: Option<Branch<P>>,
    /// After which event one stands.
    pub(super) at: u64,
    pub(super) here: Moment<P>,
}

/// A run that was forked from the first.
pub(super) struct Branch<P: Protocol> {
    /// After which event.
    pub(super) from: u64,
    pub(super) course: Course<P>,
    /// What was changed, for people.
    pub(super) changes: Vec<String>,
}

/// What is said, or why something cannot be done.
pub(super) type Said = Result<String, String>;

impl<P: Protocol> Session<P> {
    pub(super) fn new(first: Course<P>) -> Result<Session<P>, Objection> {
        let here = first.after(0, 0)?;
        Ok(Session { first, branch: None, at: 0, here })
    }

    /// The run in which one stands.
    pub(super) fn course(&self) -> &Course<P> {
        self.branch.as_ref().map_or(&self.first, |branch| &branch.course)
    }

    /// Goes to where everything stands after an event.
    pub(super) fn go(&mut self, event: u64) -> Result<(), String> {
        let last = self.course().events();
        if event > last {
            return Err(format!("expected an event of the run, which has {last}, found {event}"));
        }
        let here = self.course().after(event, event.saturating_sub(RECORDS));
        self.here = here.map_err(|objection| objection.message)?;
        // What is done meanwhile comes with the event after which it is done.
        self.at = self.here.world.counts().events;
        Ok(())
    }

    pub(super) fn look(&self) -> String {
        let world = &self.here.world;
        let scenario = self.course().scenario();
        let steps = scenario.steps.len();
        let step = self.here.step.min(steps.saturating_sub(1));
        let mut text = format!(
            "event {} of {} at {}, step {} of {steps}: {}\n",
            self.at,
            self.course().events(),
            exact(world.now().0),
            step + 1,
            scenario.step_text(step),
        );
        let here: Vec<&Record> =
            world.trace().records().iter().filter(|record| record.event == self.at).collect();
        for record in here.iter().take(LINES_MAX) {
            text += &format!("  {}\n", record.show(world.names()));
        }
        if here.len() > LINES_MAX {
            text += &format!("  … {} more\n", here.len() - LINES_MAX);
        }
        for violation in &self.course().report.violations {
            if last_event(violation) == Some(self.at) {
                text += &format!("  ! {} is broken: {}\n", violation.property, violation.summary);
            }
        }
        text
    }

    pub(super) fn to(&mut self, event: u64) -> Said {
        self.go(event)?;
        Ok(self.look())
    }

    /// The events at which something happened, in order.
    fn events_of(&self, sought: Sought) -> Vec<u64> {
        let course = self.course();
        if sought == Sought::Violation {
            let mut events: Vec<u64> = course.report.violations.iter().filter_map(last_event).collect();
            events.sort_unstable();
            return events;
        }
        course.landmarks.iter().filter(|record| is(sought, &record.what)).map(|record| record.event).collect()
    }

    pub(super) fn next(&mut self, sought: Sought) -> Said {
        let found = self.events_of(sought).into_iter().find(|event| *event > self.at);
        match found {
            Some(event) => self.to(event),
            None => Err(format!("no {} after event {}", sought.name(), self.at)),
        }
    }

    pub(super) fn previous(&mut self, sought: Sought) -> Said {
        let found = self.events_of(sought).into_iter().rfind(|event| *event < self.at);
        match found {
            Some(event) => self.to(event),
            None => Err(format!("no {} before event {}", sought.name(), self.at)),
        }
    }

    pub(super) fn node(&self, name: &str) -> Result<NodeId, String> {
        let names = self.here.world.names();
        let known = |id: NodeId| names.of(id).to_owned();
        names.node(name).ok_or_else(|| {
            let all: Vec<String> = self.course().scenario().cluster.ids().map(known).collect();
            format!("expected one of the nodes {}, found {name:?}", all.join(", "))
        })
    }

    pub(super) fn show(&self, node: Option<&str>) -> Said {
        let world = &self.here.world;
        Ok(match node {
            Some(name) => lines(&world.node_details(self.node(name)?)),
            None => {
                let all: Vec<String> =
                    self.course().scenario().cluster.ids().map(|id| world.node_line(id)).collect();
                lines(&all)
            }
        })
    }

    pub(super) fn diff(&self, one: &str, other: &str) -> Said {
        let (one, other) = (self.node(one)?, self.node(other)?);
        let world = &self.here.world;
        let mut told = vec![world.node_line(one), world.node_line(other)];
        let (left, right) = (world.node_log(one, u64::MAX), world.node_log(other, u64::MAX));
        // The marks behind an entry are a node's own; the entry is what must agree.
        let entry =
            |line: &str| line.split_whitespace().filter(|word| !is_mark(word)).collect::<Vec<_>>().join(" ");
        let (left, right): (Vec<String>, Vec<String>) = (
            left.iter().skip(1).map(|line| entry(line)).collect(),
            right.iter().skip(1).map(|line| entry(line)).collect(),
        );
        let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
        match (left.get(same), right.get(same)) {
            (None, None) => told.push(format!("their logs are the same: {same} entries")),
            (left, right) => {
                let show =
                    |entry: Option<&String>| entry.map_or("nothing", |entry| entry.as_str()).to_owned();
                told.push(format!("their logs agree in {same} entries; then"));
                told.push(format!("  {}: {}", world.names().of(one), show(left)));
                told.push(format!("  {}: {}", world.names().of(other), show(right)));
            }
        }
        Ok(lines(&told))
    }

    pub(super) fn why(&self, event: Option<u64>) -> Said {
        let event = event.unwrap_or(self.at);
        let last = self.course().events();
        if event > last {
            return Err(format!("expected an event of the run, which has {last}, found {event}"));
        }
        let moment = self.course().after(event, event.saturating_sub(CAUSES));
        let moment = moment.map_err(|objection| objection.message)?;
        let records = moment.world.trace().records();
        Ok(lines(&causes::chain(records, event, moment.world.names())))
    }

    pub(super) fn records(&self, events: u64) -> Said {
        let since = self.at.saturating_sub(events.saturating_sub(1));
        let moment = self.course().after(self.at, since).map_err(|objection| objection.message)?;
        let records = moment.world.trace().records().iter();
        let told = records.map(|record| format!("  {}", record.show(moment.world.names())));
        Ok(lines(&told.collect::<Vec<_>>()))
    }
}

fn is(sought: Sought, what: &What) -> bool {
    match sought {
        Sought::Violation => false,
        Sought::Election => matches!(what, What::Leads { .. }),
        Sought::Crash => matches!(what, What::Crashes { .. } | What::ShutsDown),
        Sought::Restart => matches!(what, What::Boots { .. } | What::RefusesToStart),
        Sought::Partition => matches!(what, What::Partitioned { .. }),
        Sought::Heal => matches!(what, What::Heals),
        Sought::Fault => matches!(
            what,
            What::IsHit { .. }
                | What::Pauses { paused: true }
                | What::Stalls { stalled: true }
                | What::LosesDisk
                | What::HasOlderDisk
                | What::Moves { .. }
        ),
        Sought::Change => matches!(what, What::IsAsked { .. } | What::IsForced { .. }),
        Sought::Snapshot => matches!(what, What::TakesSnapshot { .. } | What::Restores { .. }),
    }
}

/// The event in which a promise was seen to be broken.
fn last_event(violation: &crate::report::FoundViolation) -> Option<u64> {
    violation.evidence.iter().map(|evidence| evidence.event).max()
}

fn is_mark(word: &str) -> bool {
    ["durable", "committed", "applied"].contains(&word.trim_end_matches(','))
}

/// What came of a run, a line for each broken promise and each disappointed expectation.
pub(super) fn verdict(report: &Report) -> String {
    let mut text = String::new();
    for violation in &report.violations {
        let at = last_event(violation).map_or(String::new(), |event| format!(" (event {event})"));
        text += &format!("{} is broken: {}{at}\n", violation.property, violation.summary);
    }
    if report.violations.is_empty() {
        text += "no promise is broken\n";
    }
    let Verdict::NotAsExpected(reasons) = &report.verdict else { return text };
    let mut unbroken: Vec<&str> = Vec::new();
    for reason in reasons {
        match reason.strip_suffix(" was to be broken, and was not") {
            Some(promise) => unbroken.push(promise),
            None => text += &format!("not as expected: {reason}\n"),
        }
    }
    if !unbroken.is_empty() {
        text += &format!("expected to be broken, and not: {}\n", unbroken.join(", "));
    }
    text
}

pub(super) fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
