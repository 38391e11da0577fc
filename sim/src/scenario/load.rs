//! From text to a [`Scenario`].
//!
//! Holds: names are resolved and every rule of the data types is checked here; the first thing wrong is reported.
//! Not here: steps (`load_step`), typed reading of TOML (`read`), and finding files (`cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use toml::de::DeTable;

use super::load_nodes::{read_node, read_sets, unknown_node};
use super::load_step::read_step;
use super::read::{Fault, Fields, Item, Read, place};
use super::units::parse_within;
use super::{
    Aim, Budget, Clock, Cluster, CrashLeaves, Cue, Disk, Expectations, InitialLog, Nemesis, NemesisKind,
    Network, Node, NodeFault, Operator, Order, Place, Property, Ratio, ReadsAt, Scenario, ScenarioError,
    ScenarioFile, Schedule, Seeds, Sessions, Shape, Spread, Step, StepPlaces, Subject, Timers, Weights, When,
    Workload, parse_duration,
};
use crate::choices::Unusual;
use crate::choices::tape;
use crate::protocol::{Address, NodeId, OptionValue, QuorumSets, Within};

pub(super) const DURATION: &str = "a duration such as 150ms";
const RANGE: &str = "a duration such as 5ms, or a range such as 1ms..10ms";
const RATIO: &str = "a ratio such as 1% or 1/1000";
const NAMES: &str = "a list of names such as [\"a\", \"b\"]";

/// Scenarios are written by hand or by a swarm, in kilobytes; what is larger is some other file.
const TEXT_LEN_MAX: usize = 16 << 20;

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
    ("story", &["steps"]),
    ("expect", &["violations", "never"]),
    ("network", &["delay", "loss", "duplicate"]),
];

/// Reads a scenario file.
///
/// # Errors
/// The first thing that is wrong with the file or with what it says.
pub fn load(path: &Path) -> Result<ScenarioFile, ScenarioError> {
    let file = path.display().to_string();
    let error = |place, message, hint| ScenarioError { file: file.clone(), place, message, hint };
    let bytes = fs::read(path).map_err(|cause| error(None, format!("cannot be read: {cause}"), None))?;
    match str::from_utf8(&bytes) {
        Ok(text) => parse(&file, text),
        Err(cause) => {
            let valid = String::from_utf8_lossy(&bytes[..cause.valid_up_to()]);
            let hint = "a scenario is TOML, and TOML is UTF-8".to_owned();
            Err(error(Some(place(&valid, valid.len())), "expected UTF-8 text".to_owned(), Some(hint)))
        }
    }
}

/// Reads a scenario from text; `file` is what errors call it.
///
/// # Errors
/// The first thing that is wrong with the text.
pub fn parse(file: &str, text: &str) -> Result<ScenarioFile, ScenarioError> {
    if TEXT_LEN_MAX < text.len() {
        let message = format!("expected at most {TEXT_LEN_MAX} bytes, found {}", text.len());
        return Err(ScenarioError { file: file.to_owned(), place: None, message, hint: None });
    }
    let table = DeTable::parse(text).map_err(|cause| not_toml(file, text, &cause))?;
    let mut places = Places { text, found: BTreeMap::new() };
    let fields = Fields::new(table.get_ref(), 0, "the scenario");
    let scenario = read_scenario(fields, &mut places).map_err(|fault| fault.place(file, text))?;
    Ok(ScenarioFile { path: file.to_owned(), scenario, places: places.found })
}

fn not_toml(file: &str, text: &str, cause: &toml::de::Error) -> ScenarioError {
    let message = format!("not TOML: {}", cause.message().replace('\n', "; "));
    let place = cause.span().map(|span| place(text, span.start));
    ScenarioError { file: file.to_owned(), place, message, hint: None }
}

/// Remembers where things were said.
struct Places<'a> {
    text: &'a str,
    found: BTreeMap<Subject, Place>,
}

impl Places<'_> {
    fn note(&mut self, subject: Subject, at: usize) {
        self.found.insert(subject, place(self.text, at));
    }
}

