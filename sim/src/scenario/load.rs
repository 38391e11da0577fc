//! From text to a [`Scenario`].
//!
//! Holds: names are resolved and every rule of the data types is checked here; the first thing wrong is reported.
//! Not here: steps (`load_step`), typed reading of TOML (`read`), and finding files (`cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::de::DeTable;

use super::load_hardship::{
    read_clock, read_disk, read_explore, read_nemeses, read_network, read_schedule, read_workload,
};
use super::load_nodes::{read_node, read_sets, unknown_node};
use super::load_step::{read_meanwhile, read_step};
use super::read::{
    Bounds, Fault, Fields, Item, Places, Read, distinct_names, place, places, read_count, read_facts,
    read_name,
};
use super::{
    Budget, Cluster, Expectations, InitialLog, Meanwhile, Node, Property, Scenario, ScenarioError,
    ScenarioFile, Seeds, Sessions, Step, StepPlaces, Subject, Timers, format_duration, knob, knobs,
    parse_duration,
};
use crate::bounded_file;
use crate::choices::Unusual;
use crate::choices::tape;
use crate::protocol::{Address, NodeId, OptionValue, QuorumSets, Within};

const NAMES: &str = "a list of names such as [\"a\", \"b\"]";

/// Scenarios are written by hand or by a swarm, in kilobytes; what is larger is some other file.
pub(super) const TEXT_LEN_MAX: u64 = 4 << 20;

/// The most nodes: a message from each to each is a million where there are a thousand.
const NODES_MAX: u64 = 100;
/// The most addresses that nobody has.
const VACANT_MAX: u64 = 1_000;
/// The most steps of a story; whoever writes more wants `[workload]`.
const STEPS_MAX: u64 = 10_000;
/// The most virtual time of a story, in nanoseconds: two days.
const AGE_MAX: u64 = 48 * 3_600_000_000_000;
/// The most events that the steps of a story ask for: what a run may have.
const EVENTS_MAX: u64 = 5_000_000;
/// The most entries of a log that is there from the start.
const ENTRIES_MAX: u64 = 100_000;
/// The most draws that are not as usual.
const UNUSUAL_MAX: u64 = 100_000;

/// How long a follower waits when a scenario does not say.
pub(super) const ELECTION: Within = Within { min: 150_000_000, max: 300_000_000 };
/// How often a leader speaks when a scenario does not say.
pub(super) const HEARTBEAT: u64 = 50_000_000;

/// Words that stand for nodes in steps, and so cannot name one.
const RESERVED: [&str; 2] = ["leader", "all"];

/// The tables of a scenario, for a key that was meant to be in one.
const SECTIONS: [(&str, &[&str]); 4] = [
    (
        "cluster",
        &[
            "members",
            "learners",
            "spare",
            "priority",
            "election",
            "heartbeat",
            "timers",
            "snapshot_every",
            "sessions",
        ],
    ),
    ("story", &["steps", "meanwhile"]),
    ("expect", &["violations", "never"]),
    ("network", &["delay", "loss", "duplicate"]),
];

/// Reads a scenario file.
///
/// # Errors
/// The first thing that is wrong with the file or with what it says.
pub fn load(path: &Path) -> Result<ScenarioFile, ScenarioError> {
    load_within(path, Bounds::default())
}

/// Reads a scenario file with bounds of one's own.
///
/// # Errors
/// The first thing that is wrong with the file or with what it says.
pub fn load_within(path: &Path, bounds: Bounds) -> Result<ScenarioFile, ScenarioError> {
    parse_within(&path.display().to_string(), &read_text(path, bounds)?, bounds)
}

/// The text of a scenario file.
///
/// # Errors
/// That it cannot be read, is too large, or is not UTF-8.
pub(crate) fn read_text(path: &Path, bounds: Bounds) -> Result<String, ScenarioError> {
    let file = path.display().to_string();
    let error = |place, message, hint| ScenarioError { file: file.clone(), place, message, hint };
    let bytes = bounded_file::read(path, bounds.raised(TEXT_LEN_MAX))
        .map_err(|cause| error(None, format!("cannot be read: {cause}"), None))?;
    String::from_utf8(bytes).map_err(|cause| {
        let valid = String::from_utf8_lossy(&cause.as_bytes()[..cause.utf8_error().valid_up_to()]);
        let hint = "a scenario is TOML, and TOML is UTF-8".to_owned();
        error(Some(place(&valid, valid.len())), "expected UTF-8 text".to_owned(), Some(hint))
    })
}

