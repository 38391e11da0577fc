//! Every command and who answers it.
//!
//! Not here: how a line is read (`command`).

use super::command::{Command, HELP, parse};
use super::session::{RECORDS, Session, lines, verdict};
use super::{Answer, Travel};
use crate::protocol::Protocol;

/// How many entries of a log are shown.
const ENTRIES_MAX: u64 = 40;

impl<P: Protocol> Session<P> {
    fn answer(&mut self, line: &str) -> Result<Answer, String> {
        let text = match parse(line, self.at)? {
            Command::Help => HELP.to_owned(),
            Command::Quit => return Ok(Answer { ends: true, ..Answer::default() }),
            Command::Look => self.look(),
            Command::At(event) => self.to(event)?,
            Command::Forward(count) => self.to(self.at.saturating_add(count))?,
            Command::Back(count) => self.to(self.at.saturating_sub(count))?,
            Command::Next(sought) => self.next(sought)?,
            Command::Previous(sought) => self.previous(sought)?,
            Command::Start => self.to(0)?,
            Command::End => self.to(self.course().events())?,
            Command::Show(node) => self.show(node.as_deref())?,
            Command::Log(node) => lines(&self.here.world.node_log(self.node(&node)?, ENTRIES_MAX)),
            Command::Wire => lines(&self.here.world.wire_lines()),
            Command::Diff(one, other) => self.diff(&one, &other)?,
            Command::Why(event) => self.why(event)?,
            Command::Records(events) => self.records(events)?,
            Command::Verdict => verdict(&self.course().report),
            Command::Fork => self.fork()?,
            Command::Leave => self.leave()?,
            Command::Drop(which) => self.lose(&which)?,
            Command::Deliver(which) => self.deliver(&which)?,
            Command::Step(step) => self.step(&step)?,
            Command::RunOn => self.run_on()?,
            Command::Changes => self.changes()?,
            Command::Save(path) => {
                let (text, file) = self.save(&path)?;
                return Ok(Answer { text, save: Some((path, file)), ..Answer::default() });
            }
        };
        Ok(Answer { text, ..Answer::default() })
    }
}

impl<P: Protocol> Travel for Session<P> {
    fn prompt(&self) -> String {
        let fork =
            self.branch.as_ref().map_or(String::new(), |branch| format!(" (fork from {})", branch.from));
        format!("{}{fork}> ", self.at)
    }

    fn greeting(&self) -> String {
        let course = &self.first;
        let scenario = course.scenario();
        let forks = match course.kept() {
            0 if course.events() > RECORDS && self.here.world.fork().is_none() => {
                " This protocol cannot be copied: each look runs again from the start."
            }
            _ => "",
        };
        format!(
            "{}: {} with seed {}, {} events.{forks}\n{}`help` lists the commands.\n",
            scenario.title,
            course.report.system_and_version(),
            course.options().seed,
            course.events(),
            verdict(&course.report),
        )
    }

    fn obey(&mut self, line: &str) -> Answer {
        self.answer(line).unwrap_or_else(|why| Answer { text: why + "\n", failed: true, ..Answer::default() })
    }
}
