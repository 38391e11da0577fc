//! From one inline table to one [`Step`].
//!
//! Holds: a step has exactly one verb; it names only nodes and addresses that exist, and asks for nothing that could
//! not be done in any world.
//! Not here: what is impossible only then and there, such as restarting a node that runs (`runner`).

use std::collections::BTreeMap;

use super::load_change::read_change;
use super::load_hardship::{read_fault, read_fault_value};
use super::load_nodes::{
    nodes_of, read_address, read_groups, read_links, read_node, read_nodes, read_sets, read_target, read_whom,
};
use super::read::{DURATION, Fault, Fields, Item, Read, read_count, read_facts};
use super::{
    Answered, Claim, ClientCall, ClientOutcome, Cluster, Comparison, Meanwhile, NodeClaim, OperationOutcome,
    Relation, Sessions, Step, Target, Value, nearest, parse_duration,
};
use crate::protocol::NodeId;

/// What a step can be: its verb, and how it reads.
const VERBS: [(&str, Reader); 42] = [
    ("elect", read_elect),
    ("timeout", |verb, _, cluster| Ok(Step::Timeout { node: read_node(verb, cluster)? })),
    ("heartbeat", |verb, _, cluster| Ok(Step::Heartbeat { node: read_target(verb, cluster)? })),
    ("fire", read_fire),
    ("crash", |verb, _, cluster| Ok(Step::Crash { nodes: read_whom(verb, cluster)? })),
    ("restart", |verb, _, cluster| Ok(Step::Restart { nodes: read_whom(verb, cluster)? })),
    ("wipe", |verb, fields, cluster| {
        let nodes = read_whom(verb, cluster)?;
        Ok(Step::Wipe { nodes, group: fields.maybe("group", |item| read_sets(item, cluster))? })
    }),
    ("backup", |verb, fields, cluster| {
        let node = read_node(verb, cluster)?;
        Ok(Step::Backup { node, name: read_label(&fields.need("as", "\"before\"")?)? })
    }),
    ("restore", |verb, fields, cluster| {
        let node = read_node(verb, cluster)?;
        Ok(Step::Restore { node, name: read_label(&fields.need("from", "\"before\"")?)? })
    }),
    ("partition", |verb, _, cluster| Ok(Step::Partition { groups: read_groups(verb, cluster)? })),
    ("isolate", |verb, _, cluster| Ok(Step::Isolate { nodes: read_whom(verb, cluster)? })),
    ("cut", |verb, _, cluster| Ok(Step::Cut { links: read_links(verb, cluster)? })),
    ("join", |verb, _, cluster| Ok(Step::Join { links: read_links(verb, cluster)? })),
    ("heal", |verb, _, _| verb.yes().map(|()| Step::Heal)),
    ("hold", |verb, _, cluster| Ok(Step::Hold { links: read_links(verb, cluster)? })),
    ("release", |verb, _, cluster| Ok(Step::Release { links: read_links(verb, cluster)? })),
    ("freeze", |verb, _, _| {
        let words = [("all", false), ("network", true)];
        Ok(Step::Freeze { instant_disks: verb.word("what is frozen", &words)? })
    }),
    ("deliver", read_deliver),
    ("lose", |verb, fields, cluster| {
        let (from, to) = read_link(verb, cluster)?;
        let (what, skip) = read_which(fields)?;
        Ok(Step::Lose { from, to, what, skip })
    }),
    ("exchange", |verb, _, cluster| Ok(Step::Exchange { nodes: read_whom(verb, cluster)? })),
    ("tear", read_tear),
    ("drop", |verb, _, cluster| match verb.as_str() {
        Some("all") => Ok(Step::DropAll),
        Some(_) | None => Ok(Step::Drop { links: read_links(verb, cluster)? }),
    }),
    ("stall", |verb, _, cluster| Ok(Step::Stall { nodes: read_whom(verb, cluster)? })),
    ("unstall", |verb, _, cluster| Ok(Step::Unstall { nodes: read_whom(verb, cluster)? })),
    ("finish", read_finish),
    ("write", read_write),
    ("read", read_read),
    ("cas", read_cas),
    ("retry", read_retry),
    ("open_session", read_open_session),
    ("change", read_change_step),
    ("transfer", read_transfer),
    ("answer", read_answer),
    ("snapshot", |verb, _, cluster| Ok(Step::Snapshot { node: read_target(verb, cluster)? })),
    ("address", read_move),
    ("fault", read_fault_step),
    ("end", |verb, fields, cluster| {
        Ok(Step::End {
            fault: read_fault(verb)?,
            nodes: read_whom(&fields.need("nodes", "\"a\"")?, cluster)?,
        })
    }),
    ("events", |verb, _, _| {
        Ok(Step::Events { count: read_count(verb, "a number of events such as 20000")? })
    }),
    ("run", |verb, _, _| Ok(Step::Run { time: verb.parse(DURATION, parse_duration)? })),
    ("settle", |verb, _, _| verb.yes().map(|()| Step::Settle)),
    ("converge", |verb, _, _| Ok(Step::Converge { within: verb.parse(DURATION, parse_duration)? })),
    ("expect", |verb, _, cluster| Ok(Step::Expect { claims: read_claims(verb, cluster)? })),
];