/// Reads a scenario from text; `file` is what errors call it.
///
/// # Errors
/// The first thing that is wrong with the text.
pub fn parse(file: &str, text: &str) -> Result<ScenarioFile, ScenarioError> {
    parse_within(file, text, Bounds::default())
}

/// Reads a scenario from text with bounds of one's own.
///
/// # Errors
/// The first thing that is wrong with the text.
pub fn parse_within(file: &str, text: &str, bounds: Bounds) -> Result<ScenarioFile, ScenarioError> {
    refuse_long(file, text, bounds)?;
    let table = DeTable::parse(text).map_err(|cause| not_toml(file, text, &cause))?;
    read_table(file, text, table.get_ref(), bounds).map_err(|fault| fault.place(file, text))
}

/// Refuses a text that is too long.
pub(super) fn refuse_long(file: &str, text: &str, bounds: Bounds) -> Result<(), ScenarioError> {
    let most = bounds.raised(TEXT_LEN_MAX);
    if text.len() as u64 <= most {
        return Ok(());
    }
    let message = format!("expected at most {most} bytes, found {}", text.len());
    Err(ScenarioError { file: file.to_owned(), place: None, message, hint: None })
}

/// Reads a scenario from the tree of a text.
pub(super) fn read_table(file: &str, text: &str, table: &DeTable<'_>, bounds: Bounds) -> Read<ScenarioFile> {
    let mut found = Places::default();
    let fields = Fields::new(table, 0, "the scenario", bounds);
    let mut scenario = read_scenario(fields, &mut found)?;
    let places = places(text, found.noted);
    let of_step = |subject: &Subject| matches!(subject, Subject::Step(_));
    let steps = places.iter().filter(|(subject, _)| of_step(subject)).map(|(_, place)| *place);
    scenario.places = StepPlaces(steps.collect());
    Ok(ScenarioFile { path: file.to_owned(), scenario, places })
}

/// Reads one step of a story in a cluster, as a file writes it; `file` is what errors call the text.
///
/// # Errors
/// What is wrong with it.
pub fn parse_step(file: &str, text: &str, cluster: &Cluster) -> Result<Step, ScenarioError> {
    let text = format!("step = {text}");
    let table = DeTable::parse(&text).map_err(|cause| not_toml(file, &text, &cause))?;
    let mut fields = Fields::new(table.get_ref(), 0, "the step", Bounds::default());
    let step = fields.need("step", "{ crash = \"a\" }").and_then(|item| read_step(&item, cluster));
    step.map_err(|fault| ScenarioError { place: None, ..fault.place(file, &text) })
}

pub(super) fn not_toml(file: &str, text: &str, cause: &toml::de::Error) -> ScenarioError {
    let message = format!("not TOML: {}", cause.message().replace('\n', "; "));
    let place = cause.span().map(|span| place(text, span.start));
    ScenarioError { file: file.to_owned(), place, message, hint: None }
}

