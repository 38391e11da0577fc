//! Runs that were changed: forked at an event, changed there, and run on; in the end a scenario of their own.
//!
//! Holds: a changed run is what its scenario says, from the start: what is saved was run again, and had the same digest.
//! What takes no time is done after the event where one stands ([`Meanwhile`]); what takes time follows the step that goes on.
//! Not here: moving about (`session`).

use std::path::Path;

use super::command::Which;
use super::session::{Branch, Said, Session, verdict};
use crate::protocol::Protocol;
use crate::runner::Course;
use crate::scenario::{self, Meanwhile, Scenario, Seeds, Step};

impl<P: Protocol> Session<P> {
    pub(super) fn fork(&mut self) -> Said {
        if let Some(branch) = &self.branch {
            return Err(format!("this is a fork already, from event {}; `leave` it first", branch.from));
        }
        let course = self.first.branch(self.first.scenario().clone(), self.at.saturating_add(1));
        let course = course.map_err(|objection| objection.message)?;
        self.branch = Some(Branch { from: self.at, course, changes: Vec::new() });
        Ok(String::from("this is another run now: change something, then `run on`\n"))
    }

    pub(super) fn leave(&mut self) -> Said {
        let Some(branch) = self.branch.take() else { return Err(String::from("this is no fork")) };
        self.go(branch.from)?;
        Ok(self.look())
    }

    pub(super) fn lose(&mut self, which: &Which) -> Said {
        let (from, to, what, skip) = self.message(which)?;
        self.change(Step::Lose { from, to, what, skip })
    }

    pub(super) fn deliver(&mut self, which: &Which) -> Said {
        let (from, to, what, skip) = self.message(which)?;
        self.change(Step::Deliver { from, to, what, skip, keep: false })
    }

    /// The link, the name and the place among its like of a message.
    fn message(
        &self,
        which: &Which,
    ) -> Result<(crate::protocol::NodeId, crate::protocol::NodeId, Option<String>, u64), String> {
        match which {
            Which::Link { from, to, what, skip } => {
                Ok((self.node(from)?, self.node(to)?, what.clone(), *skip))
            }
            Which::Number(number) => {
                let mut messages = self.here.world.under_way();
                let place = number.checked_sub(1).filter(|place| *place < messages.len());
                let count = messages.len();
                let place = place.ok_or_else(|| {
                    format!("expected a message on the wire, which has {count}, found {number}")
                })?;
                let message = messages.swap_remove(place);
                let to = message.to.ok_or("nobody is at its address: it will be lost anyway")?;
                Ok((message.from, to, Some(message.label), message.older as u64))
            }
        }
    }

    /// Does a step of a story in the changed run.
    pub(super) fn step(&mut self, text: &str) -> Said {
        let cluster = &self.course().scenario().cluster;
        let step = scenario::parse_step("step", text, cluster).map_err(|error| error.to_string())?;
        self.change(step)
    }

    fn change(&mut self, step: Step) -> Said {
        let Some(branch) = &self.branch else {
            return Err(String::from("the run itself cannot be changed: `fork` first"));
        };
        let mut scenario = branch.course.scenario().clone();
        let text = scenario.text_of(&step);
        let (instant, at) = (step.is_instant(), self.at);
        let follows = self.here.step + 1;
        if instant {
            let place = scenario.meanwhile.partition_point(|other| other.after <= at);
            scenario.meanwhile.insert(place, Meanwhile { after: at, step });
        } else {
            scenario.steps.insert(follows.min(scenario.steps.len()), step);
        }
        let course = branch.course.branch(scenario, at.saturating_add(u64::from(!instant)));
        let course = course.map_err(|objection| objection.message)?;
        let told = match instant {
            true => self.check_done(&course, at)?,
            false => {
                let Some(&end) = course.ends.get(follows) else {
                    return Err(format!(
                        "the run ends before {text}: `back` to where it goes on, and `fork` there"
                    ));
                };
                end
            }
        };
        let Some(branch) = &mut self.branch else { return Err(String::from("the fork is gone")) };
        branch.course = course;
        branch.changes.push(match instant {
            true => format!("after event {at}: {text}"),
            false => format!("after step {follows}: {text}"),
        });
        self.go(told)?;
        let end =
            format!("the run then has {} events; {}", self.course().events(), verdict(&self.course().report));
        Ok(self.look() + &end)
    }

    /// Whether what was to be done after an event was done then. Returns the event.
    fn check_done(&self, course: &Course<P>, at: u64) -> Result<u64, String> {
        let then = course.after(at, at).map_err(|objection| objection.message)?;
        let world = &then.world;
        if let Some(why) = world.ledger.impossible.last() {
            return Err(why.clone());
        }
        let due = course.scenario().meanwhile.partition_point(|other| other.after <= at);
        if world.bounds.meanwhile < due {
            return Err(String::from(
                "the run is over here, and nothing can be done any more: `back`, and `fork` there",
            ));
        }
        Ok(at)
    }

    pub(super) fn run_on(&mut self) -> Said {
        let course = self.course();
        let broken = course.report.violations.iter();
        let broken =
            broken.filter_map(|violation| violation.evidence.iter().map(|evidence| evidence.event).max());
        let next = broken.filter(|event| *event > self.at).min();
        self.go(next.unwrap_or_else(|| self.course().events()))?;
        Ok(self.look() + &verdict(&self.course().report))
    }

    pub(super) fn changes(&self) -> Said {
        let Some(branch) = &self.branch else {
            return Err(String::from("this is no fork: nothing is changed"));
        };
        let mut text = format!("forked after event {}\n", branch.from);
        branch.changes.iter().for_each(|change| text += &format!("  {change}\n"));
        Ok(text)
    }

    /// The changed run as a file, which was run to see that it is the same.
    pub(super) fn save(&self, path: &Path) -> Result<(String, String), String> {
        let course = self.course();
        let changes = self.branch.as_ref().map_or(&[][..], |branch| &branch.changes);
        let file = path.display().to_string();
        let scenario = as_file(course);
        let mut text = String::new();
        for change in changes {
            text += &format!("# Changed {change}\n");
        }
        text += &scenario.to_toml();
        let again = scenario::parse(&file, &text).map_err(|error| error.to_string())?.scenario;
        let seeded = crate::choices::Choices::seeded(course.options().seed);
        let again =
            Course::<P>::run(&again, course.options(), seeded).map_err(|objection| objection.message)?;
        if again.report.digest != course.report.digest {
            return Err(String::from(
                "this run cannot be told as a scenario: run again from it, it has another digest; was it run from a tape?",
            ));
        }
        let told =
            format!("written to {file}; run again from it, it has the same digest {}\n", again.report.digest);
        Ok((told + &verdict(&again.report), text))
    }
}

/// The scenario of a run, with what it breaks as what is expected of it.
fn as_file<P: Protocol>(course: &Course<P>) -> Scenario {
    let mut scenario = course.scenario().clone();
    let options = course.options();
    let broken =
        course.report.violations.iter().filter_map(|found| scenario::Property::named(&found.property));
    scenario.expect.violations = broken.collect();
    // One that ended early ends so again, as soon as all this is broken; one that did not must not.
    scenario.expect.goes_on |= !course.is_over && !scenario.expect.violations.is_empty();
    scenario.expect.seen.clear();
    scenario.expect.never.clear();
    scenario.expect.leader = None;
    scenario.seeds = Seeds { first: options.seed, last: options.seed };
    scenario.systems = vec![options.system.clone()];
    scenario
}