/// What a step may say beside its verb.
const BESIDE: &[(&[&str], &[&str])] = &[
    (&["elect"], &["fails"]),
    (&["fire"], &["timer"]),
    (&["deliver"], &["what", "skip", "keep"]),
    (&["lose"], &["what", "skip"]),
    (&["tear"], &["kept"]),
    (&["finish"], &["writes"]),
    (&["wipe"], &["group"]),
    (&["backup"], &["as"]),
    (&["restore"], &["from"]),
    (&["write"], &["via", "client", "as", "outcome", "wait"]),
    (&["read"], &["value", "via", "client", "as", "outcome", "wait"]),
    (&["cas"], &["from", "to", "via", "client", "as", "outcome", "wait"]),
    (&["retry"], &["via", "outcome", "wait"]),
    (&["open_session"], &["via"]),
    (&["change", "transfer"], &["via", "as", "outcome"]),
    (&["answer"], &["outcome"]),
    (&["fault"], &["nodes", "factor", "share", "ppm", "by"]),
    (&["end"], &["nodes"]),
];

/// The keys that a step with this verb may have beside it: what its schema says (`schema`).
pub(super) fn beside(verb: &str) -> &'static [&'static str] {
    BESIDE.iter().find(|(verbs, _)| verbs.contains(&verb)).map_or(&[], |(_, keys)| keys)
}

/// Reads a step from its verb's value, and from what else its table holds.
type Reader = fn(&Item<'_>, &mut Fields<'_>, &Cluster) -> Read<Step>;

const STEP: &str = "a step such as { elect = \"a\" }";
const VALUE: &str = "a value such as 1";
const INDEX: &str = "a number such as 3, \"<3\" or \">=3\"";

/// Every verb.
pub(super) fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.into_iter().map(|(verb, _)| verb)
}

/// Reads one step.
pub(super) fn read_step(item: &Item<'_>, cluster: &Cluster) -> Read<Step> {
    if !item.is_table() {
        return Err(item.expected(STEP));
    }
    read_step_of(item.fields("this step")?, &[], cluster)
}

/// Reads a step from a table of which some keys were read already.
fn read_step_of(mut fields: Fields<'_>, read_before: &[&'static str], cluster: &Cluster) -> Read<Step> {
    let (verb, read) = find_verb(&fields)?;
    let object = fields.need(verb, "…")?;
    let step = read(&object, &mut fields, cluster)?;
    let known = [read_before, beside(verb)].concat();
    debug_assert!(fields.asked_only(verb, &known), "{verb} reads a key that its schema lacks");
    fields.finish()?;
    Ok(step)
}

