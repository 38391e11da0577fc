//! An explained run as data: what the page draws, in a stated form.
//!
//! Holds: the form is named by `schema`; lanes are numbered, nodes first and clients after them.
//! Not here: how it is drawn (`page`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{deciding::Deciding, history, mistake::Mistake, page, story};
use crate::names::Names;
use crate::protocol::{NodeId, Protocol};
use crate::report::{FoundViolation, Report, Verdict};
use crate::scenario::Property;
use crate::trace::{Ending, Place, Record, RecordId, What};
use crate::world::World;
use crate::world::film::{Film, Still};

/// The name of the form.
const SCHEMA: &str = "splitbrain/explain/1";

/// A run with all that explains it.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    pub(super) schema: &'static str,
    pub(super) title: String,
    pub(super) source: String,
    pub(super) file: String,
    pub(super) system: String,
    /// As text: a page's numbers are not large enough for every seed.
    pub(super) seed: String,
    pub(super) digest: String,
    pub(super) repeat: String,
    pub(super) nodes: Vec<String>,
    pub(super) clients: Vec<String>,
    pub(super) promises: Vec<Promise>,
    pub(super) records: Vec<Entry>,
    pub(super) states: Vec<State>,
    pub(super) calls: Vec<Call>,
    pub(super) spans: Vec<Span>,
    pub(super) slice: BTreeSet<RecordId>,
    pub(super) mistake: Option<Mistake>,
    pub(super) deciding: Option<Deciding>,
    pub(super) words: Vec<String>,
    #[serde(skip)]
    pub(super) lines: Vec<String>,
    #[serde(skip)]
    pub(super) history: Vec<history::Event>,
}

/// The broken promise.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Promise {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) source: String,
    pub(super) evidence: Vec<Evidence>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Evidence {
    record: Option<RecordId>,
    text: String,
}

/// A record.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) id: RecordId,
    pub(super) cause: Option<RecordId>,
    pub(super) event: u64,
    pub(super) at: u64,
    pub(super) lane: Option<u32>,
    pub(super) to: Option<u32>,
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// What a node shows from a record on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct State {
    record: u64,
    node: u32,
    up: bool,
    role: &'static str,
    term: u64,
    epoch: String,
    vote: Option<String>,
    members: String,
    commit: u64,
    applied: u64,
    durable: u64,
    base: u64,
    from: u64,
    terms: Vec<u64>,
}

/// A client's operation.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Call {
    lane: u32,
    from: RecordId,
    to: Option<RecordId>,
    text: String,
    outcome: &'static str,
}

/// A time in which messages pass only inside groups.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Span {
    kind: &'static str,
    groups: Vec<Vec<u32>>,
    from: RecordId,
    to: Option<RecordId>,
    text: String,
}

impl Explained {
    /// Whether a promise is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.promises.is_empty()
    }

    /// The first broken promise, and how it is broken.
    pub(super) fn broken(&self) -> Option<(Property, &str)> {
        let promise = self.promises.first()?;
        Some((Property::named(&promise.name)?, &promise.summary))
    }

    /// The first record of each event of the slice: where it may have been decided.
    pub(super) fn candidates(&self) -> Vec<(RecordId, u64)> {
        let chosen = self.records.iter().filter(|entry| entry.event > 0 && self.slice.contains(&entry.id));
        let mut events: Vec<(RecordId, u64)> = chosen.map(|entry| (entry.id, entry.event)).collect();
        events.dedup_by_key(|&mut (_, event)| event);
        events
    }

    /// What happened in a record, and to whom.
    pub(super) fn clause(&self, record: RecordId) -> String {
        let Some(entry) = self.records.iter().find(|entry| entry.id == record) else { return String::new() };
        let lane = entry.lane.and_then(|lane| self.nodes.iter().chain(&self.clients).nth(lane as usize));
        lane.map_or_else(|| entry.text.clone(), |lane| format!("{lane} {}", entry.text))
    }

    /// What shows that the first broken promise is broken, a line for each.
    #[must_use]
    pub fn evidence(&self) -> Vec<&str> {
        let first = self.promises.first().into_iter().flat_map(|promise| &promise.evidence);
        first.map(|evidence| evidence.text.as_str()).collect()
    }

    /// The page: one file that loads nothing.
    #[must_use]
    pub fn page(&self) -> String {
        page::page(&self.title, &self.json())
    }

    /// All of it as one JSON document.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What led to the broken promise, with the nodes as columns, a line for each record: eleven at the most.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The story in sentences, eleven at the most.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Where a rule that is off was needed, if one is.
    #[must_use]
    pub fn mistake(&self) -> Option<&Mistake> {
        self.mistake.as_ref()
    }

    /// The moment from which on nothing helped, if one was found.
    #[must_use]
    pub fn deciding(&self) -> Option<&Deciding> {
        self.deciding.as_ref()
    }
}

