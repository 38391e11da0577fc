//! Records as people read them: nodes and keys by their names, one sentence each.
//!
//! Not here: what a message or a write says, which its protocol tells (`protocol`).

use std::fmt;

use super::record::{Content, Ending, Link, Loss, Place, Record, What};
use crate::names::{self, Names};
use crate::protocol::{Change, ChangeMembers, Operation, Refusal};
use crate::time::exact;

/// A record together with the names of its run.
pub struct Shown<'a> {
    record: &'a Record,
    names: &'a Names,
}

impl Record {
    /// For people: event, number and cause, moment, place and what happened.
    #[must_use]
    pub fn show<'a>(&'a self, names: &'a Names) -> Shown<'a> {
        Shown { record: self, names }
    }

    /// What happened, without when and where.
    #[must_use]
    pub fn sentence(&self, names: &Names) -> String {
        sentence(&self.what, names)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { id, cause, event, at, place, what } = self.record;
        let cause = cause.map_or(String::new(), |cause| format!("<{}", cause.number()));
        write!(f, "{event:>6} {:>6}{cause:<7} {:>14} ", id.number(), exact(at.0))?;
        write!(f, "{} {}", self::place(*place, self.names), sentence(what, self.names))
    }
}

/// Where something happened.
pub(super) fn place(place: Place, names: &Names) -> String {
    match place {
        Place::World => String::from("-"),
        Place::Node(node) => names.of(node).to_owned(),
        Place::Link { from, to } => format!("{}>{}", names.of(from), names.of(to)),
        Place::Client(client) => format!("client {client}"),
    }
}

/// What happened.
pub(super) fn sentence(what: &What, names: &Names) -> String {
    let words = |content: &Content| content.words.to_string();
    match what {
        What::Sends { to, message, .. } => format!("sends to {}: {}", names.of(*to), words(message)),
        What::Receives { from, message } => format!("receives from {}: {}", names.of(*from), words(message)),
        What::Loses { why, message } => format!("loses {} ({})", words(message), loss(*why)),
        What::Writes { write, content } => format!("writes {}: {}", write.0, words(content)),
        What::HasWritten { write } => format!("has write {} on disk", write.0),
        What::CannotWrite => String::from("cannot write"),
        What::Fires { timer } => format!("{} fires", words(timer)),
        What::Leads { epoch: _, term } => format!("leads term {term}"),
        What::Applies { index, command: Some(command) } => {
            format!("applies {index}: {}", names.task(command))
        }
        What::Applies { index, command: None } => format!("applies {index}: no command"),
        What::Restores { through } => format!("restores its machine through {through}"),
        What::TakesSnapshot { through } => format!("takes a snapshot through {through}"),
        What::Completes { .. } => String::from("completes what the operator asked for"),
        What::Refuses { refusal, .. } => format!("refuses: {}", refused(refusal, names)),
        What::Notes { fact } => fact.clone().into_owned(),
        What::Boots { incarnation: 1 } => String::from("boots"),
        What::Boots { incarnation } => format!("boots, incarnation {incarnation}"),
        What::RefusesToStart => String::from("refuses to start: a checksum on its disk does not fit"),
        What::Crashes { of: 0, .. } => String::from("crashes"),
        What::Crashes { kept, of } => format!("crashes; {kept} of {of} unfinished parts are kept"),
        What::ShutsDown => String::from("shuts down"),
        What::LosesDisk => String::from("loses its disk"),
        What::HasOlderDisk => String::from("has an older image of its disk"),
        What::IsForced { sets } => format!("is told by force that {} take part", names.sets(sets)),
        What::Pauses { paused } => String::from(if *paused { "stands still" } else { "goes on" }),
        What::Stalls { stalled: true } => String::from("has a disk that stands still"),
        What::Stalls { stalled: false } => String::from("has a disk that goes on"),
        What::Moves { address } => format!("moves to address {}", address.0),
        What::IsHit { fault } => format!("is hit: {}", fault.name()),
        What::Recovers { fault } => format!("is over with: {}", fault.name()),
        What::Link { state } => String::from(match state {
            Link::Open => "is open",
            Link::Cut => "is cut",
            Link::Held => "is held",
            Link::Fading => "lets nothing new in",
        }),
        What::Partitioned { groups } if groups.is_empty() => String::from("the partition ends"),
        What::Partitioned { groups } => format!("partition: {}", names.sets(groups)),
        What::Heals => String::from("heals"),
        What::Freezes { instant_disks: false } => String::from("freezes"),
        What::Freezes { instant_disks: true } => String::from("freezes; writes finish at once"),
        What::Strikes { nemesis, relief: false } => format!("nemesis {} strikes", nemesis + 1),
        What::Strikes { nemesis, relief: true } => format!("nemesis {} goes on", nemesis + 1),
        What::HeldBack { what } => format!("{what} is held back: it would be beyond the budget"),
        What::AgreementNotOwed { why } => format!("agreement is not owed: {why}"),
        What::Calls { request } => format!("calls {}", names.request(*request)),
        What::Asks { node, .. } => format!("asks {}", names.of(*node)),
        What::OpensSession => String::from("opens a session"),
        What::HasSession { session } => format!("has session {session}"),
        What::Returns { ending, .. } => match ending {
            Ending::Unknown => String::from("will never know"),
            Ending::Refused => String::from("is refused"),
            Ending::Answered(answer) => format!("is answered: {}", names::answer(*answer)),
        },
        What::IsAsked { operation, .. } => format!("is asked by the operator: {}", asked(operation, names)),
    }
}