fn find_verb(fields: &Fields<'_>) -> Read<(&'static str, Reader)> {
    let entries = fields.entries();
    let mut verbs = entries
        .iter()
        .filter_map(|(key, at, _)| VERBS.iter().find(|(verb, _)| verb == key).map(|verb| (*at, *verb)));
    match (verbs.next(), verbs.next()) {
        (Some((_, verb)), None) => Ok(verb),
        (Some((_, (first, _))), Some((at, (second, _)))) => {
            Err(Fault::new(at, format!("expected one thing in a step, found {first} and {second}"))
                .hint("steps follow each other: write two"))
        }
        (None, _) => Err(unknown_verb(fields)),
    }
}

fn unknown_verb(fields: &Fields<'_>) -> Fault {
    let known = VERBS.map(|(verb, _)| verb);
    let entries = fields.entries();
    let likely = entries.iter().find(|(key, ..)| nearest(key, known).is_some()).or(entries.first());
    match likely {
        Some((key, at, _)) => Fault::unknown(*at, "step", key, &known),
        None => Fault::new(fields.at, format!("expected {STEP}, found an empty one")),
    }
}

fn read_elect(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let node = read_node(verb, cluster)?;
    Ok(Step::Elect { node, fails: fields.or("fails", false, Item::switch)? })
}

fn read_fire(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let node = read_target(verb, cluster)?;
    let timer = fields.need("timer", "\"stickiness\"")?.text("the name of a timer such as \"stickiness\"")?;
    Ok(Step::Fire { node, timer: timer.to_owned() })
}

fn read_fault_step(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let fault = read_fault_value(fields, read_fault(verb)?)?;
    Ok(Step::Fault { fault, nodes: read_whom(&fields.need("nodes", "\"a\"")?, cluster)? })
}

fn read_finish(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let node = read_target(verb, cluster)?;
    Ok(Step::Finish {
        node,
        writes: fields.or("writes", 1, |item| read_count(item, "a number of writes such as 1"))?,
    })
}

fn read_deliver(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let (from, to) = read_link(verb, cluster)?;
    let (what, skip) = read_which(fields)?;
    Ok(Step::Deliver { from, to, what, skip, keep: fields.or("keep", false, Item::switch)? })
}

/// The link that one message is on.
fn read_link(verb: &Item<'_>, cluster: &Cluster) -> Read<(NodeId, NodeId)> {
    let link = |text: &str| {
        let (from, to) = text.split_once(" -> ")?;
        Some((cluster.node(from)?, cluster.node(to)?))
    };
    verb.parse("a link between two nodes of the scenario such as \"a -> b\"", link)
}

/// Which of the messages on a link: what it is called, and how many older ones are left.
fn read_which(fields: &mut Fields<'_>) -> Read<(Option<String>, u64)> {
    let what =
        fields.maybe("what", |item| Ok(item.text("a message such as \"vote-request\"")?.to_owned()))?;
    Ok((what, fields.or("skip", 0, |item| read_count(item, "a number of messages such as 1"))?))
}

/// Reads what is done after an event, whatever step goes on then.
pub(super) fn read_meanwhile(item: &Item<'_>, cluster: &Cluster) -> Read<Meanwhile> {
    if !item.is_table() {
        return Err(item.expected("something done at once such as { after = 40, crash = \"a\" }"));
    }
    let mut fields = item.fields("this entry of `meanwhile`")?;
    let after = fields.need("after", "40")?.number("the number of an event such as 40")?;
    let step = read_step_of(fields, &["after"], cluster)?;
    if !step.is_instant() {
        let fault =
            Fault::new(item.at, "expected something that takes no time, since it is done between two events");
        return Err(
            fault.hint("{ timeout = \"a\" } for an election; calls and changes with outcome = \"pending\"")
        );
    }
    Ok(Meanwhile { after, step })
}