/// Puts a run and what was found out about it together.
pub(super) fn explained<P: Protocol>(
    report: &Report,
    world: &World<P>,
    slice: &BTreeSet<RecordId>,
) -> Explained {
    let names = world.names();
    let records: Vec<&Record> = report.trace.iter().map(|told| &told.record).collect();
    let nodes = world.nodes().len();
    let promises: Vec<Promise> = report.violations.iter().map(promise).collect();
    // The first broken promise is what the story is about; what broke after it is named at its end.
    let evidence = promises.iter().take(1).flat_map(|promise| &promise.evidence);
    let evidence: BTreeSet<RecordId> = evidence.filter_map(|evidence| evidence.record).collect();
    let told = story::tellable(&super::chosen(&records, slice), &evidence);
    let mut words = story::sentences(&told, names);
    words.extend(
        promises.iter().map(|promise| format!("So {} is broken: {}.", promise.name, promise.summary)),
    );
    if promises.is_empty() {
        words.push(String::from("No promise is broken."));
    }
    if let Verdict::NotAsExpected(reasons) = &report.verdict {
        words.extend(reasons.iter().map(|reason| format!("But {reason}.")));
    }
    Explained {
        schema: SCHEMA,
        title: report.title.clone(),
        source: report.source.clone(),
        file: report.file.clone(),
        system: report.system_and_version(),
        seed: report.seed.to_string(),
        digest: report.digest.clone(),
        repeat: report.repeat.clone(),
        nodes: (0..nodes).map(|node| names.of(NodeId(node as u32)).to_owned()).collect(),
        clients: clients(&records),
        promises,
        states: world.ledger.film.iter().flat_map(Film::stills).map(|still| state(still, names)).collect(),
        calls: calls(&records, names, nodes),
        spans: spans(&records, names),
        records: records.iter().map(|record| entry(record, names, nodes)).collect(),
        slice: slice.clone(),
        mistake: None,
        deciding: None,
        lines: story::lines(&told, names, nodes),
        history: history::events(&records, names),
        words,
    }
}

fn promise(violation: &FoundViolation) -> Promise {
    let evidence = violation.evidence.iter().map(|evidence| Evidence {
        record: evidence.id,
        text: format!("event {}: {}", evidence.event, evidence.record),
    });
    Promise {
        name: violation.property.clone(),
        summary: violation.summary.clone(),
        source: violation.cites.clone(),
        evidence: evidence.collect(),
    }
}

/// The lanes of clients: as many as the highest that does something.
fn clients(records: &[&Record]) -> Vec<String> {
    let client = |record: &&Record| match record.place {
        Place::Client(client) => Some(client),
        Place::World | Place::Node(_) | Place::Link { .. } => None,
    };
    let count = records.iter().filter_map(client).max().map_or(0, |last| last + 1);
    (0..count).map(|client| format!("client {client}")).collect()
}

fn entry(record: &Record, names: &Names, nodes: usize) -> Entry {
    let lane = match record.place {
        Place::Node(node) => Some(node.0),
        Place::Client(client) => Some(nodes as u32 + client),
        Place::World | Place::Link { .. } => None,
    };
    let to = match record.what {
        What::Sends { to, .. } => Some(to.0),
        _ => None,
    };
    let link = match record.place {
        Place::Link { from, to } => format!("{} to {} ", names.of(from), names.of(to)),
        Place::World | Place::Node(_) | Place::Client(_) => String::new(),
    };
    Entry {
        id: record.id,
        cause: record.cause,
        event: record.event,
        at: record.at.0,
        lane,
        to,
        kind: record.what.kind(),
        text: link + &record.sentence(names),
    }
}

fn state(still: &Still, names: &Names) -> State {
    State {
        record: still.record.map_or(0, RecordId::number),
        node: still.node.0,
        up: still.up,
        role: still.role,
        term: still.term,
        epoch: match still.epoch == still.term.to_string() {
            true => format!("term {}", still.term),
            false => still.epoch.clone(),
        },
        vote: still.vote.map(|vote| names.of(vote).to_owned()),
        members: if still.sets.is_empty() { String::from("no members") } else { names.sets(&still.sets) },
        commit: still.commit,
        applied: still.applied,
        durable: still.durable,
        base: still.base,
        from: still.from,
        terms: still.terms.clone(),
    }
}

fn calls(records: &[&Record], names: &Names, nodes: usize) -> Vec<Call> {
    let endings: BTreeMap<RecordId, (RecordId, &Ending)> = records
        .iter()
        .filter_map(|record| match &record.what {
            What::Returns { call, ending } => Some((*call, (record.id, ending))),
            _ => None,
        })
        .collect();
    let call = |record: &&Record| {
        let (What::Calls { request }, Place::Client(client)) = (&record.what, record.place) else {
            return None;
        };
        let ending = endings.get(&record.id);
        Some(Call {
            lane: nodes as u32 + client,
            from: record.id,
            to: ending.map(|(id, _)| *id),
            text: names.request(*request),
            outcome: match ending {
                Some((_, Ending::Answered(_))) => "ok",
                Some((_, Ending::Refused)) => "refused",
                Some((_, Ending::Unknown)) | None => "unknown",
            },
        })
    };
    records.iter().filter_map(call).collect()
}

fn spans(records: &[&Record], names: &Names) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for record in records {
        let groups = match &record.what {
            What::Partitioned { groups } => groups.as_slice(),
            What::Heals => &[],
            _ => continue,
        };
        if let Some(open) = spans.last_mut().filter(|span| span.to.is_none()) {
            open.to = Some(record.id);
        }
        if !groups.is_empty() {
            spans.push(Span {
                kind: "partition",
                groups: groups.iter().map(|group| group.iter().map(|node| node.0).collect()).collect(),
                from: record.id,
                to: None,
                text: names.sets(&groups.to_vec()),
            });
        }
    }
    spans
}