fn read_scenario(mut top: Fields<'_>, places: &mut Places) -> Read<Scenario> {
    places.note(Subject::Scenario, 0);
    refuse_misplaced(&top)?;
    let title = read_sentence(&mut top, "title", "\"Two leaders, one log\"")?;
    let source = match top.has("source") {
        true => read_sentence(&mut top, "source", "\"Raft paper, figure 8\"")?,
        false => String::new(),
    };
    let systems = read_systems(&mut top, places)?;
    let except = read_except(&mut top)?;
    let seeds = top.or("seeds", Seeds::default(), read_seeds)?;
    let cluster = read_cluster(top.need_section("cluster", "members = [\"a\", \"b\", \"c\"]")?, places)?;
    let rules_off = read_rules(&mut top, places)?;
    let logs = read_logs(&mut top, &cluster)?;
    let groups = read_groups_of_their_own(&mut top, &cluster)?;
    let network = read_network(&mut top)?;
    let disk = read_disk(&mut top)?;
    let clock = read_clock(&mut top)?;
    let schedule = read_schedule(&mut top)?;
    let budget = top.or("budget", Budget::default(), |item| item.word_of("budget"))?;
    let workload = read_workload(&mut top)?;
    let nemeses = read_nemeses(&mut top, places)?;
    let unusual = read_tape(&mut top)?;
    let explore = read_explore(&mut top)?;
    let (steps, meanwhile) = read_story(&mut top, &cluster, places)?;
    let expect = read_expectations(&mut top, &cluster, places)?;
    top.finish()?;
    Ok(Scenario {
        title,
        source,
        systems,
        except,
        seeds,
        cluster,
        rules_off,
        logs,
        groups,
        network,
        disk,
        clock,
        schedule,
        budget,
        workload,
        nemeses,
        unusual,
        explore,
        steps,
        meanwhile,
        places: StepPlaces::default(),
        expect,
    })
}

impl<'a> Fields<'a> {
    fn need_section(&mut self, key: &'static str, example: &str) -> Read<Fields<'a>> {
        let what = match key {
            "cluster" => "[cluster]",
            _ => "[story]",
        };
        match self.section(key, what)? {
            Some(fields) => Ok(fields),
            None => Err(Fault::new(self.at, format!("expected the scenario to have a table {what}"))
                .hint(format!("for example: {what} and below it: {example}"))),
        }
    }
}

/// A key of a table at the top of the file is a table header forgotten; say so.
fn refuse_misplaced(top: &Fields<'_>) -> Read<()> {
    for (key, at, _) in top.entries() {
        if let Some((section, _)) = SECTIONS.iter().find(|(_, keys)| keys.contains(&key)) {
            let fault = Fault::new(at, format!("unknown key in the scenario: {key:?}"));
            return Err(fault.hint(format!("it belongs below [{section}]")));
        }
    }
    Ok(())
}

/// The draws that are not as usual.
fn read_tape(top: &mut Fields<'_>) -> Read<Option<Vec<Unusual>>> {
    let Some(mut fields) = top.section("tape", "[tape]")? else { return Ok(None) };
    let what = "a site, the place of a draw there, its bound and its value, such as \"network 17 100 3\"";
    let read = |item: &Item<'_>| item.parse(what, tape::parse_unusual);
    let list = fields.need("unusual", "[\"network 17 100 3\"]")?;
    let items = list.list("a list of draws")?;
    list.within(items.len() as u64, UNUSUAL_MAX, |most| format!("at most {most} draws"))?;
    fields.finish()?;
    items.iter().map(read).collect::<Read<Vec<Unusual>>>().map(Some)
}

fn read_sentence(top: &mut Fields<'_>, key: &'static str, example: &str) -> Read<String> {
    let item = top.need(key, example)?;
    let what = format!("a {key} such as {example}");
    let text = item.text(&what)?.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(item.expected(&what));
    }
    Ok(text.to_owned())
}

fn read_seeds(item: &Item<'_>) -> Read<Seeds> {
    let parsed = match item.as_number() {
        Some(count) => (count != 0).then_some(Seeds { first: 1, last: count }),
        None => item.as_str().and_then(Seeds::parse),
    };
    parsed.ok_or_else(|| item.expected("a number of seeds such as 4, or a range such as \"1..4\""))
}