fn read_tear(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let node = read_target(verb, cluster)?;
    let kept = fields.or("kept", 1, |item| read_count(item, "a number of parts such as 1"))?;
    Ok(Step::Tear { node, kept })
}

fn read_move(verb: &Item<'_>, _: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let mut fields = verb.fields("a move such as { node = \"a\", at = \"w\" }")?;
    let node = read_node(&fields.need("node", "\"a\"")?, cluster)?;
    let at = read_address(&fields.need("at", "\"w\"")?, cluster)?;
    fields.finish()?;
    Ok(Step::Address { node, at })
}

fn read_write(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let write = |text: &str| {
        let (key, value) = text.split_once('=')?;
        Some(ClientCall::Write { key: key_in(key)?, value: number_in(value)? })
    };
    let call = verb.parse("a write such as \"x=1\"", write)?;
    read_call(call, fields, cluster)
}

fn read_read(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let key = read_key(verb)?;
    let value = fields.maybe("value", read_value)?;
    read_call(ClientCall::Read { key, value }, fields, cluster)
}

fn read_cas(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let key = read_key(verb)?;
    let from = read_value(&fields.need("from", "1")?)?;
    let to = fields.need("to", "2")?;
    let to = to.as_number().or(to.as_str().and_then(number_in)).ok_or_else(|| to.expected(VALUE))?;
    read_call(ClientCall::Cas { key, from, to }, fields, cluster)
}

fn read_call(call: ClientCall, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let via = read_via(fields, cluster)?;
    let client = fields.maybe("client", read_client)?;
    let cas = matches!(call, ClientCall::Cas { .. });
    let name = read_name_of_request(fields)?;
    let expects_value = matches!(call, ClientCall::Read { value: Some(_), .. });
    let (outcome, wait) = read_client_outcome(fields, cas, expects_value)?;
    Ok(Step::Call { call, client, name, via, outcome, wait })
}

fn read_retry(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let (client, via) = (read_client(verb)?, read_via(fields, cluster)?);
    let (outcome, wait) = read_client_outcome(fields, true, false)?;
    Ok(Step::Retry { client, via, outcome, wait })
}

fn read_open_session(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    if !matches!(cluster.sessions, Sessions::Expiring(_)) {
        return Err(Fault::new(verb.at, "sessions do not expire here, and need not be opened")
            .hint("for example: sessions = \"10s\" in [cluster]"));
    }
    Ok(Step::OpenSession { client: read_client(verb)?, via: read_via(fields, cluster)? })
}

/// What a story calls a client.
fn read_client(item: &Item<'_>) -> Read<String> {
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    item.parse("the name of a client such as \"p\"", |text| plain(text).then(|| text.to_owned()))
}

/// What a story calls a request that it may ask after, or an image of a disk.
fn read_label(item: &Item<'_>) -> Read<String> {
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_control);
    item.parse("a name such as \"w1\"", |text| plain(text).then(|| text.to_owned()))
}

fn read_name_of_request(fields: &mut Fields<'_>) -> Read<Option<String>> {
    fields.maybe("as", read_label)
}

/// What must come of a call, and whether the step waits for it: `"pending"` is to go on at once.
fn read_client_outcome(
    fields: &mut Fields<'_>,
    cas: bool,
    expects_value: bool,
) -> Read<(Option<ClientOutcome>, bool)> {
    let mut pending = false;
    let outcome = fields.maybe("outcome", |item| {
        let outcomes = ClientOutcome::ALL.map(|outcome| (outcome.name(), Some(outcome)));
        let words: Vec<_> = outcomes.into_iter().chain([("pending", None)]).collect();
        match item.word("outcome", &words)? {
            Some(ClientOutcome::Mismatch) if !cas => {
                Err(item.expected("ok, unknown, refused or pending, since nothing is compared"))
            }
            None if expects_value => {
                Err(item.expected("an outcome of the read, since its value is expected"))
            }
            None => {
                pending = true;
                Ok(None)
            }
            outcome => Ok(outcome),
        }
    })?;
    let outcome = outcome.flatten();
    let wait = fields.or("wait", !pending, |item| match item.switch()? {
        false if outcome.is_some() || expects_value => {
            Err(Fault::new(item.at, "a step that does not wait cannot expect an outcome")
                .hint("leave out `wait`, or what is expected"))
        }
        true if pending => {
            Err(Fault::new(item.at, "a step that waits for nothing is pending").hint("leave out `wait`"))
        }
        wait => Ok(wait),
    })?;
    Ok((outcome, wait))
}