fn loss(why: Loss) -> &'static str {
    match why {
        Loss::Chance => "lost",
        Loss::Cut => "the link is cut",
        Loss::NobodyThere => "nobody is at the address",
        Loss::Down => "the process is down",
        Loss::DiedWaiting => "the process died while it waited",
        Loss::Damaged => "its checksum does not fit",
        Loss::DroppedWhileHeld => "dropped while held",
        Loss::Crowded => "too many are under way",
        Loss::ByHand => "by hand",
    }
}

/// Why a request was refused, in one phrase.
#[must_use]
pub fn refused(refusal: &Refusal, names: &Names) -> String {
    match refusal {
        Refusal::NotLeader { hint: None } => String::from("it does not lead, and knows nobody who does"),
        Refusal::NotLeader { hint: Some(hint) } => format!("it does not lead, {} may", names.of(*hint)),
        Refusal::LeadershipLost => String::from("it lost leadership meanwhile; nobody knows the outcome"),
        Refusal::Busy => String::from("it is busy"),
        Refusal::Unsupported => String::from("it does not have this operation"),
        Refusal::Rule(rule) => rule.clone().into_owned(),
    }
}

/// What an operator asks for, in one phrase.
#[must_use]
pub fn asked(operation: &Operation, names: &Names) -> String {
    match operation {
        Operation::Transfer { to } => format!("give leadership to {}", names.of(*to)),
        Operation::Change(change) => changed(change, names),
    }
}

fn changed(change: &Change, names: &Names) -> String {
    let keeping = |retain: &bool| if *retain { ", the others stay as learners" } else { "" };
    let at =
        |node, address: &crate::protocol::Address| format!("{} at address {}", names.of(node), address.0);
    match change {
        Change::AddLearner { node, address, blocking: _ } => format!("add learner {}", at(*node, address)),
        Change::Members { members, retain } => format!("{}{}", of_members(members, names), keeping(retain)),
        Change::Append { sets, retain, .. } => {
            format!("append voters {}{}", names.sets(sets), keeping(retain))
        }
        Change::To { sets, retain, .. } => format!("go to voters {}{}", names.sets(sets), keeping(retain)),
        Change::AddServer { node, address } => format!("add voter {}", at(*node, address)),
        Change::RemoveServer { node } => format!("remove {}", names.of(*node)),
        Change::SetConfiguration { servers, listeners, .. } => {
            let (servers, listeners) =
                (servers.keys().copied().collect(), listeners.keys().copied().collect());
            format!("set servers {}, listeners {}", names.set(&servers), names.set(&listeners))
        }
        Change::If { precondition, change } => format!("if {precondition:?}: {}", changed(change, names)),
    }
}

fn of_members(members: &ChangeMembers, names: &Names) -> String {
    let places = |nodes: &std::collections::BTreeMap<_, crate::protocol::Address>| {
        let places =
            nodes.iter().map(|(&node, address)| format!("{} at address {}", names.of(node), address.0));
        places.collect::<Vec<_>>().join(", ")
    };
    match members {
        ChangeMembers::AddVoterIds(ids) => format!("add voters {}", names.set(ids)),
        ChangeMembers::AddVoters(nodes) => format!("add voters {}", places(nodes)),
        ChangeMembers::RemoveVoters(ids) => format!("remove voters {}", names.set(ids)),
        ChangeMembers::ReplaceAllVoters(ids) => format!("let vote {}", names.set(ids)),
        ChangeMembers::AddNodes(nodes) => format!("add nodes {}", places(nodes)),
        ChangeMembers::SetNodes(nodes) => format!("set nodes {}", places(nodes)),
        ChangeMembers::RemoveNodes(ids) => format!("remove nodes {}", names.set(ids)),
        ChangeMembers::ReplaceAllNodes(nodes) => format!("let take part {}", places(nodes)),
        ChangeMembers::Batch(list) => {
            list.iter().map(|members| of_members(members, names)).collect::<Vec<_>>().join("; then ")
        }
    }
}