fn read_scenario(mut top: Fields<'_>, places: &mut Places<'_>) -> Read<Scenario> {
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
    let words = Budget::ALL.map(|budget| (budget.name(), budget));
    let budget = top.or("budget", Budget::default(), |item| item.word("budget", &words))?;
    let workload = read_workload(&mut top)?;
    let nemeses = read_nemeses(&mut top, places)?;
    let unusual = read_tape(&mut top)?;
    let steps = read_story(&mut top, &cluster, places)?;
    let expect = read_expectations(&mut top, &cluster, places)?;
    let of_step =
        |(subject, place): (&Subject, &Place)| matches!(subject, Subject::Step(_)).then_some(*place);
    let step_places = StepPlaces(places.found.iter().filter_map(of_step).collect());
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
        steps,
        places: step_places,
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
    let items = fields.need("unusual", "[\"network 17 100 3\"]")?.list("a list of draws")?;
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

fn read_systems(top: &mut Fields<'_>, places: &mut Places<'_>) -> Read<Vec<String>> {
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

fn read_rules(top: &mut Fields<'_>, places: &mut Places<'_>) -> Read<Vec<String>> {
    let Some(mut fields) = top.section("rules", "[rules]")? else { return Ok(Vec::new()) };
    let item = fields.need("off", "[\"up-to-date\"]")?;
    let names = distinct_names(&item, "a list of rules such as [\"up-to-date\"]", "rule")?;
    for (nth, (_, at)) in names.iter().enumerate() {
        places.note(Subject::Rule(nth), *at);
    }
    fields.finish()?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// Names with their places, each at most once.
fn distinct_names(item: &Item<'_>, what: &str, one: &str) -> Read<Vec<(String, usize)>> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for member in item.list(what)? {
        let name = read_name(&member)?;
        if names.iter().any(|(known, _)| *known == name) {
            return Err(Fault::new(member.at, format!("{one} {name:?} is named twice")));
        }
        names.push((name, member.at));
    }
    Ok(names)
}

/// A name: letters, digits, `-`, `_` and `.`.
fn read_name(item: &Item<'_>) -> Read<String> {
    let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let valid = |text: &str| (!text.is_empty() && text.chars().all(allowed)).then(|| text.to_owned());
    item.parse("a name of letters, digits, -, _ and .", valid)
}

fn read_cluster(mut fields: Fields<'_>, places: &mut Places<'_>) -> Read<Cluster> {
    let mut roster = Roster::default();
    let members = roster.read_members(&fields.need("members", "[\"a\", \"b\", \"c\"]")?)?;
    let learners = fields.or("learners", BTreeSet::new(), |item| roster.read_newcomers(item))?;
    let spare = fields.or("spare", BTreeSet::new(), |item| roster.read_newcomers(item))?;
    let priority = fields.or("priority", Vec::new(), |item| roster.read_priority(item))?;
    let (nodes, addresses) = read_addresses(&mut fields, roster)?;
    let election = fields.or("election", ms(150, 300), read_positive_range)?;
    let heartbeat = fields.or("heartbeat", ms(50, 50).min, read_positive_duration)?;
    let words = Timers::ALL.map(|timers| (timers.name(), timers));
    let timers = fields.or("timers", Timers::Running, |item| item.word("way of timers", &words))?;
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
    let names = distinct_names(&item, "a list of addresses such as [\"w\"]", "address")?;
    if let Some((name, at)) = names.iter().find(|(name, _)| taken.contains(name)) {
        return Err(Fault::new(*at, format!("the address {name:?} is not vacant: a node has it")));
    }
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

fn read_options(fields: &mut Fields<'_>, places: &mut Places<'_>) -> Read<BTreeMap<String, OptionValue>> {
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
    for member in item.list(what)? {
        let least = terms.last().copied().unwrap_or(1);
        let term = member.number("a term such as 1")?;
        if term < least {
            return Err(member.expected(&format!("a term of at least {least}, since terms never fall")));
        }
        terms.push(term);
    }
    Ok(terms)
}

fn read_network(top: &mut Fields<'_>) -> Read<Network> {
    let default = Network::default();
    let Some(mut fields) = top.section("network", "[network]")? else { return Ok(default) };
    let network = Network {
        delay: fields.or("delay", default.delay, read_range)?,
        loss: fields.or("loss", default.loss, read_ratio)?,
        duplicate: fields.or("duplicate", default.duplicate, read_ratio)?,
        reorder: fields.or("reorder", default.reorder, read_ratio)?,
        corrupt: fields.or("corrupt", default.corrupt, read_ratio)?,
        spread: fields.or("spread", default.spread, |item| {
            item.word("spread of delays", &Spread::ALL.map(|spread| (spread.name(), spread)))
        })?,
        order: fields.or("order", default.order, |item| {
            item.word("order of messages", &Order::ALL.map(|order| (order.name(), order)))
        })?,
    };
    fields.finish()?;
    Ok(network)
}

fn read_disk(top: &mut Fields<'_>) -> Read<Disk> {
    let default = Disk::default();
    let Some(mut fields) = top.section("disk", "[disk]")? else { return Ok(default) };
    let words = CrashLeaves::ALL.map(|leaves| (leaves.name(), leaves));
    let disk = Disk {
        write: fields.or("write", default.write, read_range)?,
        crash: fields.or("crash", default.crash, |item| item.word("remainder of a crash", &words))?,
    };
    fields.finish()?;
    Ok(disk)
}

fn read_clock(top: &mut Fields<'_>) -> Read<Clock> {
    let default = Clock::default();
    let Some(mut fields) = top.section("clock", "[clock]")? else { return Ok(default) };
    let clock = Clock {
        skew: fields.or("skew", default.skew, |item| item.parse(DURATION, parse_duration))?,
        drift_ppm: fields.or("drift_ppm", default.drift_ppm, read_ppm)?,
    };
    fields.finish()?;
    Ok(clock)
}

fn read_schedule(top: &mut Fields<'_>) -> Read<Schedule> {
    let Some(mut fields) = top.section("schedule", "[schedule]")? else { return Ok(Schedule::default()) };
    let at = fields.at;
    let kind = fields.need("kind", "\"untimed\"")?;
    if !kind.word("kind of schedule", &[("timed", false), ("untimed", true)])? {
        fields.finish()?;
        return Ok(Schedule::Timed);
    }
    let default = Weights::default();
    let mut weight = |key, default| fields.or(key, default, |item| read_u32(item, "a weight such as 10"));
    let weights = Weights {
        deliver: weight("deliver", default.deliver)?,
        late: weight("late", default.late)?,
        elect: weight("elect", default.elect)?,
        fire: weight("fire", default.fire)?,
        write: weight("write", default.write)?,
        client: weight("client", default.client)?,
        strike: weight("strike", default.strike)?,
        relief: weight("relief", default.relief)?,
    };
    let in_flight = fields
        .or("in_flight", Schedule::IN_FLIGHT, |item| read_small(item, "a number of messages such as 64"))?;
    fields.finish()?;
    if weights
        == (Weights { deliver: 0, late: 0, elect: 0, fire: 0, write: 0, client: 0, strike: 0, relief: 0 })
    {
        return Err(Fault::new(at, "expected at least one weight of [schedule] not to be 0"));
    }
    Ok(Schedule::Untimed { weights, in_flight })
}

/// Parts per million, less than all of them.
fn read_ppm(item: &Item<'_>) -> Read<u32> {
    let what = "parts per million such as 200, less than 1000000";
    match read_u32(item, what)? {
        ppm if ppm < 1_000_000 => Ok(ppm),
        _ => Err(item.expected(what)),
    }
}

fn read_workload(top: &mut Fields<'_>) -> Read<Option<Workload>> {
    let default = Workload::default();
    let Some(mut fields) = top.section("workload", "[workload]")? else { return Ok(None) };
    let clients =
        fields.or("clients", default.clients, |item| read_small(item, "a number of clients such as 4"))?;
    let keys = fields.or("keys", default.keys, |item| read_small(item, "a number of keys such as 3"))?;
    let reads = fields.or("reads", default.reads, read_ratio)?;
    let cas = fields.or("cas", default.cas, |item| {
        let cas = read_ratio(item)?;
        if reads.exceeds_one_with(cas) {
            return Err(item.expected(&format!("at most what {} of reads leave of 100%", reads.text())));
        }
        Ok(cas)
    })?;
    let timeout = fields.or("timeout", default.timeout, read_positive_duration)?;
    let think = fields.or("think", default.think, read_range)?;
    let retries =
        fields.or("retries", default.retries, |item| read_u32(item, "a number of retries such as 3"))?;
    let words = ReadsAt::ALL.map(|at| (at.name(), at));
    let reads_at = fields.or("reads_at", default.reads_at, |item| item.word("place to read at", &words))?;
    fields.finish()?;
    Ok(Some(Workload { clients, keys, reads, cas, timeout, think, reads_at, retries }))
}

fn read_nemeses(top: &mut Fields<'_>, places: &mut Places<'_>) -> Read<Vec<Nemesis>> {
    let Some(item) = top.take("nemesis") else { return Ok(Vec::new()) };
    let mut nemeses = Vec::new();
    for (nth, item) in item.list("tables headed [[nemesis]]")?.iter().enumerate() {
        places.note(Subject::Nemesis(nth), item.at);
        nemeses.push(read_nemesis(item.fields("[[nemesis]]")?)?);
    }
    Ok(nemeses)
}

fn read_nemesis(mut fields: Fields<'_>) -> Read<Nemesis> {
    let kind = fields.need("kind", "\"partition\"")?;
    let kind = match kind.word("kind of nemesis", &nemesis_words())? {
        Word::Partition => NemesisKind::Partition { shape: fields.or("shape", Shape::Random, read_shape)? },
        Word::SwizzleClog => NemesisKind::SwizzleClog,
        Word::Hit(fault) => NemesisKind::Hit {
            fault: read_fault_value(&mut fields, fault)?,
            aim: fields.or("aim", Aim::Any, read_aim)?,
        },
        Word::Operate(operator) => NemesisKind::Operate { operator },
    };
    let when = match fields.maybe("on", read_cue)? {
        Some(cue) => match fields.take("every") {
            Some(every) => {
                let both = "a nemesis strikes every so often or on a cue, not both";
                return Err(Fault::new(every.at, both).hint("leave out `every` or `on`"));
            }
            None => When::On(cue),
        },
        None => When::Every(read_range(&fields.need("every", "\"3s..10s\"")?)?),
    };
    let lasting = read_range(&fields.need("lasting", "\"500ms..2s\"")?)?;
    fields.finish()?;
    Ok(Nemesis { kind, when, lasting })
}

/// What the word after `kind` stands for.
#[derive(Clone, Copy)]
enum Word {
    Partition,
    SwizzleClog,
    Hit(NodeFault),
    Operate(Operator),
}

fn nemesis_words() -> Vec<(&'static str, Word)> {
    let mut words = vec![("partition", Word::Partition), ("swizzle-clog", Word::SwizzleClog)];
    words.extend(NodeFault::ALL.map(|fault| (fault.name(), Word::Hit(fault))));
    words.extend(Operator::ALL.map(|operator| (operator.name(), Word::Operate(operator))));
    words
}

/// A fault by its name, with a mild value where it has one.
pub(super) fn read_fault(item: &Item<'_>) -> Read<NodeFault> {
    item.word("fault", &NodeFault::ALL.map(|fault| (fault.name(), fault)))
}

/// Reads the value that a fault has beside its name, if it is given.
pub(super) fn read_fault_value(fields: &mut Fields<'_>, fault: NodeFault) -> Read<NodeFault> {
    let mut factor = |default| fields.or("factor", default, |item| read_small(item, "a factor such as 10"));
    Ok(match fault {
        NodeFault::Slow { factor: default } => NodeFault::Slow { factor: factor(default)? },
        NodeFault::SlowDisk { factor: default } => NodeFault::SlowDisk { factor: factor(default)? },
        NodeFault::SlowLinks { factor: default } => NodeFault::SlowLinks { factor: factor(default)? },
        NodeFault::LossBurst { share } => {
            NodeFault::LossBurst { share: fields.or("share", share, read_ratio)? }
        }
        NodeFault::ClockDrift { ppm } => NodeFault::ClockDrift { ppm: fields.or("ppm", ppm, read_ppm)? },
        NodeFault::ClockJump { by } => NodeFault::ClockJump { by: fields.or("by", by, read_range)? },
        NodeFault::Crash
        | NodeFault::Reboot
        | NodeFault::Kill
        | NodeFault::Wipe
        | NodeFault::Pause
        | NodeFault::FailedWrite
        | NodeFault::FullDisk
        | NodeFault::Stall
        | NodeFault::BitRot
        | NodeFault::MisdirectedWrite
        | NodeFault::ClockFreeze => fault,
    })
}

fn read_shape(item: &Item<'_>) -> Read<Shape> {
    let words = Shape::ALL.map(|shape| (shape.name(), shape));
    item.word("shape of a partition", &words)
}

fn read_cue(item: &Item<'_>) -> Read<Cue> {
    let words = Cue::ALL.map(|cue| (cue.name(), cue));
    item.word("cue", &words)
}

fn read_aim(item: &Item<'_>) -> Read<Aim> {
    let words = Aim::ALL.map(|aim| (aim.name(), aim));
    item.word("aim", &words)
}

fn read_story(top: &mut Fields<'_>, cluster: &Cluster, places: &mut Places<'_>) -> Read<Vec<Step>> {
    let example = "steps = [ { elect = \"a\" } ]";
    let mut fields = top.need_section("story", example)?;
    let item = fields.need("steps", "[ { elect = \"a\" } ]")?;
    let list = item.list("a list of steps such as [ { elect = \"a\" } ]")?;
    if list.is_empty() {
        return Err(item.expected("at least one step such as { elect = \"a\" }"));
    }
    let mut steps = Vec::new();
    for (nth, step) in list.iter().enumerate() {
        places.note(Subject::Step(nth), step.at);
        steps.push(read_step(step, cluster)?);
    }
    refuse_unasked(&list, &steps)?;
    note_facts(&list, places);
    fields.finish()?;
    Ok(steps)
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
                return Err(Fault::unknown(item.at, "request before this step, by its name:", name, &known));
            }
            Step::Restore { name, .. } if !images.contains(&name.as_str()) => {
                return Err(Fault::unknown(
                    item.at,
                    "image of a disk before this step, by its name:",
                    name,
                    &images,
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Notes where situations are named in steps, so that a word that no protocol knows can be told with its place.
fn note_facts(list: &[Item<'_>], places: &mut Places<'_>) {
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
fn read_expectations(top: &mut Fields<'_>, cluster: &Cluster, places: &mut Places<'_>) -> Read<Expectations> {
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

/// A set of facts by name.
pub(super) fn read_facts(item: &Item<'_>) -> Read<BTreeSet<String>> {
    let names = distinct_names(item, "a list of facts such as [\"leader-changed\"]", "fact")?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

fn read_range(item: &Item<'_>) -> Read<Within> {
    item.parse(RANGE, parse_within)
}

fn read_positive_range(item: &Item<'_>) -> Read<Within> {
    let within = read_range(item)?;
    if within.min == 0 { Err(item.expected("a duration longer than 0")) } else { Ok(within) }
}

fn read_positive_duration(item: &Item<'_>) -> Read<u64> {
    match item.parse(DURATION, parse_duration)? {
        0 => Err(item.expected("a duration longer than 0")),
        time => Ok(time),
    }
}

fn read_ratio(item: &Item<'_>) -> Read<Ratio> {
    item.parse(RATIO, Ratio::parse)
}

/// A number of at least one.
pub(super) fn read_count(item: &Item<'_>, what: &str) -> Read<u64> {
    let count = item.number(what)?;
    if count == 0 { Err(item.expected(what)) } else { Ok(count) }
}

fn read_small(item: &Item<'_>, what: &str) -> Read<u32> {
    match read_u32(item, what)? {
        0 => Err(item.expected(what)),
        small => Ok(small),
    }
}

fn read_u32(item: &Item<'_>, what: &str) -> Read<u32> {
    u32::try_from(item.number(what)?).map_err(|_| item.expected(what))
}

fn ms(min: u64, max: u64) -> Within {
    Within { min: min * 1_000_000, max: max * 1_000_000 }
}
