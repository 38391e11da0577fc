//! The reference chapter of knobs, as Markdown.
//!
//! Holds: every line of its tables is a line of `knobs`. Not here: writing it somewhere (`cli`), and keeping the file in
//! `docs/` current (the project's tests).

use super::Explore;
use super::hardship::{Clock, Disk, Network, NodeFault, Untimed, Workload};
use super::knob::{Drawn, Knob, Slot, Unit};
use super::knobs::{CLOCK, DISK, EVERY, EXPLORE, LASTING, NETWORK, UNTIMED, WORKLOAD, parameter};

/// What the chapter says before its tables.
const OPENING: &str = "# Every knob

This chapter is made from the table that the loader, the printer, the swarm and the shrinker work by:
`splitbrain schema --markdown > docs/knobs.md`. A test sees that it is current.

A value outside its bounds is refused with the bound; `--raise-bounds N` allows N times the most of all of them. *The swarm
draws* says what a long world gets; a value that stands twice is twice as likely. Brief worlds have themes that say
otherwise ([search](search.md)).
";

/// The chapter.
#[must_use]
pub fn knobs_chapter() -> String {
    let mut text = String::from(OPENING);
    section::<Network>(&mut text, "`[network]`: how messages travel", NETWORK);
    section::<Disk>(&mut text, "`[disk]`: how disks behave", DISK);
    section::<Clock>(&mut text, "`[clock]`: how clocks differ from virtual time", CLOCK);
    section::<Workload>(&mut text, "`[workload]`: clients that call on their own", WORKLOAD);
    section::<Untimed>(
        &mut text,
        "`[schedule] kind = \"untimed\"`: how likely each kind of event is",
        UNTIMED,
    );
    section::<Explore>(&mut text, "`[explore]`: how far `explore` goes", EXPLORE);
    nemeses(&mut text);
    text
}

fn section<S: Default + Clone>(text: &mut String, title: &str, knobs: &[Knob<S>]) {
    text.push_str(&format!(
        "\n## {title}\n\n| key | meaning | values | default | the swarm draws |\n|---|---|---|---|---|\n"
    ));
    let default = S::default();
    for knob in knobs {
        let words = Slot::words(&(knob.slot)(&mut default.clone()));
        text.push_str(&format!(
            "| `{}` | {} | {} | `{}` | {} |\n",
            knob.name,
            knob.about,
            values(knob.unit, &words),
            knob.value(&default).text(),
            drawn(knob.drawn),
        ));
    }
}

fn nemeses(text: &mut String) {
    text.push_str(&format!(
        "\n## `[[nemesis]]`: faults that come by themselves\n\nEvery nemesis has `every` ({}, from the end of one fault \
         to the next) or `on` (a cue), and `lasting` ({}). Some have a value of their own:\n\n\
         | kind | key | meaning | values | default | the swarm draws |\n|---|---|---|---|---|---|\n",
        EVERY.bounds(),
        LASTING.bounds(),
    ));
    for fault in NodeFault::ALL {
        let Some(knob) = parameter(fault) else { continue };
        text.push_str(&format!(
            "| `{}` | `{}` | {} | {} | `{}` | {} |\n",
            fault.name(),
            knob.name,
            knob.about,
            values(knob.unit, &[]),
            knob.value(&fault).text(),
            drawn(knob.drawn),
        ));
    }
}

fn values(unit: Unit, words: &[&str]) -> String {
    match unit {
        Unit::Range { .. } => format!("a duration or a range, {}", unit.bounds()),
        Unit::Time { .. } => format!("a duration, {}", unit.bounds()),
        Unit::Share => String::from("a ratio, 0 to 1"),
        Unit::Count { .. } => format!("a number, {}", unit.bounds()),
        Unit::Ppm => format!("parts per million, {}", unit.bounds()),
        Unit::Word { .. } => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
    }
}

fn drawn(drawn: Drawn) -> String {
    match drawn {
        Drawn::From(values) => {
            values.iter().map(|value| value.text().replace('"', "")).collect::<Vec<_>>().join(", ")
        }
        Drawn::Follows(words) => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a section every value that is drawn, which fails where a value is of another unit than its knob.
    fn turn_all<S: Default + Clone>(knobs: &[Knob<S>]) {
        for knob in knobs {
            let Drawn::From(values) = knob.drawn else { continue };
            for value in values {
                let mut section = S::default();
                knob.set(&mut section, *value);
                assert_eq!(knob.value(&section), *value, "{}", knob.name);
            }
        }
    }

    #[test]
    fn every_value_that_is_drawn_is_of_its_knob() {
        turn_all(NETWORK);
        turn_all(DISK);
        turn_all(CLOCK);
        turn_all(WORKLOAD);
        turn_all(UNTIMED);
        for mut fault in NodeFault::ALL {
            let Some(knob) = parameter(fault) else { continue };
            let Drawn::From(values) = knob.drawn else { continue };
            values.iter().for_each(|value| knob.set(&mut fault, *value));
        }
    }
}