fn read_key(item: &Item<'_>) -> Read<String> {
    item.parse("a key such as \"x\"", key_in)
}

/// A key: a text without `=` and blanks around it, so that a write can be told from it.
fn key_in(text: &str) -> Option<String> {
    let plain =
        !text.is_empty() && text.trim() == text && !text.contains('=') && !text.contains(char::is_control);
    plain.then(|| text.to_owned())
}

fn number_in(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn read_value(item: &Item<'_>) -> Read<Value> {
    if item.as_str() == Some("none") {
        return Ok(Value::Absent);
    }
    let number = item.as_number().or_else(|| item.as_str().and_then(number_in));
    number.map(Value::Of).ok_or_else(|| item.expected("a value such as 1, or \"none\""))
}

fn read_change_step(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let is_forced = |kind: &(&str, usize, Item<'_>)| kind.0 == "force_members";
    if verb.is_table() && verb.fields("a change")?.entries().iter().any(is_forced) {
        return read_force(verb, fields, cluster);
    }
    let change = read_change(verb, cluster)?;
    let name = read_name_of_request(fields)?;
    Ok(Step::Change { change, name, via: read_via(fields, cluster)?, outcome: read_outcome(fields)? })
}

/// Nobody is asked for a forced membership: it is written on a disk, and done.
fn read_force(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let mut change = verb.fields("a forced membership such as { force_members = [\"a\"] }")?;
    let members = read_nodes(&change.need("force_members", "[\"a\"]")?, cluster)?;
    change.finish()?;
    Ok(Step::ForceMembers { node: read_via(fields, cluster)?, members })
}

fn read_transfer(verb: &Item<'_>, fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Step> {
    let (to, name) = (read_node(verb, cluster)?, read_name_of_request(fields)?);
    Ok(Step::Transfer { to, name, via: read_via(fields, cluster)?, outcome: read_outcome(fields)? })
}

fn read_answer(verb: &Item<'_>, fields: &mut Fields<'_>, _: &Cluster) -> Read<Step> {
    let name = read_label(verb)?;
    let expected = fields.maybe("outcome", |item| {
        let word = item.as_str().unwrap_or_default();
        let of_client = ClientOutcome::ALL.into_iter().find(|outcome| outcome.name() == word);
        match of_client {
            Some(outcome) => Ok(Answered::Client(outcome)),
            None => read_operation_outcome(item).map(Answered::Operation),
        }
    })?;
    Ok(Step::Answer { name, expected })
}

fn read_outcome(fields: &mut Fields<'_>) -> Read<OperationOutcome> {
    fields.or("outcome", OperationOutcome::Done, read_operation_outcome)
}

fn read_operation_outcome(item: &Item<'_>) -> Read<OperationOutcome> {
    let kebab =
        |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_lowercase() || b"-".contains(&c));
    match item.as_str() {
        Some("done") => Ok(OperationOutcome::Done),
        Some("pending") => Ok(OperationOutcome::Pending),
        Some(word) if kebab(word) => Ok(OperationOutcome::Refused(word.to_owned())),
        _ => Err(item.expected("done, pending, or the name of a refusal such as not-leader")),
    }
}

fn read_via(fields: &mut Fields<'_>, cluster: &Cluster) -> Read<Target> {
    fields.or("via", Target::Leader, |item| read_target(item, cluster))
}

fn read_claims(item: &Item<'_>, cluster: &Cluster) -> Read<Vec<Claim>> {
    let mut fields = item.fields("an expectation such as { node = \"a\", commit = 3 }")?;
    let leaders = fields.maybe("leaders", |item| nodes_of(item, cluster))?.map(Claim::Leaders);
    let seen = fields.maybe("seen", read_facts)?.map(Claim::Seen);
    let never = fields.maybe("never", read_facts)?.map(Claim::Never);
    let nodes = fields.maybe("node", |item| read_whom(item, cluster))?;
    let nodes = nodes
        .map(|nodes| read_node_claim(&mut fields, cluster).map(|claim| Claim::Nodes { nodes, claim }))
        .transpose()?;
    let needs_node = nodes.is_none() && fields.entries().iter().any(|(key, ..)| NODE_CLAIMS.contains(key));
    if needs_node {
        return Err(Fault::new(fields.at, "expected to be told of which node")
            .hint("for example: { node = \"a\", commit = 3 }"));
    }
    let at = fields.at;
    fields.finish()?;
    let claims: Vec<Claim> = [leaders, seen, never, nodes].into_iter().flatten().collect();
    if claims.is_empty() {
        Err(Fault::new(at, "expected at least one expectation, found none"))
    } else {
        Ok(claims)
    }
}

const NODE_CLAIMS: [&str; 10] =
    ["running", "role", "term", "commit", "applied", "last", "log", "voters", "learners", "machine"];

fn read_node_claim(fields: &mut Fields<'_>, cluster: &Cluster) -> Read<NodeClaim> {
    let claim = NodeClaim {
        running: fields.maybe("running", Item::switch)?,
        role: fields.maybe("role", |item| Ok(item.text("a role such as \"leader\"")?.to_owned()))?,
        term: fields.maybe("term", read_comparison)?,
        commit: fields.maybe("commit", read_comparison)?,
        applied: fields.maybe("applied", read_comparison)?,
        last: fields.maybe("last", read_comparison)?,
        log: fields.maybe("log", |item| {
            item.list("the terms of a log such as [1, 1, 2]")?
                .iter()
                .map(|term| term.number("a term such as 1"))
                .collect()
        })?,
        voters: fields.maybe("voters", |item| read_sets(item, cluster))?,
        learners: fields.maybe("learners", |item| nodes_of(item, cluster))?,
        machine: fields.or("machine", BTreeMap::new(), read_machine)?,
    };
    if claim == NodeClaim::default() {
        let known = NODE_CLAIMS.join(", ");
        return Err(Fault::new(fields.at, "expected something of the node").hint(format!("one of: {known}")));
    }
    Ok(claim)
}

fn read_machine(item: &Item<'_>) -> Read<BTreeMap<String, Value>> {
    let what = "what the machine holds, such as { x = 1 }";
    let mut machine = BTreeMap::new();
    for (key, at, value) in item.fields(what)?.entries() {
        let key =
            key_in(key).ok_or_else(|| Fault::new(at, format!("expected a key such as x, found {key:?}")))?;
        machine.insert(key, read_value(&value)?);
    }
    if machine.is_empty() { Err(item.expected(what)) } else { Ok(machine) }
}

fn read_comparison(item: &Item<'_>) -> Read<Comparison> {
    if let Some(bound) = item.as_number() {
        return Ok(Comparison { relation: Relation::Equal, bound });
    }
    item.parse(INDEX, |text| {
        let relations = [(">=", Relation::AtLeast), ("<", Relation::Below)];
        let mut read = relations.into_iter().filter_map(|(sign, relation)| {
            Some(Comparison { relation, bound: number_in(text.strip_prefix(sign)?.trim())? })
        });
        read.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_verb_is_of_a_verb_that_there_is() {
        for verb in BESIDE.iter().flat_map(|(verbs, _)| verbs.iter()) {
            assert!(verbs().any(|known| known == *verb), "{verb}");
        }
    }
}