fn read_systems(top: &mut Fields<'_>, places: &mut Places) -> Read<Vec<String>> {
    let Some(item) = top.take("systems") else { return Ok(Vec::new()) };
    let names = distinct_names(&item, "a list of systems such as [\"raft\"]", "system")?;
    for (nth, (_, at)) in names.iter().enumerate() {
        places.note(Subject::System(nth), *at);
    }
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// For which systems a scenario is not, and why.
fn read_except(top: &mut Fields<'_>) -> Read<BTreeMap<String, String>> {
    let Some(fields) = top.section("except", "[except]")? else { return Ok(BTreeMap::new()) };
    let what = "the reason why it is not meant for this system";
    let reason =
        |(name, _, item): (&str, usize, Item<'_>)| Ok((name.to_owned(), item.text(what)?.to_owned()));
    fields.entries().into_iter().map(reason).collect()
}

fn read_rules(top: &mut Fields<'_>, places: &mut Places) -> Read<Vec<String>> {
    let Some(mut fields) = top.section("rules", "[rules]")? else { return Ok(Vec::new()) };
    let item = fields.need("off", "[\"up-to-date\"]")?;
    let names = distinct_names(&item, "a list of rules such as [\"up-to-date\"]", "rule")?;
    for (nth, (_, at)) in names.iter().enumerate() {
        places.note(Subject::Rule(nth), *at);
    }
    fields.finish()?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

fn read_cluster(mut fields: Fields<'_>, places: &mut Places) -> Read<Cluster> {
    let mut roster = Roster::default();
    let members = roster.read_members(&fields.need("members", "[\"a\", \"b\", \"c\"]")?)?;
    let learners = fields.or("learners", BTreeSet::new(), |item| roster.read_newcomers(item))?;
    let spare = fields.or("spare", BTreeSet::new(), |item| roster.read_newcomers(item))?;
    let count = roster.names.len() as u64;
    fields.within(count, NODES_MAX, |most| format!("at most {most} nodes"))?;
    let priority = fields.or("priority", Vec::new(), |item| roster.read_priority(item))?;
    let (nodes, addresses) = read_addresses(&mut fields, roster)?;
    let election = fields.or("election", ELECTION, |item| knob::read_range(item, knobs::ELECTION))?;
    let heartbeat = fields.or("heartbeat", HEARTBEAT, |item| knob::read_time(item, knobs::HEARTBEAT))?;
    let timers = fields.or("timers", Timers::Running, |item| item.word_of("way of timers"))?;
    let snapshot_every =
        fields.maybe("snapshot_every", |item| read_count(item, "a number of entries such as 1000"))?;
    let sessions = fields.or("sessions", Sessions::Kept, read_sessions)?;
    let options = read_options(&mut fields, places)?;
    fields.finish()?;
    let cluster = Cluster {
        nodes,
        addresses,
        members,
        learners,
        spare,
        priority,
        election,
        heartbeat,
        timers,
        snapshot_every,
        sessions,
        options,
    };
    Ok(cluster)
}

fn read_sessions(item: &Item<'_>) -> Read<Sessions> {
    item.parse("\"kept\", \"none\", or a duration such as 10s", |text| match text {
        "kept" => Some(Sessions::Kept),
        "none" => Some(Sessions::Nothing),
        span => parse_duration(span).filter(|span| *span > 0).map(Sessions::Expiring),
    })
}

/// Numbers nodes as they are named.
#[derive(Default)]
struct Roster {
    names: Vec<String>,
}

impl Roster {
    fn read_members(&mut self, item: &Item<'_>) -> Read<QuorumSets> {
        let what = "voters such as [\"a\", \"b\", \"c\"], or sets of them";
        let list = item.list(what)?;
        let nested = list.first().is_some_and(|first| first.as_list().is_some());
        let sets = if nested { list } else { vec![item.clone()] };
        sets.iter().map(|set| self.read_set(set)).collect()
    }

    /// One voter set; its nodes may be in other sets too.
    fn read_set(&mut self, item: &Item<'_>) -> Read<BTreeSet<NodeId>> {
        let list = item.list("a set of voters such as [\"a\", \"b\", \"c\"]")?;
        if list.is_empty() {
            return Err(Fault::new(item.at, "expected at least one voter, found an empty set")
                .hint("a cluster without voters can decide nothing"));
        }
        let mut set = BTreeSet::new();
        for member in &list {
            let name = read_node_name(member)?;
            if !set.insert(self.number(&name)) {
                return Err(Fault::new(member.at, format!("node {name:?} is twice in one voter set")));
            }
        }
        Ok(set)
    }

    /// Nodes that were not named before.
    fn read_newcomers(&mut self, item: &Item<'_>) -> Read<BTreeSet<NodeId>> {
        let mut set = BTreeSet::new();
        for member in item.list(NAMES)? {
            let name = read_node_name(&member)?;
            if self.names.contains(&name) {
                return Err(Fault::new(member.at, format!("node {name:?} is named twice"))
                    .hint("a node is a voter, a learner or spare"));
            }
            set.insert(self.number(&name));
        }
        Ok(set)
    }

    /// Nodes that were named before, each at most once.
    fn read_priority(&self, item: &Item<'_>) -> Read<Vec<NodeId>> {
        let names = distinct_names(item, NAMES, "node")?;
        let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let place = |(name, at): (String, usize)| {
            let place = known.iter().position(|other| *other == name);
            place.map(|place| NodeId(place as u32)).ok_or_else(|| Fault::unknown(at, "node", &name, &known))
        };
        names.into_iter().map(place).collect()
    }

    fn number(&mut self, name: &str) -> NodeId {
        let known = self.names.iter().position(|other| other == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        NodeId(u32::try_from(place).expect("a text that could name so many was refused"))
    }
}

fn read_node_name(item: &Item<'_>) -> Read<String> {
    let name = read_name(item)?;
    if RESERVED.contains(&name.as_str()) {
        return Err(Fault::new(item.at, format!("{name:?} cannot name a node"))
            .hint("in steps it stands for whichever node leads, or for every node"));
    }
    Ok(name)
}

/// Binds each node to an address: the one given, or one called as the node.
fn read_addresses(fields: &mut Fields<'_>, roster: Roster) -> Read<(Vec<Node>, Vec<String>)> {
    let mut given: BTreeMap<&str, String> = BTreeMap::new();
    let section = fields.section("addresses", "[cluster.addresses]")?;
    let at = section.as_ref().map_or(fields.at, |section| section.at);
    for (key, key_at, item) in section.iter().flat_map(Fields::entries) {
        let Some(node) = roster.names.iter().find(|name| *name == key) else {
            let known: Vec<&str> = roster.names.iter().map(String::as_str).collect();
            return Err(Fault::unknown(key_at, "node", key, &known));
        };
        given.insert(node, read_name(&item)?);
    }
    let mut addresses: Vec<String> = Vec::new();
    for name in &roster.names {
        let address = given.get(name.as_str()).unwrap_or(name);
        if addresses.contains(address) {
            return Err(Fault::new(at, format!("two nodes have the address {address:?}"))
                .hint("a node without an address of its own is reached at its name"));
        }
        addresses.push(address.clone());
    }
    let homes = (0..).map(Address);
    let nodes =
        roster.names.iter().zip(homes).map(|(name, home)| Node { name: name.clone(), home }).collect();
    addresses.extend(read_vacant(fields, &addresses)?);
    Ok((nodes, addresses))
}

fn read_vacant(fields: &mut Fields<'_>, taken: &[String]) -> Read<Vec<String>> {
    let Some(item) = fields.take("vacant") else { return Ok(Vec::new()) };
    let count = item.as_list().map_or(0, |list| list.len() as u64);
    item.within(count, VACANT_MAX, |most| format!("at most {most} addresses"))?;
    let names = distinct_names(&item, "a list of addresses such as [\"w\"]", "address")?;
    if let Some((name, at)) = names.iter().find(|(name, _)| taken.contains(name)) {
        return Err(Fault::new(*at, format!("the address {name:?} is not vacant: a node has it")));
    }
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

fn read_options(fields: &mut Fields<'_>, places: &mut Places) -> Read<BTreeMap<String, OptionValue>> {
    let section = fields.section("options", "[cluster.options]")?;
    let mut options = BTreeMap::new();
    for (key, at, item) in section.iter().flat_map(Fields::entries) {
        places.note(Subject::Option(key.to_owned()), at);
        options.insert(key.to_owned(), read_option(&item)?);
    }
    Ok(options)
}

fn read_option(item: &Item<'_>) -> Read<OptionValue> {
    if let Some(switch) = item.as_bool() {
        return Ok(OptionValue::Switch(switch));
    }
    if let Some(number) = item.as_number() {
        return Ok(OptionValue::Number(number));
    }
    let word = item.text("true, false, a number, a duration or a word")?;
    Ok(parse_duration(word).map_or_else(|| OptionValue::Word(word.to_owned()), OptionValue::Time))
}

fn read_logs(top: &mut Fields<'_>, cluster: &Cluster) -> Read<BTreeMap<NodeId, InitialLog>> {
    let section = top.section("logs", "[logs]")?;
    let mut logs = BTreeMap::new();
    for (key, at, item) in section.iter().flat_map(Fields::entries) {
        let node = cluster.node(key).ok_or_else(|| unknown_node(at, key, cluster))?;
        logs.insert(node, read_log(&item)?);
    }
    Ok(logs)
}

/// Nodes that are started with members of their own.
fn read_groups_of_their_own(top: &mut Fields<'_>, cluster: &Cluster) -> Read<BTreeMap<NodeId, QuorumSets>> {
    let section = top.section("groups", "[groups]")?;
    let mut groups = BTreeMap::new();
    for (key, at, item) in section.iter().flat_map(Fields::entries) {
        let node = cluster.node(key).ok_or_else(|| unknown_node(at, key, cluster))?;
        groups.insert(node, read_sets(&item, cluster)?);
    }
    Ok(groups)
}

fn read_log(item: &Item<'_>) -> Read<InitialLog> {
    if !item.is_table() {
        let terms = read_terms(item)?;
        return Ok(InitialLog { term: terms.last().copied().unwrap_or(0), terms });
    }
    let mut fields = item.fields("a log")?;
    let terms = fields.or("log", Vec::new(), read_terms)?;
    let least = terms.last().copied().unwrap_or(0);
    let term = fields.or("term", least, |item| {
        let term = item.number("a term such as 3")?;
        if term < least {
            Err(item.expected(&format!("a term of at least {least}, the log's last")))
        } else {
            Ok(term)
        }
    })?;
    fields.finish()?;
    Ok(InitialLog { terms, term })
}

fn read_terms(item: &Item<'_>) -> Read<Vec<u64>> {
    let what = "the terms of a log from index 1 on, such as [1, 1, 2]";
    let mut terms: Vec<u64> = Vec::new();
    let list = item.list(what)?;
    item.within(list.len() as u64, ENTRIES_MAX, |most| format!("at most {most} entries"))?;
    for member in list {
        let least = terms.last().copied().unwrap_or(1);
        let term = member.number("a term such as 1")?;
        if term < least {
            return Err(member.expected(&format!("a term of at least {least}, since terms never fall")));
        }
        terms.push(term);
    }
    Ok(terms)
}

fn read_story(
    top: &mut Fields<'_>,
    cluster: &Cluster,
    places: &mut Places,
) -> Read<(Vec<Step>, Vec<Meanwhile>)> {
    let example = "steps = [ { elect = \"a\" } ]";
    let mut fields = top.need_section("story", example)?;
    let item = fields.need("steps", "[ { elect = \"a\" } ]")?;
    let list = item.list("a list of steps such as [ { elect = \"a\" } ]")?;
    if list.is_empty() {
        return Err(item.expected("at least one step such as { elect = \"a\" }"));
    }
    item.within(list.len() as u64, STEPS_MAX, |most| format!("at most {most} steps"))?;
    let mut steps = Vec::new();
    for (nth, step) in list.iter().enumerate() {
        places.note(Subject::Step(nth), step.at);
        steps.push(read_step(step, cluster)?);
    }
    refuse_unasked(&list, &steps)?;
    note_facts(&list, places);
    let meanwhile = fields.or("meanwhile", Vec::new(), |item| read_all_meanwhile(item, cluster))?;
    fields.finish()?;
    within_an_age(&steps, &item)?;
    Ok((steps, meanwhile))
}

fn read_all_meanwhile(item: &Item<'_>, cluster: &Cluster) -> Read<Vec<Meanwhile>> {
    let list = item.list("a list such as [ { after = 40, crash = \"a\" } ]")?;
    item.within(list.len() as u64, STEPS_MAX, |most| format!("at most {most} entries"))?;
    let mut all: Vec<Meanwhile> = Vec::new();
    for entry in &list {
        let meanwhile = read_meanwhile(entry, cluster)?;
        if all.last().is_some_and(|last| meanwhile.after < last.after) {
            return Err(Fault::new(entry.at, "expected entries in the order of their events"));
        }
        all.push(meanwhile);
    }
    Ok(all)
}

/// Virtual time is cheap, but not free: leaders speak in it.
fn within_an_age(steps: &[Step], item: &Item<'_>) -> Read<()> {
    let time = |step: &Step| match step {
        Step::Run { time } | Step::Converge { within: time } => *time,
        _ => 0,
    };
    let whole = steps.iter().map(time).fold(0, u64::saturating_add);
    item.within(whole, AGE_MAX, |most| {
        format!("steps that take at most {} of virtual time", format_duration(most))
    })?;
    let events = |step: &Step| if let Step::Events { count } = step { *count } else { 0 };
    let whole = steps.iter().map(events).fold(0, u64::saturating_add);
    item.within(whole, EVENTS_MAX, |most| format!("steps that take at most {most} events"))
}

/// A name is asked after only when something was asked for by that name before.
fn refuse_unasked(list: &[Item<'_>], steps: &[Step]) -> Read<()> {
    let mut known: Vec<&str> = Vec::new();
    let mut images: Vec<&str> = Vec::new();
    for (item, step) in list.iter().zip(steps) {
        match step {
            Step::Call { name: Some(name), .. }
            | Step::Change { name: Some(name), .. }
            | Step::Transfer { name: Some(name), .. } => known.push(name),
            Step::Backup { name, .. } => images.push(name),
            Step::Answer { name, .. } if !known.contains(&name.as_str()) => {
                let what = "request before this step, by its name:";
                return Err(Fault::unknown(item.at, what, name, &known).of_other_steps());
            }
            Step::Restore { name, .. } if !images.contains(&name.as_str()) => {
                let what = "image of a disk before this step, by its name:";
                return Err(Fault::unknown(item.at, what, name, &images).of_other_steps());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Notes where situations are named in steps, so that a word that no protocol knows can be told with its place.
fn note_facts(list: &[Item<'_>], places: &mut Places) {
    for step in list {
        let claims = step.fields("a step").ok().and_then(|mut fields| fields.take("expect"));
        let Some(mut claims) = claims.and_then(|claims| claims.fields("claims").ok()) else { continue };
        for key in ["seen", "never"] {
            for item in claims.take(key).and_then(|item| item.as_list()).unwrap_or_default() {
                if let Some(name) = item.as_str() {
                    places.note(Subject::Fact(name.to_owned()), item.at);
                }
            }
        }
    }
}

/// Without a table, nothing may be broken.
fn read_expectations(top: &mut Fields<'_>, cluster: &Cluster, places: &mut Places) -> Read<Expectations> {
    let Some(mut fields) = top.section("expect", "[expect]")? else { return Ok(Expectations::default()) };
    for key in ["seen", "never"] {
        for item in fields.take(key).and_then(|item| item.as_list()).unwrap_or_default() {
            if let Some(name) = item.as_str() {
                places.note(Subject::Fact(name.to_owned()), item.at);
            }
        }
    }
    let violations = read_violations(&fields.need("violations", "\"none\"")?)?;
    let words = [("stop", false), ("go-on", true)];
    let goes_on = fields.or("then", false, |item| item.word("what comes when all are broken", &words))?;
    let seen = fields.or("seen", BTreeSet::new(), read_facts)?;
    let never = fields.or("never", BTreeSet::new(), |item| {
        let never = read_facts(item)?;
        match never.intersection(&seen).next() {
            Some(both) => Err(Fault::new(item.at, format!("{both:?} cannot be both seen and never seen"))),
            None => Ok(never),
        }
    })?;
    let leader = fields.maybe("leader", |item| read_node(item, cluster))?;
    fields.finish()?;
    Ok(Expectations { violations, goes_on, seen, never, leader })
}

fn read_violations(item: &Item<'_>) -> Read<BTreeSet<Property>> {
    if item.as_str() == Some("none") {
        return Ok(BTreeSet::new());
    }
    let words = Property::ALL.map(|property| (property.name(), property));
    let what = "\"none\", or a list such as [\"election-safety\"]";
    let list = item.list(what)?;
    if list.is_empty() {
        return Err(item.expected(what));
    }
    list.iter().map(|member| member.word("property", &words)).collect()
}
