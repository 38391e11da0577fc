//! Reading of what surrounds the cluster: network, disks, clocks, schedule, clients, nemeses.
//!
//! Holds: every value is within the bounds of its knob. Not here: the knobs and their bounds (`knobs`).

use super::hardship::{Clock, Disk, Network, Untimed, Workload};
use super::knobs::{CLOCK, DISK, EVERY, EXPLORE, NEMESIS, NETWORK, UNTIMED, WORKLOAD, parameter};
use super::read::{Fault, Fields, Item, Places, Read};
use super::{Aim, Explore, Nemesis, NemesisKind, NodeFault, Operator, Schedule, Shape, Subject, When, knob};
use crate::protocol::Within;

/// The most nemeses of a scenario: each is asked after every event.
const NEMESES_MAX: u64 = 100;

/// Reads a section that has nothing but knobs; what is not said is so by default.
fn read_section<S: Default>(
    top: &mut Fields<'_>,
    key: &'static str,
    what: &'static str,
    knobs: &[knob::Knob<S>],
) -> Read<Option<S>> {
    let Some(mut fields) = top.section(key, what)? else { return Ok(None) };
    let section = knob::read(&mut fields, knobs, S::default())?;
    fields.finish()?;
    Ok(Some(section))
}

pub(super) fn read_network(top: &mut Fields<'_>) -> Read<Network> {
    Ok(read_section(top, "network", "[network]", NETWORK)?.unwrap_or_default())
}

pub(super) fn read_disk(top: &mut Fields<'_>) -> Read<Disk> {
    Ok(read_section(top, "disk", "[disk]", DISK)?.unwrap_or_default())
}

pub(super) fn read_clock(top: &mut Fields<'_>) -> Read<Clock> {
    Ok(read_section(top, "clock", "[clock]", CLOCK)?.unwrap_or_default())
}

pub(super) fn read_explore(top: &mut Fields<'_>) -> Read<Explore> {
    Ok(read_section(top, "explore", "[explore]", EXPLORE)?.unwrap_or_default())
}

pub(super) fn read_schedule(top: &mut Fields<'_>) -> Read<Schedule> {
    let Some(mut fields) = top.section("schedule", "[schedule]")? else { return Ok(Schedule::default()) };
    let at = fields.at;
    let kind = fields.need("kind", "\"untimed\"")?;
    if !kind.word("kind of schedule", &[("timed", false), ("untimed", true)])? {
        fields.finish()?;
        return Ok(Schedule::Timed);
    }
    let untimed = knob::read(&mut fields, UNTIMED, Untimed::default())?;
    fields.finish()?;
    if !untimed.weights.any() {
        return Err(Fault::new(at, "expected at least one weight of [schedule] not to be 0"));
    }
    Ok(untimed.into())
}

pub(super) fn read_workload(top: &mut Fields<'_>) -> Read<Option<Workload>> {
    let at = top.at_of("workload");
    let workload = read_section(top, "workload", "[workload]", WORKLOAD)?;
    match workload {
        Some(Workload { reads, cas, .. }) if reads.exceeds_one_with(cas) => {
            let (reads, cas) = (reads.text(), cas.text());
            Err(Fault::new(
                at,
                format!("expected reads and cas to be at most 100% together, found {reads} and {cas}"),
            ))
        }
        workload => Ok(workload),
    }
}

pub(super) fn read_nemeses(top: &mut Fields<'_>, places: &mut Places) -> Read<Vec<Nemesis>> {
    let Some(item) = top.take("nemesis") else { return Ok(Vec::new()) };
    let list = item.list("tables headed [[nemesis]]")?;
    item.within(list.len() as u64, NEMESES_MAX, |most| format!("at most {most} nemeses"))?;
    let mut nemeses = Vec::new();
    for (nth, item) in list.iter().enumerate() {
        places.note(Subject::Nemesis(nth), item.at);
        nemeses.push(read_nemesis(item.fields("[[nemesis]]")?)?);
    }
    Ok(nemeses)
}

fn read_nemesis(mut fields: Fields<'_>) -> Read<Nemesis> {
    let kind = fields.need("kind", "\"partition\"")?;
    let kind = match kind.word("kind of nemesis", &nemesis_words())? {
        Kind::Partition => NemesisKind::Partition { shape: fields.or("shape", Shape::Random, read_shape)? },
        Kind::SwizzleClog => NemesisKind::SwizzleClog,
        Kind::Hit(fault) => NemesisKind::Hit {
            fault: read_fault_value(&mut fields, fault)?,
            aim: fields.or("aim", Aim::Any, |item| item.word_of("aim"))?,
        },
        Kind::Operate(operator) => NemesisKind::Operate { operator },
    };
    let when = read_when(&mut fields)?;
    fields.need("lasting", "\"500ms..2s\"")?;
    let unread = Nemesis { kind, when, lasting: Within { min: 0, max: 0 } };
    let nemesis = knob::read(&mut fields, NEMESIS, unread)?;
    fields.finish()?;
    Ok(nemesis)
}

fn read_when(fields: &mut Fields<'_>) -> Read<When> {
    let Some(cue) = fields.maybe("on", |item| item.word_of("cue"))? else {
        return Ok(When::Every(knob::read_range(&fields.need("every", "\"3s..10s\"")?, EVERY)?));
    };
    match fields.take("every") {
        Some(every) => {
            let both = "a nemesis strikes every so often or on a cue, not both";
            Err(Fault::new(every.at, both).hint("leave out `every` or `on`"))
        }
        None => Ok(When::On(cue)),
    }
}

/// What the word after `kind` stands for.
#[derive(Clone, Copy)]
enum Kind {
    Partition,
    SwizzleClog,
    Hit(NodeFault),
    Operate(Operator),
}

fn nemesis_words() -> Vec<(&'static str, Kind)> {
    let mut words = vec![("partition", Kind::Partition), ("swizzle-clog", Kind::SwizzleClog)];
    words.extend(NodeFault::ALL.map(|fault| (fault.name(), Kind::Hit(fault))));
    words.extend(Operator::ALL.map(|operator| (operator.name(), Kind::Operate(operator))));
    words
}

/// Every word after `kind`.
pub(super) fn nemesis_kinds() -> Vec<&'static str> {
    nemesis_words().into_iter().map(|(word, _)| word).collect()
}

fn read_shape(item: &Item<'_>) -> Read<Shape> {
    item.word_of("shape of a partition")
}

/// A fault by its name, with a mild value where it has one.
pub(super) fn read_fault(item: &Item<'_>) -> Read<NodeFault> {
    item.word_of("fault")
}

/// Reads the value that a fault has beside its name, if it is given.
pub(super) fn read_fault_value(fields: &mut Fields<'_>, fault: NodeFault) -> Read<NodeFault> {
    match parameter(fault) {
        Some(knob) => knob::read(fields, &[knob], fault),
        None => Ok(fault),
    }
}
